/** Who stands in the middle, of whatever pattern, and works until it is closed. */
import type { WaitOptions } from './deadline';
import { awaiting, resting } from './environment';
import { call } from './errors';
import { type Batch, Inbox } from './inbox';

/** Something that is so from then on: whoever waits for it gets it, whenever they ask. */
const FACT = { length: 1, bytes: 0 };

/** What it crosses with. */
interface Native {
  readonly id: number;
  readonly endpoints: string[];
  drain(): boolean;
  isEnded(): boolean;
  close(): void;
}

/** Others connect to it. It works on threads of its own, and does not keep the process alive; {@link wait} does. */
export abstract class Station implements AsyncDisposable, Disposable {
  /** Where it is reached, with the ports that the system chose, in the order given; then the plain ones of a broker. */
  readonly endpoints: readonly string[];
  readonly #native: Native;
  readonly #drained: Inbox<typeof FACT>;
  readonly #ended: Inbox<typeof FACT>;
  /** All that may be waited for. */
  readonly #inboxes: Pick<Inbox<Batch>, 'waiting' | 'noticed'>[] = [];
  readonly #what: string;
  #closed = false;

  /** Errors call it a `what`. @internal */
  constructor(native: Native, what: string) {
    this.endpoints = native.endpoints;
    this.#native = native;
    this.#what = what;
    this.#drained = this.inbox(() => (native.drain() ? FACT : undefined));
    this.#ended = this.inbox(() => (native.isEnded() ? FACT : undefined));
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Takes nothing more, and waits until what is here has ended. `Timeout` or `Cancelled` if it has not by then; it goes
   * on draining. `Closed` if the end comes first.
   */
  async drain(options?: WaitOptions): Promise<void> {
    if (!this.#closed) call(() => this.#native.drain());
    await this.#drained.receive((fact) => fact, options);
  }

  /** Waits for the end: of the context, or by {@link close}. The process stays alive meanwhile. */
  async wait(options?: WaitOptions): Promise<void> {
    await this.#ended.receive((fact) => fact, options);
  }

  /** Closes where it is. Those who wait for something hear of it. Twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#native.close();
    this.#noticed();
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

  /** Something else that may be waited for. @internal */
  protected inbox<B extends Batch>(drain: () => B | undefined): Inbox<B> {
    const inbox = new Inbox(drain, () => this.#settle(), this.#what);
    this.#inboxes.push(inbox);
    return inbox;
  }

  #noticed(): void {
    for (const inbox of this.#inboxes) inbox.noticed();
  }

  #settle(): void {
    const { id } = this.#native;
    if (this.#inboxes.some((inbox) => inbox.waiting)) awaiting(id, { noticed: () => this.#noticed() });
    else resting(id);
  }
}
