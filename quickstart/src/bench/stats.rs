//! Medians and ratios, and percentiles of latencies.
//!
//! Ours and the peer run one after the other, round after round, and each round gives one ratio: what the rest of the
//! machine does at that time slows both. The result is the median of those ratios, with the smallest and the largest.
//! Percentiles are those of one run, taken from all of its latencies and nothing between them.

/// A median and how far the values around it lie apart.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spread {
    /// The middle value, or the mean of the middle two.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// The spread of `values`; `None` if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
        Some(Self { median, min, max })
    }
}

/// The ratio of each round that both have.
pub fn ratios(ours: &[f64], peer: &[f64]) -> Vec<f64> {
    ours.iter().zip(peer).map(|(ours, peer)| ours / peer).filter(|ratio| ratio.is_finite()).collect()
}

/// The percentiles of the latencies of one run.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Percentiles {
    /// Half of all latencies are at most so long.
    pub p50: f64,
    /// Nine of ten are.
    pub p90: f64,
    /// All but one of a hundred are.
    pub p99: f64,
    /// All but one of a thousand are.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

impl Percentiles {
    /// The percentiles of `latencies` by nearest rank: each is a latency that was measured. `None` if there are none.
    pub fn of(latencies: &[f64]) -> Option<Self> {
        let mut sorted = latencies.to_vec();
        sorted.sort_by(f64::total_cmp);
        let max = *sorted.last()?;
        let at = |thousandths: usize| sorted[(sorted.len() * thousandths).div_ceil(1000) - 1];
        Some(Self { p50: at(500), p90: at(900), p99: at(990), p999: at(999), max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_middle() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(Spread::of(&[4.0, 1.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn divides_round_by_round() {
        // The machine was half as fast in the second round, for both; the peer failed in the third.
        assert_eq!(ratios(&[200.0, 100.0, 9.0], &[100.0, 50.0]), [2.0, 2.0]);
        assert!(ratios(&[1.0], &[0.0]).is_empty());
    }

    #[test]
    fn a_percentile_is_the_latency_below_which_that_part_lies() {
        let mut latencies: Vec<f64> = (1..=2000).rev().map(f64::from).collect();
        let expected = Percentiles { p50: 1000.0, p90: 1800.0, p99: 1980.0, p999: 1998.0, max: 2000.0 };
        assert_eq!(Percentiles::of(&latencies), Some(expected));
        latencies.truncate(1);
        let alone = 2000.0;
        let expected = Percentiles { p50: alone, p90: alone, p99: alone, p999: alone, max: alone };
        assert_eq!(Percentiles::of(&latencies), Some(expected));
        assert_eq!(Percentiles::of(&[]), None);
    }
}
