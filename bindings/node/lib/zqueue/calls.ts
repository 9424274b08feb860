/** What a producer wants and that is not over. */
import { native } from '../addon';
import { cancelled } from '../deadline';
import { invalid } from '../errors';
import { Asked, Exchange } from '../exchange';
import type { MessageLike } from '../message';
import type { Sight, Told } from '../native';
import { PackedBatch } from '../packed';
import type { JobProgress } from './event';
import { failure, refusal } from './failure';
import { type JobOptions, type Manner, mannerOf } from './manner';

/** What may be wanted, as in `src/zqueue/producer.rs`. */
export const [PUSH, DRAFT, PART, EXECUTE, FORGET, WATCH, CANCEL, REQUEUE, QUEUES, TREE, DEAD] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
] as const;
/** A push that is watched; a watch with progress. */
export const FULLY = 2 ** 24;

/** How many facts there are with what is wanted, and with what comes of it. */
const WANTED = 5;
const FACTS = 6;

const [ACCEPTED, PROGRESS, DONE, FAILED, FOUND, REFUSED] = [0, 1, 2, 3, 4, 5];

/** Who waits for what comes of something; what cannot come of it, it need not hear. */
export abstract class Called extends Asked {
  /** Whether more follows when it is accepted. */
  readonly watches: boolean = false;

  accepted?(job: number, known: boolean): void;
  progress?(progress: JobProgress): void;
  done?(body: Buffer[]): void;
  /** The job was not done. */
  undone?(error: unknown): void;
  found?(sight: Sight, more: boolean): void;
}

export class Calls extends Exchange<Called, Told> {
  constructor(producer: InstanceType<typeof native.Producer>) {
    super(producer, WANTED, 'producer');
  }

  /** Pushes a job. Throws if it is none, or if it cannot be pushed. */
  push(called: Called, queue: string, body: MessageLike, options?: JobOptions, what: number = PUSH): void {
    this.pushAs(called, queue, body, mannerOf(options), what);
  }

  /** The same, with options that were read. */
  pushAs(called: Called, queue: string, body: MessageLike, manner: Manner, what: number = PUSH): void {
    this.check();
    if (typeof queue !== 'string') throw invalid('the name of a queue is a string', { given: typeof queue });
    const { key, signal, keep, numbers } = manner;
    if (signal?.aborted) throw cancelled(signal);
    const [first, delay, backoff, timeLimit] = numbers;
    this.put(called, [queue, key], body, [first + what, delay, backoff, timeLimit, keep], signal);
  }

  /** Begins a job that is pushed part by part. It has its ticket then. */
  begin(called: Called, queue: string, body: MessageLike, options?: JobOptions): void {
    this.push(called, queue, body, options, DRAFT);
    this.hand();
  }

  /** Asks for something about a job, if it is about one. */
  ask(called: Called, what: number, job = 0, most = 0, signal?: AbortSignal | undefined): void {
    this.check();
    if (!Number.isSafeInteger(job) || job < 0) {
      throw invalid('the number of a job is a whole number, at least 0', { option: 'job', value: String(job) });
    }
    if (signal?.aborted) throw cancelled(signal);
    this.put(called, [], [], [what, job % 2 ** 32, Math.floor(job / 2 ** 32), most, 0], signal);
  }

  /** Says more about what was begun, unless it is over. */
  tellMore(called: Called, what: number, body: MessageLike = []): void {
    if (this.asked(called.ticket) !== called) return;
    const { ticket } = called;
    this.add(called, body, [what, ticket % 2 ** 32, Math.floor(ticket / 2 ** 32), 0, 0]);
  }

  /** Nobody waits for it any more. */
  forget(called: Called): void {
    if (called.ticket === 0) this.hand();
    this.tellMore(called, FORGET);
    this.over(called);
  }

  protected override abort(called: Called, signal: AbortSignal): void {
    this.forget(called);
    called.fail(cancelled(signal));
  }

  protected override tell({ block, found = [] }: Told): void {
    const batch = new PackedBatch({ block }, FACTS);
    let seen = 0;
    while (batch.length > 0) {
      const ticket = batch.fact(0) + batch.fact(1) * 2 ** 32;
      const [what, a, b, c] = [batch.fact(2), batch.fact(3), batch.fact(4), batch.fact(5)];
      const body = batch.takeMultipart();
      const sight = what === FOUND ? found[seen++] : undefined;
      const called = this.asked(ticket);
      if (called === undefined) continue;
      if (what !== PROGRESS && !(what === ACCEPTED && called.watches)) this.over(called);
      if (what === ACCEPTED) called.accepted?.(a + b * 2 ** 32, c !== 0);
      else if (what === PROGRESS) called.progress?.({ kind: 'progress', open: a, done: b, failed: c });
      else if (what === DONE) called.done?.(body);
      else if (what === FAILED) called.undone?.(failure(a, b, body));
      else if (what === REFUSED) called.fail(refusal(a, body));
      else if (sight !== undefined) called.found?.(sight, a !== 0);
    }
  }
}
