//! One who listens to a group.
//!
//! * Every source has a stream of its own, which begins with the first datagram that is heard of it. Messages of one source
//!   arrive in order; between sources there is no order.
//! * What is missing is asked for, after a random while (`repair`), until it comes, or the source has it no more, or it was
//!   asked for in vain too often, or too much waits behind it. Then it is told that it was missed, and the stream goes on with
//!   the next message: never in silence, and never with a message of two halves.
//! * Sources, what they may keep waiting, and how far they may jump are bounded. Whoever is heard no more is forgotten.
//! * A source that waits for those who listen is told how far this one is, and what the program has no room for waits.
//! * Parity that a source sends takes the place of what was lost, whichever that is (`groups`).
//! * What is in order is copied once, from the datagram into the [`Batch`] that the program gets.

mod batch;
mod groups;
mod outlet;
mod repair;
mod source;
mod stream;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::{IpAddr, SocketAddr},
    ops::AddAssign,
    time::Duration,
};

use bytes::Bytes;
use fastrand::Rng;

pub use self::{batch::Batch, outlet::Room};
use self::{
    outlet::Outlet,
    source::{Reach, Source},
};
use crate::{
    framing::Broken,
    key::Key,
    packet::{Body, Flow, Gsi, NakKind, Packet, is_of},
    sequence::Sqn,
    writer::Writer,
};

/// How a receiver is set up.
#[derive(Clone, Debug)]
pub struct ReceiverOptions {
    /// The session's port.
    pub port: u16,
    /// To which the streams go.
    pub group: IpAddr,
    /// Sources at once; a new one takes the place of one that was silent for long, or is not heard.
    pub max_sources: usize,
    /// Bytes of one source that wait while something before them is missing.
    pub window: usize,
    /// Bytes of a message; each frame counts as 32 more.
    pub max_message: usize,
    /// Between these is how long is waited before asking, as long as repairs take.
    pub repair: (Duration, Duration),
    /// How often one datagram is asked for.
    pub tries: u32,
    /// Who is silent for so long is forgotten.
    pub forget: Duration,
    /// Where sources are asked.
    pub asking: Asking,
    /// Bytes of what was sent before, which are asked for if the source offers them.
    pub history: usize,
    /// What sources are told who wait for those with a certain tag.
    pub tag: u32,
    /// Bytes that may be on their way from sources that wait for us: what the system keeps for us until we take it.
    pub ahead: usize,
    /// What all in the session know, and nobody else.
    pub key: Option<Key>,
    /// From which all random whiles follow.
    pub seed: u64,
}

impl ReceiverOptions {
    /// 1,024 sources, 64 MiB behind a gap, messages of 16 MiB; repairs take from 0.5 to 50 ms and are asked for 20 times; who is
    /// silent is forgotten after 5 minutes. Sources are asked where they say. No history, no tag, no key; 64 KiB are on their way.
    pub fn new(port: u16, group: IpAddr, seed: u64) -> Self {
        Self {
            port,
            group,
            max_sources: 1024,
            window: 64 << 20,
            max_message: 16 << 20,
            repair: (Duration::from_micros(500), Duration::from_millis(50)),
            tries: 20,
            forget: Duration::from_secs(300),
            asking: Asking::Named,
            history: 0,
            tag: 0,
            ahead: 1 << 16,
            key: None,
            seed,
        }
    }
}

/// Where a source is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asking {
    /// At the address that it names, and the session's port; from the second time on also in the group.
    Named,
    /// Where it was heard.
    Heard,
}

/// Names a source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SourceId {
    /// Its number.
    pub gsi: Gsi,
    /// Its port.
    pub port: u16,
}

/// What a receiver tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A source is heard for the first time.
    Joined(SourceId),
    /// A message, with its frames beside it.
    Message(SourceId),
    /// These datagrams will not come, the first and the last of them. Messages of which they have a part are lost.
    Missed(SourceId, Sqn, Sqn),
    /// A source sent what makes no sense. Messages up to the next that does are lost.
    Broken(SourceId, Broken),
    /// A source has ended, or is heard no more.
    Gone(SourceId),
    /// So many messages and events before the next one did not fit, because the program took too little.
    Dropped(u64),
}

/// Where a datagram goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum To {
    /// All who listen, at most so many hops away.
    Group(u8),
    /// A source.
    Source(SocketAddr),
}

/// What became of what a source sent, or all sources together.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct SourceCounters {
    /// Messages that were complete, whether or not the program wanted them and had room.
    pub delivered: u64,
    /// Datagrams with data that were new.
    pub datagrams: u64,
    /// Datagrams with data that were there, or too old.
    pub duplicates: u64,
    /// Datagrams that were asked for and came.
    pub repaired: u64,
    /// Datagrams that were computed from others and parity.
    pub computed: u64,
    /// Numbers that were asked for.
    pub asked: u64,
    /// Datagrams that will not come.
    pub missed: u64,
    /// How often what came made no sense.
    pub broken: u64,
}

impl AddAssign for SourceCounters {
    fn add_assign(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.datagrams += other.datagrams;
        self.duplicates += other.duplicates;
        self.repaired += other.repaired;
        self.computed += other.computed;
        self.asked += other.asked;
        self.missed += other.missed;
        self.broken += other.broken;
    }
}

/// What a receiver did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct ReceiverCounters {
    /// Of all sources that were ever heard.
    pub all: SourceCounters,
    /// Datagrams that are none.
    pub malformed: u64,
    /// Packets of other sessions.
    pub foreign: u64,
    /// Datagrams from who does not know the key.
    pub forged: u64,
    /// Sources that were not listened to because too many were there.
    pub refused: u64,
    /// Messages and events for which the program had no room.
    pub dropped: u64,
}

/// Listens to all sources of a session.
#[derive(Debug)]
pub struct Receiver {
    options: ReceiverOptions,
    sources: BTreeMap<SourceId, Source>,
    sends: VecDeque<(To, Bytes)>,
    outlet: Outlet,
    writer: Writer,
    /// How sources that wait for us know us.
    id: u64,
    /// Those of them who have something for which the program has no room.
    held: BTreeSet<SourceId>,
    /// How many of them there are.
    paced: usize,
    random: Rng,
    /// Not listened to: what is said here comes back.
    own: Option<SourceId>,
    /// What there was of sources that are gone.
    counters: ReceiverCounters,
}

impl Receiver {
    /// One who has heard nobody yet, wants no messages, and has room for everything.
    pub fn new(options: ReceiverOptions) -> Self {
        let mut random = Rng::with_seed(options.seed);
        Self {
            sources: BTreeMap::new(),
            sends: VecDeque::new(),
            outlet: Outlet::new(),
            writer: Writer::new(options.key.clone()),
            id: random.u64(..),
            held: BTreeSet::new(),
            paced: 0,
            random,
            own: None,
            counters: ReceiverCounters::default(),
            options,
        }
    }

    /// What it did so far.
    pub fn counters(&self) -> ReceiverCounters {
        let mut counters = ReceiverCounters { dropped: self.outlet.all_dropped, ..self.counters };
        self.sources.values().for_each(|source| counters.all += source.counters);
        counters
    }

    /// The sources that are heard now, and what became of what they sent.
    pub fn sources(&self) -> impl Iterator<Item = (SourceId, SourceCounters)> {
        self.sources.iter().map(|(id, source)| (*id, source.counters))
    }

    /// Does not listen to this source: it is who listens.
    pub fn ignore(&mut self, own: SourceId) {
        self.own = Some(own);
    }

    /// From now on messages whose first frame begins with `prefix` are wanted; with an empty one, all. Before the first such call
    /// no source is listened to.
    pub fn subscribe(&mut self, prefix: &[u8]) {
        self.outlet.subscribe(prefix);
    }

    /// Undoes a [`subscribe`](Self::subscribe); false if there was none of this prefix.
    pub fn unsubscribe(&mut self, prefix: &[u8]) -> bool {
        self.outlet.unsubscribe(prefix)
    }

    /// The program has so much room now. What does not fit is dropped, and [told](Event::Dropped), unless its source waits for us.
    pub fn set_room(&mut self, now: Duration, room: Room) {
        self.outlet.room = room;
        self.outlet.tell_dropped();
        for id in std::mem::take(&mut self.held) {
            self.hand_on(now, id);
        }
    }

    /// Whether something waits for so much room.
    pub fn waits_for(&self, room: Room) -> bool {
        self.outlet.is_dropped_due(room) || (!self.held.is_empty() && !room.is_empty())
    }

    /// Whether something waits for more room than there was; for what was dropped, that is room for two events.
    pub fn is_short(&self) -> bool {
        self.outlet.is_short() || !self.held.is_empty()
    }

    /// Moves what there is for the program into `batch`, which is empty. Call it after each of the others.
    pub fn take(&mut self, batch: &mut Batch) {
        self.outlet.take(batch);
    }

    /// Takes a datagram in that came from this address.
    pub fn handle(&mut self, now: Duration, from: SocketAddr, datagram: &[u8]) {
        // What a busy source says comes back to it, so it costs as little as it can.
        if self.own.is_some_and(|own| is_of(datagram, own.gsi, own.port)) {
            return;
        }
        let Some(datagram) = self.writer.open(datagram) else {
            self.counters.forged += 1;
            return;
        };
        let Ok(packet) = Packet::read(datagram) else {
            self.counters.malformed += 1;
            return;
        };
        let Flow { source, destination, gsi } = packet.flow;
        if destination == self.options.port {
            self.said(now, from, SourceId { gsi, port: source }, &packet);
        } else if source == self.options.port {
            self.overheard(now, SourceId { gsi, port: destination }, &packet);
        } else {
            self.counters.foreign += 1;
        }
    }

    /// A source says something.
    fn said(&mut self, now: Duration, from: SocketAddr, id: SourceId, packet: &Packet<'_>) {
        let first = match packet.body {
            Body::Data { sequence, .. } => sequence,
            Body::Spm { lead, .. } => lead.next(),
            Body::Nak { kind: NakKind::Confirm, .. } => {
                if let Some(source) = self.sources.get_mut(&id) {
                    source.confirmed(now, packet);
                }
                return;
            }
            Body::Nak { .. } | Body::Spmr | Body::Ack { .. } => {
                self.counters.foreign += 1;
                return;
            }
        };
        if !self.sources.contains_key(&id) {
            // Who never wanted anything does not begin: what he is going to want would be lost to him, and who waits for listeners
            // would wait for him. What is repeated for somebody else is no beginning: it may be of long ago.
            if !self.outlet.is_open() || packet.is_parity || matches!(packet.body, Body::Data { repair: true, .. }) {
                return;
            }
            if packet.options.is_fin() || !self.make_place(now) {
                self.counters.refused += u64::from(!packet.options.is_fin());
                return;
            }
            self.sources.insert(id, Source::new(now, id, from, first, &self.options, self.writer.clone()));
            self.outlet.tell(Event::Joined(id));
        }
        let source = self.sources.get_mut(&id).expect("it was put there");
        let wait = self.random.f64();
        match packet.body {
            Body::Data { repair, sequence, trail, payload } => {
                if packet.is_parity {
                    source.parity(now, sequence, payload, wait);
                } else {
                    source.data(now, (repair, sequence, trail, payload), wait, &mut self.outlet);
                }
            }
            Body::Spm { sequence, trail, lead, address } => {
                let was_paced = source.is_paced();
                source.spm(now, sequence, (trail, lead), address, packet.options, wait);
                self.paced += usize::from(source.is_paced() && !was_paced);
            }
            Body::Nak { .. } | Body::Spmr | Body::Ack { .. } => {}
        }
        self.hand_on(now, id);
    }

    /// Another receiver says something to a source.
    fn overheard(&mut self, now: Duration, id: SourceId, packet: &Packet<'_>) {
        let Some(source) = self.sources.get_mut(&id) else { return };
        match packet.body {
            // Its question is as good as ours.
            Body::Nak { kind: NakKind::Ask, .. } => source.confirmed(now, packet),
            Body::Spmr => source.spm_was_asked_for(now),
            Body::Ack { .. } => {}
            _ => self.counters.foreign += 1,
        }
    }

    /// Whether there is room for another source, perhaps because one is silent.
    fn make_place(&mut self, now: Duration) -> bool {
        if self.sources.len() < self.options.max_sources {
            return true;
        }
        let quiet = self.sources.iter().min_by_key(|(_, source)| source.heard());
        let Some((id, source)) = quiet.map(|(id, source)| (*id, source)) else { return false };
        if now < source.heard() + self.options.forget / 10 {
            return false;
        }
        self.forget(id);
        true
    }

    fn forget(&mut self, id: SourceId) {
        if let Some(source) = self.sources.remove(&id) {
            self.counters.all += source.counters;
            self.paced -= usize::from(source.is_paced());
            self.held.remove(&id);
            self.outlet.tell(Event::Gone(id));
        }
    }

    /// Hands on what is in order now.
    fn hand_on(&mut self, now: Duration, id: SourceId) {
        let reach = self.reach();
        let Some(source) = self.sources.get_mut(&id) else { return };
        source.hand_on(&mut self.outlet);
        source.report(now, reach, &mut self.sends);
        if source.is_held(&self.outlet) {
            self.held.insert(id);
        } else if source.has_ended() {
            self.forget(id);
        }
    }

    /// How far ahead of us a source may be that waits for us.
    fn reach(&self) -> Reach {
        let bytes = self.options.window.min(self.options.ahead / self.paced.max(1));
        Reach { receiver: self.id, tag: self.options.tag, datagrams: (bytes / source::LARGE).max(4) as u32 }
    }

    /// Tells sources that wait for us that they need not any more. Send what [`poll`](Self::poll) gives before the end.
    pub fn leave(&mut self, now: Duration) {
        let reach = self.reach();
        self.sources.values_mut().for_each(|source| source.leave(now, reach, &mut self.sends));
    }

    /// Does what is due. Call it at the [`deadline`](Self::deadline).
    pub fn advance(&mut self, now: Duration) {
        let due: Vec<SourceId> =
            self.sources.iter().filter(|(_, source)| source.deadline() <= now).map(|(id, _)| *id).collect();
        for id in due {
            let Some(source) = self.sources.get_mut(&id) else { continue };
            if now >= source.heard() + self.options.forget {
                self.forget(id);
                continue;
            }
            source.counters.asked += source.ask(now, &self.options, &mut self.random, &mut self.sends);
            self.hand_on(now, id);
        }
    }

    /// When to call [`advance`](Self::advance), if nothing else happens.
    pub fn deadline(&self) -> Option<Duration> {
        self.sources.values().map(Source::deadline).min()
    }

    /// The next datagram to be sent.
    pub fn poll(&mut self) -> Option<(To, Bytes)> {
        self.sends.pop_front()
    }
}

#[cfg(test)]
mod tests;
