//! `zpat`: zpatterns on the command line.
//!
//! A library, because the command comes three ways: as a program of its own, with the Python wheel, and with the npm
//! package.

#![forbid(unsafe_code)]

mod bus;
mod info;
mod keys;
mod pubsub;
mod reading;
mod reqrep;
mod shell;
mod socket;
mod zqueue;

use std::ffi::OsString;

use clap::{Parser, Subcommand};

/// Reliable messaging patterns over ZeroMQ.
#[derive(Parser)]
#[command(name = "zpat", version, arg_required_else_help = true)]
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
    /// Take requests from clients and give them to workers.
    Broker(reqrep::BrokerArguments),
    /// Ask, and print the reply.
    Request(reqrep::RequestArguments),
    /// Answer requests with a shell command.
    Work(reqrep::WorkArguments),
    /// Publish for those who may hear it, and tell on the standard error who comes and goes.
    Pub(pubsub::PubArguments),
    /// Print what is published, and on the standard error what is missed.
    Sub(pubsub::SubArguments),
    /// Send to all, hear all: a multicast bus.
    ///
    /// It is at one of these, where INTERFACE is a name, an address or a network of this machine, or *:
    ///
    /// epgm://INTERFACE;GROUP:PORT                    multicast
    /// pgm://INTERFACE;GROUP:PORT                     the same without UDP; needs the capability CAP_NET_RAW
    /// udp://INTERFACE:PORT;HOST:PORT,HOST:PORT,...   each host is sent to one by one; all may have the same list
    /// relay://HOST:PORT                              where `zpat bus forward` is
    #[command(subcommand, verbatim_doc_comment)]
    Bus(bus::BusCommand),
    /// Jobs that break into jobs: a pseudo-recursive queue.
    #[command(subcommand)]
    Zqueue(zqueue::ZqueueCommand),
}

/// What a command may end with: an error of ours or of the terminal.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Runs the command with these arguments, the first of which is its own name, and returns its exit code: 0, 1 if it
/// failed, 2 for arguments that make no sense.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let command = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments.command,
        Err(help) => {
            let _ = help.print();
            return if help.use_stderr() { 2 } else { 0 };
        }
    };
    let outcome = match command {
        Command::Info(arguments) => info::run(&arguments),
        Command::Keys => keys::run(),
        Command::Send(arguments) => socket::send(&arguments),
        Command::Recv(arguments) => socket::recv(&arguments),
        Command::Proxy(arguments) => socket::proxy(&arguments),
        Command::Broker(arguments) => reqrep::broker(&arguments),
        Command::Request(arguments) => reqrep::request(&arguments),
        Command::Work(arguments) => reqrep::work(&arguments),
        Command::Pub(arguments) => pubsub::publish(&arguments),
        Command::Sub(arguments) => pubsub::subscribe(&arguments),
        Command::Bus(command) => bus::run(&command),
        Command::Zqueue(command) => zqueue::run(&command),
    };
    match outcome {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("zpat: {error}");
            1
        }
    }
}
