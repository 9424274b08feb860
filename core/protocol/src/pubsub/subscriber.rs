//! Who wants to hear something.
//!
//! A subscriber connects to a publisher, says who it is and what it wants, and puts its views together from what comes: over that
//! connection or an endpoint of its own in order and without holes, over the shared path with holes that it sees and has filled.
//! After a connection, a session or a publisher is lost it says where it was.

mod ending;
mod incoming;
mod session;
mod taken;
#[cfg(test)]
mod tests;
mod views;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use fastrand::Rng;

use self::views::View;
use super::{
    Missed, Start, SubscriberCounters, SubscriberOptions, SubscriptionOptions, ViewInfo,
    wire::{Hello, MAGIC, Message as Wire, Number, StreamId, Subscribe, Taken, ViewStart, Welcome, WireStart},
};
use crate::{
    Error, ErrorKind, Machine, Refusal, Time,
    link::{Arrival, Backlog, LinkId, Links, Silence, site::Site},
    machine::{Frames, Input, Output, Peer, Role, SocketId},
    time::earliest,
};

/// Where the subscriber is sent what is for it, if it wants that.
const ENDPOINT: SocketId = SocketId(0);
/// Links that others open there, of which one is the publisher's.
const MAX_LINKS: usize = 64;
/// When such a link is forgotten that is silent.
const FORGET: Duration = Duration::from_secs(60);
/// The most streams of a publisher.
const MAX_STREAMS: usize = 1000;
/// What the program was told besides publications and has not taken, beyond the number of those that may wait.
const MAX_NOTICES: usize = 10_000;
/// Publications beyond which, and beyond four times what may wait, nothing is taken in from a publisher that knows no window.
const SLACK: (u64, u64) = (10_000, 1 << 20);
/// Sockets that are opened one after the other have numbers from here on.
const FIRST_SOCKET: u32 = 1;

/// What the application wants of a subscriber.
#[derive(Debug)]
pub enum SubscriberCommand {
    /// I want this. The number was not used before.
    Subscribe {
        /// The subscription.
        number: Number,
        /// What.
        options: SubscriptionOptions,
    },
    /// I do not want this any more.
    Unsubscribe {
        /// The subscription.
        number: Number,
    },
    /// I have taken these: of each view the last message, or the end of what was missed.
    Taken {
        /// After so many times [`SubscriberEvent::Restarted`]: numbers of an earlier life of the publisher mean nothing.
        restarts: u64,
        /// These.
        taken: Vec<Taken>,
    },
    /// Say goodbye.
    Close,
}

/// A publication, as a program gets it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// The subscription that asked for it.
    pub subscription: Number,
    /// The publisher's number for the stream: its place among the names with which the subscriber was last
    /// [connected](SubscriberEvent::Connected).
    pub stream: StreamId,
    /// Its number in the stream.
    pub number: u64,
    /// What it is about.
    pub subject: Bytes,
    /// What was published.
    pub frames: Frames,
}

/// What the application is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SubscriberEvent {
    /// The publisher knows who this is.
    Connected {
        /// The names of its streams, in the order of their numbers, from here on.
        streams: Vec<Bytes>,
    },
    /// This was published: one view's, in its order.
    Messages(VecDeque<Message>),
    /// This was published and will not come.
    Missed(Missed),
    /// The subscription is there; what follows belongs to it.
    Subscribed {
        /// Which.
        number: Number,
    },
    /// The subscription is not there, or not any more.
    Rejected {
        /// Which.
        number: Number,
        /// Why.
        refusal: Refusal,
    },
    /// The publisher has started anew. What it had published and not sent is lost; the numbers begin again.
    Restarted,
    /// The publisher does not want to know this subscriber, or not any more. It does not try again.
    Refused(Refusal),
    /// The program is so late that the subscriber has ended.
    Died {
        /// The subscription.
        number: Number,
        /// What was known of and not taken.
        lag: u64,
    },
    /// The endpoint, with the port that the system chose.
    Bound {
        /// Where.
        endpoint: String,
    },
    /// The subscriber cannot work.
    Failed(Error),
}

struct Subscription {
    options: SubscriptionOptions,
    /// It was there once: from then on it goes on where it was.
    established: bool,
    views: BTreeMap<StreamId, View>,
}

/// So many events, and the messages and bytes in them.
#[derive(Default)]
struct Past {
    events: usize,
    messages: u64,
    bytes: u64,
}

/// Hears what it asks for.
pub struct Subscriber {
    options: SubscriberOptions,
    identity: Bytes,
    random: Rng,
    /// By which it knows the link that the publisher opens for the present session.
    key: u64,
    links: Links,
    site: Option<Site>,
    /// The link on which the publisher sends, if that is another.
    delivery: Option<LinkId>,
    endpoint: Option<String>,
    welcome: Option<Welcome>,
    /// The publisher's epoch when it was last heard; 0 before.
    epoch: u64,
    streams: Vec<Bytes>,
    /// The socket for the shared path, where it is connected, and the streams that it asked for.
    shared: Option<(SocketId, String, Vec<StreamId>)>,
    subscriptions: BTreeMap<Number, Subscription>,
    /// Those that hear a stream over the shared path.
    sharing: BTreeMap<StreamId, BTreeSet<Number>>,
    /// Views that lack something for which there was no room, and those of which the publisher does not know what was taken.
    behind: BTreeSet<(Number, StreamId)>,
    untold: BTreeSet<(Number, StreamId)>,
    /// Messages and bytes of all those.
    untold_in_all: (u64, u64),
    /// Messages and bytes that the program was given and has not taken.
    waiting: (u64, u64),
    /// Of views that are no more: what the first events that wait for the program have in them.
    past: Past,
    /// The publisher was told of a smaller window because of what was waiting.
    narrow: bool,
    /// Events that wait for the program and have no publications in them.
    notices: usize,
    sockets: u32,
    /// When the publisher is told what was taken.
    tell_at: Option<Time>,
    check_at: Option<Time>,
    /// When it says again who it is, because somebody else has its endpoint, and how often it will.
    again_at: Option<Time>,
    tries: u32,
    /// It has ended.
    over: bool,
    closed: bool,
    started: bool,
    room: usize,
    events: VecDeque<SubscriberEvent>,
    outputs: VecDeque<Output<SubscriberEvent>>,
    counters: SubscriberCounters,
}

impl Subscriber {
    /// A subscriber that connects once its driver says how much room there is.
    pub fn new(options: SubscriberOptions) -> Self {
        let mut random = Rng::with_seed(options.seed);
        let secret = || Bytes::copy_from_slice(&(0..4).flat_map(|_| random.u64(..).to_be_bytes()).collect::<Vec<u8>>());
        let identity = options.name.clone().unwrap_or_else(secret);
        // Small messages of its own, but as many as it has subscriptions.
        let most = Backlog { messages: 1 << 20, bytes: 64 << 20 };
        Self {
            identity,
            key: 0,
            links: Links::new(MAGIC, options.pace, MAX_LINKS, FORGET, most, random.u64(..)),
            random,
            options,
            site: None,
            delivery: None,
            endpoint: None,
            welcome: None,
            epoch: 0,
            streams: Vec::new(),
            shared: None,
            subscriptions: BTreeMap::new(),
            sharing: BTreeMap::new(),
            behind: BTreeSet::new(),
            untold: BTreeSet::new(),
            untold_in_all: (0, 0),
            waiting: (0, 0),
            past: Past::default(),
            narrow: false,
            notices: 0,
            sockets: FIRST_SOCKET,
            tell_at: None,
            check_at: None,
            again_at: None,
            tries: 0,
            over: false,
            closed: false,
            started: false,
            room: 0,
            events: VecDeque::new(),
            outputs: VecDeque::new(),
            counters: SubscriberCounters::default(),
        }
    }

    /// What it got so far.
    pub fn counters(&self) -> SubscriberCounters {
        SubscriberCounters { waiting: self.waiting.0, waiting_bytes: self.waiting.1, ..self.counters }
    }

    /// Its views.
    pub fn views(&self) -> Vec<ViewInfo> {
        let mut all = Vec::new();
        for (number, subscription) in &self.subscriptions {
            for (stream, view) in &subscription.views {
                let name = self.streams.get(usize::from(*stream)).cloned().unwrap_or_default();
                all.push(ViewInfo { subscription: *number, stream: name, shared: view.shared, last: view.last });
            }
        }
        all
    }

    fn start(&mut self, now: Time) {
        self.started = true;
        if let Some(endpoint) = self.options.endpoint.clone() {
            self.outputs.push_back(Output::Open { socket: ENDPOINT, role: Role::Router });
            self.outputs.push_back(Output::Bind { socket: ENDPOINT, endpoint });
        } else {
            self.connect(now);
        }
        self.plan_check(now);
    }

    fn connect(&mut self, now: Time) {
        let socket = self.next_socket();
        let site = Site::open(now, self.options.connect.clone(), socket, &mut self.links, &mut self.outputs);
        self.greet(now, site.link);
        self.site = Some(site);
    }

    fn next_socket(&mut self) -> SocketId {
        self.sockets += 1;
        SocketId(self.sockets)
    }

    /// The program is told of something that is no publication.
    fn notice(&mut self, event: SubscriberEvent) {
        let is_connected = |event: &SubscriberEvent| matches!(event, SubscriberEvent::Connected { .. });
        if is_connected(&event) && self.events.back().is_some_and(is_connected) {
            // Nothing has come between, so only the last is of interest.
            self.events.pop_back();
            self.notices -= 1;
        }
        self.notices += 1;
        self.events.push_back(event);
    }

    /// Gives the program what it has room for.
    fn deliver(&mut self) {
        while self.room > 0
            && let Some(event) = self.events.pop_front()
        {
            self.room -= 1;
            self.notices -= usize::from(!matches!(event, SubscriberEvent::Messages(_)));
            self.past.events = self.past.events.saturating_sub(1);
            if self.past.events == 0 {
                self.past = Past::default();
            }
            self.outputs.push_back(Output::Deliver(event));
        }
    }

    /// Messages and bytes that the program was given and has not taken, and those that wait for it and are of no view any more.
    fn held(&self) -> (u64, u64) {
        (self.waiting.0 + self.past.messages, self.waiting.1 + self.past.bytes)
    }

    /// So much is here that little more may be on its way.
    fn is_narrow(&self) -> bool {
        let (messages, bytes) = self.held();
        messages > u64::from(self.options.max_messages) / 2 || bytes > u64::from(self.options.max_bytes) / 2
    }

    fn send(&mut self, now: Time, message: Wire) {
        let Some(site) = &self.site else { return };
        let (kind, fields, body) = message.encode();
        self.links.send(now, site.link, kind, &fields, body);
    }

    fn greet(&mut self, now: Time, link: LinkId) {
        self.key = self.random.u64(..);
        let endpoint = self.endpoint.as_ref().map(|endpoint| (Bytes::from(endpoint.clone()), self.key));
        // What is here already the publisher does not count.
        let (messages, bytes) = self.held();
        self.narrow = self.is_narrow();
        let left = |most: u32, held: u64| (u64::from(most).saturating_sub(held) as u32).max(1);
        let hello = Hello {
            identity: self.identity.clone(),
            keep: if self.options.name.is_some() { self.options.keep } else { Duration::ZERO },
            credential: self.options.credential.clone(),
            window_messages: left(self.options.max_messages, messages),
            window_bytes: left(self.options.max_bytes, bytes),
            endpoint,
        };
        let (kind, fields, body) = Wire::Hello(hello).encode();
        self.links.send(now, link, kind, &fields, body);
        self.links.watch(now, link, true);
    }

    fn received(&mut self, now: Time, socket: SocketId, peer: &Peer, frames: Frames) {
        if self.shared.as_ref().is_some_and(|(shared, ..)| *shared == socket) {
            return self.heard(now, frames);
        }
        let arrival = self.links.receive(now, socket, peer, frames);
        let of_site = |link| self.site.as_ref().is_some_and(|site| site.link == link);
        match arrival {
            Arrival::Message { link, kind, fields, body } => {
                let message = Wire::decode(kind, fields, body);
                match message {
                    Some(Wire::Delivery { key }) if !of_site(link) && key == self.key => {
                        if let Some(before) = self.delivery.replace(link).filter(|before| *before != link) {
                            self.links.remove(before);
                        }
                    }
                    // Somebody else has named this endpoint as his.
                    Some(Wire::Delivery { .. }) if !of_site(link) && self.delivery != Some(link) => {
                        self.counters.malformed += 1;
                        self.outputs.extend(self.links.dismiss(link));
                    }
                    Some(message) if of_site(link) || self.delivery == Some(link) => self.said(now, message),
                    _ => self.counters.malformed += 1,
                }
            }
            Arrival::Reset(link) | Arrival::Closed(link) => {
                if of_site(link) || self.delivery == Some(link) {
                    self.start_over(now);
                } else {
                    self.links.remove(link);
                }
            }
            Arrival::Malformed => self.counters.malformed += 1,
            Arrival::Opened(_) | Arrival::Nothing | Arrival::Refused => {}
        }
        if let Some(site) = self.site.as_mut().filter(|site| site.socket == socket) {
            site.heard = true;
        }
    }

    fn said(&mut self, now: Time, message: Wire) {
        match message {
            Wire::Welcome(welcome) if self.welcome.is_none() && welcome.streams.len() <= MAX_STREAMS => {
                self.welcomed(now, welcome);
            }
            Wire::Refused(refusal)
                if refusal.kind == ErrorKind::AddressInUse && self.endpoint.is_some() && self.tries > 0 =>
            {
                // Whoever has this endpoint and is not here soon has it no more.
                self.tries -= 1;
                self.again_at = Some(now + self.options.pace.interval);
            }
            Wire::Refused(refusal) => {
                self.end(now);
                self.notice(SubscriberEvent::Refused(refusal));
            }
            Wire::Subscribed { number, views } => self.subscribed(now, number, views),
            Wire::Rejected { number, refusal } => {
                if self.forget(number) {
                    self.notice(SubscriberEvent::Rejected { number, refusal });
                }
            }
            Wire::Publications(pack) => self.publications(now, pack),
            Wire::Missed(missed) => self.missed(now, missed),
            Wire::Repaired { number, stream } => {
                if let Some(view) = self.view(number, stream) {
                    view.forget_asked();
                    self.ask(now, number, stream);
                }
            }
            Wire::Heads(heads) => {
                for (stream, head) in heads {
                    for number in self.sharing(stream) {
                        if let Some(view) = self.view(number, stream) {
                            view.know(now, head);
                            self.ask(now, number, stream);
                        }
                    }
                }
            }
            _ => self.counters.malformed += 1,
        }
    }

    fn view(&mut self, number: Number, stream: StreamId) -> Option<&mut View> {
        self.subscriptions.get_mut(&number)?.views.get_mut(&stream)
    }

    /// Subscriptions that hear a stream over the shared path.
    fn sharing(&self, stream: StreamId) -> Vec<Number> {
        self.sharing.get(&stream).into_iter().flatten().copied().collect()
    }

    /// A subscription is over, or its views are. What the program was given of them, it has.
    fn forget_views(&mut self, number: Number) {
        let Some(subscription) = self.subscriptions.get_mut(&number) else { return };
        for (stream, view) in std::mem::take(&mut subscription.views) {
            let (messages, bytes) = view.waiting();
            self.waiting = (self.waiting.0 - messages, self.waiting.1 - bytes);
            if !self.events.is_empty() {
                let Past { messages: before, bytes: bytes_before, .. } = self.past;
                self.past =
                    Past { events: self.events.len(), messages: before + messages, bytes: bytes_before + bytes };
            }
            self.behind.remove(&(number, stream));
            self.untold.remove(&(number, stream));
            if let Some(sharing) = self.sharing.get_mut(&stream) {
                sharing.remove(&number);
            }
        }
    }

    fn forget(&mut self, number: Number) -> bool {
        self.forget_views(number);
        self.subscriptions.remove(&number).is_some()
    }

    fn obey(&mut self, now: Time, command: SubscriberCommand) {
        match command {
            SubscriberCommand::Subscribe { number, options } => {
                let new = Subscription { options, established: false, views: BTreeMap::new() };
                self.subscriptions.insert(number, new);
                self.subscribe(now, number);
            }
            SubscriberCommand::Unsubscribe { number } => {
                // What was taken is not lost with its subscription.
                self.tell(now);
                if self.forget(number) && self.welcome.is_some() {
                    self.send(now, Wire::Unsubscribe { number });
                }
            }
            SubscriberCommand::Taken { restarts, taken } if restarts == self.counters.restarts => {
                self.taken(now, taken);
            }
            SubscriberCommand::Taken { .. } => {}
            SubscriberCommand::Close => {
                self.end(now);
                self.closed = true;
            }
        }
    }
}

impl Machine for Subscriber {
    type Command = SubscriberCommand;
    type Event = SubscriberEvent;

    fn handle(&mut self, now: Time, input: Input<SubscriberCommand>) {
        if self.closed {
            return;
        }
        match input {
            Input::Room(room) => {
                self.room = room;
                if !self.started {
                    self.start(now);
                }
            }
            Input::Command(command) if !self.over || matches!(command, SubscriberCommand::Close) => {
                self.obey(now, command);
            }
            Input::Message { socket, peer, frames, .. } if !self.over => self.received(now, socket, &peer, frames),
            Input::Refused { token, .. } => self.links.refused(token),
            Input::Writable { socket } => self.links.writable(now, socket),
            Input::Deadline => {
                for silence in self.links.due(now) {
                    match silence {
                        Silence::Long(link) => self.silent(now, link),
                        Silence::Forgotten(link) if self.delivery == Some(link) => self.start_over(now),
                        Silence::Forgotten(link) => drop(self.links.remove(link)),
                    }
                }
                if self.tell_at.is_some_and(|at| at <= now) {
                    self.tell(now);
                }
                if self.check_at.is_some_and(|at| at <= now) {
                    self.check(now);
                }
                if self.again_at.is_some_and(|at| at <= now) {
                    self.start_over(now);
                }
            }
            Input::Bound { endpoint, .. } => {
                self.notice(SubscriberEvent::Bound { endpoint: endpoint.clone() });
                self.endpoint = Some(endpoint);
                self.connect(now);
            }
            Input::Failed { error, .. } if !self.over => self.failed(now, error),
            _ => {}
        }
        while let Some(link) = self.links.overrun() {
            match &self.site {
                Some(site) if site.link == link => self.start_over(now),
                _ => drop(self.links.remove(link)),
            }
        }
        self.deliver();
        if self.over {
            return;
        }
        // Each subscription may have an answer.
        if self.notices > self.options.max_messages as usize + MAX_NOTICES + self.subscriptions.len() {
            self.end(now);
            let text = "the publisher tells of more than the program takes";
            self.notice(SubscriberEvent::Failed(Error::new(ErrorKind::Full, text)));
            self.deliver();
        } else if self.narrow && self.welcome.is_some() && !self.is_narrow() {
            // There is room for a good window again.
            self.start_over(now);
        }
    }

    fn poll(&mut self) -> Option<Output<SubscriberEvent>> {
        self.outputs.pop_front().or_else(|| {
            let (socket, peer, token, frames) = self.links.poll()?;
            Some(Output::Send { socket, peer, token, frames })
        })
    }

    fn deadline(&self) -> Option<Time> {
        if self.closed {
            return None;
        }
        let own = if self.over { None } else { earliest([self.tell_at, self.check_at, self.again_at]) };
        earliest([self.links.deadline(), own])
    }
}
