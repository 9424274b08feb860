//! One measurement: a counterpart that binds, a program that connects, and what both say afterwards.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::plan::Workload;
use crate::shell::{Call, Finished, Running, ask};

/// The slowest run of the long version takes seconds; what takes longer hangs.
const WATCHDOG: Duration = Duration::from_secs(120);

/// What one run showed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Sample {
    /// Messages, or round trips, per second.
    pub(super) rate: f64,
    /// Processor time of the measured process per message, in microseconds.
    pub(super) cpu_us: f64,
    /// The most memory that the measured process held, in KB.
    pub(super) peak_kb: f64,
    /// Median and 99th percentile of round trips, in microseconds.
    pub(super) latency_us: Option<(f64, f64)>,
}

/// The line that a driver prints.
#[derive(Deserialize)]
struct DriverLine {
    messages: u64,
    seconds: f64,
    cpu_seconds: f64,
    max_rss_kb: f64,
    p50_us: Option<f64>,
    p99_us: Option<f64>,
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
    }
    let mut counterpart = Running::start(&bound, WATCHDOG)?;
    let endpoint = counterpart.announced("endpoint ")?;
    let finished = ask(&driver.clone().arg(endpoint).arg(size.to_string()).arg(count.to_string()), WATCHDOG)?;
    if !finished.succeeded() {
        bail!("{driver}: {}", finished.complaint());
    }
    let sink = counterpart.finish()?;
    if !sink.succeeded() {
        bail!("the counterpart of {driver}: {}", sink.complaint());
    }
    sample(workload, &finished, &sink).with_context(|| format!("{driver} printed no result"))
}

fn sample(workload: &Workload, driver: &Finished, counterpart: &Finished) -> Result<Sample> {
    let line: DriverLine = last_json(driver)?;
    // Who sends is done when the last message is in a queue; only the sink knows when it arrived.
    let seconds = if workload.counterpart == "sink" {
        last_json::<SinkLine>(counterpart).context("nor did the sink")?.seconds
    } else {
        line.seconds
    };
    let messages = line.messages as f64;
    if messages <= 0.0 || seconds <= 0.0 {
        bail!("{messages} messages in {seconds} s");
    }
    Ok(Sample {
        rate: messages / seconds,
        cpu_us: line.cpu_seconds * 1e6 / messages,
        peak_kb: line.max_rss_kb,
        latency_us: line.p50_us.zip(line.p99_us),
    })
}

fn last_json<T: for<'a> Deserialize<'a>>(finished: &Finished) -> Result<T> {
    let line = finished.stdout.iter().rev().find(|line| line.starts_with('{')).context("no JSON line")?;
    serde_json::from_str(line).with_context(|| format!("cannot understand '{line}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRIVER: &str = r#"{"messages":1000,"seconds":0.5,"cpu_seconds":0.25,"max_rss_kb":9000}"#;

    fn finished(line: &str) -> Finished {
        Finished { stdout: vec!["endpoint tcp://x".into(), line.into()], stderr: Vec::new(), code: Some(0) }
    }

    fn workload(counterpart: &str) -> Workload {
        let text = format!("counterpart = '{counterpart}'\nlimit = 'x'\ncounts = {{}}");
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn a_sender_is_as_fast_as_its_messages_arrive() {
        let sample = sample(&workload("sink"), &finished(DRIVER), &finished(r#"{"messages":1000,"seconds":2.0}"#));
        let expected = Sample { rate: 500.0, cpu_us: 250.0, peak_kb: 9000.0, latency_us: None };
        assert_eq!(sample.unwrap(), expected);
    }

    #[test]
    fn a_receiver_counts_itself() {
        let sample = sample(&workload("source"), &finished(DRIVER), &finished("done")).unwrap();
        assert_eq!(sample.rate, 2000.0);
    }

    #[test]
    fn round_trips_have_percentiles() {
        let line = DRIVER.replace('}', r#","p50_us":41.5,"p90_us":50,"p99_us":88,"max_us":900}"#);
        let sample = sample(&workload("echo"), &finished(&line), &finished("")).unwrap();
        assert_eq!(sample.latency_us, Some((41.5, 88.0)));
    }

    #[test]
    fn refuses_nonsense() {
        assert!(sample(&workload("sink"), &finished(DRIVER), &finished("")).is_err());
        assert!(sample(&workload("source"), &finished("{}"), &finished("")).is_err());
        let nothing = DRIVER.replace("1000", "0");
        assert!(sample(&workload("source"), &finished(&nothing), &finished("")).is_err());
    }
}
