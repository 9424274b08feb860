//! Who keeps the jobs.

use std::{sync::Arc, time::Duration};

use pyo3::{prelude::*, types::PyDict};
use zpatterns::zqueue::{Counters, Queue as Core};

use super::{counters, options};
use crate::{
    cancel::Cancel,
    context::Context,
    convert::texts_of,
    error::OrRaise,
    slot::{Handle, Slot},
    wait::Limit,
};

impl Handle for Core {
    type Last = Counters;

    fn close(&self, _linger: Option<Duration>) -> Counters {
        Self::close(self);
        self.counters().unwrap_or_default()
    }
}

/// Keeps jobs, and gives them to workers. `zpatterns.zqueue.Queue` is its public face.
#[pyclass(frozen, subclass, weakref, module = "zpatterns._native")]
pub(crate) struct Queue {
    slot: Arc<Slot<Core>>,
    endpoints: Vec<String>,
}

#[pymethods]
impl Queue {
    #[new]
    fn new(
        py: Python<'_>,
        endpoints: &Bound<'_, PyAny>,
        context: &Bound<'_, Context>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let (endpoints, options, owner) = (texts_of(endpoints)?, options::queue(options)?, &context.get().0);
        let wanted: Vec<&str> = endpoints.iter().map(String::as_str).collect();
        let open = || {
            let slot = owner.keep(|context| Core::bind(context, &wanted, options))?;
            let endpoints = slot.open()?.handle.endpoints().into_iter().map(str::to_owned).collect();
            Ok(Self { slot, endpoints })
        };
        py.detach(open).or_raise(py)
    }

    /// Where it is reached, with the ports that the system chose.
    #[getter]
    fn endpoints(&self) -> Vec<String> {
        self.endpoints.clone()
    }

    /// Workers connected now.
    fn workers(&self, py: Python<'_>) -> PyResult<usize> {
        self.slot.open().and_then(|open| open.handle.workers()).or_raise(py)
    }

    /// What became of the jobs so far, by name.
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counted = self.slot.look(|open| open.handle.counters(), Clone::clone).unwrap_or_else(Ok).or_raise(py)?;
        counters::of_jobs(py, &counted)
    }

    /// The queues, with what is in them.
    fn queues<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        counters::of_queues(py, &self.slot.open().and_then(|open| open.handle.queues()).or_raise(py)?)
    }

    /// Takes no more jobs, and waits until those that are here have ended.
    #[pyo3(signature = (timeout=None, cancel=None))]
    fn drain(&self, py: Python<'_>, timeout: Option<f64>, cancel: Option<&Bound<'_, Cancel>>) -> PyResult<()> {
        let (open, limit) = (self.slot.open().or_raise(py)?, Limit::new(py, timeout, cancel)?);
        limit.wait(py, |deadline| open.handle.drain(deadline))?.or_raise(py)
    }

    /// Waits until the queue ends.
    #[pyo3(signature = (timeout=None, cancel=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>, cancel: Option<&Bound<'_, Cancel>>) -> PyResult<()> {
        let limit = Limit::new(py, timeout, cancel)?;
        let Ok(open) = self.slot.open() else { return Ok(()) };
        limit.wait(py, |deadline| open.handle.wait(deadline))?.or_raise(py)
    }

    /// Whether the queue is closed, by itself or with its context.
    #[getter]
    fn closed(&self) -> bool {
        self.slot.open().is_err()
    }

    /// Closes the queue where it is. What is not stored is lost.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.slot.close(None));
    }
}
