//! Counters of queues and their workers.

use std::{ffi::c_char, mem::offset_of};

use zpatterns::zqueue::{Counters, QueueCounters, WorkerCounters};

use crate::arguments::named;

/// Room for the longest name of a queue, or key of a job, and a zero.
pub const ZPAT_QUEUE_NAME_SIZE: usize = 256;

/// Jobs of all queues by what became of them. Always: `accepted` is `delivered` and `held` and all that is lost
/// together. Start from `ZPAT_ZQUEUE_COUNTERS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_zqueue_counters_t {
    /// `sizeof(zpat_zqueue_counters_t)`.
    pub struct_size: usize,
    /// Taken responsibility for: jobs that were pushed, and those that others spawned.
    pub accepted: u64,
    /// Done.
    pub delivered: u64,
    /// How often one was given to a worker once more, because a worker was lost, or because it failed and may be tried
    /// again.
    pub redelivered: u64,
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
    /// Lost: a worker said so, or took too long, as often as the job may be tried.
    pub lost_failed: u64,
    /// Lost: workers that had it were lost as often as that may happen to a job.
    pub lost_workers_lost: u64,
    /// Lost: one of its children failed.
    pub lost_child_failed: u64,
    /// Lost: it, or the job it was for, was cancelled.
    pub lost_cancelled: u64,
    /// Lost: its tree outgrew a bound.
    pub lost_bounds: u64,
    /// Outcomes that are kept.
    pub kept: u64,
    /// Dead letters.
    pub dead: u64,
    /// Bytes of jobs, of outcomes that are kept, and of dead letters.
    pub bytes: u64,
    /// Messages that made no sense.
    pub malformed: u64,
}

impl zpat_zqueue_counters_t {
    pub(super) const ENDS: &'static [usize] = &[offset_of!(Self, malformed) + size_of::<u64>()];

    /// Every counter of core by its name: one more there, or one more reason, does not compile here.
    pub(super) fn of(counters: &Counters) -> Self {
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
        } = *counters;
        let [lost_failed, lost_workers_lost, lost_child_failed, lost_cancelled, lost_bounds] = lost;
        Self {
            struct_size: size_of::<Self>(),
            accepted,
            delivered,
            redelivered,
            held,
            waiting,
            delayed,
            running,
            suspended,
            refused_full,
            refused_other,
            duplicates,
            late_dropped,
            lost_failed,
            lost_workers_lost,
            lost_child_failed,
            lost_cancelled,
            lost_bounds,
            kept,
            dead,
            bytes,
            malformed,
        }
    }
}

/// One of the queues, since it was first named. Start from `ZPAT_QUEUE_COUNTERS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_queue_counters_t {
    /// `sizeof(zpat_queue_counters_t)`.
    pub struct_size: usize,
    /// Its name, with a zero at the end. It is whatever bytes somebody sent: not always text, and zeros may be among
    /// them.
    pub name: [c_char; ZPAT_QUEUE_NAME_SIZE],
    /// Length of the name, without the zero at its end.
    pub name_len: u64,
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
    /// For how long the one at its head has waited, in milliseconds.
    pub oldest: u64,
}

impl zpat_queue_counters_t {
    pub(super) const ENDS: &'static [usize] = &[offset_of!(Self, oldest) + size_of::<u64>()];

    pub(super) fn of(queue: &QueueCounters, struct_size: usize) -> Self {
        let QueueCounters { name, waiting, bytes, running, delivered, lost, workers, oldest } = queue;
        Self {
            struct_size,
            name: named(name),
            name_len: name.len() as u64,
            waiting: *waiting,
            bytes: *bytes,
            running: *running,
            delivered: *delivered,
            lost: *lost,
            workers: *workers,
            oldest: *oldest,
        }
    }
}

/// What a worker of queues did so far. Start from `ZPAT_QUEUE_WORKER_COUNTERS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_queue_worker_counters_t {
    /// `sizeof(zpat_queue_worker_counters_t)`.
    pub struct_size: usize,
    /// Jobs taken.
    pub accepted: u64,
    /// Jobs done.
    pub completed: u64,
    /// Jobs that failed.
    pub failed: u64,
    /// Jobs that were broken into others.
    pub spawned: u64,
    /// Jobs here: given to the program, or waiting for it.
    pub held: u64,
    /// Jobs that were taken back.
    pub withdrawn: u64,
    /// What was said of jobs, and was not heard.
    pub rejected: u64,
    /// Messages that made no sense.
    pub malformed: u64,
}

impl zpat_queue_worker_counters_t {
    pub(super) const ENDS: &'static [usize] = &[offset_of!(Self, malformed) + size_of::<u64>()];

    pub(super) fn of(counters: &WorkerCounters) -> Self {
        let WorkerCounters { accepted, completed, failed, spawned, held, withdrawn, rejected, malformed } = *counters;
        let struct_size = size_of::<Self>();
        Self { struct_size, accepted, completed, failed, spawned, held, withdrawn, rejected, malformed }
    }
}

#[cfg(test)]
mod tests {
    use zpatterns::zqueue::Reason;

    use super::*;

    #[test]
    fn losses_are_in_cores_order() {
        let mut core = Counters::default();
        for (number, lost) in (1..).zip(&mut core.lost) {
            *lost = number;
        }
        let here = format!("{:?}", zpat_zqueue_counters_t::of(&core));
        for (number, reason) in (1..).zip(Reason::ALL) {
            let field = format!("lost_{}: {number}", reason.name());
            assert!(here.contains(&field), "{field} is not in {here}");
        }
    }

    #[test]
    fn the_sizes_known_are_those_of_the_structures() {
        assert_eq!(zpat_zqueue_counters_t::ENDS.last(), Some(&size_of::<zpat_zqueue_counters_t>()));
        assert_eq!(zpat_queue_counters_t::ENDS.last(), Some(&size_of::<zpat_queue_counters_t>()));
        assert_eq!(zpat_queue_worker_counters_t::ENDS.last(), Some(&size_of::<zpat_queue_worker_counters_t>()));
    }
}
