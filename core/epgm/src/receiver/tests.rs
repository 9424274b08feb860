//! Senders and receivers, and a network between them that loses, repeats, delays and reorders.

use std::{collections::BTreeMap, net::Ipv4Addr};

use fastrand::Rng;
use proptest::prelude::*;

use super::*;
use crate::sender::{Sender, SenderOptions};

const GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(239, 192, 1, 1));
const PORT: u16 = 5555;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn address(node: usize) -> IpAddr {
    Ipv4Addr::new(10, 9, 0, node as u8).into()
}

fn place(node: usize) -> SocketAddr {
    SocketAddr::new(address(node), PORT)
}

fn flow(node: usize) -> Flow {
    Flow { source: 1000 + node as u16, destination: PORT, gsi: Gsi([0, 0, 0, 0, 0, node as u8]) }
}

fn sender_options(node: usize, first: Sqn) -> SenderOptions {
    SenderOptions {
        flow: flow(node),
        address: address(node),
        group: GROUP,
        max_payload: 200,
        window: 1 << 20,
        max_unsent: 1 << 20,
        rate: 1 << 20,
        burst: 10_000,
        linger: millis(1),
        first,
    }
}

fn receiver_options(seed: u64) -> ReceiverOptions {
    ReceiverOptions {
        port: PORT,
        group: GROUP,
        max_sources: 10,
        window: 1 << 20,
        max_message: 1 << 16,
        repair: (Duration::from_micros(500), millis(50)),
        tries: 20,
        forget: Duration::from_secs(300),
        asking: Asking::Named,
        seed,
    }
}

/// How the network is.
#[derive(Clone, Copy, Debug, Default)]
struct Weather {
    loss: f64,
    duplicate: f64,
    /// Up to so long on the way, each datagram for itself.
    delay: Duration,
}

/// What a receiver was told, by source.
#[derive(Default)]
struct Heard {
    messages: BTreeMap<SourceId, Vec<u64>>,
    missed: u64,
    broken: u64,
    gone: u64,
}

/// Some who send and some who listen. Everybody hears everything, and also himself.
struct Ether {
    now: Duration,
    random: Rng,
    weather: Weather,
    senders: Vec<Sender>,
    receivers: Vec<Receiver>,
    heard: Vec<Heard>,
    /// By arrival: to whom, from whom.
    flying: BTreeMap<(Duration, u64), (Node, SocketAddr, Bytes)>,
    sent: u64,
    pushed: Vec<u64>,
    naks: u64,
}

#[derive(Clone, Copy)]
enum Node {
    Sender(usize),
    Receiver(usize),
}

impl Ether {
    fn new(seed: u64, senders: usize, receivers: usize, weather: Weather) -> Self {
        let first = Sqn(u32::MAX - 50);
        Self {
            now: Duration::ZERO,
            random: Rng::with_seed(seed),
            weather,
            senders: (0..senders).map(|node| Sender::new(Duration::ZERO, sender_options(node, first))).collect(),
            receivers: (0..receivers).map(|node| Receiver::new(receiver_options(seed ^ node as u64))).collect(),
            heard: (0..receivers).map(|_| Heard::default()).collect(),
            flying: BTreeMap::new(),
            sent: 0,
            pushed: vec![0; senders],
            naks: 0,
        }
    }

    /// A message says its number, and is as long as that demands.
    fn push(&mut self, sender: usize) {
        let number = self.pushed[sender];
        let body = vec![number as u8; (number as usize * 37) % 700];
        self.senders[sender].push(&[&number.to_be_bytes()[..], &body]).expect("room");
        self.pushed[sender] += 1;
    }

    fn fly(&mut self, to: Node, from: SocketAddr, datagram: &Bytes) {
        let is_lost = self.random.f64() < self.weather.loss;
        let copies = u64::from(!is_lost) + u64::from(self.random.f64() < self.weather.duplicate);
        for _ in 0..copies {
            self.sent += 1;
            let at = self.now + Duration::from_micros(50) + self.weather.delay.mul_f64(self.random.f64());
            self.flying.insert((at, self.sent), (to, from, datagram.clone()));
        }
    }

    fn broadcast(&mut self, from: SocketAddr, datagram: &Bytes) {
        for sender in 0..self.senders.len() {
            self.fly(Node::Sender(sender), from, datagram);
        }
        for receiver in 0..self.receivers.len() {
            self.fly(Node::Receiver(receiver), from, datagram);
        }
    }

    fn work(&mut self) {
        for sender in 0..self.senders.len() {
            while let Some(datagram) = self.senders[sender].poll(self.now) {
                self.broadcast(place(sender), &datagram);
            }
        }
        for receiver in 0..self.receivers.len() {
            let own = place(100 + receiver);
            while let Some((to, datagram)) = self.receivers[receiver].poll() {
                self.naks += u64::from(matches!(Packet::read(&datagram).expect("a packet").body, Body::Nak { .. }));
                match to {
                    To::Group(_) => self.broadcast(own, &datagram),
                    To::Source(to) => {
                        let sender = (0..self.senders.len()).find(|sender| place(*sender) == to).expect("a sender");
                        self.fly(Node::Sender(sender), own, &datagram);
                    }
                }
            }
            while let Some(event) = self.receivers[receiver].event() {
                let heard = &mut self.heard[receiver];
                match event {
                    Event::Joined(_) => {}
                    Event::Message(id, message) => {
                        let number = u64::from_be_bytes(message[0][..].try_into().expect("a number"));
                        assert_eq!(message[1], vec![number as u8; (number as usize * 37) % 700], "garbled");
                        heard.messages.entry(id).or_default().push(number);
                    }
                    Event::Missed(..) => heard.missed += 1,
                    Event::Broken(..) => heard.broken += 1,
                    Event::Gone(_) => heard.gone += 1,
                }
            }
        }
    }

    /// Lets time pass.
    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            self.work();
            let deadlines = self.senders.iter().map(Sender::deadline);
            let deadlines = deadlines.chain(self.receivers.iter().filter_map(Receiver::deadline));
            let next = deadlines.chain(self.flying.keys().next().map(|(at, _)| *at)).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            while let Some(first) = self.flying.first_entry()
                && first.key().0 <= self.now
            {
                match first.remove() {
                    (Node::Sender(sender), _, datagram) => self.senders[sender].handle(self.now, &datagram),
                    (Node::Receiver(receiver), from, datagram) => {
                        self.receivers[receiver].handle(self.now, from, &datagram);
                    }
                }
            }
            for receiver in &mut self.receivers {
                receiver.advance(self.now);
            }
        }
    }

    /// Each source's messages in order, without gaps from the first that was heard.
    fn assert_complete(&self) {
        for heard in &self.heard {
            assert_eq!((heard.missed, heard.broken), (0, 0));
            assert_eq!(heard.messages.len(), self.senders.len());
            for (id, messages) in &heard.messages {
                let all = messages[0]..self.pushed[usize::from(id.gsi.0[5])];
                assert_eq!(messages, &all.collect::<Vec<_>>());
            }
        }
    }
}

#[test]
fn on_a_quiet_day_everything_arrives_and_nobody_asks() {
    let mut ether = Ether::new(1, 2, 3, Weather::default());
    ether.run(millis(10));
    for _ in 0..200 {
        ether.push(0);
        ether.push(1);
        ether.run(millis(1));
    }
    ether.run(millis(100));
    ether.assert_complete();
    assert_eq!(ether.naks, 0);
    assert!(ether.heard.iter().all(|heard| heard.messages.values().all(|messages| messages[0] == 0)));
}

#[test]
fn whatever_the_weather_everything_that_is_kept_arrives() {
    for seed in 0..300 {
        let mut random = Rng::with_seed(seed);
        let weather = Weather {
            loss: random.f64() * 0.2,
            duplicate: random.f64() * 0.1,
            delay: Duration::from_micros(random.u64(0..3000)),
        };
        let mut ether = Ether::new(seed, random.usize(1..3), random.usize(1..4), weather);
        ether.run(millis(50));
        for _ in 0..100 {
            for sender in 0..ether.senders.len() {
                ether.push(sender);
            }
            ether.run(millis(random.u64(0..3)));
        }
        ether.run(Duration::from_secs(5));
        ether.assert_complete();
    }
}

#[test]
fn after_an_outage_beyond_the_window_it_goes_on_and_says_what_is_missing() {
    let mut ether = Ether::new(1, 1, 1, Weather::default());
    let mut options = sender_options(0, Sqn(0));
    options.window = 4_000;
    ether.senders = vec![Sender::new(Duration::ZERO, options)];
    for number in 0..300 {
        ether.weather.loss = if (100..200).contains(&number) { 1.0 } else { 0.0 };
        ether.push(0);
        ether.run(millis(1));
    }
    ether.run(millis(100));
    let heard = &ether.heard[0];
    let messages = &heard.messages.values().next().expect("one source")[..];
    assert!(heard.missed > 0 && heard.broken == 0);
    assert!(messages.is_sorted() && messages.last() == Some(&299));
    let after: Vec<u64> = messages.iter().copied().filter(|number| *number >= 200).collect();
    assert!(after[0] <= 202 && after.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{after:?}");
}

#[test]
fn a_loss_is_repaired_within_a_few_times_the_way_there_and_back() {
    let mut ether = Ether::new(7, 1, 1, Weather::default());
    let mut waited = Vec::new();
    for number in 0..1000 {
        // One datagram in a hundred is lost, and every other message is only a millisecond later.
        ether.weather.loss = if number % 100 == 50 { 1.0 } else { 0.0 };
        ether.push(0);
        let pushed = ether.now;
        ether.run(millis(1));
        let mut now = ether.now;
        while ether.heard[0].messages.values().next().map_or(0, Vec::len) as u64 <= number && number % 100 != 50 {
            ether.run(millis(1));
            now = ether.now;
        }
        waited.push(now - pushed);
    }
    ether.assert_complete();
    waited.sort_unstable();
    assert!(waited[990] <= millis(5), "{:?}", waited[990]);
}

#[test]
fn many_who_miss_the_same_ask_a_few_times() {
    let mut ether = Ether::new(3, 1, 50, Weather::default());
    for number in 0..200 {
        // Near the source: nobody gets it.
        ether.weather.loss = if number % 20 == 10 { 1.0 } else { 0.0 };
        ether.push(0);
        ether.run(Duration::from_micros(10));
        ether.weather.loss = 0.0;
        ether.run(millis(5));
    }
    ether.assert_complete();
    assert!(ether.naks < 10 * 25, "{} questions for ten losses and fifty receivers", ether.naks);
}

#[test]
fn a_source_that_ends_is_gone_once_all_is_there_and_a_silent_one_later() {
    let mut ether = Ether::new(1, 2, 1, Weather::default());
    ether.push(0);
    ether.push(1);
    ether.run(millis(10));
    ether.senders[0].finish();
    ether.run(millis(10));
    assert_eq!(ether.heard[0].gone, 1);
    ether.senders.clear();
    ether.run(Duration::from_secs(400));
    assert_eq!(ether.heard[0].gone, 2);
}

#[test]
fn who_never_says_where_it_is_cannot_be_asked_and_is_heard_all_the_same() {
    let mut receiver = Receiver::new(receiver_options(1));
    let (mut now, mut events, mut spmrs) = (Duration::ZERO, vec![], 0);
    for sequence in [0, 2] {
        let mut datagram = Vec::new();
        let body = Body::Data { repair: false, sequence: Sqn(sequence), trail: Sqn(0), payload: b"\0\0\x02\0x" };
        Packet { flow: flow(1), body, ..Packet::default() }.write(&mut datagram);
        receiver.handle(now, place(1), &datagram.into());
    }
    while now < Duration::from_secs(2) {
        events.extend(std::iter::from_fn(|| receiver.event()));
        spmrs += std::iter::from_fn(|| receiver.poll()).count();
        now = receiver.deadline().expect("a source");
        receiver.advance(now);
    }
    let id = SourceId { gsi: flow(1).gsi, port: flow(1).source };
    let message = || Event::Message(id, vec![Bytes::from_static(b"x")]);
    assert_eq!(events, [Event::Joined(id), message(), Event::Missed(id, Sqn(1), Sqn(1)), message()]);
    assert_eq!(spmrs, 16, "eight times to the group and to the source");
}

#[test]
fn where_there_is_no_group_a_source_is_asked_where_it_was_heard_and_nobody_else() {
    let mut receiver = Receiver::new(ReceiverOptions { asking: Asking::Heard, ..receiver_options(1) });
    let heard = SocketAddr::new(address(7), 999);
    let spm = Body::Spm { sequence: Sqn(0), trail: Sqn(0), lead: Sqn(3), address: address(1) };
    let data = Body::Data { repair: false, sequence: Sqn(0), trail: Sqn(0), payload: b"\0\0\x02\0x" };
    let mut asked = Vec::new();
    for (body, questions) in [(data, 1), (spm, 3)] {
        let mut datagram = Vec::new();
        Packet { flow: flow(1), body, ..Packet::default() }.write(&mut datagram);
        receiver.handle(Duration::ZERO, heard, &datagram.into());
        while asked.len() < questions {
            receiver.advance(receiver.deadline().expect("a source"));
            let question =
                |(to, datagram): (_, Bytes)| (to, Packet::read(&datagram).expect("a packet").body == Body::Spmr);
            asked.extend(std::iter::from_fn(|| receiver.poll()).map(question));
        }
    }
    let to = To::Source(heard);
    assert_eq!(asked, [(to, true), (to, false), (to, false)]);
}

#[test]
fn strangers_are_bounded() {
    let mut receiver = Receiver::new(receiver_options(1));
    for node in 0..200 {
        let mut datagram = Vec::new();
        let body = Body::Data { repair: false, sequence: Sqn(0), trail: Sqn(0), payload: b"\0\0\x02\0x" };
        Packet { flow: flow(node), body, ..Packet::default() }.write(&mut datagram);
        receiver.handle(millis(1), place(1), &datagram.into());
    }
    assert_eq!((receiver.sources.len(), receiver.counters().refused), (10, 190));
}

proptest! {
    #[test]
    fn nothing_that_is_said_to_it_does_harm(said in prop::collection::vec((any::<u8>(), any::<u32>(), any::<u32>(), any::<Vec<u8>>()), 0..100)) {
        let mut receiver = Receiver::new(receiver_options(1));
        let mut now = Duration::ZERO;
        for (kind, one, other, bytes) in said {
            let (one, other) = if kind & 0x10 == 0 { (Sqn(one % 64), Sqn(other % 64)) } else { (Sqn(one), Sqn(other)) };
            let body = match kind % 5 {
                0 => Body::Data { repair: false, sequence: one, trail: other, payload: &bytes },
                1 => Body::Spm { sequence: one, trail: other, lead: Sqn(one.0 ^ 7), address: address(1) },
                2 => Body::Nak { kind: NakKind::Confirm, sequence: one, source: address(1), group: GROUP },
                3 => Body::Spmr,
                _ => Body::Data { repair: true, sequence: other, trail: one, payload: b"\0\0\x02\0x" },
            };
            let mut datagram = Vec::new();
            Packet { flow: flow(1), body, ..Packet::default() }.write(&mut datagram);
            receiver.handle(now, place(1), &datagram.into());
            receiver.handle(now, place(1), &bytes.into());
            now += millis(3);
            receiver.advance(now);
            prop_assert!(receiver.deadline().is_none_or(|at| at > now));
            prop_assert!(std::iter::from_fn(|| receiver.poll()).count() < 2 * (1 << 20) / 64);
            while receiver.event().is_some() {}
        }
    }
}
