//! Tells a thread that its context ends.

use std::os::fd::{AsFd, BorrowedFd, RawFd};

use zpatterns_protocol::Result;

use crate::{
    Context, SocketKind, SocketOptions,
    raw::{RawSocket, borrow},
};

/// A socket at whose other end nobody is: it is there to tell when the context ends.
pub(super) struct End {
    socket: RawSocket,
    fd: RawFd,
}

impl End {
    pub(super) fn of(context: &Context) -> Result<Self> {
        let mut socket = context.opener().open(SocketKind::Pair, &SocketOptions::default())?;
        Ok(Self { fd: socket.fd()?, socket })
    }

    /// An error if it was that for which [`AsFd`] became readable.
    pub(super) fn check(&mut self) -> Result<()> {
        self.socket.events().map(drop)
    }
}

impl AsFd for End {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the socket is open as long as this is there.
        unsafe { borrow(self.fd) }
    }
}
