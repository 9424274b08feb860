/** A request to be answered. */
import { native } from '../addon';
import { HeldJob, type Jobs } from '../held';
import type { Data, MessageLike } from '../message';
import { ERROR, REPLY, type Replies } from './replies';

/** As in `src/reqrep/worker.rs`. @internal */
export const FACTS = 2;

/**
 * A request to be answered, once. Several may be held, and answered in any order. One that is collected without an
 * answer, or disposed of, ends with the code {@link Job.DROPPED}.
 */
export class Job extends HeldJob {
  /** The error code of a job that was dropped without an answer. */
  static readonly DROPPED: number = native.JOB_DROPPED;
  /** The question. Small frames are views into the memory of their batch: copy what is kept for long. */
  readonly body: Buffer[];
  readonly #replies: Replies;
  readonly #end: number;
  /** Where the service, the key and the question begin in their block. */
  readonly #at: readonly [number, number, number];

  /** @internal */
  constructor(jobs: Jobs, replies: Replies) {
    super(jobs);
    this.#replies = replies;
    const { packed } = jobs;
    this.#end = jobs.now + packed.fact(1);
    this.#at = [packed.at, packed.skip(), packed.skip()];
    this.body = packed.takeMultipart();
  }

  /** What is asked for. */
  get service(): string {
    return this.jobs.packed.cut(this.#at[0], this.#at[1]).toString();
  }

  /** The key of the request; may be empty. */
  get key(): Buffer {
    return this.jobs.packed.cut(this.#at[1], this.#at[2]);
  }

  /** For how long an answer is of use, in milliseconds. */
  get remaining(): number {
    return Math.max(0, this.#end - performance.now());
  }

  /** Whether nobody waits for the answer any more. It must be answered all the same. */
  get cancelled(): boolean {
    return this.unwanted;
  }

  /** Sends some of the answer, now. `Full` if too much waits to be sent: try again after a turn of the event loop. */
  sendPartial(body: MessageLike): void {
    this.check();
    this.#replies.sendPartial(this.number, body);
  }

  /**
   * Answers, or sends the rest of the answer: one frame, several in an array, or none. It leaves at the latest when the
   * program pauses. `WrongState` if the job was answered. If the worker is closed, others do the job.
   */
  reply(body: MessageLike = []): void {
    this.answer(REPLY, body);
  }

  /** Says that it cannot be done, with a code of the program's own, 0 to 4294967295, and words and data. */
  fail(code: number, ...body: Data[]): void {
    this.answer(ERROR, body, code);
  }
}
