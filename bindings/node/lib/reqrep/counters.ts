/** What became of requests and jobs. */

/** Why a request was lost. */
export type LossReason =
  | 'deadline' | 'age' | 'noService' | 'attempts' | 'responder' | 'cancelled' | 'askerGone' | 'closed';

/** Requests by what became of them. Always: `accepted` is `delivered`, `held`, and all that is `lost` together. */
export interface RequestCounters {
  /** Taken responsibility for. */
  accepted: number;
  /** Answered by a worker, with a reply or with an error of its own. */
  delivered: number;
  /** How often one was given to another worker or broker after the last was lost. */
  redelivered: number;
  /** Lost, by reason. */
  lost: Record<LossReason, number>;
  /** Still open. */
  held: number;
  /** Of those, given to nobody yet. */
  waiting: number;
  /** Refused because too many were there; not accepted. */
  refusedFull: number;
  /** Refused for another reason; not accepted. */
  refusedOther: number;
  /** Answers of workers that had been given up, and that were used. */
  lateUsed: number;
  /** Answers that nobody waited for. */
  lateDropped: number;
  /** Requests answered from the cache of those that are run once. */
  fromCache: number;
  /** Requests that joined another of the same key. */
  joined: number;
  /** Durable requests and their answers that are in the store, or on their way into it. */
  stored: number;
  /** Messages that made no sense. */
  malformed: number;
}

/** What became of the requests for a service, since somebody first offered it. */
export interface ServiceCounters {
  /** Its name. */
  name: string;
  /** Those who offer it now. */
  workers: number;
  /** Its requests. */
  counters: RequestCounters;
}

/**
 * What a client of a broker asked, or a worker was given, since its session began. Always: `requests` is `answered`,
 * `failed` and `held` together.
 */
export interface PeerCounters {
  /** Which one it was to come, from 1. It keeps that over broken connections. */
  number: number;
  /** What a worker offers; a client has none. */
  service?: string | undefined;
  /** All that it asked, or was given. */
  requests: number;
  /** Of those, how many were answered, be it with an error of the worker's own. */
  answered: number;
  /** How many ended otherwise. */
  failed: number;
  /** How many are open. */
  held: number;
  /** Bytes that were sent to it and that it may not have. */
  unfetched: number;
}

/** What a worker did so far. */
export interface WorkerCounters {
  /** Jobs taken. */
  accepted: number;
  /** Jobs answered. */
  answered: number;
  /** Jobs here: given to the program, or waiting for it. */
  held: number;
  /** Jobs of which the worker was told that nobody waits any more. */
  cancelled: number;
  /** Answers whose client is gone. */
  lostAskerGone: number;
  /** Jobs not taken because too many were here, or because the worker leaves. */
  refused: number;
  /** Messages that made no sense. */
  malformed: number;
}
