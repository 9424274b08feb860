/**
 * The jobs of a worker that are not answered, and answers on their way to core: those of one tick leave together, at
 * the latest when the program pauses.
 */
import { native } from '../addon';
import { type Leaving, empty, exiting, holding } from '../environment';
import { ZpatternsError, call, closed, converted } from '../errors';
import { type MessageLike, framesOf } from '../message';
import type { Contents } from '../slab';
import { Outgoing, type Recipient } from './outgoing';

type Worker = InstanceType<typeof native.Worker>;

/** As in `src/reqrep/worker.rs`. */
const [REPLY, ERROR] = [0, 1];

/** How often jobs that have a signal are looked at, in milliseconds. */
const LOOK = 50;

export class Answers implements Leaving, Recipient<number> {
  readonly native: Worker;
  readonly #outgoing = new Outgoing<number>(this);
  /** By job, what aborts when nobody waits for it any more. */
  readonly #signals = new Map<number, AbortController>();
  #timer: NodeJS.Timeout | undefined;
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
    return !this.#closed && call(() => this.native.cancelled([job])).length > 0;
  }

  /** Aborts when nobody waits for the job any more. */
  signal(job: number): AbortSignal {
    const controller = new AbortController();
    this.#signals.set(job, controller);
    this.#timer ??= setInterval(() => this.#look(), LOOK).unref();
    return controller.signal;
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
    clearInterval(this.#timer);
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

  #look(): void {
    const cancelled = call(() => this.native.cancelled([...this.#signals.keys()]));
    for (const job of cancelled) {
      const controller = this.#signals.get(job);
      this.#forget(job);
      controller?.abort(new ZpatternsError('Cancelled', 'nobody waits for the answer any more'));
    }
  }

  #forget(job: number): void {
    if (this.#timer === undefined) return;
    this.#signals.delete(job);
    if (this.#signals.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
