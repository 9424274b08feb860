//! `zpat bus`: a multicast bus from a shell.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    io::{self, BufRead},
    path::PathBuf,
    time::{Duration, Instant},
};

use zpatterns::{
    Bus, BusEvent, BusFlowControl, BusForwarder, BusForwarderOptions, BusKey, BusOptions, Context, Deadline, ErrorKind,
    PeerId, bus::ReceivedCounters,
};

use crate::{
    Outcome,
    reading::{Reading, print, span},
};

/// What to do on the bus.
#[derive(clap::Subcommand)]
pub(crate) enum BusCommand {
    /// Send each line of the input, or each argument, as a message; tabs separate frames.
    Send(SendArguments),
    /// Print each message that arrives, and on the standard error who comes and goes and what is missed.
    Recv(RecvArguments),
    /// Print what is sent and lost, peer by peer.
    Watch(WatchArguments),
    /// Forward what each member sends to all others: they are at relay://HOST:PORT.
    Forward(ForwardArguments),
}

/// Where the bus is, and what all there have in common.
#[derive(clap::Args)]
pub(crate) struct Group {
    /// Where: epgm://INTERFACE;GROUP:PORT, or as `zpat bus --help` says.
    endpoint: String,
    /// A file with the key that all there know, at least 16 bytes, a line's end counted.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Bytes of what was sent before that who comes late gets, as much as both sides say.
    #[arg(long, default_value_t = BusOptions::default().history, value_name = "BYTES")]
    history: usize,
    /// As whom to listen, and for whom to wait, if flow control is by tag.
    #[arg(long, default_value_t = BusOptions::default().tag, value_name = "N")]
    tag: u32,
}

impl Group {
    fn open(&self, options: BusOptions) -> Outcome<Bus> {
        let key =
            self.key_file.as_ref().map(|file| Ok::<_, Box<dyn Error>>(BusKey::new(fs::read(file)?)?)).transpose()?;
        let options = BusOptions { key, history: self.history, tag: self.tag, ..options };
        Ok(Bus::open(&Context::new()?, &self.endpoint, options)?)
    }
}

#[derive(clap::Args)]
pub(crate) struct SendArguments {
    #[command(flatten)]
    group: Group,
    /// Messages to send; without any, each line of the standard input is one.
    messages: Vec<String>,
    /// Megabytes in a second, at most.
    #[arg(long, default_value_t = BusOptions::default().rate as f64 / 1e6, value_name = "MB/S")]
    rate: f64,
    /// How many routers a message may cross, and one more.
    #[arg(long, default_value_t = BusOptions::default().hops, value_name = "N")]
    hops: u8,
    /// For whom to wait: none, slowest, or tagged.
    #[arg(long, default_value = "none", value_name = "WHO")]
    flow_control: BusFlowControl,
    /// Before so many listen who are waited for, nothing is sent.
    #[arg(long, default_value_t = BusOptions::default().at_least, value_name = "N")]
    at_least: usize,
    /// Datagrams of a group that is repaired by parity: 2, 4, 8, 16, 32 or 64; 0 is none.
    #[arg(long, default_value_t = BusOptions::default().parity_group, value_name = "N")]
    parity_group: u32,
    /// Parity that is sent with each group, whether or not somebody asks.
    #[arg(long, default_value_t = BusOptions::default().parity, value_name = "N")]
    parity: u32,
    /// Seconds to wait for room for each message, and in the end for all to be sent and repeated.
    #[arg(long, default_value_t = 30.0, value_name = "SECONDS")]
    timeout: f64,
}

#[derive(clap::Args)]
pub(crate) struct RecvArguments {
    #[command(flatten)]
    group: Group,
    #[command(flatten)]
    reading: Reading,
}

#[derive(clap::Args)]
pub(crate) struct WatchArguments {
    #[command(flatten)]
    group: Group,
    /// Seconds between two reports.
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS")]
    every: f64,
    /// End after this many reports.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

#[derive(clap::Args)]
pub(crate) struct ForwardArguments {
    /// Where: udp://INTERFACE:PORT; * is all interfaces of IPv4, [::] of IPv6.
    #[arg(long, value_name = "ENDPOINT")]
    bind: String,
    /// Members at once; others are refused until one was silent for 30 seconds.
    #[arg(long, default_value_t = BusForwarderOptions::default().max_members, value_name = "N")]
    max_members: usize,
}

pub(crate) fn run(command: &BusCommand) -> Outcome {
    match command {
        BusCommand::Send(arguments) => send(arguments),
        BusCommand::Recv(arguments) => recv(arguments),
        BusCommand::Watch(arguments) => watch(arguments),
        BusCommand::Forward(arguments) => forward(arguments),
    }
}

fn send(arguments: &SendArguments) -> Outcome {
    let &SendArguments { hops, flow_control, at_least, parity_group, parity, .. } = arguments;
    let rate = (arguments.rate * 1e6) as u64;
    let options = BusOptions { rate, hops, flow_control, at_least, parity_group, parity, ..BusOptions::default() };
    let bus = arguments.group.open(options)?;
    let wait = span(arguments.timeout)?;
    let say = |line: &[u8]| {
        let frames: Vec<&[u8]> = line.split(|byte| *byte == b'\t').collect();
        bus.send(&frames, &Deadline::after(wait))
    };
    for message in &arguments.messages {
        say(message.as_bytes())?;
    }
    if arguments.messages.is_empty() {
        for line in io::stdin().lock().split(b'\n') {
            say(&line?)?;
        }
    }
    bus.close(wait);
    Ok(())
}

fn recv(arguments: &RecvArguments) -> Outcome {
    let bus = arguments.group.open(BusOptions::default())?;
    for prefix in arguments.reading.prefixes() {
        bus.subscribe(prefix.as_bytes())?;
    }
    eprintln!("listening on {}", bus.interface());
    let mut out = io::stdout().lock();
    let mut left = arguments.reading.count;
    while left != Some(0) {
        match bus.recv(&arguments.reading.deadline()?)? {
            BusEvent::Message { frames, .. } => {
                print(&mut out, &frames)?;
                left = left.map(|left| left - 1);
            }
            event => eprintln!("{}", line_of(&event)),
        }
    }
    Ok(())
}

fn forward(arguments: &ForwardArguments) -> Outcome {
    let context = Context::new()?;
    let options = BusForwarderOptions { max_members: arguments.max_members };
    let forwarder = BusForwarder::open(&context, &arguments.bind, options)?;
    eprintln!("bound to {}", forwarder.endpoint());
    Ok(forwarder.wait(&Deadline::never())?)
}

fn line_of(event: &BusEvent) -> String {
    match event {
        BusEvent::Joined { peer } => format!("{peer} joined"),
        BusEvent::Gone { peer } => format!("{peer} is gone"),
        BusEvent::Missed { peer, first, last } => format!("{peer} missed {first}..{last}"),
        BusEvent::Broken { peer } => format!("{peer} sent what makes no sense"),
        BusEvent::Dropped { count } => format!("{count} were dropped, because they were not taken in time"),
        other => format!("{other:?}"),
    }
}

fn watch(arguments: &WatchArguments) -> Outcome {
    let bus = arguments.group.open(BusOptions::default())?;
    // A bus listens from its first subscription on. This one wants nothing: what is counted is what comes, not what is read.
    bus.subscribe(b"")?;
    bus.unsubscribe(b"")?;
    let every = span(arguments.every)?;
    eprintln!("listening on {}", bus.interface());
    let (mut before, mut left) = (BTreeMap::new(), arguments.count);
    let mut next = Instant::now() + every;
    println!(
        "{:>18} {:>10} {:>10} {:>9} {:>9} {:>9}",
        "peer", "messages/s", "datagrams", "repaired", "missed", "broken"
    );
    while left != Some(0) {
        match bus.recv(&Deadline::at(next)) {
            Ok(event) => eprintln!("{}", line_of(&event)),
            Err(error) if error.kind() == ErrorKind::Timeout => {
                report(&bus, every, &mut before)?;
                next += every;
                left = left.map(|left| left - 1);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn report(bus: &Bus, every: Duration, before: &mut BTreeMap<PeerId, ReceivedCounters>) -> Outcome {
    for (peer, counters) in bus.peers()? {
        let last = before.insert(peer, counters).unwrap_or_default();
        let rate = (counters.delivered - last.delivered) as f64 / every.as_secs_f64();
        let (datagrams, repaired) = (counters.datagrams - last.datagrams, counters.repaired - last.repaired);
        let (missed, broken) = (counters.missed - last.missed, counters.broken - last.broken);
        println!("{peer:>18} {rate:>10.0} {datagrams:>10} {repaired:>9} {missed:>9} {broken:>9}");
    }
    Ok(())
}
