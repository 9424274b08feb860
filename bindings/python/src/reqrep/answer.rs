//! What came of a request, as Python has it: a reply is the list of its frames (none, if all was to store it), some of
//! an answer a `Part`, and what went wrong an exception, to be raised or to be handed over.

use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    sync::PyOnceLock,
    types::{PyList, PyType},
};
use zpatterns::reqrep::{Failure, Frames, Outcome, Part, Ticket};

use crate::convert::body_to_list;

/// What came, where an exception is a value like another.
pub(super) fn value_of(py: Python<'_>, part: Part) -> PyResult<Bound<'_, PyAny>> {
    match part {
        Part::Outcome(Outcome::Reply(body)) => Ok(body_to_list(py, &body)?.into_any()),
        Part::Outcome(Outcome::Accepted) => Ok(body_to_list(py, &Frames::new())?.into_any()),
        Part::Partial { run, body } => {
            static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
            CLASS.import(py, "zpatterns.reqrep", "Part")?.call1((run, body_to_list(py, &body)?))
        }
        Part::Outcome(Outcome::Error { code, body }) => {
            static MADE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
            MADE.import(py, "zpatterns.errors", "job_failed")?.call1((code, body_to_list(py, &body)?))
        }
        Part::Outcome(Outcome::Failed(Failure { kind, may_have_run, retry_after, text })) => {
            static MADE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
            let retry_after = (!retry_after.is_zero()).then_some(retry_after.as_secs_f64());
            let failure = (kind.name(), text, may_have_run, retry_after);
            MADE.import(py, "zpatterns.errors", "request_failed")?.call1(failure)
        }
    }
}

/// What came, or the exception that it is.
pub(super) fn value_or_raise(py: Python<'_>, part: Part) -> PyResult<Bound<'_, PyAny>> {
    let is_answer = matches!(part, Part::Partial { .. } | Part::Outcome(Outcome::Reply(_) | Outcome::Accepted));
    let value = value_of(py, part)?;
    if is_answer { Ok(value) } else { Err(PyErr::from_value(value)) }
}

/// What came of some requests, each with its ticket.
pub(super) fn list_of(py: Python<'_>, answers: Vec<(Ticket, Part)>) -> PyResult<Bound<'_, PyList>> {
    let pair = |(ticket, part): (Ticket, Part)| (ticket.0, value_of(py, part)?).into_bound_py_any(py);
    PyList::new(py, answers.into_iter().map(pair).collect::<PyResult<Vec<_>>>()?)
}
