/** Who publishes, and decides who may hear it. */
import { native } from '../addon';
import { defaultContext } from '../context';
import type { WaitOptions } from '../deadline';
import { type Waiting, awaiting, resting } from '../environment';
import { call } from '../errors';
import { Inbox, List } from '../inbox';
import { messages as messagesIn } from '../iterate';
import type { Data, MessageLike } from '../message';
import { Outbox } from '../outbox';
import type { PublisherCounters, SubscriberInfo } from './counters';
import type { PublisherEvent } from './news';
import { type PublisherOptions, type Rules, gatherOf, patternsOf, streamsOf } from './options';

const take = (events: List<PublisherEvent>): PublisherEvent => events.take();

/** A publication as it crosses: its subject is the first frame. */
const publication = (subject: Data, frames: MessageLike): readonly Data[] =>
  Array.isArray(frames) ? [subject, ...frames] : [subject, frames as Data];

/**
 * Publishes to its subscribers, of whom it knows who they are and what they have: each gets what it asked for and may
 * hear, or is told what it missed. Who is slow is waited for, loses the oldest, or is sent away, as it chose.
 *
 * ```js
 * const publisher = new Publisher('tcp://127.0.0.1:5555');
 * await publisher.publish('ticks.eur.usd', '1.0842');
 * await publisher.close();
 * ```
 *
 * The process stays alive while a call waits, and no longer.
 */
export class Publisher implements AsyncIterable<PublisherEvent>, AsyncDisposable, Disposable {
  readonly #native: InstanceType<typeof native.Publisher>;
  readonly #endpoints: readonly (string | null | undefined)[];
  readonly #inbox: Inbox<List<PublisherEvent>>;
  readonly #outbox: Outbox;
  readonly #waiting: Waiting;
  readonly #linger: number;
  #closing: Promise<void> | undefined;
  /** Who waits until it has closed. */
  #left: (() => void) | undefined;

  /**
   * A publisher to which subscribers connect at this endpoint. `AddressInUse`, ... if it cannot be bound, `InvalidEndpoint`
   * if it cannot be read, `InvalidArgument` for an option that is wrong.
   */
  constructor(endpoint: string, options: PublisherOptions = {}) {
    const { context = defaultContext(), streams: given, gather, ...rest } = options;
    const [streams, subjects] = streamsOf(given);
    const wait = gatherOf(gather);
    const publisher = call(() => new native.Publisher(context.native, endpoint, streams, subjects, wait, rest));
    const settle = () => this.#settle();
    const drain = () => {
      // Who asks for news has paused publishing, and may be waiting for what comes of it.
      this.#outbox.hand();
      return List.of(publisher.takeNews() as PublisherEvent[]);
    };
    this.#native = publisher;
    this.#endpoints = publisher.endpoints;
    this.#linger = publisher.linger;
    this.#inbox = new Inbox(drain, settle, 'publisher');
    this.#outbox = new Outbox(publisher, settle, 'publisher');
    this.#waiting = { noticed: () => this.#noticed() };
  }

  /** Where subscribers connect, with the port that the system chose. */
  get endpoint(): string {
    return this.#endpoints[0] as string;
  }

  /** Where the shared path is, if there is one. Subscribers are told. */
  get sharedEndpoint(): string | undefined {
    return this.#endpoints[1] ?? undefined;
  }

  /** Where plain SUB sockets connect, if they may. */
  get plainEndpoint(): string | undefined {
    return this.#endpoints[2] ?? undefined;
  }

  /** Whether the publisher was closed. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * Publishes one frame, or several in an array; text goes as UTF-8. From then on each subscriber gets it, or is told. As on
   * a socket, small ones leave together, at the latest when the program pauses, and the promise waits only while there is no
   * room: somebody who is waited for is slow, or publications take all memory.
   *
   * `Full` (with `timeout: 0`) or `Timeout` if there was no room in time. `InvalidArgument` if the subject is none,
   * `NotFound` if no stream has it, `TooLarge` beyond `maxSize` or 255 frames: of what had left already, the next
   * {@link flush} or {@link close} says it, and a process warning at once.
   */
  publish(subject: Data, frames: MessageLike = [], options?: WaitOptions): Promise<void> {
    return this.#outbox.send(publication(subject, frames), options);
  }

  /**
   * Publishes subjects with their frames, in order, and resolves when all are taken. An error's context says how many were
   * `accepted` before it.
   */
  async publishMany(all: Iterable<readonly [subject: Data, frames: MessageLike]>, options?: WaitOptions): Promise<void> {
    await this.#outbox.sendMany(Array.from(all, ([subject, frames]) => publication(subject, frames)), options);
  }

  /** Resolves when everything published before it is taken. */
  flush(options?: WaitOptions): Promise<void> {
    return this.#outbox.flush(options);
  }

  /**
   * What happened next: somebody wants to be let in, with the option `ask`; a subscriber came or went, with `news`.
   * `Closed` when the publisher has ended.
   */
  next(options?: WaitOptions): Promise<PublisherEvent> {
    return this.#inbox.receive(take, options);
  }

  /** What happens, until the publisher is closed. */
  [Symbol.asyncIterator](): AsyncIterableIterator<PublisherEvent> {
    return messagesIn(this.#inbox, take);
  }

  /** Lets somebody in, as this user, who may hear this. If the question is not open any more, nothing happens. */
  admit(ask: number, user: Data, rules: Rules = {}): void {
    const [allow, deny] = this.#rules(rules);
    call(() => this.#native.admit(ask, user, allow, deny));
  }

  /** Does not let somebody in, and says why. */
  refuse(ask: number, text: string): void {
    call(() => this.#native.refuse(ask, text));
  }

  /**
   * From now on this is who may hear what, in ZPL, also instead of {@link setRules}. What is not allowed any more does not
   * leave after this, and who is no user any more is sent away. `InvalidArgument` if it cannot be read.
   */
  setEntitlements(text: Data): void {
    this.#outbox.hand();
    call(() => this.#native.setEntitlements(text));
  }

  /**
   * From now on this user may hear that, also when it comes back; where the program is asked, it is then asked again. What
   * is not allowed any more does not leave after this.
   */
  setRules(user: Data, rules: Rules): void {
    const [allow, deny] = this.#rules(rules);
    this.#outbox.hand();
    call(() => this.#native.setRules(user, allow, deny));
  }

  /**
   * Opens an endpoint where plain SUB sockets hear what this user may, of all streams: the subject, and the frames; returns
   * where it is, with the port that the system chose. Its rules are those of {@link setRules}, or else what entitlements
   * say, and what they do not allow any more is not handed over after they changed.
   *
   * Whoever the publisher's security lets in may connect there, and not only this user. Nobody acknowledges: who is slow or
   * away misses some of it, nobody is told, and `handedOver` of the {@link counters} is all that is known.
   *
   * `PermissionDenied` if no rule allows this user anything, `Full` beyond `maxPlain`, or why it cannot be bound.
   */
  openPlain(user: Data, endpoint: string): string {
    this.#outbox.hand();
    return call(() => this.#native.openPlain(user, endpoint));
  }

  /** Closes what {@link openPlain} opened, by what that returned; its port is free a moment later. `NotFound`. */
  closePlain(endpoint: string): void {
    this.#outbox.hand();
    call(() => this.#native.closePlain(endpoint));
  }

  /** Forgets a subscriber, by its identity, and what is for it; if it is connected it is told why. */
  expel(identity: Data, text: string): void {
    this.#outbox.hand();
    call(() => this.#native.expel(identity, text));
  }

  /** What it did so far, and what became of it; once {@link close} has resolved, the last. */
  counters(): PublisherCounters {
    this.#outbox.hand();
    return call(() => this.#native.counters());
  }

  /** Who is known, in the order of their identities, and what became of the publications for each. */
  subscribers(): SubscriberInfo[] {
    this.#outbox.hand();
    return call(() => this.#native.subscribers());
  }

  /**
   * Closes: resolves when what is for connected subscribers has arrived, after at most `linger` milliseconds (default: the
   * option of that name), and says goodbye. Every wait ends with `Closed`. Fails if an accepted publication could not be
   * handed over. The publisher is closed in any case; closing twice is fine.
   */
  close(options: { linger?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.linger);
    return this.#closing;
  }

  /** As {@link close}: `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Closes without waiting: `using`. What there is no room for by then is lost, with a process warning. */
  [Symbol.dispose](): void {
    if (this.#closing !== undefined) return;
    this.#closing = Promise.resolve();
    this.#outbox.leave();
    this.#end();
    resting(this.#native.id);
  }

  async #close(linger = this.#linger): Promise<void> {
    const left = new Promise<void>((resolve) => (this.#left = resolve));
    try {
      this.#inbox.close();
      await this.#outbox.flush({ timeout: linger });
    } finally {
      this.#end(linger);
      this.#settle();
      await left;
    }
  }

  #end(linger?: number): void {
    this.#inbox.close();
    this.#outbox.close();
    this.#native.close(linger);
  }

  #rules({ allow, deny }: Rules): [string[], string[]] {
    return [patternsOf(allow, 'allow'), patternsOf(deny, 'deny')];
  }

  #noticed(): void {
    this.#outbox.noticed();
    this.#inbox.noticed();
    if (this.#native.hasLeft()) {
      this.#left?.();
      this.#left = undefined;
      this.#settle();
    }
  }

  #settle(): void {
    const { id } = this.#native;
    if (this.#inbox.waiting || this.#outbox.blocked || this.#left !== undefined) awaiting(id, this.#waiting);
    else resting(id);
  }
}
