//! Who wants to hear something.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use pyo3::{
    prelude::*,
    types::{PyDict, PyList},
};
use zpatterns::{
    Deadline,
    pubsub::{Criterion, Subscriber as Core, SubscriberCounters, Subscription},
};

use super::{counters, event, options};
use crate::{
    cancel::Cancel,
    context::Context,
    error::OrRaise,
    given::Given,
    ready,
    slot::{Handle, Held, Slot},
    wait::{Limit, if_there},
};

impl Handle for Core {
    type Last = SubscriberCounters;

    fn close(&self, _linger: Option<Duration>) -> SubscriberCounters {
        Self::close(self);
        self.counters().unwrap_or_default()
    }
}

/// Hears what it asks for. `zpatterns.pubsub.Subscriber` is its public face.
#[pyclass(frozen, subclass, weakref, module = "zpatterns._native")]
pub(crate) struct Subscriber {
    slot: Arc<Slot<Core>>,
    endpoint: Option<String>,
}

impl Subscriber {
    fn open(&self, py: Python<'_>) -> PyResult<Arc<Held<Core>>> {
        self.slot.open().or_raise(py)
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        Python::try_attach(|py| py.detach(|| self.slot.close(None)));
    }
}

#[pymethods]
impl Subscriber {
    #[new]
    fn new(
        py: Python<'_>,
        publisher: &str,
        context: &Bound<'_, Context>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let (options, owner) = (options::subscriber(options)?, &context.get().0);
        let open = || {
            let slot = owner.keep(|context| Core::connect(context, publisher, options))?;
            let endpoint = slot.open()?.handle.endpoint().map(str::to_owned);
            Ok(Self { slot, endpoint })
        };
        py.detach(open).or_raise(py)
    }

    /// The endpoint that it has bound, if it has one.
    #[getter]
    fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// Asks for subjects: by a pattern, or else by a prefix.
    fn subscribe_to(
        &self,
        py: Python<'_>,
        pattern: Option<&str>,
        prefix: Option<&Bound<'_, PyAny>>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<u32> {
        let criterion = match (pattern, prefix) {
            (Some(pattern), None) => Criterion::pattern(pattern.to_owned()),
            (None, Some(prefix)) => Criterion::prefix(Bytes::given("prefix", prefix)?),
            _ => Err(zpatterns::Error::new(zpatterns::ErrorKind::InvalidArgument, "a pattern or a prefix is wanted")),
        };
        let (criterion, options) = (criterion.or_raise(py)?, options::subscription(options)?);
        let Subscription(number) = self.open(py)?.handle.subscribe(criterion, options).or_raise(py)?;
        Ok(number)
    }

    /// Wants that no more.
    fn unsubscribe(&self, py: Python<'_>, subscription: u32) -> PyResult<()> {
        self.open(py)?.handle.unsubscribe(Subscription(subscription)).or_raise(py)
    }

    /// Receives the next publication or event.
    #[pyo3(signature = (timeout=None, cancel=None))]
    fn recv<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (open, limit) = (self.open(py)?, Limit::new(py, timeout, cancel)?);
        let take = |deadline: &Deadline| open.handle.recv_many(1, usize::MAX, deadline);
        event::first_of(py, limit.wait_to_take(py, take)?.or_raise(py)?)
    }

    /// Receives what is there, at least one publication or event.
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
        let take = |deadline: &Deadline| open.handle.recv_many(max_events, max_bytes, deadline);
        event::list_of(py, limit.wait_to_take(py, take)?.or_raise(py)?)
    }

    /// Takes what is there, at most so many publications and events, and bytes.
    #[pyo3(signature = (max_events=1024, max_bytes=1_048_576))]
    fn drain<'py>(&self, py: Python<'py>, max_events: usize, max_bytes: usize) -> PyResult<Bound<'py, PyList>> {
        let taken = self.open(py)?.handle.recv_many(max_events, max_bytes, &Deadline::now());
        event::list_of(py, if_there(taken).or_raise(py)?.unwrap_or_default())
    }

    /// What it got so far, by name.
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counted = self.slot.look(|open| open.handle.counters(), |last| *last).unwrap_or_else(Ok);
        counters::of_subscriber(py, &counted.or_raise(py)?)
    }

    /// How far each subscription is, by stream.
    fn views<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let views = self.open(py)?.handle.views().or_raise(py)?;
        views.iter().map(|view| counters::of_view(py, view)).collect()
    }

    /// Whether the subscriber is closed, by itself or with its context.
    #[getter]
    fn closed(&self) -> bool {
        self.slot.open().map_or(true, |open| open.handle.is_closed())
    }

    /// Says goodbye.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.slot.close(None));
    }

    /// The descriptor that is readable after `arm` found nothing and something came. It stays the subscriber's.
    fn ready_fd(&self, py: Python<'_>) -> PyResult<i32> {
        Ok(ready::number(self.open(py)?.handle.ready_fd()))
    }

    /// Asks for one notice when something can be received; whether that is so already, as `interest`, which is 1.
    fn arm(&self, py: Python<'_>, interest: u8) -> PyResult<u8> {
        let open = self.open(py)?;
        ready::interest_of(interest).or_raise(py)?;
        Ok(if open.handle.arm() { ready::RECV } else { 0 })
    }

    /// Calls `notice`, from a thread of its own, instead of making the descriptor readable.
    fn set_hook(&self, py: Python<'_>, notice: Py<PyAny>) -> PyResult<()> {
        let open = self.open(py)?;
        ready::hook(notice).map(|hook| open.handle.set_hook(Some(hook))).or_raise(py)
    }
}
