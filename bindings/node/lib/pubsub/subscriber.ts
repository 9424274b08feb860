/** Who wants to hear something. */
import { native } from '../addon';
import { defaultContext } from '../context';
import type { WaitOptions } from '../deadline';
import { type Waiting, awaiting, resting } from '../environment';
import { call, invalid } from '../errors';
import { Inbox, type Take } from '../inbox';
import { messages as messagesIn } from '../iterate';
import type { BatchOptions } from '../socket';
import type { SubscriberCounters, ViewInfo } from './counters';
import { Events, type SubscriberEvent, type Subscription } from './event';
import type { PrefixSubscription, SubscriberOptions, SubscriptionOptions } from './options';

const take: Take<Events, SubscriberEvent> = (events) => events.take();
const takeMany = (most = Number.POSITIVE_INFINITY): Take<Events, SubscriberEvent[]> => (events) => events.takeMany(most);

/**
 * Hears what it asks for, and nothing is missed in silence: a `missed` stands where something is missing, and says why.
 *
 * ```js
 * const subscriber = new Subscriber('tcp://127.0.0.1:5555', { user: 'alice', password: 'secret' });
 * subscriber.subscribe('ticks.>');
 * for await (const event of subscriber) {
 *   if (event.kind === 'message') console.log(event.subject, String(event.frames[0]));
 * }
 * ```
 *
 * Publications cross into JavaScript in batches; those of a batch count as taken when the program comes for more. The
 * process stays alive while a call waits, and no longer.
 */
export class Subscriber implements AsyncIterable<SubscriberEvent>, AsyncDisposable, Disposable {
  readonly #native: InstanceType<typeof native.Subscriber>;
  readonly #inbox: Inbox<Events>;
  readonly #waiting: Waiting;
  #closed = false;

  /**
   * A subscriber of the publisher at this endpoint. It connects in the background. `InvalidEndpoint` if an endpoint cannot
   * be read, `AddressInUse`, ... if its own cannot be bound, `InvalidArgument` for an option that is wrong.
   */
  constructor(publisher: string, options: SubscriberOptions = {}) {
    const { context = defaultContext(), ...rest } = options;
    const subscriber = call(() => new native.Subscriber(context.native, publisher, rest));
    const drain = () => {
      const block = subscriber.drain();
      return block === null ? undefined : new Events(block);
    };
    this.#native = subscriber;
    this.#inbox = new Inbox(drain, () => this.#settle(), 'subscriber');
    this.#waiting = { noticed: () => this.#inbox.noticed() };
  }

  /** The endpoint that it has bound, if it has one, with the port that the system chose. */
  get endpoint(): string | undefined {
    return this.#native.endpoint ?? undefined;
  }

  /** Whether the subscriber was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Asks for the subjects of a pattern, or with `{ prefix }` for those that begin with it. A `subscribed` with the number
   * that this returns comes before the first of it, or a `rejected`.
   */
  subscribe(pattern: string, options?: SubscriptionOptions): Subscription;
  subscribe(prefix: PrefixSubscription): Subscription;
  subscribe(wanted: string | PrefixSubscription, options: SubscriptionOptions = {}): Subscription {
    if (typeof wanted === 'string') return call(() => this.#native.subscribe(wanted, false, options));
    const { prefix, ...rest } = wanted ?? {};
    if (typeof prefix === 'string' || prefix instanceof Uint8Array) {
      return call(() => this.#native.subscribe(prefix, true, rest));
    }
    throw invalid('a subscription has a pattern, or a prefix', { option: 'prefix' });
  }

  /** Wants that no more. What is here of it already still comes. */
  unsubscribe(subscription: Subscription): void {
    call(() => this.#native.unsubscribe(subscription));
  }

  /**
   * Receives the next publication or event. Any number of receives may wait at a time. Small frames are views into their
   * batch's memory: copy what is kept for long.
   *
   * `PermissionDenied` or `Full` if the publisher has refused this subscriber or sent it away, or it has ended because its
   * program is late: after all that came before, and again with every call.
   */
  receive(options?: WaitOptions): Promise<SubscriberEvent> {
    return this.#inbox.receive(take, options);
  }

  /** Receives publications and events: waits for one and takes those behind it that are there. */
  receiveMany(options: BatchOptions = {}): Promise<SubscriberEvent[]> {
    return this.#inbox.receive(takeMany(options.max), options);
  }

  /** Publications and events, until the subscriber closes. */
  [Symbol.asyncIterator](): AsyncIterableIterator<SubscriberEvent> {
    return messagesIn(this.#inbox, take);
  }

  /** Publications and events, in the batches in which they arrive, until the subscriber closes. */
  batches(options: { max?: number; signal?: AbortSignal } = {}): AsyncIterableIterator<SubscriberEvent[]> {
    return messagesIn(this.#inbox, takeMany(options.max), options.signal);
  }

  /** What it got so far. */
  counters(): SubscriberCounters {
    return call(() => this.#native.counters());
  }

  /** How far each subscription is, by stream. */
  views(): ViewInfo[] {
    return call(() => this.#native.views());
  }

  /** Says goodbye. Every wait ends with `Closed`; what is here and not taken is dropped. Twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#inbox.close();
    this.#native.close();
    resting(this.#native.id);
  }

  /** As {@link close}: `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** As {@link close}: `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #settle(): void {
    if (this.#inbox.waiting) awaiting(this.#native.id, this.#waiting);
    else resting(this.#native.id);
  }
}
