//! A request: how it is made, and how it ended.

use std::{borrow::Cow, ffi::c_int, mem::offset_of, time::Duration};

use zpatterns::{
    Error, ErrorKind, Result,
    reqrep::{Failure, Frames as Body, Outcome, Part, RequestOptions, Ticket},
};

use super::{fields::Plain, options::Checked};
use crate::{
    arguments::{bytes, fill_growing, frames_of, growing, init_growing, zpat_slice_t},
    batch::Slot,
    error::{entry, remember},
};

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
    /// 1: stored by the broker before it is accepted; it fails with `ZPAT_E_UNSUPPORTED` where nothing is stored.
    pub durable: i64,
    /// 1: run once for all requests of the same service and `key`, which a broker sees to; without one it fails with
    /// `ZPAT_E_UNSUPPORTED`.
    pub once: i64,
    /// By which it is kept to one worker, or run once; at most 255 bytes, read during the call. NULL is none, the
    /// default.
    pub key: zpat_slice_t,
}

impl zpat_request_options_t {
    const ENDS: &'static [usize] = &[size_of::<usize>(), offset_of!(Self, key), size_of::<Self>()];

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
        }
    }

    /// What C passed, or the defaults for null, as core takes it.
    ///
    /// # Safety
    /// `options` is null or points to a structure that starts with its size, with a readable key.
    pub(super) unsafe fn convert(options: *const Self) -> Result<RequestOptions> {
        // SAFETY: as the caller promises.
        let given = unsafe { growing(options, Self::defaults(), Self::ENDS) }?;
        let patience = if given.patience == -1 { given.deadline } else { given.patience };
        // SAFETY: as the caller promises.
        let key = unsafe { bytes(given.key.data, given.key.len) }?.to_vec().into();
        Ok(RequestOptions {
            deadline: Duration::checked(given.deadline, "deadline")?,
            patience: Duration::checked(patience, "patience")?,
            attempts: u8::checked(given.attempts, "attempts")?,
            retries: u8::checked(given.retries, "retries")?,
            durable: bool::checked(given.durable, "durable")?,
            once: bool::checked(given.once, "once")?,
            key,
        })
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
    /// Which request; 0 from `zpat_client_request`.
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

impl zpat_outcome_t {
    pub(super) const ENDS: &'static [usize] = &[offset_of!(Self, retry_after_ms) + size_of::<i64>()];
    pub(super) const NOTHING: Self = Self {
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

/// Where a call writes what came of a request.
pub(super) struct Report<'a> {
    body: Slot<'a>,
    outcome: *mut zpat_outcome_t,
}

impl<'a> Report<'a> {
    /// Says that nothing came, so that after an error nobody takes an old outcome for a new one.
    ///
    /// # Safety
    /// `body` is as [`Slot::empty`] asks; `outcome` points to a structure that starts with its size.
    pub(super) unsafe fn empty(body: Slot<'a>, outcome: *mut zpat_outcome_t) -> Result<Self> {
        // SAFETY: as the caller promises.
        unsafe { fill_growing(outcome, zpat_outcome_t::NOTHING, zpat_outcome_t::ENDS) }?;
        Ok(Self { body, outcome })
    }

    /// Writes what came, and returns its `zpat_error_t`, which is then the last error of the thread.
    pub(super) fn fill(self, ticket: Ticket, part: Part) -> Result<c_int> {
        use zpat_outcome_kind_t as Kind;
        let mut told = zpat_outcome_t { ticket: ticket.0.cast_signed(), ..zpat_outcome_t::NOTHING };
        let (kind, body, error) = match part {
            Part::Partial { run, body } => {
                told.run = run.into();
                (Kind::ZPAT_OUTCOME_PARTIAL, body, None)
            }
            Part::Outcome(Outcome::Reply(body)) => (Kind::ZPAT_OUTCOME_REPLY, body, None),
            Part::Outcome(Outcome::Error { code, body }) => {
                told.code = code.into();
                let error = worker_error(code, &body);
                (Kind::ZPAT_OUTCOME_ERROR, body, Some(error))
            }
            Part::Outcome(Outcome::Failed(failure)) => {
                told.may_have_run = failure.may_have_run.into();
                told.retry_after_ms = failure.retry_after.plain();
                (Kind::ZPAT_OUTCOME_FAILED, Body::new(), Some(failed(&failure)))
            }
        };
        let code = error.as_ref().map_or(0, remember);
        (told.kind, told.error) = (kind as i64, code.into());
        if kind != Kind::ZPAT_OUTCOME_FAILED {
            self.body.fill_with_body(body);
        }
        // SAFETY: `empty` was promised a structure, which was filled in once already.
        unsafe { fill_growing(self.outcome, told, zpat_outcome_t::ENDS) }?;
        Ok(code)
    }
}

/// How many bytes of a worker's words go into the error's text.
const WORDS: usize = 500;

fn worker_error(code: u32, body: &Body) -> Error {
    let words =
        body.first().map_or(Cow::Borrowed(""), |first| String::from_utf8_lossy(&first[..first.len().min(WORDS)]));
    let error = Error::new(ErrorKind::JobFailed, "the worker says that it cannot be done").with("code", code);
    if words.is_empty() { error } else { error.with("words", words.replace(char::is_control, " ")) }
}

fn failed(failure: &Failure) -> Error {
    let ran = if failure.may_have_run { "may have run" } else { "never ran" };
    Error::new(failure.kind, format!("the request {ran}: {}", failure.text))
}

/// A body with copies of frames that C describes; there may be none.
///
/// # Safety
/// As [`frames_of`].
pub(super) unsafe fn body_of(frames: *const zpat_slice_t, count: usize) -> Result<Body> {
    // SAFETY: as the caller promises.
    Ok(unsafe { frames_of(frames, count) }?.iter().map(|frame| frame.to_vec().into()).collect())
}

/// The number of a request as core has it; what is negative is no request's.
pub(super) fn ticket_of(ticket: i64) -> Ticket {
    Ticket(u64::try_from(ticket).unwrap_or(0))
}
