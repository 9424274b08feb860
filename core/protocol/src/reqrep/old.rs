//! Peers that speak an older protocol, as the broker keeps them.
//!
//! They have no link: a client is known for as long as its request is open, a worker for as long as it is heard. A worker
//! sees our ticket where it expects the address of a client, so what it answers after it was given up is recognised.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};

use bytes::Bytes;

use super::{
    dispatch::{ResponderId, Ticket},
    mdp::Version,
    pirate,
};
use crate::{
    Time,
    link::NO_LINK,
    liveness::{Due, Liveness, Pace},
    machine::{Frames, Peer, SocketId, Token},
};

/// What a peer speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dialect {
    Majordomo(Version),
    /// 6/PPP.
    Paranoid,
    /// A REQ socket that said that it is ready.
    Simple,
    /// A client that says nothing but its question.
    Plain,
}

impl Dialect {
    /// Whether a worker lives can be known.
    fn has_heartbeats(self) -> bool {
        matches!(self, Self::Majordomo(_) | Self::Paranoid)
    }

    fn request(self, ticket: Ticket, body: &[Bytes]) -> Frames {
        match self {
            Self::Majordomo(version) => version.request(ticket, body),
            _ => pirate::request(self, ticket, body),
        }
    }

    fn heartbeat(self) -> Frames {
        match self {
            Self::Majordomo(version) => version.heartbeat(),
            _ => pirate::heartbeat(),
        }
    }

    fn answer(self, envelope: Frames, service: Bytes, last: bool, body: Frames) -> Frames {
        match self {
            Self::Majordomo(version) => version.answer(envelope, service, last, body),
            _ => [envelope, body].concat(),
        }
    }
}

/// A connection of one of the broker's sockets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Place {
    pub(super) socket: SocketId,
    pub(super) peer: Peer,
}

/// A message on its way to one of them.
pub(super) struct Sending {
    pub(super) to: Place,
    pub(super) token: Token,
    pub(super) frames: Frames,
}

/// Tokens of messages to workers: above those of links, with the worker's number, and whether it is a request.
const TO_WORKER: u64 = 0xf_ffff << 44;
const IS_REQUEST: u64 = 1 << 43;

/// A request of an old client, as long as it is open.
struct OldRequest {
    place: Place,
    dialect: Dialect,
    envelope: Frames,
    service: Bytes,
}

pub(super) struct OldWorker {
    pub(super) id: ResponderId,
    dialect: Dialect,
    liveness: Liveness,
}

/// All of them.
pub(super) struct OldPeers {
    pace: Pace,
    requests: BTreeMap<u64, OldRequest>,
    numbers: u64,
    workers: BTreeMap<Place, OldWorker>,
    places: BTreeMap<ResponderId, Place>,
    /// When a worker is to be looked at; never later than it should be.
    agenda: BTreeSet<(Time, Place)>,
    sends: VecDeque<Sending>,
}

impl OldPeers {
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            pace,
            requests: BTreeMap::new(),
            numbers: 0,
            workers: BTreeMap::new(),
            places: BTreeMap::new(),
            agenda: BTreeSet::new(),
            sends: VecDeque::new(),
        }
    }

    /// Notes a request; by the number it is answered.
    pub(super) fn note(&mut self, place: Place, dialect: Dialect, envelope: Frames, service: Bytes) -> u64 {
        self.numbers += 1;
        self.requests.insert(self.numbers, OldRequest { place, dialect, envelope, service });
        self.numbers
    }

    /// Answers a request, wholly or in part. Except in Majordomo 0.2 there are no parts: they are put before the rest, by
    /// whoever keeps them.
    pub(super) fn answer(&mut self, number: u64, last: bool, body: Frames) {
        if let Some(request) = self.requests.get(&number) {
            let OldRequest { place, dialect, envelope, service } = request;
            let frames = dialect.answer(envelope.clone(), service.clone(), last, body);
            self.sends.push_back(Sending { to: place.clone(), token: NO_LINK, frames });
        }
        if last {
            self.forget(number);
        }
    }

    /// Whether the one who asked can be told parts.
    pub(super) fn takes_parts(&self, number: u64) -> bool {
        self.requests.get(&number).is_some_and(|request| request.dialect == Dialect::Majordomo(Version::V2))
    }

    /// The request is settled, and its protocol has no word for how.
    pub(super) fn forget(&mut self, number: u64) {
        self.requests.remove(&number);
    }

    /// A worker offers itself.
    pub(super) fn add(&mut self, now: Time, place: &Place, dialect: Dialect, id: ResponderId) {
        let liveness = Liveness::new(now, self.pace);
        if dialect.has_heartbeats() {
            self.agenda.insert((liveness.deadline(), place.clone()));
        }
        self.workers.insert(place.clone(), OldWorker { id, dialect, liveness });
        self.places.insert(id, place.clone());
    }

    /// A worker that was heard.
    pub(super) fn heard(&mut self, now: Time, place: &Place) -> Option<ResponderId> {
        let worker = self.workers.get_mut(place)?;
        worker.liveness.heard(now);
        Some(worker.id)
    }

    /// A worker is no more.
    pub(super) fn remove(&mut self, place: &Place) -> Option<ResponderId> {
        let worker = self.workers.remove(place)?;
        self.places.remove(&worker.id);
        Some(worker.id)
    }

    /// A message was not taken. If it was to a worker, that is no more; and whether it was a request.
    pub(super) fn refused(&mut self, token: Token) -> Option<(ResponderId, bool)> {
        if token == NO_LINK || token.0 < TO_WORKER {
            return None;
        }
        let (id, is_request) = (ResponderId(token.0 & (IS_REQUEST - 1)), token.0 & IS_REQUEST != 0);
        let place = self.places.get(&id)?.clone();
        self.remove(&place).map(|id| (id, is_request))
    }

    /// Tells a peer to register anew, if there is a word for that.
    pub(super) fn disconnect(&mut self, place: &Place, dialect: Dialect) {
        if let Dialect::Majordomo(version) = dialect {
            self.sends.push_back(Sending { to: place.clone(), token: NO_LINK, frames: version.disconnect() });
        }
    }

    /// Gives a worker a request; false if it is none of these.
    pub(super) fn give(&mut self, now: Time, id: ResponderId, ticket: Ticket, body: &[Bytes]) -> bool {
        let Some(place) = self.places.get(&id) else { return false };
        let worker = self.workers.get_mut(place).expect("both tables have it");
        worker.liveness.sent(now);
        let (to, token) = (place.clone(), Token(TO_WORKER | IS_REQUEST | id.0));
        self.sends.push_back(Sending { to, token, frames: worker.dialect.request(ticket, body) });
        true
    }

    /// Sends heartbeats. The workers that were silent for too long, who are removed.
    pub(super) fn due(&mut self, now: Time) -> Vec<ResponderId> {
        let mut dead = Vec::new();
        while let Some((at, _)) = self.agenda.first()
            && *at <= now
        {
            let (_, place) = self.agenda.pop_first().expect("it was there");
            let Some(worker) = self.workers.get_mut(&place) else { continue };
            match worker.liveness.due(now) {
                Due::Dead => {
                    dead.extend(self.remove(&place));
                    continue;
                }
                Due::Heartbeat => {
                    let token = Token(TO_WORKER | worker.id.0);
                    let frames = worker.dialect.heartbeat();
                    self.sends.push_back(Sending { to: place.clone(), token, frames });
                }
                Due::Nothing => {}
            }
            let worker = &self.workers[&place];
            self.agenda.insert((worker.liveness.deadline(), place));
        }
        dead
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.agenda.first().map(|(at, _)| *at)
    }

    pub(super) fn poll(&mut self) -> Option<Sending> {
        self.sends.pop_front()
    }

    pub(super) fn workers(&self) -> usize {
        self.workers.len()
    }
}

/// Who an old worker is. It has no name of its own but its place, for as long as its connection lives, or its endpoint.
pub(super) fn identity(name: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish().max(1)
}
