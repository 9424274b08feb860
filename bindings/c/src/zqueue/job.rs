//! A job at its worker: what is to be done, and what it left and its children came to.

use std::ffi::{c_int, c_void};

use zpatterns::{
    Error, ErrorKind, Result,
    zqueue::{ChildOutcome, Frames, QueueJob},
};

use super::outcome::{body_of, zpat_job_outcome_t};
use crate::{
    arguments::{deadline, fill_growing, required, zpat_slice_t},
    cancel::zpat_cancel_t,
    error::{entry, entry_or},
    report::Record,
    socket::{once_of, zpat_hook_t},
};

/// The code of a job that was freed without a word.
pub const ZPAT_QUEUE_JOB_DROPPED: u32 = u32::MAX;
const _: () = assert!(ZPAT_QUEUE_JOB_DROPPED == QueueJob::DROPPED);

/// A job to be done, by any thread. Its end frees it, so no other call may be using it then.
pub struct zpat_queue_job_t(pub(super) QueueJob);

/// # Safety
/// `job` is null or a live handle for as long as `'a`.
unsafe fn handle<'a>(job: *const zpat_queue_job_t) -> Result<&'a QueueJob> {
    // SAFETY: as the caller promises.
    unsafe { required(job, "job") }.map(|job| &job.0)
}

/// A frame of a body, if there is one.
fn frame_of(body: Option<&Frames>, frame: usize) -> zpat_slice_t {
    body.and_then(|body| body.get(frame)).map_or(zpat_slice_t::NONE, |frame| zpat_slice_t::of(frame))
}

/// The queue's number for it, 1 or more and below 2^53. It is the same in every run.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_job_id(job: *const zpat_queue_job_t) -> i64 {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { handle(job) }?.id().cast_signed()))
}

/// The queue in which it was. The bytes belong to the job, as those of the other functions that return a slice.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_job_queue(job: *const zpat_queue_job_t) -> zpat_slice_t {
    // SAFETY: C's promise.
    entry_or(zpat_slice_t::NONE, || Ok(zpat_slice_t::of(unsafe { handle(job) }?.queue())))
}

/// Number of frames of what is to be done; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_job_frame_count(job: *const zpat_queue_job_t) -> usize {
    // SAFETY: C's promise.
    entry_or(0, || Ok(unsafe { handle(job) }?.body().len()))
}

/// A frame of what is to be done, by position from 0. If there is no such frame, `data` is NULL; for an empty frame it
/// is not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_job_frame(job: *const zpat_queue_job_t, frame: usize) -> zpat_slice_t {
    // SAFETY: C's promise.
    entry_or(zpat_slice_t::NONE, || Ok(frame_of(Some(unsafe { handle(job) }?.body()), frame)))
}

/// How often it was given to a worker before, and not done: workers that failed and workers that were lost, at most 255.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_job_tries(job: *const zpat_queue_job_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { handle(job) }?.tries().into()))
}

/// 1 if it comes back after it spawned children, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_job_is_resumed(job: *const zpat_queue_job_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { handle(job) }?.is_resumed().into()))
}

/// Number of frames of what it left when it spawned; 0 if it has not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_job_memo_count(job: *const zpat_queue_job_t) -> usize {
    // SAFETY: C's promise.
    entry_or(0, || Ok(unsafe { handle(job) }?.memo().map_or(0, Vec::len)))
}

/// A frame of what it left when it spawned, as `zpat_queue_job_frame`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_job_memo(job: *const zpat_queue_job_t, frame: usize) -> zpat_slice_t {
    // SAFETY: C's promise.
    entry_or(zpat_slice_t::NONE, || Ok(frame_of(unsafe { handle(job) }?.memo(), frame)))
}

/// Number of children that it spawned last, without those that are detached; 0 if it has not spawned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_job_result_count(job: *const zpat_queue_job_t) -> usize {
    // SAFETY: C's promise.
    entry_or(0, || Ok(unsafe { handle(job) }?.results().map_or(0, <[_]>::len)))
}

/// What a child came to, by position from 0 in the order in which they were spawned.
fn result_of(job: &QueueJob, index: usize) -> Option<&ChildOutcome> {
    job.results()?.get(index)
}

/// What a child came to, by position from 0 in the order in which they were spawned: returns a
/// `zpat_job_outcome_kind_t`, which is `ZPAT_JOB_OUTCOME_NOTHING`, 0, of one that failed and is ignored. `outcome`,
/// whose `struct_size` the caller has set, says why one failed that is passed; it may be NULL. That is no error of this
/// call, and the last error stays as it was. `ZPAT_E_NOT_FOUND` if there is no such child.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_job_result(
    job: *const zpat_queue_job_t,
    index: usize,
    outcome: *mut zpat_job_outcome_t,
) -> c_int {
    entry(|| {
        let none = || Error::new(ErrorKind::NotFound, "the job has no such child").with("index", index);
        // SAFETY: C's promise.
        let result = result_of(unsafe { handle(job) }?, index).ok_or_else(none)?;
        let came = result.as_ref().map_or(zpat_job_outcome_t::NOTHING, zpat_job_outcome_t::of);
        if !outcome.is_null() {
            // SAFETY: C's promise.
            unsafe { fill_growing(outcome, came, zpat_job_outcome_t::ENDS) }?;
        }
        Ok(c_int::try_from(came.kind).expect("kinds are small"))
    })
}

/// Number of frames of what a child came to, or of what was said of its failure; 0 if there is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_job_result_frame_count(job: *const zpat_queue_job_t, index: usize) -> usize {
    // SAFETY: C's promise.
    entry_or(0, || Ok(result_body(unsafe { handle(job) }?, index).map_or(0, Vec::len)))
}

/// A frame of what a child came to, or of what was said of its failure, as `zpat_queue_job_frame`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_job_result_frame(
    job: *const zpat_queue_job_t,
    index: usize,
    frame: usize,
) -> zpat_slice_t {
    // SAFETY: C's promise.
    entry_or(zpat_slice_t::NONE, || Ok(frame_of(result_body(unsafe { handle(job) }?, index), frame)))
}

fn result_body(job: &QueueJob, index: usize) -> Option<&Frames> {
    result_of(job, index)?.as_ref().map(body_of)
}

/// 1 if nobody wants it any more, or another worker has it, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_job_is_withdrawn(job: *const zpat_queue_job_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { handle(job) }?.is_withdrawn().into()))
}

/// Waits until nobody wants it any more, or another worker has it. `ZPAT_E_TIMEOUT` if that is not so in time,
/// `ZPAT_E_CLOSED` if the worker closed. It has to end before another thread ends the job: fire its `cancel` first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_job_wait_withdrawn(
    job: *const zpat_queue_job_t,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(job)?.wait_withdrawn(&deadline(timeout_ms, cancel)?) }.map(|()| 0))
}

/// Calls `hook` with `user` once, as soon as the job is withdrawn, or it or its worker has come to its end; at once, on
/// this thread, if that is so. It must return at once and must not call functions of this job or its worker. NULL takes
/// it away. When this function, or one that frees the job, returns, the hook before is not running and will not run
/// again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_job_set_hook(
    job: *const zpat_queue_job_t,
    hook: zpat_hook_t,
    user: *mut c_void,
) -> c_int {
    // SAFETY: C's promise, also about the hook.
    entry(|| unsafe { handle(job)?.set_hook(once_of(hook, user)) }.map(|()| 0))
}
