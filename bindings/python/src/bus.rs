//! A multicast bus. `zpatterns.bus` is the public face.

mod counters;
mod event;

use std::{sync::Arc, time::Duration};

use pyo3::{
    prelude::*,
    types::{PyBytes, PyDict, PyList},
};
use zpatterns::{Bus as Core, BusCounters, BusFlowControl, BusKey, BusOptions, Deadline, Result};

pub(crate) use self::event::{Broken, Dropped, Gone, Joined, Message, Missed};
use crate::{
    cancel::Cancel,
    context::Context,
    convert::{buffers_of, bytes_of, duration},
    error::OrRaise,
    given::{Given, invalid, options},
    ready,
    slot::{Handle, Held, Slot},
    wait::{Limit, if_possible},
};

/// So many messages are converted before it is tried to send them: more may not fit.
const TURN: usize = 1024;

impl Given for BusFlowControl {
    fn given(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        match value.extract::<&str>().map(str::parse) {
            Ok(Ok(given)) => Ok(given),
            _ => invalid("flow control is none, slowest or tagged", name, value),
        }
    }
}

impl Given for Option<BusKey> {
    fn given(_: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        BusKey::new(bytes_of(value)?.as_bytes()).map(Some).or_raise(value.py())
    }
}

options! {
    /// How a bus is set up.
    bus_options -> BusOptions:
        rate = "rate",
        window = "window",
        max_age = "max_age",
        history = "history",
        max_unsent = "max_unsent",
        hops = "hops",
        looped = "looped",
        flow_control = "flow_control",
        at_least = "at_least",
        tag = "tag",
        parity_group = "parity_group",
        parity = "parity",
        key = "key",
        max_peers = "max_peers",
        max_behind = "max_behind",
        max_message = "max_message",
        max_events = "max_events",
        max_bytes = "max_bytes",
        forget = "forget",
        linger = "linger",;
}

/// A place on a bus, and how long it waits when it closes, unless told otherwise.
pub(crate) struct Place {
    bus: Core,
    linger: Duration,
}

impl Handle for Place {
    type Last = BusCounters;

    fn close(&self, linger: Option<Duration>) -> BusCounters {
        self.bus.close(linger.unwrap_or(self.linger));
        self.bus.counters().unwrap_or_default()
    }
}

/// Takes part in a multicast bus. `zpatterns.Bus` is its public face.
#[pyclass(frozen, subclass, weakref, module = "zpatterns._native")]
pub(crate) struct Bus {
    slot: Arc<Slot<Place>>,
    interface: String,
}

impl Bus {
    fn open(&self, py: Python<'_>) -> PyResult<Arc<Held<Place>>> {
        self.slot.open().or_raise(py)
    }
}

impl Drop for Bus {
    /// Waits for the linger, so without the interpreter.
    fn drop(&mut self) {
        Python::try_attach(|py| py.detach(|| self.slot.close(None)));
    }
}

/// The frames of messages, in a form that needs no interpreter.
fn slices<'a>(messages: &'a [Vec<Bound<'_, PyBytes>>]) -> Vec<Vec<&'a [u8]>> {
    messages.iter().map(|frames| frames.iter().map(|frame| frame.as_bytes()).collect()).collect()
}

#[pymethods]
impl Bus {
    #[new]
    fn new(
        py: Python<'_>,
        endpoint: &str,
        context: &Bound<'_, Context>,
        subscribe: &Bound<'_, PyAny>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let (prefixes, options, owner) = ([buffers_of(subscribe)?], bus_options(options)?, &context.get().0);
        let (prefixes, linger) = (slices(&prefixes).concat(), options.linger);
        let open = || {
            let slot = owner.keep(|context| {
                let bus = Core::open(context, endpoint, options)?;
                prefixes.iter().try_for_each(|prefix| bus.subscribe(prefix))?;
                Ok(Place { bus, linger })
            })?;
            let interface = slot.open()?.handle.bus.interface().to_string();
            Ok(Self { slot, interface })
        };
        py.detach(open).or_raise(py)
    }

    /// The address of this machine where the bus is.
    #[getter]
    fn interface(&self) -> &str {
        &self.interface
    }

    /// From now on messages whose first frame begins with `prefix` are received; with an empty one, all.
    fn subscribe(&self, py: Python<'_>, prefix: &Bound<'_, PyAny>) -> PyResult<()> {
        let prefix = bytes_of(prefix)?;
        self.open(py)?.handle.bus.subscribe(prefix.as_bytes()).or_raise(py)
    }

    /// Undoes a `subscribe`.
    fn unsubscribe(&self, py: Python<'_>, prefix: &Bound<'_, PyAny>) -> PyResult<()> {
        let prefix = bytes_of(prefix)?;
        self.open(py)?.handle.bus.unsubscribe(prefix.as_bytes()).or_raise(py)
    }

    /// Throws datagrams away that arrive.
    fn inject_loss(&self, py: Python<'_>, fraction: f64) -> PyResult<()> {
        self.open(py)?.handle.bus.inject_loss(fraction).or_raise(py)
    }

    /// Sends a message to all who are on the bus now.
    #[pyo3(signature = (frames, timeout=None, cancel=None))]
    fn send(
        &self,
        py: Python<'_>,
        frames: &Bound<'_, PyAny>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<()> {
        let (open, limit, frames) = (self.open(py)?, Limit::new(py, timeout, cancel)?, [buffers_of(frames)?]);
        let message = slices(&frames);
        limit.wait(py, |deadline| open.handle.bus.send_many(&message, deadline))?.map(drop).or_raise(py)
    }

    /// Sends messages, in order, and returns how many were sent.
    #[pyo3(signature = (messages, timeout=None, cancel=None))]
    fn send_many(
        &self,
        py: Python<'_>,
        messages: &Bound<'_, PyAny>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<usize> {
        let (open, limit) = (self.open(py)?, Limit::new(py, timeout, cancel)?);
        let messages = messages.try_iter()?.map(|message| buffers_of(&message?)).collect::<PyResult<Vec<_>>>()?;
        let (messages, mut sent) = (slices(&messages), 0);
        let send_all = |deadline: &Deadline| {
            while sent < messages.len() {
                sent += open.handle.bus.send_many(&messages[sent..], deadline)?;
            }
            Ok(())
        };
        match limit.wait(py, send_all)? {
            Err(error) if sent == 0 => Err(error).or_raise(py),
            _ => Ok(sent),
        }
    }

    /// Receives the next message or event.
    #[pyo3(signature = (timeout=None, cancel=None))]
    fn recv<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (open, limit) = (self.open(py)?, Limit::new(py, timeout, cancel)?);
        let take = |deadline: &Deadline| open.handle.bus.recv_many(1, usize::MAX, deadline);
        event::first_of(py, limit.wait(py, take)?.or_raise(py)?)
    }

    /// Receives what is there, at least one message or event.
    #[pyo3(signature = (max_events=1024, timeout=None, cancel=None, *, max_bytes=1_048_576))]
    fn recv_many<'py>(
        &self,
        py: Python<'py>,
        max_events: usize,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
        max_bytes: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        let (open, limit) = (self.open(py)?, Limit::new(py, timeout, cancel)?);
        let take = |deadline: &Deadline| open.handle.bus.recv_many(max_events, max_bytes, deadline);
        event::list_of(py, limit.wait(py, take)?.or_raise(py)?)
    }

    /// Takes what is there, at most so many messages and events, and bytes.
    #[pyo3(signature = (max_events=1024, max_bytes=1_048_576))]
    fn drain<'py>(&self, py: Python<'py>, max_events: usize, max_bytes: usize) -> PyResult<Bound<'py, PyList>> {
        let taken = self.open(py)?.handle.bus.recv_many(max_events, max_bytes, &Deadline::now());
        event::list_of(py, if_possible(taken).or_raise(py)?.unwrap_or_default())
    }

    /// Sends a message if there is room.
    fn try_send(&self, py: Python<'_>, frames: &Bound<'_, PyAny>) -> PyResult<bool> {
        let (open, frames) = (self.open(py)?, [buffers_of(frames)?]);
        let sent: Result<usize> = open.handle.bus.send_many(&slices(&frames), &Deadline::now());
        if_possible(sent).map(|sent| sent.is_some()).or_raise(py)
    }

    /// Sends what there is room for of some of `messages`, from the first on, and returns how many were sent.
    fn try_send_many(&self, py: Python<'_>, messages: &Bound<'_, PyList>) -> PyResult<usize> {
        let open = self.open(py)?;
        let some = messages.iter().take(TURN).map(|message| buffers_of(&message)).collect::<PyResult<Vec<_>>>()?;
        let sent = open.handle.bus.send_many(&slices(&some), &Deadline::now());
        if_possible(sent).map(Option::unwrap_or_default).or_raise(py)
    }

    /// What it did so far, by name.
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counted = self.slot.look(|open| open.handle.bus.counters(), |last| *last).unwrap_or_else(Ok);
        counters::of_bus(py, &counted.or_raise(py)?)
    }

    /// Who is heard now, and what became of what they sent.
    fn peers<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let peers = self.slot.open().and_then(|open| open.handle.bus.peers()).or_raise(py)?;
        peers.iter().map(|(peer, counted)| counters::of_peer(py, *peer, counted)).collect()
    }

    /// Whether the bus is closed, by itself or with its context.
    #[getter]
    fn closed(&self) -> bool {
        self.slot.open().map_or(true, |open| open.handle.bus.is_closed())
    }

    /// Leaves the bus.
    #[pyo3(signature = (linger=None))]
    fn close(&self, py: Python<'_>, linger: Option<f64>) -> PyResult<()> {
        let linger = linger.map(|seconds| duration(py, "linger", seconds)).transpose()?;
        py.detach(|| self.slot.close(linger));
        Ok(())
    }

    /// The descriptor that is readable after `arm` found nothing and something came. It stays the bus's.
    fn ready_fd(&self, py: Python<'_>) -> PyResult<i32> {
        Ok(ready::number(self.open(py)?.handle.bus.ready_fd()))
    }

    /// Asks for one notice when something can be received (1) or sent (2); returns what is possible already, or 0.
    fn arm(&self, py: Python<'_>, interest: u8) -> PyResult<u8> {
        let interest = ready::interest_of(interest).or_raise(py)?;
        Ok(ready::bits_of(self.open(py)?.handle.bus.arm(interest)))
    }

    /// Calls `notice`, from a thread of its own, instead of making the descriptor readable.
    fn set_hook(&self, py: Python<'_>, notice: Py<PyAny>) -> PyResult<()> {
        let open = self.open(py)?;
        ready::hook(notice).map(|hook| open.handle.bus.set_hook(Some(hook))).or_raise(py)
    }
}
