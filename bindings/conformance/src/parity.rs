//! What each language has, what it lacks, and why: the page `docs/parity.md`.
//!
//! It follows from the scenarios and `gaps.toml`, which a run holds against the peers, and from `names.toml`, which is
//! held here against what each language exports: a name that is not there fails, an export without a row fails, and so
//! does a reason that explains nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::{
    gaps::{Gaps, language},
    scenario::Scenario,
    surface::{FACES, Face, exports},
};

const INTRODUCTION: &str = "\
<!-- Generated; do not edit. Write it again with
     cargo run -p zpatterns-conformance -- --parity docs/parity.md -->
# What each language has

One core does the work, so a language lacks only what does not fit it, or what nobody has written yet. This page comes
from the names that each language exports, and from the scenarios that [conformance](../bindings/conformance/README.md)
plays over every ordered pair of languages; `cargo verify conformance` fails if it says anything else than they do.
";

/// `names.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    values: Vec<String>,
    section: Vec<Section>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    title: String,
    /// The type whose members the calls are.
    #[serde(rename = "type")]
    owner: Option<String>,
    calls: Vec<Call>,
}

#[derive(Deserialize)]
struct Call {
    name: String,
    /// By peer, where it is not the name that the convention gives.
    #[serde(flatten)]
    named: BTreeMap<String, String>,
}

/// Writes the page about these scenarios. `conformance` is the folder of this package, in its repository.
pub(crate) fn page(scenarios: &[Scenario], gaps: &Gaps, conformance: &Path) -> Result<String> {
    let file = conformance.join("names.toml");
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let names: Names = toml::from_str(&text).with_context(|| file.display().to_string())?;
    let mut page = Page { notes: Notes::new(gaps), exports: BTreeMap::new(), rows: BTreeSet::new(), wrong: vec![] };
    for face in FACES {
        let exported = exports(&conformance.join("../.."), language(face.peer))?;
        page.exports.insert(language(face.peer), exported);
    }
    let behaviour = page.behaviour(scenarios);
    let calls: String = names.section.iter().map(|section| page.calls(section)).collect();
    page.look_for_more(&names.values);
    if !page.wrong.is_empty() {
        bail!("{}", page.wrong.join("\n"));
    }
    let lacks = page.notes.table();
    Ok(format!(
        "{INTRODUCTION}\n## What a language lacks or does otherwise, and why\n\n{lacks}\n\
        ## What it is called\n\n\
        Members of a section's type are named without it; a number is a reason from above.\n{calls}\n\
        ## How it behaves\n\nA row is a scenario, a tick a language that plays every role of it.\n{behaviour}"
    ))
}

struct Page<'a> {
    notes: Notes<'a>,
    /// By language.
    exports: BTreeMap<&'static str, BTreeSet<String>>,
    /// What is in a row, by language.
    rows: BTreeSet<(&'static str, String)>,
    wrong: Vec<String>,
}

impl Page<'_> {
    /// A row per scenario: a tick, or why a language cannot play it.
    fn behaviour(&mut self, scenarios: &[Scenario]) -> String {
        let groups: BTreeSet<_> = scenarios.iter().map(|scenario| (scenario.pattern(), &*scenario.subject)).collect();
        let mut text = String::new();
        for (pattern, subject) in groups {
            let of_group = |it: &&Scenario| (it.pattern(), &*it.subject) == (pattern, subject);
            let rows = scenarios.iter().filter(of_group).map(|scenario| {
                let cells = FACES.iter().map(|face| {
                    let needs: BTreeSet<_> =
                        (0..scenario.roles.len()).flat_map(|role| scenario.needs_of(role)).collect();
                    let notes: Vec<_> = needs.into_iter().filter_map(|need| self.notes.number(face, need)).collect();
                    if notes.is_empty() { "✓".to_owned() } else { notes.join(" ") }
                });
                (scenario.title.clone(), cells.collect())
            });
            let rows: Vec<_> = rows.collect();
            text += &table(&format!("`{pattern}`: {subject}"), FACES.iter(), &rows);
        }
        text
    }

    /// A row per call: its names, or why a language has none.
    fn calls(&mut self, section: &Section) -> String {
        let mut columns: Vec<&Face> = FACES.iter().filter(|face| face.has_calls).collect();
        let mut cells = |call: &Call| columns.iter().map(|face| self.call(section, call, face)).collect();
        let mut rows: Vec<(String, Vec<String>)> =
            section.calls.iter().map(|call| (call.name.replace('-', " "), cells(call))).collect();
        for peer in section.calls.iter().flat_map(|call| call.named.keys()) {
            if FACES.iter().all(|face| face.peer != peer) {
                self.wrong.push(format!("{}: `{peer}` is no language of names.toml", section.title));
            }
        }
        // Another face has a column where it differs from its language.
        for index in (1..columns.len()).rev() {
            let is_variant = language(columns[index].peer) == columns[index - 1].peer;
            if is_variant && rows.iter().all(|(_, cells)| cells[index] == cells[index - 1]) {
                columns.remove(index);
                rows.iter_mut().for_each(|(_, cells)| drop(cells.remove(index)));
            }
        }
        table(&section.title, columns.into_iter(), &rows)
    }

    fn call(&mut self, section: &Section, call: &Call, face: &Face) -> String {
        if let Some(note) = self.notes.number(face, &call.name) {
            return note;
        }
        let (language, owner) = (language(face.peer), section.owner.as_deref().unwrap_or_default());
        let exported = &self.exports[language];
        let module =
            if face.peer == "python-async" && exported.contains(&format!("aio.{owner}")) { "aio." } else { "" };
        let given = call.named.get(face.peer).or_else(|| call.named.get(language));
        let names = given.cloned().unwrap_or_else(|| convention(language, owner, &call.name));
        let mut shown = Vec::new();
        for name in names.split(' ') {
            let places = [format!("{module}{owner}.{name}"), format!("{module}{name}"), name.to_owned()];
            let Some(place) = places.into_iter().find(|place| exported.iter().any(|export| covers(place, export)))
            else {
                let (title, row) = (&section.title, &call.name);
                self.wrong
                    .push(format!("{title}, {row}: {language} exports no `{name}`: what is it, or why is it not?"));
                continue;
            };
            let short = name.strip_suffix(".*").unwrap_or(name);
            shown.push(format!("`{}`", if language == "rust" { short.replace('.', "::") } else { short.to_owned() }));
            self.rows.insert((language, place));
        }
        shown.join(" ")
    }

    /// Whatever a language exports is in a row, and every reason explains something.
    fn look_for_more(&mut self, values: &[String]) {
        for (language, exported) in &self.exports {
            let is_call =
                |name: &&String| name.rsplit('.').next().is_some_and(|last| last.starts_with(char::is_lowercase));
            for name in exported.iter().filter(is_call) {
                let in_a_row = self.rows.iter().any(|(of, row)| of == language && covers(row, name));
                if !in_a_row && !values.iter().any(|value| name.starts_with(&format!("{value}."))) {
                    self.wrong.push(format!("`{name}` of {language} is in no row of names.toml"));
                }
            }
        }
        self.wrong.extend(self.notes.idle());
    }
}

/// Whether a name of a row, which may end in `*`, is this export or includes it.
fn covers(row: &str, export: &str) -> bool {
    match row.strip_suffix('*') {
        Some(start) => export.starts_with(start),
        None => export == row,
    }
}

/// `recv-text` in a language that does not name it otherwise.
fn convention(language: &str, owner: &str, row: &str) -> String {
    let snake = row.replace('-', "_");
    match language {
        "c" => format!("zpat_{}_{snake}", snake_case(owner)),
        "node" => {
            let mut words = row.split('-').map(|word| if word == "recv" { "receive" } else { word });
            let first = words.next().unwrap_or_default().to_owned();
            words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
        }
        _ => snake,
    }
}

/// A table with a column per face.
fn table<'a>(title: &str, faces: impl Iterator<Item = &'a Face>, rows: &[(String, Vec<String>)]) -> String {
    let titles: Vec<_> = faces.map(|face| face.title).collect();
    let mut text = format!("\n| {title} | {} |\n|{}\n", titles.join(" | "), "---|".repeat(titles.len() + 1));
    for (row, cells) in rows {
        let _ = writeln!(text, "| {row} | {} |", cells.join(" | "));
    }
    text
}

/// The reasons, numbered, and which of them a cell refers to.
struct Notes<'a> {
    /// A face, what it lacks, and the reason.
    all: Vec<(&'static Face, &'a str, &'a str)>,
    used: BTreeSet<usize>,
}

impl<'a> Notes<'a> {
    fn new(gaps: &'a Gaps) -> Self {
        let of = |face: &'static Face| {
            let reasons = gaps.reasons.get(face.peer).into_iter().flatten();
            reasons.map(move |(what, reason)| (face, what.as_str(), reason.as_str()))
        };
        Self { all: FACES.iter().flat_map(of).collect(), used: BTreeSet::new() }
    }

    /// The number of the reason why this face lacks `what`, if it does.
    fn number(&mut self, face: &Face, what: &str) -> Option<String> {
        let place = |peer: &str| self.all.iter().position(|(face, lacking, _)| face.peer == peer && *lacking == what);
        let index = place(face.peer).or_else(|| place(language(face.peer)))?;
        self.used.insert(index);
        Some(format!("({})", index + 1))
    }

    fn idle(&self) -> impl Iterator<Item = String> {
        let idle = self.all.iter().enumerate().filter(|(index, _)| !self.used.contains(index));
        idle.map(|(_, (face, what, _))| format!("gaps.toml: nothing needs `{what}`, which {} lacks", face.peer))
    }

    fn table(&self) -> String {
        let rows = self.all.iter().enumerate().map(|(index, (face, what, reason))| {
            format!("| ({}) | {} | {} | {reason} |\n", index + 1, face.title, what.replace('-', " "))
        });
        format!("| | | lacks | because |\n|---|---|---|---|\n{}", rows.collect::<String>())
    }
}

/// `QueueJob` as `queue_job`.
fn snake_case(name: &str) -> String {
    let inner = |(index, letter): (usize, char)| {
        let between = (index > 0 && letter.is_uppercase()).then_some('_');
        between.into_iter().chain(letter.to_lowercase())
    };
    name.chars().enumerate().flat_map(inner).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_as_it_would_be_written_now() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let scenarios = Scenario::load_all(&folder.join("scenarios")).expect("well-formed");
        let gaps = Gaps::load(&folder.join("scenarios")).expect("well-formed");
        let now = page(&scenarios, &gaps, folder).expect("names, gaps and exports agree");
        let committed = fs::read_to_string(folder.join("../../docs/parity.md")).expect("it is committed");
        let differs = now.lines().zip(committed.lines()).find(|(now, committed)| now != committed);
        assert!(
            now == committed,
            "docs/parity.md is not as it would be written now, first here: {differs:?}\nWrite it again with\n    \
             cargo run -p zpatterns-conformance -- --parity docs/parity.md"
        );
    }

    #[test]
    fn names_follow_the_convention_of_their_language() {
        let named = ["rust", "c", "python", "node"].map(|language| convention(language, "Socket", "recv-text"));
        assert_eq!(named, ["recv_text", "zpat_socket_recv_text", "recv_text", "receiveText"]);
        assert_eq!(snake_case("QueueJob"), "queue_job");
        assert!(covers("Batch.*", "Batch.push") && covers("send", "send") && !covers("send", "send_many"));
    }
}
