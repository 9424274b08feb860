/** What a publisher's program is told. */

/** How somebody says who he is. */
export type Credential =
  | { kind: 'none' }
  | { kind: 'password'; user: Buffer; password: Buffer }
  | { kind: 'token'; token: Buffer };

/** Somebody wants to come in: `admit` or `refuse` answers. */
export interface SubscriberAsked {
  kind: 'asked';
  /** For the answer. */
  ask: number;
  /** By which it will be known. */
  identity: Buffer;
  /** Who the security of its connection says that it is: a name, or a public key in Z85. Empty if there is none. */
  user: Buffer;
  /** What it says itself. */
  credential: Credential;
}

/** A subscriber is there that was not; or it has gone, or was silent for longer than its lease. */
export interface SubscriberCame {
  kind: 'joined' | 'left';
  /** By which it is known. */
  identity: Buffer;
  /** Who it is. */
  user: Buffer;
}

/** Something that happened at a publisher; its `kind` says what. */
export type PublisherEvent = SubscriberAsked | SubscriberCame;
