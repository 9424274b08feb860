//! Who does jobs.

use std::{
    ffi::{c_char, c_int, c_void},
    os::fd::AsRawFd,
};

use zpatterns::{Result, zqueue::QueueWorker};

use super::{counters::zpat_queue_worker_counters_t, job::zpat_queue_job_t, options::zpat_queue_worker_options_t};
use crate::{
    arguments::{
        at_most, check_room, deadline, fill_growing, hand_over, hand_over_many, required, required_mut, take_back,
        texts,
    },
    cancel::zpat_cancel_t,
    context::zpat_context_t,
    error::entry,
    socket::{hook_of, zpat_hook_t},
};

/// Does jobs of one or more queues. Any number of threads may use it at the same time, each with jobs of its own.
pub struct zpat_queue_worker_t(QueueWorker);

/// The worker of a handle, so that a call goes on safely while another thread closes the handle.
///
/// # Safety
/// `worker` is null or a live handle.
unsafe fn handle(worker: *const zpat_queue_worker_t) -> Result<QueueWorker> {
    // SAFETY: as the caller promises.
    Ok(unsafe { required(worker, "worker") }?.0.clone())
}

/// Opens a worker that takes jobs of `queue_count` queues, names of 1 to 255 bytes, from those that keep jobs at `count`
/// endpoints; at least one of each. It connects in the background. `options` may be NULL for the defaults. The caller
/// frees it with `zpat_queue_worker_close`. `ZPAT_E_INVALID_ENDPOINT` if an endpoint cannot be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_worker_connect(
    context: *const zpat_context_t,
    endpoints: *const *const c_char,
    count: usize,
    queues: *const *const c_char,
    queue_count: usize,
    options: *const zpat_queue_worker_options_t,
    worker: *mut *mut zpat_queue_worker_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (out, context) = unsafe { (required_mut(worker, "worker")?, required(context, "context")?) };
        // SAFETY: C's promise.
        let (endpoints, queues, options) = unsafe {
            let options = zpat_queue_worker_options_t::convert(options)?;
            (texts(endpoints, count, "endpoints")?, texts(queues, queue_count, "queues")?, options)
        };
        hand_over(zpat_queue_worker_t(QueueWorker::connect(&context.0, &endpoints, &queues, options)?), out);
        Ok(0)
    })
}

/// Waits for the next job, and returns 1. `*job` becomes a handle that the caller ends or frees, in any order among
/// several. `ZPAT_E_TIMEOUT` if none came in time; `ZPAT_E_CLOSED` after `zpat_queue_worker_leave` when all is done.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_worker_next(
    worker: *const zpat_queue_worker_t,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    job: *mut *mut zpat_queue_job_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (out, worker, deadline) =
            unsafe { (required_mut(job, "job")?, handle(worker)?, deadline(timeout_ms, cancel)?) };
        hand_over(zpat_queue_job_t(worker.next(&deadline)?), out);
        Ok(1)
    })
}

/// Waits for the next job, and takes those that are there besides. Returns how many came, 1 to `max_jobs`, which is the
/// room in the caller's array `jobs`. As many of its elements become handles that the caller ends or frees, in any
/// order; the others, and all after an error, stay as they were. Otherwise as `zpat_queue_worker_next`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_worker_next_many(
    worker: *const zpat_queue_worker_t,
    max_jobs: usize,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    jobs: *mut *mut zpat_queue_job_t,
) -> c_int {
    entry(|| {
        check_room(jobs, max_jobs, "jobs")?;
        // SAFETY: C's promise.
        let (worker, deadline) = unsafe { (handle(worker)?, deadline(timeout_ms, cancel)?) };
        let taken = worker.next_many(at_most(max_jobs), &deadline)?;
        // SAFETY: C's promise; no more come than were asked for.
        Ok(unsafe { hand_over_many(taken.into_iter().map(zpat_queue_job_t), jobs) })
    })
}

/// Takes no more jobs. Those that are here are to be done; then `zpat_queue_worker_next` ends with `ZPAT_E_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_worker_leave(worker: *const zpat_queue_worker_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(worker) }?.leave().map(|()| 0))
}

/// Keeps back what is said of jobs from now on, by any thread, to send it together with `zpat_queue_worker_uncork`.
/// Otherwise as `zpat_producer_cork`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_worker_cork(worker: *const zpat_queue_worker_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        unsafe { handle(worker) }?.cork();
        Ok(0)
    })
}

/// Undoes one `zpat_queue_worker_cork`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_worker_uncork(worker: *const zpat_queue_worker_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(worker) }?.uncork().map(|()| 0))
}

/// Writes what the worker did so far into `counters`, whose `struct_size` the caller has set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_worker_counters(
    worker: *const zpat_queue_worker_t,
    counters: *mut zpat_queue_worker_counters_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let counted = zpat_queue_worker_counters_t::of(&unsafe { handle(worker) }?.counters()?);
        // SAFETY: C's promise.
        unsafe { fill_growing(counters, counted, zpat_queue_worker_counters_t::ENDS) }.map(|()| 0)
    })
}

/// Asks for one notice when `zpat_queue_worker_next` has something. 1 if it has already, and then no notice comes; 0
/// means wait for it. As `zpat_socket_arm`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_worker_arm(worker: *const zpat_queue_worker_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { handle(worker) }?.arm().into()))
}

/// The descriptor for `poll` and event loops, as `zpat_socket_ready_fd`. It lives as long as the worker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_worker_ready_fd(worker: *const zpat_queue_worker_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { handle(worker) }?.ready_fd().as_raw_fd()))
}

/// Sets what is called instead of making the descriptor readable, as `zpat_socket_set_hook`. It may also run on a
/// thread that ends a job.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_worker_set_hook(
    worker: *const zpat_queue_worker_t,
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
pub unsafe extern "C" fn zpat_queue_worker_close(worker: *mut *mut zpat_queue_worker_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        if let Some(worker) = unsafe { take_back(worker) } {
            worker.0.close();
        }
        Ok(0)
    })
}
