//! Latencies as curves: percentiles to the right, time upwards, for ours, the peer and the limit.
//!
//! Latencies differ by powers of ten, so time is logarithmic; and all charts of a report share one axis, so that a
//! glance compares them.

use serde::Serialize;

use super::{BenchRow, tables};

/// The inside of a chart, without the labels of its axes.
const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 150.0;

/// The axis of all charts: powers of ten of a microsecond.
pub(super) struct Curves {
    low: i32,
    high: i32,
}

/// The latencies of one comparison at one size.
#[derive(Serialize, PartialEq, Debug)]
pub(super) struct Chart {
    title: String,
    curves: Vec<Curve>,
    /// Percentiles and where they lie.
    columns: Vec<(String, f64)>,
    /// Times and where they lie.
    lines: Vec<(String, f64)>,
    width: f64,
    height: f64,
}

#[derive(Serialize, PartialEq, Debug)]
struct Curve {
    name: String,
    /// Its class in the style sheet.
    whose: &'static str,
    points: Vec<Point>,
}

#[derive(Serialize, PartialEq, Debug)]
struct Point {
    x: f64,
    y: f64,
    text: String,
}

impl Curves {
    /// The axis for the latencies among `rows`.
    pub(super) fn of(rows: &[BenchRow]) -> Self {
        let rows = rows.iter().filter(|row| row.percentile().is_some());
        let powers = || {
            rows.clone()
                .flat_map(|row| [row.ours, row.peer, row.limit])
                .flatten()
                .filter(|it| it.is_finite())
                .map(power)
        };
        let low = powers().fold(f64::INFINITY, f64::min).floor() as i32;
        let high = powers().fold(f64::NEG_INFINITY, f64::max).ceil() as i32;
        Self { low, high: high.max(low.saturating_add(1)) }
    }

    /// The chart of the rows of one comparison at one size, if they tell percentiles.
    pub(super) fn chart(&self, rows: &[&BenchRow]) -> Option<Chart> {
        let told: Vec<_> = rows.iter().filter_map(|row| Some((*row, row.percentile()?))).collect();
        let (first, _) = told.first()?;
        let step = WIDTH / (told.len() - 1).max(1) as f64;
        let curve = |name: &str, whose, value: fn(&BenchRow) -> Option<f64>| {
            let points = told.iter().enumerate().map(|(index, (row, percentile))| {
                let (x, latency) = (rounded(index as f64 * step), value(row).filter(|it| it.is_finite())?);
                let text = format!("{percentile}: {} us", tables::figure(Some(latency), ""));
                Some(Point { x, y: self.y(power(latency)), text })
            });
            Some(Curve { name: name.to_owned(), whose, points: points.collect::<Option<_>>()? })
        };
        let ours = curve(&first.implementation, "ours", |row| row.ours);
        let peer = curve(&first.peer_name, "peer", |row| row.peer);
        let peer_is_limit = told.iter().all(|(row, _)| row.peer == row.limit);
        let limit = curve(&first.limit_name, "limit", |row| row.limit).filter(|_| !peer_is_limit);
        let curves: Vec<Curve> = [limit, peer, ours].into_iter().flatten().collect();
        let columns = told.iter().enumerate();
        (!curves.is_empty()).then(|| Chart {
            title: format!("{} {} {}", first.implementation, first.workload, tables::bytes(first.size)),
            curves,
            columns: columns.map(|(index, (_, name))| ((*name).to_owned(), rounded(index as f64 * step))).collect(),
            lines: (self.low..=self.high).map(|power| (time(power), self.y(power.into()))).collect(),
            width: WIDTH,
            height: HEIGHT,
        })
    }

    /// Where a power of ten lies; upwards is smaller.
    fn y(&self, power: f64) -> f64 {
        let part = (power - f64::from(self.low)) / f64::from(self.high - self.low);
        rounded(HEIGHT * (1.0 - part))
    }
}

/// The power of ten of a latency; below a tenth of a microsecond clocks show nothing.
fn power(latency: f64) -> f64 {
    latency.max(0.1).log10()
}

fn rounded(place: f64) -> f64 {
    (place * 10.0).round() / 10.0
}

/// A power of ten of microseconds, for people.
fn time(power: i32) -> String {
    match power {
        ..0 => format!("{} us", 10f64.powi(power)),
        0..3 => format!("{} us", 10u32.pow(power as u32)),
        3..6 => format!("{} ms", 10u32.pow(power as u32 - 3)),
        _ => format!("{} s", 10f64.powi(power - 6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    fn row(metric: &str, ours: f64, peer: Option<f64>, limit: f64) -> BenchRow {
        BenchRow {
            language: Language::Python,
            workload: "latency".into(),
            size: 100,
            metric: metric.into(),
            ours: Some(ours),
            peer,
            peer_name: "pyzmq".into(),
            ratio: None,
            runs: 3,
            implementation: "zpatterns".into(),
            limit: Some(limit),
            limit_name: "libzmq in C".into(),
            spread: None,
            must: None,
            aim: None,
            at_least: None,
            at_most: None,
            verdict: None,
            status: "ok".into(),
            note: None,
        }
    }

    fn chart(rows: &[BenchRow]) -> Option<Chart> {
        Curves::of(rows).chart(&rows.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_power_of_ten_is_as_high_as_any_other() {
        let rows = [row("p50_us", 10.0, Some(100.0), 20.0), row("max_us", 1000.0, Some(900.0), 500.0)];
        let chart = chart(&rows).unwrap();
        assert_eq!(chart.columns, [("p50".into(), 0.0), ("max".into(), WIDTH)]);
        assert_eq!(chart.lines, [("10 us".into(), HEIGHT), ("100 us".into(), HEIGHT / 2.0), ("1 ms".into(), 0.0)]);
        let [limit, peer, ours] = chart.curves.as_slice() else { panic!("three curves: {:?}", chart.curves) };
        assert_eq!((ours.whose, limit.name.as_str()), ("ours", "libzmq in C"));
        assert_eq!(peer.points[0], Point { x: 0.0, y: HEIGHT / 2.0, text: "p50: 100.0 us".into() });
        assert_eq!(ours.points.iter().map(|point| point.y).collect::<Vec<_>>(), [HEIGHT, 0.0]);
    }

    #[test]
    fn draws_what_there_is() {
        let names = |rows: &[BenchRow]| -> Vec<String> {
            chart(rows).map(|chart| chart.curves.into_iter().map(|curve| curve.name).collect()).unwrap_or_default()
        };
        assert_eq!(names(&[row("p50_us", 10.0, None, 30.0)]), ["libzmq in C", "zpatterns"], "without a peer");
        assert_eq!(names(&[row("p50_us", 10.0, Some(30.0), 30.0)]), ["pyzmq", "zpatterns"], "the peer is the limit");
        assert!(chart(&[row("CPU us per message", 1.0, None, 1.0)]).is_none());
        assert!(chart(&[]).is_none());
    }
}
