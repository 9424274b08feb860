//! What a job came to.

use std::mem::offset_of;

use zpatterns::{
    Error, ErrorKind,
    zqueue::{Failure, Frames, Outcome},
};

use crate::{
    error::code_of,
    report::{Record, Told, words, worker_error},
};

/// What a job came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_job_outcome_kind_t {
    /// Nothing: the call failed; or, of a child, it failed, and `ZPAT_ON_FAILURE_IGNORE` was said of it.
    ZPAT_JOB_OUTCOME_NOTHING = 0,
    /// It was done; what a worker said is the body.
    ZPAT_JOB_OUTCOME_DONE = 1,
    /// It was not, because of `error`; the body has the worker's own words and data, or one line for people.
    ZPAT_JOB_OUTCOME_FAILED = 2,
}

/// What a job came to, beside its body. Start from `ZPAT_JOB_OUTCOME_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_job_outcome_t {
    /// `sizeof(zpat_job_outcome_t)`.
    pub struct_size: usize,
    /// A `zpat_job_outcome_kind_t`.
    pub kind: i64,
    /// A `zpat_error_t`: `ZPAT_OK` if it was done. Else `ZPAT_E_JOB_FAILED` if a worker said that it cannot be done,
    /// `ZPAT_E_TIMEOUT` if it took longer than its `time_limit` once too often, `ZPAT_E_UNREACHABLE` if too many workers
    /// were lost with it, `ZPAT_E_CANCELLED`, or `ZPAT_E_TOO_LARGE` if its tree outgrew a bound; of a queue that has lost
    /// its memory, `ZPAT_E_NOT_FOUND`.
    pub error: i64,
    /// The worker's own code, 0 to 4294967295; `ZPAT_QUEUE_JOB_DROPPED` if it gave none. 0 if no worker failed.
    pub code: i64,
}

impl zpat_job_outcome_t {
    pub(super) fn of(outcome: &Outcome) -> Self {
        use zpat_job_outcome_kind_t as Kind;
        let (kind, error, code) = match outcome {
            Outcome::Done(_) => (Kind::ZPAT_JOB_OUTCOME_DONE, 0, 0),
            Outcome::Failed(failure) => (Kind::ZPAT_JOB_OUTCOME_FAILED, code_of(failure.kind), failure.code),
        };
        Self { kind: kind as i64, error: error.into(), code: code.into(), ..Self::NOTHING }
    }
}

impl Record for zpat_job_outcome_t {
    const ENDS: &'static [usize] = &[offset_of!(Self, code) + size_of::<i64>()];
    const NOTHING: Self = Self {
        struct_size: size_of::<Self>(),
        kind: zpat_job_outcome_kind_t::ZPAT_JOB_OUTCOME_NOTHING as i64,
        error: 0,
        code: 0,
    };
}

/// What a job came to, for who waited for it.
pub(super) fn told(outcome: Outcome) -> Told<zpat_job_outcome_t> {
    let record = zpat_job_outcome_t::of(&outcome);
    let (body, error) = match outcome {
        Outcome::Done(body) => (body, None),
        Outcome::Failed(failure) => {
            let error = error_of(&failure);
            (failure.body, Some(error))
        }
    };
    Told { record, body: Some(body), error }
}

fn error_of(failure: &Failure) -> Error {
    match failure.kind {
        ErrorKind::JobFailed => worker_error(failure.code, &failure.body),
        kind => Error::new(kind, format!("the job was not done: {}", words(&failure.body))),
    }
}

/// What a job came to: its body, or what was said of a failure.
pub(super) fn body_of(outcome: &Outcome) -> &Frames {
    match outcome {
        Outcome::Done(body) => body,
        Outcome::Failed(failure) => &failure.body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_known_are_those_of_the_structures() {
        assert_eq!(zpat_job_outcome_t::ENDS.last(), Some(&size_of::<zpat_job_outcome_t>()));
    }
}
