/** Who pushes jobs. */
import { native } from '../addon';
import { defaultContext } from '../context';
import { call, invalid } from '../errors';
import { flag, refuseUnknown, whole } from '../given';
import type { MessageLike } from '../message';
import type { Sight } from '../native';
import { CANCEL, Called, Calls, DEAD, FULLY, PUSH, QUEUES, REQUEUE, TREE, WATCH } from './calls';
import type { QueueCounters } from './counters';
import { Draft } from './draft';
import { type DeadLetters, type Tree, type TreeJob, letterOf } from './look';
import { Many } from './many';
import type { JobOptions } from './manner';
import type { ProducerOptions } from './options';
import { Watch, Watched } from './watch';

/** What is heard of a job that is there. */
export interface WatchOptions {
  /** Whether to hear how far its tree is. Default: false. */
  progress?: boolean | undefined;
  /** Gives up waiting with `Cancelled` when it aborts. The job goes on. */
  signal?: AbortSignal | undefined;
}

const WATCH_NAMES = new Set(['progress', 'signal']);
const RESULT_NAMES = new Set(['signal']);
/** How much is told of a tree, or of dead letters, unless it is said. */
const MUCH = 1000;

/** Waits until something is accepted. */
class Accepting extends Called {
  constructor(
    override readonly accepted: (job: number) => void,
    override readonly fail: (error: unknown) => void,
  ) {
    super();
  }
}

/** Waits for what is there. */
class Finding extends Called {
  constructor(
    override readonly found: (sight: Sight, more: boolean) => void,
    override readonly fail: (error: unknown) => void,
  ) {
    super();
  }
}

/**
 * Pushes jobs to a queue, cancels them, and hears what they come to. Jobs that were accepted are done all the same when
 * it is closed.
 */
export class Producer implements AsyncDisposable, Disposable {
  readonly #native: InstanceType<typeof native.Producer>;
  readonly #calls: Calls;
  readonly #most: number;
  #closed = false;

  /**
   * A producer of the queue at this endpoint. It connects in the background; what it pushes waits for that.
   * `InvalidEndpoint` if the endpoint cannot be read, `InvalidArgument` for an option that is none.
   */
  constructor(endpoint: string, options: ProducerOptions = {}) {
    const { context = defaultContext(), ...rest } = options;
    this.#native = call(() => new native.Producer(context.native, endpoint, rest));
    this.#calls = new Calls(this.#native);
    this.#most = rest.maxCalls ?? Infinity;
  }

  /** Whether the producer was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Pushes a job to `queue`, a name of 1 to 255 bytes, and resolves with its number when it is accepted: with a store,
   * when it is on the disk. The body is one frame, or several in an array; text goes as UTF-8. It is copied.
   *
   * `Full` if there is no room now, `Timeout` if the queue did not answer in time: then it may be there all the same,
   * as the fact `may_be_accepted` of the error's `context` says.
   */
  push(queue: string, body: MessageLike = [], options?: JobOptions): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#calls.push(new Accepting(resolve, reject), queue, body, options);
    });
  }

  /**
   * As {@link push}, any number of jobs; `bodies` is read as they are accepted. Their numbers, in the order of
   * `bodies`. After an error the first ones are there, so many as the fact `accepted` of its `context` says; of up to
   * some thousands that follow it is not known.
   */
  pushMany(queue: string, bodies: Iterable<MessageLike>, options?: JobOptions): Promise<number[]> {
    return new Promise((resolve, reject) => {
      if (typeof bodies === 'string' || typeof bodies?.[Symbol.iterator] !== 'function') {
        throw invalid('bodies are messages, in an array or one after another', { given: typeof bodies });
      }
      new Many(this.#calls, this.#most, queue, bodies, options, resolve, reject);
    });
  }

  /**
   * Pushes a job, and resolves with what it comes to. `JobFailed` is the worker's own error. A `JobLost` is, by its `code`,
   * `Timeout` if it took longer than `timeLimit`, `Unreachable` if workers were lost with it, `Cancelled`, or `TooLarge` if
   * its tree outgrew a bound. Or as {@link push}.
   */
  async run(queue: string, body: MessageLike = [], options?: JobOptions): Promise<Buffer[]> {
    return this.submit(queue, body, options).outcome();
  }

  /** Pushes a job whose outcome is of interest, and goes on: the watch brings it. Throws what cannot be pushed. */
  submit(queue: string, body: MessageLike = [], options?: JobOptions): Watch {
    const watched = new Watched(this.#calls, true);
    this.#calls.push(watched, queue, body, options, PUSH + FULLY);
    return new Watch(watched);
  }

  /**
   * Begins a job that is pushed part by part. Nobody does it before it is executed, {@link Draft.execute}. Throws what
   * cannot be pushed.
   */
  draft(queue: string, body: MessageLike = [], options?: JobOptions): Draft {
    const watched = new Watched(this.#calls, false);
    this.#calls.begin(watched, queue, body, options);
    return new Draft(this.#calls, watched);
  }

  /**
   * Watches a job that is there, or whose outcome is kept. The watch throws `NotFound` if the queue does not know it.
   */
  watch(job: number, options: WatchOptions = {}): Watch {
    refuseUnknown(options, WATCH_NAMES);
    const watched = new Watched(this.#calls, false, job);
    this.#calls.ask(watched, WATCH + FULLY * flag('progress', options.progress), job, 0, options.signal);
    return new Watch(watched);
  }

  /**
   * What a job came to, as soon as it has ended; errors as of {@link run}. `NotFound` if the queue knows it not, or no
   * more.
   */
  async result(job: number, options: Omit<WatchOptions, 'progress'> = {}): Promise<Buffer[]> {
    refuseUnknown(options, RESULT_NAMES);
    return this.watch(job, options).outcome();
  }

  /** Ends a job and all that it spawned. `WrongState` if it has ended, `NotFound` if the queue does not know it. */
  async cancel(job: number): Promise<void> {
    await this.#about(CANCEL, job);
  }

  /** Takes a dead letter, by the number that the job had, and tries it again as a job of its own: that one's number. */
  requeue(letter: number): Promise<number> {
    return this.#about(REQUEUE, letter);
  }

  /** The queues, with what is in them, by name. */
  async queues(): Promise<QueueCounters[]> {
    const [{ queues = [] }] = await this.#look(QUEUES);
    return queues;
  }

  /** A job, and what is below it and has not ended; at most so many. `NotFound` if the queue does not know it. */
  async tree(job: number, most: number = MUCH): Promise<Tree> {
    const [{ tree = [] }, more] = await this.#look(TREE, job, most);
    return { jobs: tree as TreeJob[], more };
  }

  /** Dead letters, from this number on and at most so many. */
  async dead(first = 0, most: number = MUCH): Promise<DeadLetters> {
    const [{ letters = [] }, more] = await this.#look(DEAD, first, most);
    return { letters: letters.map(letterOf), more };
  }

  /** Closes. Every wait ends with `Closed`; what was accepted is done all the same. Twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#native.close();
    this.#calls.close();
  }

  /** As {@link close}: `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** As {@link close}: `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #about(what: number, job: number): Promise<number> {
    return new Promise((resolve, reject) => this.#calls.ask(new Accepting(resolve, reject), what, job));
  }

  #look(what: number, job = 0, most = 0): Promise<[Sight, boolean]> {
    return new Promise((resolve, reject) => {
      const finding = new Finding((sight, more) => resolve([sight, more]), reject);
      this.#calls.ask(finding, what, job, whole('most', most, 0));
    });
  }
}
