//! ZeroMQ sockets as they are, safe to share between threads.
//!
//! A libzmq socket must stay on one thread at a time, cannot be waited on by two, and a wait in it cannot be ended by
//! another thread. Here a socket is a mutex around the raw one, held only for calls that do not block. A waiter polls
//! outside the mutex; whoever operates on the socket meanwhile looks afterwards whether libzmq's notice, which it may
//! have taken away by operating, was meant for a waiter, and passes it on.
//!
//! Sends always happen on the caller's thread, so what can be refused is refused to the caller. Receives happen there
//! too, or, on a background socket, on the reactor, which receives ahead into a bounded inbox.

mod background;
mod future;
mod reader;
mod shared;
mod transfer;

use std::{
    os::fd::BorrowedFd,
    sync::{Arc, Weak},
    time::Duration,
};

use libzmq::option as zmq;
use zpatterns_protocol::{Error, ErrorKind, Result};

pub use self::future::{Messages, RecvFuture, SendFuture};
use self::{
    background::{Background, WhenFull},
    shared::{Direction, Shared, State},
};
use crate::{
    Batch, Context, Deadline, Frame, Message, SocketKind, SocketOptions, SocketStats, auth, ipc, options::Setting,
    raw::RawSocket,
};

/// A ZeroMQ socket. Clones are the same socket; it closes when the last one is dropped, or with [`close`](Self::close).
#[derive(Clone)]
pub struct Socket(Arc<Handle>);

/// See [`Socket::downgrade`].
#[derive(Clone)]
pub(crate) struct WeakSocket(Weak<Handle>);

impl WeakSocket {
    pub(crate) fn upgrade(&self) -> Option<Socket> {
        self.0.upgrade().map(Socket)
    }
}

/// Closes the socket when the last clone goes; the context outlives it by the order of the fields.
struct Handle {
    shared: Arc<Shared>,
    context: Context,
}

impl Socket {
    pub(crate) fn open(context: &Context, kind: SocketKind, options: &SocketOptions) -> Result<Self> {
        Self::open_with(context, kind, options, WhenFull::HoldBack)
    }

    /// Opens a background socket that drops what its inbox has no room for.
    pub(crate) fn open_lossy(context: &Context, kind: SocketKind, options: &SocketOptions) -> Result<Self> {
        Self::open_with(context, kind, options, WhenFull::Drop)
    }

    fn open_with(context: &Context, kind: SocketKind, options: &SocketOptions, when_full: WhenFull) -> Result<Self> {
        options.check()?;
        if options.is_server() {
            context.check_authenticator()?;
        }
        let mut raw = context.open_raw(kind.number())?;
        configure(&mut raw, kind, options)?;
        let shared = |raw, background| Shared::new(raw, kind, context.generation(), options, background).map(Arc::new);
        let shared = if options.background {
            context.serve(|served| {
                let background = Background::new(served, raw.fd()?, options, when_full)?;
                shared(raw, Some(background))
            })?
        } else {
            shared(raw, None)?
        };
        Ok(Self(Arc::new(Handle { shared, context: context.clone() })))
    }

    /// The type.
    pub fn kind(&self) -> SocketKind {
        self.0.shared.kind
    }

    /// Whether the reactor receives ahead for it.
    pub fn is_background(&self) -> bool {
        self.0.shared.background.is_some()
    }

    /// Binds to an endpoint and returns it as it became, with the port that the system chose for port 0.
    ///
    /// [`ErrorKind::InvalidEndpoint`], [`ErrorKind::AddressInUse`], [`ErrorKind::AddressNotAvailable`] or
    /// [`ErrorKind::PermissionDenied`] if it cannot.
    pub fn bind(&self, endpoint: &str) -> Result<String> {
        self.check_handler(endpoint)?;
        self.operate(|listeners, raw| {
            let Some(file) = ipc::file_of(endpoint) else {
                raw.bind(endpoint)?;
                return raw.last_endpoint();
            };
            let mut listener = ipc::Listener::open(file, &self.shared().ipc)?;
            raw.set("ipc", zmq::USE_FD, Setting::Int(listener.raw_fd().into()))?;
            let bound = raw.bind(endpoint);
            raw.set("ipc", zmq::USE_FD, Setting::Int(-1))?;
            bound?;
            listener.adopted();
            let endpoint = format!("ipc://{}", listener.file().display());
            listeners.push((endpoint.clone(), listener));
            Ok(endpoint)
        })
    }

    /// Connects to an endpoint. The connection is made, and made again after a failure, in the background;
    /// [`monitor`](Self::monitor) tells how that goes.
    pub fn connect(&self, endpoint: &str) -> Result<()> {
        self.operate(|_, raw| raw.connect(endpoint))
    }

    /// Stops listening on an endpoint, given as [`bind`](Self::bind) returned it. Connections already made stay.
    pub fn unbind(&self, endpoint: &str) -> Result<()> {
        self.operate(|listeners, raw| {
            raw.unbind(endpoint)?;
            listeners.retain(|(bound, _)| bound != endpoint);
            Ok(())
        })
    }

    /// Ends a connection, given as it was to [`connect`](Self::connect). Messages not yet sent on it are dropped
    /// after the linger.
    pub fn disconnect(&self, endpoint: &str) -> Result<()> {
        self.operate(|_, raw| raw.disconnect(endpoint))
    }

    /// SUB: receive messages whose first frame starts with `prefix`.
    pub fn subscribe(&self, prefix: &[u8]) -> Result<()> {
        self.set_subscription("subscribe", zmq::SUBSCRIBE, prefix)
    }

    /// SUB: take back one [`subscribe`](Self::subscribe) with the same prefix.
    pub fn unsubscribe(&self, prefix: &[u8]) -> Result<()> {
        self.set_subscription("unsubscribe", zmq::UNSUBSCRIBE, prefix)
    }

    fn set_subscription(&self, name: &'static str, option: i32, prefix: &[u8]) -> Result<()> {
        if self.kind() != SocketKind::Sub {
            return Err(self.unsupported(name, "only a sub socket subscribes with a call; xsub sends a message"));
        }
        self.operate(|_, raw| raw.set(name, option, Setting::Bytes(prefix)))
    }

    /// Sends a message of one frame, copied. Waits for room until `deadline`.
    ///
    /// Success means that libzmq took the message. [`ErrorKind::Full`] (with [`Deadline::now`]) or
    /// [`ErrorKind::Timeout`] if there was no room, [`ErrorKind::Unreachable`] if the peer addressed on a ROUTER is not
    /// connected, [`ErrorKind::TooLarge`] above `max_message_size`, [`ErrorKind::Unsupported`] on a socket that cannot
    /// send.
    pub fn send(&self, data: &[u8], deadline: &Deadline) -> Result<()> {
        self.send_multipart(&[data], deadline)
    }

    /// Sends a message of these frames, copied. As [`send`](Self::send).
    pub fn send_multipart(&self, frames: &[&[u8]], deadline: &Deadline) -> Result<()> {
        self.can_send(frames.len())?;
        self.shared().check_frames(frames.iter().map(|frame| frame.len()))?;
        self.shared().wait(Direction::Send, deadline, |state| state.try_send_slices(frames))
    }

    /// Sends a message without copying large frames. On success `message` is empty afterwards; on an error it is
    /// unchanged and may be sent again. As [`send`](Self::send).
    pub fn send_message(&self, message: &mut Message, deadline: &Deadline) -> Result<()> {
        self.can_send(message.len())?;
        self.shared().check_frames(message.iter().map(|frame| frame.len()))?;
        self.shared().wait(Direction::Send, deadline, |state| state.try_send_message(message))
    }

    /// Sends the messages of `batch` from position `first` on, in order, and returns how many were sent. It is fewer
    /// than all only if the deadline passed or an error came; the error shows when the rest is sent again.
    pub fn send_many(&self, batch: &mut Batch, first: usize, deadline: &Deadline) -> Result<usize> {
        let all = batch.len();
        let mut next = first;
        while next < all {
            let (from, to) = batch.frame_range(next);
            let one = self
                .can_send(to - from)
                .and_then(|()| self.shared().check_frames((from..to).map(|at| batch.frame(at).len())));
            let sent = one.and_then(|()| {
                self.shared().wait(Direction::Send, deadline, |state| {
                    // As many as there is room for under one lock.
                    let start = next;
                    while next < all && self.fits(batch, next) {
                        match state.try_send_batched(batch, next) {
                            Ok(Some(())) => next += 1,
                            Ok(None) => break,
                            Err(error) if next == start => return Err(error),
                            Err(_) => break,
                        }
                    }
                    Ok((next > start).then_some(()))
                })
            });
            if let Err(error) = sent {
                return if next > first { Ok(next - first) } else { Err(error) };
            }
        }
        Ok(next - first)
    }

    /// Whether a message of a batch can be sent as far as its shape tells.
    fn fits(&self, batch: &Batch, index: usize) -> bool {
        let (from, to) = batch.frame_range(index);
        self.can_send(to - from).is_ok() && (from..to).all(|at| batch.frame(at).len() as u64 <= self.shared().max_frame)
    }

    /// Receives a message. [`ErrorKind::Timeout`] if none came until `deadline`.
    pub fn recv(&self, deadline: &Deadline) -> Result<Message> {
        self.can_recv()?;
        match &self.shared().background {
            None => self.shared().wait(Direction::Recv, deadline, State::try_recv),
            Some(background) => self.recv_background(background, deadline, |reader| reader.next_message()),
        }
    }

    /// Receives what is there: waits until `deadline` for at least one message, then takes no more than
    /// `max_messages` and stops once `max_bytes` are reached.
    pub fn recv_many(&self, max_messages: usize, max_bytes: usize, deadline: &Deadline) -> Result<Batch> {
        self.can_recv()?;
        match &self.shared().background {
            None => self.shared().wait(Direction::Recv, deadline, |state| state.try_recv_many(max_messages, max_bytes)),
            Some(background) => {
                self.recv_background(background, deadline, |reader| Ok(reader.next_batch(max_messages, max_bytes)))
            }
        }
    }

    /// Receives a message of one frame. If the next message has several, that is [`ErrorKind::Unsupported`], and the
    /// message stays first in line for [`recv`](Self::recv).
    pub fn recv_single(&self, deadline: &Deadline) -> Result<Frame> {
        let message = self.recv(deadline)?;
        if message.len() != 1 {
            let frames = message.len();
            let mut batch = Batch::new();
            batch.push_message(message);
            self.put_back(batch);
            return Err(several_frames(frames));
        }
        Ok(message.into_frames().next().expect("one frame"))
    }

    /// Receives a message of one frame that is UTF-8. If the next one is not, that is [`ErrorKind::InvalidText`], and the
    /// message stays first in line for [`recv`](Self::recv).
    pub fn recv_text(&self, deadline: &Deadline) -> Result<String> {
        let frame = self.recv_single(deadline)?;
        match std::str::from_utf8(&frame) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => {
                let (position, bytes) = (error.valid_up_to(), frame.len());
                let mut message = Message::new();
                message.push(frame);
                let mut batch = Batch::new();
                batch.push_message(message);
                self.put_back(batch);
                Err(Error::new(ErrorKind::InvalidText, "the message is not UTF-8; receive it as bytes")
                    .with("position", position)
                    .with("bytes", bytes))
            }
        }
    }

    /// As [`recv_many`](Self::recv_many), for messages of one frame: stops before one that has several, and fails as
    /// [`recv_single`](Self::recv_single) does if that is the next.
    pub fn recv_many_single(&self, max_messages: usize, max_bytes: usize, deadline: &Deadline) -> Result<Batch> {
        let mut batch = self.recv_many(max_messages, max_bytes, deadline)?;
        let Some(first) = batch.first_multipart() else { return Ok(batch) };
        let frames = batch.frames(first).count();
        let single = if first == 0 { None } else { Some(batch.split(0, first, usize::MAX)) };
        let rest = batch.split(first, usize::MAX, usize::MAX);
        self.put_back(rest);
        single.ok_or_else(|| several_frames(frames))
    }

    /// Puts received messages back in front of those not yet received.
    fn put_back(&self, batch: Batch) {
        let shared = self.shared();
        let mut state = shared.lock();
        let (messages, bytes) = (batch.len() as u64, batch.bytes() as u64);
        match &shared.background {
            Some(background) => background.put_back(batch),
            None => {
                state.front.put_back(batch);
                state.stats.received_messages -= messages;
                state.stats.received_bytes -= bytes;
            }
        }
    }

    /// Counters.
    pub fn stats(&self) -> SocketStats {
        if !self.shared().generation.is_current() {
            return SocketStats::default();
        }
        let mut stats = self.shared().lock().stats;
        if let Some(background) = &self.shared().background {
            background.add_stats(&mut stats);
        }
        stats
    }

    /// Closes. Messages not yet sent survive for `linger` (or the option of that name) while the context lives; every
    /// wait on the socket ends with [`ErrorKind::Closed`]. Closing twice is fine.
    pub fn close(&self, linger: Option<Duration>) {
        self.0.close(linger);
    }

    /// Whether the socket was closed, by us or with its context, or belongs to the parent of a fork.
    pub fn is_closed(&self) -> bool {
        !self.shared().generation.is_current() || self.shared().lock().ended.is_some()
    }

    fn shared(&self) -> &Shared {
        &self.0.shared
    }

    /// A reference that does not keep the socket open.
    pub(crate) fn downgrade(&self) -> WeakSocket {
        WeakSocket(Arc::downgrade(&self.0))
    }

    pub(crate) fn context(&self) -> &Context {
        &self.0.context
    }

    fn can_send(&self, frames: usize) -> Result<()> {
        let kind = self.kind();
        if !kind.sends() {
            return Err(self.unsupported("send", "this socket type only receives"));
        }
        let least = match kind {
            SocketKind::Router | SocketKind::Stream => 2,
            _ => 1,
        };
        if frames < least || (kind == SocketKind::Stream && frames > 2) {
            let text = match kind {
                SocketKind::Router => "a message to a router socket's peer has the peer's routing id and a payload",
                SocketKind::Stream => "a stream message has two frames: the connection's id and the bytes",
                _ => "a message has at least one frame",
            };
            return Err(Error::new(ErrorKind::InvalidArgument, text).with("frames", frames));
        }
        // The reactor may hold the next request already: the turn follows what the program took.
        if kind == SocketKind::Rep
            && let Some(background) = &self.shared().background
            && background.taken() <= self.shared().lock().stats.sent_messages
        {
            return Err(Error::new(ErrorKind::WrongState, "a rep socket receives a request before it sends a reply"));
        }
        Ok(())
    }

    fn can_recv(&self) -> Result<()> {
        if self.kind().receives() { Ok(()) } else { Err(self.unsupported("recv", "this socket type only sends")) }
    }

    /// libzmq ends the process if a socket of another type answers for authentication.
    fn check_handler(&self, endpoint: &str) -> Result<()> {
        if endpoint == auth::ENDPOINT && !matches!(self.kind(), SocketKind::Rep | SocketKind::Router) {
            return Err(self.unsupported("bind", "only a rep or router socket can answer for authentication"));
        }
        Ok(())
    }

    fn unsupported(&self, call: &str, text: &str) -> Error {
        Error::new(ErrorKind::Unsupported, text).with("call", call).with("socket", self.kind())
    }

    /// A short operation on the open socket and the name of its monitor.
    pub(crate) fn operate_on_monitor<T>(
        &self,
        operation: impl FnOnce(&mut RawSocket, &mut Option<String>) -> Result<T>,
    ) -> Result<T> {
        let mut state = self.shared().lock_open()?;
        let State { raw, monitor, .. } = &mut *state;
        let result = operation(raw.as_mut().expect("an open socket has its raw one"), monitor);
        self.shared().pass_on(&mut state);
        result
    }

    /// A short operation on the open socket.
    pub(crate) fn operate<T>(
        &self,
        operation: impl FnOnce(&mut Vec<(String, ipc::Listener)>, &mut RawSocket) -> Result<T>,
    ) -> Result<T> {
        let shared = self.shared();
        let mut state = shared.lock_open()?;
        let State { raw, listeners, .. } = &mut *state;
        let result = operation(listeners, raw.as_mut().expect("an open socket has its raw one"));
        shared.pass_on(&mut state);
        result
    }
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Socket({})", self.kind())
    }
}

impl Handle {
    fn close(&self, linger: Option<Duration>) {
        let shared = &self.shared;
        if !shared.generation.is_current() {
            // The child of a fork: everything is the parent's, and a thread that is not here may hold the lock.
            return;
        }
        let mut state = shared.lock();
        if let (Some(linger), Some(raw)) = (linger, &mut state.raw) {
            let millis = i64::try_from(linger.as_millis()).unwrap_or(i64::MAX).min(24 * 60 * 60 * 1000);
            let _ = raw.set("linger", zmq::LINGER, Setting::Int(millis));
        }
        let first = state.ended.is_none();
        shared.end(&mut state, Error::new(ErrorKind::Closed, "the socket is closed"));
        match &shared.background {
            // The reactor watches the descriptor, so it is the one to close it.
            Some(background) if first => background.detach(),
            Some(_) => {}
            None => drop(state.raw.take()),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close(None);
    }
}
fn several_frames(frames: usize) -> Error {
    Error::new(ErrorKind::Unsupported, "the next message has several frames; receive it as a multipart message")
        .with("frames", frames)
}

/// Sets everything that is set before the first bind or connect.
pub(crate) fn configure(raw: &mut RawSocket, kind: SocketKind, options: &SocketOptions) -> Result<()> {
    raw.set_all(options.settings())?;
    // Subscriptions are queued like messages: with a limit, those beyond it are dropped without a word.
    if matches!(kind, SocketKind::Sub | SocketKind::XSub) {
        raw.set("send_hwm", zmq::SNDHWM, Setting::Int(0))?;
    }
    match kind {
        // Nobody needs to hear what a closed socket asks for.
        SocketKind::Sub => raw.set("linger", zmq::LINGER, Setting::Int(0))?,
        SocketKind::Router => {
            raw.set("router_mandatory", zmq::ROUTER_MANDATORY, Setting::Int(options.router_mandatory.into()))?;
        }
        SocketKind::Stream => {
            raw.set("stream_notify", zmq::STREAM_NOTIFY, Setting::Int(options.stream_notify.into()))?;
        }
        _ => {}
    }
    Ok(())
}

impl Socket {
    /// The descriptor that becomes readable once after [`arm`](Self::arm) found nothing. Background sockets only.
    /// The loop that owns it never reads it: arming clears it.
    pub fn ready_fd(&self) -> Result<BorrowedFd<'_>> {
        Ok(self.background()?.ready_fd())
    }

    fn background(&self) -> Result<&Background> {
        self.shared()
            .background
            .as_ref()
            .ok_or_else(|| self.unsupported("arm", "only a background socket serves an event loop"))
    }
}

#[cfg(test)]
mod tests;
