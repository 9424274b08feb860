//! Buses on the loopback device, over every transport.

mod support;

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    time::Duration,
};

use support::datagrams::{Lossy, free_address};
use support::watchdog;
use zpatterns_engine::{
    Bus, BusEvent, BusFlowControl, BusForwarder, BusForwarderOptions, BusKey, BusOptions, Context, Deadline, ErrorKind,
    Interest,
};

fn endpoint() -> String {
    format!("epgm://127.0.0.1;239.192.7.1:{}", free_address().port())
}

fn forwarder(context: &Context, at: &str) -> BusForwarder {
    BusForwarder::open(context, at, BusForwarderOptions::default()).expect("the port is free")
}

/// Where each of three parties of one bus is, and who has to be there besides.
struct Site {
    endpoints: [String; 3],
    forwarder: Option<BusForwarder>,
}

/// One for each transport that this process may use.
fn sites(context: &Context) -> Vec<Site> {
    let everywhere = |endpoint: String, forwarder| Site { endpoints: [(); 3].map(|()| endpoint.clone()), forwarder };
    let addresses = [(); 3].map(|()| free_address());
    let members = addresses.map(|address| address.to_string()).join(",");
    let endpoints = addresses.map(|address| format!("udp://127.0.0.1:{};{members}", address.port()));
    let forwarder = forwarder(context, "udp://127.0.0.1:0");
    let relay = forwarder.endpoint().replace("udp", "relay");
    let raw = endpoint().replace("epgm", "pgm");
    let mut sites =
        vec![everywhere(endpoint(), None), Site { endpoints, forwarder: None }, everywhere(relay, Some(forwarder))];
    match Bus::open(context, &raw, BusOptions::default()) {
        Ok(_) => sites.push(everywhere(raw, None)),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            assert!(error.to_string().contains("CAP_NET_RAW"), "{error}");
        }
    }
    sites
}

impl Site {
    /// The three, as soon as each hears what the others say.
    fn open(&self, context: &Context) -> [Bus; 3] {
        let parties = self.endpoints.each_ref().map(|endpoint| listener(context, endpoint));
        self.forwarder.as_ref().inspect(|forwarder| wait_for_members(forwarder, 3));
        parties
    }
}

fn wait_for_members(forwarder: &BusForwarder, count: u64) {
    while forwarder.counters().expect("open").received.members < count {
        std::thread::yield_now();
    }
}

fn bus(context: &Context, endpoint: &str) -> Bus {
    Bus::open(context, endpoint, BusOptions::default()).expect("the loopback device has multicast")
}

fn listener(context: &Context, endpoint: &str) -> Bus {
    let bus = bus(context, endpoint);
    bus.subscribe(b"").expect("open");
    bus
}

/// The next message, by one who misses nothing.
fn message(bus: &Bus) -> Vec<Vec<u8>> {
    loop {
        match bus.recv(&watchdog()).expect("a message") {
            BusEvent::Message { frames, .. } => return frames.iter().map(|frame| frame.to_vec()).collect(),
            BusEvent::Joined { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_one_says_all_hear_and_nobody_hears_himself() {
    let context = Context::new().expect("a context");
    for site in sites(&context) {
        let [one, other, silent] = site.open(&context);
        one.send(&["hello", "", "all"], &watchdog()).expect("room");
        other.send(&["and", "you"], &watchdog()).expect("room");
        assert_eq!(message(&other), [&b"hello"[..], b"", b"all"]);
        assert_eq!(message(&one), [&b"and"[..], b"you"]);
        let mut both = [message(&silent).concat(), message(&silent).concat()];
        both.sort();
        assert_eq!(both, [b"andyou".to_vec(), b"helloall".to_vec()]);
        assert_eq!(silent.peers().expect("open").len(), 2);
        assert_eq!(one.recv(&Deadline::now()).map_err(|error| error.kind()), Err(ErrorKind::Timeout));
    }
}

#[test]
fn many_of_every_size_arrive_in_order_and_whole() {
    let context = Context::new().expect("a context");
    let sizes = [0, 1, 253, 254, 255, 1400, 1426, 1427, 1428, 1429, 1460, 2856, 65_536, 1 << 20];
    let body = move |number: usize| vec![number as u8; sizes[number % sizes.len()]];
    let count = 100;
    for site in sites(&context) {
        let [sender, listener, other] = site.open(&context);
        let thread = std::thread::spawn(move || {
            for number in 0..count {
                sender.send(&[number.to_string().into_bytes(), body(number)], &watchdog()).expect("room");
            }
            sender
        });
        let hear = |listener: &Bus| {
            for number in 0..count {
                let [name, found] = &message(listener)[..] else { panic!("two frames") };
                assert_eq!((&name[..], found.len()), (number.to_string().as_bytes(), body(number).len()));
                assert!(*found == body(number), "message {number} is garbled");
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| hear(&other));
            hear(&listener);
        });
        let sender = thread.join().expect("it sends");
        sender.close(Duration::from_secs(60));
        assert!(matches!(listener.recv(&watchdog()), Ok(BusEvent::Gone { .. })));
        assert_eq!(sender.send(&["late"], &watchdog()).expect_err("closed").kind(), ErrorKind::Closed);
    }
}

/// Says so much that something is lost on the way, and hears it all.
fn hear_all_in_spite_of_losses(sender: &Bus, listener: &Bus) {
    let count = 2000_u32;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..count {
                sender.send(&[&number.to_be_bytes()[..], &[7; 1000]], &watchdog()).expect("room");
            }
        });
        // The network may have lost the first, too: then it begins with what came next.
        let first = u32::from_be_bytes(message(listener)[0][..].try_into().expect("a number"));
        assert!(first < 200, "{first}");
        for number in first + 1..count {
            assert_eq!(message(listener)[0], number.to_be_bytes());
        }
    });
    assert!(listener.counters().expect("open").received.repaired > 0, "something was lost on the way");
}

#[test]
fn what_one_of_the_members_does_not_get_is_repeated() {
    let context = Context::new().expect("a context");
    let [own, others] = [(); 2].map(|()| free_address());
    let network = Lossy::before(others);
    let options = BusOptions { rate: 20_000_000, ..BusOptions::default() };
    let sender = format!("udp://127.0.0.1:{};{}", own.port(), network.near);
    let sender = Bus::open(&context, &sender, options).expect("a bus");
    let listener = listener(&context, &format!("udp://127.0.0.1:{};{}", others.port(), network.far));
    hear_all_in_spite_of_losses(&sender, &listener);
}

#[test]
fn what_a_relay_does_not_get_is_repeated() {
    let context = Context::new().expect("a context");
    let forwarder = forwarder(&context, "udp://127.0.0.1:0");
    let relay = forwarder.endpoint().trim_start_matches("udp://");
    let network = Lossy::before(relay.parse().expect("an address"));
    let listener = listener(&context, &format!("relay://{relay}"));
    wait_for_members(&forwarder, 1);
    let options = BusOptions { rate: 20_000_000, ..BusOptions::default() };
    let sender = Bus::open(&context, &format!("relay://{}", network.near), options).expect("a bus");
    hear_all_in_spite_of_losses(&sender, &listener);
}

#[test]
fn what_is_sent_before_the_relay_is_there_waits_for_it() {
    let context = Context::new().expect("a context");
    let at = free_address();
    let options = BusOptions { max_unsent: 1, ..BusOptions::default() };
    let sender = Bus::open(&context, &format!("relay://{at}"), options).expect("a bus");
    sender.send(&["first"], &watchdog()).expect("room");
    assert_eq!(sender.send(&["second"], &Deadline::now()).expect_err("full").kind(), ErrorKind::Timeout);
    let forwarder = forwarder(&context, &format!("udp://{at}"));
    sender.send(&["second"], &watchdog()).expect("the first has left");
    assert_eq!(forwarder.counters().expect("open").received.members, 1);
}

#[test]
fn a_forwarder_has_so_many_members_and_tells_how_many_it_refused() {
    let context = Context::new().expect("a context");
    let options = BusForwarderOptions { max_members: 2 };
    let forwarder = BusForwarder::open(&context, "udp://127.0.0.1:0", options).expect("the port is free");
    let relay = forwarder.endpoint().replace("udp", "relay");
    let _members = [(); 3].map(|()| bus(&context, &relay));
    while forwarder.counters().expect("open").received.refused == 0 {
        std::thread::yield_now();
    }
    assert_eq!(forwarder.counters().expect("open").received.members, 2);
    assert_eq!(forwarder.wait(&Deadline::now()).expect_err("it goes on").kind(), ErrorKind::Timeout);
    forwarder.close();
    forwarder.wait(&watchdog()).expect("it has ended");
    let none = BusForwarderOptions { max_members: 0 };
    let error = BusForwarder::open(&context, "udp://127.0.0.1:0", none).expect_err("nobody");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn where_there_is_no_multicast_strangers_are_not_heard() {
    let context = Context::new().expect("a context");
    let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    let (own, member, relay) = (free_address(), free_address(), forwarder(&context, "udp://127.0.0.1:0"));
    let bus = listener(&context, &format!("udp://127.0.0.1:{};{member}", own.port()));
    let relay_at = relay.endpoint().trim_start_matches("udp://").to_owned();
    while bus.counters().expect("open").foreign == 0 || relay.counters().expect("open").received.foreign == 0 {
        stranger.send_to(&[0; 24], own).expect("it leaves");
        stranger.send_to(&[0; 24], &*relay_at).expect("it leaves");
    }
    let counters = bus.counters().expect("open");
    assert_eq!((counters.malformed, counters.received.datagrams), (0, 0));
    let error = Bus::open(&context, &format!("udp://127.0.0.1:{};{member}", own.port()), BusOptions::default());
    assert_eq!(error.expect_err("taken").kind(), ErrorKind::AddressInUse);
}

#[test]
fn the_end_of_a_context_ends_a_forwarder() {
    let context = Context::new().expect("a context");
    let forwarder = forwarder(&context, "udp://127.0.0.1:0");
    let waiting = std::thread::spawn({
        let forwarder = forwarder.clone();
        move || forwarder.wait(&watchdog())
    });
    context.shutdown();
    waiting.join().expect("it ends").expect("as it was told");
}

/// Beginning to speak and listening take the same locks.
#[test]
fn who_is_spoken_to_can_begin_to_speak() {
    const TIMES: usize = 300;
    let (end, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let context = Context::new().expect("a context");
        let endpoint = endpoint();
        let noise = bus(&context, &endpoint);
        for number in 0..TIMES {
            let speaker = listener(&context, &endpoint);
            noise.send(&["a"], &watchdog()).expect("room");
            speaker.send(&[format!("{number}")], &watchdog()).expect("room");
            speaker.close(Duration::ZERO);
        }
        end.send(()).expect("somebody waits");
    });
    ended.recv_timeout(Duration::from_secs(60)).expect("none waits for the other for ever");
}

#[test]
fn only_what_is_subscribed_to_is_received() {
    let context = Context::new().expect("a context");
    let endpoint = endpoint();
    let (listener, sender) = (bus(&context, &endpoint), bus(&context, &endpoint));
    listener.subscribe(b"b").expect("open");
    for text in ["a", "b", "ab", "bc"] {
        sender.send(&[text], &watchdog()).expect("room");
    }
    assert_eq!((message(&listener), message(&listener)), (vec![b"b".to_vec()], vec![b"bc".to_vec()]));
    listener.unsubscribe(b"b").expect("there is one");
    assert_eq!(listener.unsubscribe(b"b").expect_err("there is none").kind(), ErrorKind::NotFound);
}

#[test]
fn who_does_not_keep_up_is_told_what_it_lost() {
    let context = Context::new().expect("a context");
    let endpoint = endpoint();
    let options = BusOptions { max_events: 10, ..BusOptions::default() };
    let slow = Bus::open(&context, &endpoint, options).expect("a bus");
    slow.subscribe(b"").expect("open");
    let (witness, sender) = (listener(&context, &endpoint), bus(&context, &endpoint));
    for number in 0..100 {
        sender.send(&[format!("{number}")], &watchdog()).expect("room");
    }
    (0..100).for_each(|_| drop(message(&witness)));
    while slow.counters().expect("open").received.delivered < 100 {
        std::thread::yield_now();
    }
    let (mut messages, mut dropped) = (0, 0);
    while messages + dropped < 100 {
        for event in slow.recv_many(1000, usize::MAX, &watchdog()).expect("the rest").iter() {
            match event {
                BusEvent::Message { .. } => messages += 1,
                BusEvent::Dropped { count } => dropped += count,
                _ => {}
            }
        }
    }
    assert_eq!((messages + dropped, slow.counters().expect("open").dropped), (100, dropped));
    assert!(dropped > 0);
}

#[test]
fn an_event_loop_is_told_once() {
    let context = Context::new().expect("a context");
    let endpoint = endpoint();
    let (listener, sender) = (listener(&context, &endpoint), bus(&context, &endpoint));
    let (told, heard) = std::sync::mpsc::channel();
    listener.set_hook(Some(Box::new(move || told.send(()).expect("somebody listens"))));
    assert_eq!(listener.arm(Interest::BOTH), Some(Interest::SEND));
    sender.send(&["x"], &watchdog()).expect("room");
    heard.recv_timeout(Duration::from_secs(60)).expect("a notice");
    assert_eq!(listener.arm(Interest::RECV), Some(Interest::RECV));
    assert!(heard.try_recv().is_err(), "one notice for one question");
}

#[test]
fn the_end_of_a_context_ends_every_wait() {
    let context = Context::new().expect("a context");
    let bus = listener(&context, &endpoint());
    let waiting = std::thread::spawn({
        let bus = bus.clone();
        move || bus.recv(&watchdog()).map_err(|error| error.kind())
    });
    context.shutdown();
    assert_eq!(waiting.join().expect("it ends"), Err(ErrorKind::Closed));
    assert_eq!(bus.send(&["x"], &watchdog()).expect_err("closed").kind(), ErrorKind::Closed);
}

#[test]
fn mistakes_are_named() {
    let context = Context::new().expect("a context");
    let open = |endpoint: &str, options| Bus::open(&context, endpoint, options).map(drop).map_err(|error| error.kind());
    assert_eq!(open("tcp://127.0.0.1:5555", BusOptions::default()), Err(ErrorKind::InvalidEndpoint));
    for nowhere in ["epgm://nowhere;239.192.7.1:5555", "udp://nowhere:5555;127.0.0.1:5555"] {
        assert_eq!(open(nowhere, BusOptions::default()), Err(ErrorKind::AddressNotAvailable));
    }
    let options = BusOptions { rate: 1, ..BusOptions::default() };
    assert_eq!(open("epgm://lo;239.192.7.1:5555", options), Err(ErrorKind::InvalidArgument));
    let bus = bus(&context, &endpoint());
    assert_eq!(bus.send::<&str>(&[], &watchdog()).expect_err("no frame").kind(), ErrorKind::InvalidArgument);
}

#[test]
fn noise_on_the_port_does_no_harm() {
    let context = Context::new().expect("a context");
    let endpoint = endpoint();
    let (one, other) = (listener(&context, &endpoint), listener(&context, &endpoint));
    one.send(&["first"], &watchdog()).expect("room");
    assert_eq!(message(&other), [b"first"]);
    let port: u16 = endpoint.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    let mut random = fastrand::Rng::with_seed(1);
    for number in 0..2000 {
        let noise: Vec<u8> = (0..number % 90).map(|_| random.u8(..)).collect();
        for address in [Ipv4Addr::new(239, 192, 7, 1), Ipv4Addr::LOCALHOST] {
            let to = SocketAddr::from((address, port));
            // The bus on the other side may have no socket at the port, which the system may say.
            let _ = stranger.send_to(&noise, to);
        }
    }
    one.send(&["last"], &watchdog()).expect("room");
    assert_eq!(message(&other), [b"last"]);
    assert!(other.counters().expect("open").malformed > 0);
}

#[test]
fn a_flood_keeps_nobody_from_closing() {
    let context = Context::new().expect("a context");
    let endpoint = endpoint();
    let bus = listener(&context, &endpoint);
    let port: u16 = endpoint.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                let _ = stranger.send_to(&[0; 1000], SocketAddr::from((Ipv4Addr::new(239, 192, 7, 1), port)));
            }
        });
        while bus.counters().expect("open").malformed < 1000 {
            std::thread::yield_now();
        }
        bus.close(Duration::from_millis(10));
        done.store(true, std::sync::atomic::Ordering::SeqCst);
    });
    assert_eq!(bus.recv(&watchdog()).expect_err("closed").kind(), ErrorKind::Closed);
}

#[test]
fn a_sender_that_waits_for_the_slowest_loses_nothing() {
    let context = Context::new().expect("a context");
    let endpoint = endpoint();
    let options = BusOptions { max_events: 10, ..BusOptions::default() };
    let slow = Bus::open(&context, &endpoint, options).expect("a bus");
    slow.subscribe(b"").expect("open");
    let options = BusOptions {
        flow_control: BusFlowControl::Slowest,
        at_least: 1,
        max_unsent: 1 << 16,
        rate: 1 << 40,
        ..BusOptions::default()
    };
    let sender = Bus::open(&context, &endpoint, options).expect("a bus");
    let count = 20_000;
    let thread = std::thread::spawn(move || {
        for number in 0..count {
            sender.send(&[format!("{number}")], &watchdog()).expect("room");
        }
        sender.close(Duration::from_secs(60));
    });
    for number in 0..count {
        assert_eq!(message(&slow), [format!("{number}").into_bytes()]);
    }
    thread.join().expect("it sends");
    assert_eq!(slow.counters().expect("open").dropped, 0);
}

#[test]
fn who_comes_late_gets_what_was_sent_before_if_it_knows_the_key() {
    let context = Context::new().expect("a context");
    let endpoint = endpoint();
    let open = |secret: &[u8]| {
        let key = Some(BusKey::new(secret).expect("it is long enough"));
        let options = BusOptions { key, history: 1 << 20, parity_group: 8, parity: 1, ..BusOptions::default() };
        let bus = Bus::open(&context, &endpoint, options).expect("a bus");
        bus.subscribe(b"").expect("open");
        bus
    };
    let sender = open(&[7; 32]);
    for number in 0..100 {
        sender.send(&[format!("{number}")], &watchdog()).expect("room");
    }
    while sender.counters().expect("open").sent.datagrams == 0 {
        std::thread::yield_now();
    }
    let (late, stranger) = (open(&[7; 32]), open(&[8; 32]));
    sender.send(&["100"], &watchdog()).expect("room");
    for number in 0..=100 {
        assert_eq!(message(&late), [format!("{number}").into_bytes()]);
    }
    while stranger.counters().expect("open").forged == 0 {
        std::thread::yield_now();
    }
    assert!(stranger.peers().expect("open").is_empty());
    assert_eq!(BusKey::new(*b"short").expect_err("too short").kind(), ErrorKind::InvalidArgument);
}

#[test]
fn what_is_thrown_away_is_repeated() {
    let context = Context::new().expect("a context");
    let endpoint = endpoint();
    let (listener, sender) = (listener(&context, &endpoint), bus(&context, &endpoint));
    sender.send(&["first"], &watchdog()).expect("room");
    assert_eq!(message(&listener), [b"first"]);
    listener.inject_loss(0.2).expect("a fraction");
    for number in 0..500 {
        sender.send(&[number.to_string().into_bytes(), vec![0; 2000]], &watchdog()).expect("room");
    }
    for number in 0..500 {
        assert_eq!(message(&listener)[0], number.to_string().as_bytes());
    }
    let counters = listener.counters().expect("open");
    assert!(counters.injected > 0 && counters.received.repaired > 0, "{counters:?}");
    assert_eq!(counters.received.missed, 0);
    listener.inject_loss(0.0).expect("a fraction");
    assert_eq!(listener.inject_loss(1.5).expect_err("no fraction").kind(), ErrorKind::InvalidArgument);
}
