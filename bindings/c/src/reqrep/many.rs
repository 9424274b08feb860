//! Many at once: requests, what comes of them, jobs and answers, for programs to which a call for each costs too much.
//!
//! What goes in or comes out is an array of records that the caller owns, and one batch for all bodies.

use std::{
    collections::HashSet,
    ffi::{c_char, c_int},
};

use zpatterns::{
    Result,
    reqrep::{Answer, Job, Task},
};

use super::{
    client::{self, zpat_client_t},
    job::zpat_job_t,
    request::{told, zpat_outcome_kind_t, zpat_outcome_t, zpat_request_options_t},
    worker::{self, zpat_worker_t},
};
use crate::{
    arguments::{
        at_most, body_of, check_array, check_room, deadline, hand_over_many, invalid, required, take_back, text,
        zpat_slice_t,
    },
    batch::zpat_batch_t,
    cancel::zpat_cancel_t,
    checked::Checked,
    error::entry,
    report::Reports,
};

/// Posts a request for `service` for each message of `questions`, as `zpat_client_post` does with one; `options`,
/// which have no task but asking, are for all of them. The batch keeps its messages. `ZPAT_E_INVALID_ARGUMENT`, and no
/// request, if one of the arguments makes no sense.
///
/// Returns the ticket of the first request, 1 or more; each of the others has the next number. 0 for an empty batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_client_post_many(
    client: *const zpat_client_t,
    service: *const c_char,
    questions: *const zpat_batch_t,
    options: *const zpat_request_options_t,
) -> i64 {
    entry(|| {
        // SAFETY: C's promise.
        let (client, questions) = unsafe { (client::handle(client)?, required(questions, "questions")?) };
        // SAFETY: C's promise.
        let (service, (task, options)) =
            unsafe { (text(service, "service")?, zpat_request_options_t::convert(options)?) };
        if task != Task::Ask {
            return Err(invalid("many requests can only be asked", "task"));
        }
        let tickets = client.post_many(service, questions.bodies(), &options)?;
        Ok(tickets.first().map_or(0, |first| first.0.cast_signed()))
    })
}

/// Waits for what comes next of any posted request, and takes what is there besides. Returns how many came, 1 to
/// `max_outcomes`, which is the room in the caller's array `outcomes`; `struct_size` of its first element is set, and
/// holds for all. `*bodies`, NULL or a batch as for `zpat_socket_recv`, gets as many messages: message `i` belongs to
/// `outcomes[i]`.
///
/// Their bodies are as of `zpat_client_next`, except that the message of a failure is its text, in one frame: a
/// failure is no error of this call, and the last error stays as it was. `ZPAT_E_TIMEOUT` if nothing came in time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_client_next_many(
    client: *const zpat_client_t,
    max_outcomes: usize,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    bodies: *mut *mut zpat_batch_t,
    outcomes: *mut zpat_outcome_t,
) -> c_int {
    entry(|| {
        check_room(outcomes, max_outcomes, "outcomes")?;
        // SAFETY: C's promise.
        let (reports, client) = unsafe { (Reports::empty(bodies, outcomes)?, client::handle(client)?) };
        // SAFETY: C's promise.
        let parts = client.next_many(at_most(max_outcomes), &unsafe { deadline(timeout_ms, cancel) }?)?;
        reports.fill(parts.into_iter().map(|(ticket, part)| told(ticket, part)))
    })
}

/// Keeps requests back that are made from now on, by any thread, to send them together with `zpat_client_uncork`, which
/// costs less than one by one. They leave earlier if there are many, or if something else is to be sent. Corks are
/// counted, and each is to be taken away soon: deadlines run.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_client_cork(client: *const zpat_client_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        unsafe { client::handle(client) }?.cork();
        Ok(0)
    })
}

/// Undoes one `zpat_client_cork`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_client_uncork(client: *const zpat_client_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { client::handle(client) }?.uncork().map(|()| 0))
}

/// Waits for the next job, and takes those that are there besides. Returns how many came, 1 to `max_jobs`, which is the
/// room in the caller's array `jobs`. As many of its elements become handles that the caller answers or frees, in any
/// order; the others, and all after an error, stay as they were. Otherwise as `zpat_worker_next`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_worker_next_many(
    worker: *const zpat_worker_t,
    max_jobs: usize,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    jobs: *mut *mut zpat_job_t,
) -> c_int {
    entry(|| {
        check_room(jobs, max_jobs, "jobs")?;
        // SAFETY: C's promise.
        let (worker, deadline) = unsafe { (worker::handle(worker)?, deadline(timeout_ms, cancel)?) };
        let taken = worker.next_many(at_most(max_jobs), &deadline)?;
        // SAFETY: C's promise; no more come than were asked for.
        Ok(unsafe { hand_over_many(taken.into_iter().map(zpat_job_t), jobs) })
    })
}

/// How one job ends, for `zpat_worker_answer_many`. It does not grow.
#[repr(C)]
pub struct zpat_answer_t {
    /// The job. The call frees it and clears the pointer.
    pub job: *mut zpat_job_t,
    /// `ZPAT_OUTCOME_REPLY`, as by `zpat_job_reply`, or `ZPAT_OUTCOME_ERROR`, as by `zpat_job_fail`.
    pub kind: i64,
    /// Of an error: a code of the program's own, 0 to 4294967295.
    pub code: i64,
    /// The frames, which are copied; there may be none, and they may be those of a job in the same array.
    pub frames: *const zpat_slice_t,
    /// How many frames.
    pub count: usize,
}

impl zpat_answer_t {
    /// # Safety
    /// `frames` is as [`body_of`] asks.
    unsafe fn convert(&self) -> Result<Answer> {
        const REPLY: i64 = zpat_outcome_kind_t::ZPAT_OUTCOME_REPLY as i64;
        const ERROR: i64 = zpat_outcome_kind_t::ZPAT_OUTCOME_ERROR as i64;
        // SAFETY: as the caller promises.
        let body = unsafe { body_of(self.frames, self.count) }?;
        match self.kind {
            REPLY => Ok(Answer::Reply(body)),
            ERROR => Ok(Answer::Error { code: u32::checked(self.code, "code")?, body }),
            _ => Err(invalid("an answer is a reply or an error", "kind").with("value", self.kind)),
        }
    }
}

/// Answers `count` jobs of this worker at once; frees them and clears their pointers in the caller's array.
///
/// After `ZPAT_E_INVALID_ARGUMENT` all jobs are still there, unless one was another worker's: then all are freed
/// without an answer. `ZPAT_E_CLOSED` if the worker was closed: the jobs were given to others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_worker_answer_many(
    worker: *const zpat_worker_t,
    answers: *mut zpat_answer_t,
    count: usize,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let worker = unsafe { worker::handle(worker) }?;
        if count == 0 {
            return Ok(0);
        }
        check_array(answers, count, "answers")?;
        // SAFETY: C's promise.
        let given = unsafe { std::slice::from_raw_parts_mut(answers, count) };
        let mut seen = HashSet::with_capacity(count);
        if !given.iter().all(|answer| !answer.job.is_null() && seen.insert(answer.job)) {
            return Err(invalid("each answer has a job of its own", "job"));
        }
        // All frames are copied before the first job is taken, because they may be a job's.
        // SAFETY: C's promise.
        let converted: Vec<Answer> = given.iter().map(|answer| unsafe { answer.convert() }).collect::<Result<_>>()?;
        // SAFETY: C's promise, and each is there once.
        let jobs = given.iter_mut().filter_map(|answer| unsafe { take_back(&raw mut answer.job) });
        let jobs: Vec<Job> = jobs.map(|job| job.0).collect();
        worker.answer_many(jobs.into_iter().zip(converted)).map(|()| 0)
    })
}

/// Keeps answers back that are given from now on, by any thread, to send them together with `zpat_worker_uncork`.
/// Otherwise as `zpat_client_cork`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_worker_cork(worker: *const zpat_worker_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        unsafe { worker::handle(worker) }?.cork();
        Ok(0)
    })
}

/// Undoes one `zpat_worker_cork`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_worker_uncork(worker: *const zpat_worker_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { worker::handle(worker) }?.uncork().map(|()| 0))
}
