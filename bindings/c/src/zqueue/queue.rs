//! Who keeps the jobs.

use std::ffi::{c_char, c_int, c_void};

use zpatterns::{Error, ErrorKind, Result, zqueue::Queue};

use super::{
    counters::{zpat_queue_counters_t, zpat_zqueue_counters_t},
    options::zpat_queue_options_t,
};
use crate::{
    arguments::{
        deadline, fill_growing, hand_over, required, required_mut, take_back, texts, write_growing, write_text,
    },
    cancel::zpat_cancel_t,
    context::zpat_context_t,
    error::entry,
    socket::{once_of, zpat_hook_t},
};

/// Keeps jobs, gives them to workers, and tells what they come to; producers and workers connect to it. It works on
/// threads of the context.
pub struct zpat_queue_t(Queue);

/// The queue of a handle, so that a call goes on safely while another thread closes the handle.
///
/// # Safety
/// `queue` is null or a live handle.
unsafe fn handle(queue: *const zpat_queue_t) -> Result<Queue> {
    // SAFETY: as the caller promises.
    Ok(unsafe { required(queue, "queue") }?.0.clone())
}

/// Opens a queue at `count` endpoints, at least one; with a store, once it has read that. `options` may be NULL for the
/// defaults. The caller frees it with `zpat_queue_close`. Errors as `zpat_socket_bind`. Of the store:
/// `ZPAT_E_WRONG_STATE` if it is open already, here or in another process; `ZPAT_E_CORRUPT` if it is damaged, or no
/// store of this version, and it is left as it is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_bind(
    context: *const zpat_context_t,
    endpoints: *const *const c_char,
    count: usize,
    options: *const zpat_queue_options_t,
    queue: *mut *mut zpat_queue_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (out, context) = unsafe { (required_mut(queue, "queue")?, required(context, "context")?) };
        // SAFETY: C's promise.
        let (endpoints, options) =
            unsafe { (texts(endpoints, count, "endpoints")?, zpat_queue_options_t::convert(options)?) };
        hand_over(zpat_queue_t(Queue::bind(&context.0, &endpoints, options)?), out);
        Ok(0)
    })
}

/// Writes where the queue is reached, with the port that the system chose, into `buffer` of `size` bytes;
/// `ZPAT_ENDPOINT_SIZE` is enough. `index` counts from 0 in the order of `zpat_queue_bind`; `ZPAT_E_NOT_FOUND` if there
/// is no such endpoint, `ZPAT_E_TOO_LARGE` if it does not fit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_endpoint(
    queue: *const zpat_queue_t,
    index: usize,
    buffer: *mut c_char,
    size: usize,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let queue = unsafe { handle(queue) }?;
        let endpoint = queue.endpoints().get(index).copied();
        let unknown = || Error::new(ErrorKind::NotFound, "the queue has no such endpoint").with("index", index);
        // SAFETY: C's promise.
        unsafe { write_text(endpoint.ok_or_else(unknown)?, buffer, size) }.map(|()| 0)
    })
}

/// Number of workers connected now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_workers(queue: *const zpat_queue_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(c_int::try_from(unsafe { handle(queue) }?.workers()?).unwrap_or(c_int::MAX)))
}

/// Writes what became of the jobs so far into `counters`, whose `struct_size` the caller has set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_counters(
    queue: *const zpat_queue_t,
    counters: *mut zpat_zqueue_counters_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let counted = zpat_zqueue_counters_t::of(&unsafe { handle(queue) }?.counters()?);
        // SAFETY: C's promise.
        unsafe { fill_growing(counters, counted, zpat_zqueue_counters_t::ENDS) }.map(|()| 0)
    })
}

/// Writes the same of each queue that was ever named, in the order of their names, into `out`, an array of `most`
/// elements; `struct_size` of the first is set, and holds for all. Returns how many there are: if that is more than
/// `most`, the last ones were not written. `out` may be NULL if `most` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_queues(
    queue: *const zpat_queue_t,
    out: *mut zpat_queue_counters_t,
    most: usize,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let queues = unsafe { handle(queue) }?.queues()?;
        // SAFETY: C's promise.
        unsafe { write_growing(out, most, zpat_queue_counters_t::ENDS, &queues, zpat_queue_counters_t::of) }
    })
}

/// Takes no more jobs from producers, which are told `ZPAT_E_CLOSED`, and waits until those that are here have ended.
/// `ZPAT_E_TIMEOUT` if they have not in time; it goes on draining. One thread waits at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_drain(
    queue: *const zpat_queue_t,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(queue)?.drain(&deadline(timeout_ms, cancel)?) }.map(|()| 0))
}

/// Calls `hook` with `user` once, as soon as the queue is drained or has ended; at once, on this thread, if that is so.
/// An event loop then calls `zpat_queue_drain` with 0 for `timeout_ms`, as it did before to begin with it. The hook must
/// return at once and must not call functions of this queue. Another takes its place, NULL one that does nothing; when
/// `zpat_queue_close` has returned, it is not running and will not run again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_set_drained_hook(
    queue: *const zpat_queue_t,
    hook: zpat_hook_t,
    user: *mut c_void,
) -> c_int {
    // SAFETY: C's promise, also about the hook.
    entry(|| unsafe { handle(queue)?.set_drained_hook(once_of(hook, user)) }.map(|()| 0))
}

/// Waits until the queue ends, because it was closed or its context shut down: what a program does that is only a
/// queue. `ZPAT_E_TIMEOUT` if it still runs after the wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_wait(
    queue: *const zpat_queue_t,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(queue)?.wait(&deadline(timeout_ms, cancel)?) }.map(|()| 0))
}

/// Calls `hook` with `user` once, as soon as the queue has ended. Otherwise as `zpat_queue_set_drained_hook`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_set_end_hook(
    queue: *const zpat_queue_t,
    hook: zpat_hook_t,
    user: *mut c_void,
) -> c_int {
    // SAFETY: C's promise, also about the hook.
    entry(|| unsafe { handle(queue)?.set_end_hook(once_of(hook, user)) }.map(|()| 0))
}

/// Closes a queue where it is, frees it and clears the pointer. What is not stored is lost; producers and workers wait
/// for its successor. NULL and a cleared pointer are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_close(queue: *mut *mut zpat_queue_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        if let Some(queue) = unsafe { take_back(queue) } {
            queue.0.close();
        }
        Ok(0)
    })
}
