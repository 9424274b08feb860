//! Buses on the loopback device.

mod support;

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    time::Duration,
};

use support::watchdog;
use zpatterns_engine::{Bus, BusEvent, BusOptions, Context, Deadline, ErrorKind, Interest};

/// A port that nobody uses, because somebody just did.
fn endpoint() -> String {
    let probe = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback is there");
    format!("epgm://127.0.0.1;239.192.7.1:{}", probe.local_addr().expect("it is bound").port())
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
    let endpoint = endpoint();
    let (one, other, silent) =
        (listener(&context, &endpoint), listener(&context, &endpoint), listener(&context, &endpoint));
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

#[test]
fn many_of_every_size_arrive_in_order_and_whole() {
    let context = Context::new().expect("a context");
    let endpoint = endpoint();
    let (listener, sender) = (listener(&context, &endpoint), bus(&context, &endpoint));
    let sizes = [0, 1, 253, 254, 255, 1400, 1426, 1427, 1428, 1429, 1460, 2856, 65_536, 1 << 20];
    let body = move |number: usize| vec![number as u8; sizes[number % sizes.len()]];
    let count = 200;
    let thread = std::thread::spawn(move || {
        for number in 0..count {
            sender.send(&[number.to_string().into_bytes(), body(number)], &watchdog()).expect("room");
        }
        sender
    });
    for number in 0..count {
        let [name, found] = &message(&listener)[..] else { panic!("two frames") };
        assert_eq!((&name[..], found.len()), (number.to_string().as_bytes(), body(number).len()));
        assert!(*found == body(number), "message {number} is garbled");
    }
    let sender = thread.join().expect("it sends");
    sender.close(Duration::from_secs(60));
    assert!(matches!(listener.recv(&watchdog()), Ok(BusEvent::Gone { .. })));
    assert_eq!(sender.send(&["late"], &watchdog()).expect_err("closed").kind(), ErrorKind::Closed);
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
    let mut seen = slow.recv_many(1000, usize::MAX, &watchdog()).expect("some");
    while !matches!(seen.back(), Some(BusEvent::Dropped { .. })) {
        seen.extend(slow.recv_many(1000, usize::MAX, &watchdog()).expect("the rest"));
    }
    let messages = seen.iter().filter(|event| matches!(event, BusEvent::Message { .. })).count() as u64;
    let dropped: u64 = seen.iter().map(|event| if let BusEvent::Dropped { count } = event { *count } else { 0 }).sum();
    assert_eq!((messages + dropped, slow.counters().expect("open").dropped), (100, dropped));
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
    assert_eq!(open("epgm://nowhere;239.192.7.1:5555", BusOptions::default()), Err(ErrorKind::AddressNotAvailable));
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
