//! Datagrams that are thrown away on purpose, so that a program can be tried on a bad network.

use std::sync::atomic::{AtomicU64, Ordering};

use zpatterns_protocol::{Error, ErrorKind, Result};

/// How much is thrown away, and how much was.
#[derive(Default)]
pub(super) struct Loss {
    /// The bits of a number from 0 to 1.
    fraction: AtomicU64,
    injected: AtomicU64,
}

impl Loss {
    pub(super) fn set(&self, fraction: f64) -> Result<()> {
        if !(0.0..=1.0).contains(&fraction) {
            return Err(Error::new(ErrorKind::InvalidArgument, "a fraction is from 0 to 1").with("fraction", fraction));
        }
        self.fraction.store(fraction.to_bits(), Ordering::Relaxed);
        Ok(())
    }

    /// Draws for one datagram.
    pub(super) fn takes(&self, random: &mut fastrand::Rng) -> bool {
        let fraction = f64::from_bits(self.fraction.load(Ordering::Relaxed));
        let takes = fraction > 0.0 && random.f64() < fraction;
        if takes {
            self.injected.fetch_add(1, Ordering::Relaxed);
        }
        takes
    }

    pub(super) fn injected(&self) -> u64 {
        self.injected.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_is_thrown_away_and_counted() {
        let (loss, mut random) = (Loss::default(), fastrand::Rng::with_seed(7));
        let mut taken = |fraction| {
            loss.set(fraction).expect("a fraction");
            (0..10_000).filter(|_| loss.takes(&mut random)).count() as u64
        };
        let (none, some, all) = (taken(0.0), taken(0.2), taken(1.0));
        assert_eq!((none, all), (0, 10_000));
        assert!((1800..2200).contains(&some), "{some}");
        assert_eq!(loss.injected(), some + all);
        for wrong in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(loss.set(wrong).expect_err("no fraction").kind(), ErrorKind::InvalidArgument);
        }
    }
}
