//! What a driven machine has: its sockets, and what is on its way to them.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    os::fd::RawFd,
    time::{Duration, Instant},
};

use libzmq::option as zmq;
use smallvec::SmallVec;
use zpatterns_protocol::{
    Error, ErrorKind, Result, Time,
    machine::{Frames, Input, Peer, Refusal, Role, SocketId, Token},
};

use crate::{Frame, context::Opener, options::Setting, raw::RawSocket};

/// When to try a refused ROUTER again: libzmq calls it writable all the time.
const RETRY: Duration = Duration::from_millis(2);

/// What whoever drives the machine holds.
pub(super) struct State<M> {
    pub(super) machine: M,
    pub(super) opener: Option<Opener>,
    pub(super) sockets: BTreeMap<SocketId, HostedSocket>,
    /// Closed by others while somebody may look at their descriptors.
    pub(super) closing: Vec<HostedSocket>,
    pub(super) room: usize,
    /// What the machine sends leaves together at the end of a turn: else libzmq's thread is woken for each message.
    pub(super) sends: VecDeque<Outgoing>,
    /// When this turn began, which is the time of all that the machine is told in it.
    pub(super) now: Time,
    /// When the reactor will give a turn anyway.
    pub(super) planned: Option<Instant>,
    /// Events or sockets have changed in this turn.
    pub(super) stirred: bool,
    /// When a waiting thread last ceased to drive the machine.
    pub(super) driven: Instant,
    /// The reactor does not come back by itself to see whether somebody still drives the machine.
    pub(super) unattended: bool,
}

/// A message that is ready to be sent, with the address that a ROUTER wants. The first that is sent wakes libzmq's thread, so
/// those behind it must not let it wait: what takes time is done before.
pub(super) struct Outgoing {
    socket: SocketId,
    peer: Peer,
    token: Token,
    frames: SmallVec<[Frame; 2]>,
}

pub(super) struct HostedSocket {
    pub(super) raw: RawSocket,
    pub(super) role: Role,
    pub(super) fd: RawFd,
    /// Connections that refused a message for want of room. They refuse everything until the machine has heard of room:
    /// else a later message could overtake the refused one.
    pub(super) full: BTreeSet<Peer>,
}

impl<M> State<M> {
    pub(super) fn new(machine: M, opener: Opener) -> Self {
        Self {
            machine,
            opener: Some(opener),
            sockets: BTreeMap::new(),
            closing: Vec::new(),
            room: 0,
            sends: VecDeque::new(),
            now: Time::ZERO,
            planned: None,
            stirred: false,
            driven: Instant::now(),
            unattended: true,
        }
    }

    pub(super) fn raw(&mut self, id: SocketId) -> Result<&mut RawSocket> {
        let unknown = || Error::new(ErrorKind::WrongState, "the socket is not open").with("socket", id.0);
        self.sockets.get_mut(&id).map(|socket| &mut socket.raw).ok_or_else(unknown)
    }

    /// What a socket is to send before it closes. Nobody is left to hear that it was refused.
    pub(super) fn send_last(&mut self, id: SocketId) {
        for sent in std::mem::take(&mut self.sends) {
            if sent.socket == id {
                let _: Option<Input<()>> = self.send(sent);
            } else {
                self.sends.push_back(sent);
            }
        }
    }

    /// Takes a message to be sent at the end of the turn; the answer, if it cannot be.
    pub(super) fn prepare<C>(
        &mut self,
        socket: SocketId,
        peer: Peer,
        token: Token,
        frames: Frames,
    ) -> Option<Input<C>> {
        let Some(hosted) = self.sockets.get(&socket) else {
            return Some(Input::Refused { socket, token, why: Refusal::Gone });
        };
        match hosted.ready(&peer, frames) {
            Ok(frames) => {
                self.sends.push_back(Outgoing { socket, peer, token, frames });
                None
            }
            Err(error) => Some(Input::Failed { socket, error }),
        }
    }

    /// What no descriptor may tell of any more, because sending takes libzmq's notices away: whether messages are here, or there is
    /// room again; and when to look again for sockets that cannot say whether they have room.
    pub(super) fn left(&mut self) -> (bool, Option<Instant>) {
        let (mut more, mut retry) = (false, false);
        for socket in self.sockets.values_mut() {
            let (events, waits) = (socket.events(), !socket.full.is_empty());
            let is_router = socket.role == Role::Router;
            more |= events & libzmq::POLLIN != 0 || (waits && !is_router && events & libzmq::POLLOUT != 0);
            retry |= waits && is_router;
        }
        (more, retry.then(|| Instant::now() + RETRY))
    }

    pub(super) fn send<C>(&mut self, outgoing: Outgoing) -> Option<Input<C>> {
        let Outgoing { socket, peer, token, mut frames } = outgoing;
        let refused = |why| Some(Input::Refused { socket, token, why });
        let Some(hosted) = self.sockets.get_mut(&socket) else { return refused(Refusal::Gone) };
        if hosted.full.contains(&peer) {
            return refused(Refusal::Full);
        }
        match hosted.send(&mut frames) {
            Ok(true) => None,
            Ok(false) => {
                hosted.full.insert(peer);
                refused(Refusal::Full)
            }
            Err(error) if error.kind() == ErrorKind::Unreachable => refused(Refusal::Gone),
            Err(error) => Some(Input::Failed { socket, error }),
        }
    }
}

impl HostedSocket {
    /// What libzmq says of it. Of a socket that it cannot say anything of, receiving says what is wrong.
    pub(super) fn events(&mut self) -> i16 {
        self.raw.events().unwrap_or(libzmq::POLLIN)
    }

    fn ready(&self, peer: &Peer, frames: Frames) -> Result<SmallVec<[Frame; 2]>> {
        let mut ready = SmallVec::new();
        if self.role == Role::Router {
            ready.push(Frame::copy_from(&peer.0)?);
        }
        for bytes in frames {
            ready.push(Frame::sharing(bytes)?);
        }
        Ok(ready)
    }

    fn send(&mut self, frames: &mut [Frame]) -> Result<bool> {
        let last = frames.len().saturating_sub(1);
        for (index, frame) in frames.iter_mut().enumerate() {
            if !self.raw.send_frame(frame, index < last)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn recv(&mut self) -> Result<Option<(Peer, Frames)>> {
        // Most messages have one frame. On a ROUTER the address goes before.
        let (mut peer, mut frames) = ((self.role != Role::Router).then(Peer::default), Frames::with_capacity(1));
        let found = self.raw.recv_message(|frame| {
            let bytes = std::mem::take(frame).into_bytes();
            match peer {
                None => peer = Some(Peer(bytes)),
                Some(_) => frames.push(bytes),
            }
        })?;
        Ok(peer.filter(|_| found).map(|peer| (peer, frames)))
    }
}

pub(super) fn bind(raw: &mut RawSocket, endpoint: &str) -> Result<String> {
    raw.bind(endpoint)?;
    raw.last_endpoint()
}

/// Connects a ROUTER to somebody whom it will know by this name.
pub(super) fn dial(raw: &mut RawSocket, endpoint: &str, peer: &Peer) -> Result<()> {
    raw.set("connect_routing_id", zmq::CONNECT_ROUTING_ID, Setting::Bytes(&peer.0))?;
    raw.connect(endpoint)
}
