//! Senders and receivers on a bad network.

mod beyond;
mod ether;

use std::{collections::BTreeMap, net::Ipv4Addr};

use fastrand::Rng;
use proptest::prelude::*;

use self::ether::{Ether, Heard, Weather};
use super::*;
use crate::{
    packet::OptionsBuffer,
    sender::{Sender, SenderCounters, SenderOptions},
};

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
        max_payload: 200,
        window: 1 << 20,
        max_unsent: 1 << 20,
        rate: 1 << 20,
        burst: 10_000,
        first,
        ..SenderOptions::new(flow(node), address(node), GROUP)
    }
}

fn receiver_options(seed: u64) -> ReceiverOptions {
    ReceiverOptions {
        max_sources: 10,
        window: 1 << 20,
        max_message: 1 << 16,
        ..ReceiverOptions::new(PORT, GROUP, seed)
    }
}

/// One who wants everything.
fn receiver(seed: u64) -> Receiver {
    let mut receiver = Receiver::new(receiver_options(seed));
    receiver.subscribe(b"");
    receiver
}

/// What it brings, messages with their frames.
fn taken(receiver: &mut Receiver) -> Vec<(Event, Vec<Vec<u8>>)> {
    let mut batch = Batch::default();
    receiver.take(&mut batch);
    batch.iter().map(|(event, frames)| (event, frames.iter().map(<[u8]>::to_vec).collect())).collect()
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
            corruption: random.f64() * 0.05,
            is_shared: random.bool(),
            ..Weather::default()
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
    let mut receiver = receiver(1);
    let (mut now, mut events, mut spmrs) = (Duration::ZERO, vec![], 0);
    for sequence in [0, 2] {
        let mut datagram = Vec::new();
        let body = Body::Data { repair: false, sequence: Sqn(sequence), trail: Sqn(0), payload: b"\0\0\x02\0x" };
        Packet { flow: flow(1), body, ..Packet::default() }.write(&mut datagram);
        receiver.handle(now, place(1), &datagram);
    }
    while now < Duration::from_secs(2) {
        events.extend(taken(&mut receiver));
        spmrs += std::iter::from_fn(|| receiver.poll()).count();
        now = receiver.deadline().expect("a source");
        receiver.advance(now);
    }
    let id = SourceId { gsi: flow(1).gsi, port: flow(1).source };
    let (message, alone) = ((Event::Message(id), vec![b"x".to_vec()]), |event| (event, vec![]));
    let missed = Event::Missed(id, Sqn(1), Sqn(1));
    assert_eq!(events, [alone(Event::Joined(id)), message.clone(), alone(missed), message]);
    assert_eq!(spmrs, 16, "eight times to the group and to the source");
}

#[test]
fn where_there_is_no_group_a_source_is_asked_where_it_was_heard_and_nobody_else() {
    let mut receiver = Receiver::new(ReceiverOptions { asking: Asking::Heard, ..receiver_options(1) });
    receiver.subscribe(b"");
    let heard = SocketAddr::new(address(7), 999);
    let spm = Body::Spm { sequence: Sqn(0), trail: Sqn(0), lead: Sqn(3), address: address(1) };
    let data = Body::Data { repair: false, sequence: Sqn(0), trail: Sqn(0), payload: b"\0\0\x02\0x" };
    let mut asked = Vec::new();
    for (body, questions) in [(data, 1), (spm, 3)] {
        let mut datagram = Vec::new();
        Packet { flow: flow(1), body, ..Packet::default() }.write(&mut datagram);
        receiver.handle(Duration::ZERO, heard, &datagram);
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
    let mut receiver = receiver(1);
    for node in 0..200 {
        let mut datagram = Vec::new();
        let body = Body::Data { repair: false, sequence: Sqn(0), trail: Sqn(0), payload: b"\0\0\x02\0x" };
        Packet { flow: flow(node), body, ..Packet::default() }.write(&mut datagram);
        receiver.handle(millis(1), place(1), &datagram);
    }
    assert_eq!((receiver.sources.len(), receiver.counters().refused), (10, 190));
}

#[test]
fn what_the_program_has_no_room_for_is_told_in_its_place() {
    let mut receiver = receiver(1);
    receiver.set_room(Duration::ZERO, Room { events: 3, bytes: 1000 });
    let say = |receiver: &mut Receiver, sequence: u32, body: &[u8]| {
        let mut payload = vec![0, 0, body.len() as u8 + 1, 0];
        payload.extend(body);
        let mut datagram = Vec::new();
        let body = Body::Data { repair: false, sequence: Sqn(sequence), trail: Sqn(0), payload: &payload };
        Packet { flow: flow(1), body, ..Packet::default() }.write(&mut datagram);
        receiver.handle(Duration::ZERO, place(1), &datagram);
    };
    (0..5).for_each(|sequence| say(&mut receiver, sequence, &[sequence as u8]));
    let id = SourceId { gsi: flow(1).gsi, port: flow(1).source };
    let message = |byte: u8| (Event::Message(id), vec![vec![byte]]);
    assert_eq!(taken(&mut receiver), [(Event::Joined(id), vec![]), message(0), message(1)]);
    assert!(receiver.is_short());
    // Each costs its bytes, and 32 for the frame and for the event; what goes beyond still fits.
    receiver.set_room(Duration::ZERO, Room { events: 10, bytes: 32 + 65 + 1 });
    (5..9).for_each(|sequence| say(&mut receiver, sequence, &[sequence as u8]));
    assert_eq!(taken(&mut receiver), [(Event::Dropped(3), vec![]), message(5), message(6)]);
    receiver.set_room(Duration::ZERO, Room { events: 10, bytes: 1000 });
    assert_eq!(taken(&mut receiver), [(Event::Dropped(2), vec![])]);
    assert_eq!((receiver.is_short(), receiver.counters().dropped, receiver.counters().all.delivered), (false, 5, 9));
}

#[test]
fn nobody_is_listened_to_before_the_first_subscription() {
    let mut receiver = Receiver::new(ReceiverOptions { history: 1000, ..receiver_options(1) });
    let (trail, lead) = (Sqn(0), Sqn(7));
    let say = |receiver: &mut Receiver, sequence| {
        let body = Body::Spm { sequence: Sqn(sequence), trail, lead, address: address(1) };
        let options = OptionsBuffer::new().join(trail).paced();
        let mut datagram = Vec::new();
        Packet { flow: flow(1), body, options: options.as_options(), ..Packet::default() }.write(&mut datagram);
        receiver.handle(Duration::ZERO, place(1), &datagram);
        receiver.advance(Duration::ZERO);
        std::iter::from_fn(|| receiver.poll()).count()
    };
    assert_eq!((say(&mut receiver, 0), receiver.deadline(), taken(&mut receiver)), (0, None, vec![]));
    receiver.subscribe(b"x");
    assert!(say(&mut receiver, 1) > 0, "it asks for what it is offered, and says how far it is");
    assert!(receiver.unsubscribe(b"x"));
    assert!(say(&mut receiver, 2) == 0 && receiver.sources().count() == 1, "who was listened to is so on");
}

#[test]
fn only_what_is_subscribed_to_is_brought() {
    let mut receiver = Receiver::new(receiver_options(1));
    receiver.subscribe(b"b");
    receiver.subscribe(b"b");
    let mut datagram = Vec::new();
    let payload = b"\0\0\x02\0a\x02\0b\x03\x01bc\x02\0d\x03\0ab";
    let body = Body::Data { repair: false, sequence: Sqn(0), trail: Sqn(0), payload };
    Packet { flow: flow(1), body, ..Packet::default() }.write(&mut datagram);
    receiver.handle(Duration::ZERO, place(1), &datagram);
    let brought: Vec<_> = taken(&mut receiver).into_iter().map(|(_, frames)| frames.concat()).collect();
    assert_eq!(brought, [&b""[..], b"b", b"bcd"]);
    assert!(receiver.unsubscribe(b"b") && !receiver.unsubscribe(b"b"));
}

proptest! {
    #[test]
    fn nothing_that_is_said_to_it_does_harm(said in prop::collection::vec((any::<u8>(), any::<u32>(), any::<u32>(), any::<Vec<u8>>()), 0..100)) {
        let mut receiver = receiver(1);
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
            receiver.handle(now, place(1), &datagram);
            receiver.handle(now, place(1), &bytes);
            now += millis(3);
            receiver.advance(now);
            prop_assert!(receiver.deadline().is_none_or(|at| at > now));
            prop_assert!(std::iter::from_fn(|| receiver.poll()).count() < 2 * (1 << 20) / 64);
            taken(&mut receiver);
        }
    }
}
