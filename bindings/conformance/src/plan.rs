//! Who plays with whom, and the processes, which live from scenario to scenario.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::{
    Peer,
    gaps::Gaps,
    play::play,
    process::Process,
    scenario::{Scenario, Transport},
};

/// What became of a scenario.
pub(crate) enum Outcome {
    Passed,
    /// A language lacks something, and it is stated why.
    Gap,
    /// With the transport, the step, what was expected and what came.
    Failed(String),
}

/// Every peer alone, every ordered pair of languages, and each variant with the first language.
pub(crate) fn lines<'a>(peers: &'a [Peer], only: &[String]) -> Vec<Vec<&'a Peer>> {
    let (variants, plain): (Vec<_>, Vec<_>) = peers.iter().partition(|peer| peer.is_variant());
    let mut lines: Vec<Vec<&Peer>> = peers.iter().map(|peer| vec![peer]).collect();
    lines.extend(plain.iter().flat_map(|server| plain.iter().map(|client| vec![*server, *client])));
    if let Some(first) = plain.first() {
        lines.extend(variants.iter().flat_map(|variant| [vec![*first, *variant], vec![*variant, *first]]));
    }
    lines.retain(|line| is_wanted(line, only));
    lines
}

/// Every language once in each of three roles.
pub(crate) fn circle<'a>(peers: &'a [Peer], only: &[String]) -> Vec<Vec<&'a Peer>> {
    let plain: Vec<_> = peers.iter().filter(|peer| !peer.is_variant()).collect();
    let mut lines: Vec<Vec<&Peer>> =
        (0..plain.len()).map(|first| (first..first + 3).map(|index| plain[index % plain.len()]).collect()).collect();
    lines.retain(|line| is_wanted(line, only));
    lines
}

/// Whether one of `only` plays in a line, or its first two are `server:client`.
fn is_wanted(line: &[&Peer], only: &[String]) -> bool {
    let names: Vec<_> = line.iter().map(|peer| peer.name.as_str()).collect();
    let pair = names[..names.len().min(2)].join(":");
    only.is_empty() || only.iter().any(|one| names.contains(&one.as_str()) || pair == *one)
}

/// The processes, by peer and role.
pub(crate) struct Company {
    processes: BTreeMap<(String, usize), Process>,
    pub(crate) gaps: Gaps,
    /// Socket files of ipc; a short path, because an address holds about a hundred bytes.
    folder: TempDir,
    games: u32,
}

impl Company {
    pub(crate) fn new(gaps: Gaps) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("zpat").tempdir().context("a folder for ipc")?;
        Ok(Self { processes: BTreeMap::new(), gaps, folder, games: 0 })
    }

    /// Plays a scenario in all of its ways over all of its transports.
    pub(crate) fn play(&mut self, scenario: &Scenario, line: &[&Peer]) -> Outcome {
        match self.can_play(scenario, line) {
            Ok(true) => {}
            Ok(false) => return Outcome::Gap,
            Err(error) => return Outcome::Failed(format!("{error:#}")),
        }
        let ways: Vec<_> = if scenario.ways.is_empty() { vec![None] } else { scenario.ways.iter().map(Some).collect() };
        for (transport, way) in
            scenario.transports.iter().flat_map(|transport| ways.iter().map(move |way| (transport, way)))
        {
            if let Err(error) = self.play_once(scenario, line, *transport, *way) {
                // What the processes are in the middle of is unknown: the next scenario has new ones.
                for (role, peer) in cast(scenario, line) {
                    self.processes.remove(&(peer.name.clone(), role));
                }
                let way = way.map_or_else(String::new, |way| format!(", {way}"));
                return Outcome::Failed(format!("{transport:?}{way}: {error:#}"));
            }
        }
        Outcome::Passed
    }

    fn can_play(&mut self, scenario: &Scenario, line: &[&Peer]) -> Result<bool> {
        let mut can = true;
        for (role, peer) in cast(scenario, line) {
            let process = self.process(peer, role)?;
            let missing: Vec<_> = scenario.needs_of(role).filter(|need| !process.can.contains(*need)).collect();
            for need in missing {
                if !self.gaps.explain(&peer.name, need) {
                    bail!("{peer} lacks `{need}`, and gaps.toml does not say why");
                }
                can = false;
            }
        }
        Ok(can)
    }

    fn play_once(
        &mut self,
        scenario: &Scenario,
        line: &[&Peer],
        transport: Transport,
        way: Option<&String>,
    ) -> Result<()> {
        self.games += 1;
        let folder = self.folder.path().join(self.games.to_string());
        std::fs::create_dir(&folder).context("a folder for ipc")?;
        for (role, peer) in cast(scenario, line) {
            self.process(peer, role)?;
        }
        let mut playing = Vec::new();
        for ((name, role), process) in &mut self.processes {
            if cast(scenario, line).any(|(wanted, peer)| wanted == *role && peer.name == *name) {
                playing.push((*role, process));
            }
        }
        playing.sort_by_key(|(role, _)| *role);
        play(scenario, way, transport, folder, playing.into_iter().map(|(_, process)| process).collect())
    }

    fn process(&mut self, peer: &Peer, role: usize) -> Result<&Process> {
        let key = (peer.name.clone(), role);
        if !self.processes.contains_key(&key) {
            self.processes.insert(key.clone(), Process::start(peer)?);
        }
        Ok(&self.processes[&key])
    }

    /// Ends every process and says what is wrong with how they ended, or with the stated gaps.
    pub(crate) fn finish(&mut self) -> Vec<String> {
        let mut complaints = Vec::new();
        for ((name, role), process) in std::mem::take(&mut self.processes) {
            let outdated = self.gaps.outdated(&name, &process.can);
            complaints.extend(outdated.map(|what| format!("gaps.toml: {name} can `{what}` now")));
            if let Err(error) = process.finish() {
                complaints.push(format!("{name} in role {role} does not end as it should: {error:#}"));
            }
        }
        complaints.sort();
        complaints.dedup();
        complaints
    }
}

/// The peer of each role. If the line has two, a third role speaks the first one's language.
fn cast<'a>(scenario: &Scenario, line: &[&'a Peer]) -> impl Iterator<Item = (usize, &'a Peer)> + use<'a> {
    let mut peers = line.to_vec();
    peers.extend(line.first().copied());
    peers.into_iter().take(scenario.roles.len()).enumerate()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers() -> Vec<Peer> {
        ["rust=a", "rust-async=a --async", "c=b"].map(|text| Peer::parse(text).expect("a peer")).into()
    }

    fn names(only: &[&str]) -> Vec<String> {
        let only: Vec<_> = only.iter().map(|&name| name.to_owned()).collect();
        let peers = peers();
        let lines = lines(&peers, &only);
        lines.iter().map(|line| line.iter().map(|peer| peer.name.as_str()).collect::<Vec<_>>().join(":")).collect()
    }

    #[test]
    fn every_ordered_pair_plays_and_variants_play_with_the_first() {
        let alone = ["rust", "rust-async", "c"];
        let pairs = ["rust:rust", "rust:c", "c:rust", "c:c", "rust:rust-async", "rust-async:rust"];
        assert_eq!(names(&[]), [&alone[..], &pairs].concat());
        assert_eq!(names(&["c:rust", "rust-async:rust"]), ["c:rust", "rust-async:rust"]);
        assert_eq!(names(&["rust-async"]), ["rust-async", "rust:rust-async", "rust-async:rust"]);
    }

    #[test]
    fn in_a_circle_every_language_plays_every_role_once() {
        let peers = peers();
        let of = |only: &[String]| -> Vec<String> {
            let names = |line: &Vec<&Peer>| line.iter().map(|peer| peer.name.as_str()).collect::<Vec<_>>().join(":");
            circle(&peers, only).iter().map(names).collect()
        };
        assert_eq!(of(&[]), ["rust:c:rust", "c:rust:c"]);
        assert_eq!(of(&["rust:c".to_owned()]), ["rust:c:rust"]);
    }
}
