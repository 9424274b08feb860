//! Who stands between.
//!
//! A broker takes requests from clients and gives them to workers. Both connect to it, so only the broker has an address.
//! It is a responder for every service to its clients, and a requester to its workers: the same two roles, and the same
//! messages, on both sides. On the same port it speaks the Majordomo protocol with clients and workers that know no other
//! (`majordomo`). What is durable it leaves to its `ledger`, which stands between the clients and the table of requests.

mod durable;
mod majordomo;
mod options;
mod peers;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use fastrand::Rng;

pub use self::options::{BrokerCommand, BrokerEvent, BrokerOptions};
use self::peers::Tally;
use super::{
    cache::Cache,
    counters::{Counters, Reason},
    dispatch::{Action, Answer, Call, Dispatch, Limits, Outcome, ResponderId, Serial, Ticket},
    ledger::Ledger,
    mdp,
    old::{OldPeers, Place, Sending},
    parts::Parts,
    pirate::{self, Side},
    wire::{Failure, MAGIC, Message, Number, Request, Task},
};
use crate::{
    ErrorKind, Machine, Time,
    link::{Arrival, Backlog, LinkId, Links, Silence},
    machine::{Frames, Input, Output, Peer, Role, SocketId},
    time::earliest,
};

/// Who asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Asker {
    /// Somebody on this link, under this number.
    Link(LinkId, Number),
    /// Somebody with an older protocol, as [`OldPeers`] numbers them.
    Old(u64),
    /// The ledger, under its own number.
    Ledger(u64),
}

/// Messages that a link keeps at most, besides what is needed for the requests that there may be.
const SPARE: usize = 1024;

/// The broker's socket.
const FRONT: SocketId = SocketId(0);

/// Takes requests from clients and gives them to workers: a responder to the ones, a requester to the others.
pub struct Broker {
    options: BrokerOptions,
    links: Links,
    dispatch: Dispatch<Asker>,
    open: BTreeMap<Asker, Serial>,
    /// What clients and workers have done.
    peers: BTreeMap<LinkId, Tally>,
    /// How many clients and workers have come, by which they are known.
    arrived: u64,
    /// Once the store has been read.
    ledger: Option<Ledger<Asker>>,
    workers: BTreeMap<LinkId, ResponderId>,
    links_of: BTreeMap<ResponderId, LinkId>,
    old: OldPeers,
    /// Parts of answers to those who can only be told the whole.
    parts: BTreeMap<u64, Parts>,
    /// What those are told who asked in the way of Titanic, once the store has done it.
    receipts: BTreeMap<u64, Frames>,
    random: Rng,
    started: bool,
    draining: bool,
    /// Since when all is answered, and only to arrive.
    finished: Option<Time>,
    drained: bool,
    closed: bool,
    room: usize,
    events: VecDeque<BrokerEvent>,
    outputs: VecDeque<Output<BrokerEvent>>,
    malformed: u64,
    refused_peers: u64,
}

impl Broker {
    /// A broker that binds once its driver says how much room there is.
    pub fn new(mut options: BrokerOptions) -> Self {
        let limits = Limits {
            requests: options.max_requests,
            bytes: options.max_bytes,
            waiting: options.max_waiting,
            waiting_bytes: options.max_waiting_bytes,
            age: options.max_age,
            parts: options.max_unfetched,
        };
        let (answers, bytes, age) = options.cache;
        let mut random = Rng::with_seed(options.seed);
        let balance = std::mem::take(&mut options.balance);
        let old = OldPeers::new(options.pace);
        // What it asks is bounded, and what it is refused is small.
        let of_client = Backlog { messages: SPARE + 4 * options.max_per_client as usize, bytes: usize::MAX };
        Self {
            links: Links::new(MAGIC, options.pace, options.max_peers, super::FORGET, of_client, random.u64(..)),
            options,
            dispatch: Dispatch::new(limits, balance, Cache::new(answers, bytes, age), random.u64(..)),
            open: BTreeMap::new(),
            peers: BTreeMap::new(),
            arrived: 0,
            ledger: None,
            workers: BTreeMap::new(),
            links_of: BTreeMap::new(),
            old,
            parts: BTreeMap::new(),
            receipts: BTreeMap::new(),
            random,
            started: false,
            draining: false,
            finished: None,
            drained: false,
            closed: false,
            room: 0,
            events: VecDeque::new(),
            outputs: VecDeque::new(),
            malformed: 0,
            refused_peers: 0,
        }
    }

    /// What became of the requests so far.
    pub fn counters(&self) -> Counters {
        let stored = self.ledger.as_ref().map_or(0, |ledger| ledger.len() as u64);
        Counters { malformed: self.malformed, stored, ..self.dispatch.counters() }
    }

    /// How many peers were turned away because too many were there.
    pub fn refused_peers(&self) -> u64 {
        self.refused_peers
    }

    /// Whether all is answered after [`BrokerCommand::Drain`].
    pub fn is_drained(&self) -> bool {
        self.drained
    }

    /// Workers connected now.
    pub fn workers(&self) -> usize {
        self.workers.len() + self.old.workers()
    }

    /// What a socket is for, if it is that of a plain endpoint.
    fn plain(&self, socket: SocketId) -> Option<&(String, Side, Bytes)> {
        self.options.plain.get((socket.0 as usize).checked_sub(1)?)
    }

    fn send(&mut self, now: Time, link: LinkId, message: Message) -> Option<u64> {
        let (kind, fields, body) = message.encode();
        self.links.send(now, link, kind, &fields, body)
    }

    fn received(&mut self, now: Time, socket: SocketId, peer: &Peer, frames: Frames) {
        let plain = self.plain(socket);
        let old = match plain {
            Some((_, side, service)) => pirate::read(*side, service, &frames),
            None => mdp::read(&frames),
        };
        if let Some(message) = old {
            return self.received_old(now, &Place { socket, peer: peer.clone() }, message);
        }
        if plain.is_some() {
            self.malformed += 1;
            return;
        }
        match self.links.receive(now, socket, peer, frames) {
            Arrival::Opened(link) => {
                let number = self.next_number();
                self.peers.insert(link, Tally::new(number));
                let (credit, service) = (self.options.max_per_client, Bytes::new());
                self.send(now, link, Message::Ready { responder: 0, credit, service });
                if self.draining {
                    self.send(now, link, Message::Leaving);
                }
            }
            Arrival::Message { link, kind, fields, body } => match Message::decode(kind, fields, body) {
                Some(Message::Request(request)) => self.asked(now, link, request),
                Some(Message::Cancel { number }) => self.cancelled(now, link, number),
                Some(message) => self.answered(now, link, message),
                None => self.malformed += 1,
            },
            Arrival::Reset(link) | Arrival::Closed(link) => self.lose(link),
            Arrival::Malformed => self.malformed += 1,
            Arrival::Refused => self.refused_peers += 1,
            Arrival::Nothing => {}
        }
    }

    fn next_number(&mut self) -> u64 {
        self.arrived += 1;
        self.arrived
    }

    fn asked(&mut self, now: Time, link: LinkId, request: Request) {
        let asker = Asker::Link(link, request.number);
        if self.open.contains_key(&asker) || self.ledger.as_ref().is_some_and(|ledger| ledger.is_waiting(asker)) {
            self.malformed += 1;
            return;
        }
        let tally = self.peers.get_mut(&link).expect("who is connected is known");
        tally.begin();
        if tally.held() > self.options.max_per_client.into() {
            return self.fail(now, asker, ErrorKind::Full, false, "the client was told how many requests it may make");
        }
        let call = Call {
            service: request.service,
            key: request.key,
            body: request.body,
            deadline: now + request.remaining,
            patience: now + request.patience,
            attempts: request.attempts,
            task: request.task,
            durable: request.durable,
            once: request.once,
        };
        self.submit(now, asker, call);
    }

    fn submit(&mut self, now: Time, asker: Asker, call: Call) {
        // What is stored can be fetched and forgotten to the end.
        if self.draining && matches!(call.task, Task::Ask | Task::Store) {
            return self.fail(now, asker, ErrorKind::Closed, false, "the broker takes no more requests");
        }
        if call.is_stored() {
            let name = (call.service.clone(), call.key.clone());
            return match &mut self.ledger {
                Some(ledger) => ledger.ask(now, asker, name, call),
                None => self.fail(now, asker, ErrorKind::Unsupported, false, "the broker stores nothing"),
            };
        }
        match self.dispatch.submit(now, asker, call) {
            Ok(serial) => self.open.extend(serial.map(|serial| (asker, serial))),
            Err(failure) => self.told(now, asker, Outcome::Failed(failure)),
        }
    }

    fn fail(&mut self, now: Time, asker: Asker, kind: ErrorKind, may_have_run: bool, text: &str) {
        let failure = Failure { kind, may_have_run, retry_after: Duration::ZERO, text: text.to_owned() };
        self.told(now, asker, Outcome::Failed(failure));
    }

    /// Who took a request back gets an answer all the same: only then is its place free.
    fn cancelled(&mut self, now: Time, link: LinkId, number: Number) {
        let asker = Asker::Link(link, number);
        let left = self.ledger.as_mut().is_some_and(|ledger| ledger.leave(asker));
        if let Some(serial) = self.open.remove(&asker) {
            self.dispatch.cancel(serial, asker, Reason::Cancelled);
        } else if !left {
            return;
        }
        self.fail(now, asker, ErrorKind::Cancelled, true, "the request was taken back");
    }

    fn answered(&mut self, now: Time, link: LinkId, message: Message) {
        match (message, self.workers.get(&link).copied()) {
            (Message::Ready { responder, credit, service }, None) if !service.is_empty() => {
                let id = ResponderId(self.peers.get(&link).expect("who is connected is known").number());
                self.workers.insert(link, id);
                self.links_of.insert(id, link);
                self.links.watch(now, link, true);
                let Self { options: BrokerOptions { max_requests, max_bytes, .. }, .. } = self;
                self.links.allow(link, Backlog { messages: SPARE + 2 * *max_requests, bytes: *max_bytes });
                self.dispatch.offer(id, responder, Some(service), credit);
            }
            (Message::Leaving, Some(id)) => self.dispatch.leaving(id),
            (message, Some(id)) => match Answer::try_from(message) {
                Ok(answer) => self.worker_answered(now, link, id, answer),
                Err(_) => self.malformed += 1,
            },
            (_, None) => self.malformed += 1,
        }
    }

    /// A peer is gone, or has forgotten us. Nothing else is known of it.
    fn lose(&mut self, link: LinkId) {
        if let Some(id) = self.workers.remove(&link) {
            self.links_of.remove(&id);
            let links = &self.links;
            self.dispatch.gone(id, |sequence| links.is_unsent(link, sequence));
        }
        let all = Asker::Link(link, 0)..=Asker::Link(link, Number::MAX);
        let open: Vec<(Asker, Serial)> =
            self.open.range(all.clone()).map(|(asker, serial)| (*asker, *serial)).collect();
        for (asker, serial) in open {
            self.open.remove(&asker);
            self.dispatch.cancel(serial, asker, Reason::Asker);
        }
        if let Some(ledger) = &mut self.ledger {
            for asker in ledger.waiting_in(all) {
                ledger.leave(asker);
            }
        }
        self.peers.remove(&link);
        self.links.remove(link);
    }

    fn silent(&mut self, silence: Silence) {
        match silence {
            // A worker is given up. A client may come back for its answers, and is forgotten later.
            Silence::Long(link) if self.workers.contains_key(&link) => self.lose(link),
            Silence::Long(_) => {}
            Silence::Forgotten(link) => self.lose(link),
        }
    }

    fn bind(&mut self) {
        self.outputs.push_back(Output::Open { socket: FRONT, role: Role::Router });
        let binds = self.options.bind.iter().cloned();
        self.outputs.extend(binds.map(|endpoint| Output::Bind { socket: FRONT, endpoint }));
        for (number, (endpoint, ..)) in (1..).zip(&self.options.plain) {
            let (socket, endpoint) = (SocketId(number), endpoint.clone());
            self.outputs.extend([Output::Open { socket, role: Role::Router }, Output::Bind { socket, endpoint }]);
        }
    }

    fn act(&mut self, now: Time) {
        self.act_for_ledger(now);
        while let Some(action) = self.dispatch.poll() {
            match action {
                Action::Give { responder, ticket } => self.give(now, responder, ticket),
                Action::Withdraw { responder, ticket } => {
                    if let Some(link) = self.links_of.get(&responder).copied() {
                        self.send(now, link, Message::Cancel { number: ticket.0 });
                    }
                }
                Action::Tell { asker, outcome } => {
                    self.told(now, asker, outcome);
                    self.act_for_ledger(now);
                }
            }
        }
        self.outputs.extend(self.ledger.as_mut().and_then(Ledger::store));
        while let Some(link) = self.links.overrun() {
            self.lose(link);
            self.act(now);
        }
        self.finish_draining(now);
        while self.room > 0
            && let Some(event) = self.next_event()
        {
            self.room -= 1;
            self.outputs.push_back(Output::Deliver(event));
        }
    }

    fn next_event(&mut self) -> Option<BrokerEvent> {
        self.events.pop_front().or_else(|| self.dispatch.news.take().map(BrokerEvent::News))
    }

    /// It is drained once all is answered and the answers have arrived, or who is sent one is silent for too long.
    fn finish_draining(&mut self, now: Time) {
        let is_idle = self.dispatch.len() == 0 && self.ledger.as_ref().is_none_or(Ledger::is_idle);
        if !self.draining || self.drained || !is_idle {
            return;
        }
        if self.finished.is_none() {
            self.links.ask_all(now);
        }
        let since = *self.finished.get_or_insert(now);
        if self.links.have_arrived(now, since) {
            self.drained = true;
            self.events.push_back(BrokerEvent::Drained);
        }
    }

    fn give(&mut self, now: Time, responder: ResponderId, ticket: Ticket) {
        let Some(call) = self.dispatch.call(ticket) else { return };
        if self.old.give(now, responder, ticket, &call.body) {
            return self.dispatch.sent(ticket, 0);
        }
        let Some(link) = self.links_of.get(&responder).copied() else { return };
        let request = Request {
            number: ticket.0,
            remaining: super::pass_on(call.deadline - now),
            patience: Duration::ZERO,
            attempts: 1,
            task: Task::Ask,
            durable: false,
            once: false,
            service: call.service.clone(),
            key: call.key.clone(),
            body: call.body.clone(),
        };
        self.peers.get_mut(&link).expect("who is connected is known").begin();
        if let Some(sequence) = self.send(now, link, Message::Request(request)) {
            self.dispatch.sent(ticket, sequence);
        }
    }

    fn told(&mut self, now: Time, asker: Asker, outcome: Outcome) {
        let is_slow = |link| self.links.backlog(link).1 > self.options.max_unfetched;
        let outcome = match (asker, outcome) {
            (Asker::Link(link, _), Outcome::Partial { .. }) if is_slow(link) => return self.too_slow(now, asker),
            (Asker::Link(link, _), Outcome::Reply { .. } | Outcome::Error { .. }) if is_slow(link) => {
                Outcome::Failed(unfetched())
            }
            (_, outcome) => outcome,
        };
        if outcome.is_final() {
            self.open.remove(&asker);
            self.free(asker, &outcome);
        }
        match asker {
            Asker::Link(link, number) => {
                let message = match outcome {
                    Outcome::Partial { run, body } => Message::Partial { number, run: (run >> 8) as u8, body },
                    Outcome::Reply { run, body } => Message::Reply { number, run: (run >> 8) as u8, body },
                    Outcome::Error { code, body } => Message::Error { number, code, body },
                    Outcome::Failed(failure) => Message::Failed { number, failure },
                    Outcome::Accepted => Message::Accepted { number },
                };
                self.send(now, link, message);
            }
            Asker::Old(number) => self.told_old(now, number, outcome),
            Asker::Ledger(number) => {
                if let Some(ledger) = &mut self.ledger {
                    ledger.told(now, number, outcome, self.options.max_unfetched);
                }
            }
        }
    }

    /// A client does not take what it is sent.
    fn too_slow(&mut self, now: Time, asker: Asker) {
        let Some(serial) = self.open.remove(&asker) else { return };
        self.dispatch.cancel(serial, asker, Reason::Asker);
        self.told(now, asker, Outcome::Failed(unfetched()));
    }

    fn drain(&mut self, now: Time) {
        if !std::mem::replace(&mut self.draining, true) {
            for link in self.links.ids() {
                if !self.workers.contains_key(&link) {
                    self.send(now, link, Message::Leaving);
                }
            }
        }
    }
}

impl Broker {
    /// Nothing more is done, and what is still said to it is not heard.
    fn close(&mut self) {
        self.outputs.extend(self.links.say_goodbye());
        self.closed = true;
    }
}

/// A client does not take what it is sent.
fn unfetched() -> Failure {
    let text = "the client does not take its answers".to_owned();
    Failure { kind: ErrorKind::Full, may_have_run: true, retry_after: Duration::ZERO, text }
}

impl Machine for Broker {
    type Command = BrokerCommand;
    type Event = BrokerEvent;

    fn handle(&mut self, now: Time, input: Input<BrokerCommand>) {
        if self.closed {
            return;
        }
        match input {
            Input::Room(room) => {
                self.room = room;
                if !std::mem::replace(&mut self.started, true) {
                    match self.options.store {
                        Some(_) => self.outputs.push_back(Output::Recover),
                        None => self.bind(),
                    }
                }
            }
            Input::Command(BrokerCommand::Drain) => self.drain(now),
            Input::Command(BrokerCommand::Watch { more }) => self.dispatch.news.allow(more),
            Input::Command(BrokerCommand::Close) => self.close(),
            Input::Message { socket, peer, frames, .. } => self.received(now, socket, &peer, frames),
            Input::Refused { token, .. } => match self.old.refused(token) {
                // It has one request at a time, and this one it never had.
                Some((id, is_request)) => self.dispatch.gone(id, |_| is_request),
                None => self.links.refused(token),
            },
            Input::Writable { socket } => self.links.writable(now, socket),
            Input::Deadline => {
                for silence in self.links.due(now) {
                    self.silent(silence);
                }
                for dead in self.old.due(now) {
                    self.dispatch.gone(dead, |_| false);
                }
                let (links, links_of) = (&self.links, &self.links_of);
                self.dispatch
                    .expire(now, |id, sequence| links_of.get(&id).is_some_and(|link| links.is_unsent(*link, sequence)));
                if let Some(ledger) = &mut self.ledger {
                    ledger.expire(now);
                }
            }
            Input::Bound { endpoint, .. } => self.events.push_back(BrokerEvent::Bound { endpoint }),
            Input::Failed { error, .. } => self.events.push_back(BrokerEvent::Failed(error)),
            Input::Recovered { date, records } => self.recovered(now, date, records),
            Input::Stored { up_to } => {
                if let Some(ledger) = &mut self.ledger {
                    ledger.stored(now, up_to);
                }
            }
            Input::StoreFailed { up_to, error } => self.store_failed(now, up_to, error),
            Input::Fetched { .. } => {}
        }
        if !self.closed {
            self.act(now);
        }
    }

    fn poll(&mut self) -> Option<Output<BrokerEvent>> {
        self.outputs.pop_front().or_else(|| {
            let (socket, peer, token, frames) = self.links.poll().or_else(|| {
                let Sending { to: Place { socket, peer }, token, frames } = self.old.poll()?;
                Some((socket, peer, token, frames))
            })?;
            Some(Output::Send { socket, peer, token, frames })
        })
    }

    fn deadline(&self) -> Option<Time> {
        if self.closed {
            return None;
        }
        let ledger = self.ledger.as_ref().and_then(Ledger::deadline);
        earliest([self.links.deadline(), self.dispatch.deadline(), self.old.deadline(), ledger])
    }
}
