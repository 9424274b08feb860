//! The tutorial 04-pubsub: one publisher, and two customers in every language.
//!
//! Every language is the publisher once. `expected.txt` says what the publisher and each kind of customer print, each line as
//! `WHO: LINE`. What the customers of a language printed is the row of the publisher and it; what the publisher printed, of the
//! publisher and itself.

use anyhow::Result;

use super::{
    Player, Stage, Tutorial, Verdict,
    parts::{Part, Played, Script, by_printer, verdict},
};
use crate::{language::Language, report::TutorialRow};

/// Those who connect, as they are called in `expected.txt` and by the programs.
const CUSTOMERS: [&str; 2] = ["gold", "basic"];

/// A row per program of each play.
pub(super) fn run(stage: &Stage<'_>, tutorial: &Tutorial) -> Result<Vec<TutorialRow>> {
    let expected = by_printer(&stage.expected(tutorial)?)?;
    let title = format!("Tutorial {}, every language to all", tutorial.name);
    let step = stage.progress.counted(&title, stage.languages.len());
    let players = stage.players(tutorial);
    let cases = CUSTOMERS.map(str::to_owned);
    let mut rows = Vec::new();
    for &publisher in stage.languages {
        step.note(&format!("{publisher} to all"));
        let played = stage
            .player(tutorial, publisher)
            .ok()
            .map(|publisher| play(publisher, &players).map_err(|error| format!("{error:#}")));
        for &receiver in stage.languages {
            let outcome = stage.pair(tutorial, publisher, receiver).map(|_| {
                let played = played.as_ref().expect("the publisher is there").as_ref().map_err(String::clone)?;
                Ok(verdicts(&expected, played, publisher == receiver, receiver))
            });
            rows.extend(super::rows(tutorial, (publisher, receiver), "tcp", &cases, outcome));
        }
        step.advance();
    }
    step.end(if rows.iter().all(|row| row.passed) { "ok" } else { "not all passed" });
    Ok(rows)
}

/// What the customers of a language did in a play, and if it is its own, the publisher.
fn verdicts(expected: &[Script], played: &[Played], is_publisher: bool, language: Language) -> Vec<Verdict> {
    let theirs =
        played.iter().filter(|played| played.language == language && (is_publisher || CUSTOMERS.contains(&played.who)));
    let script = |played: &Played| expected.iter().find(|(who, _)| who == played.who);
    theirs.filter_map(|played| Some(verdict(script(played)?, played))).collect()
}

fn play(publisher: Player<'_>, customers: &[Player<'_>]) -> Result<Vec<Played>> {
    let count = (CUSTOMERS.len() * customers.len()).to_string();
    let mut publisher = Part::start("publisher", publisher, &["publish", &count])?;
    let endpoint = publisher.running.announced("endpoint ")?;
    let all = customers.iter().flat_map(|&player| CUSTOMERS.map(|who| (who, player)));
    let customers = all.map(|(who, player)| Part::start(who, player, &[who, &endpoint])).collect::<Result<Vec<_>>>()?;
    [publisher].into_iter().chain(customers).map(Part::finish).collect()
}

#[cfg(test)]
mod tests;
