//! Blocking politely.
//!
//! A call tries once while it holds the interpreter, because letting go and taking it back costs more than a message.
//! If there is nothing, it waits without the interpreter, in slices of 100 ms: Python notes a signal but handles it
//! only where it is asked to, and another thread may have got the signal, so between two slices it is asked.

use std::time::{Duration, Instant};

use pyo3::prelude::*;
use zpatterns::{Cancel, Deadline, Error, ErrorKind, Result};

use crate::{cancel, convert::duration};

const SLICE: Duration = Duration::from_millis(100);

/// How long a call waits: what Python passed as `timeout` and `cancel`.
pub(crate) struct Limit {
    end: End,
    cancel: Option<Cancel>,
}

#[derive(Clone, Copy)]
enum End {
    Now,
    At(Instant),
    Never,
}

impl Limit {
    pub(crate) fn new(
        py: Python<'_>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, cancel::Cancel>>,
    ) -> PyResult<Self> {
        let end = match timeout.map(|seconds| duration(py, "timeout", seconds)).transpose()? {
            None => End::Never,
            Some(Duration::ZERO) => End::Now,
            // A time that the clock cannot hold is without end.
            Some(timeout) => Instant::now().checked_add(timeout).map_or(End::Never, End::At),
        };
        Ok(Self { end, cancel: cancel.map(|cancel| cancel.get().0.clone()) })
    }

    /// Try once.
    pub(crate) const NONE: Self = Self { end: End::Now, cancel: None };

    /// Calls `attempt` until it has something, an error comes, or the time is over: that is the outcome. An exception
    /// is one that a signal handler raised.
    pub(crate) fn wait<T: Send>(
        &self,
        py: Python<'_>,
        attempt: impl FnMut(&Deadline) -> Result<T> + Send,
    ) -> PyResult<Result<T>> {
        self.wait_while(py, is_not_yet, attempt)
    }

    /// As [`wait`](Self::wait), where [`ErrorKind::Full`] is what somebody says of this handle, and does not pass.
    pub(crate) fn wait_to_take<T: Send>(
        &self,
        py: Python<'_>,
        attempt: impl FnMut(&Deadline) -> Result<T> + Send,
    ) -> PyResult<Result<T>> {
        self.wait_while(py, is_nothing, attempt)
    }

    fn wait_while<T: Send>(
        &self,
        py: Python<'_>,
        is_not_yet: fn(&Error) -> bool,
        mut attempt: impl FnMut(&Deadline) -> Result<T> + Send,
    ) -> PyResult<Result<T>> {
        match attempt(&Deadline::now()) {
            Err(error) if is_not_yet(&error) && !matches!(self.end, End::Now) => {}
            done => return Ok(done),
        }
        loop {
            let next = Instant::now() + SLICE;
            let last = matches!(self.end, End::At(end) if end <= next);
            let slice = self.slice(next);
            match py.detach(|| attempt(&slice)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_not_yet(&error) && !last => {}
                done => return Ok(done),
            }
            py.check_signals()?;
        }
    }

    /// Until `next`, or the end if that is earlier.
    fn slice(&self, next: Instant) -> Deadline {
        let deadline = Deadline::at(match self.end {
            End::At(end) => end.min(next),
            End::Now | End::Never => next,
        });
        match &self.cancel {
            Some(cancel) => deadline.or(cancel),
            None => deadline,
        }
    }
}

/// Whether waiting may help: nothing there, or no room, before the deadline.
fn is_not_yet(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Full)
}

/// Whether nothing is there.
fn is_nothing(error: &Error) -> bool {
    error.kind() == ErrorKind::Timeout
}

/// The outcome of trying once: `None` if waiting may help.
pub(crate) fn if_possible<T>(outcome: Result<T>) -> Result<Option<T>> {
    unless(outcome, is_not_yet)
}

/// The same of [`Limit::wait_to_take`].
pub(crate) fn if_there<T>(outcome: Result<T>) -> Result<Option<T>> {
    unless(outcome, is_nothing)
}

fn unless<T>(outcome: Result<T>, is_not_yet: fn(&Error) -> bool) -> Result<Option<T>> {
    match outcome {
        Ok(done) => Ok(Some(done)),
        Err(error) if is_not_yet(&error) => Ok(None),
        Err(error) => Err(error),
    }
}
