//! A place on a bus: opening, sending, receiving, event loops, closing.

use std::{
    ffi::{c_char, c_int, c_void},
    os::fd::AsRawFd,
    time::Duration,
};

use zpatterns::{Bus, Result};

use super::{
    events::{Slot, zpat_bus_events_t},
    options::zpat_bus_options_t,
};
use crate::{
    arguments::{
        bytes, deadline, frames_of, hand_over, required, required_mut, take_back, text, write_text, zpat_slice_t,
    },
    batch::zpat_batch_t,
    cancel::zpat_cancel_t,
    context::zpat_context_t,
    error::entry,
    socket::{flags_of, hook_of, interest_of, zpat_hook_t},
};

/// A place on a multicast bus: what one says, all hear. Any number of threads may use it at the same time.
pub struct zpat_bus_t {
    bus: Bus,
    linger: Duration,
}

/// The bus of a handle, so that a call goes on safely while another thread closes the handle.
///
/// # Safety
/// `bus` is null or a live handle.
pub(super) unsafe fn handle(bus: *const zpat_bus_t) -> Result<Bus> {
    // SAFETY: as the caller promises.
    Ok(unsafe { required(bus, "bus") }?.bus.clone())
}

/// Takes part in the bus at `epgm://INTERFACE;GROUP:PORT`. The interface is a name, an address or a network of this
/// machine, and may be left out. `options` may be NULL for the defaults. The caller frees it with `zpat_bus_close`.
/// `ZPAT_E_INVALID_ENDPOINT` if the endpoint cannot be read, `ZPAT_E_ADDRESS_NOT_AVAILABLE` if there is no such interface
/// or it has no multicast.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_bus_open(
    context: *const zpat_context_t,
    endpoint: *const c_char,
    options: *const zpat_bus_options_t,
    bus: *mut *mut zpat_bus_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (out, context) = unsafe { (required_mut(bus, "bus")?, required(context, "context")?) };
        // SAFETY: C's promise.
        let (endpoint, options) = unsafe { (text(endpoint, "endpoint")?, zpat_bus_options_t::convert(options)?) };
        let linger = options.linger;
        hand_over(zpat_bus_t { bus: Bus::open(&context.0, endpoint, options)?, linger }, out);
        Ok(0)
    })
}

/// From now on messages whose first frame begins with these `len` bytes are received; with 0 bytes, all.
/// A bus hears others from its first subscription on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_bus_subscribe(bus: *const zpat_bus_t, prefix: *const c_void, len: usize) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(bus)?.subscribe(bytes(prefix, len)?) }.map(|()| 0))
}

/// Undoes a `zpat_bus_subscribe`. `ZPAT_E_NOT_FOUND` if there was none of this prefix.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_bus_unsubscribe(bus: *const zpat_bus_t, prefix: *const c_void, len: usize) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(bus)?.unsubscribe(bytes(prefix, len)?) }.map(|()| 0))
}

/// From now on this fraction of the datagrams that arrive, from 0 to 1, is thrown away at random before anything looks at
/// them: to try what a program does. 0 ends it. `ZPAT_E_INVALID_ARGUMENT` for any other number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_bus_inject_loss(bus: *const zpat_bus_t, fraction: f64) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(bus) }?.inject_loss(fraction).map(|()| 0))
}

/// Sends a message with copies of these `count` frames, at least one, to all who are on the bus now. It is handed over:
/// who hears it, nobody says. `ZPAT_E_TIMEOUT` if there was no room in time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_bus_send(
    bus: *const zpat_bus_t,
    frames: *const zpat_slice_t,
    count: usize,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (bus, frames, deadline) =
            unsafe { (handle(bus)?, frames_of(frames, count)?, deadline(timeout_ms, cancel)?) };
        bus.send(&frames, &deadline).map(|()| 0)
    })
}

/// Sends the messages of `batch` from position `first` on, in order, and returns how many were taken: at least one, and
/// fewer than all if there is no more room. The batch keeps its messages. Errors as `zpat_bus_send`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_bus_send_many(
    bus: *const zpat_bus_t,
    batch: *const zpat_batch_t,
    first: usize,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (bus, batch, deadline) =
            unsafe { (handle(bus)?, required(batch, "batch")?, deadline(timeout_ms, cancel)?) };
        let messages: Vec<Vec<&[u8]>> = batch.messages().skip(first).map(Iterator::collect).collect();
        let taken = bus.send_many(&messages, &deadline)?;
        Ok(c_int::try_from(taken).unwrap_or(c_int::MAX))
    })
}

/// Receives messages and events: waits for one, then takes what is there besides, no more than `max_events` and no more
/// once they have `max_bytes`. Returns how many are in `*events`.
///
/// `*events` is NULL, and then becomes something new that the caller frees with `zpat_bus_events_free`, or what an earlier
/// call left, which is emptied and used again. `ZPAT_E_TIMEOUT` if nothing came in time; `ZPAT_E_CLOSED` once the bus or
/// its context has ended and all is taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_bus_recv(
    bus: *const zpat_bus_t,
    max_events: usize,
    max_bytes: usize,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    events: *mut *mut zpat_bus_events_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (slot, bus, deadline) = unsafe { (Slot::empty(events)?, handle(bus)?, deadline(timeout_ms, cancel)?) };
        Ok(slot.fill(bus.recv_many(max_events.min(c_int::MAX as usize), max_bytes, &deadline)?))
    })
}

/// Writes the address of this machine where the bus is into `buffer` of `size` bytes; `ZPAT_ENDPOINT_SIZE` is enough.
/// `ZPAT_E_TOO_LARGE` if it does not fit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_bus_interface(bus: *const zpat_bus_t, buffer: *mut c_char, size: usize) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { write_text(&handle(bus)?.interface().to_string(), buffer, size) }.map(|()| 0))
}

/// Asks for one notice when one of `interest` (`ZPAT_RECV`, `ZPAT_SEND` or both) holds; returns those that hold already.
/// As `zpat_socket_arm`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_bus_arm(bus: *const zpat_bus_t, interest: c_int) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(flags_of(unsafe { handle(bus) }?.arm(interest_of(interest)?))))
}

/// The descriptor for `poll` and event loops, as `zpat_socket_ready_fd`. It lives as long as the bus.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_bus_ready_fd(bus: *const zpat_bus_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { handle(bus) }?.ready_fd().as_raw_fd()))
}

/// Sets what is called instead of making the descriptor readable, as `zpat_socket_set_hook`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_bus_set_hook(bus: *const zpat_bus_t, hook: zpat_hook_t, user: *mut c_void) -> c_int {
    entry(|| {
        // SAFETY: C's promise, also about the hook.
        unsafe { handle(bus)?.set_hook(hook_of(hook, user)) };
        Ok(0)
    })
}

/// 1 if the bus ended because its context was shut down, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_bus_is_closed(bus: *const zpat_bus_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { required(bus, "bus") }?.bus.is_closed().into()))
}

/// Leaves a bus, frees it and clears the pointer: waits until what is to be sent has left and what is asked for is
/// repeated, at most `linger_ms`; -1 is the option `linger`. Calls that wait on it in other threads end with
/// `ZPAT_E_CLOSED`. NULL and a cleared pointer are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_bus_close(bus: *mut *mut zpat_bus_t, linger_ms: i64) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        if let Some(place) = unsafe { take_back(bus) } {
            place.bus.close(u64::try_from(linger_ms).map_or(place.linger, Duration::from_millis));
        }
        Ok(0)
    })
}
