//! The bus among peers that are the system's libzmq, with OpenPGM in it, in a network of its own.
//!
//! Where something is missing (a libzmq with pgm, namespaces, nft) it says so and does nothing, unless `ZPATTERNS_INTEROP` is
//! set: then that is a failure.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    time::Duration,
};

use zpatterns::{Bus, BusEvent, BusOptions, Context, Deadline, ErrorKind};

const PEER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/epgm/libzmq.py");
const ENDPOINT: &str = "epgm://127.0.0.1;239.192.1.1:5555";
const RAW: &str = "pgm://127.0.0.1;239.192.1.1:5555";
const SIZES: &[usize] = &[
    0,
    1,
    251,
    252,
    253,
    254,
    255,
    1380,
    1400,
    1410,
    1414,
    1415,
    1416,
    1417,
    1418,
    1420,
    1424,
    1426,
    1428,
    1440,
    1460,
    2852,
    2856,
    2860,
    65_536,
    1 << 20,
];
/// Set in the process that runs in a network of its own.
const INSIDE: &str = "ZPATTERNS_INSIDE";

fn watchdog() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// How a network of its own is made here: as anybody, or else as root.
fn unshare() -> Option<&'static str> {
    ["-rn", "-n"].into_iter().find(|how| succeeds(Command::new("unshare").args([how, "true"])))
}

/// Runs this test again in a network of its own, with nothing but a loopback device; or says why not. True inside.
fn is_apart(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        assert!(succeeds(Command::new("ip").args(["link", "set", "lo", "up"])), "the loopback device comes up");
        return true;
    }
    let missing = [
        ("python3 with a libzmq.so.5 that has pgm", succeeds(Command::new("python3").args([PEER, "has"]))),
        ("right to make a network", unshare().is_some()),
        ("nft", succeeds(Command::new("nft").arg("--version"))),
        ("ip", succeeds(Command::new("ip").arg("-V"))),
    ];
    let missing: Vec<&str> = missing.into_iter().filter(|(_, is_there)| !is_there).map(|(what, _)| what).collect();
    if !missing.is_empty() {
        assert!(std::env::var_os("ZPATTERNS_INTEROP").is_none(), "missing: {}", missing.join(", "));
        eprintln!("skipped, because there is no {}", missing.join(", "));
        return false;
    }
    let program = std::env::current_exe().expect("a program has a name");
    let mut again = Command::new("unshare");
    again.arg(unshare().expect("there is a way")).arg(program).args(["--exact", test, "--nocapture"]).env(INSIDE, "1");
    assert!(again.status().expect("unshare runs").success(), "{test} fails in a network of its own");
    false
}

/// Lets so many of a thousand datagrams be lost, over UDP and over IP itself.
fn lose(per_mille: u32) {
    let rule = format!("add rule inet f in meta l4proto {{ 17, 113 }} numgen random mod 1000 lt {per_mille} drop");
    for command in ["add table inet f", "add chain inet f in { type filter hook input priority 0; }", &rule] {
        assert!(succeeds(Command::new("nft").arg(command)), "nft {command}");
    }
}

struct Peer {
    process: Child,
    says: BufReader<std::process::ChildStderr>,
}

impl Peer {
    fn start(endpoint: &str, role: &str, count: u64, sizes: &[usize]) -> Self {
        let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
        let mut process = Command::new("python3")
            .args([PEER, role, endpoint, &count.to_string(), &sizes.join(",")])
            .stdin(Stdio::piped())
            // What it has to say comes through the other: OpenPGM writes warnings here.
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        let says = BufReader::new(process.stderr.take().expect("a pipe"));
        let mut peer = Self { process, says };
        peer.hear("ready");
        peer
    }

    fn hear(&mut self, line: &str) {
        let mut heard = String::new();
        while heard.trim_end() != line {
            heard.clear();
            let length = self.says.read_line(&mut heard).expect("it lives");
            assert!(length > 0, "libzmq ended without {line:?}");
            assert!(!heard.starts_with("to") || heard.trim_end() == line, "libzmq: {heard:?}, not {line:?}");
            // It may have lost what came first (up to 44 datagrams are lost at once) and then begins with what came next.
            let first = heard.trim_end().strip_prefix("from ").map(|first| first.parse::<u64>().expect("a number"));
            assert!(first.is_none_or(|first| first < 200), "libzmq: {heard}");
            assert!(!heard.starts_with("wrong"), "libzmq: {heard}");
        }
    }

    /// Lets it send what it has, and end.
    fn finish(mut self) {
        drop(self.process.stdin.take());
        assert!(self.process.wait().expect("it ends").success());
    }

    fn go(&mut self) {
        self.process.stdin.as_mut().expect("a pipe").write_all(b"go\n").expect("it lives");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn bus(context: &Context, endpoint: &str) -> Bus {
    // As fast as libzmq sends to itself, with time for repairs.
    let options = BusOptions { rate: 20_000_000, ..BusOptions::default() };
    let bus = Bus::open(context, endpoint, options).expect("loopback has multicast");
    bus.subscribe(b"").expect("open");
    bus
}

/// Receives messages up to the one before `count`, in order, whole, and without a gap from the first one on.
fn hear_all(bus: &Bus, count: u64, sizes: &[usize]) {
    let mut next = None;
    while next.is_none_or(|next| next < count) {
        let event = bus.recv(&watchdog());
        match event.unwrap_or_else(|error| panic!("{error} after {next:?}: {:?}", bus.counters())) {
            BusEvent::Message { frames, .. } => {
                let number = u64::from_be_bytes(frames[0][..].try_into().expect("a number"));
                assert!(next.is_none_or(|next| next == number), "{number} after {next:?}");
                let wanted = vec![number as u8; sizes[number as usize % sizes.len()]];
                assert!(frames[1] == wanted, "message {number} is garbled");
                next = Some(number + 1);
            }
            BusEvent::Joined { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

fn say_all(bus: &Bus, count: u64, sizes: &[usize]) {
    for number in 0..count {
        let body = vec![number as u8; sizes[number as usize % sizes.len()]];
        bus.send(&[&number.to_be_bytes()[..], &body], &watchdog()).expect("room");
    }
}

#[test]
fn libzmq_hears_us_in_every_size() {
    if is_apart("libzmq_hears_us_in_every_size") {
        let context = Context::new().expect("a context");
        let mut peer = Peer::start(ENDPOINT, "sub", 200, SIZES);
        let bus = bus(&context, ENDPOINT);
        say_all(&bus, 200, SIZES);
        peer.hear("to 199");
    }
}

#[test]
fn we_hear_libzmq_in_every_size() {
    if is_apart("we_hear_libzmq_in_every_size") {
        let context = Context::new().expect("a context");
        let bus = bus(&context, ENDPOINT);
        let mut peer = Peer::start(ENDPOINT, "pub", 200, SIZES);
        peer.go();
        hear_all(&bus, 200, SIZES);
        peer.hear("sent");
    }
}

#[test]
fn libzmq_repairs_what_we_lost() {
    if is_apart("libzmq_repairs_what_we_lost") {
        lose(10);
        let context = Context::new().expect("a context");
        let bus = bus(&context, ENDPOINT);
        let mut peer = Peer::start(ENDPOINT, "pub", 4000, &[1000]);
        peer.go();
        hear_all(&bus, 4000, &[1000]);
        assert!(bus.counters().expect("open").received.repaired > 0, "something was lost on the way");
    }
}

#[test]
fn we_repair_what_libzmq_lost_beside_a_bus_of_our_own() {
    if is_apart("we_repair_what_libzmq_lost_beside_a_bus_of_our_own") {
        lose(10);
        let context = Context::new().expect("a context");
        let listener = bus(&context, ENDPOINT);
        libzmq_misses_nothing(&context, ENDPOINT);
        hear_all(&listener, 4000, &[1000]);
    }
}

/// Hears everything from a source that begins now, though some of it is lost. Who joins a running stream and loses something
/// meanwhile may go deaf, or garble.
fn libzmq_misses_nothing(context: &Context, endpoint: &str) {
    let sender = bus(context, endpoint);
    let mut peer = Peer::start(endpoint, "sub", 4000, &[1000]);
    say_all(&sender, 4000, &[1000]);
    peer.hear("to 3999");
    assert!(sender.counters().expect("open").sent.repairs > 0, "something was lost on the way");
}

#[test]
fn right_in_ip_libzmq_hears_us_and_we_repair_what_it_lost() {
    if is_apart("right_in_ip_libzmq_hears_us_and_we_repair_what_it_lost") {
        let context = Context::new().expect("a context");
        let sender = bus(&context, RAW);
        let mut peer = Peer::start(RAW, "sub", 200, SIZES);
        say_all(&sender, 200, SIZES);
        peer.hear("to 199");
        lose(10);
        libzmq_misses_nothing(&context, RAW);
    }
}

#[test]
fn right_in_ip_we_hear_libzmq_and_it_repairs_what_we_lost() {
    if is_apart("right_in_ip_we_hear_libzmq_and_it_repairs_what_we_lost") {
        let context = Context::new().expect("a context");
        let bus = bus(&context, RAW);
        let mut peer = Peer::start(RAW, "pub", 200, SIZES);
        peer.go();
        hear_all(&bus, 200, SIZES);
        lose(10);
        let mut peer = Peer::start(RAW, "pub", 4000, &[1000]);
        peer.go();
        hear_all(&bus, 4000, &[1000]);
        assert!(bus.counters().expect("open").received.repaired > 0, "something was lost on the way");
    }
}

#[test]
fn two_of_libzmq_and_one_that_starts_again_are_three_sources() {
    if is_apart("two_of_libzmq_and_one_that_starts_again_are_three_sources") {
        let context = Context::new().expect("a context");
        let bus = bus(&context, ENDPOINT);
        let (mut one, mut other) =
            (Peer::start(ENDPOINT, "pub", 300, &[700]), Peer::start(ENDPOINT, "pub", 300, &[900]));
        one.go();
        other.go();
        one.hear("sent");
        one.finish();
        let mut again = Peer::start(ENDPOINT, "pub", 300, &[700]);
        again.go();
        let mut next = std::collections::BTreeMap::new();
        while next.len() < 3 || next.values().any(|(number, _)| *number < 300) {
            match bus.recv(&watchdog()).expect("a message") {
                BusEvent::Message { peer, frames } => {
                    let number = u64::from_be_bytes(frames[0][..].try_into().expect("a number"));
                    let (expected, size) = next.entry(peer).or_insert((number, frames[1].len()));
                    assert_eq!((*expected, *size), (number, frames[1].len()));
                    *expected += 1;
                }
                BusEvent::Joined { .. } | BusEvent::Gone { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn one_host_that_loses_one_in_a_hundred_loses_nothing() {
    if is_apart("one_host_that_loses_one_in_a_hundred_loses_nothing") {
        lose(10);
        let context = Context::new().expect("a context");
        let [one, other, sender] = [(); 3].map(|()| bus(&context, ENDPOINT));
        for _ in 0..100 {
            say_all(&sender, 400, &[1000]);
            hear_all(&one, 400, &[1000]);
            hear_all(&other, 400, &[1000]);
        }
    }
}

#[test]
fn over_ipv6_too() {
    if !is_apart("over_ipv6_too") {
        return;
    }
    let context = Context::new().expect("a context");
    let open = |endpoint: &str| Bus::open(&context, endpoint, BusOptions::default());
    let error =
        open("epgm://lo;[ff02::7a:1]:5555").map(drop).expect_err("the loopback device has no multicast of IPv6");
    assert_eq!(error.kind(), ErrorKind::AddressNotAvailable);
    assert!(error.to_string().contains("no multicast"), "{error}");
    for command in [
        "link add v0 type veth peer name v1",
        "addr add fd00:7a::1/64 dev v0 nodad",
        "link set v0 up",
        "link set v1 up",
    ] {
        assert!(succeeds(Command::new("ip").args(command.split(' '))), "ip {command}");
    }
    lose(10);
    for group in ["ff02::7a:1", "ff0e::7a:1"] {
        let endpoint = format!("epgm://v0;[{group}]:5555");
        let (sender, listener) = (open(&endpoint).expect("a bus"), open(&endpoint).expect("a bus"));
        listener.subscribe(b"").expect("open");
        for number in 0..2000 {
            sender.send(&[number.to_string().into_bytes(), vec![7; 2000]], &watchdog()).expect("room");
        }
        let mut next = 0;
        while next < 2000 {
            match listener.recv(&watchdog()).expect("a message") {
                BusEvent::Message { frames, .. } => {
                    assert_eq!(frames[0], next.to_string());
                    next += 1;
                }
                other => assert!(matches!(other, BusEvent::Joined { .. }), "{other:?}"),
            }
        }
        assert!(listener.counters().expect("open").received.repaired > 0);
    }
}
