//! Who publishes, and decides who may hear it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use pyo3::{
    prelude::*,
    types::{PyDict, PyList},
};
use zpatterns::{
    Deadline, Result,
    pubsub::{Ask, Content, Counters, Entitlements, Publisher as Core, given},
};

use super::{counters, event, options};
use crate::{
    cancel::Cancel,
    context::Context,
    convert::{buffers_of, duration, texts_of},
    error::OrRaise,
    given::Given,
    ready,
    slot::{Handle, Held, Slot},
    take::take,
    wait::{Limit, if_possible},
};

/// So many publications are converted before it is tried to publish them: more may not fit.
const TURN: usize = 1024;

/// A publisher, and how long it waits when it closes, unless told otherwise.
pub(crate) struct Place {
    publisher: Core,
    linger: Duration,
}

impl Handle for Place {
    type Last = Counters;

    fn close(&self, linger: Option<Duration>) -> Counters {
        self.publisher.close(linger.unwrap_or(self.linger));
        self.publisher.counters().unwrap_or_default()
    }
}

/// Publishes to its subscribers. `zpatterns.pubsub.Publisher` is its public face.
#[pyclass(frozen, subclass, weakref, module = "zpatterns._native")]
pub(crate) struct Publisher {
    slot: Arc<Slot<Place>>,
    endpoint: String,
    shared_endpoint: Option<String>,
    plain_endpoint: Option<String>,
}

impl Publisher {
    fn open(&self, py: Python<'_>) -> PyResult<Arc<Held<Place>>> {
        self.slot.open().or_raise(py)
    }
}

impl Drop for Publisher {
    /// Waits for the linger, so without the interpreter.
    fn drop(&mut self) {
        Python::try_attach(|py| py.detach(|| self.slot.close(None)));
    }
}

fn content(subject: &str, frames: &Bound<'_, PyAny>) -> PyResult<Content> {
    let all = buffers_of(frames)?;
    let slices: Vec<&[u8]> = all.iter().map(|frame| frame.as_bytes()).collect();
    Content::new(subject.as_bytes(), &slices).or_raise(frames.py())
}

fn contents<'py>(all: impl Iterator<Item = PyResult<Bound<'py, PyAny>>>) -> PyResult<Vec<Content>> {
    let one = |pair: PyResult<Bound<'py, PyAny>>| {
        let (subject, frames): (String, Bound<'py, PyAny>) = pair?.extract()?;
        content(&subject, &frames)
    };
    all.map(one).collect()
}

#[pymethods]
impl Publisher {
    #[new]
    fn new(
        py: Python<'_>,
        endpoint: &str,
        context: &Bound<'_, Context>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let (options, owner) = (options::publisher(options)?, &context.get().0);
        let linger = options.linger;
        let open = || {
            let slot =
                owner.keep(|context| Ok(Place { publisher: Core::bind(context, endpoint, options)?, linger }))?;
            let open = slot.open()?;
            let it = &open.handle.publisher;
            let text = |endpoint: Option<&str>| endpoint.map(str::to_owned);
            let (shared_endpoint, plain_endpoint) = (text(it.shared_endpoint()), text(it.plain_endpoint()));
            Ok(Self { slot, endpoint: it.endpoint().to_owned(), shared_endpoint, plain_endpoint })
        };
        py.detach(open).or_raise(py)
    }

    /// Where subscribers connect, with the port that the system chose.
    #[getter]
    fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Where the shared path is.
    #[getter]
    fn shared_endpoint(&self) -> Option<&str> {
        self.shared_endpoint.as_deref()
    }

    /// Where plain SUB sockets connect.
    #[getter]
    fn plain_endpoint(&self) -> Option<&str> {
        self.plain_endpoint.as_deref()
    }

    /// Publishes.
    #[pyo3(signature = (subject, frames, timeout=None, cancel=None))]
    fn publish(
        &self,
        py: Python<'_>,
        subject: &str,
        frames: &Bound<'_, PyAny>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<()> {
        let (open, limit) = (self.open(py)?, Limit::new(py, timeout, cancel)?);
        let all: Arc<[Content]> = [content(subject, frames)?].into();
        let publish = |deadline: &Deadline| open.handle.publisher.publish_many(Arc::clone(&all), deadline);
        limit.wait(py, publish)?.map(drop).or_raise(py)
    }

    /// Publishes several, in order, and returns how many were taken.
    #[pyo3(signature = (publications, timeout=None, cancel=None))]
    fn publish_many(
        &self,
        py: Python<'_>,
        publications: &Bound<'_, PyAny>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<usize> {
        let (open, limit) = (self.open(py)?, Limit::new(py, timeout, cancel)?);
        let (all, mut taken) = (contents(publications.try_iter()?)?, 0);
        let publish_all = |deadline: &Deadline| {
            while taken < all.len() {
                taken += open.handle.publisher.publish_many(&all[taken..], deadline)?;
            }
            Ok(())
        };
        match limit.wait(py, publish_all)? {
            Err(error) if taken == 0 => Err(error).or_raise(py),
            _ => Ok(taken),
        }
    }

    /// Publishes if there is room.
    fn try_publish(&self, py: Python<'_>, subject: &str, frames: &Bound<'_, PyAny>) -> PyResult<bool> {
        let (open, content) = (self.open(py)?, content(subject, frames)?);
        let taken: Result<usize> = open.handle.publisher.publish_many([content], &Deadline::now());
        if_possible(taken).map(|taken| taken.is_some()).or_raise(py)
    }

    /// Publishes what there is room for of some of these, from the first on, and returns how many were taken.
    fn try_publish_many(&self, py: Python<'_>, publications: &Bound<'_, PyList>) -> PyResult<usize> {
        let open = self.open(py)?;
        let some = contents(publications.iter().take(TURN).map(Ok))?;
        if_possible(open.handle.publisher.publish_many(some, &Deadline::now()))
            .map(Option::unwrap_or_default)
            .or_raise(py)
    }

    /// What happened next.
    #[pyo3(signature = (timeout=None, cancel=None))]
    fn next<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (open, limit) = (self.open(py)?, Limit::new(py, timeout, cancel)?);
        event::of_publisher(py, limit.wait(py, |deadline| open.handle.publisher.next(deadline))?.or_raise(py)?)
    }

    /// What happened and is there, at most so much.
    fn take_events<'py>(&self, py: Python<'py>, max_events: usize) -> PyResult<Bound<'py, PyList>> {
        let open = self.open(py)?;
        let taken = take(max_events, |deadline| open.handle.publisher.next(deadline)).or_raise(py)?;
        event::list_of_publisher(py, taken)
    }

    /// Lets somebody in.
    #[pyo3(signature = (ask, user, allow, deny))]
    fn admit(
        &self,
        py: Python<'_>,
        ask: u64,
        user: &Bound<'_, PyAny>,
        allow: &Bound<'_, PyAny>,
        deny: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let (user, rules) = (Bytes::given("user", user)?, given::rules(&texts_of(allow)?, &texts_of(deny)?));
        self.open(py)?.handle.publisher.admit(Ask(ask), &user, rules.or_raise(py)?).or_raise(py)
    }

    /// Does not let somebody in.
    fn refuse(&self, py: Python<'_>, ask: u64, text: &str) -> PyResult<()> {
        self.open(py)?.handle.publisher.refuse(Ask(ask), text).or_raise(py)
    }

    /// From now on this is who may hear what.
    fn set_entitlements(&self, py: Python<'_>, text: &Bound<'_, PyAny>) -> PyResult<()> {
        let entitlements = Entitlements::read(&Bytes::given("text", text)?).or_raise(py)?;
        self.open(py)?.handle.publisher.set_entitlements(entitlements).or_raise(py)
    }

    /// From now on this user may hear that.
    fn set_rules(
        &self,
        py: Python<'_>,
        user: &Bound<'_, PyAny>,
        allow: &Bound<'_, PyAny>,
        deny: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let (user, rules) = (Bytes::given("user", user)?, given::rules(&texts_of(allow)?, &texts_of(deny)?));
        self.open(py)?.handle.publisher.set_rules(&user, rules.or_raise(py)?).or_raise(py)
    }

    /// Opens an endpoint where plain SUB sockets hear what this user may, and returns where it is.
    fn open_plain(&self, py: Python<'_>, user: &Bound<'_, PyAny>, endpoint: &str) -> PyResult<String> {
        let user = Bytes::given("user", user)?;
        self.open(py)?.handle.publisher.open_plain(&user, endpoint).or_raise(py)
    }

    /// Closes such an endpoint.
    fn close_plain(&self, py: Python<'_>, endpoint: &str) -> PyResult<()> {
        self.open(py)?.handle.publisher.close_plain(endpoint).or_raise(py)
    }

    /// Forgets this subscriber and what is for it.
    fn expel(&self, py: Python<'_>, identity: &Bound<'_, PyAny>, text: &str) -> PyResult<()> {
        let identity = Bytes::given("identity", identity)?;
        self.open(py)?.handle.publisher.expel(&identity, text).or_raise(py)
    }

    /// What it did so far, by name.
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counted = self.slot.look(|open| open.handle.publisher.counters(), |last| *last).unwrap_or_else(Ok);
        counters::of_publisher(py, &counted.or_raise(py)?)
    }

    /// Who is known, and what became of the publications for each.
    fn subscribers<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let known = self.open(py)?.handle.publisher.subscribers().or_raise(py)?;
        known.iter().map(|known| counters::of_known(py, known)).collect()
    }

    /// Whether the publisher is closed, by itself or with its context.
    #[getter]
    fn closed(&self) -> bool {
        self.slot.open().map_or(true, |open| open.handle.publisher.is_closed())
    }

    /// Closes the publisher.
    #[pyo3(signature = (linger=None))]
    fn close(&self, py: Python<'_>, linger: Option<f64>) -> PyResult<()> {
        let linger = linger.map(|seconds| duration(py, "linger", seconds)).transpose()?;
        py.detach(|| self.slot.close(linger));
        Ok(())
    }

    /// The descriptor that is readable after `arm` found nothing and something came. It stays the publisher's.
    fn ready_fd(&self, py: Python<'_>) -> PyResult<i32> {
        Ok(ready::number(self.open(py)?.handle.publisher.ready_fd()))
    }

    /// Asks for one notice when something happened (1) or there is room (2); returns what is so already, or 0.
    fn arm(&self, py: Python<'_>, interest: u8) -> PyResult<u8> {
        let interest = ready::interest_of(interest).or_raise(py)?;
        Ok(ready::bits_of(self.open(py)?.handle.publisher.arm(interest)))
    }

    /// Calls `notice`, from a thread of its own, instead of making the descriptor readable.
    fn set_hook(&self, py: Python<'_>, notice: Py<PyAny>) -> PyResult<()> {
        let open = self.open(py)?;
        ready::hook(notice).map(|hook| open.handle.publisher.set_hook(Some(hook))).or_raise(py)
    }
}
