/** Passing messages between two sockets, on threads of its own: the program may be busy or idle. */
import { native } from './addon';
import type { WaitOptions } from './deadline';
import { awaiting, resting } from './environment';
import { type ZpatternsError, call, converted } from './errors';
import { Inbox } from './inbox';
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

/** The end of a proxy. Once it is there, everyone who waits for it gets it, whenever they ask. */
class End {
  readonly length = 1;
  readonly bytes = 0;
  constructor(readonly why: ZpatternsError) {}
}

/** A running proxy. It works until it is stopped or collected; it does not keep the process alive. */
export class Proxy implements Disposable {
  readonly #native: InstanceType<typeof native.Proxy>;
  readonly #end: Inbox<End>;

  /**
   * Passes messages from `front` to `back` and, as far as the socket types send and receive, from `back` to `front`.
   * Each is also sent on `capture`. `Unsupported` if no direction is possible or `capture` cannot send.
   */
  constructor(front: Socket, back: Socket, capture?: Socket) {
    const proxy = call(() => new native.Proxy(front.native, back.native, capture?.native));
    const drain = () => {
      const why = proxy.ended();
      return why === null ? undefined : new End(converted(why) as ZpatternsError);
    };
    const end: Inbox<End> = new Inbox(drain, () => {
      if (end.waiting) awaiting(proxy.id, end);
      else resting(proxy.id);
    });
    this.#native = proxy;
    this.#end = end;
  }

  /** Whether it passes messages on; it stops by itself when a socket of it closes. */
  get running(): boolean {
    return this.#native.isRunning();
  }

  /**
   * Waits until the proxy ends, and resolves with the error that says why: `Closed` when a socket of it closed,
   * `Cancelled` when it was stopped. The process stays alive meanwhile.
   */
  wait(options?: WaitOptions): Promise<ZpatternsError> {
    return this.#end.receive((end) => end.why, options);
  }

  /** What was passed on so far. */
  stats(): ProxyStats {
    return call(() => this.#native.stats()) as Record<keyof ProxyStats, number>;
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
