//! A sender, and receivers who ask it for more than it has.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;
use crate::packet::Gsi;

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 9, 0, 1));
const GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(239, 192, 1, 1));
const FLOW: Flow = Flow { source: 0x3d53, destination: 5555, gsi: Gsi([0xb7, 0xc6, 0xd1, 0xbc, 0x03, 0x8a]) };

/// A message that fills a payload of 1428 bytes.
const FULL: usize = 1428 - 2 - 10;

fn options() -> SenderOptions {
    SenderOptions {
        window: 100_000,
        max_unsent: 2_000_000,
        rate: 1_000_000,
        burst: 10_000,
        linger: millis(2),
        ..SenderOptions::new(FLOW, ADDRESS, GROUP)
    }
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A sender that has announced itself.
fn sender(change: impl FnOnce(&mut SenderOptions)) -> Sender {
    let mut options = options();
    change(&mut options);
    let mut sender = Sender::new(Duration::ZERO, options);
    assert_eq!(drain(&mut sender, Duration::ZERO).len(), ANNOUNCEMENTS);
    sender
}

/// What it sends now.
fn drain(sender: &mut Sender, now: Duration) -> Vec<Bytes> {
    std::iter::from_fn(|| sender.poll(now)).collect()
}

/// What it sends within `span`, in steps as it asks for them, and when.
fn run(sender: &mut Sender, mut now: Duration, span: Duration) -> Vec<(Duration, Bytes)> {
    let end = now + span;
    let mut sent = Vec::new();
    while now <= end {
        sent.extend(drain(sender, now).into_iter().map(|datagram| (now, datagram)));
        let next = sender.deadline();
        assert!(next > now, "it has said that there is nothing");
        now = next;
    }
    sent
}

fn body(datagram: &Bytes) -> Body<'_> {
    Packet::read(datagram).expect("a sender sends packets").body
}

/// The numbers of new data, and of repairs.
fn numbers<'a>(sent: impl IntoIterator<Item = &'a Bytes>) -> (Vec<u32>, Vec<u32>) {
    let (mut new, mut again) = (vec![], vec![]);
    for datagram in sent {
        if let Body::Data { repair, sequence, .. } = body(datagram) {
            if repair { &mut again } else { &mut new }.push(sequence.0);
        }
    }
    (new, again)
}

fn nak(source: IpAddr, first: u32, others: &[u32]) -> Vec<u8> {
    let list = OptionsBuffer::new().nak_list(&others.iter().copied().map(Sqn).collect::<Vec<_>>());
    let options = if others.is_empty() { OptionsBuffer::new() } else { list };
    let body = Body::Nak { kind: NakKind::Ask, sequence: Sqn(first), source, group: GROUP };
    let mut datagram = Vec::new();
    let packet = Packet { flow: FLOW.reversed(), body, options: options.as_options(), ..Packet::default() };
    packet.write(&mut datagram);
    datagram
}

#[test]
fn it_announces_itself_as_libzmq_does() {
    let mut sender = Sender::new(Duration::ZERO, options());
    let first = sender.poll(Duration::ZERO).expect("an SPM");
    let expected = b"\x3d\x53\x15\xb3\0\0\x15\xe1\xb7\xc6\xd1\xbc\x03\x8a\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\0\x01\0\0\x0a\x09\0\x01";
    assert_eq!(first, expected[..]);
}

#[test]
fn small_messages_share_a_datagram_if_they_wait_and_wait_for_nothing() {
    let mut sender = sender(|_| {});
    sender.push(&[b"one"]).expect("room");
    sender.push(&[b"two"]).expect("room");
    let sent = drain(&mut sender, millis(1));
    let [datagram] = &sent[..] else { panic!("one datagram: {sent:?}") };
    let Body::Data { payload, sequence, .. } = body(datagram) else { panic!("data") };
    assert_eq!((payload, sequence), (&b"\0\0\x04\0one\x04\0two"[..], Sqn(0)));
    sender.push(&[b"three"]).expect("room");
    assert_eq!(numbers(&drain(&mut sender, millis(1))), (vec![1], vec![]));
}

#[test]
fn who_asks_is_told_at_once_and_gets_it_once() {
    let mut sender = sender(|_| {});
    for _ in 0..5 {
        sender.push(&[vec![7; FULL]]).expect("room");
    }
    let sent = drain(&mut sender, millis(1));
    assert_eq!(numbers(&sent), (vec![0, 1, 2, 3, 4], vec![]));
    sender.handle(millis(2), &nak(ADDRESS, 1, &[3, 9]));
    sender.handle(millis(2), &nak(ADDRESS, 3, &[]));
    let answers = drain(&mut sender, millis(2));
    let Body::Nak { kind: NakKind::Confirm, sequence: Sqn(1), .. } = body(&answers[0]) else { panic!("{answers:?}") };
    let listed: Vec<Sqn> = Packet::read(&answers[0]).expect("a packet").options.nak_list().collect();
    assert_eq!(listed, [Sqn(3)], "the other one it does not have");
    assert_eq!(numbers(&answers), (vec![], vec![1, 3]));
    let (Body::Data { payload, .. }, Body::Data { payload: first, .. }) = (body(&answers[2]), body(&sent[1])) else {
        panic!("a repair")
    };
    assert_eq!(payload, first);
    sender.handle(millis(3), &nak(ADDRESS, 1, &[]));
    assert_eq!(numbers(&drain(&mut sender, millis(3))), (vec![], vec![]), "it is on its way");
    sender.handle(millis(5), &nak(ADDRESS, 1, &[]));
    assert_eq!(numbers(&drain(&mut sender, millis(5))), (vec![], vec![1]), "it was lost again");
    let SenderCounters { asked, gone, repairs, .. } = sender.counters();
    assert_eq!((asked, gone, repairs), (6, 1, 3));
}

#[test]
fn it_answers_for_itself_only() {
    let mut sender = sender(|_| {});
    sender.push(&[b"one"]).expect("room");
    drain(&mut sender, millis(1));
    sender.handle(millis(1), &nak(GROUP, 0, &[]));
    sender.handle(millis(1), b"");
    sender.handle(millis(1), b"no packet");
    let mut own = Vec::new();
    Packet { flow: FLOW, ..Packet::default() }.write(&mut own);
    sender.handle(millis(1), &own);
    assert!(drain(&mut sender, millis(1)).is_empty());
    let SenderCounters { foreign, malformed, asked, .. } = sender.counters();
    assert_eq!((foreign, malformed, asked), (1, 2, 0));
}

#[test]
fn who_has_no_spm_gets_one_but_not_at_every_word() {
    let mut sender = sender(|_| {});
    let mut spmr = Vec::new();
    Packet { flow: FLOW.reversed(), ..Packet::default() }.write(&mut spmr);
    let answers = [0, 0, 1, 6].map(|at| {
        sender.handle(millis(at), &spmr);
        // Without the heartbeat, which is due after 4 ms.
        sender.control.drain(..).count()
    });
    assert_eq!(answers, [1, 0, 0, 1]);
}

#[test]
fn the_window_is_bounded_and_every_packet_says_where_it_begins() {
    let mut sender = sender(|options| (options.window, options.first) = (10_000, Sqn(u32::MAX - 5)));
    for _ in 0..20 {
        sender.push(&[vec![7; FULL]]).expect("room");
    }
    let sent = run(&mut sender, millis(0), millis(100));
    let last = sent.iter().rev().find_map(|(_, datagram)| match body(datagram) {
        Body::Data { sequence, trail, .. } => Some((sequence, trail)),
        _ => None,
    });
    let (sequence, trail) = last.expect("data");
    assert_eq!((sequence, sequence.since(trail)), (Sqn(13), 5), "six of them are 8712 bytes");
    sender.handle(millis(100), &nak(ADDRESS, trail.0, &[trail.0.wrapping_sub(1), sequence.next().0]));
    assert_eq!(sender.counters().gone, 2);
}

#[test]
fn more_than_fits_is_refused_and_accepted_again() {
    let mut sender = sender(|options| options.max_unsent = 5_000);
    let taken = (0..100).take_while(|_| sender.push(&[vec![7; 1000]]).is_ok()).count();
    assert_eq!(taken, 5);
    run(&mut sender, millis(0), millis(50));
    assert!(sender.push(&[b"more"]).is_ok());
}

#[test]
fn the_rate_is_kept_and_repairs_take_turns_with_what_is_new() {
    let mut sender = sender(|options| options.linger = Duration::ZERO);
    for _ in 0..700 {
        sender.push(&[vec![7; FULL]]).expect("room");
    }
    drain(&mut sender, millis(1));
    let all: Vec<u32> = (1..=60).collect();
    let mut sent = Vec::new();
    for ms in 2..=500 {
        // Somebody asks for everything all the time.
        sender.handle(millis(ms), &nak(ADDRESS, sender.window.trail().0, &all));
        sent.extend(drain(&mut sender, millis(ms)));
    }
    let bytes: usize = sent.iter().filter(|datagram| matches!(body(datagram), Body::Data { .. })).map(Bytes::len).sum();
    assert!((490_000..=512_000).contains(&bytes), "{bytes}");
    let (new, again) = numbers(&sent);
    assert!(new.len().abs_diff(again.len()) < new.len() / 10, "{} and {}", new.len(), again.len());
}

#[test]
fn after_the_last_data_it_is_heard_soon_and_then_ever_more_rarely() {
    let mut sender = sender(|_| {});
    sender.push(&[b"last"]).expect("room");
    let sent = run(&mut sender, millis(1), Duration::from_secs(200));
    let spms: Vec<u64> = sent.iter().skip(1).map(|(at, _)| at.as_millis() as u64).collect();
    assert_eq!(spms[..5], [5, 13, 29, 61, 125]);
    let last: Vec<u64> = spms.windows(2).rev().take(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(last, [30_000, 30_000]);
    let Body::Spm { lead, .. } = body(&sent[1].1) else { panic!("an SPM") };
    assert_eq!(lead, Sqn(0));
}

#[test]
fn it_says_that_it_ends() {
    let mut sender = sender(|_| {});
    sender.push(&[b"last"]).expect("room");
    sender.finish();
    let sent = drain(&mut sender, millis(1));
    let fins: Vec<bool> =
        sent.iter().map(|datagram| Packet::read(datagram).expect("a packet").options.is_fin()).collect();
    assert_eq!(fins, [false, true, true, true], "after the data");
    assert!(sender.deadline() < Duration::from_secs(31), "and again, for those who have not heard it");
}

proptest! {
    #[test]
    fn nothing_that_is_said_to_it_does_harm(said in prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u32>(), 0..70), any::<Vec<u8>>()), 0..200)) {
        let mut sender = sender(|_| {});
        for _ in 0..20 {
            sender.push(&[vec![7; 100]]).expect("room");
        }
        for (first, others, noise) in said {
            sender.handle(millis(1), &nak(ADDRESS, first % 30, &others));
            sender.handle(millis(1), &noise);
        }
        prop_assert!(sender.control.len() <= MAX_CONTROL + 1 && sender.repairs.len() <= 20);
        let sent = run(&mut sender, millis(1), millis(100));
        let (new, _) = numbers(sent.iter().map(|(_, datagram)| datagram));
        prop_assert_eq!(new, vec![0, 1]);
    }
}
