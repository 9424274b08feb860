//! Programs of a tutorial in which several take part: what each should print, and what it printed.
//!
//! Such an `expected.txt` says who prints what, each line as `WHO: LINE`; `*` stands for anything.

use anyhow::{Context as _, Result, ensure};

use super::{Player, Verdict, WATCHDOG};
use crate::{
    language::Language,
    shell::{Finished, Running},
};

/// Somebody, and the lines that he prints.
pub(super) type Script = (String, Vec<String>);

/// The lines of each who prints, in the order in which they first do.
pub(super) fn by_printer(expected: &str) -> Result<Vec<Script>> {
    let mut found: Vec<Script> = Vec::new();
    for line in expected.lines() {
        let (who, text) = line.split_once(": ").with_context(|| format!("'{line}' does not say who prints it"))?;
        match found.iter_mut().find(|(known, _)| known == who) {
            Some((_, lines)) => lines.push(text.to_owned()),
            None => found.push((who.to_owned(), vec![text.to_owned()])),
        }
    }
    Ok(found)
}

/// Somebody on the stage.
pub(super) struct Part {
    who: &'static str,
    language: Language,
    pub(super) running: Running,
}

impl Part {
    pub(super) fn start(who: &'static str, player: Player<'_>, arguments: &[&str]) -> Result<Self> {
        let running = Running::start(&player.program.clone().args(arguments), WATCHDOG)?;
        Ok(Self { who, language: player.language, running })
    }

    pub(super) fn finish(self) -> Result<Played> {
        Ok(Played::ended(self.who, self.language, self.running.finish()?))
    }

    /// Kills it, where its work is over and nobody tells it so.
    pub(super) fn kill(mut self) -> Result<Played> {
        self.running.kill();
        let mut played = self.finish()?;
        played.killed = true;
        Ok(played)
    }

    /// As [`finish`](Self::finish), for somebody without whom the others would wait.
    pub(super) fn succeed(self) -> Result<Played> {
        let played = self.finish()?;
        let Played { who, language, finished, .. } = &played;
        ensure!(finished.succeeded(), "{who} ({language}): {}", finished.complaint());
        Ok(played)
    }
}

/// What somebody printed, and how it ended.
pub(super) struct Played {
    pub(super) who: &'static str,
    pub(super) language: Language,
    /// Whether it is killed, and so does not end by itself.
    pub(super) killed: bool,
    finished: Finished,
}

impl Played {
    /// What somebody did who ends by itself.
    pub(super) const fn ended(who: &'static str, language: Language, finished: Finished) -> Self {
        Self { who, language, killed: false, finished }
    }
}

/// A verdict for each who prints.
pub(super) fn judge(expected: &[Script], played: &[Played]) -> Vec<Verdict> {
    let verdicts = expected.iter().map(|script| match played.iter().find(|played| played.who == script.0) {
        None => (script.0.clone(), Some("did not play".to_owned())),
        Some(played) => verdict(script, played),
    });
    verdicts.collect()
}

/// A verdict for one of them.
pub(super) fn verdict((who, lines): &Script, played: &Played) -> Verdict {
    (who.clone(), wrong(lines, played).map(|wrong| format!("{}: {wrong}", played.language)))
}

/// What was wrong with somebody who should have printed these lines, beside an endpoint.
fn wrong(expected: &[String], Played { killed, finished, .. }: &Played) -> Option<String> {
    let printed: Vec<&String> = finished.stdout.iter().filter(|line| !line.starts_with("endpoint ")).collect();
    let ended_well = if *killed { finished.code.is_none() } else { finished.succeeded() };
    if printed.len() != expected.len()
        || !printed.iter().zip(expected).all(|(printed, expected)| fits(expected, printed))
    {
        let (printed, expected) = (lines(printed), lines(expected));
        Some(format!("printed {printed} instead of {expected}; {}", finished.complaint()))
    } else if !ended_well {
        Some(finished.complaint())
    } else {
        None
    }
}

/// Whether a line is as expected, where `*` stands for anything.
fn fits(expected: &str, printed: &str) -> bool {
    let Some((first, mut rest)) = expected.split_once('*') else { return expected == printed };
    let Some(mut printed) = printed.strip_prefix(first) else { return false };
    while let Some((piece, after)) = rest.split_once('*') {
        let Some(at) = printed.find(piece) else { return false };
        (printed, rest) = (&printed[at + piece.len()..], after);
    }
    printed.ends_with(rest)
}

fn lines<'a>(lines: impl IntoIterator<Item = &'a String>) -> String {
    let quoted: Vec<String> = lines.into_iter().map(|line| format!("'{line}'")).collect();
    if quoted.is_empty() { "nothing".into() } else { quoted.join(", ") }
}

#[cfg(test)]
mod tests;
