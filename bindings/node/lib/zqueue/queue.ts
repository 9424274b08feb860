/** Who keeps the jobs. */
import { native } from '../addon';
import { defaultContext } from '../context';
import { call } from '../errors';
import { endpointsOf } from '../party';
import { Station } from '../station';
import type { JobCounters, QueueCounters } from './counters';
import type { QueueOptions } from './options';

/**
 * Keeps jobs, gives them to workers, and tells what they come to; producers and workers connect to it. It works on
 * threads of its own until it is closed or collected, and does not keep the process alive: `await queue.wait()` does.
 */
export class Queue extends Station {
  readonly #native: InstanceType<typeof native.Queue>;

  /**
   * A queue that producers and workers reach at these endpoints, once it has read its store. `AddressInUse`, ... if
   * that fails; `WrongState` if the store is open already, `Corrupt` if it is damaged.
   */
  constructor(endpoints: string | readonly string[], options: QueueOptions = {}) {
    const { context = defaultContext(), orders, ...rest } = options;
    const queue = call(() => new native.Queue(context.native, endpointsOf(endpoints), orders, rest));
    super(queue, 'queue');
    this.#native = queue;
  }

  /** What became of the jobs so far. */
  counters(): JobCounters {
    return call(() => this.#native.counters()) as JobCounters;
  }

  /** The same of each queue that was ever named, by name. */
  queues(): QueueCounters[] {
    return call(() => this.#native.queues());
  }

  /** Workers connected now. */
  workers(): number {
    return call(() => this.#native.workers());
  }
}
