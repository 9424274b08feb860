//! Sending.

use std::ffi::{c_int, c_void};

use crate::{
    arguments::{bytes, deadline, frames_of, required_mut, zpat_slice_t},
    batch::zpat_batch_t,
    cancel::zpat_cancel_t,
    error::entry,
    socket::{handle, zpat_socket_t},
};

/// Sends a message of one frame with a copy of `len` bytes from `data`, waiting for room.
///
/// Success means that the message was handed over, not that a peer has it. `ZPAT_E_FULL` (without waiting) or
/// `ZPAT_E_TIMEOUT` if there was no room; `ZPAT_E_UNREACHABLE` if the peer addressed on a ROUTER is not connected;
/// `ZPAT_E_TOO_LARGE` above `max_message_size`; `ZPAT_E_UNSUPPORTED` on a socket that only receives. After an error
/// nothing was sent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_socket_send(
    socket: *const zpat_socket_t,
    data: *const c_void,
    len: usize,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (socket, data, deadline) = unsafe { (handle(socket)?, bytes(data, len)?, deadline(timeout_ms, cancel)?) };
        socket.send(data, &deadline).map(|()| 0)
    })
}

/// Sends a message with copies of these `count` frames, as `zpat_socket_send`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_socket_send_multipart(
    socket: *const zpat_socket_t,
    frames: *const zpat_slice_t,
    count: usize,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (socket, frames, deadline) =
            unsafe { (handle(socket)?, frames_of(frames, count)?, deadline(timeout_ms, cancel)?) };
        socket.send_multipart(&frames, &deadline).map(|()| 0)
    })
}

/// Sends the messages of `batch` from position `first` on, in order, and returns how many were sent. It is fewer than
/// all only if the deadline passed or an error came; the error shows when the rest is sent again. The batch keeps its
/// messages. Errors as `zpat_socket_send`, when not one was sent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_socket_send_many(
    socket: *const zpat_socket_t,
    batch: *mut zpat_batch_t,
    first: usize,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (socket, batch, deadline) =
            unsafe { (handle(socket)?, required_mut(batch, "batch")?, deadline(timeout_ms, cancel)?) };
        let sent = socket.send_many(batch.packed()?, first, &deadline)?;
        Ok(c_int::try_from(sent).unwrap_or(c_int::MAX))
    })
}
