//! The tables on the terminal.

use comfy_table::{Cell, CellAlignment, Color, Table, presets::UTF8_FULL_CONDENSED};

use super::{BenchRow, TutorialRow};
use crate::{
    doctor::{Status, Tool},
    language::Language,
    tutorials::Tutorial,
};

/// What was found of every tool, and how to install what was not.
pub fn toolchains(tools: &[Tool]) -> String {
    let mut table = table(&["tool", "found", "oldest that works", "status", "install"]);
    for tool in tools {
        let status = colored(tool.status.word());
        // One way will do for what is there already; whoever lacks it chooses.
        let ways = tool.ways().take(if tool.status == Status::Ok { 1 } else { usize::MAX });
        let install = Cell::new(ways.collect::<Vec<_>>().join("\n"));
        table.add_row([tool.name.into(), Cell::new(&tool.version), tool.oldest.into(), status, install]);
    }
    format!("Toolchains\n{table}")
}

/// A table for each tutorial, as `tutorial` makes it.
pub fn tutorials(rows: &[TutorialRow]) -> String {
    let tables: Vec<String> = rows.chunk_by(|a, b| a.name == b.name).map(tutorial).collect();
    tables.join("\n")
}

/// Senders down, receivers across; each cell tells the worst of the pair.
fn tutorial(rows: &[TutorialRow]) -> String {
    let languages: Vec<Language> =
        Language::ALL.into_iter().filter(|language| rows.iter().any(|row| row.sender == *language)).collect();
    let name = rows.first().map_or("", |row| &row.name);
    let corner = Tutorial::named(name).map(Tutorial::corner).unwrap_or_default();
    let mut header = vec![&*corner];
    header.extend(languages.iter().map(|language| language.title()));
    let mut table = table(&header);
    for &sender in &languages {
        let cells = languages.iter().map(|&receiver| colored(&pair(rows, sender, receiver)));
        table.add_row([Cell::new(sender)].into_iter().chain(cells));
    }
    let passed = rows.iter().filter(|row| row.passed).count();
    format!("Tutorial {name}: {passed} of {} rows passed\n{table}", rows.len())
}

/// `ok` with the number of rows; or what went wrong, and where.
fn pair(rows: &[TutorialRow], sender: Language, receiver: Language) -> String {
    let rows: Vec<&TutorialRow> = rows.iter().filter(|it| it.sender == sender && it.receiver == receiver).collect();
    if let Some(absent) = rows.iter().find(|row| row.status == "missing") {
        return absent.status.clone();
    }
    let mut failed: Vec<&str> = rows.iter().filter(|row| !row.passed).map(|row| row.transport.as_str()).collect();
    failed.dedup();
    if failed.is_empty() { format!("ok ({})", rows.len()) } else { format!("failed ({})", failed.join(", ")) }
}

/// Percentiles that only the report shows: a terminal is narrow, and these tell the least.
const LEFT_OUT: [&str; 2] = ["p90", "max"];

/// What was measured in `language`, with the promises.
pub fn bench(language: Language, rows: &[BenchRow]) -> String {
    let header = ["workload", "size", "metric", "ours", "peer", "ratio (min-max)", "must (aim)", "", "limit in C"];
    let mut table = table(&header);
    for index in [1, 3, 4, 8] {
        table.column_mut(index).expect("the header has it").set_cell_alignment(CellAlignment::Right);
    }
    let mut last = String::new();
    let told = |row: &&BenchRow| row.percentile().is_none_or(|percentile| !LEFT_OUT.contains(&percentile));
    for row in rows.iter().filter(|row| row.language == language).filter(told) {
        let what = format!("{} {}\nbeside {}", row.implementation, row.workload, row.peer_name);
        let what = if what == last { String::new() } else { what };
        let cells = [
            Cell::new(&what),
            Cell::new(bytes(row.size)),
            Cell::new(&row.metric),
            Cell::new(figure(row.ours, &row.status)),
            Cell::new(figure(row.peer, &row.status)),
            Cell::new(ratio(row)),
            Cell::new(row.promise()),
            row.verdict.map_or_else(|| Cell::new(""), |verdict| colored(verdict.words())),
            Cell::new(figure(row.limit, "")),
        ];
        table.add_row(cells);
        if !what.is_empty() {
            last = what;
        }
    }
    format!("Bench: {language}\n{table}")
}

/// The ratio with its spread, such as `2.0x (1.8-2.3)`.
pub fn ratio(row: &BenchRow) -> String {
    match (row.ratio, row.spread) {
        (Some(ratio), Some([min, max])) => format!("{ratio:.2}x ({min:.2}-{max:.2})"),
        _ => String::new(),
    }
}

/// A figure with as many digits as it deserves. Where there is none, `status` says why; or nothing if it is no figure of theirs.
pub fn figure(value: Option<f64>, status: &str) -> String {
    match value {
        None if status == "ok" => String::new(),
        None => status.to_owned(),
        Some(value) if value.is_infinite() => "never".to_owned(),
        Some(value) if value >= 1000.0 => grouped(value.round() as u64),
        Some(value) if value >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}

/// A message size: `100 B`, `64 KB`.
pub fn bytes(size: u32) -> String {
    if size.is_multiple_of(1024) { format!("{} KB", size / 1024) } else { format!("{size} B") }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = (0..digits.len().div_ceil(3))
        .rev()
        .map(|group| &digits[digits.len().saturating_sub(3 * group + 3)..digits.len() - 3 * group])
        .collect();
    groups.join(" ")
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header);
    table
}

/// Colours the words that tell good from bad, on a terminal.
fn colored(word: &str) -> Cell {
    let color = match word {
        word if word.starts_with("ok") || word.starts_with("met") => Color::Green,
        word if word.starts_with("failed") || word == "too old" => Color::Red,
        _ => Color::Yellow,
    };
    Cell::new(word).fg(color)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_figures_for_people() {
        assert_eq!(figure(Some(1_234_567.4), ""), "1 234 567");
        assert_eq!([figure(None, "missing"), figure(None, "ok")], ["missing", ""]);
        assert_eq!(figure(Some(1000.0), ""), "1 000");
        assert_eq!(figure(Some(52.34), ""), "52.3");
        assert_eq!(figure(Some(0.456), ""), "0.46");
        assert_eq!(figure(None, "missing"), "missing");
        assert_eq!(figure(Some(f64::INFINITY), ""), "never");
        assert_eq!((bytes(100), bytes(65536)), ("100 B".into(), "64 KB".into()));
    }

    #[test]
    fn a_matrix_shows_the_worst_of_each_pair() {
        let row = |transport: &str, status: &str| TutorialRow {
            name: "01-strings".into(),
            sender: Language::C,
            receiver: Language::C,
            transport: transport.into(),
            case: "ascii".into(),
            passed: status == "ok",
            status: status.into(),
            note: None,
        };
        assert_eq!(pair(&[row("tcp", "ok"), row("ws", "ok")], Language::C, Language::C), "ok (2)");
        assert_eq!(pair(&[row("tcp", "ok"), row("ws", "failed")], Language::C, Language::C), "failed (ws)");
        assert_eq!(pair(&[row("tcp", "missing")], Language::C, Language::C), "missing");
    }
}
