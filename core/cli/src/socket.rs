//! `zpat send`, `zpat recv` and `zpat proxy`: plain sockets from a shell.

use std::io::{self, BufRead};

use zpatterns::{Context, Deadline, Proxy, Socket, SocketKind, SocketOptions};

use crate::{
    Outcome,
    reading::{Reading, print, span},
};

/// Which socket, and where.
#[derive(clap::Args)]
struct Place {
    /// Bind to this endpoint; may be given several times.
    #[arg(long, value_name = "ENDPOINT")]
    bind: Vec<String>,
    /// Connect to this endpoint; may be given several times.
    #[arg(long, value_name = "ENDPOINT")]
    connect: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct SendArguments {
    /// Socket type: push, pub, pair or dealer.
    #[arg(long = "type", default_value = "push", value_parser = kind)]
    kind: SocketKind,
    #[command(flatten)]
    place: Place,
    /// Seconds to wait for room for each message.
    #[arg(long, default_value_t = 30.0, value_name = "SECONDS")]
    timeout: f64,
    /// Messages to send; without any, each line of the standard input is one.
    messages: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct RecvArguments {
    /// Socket type: pull, sub, pair or dealer.
    #[arg(long = "type", default_value = "pull", value_parser = kind)]
    kind: SocketKind,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    reading: Reading,
}

#[derive(clap::Args)]
pub(crate) struct ProxyArguments {
    /// Bind the front, where clients connect: `pull=tcp://*:5555`, `router=...` or `xsub=...`.
    #[arg(long, value_name = "TYPE=ENDPOINT", value_parser = side)]
    front: (SocketKind, String),
    /// Bind the back, where workers or subscribers connect: `push=...`, `dealer=...` or `xpub=...`.
    #[arg(long, value_name = "TYPE=ENDPOINT", value_parser = side)]
    back: (SocketKind, String),
    /// Bind a socket that sends a copy of every message: `pub=...` or `push=...`.
    #[arg(long, value_name = "TYPE=ENDPOINT", value_parser = side)]
    capture: Option<(SocketKind, String)>,
}

fn kind(name: &str) -> Result<SocketKind, String> {
    SocketKind::from_name(name).ok_or_else(|| format!("there is no socket type `{name}`"))
}

fn side(text: &str) -> Result<(SocketKind, String), String> {
    let (name, endpoint) = text.split_once('=').ok_or("give a type and an endpoint, as in pull=tcp://*:5555")?;
    Ok((kind(name)?, endpoint.to_owned()))
}

impl Place {
    fn go(&self, socket: &Socket) -> Outcome {
        if self.bind.is_empty() && self.connect.is_empty() {
            return Err("give --bind or --connect".into());
        }
        for endpoint in &self.bind {
            eprintln!("bound to {}", socket.bind(endpoint)?);
        }
        for endpoint in &self.connect {
            socket.connect(endpoint)?;
        }
        Ok(())
    }
}

pub(crate) fn send(arguments: &SendArguments) -> Outcome {
    let context = Context::new()?;
    let socket = context.socket(arguments.kind, &SocketOptions::default())?;
    arguments.place.go(&socket)?;
    for message in &arguments.messages {
        socket.send(message.as_bytes(), &Deadline::after(span(arguments.timeout)?))?;
    }
    if arguments.messages.is_empty() {
        for line in io::stdin().lock().split(b'\n') {
            socket.send(&line?, &Deadline::after(span(arguments.timeout)?))?;
        }
    }
    Ok(())
}

pub(crate) fn recv(arguments: &RecvArguments) -> Outcome {
    let context = Context::new()?;
    let socket = context.socket(arguments.kind, &SocketOptions::default())?;
    if arguments.kind == SocketKind::Sub {
        for prefix in arguments.reading.prefixes() {
            socket.subscribe(prefix.as_bytes())?;
        }
    }
    arguments.place.go(&socket)?;
    let mut out = io::stdout().lock();
    let mut left = arguments.reading.count;
    while left != Some(0) {
        let message = socket.recv(&arguments.reading.deadline()?)?;
        print(&mut out, message.iter())?;
        left = left.map(|left| left - 1);
    }
    Ok(())
}

pub(crate) fn proxy(arguments: &ProxyArguments) -> Outcome {
    let context = Context::new()?;
    let open = |(kind, endpoint): &(SocketKind, String)| -> Result<Socket, Box<dyn std::error::Error>> {
        let socket = context.socket(*kind, &SocketOptions::default())?;
        eprintln!("{kind} bound to {}", socket.bind(endpoint)?);
        Ok(socket)
    };
    let (front, back) = (open(&arguments.front)?, open(&arguments.back)?);
    let capture = arguments.capture.as_ref().map(open).transpose()?;
    let proxy = Proxy::start(&front, &back, capture.as_ref())?;
    Err(proxy.wait(&Deadline::never())?.into())
}
