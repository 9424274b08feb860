//! A socket of a machine.
//!
//! It binds or it connects, not both, so it is a server or a client as its machine's [`Security`] has it. A ROUTER that
//! connects dials, and knows nobody but those whom it dialled.

use std::{collections::BTreeSet, iter, os::fd::RawFd, sync::Arc};

use bytes::Bytes;
use libzmq::option as zmq;
use smallvec::SmallVec;
use zpatterns_protocol::{
    Error, ErrorKind, Result,
    machine::{Frames, Peer, Role},
};

use super::dialled::Dialled;
use crate::{
    Frame, Security, SocketKind, SocketOptions, context::Opener, monitor::Refusals, options::Setting, raw::RawSocket,
};

pub(super) struct HostedSocket {
    raw: RawSocket,
    pub(super) role: Role,
    fd: RawFd,
    /// Connections that refused a message for want of room. They refuse everything until the machine has heard of room:
    /// else a later message could overtake the refused one.
    pub(super) full: BTreeSet<Peer>,
    security: Arc<Security>,
    side: Option<Side>,
    dialled: Dialled,
    /// If it connects, and is to be somebody there. It costs two more sockets.
    refusals: Option<Refusals>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Server,
    Client,
}

/// A message that arrived.
pub(super) struct Received {
    pub(super) peer: Peer,
    pub(super) user: Bytes,
    pub(super) frames: Frames,
}

impl HostedSocket {
    pub(super) fn open(opener: &Opener, role: Role, security: &Arc<Security>) -> Result<Self> {
        let (kind, immediate) = match role {
            // What waits for a connection is the machine's to know.
            Role::Dealer => (SocketKind::Dealer, true),
            Role::Pub => (SocketKind::Pub, true),
            // A name that is dialled is there from then on, and what arrived outlives its connection.
            Role::Router => (SocketKind::Router, false),
            Role::Sub => (SocketKind::Sub, false),
        };
        let mut raw = opener.open(kind, &SocketOptions { immediate, ..SocketOptions::default() })?;
        let fd = raw.fd()?;
        Ok(Self {
            raw,
            role,
            fd,
            full: BTreeSet::new(),
            security: Arc::clone(security),
            side: None,
            dialled: Dialled::default(),
            refusals: None,
        })
    }

    /// Listens; where, with the port that the system chose.
    pub(super) fn bind(&mut self, endpoint: &str) -> Result<String> {
        self.set_up(Side::Server)?;
        self.raw.bind(endpoint)?;
        self.raw.last_endpoint()
    }

    pub(super) fn connect(&mut self, endpoint: &str, opener: &Opener) -> Result<()> {
        if self.role == Role::Router {
            return Err(wrong("a machine's ROUTER dials, or binds"));
        }
        self.set_up(Side::Client)?;
        if self.security.client.is_some() && self.refusals.is_none() {
            self.refusals = Some(Refusals::of(&mut self.raw, opener)?);
        }
        self.raw.connect(endpoint)
    }

    /// Where it was turned away.
    pub(super) fn refusal(&mut self) -> Option<Error> {
        // What is wrong with the context, receiving from the socket itself says.
        self.refusals.as_mut()?.next().ok().flatten()
    }

    /// Readable when there may be something to be done with it.
    pub(super) fn fds(&self) -> impl Iterator<Item = RawFd> {
        iter::once(self.fd).chain(self.refusals.as_ref().map(|refusals| refusals.fd))
    }

    /// Connects a ROUTER to somebody whom it will know by this name.
    pub(super) fn dial(&mut self, endpoint: String, peer: Peer) -> Result<()> {
        if self.role != Role::Router {
            return Err(wrong("only a ROUTER dials"));
        }
        self.set_up(Side::Client)?;
        let id = self.dialled.add(endpoint.clone(), peer)?;
        let connected = self
            .raw
            .set("connect_routing_id", zmq::CONNECT_ROUTING_ID, Setting::Bytes(&id))
            .and_then(|()| self.raw.connect(&endpoint));
        if connected.is_err() {
            self.dialled.remove(&endpoint);
        }
        connected
    }

    /// Gives up what was dialled; where nothing was, there is nothing to do.
    pub(super) fn hang_up(&mut self, endpoint: &str) {
        let Some(peer) = self.dialled.remove(endpoint) else { return };
        self.full.remove(&peer);
        // Whoever binds an inproc name that a ROUTER was connected to, and is not any more, makes libzmq end the process. So
        // the connection stays, and nobody is there any more.
        if endpoint.starts_with("inproc:") {
            return;
        }
        // The connection may have ended by itself.
        let _ = self.raw.disconnect(endpoint);
    }

    pub(super) fn subscribe(&mut self, prefix: &[u8]) -> Result<()> {
        self.raw.set("subscribe", zmq::SUBSCRIBE, Setting::Bytes(prefix))
    }

    /// Sets what must be set before a socket binds or connects.
    fn set_up(&mut self, side: Side) -> Result<()> {
        match (self.side, side) {
            (Some(before), now) if before == now => return Ok(()),
            (Some(_), _) => return Err(wrong("a machine's socket binds or connects, not both")),
            (None, Side::Server) => self.security.set_for_server(&mut self.raw)?,
            (None, Side::Client) => self.security.set_for_client(&mut self.raw)?,
        }
        self.side = Some(side);
        Ok(())
    }

    /// What libzmq says of it. Of a socket that it cannot say anything of, receiving says what is wrong.
    fn events(&mut self) -> i16 {
        self.raw.events().unwrap_or(libzmq::POLLIN)
    }

    pub(super) fn has_room(&mut self) -> bool {
        self.events() & libzmq::POLLOUT != 0
    }

    /// Whether it has something of which no descriptor may tell any more, and whether it has to be looked at again later: a
    /// ROUTER says that there is room if any of its connections has some.
    pub(super) fn left(&mut self) -> (bool, bool) {
        let (events, is_router) = (self.events(), self.role == Role::Router);
        let has_messages = events & libzmq::POLLIN != 0;
        let may_have_room = events & libzmq::POLLOUT != 0 && !self.full.is_empty();
        (has_messages || (may_have_room && !is_router), may_have_room && is_router)
    }

    /// What is to be handed to libzmq; `None` if there is no such connection.
    pub(super) fn ready(&self, peer: &Peer, frames: Frames) -> Result<Option<SmallVec<[Frame; 2]>>> {
        let mut ready = SmallVec::new();
        match (self.role, self.side) {
            (Role::Router, Some(Side::Client)) => {
                let Some(id) = self.dialled.id_of(peer) else { return Ok(None) };
                ready.push(Frame::copy_from(&id)?);
            }
            (Role::Router, _) => ready.push(Frame::copy_from(&peer.0)?),
            _ => {}
        }
        for bytes in frames {
            ready.push(Frame::sharing(bytes)?);
        }
        Ok(Some(ready))
    }

    pub(super) fn send(&mut self, frames: &mut [Frame]) -> Result<bool> {
        let last = frames.len().saturating_sub(1);
        for (index, frame) in frames.iter_mut().enumerate() {
            if !self.raw.send_frame(frame, index < last)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn recv(&mut self) -> Result<Option<Received>> {
        // What arrives there is for libzmq, which looks when it is asked for its state.
        if self.role == Role::Pub {
            return Ok(None);
        }
        let Self { raw, role, security, side, dialled, .. } = self;
        let asks = *side == Some(Side::Server) && security.server.is_some();
        loop {
            // Most messages have one frame. On a ROUTER the address goes before.
            let (mut address, mut user, mut frames) = (None, Bytes::new(), Frames::with_capacity(1));
            let found = raw.recv_message(|frame| {
                if *role == Role::Router && address.is_none() {
                    if asks {
                        // Measured: to remember who it was the last time is not cheaper.
                        user = Bytes::copy_from_slice(frame.user());
                    }
                    address = Some(std::mem::take(frame));
                } else {
                    frames.push(std::mem::take(frame).into_bytes());
                }
            })?;
            if !found {
                return Ok(None);
            }
            let peer = match address {
                Some(id) if *side == Some(Side::Client) => dialled.peer_of(&id),
                Some(address) => Some(Peer(address.into_bytes())),
                None => Some(Peer::default()),
            };
            // Else it hung up there meanwhile.
            if let Some(peer) = peer {
                return Ok(Some(Received { peer, user, frames }));
            }
        }
    }
}

impl Drop for HostedSocket {
    fn drop(&mut self) {
        if self.refusals.is_some() {
            self.raw.stop_monitor();
        }
    }
}

fn wrong(text: &str) -> Error {
    Error::new(ErrorKind::WrongState, text)
}
