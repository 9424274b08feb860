/** Passing messages between two sockets, on threads of its own: the program may be busy or idle. */
import { native } from './addon';
import { call } from './errors';
import type { Socket } from './socket';

/** What a proxy has passed on. */
export interface ProxyStats {
  /** Messages from the front to the back. */
  forwardMessages: number;
  /** Their bytes. */
  forwardBytes: number;
  /** Messages from the back to the front. */
  backwardMessages: number;
  /** Their bytes. */
  backwardBytes: number;
  /** Messages that the capture socket had no room for. */
  captureLost: number;
  /** Messages that the other side refused: to a peer that is no longer there, or too large for it. */
  lostRefused: number;
  /** Messages taken from one side when the proxy stopped, for which the other had no room. */
  lostStopped: number;
}

/** A running proxy. It does not keep the process alive. */
export class Proxy implements Disposable {
  readonly #native: InstanceType<typeof native.Proxy>;

  /**
   * Passes messages from `front` to `back` and, as far as the socket types send and receive, from `back` to `front`.
   * Each is also sent on `capture`. `Unsupported` if no direction is possible or `capture` cannot send.
   */
  constructor(front: Socket, back: Socket, capture?: Socket) {
    this.#native = call(() => new native.Proxy(front.native, back.native, capture?.native));
  }

  /** Whether it passes messages on; it stops by itself when a socket of it closes. */
  get running(): boolean {
    return this.#native.isRunning();
  }

  /** What was passed on so far; `Closed` once it was stopped. */
  stats(): ProxyStats {
    return call(() => this.#native.stats());
  }

  /** Stops. A message already taken from one side is sent on if there is room at once, and else counted as lost. */
  stop(): void {
    this.#native.stop();
  }

  /** As {@link stop}. */
  [Symbol.dispose](): void {
    this.stop();
  }
}
