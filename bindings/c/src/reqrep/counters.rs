//! Counters of clients, brokers and workers.

use std::mem::offset_of;

use zpatterns::reqrep::{Counters, WorkerCounters};

/// Requests by what became of them, at a client or a broker. Always: `accepted` is `delivered` and `held` and all
/// that is lost together. Start from `ZPAT_REQREP_COUNTERS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_reqrep_counters_t {
    /// `sizeof(zpat_reqrep_counters_t)`.
    pub struct_size: usize,
    /// Taken responsibility for.
    pub accepted: u64,
    /// Answered by a worker, with a reply or with an error of its own.
    pub delivered: u64,
    /// How often one was given to another worker or broker after the last was lost.
    pub redelivered: u64,
    /// Still open.
    pub held: u64,
    /// Of those, given to nobody yet.
    pub waiting: u64,
    /// Refused because too many were there; not accepted.
    pub refused_full: u64,
    /// Refused for another reason; not accepted.
    pub refused_other: u64,
    /// Answers of workers that had been given up, and that were used.
    pub late_used: u64,
    /// Answers that nobody waited for.
    pub late_dropped: u64,
    /// Requests answered from the cache of those that are run once.
    pub from_cache: u64,
    /// Requests that joined another of the same key.
    pub joined: u64,
    /// Lost: the deadline passed.
    pub lost_deadline: u64,
    /// Lost: it waited longer than a request may.
    pub lost_age: u64,
    /// Lost: nobody offered the service for as long as it would wait.
    pub lost_no_service: u64,
    /// Lost: workers were lost as often as it may be given to one.
    pub lost_attempts: u64,
    /// Lost: a worker, or a broker, said that it failed.
    pub lost_responder: u64,
    /// Lost: who asked took it back.
    pub lost_cancelled: u64,
    /// Lost: who asked is gone.
    pub lost_asker_gone: u64,
    /// Lost: the handle was closed.
    pub lost_closed: u64,
    /// Messages that made no sense.
    pub malformed: u64,
    /// Durable requests and their answers that are in the broker's store, or on their way into it.
    pub stored: u64,
}

impl zpat_reqrep_counters_t {
    pub(super) const ENDS: &'static [usize] = &[offset_of!(Self, stored), size_of::<Self>()];

    /// Every counter of core by its name: one more there, or one more reason, does not compile here.
    pub(super) fn of(counters: &Counters) -> Self {
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
        } = *counters;
        let [
            lost_deadline,
            lost_age,
            lost_no_service,
            lost_attempts,
            lost_responder,
            lost_cancelled,
            lost_asker_gone,
            lost_closed,
        ] = lost;
        Self {
            struct_size: size_of::<Self>(),
            accepted,
            delivered,
            redelivered,
            held,
            waiting,
            refused_full,
            refused_other,
            late_used,
            late_dropped,
            from_cache,
            joined,
            lost_deadline,
            lost_age,
            lost_no_service,
            lost_attempts,
            lost_responder,
            lost_cancelled,
            lost_asker_gone,
            lost_closed,
            malformed,
            stored,
        }
    }
}

/// What a worker did so far. Start from `ZPAT_WORKER_COUNTERS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_worker_counters_t {
    /// `sizeof(zpat_worker_counters_t)`.
    pub struct_size: usize,
    /// Jobs taken.
    pub accepted: u64,
    /// Jobs answered.
    pub answered: u64,
    /// Jobs here: given to the program, or waiting for it.
    pub held: u64,
    /// Jobs of which the worker was told that nobody waits any more.
    pub cancelled: u64,
    /// Answers whose client is gone.
    pub lost_asker_gone: u64,
    /// Jobs not taken because too many were here, or because the worker leaves.
    pub refused: u64,
    /// Messages that made no sense.
    pub malformed: u64,
}

impl zpat_worker_counters_t {
    pub(super) const ENDS: &'static [usize] = &[offset_of!(Self, malformed) + size_of::<u64>()];

    pub(super) fn of(counters: &WorkerCounters) -> Self {
        let WorkerCounters { accepted, answered, held, cancelled, lost_asker_gone, refused, malformed } = *counters;
        let struct_size = size_of::<Self>();
        Self { struct_size, accepted, answered, held, cancelled, lost_asker_gone, refused, malformed }
    }
}

#[cfg(test)]
mod tests {
    use zpatterns::reqrep::Reason;

    use super::*;

    #[test]
    fn losses_are_in_cores_order() {
        let mut core = Counters::default();
        for (number, lost) in (1..).zip(&mut core.lost) {
            *lost = number;
        }
        let here = format!("{:?}", zpat_reqrep_counters_t::of(&core));
        for (number, reason) in (1..).zip(Reason::ALL) {
            let field = format!("lost_{}: {number}", reason.name());
            assert!(here.contains(&field), "{field} is not in {here}");
        }
    }
}
