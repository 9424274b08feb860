/** The side that answers. */
import { native } from '../addon';
import { defaultContext } from '../context';
import { Employed } from '../employed';
import { call } from '../errors';
import { endpointsOf } from '../party';
import type { WorkerCounters } from './counters';
import { FACTS, Job } from './job';
import type { WorkerOptions } from './options';
import { Replies } from './replies';

/**
 * Answers requests for a service: `for await (const job of worker)`. As many jobs are here at once as `credit` says,
 * and they may be answered in any order. What a worker holds that is closed, or dies, is given to another.
 */
export class Worker extends Employed<Job> {
  readonly #native: InstanceType<typeof native.Worker>;

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
    const replies = new Replies(worker);
    super(worker, replies, FACTS, (jobs) => new Job(jobs, replies));
    this.#native = worker;
  }

  /** A worker that is its own server: clients connect to its {@link endpoint}. `AddressInUse`, ... if that fails. */
  static override bind(endpoint: string, service: string, options: WorkerOptions = {}): Worker {
    return new Worker(endpoint, service, options, true);
  }

  /** Where clients reach a worker that binds, with the port that the system chose. */
  get endpoint(): string | undefined {
    return this.#native.endpoint ?? undefined;
  }

  /** What it did so far. */
  counters(): WorkerCounters {
    return this.counted(() => this.#native.counters());
  }
}
