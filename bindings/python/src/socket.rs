//! The socket class: opening, closing, and the short operations. Sending is in [`send`], receiving in [`recv`], event
//! loops in [`ready`].

use std::{sync::Arc, time::Duration};

use pyo3::{
    prelude::*,
    types::{IntoPyDict, PyBytes, PyDict, PyList},
};
use zpatterns::{Error, ErrorKind, Result, SocketKind, SocketStats};

use crate::{
    cancel::Cancel,
    context::{Context, Owner},
    convert::{bytes_of, duration},
    error::OrRaise,
    monitor::Monitor,
    options::socket_options,
    ready, recv, send,
    slot::{Handle, Held, Slot},
    wait::{Limit, if_possible},
};

impl Handle for zpatterns::Socket {
    type Last = SocketStats;

    fn close(&self, linger: Option<Duration>) -> SocketStats {
        Self::close(self, linger);
        self.stats()
    }
}

/// A ZeroMQ socket that threads may share. `zpatterns.Socket` is its public face.
#[pyclass(frozen, subclass, weakref, module = "zpatterns._native")]
pub(crate) struct Socket {
    kind: SocketKind,
    slot: Arc<Slot<zpatterns::Socket>>,
    context: Arc<Owner>,
}

impl Socket {
    /// The open socket of core.
    pub(crate) fn open(&self, py: Python<'_>) -> PyResult<Arc<Held<zpatterns::Socket>>> {
        self.slot.open().or_raise(py)
    }

    /// The context that it lives in.
    pub(crate) fn context(&self) -> &Arc<Owner> {
        &self.context
    }

    /// A short operation that may still ask the system for a name or a file.
    fn operate<T: Send>(
        &self,
        py: Python<'_>,
        operation: impl FnOnce(&zpatterns::Socket) -> Result<T> + Send,
    ) -> PyResult<T> {
        let open = self.open(py)?;
        py.detach(|| operation(&open.handle)).or_raise(py)
    }
}

#[pymethods]
impl Socket {
    #[new]
    fn new(py: Python<'_>, kind: &str, context: &Bound<'_, Context>, options: &Bound<'_, PyDict>) -> PyResult<Self> {
        let unknown = || Error::new(ErrorKind::InvalidArgument, "no socket type has this name").with("kind", kind);
        let kind = SocketKind::from_name(kind).ok_or_else(unknown).or_raise(py)?;
        let options = socket_options(options)?;
        let context = Arc::clone(&context.get().0);
        let slot = context.keep(|context| context.socket(kind, &options)).or_raise(py)?;
        Ok(Self { kind, slot, context })
    }

    /// The type, in lower case: `push`.
    #[getter]
    fn kind(&self) -> &'static str {
        self.kind.name()
    }

    /// Whether the socket is closed, by itself or with its context.
    #[getter]
    fn closed(&self) -> bool {
        self.slot.open().map_or(true, |open| open.handle.is_closed())
    }

    /// Binds, and returns the endpoint as it became, with the port that the system chose for port 0.
    fn bind(&self, py: Python<'_>, endpoint: &str) -> PyResult<String> {
        self.operate(py, |socket| socket.bind(endpoint))
    }

    /// Connects, and connects again after a failure, in the background.
    fn connect(&self, py: Python<'_>, endpoint: &str) -> PyResult<()> {
        self.operate(py, |socket| socket.connect(endpoint))
    }

    /// Stops listening on an endpoint, given as `bind` returned it. Connections already made stay.
    fn unbind(&self, py: Python<'_>, endpoint: &str) -> PyResult<()> {
        self.operate(py, |socket| socket.unbind(endpoint))
    }

    /// Ends a connection, given as it was to `connect`.
    fn disconnect(&self, py: Python<'_>, endpoint: &str) -> PyResult<()> {
        self.operate(py, |socket| socket.disconnect(endpoint))
    }

    /// SUB: receive messages whose first frame starts with `prefix`.
    fn subscribe(&self, py: Python<'_>, prefix: &Bound<'_, PyAny>) -> PyResult<()> {
        let prefix = bytes_of(prefix)?;
        self.open(py)?.handle.subscribe(prefix.as_bytes()).or_raise(py)
    }

    /// SUB: take back one `subscribe` with the same prefix.
    fn unsubscribe(&self, py: Python<'_>, prefix: &Bound<'_, PyAny>) -> PyResult<()> {
        let prefix = bytes_of(prefix)?;
        self.open(py)?.handle.unsubscribe(prefix.as_bytes()).or_raise(py)
    }

    /// Sends a message of one frame.
    #[pyo3(signature = (data, timeout=None, cancel=None))]
    fn send(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<()> {
        send::one(py, &self.open(py)?.handle, data, &Limit::new(py, timeout, cancel)?)?.or_raise(py)
    }

    /// Sends a message of these frames.
    #[pyo3(signature = (frames, timeout=None, cancel=None))]
    fn send_multipart(
        &self,
        py: Python<'_>,
        frames: &Bound<'_, PyAny>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<()> {
        send::multipart(py, &self.open(py)?.handle, frames, &Limit::new(py, timeout, cancel)?)?.or_raise(py)
    }

    /// Sends messages of one frame each, in order, and returns how many were sent.
    #[pyo3(signature = (messages, timeout=None, cancel=None))]
    fn send_many(
        &self,
        py: Python<'_>,
        messages: &Bound<'_, PyAny>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<usize> {
        let (open, limit) = (self.open(py)?, Limit::new(py, timeout, cancel)?);
        send::many(messages, |message| send::one(py, &open.handle, message, &limit))
    }

    /// Sends messages of several frames, in order, and returns how many were sent.
    #[pyo3(signature = (messages, timeout=None, cancel=None))]
    fn send_many_multipart(
        &self,
        py: Python<'_>,
        messages: &Bound<'_, PyAny>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<usize> {
        let (open, limit) = (self.open(py)?, Limit::new(py, timeout, cancel)?);
        send::many(messages, |message| send::multipart(py, &open.handle, message, &limit))
    }

    /// Receives a message of one frame.
    #[pyo3(signature = (timeout=None, cancel=None))]
    fn recv<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        recv::one(py, &self.open(py)?.handle, &Limit::new(py, timeout, cancel)?)
    }

    /// Receives a message of one frame that is UTF-8.
    #[pyo3(signature = (timeout=None, cancel=None))]
    fn recv_text(&self, py: Python<'_>, timeout: Option<f64>, cancel: Option<&Bound<'_, Cancel>>) -> PyResult<String> {
        recv::text(py, &self.open(py)?.handle, &Limit::new(py, timeout, cancel)?)
    }

    /// Receives a message as the list of its frames.
    #[pyo3(signature = (timeout=None, cancel=None))]
    fn recv_multipart<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<Bound<'py, PyList>> {
        recv::multipart(py, &self.open(py)?.handle, &Limit::new(py, timeout, cancel)?)
    }

    /// Receives what is there, at least one message of one frame.
    #[pyo3(signature = (max_messages=1024, timeout=None, cancel=None, *, max_bytes=1_048_576))]
    fn recv_many<'py>(
        &self,
        py: Python<'py>,
        max_messages: usize,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
        max_bytes: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        recv::many(py, &self.open(py)?.handle, (max_messages, max_bytes), &Limit::new(py, timeout, cancel)?)
    }

    /// Receives what is there, at least one message, each as the list of its frames.
    #[pyo3(signature = (max_messages=1024, timeout=None, cancel=None, *, max_bytes=1_048_576))]
    fn recv_many_multipart<'py>(
        &self,
        py: Python<'py>,
        max_messages: usize,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
        max_bytes: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        recv::many_multipart(py, &self.open(py)?.handle, (max_messages, max_bytes), &Limit::new(py, timeout, cancel)?)
    }

    /// Watches what happens to the connections of this socket.
    fn _monitor(&self, py: Python<'_>) -> PyResult<Monitor> {
        Monitor::open(py, &self.context, &self.open(py)?.handle)
    }

    /// Counters by name.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.slot.look(|held| held.handle.stats(), |last| *last).unwrap_or_else(|last| last).fields().into_py_dict(py)
    }

    /// Closes. What is not yet sent survives for `linger` seconds, or the option of that name.
    #[pyo3(signature = (linger=None))]
    fn close(&self, py: Python<'_>, linger: Option<f64>) -> PyResult<()> {
        let linger = linger.map(|seconds| duration(py, "linger", seconds)).transpose()?;
        py.detach(|| self.slot.close(linger));
        Ok(())
    }

    /// Sends a message of one frame if there is room.
    fn try_send(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<bool> {
        let outcome = send::one(py, &self.open(py)?.handle, data, &Limit::NONE)?;
        if_possible(outcome).map(|sent| sent.is_some()).or_raise(py)
    }

    /// Sends a message of these frames if there is room.
    fn try_send_multipart(&self, py: Python<'_>, frames: &Bound<'_, PyAny>) -> PyResult<bool> {
        let outcome = send::multipart(py, &self.open(py)?.handle, frames, &Limit::NONE)?;
        if_possible(outcome).map(|sent| sent.is_some()).or_raise(py)
    }

    /// Sends what there is room for, from the first message on, and returns how many were sent.
    fn try_send_many(&self, py: Python<'_>, messages: &Bound<'_, PyAny>) -> PyResult<usize> {
        let open = self.open(py)?;
        send::try_many(messages, |message| send::one(py, &open.handle, message, &Limit::NONE))
    }

    /// As `try_send_many`, each message a sequence of frames.
    fn try_send_many_multipart(&self, py: Python<'_>, messages: &Bound<'_, PyAny>) -> PyResult<usize> {
        let open = self.open(py)?;
        send::try_many(messages, |message| send::multipart(py, &open.handle, message, &Limit::NONE))
    }

    /// Takes messages of one frame that are there, at most so many messages and bytes.
    fn drain<'py>(&self, py: Python<'py>, max_messages: usize, max_bytes: usize) -> PyResult<Bound<'py, PyList>> {
        recv::drain(py, &self.open(py)?.handle, (max_messages, max_bytes))
    }

    /// As `drain`, each message as the list of its frames.
    fn drain_multipart<'py>(
        &self,
        py: Python<'py>,
        max_messages: usize,
        max_bytes: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        recv::drain_multipart(py, &self.open(py)?.handle, (max_messages, max_bytes))
    }

    /// The descriptor that is readable after `arm` found nothing and something came. It stays the socket's.
    fn ready_fd(&self, py: Python<'_>) -> PyResult<i32> {
        self.open(py)?.handle.ready_fd().map(ready::number).or_raise(py)
    }

    /// Asks for one notice when something can be received (1) or sent (2); returns what is possible already, or 0.
    fn arm(&self, py: Python<'_>, interest: u8) -> PyResult<u8> {
        ready::arm(&self.open(py)?.handle, interest).or_raise(py)
    }

    /// Calls `notice`, from a thread of its own, instead of making the descriptor readable.
    fn set_hook(&self, py: Python<'_>, notice: Py<PyAny>) -> PyResult<()> {
        let open = self.open(py)?;
        ready::hook(notice).and_then(|hook| open.handle.set_hook(Some(hook))).or_raise(py)
    }
}
