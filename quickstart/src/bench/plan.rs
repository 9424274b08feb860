//! The plan: `bench/workloads.toml`, read and checked.

use std::{collections::BTreeMap, fs};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::{language::Language, layout::Layout, packages};

/// What to measure, what to compare it with, and what must come out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    peers: PeerPackages,
    short: Effort,
    long: Effort,
    workloads: BTreeMap<String, Workload>,
    share: BTreeMap<String, f64>,
    /// In the order in which they are measured and shown.
    pub comparisons: Vec<Comparison>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PeerPackages {
    python: String,
    node: String,
}

/// How much to measure.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effort {
    /// How often ours, the peer and the limit take turns.
    pub rounds: usize,
    scale: f64,
}

/// What the programs do, by the name that the drivers know it by.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// The role of the C program at the other end.
    pub counterpart: String,
    /// The role in which the C program takes the driver's place.
    pub limit: String,
    /// Whether the latency of every message is measured instead of how many there are per second.
    #[serde(default)]
    pub latencies: bool,
    counts: BTreeMap<String, u64>,
    #[serde(default)]
    rates: BTreeMap<String, u64>,
}

impl Workload {
    /// The messages of `bytes` that the counterpart sends per second, if it keeps to a schedule.
    pub fn rate(&self, bytes: u32) -> Option<u64> {
        self.rates.get(&bytes.to_string()).copied()
    }
}

/// One implementation of ours beside one of others.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Whose driver runs both.
    pub language: Language,
    /// The name by which the driver knows ours.
    pub ours: String,
    /// The name by which it knows the other; plain libzmq in C if `None`.
    pub peer: Option<String>,
    /// What both do.
    pub workload: String,
    /// What the peer does instead, where it has no call of that kind.
    pub peer_workload: Option<String>,
    /// Message sizes, each with what must come out.
    pub sizes: Vec<Size>,
}

impl Comparison {
    /// The name of the peer in reports.
    pub fn peer_name(&self) -> &str {
        self.peer.as_deref().unwrap_or("libzmq in C")
    }
}

/// A message size and the promises that hold for it, as ratios ours : peer.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Bytes per message.
    pub bytes: u32,
    /// Whether the short version measures it.
    #[serde(default)]
    pub short: bool,
    /// Of messages per second, or of the median latency.
    pub must: Option<f64>,
    /// What `must` should become.
    pub aim: Option<f64>,
    /// Of CPU per message.
    pub cpu_must: Option<f64>,
}

impl Plan {
    /// Reads the plan of this repository.
    ///
    /// # Errors
    /// When the file cannot be read or names a workload or size that it does not describe.
    pub fn load(layout: &Layout) -> Result<Self> {
        let path = layout.source("bench/workloads.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("cannot understand {}", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let plan: Self = toml::from_str(text)?;
        for comparison in &plan.comparisons {
            for workload in [Some(&comparison.workload), comparison.peer_workload.as_ref()].into_iter().flatten() {
                for size in &comparison.sizes {
                    let known = plan.workloads.get(workload).is_some_and(|it| it.counts.contains_key(&size.key()));
                    ensure!(known, "no workload {workload} with a count for {} bytes", size.bytes);
                }
            }
        }
        for (name, workload) in &plan.workloads {
            let paced = workload.rates.is_empty() || workload.rates.keys().eq(workload.counts.keys());
            ensure!(paced, "{name} has a schedule, but not for the sizes it has counts for");
        }
        ensure!(plan.short.rounds > 0 && plan.long.rounds > 0, "without rounds there is no result");
        Ok(plan)
    }

    /// The packages to compare with.
    pub fn peers(&self) -> packages::Peers {
        packages::Peers { python: self.peers.python.clone(), node: self.peers.node.clone() }
    }

    /// How much to measure in the short or the long version.
    pub fn effort(&self, long: bool) -> Effort {
        if long { self.long } else { self.short }
    }

    /// The workload `name`, which the plan is known to have.
    pub fn workload(&self, name: &str) -> &Workload {
        &self.workloads[name]
    }

    /// The first workload whose limit is that of `workload`: it stands for all of them.
    pub fn first_with_limit_of(&self, workload: &str) -> &str {
        let limit = &self.workloads[workload].limit;
        let first = self.workloads.iter().find(|(_, other)| other.limit == *limit);
        first.map_or("", |(name, _)| name)
    }

    /// How many messages one run of `implementation` counts. Percentiles of fewer messages are other percentiles, so
    /// nobody gets a share where latencies are measured.
    pub fn count(&self, effort: Effort, workload: &str, size: Size, implementation: &str) -> u64 {
        let workload = &self.workloads[workload];
        let share = self.share.get(implementation).filter(|_| !workload.latencies).copied().unwrap_or(1.0);
        let count = workload.counts[&size.key()] as f64;
        ((count * share * effort.scale) as u64).max(100)
    }
}

impl Size {
    fn key(self) -> String {
        self.bytes.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL: &str = include_str!("../../../bench/workloads.toml");

    #[test]
    fn the_real_plan_is_sound() {
        let plan = Plan::parse(REAL).unwrap();
        for language in Language::ALL {
            let of_language = || plan.comparisons.iter().filter(|it| it.language == language);
            assert!(of_language().any(|it| it.sizes.iter().any(|size| size.short)), "{language} has nothing short");
        }
        assert!(plan.peers().python.starts_with("pyzmq"));
    }

    #[test]
    fn slow_implementations_get_fewer_messages() {
        let plan = Plan::parse(REAL).unwrap();
        let size = plan.comparisons[0].sizes[0];
        let count = |implementation| plan.count(plan.effort(false), "recv-each", size, implementation);
        assert!(count("pyzmq-asyncio") < count("zpatterns"));
        assert!(count("zpatterns") < plan.count(plan.effort(true), "recv-each", size, "zpatterns"));
        let latencies = |implementation| plan.count(plan.effort(false), "latency", size, implementation);
        assert_eq!(latencies("pyzmq-asyncio"), latencies("zpatterns"));
    }

    #[test]
    fn only_latencies_are_measured_on_a_schedule() {
        let plan = Plan::parse(REAL).unwrap();
        assert!(plan.workload("latency").rate(100).is_some());
        assert_eq!(plan.workload("rtt").rate(100), None);
        assert!(plan.workloads.values().all(|workload| workload.rates.is_empty() || workload.latencies));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let unknown = REAL.replacen("workload = \"send-each\"", "workload = \"send-none\"", 1);
        assert!(Plan::parse(&unknown).is_err());
        assert!(Plan::parse(&format!("surprise = 1\n{REAL}")).is_err());
        assert!(Plan::parse(&REAL.replacen("rates = { 100 =", "rates = { 101 =", 1)).is_err());
    }
}
