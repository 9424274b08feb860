//! Receiving.

use std::ffi::c_int;

use crate::{
    arguments::deadline,
    batch::{Slot, zpat_batch_t},
    cancel::zpat_cancel_t,
    error::entry,
    socket::{handle, zpat_socket_t},
};

/// Receives one message into `*batch` and returns 1.
///
/// `*batch` is NULL, and then becomes a new batch that the caller frees with `zpat_batch_free`, or a batch from an
/// earlier call, which is emptied and used again; so a loop needs one pointer and one free. After an error a batch
/// that was there is empty. `ZPAT_E_TIMEOUT` if no message came in time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_socket_recv(
    socket: *const zpat_socket_t,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    batch: *mut *mut zpat_batch_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (slot, socket, deadline) = unsafe { (Slot::empty(batch)?, handle(socket)?, deadline(timeout_ms, cancel)?) };
        slot.fill_with_one(socket.recv(&deadline)?);
        Ok(1)
    })
}

/// Receives what is there: waits for at least one message, then takes no more than `max_messages` and stops once
/// `max_bytes` are reached. Returns the number of messages in `*batch`, which is as for `zpat_socket_recv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_socket_recv_many(
    socket: *const zpat_socket_t,
    max_messages: usize,
    max_bytes: usize,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    batch: *mut *mut zpat_batch_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (slot, socket, deadline) = unsafe { (Slot::empty(batch)?, handle(socket)?, deadline(timeout_ms, cancel)?) };
        let received = socket.recv_many(max_messages.min(c_int::MAX as usize), max_bytes, &deadline)?;
        let count = received.len();
        slot.fill_with_many(received);
        Ok(c_int::try_from(count).unwrap_or(c_int::MAX))
    })
}
