//! Event loops: asking for a notice, and two ways to get it.

use std::{
    os::fd::{AsRawFd, BorrowedFd},
    sync::mpsc::{self, Receiver},
    thread,
};

use pyo3::prelude::*;
use zpatterns::{Error, ErrorKind, Hook, Interest, Result, Socket};

pub(crate) const RECV: u8 = 1;
const SEND: u8 = 2;
const BOTH: u8 = RECV | SEND;

/// A descriptor as Python has it.
pub(crate) fn number(fd: BorrowedFd<'_>) -> i32 {
    fd.as_raw_fd()
}

/// Arms a socket for the interests in `bits`; those that hold already.
pub(crate) fn arm(socket: &Socket, bits: u8) -> Result<u8> {
    Ok(bits_of(socket.arm(interest_of(bits)?)?))
}

/// What Python is interested in.
pub(crate) fn interest_of(bits: u8) -> Result<Interest> {
    match bits {
        RECV => Ok(Interest::RECV),
        SEND => Ok(Interest::SEND),
        BOTH => Ok(Interest::BOTH),
        other => Err(Error::new(ErrorKind::InvalidArgument, "no such interest").with("interest", other)),
    }
}

/// What holds of that.
pub(crate) fn bits_of(found: Option<Interest>) -> u8 {
    let holds = |interest| found.is_some_and(|found| found.contains(interest));
    [(Interest::RECV, RECV), (Interest::SEND, SEND)].into_iter().filter(|(it, _)| holds(*it)).map(|(_, bit)| bit).sum()
}

/// A hook that calls Python. It must not wait for the interpreter itself: core may call it while it holds a lock that
/// the thread with the interpreter wants. So it leaves a note, and a thread that lives as long as the hook calls.
pub(crate) fn hook(notice: Py<PyAny>) -> Result<Hook> {
    let (notes, taken) = mpsc::sync_channel(1);
    let failed = |error| Error::new(ErrorKind::TooManyOpen, format!("cannot start a thread: {error}"));
    thread::Builder::new().name("zpatterns-hook".into()).spawn(move || call_for(&taken, &notice)).map_err(failed)?;
    Ok(Box::new(move || {
        // A note that is already there says the same.
        let _ = notes.try_send(());
    }))
}

fn call_for(notes: &Receiver<()>, notice: &Py<PyAny>) {
    while notes.recv().is_ok() {
        let called = Python::try_attach(|py| {
            if let Err(error) = notice.call0(py) {
                error.write_unraisable(py, None);
            }
        });
        if called.is_none() {
            return; // The interpreter is finalizing.
        }
    }
}
