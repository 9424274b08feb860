//! A request at the worker.

use std::{
    ffi::{c_int, c_void},
    time::Instant,
};

use zpatterns::{Result, reqrep::Job};

use crate::{
    arguments::{body_of, deadline, required, take_back, take_required, zpat_slice_t},
    cancel::zpat_cancel_t,
    error::{entry, entry_or},
    plain::Plain,
    socket::{once_of, zpat_hook_t},
};

/// The error code of a job that was freed without an answer.
pub const ZPAT_JOB_DROPPED: u32 = u32::MAX;
const _: () = assert!(ZPAT_JOB_DROPPED == Job::DROPPED);

/// A request to be answered once, by any thread. Answering it frees it, so no other call may be using it then.
pub struct zpat_job_t(pub(super) Job);

/// # Safety
/// `job` is null or a live handle for as long as `'a`.
unsafe fn handle<'a>(job: *const zpat_job_t) -> Result<&'a Job> {
    // SAFETY: as the caller promises.
    unsafe { required(job, "job") }.map(|job| &job.0)
}

/// What is asked for. The bytes belong to the job, as those of `zpat_job_key` and `zpat_job_frame`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_job_service(job: *const zpat_job_t) -> zpat_slice_t {
    // SAFETY: C's promise.
    entry_or(zpat_slice_t::NONE, || Ok(zpat_slice_t::of(unsafe { handle(job) }?.service())))
}

/// The key of the request; may be empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_job_key(job: *const zpat_job_t) -> zpat_slice_t {
    // SAFETY: C's promise.
    entry_or(zpat_slice_t::NONE, || Ok(zpat_slice_t::of(unsafe { handle(job) }?.key())))
}

/// Number of frames of the question; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_job_frame_count(job: *const zpat_job_t) -> usize {
    // SAFETY: C's promise.
    entry_or(0, || Ok(unsafe { handle(job) }?.body().len()))
}

/// A frame of the question, by position from 0. If there is no such frame, `data` is NULL; for an empty frame it is
/// not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_job_frame(job: *const zpat_job_t, frame: usize) -> zpat_slice_t {
    entry_or(zpat_slice_t::NONE, || {
        // SAFETY: C's promise.
        Ok(unsafe { handle(job) }?.body().get(frame).map_or(zpat_slice_t::NONE, |frame| zpat_slice_t::of(frame)))
    })
}

/// How long the answer is still of use, in milliseconds; 0 if it no longer is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_job_remaining_ms(job: *const zpat_job_t) -> i64 {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { handle(job) }?.deadline().saturating_duration_since(Instant::now()).plain()))
}

/// 1 if nobody waits for the answer any more, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_job_is_cancelled(job: *const zpat_job_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { handle(job) }?.is_cancelled().into()))
}

/// Waits until nobody waits for the answer any more. `ZPAT_E_TIMEOUT` if that is not so in time, `ZPAT_E_CLOSED` if the
/// worker closed. It has to end before another thread answers the job: fire its `cancel` first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_job_wait_cancelled(
    job: *const zpat_job_t,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(job)?.wait_cancelled(&deadline(timeout_ms, cancel)?) }.map(|()| 0))
}

/// Calls `hook` with `user` once, as soon as nobody waits for the answer any more, or the job or its worker has come to
/// its end; at once, on this thread, if that is so. It must return at once and must not call functions of this job or its
/// worker. NULL takes it away. When this function, or one that frees the job, returns, the hook before is not running and
/// will not run again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_job_set_hook(job: *const zpat_job_t, hook: zpat_hook_t, user: *mut c_void) -> c_int {
    // SAFETY: C's promise, also about the hook.
    entry(|| unsafe { handle(job)?.set_hook(once_of(hook, user)) }.map(|()| 0))
}

/// Sends some of the answer, with copies of these `count` frames.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_job_send_partial(
    job: *const zpat_job_t,
    frames: *const zpat_slice_t,
    count: usize,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(job)?.send_partial(body_of(frames, count)?) }.map(|()| 0))
}

/// Answers with copies of these `count` frames, of which there may be none, or sends the rest of an answer; frees the
/// job and clears the pointer. The frames may be the job's own. `ZPAT_E_CLOSED` if the worker was closed: the job was
/// given to another. After `ZPAT_E_INVALID_ARGUMENT` the job is still there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_job_reply(job: *mut *mut zpat_job_t, frames: *const zpat_slice_t, count: usize) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (body, job) = unsafe { (body_of(frames, count)?, take_required(job, "job")?) };
        job.0.reply(body).map(|()| 0)
    })
}

/// Says that it cannot be done, with a code of the program's own and copies of these `count` frames, of which there
/// may be none; the first, if it is text, is shown to people. Otherwise as `zpat_job_reply`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_job_fail(
    job: *mut *mut zpat_job_t,
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

/// Frees a job and clears the pointer. One that was not answered ends with the error code `ZPAT_JOB_DROPPED`. NULL
/// and a cleared pointer are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_job_free(job: *mut *mut zpat_job_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        drop(unsafe { take_back(job) });
        Ok(0)
    })
}
