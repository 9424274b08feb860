//! What happened to requests, in the words used everywhere.

use bytes::Bytes;

use crate::ErrorKind;

crate::reasons::reasons! {
    /// Why a request that was accepted got no answer from a responder.
    Reason
    /// Its deadline passed.
    Deadline = "deadline";
    /// It waited longer than a request may.
    Age = "age";
    /// Nobody offered its service for as long as it would wait.
    NoService = "no_service";
    /// Responders were lost as often as it may be given to one.
    Attempts = "attempts";
    /// A responder said that it failed.
    Responder = "responder";
    /// Who asked took it back.
    Cancelled = "cancelled";
    /// Who asked is gone.
    Asker = "asker_gone";
    /// The handle was closed.
    Closed = "closed";
}

/// Requests by what became of them: `accepted = delivered + lost + held`, always.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Counters {
    /// Taken responsibility for.
    pub accepted: u64,
    /// Answered by a responder, with a reply or with an error of its own.
    pub delivered: u64,
    /// Given to another responder after one was lost; counts how often.
    pub redelivered: u64,
    /// Lost, by [`Reason`].
    pub lost: [u64; Reason::ALL.len()],
    /// Still open.
    pub held: u64,
    /// Of those, not given to a responder.
    pub waiting: u64,
    /// Refused because too many were there; not accepted.
    pub refused_full: u64,
    /// Refused for another reason; not accepted.
    pub refused_other: u64,
    /// Answers of responders that had been given up, and that were used.
    pub late_used: u64,
    /// Answers that nobody waited for.
    pub late_dropped: u64,
    /// Requests answered from the cache of those that are run once.
    pub from_cache: u64,
    /// Requests that joined another of the same key.
    pub joined: u64,
    /// Durable requests and their answers that are in the store, or on their way into it.
    pub stored: u64,
    /// Messages that made no sense.
    pub malformed: u64,
}

impl Counters {
    pub(super) fn lose(&mut self, reason: Reason, count: u64) {
        self.lost[reason as usize] += count;
    }

    pub(super) fn refuse(&mut self, kind: ErrorKind) {
        if kind == ErrorKind::Full {
            self.refused_full += 1;
        } else {
            self.refused_other += 1;
        }
    }

    /// Lost for any reason.
    pub fn all_lost(&self) -> u64 {
        self.lost.iter().sum()
    }

    /// Delivered or lost.
    pub(super) fn settled(&self) -> u64 {
        self.delivered + self.all_lost()
    }

    /// What must always be so.
    pub fn balances(&self) -> bool {
        self.accepted == self.settled() + self.held
    }
}

/// What became of the requests for a service, since somebody first offered it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceCounters {
    /// Its name.
    pub name: Bytes,
    /// Those who offer it now.
    pub workers: u64,
    /// Its requests.
    pub counters: Counters,
}

/// What a client of a broker asked, or a worker was given, since its session began: `requests = answered + failed + held`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerCounters {
    /// Which one it was to come, from 1. It keeps that over broken connections.
    pub number: u64,
    /// What it offers; `None` is a client.
    pub service: Option<Bytes>,
    /// All that it asked, or was given.
    pub requests: u64,
    /// Of those, how many were answered, be it with an error of the worker's own.
    pub answered: u64,
    /// How many ended otherwise.
    pub failed: u64,
    /// How many are open.
    pub held: u64,
    /// Bytes that were sent to it and that it may not have.
    pub unfetched: u64,
}

impl PeerCounters {
    /// What must always be so.
    pub fn balances(&self) -> bool {
        self.requests == self.answered + self.failed + self.held
    }
}
