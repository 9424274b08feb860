/** What a bus did. */
import type { Peer } from './event';

/** What a bus sent. */
export interface BusSentCounters {
  /** Messages taken. */
  messages: number;
  /** Datagrams with new data. */
  datagrams: number;
  /** Datagrams sent again. */
  repairs: number;
  /** Datagrams with parity. */
  parity: number;
  /** Numbers that were asked for. */
  asked: number;
  /** Of those, how many the window had no more. */
  gone: number;
  /** Of those, how many were not looked at because too many came. */
  ignored: number;
  /** Datagrams that are none. */
  malformed: number;
  /** Packets of other streams, and those that a source gets from nobody. */
  foreign: number;
  /** Datagrams from who does not know the key. */
  forged: number;
  /** Listeners that were waited for, and then were silent for too long. */
  silent: number;
  /** Listeners that are waited for now. */
  listeners: number;
}

/** What became of what a peer sent, or all peers together. */
export interface BusReceivedCounters {
  /** Messages that were complete, whether or not the program wanted them and had room. */
  delivered: number;
  /** Datagrams with data that were new. */
  datagrams: number;
  /** Datagrams with data that were there, or too old. */
  duplicates: number;
  /** Datagrams that were asked for and came. */
  repaired: number;
  /** Datagrams that were computed from others and parity. */
  computed: number;
  /** Numbers that were asked for. */
  asked: number;
  /** Datagrams that will not come. */
  missed: number;
  /** How often what came made no sense. */
  broken: number;
}

/** What a bus did so far. */
export interface BusCounters {
  /** What was sent. */
  sent: BusSentCounters;
  /** What came, from all who were ever heard. */
  received: BusReceivedCounters;
  /** Datagrams that are none. */
  malformed: number;
  /** Packets of other sessions. */
  foreign: number;
  /** Datagrams from who does not know the key. */
  forged: number;
  /** Sources that were not listened to because too many were there. */
  refused: number;
  /** Messages and events that the program did not take in time. */
  dropped: number;
  /** How often the system had no room for what was to be sent. */
  full: number;
  /** How often it refused it. */
  unsendable: number;
  /** Datagrams that `injectLoss` threw away. */
  injected: number;
}

/** Who is heard, and what became of what they sent. */
export interface BusPeer {
  /** Who. */
  peer: Peer;
  /** What became of it. */
  received: BusReceivedCounters;
}
