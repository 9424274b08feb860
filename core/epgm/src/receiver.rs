//! One who listens to a group.
//!
//! * Every source has a stream of its own, which begins with the first datagram that is heard of it. Messages of one source
//!   arrive in order; between sources there is no order.
//! * What is missing is asked for, after a random while (`repair`), until it comes, or the source has it no more, or it was
//!   asked for in vain too often, or too much waits behind it. Then it is told that it was missed, and the stream goes on with
//!   the next message: never in silence, and never with a message of two halves.
//! * Sources, what they may keep waiting, and how far they may jump are bounded. Whoever is heard no more is forgotten.

mod repair;
mod source;
mod stream;

use std::{
    collections::{BTreeMap, VecDeque},
    net::{IpAddr, SocketAddr},
    ops::AddAssign,
    time::Duration,
};

use bytes::Bytes;
use fastrand::Rng;

use self::source::Source;
use crate::{
    framing::Broken,
    packet::{Body, Flow, Gsi, NakKind, Packet},
    sequence::Sqn,
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
    /// From which all random whiles follow.
    pub seed: u64,
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
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A source is heard for the first time.
    Joined(SourceId),
    /// A message.
    Message(SourceId, Vec<Bytes>),
    /// These datagrams will not come, the first and the last of them. Messages of which they have a part are lost.
    Missed(SourceId, Sqn, Sqn),
    /// A source sent what makes no sense. Messages up to the next that does are lost.
    Broken(SourceId, Broken),
    /// A source has ended, or is heard no more.
    Gone(SourceId),
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
    /// Messages that were handed on.
    pub delivered: u64,
    /// Datagrams with data that were new.
    pub datagrams: u64,
    /// Datagrams with data that were there, or too old.
    pub duplicates: u64,
    /// Datagrams that were asked for and came.
    pub repaired: u64,
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
    /// Sources that were not listened to because too many were there.
    pub refused: u64,
}

/// Listens to all sources of a session.
#[derive(Debug)]
pub struct Receiver {
    options: ReceiverOptions,
    sources: BTreeMap<SourceId, Source>,
    sends: VecDeque<(To, Bytes)>,
    events: VecDeque<Event>,
    random: Rng,
    /// Not listened to: what is said here comes back.
    own: Option<SourceId>,
    /// What there was of sources that are gone.
    counters: ReceiverCounters,
}

impl Receiver {
    /// One who has heard nobody yet.
    pub fn new(options: ReceiverOptions) -> Self {
        Self {
            sources: BTreeMap::new(),
            sends: VecDeque::new(),
            events: VecDeque::new(),
            random: Rng::with_seed(options.seed),
            own: None,
            counters: ReceiverCounters::default(),
            options,
        }
    }

    /// What it did so far.
    pub fn counters(&self) -> ReceiverCounters {
        let mut counters = self.counters;
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

    /// Takes a datagram in that came from this address.
    pub fn handle(&mut self, now: Duration, from: SocketAddr, datagram: &Bytes) {
        let Ok(packet) = Packet::read(datagram) else {
            self.counters.malformed += 1;
            return;
        };
        let Flow { source, destination, gsi } = packet.flow;
        if self.own.is_some_and(|own| own.gsi == gsi && (own.port == source || own.port == destination)) {
            return;
        }
        if destination == self.options.port {
            self.said(now, from, SourceId { gsi, port: source }, &packet, datagram);
        } else if source == self.options.port {
            self.overheard(now, SourceId { gsi, port: destination }, &packet);
        } else {
            self.counters.foreign += 1;
        }
    }

    /// A source says something.
    fn said(&mut self, now: Duration, from: SocketAddr, id: SourceId, packet: &Packet<'_>, datagram: &Bytes) {
        let first = match packet.body {
            Body::Data { sequence, .. } => sequence,
            Body::Spm { lead, .. } => lead.next(),
            Body::Nak { kind: NakKind::Confirm, .. } => {
                if let Some(source) = self.sources.get_mut(&id) {
                    source.confirmed(now, packet);
                }
                return;
            }
            Body::Nak { .. } | Body::Spmr => {
                self.counters.foreign += 1;
                return;
            }
        };
        if !self.sources.contains_key(&id) {
            if packet.options.is_fin() || !self.make_place(now) {
                self.counters.refused += u64::from(!packet.options.is_fin());
                return;
            }
            self.sources.insert(id, Source::new(now, id, from, first, &self.options));
            self.events.push_back(Event::Joined(id));
        }
        let source = self.sources.get_mut(&id).expect("it was put there");
        let wait = self.random.f64();
        match packet.body {
            Body::Data { sequence, trail, payload, .. } => {
                let payload = datagram.slice_ref(payload);
                match source.data(now, sequence, trail, payload, wait) {
                    stream::Placed::Again => source.counters.duplicates += 1,
                    stream::Placed::New(asked) => {
                        source.counters.datagrams += 1;
                        source.counters.repaired += u64::from(asked.is_some());
                    }
                }
            }
            Body::Spm { sequence, trail, lead, address } => {
                source.spm(now, sequence, (trail, lead), address, packet.options.is_fin(), wait);
            }
            Body::Nak { .. } | Body::Spmr => {}
        }
        self.hand_on(id);
    }

    /// Another receiver says something to a source.
    fn overheard(&mut self, now: Duration, id: SourceId, packet: &Packet<'_>) {
        let Some(source) = self.sources.get_mut(&id) else { return };
        match packet.body {
            // Its question is as good as ours.
            Body::Nak { kind: NakKind::Ask, .. } => source.confirmed(now, packet),
            Body::Spmr => source.spm_was_asked_for(now),
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
            self.events.push_back(Event::Gone(id));
        }
    }

    /// Hands on what is in order now.
    fn hand_on(&mut self, id: SourceId) {
        let Some(source) = self.sources.get_mut(&id) else { return };
        let before = self.events.len();
        source.hand_on(&mut self.events);
        for event in self.events.range(before..) {
            match event {
                Event::Message(..) => source.counters.delivered += 1,
                Event::Broken(..) => source.counters.broken += 1,
                Event::Missed(_, first, last) => {
                    source.counters.missed += u64::from(last.next().0.wrapping_sub(first.0));
                }
                _ => {}
            }
        }
        if source.has_ended() {
            self.forget(id);
        }
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
            self.hand_on(id);
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

    /// The next thing to be told. Take all after each call: nothing else bounds them.
    pub fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}

#[cfg(test)]
mod tests;
