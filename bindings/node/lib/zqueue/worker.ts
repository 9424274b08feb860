/** Who does jobs. */
import { native } from '../addon';
import { Answers } from '../answers';
import { defaultContext } from '../context';
import { Employed } from '../employed';
import { call } from '../errors';
import { endpointsOf, listOf } from '../party';
import type { QueueWorkerCounters } from './counters';
import { FACTS, QueueJob } from './job';
import type { QueueWorkerOptions } from './options';

/**
 * Does jobs: `for await (const job of worker)`. As many are here at once as `credit` says. What a worker has that is
 * closed, dies or is silent for too long is given to another.
 */
export class QueueWorker extends Employed<QueueJob> {
  readonly #native: InstanceType<typeof native.QueueWorker>;

  /**
   * A worker that takes jobs of these names, 1 to 100 of 1 to 255 bytes each, from the queues at these endpoints. It
   * connects in the background. `InvalidEndpoint` if an endpoint cannot be read, `InvalidArgument` for a name or an
   * option that is none.
   */
  constructor(
    endpoints: string | readonly string[],
    queues: string | readonly string[],
    options: QueueWorkerOptions = {},
  ) {
    const { context = defaultContext(), ...rest } = options;
    const names = listOf(queues, 'queues');
    const worker = call(() => new native.QueueWorker(context.native, endpointsOf(endpoints), names, rest));
    super(worker, new Answers(worker), FACTS, (jobs) => new QueueJob(jobs));
    this.#native = worker;
  }

  /** What it did so far. */
  counters(): QueueWorkerCounters {
    return this.counted(() => this.#native.counters());
  }
}
