//! The client among servers of the Freelance pattern, 10/FLP.
//!
//! A server answers `[control][body...]` with the same control and its reply, and `PING` with `PONG`. It tells nothing else:
//! the client is told which service it offers, and how many requests it takes at once. Our ticket is the control, so a late
//! answer reaches no other request. A server that is busy answers no ping, and counts as dead if a request takes it longer
//! than the client's patience.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;

use super::{
    super::{
        dispatch::{Answer, Call, Outcome, ResponderId, Ticket},
        old::{self, Place, Sending},
        wire::{Failure, Task},
    },
    Client,
};
use crate::{
    ErrorKind, Time,
    link::site,
    liveness::{Due, Liveness, Pace},
    machine::{Frames, Output, Peer, SocketId, Token},
};

/// A server of the Freelance pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FreelanceServer {
    /// Where it is.
    pub endpoint: String,
    /// What it is asked for.
    pub service: Bytes,
    /// How many requests it is given at once.
    pub credit: u32,
}

/// The token of a ping. Those of requests are their numbers.
const PING: Token = Token(0);

/// A server, as the client knows it.
struct Server {
    is: FreelanceServer,
    socket: SocketId,
    /// As what the client knows it while it answers.
    id: Option<ResponderId>,
    liveness: Liveness,
    /// Something was heard through this socket.
    heard: bool,
    /// Requests given to it so far.
    given: u64,
}

impl Server {
    fn place(&self) -> Place {
        Place { socket: self.socket, peer: Peer::default() }
    }

    fn ping(&self) -> Sending {
        Sending { to: self.place(), token: PING, frames: vec![Bytes::from_static(b"PING")] }
    }

    /// By which an answer that comes late is known as its own, over whatever socket.
    fn identity(&self) -> u64 {
        old::identity(&self.is.endpoint)
    }
}

/// All servers, and what is on its way to them.
pub(super) struct Servers {
    pace: Pace,
    all: Vec<Server>,
    sends: VecDeque<Sending>,
}

impl Servers {
    pub(super) fn new(pace: Pace) -> Self {
        Self { pace, all: Vec::new(), sends: VecDeque::new() }
    }

    /// Whether every one of them answers.
    pub(super) fn are_met(&self) -> bool {
        self.all.iter().all(|server| server.id.is_some())
    }

    pub(super) fn are_none(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn poll(&mut self) -> Option<Sending> {
        self.sends.pop_front()
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.all.iter().map(|server| server.liveness.deadline()).min()
    }

    fn at(&mut self, socket: SocketId) -> Option<&mut Server> {
        self.all.iter_mut().find(|server| server.socket == socket)
    }

    /// Begins to ask whether it is there.
    pub(super) fn add(&mut self, now: Time, is: FreelanceServer, socket: SocketId) {
        let liveness = Liveness::new(now, self.pace);
        let server = Server { is, socket, id: None, liveness, heard: false, given: 0 };
        self.sends.push_back(server.ping());
        self.all.push(server);
    }

    /// Its connection takes messages again.
    pub(super) fn writable(&mut self, socket: SocketId) {
        if let Some(server) = self.at(socket) {
            let ping = server.ping();
            self.sends.push_back(ping);
        }
    }
}

impl Client {
    /// Takes in what a server said; false if the socket is none of theirs.
    pub(super) fn server_said(&mut self, now: Time, socket: SocketId, frames: &Frames) -> bool {
        let Some(server) = self.servers.at(socket) else { return false };
        server.liveness.heard(now);
        server.heard = true;
        match (frames.split_first(), server.id) {
            (Some((word, [])), _) if word == "PONG" => {}
            (Some((control, body)), id) if control.len() == size_of::<u64>() => {
                let number = control[..].try_into().expect("it has as many bytes");
                let outcome = Outcome::Reply { run: 0, body: body.to_vec() };
                let answer = Answer { ticket: Ticket(u64::from_be_bytes(number)), outcome };
                match id {
                    Some(id) => self.dispatch.answered(now, id, answer),
                    None => self.dispatch.answered_late(now, server.identity(), answer),
                }
            }
            _ => self.malformed += 1,
        }
        if server.id.is_none() {
            self.ids += 1;
            let id = ResponderId(self.ids);
            server.id = Some(id);
            self.dispatch.offer(id, server.identity(), Some(server.is.service.clone()), server.is.credit);
        }
        true
    }

    /// Gives a server a request; false if the responder is none.
    pub(super) fn give_server(&mut self, now: Time, responder: ResponderId, ticket: Ticket) -> bool {
        let Some(server) = self.servers.all.iter_mut().find(|server| server.id == Some(responder)) else {
            return false;
        };
        let Some(call) = self.dispatch.call(ticket) else { return true };
        if let Some(failure) = unsupported(call) {
            self.dispatch.answered(now, responder, Answer { ticket, outcome: Outcome::Failed(failure) });
            return true;
        }
        server.given += 1;
        server.liveness.sent(now);
        let control = Bytes::copy_from_slice(&ticket.0.to_be_bytes());
        let frames = std::iter::once(control).chain(call.body.iter().cloned()).collect();
        let number = server.given;
        let sending = Sending { to: server.place(), token: Token(number), frames };
        self.servers.sends.push_back(sending);
        self.dispatch.sent(ticket, number);
        true
    }

    /// A server's connection did not take a message; false if the socket is none of theirs. It takes nothing until it says
    /// otherwise, so nothing after that message left either.
    pub(super) fn server_refused(&mut self, socket: SocketId, token: Token) -> bool {
        let Some(server) = self.servers.at(socket) else { return false };
        if token != PING
            && let Some(id) = server.id.take()
        {
            self.dispatch.gone(id, |number| number >= token.0);
        }
        true
    }

    /// A server's socket is of no use, and so is the server; false if the socket is none of theirs.
    pub(super) fn server_failed(&mut self, socket: SocketId) -> bool {
        let Some(place) = self.servers.all.iter().position(|server| server.socket == socket) else { return false };
        let server = self.servers.all.remove(place);
        self.servers.sends.retain(|sending| sending.to.socket != socket);
        if let Some(id) = server.id {
            self.dispatch.gone(id, |_| false);
        }
        self.outputs.push_back(Output::Close { socket });
        true
    }

    /// Pings those who were not spoken to, and gives up those who are silent.
    pub(super) fn servers_due(&mut self, now: Time) {
        for index in 0..self.servers.all.len() {
            let server = &mut self.servers.all[index];
            match server.liveness.due(now) {
                Due::Nothing => {}
                Due::Heartbeat => {
                    let ping = server.ping();
                    self.servers.sends.push_back(ping);
                }
                Due::Dead => {
                    if let Some(id) = server.id.take() {
                        self.dispatch.gone(id, |_| false);
                    }
                    self.renew_server(now, index);
                }
            }
        }
    }

    /// Goes on over another socket, if this one ever worked: a connection that is dead on the way is noticed by nobody else.
    fn renew_server(&mut self, now: Time, index: usize) {
        let fresh = self.next_socket();
        let server = &mut self.servers.all[index];
        server.liveness = Liveness::new(now, self.servers.pace);
        if std::mem::take(&mut server.heard) {
            let dead = std::mem::replace(&mut server.socket, fresh);
            self.outputs.push_back(Output::Close { socket: dead });
            self.outputs.extend(site::connect(fresh, &server.is.endpoint));
        }
        self.servers.sends.push_back(server.ping());
    }
}

/// Why a server cannot be asked this.
fn unsupported(call: &Call) -> Option<Failure> {
    let text = "a server of the Freelance pattern neither stores requests nor knows what it did before".to_owned();
    let failure = || Failure { kind: ErrorKind::Unsupported, may_have_run: false, retry_after: Duration::ZERO, text };
    (call.task != Task::Ask || call.durable || call.once).then(failure)
}
