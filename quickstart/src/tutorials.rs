//! Runs the tutorial 01-strings between every ordered pair of languages, over every transport.
//!
//! The receiver binds to an address that the system chooses and prints it; the sender connects to it. What the
//! receiver prints must be, line by line, what `expected.txt` says, plus one line for each text and file of the
//! person. Every line is a row of the report.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    language::{Absent, Language},
    layout::Layout,
    packages::Built,
    progress::Progress,
    report::TutorialRow,
    shell::{Call, Finished, Running, ask},
};

/// The folder of the tutorial, and its name in the report.
pub const STRINGS: &str = "01-strings";
/// The programs give up after 30 s without a message, so this ends only those that hang.
const WATCHDOG: Duration = Duration::from_secs(60);

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

/// How the two programs reach each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// TCP on this machine.
    Tcp,
    /// A Unix domain socket.
    Ipc,
    /// WebSocket on this machine.
    Ws,
}

impl Transport {
    /// Every transport that every language has.
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Ipc, Self::Ws];

    fn endpoint(self, folder: &Path) -> String {
        match self {
            Self::Ipc => format!("ipc://{}/s", folder.display()),
            _ => format!("{self}://127.0.0.1:0"),
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Tcp => "tcp",
            Self::Ipc => "ipc",
            Self::Ws => "ws",
        })
    }
}

/// Runs every pair of `languages` and gives a row per string; those of absent languages say why.
///
/// # Errors
/// When `expected.txt` cannot be read or no folder for ipc sockets can be made.
pub fn run(
    layout: &Layout,
    progress: &Progress,
    languages: &[Language],
    built: &Built,
    extras: &[Extra],
) -> Result<Vec<TutorialRow>> {
    let path = layout.source("quickstart/tutorials").join(STRINGS).join("expected.txt");
    let expected = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let expected = expected_lines(&expected, extras);
    let pairs = languages.iter().flat_map(|&sender| languages.iter().map(move |&receiver| (sender, receiver)));
    let step = progress.counted("Tutorial 01-strings, every language to every language", {
        languages.len() * languages.len() * Transport::ALL.len()
    });
    let mut rows = Vec::new();
    for (sender, receiver) in pairs {
        for transport in Transport::ALL {
            step.note(&format!("{sender} to {receiver} over {transport}"));
            let outcome = match (built.programs(sender), built.programs(receiver)) {
                (Ok(sender), Ok(receiver)) => {
                    let outcome = exchange(&sender.strings, &receiver.strings, transport, extras);
                    Ok(outcome.map_err(|error| format!("{error:#}")))
                }
                // Of a missing and a failed language the failure says more.
                (Err(Absent::Missing(_)), Err(absent)) | (Err(absent), _) | (_, Err(absent)) => Err(absent),
            };
            rows.extend(judge(&expected, outcome).into_iter().map(|(case, status, note)| TutorialRow {
                name: STRINGS.into(),
                sender,
                receiver,
                transport: transport.to_string(),
                case,
                passed: status == "ok",
                status,
                note,
            }));
            step.advance();
        }
    }
    step.end(if rows.iter().all(|row| row.passed) { "ok" } else { "not all passed" });
    Ok(rows)
}

/// What the receiver must print after its endpoint.
fn expected_lines(expected: &str, extras: &[Extra]) -> Vec<String> {
    let mut lines: Vec<String> = expected.lines().map(str::to_owned).collect();
    lines.pop();
    lines.extend(extras.iter().map(Extra::line));
    lines.push(format!("{} strings, all equal", lines.len()));
    lines
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

type Verdict = (String, String, Option<String>);

/// A verdict per expected line: the case, `ok`, `failed` or `missing`, and what was wrong. The last is `end`: both
/// programs ended well, counted right, and printed nothing else.
fn judge(expected: &[String], outcome: Result<Result<Exchange, String>, Absent>) -> Vec<Verdict> {
    let cases = expected.iter().enumerate().map(|(index, line)| {
        let case = if index + 1 == expected.len() { "end" } else { line.split(' ').next().unwrap_or_default() };
        (index, line, case.to_owned())
    });
    let all = |status: &str, reason: &str| {
        cases.clone().map(|(_, _, case)| (case, status.to_owned(), Some(reason.to_owned()))).collect()
    };
    let exchange = match outcome {
        Err(absent) => return all(absent.word(), absent.reason().lines().next().unwrap_or_default()),
        Ok(Err(error)) => return all("failed", &error),
        Ok(Ok(exchange)) => exchange,
    };
    let wrong_end = wrong_end(expected, &exchange);
    let verdicts = cases.map(|(index, line, case)| {
        let wrong = match exchange.received.get(index) {
            Some(got) if got == line => None,
            Some(got) => Some(format!("printed '{got}' instead of '{line}'")),
            None => Some(format!("never printed '{line}'; {}", exchange.receiver.complaint())),
        };
        let wrong = if case == "end" { wrong.or_else(|| wrong_end.clone()) } else { wrong };
        (case, if wrong.is_none() { "ok" } else { "failed" }.to_owned(), wrong)
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
