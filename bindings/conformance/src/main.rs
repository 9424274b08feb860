//! `zpatterns-conformance --peer rust=PATH --peer python='python3 peers/peer.py' ...`

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use zpatterns_conformance::{Peer, Request, list, run, write_parity};

/// Plays every scenario over every ordered pair of languages.
#[derive(Parser)]
#[command(name = "zpatterns-conformance", version)]
struct Arguments {
    /// A peer: its name and the command that starts it, words separated by spaces. A name that ends in `-async` is a
    /// variant: it plays with itself and with the first peer given.
    #[arg(long = "peer", value_name = "NAME=COMMAND", value_parser = Peer::parse)]
    peers: Vec<Peer>,
    /// Only lines in which this peer plays, or only `SERVER:CLIENT`.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Only scenarios whose name, such as `socket/push-pull`, contains this.
    #[arg(long, value_name = "TEXT")]
    scenario: Vec<String>,
    /// Play scenarios in which processes are killed also over every ordered pair; otherwise each language plays every
    /// role of them once.
    #[arg(long)]
    all_pairs: bool,
    /// The folder of the scenarios.
    #[arg(long, value_name = "FOLDER", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios"))]
    scenarios: PathBuf,
    /// List the scenarios.
    #[arg(long)]
    list: bool,
    /// Write the page that says what each language has, as docs/parity.md is one.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["list", "peers"])]
    parity: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let request = Request {
        scenarios: arguments.scenarios,
        peers: arguments.peers,
        only: arguments.only,
        scenario: arguments.scenario,
        all_pairs: arguments.all_pairs,
    };
    let mut out = std::io::stdout();
    let outcome = if let Some(page) = arguments.parity {
        write_parity(&request, &page).map(|()| true)
    } else if arguments.list {
        list(&request, &mut out).map(|()| true)
    } else {
        run(&request, &mut out).map(|summary| summary.failed == 0)
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("zpatterns-conformance: {error:#}");
            ExitCode::FAILURE
        }
    }
}
