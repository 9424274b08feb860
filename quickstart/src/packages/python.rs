//! Python: a wheel, built by maturin in an environment of its own and installed into a new one.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::{Builder, Shell};
use crate::{
    doctor::Python,
    language::Absent,
    shell::{Call, ask},
    tutorials::{self, Programs},
};

/// The version that `bindings/python` is known to build with.
const MATURIN: &str = "maturin>=1.9,<2";

impl Builder<'_> {
    pub(super) fn python_package(&self) -> Result<Programs, Absent> {
        let wheel = self.step("python-wheel", "Python: build the wheel", |shell| self.build_wheel(shell))?;
        self.step("python-install", "Python: install the wheel into a new environment", |shell| {
            self.make_environment("python", shell)?;
            shell.run(&self.pip("python").arg(wheel))?;
            tutorials::programs(|tutorial| Ok(self.python().arg(self.layout.source(&tutorial.source("py")))))
        })
    }

    pub(super) fn python_driver(&self) -> Call {
        self.python().arg(self.layout.source("bench/drivers/python/driver.py"))
    }

    pub(super) fn python_peer(&self, package: &str) -> Result<(), Absent> {
        self.step("python-peer", &format!("Python: install {package} to compare with"), |shell| {
            shell.run(&self.pip("python").arg(package)).map(drop)
        })
    }

    fn build_wheel(&self, shell: &mut Shell) -> Result<PathBuf> {
        let tools = Python::in_environment(&self.layout.made("tools/python"));
        let maturin = || Call::new(&tools).args(["-m", "maturin"]);
        // The tools are kept between runs: they are no part of what is tested.
        if !ask(&maturin().arg("--version"), std::time::Duration::from_secs(60)).is_ok_and(|it| it.succeeded()) {
            self.make_environment("tools/python", shell)?;
            shell.run(&self.pip("tools/python").arg(MATURIN))?;
        }
        let wheels = self.layout.fresh("wheels")?;
        let build = maturin().args(["build", "--release", "--interpreter"]).arg(&tools).arg("--out").arg(&wheels);
        shell.run(&self.in_source(build, "bindings/python"))?;
        only_file(&wheels, "whl")
    }

    fn make_environment(&self, folder: &str, shell: &mut Shell) -> Result<()> {
        let python = self.toolchains.python.as_ref().context("no Python was found")?;
        for call in python.make_environment(&self.layout.made(folder), &self.layout.made("tools/virtualenv"))? {
            shell.run(&call)?;
        }
        Ok(())
    }

    fn pip(&self, folder: &str) -> Call {
        let python = Python::in_environment(&self.layout.made(folder));
        Call::new(python).args(["-m", "pip", "install", "--disable-pip-version-check"])
    }

    fn python(&self) -> Call {
        Call::new(Python::in_environment(&self.layout.made("python")))
    }
}

/// The one file with this extension in `folder`.
pub(super) fn only_file(folder: &Path, extension: &str) -> Result<PathBuf> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.extension() == Some(extension.as_ref()));
    files.next().with_context(|| format!("no .{extension} file was made in {}", folder.display()))
}
