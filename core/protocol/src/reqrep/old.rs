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
};
use crate::{
    Time,
    liveness::{Due, Liveness, Pace},
    machine::{Frames, Peer},
};

/// A request of an old client, as long as it is open.
struct OldRequest {
    peer: Peer,
    version: Version,
    envelope: Frames,
    service: Bytes,
}

pub(super) struct OldWorker {
    pub(super) id: ResponderId,
    version: Version,
    liveness: Liveness,
}

/// All of them.
pub(super) struct OldPeers {
    pace: Pace,
    requests: BTreeMap<u64, OldRequest>,
    numbers: u64,
    workers: BTreeMap<Peer, OldWorker>,
    peers: BTreeMap<ResponderId, Peer>,
    /// When a worker is to be looked at; never later than it should be.
    agenda: BTreeSet<(Time, Peer)>,
    sends: VecDeque<(Peer, Frames)>,
}

impl OldPeers {
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            pace,
            requests: BTreeMap::new(),
            numbers: 0,
            workers: BTreeMap::new(),
            peers: BTreeMap::new(),
            agenda: BTreeSet::new(),
            sends: VecDeque::new(),
        }
    }

    /// Notes a request; by the number it is answered.
    pub(super) fn note(&mut self, peer: Peer, version: Version, envelope: Frames, service: Bytes) -> u64 {
        self.numbers += 1;
        self.requests.insert(self.numbers, OldRequest { peer, version, envelope, service });
        self.numbers
    }

    /// Answers a request, wholly or in part. In version 0.1 there are no parts: they are put before the rest, by whoever
    /// keeps them.
    pub(super) fn answer(&mut self, number: u64, last: bool, body: Frames) {
        if let Some(request) = self.requests.get(&number) {
            let OldRequest { peer, version, envelope, service } = request;
            let frames = version.answer(envelope.clone(), service.clone(), last, body);
            self.sends.push_back((peer.clone(), frames));
        }
        if last {
            self.forget(number);
        }
    }

    /// Whether the one who asked can be told parts.
    pub(super) fn takes_parts(&self, number: u64) -> bool {
        self.requests.get(&number).is_some_and(|request| request.version == Version::V2)
    }

    /// The request is settled, and its protocol has no word for how.
    pub(super) fn forget(&mut self, number: u64) {
        self.requests.remove(&number);
    }

    /// A worker offers itself.
    pub(super) fn add(&mut self, now: Time, peer: &Peer, version: Version, id: ResponderId) {
        let liveness = Liveness::new(now, self.pace);
        self.agenda.insert((liveness.deadline(), peer.clone()));
        self.workers.insert(peer.clone(), OldWorker { id, version, liveness });
        self.peers.insert(id, peer.clone());
    }

    /// A worker that was heard.
    pub(super) fn heard(&mut self, now: Time, peer: &Peer) -> Option<ResponderId> {
        let worker = self.workers.get_mut(peer)?;
        worker.liveness.heard(now);
        Some(worker.id)
    }

    /// A worker is no more.
    pub(super) fn remove(&mut self, peer: &Peer) -> Option<ResponderId> {
        let worker = self.workers.remove(peer)?;
        self.peers.remove(&worker.id);
        Some(worker.id)
    }

    /// Tells a peer to register anew.
    pub(super) fn disconnect(&mut self, peer: &Peer, version: Version) {
        self.sends.push_back((peer.clone(), version.disconnect()));
    }

    /// Gives a worker a request; false if it is none of these.
    pub(super) fn give(&mut self, now: Time, id: ResponderId, ticket: Ticket, body: &[Bytes]) -> bool {
        let Some(peer) = self.peers.get(&id) else { return false };
        let worker = self.workers.get_mut(peer).expect("both tables have it");
        worker.liveness.sent(now);
        self.sends.push_back((peer.clone(), worker.version.request(ticket, body)));
        true
    }

    /// Sends heartbeats. The workers that were silent for too long, who are removed.
    pub(super) fn due(&mut self, now: Time) -> Vec<ResponderId> {
        let mut dead = Vec::new();
        while let Some((at, _)) = self.agenda.first()
            && *at <= now
        {
            let (_, peer) = self.agenda.pop_first().expect("it was there");
            let Some(worker) = self.workers.get_mut(&peer) else { continue };
            match worker.liveness.due(now) {
                Due::Dead => {
                    dead.extend(self.remove(&peer));
                    continue;
                }
                Due::Heartbeat => self.sends.push_back((peer.clone(), worker.version.heartbeat())),
                Due::Nothing => {}
            }
            let worker = &self.workers[&peer];
            self.agenda.insert((worker.liveness.deadline(), peer));
        }
        dead
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.agenda.first().map(|(at, _)| *at)
    }

    pub(super) fn poll(&mut self) -> Option<(Peer, Frames)> {
        self.sends.pop_front()
    }

    pub(super) fn workers(&self) -> usize {
        self.workers.len()
    }
}

/// Who an old worker is, for as long as its connection lives: it has no other name.
pub(super) fn identity(peer: &Peer) -> u64 {
    let mut hasher = DefaultHasher::new();
    peer.hash(&mut hasher);
    hasher.finish().max(1)
}
