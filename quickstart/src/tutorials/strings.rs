//! The tutorial 01-strings, over every transport.
//!
//! The receiver binds to an address that the system chooses and prints it; the sender connects to it. What the
//! receiver prints must be, line by line, what `expected.txt` says, plus one line for each text and file of the
//! person. Every line is a row of the report.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::{Stage, Transport, Tutorial, Verdict, WATCHDOG};
use crate::{
    report::TutorialRow,
    shell::{Call, Finished, Running, ask},
};

/// A text or a file that a person adds to the strings of the tutorial.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Extra {
    /// A text of so many bytes.
    Text(String),
    /// A file, and how many bytes it has.
    File(PathBuf, u64),
}

impl Extra {
    /// The extras in the order in which the programs send them.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read(texts: &[String], files: &[PathBuf]) -> Result<Vec<Self>> {
        let texts = texts.iter().map(|text| Ok(Self::Text(text.clone())));
        let files = files.iter().map(|path| {
            let unreadable = || format!("cannot read {}", path.display());
            let path = path.canonicalize().with_context(unreadable)?;
            let meta = fs::File::open(&path).and_then(|file| file.metadata()).with_context(unreadable)?;
            ensure!(meta.is_file(), "{} is no file", path.display());
            Ok(Self::File(path, meta.len()))
        });
        texts.chain(files).collect()
    }

    fn add_to(&self, call: Call) -> Call {
        match self {
            Self::Text(text) => call.arg("--text").arg(text),
            Self::File(path, _) => call.arg("--file").arg(path),
        }
    }

    fn line(&self) -> String {
        match self {
            Self::Text(text) => format!("text {} equal", text.len()),
            Self::File(_, length) => format!("file {length} equal"),
        }
    }
}

/// A row per string, and one for the end.
pub(super) fn run(stage: &Stage<'_>, tutorial: &Tutorial, extras: &[Extra]) -> Result<Vec<TutorialRow>> {
    let expected = expected_lines(&stage.expected(tutorial)?, extras);
    Ok(stage.pairs(tutorial, &cases(&expected), &Transport::ALL, |sender, receiver, transport| {
        Ok(judge(&expected, &exchange(sender.program, receiver.program, transport, extras)?))
    }))
}

/// What the receiver must print after its endpoint.
fn expected_lines(expected: &str, extras: &[Extra]) -> Vec<String> {
    let mut lines: Vec<String> = expected.lines().map(str::to_owned).collect();
    lines.pop();
    lines.extend(extras.iter().map(Extra::line));
    lines.push(format!("{} strings, all equal", lines.len()));
    lines
}

/// The first word of each line but the last, which is `end`: both programs ended well, counted right, and printed
/// nothing else.
fn cases(expected: &[String]) -> Vec<String> {
    let strings = expected.split_last().map_or(&[][..], |(_, strings)| strings);
    let names = strings.iter().map(|line| line.split(' ').next().unwrap_or_default());
    names.chain(["end"]).map(str::to_owned).collect()
}

/// What both programs printed and how they ended.
struct Exchange {
    received: Vec<String>,
    receiver: Finished,
    sender: Finished,
}

fn exchange(sender: &Call, receiver: &Call, transport: Transport, extras: &[Extra]) -> Result<Exchange> {
    let folder = tempfile::Builder::new().prefix("zpat").tempdir().context("cannot make a folder for ipc sockets")?;
    let with_extras = |call: Call| extras.iter().fold(call, |call, extra| extra.add_to(call));
    let receive = with_extras(receiver.clone().arg("recv").arg(transport.endpoint(folder.path())));
    let mut receiver = Running::start(&receive, WATCHDOG)?;
    let endpoint = receiver.announced("endpoint ")?;
    let sender = ask(&with_extras(sender.clone().arg("send").arg(endpoint)), WATCHDOG)?;
    let receiver = receiver.finish()?;
    let lines = receiver.stdout.iter().filter(|line| !line.starts_with("endpoint "));
    Ok(Exchange { received: lines.cloned().collect(), receiver, sender })
}

/// A verdict per expected line.
fn judge(expected: &[String], exchange: &Exchange) -> Vec<Verdict> {
    let verdicts = cases(expected).into_iter().zip(expected).enumerate().map(|(index, (case, line))| {
        let wrong = match exchange.received.get(index) {
            Some(got) if got == line => None,
            Some(got) => Some(format!("printed '{got}' instead of '{line}'")),
            None => Some(format!("never printed '{line}'; {}", exchange.receiver.complaint())),
        };
        let wrong = if case == "end" { wrong.or_else(|| wrong_end(expected, exchange)) } else { wrong };
        (case, wrong)
    });
    verdicts.collect()
}

fn wrong_end(expected: &[String], exchange: &Exchange) -> Option<String> {
    let sent = format!("{} strings sent", expected.len() - 1);
    if !exchange.sender.succeeded() {
        Some(format!("the sender: {}", exchange.sender.complaint()))
    } else if !exchange.receiver.succeeded() {
        Some(format!("the receiver: {}", exchange.receiver.complaint()))
    } else if exchange.sender.stdout != [sent.as_str()] {
        Some(format!("the sender printed '{}' instead of '{sent}'", exchange.sender.stdout.join(" ")))
    } else if exchange.received.len() > expected.len() {
        Some(format!("the receiver printed more: '{}'", exchange.received[expected.len()]))
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
