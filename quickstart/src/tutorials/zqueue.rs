//! The tutorial 03-zqueue: a folder and a bicycle, worked through by workers in every language at once.
//!
//! Every language asks a queue of every language; each time all languages work. `expected.txt` says who prints what, each line as
//! `WHO: LINE`, where `*` is whatever the folder gives. Everybody who prints is a row of the report; `worker` is all of them.

use std::path::Path;

use anyhow::{Result, ensure};

use super::{
    Player, Stage, Transport, Tutorial, Verdict,
    parts::{Part, Played, Script, by_printer, judge, verdict},
};
use crate::report::TutorialRow;

/// The case of all workers.
const WORKER: &str = "worker";

/// A row per program, with the folder that is walked.
pub(super) fn run(stage: &Stage<'_>, tutorial: &Tutorial, folder: Option<&Path>) -> Result<Vec<TutorialRow>> {
    let source = stage.layout.source("");
    let folder = folder.unwrap_or(&source);
    ensure!(folder.is_dir(), "{} is no folder", folder.display());
    // The programs need not be where this one is.
    let folder = folder.canonicalize()?;
    let (folder, parts) = (folder.display().to_string(), stage.layout.source(&tutorial.folder()).join("parts.txt"));
    let expected = by_printer(&stage.expected(tutorial)?)?;
    let cases: Vec<String> = expected.iter().map(|(who, _)| who.clone()).collect();
    let workers = stage.players(tutorial);
    Ok(stage.pairs(tutorial, &cases, &[Transport::Tcp], |asker, queue, _| {
        let (played, worked) = play(asker, queue, &workers, &folder, &parts.display().to_string())?;
        Ok(verdicts(&expected, &played, &worked))
    }))
}

/// What the others did, and what the workers did.
fn play(
    asker: Player<'_>,
    queue: Player<'_>,
    workers: &[Player<'_>],
    folder: &str,
    parts: &str,
) -> Result<(Vec<Played>, Vec<Played>)> {
    let mut queue = Part::start("queue", queue, &["queue"])?;
    let endpoint = queue.running.announced("endpoint ")?;
    let start = |&player: &Player<'_>| {
        let mut worker = Part::start(WORKER, player, &["work", &endpoint])?;
        // Whoever comes late finds nothing left to do.
        worker.running.announced("works")?;
        Ok(worker)
    };
    let workers = workers.iter().map(start).collect::<Result<Vec<_>>>()?;
    let measure = Part::start("measure", asker, &["measure", &endpoint, folder])?.succeed()?;
    let explode = Part::start("explode", asker, &["explode", &endpoint, parts, "bicycle"])?.succeed()?;
    let workers = workers.into_iter().map(Part::kill).collect::<Result<_>>()?;
    Ok((vec![measure, explode, queue.finish()?], workers))
}

/// A verdict for each who prints; for all workers one, which is of the first with whom something was wrong.
fn verdicts(expected: &[Script], played: &[Played], workers: &[Played]) -> Vec<Verdict> {
    let (of_workers, of_others): (Vec<_>, Vec<_>) = expected.iter().cloned().partition(|(who, _)| who == WORKER);
    let worked = of_workers.iter().map(|script| {
        let each = workers.iter().map(|worker| verdict(script, worker));
        let wrong = each.filter_map(|(_, wrong)| wrong).next();
        (script.0.clone(), wrong)
    });
    judge(&of_others, played).into_iter().chain(worked).collect()
}

#[cfg(test)]
mod tests;
