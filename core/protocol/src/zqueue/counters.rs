//! What happened to jobs, in the words used everywhere.

use bytes::Bytes;

crate::reasons::reasons! {
    /// Why a job that was accepted was not done.
    Reason
    /// A worker said so, or took too long, as often as the job may be tried.
    Failed = "failed";
    /// Workers that had it were lost as often as that may happen to a job.
    Workers = "workers_lost";
    /// One of its children failed.
    Child = "child_failed";
    /// It, or the job it was for, was cancelled.
    Cancelled = "cancelled";
    /// Its tree outgrew a bound.
    Bounds = "bounds";
}

/// Jobs by what became of them: `accepted = delivered + lost + held`, always.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Counters {
    /// Taken responsibility for: jobs that were pushed, and those that others spawned.
    pub accepted: u64,
    /// Done.
    pub delivered: u64,
    /// Given to a worker once more, because one was lost, or because it failed and may be tried again; counts how often.
    pub redelivered: u64,
    /// Lost, by [`Reason`].
    pub lost: [u64; Reason::ALL.len()],
    /// Still there.
    pub held: u64,
    /// Of those, waiting for a worker.
    pub waiting: u64,
    /// Of those, waiting for their time.
    pub delayed: u64,
    /// Of those, with a worker.
    pub running: u64,
    /// Of those, waiting for children.
    pub suspended: u64,
    /// Not taken because there was no room; not accepted.
    pub refused_full: u64,
    /// Not taken for another reason; not accepted.
    pub refused_other: u64,
    /// Pushed again, and known already.
    pub duplicates: u64,
    /// What workers said about jobs that they no longer had.
    pub late_dropped: u64,
    /// Outcomes that are kept.
    pub kept: u64,
    /// Dead letters.
    pub dead: u64,
    /// Bytes of jobs, of outcomes that are kept, and of dead letters.
    pub bytes: u64,
    /// Messages that made no sense.
    pub malformed: u64,
}

impl Counters {
    /// Jobs lost for whatever reason.
    pub fn all_lost(&self) -> u64 {
        self.lost.iter().sum()
    }

    /// Whether the books balance.
    pub fn balances(&self) -> bool {
        self.accepted == self.delivered + self.all_lost() + self.held
    }
}

/// One of the queues.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct QueueCounters {
    /// Its name.
    pub name: Bytes,
    /// Jobs that wait for a worker.
    pub waiting: u64,
    /// Bytes of jobs that are in it.
    pub bytes: u64,
    /// Jobs that a worker has.
    pub running: u64,
    /// Jobs done so far.
    pub delivered: u64,
    /// Jobs lost so far.
    pub lost: u64,
    /// Workers that take jobs from it.
    pub workers: u64,
    /// Milliseconds for which the one at its head has waited.
    pub oldest: u64,
}
