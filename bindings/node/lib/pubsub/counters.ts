/** What became of publications. */

/**
 * What became of what was published, for one subscriber or all. Always: `accepted` is `delivered`, `held`, and all that is
 * lost together.
 */
export interface Books {
  /** Publications that were to be delivered. Of a public stream that is heard over the shared path, all. */
  accepted: number;
  /** Taken by the subscriber's program. */
  delivered: number;
  /** Sent once more, because nobody knew whether they had arrived; counts how often. */
  redelivered: number;
  /** Lost: the subscriber did not take what it was sent, and its subscription has a bound. */
  lostSlow: number;
  /** Lost: it asked too late; the history has it no more. */
  lostHistory: number;
  /** Lost: it may not hear that any more, or was sent away. */
  lostRevoked: number;
  /** Lost: it went, or was silent for too long. */
  lostGone: number;
  /** Lost: the publisher was closed. */
  lostClosed: number;
  /** On their way, or waiting for it. */
  held: number;
}

/** What a publisher did so far, with what became of it for all subscribers together. */
export interface PublisherCounters extends Books {
  /** Publications that were taken. */
  published: number;
  /** How often a publication was not taken, because somebody for whom the publisher waits is slow. */
  refusedFull: number;
  /** Publications that were sent again because the shared path had lost them. */
  repaired: number;
  /** Subscribers that are connected. */
  subscribers: number;
  /** Subscriptions, with those of subscribers that are away. */
  subscriptions: number;
  /** Subscribers and subscriptions that were refused. */
  denied: number;
  /** Messages over a connection of another user than their subscriber's. */
  forged: number;
  /** Messages that made no sense. */
  malformed: number;
  /** Bytes of publications that are here. */
  bytes: number;
  /** Bytes of publications on disk, or on their way there. */
  diskBytes: number;
  /** How often the disk did not take, or give back, a block of them. */
  diskErrors: number;
  /** Those who came and went, of which the program was not told because it takes too little of what it is told. */
  droppedNews: number;
  /** Endpoints of users, for plain SUB sockets, that are open. */
  plainEndpoints: number;
  /**
   * How often a publication was handed over to ZeroMQ for plain SUB sockets, once for each endpoint; what becomes of it,
   * nobody knows.
   */
  handedOver: number;
}

/** A subscriber that a publisher knows, and what became of the publications for it. */
export interface SubscriberInfo extends Books {
  /** By which it is known. */
  identity: Buffer;
  /** Who it is. */
  user: Buffer;
  /** Whether it is connected. */
  connected: boolean;
  /** How many subscriptions it has. */
  subscriptions: number;
}

/** What a subscriber got so far. */
export interface SubscriberCounters {
  /** Given to the program. */
  delivered: number;
  /**
   * Publications of which it was told that it missed them; of a range of which nobody knows how many were in it, all
   * numbers.
   */
  missed: number;
  /** Publications that came privately because the shared path had lost them. */
  repaired: number;
  /** What came twice. */
  duplicates: number;
  /** Publications that are here, and not yet taken by the program. */
  waiting: number;
  /** Bytes of those. */
  waitingBytes: number;
  /** How often the publisher was found to have started anew. */
  restarts: number;
  /** Messages that made no sense. */
  malformed: number;
}

/** How far a subscription is in a stream. */
export interface ViewInfo {
  /** The subscription. */
  subscription: number;
  /** The stream. */
  stream: string;
  /** Whether it comes over the shared path. */
  shared: boolean;
  /** The last number that was given to the program, or missed. */
  last: number;
}
