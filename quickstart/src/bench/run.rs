//! One measurement: a counterpart that binds, a program that connects, and what both say afterwards.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::{bus::Heard, fan::Delivered, plan::Workload, queue::Waiting, stats::Percentiles};
use crate::shell::{Call, Finished, Running, ask};

/// The slowest run of the long version takes seconds; what takes longer hangs.
pub(super) const WATCHDOG: Duration = Duration::from_secs(120);

/// What one run showed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Sample {
    /// Messages, or round trips, per second; where there is a schedule, as many as it says.
    pub(super) rate: f64,
    /// Processor time of the measured process, or town, per message, in microseconds.
    pub(super) cpu_us: Option<f64>,
    /// The most memory that the measured process held, in KB, or the processes of a town together.
    pub(super) peak_kb: Option<f64>,
    /// Of round trips, or from when a message was due until it arrived, in microseconds.
    pub(super) latency_us: Option<Percentiles>,
    /// What a bus tells beside.
    pub(super) heard: Option<Heard>,
    /// What fan-out tells beside.
    pub(super) delivered: Option<Delivered>,
    /// What a queue tells beside in which jobs wait.
    pub(super) waiting: Option<Waiting>,
}

/// The line that a driver prints.
#[derive(Deserialize)]
pub(super) struct DriverLine {
    messages: u64,
    pub(super) seconds: f64,
    pub(super) cpu_seconds: f64,
    pub(super) max_rss_kb: f64,
    /// The longest time between two messages, in microseconds.
    pub(super) silence_us: Option<f64>,
    #[serde(default)]
    pub(super) latencies_us: Vec<f64>,
    /// Which publications the way has lost; the first is 0.
    #[serde(default)]
    pub(super) lost: Vec<usize>,
    /// What a push costs in microseconds, at each probe while few jobs wait and at each while many do.
    #[serde(default)]
    pub(super) push_us: Vec<Vec<f64>>,
    /// The same of a take.
    #[serde(default)]
    pub(super) take_us: Vec<Vec<f64>>,
}

impl DriverLine {
    pub(super) fn parse(line: &str) -> Result<Self> {
        serde_json::from_str(line).with_context(|| format!("cannot understand '{line:.200}'"))
    }

    /// The line that the program `what` printed.
    pub(super) fn of(what: &Call, finished: &Finished) -> Result<Self> {
        if !finished.succeeded() {
            bail!("{what}: {}", finished.complaint());
        }
        last_json(finished).and_then(Self::parse).with_context(|| format!("{what} printed no result"))
    }

    /// How many messages it tells of; an error if it tells of nothing.
    pub(super) fn messages(&self) -> Result<f64> {
        if self.messages == 0 || self.seconds <= 0.0 {
            bail!("{} messages in {} s", self.messages, self.seconds);
        }
        Ok(self.messages as f64)
    }

    /// The percentiles, if it is `expected` to have the latency of each message.
    pub(super) fn percentiles(&self, expected: bool) -> Result<Option<Percentiles>> {
        self.percentiles_of(expected, self.messages)
    }

    /// The same of `count` messages, of which those that never came are later than all that did.
    pub(super) fn percentiles_of(&self, expected: bool, count: u64) -> Result<Option<Percentiles>> {
        let expected = if expected { self.messages as usize } else { 0 };
        if self.latencies_us.len() != expected {
            bail!("{} latencies of {} messages", self.latencies_us.len(), self.messages);
        }
        let mut latencies = self.latencies_us.clone();
        if expected > 0 {
            latencies.resize(count as usize, f64::INFINITY);
        }
        Ok(Percentiles::of(&latencies))
    }
}

/// The line that a counterpart prints which counted what arrived.
#[derive(Deserialize)]
struct SinkLine {
    seconds: f64,
}

/// Runs `driver` (all but endpoint, size and count) against its counterpart.
///
/// # Errors
/// When either fails, hangs, or prints something else than agreed.
pub(super) fn measure(limit: &Call, workload: &Workload, driver: &Call, size: u32, count: u64) -> Result<Sample> {
    let warm = count / 10;
    let mut bound = limit.clone().args([&workload.counterpart, "tcp://127.0.0.1:0"]);
    bound = bound.arg(size.to_string()).arg((warm + count).to_string());
    if workload.counterpart == "sink" {
        bound = bound.arg(warm.to_string());
    } else if let Some(rate) = workload.rate(size) {
        bound = bound.arg(rate.to_string());
    }
    let mut counterpart = Running::start(&bound, WATCHDOG)?;
    let endpoint = counterpart.announced("endpoint ")?;
    let call = driver.clone().arg(endpoint).arg(size.to_string()).arg(count.to_string());
    let line = DriverLine::of(driver, &ask(&call, WATCHDOG)?)?;
    let sink = counterpart.finish()?;
    if !sink.succeeded() {
        bail!("the counterpart of {driver}: {}", sink.complaint());
    }
    sample(workload, &line, &sink).with_context(|| format!("{driver} printed no result"))
}

fn sample(workload: &Workload, line: &DriverLine, counterpart: &Finished) -> Result<Sample> {
    let messages = line.messages()?;
    // Who sends is done when the last message is in a queue; only the sink knows when it arrived.
    let seconds = if workload.counterpart == "sink" {
        let sink: SinkLine = serde_json::from_str(last_json(counterpart).context("nor did the sink")?)?;
        if sink.seconds <= 0.0 {
            bail!("the sink received for {} s", sink.seconds);
        }
        sink.seconds
    } else {
        line.seconds
    };
    Ok(Sample {
        rate: messages / seconds,
        cpu_us: Some(line.cpu_seconds * 1e6 / messages),
        peak_kb: Some(line.max_rss_kb),
        latency_us: line.percentiles(workload.latencies)?,
        heard: None,
        delivered: None,
        waiting: None,
    })
}

fn last_json(finished: &Finished) -> Result<&str> {
    let line = finished.stdout.iter().rev().find(|line| line.starts_with('{'));
    line.map(String::as_str).context("no JSON line")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRIVER: &str = r#"{"messages":1000,"seconds":0.5,"cpu_seconds":0.25,"max_rss_kb":9000}"#;

    fn line(text: &str) -> DriverLine {
        DriverLine::of(&Call::new("driver"), &finished(text)).unwrap()
    }

    fn finished(line: &str) -> Finished {
        Finished { stdout: vec!["endpoint tcp://x".into(), line.into()], stderr: Vec::new(), code: Some(0) }
    }

    fn workload(counterpart: &str) -> Workload {
        let latencies = counterpart == "echo";
        let text = format!("counterpart = '{counterpart}'\nlimit = 'x'\nlatencies = {latencies}\ncounts = {{}}");
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn a_sender_is_as_fast_as_its_messages_arrive() {
        let sample = sample(&workload("sink"), &line(DRIVER), &finished(r#"{"messages":1000,"seconds":2.0}"#)).unwrap();
        assert_eq!((sample.rate, sample.cpu_us, sample.peak_kb), (500.0, Some(250.0), Some(9000.0)));
    }

    #[test]
    fn a_receiver_counts_itself() {
        let sample = sample(&workload("source"), &line(DRIVER), &finished("done")).unwrap();
        assert_eq!(sample.rate, 2000.0);
    }

    #[test]
    fn latencies_become_percentiles() {
        let text = DRIVER.replace("1000", "4").replace('}', r#","latencies_us":[41.5,900.0,38.0,50.0]}"#);
        let sample = sample(&workload("echo"), &line(&text), &finished("")).unwrap();
        let expected = Percentiles { p50: 41.5, p90: 900.0, p99: 900.0, p999: 900.0, max: 900.0 };
        assert_eq!(sample.latency_us, Some(expected));
    }

    #[test]
    fn refuses_nonsense() {
        assert!(sample(&workload("sink"), &line(DRIVER), &finished("")).is_err());
        for text in ["{}", "no JSON"] {
            assert!(DriverLine::of(&Call::new("driver"), &finished(text)).is_err());
        }
        let nothing = DRIVER.replace("1000", "0");
        assert!(sample(&workload("source"), &line(&nothing), &finished("")).is_err());
        assert!(sample(&workload("echo"), &line(DRIVER), &finished("")).is_err(), "latencies are missing");
    }
}
