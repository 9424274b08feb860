/** Many jobs that are pushed together. */
import { cancelled } from '../deadline';
import { ZpatternsError } from '../errors';
import type { MessageLike } from '../message';
import { Called, type Calls } from './calls';
import { type JobOptions, type Manner, mannerOf } from './manner';

/** Jobs that are pushed and not accepted, at most; and when fewer are, so many follow together. */
const AHEAD = 4096;
const TOGETHER = 1024;

/** One of them. */
class One extends Called {
  readonly #many: Many;
  readonly #index: number;

  constructor(many: Many, index: number) {
    super();
    this.#many = many;
    this.#index = index;
  }

  override accepted(job: number): void {
    this.#many.accepted(this, this.#index, job);
  }

  override fail(error: unknown): void {
    this.#many.fail(this, this.#index, error);
  }
}

/** Pushes all that `bodies` gives; resolves with their numbers, or rejects when the first one is not accepted. */
export class Many {
  readonly #calls: Calls;
  readonly #queue: string;
  readonly #bodies: Iterator<MessageLike>;
  readonly #manner: Manner;
  readonly #signal: AbortSignal | undefined;
  readonly #ahead: number;
  readonly #resolve: (jobs: number[]) => void;
  readonly #reject: (error: unknown) => void;
  readonly #open = new Set<One>();
  readonly #jobs: number[] = [];
  #pushed = 0;
  /** How many of the first are accepted. */
  #first = 0;
  /** There are no more. */
  #whole = false;
  #over = false;
  /** The first that is not accepted, and why. */
  #failed = Infinity;
  #error: unknown;

  /** No more than `most` are pushed and not accepted. */
  constructor(
    calls: Calls,
    most: number,
    queue: string,
    bodies: Iterable<MessageLike>,
    options: JobOptions | undefined,
    resolve: (jobs: number[]) => void,
    reject: (error: unknown) => void,
  ) {
    const manner = mannerOf(options);
    this.#calls = calls;
    this.#queue = queue;
    this.#bodies = bodies[Symbol.iterator]();
    this.#manner = { ...manner, signal: undefined };
    this.#signal = manner.signal;
    this.#ahead = Math.min(AHEAD, Math.max(1, most));
    this.#resolve = resolve;
    this.#reject = reject;
    if (this.#signal?.aborted) throw cancelled(this.#signal);
    this.#signal?.addEventListener('abort', this.#aborted, { once: true });
    this.#go();
  }

  accepted(one: One, index: number, job: number): void {
    this.#open.delete(one);
    this.#jobs[index] = job;
    while (this.#jobs[this.#first] !== undefined) this.#first += 1;
    if (this.#open.size <= this.#ahead - TOGETHER || this.#open.size === 0) this.#go();
  }

  fail(one: One | undefined, index: number, error: unknown): void {
    if (one !== undefined) this.#open.delete(one);
    if (index < this.#failed) [this.#failed, this.#error] = [index, error];
    this.#settle();
  }

  #go(): void {
    while (!this.#whole && !this.#over && this.#failed === Infinity && this.#open.size < this.#ahead) this.#next();
    this.#settle();
  }

  #next(): void {
    const index = this.#pushed;
    let one: One | undefined;
    try {
      const { done, value } = this.#bodies.next();
      if (done) {
        this.#whole = true;
        return;
      }
      one = new One(this, index);
      this.#open.add(one);
      this.#pushed += 1;
      this.#calls.pushAs(one, this.#queue, value, this.#manner);
    } catch (error) {
      this.fail(one, index, error);
    }
  }

  /** The first ones are accepted up to one that is not, or to the end. */
  #settle(): void {
    if (this.#over) return;
    if (this.#first >= this.#failed) this.#fail(this.#error);
    else if (this.#whole && this.#first === this.#pushed) this.#end(() => this.#resolve(this.#jobs));
  }

  #fail(error: unknown): void {
    const { code, message, context, cause } = error as ZpatternsError;
    const facts = { ...context, accepted: String(this.#first) };
    const options = cause === undefined ? {} : { cause };
    const told = error instanceof ZpatternsError ? new ZpatternsError(code, message, facts, options) : error;
    this.#end(() => this.#reject(told));
  }

  #end(tell: () => void): void {
    this.#over = true;
    if (!this.#whole) this.#bodies.return?.();
    this.#signal?.removeEventListener('abort', this.#aborted);
    for (const one of this.#open) this.#calls.forget(one);
    this.#open.clear();
    tell();
  }

  readonly #aborted = (): void => this.#fail(cancelled(this.#signal as AbortSignal));
}
