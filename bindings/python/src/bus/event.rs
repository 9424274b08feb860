//! What a bus brings, as Python has it: an object of a class per kind.
//!
//! The classes are native because a program may get a million of them in a second.

use std::fmt;

use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    sync::PyOnceLock,
    types::{PyBytes, PyList, PyTuple, PyType},
};
use zpatterns::{BusBatch, BusEvent, BusFrames, Error, ErrorKind, PeerId};

use crate::error::OrRaise;

/// A peer, which Python has as a number of a class of its own. It becomes one when somebody looks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, FromPyObject)]
#[pyo3(transparent)]
pub(crate) struct Peer(pub(super) u64);

impl fmt::Display for Peer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        PeerId(self.0).fmt(out)
    }
}

impl<'py> IntoPyObject<'py> for Peer {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        CLASS.import(py, "zpatterns.bus", "Peer")?.call1((self.0,))
    }
}

macro_rules! events {
    ($($(#[doc = $doc:literal])* $name:ident { $($field:ident: $type:ty),* })*) => {$(
        $(#[doc = $doc])*
        #[pyclass(frozen, eq, hash, get_all, module = "zpatterns.bus")]
        #[derive(PartialEq, Eq, Hash)]
        pub(crate) struct $name { $($field: $type),* }

        #[pymethods]
        impl $name {
            #[new]
            fn new($($field: $type),*) -> Self {
                Self { $($field),* }
            }

            #[classattr]
            #[pyo3(name = "__match_args__")]
            fn match_args(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
                PyTuple::new(py, [$(stringify!($field)),*])
            }

            fn __repr__(&self) -> String {
                let fields = [$(format!("{}={}", stringify!($field), self.$field)),*];
                format!("{}({})", stringify!($name), fields.join(", "))
            }
        }
    )*};
}

events! {
    /// Somebody is heard for the first time.
    Joined { peer: Peer }

    /// Somebody has ended, or is heard no more.
    Gone { peer: Peer }

    /// Datagrams that were lost and will not be repeated, with what was in them.
    Missed { peer: Peer, first: u32, last: u32 }

    /// What came makes no sense as messages. It was dropped, up to the next one that does.
    Broken { peer: Peer }

    /// So many messages and events before the next one did not fit, because the program took too little.
    Dropped { count: u64 }
}

/// A message; those of one peer come in the order in which it sent them.
#[pyclass(frozen, get_all, module = "zpatterns.bus")]
pub(crate) struct Message {
    peer: Peer,
    frames: Py<PyList>,
}

#[pymethods]
impl Message {
    #[new]
    fn new(peer: Peer, frames: Py<PyList>) -> Self {
        Self { peer, frames }
    }

    #[classattr]
    #[pyo3(name = "__match_args__")]
    fn match_args() -> (&'static str, &'static str) {
        ("peer", "frames")
    }

    fn __eq__(&self, py: Python<'_>, other: &Self) -> PyResult<bool> {
        Ok(self.peer == other.peer && self.frames.bind(py).eq(&other.frames)?)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Message(peer={}, frames={})", self.peer, self.frames.bind(py).repr()?))
    }
}

fn object_of<'py>(py: Python<'py>, event: BusEvent<BusFrames<'_>>) -> PyResult<Bound<'py, PyAny>> {
    let peer = |PeerId(number)| Peer(number);
    match event {
        BusEvent::Message { peer: from, frames } => {
            let frames = PyList::new(py, frames.iter().map(|frame| PyBytes::new(py, frame)))?.unbind();
            Message { peer: peer(from), frames }.into_bound_py_any(py)
        }
        BusEvent::Joined { peer: who } => Joined { peer: peer(who) }.into_bound_py_any(py),
        BusEvent::Gone { peer: who } => Gone { peer: peer(who) }.into_bound_py_any(py),
        BusEvent::Missed { peer: whose, first, last } => {
            Missed { peer: peer(whose), first, last }.into_bound_py_any(py)
        }
        BusEvent::Broken { peer: from } => Broken { peer: peer(from) }.into_bound_py_any(py),
        BusEvent::Dropped { count } => Dropped { count }.into_bound_py_any(py),
        // Core may have more kinds than this binding was written for.
        other => Err(Error::new(ErrorKind::Unsupported, format!("an event that Python has no class for: {other:?}")))
            .or_raise(py),
    }
}

/// The first of a batch, which has one.
pub(super) fn first_of(py: Python<'_>, events: BusBatch) -> PyResult<Bound<'_, PyAny>> {
    object_of(py, events.get(0).expect("a batch that was received is not empty"))
}

/// All of a batch, as a list.
pub(super) fn list_of(py: Python<'_>, events: BusBatch) -> PyResult<Bound<'_, PyList>> {
    PyList::new(py, events.iter().map(|event| object_of(py, event)).collect::<PyResult<Vec<_>>>()?)
}
