//! Counters of clients, brokers and workers. Every counter of core is named here: one more there does not compile.

use std::collections::BTreeMap;

use napi_derive::napi;
use zpatterns::reqrep::{Counters, PeerCounters, Reason, ServiceCounters, WorkerCounters};

use crate::{options::camel, packing::text};

/// Requests by what became of them.
#[napi(object)]
pub struct RequestCounts {
    /// Taken responsibility for.
    pub accepted: f64,
    /// Answered by a worker.
    pub delivered: f64,
    /// Given to another worker after one was lost.
    pub redelivered: f64,
    /// Lost, by reason.
    pub lost: BTreeMap<String, f64>,
    /// Still open.
    pub held: f64,
    /// Of those, given to nobody yet.
    pub waiting: f64,
    /// Refused because too many were there.
    pub refused_full: f64,
    /// Refused for another reason.
    pub refused_other: f64,
    /// Answers of workers that had been given up, and that were used.
    pub late_used: f64,
    /// Answers that nobody waited for.
    pub late_dropped: f64,
    /// Answered from the cache.
    pub from_cache: f64,
    /// Joined another of the same key.
    pub joined: f64,
    /// Durable requests and answers in the store.
    pub stored: f64,
    /// Messages that made no sense.
    pub malformed: f64,
}

impl From<Counters> for RequestCounts {
    fn from(counters: Counters) -> Self {
        let Counters {
            accepted,
            delivered,
            redelivered,
            lost,
            held,
            waiting,
            refused_full,
            refused_other,
            late_used,
            late_dropped,
            from_cache,
            joined,
            stored,
            malformed,
        } = counters;
        Self {
            accepted: accepted as f64,
            delivered: delivered as f64,
            redelivered: redelivered as f64,
            lost: Reason::ALL.iter().zip(lost).map(|(reason, count)| (camel(reason.name()), count as f64)).collect(),
            held: held as f64,
            waiting: waiting as f64,
            refused_full: refused_full as f64,
            refused_other: refused_other as f64,
            late_used: late_used as f64,
            late_dropped: late_dropped as f64,
            from_cache: from_cache as f64,
            joined: joined as f64,
            stored: stored as f64,
            malformed: malformed as f64,
        }
    }
}

/// What became of the requests for a service.
#[napi(object)]
pub struct ServiceCounts {
    /// Its name.
    pub name: String,
    /// Those who offer it now.
    pub workers: f64,
    /// Its requests.
    pub counters: RequestCounts,
}

impl From<ServiceCounters> for ServiceCounts {
    fn from(service: ServiceCounters) -> Self {
        let ServiceCounters { name, workers, counters } = service;
        Self { name: text(&name), workers: workers as f64, counters: counters.into() }
    }
}

/// What a client asked, or a worker was given.
#[napi(object)]
pub struct PeerCounts {
    /// Which one it was to come, from 1.
    pub number: f64,
    /// What it offers; nothing, if it is a client.
    pub service: Option<String>,
    /// All that it asked, or was given.
    pub requests: f64,
    /// Of those, answered.
    pub answered: f64,
    /// Ended otherwise.
    pub failed: f64,
    /// Still open.
    pub held: f64,
    /// Bytes that were sent to it and that it may not have.
    pub unfetched: f64,
}

impl From<PeerCounters> for PeerCounts {
    fn from(peer: PeerCounters) -> Self {
        let PeerCounters { number, service, requests, answered, failed, held, unfetched } = peer;
        Self {
            number: number as f64,
            service: service.as_deref().map(text),
            requests: requests as f64,
            answered: answered as f64,
            failed: failed as f64,
            held: held as f64,
            unfetched: unfetched as f64,
        }
    }
}

/// What a worker did.
#[napi(object)]
pub struct WorkerCounts {
    /// Jobs taken.
    pub accepted: f64,
    /// Jobs answered.
    pub answered: f64,
    /// Jobs here.
    pub held: f64,
    /// Jobs that nobody waits for any more.
    pub cancelled: f64,
    /// Answers whose client is gone.
    pub lost_asker_gone: f64,
    /// Jobs not taken.
    pub refused: f64,
    /// Messages that made no sense.
    pub malformed: f64,
}

impl From<WorkerCounters> for WorkerCounts {
    fn from(counters: WorkerCounters) -> Self {
        let WorkerCounters { accepted, answered, held, cancelled, lost_asker_gone, refused, malformed } = counters;
        Self {
            accepted: accepted as f64,
            answered: answered as f64,
            held: held as f64,
            cancelled: cancelled as f64,
            lost_asker_gone: lost_asker_gone as f64,
            refused: refused as f64,
            malformed: malformed as f64,
        }
    }
}
