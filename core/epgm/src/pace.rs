//! How fast something may happen: so much in a second, and a burst of it at once.

use std::time::Duration;

/// A leaky bucket, kept as the time at which it would be empty.
#[derive(Debug)]
pub(crate) struct Pace {
    per_second: f64,
    burst: Duration,
    empty_at: Duration,
}

impl Pace {
    /// At least one a second, and a burst of at least one.
    pub(crate) fn new(per_second: u64, burst: u64) -> Self {
        let per_second = per_second.max(1) as f64;
        let burst = Duration::from_secs_f64((burst.max(1) as f64 / per_second).min(3600.0));
        Self { per_second, burst, empty_at: Duration::ZERO }
    }

    /// When something may happen; any amount, and what was too much is waited for before the next.
    pub(crate) fn ready_at(&self) -> Duration {
        self.empty_at.saturating_sub(self.burst)
    }

    /// Whether it may happen now.
    pub(crate) fn is_ready(&self, now: Duration) -> bool {
        now >= self.ready_at()
    }

    /// So much of it happened.
    pub(crate) fn spend(&mut self, now: Duration, amount: usize) {
        self.empty_at = self.empty_at.max(now) + Duration::from_secs_f64(amount as f64 / self.per_second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_at_once_and_then_the_rate() {
        let mut pace = Pace::new(1000, 100);
        let mut now = Duration::ZERO;
        let mut spent = 0;
        while now < Duration::from_secs(2) {
            if pace.is_ready(now) {
                pace.spend(now, 10);
                spent += 10;
            } else {
                now = pace.ready_at();
            }
            if now == Duration::ZERO {
                assert!(spent <= 110);
            }
        }
        assert!((2000..=2120).contains(&spent), "{spent}");
    }
}
