//! The page for people: tables and plots in one file that needs nothing else.
//!
//! The template holds the looks; here the rows become what it shows. Ratios are plotted on a logarithmic axis, so that
//! twice as fast and half as fast lie equally far from the peer's line.

use anyhow::{Context as _, Result};
use minijinja::{Environment, value::Serde};
use serde::Serialize;

use super::{
    BenchRow, Report, ToolRow, TutorialRow,
    curves::{Chart, Curves},
    tables,
};
use crate::{language::Language, tutorials::Tutorial};

const TEMPLATE: &str = include_str!("../templates/report.html");
/// The axis of the plots reaches from 1/8 to 64, in powers of two, and is so many units wide.
const AXIS: (f64, f64, f64) = (-3.0, 6.0, 540.0);

/// What the template shows.
#[derive(Serialize)]
struct Page<'a> {
    failures: Vec<String>,
    toolchains: &'a [ToolRow],
    matrices: Vec<Matrix>,
    sections: Vec<Section>,
    ticks: Vec<(String, f64)>,
    width: f64,
}

/// A tutorial: senders down, receivers across.
#[derive(Serialize)]
struct Matrix {
    name: String,
    story: &'static str,
    corner: String,
    passed: usize,
    total: usize,
    languages: Vec<&'static str>,
    rows: Vec<(&'static str, Vec<MatrixCell>)>,
}

#[derive(Serialize)]
struct MatrixCell {
    status: &'static str,
    transports: Vec<Transport>,
}

#[derive(Serialize)]
struct Transport {
    name: String,
    status: &'static str,
    notes: String,
}

#[derive(Serialize)]
struct Section {
    title: &'static str,
    bars: Vec<Bar>,
    charts: Vec<Chart>,
    rows: Vec<Line>,
}

/// One ratio in the plot: a line from the smallest to the largest round, and a dot at the median. Its text says to
/// whom.
#[derive(Serialize)]
struct Bar {
    label: String,
    text: String,
    from: f64,
    to: f64,
    at: f64,
    must: Option<f64>,
    status: &'static str,
}

/// A row of the table; the first of a comparison and size says what it is and how many rows belong to it.
#[derive(Serialize)]
struct Line {
    what: Option<String>,
    span: usize,
    peer: String,
    size: String,
    metric: String,
    figures: [String; 4],
    must: String,
    verdict: String,
    status: &'static str,
}

/// The page of a report.
///
/// # Errors
/// When the template is wrong.
pub fn page(report: &Report) -> Result<String> {
    let mut environment = Environment::new();
    environment.add_template("report.html", TEMPLATE).context("the template of the report is wrong")?;
    let template = environment.get_template("report.html").context("there is no template")?;
    let page = Page {
        failures: report.failed_pairs().into_iter().chain(report.failed_measurements()).collect(),
        toolchains: &report.toolchains,
        matrices: report.tutorial.chunk_by(|a, b| a.name == b.name).map(matrix).collect(),
        sections: Language::ALL.into_iter().filter_map(|language| section(report, language)).collect(),
        ticks: (AXIS.0 as i32..=AXIS.1 as i32).map(|power| (tick(power), x(2f64.powi(power)))).collect(),
        width: AXIS.2,
    };
    template.render(Serde(&page)).context("the report cannot be rendered")
}

fn tick(power: i32) -> String {
    if power < 0 { format!("1/{}", 1 << -power) } else { (1 << power).to_string() }
}

fn matrix(rows: &[TutorialRow]) -> Matrix {
    let languages: Vec<Language> =
        Language::ALL.into_iter().filter(|language| rows.iter().any(|row| row.sender == *language)).collect();
    let lines = languages.iter().map(|&sender| {
        let cells = languages
            .iter()
            .map(|&receiver| matrix_cell(rows.iter().filter(|row| row.sender == sender && row.receiver == receiver)));
        (sender.title(), cells.collect())
    });
    let name = rows.first().map_or("", |row| &row.name);
    let tutorial = Tutorial::named(name);
    Matrix {
        name: name.into(),
        story: tutorial.map_or("", |tutorial| tutorial.story),
        corner: tutorial.map(Tutorial::corner).unwrap_or_default(),
        passed: rows.iter().filter(|row| row.passed).count(),
        total: rows.len(),
        languages: languages.iter().map(|language| language.title()).collect(),
        rows: lines.collect(),
    }
}

fn matrix_cell<'a>(rows: impl Iterator<Item = &'a TutorialRow>) -> MatrixCell {
    let mut transports: Vec<Transport> = Vec::new();
    for row in rows {
        let status = class(&row.status);
        match transports.iter_mut().find(|transport| transport.name == row.transport) {
            Some(transport) if status != "ok" => transport.status = status,
            Some(_) => {}
            None => transports.push(Transport { name: row.transport.clone(), status, notes: String::new() }),
        }
        if let (Some(note), Some(transport)) = (&row.note, transports.last_mut()) {
            transport.notes += &format!("{}: {note}\n", row.case);
        }
    }
    let worst = transports.iter().map(|transport| transport.status).max_by_key(|status| *status != "ok");
    MatrixCell { status: worst.unwrap_or("missing"), transports }
}

fn section(report: &Report, language: Language) -> Option<Section> {
    let rows: Vec<&BenchRow> = report.bench.iter().filter(|row| row.language == language).collect();
    let comparisons: Vec<&[&BenchRow]> = rows.chunk_by(|a, b| a.belongs_with(b)).collect();
    let curves = Curves::of(&report.bench);
    let lines = comparisons
        .iter()
        .flat_map(|group| group.iter().enumerate().map(|(index, row)| line(row, (index == 0).then_some(group.len()))));
    (!rows.is_empty()).then(|| Section {
        title: language.title(),
        bars: comparisons.iter().filter_map(|group| bar(group[0])).collect(),
        charts: comparisons.iter().filter_map(|group| curves.chart(group)).collect(),
        rows: lines.collect(),
    })
}

fn bar(row: &BenchRow) -> Option<Bar> {
    let ([min, max], ratio) = (row.spread?, row.ratio?);
    let label = format!("{} {} {}", row.implementation, row.workload, tables::bytes(row.size));
    Some(Bar {
        label: row.percentile().map_or(label.clone(), |percentile| format!("{label} {percentile}, less is better")),
        text: format!("{ratio:.2}x {}", row.peer_name),
        from: x(min),
        to: x(max),
        at: x(ratio),
        must: row.must.map(x),
        status: row.verdict.map_or("plain", |verdict| if verdict.is_met() { "ok" } else { "failed" }),
    })
}

/// Where a ratio lies on the axis.
fn x(ratio: f64) -> f64 {
    let (low, high, width) = AXIS;
    let place = (ratio.max(f64::MIN_POSITIVE).log2().clamp(low, high) - low) / (high - low) * width;
    (place * 10.0).round() / 10.0
}

fn line(row: &BenchRow, first_of: Option<usize>) -> Line {
    let figure = |value| tables::figure(value, &row.status);
    Line {
        what: first_of.map(|_| format!("{} {}", row.implementation, row.workload)),
        span: first_of.unwrap_or_default(),
        peer: row.peer_name.clone(),
        size: tables::bytes(row.size),
        metric: row.metric.clone(),
        figures: [figure(row.ours), figure(row.peer), tables::ratio(row), tables::figure(row.limit, "")],
        must: row.promise(),
        verdict: row.verdict.map(|verdict| verdict.words().to_owned()).or_else(|| row.note.clone()).unwrap_or_default(),
        status: match row.verdict {
            Some(verdict) => {
                if verdict.is_met() {
                    "ok"
                } else {
                    "failed"
                }
            }
            None => class(&row.status),
        },
    }
}

/// The class of a status in the style sheet.
fn class(status: &str) -> &'static str {
    match status {
        "ok" => "ok",
        "missing" => "missing",
        _ => "failed",
    }
}
