//! Every check and every test of every language: `cargo verify`.
//!
//! What CI runs, a person runs, by the same command. Each [stage](stages) stands for itself: one that fails does not
//! stop the others, and `cargo verify NAME` runs it alone.

mod guards;
mod stages;

use std::{collections::BTreeSet, process::ExitCode, time::Instant};

use clap::Parser;
use zpatterns_quickstart::{doctor::Toolchains, layout::Layout, progress::Progress, shell::Log};

use stages::{STAGES, Stage, Work};

/// Runs every check and every test of every language.
#[derive(Parser)]
#[command(name = "cargo verify", version)]
struct Arguments {
    /// Run only these stages; the order stays.
    stages: Vec<String>,
    /// List the stages.
    #[arg(long)]
    list: bool,
    /// Install what a stage needs from Debian's packages (implied by CI=true); otherwise it is reported as missing.
    #[arg(long)]
    install: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo verify: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    if arguments.list {
        for stage in STAGES {
            println!("{:12} {}", stage.name, stage.title);
        }
        return Ok(true);
    }
    if let Some(unknown) = arguments.stages.iter().find(|name| STAGES.iter().all(|stage| stage.name != **name)) {
        anyhow::bail!("there is no stage `{unknown}`; --list shows those there are");
    }
    let chosen = |stage: &&Stage| arguments.stages.is_empty() || arguments.stages.iter().any(|name| name == stage.name);

    let progress = Progress::detect();
    progress.say("A first run takes about half an hour on two processors; later ones reuse the build.");
    let (layout, toolchains) = (Layout::new(None)?, Toolchains::find());
    let started = Instant::now();
    let may_install = arguments.install || std::env::var("CI").is_ok_and(|value| value == "true");
    let (mut passed, mut failed, mut installed) = (0, Vec::new(), BTreeSet::new());
    for stage in STAGES.iter().filter(chosen) {
        let step = progress.step(stage.title);
        let log = Log::create(layout.log(&format!("verify-{}", stage.name)))?;
        let outcome = (stage.run)(&mut Work {
            layout: &layout,
            progress: &progress,
            toolchains: &toolchains,
            step: &step,
            log,
            may_install,
            installed: &mut installed,
        });
        step.end(if outcome.is_ok() { "ok" } else { "FAILED" });
        match outcome {
            Ok(()) => passed += 1,
            Err(error) => {
                progress.say(&format!("{error:#}"));
                failed.push(stage.name);
            }
        }
    }
    if !failed.is_empty() {
        println!("failed: {}; run one again with `cargo verify NAME`", failed.join(", "));
    }
    println!("{:.0} s", started.elapsed().as_secs_f64());
    println!("{passed} passed, {} failed", failed.len());
    Ok(failed.is_empty())
}
