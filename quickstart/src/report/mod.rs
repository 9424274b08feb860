//! The report: `report.json` for programs and `report.html` for people, both in `target/quickstart`.

mod curves;
pub mod html;
pub mod tables;

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::{doctor::Tool, language::Language, layout::Layout};

/// Everything that a run found out; its JSON has exactly these three keys.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// A row per case, transport and ordered pair of languages of each tutorial.
    pub tutorial: Vec<TutorialRow>,
    /// A row per metric, size, workload and implementation.
    pub bench: Vec<BenchRow>,
    /// A row per tool.
    pub toolchains: Vec<ToolRow>,
}

/// One case of a tutorial between two languages, such as a string on its way from one to the other.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TutorialRow {
    /// The tutorial.
    pub name: String,
    /// Who sent it, or asked.
    pub sender: Language,
    /// Who received it, or worked.
    pub receiver: Language,
    /// `tcp`, `ipc` or `ws`.
    pub transport: String,
    /// The name of the string, or of who prints; `end` stands for how both programs ended.
    pub case: String,
    /// Whether it went as the tutorial says.
    pub passed: bool,
    /// `ok`, `failed`, or `missing` where a language has no toolchain.
    pub status: String,
    /// What was wrong.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
}

/// One metric of ours beside the peer's.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct BenchRow {
    /// The language of both.
    pub language: Language,
    /// What both did.
    pub workload: String,
    /// Bytes per message.
    pub size: u32,
    /// What was measured, with its unit.
    pub metric: String,
    /// The median of ours.
    pub ours: Option<f64>,
    /// The median of the peer.
    pub peer: Option<f64>,
    /// Who the peer is.
    pub peer_name: String,
    /// The median over all rounds of ours divided by the peer's.
    pub ratio: Option<f64>,
    /// How many rounds have both.
    pub runs: usize,
    /// Which of ours.
    pub implementation: String,
    /// The median of the limit, such as plain libzmq in C.
    pub limit: Option<f64>,
    /// What the limit is.
    #[serde(default)]
    pub limit_name: String,
    /// The smallest and the largest ratio of a round.
    pub spread: Option<[f64; 2]>,
    /// The ratio that is promised.
    pub must: Option<f64>,
    /// The ratio that it works towards.
    pub aim: Option<f64>,
    /// What ours must reach whatever the peer does, in the unit of the metric.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub at_least: Option<f64>,
    /// What ours must not exceed whatever the peer does, in the unit of the metric.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub at_most: Option<f64>,
    /// Whether the promise holds; absent without one, or without figures.
    pub verdict: Option<Verdict>,
    /// `ok`, `failed`, or `missing`.
    pub status: String,
    /// Why a figure is not there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
}

/// Whether a promise holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Verdict {
    /// It does.
    #[serde(rename = "met")]
    Met,
    /// It does not.
    #[serde(rename = "missed")]
    Missed,
    /// It does, judged by CPU per message.
    #[serde(rename = "met by CPU")]
    MetByCpu,
    /// It does not, judged by CPU per message.
    #[serde(rename = "missed by CPU")]
    MissedByCpu,
}

impl Verdict {
    /// The verdict on a promise that is `met` or not, judged `by_cpu` or by the row's own metric.
    pub const fn new(met: bool, by_cpu: bool) -> Self {
        match (met, by_cpu) {
            (true, false) => Self::Met,
            (false, false) => Self::Missed,
            (true, true) => Self::MetByCpu,
            (false, true) => Self::MissedByCpu,
        }
    }

    /// Whether the promise holds.
    pub const fn is_met(self) -> bool {
        matches!(self, Self::Met | Self::MetByCpu)
    }

    /// The words in tables.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::MetByCpu => "met by CPU",
            Self::MissedByCpu => "missed by CPU",
        }
    }
}

/// One tool of a toolchain.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ToolRow {
    /// The tool.
    pub name: String,
    /// What it says its version is; empty if it is missing.
    pub version: String,
    /// `ok`, `missing` or `too old`.
    pub status: String,
    /// The oldest that works.
    pub oldest: String,
    /// How to install it.
    pub install: String,
}

impl From<&Tool> for ToolRow {
    fn from(tool: &Tool) -> Self {
        Self {
            name: tool.name.into(),
            version: tool.version.clone(),
            status: tool.status.word().into(),
            oldest: tool.oldest.into(),
            install: tool.install.into(),
        }
    }
}

impl BenchRow {
    /// The name of the percentile that the row tells, such as `p99.9`; `None` if it tells something else.
    pub fn percentile(&self) -> Option<&str> {
        self.metric.strip_suffix("_us")
    }

    /// Whether both rows come from the same comparison at the same size.
    pub fn belongs_with(&self, other: &Self) -> bool {
        (self.language, &self.implementation, &self.workload, self.size, &self.peer_name)
            == (other.language, &other.implementation, &other.workload, other.size, &other.peer_name)
    }

    /// What is promised, and in brackets what it works towards; a figure, where the promise is no ratio.
    pub fn promise(&self) -> String {
        match (self.must, self.aim) {
            (Some(must), Some(aim)) => format!("{must}x ({aim}x)"),
            (Some(must), None) => format!("{must}x"),
            (None, _) => match (self.at_least, self.at_most) {
                (Some(least), _) => tables::figure(Some(least), ""),
                (None, Some(most)) => format!("<= {}", tables::figure(Some(most), "")),
                (None, None) => String::new(),
            },
        }
    }
}

/// Where the two files are.
#[derive(Clone, Debug)]
pub struct Paths {
    /// For programs.
    pub json: PathBuf,
    /// For people.
    pub html: PathBuf,
}

impl Report {
    /// The report of an earlier run, whose parts stay until they are run again.
    pub fn load(layout: &Layout) -> Option<Self> {
        serde_json::from_slice(&fs::read(layout.made("report.json")).ok()?).ok()
    }

    /// Writes both files.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, layout: &Layout) -> Result<Paths> {
        let paths = Paths { json: layout.made("report.json"), html: layout.made("report.html") };
        let write = |path: &PathBuf, text: String| {
            fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        write(&paths.json, serde_json::to_string_pretty(self)? + "\n")?;
        write(&paths.html, html::page(self)?)?;
        Ok(paths)
    }

    /// A line for each reason why a tutorial did not go as it says.
    pub fn failed_pairs(&self) -> Vec<String> {
        reasons(self.tutorial.iter().filter(|row| row.status == "failed").map(|row| {
            let pair = format!("{} to {} over {}: {}", row.sender, row.receiver, row.transport, row.case);
            (format!("tutorial {}, {pair}", row.name), &row.note)
        }))
    }

    /// A line for each reason why something could not be measured.
    pub fn failed_measurements(&self) -> Vec<String> {
        reasons(self.bench.iter().filter(|row| row.status == "failed").map(|row| {
            (format!("bench {} {} {}, {} bytes", row.language, row.implementation, row.workload, row.size), &row.note)
        }))
    }
}

/// One line per reason, with the first row that has it and the number of others: a package that could not be built
/// fails hundreds of rows.
fn reasons<'a>(rows: impl Iterator<Item = (String, &'a Option<String>)>) -> Vec<String> {
    let mut found: Vec<(&str, String, usize)> = Vec::new();
    for (row, note) in rows {
        let note = note.as_deref().unwrap_or_default();
        match found.iter_mut().find(|(reason, ..)| *reason == note) {
            Some((.., others)) => *others += 1,
            None => found.push((note, row, 0)),
        }
    }
    let lines = found.into_iter().map(|(reason, first, others)| match others {
        0 => format!("{first}: {reason}"),
        _ => format!("{first}, and {others} rows more: {reason}"),
    });
    lines.collect()
}

#[cfg(test)]
mod tests;
