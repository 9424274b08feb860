/** What a socket counted. */

/** Counters of one socket since it was opened, and what it holds now. */
export interface SocketStats {
  /** Messages handed over to libzmq. */
  sentMessages: number;
  /** Their bytes, without framing. */
  sentBytes: number;
  /** Messages handed to the program. */
  receivedMessages: number;
  /** Their bytes, without framing. */
  receivedBytes: number;
  /** How often a send found no room and had to wait or was refused with `Full`. */
  sendFull: number;
  /** Sends refused because the addressed peer is not connected. */
  sendUnreachable: number;
  /** Messages received ahead that the program has not taken yet. */
  inboxMessages: number;
  /** Their bytes. */
  inboxBytes: number;
  /** How often the inbox was full and the peer was held back. */
  inboxFull: number;
  /** Messages dropped because the inbox was full: 0, because a full inbox holds the peer back. */
  lostFull: number;
  /** Messages received ahead when the socket closed: lost, because nobody took them. */
  lostClosed: number;
  /** Messages that `send` accepted and that are not handed over yet. */
  pendingMessages: number;
  /** Messages that `send` accepted and that could not be handed over. */
  lostPending: number;
}

/**
 * The counters of core, corrected by what is on the JavaScript side.
 * @internal
 */
export function statsOf(
  counts: Record<string, number>,
  inbox: { messages: number; bytes: number; untaken: number },
  outbox: { pending: number; lost: number },
): SocketStats {
  const stats = { ...counts } as Record<keyof SocketStats, number>;
  stats.receivedMessages -= inbox.messages + inbox.untaken;
  stats.receivedBytes -= inbox.bytes;
  stats.inboxMessages += inbox.messages;
  stats.inboxBytes += inbox.bytes;
  stats.lostClosed += inbox.untaken;
  stats.pendingMessages = outbox.pending;
  stats.lostPending = outbox.lost;
  return stats;
}
