//! Scenarios as they are written, and the checks that a typing mistake does not survive.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::command::{Command, Doer};

/// The role that every scenario has besides its own: what stands between two of them.
const PROXY: &str = "proxy";

/// One file.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// `socket/push-pull`, from the file's place.
    #[serde(skip)]
    pub(crate) name: String,
    pub(crate) title: String,
    /// What it is about, as the page of parity groups it.
    pub(crate) subject: String,
    /// One role plays alone; the first two are the pair, and a third has the first one's language.
    pub(crate) roles: Vec<String>,
    pub(crate) transports: Vec<Transport>,
    /// Ways in which it is played, one after the other: each has its own steps besides those of all.
    #[serde(default)]
    pub(crate) ways: Vec<String>,
    /// What the peers must be able to do besides the commands in the steps.
    #[serde(default)]
    pub(crate) needs: Vec<String>,
    pub(crate) steps: Vec<Step>,
}

/// How the processes reach each other.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transport {
    Tcp,
    Ipc,
    Ws,
    /// Within one process, so for scenarios of one role.
    Inproc,
    /// A bus of the loopback device.
    Epgm,
}

/// One command to one peer, and what it must answer.
#[derive(Deserialize, Debug)]
pub(crate) struct Step {
    pub(crate) role: String,
    #[serde(rename = "do")]
    pub(crate) command: String,
    /// The way that the step belongs to.
    pub(crate) way: Option<String>,
    /// The handle; a role with a single one need not name it.
    #[serde(default = "socket")]
    pub(crate) on: String,
    /// What is answered, in the form that the command's row says.
    pub(crate) expect: Option<toml::Value>,
    /// The kind of error that is answered.
    pub(crate) error: Option<String>,
    /// Keeps the answer: `$name`, or `$name.part` for a field or a frame of it.
    pub(crate) save: Option<String>,
    /// Do it this many times; `$i` counts from 0.
    #[serde(default = "once")]
    pub(crate) count: u32,
    /// Answers to pass over while they come.
    pub(crate) skip: Option<toml::Value>,
    /// Do it again until the answer is as expected.
    #[serde(default)]
    pub(crate) until: bool,
    /// Go on with the other roles' steps while this one runs.
    #[serde(default)]
    pub(crate) meanwhile: bool,
    /// The command's own arguments.
    #[serde(flatten)]
    pub(crate) arguments: toml::Table,
}

fn socket() -> String {
    "socket".into()
}

fn once() -> u32 {
    1
}

impl Scenario {
    /// Every scenario under `folder`, in the order of their names: one folder per pattern.
    pub(crate) fn load_all(folder: &Path) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for pattern in entries(folder)?.filter(|path| path.is_dir()) {
            for file in entries(&pattern)?.filter(|path| path.extension().is_some_and(|end| end == "toml")) {
                let part = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let name = format!("{}/{}", part(&pattern), part(&file));
                let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
                let mut scenario: Self = toml::from_str(&text).with_context(|| name.clone())?;
                scenario.check().with_context(|| name.clone())?;
                scenario.name = name;
                all.push(scenario);
            }
        }
        Ok(all)
    }

    /// The folder, which is the word of the pattern.
    pub(crate) fn pattern(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// Whether something is done to a process from outside: it dies, freezes, or is another program.
    pub(crate) fn is_rough(&self) -> bool {
        self.steps.iter().any(|step| step.is_outside())
    }

    /// What the peer of a role must be able to do.
    pub(crate) fn needs_of(&self, role: usize) -> impl Iterator<Item = &str> {
        // Of what the runner does, only the program comes from the peer.
        let asks_peer = |step: &&Step| !step.is_outside() || step.command == "zpat";
        let commands = self.steps.iter().filter(move |step| step.role == self.roles[role]).filter(asks_peer);
        self.needs.iter().map(String::as_str).chain(commands.map(|step| step.command.as_str()))
    }

    fn check(&self) -> Result<()> {
        ensure!((1..=3).contains(&self.roles.len()), "one to three roles");
        ensure!(!self.roles.iter().any(|role| role == PROXY), "the proxy is there anyway");
        ensure!(!self.transports.is_empty() && !self.steps.is_empty(), "transports and steps are not empty");
        let across = self.roles.len() > 1 && self.transports.contains(&Transport::Inproc);
        ensure!(!across, "inproc does not reach another role");
        for (index, step) in self.steps.iter().enumerate() {
            step.check(&self.roles, &self.ways).with_context(|| format!("step {}", index + 1))?;
        }
        Ok(())
    }
}

impl Step {
    /// Whether it is done to a process from outside.
    pub(crate) fn is_outside(&self) -> bool {
        Command::named(&self.command).is_ok_and(|command| command.doer == Doer::Outside)
    }

    fn check(&self, roles: &[String], ways: &[String]) -> Result<()> {
        ensure!(self.role == PROXY || roles.contains(&self.role), "no role is called {}", self.role);
        ensure!(self.way.as_ref().is_none_or(|way| ways.contains(way)), "no way is called {:?}", self.way);
        let command = Command::named(&self.command)?;
        let is_for_proxy = command.doer == Doer::Proxy;
        ensure!(is_for_proxy == (self.role == PROXY), "{} is not for {}", self.command, self.role);
        for name in self.arguments.keys() {
            if !command.parameters.iter().any(|parameter| parameter.name == name) {
                bail!("{} takes no `{name}`", self.command);
            }
        }
        ensure!(self.expect.is_none() || self.error.is_none(), "an answer or an error, not both");
        let waits_for_nobody = self.meanwhile && (self.until || self.count > 1 || command.doer != Doer::Peer);
        ensure!(!waits_for_nobody, "the runner has the answer before the other roles could go on");
        Ok(())
    }
}

fn entries(folder: &Path) -> Result<impl Iterator<Item = std::path::PathBuf> + use<>> {
    let found = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths = found.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths.into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_can_be_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        assert!(!Scenario::load_all(&folder).expect("well-formed").is_empty());
    }

    #[test]
    fn mistakes_are_found_before_anything_runs() {
        let step = |text: &str| -> Result<()> {
            let step: Step = toml::from_str(text).expect("toml");
            step.check(&["server".into()], &["over".into()])
        };
        step("role = 'server'\ndo = 'recv'\ntimeout = 5").expect("right");
        step("role = 'client'\ndo = 'recv'").expect_err("no such role");
        step("role = 'server'\ndo = 'receive'").expect_err("no such command");
        step("role = 'server'\ndo = 'recv'\ntimeuot = 5").expect_err("no such argument");
        step("role = 'server'\ndo = 'recv'\nexpect = []\nerror = 'Full'").expect_err("both");
        step("role = 'server'\ndo = 'recv'\nway = 'over'").expect("right");
        step("role = 'server'\ndo = 'recv'\nway = 'through'").expect_err("no such way");
        step("role = 'server'\ndo = 'kill'\nmeanwhile = true").expect_err("it is done at once");
        step("role = 'proxy'\ndo = 'forward'\nendpoint = '$x'").expect("right");
        step("role = 'proxy'\ndo = 'recv'").expect_err("it is no peer");
        step("role = 'server'\ndo = 'hold-connections'").expect_err("no peer can");
    }
}
