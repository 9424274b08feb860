//! Who publishes, and decides who may hear it.
//!
//! A subscriber says who it is and what it wants, and gets a *session*; what is known of it outlives that, under its identity, for
//! as long as it is kept. A publication goes to the stream that takes its subject, and from there to the views that want it: of
//! those that hear the shared path it is only known how far they are, for all others it waits in a queue until they took it.

mod disk;
mod join;
mod look;
mod outgoing;
mod plain;
mod publish;
mod rights;
mod subscribe;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use fastrand::Rng;
use slab::Slab;

use self::{disk::Disk, plain::Plains};
use super::{
    Access, Books, Content, Counters, Credential, Criterion, Entitlements, LostReason, PublisherOptions, RouteId,
    Routes, Rules,
    followers::Followers,
    history::{History, Live},
    view::View,
    wire::{Hello, MAGIC, Message, Number, Policy, Shared, StreamId},
};
use crate::{
    Error, Machine, Refusal, Result, Time,
    link::{Arrival, Backlog, LinkId, Links, Silence},
    machine::{Frames, Input, Output, Peer, Role, SocketId},
    time::earliest,
};

/// Where subscribers connect to.
const CONTROL: SocketId = SocketId(0);
/// What everybody may hear.
const SHARED: SocketId = SocketId(1);
/// The same for plain SUB sockets.
const PLAIN: SocketId = SocketId(2);
/// Connects to the endpoints of subscribers.
const DIALS: SocketId = SocketId(3);
/// From here on what a user may hear, for plain SUB sockets.
const FIRST_PLAIN: SocketId = SocketId(4);

/// Questions to the application that wait for an answer.
const MAX_ASKS: usize = 1000;
/// Events that wait for the application; beyond, news are dropped.
const MAX_EVENTS: usize = 10_000;

/// What the application wants of a publisher.
#[derive(Debug)]
pub enum PublisherCommand {
    /// Publish these, in this order; see [`Publisher::published`].
    Publish(Arc<[Content]>),
    /// The answer to [`PublisherEvent::Asked`].
    Decide {
        /// Which question.
        ask: u64,
        /// Who that is and what it may hear, or why not.
        decision: std::result::Result<(Bytes, Rules), Refusal>,
    },
    /// From now on this is who may hear what, also instead of rules that were set for a user. Who is no user any more is sent away.
    SetEntitlements(Box<Entitlements>),
    /// From now on this user may hear that, also when it comes back; where the program is asked, it is then asked again.
    SetRules {
        /// Who.
        user: Bytes,
        /// What.
        rules: Rules,
    },
    /// Bind a PUB here from which plain SUB sockets hear what this user may; see [`Publisher::plain_outcome`].
    OpenPlain {
        /// Whose rules decide: those that were set for it, or else what entitlements say.
        user: Bytes,
        /// Where.
        endpoint: String,
    },
    /// Close one of those; see [`Publisher::plain_outcome`].
    ClosePlain {
        /// Where it is bound.
        endpoint: String,
    },
    /// Forget this subscriber and what is for it; if it is connected it is told why.
    Expel {
        /// By which it is known.
        identity: Bytes,
        /// Why.
        refusal: Refusal,
    },
    /// Take no more, and tell when what connected subscribers may be sent has arrived, or who is sent it is silent for too long.
    Drain,
    /// Say goodbye.
    Close,
}

/// What the application is told.
#[derive(Debug)]
pub enum PublisherEvent {
    /// Subscribers can connect here; or hear the shared path, or plain sockets theirs, in this order.
    Bound {
        /// With the port that the system chose.
        endpoint: String,
    },
    /// The publisher cannot be reached; or not any more at the endpoint of a user that the error names.
    Failed(Error),
    /// Somebody says who he is: [`PublisherCommand::Decide`].
    Asked {
        /// For the answer.
        ask: u64,
        /// By which it will be known.
        identity: Bytes,
        /// What the security of its connection says who it is.
        user: Bytes,
        /// What it says itself.
        credential: Credential,
    },
    /// A subscriber is there that was not: told if [news](PublisherOptions::news) are wanted.
    Joined {
        /// By which it is known.
        identity: Bytes,
        /// Who it is.
        user: Bytes,
    },
    /// A subscriber has gone, or was silent for longer than its lease; the same.
    Left {
        /// By which it is known.
        identity: Bytes,
        /// Who it is.
        user: Bytes,
    },
    /// There was no room for a publication, and there is again.
    Room,
    /// See [`PublisherCommand::Drain`].
    Drained,
}

/// What the application is asked: whether somebody may come in.
struct Ask {
    link: LinkId,
    hello: Hello,
    connection: Bytes,
    until: Time,
}

/// A link without a session.
struct Guest {
    until: Time,
    /// Who its connection says it is, in every message.
    connection: Bytes,
    /// He was told that he is nobody here, and nothing else he says is heard.
    refused: bool,
}

/// A subscriber, connected or not.
struct Member {
    user: Bytes,
    rules: Arc<Rules>,
    keep: std::time::Duration,
    subscriptions: BTreeMap<Criterion, RouteId>,
    /// It is connected, or was until a moment ago.
    present: bool,
    session: Option<LinkId>,
    /// Until when others wait for it to come back, and when it is forgotten, if it is away.
    awaited: Option<Time>,
    until: Option<Time>,
}

impl Member {
    /// What was planned for when it is away, and is not to be any more.
    fn appointments(&mut self, identity: &Bytes) -> impl Iterator<Item = (Time, Due)> {
        let (awaited, until, identity) = (self.awaited.take(), self.until.take(), identity.clone());
        let away = awaited.map(|at| (at, Due::Away(identity.clone())));
        [away, until.map(|at| (at, Due::Member(identity)))].into_iter().flatten()
    }
}

/// A connected subscriber.
struct Session {
    identity: Bytes,
    /// Who its connection says it is, in every message.
    connection: Bytes,
    /// Where it is sent what is for it alone.
    delivery: LinkId,
    endpoint: Option<String>,
    /// What may be on its way to its program: messages and bytes.
    window: (usize, usize),
    on_its_way: (usize, usize),
    numbers: BTreeMap<Number, RouteId>,
    /// Subscriptions that have something to send.
    ready: VecDeque<RouteId>,
    /// It is among those that are served next.
    busy: bool,
    /// How far it was told that the public streams are that it hears over the shared path.
    heads: BTreeMap<StreamId, u64>,
}

struct Subscription {
    identity: Bytes,
    number: Number,
    criterion: Criterion,
    policy: Policy,
    rules: Arc<Rules>,
    session: Option<LinkId>,
    /// It is connected, or was until a moment ago, and takes what it is sent: nobody waits for who is away, or takes nothing.
    present: bool,
    views: Vec<View>,
    ready: bool,
}

struct Stream {
    name: Bytes,
    subjects: Vec<Criterion>,
    public: bool,
    history: History,
    /// What leaves next over the shared path.
    shared: Shared,
    /// Those who hear it there, or have to read it, are connected, and for whom it waits or who must not be slow: how far each is.
    followers: Followers,
    /// Its last number at the last beat: what was published before that has arrived by now, or is lost.
    beaten: u64,
}

impl Stream {
    /// Forgets what is too old.
    fn age(&mut self, now: Time) {
        self.history.age(now, self.followers.need_after());
    }
}

/// Something to come back to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Due {
    Beat,
    Gathered,
    /// Somebody who has not said who he is, or is refused.
    Guest(LinkId),
    Member(Bytes),
    /// Somebody has not come back at once.
    Away(Bytes),
    Ask(u64),
}

/// Serves its subscribers.
pub struct Publisher {
    options: PublisherOptions,
    epoch: u64,
    links: Links,
    streams: Vec<Stream>,
    streams_on_disk: Vec<StreamId>,
    disk: Disk,
    routes: Routes,
    subscriptions: Slab<Subscription>,
    members: BTreeMap<Bytes, Member>,
    /// Rules that the program has set for a user, instead of those that it would have.
    rules: BTreeMap<Bytes, Arc<Rules>>,
    plains: Plains,
    sessions: BTreeMap<LinkId, Session>,
    /// Links that the publisher opened, and whose they are.
    deliveries: BTreeMap<LinkId, LinkId>,
    guests: BTreeMap<LinkId, Guest>,
    asks: BTreeMap<u64, Ask>,
    asked: u64,
    dialled: u64,
    agenda: BTreeSet<(Time, Due)>,
    busy: VecDeque<LinkId>,
    /// For whom the publisher waits, since when.
    stuck: BTreeMap<RouteId, Time>,
    /// Too slow to stay; sent away before anything else happens.
    too_slow: Vec<RouteId>,
    live: Live,
    /// When something last left, and how many bytes wait to leave since.
    left: Time,
    gathered: usize,
    /// Somebody was told that there is no room.
    waiting: bool,
    published: (usize, Option<Error>),
    bound: Vec<(SocketId, String)>,
    shared_endpoint: Option<Bytes>,
    started: bool,
    /// It takes no more; since when all has left; all has arrived.
    draining: bool,
    finished: Option<Time>,
    drained: bool,
    closed: bool,
    room: usize,
    events: VecDeque<PublisherEvent>,
    outputs: VecDeque<Output<PublisherEvent>>,
    /// Of those that are no more.
    past: Books,
    counters: Counters,
}

impl Publisher {
    /// A publisher that binds once its driver says how much room there is.
    pub fn new(options: PublisherOptions) -> Self {
        let mut random = Rng::with_seed(options.seed);
        let epoch = random.u64(1..);
        let live = Live::default();
        let stream = |stream: &super::StreamOptions| Stream {
            name: stream.name.clone(),
            subjects: stream.subjects.clone(),
            public: stream.public,
            history: History::new(stream, &live),
            shared: Shared::new(&stream.name, epoch),
            followers: Followers::default(),
            beaten: 0,
        };
        // What a session may have on its way, and some answers.
        let most = Backlog { messages: 1 << 20, bytes: 256 << 20 };
        // A subscriber that comes back has two for a while.
        let links = 2 * options.max_subscribers;
        Self {
            epoch,
            links: Links::new(MAGIC, options.pace, links, options.lease, most, random.u64(..)),
            streams: options.streams.iter().map(stream).collect(),
            streams_on_disk: (0..)
                .zip(&options.streams)
                .filter(|(_, of)| of.disk_bytes > 0)
                .map(|(id, _)| id)
                .collect(),
            disk: Disk::default(),
            routes: Routes::new(random.u64(..)),
            subscriptions: Slab::new(),
            members: BTreeMap::new(),
            rules: BTreeMap::new(),
            plains: Plains::default(),
            sessions: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            guests: BTreeMap::new(),
            asks: BTreeMap::new(),
            asked: 0,
            dialled: 0,
            agenda: BTreeSet::new(),
            busy: VecDeque::new(),
            stuck: BTreeMap::new(),
            too_slow: Vec::new(),
            live,
            left: Time::ZERO,
            gathered: 0,
            waiting: false,
            published: (0, None),
            bound: Vec::new(),
            shared_endpoint: None,
            started: false,
            draining: false,
            finished: None,
            drained: false,
            closed: false,
            room: 0,
            events: VecDeque::new(),
            outputs: VecDeque::new(),
            past: Books::default(),
            counters: Counters::default(),
            options,
        }
    }

    fn start(&mut self, now: Time) {
        self.started = true;
        let sockets = [
            (CONTROL, Role::Router, Some(self.options.bind.clone())),
            (SHARED, Role::Pub, self.options.shared.clone()),
            (PLAIN, Role::Pub, self.options.plain.clone()),
        ];
        for (socket, role, endpoint) in sockets {
            if let Some(endpoint) = endpoint {
                self.outputs.push_back(Output::Open { socket, role });
                self.outputs.push_back(Output::Bind { socket, endpoint });
            }
        }
        self.plan(now + self.options.pace.interval, Due::Beat);
    }

    /// It tells where it is reached once it knows all of it.
    fn bound(&mut self, socket: SocketId, endpoint: String) {
        self.bound.push((socket, endpoint));
        let wanted = 1 + usize::from(self.options.shared.is_some()) + usize::from(self.options.plain.is_some());
        if self.bound.len() == wanted {
            self.bound.sort();
            for (socket, endpoint) in self.bound.clone() {
                if socket == SHARED {
                    self.shared_endpoint = Some(Bytes::from(endpoint.clone()));
                }
                self.events.push_back(PublisherEvent::Bound { endpoint });
            }
        }
    }

    fn plan(&mut self, at: Time, due: Due) {
        self.agenda.insert((at, due));
    }

    fn send(&mut self, now: Time, link: LinkId, message: Message) {
        let (kind, fields, body) = message.encode();
        self.links.send(now, link, kind, &fields, body);
    }

    fn received(&mut self, now: Time, socket: SocketId, peer: &Peer, user: Bytes, frames: Frames) {
        // Who knows another's session number is not another.
        let link = self.links.of(&frames);
        let of = link.and_then(|link| match self.sessions.get(&link) {
            Some(session) => Some(&session.connection),
            None => self.guests.get(&link).map(|guest| &guest.connection),
        });
        if of.is_some_and(|connection| *connection != user) {
            self.counters.forged += 1;
            return;
        }
        match self.links.receive(now, socket, peer, frames) {
            Arrival::Opened(link) => {
                self.receive_guest(now, link, user);
            }
            Arrival::Message { link, kind, fields, body } => match Message::decode(kind, fields, body) {
                Some(message) => self.said(now, link, message),
                None => self.counters.malformed += 1,
            },
            Arrival::Closed(link) => self.gone(now, link, true),
            Arrival::Reset(link) => self.gone(now, link, false),
            Arrival::Refused => self.counters.denied += 1,
            Arrival::Malformed => self.counters.malformed += 1,
            Arrival::Nothing => {}
        }
    }

    fn said(&mut self, now: Time, link: LinkId, message: Message) {
        match message {
            Message::Hello(hello) if self.guests.get(&link).is_some_and(|guest| !guest.refused) => {
                self.hello(now, link, hello);
            }
            Message::Subscribe(wanted) if self.sessions.contains_key(&link) => self.subscribe(now, link, wanted),
            Message::Unsubscribe { number } => self.unsubscribe(link, number),
            Message::Taken(taken) => self.taken(link, &taken),
            Message::Repair { number, stream, first, last } => self.repair(now, link, (number, stream), first, last),
            _ => self.counters.malformed += 1,
        }
    }

    /// Somebody may say who he is on this link, or hear why he is nobody here.
    fn receive_guest(&mut self, now: Time, link: LinkId, connection: Bytes) {
        let until = now + self.options.lease;
        self.guests.insert(link, Guest { until, connection, refused: false });
        self.plan(until, Due::Guest(link));
    }

    /// A link is no guest's any more. What the application is asked about him must not let in whoever has his place then.
    fn forget_guest(&mut self, link: LinkId) {
        if let Some(Guest { until, .. }) = self.guests.remove(&link) {
            self.agenda.remove(&(until, Due::Guest(link)));
            if let Some(ask) = self.asks.iter().find(|(_, ask)| ask.link == link).map(|(ask, _)| *ask)
                && let Some(Ask { until, .. }) = self.asks.remove(&ask)
            {
                self.agenda.remove(&(until, Due::Ask(ask)));
            }
        }
    }

    /// A link has ended: in order, or because the other side does not know it, or was silent.
    fn gone(&mut self, now: Time, link: LinkId, in_order: bool) {
        self.forget_guest(link);
        if let Some(control) = self.deliveries.get(&link).copied() {
            // Where the subscriber wanted it, it is not.
            self.dismiss(now, control);
        } else if self.sessions.contains_key(&link) {
            self.end_session(now, link, if in_order { Some(std::time::Duration::ZERO) } else { None });
        }
        self.links.remove(link);
    }

    fn due(&mut self, now: Time) {
        for silence in self.links.due(now) {
            match silence {
                Silence::Forgotten(link) => self.gone(now, link, true),
                // A link that the publisher opened, and nobody answers.
                Silence::Long(link) if self.deliveries.contains_key(&link) => self.gone(now, link, false),
                Silence::Long(_) => {}
            }
        }
        while let Some((at, _)) = self.agenda.first()
            && *at <= now
        {
            let Some((_, due)) = self.agenda.pop_first() else { break };
            match due {
                Due::Beat => self.beat(now),
                Due::Gathered => self.leave(now),
                Due::Guest(link) => {
                    if self.guests.get(&link).is_some_and(|guest| guest.until <= now) {
                        self.forget_guest(link);
                        self.outputs.extend(self.links.dismiss(link));
                    }
                }
                Due::Member(identity) => {
                    if self.members.get(&identity).is_some_and(|member| member.until.is_some_and(|at| at <= now)) {
                        self.forget(&identity, LostReason::Gone);
                    }
                }
                Due::Away(identity) => {
                    if self.members.get(&identity).is_some_and(|member| member.awaited.is_some_and(|at| at <= now)) {
                        self.is_away(&identity);
                    }
                }
                Due::Ask(ask) => self.decide(now, ask, Err(rights::refused())),
            }
        }
    }

    fn obey(&mut self, now: Time, command: PublisherCommand) {
        match command {
            PublisherCommand::Publish(all) => self.publish(now, &all),
            PublisherCommand::Decide { ask, decision } => self.decide(now, ask, decision),
            PublisherCommand::SetEntitlements(entitlements) => self.set_entitlements(now, *entitlements),
            PublisherCommand::SetRules { user, rules } => self.set_rules(now, &user, &Arc::new(rules)),
            PublisherCommand::OpenPlain { user, endpoint } => self.open_plain(user, endpoint),
            PublisherCommand::ClosePlain { endpoint } => self.close_plain(&endpoint),
            PublisherCommand::Expel { identity, refusal } => self.expel(now, &identity, refusal, LostReason::Revoked),
            PublisherCommand::Drain => {
                self.leave(now);
                self.draining = true;
            }
            PublisherCommand::Close => {
                self.leave(now);
                self.outputs.extend(self.links.say_goodbye());
                self.closed = true;
            }
        }
    }
}

impl Machine for Publisher {
    type Command = PublisherCommand;
    type Event = PublisherEvent;

    fn handle(&mut self, now: Time, input: Input<PublisherCommand>) {
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
            Input::Command(command) => self.obey(now, command),
            Input::Message { socket, peer, user, frames } => self.received(now, socket, &peer, user, frames),
            Input::Refused { token, .. } => self.links.refused(token),
            Input::Writable { socket } => self.links.writable(now, socket),
            Input::Deadline => self.due(now),
            Input::Bound { socket, endpoint } if socket >= FIRST_PLAIN => self.plain_bound(socket, endpoint),
            Input::Bound { socket, endpoint } => self.bound(socket, endpoint),
            Input::Failed { socket, error } if socket >= FIRST_PLAIN => self.plain_failed(socket, error),
            Input::Failed { socket: DIALS, error } => self.cannot_dial(now, &error),
            Input::Failed { error, .. } => self.events.push_back(PublisherEvent::Failed(error)),
            Input::Fetched { key, value } => self.fetched(now, key, value),
            Input::Stored { up_to } => self.stored(up_to, true),
            Input::StoreFailed { up_to, .. } => self.stored(up_to, false),
            Input::Recovered { .. } => {}
        }
        while let Some(link) = self.links.overrun() {
            self.gone(now, link, false);
        }
        self.serve(now);
        self.work_on_disk();
        self.finish_draining(now);
        while self.room > 0
            && let Some(event) = self.events.pop_front()
        {
            self.room -= 1;
            self.outputs.push_back(Output::Deliver(event));
        }
    }

    fn poll(&mut self) -> Option<Output<PublisherEvent>> {
        self.outputs.pop_front().or_else(|| {
            let (socket, peer, token, frames) = self.links.poll()?;
            Some(Output::Send { socket, peer, token, frames })
        })
    }

    fn deadline(&self) -> Option<Time> {
        if self.closed {
            return None;
        }
        earliest([self.links.deadline(), self.agenda.first().map(|(at, _)| *at)])
    }
}
