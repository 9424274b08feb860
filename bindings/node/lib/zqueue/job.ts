/** A job to be done. */
import { native } from '../addon';
import { flag, refuseUnknown } from '../given';
import { HeldJob, type Jobs } from '../held';
import type { Data, MessageLike } from '../message';
import { type Child, spawning } from './manner';
import { type ChildResult, readResults } from './results';

/** As in `src/zqueue/jobs.rs`. @internal */
export const FACTS = 6;

/** As in `src/zqueue/worker.rs`. */
const [COMPLETE, RETRY, FAIL, SPAWN] = [0, 1, 2, 3];

const ORDERED = new Set(['ordered']);

/**
 * A job to be done: it is completed, failed, or broken into others, once. Several may be held, and ended in any order.
 * One that is collected without a word, or disposed of, has failed with the code {@link QueueJob.DROPPED}, and may be
 * tried again. What is said of a job leaves at the latest when the program pauses. If it was withdrawn, or the worker
 * is closed, nobody hears of it.
 */
export class QueueJob extends HeldJob {
  /** The code of a job that was dropped without a word. */
  static readonly DROPPED: number = native.QUEUE_JOB_DROPPED;
  /** The queue's number for it. */
  readonly id: number;
  /** How often it was given to a worker before, and not done. */
  readonly tries: number;
  /** Whether it comes back after it spawned children. */
  readonly resumed: boolean;
  /** What is to be done. Small frames are views into the memory of their batch: copy what is kept for long. */
  readonly body: Buffer[];
  /** What it left when it spawned; nothing if it has not. */
  readonly memo: Buffer[];
  /** Where the queue and the body begin in their block. */
  readonly #at: readonly [number, number];
  readonly #block: Buffer | undefined;
  #results: ChildResult[] | undefined;

  /** @internal */
  constructor(jobs: Jobs) {
    super(jobs);
    const { packed } = jobs;
    this.id = packed.fact(1) + packed.fact(2) * 2 ** 32;
    this.tries = packed.fact(3);
    this.resumed = packed.fact(4) !== 0;
    const count = packed.fact(5);
    this.#at = [packed.at, packed.skip()];
    this.body = packed.takeMultipart();
    this.memo = this.resumed ? this.body.splice(count) : [];
    this.#block = this.resumed ? this.memo.pop() : undefined;
  }

  /** The queue in which it was. */
  get queue(): string {
    return this.jobs.packed.cut(this.#at[0], this.#at[1]).toString();
  }

  /**
   * What its children came to, in the order in which they were spawned: frames; why one that was spawned with
   * `onFailure: 'pass'` was not done, a `JobFailed` if a worker said so; undefined of one that failed and is ignored.
   * Empty if it has not spawned.
   */
  get results(): ChildResult[] {
    this.#results ??= this.#block === undefined ? [] : readResults(this.#block);
    return this.#results;
  }

  /** Whether nobody wants it any more, or another worker has it. Something must be said of it all the same. */
  get withdrawn(): boolean {
    return this.unwanted;
  }

  /**
   * It is done, and came to this: one frame, several in an array, or none. `WrongState` if something was said of it.
   */
  complete(body: MessageLike = []): void {
    this.answer(COMPLETE, body);
  }

  /**
   * It could not be done, and may be tried again; with a code of the program's own, 0 to 4294967295, and words and
   * data.
   */
  retry(code: number, ...body: Data[]): void {
    this.answer(RETRY, body, code);
  }

  /**
   * It cannot be done, and is not tried again; with a code of the program's own, 0 to 4294967295, and words and data.
   */
  fail(code: number, ...body: Data[]): void {
    this.answer(FAIL, body, code);
  }

  /**
   * These are to be done first, in any order; with `ordered`, one after the other. Then the job comes back, to any
   * worker, with `memo` and {@link results}. `InvalidArgument` if one of them is none; then nothing was said of the
   * job.
   */
  spawn(children: readonly Child[], memo: MessageLike = [], options: { ordered?: boolean | undefined } = {}): void {
    refuseUnknown(options, ORDERED);
    this.answer(SPAWN + flag('ordered', options.ordered), spawning(children, memo));
  }
}
