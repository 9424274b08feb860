//! The same behaviour in every language, checked over every ordered pair of languages.
//!
//! A scenario is data: roles, transports, and steps with what they must answer. A peer is a small program, one per
//! language, that does on its language's public API what it reads on its standard input. The runner lets every
//! language play every role against every other, so a difference between two languages has nowhere to hide. The line
//! protocol and the form of the scenarios are in this package's `README.md`.

mod answer;
mod command;
mod gaps;
mod parity;
mod plan;
mod play;
mod process;
mod program;
mod proxy;
mod scenario;
mod surface;
mod value;

use std::{
    fmt, fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    gaps::Gaps,
    plan::{Company, Outcome, circle, lines},
    scenario::Scenario,
};

/// Failures after which a line is given up: with one side broken, each could cost a watchdog's time.
const MAX_FAILURES: usize = 4;

/// A peer: what it is called, and how it is started.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// The language, `python`, or a variant of it, `python-async`.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<String>,
}

impl Peer {
    /// Reads `name=command`, words separated by spaces.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        let (name, command) = text.split_once('=').ok_or("give a name and a command, as in python=python3 peer.py")?;
        let command: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        if name.is_empty() || command.is_empty() {
            return Err("a peer has a name and a command".into());
        }
        Ok(Self { name: name.to_owned(), command })
    }

    /// Whether it is another face of a language: it plays with itself and with the first peer.
    fn is_variant(&self) -> bool {
        self.name.ends_with("-async")
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)
    }
}

/// What to run.
#[derive(Clone, Debug)]
pub struct Request {
    /// The folder of the scenarios, one folder per pattern in it.
    pub scenarios: PathBuf,
    /// Who plays. The first plain one also plays with the variants.
    pub peers: Vec<Peer>,
    /// If not empty: only lines in which one of these plays, or which are `server:client`.
    pub only: Vec<String>,
    /// If not empty: only scenarios whose name contains one of these.
    pub scenario: Vec<String>,
    /// Whether scenarios in which processes are killed are also played over every ordered pair, rather than by each
    /// language once per role.
    pub all_pairs: bool,
}

/// How many times a scenario was played by a company of peers, over all of its transports.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Summary {
    /// As it should be.
    pub passed: usize,
    /// Otherwise, or not run because too much before it failed.
    pub failed: usize,
}

impl Request {
    fn load(&self) -> Result<Vec<Scenario>> {
        let mut all = Scenario::load_all(&self.scenarios)?;
        all.retain(|scenario| {
            self.scenario.is_empty() || self.scenario.iter().any(|part| scenario.name.contains(part))
        });
        ensure!(!all.is_empty(), "no scenario in {} has such a name", self.scenarios.display());
        Ok(all)
    }
}

/// Writes the name and the title of each scenario.
pub fn list(request: &Request, out: &mut dyn Write) -> Result<()> {
    for scenario in request.load()? {
        writeln!(out, "{:36} {}", scenario.name, scenario.title)?;
    }
    Ok(())
}

/// Writes the page that says what each language has, from the sources that this program was compiled from. An error
/// also says which of them contradict each other.
pub fn write_parity(request: &Request, page: &Path) -> Result<()> {
    let conformance = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = parity::page(&request.load()?, &Gaps::load(&request.scenarios)?, conformance)?;
    fs::write(page, text).with_context(|| page.display().to_string())
}

/// Plays. Writes a line per pair as it ends, then the gaps that were met, then each failure, then `N passed, N failed`: what
/// a person looks for is at the end. An error means that nothing could be played: a scenario that cannot be read, or no peers.
pub fn run(request: &Request, out: &mut dyn Write) -> Result<Summary> {
    let scenarios = request.load()?;
    let (mut all, circle) = (lines(&request.peers, &request.only), circle(&request.peers, &request.only));
    ensure!(!all.is_empty(), "no peers: give --peer NAME=COMMAND, and --only a name that is among them");
    let pairs = all.len();
    all.extend(circle);
    let mut company = Company::new(Gaps::load(&request.scenarios)?)?;
    let (mut summary, mut failures) = (Summary::default(), Vec::new());
    for part in scenarios.chunk_by(|left, right| left.pattern() == right.pattern()) {
        for (index, line) in all.iter().enumerate() {
            let is_chosen = |scenario: &&Scenario| match index < pairs {
                true => scenario.roles.len().min(2) == line.len() && (request.all_pairs || !scenario.is_rough()),
                false => scenario.is_rough(),
            };
            let chosen: Vec<_> = part.iter().filter(is_chosen).collect();
            if !chosen.is_empty() {
                let names: Vec<_> = line.iter().map(|peer| peer.name.as_str()).collect();
                let title = format!("{:8}{:28}", part[0].pattern(), names.join(" -> "));
                let (text, played, failed) = play_line(&mut company, line, &chosen, &title);
                writeln!(out, "{text}")?;
                out.flush()?;
                summary.passed += played.passed;
                summary.failed += played.failed;
                failures.extend(failed);
            }
        }
    }
    for complaint in company.finish() {
        writeln!(out, "{complaint}")?;
        summary.failed += 1;
    }
    for gap in &company.gaps.met {
        writeln!(out, "gap     {gap}")?;
    }
    for failure in &failures {
        writeln!(out, "failed  {failure}")?;
    }
    writeln!(out, "{} passed, {} failed", summary.passed, summary.failed)?;
    Ok(summary)
}

/// Plays scenarios with one company. Gives its line, how often which outcome was seen, and what failed.
fn play_line(
    company: &mut Company,
    line: &[&Peer],
    scenarios: &[&Scenario],
    title: &str,
) -> (String, Summary, Vec<String>) {
    let (mut passed, mut gaps, mut failures) = (0, 0, Vec::new());
    for scenario in scenarios {
        match company.play(scenario, line) {
            Outcome::Passed => passed += 1,
            Outcome::Gap => gaps += 1,
            Outcome::Failed(why) => failures.push(format!("{title}{}: {why}", scenario.name)),
        }
        if failures.len() >= MAX_FAILURES {
            break;
        }
    }
    let failed = scenarios.len() - passed - gaps;
    let mut text = format!("{title}{} scenarios, {passed} passed", scenarios.len());
    for (count, what) in [(gaps, "gaps"), (failures.len(), "FAILED"), (failed - failures.len(), "not run")] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    (text, Summary { passed, failed }, failures)
}
