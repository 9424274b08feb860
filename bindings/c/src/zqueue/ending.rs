//! How a worker ends its run of a job: done, failed, or broken into others.

use std::ffi::c_int;

use zpatterns::{
    Result,
    zqueue::{Child, Frames, QueueJob},
};

use super::{job::zpat_queue_job_t, wanted::zpat_child_t};
use crate::{
    arguments::{body_of, take_back, take_required, zpat_slice_t},
    checked::list,
    error::entry,
};

/// Says that the job is done, with copies of these `count` frames as what it came to, of which there may be none; frees
/// the job and clears the pointer. The frames may be the job's own.
///
/// `ZPAT_E_CANCELLED` if it was withdrawn: nobody hears of it. `ZPAT_E_CLOSED` if the worker was closed: the job was
/// given to another. After `ZPAT_E_INVALID_ARGUMENT` the job is still there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_job_complete(
    job: *mut *mut zpat_queue_job_t,
    frames: *const zpat_slice_t,
    count: usize,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (body, job) = unsafe { (body_of(frames, count)?, take_required(job, "job")?) };
        job.0.complete(body).map(|()| 0)
    })
}

/// Says that the job could not be done now, and may be tried again, as often as its option `attempts` allows; with a code
/// of the program's own and copies of these `count` frames, of which there may be none. The first, if it is text, is
/// shown to people. Otherwise as `zpat_queue_job_complete`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_job_retry(
    job: *mut *mut zpat_queue_job_t,
    code: u32,
    frames: *const zpat_slice_t,
    count: usize,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (body, job) = unsafe { (body_of(frames, count)?, take_required(job, "job")?) };
        job.0.retry(code, body).map(|()| 0)
    })
}

/// Says that the job cannot be done, and is not to be tried again. Otherwise as `zpat_queue_job_retry`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_job_fail(
    job: *mut *mut zpat_queue_job_t,
    code: u32,
    frames: *const zpat_slice_t,
    count: usize,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (body, job) = unsafe { (body_of(frames, count)?, take_required(job, "job")?) };
        job.0.fail(code, body).map(|()| 0)
    })
}

/// Breaks the job into `count` others, which are to be done first, in any order; frees the job and clears the pointer.
/// When they are done, it comes back, to any worker, with copies of these `memo_count` frames of `memo`, and with what
/// they came to. If none of the children is waited for, it comes back at once. What the arguments point to may be the
/// job's own.
///
/// Errors are as of `zpat_queue_job_complete`. If the error is in a child, its text says which.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_job_spawn(
    job: *mut *mut zpat_queue_job_t,
    children: *const zpat_child_t,
    count: usize,
    memo: *const zpat_slice_t,
    memo_count: usize,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { spawn(job, children, count, memo, memo_count, QueueJob::spawn) })
}

/// As `zpat_queue_job_spawn`, one after the other: the next child begins when the one before has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_job_spawn_in_order(
    job: *mut *mut zpat_queue_job_t,
    children: *const zpat_child_t,
    count: usize,
    memo: *const zpat_slice_t,
    memo_count: usize,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { spawn(job, children, count, memo, memo_count, QueueJob::spawn_in_order) })
}

/// # Safety
/// As `zpat_queue_job_spawn` asks of C.
unsafe fn spawn(
    job: *mut *mut zpat_queue_job_t,
    children: *const zpat_child_t,
    count: usize,
    memo: *const zpat_slice_t,
    memo_count: usize,
    how: fn(QueueJob, Vec<Child>, Frames) -> Result<()>,
) -> Result<c_int> {
    // SAFETY: as the caller promises.
    let (children, memo) = unsafe { (list(children, count, "children")?, body_of(memo, memo_count)?) };
    // SAFETY: as the caller promises.
    how(unsafe { take_required(job, "job") }?.0, children, memo).map(|()| 0)
}

/// Frees a job and clears the pointer. One of which nothing was said has failed with the code `ZPAT_QUEUE_JOB_DROPPED`,
/// and may be tried again. NULL and a cleared pointer are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_job_free(job: *mut *mut zpat_queue_job_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        drop(unsafe { take_back(job) });
        Ok(0)
    })
}
