//! Who does jobs.

use std::{sync::Arc, time::Duration};

use pyo3::{
    prelude::*,
    types::{PyDict, PyList},
};
use zpatterns::{
    Deadline,
    zqueue::{QueueJob as CoreJob, QueueWorker as Core, WorkerCounters},
};

use super::{counters, job::QueueJob, options};
use crate::{
    cancel::Cancel,
    cell::Cells,
    context::Context,
    convert::texts_of,
    error::OrRaise,
    ready,
    slot::{Handle, Held, Slot},
    take::{take, wait_and_take},
    wait::Limit,
};

/// A worker and its jobs.
pub(super) struct Working {
    worker: Core,
    pub(super) jobs: Cells<CoreJob>,
}

impl Handle for Working {
    type Last = WorkerCounters;

    fn close(&self, _linger: Option<Duration>) -> WorkerCounters {
        self.worker.close();
        self.jobs.close();
        self.worker.counters().unwrap_or_default()
    }
}

/// Takes jobs from queues. `zpatterns.zqueue.QueueWorker` is its public face.
#[pyclass(frozen, subclass, weakref, module = "zpatterns._native")]
pub(crate) struct QueueWorker(Arc<Slot<Working>>);

impl QueueWorker {
    fn open(&self, py: Python<'_>) -> PyResult<Arc<Held<Working>>> {
        self.0.open().or_raise(py)
    }

    fn list_of<'py>(&self, py: Python<'py>, jobs: Vec<CoreJob>) -> PyResult<Bound<'py, PyList>> {
        let jobs = jobs.into_iter().map(|job| Bound::new(py, QueueJob::new(py, job, &self.0)?));
        PyList::new(py, jobs.collect::<PyResult<Vec<_>>>()?)
    }
}

#[pymethods]
impl QueueWorker {
    #[new]
    fn new(
        py: Python<'_>,
        endpoints: &Bound<'_, PyAny>,
        queues: &Bound<'_, PyAny>,
        context: &Bound<'_, Context>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let (endpoints, queues, options) = (texts_of(endpoints)?, texts_of(queues)?, options::worker(options)?);
        let endpoints: Vec<&str> = endpoints.iter().map(String::as_str).collect();
        let queues: Vec<&str> = queues.iter().map(String::as_str).collect();
        let working = |worker| Working { worker, jobs: Cells::default() };
        let open = |context: &zpatterns::Context| Core::connect(context, &endpoints, &queues, options).map(working);
        context.get().0.keep(open).map(Self).or_raise(py)
    }

    /// The next job.
    #[pyo3(signature = (timeout=None, cancel=None))]
    fn next(&self, py: Python<'_>, timeout: Option<f64>, cancel: Option<&Bound<'_, Cancel>>) -> PyResult<QueueJob> {
        let (open, limit) = (self.open(py)?, Limit::new(py, timeout, cancel)?);
        let job = limit.wait(py, |deadline| open.handle.worker.next(deadline))?.or_raise(py)?;
        QueueJob::new(py, job, &self.0)
    }

    /// The next job, and what else is there, at most so many.
    #[pyo3(signature = (max_jobs=1024, timeout=None, cancel=None))]
    fn next_many<'py>(
        &self,
        py: Python<'py>,
        max_jobs: usize,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let (open, limit) = (self.open(py)?, Limit::new(py, timeout, cancel)?);
        let next = |deadline: &Deadline| open.handle.worker.next(deadline);
        self.list_of(py, wait_and_take(py, &limit, max_jobs, next)?)
    }

    /// The jobs that are there, at most so many.
    fn drain<'py>(&self, py: Python<'py>, max_jobs: usize) -> PyResult<Bound<'py, PyList>> {
        let open = self.open(py)?;
        self.list_of(py, take(max_jobs, |deadline| open.handle.worker.next(deadline)).or_raise(py)?)
    }

    /// Keeps back what is said of jobs from now on, to send them together with `uncork`.
    fn cork(&self, py: Python<'_>) -> PyResult<()> {
        self.open(py)?.handle.worker.cork();
        Ok(())
    }

    /// Undoes one `cork`. A worker that is closed sends nothing more.
    fn uncork(&self, py: Python<'_>) -> PyResult<()> {
        self.0.open().map_or(Ok(()), |open| open.handle.worker.uncork()).or_raise(py)
    }

    /// Takes no more jobs.
    fn leave(&self, py: Python<'_>) -> PyResult<()> {
        self.open(py)?.handle.worker.leave().or_raise(py)
    }

    /// What it did so far, by name.
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counted = self.0.look(|open| open.handle.worker.counters(), Clone::clone).unwrap_or_else(Ok);
        counters::of_worker(py, &counted.or_raise(py)?)
    }

    /// Whether the worker is closed, by itself or with its context.
    #[getter]
    fn closed(&self) -> bool {
        self.0.open().is_err()
    }

    /// Closes the worker where it is. Jobs that are here are given to others.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close(None));
    }

    /// The descriptor that is readable after `arm` found nothing and a job came. It stays the worker's.
    fn ready_fd(&self, py: Python<'_>) -> PyResult<i32> {
        Ok(ready::number(self.open(py)?.handle.worker.ready_fd()))
    }

    /// Asks for one notice of the next job (1); returns what is there already, or 0.
    fn arm(&self, py: Python<'_>, interest: u8) -> PyResult<u8> {
        Ok(if self.open(py)?.handle.worker.arm() { ready::RECV & interest } else { 0 })
    }

    /// Calls `notice`, from a thread of its own, instead of making the descriptor readable.
    fn set_hook(&self, py: Python<'_>, notice: Py<PyAny>) -> PyResult<()> {
        let open = self.open(py)?;
        ready::hook(notice).map(|hook| open.handle.worker.set_hook(Some(hook))).or_raise(py)
    }
}
