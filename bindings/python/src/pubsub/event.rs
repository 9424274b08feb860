//! What publishers and subscribers bring, as Python has it: an object of a class per kind.
//!
//! The class of messages is native because a program may get a million of them in a second; the others are written in
//! `zpatterns/pubsub.py`.

use bytes::Bytes;
use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    types::{PyBytes, PyList, PyString},
};
use zpatterns::{
    Error, ErrorKind,
    pubsub::{Ask, Credential, PublisherEvent, SubscriberEvent, Subscription},
};

use crate::error::{OrRaise, exception};

/// A publication that a subscription asked for; those of one stream come in the order in which they were published.
#[pyclass(frozen, get_all, module = "zpatterns.pubsub")]
pub(crate) struct Message {
    subscription: u32,
    stream: Py<PyString>,
    number: u64,
    subject: Py<PyString>,
    frames: Py<PyList>,
}

#[pymethods]
impl Message {
    #[new]
    fn new(subscription: u32, stream: Py<PyString>, number: u64, subject: Py<PyString>, frames: Py<PyList>) -> Self {
        Self { subscription, stream, number, subject, frames }
    }

    #[classattr]
    #[pyo3(name = "__match_args__")]
    fn match_args() -> (&'static str, &'static str, &'static str, &'static str, &'static str) {
        ("subscription", "stream", "number", "subject", "frames")
    }

    fn __eq__(&self, py: Python<'_>, other: &Self) -> PyResult<bool> {
        Ok((self.subscription, self.number) == (other.subscription, other.number)
            && self.stream.bind(py).as_any().eq(&other.stream)?
            && self.subject.bind(py).as_any().eq(&other.subject)?
            && self.frames.bind(py).eq(&other.frames)?)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let Self { subscription, stream, number, subject, frames } = self;
        let (stream, subject, frames) = (stream.bind(py).repr()?, subject.bind(py).repr()?, frames.bind(py).repr()?);
        Ok(format!(
            "Message(subscription={subscription}, stream={stream}, number={number}, subject={subject}, frames={frames})"
        ))
    }
}

/// A name as text. One that is none is shown as far as it is.
fn text<'py>(py: Python<'py>, name: &[u8]) -> Bound<'py, PyString> {
    PyString::new(py, &String::from_utf8_lossy(name))
}

/// The last name that was made: the next is often the same.
#[derive(Default)]
struct Named<'py>(Option<(Bytes, Bound<'py, PyString>)>);

impl<'py> Named<'py> {
    fn make(&mut self, py: Python<'py>, name: Bytes) -> Bound<'py, PyString> {
        match &self.0 {
            Some((known, made)) if *known == name => made.clone(),
            _ => {
                let made = text(py, &name);
                self.0 = Some((name, made.clone()));
                made
            }
        }
    }
}

/// Makes objects of events.
struct Maker<'py> {
    py: Python<'py>,
    stream: Named<'py>,
    subject: Named<'py>,
}

impl<'py> Maker<'py> {
    fn new(py: Python<'py>) -> Self {
        Self { py, stream: Named::default(), subject: Named::default() }
    }

    fn make(&mut self, event: SubscriberEvent) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py;
        match event {
            SubscriberEvent::Message { subscription: Subscription(subscription), stream, number, subject, frames } => {
                let frames = PyList::new(py, frames.iter().map(|frame| PyBytes::new(py, frame)))?.unbind();
                let (stream, subject) =
                    (self.stream.make(py, stream).unbind(), self.subject.make(py, subject).unbind());
                Message { subscription, stream, number, subject, frames }.into_bound_py_any(py)
            }
            SubscriberEvent::Connected => class(py, "Connected")?.call0(),
            SubscriberEvent::Subscribed { subscription: Subscription(subscription) } => {
                class(py, "Subscribed")?.call1((subscription,))
            }
            SubscriberEvent::Missed {
                subscription: Subscription(subscription),
                stream,
                first,
                last,
                count,
                reason,
            } => {
                let stream = self.stream.make(py, stream);
                class(py, "Missed")?.call1((subscription, stream, first, last, count, reason.name()))
            }
            SubscriberEvent::Rejected { subscription: Subscription(subscription), error } => {
                class(py, "Rejected")?.call1((subscription, exception(py, &error)))
            }
            SubscriberEvent::Restarted => class(py, "Restarted")?.call0(),
            other => unknown(py, &other),
        }
    }
}

fn class<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("zpatterns.pubsub")?.getattr(name)
}

/// Core may have more kinds than this binding was written for.
fn unknown<'py>(py: Python<'py>, event: &dyn std::fmt::Debug) -> PyResult<Bound<'py, PyAny>> {
    Err(Error::new(ErrorKind::Unsupported, format!("an event that Python has no class for: {event:?}"))).or_raise(py)
}

/// The first of some events, of which there is one.
pub(super) fn first_of(py: Python<'_>, mut events: Vec<SubscriberEvent>) -> PyResult<Bound<'_, PyAny>> {
    Maker::new(py).make(events.swap_remove(0))
}

/// All of them, as a list.
pub(super) fn list_of(py: Python<'_>, events: Vec<SubscriberEvent>) -> PyResult<Bound<'_, PyList>> {
    let mut maker = Maker::new(py);
    PyList::new(py, events.into_iter().map(|event| maker.make(event)).collect::<PyResult<Vec<_>>>()?)
}

/// What a publisher's program is told.
pub(super) fn of_publisher(py: Python<'_>, event: PublisherEvent) -> PyResult<Bound<'_, PyAny>> {
    let bytes = |bytes: &Bytes| PyBytes::new(py, bytes);
    match event {
        PublisherEvent::Asked { ask: Ask(ask), identity, user, credential } => {
            let credential = match credential {
                Credential::None => py.None().into_bound(py),
                Credential::Password { user, password } => {
                    class(py, "Password")?.call1((bytes(&user), bytes(&password)))?
                }
                Credential::Token(token) => class(py, "Token")?.call1((bytes(&token),))?,
            };
            class(py, "Asked")?.call1((ask, bytes(&identity), bytes(&user), credential))
        }
        PublisherEvent::Joined { identity, user } => class(py, "Joined")?.call1((bytes(&identity), bytes(&user))),
        PublisherEvent::Left { identity, user } => class(py, "Left")?.call1((bytes(&identity), bytes(&user))),
        other => unknown(py, &other),
    }
}

/// Several of those.
pub(super) fn list_of_publisher(py: Python<'_>, events: Vec<PublisherEvent>) -> PyResult<Bound<'_, PyList>> {
    PyList::new(py, events.into_iter().map(|event| of_publisher(py, event)).collect::<PyResult<Vec<_>>>()?)
}
