//! `zpat`: zpatterns on the command line.

mod info;
mod keys;
mod socket;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Reliable messaging patterns over ZeroMQ.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print versions and capabilities of this build.
    Info(info::Arguments),
    /// Make a CURVE key pair.
    Keys,
    /// Send each line of the input as a message.
    Send(socket::SendArguments),
    /// Print each message that arrives.
    Recv(socket::RecvArguments),
    /// Pass messages between two endpoints.
    Proxy(socket::ProxyArguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Info(arguments) => info::run(&arguments),
        Command::Keys => keys::run(),
        Command::Send(arguments) => socket::send(&arguments),
        Command::Recv(arguments) => socket::recv(&arguments),
        Command::Proxy(arguments) => socket::proxy(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("zpat: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What a command may end with: an error of ours or of the terminal.
type Outcome = Result<(), Box<dyn std::error::Error>>;
