//! What happens to a socket's connections.

use std::{
    ffi::{c_char, c_int, c_void},
    os::fd::AsRawFd,
};

use zpatterns::{Monitor, MonitorEvent, MonitorEventKind, Result};

use crate::{
    arguments::{
        Names, c_names, check_growing, deadline, fill_growing, hand_over, required, required_mut, take_back, write_cut,
    },
    cancel::zpat_cancel_t,
    error::entry,
    socket::{ZPAT_ENDPOINT_SIZE, handle, hook_of, zpat_hook_t, zpat_socket_t},
};

/// What happened to a socket or to one of its connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_monitor_event_kind_t {
    /// A connection was established; no handshake yet.
    ZPAT_EVENT_CONNECTED = 1,
    /// A connection attempt goes on in the background.
    ZPAT_EVENT_CONNECT_DELAYED = 2,
    /// A connection will be tried again in `value` milliseconds.
    ZPAT_EVENT_CONNECT_RETRIED = 3,
    /// The socket listens.
    ZPAT_EVENT_LISTENING = 4,
    /// Listening failed with the system's error `value`.
    ZPAT_EVENT_BIND_FAILED = 5,
    /// A peer connected; no handshake yet.
    ZPAT_EVENT_ACCEPTED = 6,
    /// Accepting failed with the system's error `value`.
    ZPAT_EVENT_ACCEPT_FAILED = 7,
    /// A connection or a listener was closed by us.
    ZPAT_EVENT_CLOSED = 8,
    /// Closing failed with the system's error `value`.
    ZPAT_EVENT_CLOSE_FAILED = 9,
    /// A connection broke.
    ZPAT_EVENT_DISCONNECTED = 10,
    /// The handshake failed with the system's error `value`.
    ZPAT_EVENT_HANDSHAKE_FAILED = 11,
    /// The handshake succeeded: messages can flow.
    ZPAT_EVENT_HANDSHAKE_SUCCEEDED = 12,
    /// The peer broke the protocol; `value` is libzmq's code of how.
    ZPAT_EVENT_HANDSHAKE_FAILED_PROTOCOL = 13,
    /// The peer was refused; `value` is the status, 300, 400 or 500.
    ZPAT_EVENT_HANDSHAKE_FAILED_AUTH = 14,
    /// The last event: the monitored socket was closed.
    ZPAT_EVENT_STOPPED = 15,
}

/// Core's kinds in the order of the numbers above, from 1 on; new ones go to the end of both.
const KINDS: [MonitorEventKind; 15] = [
    MonitorEventKind::Connected,
    MonitorEventKind::ConnectDelayed,
    MonitorEventKind::ConnectRetried,
    MonitorEventKind::Listening,
    MonitorEventKind::BindFailed,
    MonitorEventKind::Accepted,
    MonitorEventKind::AcceptFailed,
    MonitorEventKind::Closed,
    MonitorEventKind::CloseFailed,
    MonitorEventKind::Disconnected,
    MonitorEventKind::HandshakeFailed,
    MonitorEventKind::HandshakeSucceeded,
    MonitorEventKind::HandshakeFailedProtocol,
    MonitorEventKind::HandshakeFailedAuth,
    MonitorEventKind::Stopped,
];

/// An event. Start from `ZPAT_MONITOR_EVENT_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_monitor_event_t {
    /// `sizeof(zpat_monitor_event_t)`.
    pub struct_size: usize,
    /// A `zpat_monitor_event_kind_t`.
    pub kind: i64,
    /// As `kind` says.
    pub value: i64,
    /// The endpoint that it happened to, with a zero at the end; may be empty, and is cut if it is longer.
    pub endpoint: [c_char; ZPAT_ENDPOINT_SIZE],
}

impl zpat_monitor_event_t {
    const ENDS: &'static [usize] = &[size_of::<Self>()];

    fn of(event: &MonitorEvent) -> Self {
        let kind = KINDS.iter().position(|kind| *kind == event.kind).map_or(0, |index| index as i64 + 1);
        let mut endpoint = [0; ZPAT_ENDPOINT_SIZE];
        write_cut(&event.endpoint, &mut endpoint);
        Self { struct_size: size_of::<Self>(), kind, value: event.value.into(), endpoint }
    }
}

/// Watches the connections of one socket.
pub struct zpat_monitor_t(Monitor);

/// # Safety
/// `monitor` is null or a live handle.
unsafe fn monitor_of(monitor: *const zpat_monitor_t) -> Result<Monitor> {
    // SAFETY: as the caller promises.
    Ok(unsafe { required(monitor, "monitor") }?.0.clone())
}

/// Watches the connections of `socket` from now on. A socket has one monitor: a new one takes over from the last. The
/// caller frees it with `zpat_monitor_close`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_monitor_open(socket: *const zpat_socket_t, monitor: *mut *mut zpat_monitor_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (out, socket) = unsafe { (required_mut(monitor, "monitor")?, handle(socket)?) };
        hand_over(zpat_monitor_t(socket.monitor()?), out);
        Ok(0)
    })
}

/// Waits for the next event, writes it into `event`, whose `struct_size` the caller has set, and returns 1.
/// `ZPAT_E_TIMEOUT` if none came in time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_monitor_next(
    monitor: *const zpat_monitor_t,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    event: *mut zpat_monitor_event_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (monitor, deadline) = unsafe { (monitor_of(monitor)?, deadline(timeout_ms, cancel)?) };
        // SAFETY: C's promise. Before waiting, so that no event is lost to a structure that cannot take it.
        unsafe { check_growing(event, zpat_monitor_event_t::ENDS) }?;
        let next = zpat_monitor_event_t::of(&monitor.next(&deadline)?);
        // SAFETY: C's promise.
        unsafe { fill_growing(event, next, zpat_monitor_event_t::ENDS) }.map(|()| 1)
    })
}

/// How many events were dropped because the program left too many lying.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_monitor_lost(monitor: *const zpat_monitor_t) -> i64 {
    // SAFETY: C's promise.
    entry(|| Ok(i64::try_from(unsafe { monitor_of(monitor) }?.lost()).unwrap_or(i64::MAX)))
}

/// Asks for one notice of the next event. 1 if an event waits already, and then no notice comes; 0 means wait for it.
/// As `zpat_socket_arm`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_monitor_arm(monitor: *const zpat_monitor_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { monitor_of(monitor) }?.arm()?.into()))
}

/// The descriptor for `poll` and event loops, as `zpat_socket_ready_fd`. It lives as long as the monitor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_monitor_ready_fd(monitor: *const zpat_monitor_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { monitor_of(monitor) }?.ready_fd()?.as_raw_fd()))
}

/// Sets what is called instead of making the descriptor readable, as `zpat_socket_set_hook`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_monitor_set_hook(
    monitor: *const zpat_monitor_t,
    hook: zpat_hook_t,
    user: *mut c_void,
) -> c_int {
    // SAFETY: C's promise, also about the hook.
    entry(|| unsafe { monitor_of(monitor)?.set_hook(hook_of(hook, user)) }.map(|()| 0))
}

/// The name of an event kind, the same in every language (`connected`); `unknown` for what is none. Static text.
#[unsafe(no_mangle)]
pub extern "C" fn zpat_monitor_event_name(kind: c_int) -> *const c_char {
    static NAMES: Names = Names::new(|| c_names(KINDS.map(MonitorEventKind::name)));
    let index = usize::try_from(kind).ok().and_then(|kind| kind.checked_sub(1));
    index.and_then(|index| NAMES.get(index)).map_or(c"unknown".as_ptr(), |name| name.as_ptr())
}

/// Stops listening to events, frees the monitor and clears the pointer. The socket goes on. NULL and a cleared pointer
/// are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_monitor_close(monitor: *mut *mut zpat_monitor_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        if let Some(monitor) = unsafe { take_back(monitor) } {
            monitor.0.close();
        }
        Ok(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_of_core_has_its_number() {
        let header = include_str!("../include/zpatterns.h");
        for kind in MonitorEventKind::ALL {
            let number = KINDS.iter().position(|known| known == kind).expect("the table has every kind") + 1;
            let row = format!("ZPAT_EVENT_{} = {number},", kind.name().to_uppercase());
            assert!(header.contains(&row), "the header lacks `{row}`");
        }
        assert_eq!(header.matches("  ZPAT_EVENT_").count(), MonitorEventKind::ALL.len());
    }
}
