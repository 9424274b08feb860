/** The side that answers. */
import { native } from '../addon';
import { defaultContext } from '../context';
import type { WaitOptions } from '../deadline';
import { awaiting, resting } from '../environment';
import { call } from '../errors';
import { Inbox, type Take } from '../inbox';
import { messages } from '../iterate';
import { Answers } from './answers';
import type { WorkerCounters } from './counters';
import { Job, Jobs } from './job';
import { type WorkerOptions, endpointsOf } from './options';

const take: Take<Jobs, Job> = (jobs) => new Job(jobs);

/**
 * Answers requests for a service: `for await (const job of worker)`. As many jobs are here at once as `credit` says,
 * and they may be answered in any order. What a worker holds that is closed, or dies, is given to another.
 */
export class Worker implements AsyncIterable<Job>, AsyncDisposable, Disposable {
  readonly #native: InstanceType<typeof native.Worker>;
  readonly #answers: Answers;
  readonly #inbox: Inbox<Jobs>;
  #closed = false;

  /**
   * A worker of these brokers, for a service with a name of 1 to 255 bytes. It connects in the background.
   * `InvalidEndpoint` if an endpoint cannot be read, `InvalidArgument` for a name or an option that is none.
   */
  constructor(endpoints: string | readonly string[], service: string, options?: WorkerOptions);
  /** @internal */
  constructor(endpoints: string | readonly string[], service: string, options: WorkerOptions, bind: boolean);
  constructor(endpoints: string | readonly string[], service: string, options: WorkerOptions = {}, bind = false) {
    const { context = defaultContext(), ...rest } = options;
    const worker = call(() => new native.Worker(context.native, endpointsOf(endpoints), bind, service, rest));
    const drain = () => {
      // Who asks for jobs has paused answering.
      this.#answers.hand();
      const block = worker.drain();
      return block === null ? undefined : new Jobs(block, this.#answers);
    };
    const settle = () => (this.#inbox.waiting ? awaiting(worker.id, this.#inbox) : resting(worker.id));
    this.#native = worker;
    this.#answers = new Answers(worker);
    this.#inbox = new Inbox(drain, settle, 'worker');
  }

  /** A worker that is its own server: clients connect to its {@link endpoint}. `AddressInUse`, ... if that fails. */
  static bind(endpoint: string, service: string, options: WorkerOptions = {}): Worker {
    return new Worker(endpoint, service, options, true);
  }

  /** Where clients reach a worker that binds, with the port that the system chose. */
  get endpoint(): string | undefined {
    return this.#native.endpoint ?? undefined;
  }

  /** Whether the worker was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The next job. Any number of calls may wait at a time. `Closed` after {@link leave}, when all is done. */
  next(options?: WaitOptions): Promise<Job> {
    return this.#inbox.receive(take, options);
  }

  /** Jobs, until the worker is closed, or has left. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Job> {
    return messages(this.#inbox, take);
  }

  /** Takes no more jobs. Those that are here are done, and their answers arrive; then it is over. */
  leave(): void {
    this.#answers.hand();
    call(() => this.#native.leave());
  }

  /** What it did so far. */
  counters(): WorkerCounters {
    this.#answers.hand();
    return call(() => this.#native.counters());
  }

  /** Closes where it is. Jobs that are here are given to others. Every wait ends with `Closed`. Twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#answers.hand();
    this.#answers.close();
    this.#inbox.close();
    this.#native.close();
    resting(this.#native.id);
  }

  /** As {@link close}: `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** As {@link close}: `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
