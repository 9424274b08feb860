//! Passing messages between two sockets.

use std::{ffi::c_int, mem::offset_of};

use zpatterns::{Proxy, ProxyStats};

use crate::{
    arguments::{deadline, fill_growing, hand_over, required, required_mut, take_back},
    cancel::zpat_cancel_t,
    error::{entry, remember},
    socket::{handle, optional_handle, zpat_socket_t},
};

/// A running proxy.
pub struct zpat_proxy_t(Proxy);

/// What a proxy has passed on. Start from `ZPAT_PROXY_STATS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_proxy_stats_t {
    /// `sizeof(zpat_proxy_stats_t)`.
    pub struct_size: usize,
    /// Messages from the front to the back.
    pub forward_messages: u64,
    /// Their bytes.
    pub forward_bytes: u64,
    /// Messages from the back to the front.
    pub backward_messages: u64,
    /// Their bytes.
    pub backward_bytes: u64,
    /// Messages that the capture socket had no room for.
    pub capture_lost: u64,
    /// Messages that the other side refused: to a peer that is no longer there, or too large for it.
    pub lost_refused: u64,
    /// Messages taken from one side when the proxy stopped, for which the other had no room.
    pub lost_stopped: u64,
}

impl zpat_proxy_stats_t {
    const ENDS: &'static [usize] = &[offset_of!(Self, lost_stopped) + size_of::<u64>()];

    fn of(stats: &ProxyStats) -> Self {
        Self {
            struct_size: size_of::<Self>(),
            forward_messages: stats.forward_messages,
            forward_bytes: stats.forward_bytes,
            backward_messages: stats.backward_messages,
            backward_bytes: stats.backward_bytes,
            capture_lost: stats.capture_lost,
            lost_refused: stats.lost_refused,
            lost_stopped: stats.lost_stopped,
        }
    }
}

/// Passes messages from `front` to `back` and, as far as the socket types send and receive, from `back` to `front`, on
/// threads of its own. Each message is also sent on `capture`, which may be NULL. The sockets stay the caller's and may
/// be used meanwhile. The caller frees the proxy with `zpat_proxy_close`. `ZPAT_E_UNSUPPORTED` if no direction is
/// possible or `capture` cannot send.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_proxy_start(
    front: *const zpat_socket_t,
    back: *const zpat_socket_t,
    capture: *const zpat_socket_t,
    proxy: *mut *mut zpat_proxy_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (out, front, back) = unsafe { (required_mut(proxy, "proxy")?, handle(front)?, handle(back)?) };
        // SAFETY: C's promise.
        let capture = unsafe { optional_handle(capture) };
        hand_over(zpat_proxy_t(Proxy::start(&front, &back, capture.as_ref())?), out);
        Ok(0)
    })
}

/// Waits until the proxy ends by itself, which is when a socket of it closes. Returns 0 then, with the code of why in
/// `*reason`, which may be NULL, and its text as the last error's. `ZPAT_E_TIMEOUT` if it still runs after the wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_proxy_wait(
    proxy: *const zpat_proxy_t,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    reason: *mut c_int,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (proxy, deadline) = unsafe { (required(proxy, "proxy")?, deadline(timeout_ms, cancel)?) };
        let code = remember(&proxy.0.wait(&deadline)?);
        // SAFETY: C's promise.
        if let Some(reason) = unsafe { reason.as_mut() } {
            *reason = code;
        }
        Ok(0)
    })
}

/// Writes what the proxy has passed on into `stats`, whose `struct_size` the caller has set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_proxy_stats(proxy: *const zpat_proxy_t, stats: *mut zpat_proxy_stats_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let counted = zpat_proxy_stats_t::of(&unsafe { required(proxy, "proxy") }?.0.stats());
        // SAFETY: C's promise.
        unsafe { fill_growing(stats, counted, zpat_proxy_stats_t::ENDS) }.map(|()| 0)
    })
}

/// Stops passing messages on, frees the proxy and clears the pointer; its sockets stay open. A message already taken
/// from one side is sent to the other if that has room at once, and else counted as lost. Nobody may be waiting in
/// `zpat_proxy_wait`. NULL and a cleared pointer are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_proxy_close(proxy: *mut *mut zpat_proxy_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        drop(unsafe { take_back(proxy) });
        Ok(0)
    })
}
