/** How a publisher, its streams, a subscriber and a subscription are set up. */
import { invalid } from '../errors';
import type { PartyOptions } from '../party';

/**
 * Publications with numbers of their own. A subject belongs to the first stream that has it. A pattern is a subject in
 * which `*` stands for any one level and `>` at the end for one or more: `ticks.*.usd`, `news.>`.
 */
export interface StreamOptions {
  /** 1 to 255 bytes. */
  name: string;
  /** The patterns of its subjects. Default: every subject. */
  subjects?: string | readonly string[] | undefined;
  /** Whether everybody may hear it, over the shared path. Default: false. */
  public?: boolean | undefined;
  /** How many of the last publications are kept for those who come late, or missed some. Default: 10000. */
  history?: number | undefined;
  /** Bytes of those. Default: 64 MiB. */
  historyBytes?: number | undefined;
  /**
   * For how long they are kept, in milliseconds, unless somebody is waited for who has yet to take them. Default: 1 h.
   */
  historyAge?: number | undefined;
  /**
   * Bytes of those before them that are kept on disk: for subscriptions that spill, and for who lost some of the shared
   * path. Needs `disk` of the publisher. Default: 0.
   */
  diskBytes?: number | undefined;
  /** Of how many subjects the last publication is kept in any case. Default: 10000. */
  lastValues?: number | undefined;
}

/** How a publisher is set up. Who comes beyond a bound is refused with `Full`. Times are in milliseconds. */
export interface PublisherOptions extends PartyOptions {
  /** The streams, in the order in which they are asked for a subject. Default: one, `main`, of all, not public. */
  streams?: readonly StreamOptions[] | undefined;
  /** An endpoint where public streams leave once for all. Default: none; they are sent to each subscriber by itself. */
  shared?: string | undefined;
  /** An endpoint where plain SUB sockets hear public streams: the subject, and the frames. Default: none. */
  plain?: string | undefined;
  /** Who may hear what, as text in ZPL. Default: everybody everything. Not together with `ask`. */
  entitlements?: string | Uint8Array | undefined;
  /** The program decides who is let in, and has so long for it; see `Publisher.next`. Default: it is not asked. */
  ask?: number | undefined;
  /** Whether the program is told who comes and goes. Default: false. */
  news?: boolean | undefined;
  /** For how long a subscriber is waited for and remembered after its last sign of life. Default: 10 s. */
  lease?: number | undefined;
  /** The longest `keep` that a subscriber gets. Default: 24 h. */
  maxKeep?: number | undefined;
  /**
   * For how long the publisher waits for a subscription that takes nothing: then it loses the oldest, and is told, until it
   * takes again. Default: 1 min.
   */
  maxHold?: number | undefined;
  /**
   * For how long what is published soon after other publications may wait for more, to leave together; may be a
   * fraction. Default: 0.1.
   */
  gather?: number | undefined;
  /** Subscribers, with those that are away. Default: 10000. */
  maxSubscribers?: number | undefined;
  /** Subscriptions of one subscriber. Default: 10000. */
  maxSubscriptions?: number | undefined;
  /** Subscriptions of all. Default: 2000000. */
  maxAllSubscriptions?: number | undefined;
  /** Endpoints of subscribers that are connected to. Default: 10000. */
  maxEndpoints?: number | undefined;
  /** Endpoints that are open for plain SUB sockets of users; see `Publisher.openPlain`. Default: 100. */
  maxPlain?: number | undefined;
  /** Bytes of a publication. Default: 16 MiB. */
  maxSize?: number | undefined;
  /** Bytes of publications that are here, in histories and for subscribers; each counts as 96 more. Default: 1 GiB. */
  maxBytes?: number | undefined;
  /**
   * A folder for what streams keep on disk: in a file without a name, which goes with the publisher. Default: nothing is
   * kept on disk.
   */
  disk?: string | undefined;
  /** How long closing waits until what is for connected subscribers has arrived. Default: 1000. */
  linger?: number | undefined;
  /** Its secret key, of 40 characters: subscribers come by CURVE. The context needs an `Authenticator`. */
  curveSecretKey?: string | undefined;
  /** Whether subscribers come by a name and a password of ZeroMQ. The context needs an `Authenticator`. */
  plainServer?: boolean | undefined;
  /** What the authenticator is asked for. */
  zapDomain?: string | undefined;
}

/** How a subscriber is set up. Times are in milliseconds. */
export interface SubscriberOptions extends PartyOptions {
  /**
   * By which the publisher knows it when it comes back after its lease has ended, 1 to 200 bytes. Default: it does not.
   */
  name?: string | undefined;
  /** For how long the publisher keeps what is for it after that; at most its `maxKeep`. Default: 0. */
  keep?: number | undefined;
  /** Who it is, with a `password`. Default: nobody. */
  user?: string | Uint8Array | undefined;
  /** Goes with `user`. */
  password?: string | Uint8Array | undefined;
  /** What only it has, instead of a user and a password. At most 16 KiB. */
  token?: string | Uint8Array | undefined;
  /** Where the shared path is, if not where the publisher says: a proxy's address, for example. */
  shared?: string | undefined;
  /** An endpoint that it binds and to which the publisher connects with what is for it alone. Default: none. */
  endpoint?: string | undefined;
  /** Publications that may be here, and not yet taken by the program. Default: 10000. */
  maxMessages?: number | undefined;
  /** Bytes of those; each counts as 96 more. Default: 64 MiB. */
  maxBytes?: number | undefined;
  /** It ends with `Full` when its program has not taken so many publications that it knows of. Default: it does not. */
  snailMaxLag?: number | undefined;
  /** The same when it has not taken for so long what it knows of. Default: it does not. */
  snailMaxAge?: number | undefined;
  /** The publisher's public key, of 40 characters. All three keys go together. */
  curveServerKey?: string | undefined;
  /** Its own public key. */
  curvePublicKey?: string | undefined;
  /** Its own secret key. */
  curveSecretKey?: string | undefined;
  /** Its name for ZeroMQ, with `plainPassword`. */
  plainUsername?: string | undefined;
  /** Goes with `plainUsername`. */
  plainPassword?: string | undefined;
}

/** What a subscription wants besides its subjects. */
export interface SubscriptionOptions {
  /** It begins with what is published next, or with the last publication of each subject. Default: `'now'`. */
  start?: 'now' | 'last-values' | undefined;
  /** It begins with the last so many of each stream, instead. */
  last?: number | undefined;
  /**
   * What is done when the program is slow: it loses the oldest, and is told; the publisher waits; it is sent away; what it
   * has not taken is kept on the publisher's disk, and when that is full the publisher waits. Default: `'drop'`.
   */
  slow?: 'drop' | 'hold' | 'disconnect' | 'spill' | undefined;
  /** By how many publications it may be late. At least 1. Default: 10000. */
  maxMessages?: number | undefined;
  /** By how many bytes. At least 1. Default: 64 MiB. */
  maxBytes?: number | undefined;
  /** Whether public streams come over the shared path, if there is one. Default: true. */
  shared?: boolean | undefined;
}

/** A subscription to all subjects that begin with some bytes, whatever they are. */
export interface PrefixSubscription extends SubscriptionOptions {
  /** At most 255 bytes; with `''` it is every subject. */
  prefix: string | Uint8Array;
}

/** What a user may hear: what some pattern allows, and none denies. */
export interface Rules {
  /** Default: nothing. */
  allow?: string | readonly string[] | undefined;
  /** Default: nothing. */
  deny?: string | readonly string[] | undefined;
}

/** Streams as the addon takes them: their subjects beside them. @internal */
export function streamsOf(given: PublisherOptions['streams']): [object[] | undefined, string[][]] {
  if (given === undefined) return [undefined, []];
  const isStream = (stream: unknown): stream is StreamOptions => typeof stream === 'object' && stream !== null;
  if (!Array.isArray(given) || !given.every(isStream)) {
    throw invalid('the option takes an array of objects', { option: 'streams' });
  }
  const subjects = given.map((stream) => patternsOf(stream.subjects, 'subjects'));
  return [given.map((stream) => ({ ...stream, subjects: undefined })), subjects];
}

/** Milliseconds that may be a fraction, as the addon takes them. @internal */
export function gatherOf(given: number | undefined): number | undefined {
  if (given === undefined || (Number.isFinite(given) && given >= 0)) return given;
  throw invalid('the option takes milliseconds, at least 0', { option: 'gather', value: String(given) });
}

/** One pattern, or several, or none, as the addon takes them. @internal */
export function patternsOf(given: string | readonly string[] | undefined, option: string): string[] {
  const all = given === undefined ? [] : typeof given === 'string' ? [given] : given;
  if (Array.isArray(all) && all.every((pattern) => typeof pattern === 'string')) return [...all];
  throw invalid('the option takes a string, or an array of strings', { option });
}
