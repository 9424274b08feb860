/** What happens to the connections of a socket. */
import { native } from './addon';
import type { WaitOptions } from './deadline';
import { awaiting, resting } from './environment';
import { call } from './errors';
import { Inbox, List } from './inbox';
import { messages } from './iterate';
import type { Socket as NativeSocket } from './native';

/** Kinds of events, by libzmq's names. */
export type ConnectionEventKind =
  | 'connected' | 'connect_delayed' | 'connect_retried' | 'listening' | 'bind_failed' | 'accepted' | 'accept_failed'
  | 'closed' | 'close_failed' | 'disconnected' | 'handshake_failed' | 'handshake_succeeded'
  | 'handshake_failed_protocol' | 'handshake_failed_auth' | 'stopped';

/** Something that happened to a connection. */
export interface ConnectionEvent {
  /** What. `handshake_succeeded` means that messages can flow; `stopped` is the last, when the socket closed. */
  kind: ConnectionEventKind;
  /** The endpoint that it happened to; may be empty. */
  endpoint: string;
  /** The system's error where something failed, milliseconds for `connect_retried`, otherwise libzmq's detail. */
  value: number;
}

/** The events of one socket, from `socket.monitor()`. */
export class Monitor implements AsyncIterable<ConnectionEvent>, Disposable {
  readonly #native: InstanceType<typeof native.Monitor>;
  readonly #inbox: Inbox<List<ConnectionEvent>>;
  /** The count when it closed. */
  #lost: number | undefined;

  /** @internal */
  constructor(socket: NativeSocket) {
    const monitor = call(() => new native.Monitor(socket));
    const drain = () => List.of(monitor.drain() as ConnectionEvent[]);
    const inbox: Inbox<List<ConnectionEvent>> = new Inbox(drain, () => {
      if (inbox.waiting) awaiting(monitor.id, inbox);
      else resting(monitor.id);
    });
    this.#native = monitor;
    this.#inbox = inbox;
  }

  /** The next event. After `stopped` every wait fails with `Closed`. */
  next(options?: WaitOptions): Promise<ConnectionEvent> {
    return this.#inbox.receive(this.#take, options);
  }

  /** Events, up to and with `stopped`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<ConnectionEvent> {
    return messages(this.#inbox, this.#take);
  }

  /** How many events were dropped because the program left too many lying. */
  get lost(): number {
    return this.#lost ?? call(() => this.#native.lost());
  }

  /** Stops listening to events. The socket goes on. */
  close(): void {
    this.#lost ??= call(() => this.#native.lost());
    this.#inbox.close();
    this.#native.close();
    resting(this.#native.id);
  }

  /** As {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  readonly #take = (events: List<ConnectionEvent>): ConnectionEvent => {
    const event = events.take();
    // Closing serves those in line, so it comes after this one is served.
    if (event.kind === 'stopped') queueMicrotask(() => this.close());
    return event;
  };
}
