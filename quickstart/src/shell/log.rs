//! Keeps what a step's programs print, and shows a person the end of it when the step fails.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};

use super::{Call, Finished, Line, Running};
use crate::progress::Step;

/// How many lines of a failed step's log a person gets to see.
const TAIL: usize = 60;
/// How long a build step may take: a slow machine needs minutes, a hung download never ends.
const WATCHDOG: Duration = Duration::from_secs(45 * 60);

/// The log file of one step.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// An empty log at `path`.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn create(path: PathBuf) -> Result<Self> {
        let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self { path, file })
    }

    /// Runs `call` to its end, writes all it prints to the log, and shows each line on `step`. Messages that cargo
    /// prints for programs go to the result only.
    ///
    /// # Errors
    /// When the call fails: the error ends with the last lines of the log and its path.
    pub fn run(&mut self, call: &Call, step: &Step) -> Result<Finished> {
        self.write(&format!("$ {call}"))?;
        let mut running = Running::start(call, WATCHDOG).map_err(|error| self.failure(&error.to_string()))?;
        loop {
            let line = running.next_line().map_err(|error| self.failure(&error.to_string()))?;
            let Some(Line::Out(text) | Line::Err(text)) = line else { break };
            if !text.starts_with("{\"reason\":") {
                self.write(&text)?;
                step.note(&text);
            }
        }
        let finished = running.finish().map_err(|error| self.failure(&error.to_string()))?;
        if finished.succeeded() {
            return Ok(finished);
        }
        let how = finished.code.map_or_else(|| "was ended by a signal".into(), |code| format!("gave exit code {code}"));
        Err(self.failure(&format!("{call} {how}")))
    }

    fn write(&mut self, line: &str) -> Result<()> {
        writeln!(self.file, "{line}").with_context(|| format!("cannot write {}", self.path.display()))
    }

    fn failure(&self, what: &str) -> anyhow::Error {
        anyhow::anyhow!("{what}\n{}\n  the whole log: {}", tail(&self.path), self.path.display())
    }
}

/// The last lines of a file, indented.
fn tail(path: &Path) -> String {
    let text = fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let kept = &lines[lines.len().saturating_sub(TAIL)..];
    kept.iter().map(|line| format!("  | {line}")).collect::<Vec<_>>().join("\n")
}
