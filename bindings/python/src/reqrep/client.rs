//! The side that asks.

use std::{sync::Arc, time::Duration};

use pyo3::{
    prelude::*,
    types::{PyDict, PyList},
};
use zpatterns::{
    Deadline, Error, ErrorKind, Result,
    reqrep::{Client as Core, Counters, Frames, RequestOptions, Task, Ticket},
};

use super::{answer, counters, options};
use crate::{
    cancel::Cancel,
    context::Context,
    convert::{body_of, texts_of},
    error::OrRaise,
    ready, send,
    slot::{Handle, Held, Slot},
    take::{take, wait_and_take},
    wait::Limit,
};

impl Handle for Core {
    type Last = Counters;

    fn close(&self, _linger: Option<Duration>) -> Counters {
        Self::close(self);
        self.counters().unwrap_or_default()
    }
}

/// Asks brokers, or workers that bind. `zpatterns.reqrep.Client` is its public face.
#[pyclass(frozen, subclass, weakref, module = "zpatterns._native")]
pub(crate) struct Client(Arc<Slot<Core>>);

impl Client {
    fn open(&self, py: Python<'_>) -> PyResult<Arc<Held<Core>>> {
        self.0.open().or_raise(py)
    }

    fn ask(
        &self,
        py: Python<'_>,
        task: Task,
        service: &str,
        body: Option<&Bound<'_, PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
        how: fn(&Core, Task, &str, Frames, &RequestOptions) -> Result<Ticket>,
    ) -> PyResult<u64> {
        let body = body.map_or_else(|| Ok(Frames::new()), body_of)?;
        let (open, options) = (self.open(py)?, options::request(options)?);
        how(&open.handle, task, service, body, &options).map(|ticket| ticket.0).or_raise(py)
    }
}

/// What is wanted of a durable request, by name.
fn task_of(py: Python<'_>, name: &str) -> PyResult<Task> {
    match name {
        "store" => Ok(Task::Store),
        "fetch" => Ok(Task::Fetch),
        "discard" => Ok(Task::Discard),
        _ => Err(Error::new(ErrorKind::InvalidArgument, "there is no such task").with("task", name)).or_raise(py),
    }
}

#[pymethods]
impl Client {
    #[new]
    fn new(
        py: Python<'_>,
        endpoints: &Bound<'_, PyAny>,
        context: &Bound<'_, Context>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let (endpoints, options) = (texts_of(endpoints)?, options::client(options)?);
        let endpoints: Vec<&str> = endpoints.iter().map(String::as_str).collect();
        context.get().0.keep(|context| Core::connect(context, &endpoints, options)).map(Self).or_raise(py)
    }

    /// Asks, and goes on: `wait` brings the answer.
    #[pyo3(signature = (service, body=None, **options))]
    fn submit(
        &self,
        py: Python<'_>,
        service: &str,
        body: Option<&Bound<'_, PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<u64> {
        self.ask(py, Task::Ask, service, body, options, Core::submit_task)
    }

    /// Asks, and goes on: `next` brings the answer, among those to other requests.
    #[pyo3(signature = (service, body=None, **options))]
    fn post(
        &self,
        py: Python<'_>,
        service: &str,
        body: Option<&Bound<'_, PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<u64> {
        self.ask(py, Task::Ask, service, body, options, Core::post_task)
    }

    /// As `submit`, for what else can be wanted of a request: `store`, `fetch` or `discard` it.
    #[pyo3(signature = (task, service, body=None, **options))]
    fn submit_task(
        &self,
        py: Python<'_>,
        task: &str,
        service: &str,
        body: Option<&Bound<'_, PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<u64> {
        self.ask(py, task_of(py, task)?, service, body, options, Core::submit_task)
    }

    /// As `post`, for the tasks of `submit_task`.
    #[pyo3(signature = (task, service, body=None, **options))]
    fn post_task(
        &self,
        py: Python<'_>,
        task: &str,
        service: &str,
        body: Option<&Bound<'_, PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<u64> {
        self.ask(py, task_of(py, task)?, service, body, options, Core::post_task)
    }

    /// Posts a request for each of `bodies`, and returns the tickets of those that were made.
    #[pyo3(signature = (service, bodies, **options))]
    fn post_many(
        &self,
        py: Python<'_>,
        service: &str,
        bodies: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Vec<u64>> {
        let (open, options) = (self.open(py)?, options::request(options)?);
        let mut tickets = Vec::new();
        open.handle.cork();
        let posted = send::many(bodies, |body| {
            let posted = open.handle.post(service, body_of(body)?, &options);
            Ok(posted.map(|ticket| tickets.push(ticket.0)))
        });
        open.handle.uncork().or_raise(py)?;
        posted.map(|_| tickets)
    }

    /// What comes next of a request that was submitted.
    #[pyo3(signature = (ticket, timeout=None, cancel=None))]
    fn wait<'py>(
        &self,
        py: Python<'py>,
        ticket: u64,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (open, limit) = (self.open(py)?, Limit::new(py, timeout, cancel)?);
        let part = limit.wait(py, |deadline| open.handle.wait(Ticket(ticket), deadline))?.or_raise(py)?;
        answer::value_or_raise(py, part)
    }

    /// What comes next of any request that was posted: its ticket, and what came.
    #[pyo3(signature = (timeout=None, cancel=None))]
    fn next<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<(u64, Bound<'py, PyAny>)> {
        let (open, limit) = (self.open(py)?, Limit::new(py, timeout, cancel)?);
        let (ticket, part) = limit.wait(py, |deadline| open.handle.next(deadline))?.or_raise(py)?;
        Ok((ticket.0, answer::value_of(py, part)?))
    }

    /// As `next`, with what else is there, at most so many.
    #[pyo3(signature = (max_answers=1024, timeout=None, cancel=None))]
    fn next_many<'py>(
        &self,
        py: Python<'py>,
        max_answers: usize,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let (open, limit) = (self.open(py)?, Limit::new(py, timeout, cancel)?);
        answer::list_of(py, wait_and_take(py, &limit, max_answers, |deadline: &Deadline| open.handle.next(deadline))?)
    }

    /// What is there of posted requests, at most so many; if that is nothing, asks for one notice when it changes.
    fn drain<'py>(&self, py: Python<'py>, max_answers: usize) -> PyResult<Bound<'py, PyList>> {
        let open = self.open(py)?;
        loop {
            let answers = take(max_answers, |deadline| open.handle.next(deadline)).or_raise(py)?;
            if !answers.is_empty() || !open.handle.arm() {
                return answer::list_of(py, answers);
            }
        }
    }

    /// Keeps requests back that are posted from now on, to send them together with `uncork`.
    fn cork(&self, py: Python<'_>) -> PyResult<()> {
        self.open(py)?.handle.cork();
        Ok(())
    }

    /// Undoes one `cork`. A client that is closed sends nothing more.
    fn uncork(&self, py: Python<'_>) -> PyResult<()> {
        self.0.open().map_or(Ok(()), |open| open.handle.uncork()).or_raise(py)
    }

    /// Takes a request back, also at the worker.
    fn cancel(&self, py: Python<'_>, ticket: u64) -> PyResult<()> {
        self.open(py)?.handle.cancel(Ticket(ticket)).or_raise(py)
    }

    /// Takes a submitted request back, and drops its outcome.
    fn forget(&self, ticket: u64) {
        // A client that is closed has forgotten.
        let _ = self.0.open().map(|open| open.handle.forget(Ticket(ticket)));
    }

    /// What became of the requests so far, by name.
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counted = self.0.look(|open| open.handle.counters(), Clone::clone).unwrap_or_else(Ok).or_raise(py)?;
        counters::of_requests(py, &counted)
    }

    /// Whether the client is closed, by itself or with its context.
    #[getter]
    fn closed(&self) -> bool {
        self.0.open().is_err()
    }

    /// Closes. Requests that are open have no outcome: every wait ends with `Closed`.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close(None));
    }

    /// The descriptor that is readable after `drain` found nothing and something came. It stays the client's.
    fn ready_fd(&self, py: Python<'_>) -> PyResult<i32> {
        Ok(ready::number(self.open(py)?.handle.ready_fd()))
    }

    /// Calls `notice`, from a thread of its own, instead of making the descriptor readable.
    fn set_hook(&self, py: Python<'_>, notice: Py<PyAny>) -> PyResult<()> {
        let open = self.open(py)?;
        ready::hook(notice).map(|hook| open.handle.set_hook(Some(hook))).or_raise(py)
    }
}
