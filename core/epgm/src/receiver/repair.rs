//! When to ask for what is missing.
//!
//! All receivers miss the same datagram when it is lost near its source, so each waits a random while before it asks, and
//! does not ask if it hears that another's question was confirmed. The while is drawn from a truncated exponential
//! distribution: most wait long and few ask early, so a few questions are asked whatever the size of the group (Nonnenmacher
//! and Biersack; NORM and Aeron do the same). It is scaled to how long a repair takes here.

use std::time::Duration;

/// The size of the group for which the questions are fewest.
const GROUP: f64 = 10.0;
/// How much a new measurement moves the mean: an eighth.
const SMOOTHING: u32 = 8;

/// How long repairs take from one source.
#[derive(Debug)]
pub(super) struct RepairTime {
    least: Duration,
    most: Duration,
    mean: Option<Duration>,
}

impl RepairTime {
    /// Within these bounds, whatever is measured.
    pub(super) fn new(least: Duration, most: Duration) -> Self {
        Self { least, most: most.max(least), mean: None }
    }

    /// One was asked for and came.
    pub(super) fn measured(&mut self, took: Duration) {
        self.mean = Some(self.mean.map_or(took, |mean| (mean * (SMOOTHING - 1) + took) / SMOOTHING));
    }

    /// Before that, nothing is known, and the least is as good as anything.
    fn usual(&self) -> Duration {
        self.mean.unwrap_or(self.least).clamp(self.least, self.most)
    }

    /// How long to wait before asking; `random` is from 0 to 1.
    pub(super) fn back_off(&self, random: f64) -> Duration {
        let lambda = GROUP.ln() + 1.0;
        self.usual().mul_f64((random * lambda.exp_m1()).ln_1p() / lambda)
    }

    /// How long to wait for an answer to a question, the next after `tries` others.
    pub(super) fn patience(&self, tries: u32) -> Duration {
        (self.usual() * 4).saturating_mul(1 << tries.min(10)).min(self.most * 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_wait_long_and_nobody_longer_than_usual() {
        let time = RepairTime::new(Duration::from_millis(1), Duration::from_millis(50));
        let waits: Vec<Duration> = (0..=100).map(|percent| time.back_off(f64::from(percent) / 100.0)).collect();
        assert_eq!((waits[0], waits[100]), (Duration::ZERO, Duration::from_millis(1)));
        assert!(waits.is_sorted() && waits[20] > Duration::from_micros(500), "{waits:?}");
    }

    #[test]
    fn it_follows_what_is_measured_within_bounds() {
        let mut time = RepairTime::new(Duration::from_millis(1), Duration::from_millis(50));
        time.measured(Duration::from_millis(20));
        time.measured(Duration::from_millis(28));
        assert_eq!(time.usual(), Duration::from_millis(21));
        (0..100).for_each(|_| time.measured(Duration::from_secs(1)));
        assert_eq!((time.usual(), time.patience(0)), (Duration::from_millis(50), Duration::from_millis(200)));
        (0..100).for_each(|_| time.measured(Duration::ZERO));
        assert_eq!((time.usual(), time.patience(1)), (Duration::from_millis(1), Duration::from_millis(8)));
    }
}
