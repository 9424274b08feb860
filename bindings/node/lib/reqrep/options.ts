/** How a client, a worker and a broker are set up. */
import type { PartyOptions } from '../party';

/**
 * How requests are spread over workers of the same service: to the one that was given nothing for the longest time, if
 * it has room; to the one with the largest share of its credit free; to the same one for the same key, for as long as
 * it is there.
 */
export type Balance = 'least-recently-used' | 'most-free' | 'sticky';

/** A server that speaks the Freelance protocol, 10/FLP, as the Guide's do. */
export interface FreelanceServer {
  /** Where it is. */
  endpoint: string;
  /** What it is asked for, a name of 1 to 255 bytes. */
  service: string;
  /** How many requests it is given at once. At least 1. Default: 1. */
  credit?: number | undefined;
}

/** How a client is set up. */
export interface ClientOptions extends PartyOptions {
  /**
   * Servers of the Freelance pattern to ask, beside the client's endpoints or instead of them; a broker is not asked
   * for their services. What they cannot do, such as to store a request or to run it once, is `Unsupported`. Default:
   * none.
   */
  freelance?: readonly FreelanceServer[] | undefined;
  /** Requests that may be open at once; another fails with `Full`. Default: 16384. */
  maxRequests?: number | undefined;
  /** Bytes of open requests. Default: 256 MiB. */
  maxBytes?: number | undefined;
  /** For where the client knows several workers or brokers. Default: `'least-recently-used'`. */
  balance?: Balance | undefined;
}

/** How a worker is set up. */
export interface WorkerOptions extends PartyOptions {
  /** How many jobs it takes at once from each broker or client. Default: 1. */
  credit?: number | undefined;
  /** How many jobs it holds at once in all. Default: 16384. */
  maxJobs?: number | undefined;
  /** How many clients may connect to a worker that binds. Default: 10000. */
  maxClients?: number | undefined;
}

/**
 * An endpoint for programs whose protocol nothing tells from others: REQ and DEALER clients that say nothing but their
 * question, workers of 6/PPP, and REQ workers that say that they are ready, as those of the Simple Pirate do.
 */
export interface PlainEndpoint {
  /** Where they connect to. */
  endpoint: string;
  /** Who they are. */
  side: 'clients' | 'workers';
  /** What they ask for, or offer, a name of 1 to 255 bytes. */
  service: string;
}

/** How a broker is set up. What is beyond a bound is refused with `Full` and a hint when to ask again. */
export interface BrokerOptions extends PartyOptions {
  /** Endpoints for programs with older protocols that cannot share one. Default: none. */
  plain?: readonly PlainEndpoint[] | undefined;
  /** Default: `'least-recently-used'`. */
  balance?: Balance | undefined;
  /** Requests held at once in all. Default: 100000. */
  maxRequests?: number | undefined;
  /** Bytes of requests held at once in all. Default: 1 GiB. */
  maxBytes?: number | undefined;
  /** Requests that wait for one service. Default: 50000. */
  maxWaiting?: number | undefined;
  /** Bytes of requests that wait for one service. Default: 512 MiB. */
  maxWaitingBytes?: number | undefined;
  /** How long a request may wait for a worker, in milliseconds. Default: 1 h. */
  maxAge?: number | undefined;
  /** Requests of one client at once. Default: 16384. */
  maxPerClient?: number | undefined;
  /** Clients and workers connected at once. Default: 20000. */
  maxPeers?: number | undefined;
  /** Bytes of answers that a client has not fetched; those whose answers come beyond end with `Full`. Default: 256 MiB. */
  maxUnfetched?: number | undefined;
  /** Answers kept for requests that are run once. Default: 10000. */
  maxCached?: number | undefined;
  /** Bytes of those answers. Default: 64 MiB. */
  maxCachedBytes?: number | undefined;
  /** How long they are kept, in milliseconds. Default: 10 min. */
  maxCachedAge?: number | undefined;
  /**
   * The file of the store for durable requests and their answers; it is made if it is not there. Without, durable
   * requests are refused with `Unsupported`.
   */
  store?: string | undefined;
  /** Durable requests and answers kept at once, in the store and in memory. Default: 100000. */
  maxStored?: number | undefined;
  /** Bytes of those. Default: 256 MiB. */
  maxStoredBytes?: number | undefined;
  /**
   * How long an answer is kept in the store that nobody fetches, in milliseconds. Default: 24 h. One that was fetched
   * goes when its place is needed, at the latest after `maxCachedAge`.
   */
  maxStoredAge?: number | undefined;
}
