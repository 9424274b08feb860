/** How a bus is set up. */
import type { Context } from '../context';

/** How a bus is set up. Times are in milliseconds. */
export interface BusOptions {
  /** The context. Default: the one of the environment. */
  context?: Context | undefined;
  /** What messages begin with that are received; with `''` all are. Default: none. */
  subscribe?: Uint8Array | string | readonly (Uint8Array | string)[] | undefined;
  /** Bytes of datagrams sent in a second, repairs with them. At least 1000. Default: 100 million. */
  rate?: number | undefined;
  /** Bytes that are kept to be repeated: as long an outage is survived as it takes to send them. Default: 64 MiB. */
  window?: number | undefined;
  /** They are kept no longer than this. Default: without end. */
  maxAge?: number | undefined;
  /**
   * Bytes of what was sent before that who comes late gets: as much as both its sender and it say here. Default: 0.
   */
  history?: number | undefined;
  /** Bytes that may wait to be sent. Default: 4 MiB. */
  maxUnsent?: number | undefined;
  /** How many routers a message may cross, and one more; 1 is this network. Default: 1. */
  hops?: number | undefined;
  /** Whether other programs on this machine hear what is sent. Default: true. */
  looped?: boolean | undefined;
  /**
   * For whom sending waits: for nobody, for all who listen, or for those who have the same `tag`. What is not `'none'`
   * is of our own peers only, which excludes libzmq's: such a group has a port of its own. Default: `'none'`.
   */
  flowControl?: 'none' | 'slowest' | 'tagged' | undefined;
  /** Before so many listen who are waited for, nothing is sent. Default: 0. */
  atLeast?: number | undefined;
  /** As whom one listens, and for whom one waits, if flow control is by tag. Default: 0. */
  tag?: number | undefined;
  /**
   * Datagrams of a group that is repaired by parity, of our own peers only: 2, 4, 8, 16, 32, 64, or 0 for none.
   * Default: 0.
   */
  parityGroup?: number | undefined;
  /** Parity that is sent with each group, whether or not somebody asks. Default: 0. */
  parity?: number | undefined;
  /**
   * Datagrams carry a tag that only who has this key can make, and others are dropped; of our own peers only. At least
   * 16 bytes, random ones. Default: none.
   */
  key?: Uint8Array | undefined;
  /** Sources heard at once. Default: 1024. */
  maxPeers?: number | undefined;
  /** Bytes of one source that wait while something before them is missing. Default: 64 MiB. */
  maxBehind?: number | undefined;
  /** Bytes of a message that is received; each frame counts as 32 more. Larger ones are lost. Default: 16 MiB. */
  maxMessage?: number | undefined;
  /** Messages and events that wait for the program. Default: 100000. */
  maxEvents?: number | undefined;
  /** Bytes of those; each frame and each of them counts as 32 more. Default: 64 MiB. */
  maxBytes?: number | undefined;
  /** How long a source is remembered that is silent. Default: 5 min. */
  forget?: number | undefined;
  /** How long closing waits for what is to be sent, and repeated. Default: 1000. */
  linger?: number | undefined;
}

/** One prefix, or several, as the addon takes them. @internal */
export function prefixesOf(given: BusOptions['subscribe'] = []): (Uint8Array | string)[] {
  return Array.isArray(given) ? [...given] : [given as Uint8Array | string];
}
