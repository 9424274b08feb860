//! What happens to a socket's connections.

use std::{sync::Arc, time::Duration};

use pyo3::prelude::*;
use zpatterns::{Monitor as Events, Result, Socket};

use crate::{
    cancel::Cancel,
    context::Owner,
    error::OrRaise,
    ready,
    slot::{Handle, Slot},
    wait::{Limit, if_possible},
};

/// Kind, endpoint and value of an event.
type Event = (&'static str, String, u32);

/// The events of one socket. `zpatterns.Monitor` is its public face.
#[pyclass(frozen, subclass, weakref, module = "zpatterns._native")]
pub(crate) struct Monitor(Arc<Slot<Events>>);

impl Handle for Events {
    /// How many events were lost.
    type Last = u64;

    fn close(&self, _linger: Option<Duration>) -> u64 {
        Self::close(self);
        self.lost()
    }
}

impl Monitor {
    pub(crate) fn open(py: Python<'_>, context: &Arc<Owner>, socket: &Socket) -> PyResult<Self> {
        context.keep(|_| socket.monitor()).map(Self).or_raise(py)
    }
}

fn next(monitor: &Events, deadline: &zpatterns::Deadline) -> Result<Event> {
    monitor.next(deadline).map(|event| (event.kind.name(), event.endpoint, event.value))
}

#[pymethods]
impl Monitor {
    /// The next event: kind, endpoint, value.
    #[pyo3(signature = (timeout=None, cancel=None))]
    fn next(&self, py: Python<'_>, timeout: Option<f64>, cancel: Option<&Bound<'_, Cancel>>) -> PyResult<Event> {
        let open = self.0.open().or_raise(py)?;
        Limit::new(py, timeout, cancel)?.wait(py, |deadline| next(&open.handle, deadline))?.or_raise(py)
    }

    /// The next event, if one is there.
    fn try_next(&self, py: Python<'_>) -> PyResult<Option<Event>> {
        let open = self.0.open().or_raise(py)?;
        if_possible(next(&open.handle, &zpatterns::Deadline::now())).or_raise(py)
    }

    /// How many events were dropped because the program left too many lying.
    #[getter]
    fn lost(&self) -> u64 {
        self.0.look(|held| held.handle.lost(), |lost| *lost).unwrap_or_else(|lost| lost)
    }

    /// Whether the monitor is closed.
    #[getter]
    fn closed(&self) -> bool {
        self.0.open().is_err()
    }

    /// Stops listening to events. The monitored socket goes on.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close(None));
    }

    /// The descriptor that is readable after `arm` found nothing and an event came. It stays the monitor's.
    fn ready_fd(&self, py: Python<'_>) -> PyResult<i32> {
        self.0.open().and_then(|open| open.handle.ready_fd().map(ready::number)).or_raise(py)
    }

    /// Asks for one notice of the next event (1); returns what is there already, or 0.
    fn arm(&self, py: Python<'_>, interest: u8) -> PyResult<u8> {
        let found = self.0.open().and_then(|open| open.handle.arm()).or_raise(py)?;
        Ok(if found { ready::RECV & interest } else { 0 })
    }

    /// Calls `notice`, from a thread of its own, instead of making the descriptor readable.
    fn set_hook(&self, py: Python<'_>, notice: Py<PyAny>) -> PyResult<()> {
        self.0.open().and_then(|open| open.handle.set_hook(Some(ready::hook(notice)?))).or_raise(py)
    }
}
