//! Rust: the tutorial is an example of the crate, the bench driver a program of its own.

use anyhow::Result;

use super::{Builder, Shell, artifacts::Artifacts};
use crate::{language::Absent, shell::Call};

impl Builder<'_> {
    pub(super) fn rust_package(&self) -> Result<Call, Absent> {
        self.step("rust", "Rust: build the crate and its tutorial", |shell| {
            let built = self.cargo_build(&["-p", "zpatterns", "--example", "strings"], shell)?;
            Ok(Call::new(built.executable("strings")?))
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
