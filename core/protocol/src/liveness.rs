//! Whether the other side is alive: heartbeats out, silence in.
//!
//! A broken connection is often not noticed by anybody: a frozen process and a pulled cable are silent. So each side
//! sends at least one message per interval, a heartbeat only if it had nothing else to say, and takes the other for dead
//! after a stated number of silent intervals. Any message is a sign of life. Other machines own this one.
//!
//! A peer that falls silent at a time t is noticed no later than t + interval x limit.

use std::time::Duration;

use crate::Time;

/// How often to speak and how long to listen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// The longest silence of ours, and the unit of patience.
    pub interval: Duration,
    /// Silent intervals after which the other side is taken for dead; at least 1.
    pub limit: u32,
}

impl Pace {
    /// How long the other side may be silent.
    pub fn patience(&self) -> Duration {
        self.interval.saturating_mul(self.limit.max(1))
    }
}

/// What is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// Nothing yet.
    Nothing,
    /// A heartbeat: send one. It counts as sent.
    Heartbeat,
    /// The other side was silent for too long.
    Dead,
}

/// One side's view of one other side.
#[derive(Clone, Copy, Debug)]
pub struct Liveness {
    pace: Pace,
    heard: Time,
    sent: Time,
}

impl Liveness {
    /// Begins at `now`, as if both sides had just spoken.
    pub fn new(now: Time, pace: Pace) -> Self {
        Self { pace, heard: now, sent: now }
    }

    /// Any message came from the other side.
    pub fn heard(&mut self, now: Time) {
        self.heard = now;
    }

    /// Any message went to the other side.
    pub fn sent(&mut self, now: Time) {
        self.sent = now;
    }

    /// What is due now. Call it until it is nothing, at [`deadline`](Self::deadline) at the latest.
    pub fn due(&mut self, now: Time) -> Due {
        if now >= self.heard + self.pace.patience() {
            Due::Dead
        } else if now >= self.sent + self.pace.interval {
            self.sent = now;
            Due::Heartbeat
        } else {
            Due::Nothing
        }
    }

    /// When something will be due.
    pub fn deadline(&self) -> Time {
        (self.heard + self.pace.patience()).min(self.sent + self.pace.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { interval: Duration::from_millis(100), limit: 3 };

    fn at(millis: u64) -> Time {
        Time::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn heartbeats_fill_silence_only() {
        let mut side = Liveness::new(at(0), PACE);
        assert_eq!(side.deadline(), at(100));
        side.sent(at(60));
        assert_eq!((side.due(at(100)), side.deadline()), (Due::Nothing, at(160)));
        assert_eq!((side.due(at(160)), side.due(at(160))), (Due::Heartbeat, Due::Nothing));
    }

    #[test]
    fn silence_is_noticed_at_the_limit_and_not_before() {
        let mut side = Liveness::new(at(0), PACE);
        side.heard(at(50));
        side.sent(at(349));
        assert_eq!((side.due(at(349)), side.deadline()), (Due::Nothing, at(350)));
        assert_eq!(side.due(at(350)), Due::Dead);
        side.heard(at(350));
        assert_eq!(side.due(at(350)), Due::Nothing);
    }
}
