/** A job that is pushed part by part. */
import { ZpatternsError } from '../errors';
import type { MessageLike } from '../message';
import { type Calls, EXECUTE, PART } from './calls';
import { Watch, type Watched } from './watch';

/**
 * A job that is pushed part by part. Nobody does it before it is executed; if it is disposed of before, it never was
 * there, and so is one to which nothing is added for a minute.
 */
export class Draft implements Disposable {
  readonly #calls: Calls;
  readonly #watched: Watched;
  #over = false;

  /** @internal */
  constructor(calls: Calls, watched: Watched) {
    this.#calls = calls;
    this.#watched = watched;
  }

  /** Adds to its body: one frame, or several in an array. `WrongState` if it was executed or dropped. */
  sendPart(body: MessageLike): void {
    this.#check();
    this.#calls.tellMore(this.#watched, PART, body);
  }

  /** It is whole: it is pushed. What comes of it, and what was wrong with it, the watch tells. */
  execute(): Watch {
    this.#check();
    this.#over = true;
    this.#calls.tellMore(this.#watched, EXECUTE);
    this.#watched.push();
    return new Watch(this.#watched);
  }

  /** Drops it, if it was not executed: `using`. */
  [Symbol.dispose](): void {
    if (this.#over) return;
    this.#over = true;
    this.#watched.forget();
  }

  #check(): void {
    if (this.#over) throw new ZpatternsError('WrongState', 'the draft was executed, or dropped');
  }
}
