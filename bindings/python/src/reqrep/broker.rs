//! Who stands between those who ask and those who answer.

use std::{sync::Arc, time::Duration};

use pyo3::{
    prelude::*,
    types::{PyDict, PyList},
};
use zpatterns::reqrep::{Broker as Core, Counters};

use super::{counters, news, options};
use crate::{
    cancel::Cancel,
    context::Context,
    convert::texts_of,
    error::OrRaise,
    ready,
    slot::{Handle, Slot},
    take::take,
    wait::Limit,
};

impl Handle for Core {
    type Last = Counters;

    fn close(&self, _linger: Option<Duration>) -> Counters {
        Self::close(self);
        self.counters().unwrap_or_default()
    }
}

/// Takes requests from clients and gives them to workers. `zpatterns.reqrep.Broker` is its public face.
#[pyclass(frozen, subclass, weakref, module = "zpatterns._native")]
pub(crate) struct Broker {
    slot: Arc<Slot<Core>>,
    endpoints: Vec<String>,
}

#[pymethods]
impl Broker {
    #[new]
    fn new(
        py: Python<'_>,
        endpoints: &Bound<'_, PyAny>,
        context: &Bound<'_, Context>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let (endpoints, options, owner) = (texts_of(endpoints)?, options::broker(options)?, &context.get().0);
        let wanted: Vec<&str> = endpoints.iter().map(String::as_str).collect();
        let open = || {
            let slot = owner.keep(|context| Core::bind(context, &wanted, options))?;
            let endpoints = slot.open()?.handle.endpoints().into_iter().map(str::to_owned).collect();
            Ok(Self { slot, endpoints })
        };
        py.detach(open).or_raise(py)
    }

    /// Where it is reached, with the ports that the system chose; then the plain endpoints.
    #[getter]
    fn endpoints(&self) -> Vec<String> {
        self.endpoints.clone()
    }

    /// Workers connected now.
    fn workers(&self, py: Python<'_>) -> PyResult<usize> {
        self.slot.open().and_then(|open| open.handle.workers()).or_raise(py)
    }

    /// What became of the requests so far, by name.
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counted = self.slot.look(|open| open.handle.counters(), Clone::clone).unwrap_or_else(Ok).or_raise(py)?;
        counters::of_requests(py, &counted)
    }

    /// The same for each service that a worker has offered, with its name and how many offer it now.
    fn services<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let services = self.slot.open().and_then(|open| open.handle.services()).or_raise(py)?;
        services.iter().map(|service| counters::of_service(py, service)).collect()
    }

    /// What each client asked and each worker was given, of those that are connected now.
    fn peers<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let peers = self.slot.open().and_then(|open| open.handle.peers()).or_raise(py)?;
        peers.iter().map(|peer| counters::of_peer(py, peer)).collect()
    }

    /// What happened next.
    #[pyo3(signature = (timeout=None, cancel=None))]
    fn next<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (open, limit) = (self.slot.open().or_raise(py)?, Limit::new(py, timeout, cancel)?);
        news::value_of(py, limit.wait(py, |deadline| open.handle.next(deadline))?.or_raise(py)?)
    }

    /// What happened and is there, at most so much.
    fn take_news<'py>(&self, py: Python<'py>, max_news: usize) -> PyResult<Bound<'py, PyList>> {
        let open = self.slot.open().or_raise(py)?;
        news::list_of(py, take(max_news, |deadline| open.handle.next(deadline)).or_raise(py)?)
    }

    /// Takes no more requests, and waits until those that are here are answered.
    #[pyo3(signature = (timeout=None, cancel=None))]
    fn drain(&self, py: Python<'_>, timeout: Option<f64>, cancel: Option<&Bound<'_, Cancel>>) -> PyResult<()> {
        let (open, limit) = (self.slot.open().or_raise(py)?, Limit::new(py, timeout, cancel)?);
        limit.wait(py, |deadline| open.handle.drain(deadline))?.or_raise(py)
    }

    /// Waits until the broker ends.
    #[pyo3(signature = (timeout=None, cancel=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>, cancel: Option<&Bound<'_, Cancel>>) -> PyResult<()> {
        let limit = Limit::new(py, timeout, cancel)?;
        let Ok(open) = self.slot.open() else { return Ok(()) };
        limit.wait(py, |deadline| open.handle.wait(deadline))?.or_raise(py)
    }

    /// Whether the broker is closed, by itself or with its context.
    #[getter]
    fn closed(&self) -> bool {
        self.slot.open().is_err()
    }

    /// Closes the broker where it is.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.slot.close(None));
    }

    /// The descriptor that is readable after `arm` found nothing and something happened. It stays the broker's.
    fn ready_fd(&self, py: Python<'_>) -> PyResult<i32> {
        Ok(ready::number(self.slot.open().or_raise(py)?.handle.ready_fd()))
    }

    /// Asks for one notice of what happens next (1); returns what is there already, or 0.
    fn arm(&self, py: Python<'_>, interest: u8) -> PyResult<u8> {
        Ok(if self.slot.open().or_raise(py)?.handle.arm() { ready::RECV & interest } else { 0 })
    }

    /// Calls `notice`, from a thread of its own, instead of making the descriptor readable.
    fn set_hook(&self, py: Python<'_>, notice: Py<PyAny>) -> PyResult<()> {
        let open = self.slot.open().or_raise(py)?;
        ready::hook(notice).map(|hook| open.handle.set_hook(Some(hook))).or_raise(py)
    }
}
