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

use std::{
    os::fd::{AsFd, BorrowedFd, RawFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use libzmq::option as zmq;
use zpatterns_protocol::{Error, ErrorKind, Result};

pub use self::future::{Messages, RecvFuture, SendFuture};
use self::{
    background::{Background, WhenFull},
    reader::Reader,
};
use crate::{
    Batch, Context, Deadline, Frame, Message, SocketKind, SocketOptions, SocketStats, auth,
    fork::Generation,
    ipc,
    options::Setting,
    raw::{self, RawSocket},
    wait::{self, Waiters},
};

/// How long a send waits before it tries again where libzmq cannot say when there is room: a ROUTER is always
/// writable, even while the addressed peer is full.
const RETRY: Duration = Duration::from_millis(2);

/// A ZeroMQ socket. Clones are the same socket; it closes when the last one is dropped, or with [`close`](Self::close).
#[derive(Clone)]
pub struct Socket(Arc<Handle>);

/// Closes the socket when the last clone goes; the context outlives it by the order of the fields.
struct Handle {
    shared: Arc<Shared>,
    context: Context,
}

/// What the caller's threads and the reactor share.
struct Shared {
    kind: SocketKind,
    generation: Generation,
    max_frame: u64,
    ipc: ipc::Permissions,
    /// libzmq's descriptor, polled and never read.
    fd: RawFd,
    state: Mutex<State>,
    receivers: Waiters,
    senders: Waiters,
    background: Option<Background>,
}

/// What the mutex protects.
struct State {
    raw: Option<RawSocket>,
    /// Why the socket is no longer open.
    ended: Option<Error>,
    /// Socket files that we bound, by endpoint.
    listeners: Vec<(String, ipc::Listener)>,
    /// Messages that were received and put back; none on a background socket, which has its inbox.
    front: Reader,
    stats: SocketStats,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Recv,
    Send,
}

impl Direction {
    const fn flag(self) -> i16 {
        match self {
            Self::Recv => libzmq::POLLIN,
            Self::Send => libzmq::POLLOUT,
        }
    }
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
        if options.is_server() && !context.has_authenticator() {
            return Err(Error::new(
                ErrorKind::WrongState,
                "a PLAIN or CURVE server needs to know whom to let in: make the context's authenticator first",
            ));
        }
        let mut raw = context.open_raw(kind.number())?;
        configure(&mut raw, kind, options)?;
        let shared = Arc::new(Shared {
            kind,
            generation: context.generation(),
            max_frame: options.max_message_size as u64,
            ipc: ipc::Permissions::of(options),
            fd: raw.fd()?,
            state: Mutex::new(State {
                raw: Some(raw),
                ended: None,
                listeners: Vec::new(),
                front: Reader::default(),
                stats: SocketStats::default(),
            }),
            receivers: Waiters::default(),
            senders: Waiters::default(),
            background: if options.background { Some(Background::new(options, when_full)?) } else { None },
        });
        if let Some(background) = &shared.background {
            background.attach(context.serve(Arc::clone(&shared) as _)?);
        }
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

    /// Whether the socket was closed, by us or with its context.
    pub fn is_closed(&self) -> bool {
        self.shared().lock().ended.is_some()
    }

    fn shared(&self) -> &Shared {
        &self.0.shared
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
        let mut state = shared.lock();
        if !shared.generation.is_current() {
            // The child of a fork: the connections and socket files are the parent's.
            if let Some(raw) = state.raw.take() {
                raw.forget();
            }
            std::mem::forget(std::mem::take(&mut state.listeners));
            return;
        }
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

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_open(&self) -> Result<MutexGuard<'_, State>> {
        self.generation.check()?;
        let state = self.lock();
        match &state.ended {
            Some(error) => Err(error.clone()),
            None => Ok(state),
        }
    }

    /// The socket is open no longer: everyone who waits learns why.
    fn end(&self, state: &mut State, why: Error) {
        state.ended.get_or_insert(why);
        state.listeners.clear();
        self.receivers.notify();
        self.senders.notify();
        if let Some(background) = &self.background {
            background.ended(state);
        }
    }

    fn check_frames(&self, sizes: impl Iterator<Item = usize>) -> Result<()> {
        for size in sizes {
            if size as u64 > self.max_frame {
                return Err(Error::new(ErrorKind::TooLarge, "a frame exceeds max_message_size")
                    .with("bytes", size)
                    .with("max_message_size", self.max_frame));
            }
        }
        Ok(())
    }

    fn waiters(&self, direction: Direction) -> &Waiters {
        match direction {
            Direction::Recv => &self.receivers,
            Direction::Send => &self.senders,
        }
    }

    /// Tries `attempt` until it has something, an error comes, or the deadline passes.
    fn wait<T>(
        &self,
        direction: Direction,
        deadline: &Deadline,
        mut attempt: impl FnMut(&mut State) -> Result<Option<T>>,
    ) -> Result<T> {
        let mut state = self.lock_open()?;
        let mut tried_after_notice = false;
        loop {
            let outcome = attempt(&mut state);
            match outcome {
                Ok(Some(done)) => {
                    self.pass_on(&mut state);
                    return Ok(done);
                }
                Ok(None) => {}
                Err(error) => {
                    if error.kind() == ErrorKind::Closed {
                        self.end(&mut state, error.clone());
                    } else {
                        self.pass_on(&mut state);
                    }
                    return Err(error);
                }
            }
            let events = state.raw().events()?;
            let possible = events & direction.flag() != 0;
            if possible && !tried_after_notice {
                tried_after_notice = true;
                continue;
            }
            if direction == Direction::Send {
                state.stats.send_full += 1;
            }
            self.announce(events);
            if deadline.is_now() {
                return Err(match direction {
                    Direction::Send => Error::new(ErrorKind::Full, "no peer has room for the message"),
                    Direction::Recv => Error::new(ErrorKind::Timeout, "no message is waiting"),
                });
            }
            let waiters = self.waiters(direction);
            let wake = waiters.enter()?;
            drop(state);
            // SAFETY: see `raw::borrow`; the descriptor is libzmq's, and a closed handle is noticed right below.
            let fds = [unsafe { raw::borrow(self.fd) }, wake.as_fd()];
            let outcome = wait::until_readable(&fds, deadline, possible.then_some(RETRY));
            waiters.leave();
            state = self.lock_open()?;
            wake.clear();
            tried_after_notice = false;
            if let Err(error) = outcome {
                self.pass_on(&mut state);
                return Err(error);
            }
        }
    }

    /// After an operation, which may have taken libzmq's notice away: if somebody else waits, tells them.
    fn pass_on(&self, state: &mut State) {
        let reactor =
            self.background.as_ref().is_some_and(|background| self.kind.receives() || background.awaits_room());
        if !reactor && !self.receivers.any() && !self.senders.any() {
            return;
        }
        if let Some(Ok(events)) = state.raw.as_mut().map(RawSocket::events) {
            self.announce(events);
        }
    }

    /// Tells those who wait what is possible now.
    fn announce(&self, events: i16) {
        match &self.background {
            Some(background) => background.announce(self, events),
            None if events & libzmq::POLLIN != 0 && self.receivers.any() => self.receivers.notify(),
            None => {}
        }
        // A full ROUTER says that it is writable; its senders try again by time instead.
        if events & libzmq::POLLOUT != 0 && self.kind != SocketKind::Router && self.senders.any() {
            self.senders.notify();
        }
    }
}

impl State {
    fn raw(&mut self) -> &mut RawSocket {
        self.raw.as_mut().expect("an open socket has its raw one")
    }

    fn try_send_slices(&mut self, frames: &[&[u8]]) -> Result<Option<()>> {
        let last = frames.len() - 1;
        let mut bytes = 0;
        for (index, data) in frames.iter().enumerate() {
            let mut frame = Frame::copy_from(data)?;
            bytes += data.len();
            // Refused in the middle, libzmq has taken back the first frames: the whole message is sent again.
            if !self.send_frame(&mut frame, index < last)? {
                return Ok(None);
            }
        }
        self.count_sent(bytes);
        Ok(Some(()))
    }

    fn try_send_message(&mut self, message: &mut Message) -> Result<Option<()>> {
        let bytes = message.size();
        let last = message.len() - 1;
        for (index, frame) in message.frames_mut().iter_mut().enumerate() {
            // The caller keeps the message until all of it is sent.
            if !self.send_frame(&mut frame.share(), index < last)? {
                return Ok(None);
            }
        }
        message.clear();
        self.count_sent(bytes);
        Ok(Some(()))
    }

    fn try_send_batched(&mut self, batch: &mut Batch, index: usize) -> Result<Option<()>> {
        let (first, end) = batch.frame_range(index);
        let mut bytes = 0;
        for position in first..end {
            let mut frame = batch.frame_to_send(position)?;
            bytes += frame.len();
            if !self.send_frame(&mut frame, position + 1 < end)? {
                return Ok(None);
            }
        }
        self.count_sent(bytes);
        Ok(Some(()))
    }

    fn send_frame(&mut self, frame: &mut Frame, more: bool) -> Result<bool> {
        self.raw().send_frame(frame, more).inspect_err(|error| {
            if error.kind() == ErrorKind::Unreachable {
                self.stats.send_unreachable += 1;
            }
        })
    }

    fn count_sent(&mut self, bytes: usize) {
        self.stats.sent_messages += 1;
        self.stats.sent_bytes += bytes as u64;
    }

    fn count_received(&mut self, messages: usize, bytes: usize) {
        self.stats.received_messages += messages as u64;
        self.stats.received_bytes += bytes as u64;
    }

    fn try_recv(&mut self) -> Result<Option<Message>> {
        if !self.front.is_empty() {
            let message = self.front.next_message()?;
            self.count_received(1, message.size());
            return Ok(Some(message));
        }
        let mut message = Message::new();
        if !self.raw().recv_message(|frame| message.push(std::mem::take(frame)))? {
            return Ok(None);
        }
        self.count_received(1, message.size());
        Ok(Some(message))
    }

    fn try_recv_many(&mut self, max_messages: usize, max_bytes: usize) -> Result<Option<Batch>> {
        let mut batch = Batch::new();
        if !self.front.is_empty() {
            batch = self.front.next_batch(max_messages, max_bytes);
        }
        while batch.len() < max_messages.max(1) && (batch.is_empty() || batch.bytes() < max_bytes) {
            match self.recv_into(&mut batch) {
                Ok(true) => {}
                // What is already received comes first; the error shows again.
                Err(error) if batch.is_empty() => return Err(error),
                Ok(false) | Err(_) => break,
            }
        }
        if batch.is_empty() {
            return Ok(None);
        }
        self.count_received(batch.len(), batch.bytes());
        Ok(Some(batch))
    }

    /// Receives one message into `batch` without counting it as received by the program.
    fn recv_into(&mut self, batch: &mut Batch) -> Result<bool> {
        let received = self.raw().recv_message(|frame| batch.take_from(frame))?;
        if received {
            batch.end_message();
        }
        Ok(received)
    }
}

fn several_frames(frames: usize) -> Error {
    Error::new(ErrorKind::Unsupported, "the next message has several frames; receive it as a multipart message")
        .with("frames", frames)
}

/// Sets everything that is set before the first bind or connect.
pub(crate) fn configure(raw: &mut RawSocket, kind: SocketKind, options: &SocketOptions) -> Result<()> {
    for (name, option, value) in options.settings() {
        raw.set(name, option, value)?;
    }
    match kind {
        // Subscriptions are queued like messages: with a limit, those beyond it are dropped without a word.
        SocketKind::Sub | SocketKind::XSub => raw.set("send_hwm", zmq::SNDHWM, Setting::Int(0))?,
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
