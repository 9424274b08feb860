//! Measures each language beside what its users would take otherwise, and beside plain libzmq in C.
//!
//! Ours and the peer alternate, and who begins changes with every round. Within a round a program runs once for each
//! workload and size, however many comparisons need it. What runs is in the plan ([`plan`]), how one run goes in
//! `run` and, where requests are answered, in [`town`], how figures become rows in `rows`.

pub mod plan;
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
};
use plan::{Comparison, Effort, Plan, Size, Work};
use run::Sample;
use town::Cast;

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
                let driver = Some((comparison.language, peer.clone()));
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

impl Bench<'_> {
    /// Runs `job` unless it ran in this round or has failed before.
    fn run_once(&mut self, round: usize, job: Job, size: Size) {
        let (Ok(limit), Ok(cast)) = (&self.built.limit, self.cast(&job)) else { return };
        let series = self.series.entry(job.clone()).or_default();
        if series.failure.is_some() || series.samples.len() > round {
            return;
        }
        let name = job.driver.as_ref().map_or("libzmq", |(_, name)| name);
        let count = self.plan.count(self.effort, &job.workload, size, name);
        let sample = match self.plan.work(&job.workload) {
            Work::Pair(workload) => run::measure(limit, workload, &cast.program, size.bytes, count),
            Work::Town(town) => town.measure(&cast, size.bytes, count, &self.built.folder),
        };
        match sample {
            Ok(sample) => series.samples.push(sample),
            Err(error) => series.failure = Some(format!("{error:#}")),
        }
    }

    /// The program with its first arguments, and what else it needs, or why that is not there.
    fn cast(&self, job: &Job) -> Result<Cast, Absent> {
        let (program, nats_server) = match &job.driver {
            None => (self.built.limit.clone()?, None),
            Some((language, implementation)) => {
                let programs = self.built.programs(*language)?;
                programs.peers.get(implementation).cloned().unwrap_or(Ok(()))?;
                let server = (implementation == NATS).then(|| self.built.nats_server.clone());
                (programs.driver.clone()?.arg(implementation), server.transpose()?)
            }
        };
        let program = match (self.plan.work(&job.workload), &job.driver) {
            (Work::Pair(workload), None) => program.arg(&workload.limit),
            (Work::Pair(_), Some(_)) => program.arg(&job.workload),
            (Work::Town(_), _) => program,
        };
        Ok(Cast { program, nats_server, limit: job.driver.is_none() })
    }
}
