//! Builds, installs, measures and tries zpatterns in every language: cargo quickstart.

use std::process::ExitCode;

use clap::Parser as _;
use zpatterns_quickstart::{cli::Cli, run};

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo quickstart: {error:#}");
            ExitCode::FAILURE
        }
    }
}
