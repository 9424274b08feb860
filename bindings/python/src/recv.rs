//! Receiving. Bytes are copied into Python's own `bytes` objects; below some 100 KiB that is not what costs.

use pyo3::{
    prelude::*,
    types::{PyBytes, PyList},
};
use zpatterns::{Deadline, Socket};

use crate::{
    convert::{batch_to_list, frames_to_list, singles_to_list},
    error::OrRaise,
    wait::{Limit, if_possible},
};

/// At most this many messages and bytes.
pub(crate) type Bounds = (usize, usize);

pub(crate) fn one<'py>(py: Python<'py>, socket: &Socket, limit: &Limit) -> PyResult<Bound<'py, PyBytes>> {
    let frame = limit.wait(py, |deadline| socket.recv_single(deadline))?.or_raise(py)?;
    Ok(PyBytes::new(py, &frame))
}

pub(crate) fn text(py: Python<'_>, socket: &Socket, limit: &Limit) -> PyResult<String> {
    limit.wait(py, |deadline| socket.recv_text(deadline))?.or_raise(py)
}

pub(crate) fn multipart<'py>(py: Python<'py>, socket: &Socket, limit: &Limit) -> PyResult<Bound<'py, PyList>> {
    let message = limit.wait(py, |deadline| socket.recv(deadline))?.or_raise(py)?;
    frames_to_list(py, &message)
}

pub(crate) fn many<'py>(
    py: Python<'py>,
    socket: &Socket,
    (messages, bytes): Bounds,
    limit: &Limit,
) -> PyResult<Bound<'py, PyList>> {
    let batch = limit.wait(py, |deadline| socket.recv_many_single(messages, bytes, deadline))?.or_raise(py)?;
    singles_to_list(py, &batch)
}

pub(crate) fn many_multipart<'py>(
    py: Python<'py>,
    socket: &Socket,
    (messages, bytes): Bounds,
    limit: &Limit,
) -> PyResult<Bound<'py, PyList>> {
    let batch = limit.wait(py, |deadline| socket.recv_many(messages, bytes, deadline))?.or_raise(py)?;
    batch_to_list(py, &batch)
}

/// What is there, which may be nothing.
pub(crate) fn drain<'py>(py: Python<'py>, socket: &Socket, (messages, bytes): Bounds) -> PyResult<Bound<'py, PyList>> {
    let taken = if_possible(socket.recv_many_single(messages, bytes, &Deadline::now())).or_raise(py)?;
    singles_to_list(py, &taken.unwrap_or_default())
}

/// As [`drain`], each message as the list of its frames.
pub(crate) fn drain_multipart<'py>(
    py: Python<'py>,
    socket: &Socket,
    (messages, bytes): Bounds,
) -> PyResult<Bound<'py, PyList>> {
    let taken = if_possible(socket.recv_many(messages, bytes, &Deadline::now())).or_raise(py)?;
    batch_to_list(py, &taken.unwrap_or_default())
}
