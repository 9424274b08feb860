/** ZeroMQ sockets as they are, with waits that always end. */
import { native } from './addon';
import { type Context, defaultContext } from './context';
import type { WaitOptions } from './deadline';
import { type Waiting, awaiting, resting } from './environment';
import { call } from './errors';
import { Inbox, type Take } from './inbox';
import { messages as messagesIn } from './iterate';
import type { MessageLike } from './message';
import { Monitor } from './monitor';
import type { SocketOptions } from './options';
import { Outbox, messagesOf } from './outbox';
import { PackedBatch } from './packed';
import { type SocketStats, statsOf } from './stats';

/** A ZeroMQ socket type. */
export type SocketType =
  | 'pair' | 'pub' | 'sub' | 'req' | 'rep' | 'dealer' | 'router' | 'pull' | 'push' | 'xpub' | 'xsub' | 'stream';

/** How a batch is received. */
export interface BatchOptions extends WaitOptions {
  /** The most messages in a batch. Default: as many as are there, at most 4096. */
  max?: number | undefined;
}

/** What one call into the addon may bring. */
const MESSAGES = 4096;
const BYTES = 256 * 1024;

type TakeMessage<T> = Take<PackedBatch, T>;
const single: TakeMessage<Buffer> = (batch) => batch.takeSingle();
const multipart: TakeMessage<Buffer[]> = (batch) => batch.takeMultipart();
const text: TakeMessage<string> = (batch) => batch.takeText();
const many = (most = Number.POSITIVE_INFINITY): TakeMessage<Buffer[]> => (batch) => batch.takeSingles(most);
const manyMultipart = (most = Number.POSITIVE_INFINITY): TakeMessage<Buffer[][]> => (batch) =>
  batch.takeMultiparts(most);

/**
 * A socket. What it sends is handed over to ZeroMQ, which delivers it unless the connection or the peer dies first.
 *
 * It receives ahead into a bounded inbox, so its connections are served while the program is busy. Every error is a
 * `ZpatternsError`. The process stays alive while a call waits, and no longer.
 */
export class Socket implements AsyncIterable<Buffer>, AsyncDisposable, Disposable {
  /** @internal */
  readonly native: InstanceType<typeof native.Socket>;
  readonly #inbox: Inbox<PackedBatch>;
  readonly #outbox: Outbox;
  readonly #waiting: Waiting;
  readonly #id: number;
  readonly #linger: number;
  #closing: Promise<void> | undefined;
  #untaken = 0;
  /** The counters of core when it closed. */
  #last: Record<string, number> | undefined;

  /** Opens a socket. `InvalidArgument` for a type or an option that does not exist or is out of range. */
  constructor(type: SocketType, options: SocketOptions & { context?: Context | undefined } = {}) {
    const { context = defaultContext(), ...rest } = options;
    this.native = call(() => new native.Socket(context.native, type, rest));
    this.#id = this.native.id;
    this.#linger = rest.linger ?? 5000;
    const settle = () => this.#settle();
    this.#inbox = new Inbox(() => {
      // Who asks for messages has paused sending, and may be waiting for the answer.
      this.#outbox.hand();
      const packed = this.native.drain(MESSAGES, BYTES);
      return packed === null ? undefined : new PackedBatch(packed);
    }, settle);
    this.#outbox = new Outbox(this.native, settle);
    this.#waiting = { noticed: () => this.#noticed() };
  }

  /** The type. */
  get type(): SocketType {
    return this.native.kind as SocketType;
  }

  /** Whether the socket was closed. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** Binds to an endpoint and returns it as it became, with the port that the system chose for port 0. */
  bind(endpoint: string): string {
    return call(() => this.native.bind(endpoint));
  }

  /** Connects to an endpoint, in the background, again after each failure. */
  connect(endpoint: string): void {
    call(() => this.native.connect(endpoint));
  }

  /** Stops listening on an endpoint, given as `bind` returned it. Connections already made stay. */
  unbind(endpoint: string): void {
    call(() => this.native.unbind(endpoint));
  }

  /** Ends a connection, given as it was to `connect`. */
  disconnect(endpoint: string): void {
    this.#outbox.hand();
    call(() => this.native.disconnect(endpoint));
  }

  /** SUB: receive messages whose first frame starts with `prefix`. */
  subscribe(prefix: Uint8Array | string): void {
    call(() => this.native.subscribe(prefix));
  }

  /** SUB: take back one `subscribe` with the same prefix. */
  unsubscribe(prefix: Uint8Array | string): void {
    call(() => this.native.unsubscribe(prefix));
  }

  /**
   * Sends a message: one frame, or several in an array; text goes as UTF-8.
   *
   * Without options, a message of frames below 8 KiB is copied and handed over with others, at the latest when the
   * program next pauses; the promise is resolved at once while there is room, and waits for it otherwise. If such a
   * message is refused afterwards, which only a closed context does, a process warning says so and the next `flush`
   * fails. Larger messages, and all that a REQ, REP, ROUTER or STREAM sends, are handed over before the promise
   * resolves. With options so is every message. A buffer may be used again once the promise has resolved.
   *
   * `Full` (with `timeout: 0`) or `Timeout` if there was no room, `Unreachable` if the peer addressed on a ROUTER is
   * not connected, `TooLarge` above `maxMessageSize`, `Unsupported` on a socket that cannot send.
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
   * Receives a message of one frame. If the next has several, that is `Unsupported`, and the message stays first in
   * line. Any number of receives may wait at a time. Small messages are views into their batch's memory: copy what is
   * kept for long.
   */
  receive(options?: WaitOptions): Promise<Buffer> {
    return this.#inbox.receive(single, options);
  }

  /** Receives a message as its frames. */
  receiveMultipart(options?: WaitOptions): Promise<Buffer[]> {
    return this.#inbox.receive(multipart, options);
  }

  /** Receives a message of one frame as text. `InvalidText` if it is not UTF-8, and then it stays first in line. */
  receiveText(options?: WaitOptions): Promise<string> {
    return this.#inbox.receive(text, options);
  }

  /** Receives messages of one frame: waits for one and takes those behind it that are there. */
  receiveMany(options: BatchOptions = {}): Promise<Buffer[]> {
    return this.#inbox.receive(many(options.max), options);
  }

  /** As {@link receiveMany}, each message as its frames. */
  receiveManyMultipart(options: BatchOptions = {}): Promise<Buffer[][]> {
    return this.#inbox.receive(manyMultipart(options.max), options);
  }

  /** Messages of one frame, until the socket closes. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer> {
    return messagesIn(this.#inbox, single);
  }

  /** Messages of one frame, in the batches in which they arrive, until the socket closes. */
  batches(options: { max?: number; signal?: AbortSignal } = {}): AsyncIterableIterator<Buffer[]> {
    return messagesIn(this.#inbox, many(options.max), options.signal);
  }

  /** Messages as their frames, until the socket closes. */
  multipart(options: { signal?: AbortSignal } = {}): AsyncIterableIterator<Buffer[]> {
    return messagesIn(this.#inbox, multipart, options.signal);
  }

  /** Messages as their frames, in the batches in which they arrive, until the socket closes. */
  multipartBatches(options: { max?: number; signal?: AbortSignal } = {}): AsyncIterableIterator<Buffer[][]> {
    return messagesIn(this.#inbox, manyMultipart(options.max), options.signal);
  }

  /** Watches the connections of this socket from now on. A socket has one monitor; a new one takes over. */
  monitor(): Monitor {
    return new Monitor(this.native);
  }

  /** Counters since the socket was opened, and what it holds now. */
  stats(): SocketStats {
    const { messages, bytes } = this.#inbox.buffered;
    return statsOf(this.#last ?? call(() => this.native.stats()), { messages, bytes, untaken: this.#untaken }, this.#outbox);
  }

  /**
   * Closes. Messages not yet handed over wait for room, and those not yet sent survive, for `linger` milliseconds each
   * (default: the option of that name). Every wait ends with `Closed`. Fails if an accepted message is lost, with the
   * error that a `flush` would have had, and then a process warning tells of it, too. The socket is closed in any case; closing twice is
   * fine.
   */
  close(options: { linger?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.linger);
    return this.#closing;
  }

  /** As {@link close}: `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Closes without waiting for room: `using`. What is not handed over by then is lost, with a process warning. */
  [Symbol.dispose](): void {
    if (this.#closing !== undefined) return;
    this.#closing = Promise.resolve();
    this.#outbox.leave();
    this.#end();
  }

  async #close(linger = this.#linger): Promise<void> {
    try {
      this.#untaken += this.#inbox.close();
      await this.#outbox.flush({ timeout: linger });
    } finally {
      this.#end(linger);
    }
  }

  #end(linger?: number): void {
    this.#untaken += this.#inbox.close();
    this.#outbox.close();
    this.#last = this.native.close(linger) ?? undefined;
    resting(this.#id);
  }

  #noticed(): void {
    this.#outbox.noticed();
    this.#inbox.noticed();
  }

  #settle(): void {
    if (this.#inbox.waiting || this.#outbox.blocked) awaiting(this.#id, this.#waiting);
    else resting(this.#id);
  }
}
