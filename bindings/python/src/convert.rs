//! Values on their way between Python and core.

use std::time::Duration;

use bytes::Bytes;
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    pybacked::PyBackedBytes,
    types::{PyBytes, PyList, PyMemoryView, PySequence, PyString, PyTuple},
};
use zpatterns::{Batch, Error, ErrorKind, Frame, Message, ZERO_COPY_MINIMUM, reqrep::Frames};

use crate::error::OrRaise;

/// The bytes of a message that Python sends: `bytes` as they are, any other buffer (which may change or move) copied.
pub(crate) fn bytes_of<'py>(data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    if let Ok(bytes) = data.cast_exact::<PyBytes>() {
        return Ok(bytes.clone());
    }
    if data.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err("a message is bytes; send text with send_text, or encode it"));
    }
    let view = PyMemoryView::from(data).map_err(|_| {
        let given = data.get_type();
        PyTypeError::new_err(format!("a message is bytes or another buffer, not {given}"))
    })?;
    Ok(view.call_method0("tobytes")?.cast_into::<PyBytes>()?)
}

/// Whether handing the object over costs less than copying its bytes.
pub(crate) fn is_large(data: &Bound<'_, PyBytes>) -> bool {
    data.as_bytes().len() >= ZERO_COPY_MINIMUM
}

/// A message of these frames. Large ones keep their Python object, which libzmq lets go from its own thread: the
/// reference is then dropped the next time somebody is attached to the interpreter.
pub(crate) fn message_of(py: Python<'_>, frames: &[Bound<'_, PyBytes>]) -> PyResult<Message> {
    let mut message = Message::new();
    for data in frames {
        let frame = if is_large(data) {
            Frame::from_bytes(Bytes::from_owner(PyBackedBytes::from(data.clone())))
        } else {
            Frame::copy_from(data.as_bytes())
        };
        message.push(frame.or_raise(py)?);
    }
    Ok(message)
}

/// One buffer is one frame, a list or tuple has several.
pub(crate) fn buffers_of<'py>(data: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    if data.is_instance_of::<PyList>() || data.is_instance_of::<PyTuple>() {
        return data.try_iter()?.map(|data| bytes_of(&data?)).collect();
    }
    Ok(vec![bytes_of(data)?])
}

/// The body of a request or an answer, as [`buffers_of`]. As in [`message_of`], large ones keep their Python object.
pub(crate) fn body_of(data: &Bound<'_, PyAny>) -> PyResult<Frames> {
    let frame = |data: Bound<'_, PyBytes>| match is_large(&data) {
        true => Bytes::from_owner(PyBackedBytes::from(data)),
        false => Bytes::copy_from_slice(data.as_bytes()),
    };
    Ok(buffers_of(data)?.into_iter().map(frame).collect())
}

/// The frames of a body.
pub(crate) fn body_to_list<'py>(py: Python<'py>, body: &Frames) -> PyResult<Bound<'py, PyList>> {
    PyList::new(py, body.iter().map(|frame| PyBytes::new(py, frame)))
}

/// One text, or several: endpoints, or names of queues.
pub(crate) fn texts_of(given: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    match given.cast::<PyString>() {
        Ok(one) => Ok(vec![one.extract()?]),
        // One by one: what a sequence says of its length may be more than there is memory for.
        Err(_) => given.cast::<PySequence>()?.try_iter()?.map(|one| one?.extract()).collect(),
    }
}

/// The frames of a received message.
pub(crate) fn frames_to_list<'py>(py: Python<'py>, message: &Message) -> PyResult<Bound<'py, PyList>> {
    PyList::new(py, message.iter().map(|frame| PyBytes::new(py, frame)))
}

/// Messages of one frame each.
pub(crate) fn singles_to_list<'py>(py: Python<'py>, batch: &Batch) -> PyResult<Bound<'py, PyList>> {
    PyList::new(py, (0..batch.len()).map(|index| PyBytes::new(py, batch.frame(index))))
}

/// Messages as lists of frames.
pub(crate) fn batch_to_list<'py>(py: Python<'py>, batch: &Batch) -> PyResult<Bound<'py, PyList>> {
    let messages = (0..batch.len()).map(|index| {
        let (first, end) = batch.frame_range(index);
        PyList::new(py, (first..end).map(|position| PyBytes::new(py, batch.frame(position))))
    });
    PyList::new(py, messages.collect::<PyResult<Vec<_>>>()?)
}

/// Seconds as Python has them. Infinity is the longest time there is.
pub(crate) fn duration(py: Python<'_>, name: &str, seconds: f64) -> PyResult<Duration> {
    if seconds.is_nan() || seconds < 0.0 {
        let error = Error::new(ErrorKind::InvalidArgument, "a time is a number of seconds, not below 0");
        return Err(error.with("argument", name).with("value", seconds)).or_raise(py);
    }
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}
