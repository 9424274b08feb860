//! Turns samples into rows of the report: a median per metric, the ratio to the peer, and whether a promise holds.

use super::{
    Bench, Job, Sample,
    fan::Question,
    plan::{AtMost, Comparison, Size, Work},
    queue::Shape,
    stats::{Spread, ratios},
};
use crate::report::{BenchRow, Verdict};

/// A promise closer to 1 than this lies inside the noise of rates on a shared machine, so CPU per message decides.
const NOISE: f64 = 1.2;

/// One thing that a sample tells.
struct Metric {
    name: &'static str,
    /// Whether more is better.
    more: bool,
    value: fn(&Sample) -> Option<f64>,
}

impl Metric {
    /// What stands for all rounds: the median, but what was missed once was missed.
    fn of_rounds(&self, values: &[f64]) -> Option<f64> {
        let is_worst = [MISSED.name, SILENCE.name, LOST.name].contains(&self.name);
        Spread::of(values).map(|spread| if is_worst { spread.max } else { spread.median })
    }
}

const RATE: Metric = Metric { name: "messages per second", more: true, value: |it| Some(it.rate) };
const CPU: Metric = Metric { name: "CPU us per message", more: false, value: |it| it.cpu_us };
const MEMORY: Metric = Metric { name: "peak memory KB", more: false, value: |it| it.peak_kb };
const TRIP_RATE: Metric = Metric { name: "round trips per second", ..RATE };
const TRIP_CPU: Metric = Metric { name: "CPU us per round trip", ..CPU };
const P50: Metric = Metric { name: "p50_us", more: false, value: |it| Some(it.latency_us?.p50) };
const P90: Metric = Metric { name: "p90_us", more: false, value: |it| Some(it.latency_us?.p90) };
const P99: Metric = Metric { name: "p99_us", more: false, value: |it| Some(it.latency_us?.p99) };
const P999: Metric = Metric { name: "p99.9_us", more: false, value: |it| Some(it.latency_us?.p999) };
const SENDER_CPU: Metric =
    Metric { name: "CPU us per message, sender", more: false, value: |it| Some(it.heard?.sender_cpu_us) };
const MISSED: Metric = Metric { name: "missed", more: false, value: |it| Some(it.heard?.missed) };
const SILENCE: Metric = Metric { name: "longest silence us", more: false, value: |it| it.heard?.silence_us };
const DELIVERED_RATE: Metric = Metric { name: "delivered per second", ..RATE };
const DELIVERED_CPU: Metric = Metric { name: "CPU us per delivered", ..CPU };
const SUBSCRIBER_CPU: Metric =
    Metric { name: "CPU us, subscribers", more: false, value: |it| Some(it.delivered?.subscriber_cpu_us) };
const PUBLICATION_CPU: Metric =
    Metric { name: "CPU us per publication", more: false, value: |it| it.delivered?.publication_cpu_us };
const REPAIRED_P50: Metric =
    Metric { name: "repaired, p50 us", more: false, value: |it| Some(it.delivered?.repaired_us?.p50) };
const REPAIRED_P99: Metric =
    Metric { name: "repaired, p99 us", more: false, value: |it| Some(it.delivered?.repaired_us?.p99) };
const LOST_ON_THE_WAY: Metric =
    Metric { name: "lost on the way", more: false, value: |it| Some(it.delivered?.lost_on_the_way) };
const LOST: Metric = Metric { name: "lost", more: false, value: |it| Some(it.delivered?.lost) };
const JOB_RATE: Metric = Metric { name: "jobs per second", ..RATE };
const JOB_CPU: Metric = Metric { name: "CPU us per job", ..CPU };
const TREE_CPU: Metric = Metric { name: "CPU us per tree of two", ..CPU };
const JOB_BYTES: Metric = Metric { name: "bytes per waiting job", more: false, value: |it| it.waiting?.job_bytes };
const PUSH: Metric = Metric { name: "us per push, many waiting", more: false, value: |it| Some(it.waiting?.push.0) };
const PUSH_GROWTH: Metric =
    Metric { name: "push, many : few waiting", more: false, value: |it| Some(it.waiting?.push.1) };
const TAKE: Metric = Metric { name: "us per take, many waiting", more: false, value: |it| Some(it.waiting?.take.0) };
const TAKE_GROWTH: Metric =
    Metric { name: "take, many : few waiting", more: false, value: |it| Some(it.waiting?.take.1) };
const MAX: Metric = Metric { name: "max_us", more: false, value: |it| Some(it.latency_us?.max) };

/// What rows tell of a workload, the promised metric first.
fn metrics(work: Work<'_>) -> &'static [Metric] {
    match (work, work.latencies()) {
        (Work::Pair(_), true) => &[P50, P90, P99, P999, MAX, CPU, MEMORY],
        (Work::Pair(_), false) => &[RATE, CPU, MEMORY],
        (Work::Town(_), true) => &[P50, P90, P99, P999, MAX, TRIP_CPU, MEMORY],
        (Work::Town(_), false) => &[TRIP_RATE, TRIP_CPU, MEMORY],
        (Work::Bus(bus), true) if bus.loses() => &[P50, P90, P99, P999, MAX, SILENCE, MISSED, CPU, SENDER_CPU, MEMORY],
        (Work::Bus(_), true) => &[P50, P90, P99, P999, MAX, MISSED, CPU, SENDER_CPU, MEMORY],
        (Work::Bus(_), false) => &[RATE, MISSED, CPU, SENDER_CPU, MEMORY],
        (Work::Fan(fan), _) => match fan.question() {
            Question::Deliveries => &[DELIVERED_RATE, LOST, DELIVERED_CPU, SUBSCRIBER_CPU, MEMORY],
            Question::Publishing => &[DELIVERED_RATE, LOST, DELIVERED_CPU, PUBLICATION_CPU, MEMORY],
            Question::Matching => &[PUBLICATION_CPU, DELIVERED_RATE, LOST, DELIVERED_CPU],
            Question::Latencies => &[P50, P90, P99, P999, MAX, LOST, SUBSCRIBER_CPU, MEMORY],
            Question::Repairs => {
                &[REPAIRED_P50, REPAIRED_P99, LOST_ON_THE_WAY, P50, P90, P99, P999, MAX, LOST, SUBSCRIBER_CPU, MEMORY]
            }
        },
        (Work::Queue(_), true) => &[P50, P90, P99, P999, MAX, TREE_CPU, MEMORY],
        (Work::Queue(queue), false) if queue.shape() == Shape::Waiting => {
            &[JOB_BYTES, PUSH_GROWTH, TAKE_GROWTH, PUSH, TAKE, MEMORY]
        }
        (Work::Queue(_), false) => &[JOB_RATE, JOB_CPU, MEMORY],
    }
}

impl Bench<'_> {
    /// The rows of one comparison at one size, the promised metric first.
    pub(super) fn rows(&self, comparison: &Comparison, size: Size) -> Vec<BenchRow> {
        let metrics = metrics(self.plan.work(&comparison.workload));
        let ours = Job::ours(comparison, size);
        let peer = Job::peer(comparison, size, self.plan);
        let limit = Job::limit(&comparison.workload, size, self.plan);
        let values = |job: &Job, metric: &Metric| -> Vec<f64> {
            let samples = self.series.get(job).map(|series| series.samples.as_slice()).unwrap_or_default();
            samples.iter().filter_map(metric.value).collect()
        };
        let (status, note) = self.status(&ours, &peer);
        let row = |metric: &Metric| {
            let (mine, theirs) = (values(&ours, metric), values(&peer, metric));
            let ratio = Spread::of(&ratios(&mine, &theirs));
            BenchRow {
                language: comparison.language,
                workload: comparison.workload.clone(),
                size: size.bytes,
                metric: metric.name.into(),
                ours: metric.of_rounds(&mine),
                peer: metric.of_rounds(&theirs),
                peer_name: self.plan.peer_name(comparison),
                ratio: ratio.map(|spread| spread.median),
                runs: mine.len().min(theirs.len()),
                implementation: comparison.ours.clone(),
                limit: metric.of_rounds(&values(&limit, metric)),
                limit_name: self.plan.work(&comparison.workload).limit_name().into(),
                spread: ratio.map(|spread| [spread.min, spread.max]),
                must: None,
                aim: None,
                at_least: None,
                at_most: None,
                verdict: None,
                status: status.into(),
                note: note.clone(),
            }
        };
        let mut rows: Vec<BenchRow> = metrics.iter().map(row).collect();
        judge(&mut rows, size, metrics[0].more);
        rows
    }

    /// `ok`, or the word and the reason why a figure is not there.
    fn status(&self, ours: &Job, peer: &Job) -> (&'static str, Option<String>) {
        if let Err(absent) = &self.built.limit {
            return (absent.word(), Some(absent.reason().lines().next().unwrap_or_default().to_owned()));
        }
        for (job, whose) in [(ours, "ours"), (peer, "the peer")] {
            if let Err(absent) = self.cast(job) {
                let reason = absent.reason().lines().next().unwrap_or_default();
                return (absent.word(), Some(format!("{whose}: {reason}")));
            }
            if let Some(failure) = self.series.get(job).and_then(|series| series.failure.as_ref()) {
                return ("failed", Some(format!("{whose}: {failure}")));
            }
        }
        ("ok", None)
    }
}

/// Writes the promises of `size` and whether they hold into the rows of one comparison, of which the first is that of
/// the promised metric.
fn judge(rows: &mut [BenchRow], size: Size, more_is_better: bool) {
    let is_cpu = |row: &&mut BenchRow| {
        [CPU.name, TRIP_CPU.name, JOB_CPU.name, DELIVERED_CPU.name].contains(&row.metric.as_str())
    };
    let cpu = rows.iter_mut().find(is_cpu).and_then(|row| row.ratio);
    let at_most = |ratio: Option<f64>, must: f64| ratio.map(|ratio| ratio <= must);
    if let Some(must) = size.must {
        let by_cpu = more_is_better && (1.0 / NOISE..NOISE).contains(&must);
        let met = match (more_is_better, by_cpu) {
            (_, true) => at_most(cpu, 1.0 / must),
            (true, false) => rows[0].ratio.map(|ratio| ratio >= must),
            (false, false) => at_most(rows[0].ratio, must),
        };
        rows[0].must = Some(must);
        rows[0].aim = size.aim;
        rows[0].verdict = met.map(|met| Verdict::new(met, by_cpu));
    }
    if let (Some(must), Some(row)) = (size.cpu_must, rows.iter_mut().find(is_cpu)) {
        row.must = Some(must);
        row.verdict = at_most(cpu, must).map(|met| Verdict::new(met, false));
    }
    if let Some(least) = size.at_least {
        rows[0].at_least = Some(least);
        rows[0].verdict = rows[0].ours.map(|ours| Verdict::new(ours >= least, false));
    }
    let AtMost { p50_us, p99_us, silence_us, job_bytes, push_growth, take_growth } = size.at_most;
    let bounds = [(P50, p50_us), (P99, p99_us), (SILENCE, silence_us)];
    let of_waiting = [(JOB_BYTES, job_bytes), (PUSH_GROWTH, push_growth), (TAKE_GROWTH, take_growth)];
    for (metric, most) in bounds.into_iter().chain(of_waiting) {
        if let (Some(most), Some(row)) = (most, rows.iter_mut().find(|row| row.metric == metric.name)) {
            row.at_most = Some(most);
            row.verdict = row.ours.map(|ours| Verdict::new(ours <= most, false));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bench::{plan::Workload, stats::Percentiles},
        language::Language,
    };

    fn row(metric: &Metric, ratio: Option<f64>) -> BenchRow {
        BenchRow {
            language: Language::Node,
            workload: "send-each".into(),
            size: 100,
            metric: metric.name.into(),
            ours: None,
            peer: None,
            peer_name: "zeromq".into(),
            ratio,
            runs: 3,
            implementation: "zpatterns".into(),
            limit: None,
            limit_name: String::new(),
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

    fn promise(must: Option<f64>, cpu_must: Option<f64>) -> Size {
        Size { bytes: 100, short: true, must, aim: None, cpu_must, at_least: None, at_most: AtMost::default() }
    }

    fn verdicts(first: &Metric, ratio: f64, cpu: f64, must: f64, cpu_must: Option<f64>) -> [Option<Verdict>; 2] {
        let mut rows = [row(first, Some(ratio)), row(&CPU, Some(cpu))];
        judge(&mut rows, promise(Some(must), cpu_must), first.more);
        rows.map(|row| row.verdict)
    }

    #[test]
    fn a_clear_promise_is_judged_by_the_rate() {
        assert_eq!(verdicts(&RATE, 2.6, 9.0, 2.5, None), [Some(Verdict::Met), None]);
        assert_eq!(verdicts(&RATE, 2.4, 0.1, 2.5, None), [Some(Verdict::Missed), None]);
        assert_eq!(
            verdicts(&RATE, 0.6, 9.0, 0.5, None),
            [Some(Verdict::Met), None],
            "a part of the limit is a rate, too"
        );
    }

    #[test]
    fn a_promise_inside_the_noise_is_judged_by_cpu() {
        assert_eq!(verdicts(&RATE, 0.5, 1.1, 0.9, None), [Some(Verdict::MetByCpu), None]);
        assert_eq!(verdicts(&RATE, 2.0, 1.2, 0.9, None), [Some(Verdict::MissedByCpu), None]);
    }

    #[test]
    fn less_latency_and_less_cpu_are_better() {
        assert_eq!(verdicts(&P50, 0.7, 9.0, 0.8, None), [Some(Verdict::Met), None]);
        assert_eq!(verdicts(&P50, 0.9, 0.1, 0.8, None), [Some(Verdict::Missed), None]);
        assert_eq!(verdicts(&RATE, 9.0, 0.3, 4.0, Some(0.25)), [Some(Verdict::Met), Some(Verdict::Missed)]);
    }

    #[test]
    fn latencies_are_told_by_percentiles() {
        let workload = |latencies: bool| -> Workload {
            toml::from_str(&format!("counterpart = 'x'\nlimit = 'x'\nlatencies = {latencies}\ncounts = {{}}")).unwrap()
        };
        let percentiles = Percentiles { p50: 1.0, p90: 2.0, p99: 3.0, p999: 4.0, max: 5.0 };
        let sample = Sample {
            rate: 6.0,
            cpu_us: Some(7.0),
            peak_kb: Some(8.0),
            latency_us: Some(percentiles),
            heard: None,
            delivered: None,
            waiting: None,
        };
        let told = metrics(Work::Pair(&workload(true))).iter().map(|it| (it.name, (it.value)(&sample)));
        let told: Vec<_> = told.collect();
        let expected = [("p50_us", 1.0), ("p90_us", 2.0), ("p99_us", 3.0), ("p99.9_us", 4.0), ("max_us", 5.0)];
        assert_eq!(told[..5], expected.map(|(name, value)| (name, Some(value))));
        assert_eq!(metrics(Work::Pair(&workload(false)))[0].name, RATE.name);
    }

    #[test]
    fn without_figures_there_is_no_verdict() {
        let mut rows = [row(&RATE, None), row(&CPU, None)];
        judge(&mut rows, promise(Some(2.0), Some(0.5)), true);
        assert!(rows.iter().all(|row| row.verdict.is_none() && row.must.is_some()));
    }

    #[test]
    fn what_must_not_be_exceeded_is_judged_where_it_stands() {
        let row = |metric: &Metric, ours| BenchRow { ours: Some(ours), ..row(metric, None) };
        let mut rows = [row(&P50, 80.0), row(&P99, 6_000.0), row(&SILENCE, 20_000.0)];
        let (p50_us, p99_us, silence_us) = (Some(200.0), Some(5_000.0), Some(20_000.0));
        let at_most = AtMost { p50_us, p99_us, silence_us, ..AtMost::default() };
        judge(&mut rows, Size { at_most, ..promise(None, None) }, false);
        assert_eq!(rows.each_ref().map(|row| row.promise()), ["<= 200.0", "<= 5 000", "<= 20 000"]);
        assert_eq!(rows.map(|row| row.verdict), [Verdict::Met, Verdict::Missed, Verdict::Met].map(Some));
    }

    #[test]
    fn what_waits_is_judged_by_its_size_and_by_what_more_costs() {
        let row = |metric: &Metric, ours| BenchRow { ours: Some(ours), ..row(metric, None) };
        let mut rows = [row(&JOB_BYTES, 372.0), row(&PUSH_GROWTH, 1.1), row(&TAKE_GROWTH, 2.5), row(&PUSH, 9.0)];
        let (job_bytes, push_growth, take_growth) = (Some(500.0), Some(2.0), Some(2.0));
        let at_most = AtMost { job_bytes, push_growth, take_growth, ..AtMost::default() };
        judge(&mut rows, Size { at_most, ..promise(None, None) }, false);
        let expected = [Some(Verdict::Met), Some(Verdict::Met), Some(Verdict::Missed), None];
        assert_eq!(rows.map(|row| row.verdict), expected);
    }

    #[test]
    fn what_must_be_reached_does_not_depend_on_the_peer() {
        let judged = |ours| {
            let mut rows = [BenchRow { ours, ..row(&TRIP_RATE, None) }];
            judge(&mut rows, Size { at_least: Some(20_000.0), ..promise(None, None) }, true);
            assert_eq!(rows[0].promise(), "20 000");
            rows[0].verdict
        };
        assert_eq!(judged(Some(20_000.0)), Some(Verdict::Met));
        assert_eq!(judged(Some(19_999.0)), Some(Verdict::Missed));
        assert_eq!(judged(None), None);
    }
}
