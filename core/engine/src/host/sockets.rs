//! What a driven machine has: its sockets, and what is on its way to them.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    os::fd::RawFd,
    time::Instant,
};

use zpatterns_protocol::{
    Error, ErrorKind, Result,
    machine::{Frames, Input, Peer, Refusal, Role, SocketId, Token},
};

use crate::{Frame, context::Opener, raw::RawSocket};

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
    /// When the reactor will give a turn anyway.
    pub(super) planned: Option<Instant>,
    /// Events or sockets have changed in this turn.
    pub(super) stirred: bool,
    /// When a waiting thread last ceased to drive the machine.
    pub(super) driven: Instant,
    /// The reactor does not come back by itself to see whether somebody still drives the machine.
    pub(super) unattended: bool,
}

pub(super) struct Outgoing {
    pub(super) socket: SocketId,
    pub(super) peer: Peer,
    pub(super) token: Token,
    pub(super) frames: Frames,
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
            planned: None,
            stirred: false,
            driven: Instant::now(),
            unattended: true,
        }
    }

    pub(super) fn raw(&mut self, id: SocketId) -> Result<&mut RawSocket> {
        let unknown = || Error::new(ErrorKind::Closed, "the socket is not open").with("socket", id.0);
        self.sockets.get_mut(&id).map(|socket| &mut socket.raw).ok_or_else(unknown)
    }

    /// What a socket is to send before it closes. Nobody is left to hear that it was refused.
    pub(super) fn send_last(&mut self, id: SocketId) {
        for sent in std::mem::take(&mut self.sends) {
            if sent.socket == id {
                let _: Option<Input<()>> = self.send(id, &sent.peer, sent.token, &sent.frames);
            } else {
                self.sends.push_back(sent);
            }
        }
    }

    pub(super) fn send<C>(&mut self, id: SocketId, peer: &Peer, token: Token, frames: &Frames) -> Option<Input<C>> {
        let refused = |why| Some(Input::Refused { socket: id, token, why });
        let Some(socket) = self.sockets.get_mut(&id) else { return refused(Refusal::Gone) };
        if socket.full.contains(peer) {
            return refused(Refusal::Full);
        }
        match socket.send(peer, frames) {
            Ok(true) => None,
            Ok(false) => {
                socket.full.insert(peer.clone());
                refused(Refusal::Full)
            }
            Err(error) if error.kind() == ErrorKind::Unreachable => refused(Refusal::Gone),
            Err(error) => Some(Input::Failed { socket: id, error }),
        }
    }
}

impl HostedSocket {
    fn send(&mut self, peer: &Peer, frames: &Frames) -> Result<bool> {
        let address = (self.role == Role::Router).then_some(&peer.0);
        let mut all = address.into_iter().chain(frames).peekable();
        while let Some(bytes) = all.next() {
            if !self.raw.send_frame(&mut Frame::sharing(bytes)?, all.peek().is_some())? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn recv(&mut self) -> Result<Option<(Peer, Frames)>> {
        let mut frames = Frames::new();
        if !self.raw.recv_message(|frame| frames.push(std::mem::take(frame).into_bytes()))? {
            return Ok(None);
        }
        let peer = match self.role {
            Role::Dealer => Peer::default(),
            Role::Router => Peer(frames.remove(0)),
        };
        Ok(Some((peer, frames)))
    }
}

pub(super) fn bind(raw: &mut RawSocket, endpoint: &str) -> Result<String> {
    raw.bind(endpoint)?;
    raw.last_endpoint()
}
