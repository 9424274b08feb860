//! What a driven machine has: its sockets, and what is on its way to them.

use std::{
    collections::{BTreeMap, VecDeque},
    iter,
    sync::Arc,
    time::{Duration, Instant},
};

use smallvec::SmallVec;
use zpatterns_protocol::{
    Error, ErrorKind, Machine, Result, Time,
    machine::{Frames, Input, Peer, Refusal, Role, SocketId, Token},
};

use super::{
    Shared,
    hosted::{HostedSocket, Received},
    turn::TURN,
};
use crate::{Frame, Security, context::Opener};

/// When to try a refused ROUTER again: libzmq calls it writable all the time.
const RETRY: Duration = Duration::from_millis(2);

/// What whoever drives the machine holds.
pub(super) struct State<M> {
    pub(super) machine: M,
    /// While the machine is told something; whoever finds it so comes after a panic.
    pub(super) is_broken: bool,
    pub(super) opener: Option<Opener>,
    pub(super) security: Arc<Security>,
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

impl<M> State<M> {
    pub(super) fn new(machine: M, opener: Opener, security: Security) -> Self {
        Self {
            machine,
            is_broken: false,
            opener: Some(opener),
            security: Arc::new(security),
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

    pub(super) fn socket(&mut self, id: SocketId) -> Result<&mut HostedSocket> {
        self.sockets.get_mut(&id).ok_or_else(|| unknown(id))
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
        match self.sockets.get(&socket).map(|hosted| hosted.ready(&peer, frames)) {
            Some(Ok(Some(frames))) => {
                self.sends.push_back(Outgoing { socket, peer, token, frames });
                None
            }
            Some(Ok(None)) | None => Some(Input::Refused { socket, token, why: Refusal::Gone }),
            Some(Err(error)) => Some(Input::Failed { socket, error }),
        }
    }

    /// What no descriptor may tell of any more, because sending takes libzmq's notices away: whether messages are here, or there is
    /// room again; and when to look again for sockets that cannot say whether they have room.
    pub(super) fn left(&mut self) -> (bool, Option<Instant>) {
        let (mut more, mut retry) = (false, false);
        for (now, later) in self.sockets.values_mut().map(HostedSocket::left) {
            more |= now;
            retry |= later;
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

impl<M: Machine> Shared<M> {
    pub(super) fn open_socket(&self, state: &mut State<M>, id: SocketId, role: Role) -> Result<()> {
        let socket = HostedSocket::open(state.opener.as_ref().ok_or_else(closed)?, role, &state.security)?;
        state.stirred = true;
        if self.driver.is_watched() {
            socket.fds().try_for_each(|fd| self.served.watch(fd))?;
        }
        state.sockets.insert(id, socket);
        Ok(())
    }

    pub(super) fn connect(&self, state: &mut State<M>, id: SocketId, endpoint: &str) -> Result<()> {
        let State { sockets, opener, stirred, .. } = state;
        let socket = sockets.get_mut(&id).ok_or_else(|| unknown(id))?;
        let before = socket.fds().count();
        socket.connect(endpoint, opener.as_ref().ok_or_else(closed)?)?;
        // There may be more to wait for.
        *stirred = true;
        if self.driver.is_watched() {
            socket.fds().skip(before).try_for_each(|fd| self.served.watch(fd))?;
        }
        Ok(())
    }

    pub(super) fn close_socket(&self, state: &mut State<M>, id: SocketId) {
        let Some(socket) = state.sockets.remove(&id) else { return };
        if self.driver.is_watched() {
            socket.fds().for_each(|fd| self.served.unwatch(fd));
        }
        if self.driver.is_driving() {
            state.stirred = true;
            state.closing.push(socket);
        }
    }

    /// True if there are more.
    pub(super) fn take_messages(&self, state: &mut State<M>) -> bool {
        let mut again = false;
        let ids: Vec<SocketId> = state.sockets.keys().copied().collect();
        for id in ids {
            for count in 0.. {
                if count == TURN {
                    again = true;
                    break;
                }
                // A message may make the machine close the socket.
                let Some(socket) = state.sockets.get_mut(&id) else { break };
                match socket.recv() {
                    Ok(Some(Received { peer, user, frames })) => {
                        self.tell(state, Input::Message { socket: id, peer, user, frames });
                    }
                    Ok(None) => break,
                    Err(error) => {
                        self.failed(state, id, error);
                        break;
                    }
                }
            }
        }
        again
    }

    /// Tells the machine where it was turned away.
    pub(super) fn take_refusals(&self, state: &mut State<M>) {
        let mut all = Vec::new();
        for (id, socket) in &mut state.sockets {
            all.extend(iter::from_fn(|| socket.refusal()).map(|error| (*id, error)));
        }
        for (socket, error) in all {
            // The one before may have made the machine close it.
            if state.sockets.contains_key(&socket) {
                self.tell(state, Input::Failed { socket, error });
            }
        }
    }

    /// A socket is of no more use.
    fn failed(&self, state: &mut State<M>, socket: SocketId, error: Error) {
        self.close_socket(state, socket);
        self.tell(state, Input::Failed { socket, error });
    }

    /// Tells the machine of sockets that have room again.
    pub(super) fn settle(&self, state: &mut State<M>) {
        let mut writable = Vec::new();
        for (id, socket) in &mut state.sockets {
            if !socket.full.is_empty() && socket.has_room() {
                socket.full.clear();
                writable.push(*id);
            }
        }
        for socket in writable {
            self.tell(state, Input::Writable { socket });
        }
    }
}

fn unknown(id: SocketId) -> Error {
    Error::new(ErrorKind::WrongState, "the socket is not open").with("socket", id.0)
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the handle is closed")
}
