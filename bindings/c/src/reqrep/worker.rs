//! The side that answers.

use std::{
    ffi::{c_char, c_int, c_void},
    os::fd::AsRawFd,
};

use zpatterns::{Error, ErrorKind, Result, reqrep::Worker};

use super::{counters::zpat_worker_counters_t, job::zpat_job_t, options::zpat_worker_options_t};
use crate::{
    arguments::{deadline, fill_growing, hand_over, required, required_mut, take_back, text, texts, write_text},
    cancel::zpat_cancel_t,
    context::zpat_context_t,
    error::entry,
    socket::{hook_of, zpat_hook_t},
};

/// Answers requests for one service. Any number of threads may use it at the same time, each with jobs of its own.
pub struct zpat_worker_t(Worker);

/// The worker of a handle, so that a call goes on safely while another thread closes the handle.
///
/// # Safety
/// `worker` is null or a live handle.
pub(super) unsafe fn handle(worker: *const zpat_worker_t) -> Result<Worker> {
    // SAFETY: as the caller promises.
    Ok(unsafe { required(worker, "worker") }?.0.clone())
}

/// Opens a worker of the brokers at `count` endpoints, at least one, for `service`, a name of 1 to 255 bytes. It
/// connects in the background. `options` may be NULL for the defaults. The caller frees it with `zpat_worker_close`.
/// `ZPAT_E_INVALID_ENDPOINT` if an endpoint cannot be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_worker_connect(
    context: *const zpat_context_t,
    endpoints: *const *const c_char,
    count: usize,
    service: *const c_char,
    options: *const zpat_worker_options_t,
    worker: *mut *mut zpat_worker_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (out, context) = unsafe { (required_mut(worker, "worker")?, required(context, "context")?) };
        // SAFETY: C's promise.
        let (endpoints, service, options) = unsafe {
            let options = zpat_worker_options_t::convert(options)?;
            (texts(endpoints, count, "endpoints")?, text(service, "service")?, options)
        };
        hand_over(zpat_worker_t(Worker::connect(&context.0, &endpoints, service, options)?), out);
        Ok(0)
    })
}

/// Opens a worker that is its own server, without a broker: clients connect to `endpoint`. Otherwise as
/// `zpat_worker_connect`, with the errors of `zpat_socket_bind`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_worker_bind(
    context: *const zpat_context_t,
    endpoint: *const c_char,
    service: *const c_char,
    options: *const zpat_worker_options_t,
    worker: *mut *mut zpat_worker_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (out, context) = unsafe { (required_mut(worker, "worker")?, required(context, "context")?) };
        // SAFETY: C's promise.
        let (endpoint, service, options) = unsafe {
            let options = zpat_worker_options_t::convert(options)?;
            (text(endpoint, "endpoint")?, text(service, "service")?, options)
        };
        hand_over(zpat_worker_t(Worker::bind(&context.0, endpoint, service, options)?), out);
        Ok(0)
    })
}

/// Writes where clients reach a worker that binds, with the port that the system chose, into `buffer` of `size`
/// bytes; `ZPAT_ENDPOINT_SIZE` is enough. `ZPAT_E_NOT_FOUND` for a worker that connects, `ZPAT_E_TOO_LARGE` if it
/// does not fit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_worker_endpoint(worker: *const zpat_worker_t, buffer: *mut c_char, size: usize) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let worker = unsafe { handle(worker) }?;
        let endpoint = worker.endpoint().ok_or_else(|| Error::new(ErrorKind::NotFound, "the worker does not bind"))?;
        // SAFETY: C's promise.
        unsafe { write_text(endpoint, buffer, size) }.map(|()| 0)
    })
}

/// Waits for the next job, and returns 1. `*job` becomes a handle that the caller answers or frees, in any order among
/// several. `ZPAT_E_TIMEOUT` if none came in time; `ZPAT_E_CLOSED` after `zpat_worker_leave` when all is done.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_worker_next(
    worker: *const zpat_worker_t,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    job: *mut *mut zpat_job_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (out, worker, deadline) =
            unsafe { (required_mut(job, "job")?, handle(worker)?, deadline(timeout_ms, cancel)?) };
        hand_over(zpat_job_t(worker.next(&deadline)?), out);
        Ok(1)
    })
}

/// Takes no more jobs. Those that are here are to be done; then `zpat_worker_next` ends with `ZPAT_E_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_worker_leave(worker: *const zpat_worker_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(worker) }?.leave().map(|()| 0))
}

/// Writes what the worker did so far into `counters`, whose `struct_size` the caller has set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_worker_counters(
    worker: *const zpat_worker_t,
    counters: *mut zpat_worker_counters_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let counted = zpat_worker_counters_t::of(&unsafe { handle(worker) }?.counters()?);
        // SAFETY: C's promise.
        unsafe { fill_growing(counters, counted, zpat_worker_counters_t::ENDS) }.map(|()| 0)
    })
}

/// Asks for one notice when `zpat_worker_next` has something. 1 if it has already, and then no notice comes; 0 means
/// wait for it. As `zpat_socket_arm`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_worker_arm(worker: *const zpat_worker_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { handle(worker) }?.arm().into()))
}

/// The descriptor for `poll` and event loops, as `zpat_socket_ready_fd`. It lives as long as the worker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_worker_ready_fd(worker: *const zpat_worker_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { handle(worker) }?.ready_fd().as_raw_fd()))
}

/// Sets what is called instead of making the descriptor readable, as `zpat_socket_set_hook`. It may also run on a
/// thread that answers a job.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_worker_set_hook(
    worker: *const zpat_worker_t,
    hook: zpat_hook_t,
    user: *mut c_void,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise, also about the hook.
        unsafe { handle(worker)?.set_hook(hook_of(hook, user)) };
        Ok(0)
    })
}

/// Closes a worker where it is, frees it and clears the pointer. Jobs that are here are given to others; their handles
/// still have to be freed. Every wait ends with `ZPAT_E_CLOSED`. NULL and a cleared pointer are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_worker_close(worker: *mut *mut zpat_worker_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        if let Some(worker) = unsafe { take_back(worker) } {
            worker.0.close();
        }
        Ok(0)
    })
}
