//! Measures each language beside what its users would take otherwise, and beside plain libzmq in C.
//!
//! Ours and the peer alternate, and who begins changes with every round. Within a round a program runs once for each
//! workload and size, however many comparisons need it. What runs is in the plan ([`plan`]), how one run goes in
//! `run`, where requests are answered in [`town`], where one speaks to many in [`bus`] and [`fan`], and where jobs wait in
//! [`queue`], how figures become rows in `rows`.

pub mod bus;
pub mod fan;
pub mod plan;
pub mod queue;
mod rows;
mod run;
pub mod stats;
pub mod town;

use std::collections::BTreeMap;

use crate::{
    language::{Absent, Language},
    packages::Built,
    progress::Progress,
    report::BenchRow,
    shell::Call,
};
use bus::Bus;
use fan::Fan;
use plan::{Comparison, Effort, Plan, Size, Work, Workload};
use queue::Queue;
use run::Sample;
use town::Town;

/// The implementation whose broker is a program of its own.
const NATS: &str = "nats";

/// A program, a workload and a size: what is run once per round.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Job {
    /// The driver of a language and the implementation in it; the limit if `None`.
    driver: Option<(Language, String)>,
    workload: String,
    bytes: u32,
}

impl Job {
    fn ours(comparison: &Comparison, size: Size) -> Self {
        let driver = Some((comparison.language, comparison.ours.clone()));
        Self { driver, workload: comparison.workload.clone(), bytes: size.bytes }
    }

    fn peer(comparison: &Comparison, size: Size, plan: &Plan) -> Self {
        let workload = comparison.peer_workload.as_ref().unwrap_or(&comparison.workload);
        match &comparison.peer {
            None => Self::limit(workload, size, plan),
            Some(peer) => {
                let language = comparison.peer_language.unwrap_or(comparison.language);
                let driver = Some((language, peer.clone()));
                Self { driver, workload: workload.clone(), bytes: size.bytes }
            }
        }
    }

    /// Plain libzmq has one way to send and one to receive, so workloads with the same role share its runs.
    fn limit(workload: &str, size: Size, plan: &Plan) -> Self {
        Self { driver: None, workload: plan.first_with_limit_of(workload).to_owned(), bytes: size.bytes }
    }
}

/// The samples of a job, one per round until it fails.
#[derive(Default)]
struct Series {
    samples: Vec<Sample>,
    failure: Option<String>,
}

/// Measures what the plan has for `languages` and gives a row per metric; those of absent languages say why.
pub fn run(plan: &Plan, long: bool, progress: &Progress, languages: &[Language], built: &Built) -> Vec<BenchRow> {
    let effort = plan.effort(long);
    let chosen: Vec<(&Comparison, Size)> = plan
        .comparisons
        .iter()
        .filter(|comparison| languages.contains(&comparison.language))
        .flat_map(|comparison| comparison.sizes.iter().map(move |size| (comparison, *size)))
        .filter(|(_, size)| long || size.short)
        .collect();
    let step = progress.counted("Bench: ours, the peer and plain libzmq take turns", effort.rounds * chosen.len());
    let mut bench = Bench { plan, effort, built, series: BTreeMap::new() };
    for round in 0..effort.rounds {
        for (comparison, size) in &chosen {
            let what = format!("{} {} {}", comparison.language, comparison.ours, comparison.workload);
            step.note(&format!("round {}: {what}, {} bytes", round + 1, size.bytes));
            let mut jobs = [Job::ours(comparison, *size), Job::peer(comparison, *size, plan)];
            if round % 2 == 1 {
                jobs.reverse();
            }
            for job in jobs.into_iter().chain([Job::limit(&comparison.workload, *size, plan)]) {
                bench.run_once(round, job, *size);
            }
            step.advance();
        }
    }
    let rows: Vec<_> = chosen.iter().flat_map(|(comparison, size)| bench.rows(comparison, *size)).collect();
    step.end(if rows.iter().all(|row| row.status == "ok") { "ok" } else { "not everything could be measured" });
    rows
}

struct Bench<'a> {
    plan: &'a Plan,
    effort: Effort,
    built: &'a Built,
    series: BTreeMap<Job, Series>,
}

impl<'a> Bench<'a> {
    /// Runs `job` unless it ran in this round or has failed before.
    fn run_once(&mut self, round: usize, job: Job, size: Size) {
        let (Ok(limit), Ok(cast)) = (&self.built.limit, self.cast(&job)) else { return };
        let series = self.series.entry(job.clone()).or_default();
        if series.failure.is_some() || series.samples.len() > round {
            return;
        }
        let name = job.driver.as_ref().map_or("libzmq", |(_, name)| name);
        let count = self.plan.count(self.effort, &job.workload, size, name);
        let sample = match cast {
            Cast::Pair(workload, program) => run::measure(limit, workload, &program, size.bytes, count),
            Cast::Town(town, cast) => town.measure(&cast, size.bytes, count, &self.built.folder),
            Cast::Bus(bus, cast) => bus.measure(&cast, size.bytes, count),
            Cast::Fan(fan, cast) => fan.measure(&cast, size.bytes, count),
            Cast::Queue(queue, cast) => queue.measure(&cast, size.bytes, count, &self.built.folder),
        };
        match sample {
            Ok(sample) => series.samples.push(sample),
            Err(error) => series.failure = Some(format!("{error:#}")),
        }
    }

    /// Who plays in it, or why they are not there.
    fn cast(&self, job: &Job) -> Result<Cast<'a>, Absent> {
        let limit = job.driver.is_none();
        Ok(match self.plan.work(&job.workload) {
            Work::Pair(workload) if limit => Cast::Pair(workload, self.built.limit.clone()?.arg(&workload.limit)),
            Work::Pair(workload) => Cast::Pair(workload, self.program(job)?.arg(&job.workload)),
            Work::Town(town) => {
                let is_nats = job.driver.as_ref().is_some_and(|(_, name)| name == NATS);
                let nats_server = is_nats.then(|| self.built.nats_server.clone()).transpose()?;
                Cast::Town(town, town::Cast { program: self.program(job)?, nats_server, limit })
            }
            Work::Bus(bus) => {
                let name = job.driver.as_ref().map(|(_, name)| name.as_str());
                Cast::Bus(bus, bus.cast(name, || self.listener(job), self.built)?)
            }
            Work::Fan(fan) => {
                let name = job.driver.as_ref().map(|(_, name)| name.as_str());
                Cast::Fan(fan, fan.cast(name, || self.listener(job), self.built)?)
            }
            Work::Queue(queue) if limit && !queue.has_limit() => {
                return Err(Absent::Missing("there is no limit of that".into()));
            }
            Work::Queue(queue) => {
                let in_redis = |(_, name): &(Language, String)| queue::IN_REDIS.contains(&name.as_str());
                let redis = job.driver.as_ref().is_some_and(in_redis);
                let redis = redis.then(|| self.built.redis_server.clone()).transpose()?;
                Cast::Queue(queue, queue::Cast { program: self.program(job)?, redis, limit })
            }
        })
    }

    /// Who listens to a sender. The driver in Rust is there also when Rust is not measured, because it sends.
    fn listener(&self, job: &Job) -> Result<Call, Absent> {
        match &job.driver {
            Some((Language::Rust, implementation)) => Ok(self.built.sender.clone()?.arg(implementation)),
            _ => self.program(job),
        }
    }

    /// The program with its first argument, the implementation.
    fn program(&self, job: &Job) -> Result<Call, Absent> {
        let Some((language, implementation)) = &job.driver else { return self.built.limit.clone() };
        let programs = self.built.programs(*language)?;
        programs.peers.get(implementation).cloned().unwrap_or(Ok(()))?;
        Ok(programs.driver.clone()?.arg(implementation))
    }
}

/// Who plays in a measurement.
enum Cast<'a> {
    Pair(&'a Workload, Call),
    Town(&'a Town, town::Cast),
    Bus(&'a Bus, bus::Cast),
    Fan(&'a Fan, fan::Cast),
    Queue(&'a Queue, queue::Cast),
}
