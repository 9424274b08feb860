//! The tutorial 02-reqrep: questions through a broker, while workers and brokers are killed.
//!
//! Each pair plays two scenes. In the first a worker is killed with questions at hand, and one in another language
//! takes over. In the second a broker is killed that has a question in its store, and its successor has it answered.
//! `expected.txt` says, for both, who prints what, each line as `WHO: LINE`. Everybody who prints is a row of the
//! report.

use anyhow::{Context as _, Result};

use super::{
    Player, Stage, Transport, Tutorial,
    parts::{Part, Played, by_printer, judge},
};
use crate::{language::Language, report::TutorialRow};

/// How many it greets before it is killed; there are 201 questions.
const DIES_AFTER: &str = "100";
/// The line with which it tells so.
const KILLED: &str = "killed";

/// A row per program.
pub(super) fn run(stage: &Stage<'_>, tutorial: &Tutorial) -> Result<Vec<TutorialRow>> {
    let expected = by_printer(&stage.expected(tutorial)?)?;
    let cases: Vec<String> = expected.iter().map(|(who, _)| who.clone()).collect();
    let players = stage.players(tutorial);
    Ok(stage.pairs(tutorial, &cases, &[Transport::Tcp], |asker, worker, _| {
        let languages: Vec<Language> = players.iter().map(|player| player.language).collect();
        let (successor, broker) = others(&languages, asker.language, worker.language);
        let cast = Cast { asker, worker, successor: players[successor], broker: players[broker] };
        let folder = tempfile::Builder::new().prefix("zpat").tempdir().context("cannot make a folder for a store")?;
        let store = folder.path().join("store").display().to_string();
        let mut played = cast.worker_dies()?;
        played.extend(cast.broker_dies(&store)?);
        Ok(judge(&expected, &played))
    }))
}

/// The places, among the languages that are there, of who takes over and of the broker. Over all pairs everybody is
/// both equally often, and nobody takes over from itself who need not.
fn others(languages: &[Language], asker: Language, worker: Language) -> (usize, usize) {
    let place = |of| languages.iter().position(|&language| language == of).expect("both are there");
    let (asker, worker, count) = (place(asker), place(worker), languages.len());
    let successor = worker + 1 + asker % (count - 1).max(1);
    (successor % count, (asker + worker) % count)
}

/// Who plays what.
struct Cast<'a> {
    asker: Player<'a>,
    worker: Player<'a>,
    successor: Player<'a>,
    broker: Player<'a>,
}

impl Cast<'_> {
    fn worker_dies(&self) -> Result<Vec<Played>> {
        let (broker, endpoint) = start_broker("broker", self.broker, None)?;
        let mut worker = Part::start("worker", self.worker, &["work", &endpoint, "--dies-after", DIES_AFTER])?;
        let ask = Part::start("ask", self.asker, &["ask", &endpoint])?;
        worker.running.announced(KILLED)?;
        let successor = Part::start("successor", self.successor, &["work", &endpoint])?;
        let mut worker = worker.finish()?;
        worker.killed = true;
        Ok(vec![ask.succeed()?, worker, successor.finish()?, broker.finish()?])
    }

    fn broker_dies(&self, store: &str) -> Result<Vec<Played>> {
        let (broker, endpoint) = start_broker("broker", self.broker, Some(store))?;
        let leave = Part::start("leave", self.asker, &["leave", &endpoint])?.succeed()?;
        drop(broker); // kills it
        let (broker, endpoint) = start_broker("next broker", self.broker, Some(store))?;
        let worker = Part::start("late worker", self.worker, &["work", &endpoint])?;
        let fetch = Part::start("fetch", self.asker, &["fetch", &endpoint])?.succeed()?;
        Ok(vec![leave, fetch, worker.finish()?, broker.finish()?])
    }
}

/// A broker, and where it is reached.
fn start_broker(who: &'static str, player: Player<'_>, store: Option<&str>) -> Result<(Part, String)> {
    let arguments: Vec<&str> = ["broker"].into_iter().chain(store).collect();
    let mut broker = Part::start(who, player, &arguments)?;
    let endpoint = broker.running.announced("endpoint ")?;
    Ok((broker, endpoint))
}

#[cfg(test)]
mod tests;
