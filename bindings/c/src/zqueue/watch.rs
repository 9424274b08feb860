//! What comes of a job, and jobs that are pushed part by part.

use std::{ffi::c_int, mem::offset_of};

use zpatterns::{
    Error,
    zqueue::{Answer, Draft, Progress, Ticket, Watch, WatchEvent},
};

use super::outcome::{self, zpat_job_outcome_t};
use crate::{
    arguments::{body_of, deadline, hand_over, required, required_mut, take_back, take_required, zpat_slice_t},
    batch::{Slot, zpat_batch_t},
    cancel::zpat_cancel_t,
    error::{code_of, entry},
    report::{Record, Report, Told},
};

/// What comes of a job, or of something else that was posted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_watch_event_kind_t {
    /// Nothing: the call failed.
    ZPAT_WATCH_NOTHING = 0,
    /// A job that was pushed is there: `job`, `known`. The last that is told of one that was posted without a wish to
    /// watch it; and of a cancel or a requeue that was posted, which is done.
    ZPAT_WATCH_ACCEPTED = 1,
    /// How far its tree is: `open`, `done`, `failed`.
    ZPAT_WATCH_PROGRESS = 2,
    /// It has ended, and nothing follows. If `error` is `ZPAT_OK` it was done; else it was not, and `error` and `code`
    /// are as in `zpat_job_outcome_t`. The batch has what it came to, in either case.
    ZPAT_WATCH_ENDED = 3,
    /// What was posted is not done, because of `error`, and nothing follows: `may_be_accepted`, `retry_after_ms`.
    ZPAT_WATCH_REFUSED = 4,
}

/// What comes of a job, or of something else that was posted, beside a body. Start from `ZPAT_WATCH_EVENT_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_watch_event_t {
    /// `sizeof(zpat_watch_event_t)`.
    pub struct_size: usize,
    /// A `zpat_watch_event_kind_t`; members that it does not name are 0.
    pub kind: i64,
    /// What it is about, of `zpat_producer_next`; 0 of a watch.
    pub ticket: i64,
    /// A `zpat_error_t`.
    pub error: i64,
    /// The worker's own code, 0 to 4294967295; `ZPAT_QUEUE_JOB_DROPPED` if it gave none.
    pub code: i64,
    /// The number of the job.
    pub job: i64,
    /// Of a push: 1 if it was there before, another with its key. Else 0.
    pub known: i64,
    /// Jobs of its tree that have not ended.
    pub open: u64,
    /// Jobs of its tree that were done.
    pub done: u64,
    /// Jobs of its tree that failed, or were cancelled.
    pub failed: u64,
    /// 1 if the queue did not answer, and the job may be there all the same. Else 0.
    pub may_be_accepted: i64,
    /// When it may be worth trying again, in milliseconds; 0 is unknown.
    pub retry_after_ms: i64,
}

impl Record for zpat_watch_event_t {
    const ENDS: &'static [usize] = &[offset_of!(Self, retry_after_ms) + size_of::<i64>()];
    const NOTHING: Self = Self {
        struct_size: size_of::<Self>(),
        kind: zpat_watch_event_kind_t::ZPAT_WATCH_NOTHING as i64,
        ticket: 0,
        error: 0,
        code: 0,
        job: 0,
        known: 0,
        open: 0,
        done: 0,
        failed: 0,
        may_be_accepted: 0,
        retry_after_ms: 0,
    };
}

/// What came of something, as C sees it.
pub(super) fn told(Ticket(ticket): Ticket, answer: Answer) -> Told<zpat_watch_event_t> {
    use zpat_watch_event_kind_t as Kind;
    let of = |kind: Kind| zpat_watch_event_t {
        kind: kind as i64,
        ticket: ticket.cast_signed(),
        ..zpat_watch_event_t::NOTHING
    };
    let (record, body, error) = match answer {
        Answer::Job(WatchEvent::Accepted { job, known }) => {
            let accepted = of(Kind::ZPAT_WATCH_ACCEPTED);
            (zpat_watch_event_t { job: job.cast_signed(), known: known.into(), ..accepted }, None, None)
        }
        Answer::Job(WatchEvent::Progress(Progress { open, done, failed })) => {
            (zpat_watch_event_t { open, done, failed, ..of(Kind::ZPAT_WATCH_PROGRESS) }, None, None)
        }
        Answer::Job(WatchEvent::Ended(outcome)) => {
            let Told { record: zpat_job_outcome_t { error: number, code, .. }, body, error } = outcome::told(outcome);
            (zpat_watch_event_t { error: number, code, ..of(Kind::ZPAT_WATCH_ENDED) }, body, error)
        }
        Answer::Refused(error) => {
            let refused = zpat_watch_event_t {
                error: code_of(error.kind()).into(),
                may_be_accepted: fact(&error, "may_be_accepted").is_some().into(),
                retry_after_ms: fact(&error, "retry_after_ms").and_then(|time| time.parse().ok()).unwrap_or(0),
                ..of(Kind::ZPAT_WATCH_REFUSED)
            };
            (refused, None, Some(error))
        }
        Answer::Found { .. } => unreachable!("C posts no question that something is found for"),
    };
    Told { record, body, error }
}

/// One of the facts of an error.
fn fact<'a>(error: &'a Error, name: &str) -> Option<&'a str> {
    error.context().iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

/// A job whose outcome is waited for. One thread waits at a time.
pub struct zpat_watch_t(pub(super) Watch);

/// Waits for what comes next of a job, and returns 1: that it is accepted if it was pushed, how far its tree is if that
/// is watched, and what it came to, after which nothing more comes. `*body` gets the frames of that as one message; it is NULL or a
/// batch, as for `zpat_socket_recv`. `event`, whose `struct_size` the caller has set, gets the rest; if the job failed,
/// its text is the last error's.
///
/// `ZPAT_E_TIMEOUT` if nothing came in time: wait again. Another error if the job was not accepted, such as
/// `ZPAT_E_FULL`, or is not known, `ZPAT_E_NOT_FOUND`; or if the producer is closed, `ZPAT_E_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_watch_next(
    watch: *const zpat_watch_t,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    body: *mut *mut zpat_batch_t,
    event: *mut zpat_watch_event_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (report, watch) = unsafe { (Report::empty(body, event)?, required(watch, "watch")?) };
        // SAFETY: C's promise.
        let next = watch.0.next(&unsafe { deadline(timeout_ms, cancel) }?)?;
        report.fill(told(Ticket(0), Answer::Job(next))).map(|_| 1)
    })
}

/// Waits for what the job comes to, and passes over what comes before. Returns as `zpat_producer_run`, with
/// `ZPAT_E_TIMEOUT` if it has not ended in time: wait again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_watch_outcome(
    watch: *const zpat_watch_t,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    body: *mut *mut zpat_batch_t,
    outcome: *mut zpat_job_outcome_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (report, watch) =
            unsafe { (Report::optional(Some(Slot::empty(body)?), outcome)?, required(watch, "watch")?) };
        // SAFETY: C's promise.
        report.fill(outcome::told(watch.0.outcome(&unsafe { deadline(timeout_ms, cancel) }?)?))
    })
}

/// Frees a watch and clears the pointer; the job goes on. No other thread may be waiting with it: fire its `cancel`
/// first. NULL and a cleared pointer are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_watch_free(watch: *mut *mut zpat_watch_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        drop(unsafe { take_back(watch) });
        Ok(0)
    })
}

/// A job that is pushed part by part. Nobody does it before it is executed.
pub struct zpat_draft_t(pub(super) Draft);

/// Adds copies of these `count` frames to the body of a job.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_draft_send_part(
    draft: *const zpat_draft_t,
    frames: *const zpat_slice_t,
    count: usize,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { required(draft, "draft")?.0.send_part(body_of(frames, count)?) }.map(|()| 0))
}

/// The job is whole: pushes it, frees the draft and clears the pointer. `*watch` becomes a handle that the caller frees
/// with `zpat_watch_free`. After `ZPAT_E_INVALID_ARGUMENT` the draft is still there; after another error it never was.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_draft_execute(draft: *mut *mut zpat_draft_t, watch: *mut *mut zpat_watch_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (out, draft) = unsafe { (required_mut(watch, "watch")?, take_required(draft, "draft")?) };
        hand_over(zpat_watch_t(draft.0.execute()?), out);
        Ok(0)
    })
}

/// Frees a draft and clears the pointer: a job that was not executed never was there. NULL and a cleared pointer are
/// fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_draft_free(draft: *mut *mut zpat_draft_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        drop(unsafe { take_back(draft) });
        Ok(0)
    })
}

#[cfg(test)]
mod tests {
    use zpatterns::ErrorKind;

    use super::*;

    #[test]
    fn the_sizes_known_are_those_of_the_structures() {
        assert_eq!(zpat_watch_event_t::ENDS.last(), Some(&size_of::<zpat_watch_event_t>()));
    }

    #[test]
    fn a_refusal_says_what_its_error_says() {
        let error = Error::new(ErrorKind::Timeout, "late").with("may_be_accepted", true).with("retry_after_ms", 250);
        let record = told(Ticket(7), Answer::Refused(error)).record;
        assert_eq!((record.ticket, record.error), (7, -6));
        assert_eq!((record.may_be_accepted, record.retry_after_ms), (1, 250));
        let record = told(Ticket(7), Answer::Refused(Error::new(ErrorKind::Full, "full"))).record;
        assert_eq!((record.may_be_accepted, record.retry_after_ms), (0, 0));
    }
}
