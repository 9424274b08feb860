/** A multicast bus: what one says, all hear. */
import { native } from '../addon';
import { defaultContext } from '../context';
import type { WaitOptions } from '../deadline';
import { type Waiting, awaiting, resting } from '../environment';
import { call } from '../errors';
import { Inbox, type Take } from '../inbox';
import { messages as messagesIn } from '../iterate';
import type { MessageLike } from '../message';
import { Outbox, messagesOf } from '../outbox';
import type { BatchOptions } from '../socket';
import type { BusCounters, BusPeer } from './counters';
import { type BusEvent, Events } from './event';
import { type BusOptions, prefixesOf } from './options';

const take: Take<Events, BusEvent> = (events) => events.take();
const takeMany = (most = Number.POSITIVE_INFINITY): Take<Events, BusEvent[]> => (events) => events.takeMany(most);

/**
 * A place on a multicast bus. What it sends leaves once, whatever the number of those who listen; who missed something
 * asks for it, and hears it again. It is reliable as far as the sender remembers, which is its `window`: beyond that,
 * a `missed` stands where something is missing, and never silence, a repetition, or half a message.
 *
 * ```js
 * const bus = new Bus('epgm://eth0;239.192.1.1:5670', { subscribe: 'weather' });
 * await bus.send(['weather', 'sunny']);
 * for await (const event of bus) if (event.type === 'message') console.log(event.peer, String(event.frames[1]));
 * ```
 *
 * Nobody can hold a group back: what a program does not take in time is dropped, and a `dropped` says how much. The
 * process stays alive while a call waits, and no longer.
 */
export class Bus implements AsyncIterable<BusEvent>, AsyncDisposable, Disposable {
  readonly #native: InstanceType<typeof native.Bus>;
  readonly #inbox: Inbox<Events>;
  readonly #outbox: Outbox;
  readonly #waiting: Waiting;
  readonly #linger: number;
  #closing: Promise<void> | undefined;
  /** Who waits until it has left. */
  #left: (() => void) | undefined;

  /**
   * Takes part in the bus at `epgm://INTERFACE;GROUP:PORT`. The interface is a name, an address or a network of this
   * machine, and may be left out. `InvalidEndpoint` if the endpoint cannot be read, `AddressNotAvailable` if there is
   * no such interface or it has no multicast, `InvalidArgument` for an option that is wrong.
   */
  constructor(endpoint: string, options: BusOptions = {}) {
    const { context = defaultContext(), subscribe, ...rest } = options;
    const bus = call(() => new native.Bus(context.native, endpoint, prefixesOf(subscribe), rest));
    const settle = () => this.#settle();
    const drain = () => {
      // Who asks for messages has paused sending, and may be waiting for the answer.
      this.#outbox.hand();
      const block = bus.drain();
      return block === null ? undefined : new Events(block);
    };
    this.#native = bus;
    this.#linger = bus.linger;
    this.#inbox = new Inbox(drain, settle, 'bus');
    this.#outbox = new Outbox(bus, settle, 'bus');
    this.#waiting = { noticed: () => this.#noticed() };
  }

  /** The address of this machine where the bus is. */
  get interface(): string {
    return this.#native.interface;
  }

  /** Whether the bus was closed. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * From now on messages whose first frame begins with `prefix` are received; with an empty one, all. A bus hears others from its
   * first subscription on.
   */
  subscribe(prefix: Uint8Array | string): void {
    call(() => this.#native.subscribe(prefix));
  }

  /** Undoes a {@link subscribe}. `NotFound` if there was none of this prefix. */
  unsubscribe(prefix: Uint8Array | string): void {
    call(() => this.#native.unsubscribe(prefix));
  }

  /**
   * From now on this fraction of the datagrams that arrive, from 0 to 1, is thrown away at random before anything looks
   * at them: to try what a program does. 0 ends it. `InvalidArgument` for any other number.
   */
  injectLoss(fraction: number): void {
    call(() => this.#native.injectLoss(fraction));
  }

  /**
   * Sends a message to all who are on the bus now: one frame, or several in an array; text goes as UTF-8. It is handed
   * over: who hears it, nobody says. As on a socket, small messages leave together, at the latest when the program
   * pauses, and the promise waits only while there is no room.
   *
   * `Full` (with `timeout: 0`) or `Timeout` if there was no room in time; `InvalidArgument` if there is no frame.
   */
  send(message: MessageLike, options?: WaitOptions): Promise<void> {
    return this.#outbox.send(message, options);
  }

  /**
   * Sends messages, in order, and resolves when all are handed over. An error's context says how many were `accepted`
   * before it.
   */
  async sendMany(messages: Iterable<MessageLike>, options?: WaitOptions): Promise<void> {
    await this.#outbox.sendMany(messagesOf(messages), options);
  }

  /** Resolves when everything sent before it is handed over. */
  flush(options?: WaitOptions): Promise<void> {
    return this.#outbox.flush(options);
  }

  /**
   * Receives the next message or event. Any number of receives may wait at a time. Small frames are views into their
   * batch's memory: copy what is kept for long.
   */
  receive(options?: WaitOptions): Promise<BusEvent> {
    return this.#inbox.receive(take, options);
  }

  /** Receives messages and events: waits for one and takes those behind it that are there. */
  receiveMany(options: BatchOptions = {}): Promise<BusEvent[]> {
    return this.#inbox.receive(takeMany(options.max), options);
  }

  /** Messages and events, until the bus closes. */
  [Symbol.asyncIterator](): AsyncIterableIterator<BusEvent> {
    return messagesIn(this.#inbox, take);
  }

  /** Messages and events, in the batches in which they arrive, until the bus closes. */
  batches(options: { max?: number; signal?: AbortSignal } = {}): AsyncIterableIterator<BusEvent[]> {
    return messagesIn(this.#inbox, takeMany(options.max), options.signal);
  }

  /** What it did so far; once {@link close} has resolved, the last. */
  counters(): BusCounters {
    this.#outbox.hand();
    return call(() => this.#native.counters());
  }

  /** Who is heard now, and what became of what they sent. */
  peers(): BusPeer[] {
    return call(() => this.#native.peers());
  }

  /**
   * Leaves the bus: resolves when what is to be sent has left and what is asked for is repeated, after at most `linger`
   * milliseconds for each (default: the option of that name). Every wait ends with `Closed`. Fails if an accepted
   * message is lost. The bus is closed in any case; closing twice is fine.
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
