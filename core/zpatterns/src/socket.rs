//! ZeroMQ sockets as they are, safe to share between threads.
//!
//! A [`Socket`] sends on the caller's thread, always. It receives there too, which has the lowest latency; or, opened
//! with [`SocketOptions::background`], a thread of the context receives ahead into a bounded inbox. A background
//! socket serves its connections while the program is busy (a subscriber renews its subscriptions), works with event
//! loops through [`Socket::ready_fd`] and [`Socket::arm`], and has futures: [`Socket::recv_async`],
//! [`Socket::send_async`], [`Socket::messages`].
//!
//! # What it promises
//!
//! What ZeroMQ promises, and no more: a message that was sent is *handed over*. It is lost without notice if the
//! connection or the peer dies first, if a PUB's subscriber is full, or if nobody takes it within the linger. The
//! reliable patterns exist because of that. What this socket adds: every wait has a deadline and can be cancelled, a
//! ROUTER refuses an unknown peer instead of dropping, any number of subscriptions survives a reconnection, and
//! nothing is dropped by *us* without a counter ([`SocketStats`]).

pub use zpatterns_engine::{
    Messages, Monitor, MonitorEvent, MonitorEventKind, Proxy, ProxyStats, RecvFuture, SendFuture, Socket, SocketKind,
    SocketOptions, SocketStats,
};
