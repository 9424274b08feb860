//! Futures and a stream over a background socket, for any executor.
//!
//! Nothing here needs a runtime: the reactor wakes whoever polled last. A future that is dropped loses no message,
//! because it takes one only in the poll that returns it.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use futures_core::Stream;
use zpatterns_protocol::{Error, ErrorKind, Result};

use super::Socket;
use crate::{Deadline, Interest, Message};

impl Socket {
    /// Receives a message. The socket is a background one, or the future ends with `Unsupported`.
    pub fn recv_async(&self) -> RecvFuture<'_> {
        RecvFuture { socket: self, waker: Registered::default() }
    }

    /// Sends a message of these frames once there is room. The socket is a background one, or the future ends with
    /// `Unsupported`.
    pub fn send_async(&self, frames: Vec<Vec<u8>>) -> SendFuture<'_> {
        SendFuture { socket: self, frames, waker: Registered::default() }
    }

    /// The messages that arrive from now on, until the socket closes.
    pub fn messages(&self) -> Result<Messages> {
        self.can_recv()?;
        self.background()?;
        Ok(Messages { socket: self.clone(), waker: Registered::default() })
    }

    /// Polls `attempt`, which answers with `not_yet` while there is nothing.
    fn poll<T>(
        &self,
        interest: Interest,
        registered: &mut Registered,
        task: &Context<'_>,
        mut attempt: impl FnMut() -> Result<T>,
    ) -> Poll<Result<T>> {
        let not_yet = if interest == Interest::RECV { ErrorKind::Timeout } else { ErrorKind::Full };
        loop {
            match attempt() {
                Err(error) if error.kind() == not_yet => {}
                done => return Poll::Ready(done),
            }
            registered.0 = Some(task.waker().clone());
            match self.arm_waker(interest, task.waker()) {
                Ok(None) => return Poll::Pending,
                // Something came in between.
                Ok(Some(_)) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

/// The waker that a future left with the socket, to take it back when the future is dropped.
#[derive(Default)]
struct Registered(Option<Waker>);

impl Registered {
    fn forget(&mut self, socket: &Socket) {
        if let Some(waker) = self.0.take() {
            socket.forget_waker(&waker);
        }
    }
}

/// Made by [`Socket::recv_async`].
#[must_use = "futures do nothing unless polled"]
pub struct RecvFuture<'a> {
    socket: &'a Socket,
    waker: Registered,
}

impl Future for RecvFuture<'_> {
    type Output = Result<Message>;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let socket = self.socket;
        socket.poll(Interest::RECV, &mut self.waker, task, || socket.recv(&Deadline::now()))
    }
}

impl Drop for RecvFuture<'_> {
    fn drop(&mut self) {
        self.waker.forget(self.socket);
    }
}

/// Made by [`Socket::send_async`].
#[must_use = "futures do nothing unless polled"]
pub struct SendFuture<'a> {
    socket: &'a Socket,
    frames: Vec<Vec<u8>>,
    waker: Registered,
}

impl Future for SendFuture<'_> {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let frames: Vec<&[u8]> = this.frames.iter().map(Vec::as_slice).collect();
        let socket = this.socket;
        socket.poll(Interest::SEND, &mut this.waker, task, || socket.send_multipart(&frames, &Deadline::now()))
    }
}

impl Drop for SendFuture<'_> {
    fn drop(&mut self) {
        self.waker.forget(self.socket);
    }
}

/// Made by [`Socket::messages`]. Ends when the socket is closed.
pub struct Messages {
    socket: Socket,
    waker: Registered,
}

impl Stream for Messages {
    type Item = Result<Message>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let socket = &this.socket;
        let closed = |error: &Error| error.kind() == ErrorKind::Closed;
        socket.poll(Interest::RECV, &mut this.waker, task, || socket.recv(&Deadline::now())).map(|next| match next {
            Err(error) if closed(&error) => None,
            next => Some(next),
        })
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.waker.forget(&self.socket);
    }
}
