//! What happens to a socket's connections.
//!
//! `connect` cannot fail for want of a server, because it keeps trying; this is how a program learns what came of it.
//! libzmq's I/O thread stops while nobody takes its events, so ours are always received ahead, and those that a program
//! leaves lying beyond the bound are dropped and counted.
//!
//! Of a machine's socket only [`Refusals`] are of interest.

use std::{
    fmt,
    os::fd::{BorrowedFd, RawFd},
    sync::Arc,
};

use libzmq::event;
use zpatterns_protocol::{Error, ErrorKind, Result};

use crate::{
    Deadline, Hook, Interest, Message, Socket, SocketKind, SocketOptions, context::Opener, raw::RawSocket,
    socket::WeakSocket,
};

/// Events that wait for the program before the newest are dropped.
const MAX_EVENTS: i64 = 10_000;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:path, $text:literal;)*) => {
        /// What happened.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum MonitorEventKind {
            $($(#[doc = $doc])+ $name,)*
        }

        impl MonitorEventKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name in snake case, the same in every language.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            fn from_number(number: i32) -> Option<Self> {
                match number { $($number => Some(Self::$name),)* _ => None }
            }
        }
    };
}

kinds! {
    /// A connection was established; no handshake yet.
    Connected = event::CONNECTED, "connected";
    /// A connection attempt goes on in the background.
    ConnectDelayed = event::CONNECT_DELAYED, "connect_delayed";
    /// A connection will be tried again in `value` milliseconds.
    ConnectRetried = event::CONNECT_RETRIED, "connect_retried";
    /// The socket listens.
    Listening = event::LISTENING, "listening";
    /// Listening failed with the system's error `value`.
    BindFailed = event::BIND_FAILED, "bind_failed";
    /// A peer connected; no handshake yet.
    Accepted = event::ACCEPTED, "accepted";
    /// Accepting failed with the system's error `value`.
    AcceptFailed = event::ACCEPT_FAILED, "accept_failed";
    /// A connection or a listener was closed by us.
    Closed = event::CLOSED, "closed";
    /// Closing failed with the system's error `value`.
    CloseFailed = event::CLOSE_FAILED, "close_failed";
    /// A connection broke.
    Disconnected = event::DISCONNECTED, "disconnected";
    /// The handshake failed with the system's error `value`.
    HandshakeFailed = event::HANDSHAKE_FAILED_NO_DETAIL, "handshake_failed";
    /// The handshake succeeded: messages can flow.
    HandshakeSucceeded = event::HANDSHAKE_SUCCEEDED, "handshake_succeeded";
    /// The peer broke the protocol; `value` is libzmq's code of how.
    HandshakeFailedProtocol = event::HANDSHAKE_FAILED_PROTOCOL, "handshake_failed_protocol";
    /// The peer was refused; `value` is the status, 300, 400 or 500.
    HandshakeFailedAuth = event::HANDSHAKE_FAILED_AUTH, "handshake_failed_auth";
    /// The last event: the monitored socket was closed.
    Stopped = event::MONITOR_STOPPED, "stopped";
}

impl fmt::Display for MonitorEventKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// Something that happened to a socket or to one of its connections.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MonitorEvent {
    /// What happened.
    pub kind: MonitorEventKind,
    /// The endpoint that it happened to; may be empty.
    pub endpoint: String,
    /// As `kind` says.
    pub value: u32,
}

/// The events of one socket. A socket has one monitor; a new one takes over from the last. It ends when the last clone
/// is dropped, or with [`close`](Self::close).
#[derive(Clone)]
pub struct Monitor(Arc<Handle>);

struct Handle {
    events: Socket,
    monitored: WeakSocket,
    endpoint: String,
}

impl Socket {
    /// Watches the connections of this socket from now on.
    pub fn monitor(&self) -> Result<Monitor> {
        let options = SocketOptions { inbox_messages: MAX_EVENTS, recv_hwm: MAX_EVENTS, ..SocketOptions::background() };
        let events = Self::open_lossy(self.context(), SocketKind::Pair, &options)?;
        let endpoint = self.context().unique_name("monitor");
        self.operate_on_monitor(|raw, current| {
            raw.monitor(Some(&endpoint), event::ALL)?;
            *current = Some(endpoint.clone());
            Ok(())
        })?;
        events.connect(&endpoint)?;
        Ok(Monitor(Arc::new(Handle { events, monitored: self.downgrade(), endpoint })))
    }
}

impl Monitor {
    /// The next event. [`ErrorKind::Timeout`] if none came until `deadline`.
    pub fn next(&self, deadline: &Deadline) -> Result<MonitorEvent> {
        loop {
            // Events of a later libzmq that this one does not know are passed over.
            if let Some(event) = decode(&self.0.events.recv(deadline)?)? {
                return Ok(event);
            }
        }
    }

    /// How many events were dropped because the program left too many lying.
    pub fn lost(&self) -> u64 {
        self.0.events.stats().lost_full
    }

    /// Asks for one notice of the next event; true if one waits already. As [`Socket::arm`].
    pub fn arm(&self) -> Result<bool> {
        self.0.events.arm(Interest::RECV).map(|ready| ready.is_some())
    }

    /// As [`Socket::ready_fd`].
    pub fn ready_fd(&self) -> Result<BorrowedFd<'_>> {
        self.0.events.ready_fd()
    }

    /// As [`Socket::set_hook`].
    pub fn set_hook(&self, hook: Option<Hook>) -> Result<()> {
        self.0.events.set_hook(hook)
    }

    /// Stops listening to events. The monitored socket goes on.
    pub fn close(&self) {
        self.0.close();
    }
}

impl Handle {
    fn close(&self) {
        // libzmq stops first: its I/O thread would wait for ever to get rid of an event that nobody receives.
        if let Some(monitored) = self.monitored.upgrade() {
            let _ = monitored.operate_on_monitor(|raw, current| {
                if current.as_ref() == Some(&self.endpoint) {
                    *current = None;
                    raw.monitor(None, 0)?;
                }
                Ok(())
            });
        }
        self.events.close(None);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Monitor")
    }
}

/// Where a raw socket that connects was turned away, after which libzmq does not connect it there again. That is said once for each
/// endpoint, so there is no flood of it; of a socket that listens it would be said of everybody whom that turns away.
pub(crate) struct Refusals {
    events: RawSocket,
    /// Readable when there may be one.
    pub(crate) fd: RawFd,
}

impl Refusals {
    /// Of a socket that is about to connect. Its owner receives them as they come, and
    /// [stops the monitor](RawSocket::stop_monitor) before this is dropped.
    pub(crate) fn of(raw: &mut RawSocket, opener: &Opener) -> Result<Self> {
        let mut events = opener.open(SocketKind::Pair, &SocketOptions::default())?;
        let (endpoint, fd) = (opener.unique_name("refusals"), events.fd()?);
        // First, because nobody could be told what comes while it fails.
        events.connect(&endpoint)?;
        raw.monitor(Some(&endpoint), event::HANDSHAKE_FAILED_AUTH | event::HANDSHAKE_FAILED_PROTOCOL)?;
        Ok(Self { events, fd })
    }

    /// The next one, if there is one.
    pub(crate) fn next(&mut self) -> Result<Option<Error>> {
        loop {
            let mut message = Message::new();
            if !self.events.recv_message(|frame| message.push(std::mem::take(frame)))? {
                return Ok(None);
            }
            if let Some(refusal) = decode(&message)?.and_then(refusal_of) {
                return Ok(Some(refusal));
            }
        }
    }
}

/// What ends a connection for another reason, the patterns notice themselves.
fn refusal_of(event: MonitorEvent) -> Option<Error> {
    let refused = |text| Error::new(ErrorKind::PermissionDenied, text);
    let error = match (event.kind, event.value) {
        (MonitorEventKind::HandshakeFailedAuth, status) => {
            refused("we were turned away: the other side does not let us in as who we are").with("status", status)
        }
        (MonitorEventKind::HandshakeFailedProtocol, event::ZMTP_MECHANISM_MISMATCH) => {
            refused("we were turned away: the other side protects its connections in another way")
        }
        _ => return None,
    };
    Some(error.with("endpoint", event.endpoint))
}

fn decode(message: &Message) -> Result<Option<MonitorEvent>> {
    let malformed = || Error::new(ErrorKind::Poisoned, "libzmq sent a monitor event of an unknown form");
    let [head, endpoint] = message.frames() else { return Err(malformed()) };
    let (number, value) = head.split_first_chunk::<2>().ok_or_else(malformed)?;
    let value = value.try_into().map(u32::from_ne_bytes).map_err(|_| malformed())?;
    let kind = MonitorEventKind::from_number(u16::from_ne_bytes(*number).into());
    Ok(kind.map(|kind| MonitorEvent { kind, endpoint: String::from_utf8_lossy(endpoint).into_owned(), value }))
}
