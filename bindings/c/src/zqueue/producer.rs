//! Who pushes jobs.

use std::ffi::{c_char, c_int};

use zpatterns::{
    Result,
    zqueue::{JobId, Producer},
};

use super::{
    options::zpat_producer_options_t,
    outcome::{told, zpat_job_outcome_t},
    wanted::{job_of, zpat_job_options_t},
    watch::{zpat_draft_t, zpat_watch_t},
};
use crate::{
    arguments::{check_array, deadline, hand_over, required, required_mut, take_back, text, zpat_slice_t},
    batch::{Slot, zpat_batch_t},
    cancel::zpat_cancel_t,
    checked::Checked,
    context::zpat_context_t,
    error::entry,
    report::Report,
};

/// Pushes jobs, cancels them, and hears what they come to. Any number of threads may use it at the same time.
pub struct zpat_producer_t(Producer);

/// The producer of a handle, so that a call goes on safely while another thread closes the handle.
///
/// # Safety
/// `producer` is null or a live handle.
pub(super) unsafe fn handle(producer: *const zpat_producer_t) -> Result<Producer> {
    // SAFETY: as the caller promises.
    Ok(unsafe { required(producer, "producer") }?.0.clone())
}

/// The number of a job or a dead letter as core has it.
pub(super) fn job_number(job: i64) -> Result<JobId> {
    JobId::checked(job, "job")
}

/// Opens a producer for the queue at `endpoint`. It connects in the background; what it pushes waits for that. `options`
/// may be NULL for the defaults. The caller frees it with `zpat_producer_close`. `ZPAT_E_INVALID_ENDPOINT` if the
/// endpoint cannot be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_open(
    context: *const zpat_context_t,
    endpoint: *const c_char,
    options: *const zpat_producer_options_t,
    producer: *mut *mut zpat_producer_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (out, context) = unsafe { (required_mut(producer, "producer")?, required(context, "context")?) };
        // SAFETY: C's promise.
        let (endpoint, options) = unsafe { (text(endpoint, "endpoint")?, zpat_producer_options_t::convert(options)?) };
        hand_over(zpat_producer_t(Producer::connect(&context.0, endpoint, options)?), out);
        Ok(0)
    })
}

/// Pushes a job into `queue`, a name of 1 to 255 bytes, with copies of these `count` frames, of which there may be none,
/// and waits until it is accepted: with a store, until it is on the disk. `options` may be NULL for the defaults. Returns
/// its number, 1 or more and below 2^53; of a key that is known, the number of the job that has it.
///
/// `ZPAT_E_FULL` if there is no room now, `ZPAT_E_CLOSED` if the queue is being drained. `ZPAT_E_TIMEOUT` if the queue
/// has not answered after the option `patience` of the producer, or if `timeout_ms` passed first; then, and after
/// `ZPAT_E_CANCELLED` and `ZPAT_E_INTERRUPTED`, the job may be there all the same. A `key` lets it be pushed again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_push(
    producer: *const zpat_producer_t,
    queue: *const c_char,
    frames: *const zpat_slice_t,
    count: usize,
    options: *const zpat_job_options_t,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
) -> i64 {
    entry(|| {
        // SAFETY: C's promise.
        let (producer, deadline) = unsafe { (handle(producer)?, deadline(timeout_ms, cancel)?) };
        // SAFETY: C's promise.
        let (queue, body, options) = unsafe { job_of(queue, frames, count, options) }?;
        Ok(producer.push(queue, body, &options, &deadline)?.cast_signed())
    })
}

/// Pushes a job for each message of `bodies`, as `zpat_producer_push` does with one, which costs far less than one by
/// one; `options` are for all of them. The batch keeps its messages. Returns how many there were. `jobs`, which may be
/// NULL, is an array of as many elements as the batch has messages, and gets the number of each.
///
/// After an error `jobs` is as it was. The first jobs are there, so many as the text of the error says behind
/// `accepted`; of up to some thousands that follow it is not known. Is there no such word, it is known of none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_push_many(
    producer: *const zpat_producer_t,
    queue: *const c_char,
    bodies: *const zpat_batch_t,
    options: *const zpat_job_options_t,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    jobs: *mut i64,
) -> i64 {
    entry(|| {
        // SAFETY: C's promise.
        let (producer, deadline) = unsafe { (handle(producer)?, deadline(timeout_ms, cancel)?) };
        // SAFETY: C's promise.
        let (queue, bodies, options) = unsafe {
            let options = zpat_job_options_t::convert(options)?;
            (text(queue, "queue")?, required(bodies, "bodies")?, options)
        };
        let pushed = producer.push_many(queue, bodies.bodies(), &options, &deadline)?;
        if !jobs.is_null() {
            check_array(jobs, pushed.len(), "jobs")?;
            for (index, job) in pushed.iter().enumerate() {
                // SAFETY: C's promise, of an array that may never have been written to.
                unsafe { jobs.add(index).write(job.cast_signed()) };
            }
        }
        Ok(i64::try_from(pushed.len()).expect("no object has more elements"))
    })
}

/// Pushes a job, as `zpat_producer_push`, and waits for what it comes to.
///
/// Returns 0 if it was done. Else the negative `zpat_error_t` of why it was not, `ZPAT_E_JOB_FAILED` if a worker said
/// that it cannot be done, or of why the call failed. `outcome`, which may be NULL, tells the two apart: its `kind` is
/// `ZPAT_JOB_OUTCOME_NOTHING` if the call failed. `*body` gets the frames of what it came to, or of what was said of the
/// failure, as one message; it is NULL or a batch, as for `zpat_socket_recv`. The text of a failure is the last error's.
///
/// `ZPAT_E_TIMEOUT` if `timeout_ms` passed first; the job goes on, also after `ZPAT_E_CANCELLED` and
/// `ZPAT_E_INTERRUPTED`.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments, reason = "a job, what it comes to, and how to wait between them")]
pub unsafe extern "C" fn zpat_producer_run(
    producer: *const zpat_producer_t,
    queue: *const c_char,
    frames: *const zpat_slice_t,
    count: usize,
    options: *const zpat_job_options_t,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    body: *mut *mut zpat_batch_t,
    outcome: *mut zpat_job_outcome_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (report, producer) = unsafe { (Report::optional(Some(Slot::empty(body)?), outcome)?, handle(producer)?) };
        // SAFETY: C's promise.
        let ((queue, pushed, options), wait) =
            unsafe { (job_of(queue, frames, count, options)?, deadline(timeout_ms, cancel)?) };
        report.fill(told(producer.run(queue, pushed, &options, &wait)?))
    })
}

/// Pushes a job, as `zpat_producer_push`, and goes on. `*watch` becomes a handle that brings what comes of it, and that
/// the caller frees with `zpat_watch_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_submit(
    producer: *const zpat_producer_t,
    queue: *const c_char,
    frames: *const zpat_slice_t,
    count: usize,
    options: *const zpat_job_options_t,
    watch: *mut *mut zpat_watch_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (out, producer) = unsafe { (required_mut(watch, "watch")?, handle(producer)?) };
        // SAFETY: C's promise.
        let (queue, body, options) = unsafe { job_of(queue, frames, count, options) }?;
        hand_over(zpat_watch_t(producer.submit(queue, body, &options)?), out);
        Ok(0)
    })
}

/// Begins a job that is pushed part by part; these frames are the first, and there may be none. `*draft` becomes a
/// handle that the caller executes or frees. A queue drops a draft of which it has heard nothing for 60 s.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_draft(
    producer: *const zpat_producer_t,
    queue: *const c_char,
    frames: *const zpat_slice_t,
    count: usize,
    options: *const zpat_job_options_t,
    draft: *mut *mut zpat_draft_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (out, producer) = unsafe { (required_mut(draft, "draft")?, handle(producer)?) };
        // SAFETY: C's promise.
        let (queue, body, options) = unsafe { job_of(queue, frames, count, options) }?;
        hand_over(zpat_draft_t(producer.draft(queue, body, &options)?), out);
        Ok(0)
    })
}

/// Watches a job that is there, or whose outcome is kept; if `progress` is 1, not 0, also how far its tree is. `*watch`
/// becomes a handle that the caller frees with `zpat_watch_free`. It brings `ZPAT_E_NOT_FOUND` if the queue does not
/// know the job.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_watch(
    producer: *const zpat_producer_t,
    job: i64,
    progress: c_int,
    watch: *mut *mut zpat_watch_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (out, producer) = unsafe { (required_mut(watch, "watch")?, handle(producer)?) };
        let progress = bool::checked(progress.into(), "progress")?;
        hand_over(zpat_watch_t(producer.watch(job_number(job)?, progress)?), out);
        Ok(0)
    })
}

/// Waits for what a job comes to that is there, or whose outcome is kept. Returns as `zpat_producer_run`;
/// `ZPAT_E_NOT_FOUND` if the queue knows it not, or no more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_result(
    producer: *const zpat_producer_t,
    job: i64,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    body: *mut *mut zpat_batch_t,
    outcome: *mut zpat_job_outcome_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (report, producer) = unsafe { (Report::optional(Some(Slot::empty(body)?), outcome)?, handle(producer)?) };
        // SAFETY: C's promise.
        let wait = unsafe { deadline(timeout_ms, cancel) }?;
        report.fill(told(producer.result(job_number(job)?, &wait)?))
    })
}

/// Ends a job and all that it spawned, and waits until the queue says so. `ZPAT_E_WRONG_STATE` if it has ended,
/// `ZPAT_E_NOT_FOUND` if the queue does not know it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_cancel(
    producer: *const zpat_producer_t,
    job: i64,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (producer, deadline) = unsafe { (handle(producer)?, deadline(timeout_ms, cancel)?) };
        producer.cancel(job_number(job)?, &deadline).map(|()| 0)
    })
}

/// Takes a dead letter, which `zpat_producer_dead` finds, and tries it again as a job of its own. Returns that one's
/// number. `ZPAT_E_NOT_FOUND` if there is no such letter, `ZPAT_E_WRONG_STATE` if another job of its key is there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_requeue(
    producer: *const zpat_producer_t,
    letter: i64,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
) -> i64 {
    entry(|| {
        // SAFETY: C's promise.
        let (producer, deadline) = unsafe { (handle(producer)?, deadline(timeout_ms, cancel)?) };
        Ok(producer.requeue(job_number(letter)?, &deadline)?.cast_signed())
    })
}

/// Closes a producer, frees it and clears the pointer: every wait ends with `ZPAT_E_CLOSED`. What was accepted is done
/// all the same. Watches and drafts still have to be freed. NULL and a cleared pointer are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_close(producer: *mut *mut zpat_producer_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        if let Some(producer) = unsafe { take_back(producer) } {
            producer.0.close();
        }
        Ok(0)
    })
}
