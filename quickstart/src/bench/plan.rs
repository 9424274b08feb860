//! The plan: `bench/workloads.toml`, read and checked.

use std::{collections::BTreeMap, fs};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::{
    bus::{self, Bus},
    fan::{self, Fan},
    queue::Queue,
    town::Town,
};
use crate::{language::Language, layout::Layout, packages::Peers};

/// What to measure, what to compare it with, and what must come out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    peers: Peers,
    short: Effort,
    long: Effort,
    workloads: BTreeMap<String, Workload>,
    towns: BTreeMap<String, Town>,
    buses: BTreeMap<String, Bus>,
    fans: BTreeMap<String, Fan>,
    queues: BTreeMap<String, Queue>,
    share: BTreeMap<String, f64>,
    /// In the order in which they are measured and shown; those of towns come from `requests` and `jobs`.
    pub comparisons: Vec<Comparison>,
    requests: Vec<Towns>,
    jobs: Vec<Towns>,
}

/// How much to measure.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effort {
    /// How often ours, the peer and the limit take turns.
    pub rounds: usize,
    scale: f64,
}

/// What is measured under one name.
#[derive(Clone, Copy, Debug)]
pub enum Work<'a> {
    /// A program of the language and its counterpart on plain libzmq.
    Pair(&'a Workload),
    /// Processes of one implementation that ask and answer.
    Town(&'a Town),
    /// One process that speaks to others.
    Bus(&'a Bus),
    /// A publisher and those who subscribe.
    Fan(&'a Fan),
    /// Processes of one implementation that push jobs and do them.
    Queue(&'a Queue),
}

impl Work<'_> {
    /// Whether the latency of every message is measured instead of how many there are per second.
    pub fn latencies(&self) -> bool {
        match self {
            Self::Pair(workload) => workload.latencies,
            Self::Town(town) => town.latencies(),
            Self::Bus(bus) => bus.latencies(),
            Self::Fan(fan) => fan.latencies(),
            Self::Queue(queue) => queue.latencies(),
        }
    }

    fn counts(&self) -> &BTreeMap<String, u64> {
        match self {
            Self::Pair(workload) => &workload.counts,
            Self::Town(town) => &town.counts,
            Self::Bus(bus) => &bus.counts,
            Self::Fan(fan) => &fan.counts,
            Self::Queue(queue) => &queue.counts,
        }
    }

    /// Fewer messages are not worth a run.
    fn fewest(&self) -> u64 {
        match self {
            Self::Pair(_) | Self::Bus(_) | Self::Fan(_) => 100,
            Self::Town(town) => town.fewest().max(100),
            Self::Queue(queue) => queue.fewest(),
        }
    }

    /// What the limit in C is.
    pub fn limit_name(&self) -> &'static str {
        match self {
            Self::Pair(_) => "libzmq in C",
            Self::Town(town) => town.limit_name(),
            Self::Bus(_) => "UDP alone",
            Self::Fan(_) => "libzmq's XPUB in C",
            Self::Queue(queue) => queue.limit_name(),
        }
    }
}

/// What two programs do, by the name that the drivers know it by.
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
    /// The name by which it knows the other; the limit in C if `None`.
    pub peer: Option<String>,
    /// Whose driver runs the other, if it is another.
    pub peer_language: Option<Language>,
    /// What both do.
    pub workload: String,
    /// What the peer does instead, where it has no call of that kind.
    pub peer_workload: Option<String>,
    /// Message sizes, each with what must come out.
    pub sizes: Vec<Size>,
}

/// One implementation of ours beside one of others, in several towns.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Towns {
    language: Language,
    ours: String,
    peer: Option<String>,
    peer_language: Option<Language>,
    towns: BTreeMap<String, Size>,
}

impl Towns {
    fn comparisons(self) -> impl Iterator<Item = Comparison> {
        let Self { language, ours, peer, peer_language, towns } = self;
        towns.into_iter().map(move |(workload, size)| Comparison {
            language,
            ours: ours.clone(),
            peer: peer.clone(),
            peer_language,
            workload,
            peer_workload: None,
            sizes: vec![size],
        })
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
    /// What ours must reach whatever the peer does, in messages per second.
    pub at_least: Option<f64>,
    /// What ours must not exceed whatever the peer does.
    #[serde(default)]
    pub at_most: AtMost,
}

/// Figures that must not be exceeded.
#[derive(Clone, Copy, Default, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtMost {
    /// The median latency, in microseconds.
    pub p50_us: Option<f64>,
    /// The latency of all but one of a hundred, in microseconds.
    pub p99_us: Option<f64>,
    /// The longest time between two messages, in microseconds.
    pub silence_us: Option<f64>,
    /// The memory of a job that waits, in bytes.
    pub job_bytes: Option<f64>,
    /// What a push costs while many jobs wait, as a multiple of its cost while few do.
    pub push_growth: Option<f64>,
    /// The same of a take.
    pub take_growth: Option<f64>,
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
        let mut plan: Self = toml::from_str(text)?;
        let towns = [std::mem::take(&mut plan.requests), std::mem::take(&mut plan.jobs)].into_iter().flatten();
        plan.comparisons.extend(towns.flat_map(Towns::comparisons));
        for comparison in &plan.comparisons {
            for workload in [Some(&comparison.workload), comparison.peer_workload.as_ref()].into_iter().flatten() {
                for size in &comparison.sizes {
                    let known = plan.find(workload).is_some_and(|it| it.counts().contains_key(&size.key()));
                    ensure!(known, "no workload {workload} with a count for {} bytes", size.bytes);
                }
            }
        }
        for (comparison, peer) in plan.comparisons.iter().filter_map(|it| Some((it, it.peer.as_ref()?))) {
            let language = comparison.peer_language.unwrap_or(comparison.language);
            let mut packages = plan.peers.get(&language).into_iter().flatten();
            let mut ours = plan.comparisons.iter().filter(|it| comparison.peer_language == Some(it.language));
            let known = packages.any(|package| package.implementations.contains(peer))
                || ours.any(|it| it.ours == *peer)
                || bus::PEERS.iter().chain(&fan::PEERS).any(|known| known == peer);
            ensure!(known, "no package for {peer} in {language}");
        }
        for name in plan.others() {
            ensure!(!plan.workloads.contains_key(name), "{name} is a workload and something else");
        }
        for (name, workload) in &plan.workloads {
            let paced = workload.rates.is_empty() || workload.rates.keys().eq(workload.counts.keys());
            ensure!(paced, "{name} has a schedule, but not for the sizes it has counts for");
        }
        ensure!(plan.buses.values().all(|bus| bus.receivers > 0), "a bus without receivers tells nothing");
        for (name, fan) in &plan.fans {
            ensure!(
                fan.is_sound(),
                "{name} has no subscribers, or of latencies more than one, or a loss without a pace"
            );
        }
        ensure!(plan.short.rounds > 0 && plan.long.rounds > 0, "without rounds there is no result");
        Ok(plan)
    }

    /// Only the work whose name begins with one of these; all of it if there are none.
    #[must_use]
    pub fn only(&self, workloads: &[String]) -> Self {
        let mut only = self.clone();
        let wanted = |it: &Comparison| workloads.iter().any(|name| it.workload.starts_with(name.as_str()));
        only.comparisons.retain(|comparison| workloads.is_empty() || wanted(comparison));
        only
    }

    /// The packages to compare with.
    pub fn peers(&self) -> Peers {
        self.peers.clone()
    }

    /// How much to measure in the short or the long version.
    pub fn effort(&self, long: bool) -> Effort {
        if long { self.long } else { self.short }
    }

    /// The names of all work but that of pairs.
    fn others(&self) -> impl Iterator<Item = &String> {
        let of_many = self.buses.keys().chain(self.fans.keys());
        self.towns.keys().chain(of_many).chain(self.queues.keys())
    }

    fn find(&self, name: &str) -> Option<Work<'_>> {
        let pair = self.workloads.get(name).map(Work::Pair);
        let town = || self.towns.get(name).map(Work::Town);
        let bus = || self.buses.get(name).map(Work::Bus);
        let fan = || self.fans.get(name).map(Work::Fan);
        pair.or_else(town).or_else(bus).or_else(fan).or_else(|| self.queues.get(name).map(Work::Queue))
    }

    /// What `name` is, which the plan is known to have.
    pub fn work(&self, name: &str) -> Work<'_> {
        self.find(name).expect("the plan was checked when it was read")
    }

    /// The first workload whose limit is that of `name`: it stands for all of them. Other work stands for itself.
    pub fn first_with_limit_of<'a>(&'a self, name: &'a str) -> &'a str {
        let Some(workload) = self.workloads.get(name) else { return name };
        let first = self.workloads.iter().find(|(_, other)| other.limit == workload.limit);
        first.map_or(name, |(name, _)| name)
    }

    /// The name of the peer in reports.
    pub fn peer_name(&self, comparison: &Comparison) -> String {
        match (&comparison.peer, comparison.peer_language) {
            (Some(peer), Some(language)) => format!("{peer} in {language}"),
            (Some(peer), None) => peer.clone(),
            (None, _) => self.work(&comparison.workload).limit_name().into(),
        }
    }

    /// How many messages one run of `implementation` counts. Percentiles of fewer messages are other percentiles, so
    /// nobody gets a share where latencies are measured.
    pub fn count(&self, effort: Effort, workload: &str, size: Size, implementation: &str) -> u64 {
        let work = self.work(workload);
        let share = self.share.get(implementation).filter(|_| !work.latencies()).copied().unwrap_or(1.0);
        let count = work.counts()[&size.key()] as f64;
        ((count * share * effort.scale) as u64).max(work.fewest())
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
        assert!(plan.peers()[&Language::Python][0].package.starts_with("pyzmq"));
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
    fn a_town_is_kept_busy_also_by_the_slow() {
        let plan = Plan::parse(REAL).unwrap();
        let size = plan.comparisons[0].sizes[0];
        let count = |implementation| plan.count(plan.effort(false), "request-10000", size, implementation);
        assert!(count("majordomo") >= 30_000);
        assert_eq!(plan.first_with_limit_of("request-100"), "request-100");
        assert_eq!(plan.first_with_limit_of("recv-many"), plan.first_with_limit_of("recv-each"));
    }

    #[test]
    fn only_latencies_are_measured_on_a_schedule() {
        let plan = Plan::parse(REAL).unwrap();
        assert!(plan.workloads["latency"].rate(100).is_some());
        assert_eq!(plan.workloads["rtt"].rate(100), None);
        assert!(plan.workloads.values().all(|workload| workload.rates.is_empty() || workload.latencies));
    }

    #[test]
    fn some_of_it_can_be_measured_alone() {
        let plan = Plan::parse(REAL).unwrap();
        let only = plan.only(&["fan-".into(), "rtt".into()]);
        assert!(only.comparisons.iter().all(|it| it.workload.starts_with("fan-") || it.workload == "rtt"));
        assert!(only.comparisons.iter().any(|it| it.workload == "fan-10"));
        assert_eq!(plan.only(&[]).comparisons.len(), plan.comparisons.len());
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let unknown = REAL.replacen("workload = \"send-each\"", "workload = \"send-none\"", 1);
        assert!(Plan::parse(&unknown).is_err());
        assert!(Plan::parse(&format!("surprise = 1\n{REAL}")).is_err());
        assert!(Plan::parse(&REAL.replacen("rates = { 100 =", "rates = { 101 =", 1)).is_err());
        assert!(Plan::parse(&REAL.replacen("peer = \"nats\"", "peer = \"gnats\"", 1)).is_err());
        assert!(Plan::parse(&REAL.replacen("peer = \"libzmq-epgm\"", "peer = \"libzmq-norm\"", 1)).is_err());
        assert!(Plan::parse(&REAL.replacen("receivers = 1", "receivers = 0", 1)).is_err());
        let in_another = "peer = \"bullmq\"\npeer_language = \"node\"";
        assert!(Plan::parse(&REAL.replacen(in_another, "peer = \"bullmq\"", 1)).is_err(), "Rust has no packages");
    }
}
