/** The side that takes jobs, of whatever pattern. */
import type { Answers } from './answers';
import type { WaitOptions } from './deadline';
import { awaiting, resting } from './environment';
import { call } from './errors';
import { Jobs } from './held';
import { Inbox, type Take } from './inbox';
import { messages } from './iterate';

/** What a worker crosses with. */
interface Native {
  readonly id: number;
  drain(): ArrayBuffer | null;
  leave(): void;
  close(): void;
}

/** Takes jobs of the class `J`, one after another, until it is closed or has left. */
export abstract class Employed<J> implements AsyncIterable<J>, AsyncDisposable, Disposable {
  readonly #native: Native;
  readonly #answers: Answers;
  readonly #inbox: Inbox<Jobs>;
  readonly #take: Take<Jobs, J>;
  #closed = false;

  /** The numbers that the addon brings with each job are `facts`. @internal */
  constructor(native: Native, answers: Answers, facts: number, take: Take<Jobs, J>) {
    const drain = () => {
      // Who asks for jobs has paused answering.
      answers.hand();
      const block = native.drain();
      return block === null ? undefined : new Jobs(block, answers, facts);
    };
    const settle = () => (this.#inbox.waiting ? awaiting(native.id, this.#inbox) : resting(native.id));
    this.#native = native;
    this.#answers = answers;
    this.#inbox = new Inbox(drain, settle, 'worker');
    this.#take = take;
  }

  /** Whether the worker was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The next job. Any number of calls may wait at a time. `Closed` after {@link leave}, when all is done. */
  next(options?: WaitOptions): Promise<J> {
    return this.#inbox.receive(this.#take, options);
  }

  /** Jobs, until the worker is closed, or has left. */
  [Symbol.asyncIterator](): AsyncIterableIterator<J> {
    return messages(this.#inbox, this.#take);
  }

  /** Takes no more jobs. Those that are here are done, and their answers arrive; then it is over. */
  leave(): void {
    this.#answers.hand();
    call(() => this.#native.leave());
  }

  /** Closes where it is. Jobs that are here are given to others. Every wait ends with `Closed`. Twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#answers.hand();
    this.#answers.close();
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

  /** What core counts, with all that was answered. @internal */
  protected counted<T>(counters: () => T): T {
    this.#answers.hand();
    return call(counters);
  }
}
