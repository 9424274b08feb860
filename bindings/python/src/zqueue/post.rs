//! A producer for event loops: it posts, and `drain` brings what comes of it, by ticket.

use std::{sync::Arc, time::Duration};

use pyo3::{
    prelude::*,
    types::{PyDict, PyList},
};
use zpatterns::{
    Result,
    zqueue::{Ask, Look, Producer as Core, Ticket},
};

use super::{answer, options, producer::frames_of};
use crate::{
    context::Context,
    convert::body_of,
    error::OrRaise,
    ready, send,
    slot::{Handle, Held, Slot},
    take::take,
};

impl Handle for Core {
    type Last = ();

    fn close(&self, _linger: Option<Duration>) {
        Self::close(self);
    }
}

/// What is behind `zpatterns.aio.Producer`.
#[pyclass(frozen, weakref, module = "zpatterns._native")]
pub(crate) struct AioProducer(Arc<Slot<Core>>);

impl AioProducer {
    fn open(&self, py: Python<'_>) -> PyResult<Arc<Held<Core>>> {
        self.0.open().or_raise(py)
    }

    fn post_ask(&self, py: Python<'_>, ask: Ask) -> PyResult<u64> {
        self.open(py)?.handle.post_ask(ask).map(|ticket| ticket.0).or_raise(py)
    }

    /// A producer that is closed has nothing to do any more.
    fn if_open(&self, py: Python<'_>, what: impl FnOnce(&Core) -> Result<()>) -> PyResult<()> {
        self.0.open().map_or(Ok(()), |open| what(&open.handle)).or_raise(py)
    }
}

#[pymethods]
impl AioProducer {
    #[new]
    fn new(
        py: Python<'_>,
        endpoint: &str,
        context: &Bound<'_, Context>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let options = options::producer(options)?;
        context.get().0.keep(|context| Core::connect(context, endpoint, options)).map(Self).or_raise(py)
    }

    /// Pushes a job, and goes on.
    #[pyo3(signature = (queue, body=None, watch=false, **options))]
    fn post(
        &self,
        py: Python<'_>,
        queue: &str,
        body: Option<&Bound<'_, PyAny>>,
        watch: bool,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<u64> {
        let (open, body, options) = (self.open(py)?, frames_of(body)?, options::job(options)?);
        open.handle.post(queue, body, &options, watch).map(|ticket| ticket.0).or_raise(py)
    }

    /// Pushes a job for each of `bodies`, and returns the tickets of those that were.
    #[pyo3(signature = (queue, bodies, **options))]
    fn post_many(
        &self,
        py: Python<'_>,
        queue: &str,
        bodies: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Vec<u64>> {
        let (open, options) = (self.open(py)?, options::job(options)?);
        let (producer, mut tickets) = (&open.handle, Vec::new());
        producer.cork();
        let posted = send::many(bodies, |body| {
            let posted = producer.post(queue, body_of(body)?, &options, false);
            Ok(posted.map(|ticket| tickets.push(ticket.0)))
        });
        producer.uncork().or_raise(py)?;
        posted.map(|_| tickets)
    }

    /// Begins a job that is pushed part by part.
    #[pyo3(signature = (queue, body=None, **options))]
    fn post_draft(
        &self,
        py: Python<'_>,
        queue: &str,
        body: Option<&Bound<'_, PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<u64> {
        let (open, body, options) = (self.open(py)?, frames_of(body)?, options::job(options)?);
        open.handle.post_draft(queue, body, &options).map(|ticket| ticket.0).or_raise(py)
    }

    /// Adds to such a job.
    fn send_part(&self, py: Python<'_>, draft: u64, body: &Bound<'_, PyAny>) -> PyResult<()> {
        let body = body_of(body)?;
        self.open(py)?.handle.send_part(Ticket(draft), body).or_raise(py)
    }

    /// It is whole: it is pushed.
    fn execute(&self, py: Python<'_>, draft: u64) -> PyResult<()> {
        self.open(py)?.handle.execute(Ticket(draft)).or_raise(py)
    }

    /// Watches a job.
    fn post_watch(&self, py: Python<'_>, job: u64, progress: bool) -> PyResult<u64> {
        self.post_ask(py, Ask::Watch { job, progress })
    }

    /// Ends a job.
    fn post_cancel(&self, py: Python<'_>, job: u64) -> PyResult<u64> {
        self.post_ask(py, Ask::Cancel { job })
    }

    /// Tries a dead letter again.
    fn post_requeue(&self, py: Python<'_>, letter: u64) -> PyResult<u64> {
        self.post_ask(py, Ask::Requeue { letter })
    }

    /// Asks for the queues.
    fn post_queues(&self, py: Python<'_>) -> PyResult<u64> {
        self.post_ask(py, Ask::Look(Look::Queues))
    }

    /// Asks for a tree.
    fn post_tree(&self, py: Python<'_>, job: u64, most: u32) -> PyResult<u64> {
        self.post_ask(py, Ask::Look(Look::Tree { job, most }))
    }

    /// Asks for dead letters.
    fn post_dead(&self, py: Python<'_>, first: u64, most: u32) -> PyResult<u64> {
        self.post_ask(py, Ask::Look(Look::Dead { from: first, most }))
    }

    /// Of what was posted, nothing more is of interest.
    fn forget(&self, py: Python<'_>, ticket: u64) -> PyResult<()> {
        self.if_open(py, |producer| producer.forget(Ticket(ticket)))
    }

    /// What came, at most so much; if that is nothing, asks for one notice when it changes.
    fn drain<'py>(&self, py: Python<'py>, max_answers: usize) -> PyResult<Bound<'py, PyList>> {
        let open = self.open(py)?;
        let producer = &open.handle;
        loop {
            let answers = take(max_answers, |deadline| producer.next(deadline)).or_raise(py)?;
            if !answers.is_empty() || !producer.arm() {
                return answer::list_of(py, answers);
            }
        }
    }

    /// Keeps back what is posted from now on, to send it together with `uncork`.
    fn cork(&self, py: Python<'_>) -> PyResult<()> {
        self.open(py)?.handle.cork();
        Ok(())
    }

    /// Undoes one `cork`.
    fn uncork(&self, py: Python<'_>) -> PyResult<()> {
        self.if_open(py, |producer| producer.uncork())
    }

    /// The descriptor that is readable after `drain` found nothing and something came. It stays the producer's.
    fn ready_fd(&self, py: Python<'_>) -> PyResult<i32> {
        Ok(ready::number(self.open(py)?.handle.ready_fd()))
    }

    /// Calls `notice`, from a thread of its own, instead of making the descriptor readable.
    fn set_hook(&self, py: Python<'_>, notice: Py<PyAny>) -> PyResult<()> {
        let open = self.open(py)?;
        ready::hook(notice).map(|hook| open.handle.set_hook(Some(hook))).or_raise(py)
    }

    /// Whether the producer is closed, by itself or with its context.
    #[getter]
    fn closed(&self) -> bool {
        self.0.open().is_err()
    }

    /// Closes.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close(None));
    }
}
