//! Runs the tutorials between every ordered pair of languages.
//!
//! The programs of a tutorial must print, line by line, what its `expected.txt` says. What is the same for all of them
//! is here: which there are, which pairs play them, and how a verdict becomes a row of the report. How one goes is in a
//! module of its own: `strings`, `reqrep`, `zqueue`, `pubsub`, `bus`.

mod bus;
mod parts;
mod pubsub;
mod reqrep;
mod strings;
mod zqueue;

use std::{collections::BTreeMap, fmt, fs, path::Path, time::Duration};

use anyhow::{Context as _, Result};

use crate::{
    language::{Absent, Language},
    layout::Layout,
    packages::Built,
    progress::Progress,
    report::TutorialRow,
    shell::Call,
};

pub use strings::Extra;

/// The programs end by themselves, so this ends only those that hang.
const WATCHDOG: Duration = Duration::from_secs(60);

/// One tutorial; every language has its program.
#[derive(Debug)]
pub struct Tutorial {
    /// Its folder, and its name in the report.
    pub name: &'static str,
    /// The program, without the ending of its language.
    pub program: &'static str,
    /// What the sender and the receiver of its rows are.
    pub roles: [&'static str; 2],
    /// What happens between them.
    pub story: &'static str,
}

impl Tutorial {
    /// Every tutorial that is run between languages.
    pub const ALL: [Self; 5] = [
        Self {
            name: "01-strings",
            program: "strings",
            roles: ["sender", "receiver"],
            story: "Every language sends the same strings to every other one.",
        },
        Self {
            name: "02-reqrep",
            program: "reqrep",
            roles: ["asker", "worker"],
            story: "Every language asks every other one through a broker, while workers and brokers are killed. \
                    Who takes over, and who the broker is, goes round.",
        },
        Self {
            name: "03-zqueue",
            program: "zqueue",
            roles: ["asker", "queue"],
            story: "Every language asks a queue of every other one how large a folder is and what a bicycle consists of, \
                    and workers in all languages find out together.",
        },
        Self {
            name: "04-pubsub",
            program: "pubsub",
            roles: ["publisher", "customer"],
            story: "Every language publishes for two customers in each, who may hear different things. One is waited for \
                    until its right is taken back, the other is slow, and is told what it missed.",
        },
        Self {
            name: "05-bus",
            program: "bus",
            roles: ["sender", "listener"],
            story: "Every language sends to all others at once, which lose a fifth of it, and are deaf for a while. \
                    The cell of a language and itself is the sender.",
        },
    ];

    /// The tutorial of that name; a report of an earlier version may have others.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|tutorial| tutorial.name == name)
    }

    /// The corner of a table with a row per sender and a column per receiver.
    pub fn corner(&self) -> String {
        self.roles.join(" \\ ")
    }

    /// The source of its program in one language, in the repository.
    pub fn source(&self, extension: &str) -> String {
        format!("{}/{}.{extension}", self.folder(), self.program)
    }

    /// Its folder in the repository.
    pub fn folder(&self) -> String {
        format!("quickstart/tutorials/{}", self.name)
    }
}

/// How to start the program of each tutorial in one language, without arguments, by the name of the program.
pub type Programs = BTreeMap<&'static str, Call>;

/// The program of each tutorial, as `make` makes it.
///
/// # Errors
/// Those of `make`.
pub fn programs(mut make: impl FnMut(&Tutorial) -> Result<Call>) -> Result<Programs> {
    Tutorial::ALL.iter().map(|tutorial| Ok((tutorial.program, make(tutorial)?))).collect()
}

/// How two programs reach each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Transport {
    /// TCP on this machine.
    Tcp,
    /// A Unix domain socket.
    Ipc,
    /// WebSocket on this machine.
    Ws,
}

impl Transport {
    /// Every transport that every language has.
    const ALL: [Self; 3] = [Self::Tcp, Self::Ipc, Self::Ws];

    /// Where to bind; sockets of files go into `folder`.
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

/// Runs every tutorial with every pair of `languages`, and gives its rows; those of absent languages say why. `folder` is the
/// one that is walked, or else the project's own.
///
/// # Errors
/// When an `expected.txt` cannot be read, or the folder is none.
pub fn run(
    layout: &Layout,
    progress: &Progress,
    languages: &[Language],
    built: &Built,
    extras: &[Extra],
    folder: Option<&Path>,
) -> Result<Vec<TutorialRow>> {
    let stage = Stage { layout, progress, languages, built };
    let [strings, reqrep, zqueue, pubsub, bus] = &Tutorial::ALL;
    let mut rows = strings::run(&stage, strings, extras)?;
    rows.extend(reqrep::run(&stage, reqrep)?);
    rows.extend(zqueue::run(&stage, zqueue, folder)?);
    rows.extend(pubsub::run(&stage, pubsub)?);
    rows.extend(bus::run(&stage, bus)?);
    Ok(rows)
}

/// Everything that a tutorial is played with.
struct Stage<'a> {
    layout: &'a Layout,
    progress: &'a Progress,
    languages: &'a [Language],
    built: &'a Built,
}

/// A language and its program.
#[derive(Clone, Copy)]
struct Player<'a> {
    language: Language,
    program: &'a Call,
}

/// A case, and what was wrong with it.
type Verdict = (String, Option<String>);

impl Stage<'_> {
    fn expected(&self, tutorial: &Tutorial) -> Result<String> {
        let path = self.layout.source(&tutorial.folder()).join("expected.txt");
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    fn player(&self, tutorial: &Tutorial, language: Language) -> Result<Player<'_>, Absent> {
        Ok(Player { language, program: &self.built.programs(language)?.tutorials[tutorial.program] })
    }

    /// Both of a pair.
    fn pair(&self, tutorial: &Tutorial, sender: Language, receiver: Language) -> Result<[Player<'_>; 2], Absent> {
        match (self.player(tutorial, sender), self.player(tutorial, receiver)) {
            (Ok(sender), Ok(receiver)) => Ok([sender, receiver]),
            // Of a missing and a failed language the failure says more.
            (Err(Absent::Missing(_)), Err(absent)) | (Err(absent), _) | (_, Err(absent)) => Err(absent),
        }
    }

    /// Everybody who is there.
    fn players(&self, tutorial: &Tutorial) -> Vec<Player<'_>> {
        self.languages.iter().filter_map(|&language| self.player(tutorial, language).ok()).collect()
    }

    /// Lets every ordered pair `play`, over each transport, which gives a verdict for each of `cases`.
    fn pairs(
        &self,
        tutorial: &Tutorial,
        cases: &[String],
        transports: &[Transport],
        play: impl Fn(Player<'_>, Player<'_>, Transport) -> Result<Vec<Verdict>>,
    ) -> Vec<TutorialRow> {
        let title = format!("Tutorial {}, every language to every language", tutorial.name);
        let step = self.progress.counted(&title, self.languages.len().pow(2) * transports.len());
        let mut rows = Vec::new();
        let pairs = self.languages.iter().flat_map(|&sender| self.languages.iter().map(move |&it| (sender, it)));
        for (sender, receiver) in pairs {
            for &transport in transports {
                step.note(&format!("{sender} to {receiver} over {transport}"));
                let outcome = self
                    .pair(tutorial, sender, receiver)
                    .map(|[sender, receiver]| play(sender, receiver, transport).map_err(|error| format!("{error:#}")));
                rows.extend(self::rows(tutorial, (sender, receiver), &transport.to_string(), cases, outcome));
                step.advance();
            }
        }
        step.end(if rows.iter().all(|row| row.passed) { "ok" } else { "not all passed" });
        rows
    }
}

/// The rows of a pair.
fn rows(
    tutorial: &Tutorial,
    (sender, receiver): (Language, Language),
    transport: &str,
    cases: &[String],
    outcome: Result<Result<Vec<Verdict>, String>, Absent>,
) -> impl Iterator<Item = TutorialRow> {
    verdicts(cases, outcome).into_iter().map(move |(case, status, note)| TutorialRow {
        name: tutorial.name.into(),
        sender,
        receiver,
        transport: transport.into(),
        case,
        passed: status == "ok",
        status: status.into(),
        note,
    })
}

/// Case, status (`ok`, `failed` or `missing`) and what was wrong: for each case, also where none was played.
fn verdicts(
    cases: &[String],
    outcome: Result<Result<Vec<Verdict>, String>, Absent>,
) -> Vec<(String, &'static str, Option<String>)> {
    let all = |status: &'static str, reason: &str| {
        cases.iter().map(|case| (case.clone(), status, Some(reason.to_owned()))).collect()
    };
    match outcome {
        Err(absent) => all(absent.word(), absent.reason().lines().next().unwrap_or_default()),
        Ok(Err(error)) => all("failed", &error),
        Ok(Ok(verdicts)) => {
            let judged = |(case, wrong): Verdict| (case, if wrong.is_none() { "ok" } else { "failed" }, wrong);
            verdicts.into_iter().map(judged).collect()
        }
    }
}

#[cfg(test)]
mod tests;
