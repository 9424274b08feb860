//! Who pushes jobs.

use std::{sync::Arc, time::Duration};

use pyo3::{
    prelude::*,
    types::{PyDict, PyList},
};
use zpatterns::{
    Deadline,
    zqueue::{Answer, Ask, Call, Draft as CoreDraft, Frames, Look, Producer as Core},
};

use super::{
    answer, options,
    watch::{Draft, Watch},
};
use crate::{
    cancel::Cancel,
    cell::Cells,
    context::Context,
    convert::body_of,
    error::OrRaise,
    slot::{Handle, Held, Slot},
    wait::Limit,
};

/// A producer, and what it waits for.
pub(super) struct Producing {
    producer: Core,
    pub(super) calls: Cells<Call>,
    pub(super) drafts: Cells<CoreDraft>,
}

impl Handle for Producing {
    type Last = ();

    fn close(&self, _linger: Option<Duration>) {
        self.producer.close();
        self.calls.close();
        self.drafts.close();
    }
}

/// Pushes jobs, cancels them, and hears what they come to. `zpatterns.zqueue.Producer` is its public face.
#[pyclass(frozen, subclass, weakref, module = "zpatterns._native")]
pub(crate) struct Producer(Arc<Slot<Producing>>);

pub(super) fn frames_of(body: Option<&Bound<'_, PyAny>>) -> PyResult<Frames> {
    body.map_or_else(|| Ok(Frames::new()), body_of)
}

impl Producer {
    fn open(&self, py: Python<'_>) -> PyResult<Arc<Held<Producing>>> {
        self.0.open().or_raise(py)
    }

    /// Asks for something, and waits for what comes of it.
    fn ask(
        &self,
        py: Python<'_>,
        ask: Ask,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<Answer> {
        let (open, limit) = (self.open(py)?, Limit::new(py, timeout, cancel)?);
        let call = open.handle.producer.begin(ask).or_raise(py)?;
        limit.wait(py, |deadline| call.last(deadline))?.or_raise(py)
    }
}

#[pymethods]
impl Producer {
    #[new]
    fn new(
        py: Python<'_>,
        endpoint: &str,
        context: &Bound<'_, Context>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let options = options::producer(options)?;
        let producing = |producer| Producing { producer, calls: Cells::default(), drafts: Cells::default() };
        let open = |context: &zpatterns::Context| Core::connect(context, endpoint, options).map(producing);
        context.get().0.keep(open).map(Self).or_raise(py)
    }

    /// Pushes a job, and waits until it is accepted.
    #[pyo3(signature = (queue, body=None, *, timeout=None, cancel=None, **options))]
    fn push(
        &self,
        py: Python<'_>,
        queue: &str,
        body: Option<&Bound<'_, PyAny>>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<u64> {
        let (open, limit, body) = (self.open(py)?, Limit::new(py, timeout, cancel)?, frames_of(body)?);
        let call = open.handle.producer.begin_push(queue, body, &options::job(options)?, false).or_raise(py)?;
        answer::job_of(py, limit.wait(py, |deadline| call.last(deadline))?.or_raise(py)?)
    }

    /// Pushes a job for each of `bodies`, and waits until all are accepted.
    #[pyo3(signature = (queue, bodies, *, timeout=None, cancel=None, **options))]
    fn push_many(
        &self,
        py: Python<'_>,
        queue: &str,
        bodies: &Bound<'_, PyAny>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Vec<u64>> {
        let (open, limit) = (self.open(py)?, Limit::new(py, timeout, cancel)?);
        let bodies = bodies.try_iter()?.map(|body| body_of(&body?)).collect::<PyResult<Vec<_>>>()?;
        let mut pushes = open.handle.producer.pushes(queue, &options::job(options)?).or_raise(py)?;
        let mut bodies = bodies.into_iter().peekable();
        limit.wait(py, |deadline: &Deadline| pushes.advance(&mut bodies, deadline))?.or_raise(py)?.or_raise(py)?;
        Ok(pushes.into_accepted())
    }

    /// Pushes a job and waits for what it comes to.
    #[pyo3(signature = (queue, body=None, *, timeout=None, cancel=None, **options))]
    fn run<'py>(
        &self,
        py: Python<'py>,
        queue: &str,
        body: Option<&Bound<'_, PyAny>>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let (open, limit, body) = (self.open(py)?, Limit::new(py, timeout, cancel)?, frames_of(body)?);
        let call = open.handle.producer.begin_push(queue, body, &options::job(options)?, true).or_raise(py)?;
        answer::body_of(py, limit.wait(py, |deadline| call.last(deadline))?.or_raise(py)?)
    }

    /// Pushes a job whose outcome is of interest, and goes on.
    #[pyo3(signature = (queue, body=None, **options))]
    fn submit(
        &self,
        py: Python<'_>,
        queue: &str,
        body: Option<&Bound<'_, PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Watch> {
        let (open, body, options) = (self.open(py)?, frames_of(body)?, options::job(options)?);
        let begun = open.handle.producer.begin_push(queue, body, &options, true);
        begun.and_then(|call| Watch::new(call, &self.0)).or_raise(py)
    }

    /// Begins a job that is pushed part by part.
    #[pyo3(signature = (queue, body=None, **options))]
    fn draft(
        &self,
        py: Python<'_>,
        queue: &str,
        body: Option<&Bound<'_, PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Draft> {
        let (open, body, options) = (self.open(py)?, frames_of(body)?, options::job(options)?);
        let begun = open.handle.producer.draft(queue, body, &options);
        begun.and_then(|draft| Draft::new(draft, &self.0)).or_raise(py)
    }

    /// Watches a job that is there, or whose outcome is kept.
    #[pyo3(signature = (job, progress=false))]
    fn watch(&self, py: Python<'_>, job: u64, progress: bool) -> PyResult<Watch> {
        let begun = self.open(py)?.handle.producer.begin(Ask::Watch { job, progress });
        begun.and_then(|call| Watch::new(call, &self.0)).or_raise(py)
    }

    /// What a job came to, as soon as it has ended.
    #[pyo3(signature = (job, timeout=None, cancel=None))]
    fn result<'py>(
        &self,
        py: Python<'py>,
        job: u64,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<Bound<'py, PyList>> {
        answer::body_of(py, self.ask(py, Ask::Watch { job, progress: false }, timeout, cancel)?)
    }

    /// Ends a job and all that it spawned.
    #[pyo3(signature = (job, timeout=None, cancel=None))]
    fn cancel(
        &self,
        py: Python<'_>,
        job: u64,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<()> {
        answer::job_of(py, self.ask(py, Ask::Cancel { job }, timeout, cancel)?).map(drop)
    }

    /// Takes a dead letter, and tries it again.
    #[pyo3(signature = (letter, timeout=None, cancel=None))]
    fn requeue(
        &self,
        py: Python<'_>,
        letter: u64,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<u64> {
        answer::job_of(py, self.ask(py, Ask::Requeue { letter }, timeout, cancel)?)
    }

    /// The queues, with what is in them.
    #[pyo3(signature = (timeout=None, cancel=None))]
    fn queues<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        answer::value_or_raise(py, &self.ask(py, Ask::Look(Look::Queues), timeout, cancel)?)
    }

    /// A job, and what is below it and has not ended.
    #[pyo3(signature = (job, most=1000, timeout=None, cancel=None))]
    fn tree<'py>(
        &self,
        py: Python<'py>,
        job: u64,
        most: u32,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        answer::value_or_raise(py, &self.ask(py, Ask::Look(Look::Tree { job, most }), timeout, cancel)?)
    }

    /// Dead letters, from this number on.
    #[pyo3(signature = (first=0, most=1000, timeout=None, cancel=None))]
    fn dead<'py>(
        &self,
        py: Python<'py>,
        first: u64,
        most: u32,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        answer::value_or_raise(py, &self.ask(py, Ask::Look(Look::Dead { from: first, most }), timeout, cancel)?)
    }

    /// Whether the producer is closed, by itself or with its context.
    #[getter]
    fn closed(&self) -> bool {
        self.0.open().is_err()
    }

    /// Closes. Every wait ends with `Closed`; what was accepted is done all the same.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close(None));
    }
}
