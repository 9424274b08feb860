/** A request to be answered. */
import { native } from '../addon';
import { ZpatternsError, invalid } from '../errors';
import type { Data, MessageLike } from '../message';
import { PackedBatch } from '../packed';
import type { Answers } from './answers';

/** As in `src/reqrep/worker.rs`. */
const FACTS = 2;

/** What was brought by one call into the addon, and which of it is not answered. @internal */
export class Jobs {
  readonly answers: Answers;
  readonly packed: PackedBatch;
  readonly now = performance.now();
  /** Jobs that were taken from here and are not answered. */
  readonly open = new Set<number>();

  constructor(block: ArrayBuffer, answers: Answers) {
    this.packed = new PackedBatch({ block }, FACTS);
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

/**
 * A request to be answered, once. Several may be held, and answered in any order. One that is collected without an
 * answer, or disposed of, ends with the code {@link Job.DROPPED}.
 */
export class Job implements Disposable {
  /** The error code of a job that was dropped without an answer. */
  static readonly DROPPED: number = native.JOB_DROPPED;
  /** The question. Small frames are views into the memory of their batch: copy what is kept for long. */
  readonly body: Buffer[];
  readonly #jobs: Jobs;
  readonly #number: number;
  readonly #end: number;
  /** Where the service, the key and the question begin in their block. */
  readonly #at: readonly [number, number, number];
  #signal: AbortSignal | undefined;

  /** @internal */
  constructor(jobs: Jobs) {
    const { packed } = jobs;
    this.#jobs = jobs;
    this.#number = packed.fact(0);
    this.#end = jobs.now + packed.fact(1);
    this.#at = [packed.at, packed.skip(), packed.skip()];
    this.body = packed.takeMultipart();
    jobs.open.add(this.#number);
  }

  /** What is asked for. */
  get service(): string {
    return this.#jobs.packed.cut(this.#at[0], this.#at[1]).toString();
  }

  /** The key of the request; may be empty. */
  get key(): Buffer {
    return this.#jobs.packed.cut(this.#at[1], this.#at[2]);
  }

  /** For how long an answer is of use, in milliseconds. */
  get remaining(): number {
    return Math.max(0, this.#end - performance.now());
  }

  /** Whether the job was answered. */
  get answered(): boolean {
    return !this.#jobs.open.has(this.#number);
  }

  /** Whether nobody waits for the answer any more. It must be answered all the same. */
  get cancelled(): boolean {
    return this.#signal?.aborted || (!this.answered && this.#jobs.answers.isCancelled(this.#number));
  }

  /**
   * Aborts when nobody waits for the answer any more, until the job is answered. It does not keep the process alive.
   */
  get signal(): AbortSignal {
    this.#signal ??= this.answered ? new AbortController().signal : this.#jobs.answers.signal(this.#number);
    return this.#signal;
  }

  /** Sends some of the answer, now. `Full` if too much waits to be sent: try again after a turn of the event loop. */
  sendPartial(body: MessageLike): void {
    this.#check();
    this.#jobs.answers.sendPartial(this.#number, body);
  }

  /**
   * Answers, or sends the rest of the answer: one frame, several in an array, or none. It leaves at the latest when the
   * program pauses. `WrongState` if the job was answered. If the worker is closed, others do the job.
   */
  reply(body: MessageLike = []): void {
    this.#check();
    this.#jobs.answers.reply(this.#number, body);
    this.#jobs.open.delete(this.#number);
  }

  /** Says that it cannot be done, with a code of the program's own, 0 to 4294967295, and words and data. */
  fail(code: number, ...body: Data[]): void {
    if (!Number.isInteger(code) || code < 0 || code > Job.DROPPED) {
      throw invalid('a code is a whole number from 0 to 4294967295', { code: String(code) });
    }
    this.#check();
    this.#jobs.answers.fail(this.#number, code, body);
    this.#jobs.open.delete(this.#number);
  }

  /** Drops the job, if it is not answered: `using`. */
  [Symbol.dispose](): void {
    if (this.#jobs.open.delete(this.#number)) this.#jobs.answers.drop([this.#number]);
  }

  #check(): void {
    if (this.answered) throw new ZpatternsError('WrongState', 'the job was answered');
  }
}
