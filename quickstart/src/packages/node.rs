//! Node: the packed package, installed into a new folder together with the programs that import it.

use std::fs;

use anyhow::{Context as _, Result};

use super::{Builder, python::only_file};
use crate::{
    language::Absent,
    shell::Call,
    tutorials::{self, Programs},
};

const SOURCE: &str = "bindings/node";
/// npm tells news and asks for money unless it is told not to.
const QUIET: [&str; 3] = ["--no-audit", "--no-fund", "--no-update-notifier"];

impl Builder<'_> {
    pub(super) fn node_package(&self) -> Result<Programs, Absent> {
        let package = self.step("node-package", "Node: build and pack the package", |shell| {
            // Not `npm ci`: it fetches everything anew each time, and releases of npm disagree about which optional
            // packages of other platforms a lock file must name. This obeys the lock file and leaves it as it is.
            shell.run(&self.npm(&["install", "--no-save"]).args(QUIET))?;
            shell.run(&self.npm(&["run", "build"]))?;
            let packed = self.layout.fresh("packed")?;
            shell.run(&self.npm(&["pack", "--pack-destination"]).arg(&packed))?;
            only_file(&packed, "tgz")
        })?;
        self.step("node-install", "Node: install the package into a new folder", |shell| {
            let folder = self.layout.fresh("node")?;
            fs::write(folder.join("package.json"), "{ \"private\": true, \"type\": \"module\" }\n")
                .context("cannot write package.json")?;
            shell.run(&Call::new("npm").arg("install").args(QUIET).arg(package).dir(&folder))?;
            tutorials::programs(|tutorial| {
                self.node_program(&tutorial.folder(), "", &format!("{}.mjs", tutorial.program))
            })
        })
    }

    pub(super) fn node_driver(&self) -> Result<Call, Absent> {
        self.step("node-bench", "Node: copy the bench driver", |_| {
            fs::create_dir_all(self.layout.made("node").join("bench"))
                .context("cannot make a folder for the driver")?;
            let copy = |name| self.node_program("bench/drivers/node", "bench", name);
            copy("bullmq.mjs")?;
            copy("bus.mjs")?;
            copy("fan.mjs")?;
            copy("fan_publish.mjs")?;
            copy("jobs.mjs")?;
            copy("majordomo.mjs")?;
            copy("reqrep.mjs")?;
            copy("driver.mjs")
        })
    }

    pub(super) fn node_peer(&self, package: &str) -> Result<(), Absent> {
        self.step("node-peer", &format!("Node: install {package} to compare with"), |shell| {
            let folder = self.layout.made("node");
            shell.run(&Call::new("npm").arg("install").args(QUIET).arg(package).dir(folder)).map(drop)
        })
    }

    fn npm(&self, args: &[&str]) -> Call {
        self.in_source(Call::new("npm").args(args), SOURCE)
    }

    /// Copies a program to a place where `zpatterns` is installed: Node looks for packages beside the program that imports,
    /// and above.
    fn node_program(&self, folder: &str, place: &str, name: &str) -> Result<Call> {
        let (from, to) = (self.layout.source(folder).join(name), self.layout.made("node").join(place).join(name));
        fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        Ok(Call::new("node").arg(to))
    }
}
