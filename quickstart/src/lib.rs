//! The quickstart: one command that takes a person from a fresh clone to four languages that talk to each other.
//!
//! It looks for toolchains ([`doctor`]), builds and installs the package of each language ([`packages`]), lets every
//! language talk to every other one ([`tutorials`]), measures each ([`bench`](mod@bench)) and writes a report ([`report`]). The
//! parts are a library because `cargo verify` uses them too.

#![forbid(unsafe_code)]

pub mod bench;
pub mod cli;
pub mod doctor;
pub mod language;
pub mod layout;
pub mod packages;
pub mod progress;
pub mod report;
pub mod shell;
pub mod tutorials;

use anyhow::Result;

use bench::plan::Plan;
use cli::{Cli, Command};
use doctor::Toolchains;
use layout::Layout;
use packages::Builder;
use progress::Progress;
use report::{Report, tables};
use tutorials::Extra;

/// Does what the command line says; `false` if a tool is missing (`doctor`), something failed or nothing could be built.
///
/// # Errors
/// When the work cannot begin or the report cannot be written. What fails in between is a row of the report.
pub fn run(cli: &Cli) -> Result<bool> {
    let progress = Progress::detect();
    let toolchains = Toolchains::find();
    println!("{}", tables::toolchains(&toolchains.tools));
    let languages = cli.common.languages();
    if matches!(cli.command, Some(Command::Doctor)) {
        return Ok(languages.iter().all(|&language| toolchains.lacks(language).is_none()));
    }

    let extras = Extra::read(&cli.texts, &cli.files)?;
    let layout = Layout::new(cli.common.out.clone())?;
    let plan = Plan::load(&layout)?;
    // Measuring briefly is part of everything; who asks for the measurements alone may want the long ones.
    let (measures, workloads) = match &cli.command {
        Some(Command::Bench { long, workloads }) => (Some(*long), workloads.as_slice()),
        _ => ((!cli.no_bench).then_some(false), [].as_slice()),
    };
    let mut report = Report::load(&layout).unwrap_or_else(|| {
        progress.say("The first build takes about 4 minutes on two processors; what comes later reuses it.");
        Report::default()
    });
    report.toolchains = toolchains.tools.iter().map(Into::into).collect();

    let jobs = cli.common.jobs.map(usize::from);
    let builder = Builder { layout: &layout, progress: &progress, toolchains: &toolchains, jobs };
    let built = builder.build(&languages, measures.map(|_| plan.peers()).as_ref());
    let mut failures = built.failures();

    if cli.command.is_none() {
        report.tutorial = tutorials::run(&layout, &progress, &languages, &built, &extras, cli.folder.as_deref())?;
        println!("{}", tables::tutorials(&report.tutorial));
        failures.extend(report.failed_pairs());
    }
    if let Some(long) = measures {
        report.bench = bench::run(&plan.only(workloads), long, &progress, &languages, &built);
        for &language in &languages {
            println!("{}", tables::bench(language, &report.bench));
        }
        failures.extend(report.failed_measurements());
    } else {
        report.bench.clear();
    }

    let paths = report.write(&layout)?;
    println!("The report: {}\n            {}", paths.html.display(), paths.json.display());
    for failure in &failures {
        println!("FAILED {failure}");
    }
    Ok(failures.is_empty() && built.languages.values().any(Result::is_ok))
}
