//! What the tests with real sockets share.
#![allow(dead_code, missing_docs, unreachable_pub)]

pub mod datagrams;
pub mod puppet;

use std::time::Duration;

use zpatterns_engine::{Context, Deadline, Socket, SocketKind, SocketOptions};

/// Reached only if something is broken.
pub fn watchdog() -> Deadline {
    Deadline::after(Duration::from_secs(30))
}

pub fn open(context: &Context, kind: SocketKind, options: &SocketOptions) -> Socket {
    context.socket(kind, options).expect("a socket")
}

/// A socket bound to a free port, and where.
pub fn bound(context: &Context, kind: SocketKind, options: &SocketOptions) -> (Socket, String) {
    let socket = open(context, kind, options);
    let endpoint = socket.bind("tcp://127.0.0.1:0").expect("a free port");
    (socket, endpoint)
}
