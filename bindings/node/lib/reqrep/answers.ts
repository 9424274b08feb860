/**
 * The jobs of a worker that are not answered, and answers on their way to core: those of one tick leave together, at
 * the latest when the program pauses.
 */
import { native } from '../addon';
import { type Leaving, type Waiting, deaf, empty, exiting, holding, listening } from '../environment';
import { ZpatternsError, call, closed, converted } from '../errors';
import { type MessageLike, framesOf } from '../message';
import type { Contents } from '../slab';
import { Outgoing, type Recipient } from './outgoing';

type Worker = InstanceType<typeof native.Worker>;

/** As in `src/reqrep/worker.rs`. */
const [REPLY, ERROR] = [0, 1];

export class Answers implements Leaving, Waiting, Recipient<number> {
  readonly native: Worker;
  readonly #outgoing = new Outgoing<number>(this);
  /** By job, what aborts when nobody waits for it any more. */
  readonly #signals = new Map<number, AbortController>();
  #scheduled = false;
  #closed = false;

  constructor(worker: Worker) {
    this.native = worker;
  }

  reply(job: number, body: MessageLike): void {
    this.#answer(job, REPLY, 0, body);
  }

  fail(job: number, code: number, body: MessageLike): void {
    this.#answer(job, ERROR, code, body);
  }

  /** These jobs will not be answered. */
  drop(jobs: Iterable<number>): void {
    const all = [...jobs];
    if (this.#closed || all.length === 0) return;
    for (const job of all) this.#forget(job);
    this.native.dropJobs(all);
  }

  sendPartial(job: number, body: MessageLike): void {
    if (this.#closed) throw closed('worker');
    const frames = framesOf(body);
    call(() => this.native.sendPartial(job, frames));
  }

  isCancelled(job: number): boolean {
    return !this.#closed && call(() => this.native.isCancelled(job));
  }

  /** Aborts when nobody waits for the job any more. */
  signal(job: number): AbortSignal {
    const controller = new AbortController();
    if (this.#closed) return controller.signal;
    this.#signals.set(job, controller);
    listening(this.native.jobsId, this);
    call(() => this.native.watch(job));
    return controller.signal;
  }

  /** Nobody waits any more for some of the jobs that have a signal. */
  noticed(): void {
    for (const job of call(() => this.native.takeCancelled())) {
      const controller = this.#signals.get(job);
      this.#forget(job);
      controller?.abort(new ZpatternsError('Cancelled', 'nobody waits for the answer any more'));
    }
  }

  /** Gives all answers that are here to core. */
  hand(): void {
    this.#scheduled = false;
    this.#outgoing.hand();
    empty(this);
  }

  leave(): void {
    this.hand();
  }

  close(): void {
    this.#closed = true;
    this.#signals.clear();
    deaf(this.native.jobsId);
  }

  give({ bytes, frameEnds, messageEnds, facts }: Contents, _: readonly number[], first: number, end: number): number {
    return this.native.answer(bytes, frameEnds, messageEnds, facts, first, end);
  }

  /** If the worker has ended, others do the job. */
  refused(_: number, error: unknown): void {
    if (error instanceof ZpatternsError && error.code === 'Closed') return;
    process.emitWarning(`an answer that a worker had given was refused: ${converted(error)}`, 'ZpatternsWarning');
  }

  #answer(job: number, what: number, code: number, body: MessageLike): void {
    if (this.#closed) throw closed('worker');
    this.#outgoing.put(job, [], body, job, what, code);
    this.#forget(job);
    if (exiting) return this.hand();
    if (this.#scheduled || this.#outgoing.length === 0) return;
    this.#scheduled = true;
    holding(this);
    process.nextTick(() => this.hand());
  }

  #forget(job: number): void {
    if (this.#signals.delete(job) && this.#signals.size === 0) deaf(this.native.jobsId);
  }
}
