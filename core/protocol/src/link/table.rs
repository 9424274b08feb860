//! Many links, by their sessions.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use fastrand::Rng;
use slab::Slab;

use super::{CLOSE, Due, FIRST, Header, Link, Magic, OPEN, RESET, Received, Session};
use crate::{
    Time,
    liveness::Pace,
    machine::{Frames, Output, Peer, SocketId, Token},
};

/// A link's place in its table; it may be used again after [`Links::remove`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LinkId(u32);

impl LinkId {
    /// Not after any other.
    pub const MIN: Self = Self(0);
    /// Not before any other.
    pub const MAX: Self = Self(u32::MAX);
}

/// Sequence numbers in tokens keep their low bits only; the others say which link it was, and which of those that had its
/// place one after the other: who is told late that a message was refused must not take it for another's.
const SEQUENCE_BITS: u32 = 34;
const SEQUENCE_MASK: u64 = (1 << SEQUENCE_BITS) - 1;
const GENERATION_BITS: u32 = 10;
const GENERATION_MASK: u64 = (1 << GENERATION_BITS) - 1;
/// How many links there may be, because of that.
const MAX_LINKS: usize = (1 << (64 - SEQUENCE_BITS - GENERATION_BITS)) - 1;

/// The token of a message whose refusal matters to no link.
pub const NO_LINK: Token = Token(u64::MAX);

/// Below this, keeping time would be all that a machine does.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

/// What a message was.
#[derive(Debug)]
pub enum Arrival {
    /// Somebody opened a link.
    Opened(LinkId),
    /// The pattern's next message on a link.
    Message {
        /// On this link.
        link: LinkId,
        /// Of this kind.
        kind: u8,
        /// With these fields.
        fields: Bytes,
        /// And these frames.
        body: Frames,
    },
    /// The other side does not know the link, perhaps because it started anew.
    Reset(LinkId),
    /// The other side ended the link.
    Closed(LinkId),
    /// Nothing for the pattern.
    Nothing,
    /// A link was to be opened and the table is full.
    Refused,
    /// No message of this protocol.
    Malformed,
}

/// A silence that was noticed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Silence {
    /// Something is awaited, and nothing was heard for the patience of the links' pace. The link waits on, and this is
    /// said again after as long.
    Long(LinkId),
    /// Who opened this link was silent for so long that it is to be removed.
    Forgotten(LinkId),
}

/// What a link keeps for a side that does not acknowledge, at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Backlog {
    /// Messages.
    pub messages: usize,
    /// Bytes; the message that goes beyond is still kept.
    pub bytes: usize,
}

#[derive(Debug)]
struct Entry {
    link: Link,
    most: Backlog,
    socket: SocketId,
    peer: Peer,
    /// When the agenda comes back to it; never later than the link's own deadline.
    planned: Option<Time>,
    queued: bool,
    /// Of its connection: what an earlier one refuses says nothing of this one.
    generation: u64,
}

impl Entry {
    fn token(&self, id: LinkId, sequence: u64) -> Token {
        let place = u64::from(id.0) << (SEQUENCE_BITS + GENERATION_BITS);
        Token(place | (self.generation << SEQUENCE_BITS) | (sequence & SEQUENCE_MASK))
    }
}

/// Tells what was sent over one connection from what was sent over another.
#[derive(Debug, Default)]
struct Generations(u64);

impl Generations {
    fn next(&mut self) -> u64 {
        self.0 = (self.0 + 1) & GENERATION_MASK;
        self.0
    }
}

/// All links of a machine.
#[derive(Debug)]
pub struct Links {
    magic: Magic,
    pace: Pace,
    max: usize,
    forget: Duration,
    random: Rng,
    entries: Slab<Entry>,
    sessions: BTreeMap<Session, LinkId>,
    agenda: BTreeSet<(Time, LinkId)>,
    /// Links that may have something to send.
    queue: VecDeque<LinkId>,
    /// Links whose connection refused something, and perhaps takes it by now.
    blocked: BTreeSet<(SocketId, LinkId)>,
    most: Backlog,
    overrun: VecDeque<LinkId>,
    generations: Generations,
    /// Answers to those who have no link.
    resets: VecDeque<(SocketId, Peer, Session)>,
    now: Time,
}

impl Links {
    /// A table for the messages that `magic` begins. At most `max` links are opened by others, and such a link is
    /// forgotten when nothing was heard of it for `forget`. A link keeps `most`, unless it is [allowed](Self::allow) more.
    pub fn new(magic: Magic, pace: Pace, max: usize, forget: Duration, most: Backlog, seed: u64) -> Self {
        let pace = Pace { interval: pace.interval.max(SHORTEST_INTERVAL), limit: pace.limit.max(2) };
        Self {
            magic,
            pace,
            max: max.min(MAX_LINKS),
            forget: forget.max(pace.patience()),
            random: Rng::with_seed(seed),
            entries: Slab::new(),
            sessions: BTreeMap::new(),
            agenda: BTreeSet::new(),
            queue: VecDeque::new(),
            blocked: BTreeSet::new(),
            most,
            overrun: VecDeque::new(),
            generations: Generations::default(),
            resets: VecDeque::new(),
            now: Time::ZERO,
        }
    }

    /// How many links there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All links.
    pub fn ids(&self) -> Vec<LinkId> {
        self.entries.iter().map(|(slot, _)| LinkId(slot as u32)).collect()
    }

    /// Opens a link on a socket that is connected to whom it is for.
    pub fn open(&mut self, now: Time, socket: SocketId) -> LinkId {
        self.open_to(now, socket, Peer::default())
    }

    /// Opens a link to one of those that a socket is connected to.
    pub fn open_to(&mut self, now: Time, socket: SocketId, peer: Peer) -> LinkId {
        let session = Session(self.random.u64(..));
        let link = Link::new(now, self.magic, session, self.pace, None);
        self.insert(now, link, socket, peer)
    }

    /// The link that a message belongs to, if there is one.
    pub fn of(&self, frames: &Frames) -> Option<LinkId> {
        let session = Header::session_of(self.magic, frames)?;
        self.sessions.get(&session).copied()
    }

    fn insert(&mut self, now: Time, link: Link, socket: SocketId, peer: Peer) -> LinkId {
        self.now = now;
        let session = link.session;
        let generation = self.generations.next();
        let entry = Entry { link, most: self.most, socket, peer, planned: None, queued: false, generation };
        let id = LinkId(u32::try_from(self.entries.insert(entry)).expect("there are fewer links than 2^32"));
        self.sessions.insert(session, id);
        self.touched(id);
        id
    }

    /// Takes in a message.
    pub fn receive(&mut self, now: Time, socket: SocketId, peer: &Peer, frames: Frames) -> Arrival {
        self.now = now;
        let Some((header, fields, body)) = Header::read(self.magic, frames) else {
            return Arrival::Malformed;
        };
        let is_own = header.kind < FIRST;
        if is_own && (header.kind > CLOSE || !body.is_empty() || !fields.is_empty()) || !is_own && header.sequence == 0
        {
            return Arrival::Malformed;
        }
        let Some(id) = self.sessions.get(&header.session).copied() else {
            return self.stranger(now, socket, peer, &header);
        };
        let entry = &mut self.entries[id.0 as usize];
        if entry.socket != socket {
            // It comes from a connection that the link has left.
            return Arrival::Nothing;
        }
        if entry.peer != *peer {
            entry.peer = peer.clone();
            entry.generation = self.generations.next();
            entry.link.reconnected();
        }
        let bytes = body.iter().map(Bytes::len).sum();
        let received = entry.link.receive(now, &header, bytes);
        self.touched(id);
        match received {
            Received::Message => Arrival::Message { link: id, kind: header.kind, fields, body },
            Received::Nothing => Arrival::Nothing,
            Received::Reset => Arrival::Reset(id),
            Received::Closed => Arrival::Closed(id),
        }
    }

    fn stranger(&mut self, now: Time, socket: SocketId, peer: &Peer, header: &Header) -> Arrival {
        match header.kind {
            OPEN if self.entries.len() >= self.max => Arrival::Refused,
            OPEN => {
                let link = Link::new(now, self.magic, header.session, self.pace, Some(self.forget));
                Arrival::Opened(self.insert(now, link, socket, peer.clone()))
            }
            // These two are never answered, or two parties could go on answering each other.
            RESET | CLOSE => Arrival::Nothing,
            _ => {
                self.resets.push_back((socket, peer.clone(), header.session));
                Arrival::Nothing
            }
        }
    }

    /// Sends a message; its number on this link, if that is still there and keeps no more than it may.
    pub fn send(&mut self, now: Time, id: LinkId, kind: u8, fields: &[u8], body: Frames) -> Option<u64> {
        self.now = now;
        let entry = self.entries.get_mut(id.0 as usize)?;
        if entry.link.kept.len() >= entry.most.messages || entry.link.kept_bytes > entry.most.bytes {
            self.overrun.push_back(id);
            return None;
        }
        if entry.link.is_stale(now, self.forget / 2) {
            // The other side may be about to forget it.
            self.sessions.remove(&entry.link.session);
            let session = Session(self.random.u64(..));
            entry.link = Link::new(now, self.magic, session, self.pace, None);
            self.sessions.insert(session, id);
        }
        let sequence = entry.link.push(now, kind, fields, body);
        self.touched(id);
        Some(sequence)
    }

    /// What this link keeps at most from now on.
    pub fn allow(&mut self, id: LinkId, most: Backlog) {
        if let Some(entry) = self.entries.get_mut(id.0 as usize) {
            entry.most = most;
        }
    }

    /// A link that could not take a message, because the other side acknowledges too little. What it was to be told is lost,
    /// so the link is of no more use, and is to be removed.
    pub fn overrun(&mut self) -> Option<LinkId> {
        while let Some(id) = self.overrun.pop_front() {
            let Some(entry) = self.entries.get(id.0 as usize) else { continue };
            if entry.link.kept.len() >= entry.most.messages || entry.link.kept_bytes > entry.most.bytes {
                return Some(id);
            }
        }
        None
    }

    /// Whether the message with this number was never handed to a connection that took it.
    pub fn is_unsent(&self, id: LinkId, sequence: u64) -> bool {
        self.entries.get(id.0 as usize).is_some_and(|entry| entry.link.is_unsent(sequence))
    }

    /// Messages and bytes that the other side may not have.
    pub fn backlog(&self, id: LinkId) -> (usize, usize) {
        self.entries.get(id.0 as usize).map_or((0, 0), |entry| (entry.link.kept.len(), entry.link.kept_bytes))
    }

    /// Asks every other side whether what was sent to it until now has arrived.
    pub fn ask_all(&mut self, now: Time) {
        self.now = now;
        for id in self.ids() {
            self.entries[id.0 as usize].link.ask();
            self.touched(id);
        }
    }

    /// Whether what [`ask_all`](Self::ask_all) asked for has arrived, except where nothing was heard since `since` for so
    /// long that nothing is waited for.
    pub fn have_arrived(&self, now: Time, since: Time) -> bool {
        let is_silent = |link: &Link| now >= link.heard.max(since) + link.patience;
        self.entries.iter().all(|(_, Entry { link, .. })| link.has_arrived() || is_silent(link))
    }

    /// The pattern begins or ceases to wait for the other side: only then its silence is noticed.
    pub fn watch(&mut self, now: Time, id: LinkId, watching: bool) {
        self.now = now;
        if let Some(entry) = self.entries.get_mut(id.0 as usize)
            && entry.link.watching != watching
        {
            entry.link.watch(now, watching);
            self.touched(id);
        }
    }

    /// The link goes on over another socket.
    pub fn move_to(&mut self, now: Time, id: LinkId, socket: SocketId) {
        self.now = now;
        if let Some(entry) = self.entries.get_mut(id.0 as usize) {
            entry.socket = socket;
            entry.generation = self.generations.next();
            entry.link.reconnected();
            self.touched(id);
        }
    }

    /// Ends a link without a word. Returns kind, fields and further frames of what the other side may not have.
    pub fn remove(&mut self, id: LinkId) -> Vec<(u8, Bytes, Frames)> {
        let Some(entry) = self.entries.try_remove(id.0 as usize) else { return Vec::new() };
        self.sessions.remove(&entry.link.session);
        if let Some(at) = entry.planned {
            self.agenda.remove(&(at, id));
        }
        let read = |frames: Frames| {
            let (header, fields, body) = Header::read(self.magic, frames).expect("a link keeps what it wrote");
            (header.kind, fields, body)
        };
        entry.link.kept.into_iter().map(|kept| read(kept.frames)).collect()
    }

    /// Ends a link, and tells the other side.
    pub fn dismiss<E>(&mut self, id: LinkId) -> Option<Output<E>> {
        let entry = self.entries.get(id.0 as usize)?;
        let (socket, peer, frames) = (entry.socket, entry.peer.clone(), entry.link.goodbye());
        self.remove(id);
        Some(Output::Send { socket, peer, token: NO_LINK, frames })
    }

    /// Tells every other side that its link has ended, with the messages returned, and removes all links.
    pub fn say_goodbye<E>(&mut self) -> Vec<Output<E>> {
        let goodbye = |entry: Entry| {
            let frames = entry.link.goodbye();
            Output::Send { socket: entry.socket, peer: entry.peer, token: NO_LINK, frames }
        };
        self.sessions.clear();
        self.agenda.clear();
        self.entries.drain().map(goodbye).collect()
    }

    /// A socket did not take a message. The link waits until the socket is writable, or its peer comes back.
    pub fn refused(&mut self, token: Token) {
        let id = LinkId((token.0 >> (SEQUENCE_BITS + GENERATION_BITS)) as u32);
        let (generation, low) = ((token.0 >> SEQUENCE_BITS) & GENERATION_MASK, token.0 & SEQUENCE_MASK);
        if let Some(entry) = self.entries.get_mut(id.0 as usize)
            && entry.generation == generation
        {
            let lap = entry.link.first.saturating_sub(low).div_ceil(SEQUENCE_MASK + 1);
            entry.link.refused(if low == 0 { 0 } else { low + lap * (SEQUENCE_MASK + 1) });
            self.blocked.insert((entry.socket, id));
        }
    }

    /// A socket takes messages again.
    pub fn writable(&mut self, now: Time, socket: SocketId) {
        self.now = now;
        let later = self.blocked.split_off(&(socket, LinkId(0)));
        for (of, id) in later {
            if of != socket {
                self.blocked.insert((of, id));
            } else if let Some(entry) = self.entries.get_mut(id.0 as usize)
                && entry.socket == socket
                && entry.link.blocked
            {
                entry.link.writable();
                self.touched(id);
            }
        }
    }

    /// What is to be noticed at `now`. Call it when the [`deadline`](Self::deadline) has come.
    pub fn due(&mut self, now: Time) -> Vec<Silence> {
        self.now = now;
        let mut silent = Vec::new();
        while let Some(&(at, id)) = self.agenda.first()
            && at <= now
        {
            self.agenda.pop_first();
            let Some(entry) = self.entries.get_mut(id.0 as usize) else { continue };
            entry.planned = None;
            match entry.link.due(now) {
                Due::Nothing => {}
                Due::Silent => silent.push(Silence::Long(id)),
                Due::Forgotten => {
                    silent.push(Silence::Forgotten(id));
                    // It is planned no more, because it is removed next.
                    continue;
                }
            }
            self.touched(id);
        }
        silent
    }

    /// When [`due`](Self::due) is to be called; up to date when [`poll`](Self::poll) has answered `None`.
    pub fn deadline(&self) -> Option<Time> {
        self.agenda.first().map(|(at, _)| *at)
    }

    /// The next message for a socket.
    pub fn poll(&mut self) -> Option<(SocketId, Peer, Token, Frames)> {
        if let Some((socket, peer, session)) = self.resets.pop_front() {
            let header = Header { kind: RESET, session, sequence: 0, received: 0 };
            return Some((socket, peer, NO_LINK, header.write(self.magic, &[], Frames::new())));
        }
        while let Some(id) = self.queue.front().copied() {
            if let Some(entry) = self.entries.get_mut(id.0 as usize) {
                if let Some((sequence, frames)) = entry.link.poll(self.now) {
                    return Some((entry.socket, entry.peer.clone(), entry.token(id, sequence), frames));
                }
                entry.queued = false;
            }
            self.queue.pop_front();
            self.plan(id);
        }
        None
    }

    /// Something changed: there may be something to send, and then a time to keep.
    fn touched(&mut self, id: LinkId) {
        let entry = &mut self.entries[id.0 as usize];
        if !entry.queued {
            entry.queued = true;
            self.queue.push_back(id);
        }
    }

    /// Deadlines mostly move away, with every message. The agenda learns of that when the old time has come; only an
    /// earlier one is noted at once.
    fn plan(&mut self, id: LinkId) {
        let Some(entry) = self.entries.get_mut(id.0 as usize) else { return };
        let Some(at) = entry.link.deadline() else { return };
        if entry.planned.is_none_or(|planned| at < planned) {
            if let Some(planned) = entry.planned.replace(at) {
                self.agenda.remove(&(planned, id));
            }
            self.agenda.insert((at, id));
        }
    }
}
