/** Jobs that a worker has, of whatever pattern. */
import type { Answers } from './answers';
import { ZpatternsError, invalid } from './errors';
import type { MessageLike } from './message';
import { PackedBatch } from './packed';

/** The largest code: that of a job that was dropped without a word. */
const DROPPED = 2 ** 32 - 1;

/** What was brought by one call into the addon, and which of it is not answered. @internal */
export class Jobs {
  readonly answers: Answers;
  readonly packed: PackedBatch;
  readonly now = performance.now();
  /** Jobs that were taken from here and are not answered. */
  readonly open = new Set<number>();

  /** Each job has `facts` numbers, the first of which is its own. */
  constructor(block: ArrayBuffer, answers: Answers, facts: number) {
    this.packed = new PackedBatch({ block }, facts);
    this.answers = answers;
    forgotten.register(this, { answers, open: this.open });
  }

  get length(): number {
    return this.packed.length;
  }

  get bytes(): number {
    return this.packed.bytes;
  }
}

/** Jobs that were collected without an answer are dropped, with those that came with them. */
const forgotten = new FinalizationRegistry<{ answers: Answers; open: Set<number> }>(({ answers, open }) => {
  answers.drop(open);
});

/** A job that a worker has: it is answered, once, or dropped. */
export abstract class HeldJob implements Disposable {
  /** @internal */
  protected readonly jobs: Jobs;
  /** The addon's number for it. @internal */
  protected readonly number: number;
  #signal: AbortSignal | undefined;

  /** The next of what was brought. @internal */
  constructor(jobs: Jobs) {
    this.jobs = jobs;
    this.number = jobs.packed.fact(0);
    jobs.open.add(this.number);
  }

  /** Whether the job was answered. */
  get answered(): boolean {
    return !this.jobs.open.has(this.number);
  }

  /**
   * Aborts when nobody waits for the answer any more, until the job is answered. It does not keep the process alive.
   */
  get signal(): AbortSignal {
    this.#signal ??= this.answered ? new AbortController().signal : this.jobs.answers.signal(this.number);
    return this.#signal;
  }

  /** Drops the job, if it is not answered: `using`. */
  [Symbol.dispose](): void {
    if (this.jobs.open.delete(this.number)) this.jobs.answers.drop([this.number]);
  }

  /** Whether nobody waits for the answer any more. @internal */
  protected get unwanted(): boolean {
    return this.#signal?.aborted || (!this.answered && this.jobs.answers.isUnwanted(this.number));
  }

  /** An error if the job was answered. @internal */
  protected check(): void {
    if (this.answered) throw new ZpatternsError('WrongState', 'the job was answered');
  }

  /** Answers. @internal */
  protected answer(what: number, body: MessageLike, code = 0): void {
    if (!Number.isInteger(code) || code < 0 || code > DROPPED) {
      throw invalid('a code is a whole number from 0 to 4294967295', { code: String(code) });
    }
    this.check();
    this.jobs.answers.answer(this.number, what, code, body);
    this.jobs.open.delete(this.number);
  }
}
