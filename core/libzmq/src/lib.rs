//! libzmq 4.3.5, compiled in, with CURVE (libsodium) and every feature its own build finds on the platform.
//!
//! The published bindings link a libzmq without CURVE and without eventfd, and hide `zmq_msg_t`, which an engine
//! needs to keep a message whose send was refused. This crate therefore declares the C interface itself, only as
//! much of it as the engine calls; [`option`] and [`event`] hold the numbers of `zmq.h`. Draft functions are left out.
//!
//! Everything here is as unsafe as C. The safe side is `zpatterns-engine`.

#![allow(non_camel_case_types)]

use libc::{c_char, c_int, c_long, c_short, c_void, size_t};

// Keeps libsodium on the link line.
use libsodium_sys as _;

/// `zmq_msg_t`: 64 bytes, aligned as a pointer, opaque.
#[repr(C, align(8))]
pub struct zmq_msg_t {
    _opaque: [u8; 64],
}

/// `zmq_pollitem_t`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zmq_pollitem_t {
    /// A socket, or null to watch `fd`.
    pub socket: *mut c_void,
    /// A file descriptor, read when `socket` is null.
    pub fd: c_int,
    /// [`POLLIN`] and [`POLLOUT`] that are asked for.
    pub events: c_short,
    /// Those that hold.
    pub revents: c_short,
}

/// Called by libzmq, on any of its threads, when a message made by [`zmq_msg_init_data`] is released.
pub type zmq_free_fn = unsafe extern "C" fn(data: *mut c_void, hint: *mut c_void);

/// Readable.
pub const POLLIN: c_short = 1;
/// Writable.
pub const POLLOUT: c_short = 2;
/// Do not block.
pub const DONTWAIT: c_int = 1;
/// More frames of this message follow.
pub const SNDMORE: c_int = 2;
/// Property of a message: its bytes are not its own alone.
pub const SHARED: c_int = 3;
/// libzmq numbers its own errors from here.
const HAUSNUMERO: c_int = 156_384_712;
/// The socket is not in the state that the call needs (REQ and REP).
pub const EFSM: c_int = HAUSNUMERO + 51;
/// The transport does not fit the socket type.
pub const ENOCOMPATPROTO: c_int = HAUSNUMERO + 52;
/// The context was terminated.
pub const ETERM: c_int = HAUSNUMERO + 53;
/// No I/O thread is free.
pub const EMTHREAD: c_int = HAUSNUMERO + 54;

/// Context options (`zmq_ctx_set`).
pub mod context {
    use libc::c_int;
    /// Number of I/O threads.
    pub const IO_THREADS: c_int = 1;
    /// How many sockets the context may hold.
    pub const MAX_SOCKETS: c_int = 2;
    /// The largest value `MAX_SOCKETS` takes.
    pub const SOCKET_LIMIT: c_int = 3;
}

/// Socket types (`zmq_socket`).
pub mod kind {
    use libc::c_int;
    /// Exclusive pair.
    pub const PAIR: c_int = 0;
    /// Publisher.
    pub const PUB: c_int = 1;
    /// Subscriber.
    pub const SUB: c_int = 2;
    /// Request.
    pub const REQ: c_int = 3;
    /// Reply.
    pub const REP: c_int = 4;
    /// Asynchronous request.
    pub const DEALER: c_int = 5;
    /// Asynchronous reply, addressed.
    pub const ROUTER: c_int = 6;
    /// End of a pipeline.
    pub const PULL: c_int = 7;
    /// Start of a pipeline.
    pub const PUSH: c_int = 8;
    /// Publisher that sees subscriptions.
    pub const XPUB: c_int = 9;
    /// Subscriber that sends subscriptions as messages.
    pub const XSUB: c_int = 10;
    /// Plain TCP.
    pub const STREAM: c_int = 11;
}

/// Socket options (`zmq_setsockopt`, `zmq_getsockopt`).
pub mod option {
    use libc::c_int;
    macro_rules! options {
        ($($name:ident = $number:literal,)*) => {
            $(#[doc = concat!("`ZMQ_", stringify!($name), "`")] pub const $name: c_int = $number;)*
        };
    }
    options! {
        AFFINITY = 4, ROUTING_ID = 5, SUBSCRIBE = 6, UNSUBSCRIBE = 7, SNDBUF = 11, RCVBUF = 12, RCVMORE = 13, FD = 14,
        EVENTS = 15, TYPE = 16, LINGER = 17, RECONNECT_IVL = 18, BACKLOG = 19, RECONNECT_IVL_MAX = 21, MAXMSGSIZE = 22,
        SNDHWM = 23, RCVHWM = 24, LAST_ENDPOINT = 32, ROUTER_MANDATORY = 33, TCP_KEEPALIVE = 34,
        TCP_KEEPALIVE_CNT = 35, TCP_KEEPALIVE_IDLE = 36, TCP_KEEPALIVE_INTVL = 37, IMMEDIATE = 39, XPUB_VERBOSE = 40,
        IPV6 = 42, MECHANISM = 43, PLAIN_SERVER = 44, PLAIN_USERNAME = 45, PLAIN_PASSWORD = 46, CURVE_SERVER = 47,
        CURVE_PUBLICKEY = 48, CURVE_SECRETKEY = 49, CURVE_SERVERKEY = 50, PROBE_ROUTER = 51, REQ_CORRELATE = 52,
        REQ_RELAXED = 53, CONFLATE = 54, ZAP_DOMAIN = 55, ROUTER_HANDOVER = 56, TOS = 57, CONNECT_ROUTING_ID = 61,
        HANDSHAKE_IVL = 66, SOCKS_PROXY = 68, XPUB_NODROP = 69, XPUB_MANUAL = 71, XPUB_WELCOME_MSG = 72,
        STREAM_NOTIFY = 73, INVERT_MATCHING = 74, HEARTBEAT_IVL = 75, HEARTBEAT_TTL = 76, HEARTBEAT_TIMEOUT = 77,
        XPUB_VERBOSER = 78, CONNECT_TIMEOUT = 79, TCP_MAXRT = 80, USE_FD = 89, BINDTODEVICE = 92,
        ZAP_ENFORCE_DOMAIN = 93,
    }
}

/// Monitor events (`zmq_socket_monitor`).
pub mod event {
    use libc::c_int;
    /// A connection was established.
    pub const CONNECTED: c_int = 0x0001;
    /// A connection attempt did not finish at once.
    pub const CONNECT_DELAYED: c_int = 0x0002;
    /// A connection will be tried again; the value is the wait in milliseconds.
    pub const CONNECT_RETRIED: c_int = 0x0004;
    /// Bound and listening.
    pub const LISTENING: c_int = 0x0008;
    /// Bind failed; the value is errno.
    pub const BIND_FAILED: c_int = 0x0010;
    /// A peer connected.
    pub const ACCEPTED: c_int = 0x0020;
    /// Accept failed; the value is errno.
    pub const ACCEPT_FAILED: c_int = 0x0040;
    /// Closed.
    pub const CLOSED: c_int = 0x0080;
    /// Close failed; the value is errno.
    pub const CLOSE_FAILED: c_int = 0x0100;
    /// A session ended unexpectedly.
    pub const DISCONNECTED: c_int = 0x0200;
    /// No more events.
    pub const MONITOR_STOPPED: c_int = 0x0400;
    /// The handshake failed; the value is errno.
    pub const HANDSHAKE_FAILED_NO_DETAIL: c_int = 0x0800;
    /// The handshake succeeded; messages can flow.
    pub const HANDSHAKE_SUCCEEDED: c_int = 0x1000;
    /// The peer broke the protocol; the value says how.
    pub const HANDSHAKE_FAILED_PROTOCOL: c_int = 0x2000;
    /// Authentication failed; the value is the ZAP status.
    pub const HANDSHAKE_FAILED_AUTH: c_int = 0x4000;
    /// All of them.
    pub const ALL: c_int = 0xFFFF;
    /// How the protocol was broken: the peer has another security mechanism.
    pub const ZMTP_MECHANISM_MISMATCH: u32 = 0x1100_0002;
}

#[allow(missing_docs)] // zmq.h and its manual pages document each.
unsafe extern "C" {
    pub fn zmq_version(major: *mut c_int, minor: *mut c_int, patch: *mut c_int);
    pub fn zmq_has(capability: *const c_char) -> c_int;
    pub fn zmq_errno() -> c_int;
    pub fn zmq_strerror(errnum: c_int) -> *const c_char;

    pub fn zmq_ctx_new() -> *mut c_void;
    pub fn zmq_ctx_set(context: *mut c_void, option: c_int, value: c_int) -> c_int;
    pub fn zmq_ctx_get(context: *mut c_void, option: c_int) -> c_int;
    pub fn zmq_ctx_shutdown(context: *mut c_void) -> c_int;
    pub fn zmq_ctx_term(context: *mut c_void) -> c_int;

    pub fn zmq_socket(context: *mut c_void, kind: c_int) -> *mut c_void;
    pub fn zmq_close(socket: *mut c_void) -> c_int;
    pub fn zmq_setsockopt(socket: *mut c_void, option: c_int, value: *const c_void, size: size_t) -> c_int;
    pub fn zmq_getsockopt(socket: *mut c_void, option: c_int, value: *mut c_void, size: *mut size_t) -> c_int;
    pub fn zmq_bind(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    pub fn zmq_unbind(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    pub fn zmq_connect(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    pub fn zmq_disconnect(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    pub fn zmq_socket_monitor(socket: *mut c_void, endpoint: *const c_char, events: c_int) -> c_int;

    pub fn zmq_msg_init(message: *mut zmq_msg_t) -> c_int;
    pub fn zmq_msg_init_size(message: *mut zmq_msg_t, size: size_t) -> c_int;
    pub fn zmq_msg_init_data(
        message: *mut zmq_msg_t,
        data: *mut c_void,
        size: size_t,
        free: Option<zmq_free_fn>,
        hint: *mut c_void,
    ) -> c_int;
    pub fn zmq_msg_send(message: *mut zmq_msg_t, socket: *mut c_void, flags: c_int) -> c_int;
    pub fn zmq_msg_recv(message: *mut zmq_msg_t, socket: *mut c_void, flags: c_int) -> c_int;
    pub fn zmq_msg_copy(to: *mut zmq_msg_t, from: *mut zmq_msg_t) -> c_int;
    pub fn zmq_msg_close(message: *mut zmq_msg_t) -> c_int;
    pub fn zmq_msg_data(message: *mut zmq_msg_t) -> *mut c_void;
    pub fn zmq_msg_size(message: *const zmq_msg_t) -> size_t;
    pub fn zmq_msg_more(message: *const zmq_msg_t) -> c_int;
    pub fn zmq_msg_get(message: *const zmq_msg_t, property: c_int) -> c_int;
    pub fn zmq_msg_gets(message: *const zmq_msg_t, property: *const c_char) -> *const c_char;

    pub fn zmq_poll(items: *mut zmq_pollitem_t, count: c_int, timeout: c_long) -> c_int;

    pub fn zmq_z85_encode(text: *mut c_char, data: *const u8, size: size_t) -> *mut c_char;
    pub fn zmq_z85_decode(data: *mut u8, text: *const c_char) -> *mut u8;
    pub fn zmq_curve_keypair(public: *mut c_char, secret: *mut c_char) -> c_int;
    pub fn zmq_curve_public(public: *mut c_char, secret: *const c_char) -> c_int;
}
