//! The contract of every pattern.
//!
//! A machine is told what happened, one [`Input`] at a time, together with the time. After each input whoever drives it
//! takes [`Output`]s from [`Machine::poll`] until there are none, and comes back at [`Machine::deadline`] at the latest.
//! Nothing else changes a machine, and nothing it does has an effect before it is taken out. So the same machine runs on
//! real sockets in the engine and on a seeded network in the simulator.
//!
//! ```
//! # use zpatterns_protocol::{Time, machine::{Input, Machine, Output}};
//! fn drive<M: Machine>(machine: &mut M, now: Time, input: Input<M::Command>) -> Vec<Output<M::Event>> {
//!     machine.handle(now, input);
//!     std::iter::from_fn(|| machine.poll()).collect()
//! }
//! ```

use bytes::Bytes;

use crate::{Error, Result, Time, Wall};

/// The frames of a message, in order. The bytes are counted references: keeping them for a second attempt is no copy.
pub type Frames = Vec<Bytes>;

/// A machine's own number for one of its sockets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SocketId(pub u32);

/// A machine's own number for a message that it sends, by which it learns that the message was refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Token(pub u64);

/// A connection of a socket that has many: good for answering, as long as the connection lives. It is no identity,
/// because it changes when the peer reconnects; who a peer is, a pattern says in its own header.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Peer(pub Bytes);

/// The sockets that machines use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Talks to whom it connects to.
    Dealer,
    /// Talks to everybody who connects, each by its [`Peer`].
    Router,
    /// Says to everybody who connects what he asked for by a prefix of the first frame. Who does not keep up misses some of
    /// it, and nobody is told.
    Pub,
    /// Hears what somebody says to everybody, if it asked for it with [`Output::Subscribe`].
    Sub,
}

/// Why a message was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The connection's queue is full. It refuses everything until [`Input::Writable`], so nothing overtakes.
    Full,
    /// There is no such connection.
    Gone,
}

/// A change of what a machine has stored, which is a table of values by key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// The key has this value from now on.
    Put {
        /// Which.
        key: Bytes,
        /// What it is.
        value: Bytes,
    },
    /// The key has no value any more.
    Remove {
        /// Which.
        key: Bytes,
    },
}

/// What happened.
#[derive(Debug)]
pub enum Input<C> {
    /// A message arrived.
    Message {
        /// On this socket.
        socket: SocketId,
        /// Over this connection; except on a ROUTER it is the default.
        peer: Peer,
        /// Who that is, by the security of the connection: a user, or a CURVE key as text. Empty is nobody knows.
        user: Bytes,
        /// What was sent.
        frames: Frames,
    },
    /// A bind succeeded.
    Bound {
        /// Of this socket.
        socket: SocketId,
        /// With the port that the system chose.
        endpoint: String,
    },
    /// A socket could not be opened, bound or connected; or it was turned away where it connects, because of who we are
    /// ([`PermissionDenied`](crate::ErrorKind::PermissionDenied)), and is not connected there again. The machine closes it when it
    /// has no more use for it.
    Failed {
        /// This one.
        socket: SocketId,
        /// Because of this; where, is the fact `endpoint`.
        error: Error,
    },
    /// A message was not taken, and nothing of it was sent.
    Refused {
        /// On this socket.
        socket: SocketId,
        /// The message.
        token: Token,
        /// Because of this.
        why: Refusal,
    },
    /// A socket that refused for want of room has some.
    Writable {
        /// This one.
        socket: SocketId,
    },
    /// What the store holds, as [`Output::Recover`] asked.
    Recovered {
        /// The date, by which what is stored tells how old it is.
        date: Wall,
        /// All keys with their values, in the order of the keys.
        records: Vec<(Bytes, Bytes)>,
    },
    /// What the store has for a key, as [`Output::Fetch`] asked.
    Fetched {
        /// Which.
        key: Bytes,
        /// Its value, if it has one; or why that cannot be read.
        value: Result<Option<Bytes>>,
    },
    /// Changes are durable, up to and including those of this number.
    Stored {
        /// The last of them.
        up_to: u64,
    },
    /// Changes of which nothing was told yet, up to those of this number, are not in the store; later ones may be. Whether
    /// some of them appear after a crash, nobody knows.
    StoreFailed {
        /// The last of them; 0 if the store cannot be read.
        up_to: u64,
        /// Because of this.
        error: Error,
    },
    /// The application wants something.
    Command(C),
    /// The application's inbox takes this many events more.
    Room(usize),
    /// The time that the machine asked for has come.
    Deadline,
}

impl<C> Input<C> {
    /// The same, with another command; for machines that are made of others.
    pub fn map<D>(self, convert: impl FnOnce(C) -> D) -> Input<D> {
        match self {
            Self::Message { socket, peer, user, frames } => Input::Message { socket, peer, user, frames },
            Self::Bound { socket, endpoint } => Input::Bound { socket, endpoint },
            Self::Failed { socket, error } => Input::Failed { socket, error },
            Self::Refused { socket, token, why } => Input::Refused { socket, token, why },
            Self::Writable { socket } => Input::Writable { socket },
            Self::Recovered { date, records } => Input::Recovered { date, records },
            Self::Fetched { key, value } => Input::Fetched { key, value },
            Self::Stored { up_to } => Input::Stored { up_to },
            Self::StoreFailed { up_to, error } => Input::StoreFailed { up_to, error },
            Self::Command(command) => Input::Command(convert(command)),
            Self::Room(room) => Input::Room(room),
            Self::Deadline => Input::Deadline,
        }
    }
}

/// What is to be done.
#[derive(Debug)]
pub enum Output<E> {
    /// Open a socket.
    Open {
        /// As this number.
        socket: SocketId,
        /// Of this kind.
        role: Role,
    },
    /// Listen; the answer is [`Input::Bound`] or [`Input::Failed`]. A socket that listens does not connect as well.
    Bind {
        /// With this socket.
        socket: SocketId,
        /// Here.
        endpoint: String,
    },
    /// Connect, and reconnect for as long as the socket lives; a ROUTER dials instead. Who is turned away there, because of who
    /// he is, is not connected again, which is [`Input::Failed`].
    Connect {
        /// This socket.
        socket: SocketId,
        /// To here.
        endpoint: String,
    },
    /// Connect a ROUTER, and reconnect until [`Output::HangUp`]; who is there is this peer from now on. What is sent before
    /// there is a connection waits for it, until it is [`Refusal::Full`]. It is [`Refusal::Gone`] if we were turned away there,
    /// because of who we are: then only another call helps, and nothing else is said of it.
    Dial {
        /// This socket.
        socket: SocketId,
        /// To here.
        endpoint: String,
        /// A name of the machine's own, not in use for another connection of this socket; at most 255 bytes, the first is not 0.
        peer: Peer,
    },
    /// Undo a [`Output::Dial`]: what was taken for sending there may be lost.
    HangUp {
        /// This socket.
        socket: SocketId,
        /// From here.
        endpoint: String,
    },
    /// Let a SUB hear what begins so, from whomever it is connected to.
    Subscribe {
        /// This socket.
        socket: SocketId,
        /// How the first frame begins.
        prefix: Bytes,
    },
    /// Close a socket; what was taken for sending still leaves, within the linger of its driver.
    Close {
        /// This one.
        socket: SocketId,
    },
    /// Send a message. If it is not taken the answer is [`Input::Refused`], perhaps after other inputs.
    Send {
        /// On this socket.
        socket: SocketId,
        /// Over this connection; except on a ROUTER it is the default.
        peer: Peer,
        /// By which a refusal is told.
        token: Token,
        /// What is sent.
        frames: Frames,
    },
    /// Give the application an event; never more than it has room for.
    Deliver(E),
    /// Tell what the store holds; the answer is [`Input::Recovered`], or [`Input::StoreFailed`] up to 0.
    Recover,
    /// Tell what the store has for this key, of what is durable by now; the answer is [`Input::Fetched`].
    Fetch {
        /// Which.
        key: Bytes,
    },
    /// Make changes durable, all of them or none, in the order of the numbers. The answer is [`Input::Stored`] or
    /// [`Input::StoreFailed`], perhaps for several at once.
    Store {
        /// One more than the last, from 1.
        sequence: u64,
        /// What changes.
        changes: Vec<Change>,
    },
}

impl<E> Output<E> {
    /// The same, with another event.
    pub fn map<F>(self, convert: impl FnOnce(E) -> F) -> Output<F> {
        match self {
            Self::Open { socket, role } => Output::Open { socket, role },
            Self::Bind { socket, endpoint } => Output::Bind { socket, endpoint },
            Self::Connect { socket, endpoint } => Output::Connect { socket, endpoint },
            Self::Dial { socket, endpoint, peer } => Output::Dial { socket, endpoint, peer },
            Self::HangUp { socket, endpoint } => Output::HangUp { socket, endpoint },
            Self::Subscribe { socket, prefix } => Output::Subscribe { socket, prefix },
            Self::Close { socket } => Output::Close { socket },
            Self::Send { socket, peer, token, frames } => Output::Send { socket, peer, token, frames },
            Self::Deliver(event) => Output::Deliver(convert(event)),
            Self::Recover => Output::Recover,
            Self::Fetch { key } => Output::Fetch { key },
            Self::Store { sequence, changes } => Output::Store { sequence, changes },
        }
    }
}

/// A pattern's behaviour, or one side of it.
pub trait Machine {
    /// What the application can want.
    type Command;
    /// What the application is told.
    type Event;

    /// Takes in what happened at `now`, which is never earlier than in the call before.
    fn handle(&mut self, now: Time, input: Input<Self::Command>);

    /// The next thing to do. Changes only in [`handle`](Self::handle) and by being called.
    #[must_use]
    fn poll(&mut self) -> Option<Output<Self::Event>>;

    /// When to come back with [`Input::Deadline`] if nothing else happens; `None` is never. Changes only in
    /// [`handle`](Self::handle).
    #[must_use]
    fn deadline(&self) -> Option<Time>;
}
