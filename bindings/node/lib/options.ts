/** Written by scripts/options.mjs from the option table of core; `npm run generate` writes it again. */

/** How a socket is set up; fixed once it is open. */
export interface SocketOptions {
  /**
   * How many messages may wait to be sent, per peer. From 1 to 2147483647. Default: 1000.
   */
  sendHwm?: number | undefined;
  /**
   * How many messages may wait to be received, per peer, before the peer is held back. From 1 to 2147483647. Default:
   * 1000.
   */
  recvHwm?: number | undefined;
  /**
   * How many messages the inbox of a background socket holds. From 1 to 2147483647. Default: 8192.
   */
  inboxMessages?: number | undefined;
  /**
   * How many bytes the inbox of a background socket holds; one message is always let in. From 1 to 2147483647. Default:
   * 2097152.
   */
  inboxBytes?: number | undefined;
  /**
   * The largest frame in bytes, sent or received. A peer that sends a larger one is disconnected. Handshakes have to
   * fit, hence the minimum. At least 1024. Default: 268435456.
   */
  maxMessageSize?: number | undefined;
  /**
   * How long messages that are not yet sent survive `close`, in milliseconds. From 0 to 86400000. Default: 5000.
   */
  linger?: number | undefined;
  /**
   * SUB and PUB (on both ends): receive everything but what was subscribed to. Default: false.
   */
  invertMatching?: boolean | undefined;
  /**
   * Keep only the newest message in each direction (single-frame messages only). Default: false.
   */
  conflate?: boolean | undefined;
  /**
   * Queue only to connections that are complete. Default: false.
   */
  immediate?: boolean | undefined;
  /**
   * The name under which a ROUTER knows this socket: 1 to 255 bytes, the first not zero.
   */
  routingId?: Uint8Array | string | undefined;
  /**
   * ROUTER: a message to an unknown peer is an error (`Unreachable`) instead of being dropped in silence. Default:
   * true.
   */
  routerMandatory?: boolean | undefined;
  /**
   * ROUTER: a new peer takes over the routing id of an older one instead of being refused. Default: false.
   */
  routerHandover?: boolean | undefined;
  /**
   * Send an empty message on each new connection, so that a ROUTER learns of this peer. Default: false.
   */
  probeRouter?: boolean | undefined;
  /**
   * REQ: a new request may be sent before the reply to the last; that reply is dropped. Default: false.
   */
  reqRelaxed?: boolean | undefined;
  /**
   * REQ: number the requests and drop replies with another number. Default: false.
   */
  reqCorrelate?: boolean | undefined;
  /**
   * XPUB: pass on every subscription, not only the first of a kind. Default: false.
   */
  xpubVerbose?: boolean | undefined;
  /**
   * XPUB: pass on every subscription and every unsubscription. Default: false.
   */
  xpubVerboser?: boolean | undefined;
  /**
   * XPUB and PUB: a full subscriber makes `send` wait instead of losing messages. Default: false.
   */
  xpubNodrop?: boolean | undefined;
  /**
   * STREAM: receive an empty frame when a connection opens and closes. Default: true.
   */
  streamNotify?: boolean | undefined;
  /**
   * Wait before the first reconnection attempt, in milliseconds. From 1 to 86400000. Default: 100.
   */
  reconnectInterval?: number | undefined;
  /**
   * The wait doubles with each attempt up to this, in milliseconds. From 0 to 86400000. Default: 2000.
   */
  reconnectIntervalMax?: number | undefined;
  /**
   * Give up a connection attempt after this, in milliseconds; 0 leaves it to the operating system. From 0 to 86400000.
   * Default: 0.
   */
  connectTimeout?: number | undefined;
  /**
   * A handshake that takes longer is broken off, in milliseconds. From 1 to 86400000. Default: 30000.
   */
  handshakeInterval?: number | undefined;
  /**
   * Ping the peer this often, in milliseconds; 0 is off. From 0 to 86400000. Default: 0.
   */
  heartbeatInterval?: number | undefined;
  /**
   * A peer that does not answer a ping for this long is disconnected, in milliseconds; 0 means the interval. From 0 to
   * 86400000. Default: 0.
   */
  heartbeatTimeout?: number | undefined;
  /**
   * Ask the peer to disconnect us after this silence, in milliseconds; 0 is off. From 0 to 6553599. Default: 0.
   */
  heartbeatTtl?: number | undefined;
  /**
   * TCP keepalive: 1 on, 0 off, -1 as the operating system has it. From -1 to 1. Default: -1.
   */
  tcpKeepalive?: number | undefined;
  /**
   * Seconds of silence before the first keepalive; -1 as the operating system has it. From -1 to 32767. Default: -1.
   */
  tcpKeepaliveIdle?: number | undefined;
  /**
   * Unanswered keepalives before the connection is dropped; -1 as the operating system has it. From -1 to 127. Default:
   * -1.
   */
  tcpKeepaliveCount?: number | undefined;
  /**
   * Seconds between keepalives; -1 as the operating system has it. From -1 to 32767. Default: -1.
   */
  tcpKeepaliveInterval?: number | undefined;
  /**
   * How many connections may wait to be accepted. From 1 to 65535. Default: 1024.
   */
  backlog?: number | undefined;
  /**
   * Size of the kernel's send buffer in bytes; -1 as the operating system has it. From -1 to 2147483647. Default: -1.
   */
  kernelSendBuffer?: number | undefined;
  /**
   * Size of the kernel's receive buffer in bytes; -1 as the operating system has it. From -1 to 2147483647. Default:
   * -1.
   */
  kernelRecvBuffer?: number | undefined;
  /**
   * Type of service of sent packets. From 0 to 255. Default: 0.
   */
  tos?: number | undefined;
  /**
   * Use IPv6 besides IPv4. Default: false.
   */
  ipv6?: boolean | undefined;
  /**
   * Bind connections to this network device (Linux, needs a privilege).
   */
  bindToDevice?: string | undefined;
  /**
   * Connect through this SOCKS5 proxy, `host:port`.
   */
  socksProxy?: string | undefined;
  /**
   * ipc: permission bits of the socket file, set before anyone can connect; -1 leaves the umask to decide. From -1 to
   * 511. Default: -1.
   */
  ipcMode?: number | undefined;
  /**
   * ipc: user id that owns the socket file; -1 leaves it. From -1 to 2147483647. Default: -1.
   */
  ipcUid?: number | undefined;
  /**
   * ipc: group id that owns the socket file; -1 leaves it. From -1 to 2147483647. Default: -1.
   */
  ipcGid?: number | undefined;
  /**
   * PLAIN: this side decides about user names and passwords; the context needs an authenticator. Default: false.
   */
  plainServer?: boolean | undefined;
  /**
   * PLAIN: user name of this client.
   */
  plainUsername?: string | undefined;
  /**
   * PLAIN: password of this client.
   */
  plainPassword?: string | undefined;
  /**
   * CURVE: this side is the server; the context needs an authenticator that says which keys may enter. Default: false.
   */
  curveServer?: boolean | undefined;
  /**
   * CURVE: our public key, 40 characters of Z85.
   */
  curvePublicKey?: string | undefined;
  /**
   * CURVE: our secret key, 40 characters of Z85.
   */
  curveSecretKey?: string | undefined;
  /**
   * CURVE: the server's public key, 40 characters of Z85, which makes this side a client.
   */
  curveServerKey?: string | undefined;
  /**
   * What the authenticator is asked for; a server's default is `global`. Set on a socket without a mechanism, the
   * authenticator decides about its peers by address.
   */
  zapDomain?: string | undefined;
}
