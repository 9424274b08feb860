//! What becomes of requests, by who asked and by who was given them.

use super::{
    super::{
        counters::{PeerCounters, ServiceCounters},
        dispatch::{Answer, Outcome, ResponderId},
    },
    Asker, Broker,
};
use crate::{Time, link::LinkId};

/// What a client asked, or a worker was given.
pub(super) struct Tally {
    number: u64,
    requests: u64,
    answered: u64,
    failed: u64,
}

impl Tally {
    /// Of the peer that is the `number`th to come.
    pub(super) fn new(number: u64) -> Self {
        Self { number, requests: 0, answered: 0, failed: 0 }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// How many are open.
    pub(super) fn held(&self) -> u64 {
        self.requests - self.answered - self.failed
    }

    pub(super) fn begin(&mut self) {
        self.requests += 1;
    }

    fn end(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Failed(_) => self.failed += 1,
            _ => self.answered += 1,
        }
    }
}

impl Broker {
    /// What became of the requests for each service that a worker has offered, in the order of their names. Of those that
    /// nobody offers now, not more than some thousands are remembered.
    pub fn services(&self) -> Vec<ServiceCounters> {
        self.dispatch.services()
    }

    /// The clients and workers that are connected now, in the order in which they came; not those with an older protocol.
    pub fn peers(&self) -> Vec<PeerCounters> {
        let counted = self.peers.iter().map(|(link, tally)| {
            let worker = self.workers.get(link).copied();
            let service = worker.and_then(|id| self.dispatch.service_of(id)).cloned();
            let held = worker.map_or(tally.held(), |id| self.dispatch.given(id) as u64);
            let unfetched = self.links.backlog(*link).1 as u64;
            let Tally { number, requests, answered, failed } = *tally;
            PeerCounters { number, service, requests, answered, failed, held, unfetched }
        });
        let mut peers: Vec<PeerCounters> = counted.collect();
        peers.sort_unstable_by_key(|peer| peer.number);
        peers
    }

    /// A worker answered what it has, or something else.
    pub(super) fn worker_answered(&mut self, now: Time, link: LinkId, id: ResponderId, answer: Answer) {
        let has = self.dispatch.has(id, answer.ticket);
        if let Some(tally) = self.peers.get_mut(&link).filter(|_| has && answer.outcome.is_final()) {
            tally.end(&answer.outcome);
        }
        self.dispatch.answered(now, id, answer);
    }

    /// A client has one request less open.
    pub(super) fn free(&mut self, asker: Asker, outcome: &Outcome) {
        if let Asker::Link(link, _) = asker
            && let Some(tally) = self.peers.get_mut(&link)
        {
            tally.end(outcome);
        }
    }
}
