/** A job that is watched. */
import { ZpatternsError, closed } from '../errors';
import { Called, type Calls } from './calls';
import type { JobAccepted, JobEnded, JobProgress, WatchEvent } from './event';

/** Who wants to know something: nothing if it is not so yet. */
interface Reader {
  readonly look: () => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** What is known of a job: that it is accepted, how far it was last, and how it ended. @internal */
export class Watched extends Called {
  override readonly watches = true;
  readonly #calls: Calls;
  readonly #readers: Reader[] = [];
  acceptance: JobAccepted | undefined;
  /** Its number, as soon as that is known. */
  job: number | undefined;
  latest: JobProgress | undefined;
  end: JobEnded | undefined;
  /** Whether the process lives until it is accepted. */
  #pushed: boolean;
  #over = false;
  #error: unknown;

  /** `pushed` if it is to be accepted now; `job` is its number, if it is there already. */
  constructor(calls: Calls, pushed: boolean, job?: number) {
    super();
    this.#calls = calls;
    this.#pushed = pushed;
    this.job = job;
    this.holds = pushed ? 1 : 0;
  }

  /** It is pushed now. */
  push(): void {
    this.#pushed = true;
    this.#news();
  }

  /** What `look` sees, as soon as it sees something. */
  until<T>(look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#readers.push({ look, resolve, reject });
      this.#news();
    });
  }

  override accepted(job: number, known: boolean): void {
    this.job = job;
    this.acceptance = { kind: 'accepted', job, known };
    this.#news();
  }

  override progress(progress: JobProgress): void {
    this.latest = progress;
    this.#news();
  }

  override done(body: Buffer[]): void {
    this.#ended({ kind: 'ended', body });
  }

  override undone(error: ZpatternsError): void {
    this.#ended({ kind: 'ended', error });
  }

  override fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#error = error;
    this.#news();
  }

  forget(): void {
    if (this.#over) return;
    this.#calls.forget(this);
    this.fail(closed('watch'));
  }

  #ended(end: JobEnded): void {
    this.#over = true;
    this.end = end;
    this.#news();
  }

  /** Whoever waits for what is so now has it. The process lives until the job is accepted, and while somebody waits. */
  #news(): void {
    for (const reader of this.#readers.splice(0)) {
      const seen = reader.look();
      if (seen !== undefined) reader.resolve(seen as never);
      else if (this.#over) reader.reject(this.#error);
      else this.#readers.push(reader);
    }
    if (this.#over) return;
    const awaited = this.#readers.length > 0 || (this.#pushed && this.job === undefined);
    this.#calls.hold(this, awaited ? 1 : 0);
  }
}

/**
 * A job that is watched: what comes of it is waited for by {@link accepted} and {@link outcome}, or read one by one. It
 * keeps the last progress only, so one that is not read does not grow. The process stays alive until the job is
 * accepted and while somebody waits, and no longer.
 */
export class Watch implements AsyncIterable<WatchEvent>, Disposable {
  readonly #watched: Watched;

  /** @internal */
  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /**
   * The job's number, when it is accepted: with a store, when it is on the disk. Errors as of `producer.push`. Of a job
   * that was there before it was watched, at once.
   */
  accepted(): Promise<number> {
    return this.#watched.until(() => this.#watched.job);
  }

  /** What the job comes to; errors as of `producer.run`. */
  async outcome(): Promise<Buffer[]> {
    const { body, error } = await this.#watched.until(() => this.#watched.end);
    if (body === undefined) throw error;
    return body;
  }

  /** What comes of the job, to its end. Throws if it is not accepted, or not known. */
  [Symbol.asyncIterator](): AsyncIterableIterator<WatchEvent> {
    const watched = this.#watched;
    let accepted = false;
    let latest: JobProgress | undefined;
    let over = false;
    const given = (value: WatchEvent): IteratorResult<WatchEvent, undefined> => ({ value, done: false });
    const end = (): IteratorResult<WatchEvent, undefined> => {
      over = true;
      return { value: undefined, done: true };
    };
    const look = (): IteratorResult<WatchEvent, undefined> | undefined => {
      if (over) return end();
      if (!accepted && watched.acceptance !== undefined) {
        accepted = true;
        return given(watched.acceptance);
      }
      if (watched.latest !== latest) {
        latest = watched.latest as JobProgress;
        return given(latest);
      }
      if (watched.end === undefined) return undefined;
      over = true;
      return given(watched.end);
    };
    const failed = (error: unknown): IteratorResult<WatchEvent, undefined> => {
      if (error instanceof ZpatternsError && error.code === 'Closed') return end();
      throw error;
    };
    return {
      next: () => watched.until(look).catch(failed),
      return: () => Promise.resolve(end()),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** Nobody waits any more: `using`. Calls that wait end with `Closed`. The job goes on. */
  [Symbol.dispose](): void {
    this.#watched.forget();
  }
}
