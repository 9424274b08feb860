//! One measurement of a job queue: a town of a queue, a worker and a producer, each a process of its own.
//!
//! As with request-reply all of it is one implementation, and what a job costs is what all processes use together. Where a queue
//! is a server, that is Redis here, it is started and ended with the town; what it or ours stores is in a folder that goes, too.

use std::{collections::BTreeMap, fs, net::TcpListener, path::Path};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::{
    run::{DriverLine, Sample, WATCHDOG},
    stats::Spread,
    town::{APPENDS, ask, disk, said, used},
};
use crate::shell::{Call, Running};

/// The implementations whose queue is a Redis.
pub(super) const IN_REDIS: [&str; 2] = ["bullmq", "arq"];
const LOOPBACK: &str = "127.0.0.1";
/// What redis-server says when it can be reached.
const REDIS_LISTENS: &str = "Ready to accept connections";
/// Jobs that wait where few wait, as drivers know.
const FEW: u64 = 1000;

/// A kind of work for a job queue, by the name that reports know it by.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    shape: Shape,
    /// Generations below the root of a tree.
    #[serde(default)]
    depth: u32,
    /// Whether jobs are stored.
    #[serde(default)]
    durable: bool,
    pub(super) counts: BTreeMap<String, u64>,
}

/// What is done with jobs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Many jobs are pushed and done.
    Flat,
    /// A job breaks into ten, each of them into ten, and so on.
    Tree,
    /// A job breaks into one, and goes on.
    Resume,
    /// Jobs wait, and nobody does them.
    Waiting,
}

/// Who plays the roles.
pub(super) struct Cast {
    /// The driver of a language with the implementation, or the C program on plain libzmq.
    pub(super) program: Call,
    /// The queue, where it is a program of its own.
    pub(super) redis: Option<Call>,
    /// Whether this is the limit.
    pub(super) limit: bool,
}

/// What only a queue tells in which jobs wait.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Waiting {
    /// Bytes by which the queue grew with each job.
    pub(super) job_bytes: Option<f64>,
    /// What a push costs in microseconds while many jobs wait, and how many times that is of the same while few do.
    pub(super) push: (f64, f64),
    /// The same of a take.
    pub(super) take: (f64, f64),
}

impl Queue {
    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    /// Whether the latency of every job is measured instead of how many there are per second.
    pub fn latencies(&self) -> bool {
        self.shape == Shape::Resume
    }

    /// So few jobs are not worth a run, or not one whole tree.
    pub(super) fn fewest(&self) -> u64 {
        match self.shape {
            Shape::Flat | Shape::Resume => 100,
            Shape::Tree => (0..=self.depth).map(|generation| 10_u64.pow(generation)).sum(),
            Shape::Waiting => 10 * FEW,
        }
    }

    /// What the limit in C is.
    pub(super) fn limit_name(&self) -> &'static str {
        if self.durable { "an fdatasync each" } else { "libzmq in C" }
    }

    /// Whether plain libzmq, or the disk, can do it. Neither knows what a child is.
    pub(super) fn has_limit(&self) -> bool {
        self.durable || matches!(self.shape, Shape::Flat | Shape::Waiting)
    }

    /// Runs the town for `count` jobs; what it stores goes into `folder`.
    ///
    /// # Errors
    /// When a process fails, hangs, or prints something else than agreed.
    pub(super) fn measure(&self, cast: &Cast, size: u32, count: u64, folder: &Path) -> Result<Sample> {
        let scratch = tempfile::tempdir_in(folder).context("cannot create a folder for what is stored")?;
        let store = scratch.path().join("store");
        if cast.limit && self.durable {
            let count = (count / APPENDS).max(100);
            let (line, used) = ask(&disk(&cast.program, &store, size, count), &[])?;
            return Sample::of_town(&line, used, false);
        }
        let part = |role: &str, endpoint: &str| {
            let numbers = [u64::from(size), count].map(|number| number.to_string());
            cast.program.clone().args([&format!("jobs-{role}"), endpoint]).args(numbers)
        };
        let (mut queue, endpoint);
        if let Some(redis) = &cast.redis {
            (queue, endpoint) = self.start_redis(redis.clone(), scratch.path())?;
        } else {
            let call = part("queue", "tcp://127.0.0.1:0");
            queue = Running::start(&if self.durable { call.arg(&store) } else { call }, WATCHDOG)?;
            endpoint = queue.announced("endpoint ")?;
        }
        let mut others = vec![queue];
        match self.shape {
            Shape::Flat | Shape::Tree => {
                let mut worker = Running::start(&part("worker", &endpoint), WATCHDOG)?;
                worker.announced("ready")?;
                others.push(worker);
            }
            // Whoever measures takes jobs as well.
            Shape::Resume | Shape::Waiting => {}
        }
        let client = match self.shape {
            Shape::Flat => part("flat", &endpoint),
            Shape::Tree => part("tree", &endpoint).arg(self.depth.to_string()),
            Shape::Resume => part("resume", &endpoint),
            Shape::Waiting => return fill(&part("waiting", &endpoint), &others[0]),
        };
        let (line, used) = ask(&client, &others)?;
        Sample::of_town(&line, used, self.latencies()).with_context(|| format!("{client} printed no result"))
    }

    /// On a port of this machine only that is free, with all that it writes in `folder`; and where it is reached.
    fn start_redis(&self, redis: Call, folder: &Path) -> Result<(Running, String)> {
        let port = TcpListener::bind((LOOPBACK, 0)).and_then(|it| it.local_addr()).context("there is no free port")?;
        let port = port.port().to_string();
        let call = redis.args(["--bind", LOOPBACK, "--port", &port, "--save", "", "--dir"]).arg(folder);
        let call = if self.durable {
            call.args(["--appendonly", "yes", "--appendfsync", "always"])
        } else {
            call.args(["--appendonly", "no"])
        };
        let mut running = Running::start(&call, WATCHDOG)?;
        said(&mut running, REDIS_LISTENS)?;
        Ok((running, format!("{LOOPBACK}:{port}")))
    }
}

/// Lets jobs wait in `queue`, and notes how it grows.
fn fill(client: &Call, queue: &Running) -> Result<Sample> {
    let mut running = Running::start(client, WATCHDOG)?;
    running.announced("warm")?;
    let (before, had) = (used(std::slice::from_ref(queue)), resident_kb(queue));
    running.announced("full")?;
    let (after, has) = (used(std::slice::from_ref(queue)), resident_kb(queue));
    let line = DriverLine::of(client, &running.finish()?)?;
    let grown = had.zip(has).map(|(had, has)| has - had);
    let waiting = Waiting {
        job_bytes: grown.map(|kb| kb * 1024.0 / line.messages().unwrap_or(f64::NAN)),
        push: cost(&line.push_us)?,
        take: cost(&line.take_us)?,
    };
    let used = before.zip(after).map(|(before, after)| after.since(before));
    Ok(Sample { waiting: Some(waiting), ..Sample::of_town(&line, used, false)? })
}

/// What one more costs while many wait, and how many times as much as while few do; the medians of all probes.
fn cost(probes: &[Vec<f64>]) -> Result<(f64, f64)> {
    let medians = probes.iter().filter_map(|probes| Spread::of(probes)).map(|spread| spread.median);
    let &[few, many] = medians.collect::<Vec<_>>().as_slice() else {
        anyhow::bail!("there are costs for {} numbers of waiting jobs", probes.len())
    };
    Ok((many, many / few))
}

/// The memory that a program has now; `None` where there is no `/proc` that tells.
fn resident_kb(program: &Running) -> Option<f64> {
    let status = fs::read_to_string(Path::new("/proc").join(program.id().to_string()).join("status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(text: &str) -> Queue {
        toml::from_str(&format!("{text}\ncounts = {{}}")).unwrap()
    }

    #[test]
    fn a_tree_is_measured_whole() {
        assert_eq!(queue("shape = 'tree'\ndepth = 3").fewest(), 1_111);
        assert_eq!(queue("shape = 'tree'\ndepth = 5").fewest(), 111_111);
    }

    #[test]
    fn a_cost_is_told_by_medians() {
        assert_eq!(cost(&[vec![2.0, 900.0, 1.0], vec![5.0, 6.0, 7.0]]).unwrap(), (6.0, 3.0));
        assert!(cost(&[vec![1.0]]).is_err());
    }

    /// A town of shell scripts: `sh -c SCRIPT sh ROLE ENDPOINT SIZE COUNT [MORE]`.
    #[cfg(unix)]
    fn play(text: &str, redis: Option<Call>, script: &str) -> Result<Sample> {
        let cast = Cast { program: Call::new("sh").args(["-c", script, "sh"]), redis, limit: false };
        queue(text).measure(&cast, 100, 50, &std::env::temp_dir())
    }

    #[cfg(unix)]
    #[test]
    fn every_process_is_told_where_the_queue_is() {
        let script = r#"
            case "$1 $2" in
                "jobs-queue tcp://127.0.0.1:0") echo endpoint here; test "${5##*/}" = store || exit 3; exec sleep 60;;
                "jobs-worker here") echo ready; exec sleep 60;;
                "jobs-tree here")
                    test "$5" = 3 || exit 4
                    echo warm; printf '{"messages":%s,"seconds":1,"cpu_seconds":1,"max_rss_kb":1}\n' $4;;
                *) echo "who is $1 $2?" >&2; exit 1;;
            esac"#;
        assert_eq!(play("shape = 'tree'\ndepth = 3\ndurable = true", None, script).unwrap().rate, 50.0);
        let error = format!("{:#}", play("shape = 'flat'\ndurable = true", None, script).unwrap_err());
        assert!(error.contains("who is jobs-flat"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn redis_is_the_queue_and_writes_where_it_is_told() {
        let server = r#"test "$*" = "--bind 127.0.0.1 --port $4 --save  --dir $8 --appendonly yes --appendfsync always" || exit 5
            touch "$8/appendonly" && echo "* Ready to accept connections" && exec sleep 60"#;
        let script = r#"
            case $1 in
                jobs-worker) echo ready; exec sleep 60;;
                jobs-flat)
                    test "${2%:*}" = 127.0.0.1 || exit 4
                    echo warm; echo '{"messages":9,"seconds":1,"cpu_seconds":1,"max_rss_kb":1}';;
            esac"#;
        let redis = Call::new("sh").args(["-c", server, "sh"]);
        assert_eq!(play("shape = 'flat'\ndurable = true", Some(redis), script).unwrap().rate, 9.0);
    }

    #[cfg(unix)]
    #[test]
    fn the_costs_of_waiting_are_told() {
        let script = r#"
            case $1 in
                jobs-queue) echo endpoint here; exec sleep 60;;
                jobs-waiting) echo warm; echo full
                    echo '{"messages":9,"seconds":1,"cpu_seconds":1,"max_rss_kb":1,"push_us":[[1],[3]],"take_us":[[2],[2]]}';;
            esac"#;
        let waiting = play("shape = 'waiting'", None, script).unwrap().waiting.unwrap();
        assert_eq!((waiting.push, waiting.take), ((3.0, 3.0), (2.0, 1.0)));
    }
}
