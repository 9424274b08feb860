//! One measurement of request-reply: a town of a broker, a worker and a client, each a process of its own.
//!
//! Unlike elsewhere in the bench the far end is the same implementation, because a request crosses all of it. So what
//! a round trip costs is what all processes of the town use together: the client tells its own share, that of the others
//! is read from the system when the client says that it is warm, and when it is done.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::run::{DriverLine, Sample, WATCHDOG};
use crate::shell::{Call, Line, Running};

/// One append to the disk takes about as long as so many requests, or jobs, that share it.
pub(super) const APPENDS: u64 = 50;
const ANYWHERE: &str = "tcp://127.0.0.1:0";
/// What nats-server says before where it is reached.
pub(super) const NATS_LISTENS: &str = "Listening for client connections on ";

/// A kind of request-reply, by the name that reports know it by.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Town {
    shape: Shape,
    /// Requests that the client keeps open.
    outstanding: u64,
    pub(super) counts: BTreeMap<String, u64>,
}

/// Who lives in a town beside the client.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Shape {
    /// A broker and a worker.
    Brokered,
    /// A worker that binds.
    Direct,
    /// A broker that stores every request, and a worker.
    Durable,
}

/// Who plays the roles.
pub(super) struct Cast {
    /// The driver of a language with the implementation, or the C program on plain libzmq.
    pub(super) program: Call,
    /// A broker that is a program of its own.
    pub(super) nats_server: Option<Call>,
    /// Whether this is plain libzmq, the limit.
    pub(super) limit: bool,
}

impl Town {
    /// Whether the latency of every request is measured instead of how many there are per second.
    pub fn latencies(&self) -> bool {
        self.outstanding == 1
    }

    /// So few requests are not worth a run: most of them would be asked for while the client begins or ends.
    pub(super) fn fewest(&self) -> u64 {
        3 * self.outstanding
    }

    /// What the limit in C is.
    pub(super) fn limit_name(&self) -> &'static str {
        if self.shape == Shape::Durable { "an fdatasync each" } else { "libzmq in C" }
    }

    /// Runs the town for `count` requests; what it stores goes into `folder`.
    ///
    /// # Errors
    /// When a process fails, hangs, or prints something else than agreed.
    pub(super) fn measure(&self, cast: &Cast, size: u32, count: u64, folder: &Path) -> Result<Sample> {
        let scratch = tempfile::tempdir_in(folder).context("cannot create a folder for what is stored")?;
        let store = scratch.path().join("store");
        let alone = cast.limit && self.shape == Shape::Durable;
        let count = if alone { (count / APPENDS).max(100) } else { count };
        let part = |role: &str, endpoint: &str| {
            let numbers = [u64::from(size), count, self.outstanding].map(|number| number.to_string());
            cast.program.clone().args([role, endpoint]).args(numbers)
        };
        let mut others = Vec::new();
        let mut join = |call: &Call, heard: fn(&mut Running) -> Result<String>| {
            let mut running = Running::start(call, WATCHDOG)?;
            let said = heard(&mut running);
            others.push(running);
            said
        };
        let bound = |running: &mut Running| running.announced("endpoint ");
        let client = match self.shape {
            Shape::Durable if alone => disk(&cast.program, &store, size, count),
            Shape::Direct => part("client", &join(&part("server", ANYWHERE), bound)?),
            Shape::Brokered | Shape::Durable => {
                let (broker, asks) = match self.shape {
                    Shape::Durable => (part("broker", ANYWHERE).arg(&store), "durable"),
                    _ => (part("broker", ANYWHERE), "client"),
                };
                let endpoint = match &cast.nats_server {
                    Some(server) => join(server, |running| said(running, NATS_LISTENS))?,
                    None => join(&broker, bound)?,
                };
                // Some brokers have a place of its own for workers.
                let (place, for_workers) = endpoint.split_once(' ').unwrap_or((&endpoint, &endpoint));
                join(&part("worker", for_workers), |running| running.announced("ready"))?;
                part(asks, place)
            }
        };
        let (line, others) = ask(&client, &others)?;
        Sample::of_town(&line, others, self.latencies()).with_context(|| format!("{client} printed no result"))
    }
}

impl Sample {
    /// What the client says, and what the `others` used, with the latency of each message if that is `expected`.
    pub(super) fn of_town(line: &DriverLine, others: Option<Used>, expected: bool) -> Result<Self> {
        let messages = line.messages()?;
        let cpu = others.map(|others| line.cpu_seconds + others.cpu.as_secs_f64());
        Ok(Self {
            rate: messages / line.seconds,
            cpu_us: cpu.map(|cpu| cpu * 1e6 / messages),
            peak_kb: others.map(|others| line.max_rss_kb + others.peak_kb),
            latency_us: line.percentiles(expected)?,
            heard: None,
            delivered: None,
            waiting: None,
        })
    }
}

/// The limit of what is stored: appends to a file, and nothing else.
pub(super) fn disk(limit: &Call, file: &Path, size: u32, count: u64) -> Call {
    // It is one after the other.
    let numbers = [u64::from(size), count, 1].map(|number| number.to_string());
    limit.clone().arg("disk").arg(file).args(numbers)
}

/// Runs the client, and notes what the `others` use meanwhile; `None` where the system does not tell.
pub(super) fn ask(client: &Call, others: &[Running]) -> Result<(DriverLine, Option<Used>)> {
    let mut running = Running::start(client, WATCHDOG)?;
    running.announced("warm")?;
    let before = used(others);
    let line = running.announced("{")?;
    let after = used(others);
    let finished = running.finish()?;
    if !finished.succeeded() {
        bail!("{client}: {}", finished.complaint());
    }
    let used = before.zip(after).map(|(before, after)| after.since(before));
    Ok((DriverLine::parse(&format!("{{{line}"))?, used))
}

/// What comes after `words` on any of the lines of a program, the first that has them.
pub(super) fn said(running: &mut Running, words: &str) -> Result<String> {
    while let Some(Line::Out(line) | Line::Err(line)) = running.next_line()? {
        if let Some((_, rest)) = line.split_once(words) {
            return Ok(rest.trim().to_owned());
        }
    }
    bail!("a program ended before it said '{}'", words.trim())
}

/// What processes used so far, together.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Used {
    pub(super) cpu: Duration,
    peak_kb: f64,
}

impl Used {
    /// What was used since a moment `before`; memory is that of all times.
    pub(super) fn since(self, before: Self) -> Self {
        Self { cpu: self.cpu.saturating_sub(before.cpu), ..self }
    }
}

/// What the running programs used; `None` where there is no `/proc` that tells.
pub(super) fn used(programs: &[Running]) -> Option<Used> {
    programs.iter().try_fold(Used { cpu: Duration::ZERO, peak_kb: 0.0 }, |sum, program| {
        let folder = Path::new("/proc").join(program.id().to_string());
        let status = fs::read_to_string(folder.join("status")).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"))?;
        let threads = fs::read_dir(folder.join("task")).ok()?;
        // The first number is nanoseconds on a processor. `stat` counts a hundredth of a second at a time.
        let nanos = threads.flatten().map(|thread| {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        });
        let cpu = Duration::from_nanos(nanos.sum::<Option<u64>>()?);
        Some(Used { cpu: sum.cpu + cpu, peak_kb: sum.peak_kb + peak.parse::<f64>().ok()? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::stats::Percentiles;

    fn town(shape: &str, outstanding: u64) -> Town {
        toml::from_str(&format!("shape = '{shape}'\noutstanding = {outstanding}\ncounts = {{}}")).unwrap()
    }

    fn line(more: &str) -> DriverLine {
        DriverLine::parse(&format!(r#"{{"messages":2,"seconds":0.5,"cpu_seconds":0.25,"max_rss_kb":9000{more}}}"#))
            .unwrap()
    }

    #[test]
    fn a_round_trip_costs_what_the_whole_town_uses() {
        let others = Some(Used { cpu: Duration::from_millis(500), peak_kb: 1000.0 });
        let sample = Sample::of_town(&line(""), others, false).unwrap();
        assert_eq!((sample.rate, sample.cpu_us, sample.peak_kb), (4.0, Some(375_000.0), Some(10_000.0)));
        assert_eq!(Sample::of_town(&line(""), None, false).unwrap().cpu_us, None, "a part is not the whole");
    }

    #[test]
    fn latencies_are_measured_where_one_request_is_open() {
        assert!(town("direct", 1).latencies() && !town("direct", 2).latencies());
        let sample = Sample::of_town(&line(r#","latencies_us":[3.0,5.0]"#), None, true).unwrap();
        assert_eq!(sample.latency_us.map(|it: Percentiles| (it.p50, it.max)), Some((3.0, 5.0)));
        assert!(Sample::of_town(&line(""), None, true).is_err());
    }

    /// A town of shell scripts: `sh -c SCRIPT sh ROLE ENDPOINT ...`.
    #[cfg(unix)]
    fn play(shape: &str, script: &str) -> Result<Sample> {
        let cast = Cast { program: Call::new("sh").args(["-c", script, "sh"]), nats_server: None, limit: false };
        town(shape, 10).measure(&cast, 100, 50, &std::env::temp_dir())
    }

    #[cfg(unix)]
    #[test]
    fn every_process_is_told_where_the_others_are() {
        let script = r#"
            case "$1 $2" in
                "broker tcp://127.0.0.1:0") echo endpoint front back; test "${6##*/}" = store || exit 3; exec sleep 60;;
                "worker back") echo ready; exec sleep 60;;
                "durable front") echo warm; printf '{"messages":%s,"seconds":1,"cpu_seconds":1,"max_rss_kb":1}\n' $4;;
                *) echo "who is $1 $2?" >&2; exit 1;;
            esac"#;
        assert_eq!(play("durable", script).unwrap().rate, 50.0);
        let error = format!("{:#}", play("direct", script).unwrap_err());
        assert!(error.contains("who is server"), "{error}");
    }
}
