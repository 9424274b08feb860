//! Passing messages on between two sockets.

use std::{sync::Arc, time::Duration};

use pyo3::{
    prelude::*,
    types::{IntoPyDict, PyDict},
};
use zpatterns::ProxyStats;

use crate::{
    cancel::Cancel,
    error::{OrRaise, exception},
    slot::{Handle, Slot},
    socket::Socket,
    wait::Limit,
};

/// A running proxy. It stops when it is closed, or when one of its sockets closes.
#[pyclass(frozen, subclass, weakref, module = "zpatterns._native")]
pub(crate) struct Proxy(Arc<Slot<zpatterns::Proxy>>);

impl Handle for zpatterns::Proxy {
    type Last = ProxyStats;

    fn close(&self, _linger: Option<Duration>) -> ProxyStats {
        self.stop();
        self.stats()
    }
}

#[pymethods]
impl Proxy {
    /// Passes messages on between `front` and `back`, both ways as far as the socket types send and receive, and sends
    /// each on `capture`, too.
    #[new]
    #[pyo3(signature = (front, back, capture=None))]
    fn new(
        py: Python<'_>,
        front: &Bound<'_, Socket>,
        back: &Bound<'_, Socket>,
        capture: Option<&Bound<'_, Socket>>,
    ) -> PyResult<Self> {
        let (first, second) = (front.get().open(py)?, back.get().open(py)?);
        let capture = capture.map(|capture| capture.get().open(py)).transpose()?;
        let start =
            || zpatterns::Proxy::start(&first.handle, &second.handle, capture.as_ref().map(|capture| &capture.handle));
        front.get().context().keep(|_| start()).map(Self).or_raise(py)
    }

    /// What was passed on, by name.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.0.look(|held| held.handle.stats(), |last| *last).unwrap_or_else(|last| last).fields().into_py_dict(py)
    }

    /// Waits until the proxy ends by itself, which is when a socket of it closes, and returns the error that says why.
    #[pyo3(signature = (timeout=None, cancel=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>, cancel: Option<&Bound<'_, Cancel>>) -> PyResult<Py<PyAny>> {
        let limit = Limit::new(py, timeout, cancel)?;
        let why = limit.wait(py, |deadline| self.0.open()?.handle.wait(deadline))?.or_raise(py)?;
        Ok(exception(py, &why).into_value(py).into_any())
    }

    /// Stops passing messages on. Closing twice is fine.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close(None));
    }
}
