//! The stages, in the order in which they run: quick ones first.

mod bindings;
mod conformance;
mod core;
mod interop;
mod source;
mod whole;

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use zpatterns_quickstart::{
    doctor::Toolchains,
    language::Language,
    layout::Layout,
    packages::Builder,
    progress::{Progress, Step},
    shell::{Call, Finished, Log},
};

/// One stage.
pub(crate) struct Stage {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// What it does, for people.
    pub(crate) title: &'static str,
    /// Does it.
    pub(crate) run: fn(&mut Work<'_>) -> Result<()>,
}

/// Every stage.
pub(crate) const STAGES: &[Stage] = &[
    Stage { name: "format", title: "Format: rustfmt", run: source::format },
    Stage { name: "guards", title: "Guards: dependencies, file sizes, links, shown programs", run: source::guards },
    Stage { name: "lint", title: "Lint: clippy, warnings are errors", run: source::lint },
    Stage { name: "core", title: "Core: cargo test", run: core::test },
    Stage { name: "fuzz", title: "Fuzz: a minute of each target of the bus", run: core::fuzz },
    Stage { name: "interop", title: "Interop: the bus among libzmq's epgm peers", run: interop::bus },
    Stage { name: "tools", title: "Tools: tests of quickstart and verify", run: core::tools },
    Stage { name: "docs", title: "Docs: rustdoc, warnings are errors", run: core::docs },
    Stage { name: "c", title: "C: header, symbols, tests, sanitizers", run: bindings::c },
    Stage { name: "python", title: "Python: types and tests", run: bindings::python },
    Stage { name: "node", title: "Node: generated files, types and tests", run: bindings::node },
    Stage { name: "readme", title: "Readme: its programs, in every language", run: whole::readme },
    Stage { name: "conformance", title: "Conformance: every ordered pair of languages", run: conformance::play },
    Stage { name: "quickstart", title: "Quickstart: as a person runs it", run: whole::quickstart },
];

/// What a stage works with.
pub(crate) struct Work<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) progress: &'a Progress,
    pub(crate) toolchains: &'a Toolchains,
    pub(crate) step: &'a Step,
    pub(crate) log: Log,
    /// Whether packages of Debian may be installed.
    pub(crate) may_install: bool,
    /// The languages whose packages an earlier stage has built and installed.
    pub(crate) installed: &'a mut BTreeSet<Language>,
}

impl Work<'_> {
    /// Runs a call in the root of the repository unless it says otherwise.
    pub(crate) fn run(&mut self, call: &Call) -> Result<Finished> {
        self.log.run(call, self.step)
    }

    /// A call of cargo in the root of the repository.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Call {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Call::new(cargo).args(arguments).dir(self.layout.source("."))
    }

    /// Builds and installs packages as the quickstart does.
    pub(crate) fn builder(&self) -> Builder<'_> {
        Builder { layout: self.layout, progress: self.progress, toolchains: self.toolchains, jobs: None }
    }

    /// Tells a person something that is no failure.
    pub(crate) fn say(&self, text: &str) {
        self.progress.say(text);
    }

    /// Makes sure that a program of a Debian package is there; false, and said so, where it may not be installed.
    pub(crate) fn have(&mut self, program: &str, package: &str) -> Result<bool> {
        self.have_what_shows(&format!("command -v {program}"), package)
    }

    /// The same of a package which is there if a command of the shell succeeds.
    pub(crate) fn have_what_shows(&mut self, command: &str, package: &str) -> Result<bool> {
        let there = |work: &mut Self| work.run(&Call::new("sh").args(["-c", command])).is_ok();
        if there(self) {
            return Ok(true);
        }
        if !self.may_install {
            self.say(&format!("missing: {package} (apt-get install {package}, or run with --install)"));
            return Ok(false);
        }
        self.run(&Call::new("apt-get").args(["update", "-q"]))?;
        self.run(&Call::new("apt-get").args(["install", "-qy", package]).env("DEBIAN_FRONTEND", "noninteractive"))?;
        if !there(self) {
            bail!("{package} is installed, and `{command}` fails");
        }
        Ok(true)
    }
}
