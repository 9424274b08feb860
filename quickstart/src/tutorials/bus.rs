//! The tutorial 05-bus: one sender, and a listener in every other language.
//!
//! Every language is the sender once. `expected.txt` says what a sender and a listener print, each line as `WHO: LINE`. What a
//! listener printed is the row of the sender and it; what the sender printed, of the sender and itself.

use std::net::{Ipv4Addr, UdpSocket};

use anyhow::{Context as _, Result};

use super::{
    Player, Stage, Tutorial, Verdict,
    parts::{Part, Played, Script, by_printer, verdict},
};
use crate::{language::Language, report::TutorialRow};

/// A row per program of each play.
pub(super) fn run(stage: &Stage<'_>, tutorial: &Tutorial) -> Result<Vec<TutorialRow>> {
    let expected = by_printer(&stage.expected(tutorial)?)?;
    let title = format!("Tutorial {}, every language to all others", tutorial.name);
    let step = stage.progress.counted(&title, stage.languages.len());
    let players = stage.players(tutorial);
    let mut rows = Vec::new();
    for &sender in stage.languages {
        step.note(&format!("{sender} to all others"));
        let played = stage
            .player(tutorial, sender)
            .ok()
            .map(|sender| play(sender, &listeners(&players, sender.language)).map_err(|error| format!("{error:#}")));
        for &receiver in stage.languages {
            let outcome = stage.pair(tutorial, sender, receiver).map(|_| {
                let played = played.as_ref().expect("the sender is there").as_ref().map_err(String::clone)?;
                Ok(verdicts(&expected, played, receiver))
            });
            rows.extend(super::rows(tutorial, (sender, receiver), "epgm", &["listener".into()], outcome));
        }
        step.advance();
    }
    step.end(if rows.iter().all(|row| row.passed) { "ok" } else { "not all passed" });
    Ok(rows)
}

/// What a language did in a play.
fn verdicts(expected: &[Script], played: &[Played], language: Language) -> Vec<Verdict> {
    let theirs = played.iter().filter(|played| played.language == language);
    let script = |played: &Played| expected.iter().find(|(who, _)| who == played.who);
    theirs.filter_map(|played| Some(verdict(script(played)?, played))).collect()
}

/// Everybody but the sender, unless nobody else is there.
fn listeners<'a>(players: &[Player<'a>], sender: Language) -> Vec<Player<'a>> {
    let is_alone = players.len() == 1;
    players.iter().copied().filter(|player| is_alone || player.language != sender).collect()
}

fn play(sender: Player<'_>, listeners: &[Player<'_>]) -> Result<Vec<Played>> {
    // No other run gets this port as long as it is held, and the bus needs it at another address.
    let held = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).context("cannot find a port for a bus")?;
    let endpoint = format!("epgm://127.0.0.1;239.192.5.1:{}", held.local_addr()?.port());
    let mut sender = Part::start("sender", sender, &["say", &endpoint, &listeners.len().to_string()])?;
    sender.running.announced("endpoint ")?;
    let listen = |&player| Part::start("listener", player, &["listen", &endpoint]);
    let listeners = listeners.iter().map(listen).collect::<Result<Vec<_>>>()?;
    [sender].into_iter().chain(listeners).map(Part::finish).collect()
}

#[cfg(test)]
mod tests;
