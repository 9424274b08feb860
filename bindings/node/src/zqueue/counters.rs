//! Counters of queues and workers. Every counter of core is named here: one more there does not compile.

use std::collections::BTreeMap;

use napi_derive::napi;
use zpatterns::zqueue::{Counters, QueueCounters, Reason, WorkerCounters};

use crate::{options::camel, packing::text};

/// Jobs by what became of them.
#[napi(object)]
pub struct JobCounts {
    /// Taken responsibility for: pushed, or spawned.
    pub accepted: f64,
    /// Done.
    pub delivered: f64,
    /// Given to a worker once more; counts how often.
    pub redelivered: f64,
    /// Lost, by reason.
    pub lost: BTreeMap<String, f64>,
    /// Still there.
    pub held: f64,
    /// Of those, waiting for a worker.
    pub waiting: f64,
    /// Of those, waiting for their time.
    pub delayed: f64,
    /// Of those, with a worker.
    pub running: f64,
    /// Of those, waiting for children.
    pub suspended: f64,
    /// Not taken because there was no room.
    pub refused_full: f64,
    /// Not taken for another reason.
    pub refused_other: f64,
    /// Pushed again, and known already.
    pub duplicates: f64,
    /// What workers said about jobs that they no longer had.
    pub late_dropped: f64,
    /// Outcomes that are kept.
    pub kept: f64,
    /// Dead letters.
    pub dead: f64,
    /// Bytes of jobs, of outcomes that are kept, and of dead letters.
    pub bytes: f64,
    /// Messages that made no sense.
    pub malformed: f64,
}

impl From<Counters> for JobCounts {
    fn from(counters: Counters) -> Self {
        let Counters {
            accepted,
            delivered,
            redelivered,
            lost,
            held,
            waiting,
            delayed,
            running,
            suspended,
            refused_full,
            refused_other,
            duplicates,
            late_dropped,
            kept,
            dead,
            bytes,
            malformed,
        } = counters;
        Self {
            accepted: accepted as f64,
            delivered: delivered as f64,
            redelivered: redelivered as f64,
            lost: Reason::ALL.iter().zip(lost).map(|(reason, count)| (camel(reason.name()), count as f64)).collect(),
            held: held as f64,
            waiting: waiting as f64,
            delayed: delayed as f64,
            running: running as f64,
            suspended: suspended as f64,
            refused_full: refused_full as f64,
            refused_other: refused_other as f64,
            duplicates: duplicates as f64,
            late_dropped: late_dropped as f64,
            kept: kept as f64,
            dead: dead as f64,
            bytes: bytes as f64,
            malformed: malformed as f64,
        }
    }
}

/// One of the queues.
#[napi(object)]
pub struct QueueCounts {
    /// Its name.
    pub name: String,
    /// Jobs that wait for a worker.
    pub waiting: f64,
    /// Bytes of jobs that are in it.
    pub bytes: f64,
    /// Jobs that a worker has.
    pub running: f64,
    /// Jobs done so far.
    pub delivered: f64,
    /// Jobs lost so far.
    pub lost: f64,
    /// Workers that take jobs from it.
    pub workers: f64,
    /// Milliseconds for which the one at its head has waited.
    pub oldest: f64,
}

impl From<QueueCounters> for QueueCounts {
    fn from(queue: QueueCounters) -> Self {
        let QueueCounters { name, waiting, bytes, running, delivered, lost, workers, oldest } = queue;
        Self {
            name: text(&name),
            waiting: waiting as f64,
            bytes: bytes as f64,
            running: running as f64,
            delivered: delivered as f64,
            lost: lost as f64,
            workers: workers as f64,
            oldest: oldest as f64,
        }
    }
}

/// What a worker did.
#[napi(object)]
pub struct QueueWorkerCounts {
    /// Jobs taken.
    pub accepted: f64,
    /// Jobs done.
    pub completed: f64,
    /// Jobs that failed.
    pub failed: f64,
    /// Jobs that were broken into others.
    pub spawned: f64,
    /// Jobs that are here.
    pub held: f64,
    /// Jobs that were taken back.
    pub withdrawn: f64,
    /// What was said of jobs, and was not heard.
    pub rejected: f64,
    /// Messages that made no sense.
    pub malformed: f64,
}

impl From<WorkerCounters> for QueueWorkerCounts {
    fn from(counters: WorkerCounters) -> Self {
        let WorkerCounters { accepted, completed, failed, spawned, held, withdrawn, rejected, malformed } = counters;
        Self {
            accepted: accepted as f64,
            completed: completed as f64,
            failed: failed as f64,
            spawned: spawned as f64,
            held: held as f64,
            withdrawn: withdrawn as f64,
            rejected: rejected as f64,
            malformed: malformed as f64,
        }
    }
}
