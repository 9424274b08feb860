//! Sockets: opening, endpoints, event loops, closing.

use std::{
    ffi::{c_char, c_int, c_void},
    os::fd::AsRawFd,
    time::Duration,
};

use zpatterns::{Hook, Interest, Result, Socket, SocketKind};

use crate::{
    arguments::{Names, bytes, c_names, hand_over, invalid, required, required_mut, take_back, text, write_text},
    context::zpat_context_t,
    error::entry,
    options::{socket_options, zpat_socket_options_t},
};

/// What a socket does with messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_socket_kind_t {
    /// Exactly one peer, both ways.
    ZPAT_PAIR = 0,
    /// Publishes to every subscriber; drops for a subscriber whose queue is full.
    ZPAT_PUB = 1,
    /// Receives what it subscribed to.
    ZPAT_SUB = 2,
    /// Sends a request, then receives its reply, in strict turns.
    ZPAT_REQ = 3,
    /// Receives a request, then sends its reply, in strict turns.
    ZPAT_REP = 4,
    /// Sends in turn to every peer, receives from all fairly.
    ZPAT_DEALER = 5,
    /// Sends to the peer that the first frame names, receives with the sender as first frame.
    ZPAT_ROUTER = 6,
    /// Receives from all fairly.
    ZPAT_PULL = 7,
    /// Sends in turn to every peer.
    ZPAT_PUSH = 8,
    /// A publisher that receives subscriptions as messages.
    ZPAT_XPUB = 9,
    /// A subscriber that sends subscriptions as messages.
    ZPAT_XSUB = 10,
    /// Plain TCP connections, each with an identity as first frame.
    ZPAT_STREAM = 11,
}

/// Bytes that hold every endpoint a socket is likely to bind, with the zero at its end.
pub const ZPAT_ENDPOINT_SIZE: usize = 256;
/// For `zpat_socket_arm`: something to receive.
pub const ZPAT_RECV: c_int = 1;
/// For `zpat_socket_arm`: room to send.
pub const ZPAT_SEND: c_int = 2;

/// A ZeroMQ socket. Any number of threads may use it at the same time.
pub struct zpat_socket_t(Socket);

/// The socket of a handle, so that a call goes on safely while another thread closes the handle.
///
/// # Safety
/// `socket` is null or a live handle.
pub(crate) unsafe fn handle(socket: *const zpat_socket_t) -> Result<Socket> {
    // SAFETY: as the caller promises.
    Ok(unsafe { required(socket, "socket") }?.0.clone())
}

/// As [`handle`], null being none.
///
/// # Safety
/// As [`handle`].
pub(crate) unsafe fn optional_handle(socket: *const zpat_socket_t) -> Option<Socket> {
    // SAFETY: as the caller promises.
    unsafe { socket.as_ref() }.map(|socket| socket.0.clone())
}

fn kind_of(kind: c_int) -> Result<SocketKind> {
    let known = usize::try_from(kind).ok().and_then(|index| SocketKind::ALL.get(index));
    known.copied().ok_or_else(|| invalid("there is no such socket type", "kind").with("value", kind))
}

/// Opens a socket of a `zpat_socket_kind_t`; `options` may be NULL for the defaults. The caller frees it with
/// `zpat_socket_close`. `ZPAT_E_INVALID_ARGUMENT` names the option that is out of range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_socket_open(
    context: *const zpat_context_t,
    kind: c_int,
    options: *const zpat_socket_options_t,
    socket: *mut *mut zpat_socket_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (out, context, options) =
            unsafe { (required_mut(socket, "socket")?, required(context, "context")?, socket_options(options)?) };
        hand_over(zpat_socket_t(context.0.socket(kind_of(kind)?, &options)?), out);
        Ok(0)
    })
}

/// Closes a socket, frees it and clears the pointer. Messages not yet sent survive for `linger_ms` while the context
/// lives; -1 is the option `linger`. Calls that wait on the socket in other threads end with `ZPAT_E_CLOSED`; what
/// those threads must not do is start another one. NULL and a cleared pointer are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_socket_close(socket: *mut *mut zpat_socket_t, linger_ms: i64) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        if let Some(socket) = unsafe { take_back(socket) } {
            socket.0.close(u64::try_from(linger_ms).ok().map(Duration::from_millis));
        }
        Ok(0)
    })
}

/// Binds to an endpoint and writes it as it became into `bound` of `size` bytes (`ZPAT_ENDPOINT_SIZE` is enough), with
/// the port that the system chose for port 0; `bound` may be NULL. `ZPAT_E_TOO_LARGE` if it does not fit, and then
/// nothing is bound. `ZPAT_E_INVALID_ENDPOINT`, `ZPAT_E_ADDRESS_IN_USE`, `ZPAT_E_ADDRESS_NOT_AVAILABLE` or
/// `ZPAT_E_PERMISSION_DENIED` if it cannot bind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_socket_bind(
    socket: *const zpat_socket_t,
    endpoint: *const c_char,
    bound: *mut c_char,
    size: usize,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (socket, endpoint) = unsafe { (handle(socket)?, text(endpoint, "endpoint")?) };
        let became = socket.bind(endpoint)?;
        if !bound.is_null() {
            // SAFETY: C's promise.
            unsafe { write_text(&became, bound, size) }.inspect_err(|_| drop(socket.unbind(&became)))?;
        }
        Ok(0)
    })
}

/// Connects to an endpoint. The connection is made, and made again after a failure, in the background; success means
/// only that the endpoint can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_socket_connect(socket: *const zpat_socket_t, endpoint: *const c_char) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(socket)?.connect(text(endpoint, "endpoint")?) }.map(|()| 0))
}

/// Stops listening on an endpoint, given as `zpat_socket_bind` wrote it. Connections already made stay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_socket_unbind(socket: *const zpat_socket_t, endpoint: *const c_char) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(socket)?.unbind(text(endpoint, "endpoint")?) }.map(|()| 0))
}

/// Ends a connection, given as it was to `zpat_socket_connect`. Messages not yet sent on it are dropped after the
/// linger.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_socket_disconnect(socket: *const zpat_socket_t, endpoint: *const c_char) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(socket)?.disconnect(text(endpoint, "endpoint")?) }.map(|()| 0))
}

/// SUB: receive messages whose first frame starts with these `len` bytes; 0 bytes are every message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_socket_subscribe(
    socket: *const zpat_socket_t,
    prefix: *const c_void,
    len: usize,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(socket)?.subscribe(bytes(prefix, len)?) }.map(|()| 0))
}

/// SUB: take back one subscription with the same prefix.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_socket_unsubscribe(
    socket: *const zpat_socket_t,
    prefix: *const c_void,
    len: usize,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(socket)?.unsubscribe(bytes(prefix, len)?) }.map(|()| 0))
}

/// The `zpat_socket_kind_t` that the socket was opened with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_socket_kind(socket: *const zpat_socket_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let kind = unsafe { required(socket, "socket") }?.0.kind();
        let index = SocketKind::ALL.iter().position(|known| *known == kind);
        Ok(index.and_then(|index| c_int::try_from(index).ok()).expect("the table has every kind"))
    })
}

/// The name of a `zpat_socket_kind_t`, the same in every language (`push`); `unknown` for what is none. Static text.
#[unsafe(no_mangle)]
pub extern "C" fn zpat_socket_kind_name(kind: c_int) -> *const c_char {
    static NAMES: Names = Names::new(|| c_names(SocketKind::ALL.iter().map(|kind| kind.name())));
    let name = usize::try_from(kind).ok().and_then(|index| NAMES.get(index));
    name.map_or(c"unknown".as_ptr(), |name| name.as_ptr())
}

/// 1 if the socket ended because its context was shut down, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_socket_is_closed(socket: *const zpat_socket_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { required(socket, "socket") }?.0.is_closed().into()))
}

/// The descriptor for `poll` and event loops, of a socket opened with the option `background`. It becomes readable
/// once after `zpat_socket_arm` returned 0; seldom that is for something taken meanwhile, so arm again rather than
/// count on a message. Only poll it: reading and closing it is the library's. It lives as long as the socket.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_socket_ready_fd(socket: *const zpat_socket_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { required(socket, "socket") }?.0.ready_fd()?.as_raw_fd()))
}

/// Asks for one notice, through the descriptor or the hook, when one of `interest` (`ZPAT_RECV`, `ZPAT_SEND` or both)
/// holds. Returns those that hold already, and then no notice comes for them: take what is there and arm again; 0
/// means wait for the notice. A socket that is closed is ready for everything. Only sockets with the option
/// `background`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_socket_arm(socket: *const zpat_socket_t, interest: c_int) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(flags_of(unsafe { handle(socket) }?.arm(interest_of(interest)?)?)))
}

/// C's interest as core takes it.
pub(crate) fn interest_of(interest: c_int) -> Result<Interest> {
    match interest {
        ZPAT_RECV => Ok(Interest::RECV),
        ZPAT_SEND => Ok(Interest::SEND),
        3 => Ok(Interest::BOTH),
        other => Err(invalid("the interest is ZPAT_RECV, ZPAT_SEND or both", "interest").with("value", other)),
    }
}

/// What holds, for C.
pub(crate) fn flags_of(holds: Option<Interest>) -> c_int {
    let flag = |one: Interest, flag| if holds.is_some_and(|holds| holds.contains(one)) { flag } else { 0 };
    flag(Interest::RECV, ZPAT_RECV) | flag(Interest::SEND, ZPAT_SEND)
}

/// Called on a thread of the library with the pointer given to `zpat_socket_set_hook`.
pub type zpat_hook_t = Option<unsafe extern "C" fn(user: *mut c_void)>;

/// C's hook as core takes it.
///
/// # Safety
/// The hook may be called with `user` on another thread until it is replaced or its handle is closed.
pub(crate) unsafe fn hook_of(hook: zpat_hook_t, user: *mut c_void) -> Option<Hook> {
    struct User(*mut c_void);
    // SAFETY: the program that sets a hook knows that it is called on another thread.
    unsafe impl Send for User {}
    // SAFETY: as above.
    unsafe impl Sync for User {}
    impl User {
        fn pointer(&self) -> *mut c_void {
            self.0
        }
    }
    let (hook, user) = (hook?, User(user));
    // SAFETY: as the caller promises.
    Some(Box::new(move || unsafe { hook(user.pointer()) }))
}

/// C's hook as core takes one that is called once; null does nothing, in the place of the one before.
///
/// # Safety
/// As [`hook_of`].
pub(crate) unsafe fn once_of(hook: zpat_hook_t, user: *mut c_void) -> Hook {
    // SAFETY: as the caller promises.
    unsafe { hook_of(hook, user) }.unwrap_or_else(|| Box::new(|| {}))
}

/// Sets what is called instead of making the descriptor readable, once per notice; NULL takes it away. It is called on
/// a thread of the library: it must return at once and must not call functions of this socket (writing to a pipe or
/// signalling a condition is right). When this function returns, the hook before is not running and will not run
/// again. Only sockets with the option `background`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_socket_set_hook(
    socket: *const zpat_socket_t,
    hook: zpat_hook_t,
    user: *mut c_void,
) -> c_int {
    // SAFETY: C's promise, also about the hook.
    entry(|| unsafe { handle(socket)?.set_hook(hook_of(hook, user)) }.map(|()| 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_socket_type_of_core_has_its_number() {
        let header = include_str!("../include/zpatterns.h");
        for (number, kind) in SocketKind::ALL.iter().enumerate() {
            let row = format!("  ZPAT_{} = {number},", kind.name().to_uppercase());
            assert!(header.contains(&row), "the header lacks `{row}`");
        }
    }
}
