/** How a queue, a producer and a worker are set up. */
import type { PartyOptions } from '../party';

/**
 * Which of the jobs that wait for a worker is the next. `'depth'`: what was begun first, so that what waits is bounded
 * by the depth of a tree times its width; `'fifo'`: after jobs that go on, in the order in which they came; `'lifo'`:
 * what came last; `'priority'`: the highest priority, and of those that have the same as `'depth'`.
 */
export type Order = 'depth' | 'fifo' | 'lifo' | 'priority';

/**
 * How a queue is set up. What is beyond a bound is refused with `Full` and a hint when to try again; a tree that
 * outgrows one of its own fails with `TooLarge`.
 */
export interface QueueOptions extends PartyOptions {
  /** Default: `'depth'`. */
  order?: Order | undefined;
  /** The same, of queues by their names. Default: none. */
  orders?: Readonly<Record<string, Order>> | undefined;
  /**
   * The file of the store, which is made if it is not there. With it what is accepted is on the disk; without, a queue
   * that ends takes its jobs with it.
   */
  store?: string | undefined;
  /** Names of queues. Default: 10000. */
  maxQueues?: number | undefined;
  /** Jobs in all. Default: 2000000. */
  maxJobs?: number | undefined;
  /** Bytes of jobs in all; each counts as 256 more. Default: 4 GiB. */
  maxBytes?: number | undefined;
  /** Bytes of the jobs in one queue. Default: 4 GiB. */
  maxQueueBytes?: number | undefined;
  /** Generations of a tree, its root included. Default: 64. */
  maxDepth?: number | undefined;
  /** Children that a job spawns at once. Default: 10000. */
  maxChildren?: number | undefined;
  /** Jobs of one tree, over all its life. Default: 1000000. */
  maxTreeJobs?: number | undefined;
  /** Bytes of the jobs of one tree at a time. Default: 1 GiB. */
  maxTreeBytes?: number | undefined;
  /** Workers that may be lost with a job, at most 255; with the next it fails. Default: 10. */
  maxLost?: number | undefined;
  /** Outcomes that are kept; beyond, the one whose time comes first is dropped. Default: 10000. */
  maxKept?: number | undefined;
  /** Bytes of those. Default: 64 MiB. */
  maxKeptBytes?: number | undefined;
  /** Dead letters; beyond, the oldest is dropped. Default: 10000. */
  maxDead?: number | undefined;
  /** Bytes of those. Default: 64 MiB. */
  maxDeadBytes?: number | undefined;
  /** Jobs that are being pushed part by part. Default: 1000. */
  maxDrafts?: number | undefined;
  /** Bytes of those. Default: 256 MiB. */
  maxDraftBytes?: number | undefined;
  /** Producers and workers connected at once. Default: 20000. */
  maxPeers?: number | undefined;
  /** Jobs that one worker has at once. Default: 16384. */
  maxPerPeer?: number | undefined;
}

/** How a producer is set up. */
export interface ProducerOptions extends PartyOptions {
  /**
   * How long a job may take until it is accepted, and a question until it is answered, in milliseconds. Default: 30000.
   */
  patience?: number | undefined;
  /** What it may wait for at once; more is `Full`. Default: 100000. */
  maxCalls?: number | undefined;
  /** Bytes of jobs that are not accepted yet. Default: 256 MiB. */
  maxBytes?: number | undefined;
}

/** How a worker is set up. */
export interface QueueWorkerOptions extends PartyOptions {
  /** How many jobs it has at once of each queue that it is connected to. At least 1. Default: 1. */
  credit?: number | undefined;
  /** Bytes of what a queue has not taken. Default: 256 MiB. */
  maxBytes?: number | undefined;
}
