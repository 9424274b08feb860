//! Sending. Small frames are copied into libzmq's messages, large ones keep their Python object.

use pyo3::{
    prelude::*,
    types::{PyBytes, PyList},
};
use zpatterns::{Deadline, Message, Result, Socket};

use crate::{
    convert::{bytes_of, is_large, message_of},
    error::OrRaise,
    wait::{Limit, if_possible},
};

/// After this many messages a batch lets signals and other threads have their turn.
const TURN: usize = 1024;

/// A message on its way out, in a form that needs no interpreter.
enum Outgoing<'a> {
    One(&'a [u8]),
    Several(Vec<&'a [u8]>),
    Large(Message),
}

impl<'a> Outgoing<'a> {
    fn one(py: Python<'_>, data: &'a Bound<'_, PyBytes>) -> PyResult<Self> {
        if is_large(data) {
            return message_of(py, std::slice::from_ref(data)).map(Self::Large);
        }
        Ok(Self::One(data.as_bytes()))
    }

    fn several(py: Python<'_>, frames: &'a [Bound<'_, PyBytes>]) -> PyResult<Self> {
        if frames.iter().any(is_large) {
            return message_of(py, frames).map(Self::Large);
        }
        Ok(Self::Several(frames.iter().map(|frame| frame.as_bytes()).collect()))
    }

    fn send(&mut self, socket: &Socket, deadline: &Deadline) -> Result<()> {
        match self {
            Self::One(data) => socket.send(data, deadline),
            Self::Several(frames) => socket.send_multipart(frames, deadline),
            Self::Large(message) => socket.send_message(message, deadline),
        }
    }
}

/// The outcome is that of core; an exception is a mistake in the program, or came from a signal.
pub(crate) fn one(py: Python<'_>, socket: &Socket, data: &Bound<'_, PyAny>, limit: &Limit) -> PyResult<Result<()>> {
    let data = bytes_of(data)?;
    let mut outgoing = Outgoing::one(py, &data)?;
    limit.wait(py, |deadline| outgoing.send(socket, deadline))
}

/// As [`one`], for a sequence of frames.
pub(crate) fn multipart(
    py: Python<'_>,
    socket: &Socket,
    frames: &Bound<'_, PyAny>,
    limit: &Limit,
) -> PyResult<Result<()>> {
    let frames = frames.try_iter()?.map(|frame| bytes_of(&frame?)).collect::<PyResult<Vec<_>>>()?;
    let mut outgoing = Outgoing::several(py, &frames)?;
    limit.wait(py, |deadline| outgoing.send(socket, deadline))
}

/// Sends each of `messages` with `send` until one fails; how many were sent, and how it ended.
fn each<'py>(
    messages: &Bound<'py, PyAny>,
    mut send: impl FnMut(&Bound<'py, PyAny>) -> PyResult<Result<()>>,
) -> PyResult<(usize, Result<()>)> {
    let py = messages.py();
    let messages = match messages.cast_exact::<PyList>() {
        Ok(list) => list.clone(),
        Err(_) => PyList::new(py, messages.try_iter()?.collect::<PyResult<Vec<_>>>()?)?,
    };
    for (sent, message) in messages.iter().enumerate() {
        if sent % TURN == TURN - 1 {
            py.detach(|| ());
            py.check_signals()?;
        }
        if let Err(error) = send(&message)? {
            return Ok((sent, Err(error)));
        }
    }
    Ok((messages.len(), Ok(())))
}

/// Sends each of `messages` with `send` and returns how many were sent. An error of the first is raised; one of a
/// later message ends the batch, and is raised when the rest is sent again.
pub(crate) fn many<'py>(
    messages: &Bound<'py, PyAny>,
    send: impl FnMut(&Bound<'py, PyAny>) -> PyResult<Result<()>>,
) -> PyResult<usize> {
    match each(messages, send)? {
        (0, outcome) => outcome.map(|()| 0).or_raise(messages.py()),
        (sent, _) => Ok(sent),
    }
}

/// As [`many`] for what there is room for, which may be nothing.
pub(crate) fn try_many<'py>(
    messages: &Bound<'py, PyAny>,
    send: impl FnMut(&Bound<'py, PyAny>) -> PyResult<Result<()>>,
) -> PyResult<usize> {
    match each(messages, send)? {
        (0, outcome) => if_possible(outcome).map(|_| 0).or_raise(messages.py()),
        (sent, _) => Ok(sent),
    }
}
