//! The tutorial 02-reqrep: questions through a broker, while workers and brokers are killed.
//!
//! Each pair plays two scenes. In the first a worker is killed with questions at hand, and one in another language
//! takes over. In the second a broker is killed that has a question in its store, and its successor has it answered.
//! `expected.txt` says, for both, who prints what, each line as `WHO: LINE`. Everybody who prints is a row of the
//! report.

use anyhow::{Context as _, Result, ensure};

use super::{Player, Stage, Transport, Tutorial, Verdict, WATCHDOG};
use crate::{
    language::Language,
    report::TutorialRow,
    shell::{Finished, Running},
};

/// How many it greets before it is killed; there are 201 questions.
const DIES_AFTER: &str = "100";
/// Who is killed, and the line with which it tells so.
const KILLED: (&str, &str) = ("worker", "killed");

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

/// The lines of each who prints, in the order in which they first do.
fn by_printer(expected: &str) -> Result<Vec<(String, Vec<String>)>> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for line in expected.lines() {
        let (who, text) = line.split_once(": ").with_context(|| format!("'{line}' does not say who prints it"))?;
        match found.iter_mut().find(|(known, _)| known == who) {
            Some((_, lines)) => lines.push(text.to_owned()),
            None => found.push((who.to_owned(), vec![text.to_owned()])),
        }
    }
    Ok(found)
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
        let (broker, endpoint) = Part::broker("broker", self.broker, None)?;
        let mut worker = Part::start("worker", self.worker, &["work", &endpoint, "--dies-after", DIES_AFTER])?;
        let ask = Part::start("ask", self.asker, &["ask", &endpoint])?;
        worker.running.announced(KILLED.1)?;
        let successor = Part::start("successor", self.successor, &["work", &endpoint])?;
        Ok(vec![ask.succeed()?, worker.finish()?, successor.finish()?, broker.finish()?])
    }

    fn broker_dies(&self, store: &str) -> Result<Vec<Played>> {
        let (broker, endpoint) = Part::broker("broker", self.broker, Some(store))?;
        let leave = Part::start("leave", self.asker, &["leave", &endpoint])?.succeed()?;
        drop(broker); // kills it
        let (broker, endpoint) = Part::broker("next broker", self.broker, Some(store))?;
        let worker = Part::start("late worker", self.worker, &["work", &endpoint])?;
        let fetch = Part::start("fetch", self.asker, &["fetch", &endpoint])?.succeed()?;
        Ok(vec![leave, fetch, worker.finish()?, broker.finish()?])
    }
}

/// Somebody on the stage.
struct Part {
    who: &'static str,
    language: Language,
    running: Running,
}

impl Part {
    fn start(who: &'static str, player: Player<'_>, arguments: &[&str]) -> Result<Self> {
        let running = Running::start(&player.program.clone().args(arguments), WATCHDOG)?;
        Ok(Self { who, language: player.language, running })
    }

    /// A broker, and where it is reached.
    fn broker(who: &'static str, player: Player<'_>, store: Option<&str>) -> Result<(Self, String)> {
        let arguments: Vec<&str> = ["broker"].into_iter().chain(store).collect();
        let mut broker = Self::start(who, player, &arguments)?;
        let endpoint = broker.running.announced("endpoint ")?;
        Ok((broker, endpoint))
    }

    fn finish(self) -> Result<Played> {
        Ok(Played { who: self.who, language: self.language, finished: self.running.finish()? })
    }

    /// As [`finish`](Self::finish), for somebody without whom the others would wait.
    fn succeed(self) -> Result<Played> {
        let played = self.finish()?;
        let Played { who, language, finished } = &played;
        ensure!(finished.succeeded(), "{who} ({language}): {}", finished.complaint());
        Ok(played)
    }
}

/// What somebody printed, and how it ended.
struct Played {
    who: &'static str,
    language: Language,
    finished: Finished,
}

/// A verdict for each who prints.
fn judge(expected: &[(String, Vec<String>)], played: &[Played]) -> Vec<Verdict> {
    let verdicts = expected.iter().map(|(who, lines)| {
        let wrong = match played.iter().find(|played| played.who == who) {
            None => Some("did not play".to_owned()),
            Some(played) => wrong(lines, played).map(|wrong| format!("{}: {wrong}", played.language)),
        };
        (who.clone(), wrong)
    });
    verdicts.collect()
}

fn wrong(expected: &[String], Played { who, finished, .. }: &Played) -> Option<String> {
    let printed: Vec<&String> = finished.stdout.iter().filter(|line| !line.starts_with("endpoint ")).collect();
    let ended_well = if *who == KILLED.0 { finished.code.is_none() } else { finished.succeeded() };
    if !printed.iter().copied().eq(expected) {
        let (printed, expected) = (lines(printed), lines(expected));
        Some(format!("printed {printed} instead of {expected}; {}", finished.complaint()))
    } else if !ended_well {
        Some(finished.complaint())
    } else {
        None
    }
}

fn lines<'a>(lines: impl IntoIterator<Item = &'a String>) -> String {
    let quoted: Vec<String> = lines.into_iter().map(|line| format!("'{line}'")).collect();
    if quoted.is_empty() { "nothing".into() } else { quoted.join(", ") }
}

#[cfg(test)]
mod tests;
