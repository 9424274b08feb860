/** What became of jobs. */

/** Why a job was not done. */
export type JobLossReason = 'failed' | 'workersLost' | 'childFailed' | 'cancelled' | 'bounds';

/** Jobs by what became of them. Always: `accepted` is `delivered`, `held`, and all that is `lost` together. */
export interface JobCounters {
  /** Taken responsibility for: jobs that were pushed, and those that others spawned. */
  accepted: number;
  /** Done. */
  delivered: number;
  /**
   * Given to a worker once more, because one was lost, or because it failed and may be tried again; counts how often.
   */
  redelivered: number;
  /** Lost, by reason. */
  lost: Record<JobLossReason, number>;
  /** Still there. */
  held: number;
  /** Of those, waiting for a worker. */
  waiting: number;
  /** Of those, waiting for their time. */
  delayed: number;
  /** Of those, with a worker. */
  running: number;
  /** Of those, waiting for children. */
  suspended: number;
  /** Not taken because there was no room; not accepted. */
  refusedFull: number;
  /** Not taken for another reason; not accepted. */
  refusedOther: number;
  /** Pushed again, and known already. */
  duplicates: number;
  /** What workers said about jobs that they no longer had. */
  lateDropped: number;
  /** Outcomes that are kept. */
  kept: number;
  /** Dead letters. */
  dead: number;
  /** Bytes of jobs, of outcomes that are kept, and of dead letters. */
  bytes: number;
  /** Messages that made no sense. */
  malformed: number;
}

/** One of the queues. */
export interface QueueCounters {
  /** Its name. */
  name: string;
  /** Jobs that wait for a worker. */
  waiting: number;
  /** Bytes of jobs that are in it. */
  bytes: number;
  /** Jobs that a worker has. */
  running: number;
  /** Jobs done so far. */
  delivered: number;
  /** Jobs lost so far. */
  lost: number;
  /** Workers that take jobs from it. */
  workers: number;
  /** For how long the one at its head has waited, in milliseconds. */
  oldest: number;
}

/** What a worker did so far. */
export interface QueueWorkerCounters {
  /** Jobs taken. */
  accepted: number;
  /** Jobs done. */
  completed: number;
  /** Jobs that failed. */
  failed: number;
  /** Jobs that were broken into others. */
  spawned: number;
  /** Jobs that are here: given to the program, or waiting for it. */
  held: number;
  /** Jobs that were taken back. */
  withdrawn: number;
  /** What was said of jobs, and was not heard. */
  rejected: number;
  /** Messages that made no sense. */
  malformed: number;
}
