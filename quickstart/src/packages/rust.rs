//! Rust: the tutorials are examples of the crate, the bench driver a program of its own.

use anyhow::Result;

use super::{Builder, Shell, artifacts::Artifacts};
use crate::{
    language::Absent,
    shell::Call,
    tutorials::{self, Programs, Tutorial},
};

impl Builder<'_> {
    pub(super) fn rust_package(&self) -> Result<Programs, Absent> {
        self.step("rust", "Rust: build the crate and its tutorials", |shell| {
            let examples = Tutorial::ALL.iter().flat_map(|tutorial| ["--example", tutorial.program]);
            let selection: Vec<&str> = ["-p", "zpatterns"].into_iter().chain(examples).collect();
            let built = self.cargo_build(&selection, shell)?;
            tutorials::programs(|tutorial| Ok(Call::new(built.executable(tutorial.program)?)))
        })
    }

    pub(super) fn rust_driver(&self) -> Result<Call, Absent> {
        self.step("rust-bench", "Rust: build the bench driver", |shell| {
            let built = self.cargo_build(&["-p", "zpatterns-bench-driver"], shell)?;
            Ok(Call::new(built.executable("zpatterns-bench-driver")?))
        })
    }

    /// Builds in release mode what `selection` names.
    pub(super) fn cargo_build(&self, selection: &[&str], shell: &mut Shell) -> Result<Artifacts> {
        let format = "--message-format=json-render-diagnostics";
        let call = self.cargo().args(["build", "--release", format]).args(selection);
        Ok(Artifacts::parse(&shell.run(&call)?.stdout))
    }
}
