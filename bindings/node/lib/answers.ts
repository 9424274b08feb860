/**
 * The jobs of a worker that are not answered, and answers on their way to core: those of one tick leave together, at
 * the latest when the program pauses.
 */
import { type Leaving, type Waiting, deaf, empty, exiting, holding, listening } from './environment';
import { ZpatternsError, call, closed, converted } from './errors';
import type { MessageLike } from './message';
import { Outgoing, type Recipient } from './outgoing';
import type { Contents } from './slab';

/** How many facts an answer has: its job, what it is, and the program's own code. */
const FACTS = 3;

/** What answers cross with. */
interface Native {
  /** The number in the notices of jobs that are watched. */
  readonly jobsId: number;
  answer(
    bytes: Uint8Array,
    frameEnds: Uint32Array,
    messageEnds: Uint32Array,
    facts: Uint32Array,
    first: number,
    end: number,
  ): number;
  isUnwanted(job: number): boolean;
  watch(job: number): void;
  takeUnwanted(): number[];
  dropJobs(jobs: number[]): void;
}

export class Answers implements Leaving, Waiting, Recipient<number> {
  readonly #native: Native;
  readonly #outgoing = new Outgoing<number>(this, FACTS);
  /** By job, what aborts when nobody waits for it any more. */
  readonly #signals = new Map<number, AbortController>();
  #scheduled = false;
  #closed = false;

  constructor(native: Native) {
    this.#native = native;
  }

  /** Answers a job; `what` is a number of the addon's, and so is what `code` means. */
  answer(job: number, what: number, code: number, body: MessageLike): void {
    this.check();
    this.#outgoing.put(job, [], body, [job, what, code]);
    this.#forget(job);
    if (exiting) return this.hand();
    if (this.#scheduled || this.#outgoing.length === 0) return;
    this.#scheduled = true;
    holding(this);
    process.nextTick(() => this.hand());
  }

  /** These jobs will not be answered. */
  drop(jobs: Iterable<number>): void {
    const all = [...jobs];
    if (this.#closed || all.length === 0) return;
    for (const job of all) this.#forget(job);
    this.#native.dropJobs(all);
  }

  /** Whether nobody waits for the job any more. */
  isUnwanted(job: number): boolean {
    return !this.#closed && call(() => this.#native.isUnwanted(job));
  }

  /** Aborts when nobody waits for the job any more. */
  signal(job: number): AbortSignal {
    const controller = new AbortController();
    if (this.#closed) return controller.signal;
    this.#signals.set(job, controller);
    listening(this.#native.jobsId, this);
    call(() => this.#native.watch(job));
    return controller.signal;
  }

  /** Nobody waits any more for some of the jobs that have a signal. */
  noticed(): void {
    for (const job of call(() => this.#native.takeUnwanted())) {
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
    deaf(this.#native.jobsId);
  }

  give({ bytes, frameEnds, messageEnds, facts }: Contents, _: readonly number[], first: number, end: number): number {
    return this.#native.answer(bytes, frameEnds, messageEnds, facts, first, end);
  }

  /** If the worker has ended, or the job was taken back, others do it, or nobody wants it done. */
  refused(_: number, error: unknown): void {
    if (error instanceof ZpatternsError && (error.code === 'Closed' || error.code === 'Cancelled')) return;
    process.emitWarning(`an answer that a worker had given was refused: ${converted(error)}`, 'ZpatternsWarning');
  }

  /** Throws if the worker is closed. */
  protected check(): void {
    if (this.#closed) throw closed('worker');
  }

  #forget(job: number): void {
    if (this.#signals.delete(job) && this.#signals.size === 0) deaf(this.#native.jobsId);
  }
}
