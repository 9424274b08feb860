//! What comes of what a producer wants, as Python has it: what a job came to is the list of its frames, or an exception, to be raised
//! or to be handed over.

use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    sync::PyOnceLock,
    types::{PyList, PyType},
};
use zpatterns::{
    ErrorKind,
    zqueue::{Answer, DeadLetter, Failure, Found, Outcome, Ticket, TreeJob, WatchEvent},
};

use super::counters;
use crate::{
    convert::body_to_list,
    error::{OrRaise, exception},
};

macro_rules! class {
    ($py:expr, $name:literal) => {{
        static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        CLASS.import($py, "zpatterns.zqueue", $name)
    }};
}

/// What went wrong with a job.
pub(super) fn failure_of(py: Python<'_>, failure: &Failure) -> PyResult<PyErr> {
    let Failure { kind, code, body } = failure;
    if *kind == ErrorKind::JobFailed {
        static MADE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let made = MADE.import(py, "zpatterns.errors", "job_failed")?;
        return Ok(PyErr::from_value(made.call1((code, body_to_list(py, body)?))?));
    }
    static MADE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let text = body.first().map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default();
    Ok(PyErr::from_value(MADE.import(py, "zpatterns.errors", "job_lost")?.call1((kind.name(), text))?))
}

/// What a job came to, where an exception is a value like another.
pub(super) fn outcome_of<'py>(py: Python<'py>, outcome: &Outcome) -> PyResult<Bound<'py, PyAny>> {
    match outcome {
        Outcome::Done(body) => Ok(body_to_list(py, body)?.into_any()),
        Outcome::Failed(failure) => failure_of(py, failure)?.into_bound_py_any(py),
    }
}

/// What children came to: nothing of those that failed and are ignored.
pub(super) fn results_of<'py>(py: Python<'py>, results: &[Option<Outcome>]) -> PyResult<Bound<'py, PyList>> {
    let result = |result: &Option<Outcome>| match result {
        Some(outcome) => outcome_of(py, outcome),
        None => Ok(py.None().into_bound(py)),
    };
    PyList::new(py, results.iter().map(result).collect::<PyResult<Vec<_>>>()?)
}

/// What comes of something, where an exception is a value like another.
pub(super) fn value_of<'py>(py: Python<'py>, answer: &Answer) -> PyResult<Bound<'py, PyAny>> {
    match answer {
        Answer::Job(WatchEvent::Accepted { job, known }) => class!(py, "Accepted")?.call1((job, known)),
        Answer::Job(WatchEvent::Progress(progress)) => {
            class!(py, "Progress")?.call1((progress.open, progress.done, progress.failed))
        }
        Answer::Job(WatchEvent::Ended(outcome)) => class!(py, "Ended")?.call1((outcome_of(py, outcome)?,)),
        Answer::Found { found, more } => found_of(py, found, *more),
        Answer::Refused(error) => exception(py, error).into_bound_py_any(py),
    }
}

/// The same of several, each with its ticket.
pub(super) fn list_of(py: Python<'_>, answers: Vec<(Ticket, Answer)>) -> PyResult<Bound<'_, PyList>> {
    let pair = |(ticket, answer): (Ticket, Answer)| (ticket.0, value_of(py, &answer)?).into_bound_py_any(py);
    PyList::new(py, answers.into_iter().map(pair).collect::<PyResult<Vec<_>>>()?)
}

/// What comes of something, or the exception that it is.
pub(super) fn value_or_raise<'py>(py: Python<'py>, answer: &Answer) -> PyResult<Bound<'py, PyAny>> {
    match answer {
        Answer::Refused(error) => Err(exception(py, error)),
        answer => value_of(py, answer),
    }
}

/// The number of a job that is accepted.
pub(super) fn job_of(py: Python<'_>, answer: Answer) -> PyResult<u64> {
    match answer {
        Answer::Job(WatchEvent::Accepted { job, .. }) => Ok(job),
        other => Err(other.into_error()).or_raise(py),
    }
}

/// What a job came to, if it was done.
pub(super) fn body_of(py: Python<'_>, answer: Answer) -> PyResult<Bound<'_, PyList>> {
    match answer {
        Answer::Job(WatchEvent::Ended(Outcome::Done(body))) => body_to_list(py, &body),
        Answer::Job(WatchEvent::Ended(Outcome::Failed(failure))) => Err(failure_of(py, &failure)?),
        other => Err(other.into_error()).or_raise(py),
    }
}

fn found_of<'py>(py: Python<'py>, found: &Found, more: bool) -> PyResult<Bound<'py, PyAny>> {
    match found {
        Found::Queues(queues) => counters::of_queues(py, queues)?.into_bound_py_any(py),
        Found::Tree(jobs) => {
            let jobs = jobs.iter().map(|job| tree_job(py, job)).collect::<PyResult<Vec<_>>>()?;
            (jobs, more).into_bound_py_any(py)
        }
        Found::Dead(letters) => {
            let letters = letters.iter().map(|letter| dead_letter(py, letter)).collect::<PyResult<Vec<_>>>()?;
            (letters, more).into_bound_py_any(py)
        }
    }
}

fn tree_job<'py>(py: Python<'py>, job: &TreeJob) -> PyResult<Bound<'py, PyAny>> {
    let TreeJob { job, parent, depth, queue, state, since, children: (open, spawned) } = job;
    let (queue, since) = (String::from_utf8_lossy(queue), *since as f64 / 1000.0);
    class!(py, "TreeJob")?.call1((job, parent, depth, queue, state.name(), since, open, spawned))
}

fn dead_letter<'py>(py: Python<'py>, letter: &DeadLetter) -> PyResult<Bound<'py, PyAny>> {
    let DeadLetter { job, queue, body, options, failure } = letter;
    let (key, failure) = (&*options.key, failure_of(py, failure)?);
    let queue = String::from_utf8_lossy(queue);
    class!(py, "DeadLetter")?.call1((job, queue, body_to_list(py, body)?, key, failure))
}
