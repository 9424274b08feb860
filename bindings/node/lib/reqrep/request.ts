/** How a request is made. */
import { native } from '../addon';
import { flag, refuseUnknown, whole } from '../given';
import type { Data } from '../message';

/** How a request is made. */
export interface RequestOptions {
  /** How long an answer is of use, in milliseconds. The outcome is there by then. Default: 30000. */
  deadline?: number | undefined;
  /** How long it may wait while nobody offers the service, in milliseconds. Default: as long as `deadline`. */
  patience?: number | undefined;
  /** How often it may be given to a worker, if workers are lost, 1 to 255: 1 is at most once. Default: 3. */
  attempts?: number | undefined;
  /** How often to ask again, after a pause, where a queue was full, 0 to 255. Default: 3. */
  retries?: number | undefined;
  /** Stored by the broker before it is accepted; needs a key. `Unsupported` where nothing is stored. Default: false. */
  durable?: boolean | undefined;
  /** Run once for all requests of the same service and key; `Unsupported` without a broker. Default: false. */
  once?: boolean | undefined;
  /** By which it is kept to one worker, run once, or stored; at most 255 bytes. Default: empty. */
  key?: Data | undefined;
  /** Takes the request back, also at the worker, when it aborts. */
  signal?: AbortSignal | undefined;
}

/** How long to wait for what is said of a stored request. */
export interface FetchOptions {
  /** `Timeout` if there is no outcome after this many milliseconds. Default: 30000. */
  patience?: number | undefined;
  /** Gives up when it aborts. */
  signal?: AbortSignal | undefined;
}

/** What is to be done about a request, as in `src/reqrep/options.rs`. @internal */
export const Task = { ASK: 0, STORE: 1 << 24, FETCH: 2 << 24, DISCARD: 3 << 24 } as const;

/** The same as the addon takes it. @internal */
export interface Manner {
  readonly key: Data;
  readonly signal: AbortSignal | undefined;
  readonly deadline: number;
  readonly patience: number;
  /** From the lowest byte: attempts, retries, 1 for durable and 2 for once. The task comes on top. */
  readonly rest: number;
}

const NAMES = new Set(['deadline', 'patience', 'attempts', 'retries', 'durable', 'once', 'key', 'signal']);
const DEFAULTS = native.requestDefaults();
const STANDARD = convert({});

/** @internal */
export function mannerOf(options: RequestOptions | undefined): Manner {
  return options === undefined ? STANDARD : convert(options);
}

function convert(options: RequestOptions): Manner {
  refuseUnknown(options, NAMES);
  const { key = '', signal } = options;
  const deadline = whole('deadline', options.deadline, DEFAULTS.deadline);
  const patience = whole('patience', options.patience, deadline);
  const attempts = whole('attempts', options.attempts, DEFAULTS.attempts, 255, 1);
  const retries = whole('retries', options.retries, DEFAULTS.retries, 255);
  const flags = flag('durable', options.durable) + 2 * flag('once', options.once);
  return { key, signal, deadline, patience, rest: attempts + (retries << 8) + (flags << 16) };
}
