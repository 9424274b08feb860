//! A request: how it is made, and how it ended.

use std::{ffi::c_int, mem::offset_of, time::Duration};

use zpatterns::{
    Error, Result,
    reqrep::{Failure, Outcome, Part, RequestOptions, Task, Ticket},
};

use crate::{
    arguments::{bytes, growing, init_growing, zpat_slice_t},
    checked::Checked,
    error::{code_of, entry},
    plain::Plain,
    report::{Record, Told, worker_error},
};

/// What is wanted of a request. All but asking is for durable requests: it needs a key, and a broker with a store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_task_t {
    /// Do it, and answer.
    ZPAT_TASK_ASK = 0,
    /// Store it, as `zpat_client_store` does; the outcome is `ZPAT_OUTCOME_ACCEPTED`.
    ZPAT_TASK_STORE = 1,
    /// The outcome of the one that is stored under service and key, as `zpat_client_fetch`. It takes no frames.
    ZPAT_TASK_FETCH = 2,
    /// Forget the one that is stored under service and key, as `zpat_client_discard`; the outcome is
    /// `ZPAT_OUTCOME_ACCEPTED`. It takes no frames.
    ZPAT_TASK_DISCARD = 3,
}

/// How a request is made. Start from `ZPAT_REQUEST_OPTIONS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_request_options_t {
    /// `sizeof(zpat_request_options_t)`.
    pub struct_size: usize,
    /// How long an answer is of use, in milliseconds. The outcome is there by then. Default 30000.
    pub deadline: i64,
    /// How long it may wait while nobody offers the service, in milliseconds. -1, the default, is as long as
    /// `deadline`.
    pub patience: i64,
    /// How often it may be given to a worker, if workers are lost: 1 is at most once. 1 to 255, default 3.
    pub attempts: i64,
    /// How often to ask again, after a pause, where a queue was full. 0 to 255, default 3.
    pub retries: i64,
    /// 1: stored by the broker before it is given to a worker, and answered once for its service and `key`, also if the
    /// broker is lost meanwhile. It needs a key, and fails with `ZPAT_E_UNSUPPORTED` where nothing is stored.
    pub durable: i64,
    /// 1: run once for all requests of the same service and `key`, which a broker sees to; without one it fails with
    /// `ZPAT_E_UNSUPPORTED`.
    pub once: i64,
    /// By which it is kept to one worker, run once, or stored; at most 255 bytes, read during the call. NULL is none,
    /// the default.
    pub key: zpat_slice_t,
    /// A `zpat_task_t`; `ZPAT_TASK_ASK` is the default. With another, `zpat_client_submit` and `zpat_client_post` do
    /// from an event loop what `zpat_client_store`, `zpat_client_fetch` and `zpat_client_discard` wait for. `deadline`
    /// and `patience` of a fetch or a discard are for the wait alone: what is stored keeps its own.
    pub task: i64,
}

impl zpat_request_options_t {
    const ENDS: &'static [usize] =
        &[size_of::<usize>(), offset_of!(Self, key), offset_of!(Self, task), size_of::<Self>()];

    fn defaults() -> Self {
        let RequestOptions { deadline, attempts, retries, durable, once, .. } = RequestOptions::default();
        Self {
            struct_size: size_of::<Self>(),
            deadline: deadline.plain(),
            patience: -1,
            attempts: attempts.into(),
            retries: retries.into(),
            durable: durable.into(),
            once: once.into(),
            key: zpat_slice_t::NONE,
            task: zpat_task_t::ZPAT_TASK_ASK as i64,
        }
    }

    /// What C passed, or the defaults for null, as core takes it.
    ///
    /// # Safety
    /// `options` is null or points to a structure that starts with its size, with a readable key.
    pub(super) unsafe fn convert(options: *const Self) -> Result<(Task, RequestOptions)> {
        // SAFETY: as the caller promises.
        let given = unsafe { growing(options, Self::defaults(), Self::ENDS) }?;
        let patience = if given.patience == -1 { given.deadline } else { given.patience };
        // SAFETY: as the caller promises.
        let key = unsafe { bytes(given.key.data, given.key.len) }?.to_vec().into();
        let options = RequestOptions {
            deadline: Duration::checked(given.deadline, "deadline")?,
            patience: Duration::checked(patience, "patience")?,
            attempts: u8::checked(given.attempts, "attempts")?,
            retries: u8::checked(given.retries, "retries")?,
            durable: bool::checked(given.durable, "durable")?,
            once: bool::checked(given.once, "once")?,
            key,
        };
        Ok((Task::checked(given.task, "task")?, options))
    }
}

/// Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_REQUEST_OPTIONS_INIT` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_request_options_init(options: *mut zpat_request_options_t, struct_size: usize) -> c_int {
    let (defaults, ends) = (zpat_request_options_t::defaults(), zpat_request_options_t::ENDS);
    // SAFETY: C's promise.
    entry(|| unsafe { init_growing(options, struct_size, defaults, ends) }.map(|()| 0))
}

/// What came of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_outcome_kind_t {
    /// Nothing: the call failed. The request is as the call says.
    ZPAT_OUTCOME_NONE = 0,
    /// A worker answered; its answer is in the batch.
    ZPAT_OUTCOME_REPLY = 1,
    /// A worker says that it cannot be done: `code` is the worker's own, and so are the frames in the batch.
    ZPAT_OUTCOME_ERROR = 2,
    /// No worker answered, because of `error`; `may_have_run` says whether one may have begun.
    ZPAT_OUTCOME_FAILED = 3,
    /// Some of the answer, in the batch; more follows.
    ZPAT_OUTCOME_PARTIAL = 4,
    /// What was to be stored or discarded is: the broker has it on its disk. The batch is empty.
    ZPAT_OUTCOME_ACCEPTED = 5,
}

/// What came of a request, beside the frames. Start from `ZPAT_OUTCOME_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_outcome_t {
    /// `sizeof(zpat_outcome_t)`.
    pub struct_size: usize,
    /// A `zpat_outcome_kind_t`.
    pub kind: i64,
    /// A `zpat_error_t`: `ZPAT_OK`, `ZPAT_E_JOB_FAILED` for a worker's own error, or why the request failed.
    pub error: i64,
    /// Which request; 0 from a call that makes one and waits.
    pub ticket: i64,
    /// The worker's own error code, 0 to 4294967295; `ZPAT_JOB_DROPPED` if it gave no answer. 0 without an error.
    pub code: i64,
    /// Of a partial answer: tells one worker's from another's. If it changes, a worker was lost and the answer starts
    /// over.
    pub run: i64,
    /// Of a failure: 0 if no worker was ever sent the request, else 1.
    pub may_have_run: i64,
    /// Of a failure: when it may be worth trying again, in milliseconds; 0 is unknown.
    pub retry_after_ms: i64,
}

impl Record for zpat_outcome_t {
    const ENDS: &'static [usize] = &[offset_of!(Self, retry_after_ms) + size_of::<i64>()];
    const NOTHING: Self = Self {
        struct_size: size_of::<Self>(),
        kind: zpat_outcome_kind_t::ZPAT_OUTCOME_NONE as i64,
        error: 0,
        ticket: 0,
        code: 0,
        run: 0,
        may_have_run: 0,
        retry_after_ms: 0,
    };
}

/// What came of a request, as C sees it.
pub(super) fn told(ticket: Ticket, part: Part) -> Told<zpat_outcome_t> {
    use zpat_outcome_kind_t as Kind;
    let mut record = zpat_outcome_t { ticket: ticket.0.cast_signed(), ..zpat_outcome_t::NOTHING };
    let (kind, body, error) = match part {
        Part::Partial { run, body } => {
            record.run = run.into();
            (Kind::ZPAT_OUTCOME_PARTIAL, Some(body), None)
        }
        Part::Outcome(Outcome::Reply(body)) => (Kind::ZPAT_OUTCOME_REPLY, Some(body), None),
        Part::Outcome(Outcome::Accepted) => (Kind::ZPAT_OUTCOME_ACCEPTED, None, None),
        Part::Outcome(Outcome::Error { code, body }) => {
            record.code = code.into();
            let error = worker_error(code, &body);
            (Kind::ZPAT_OUTCOME_ERROR, Some(body), Some(error))
        }
        Part::Outcome(Outcome::Failed(failure)) => {
            record.may_have_run = failure.may_have_run.into();
            record.retry_after_ms = failure.retry_after.plain();
            (Kind::ZPAT_OUTCOME_FAILED, None, Some(failed(&failure)))
        }
    };
    record.kind = kind as i64;
    record.error = error.as_ref().map_or(0, |error| code_of(error.kind()).into());
    Told { record, body, error }
}

fn failed(failure: &Failure) -> Error {
    let ran = if failure.may_have_run { "may have run" } else { "never ran" };
    Error::new(failure.kind, format!("the request {ran}: {}", failure.text))
}
