//! Two tables of links, and everything between them.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use fastrand::Rng;

use super::{Arrival, BEAT, Backlog, FIRST, Header, LinkId, Links, OPEN, PING, RESEND, RESET, Session, Silence};
use crate::{
    Time,
    liveness::Pace,
    machine::{Frames, Peer, SocketId, Token},
};

const MAGIC: [u8; 4] = *b"test";
const PACE: Pace = Pace { interval: Duration::from_millis(100), limit: 3 };
const FORGET: Duration = Duration::from_secs(10);
const SOCKET: SocketId = SocketId(0);
const MOST: Backlog = Backlog { messages: 1000, bytes: 100_000 };

fn at(millis: u64) -> Time {
    Time::ZERO + Duration::from_millis(millis)
}

fn table(seed: u64) -> Links {
    Links::new(MAGIC, PACE, 4, FORGET, MOST, seed)
}

fn body(text: &str) -> Frames {
    vec![Bytes::copy_from_slice(text.as_bytes())]
}

/// What a table sends now.
fn sent(links: &mut Links) -> Vec<(Token, Frames)> {
    std::iter::from_fn(|| links.poll()).map(|(_, _, token, frames)| (token, frames)).collect()
}

fn header(frames: &Frames) -> Header {
    Header::read(MAGIC, frames.clone()).expect("a message of ours").0
}

fn kinds(sent: &[(Token, Frames)]) -> Vec<u8> {
    sent.iter().map(|(_, frames)| header(frames).kind).collect()
}

/// Carries what one sends to the other; what the other's pattern gets.
fn carry(now: Time, from: &mut Links, to: &mut Links, peer: &str) -> Vec<Arrival> {
    let peer = Peer(Bytes::copy_from_slice(peer.as_bytes()));
    let sent = sent(from);
    sent.into_iter().map(|(_, frames)| to.receive(now, SOCKET, &peer, frames)).collect()
}

fn texts(arrivals: &[Arrival]) -> Vec<String> {
    let text = |arrival: &Arrival| match arrival {
        Arrival::Message { body, .. } => Some(String::from_utf8_lossy(&body[0]).into_owned()),
        _ => None,
    };
    arrivals.iter().filter_map(text).collect()
}

/// A pair that has met: who opened, who was opened to, and their links.
fn met() -> (Links, LinkId, Links, LinkId) {
    let (mut one, mut other) = (table(1), table(2));
    let link = one.open(at(0), SOCKET);
    let arrivals = carry(at(0), &mut one, &mut other, "one");
    let [Arrival::Opened(theirs)] = arrivals[..] else { panic!("{arrivals:?}") };
    carry(at(0), &mut other, &mut one, "");
    (one, link, other, theirs)
}

#[test]
fn messages_arrive_once_and_in_order_whatever_happens_to_connections() {
    for seed in 0..2000 {
        let mut random = Rng::with_seed(seed);
        let (mut one, link, mut other, theirs) = met();
        let (mut to, mut back): (VecDeque<Frames>, VecDeque<Frames>) = Default::default();
        let (mut pushed, mut got) = ([0_u32; 2], [0_u32; 2]);
        let (mut now, mut peer) = (Time::ZERO, 0);
        while got != [50, 50] {
            now += Duration::from_millis(random.u64(0..30));
            if pushed[0] < 50 && random.bool() {
                one.send(now, link, FIRST, &[], body(&pushed[0].to_string()));
                pushed[0] += 1;
            }
            if pushed[1] < 50 && random.bool() {
                other.send(now, theirs, FIRST, &[], body(&pushed[1].to_string()));
                pushed[1] += 1;
            }
            one.due(now);
            other.due(now);
            // A connection passes some, refuses from one on, or breaks with all that is on it.
            for (links, way) in [(&mut one, &mut to), (&mut other, &mut back)] {
                let mut refuses = false;
                while let Some((_, _, token, frames)) = links.poll() {
                    refuses |= random.u8(0..20) == 0;
                    if refuses {
                        links.refused(token);
                    } else {
                        way.push_back(frames);
                    }
                }
                if refuses && random.bool() {
                    links.writable(now, SOCKET);
                }
            }
            if random.u8(0..20) == 0 {
                to.clear();
                back.clear();
                peer += 1;
            }
            for _ in 0..random.usize(0..5) {
                if let Some(frames) = to.pop_front() {
                    let name = Peer(Bytes::from(vec![peer]));
                    if let Arrival::Message { body, .. } = other.receive(now, SOCKET, &name, frames) {
                        assert_eq!(body, self::body(&got[0].to_string()), "seed {seed}");
                        got[0] += 1;
                    }
                }
                if let Some(frames) = back.pop_front()
                    && let Arrival::Message { body, .. } = one.receive(now, SOCKET, &Peer::default(), frames)
                {
                    assert_eq!(body, self::body(&got[1].to_string()), "seed {seed}");
                    got[1] += 1;
                }
            }
            one.writable(now, SOCKET);
            other.writable(now, SOCKET);
            assert!(now < at(600_000), "seed {seed} does not come to its end");
        }
    }
}

#[test]
fn a_small_body_rides_with_the_header_and_a_large_one_behind_it() {
    let (mut one, link, mut other, _) = met();
    for size in [0, 1, 1024, 1025, 100_000] {
        let body = vec![Bytes::from(vec![7; size]), Bytes::from_static(b"second")];
        one.send(at(1), link, FIRST, b"fields", body.clone());
        let frames = sent(&mut one).remove(0).1;
        assert_eq!(frames.len(), if size <= 1024 { 2 } else { 3 });
        match other.receive(at(1), SOCKET, &Peer(Bytes::from_static(b"one")), frames) {
            Arrival::Message { kind: FIRST, fields, body: arrived, .. } => {
                assert_eq!((&fields[..], arrived), (&b"fields"[..], body));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_gap_is_asked_for_once_and_again_after_an_interval() {
    let (mut one, link, mut other, _) = met();
    let peer = Peer(Bytes::from_static(b"one"));
    for text in ["lost", "second", "third"] {
        one.send(at(1), link, FIRST, &[], body(text));
    }
    let mut messages = sent(&mut one);
    messages.remove(0);
    for (_, frames) in messages {
        assert!(matches!(other.receive(at(1), SOCKET, &peer, frames), Arrival::Nothing));
    }
    let asked = sent(&mut other);
    assert_eq!(kinds(&asked), [RESEND], "once for both");
    other.due(at(102));
    assert_eq!(kinds(&sent(&mut other)), [RESEND], "the question may have been lost");
    one.receive(at(103), SOCKET, &Peer::default(), asked[0].1.clone());
    assert_eq!(texts(&carry(at(103), &mut one, &mut other, "one")), ["lost", "second", "third"]);
}

#[test]
fn two_that_miss_something_of_each_other_come_to_rest() {
    let (mut one, a, mut other, b) = met();
    one.send(at(1), a, FIRST, &[], body("lost"));
    other.send(at(1), b, FIRST, &[], body("lost too"));
    let session = header(&sent(&mut one)[0].1).session;
    assert_eq!(sent(&mut other).len(), 1);
    // What is asked for is lost as well, and is not sent again at once.
    let question = || Header { kind: RESEND, session, sequence: 9, received: 0 }.write(MAGIC, &[], Frames::new());
    for (links, peer) in [(&mut one, ""), (&mut other, "one")] {
        links.receive(at(1), SOCKET, &Peer(Bytes::from_static(peer.as_bytes())), question());
        sent(links);
    }
    one.receive(at(20), SOCKET, &Peer::default(), question());
    let mut asked = 0;
    loop {
        let questions = |sent: Vec<(Token, Frames)>| {
            let is_question = |(_, frames): &(Token, Frames)| header(frames).kind == RESEND;
            sent.into_iter().filter(is_question).map(|(_, frames)| frames).collect::<Vec<_>>()
        };
        let (there, back) = (questions(sent(&mut one)), questions(sent(&mut other)));
        if there.is_empty() && back.is_empty() {
            break;
        }
        asked += there.len() + back.len();
        assert!(asked < 10, "they go on asking each other");
        let peer = Peer(Bytes::from_static(b"one"));
        there.into_iter().for_each(|frames| drop(other.receive(at(20), SOCKET, &peer, frames)));
        back.into_iter().for_each(|frames| drop(one.receive(at(20), SOCKET, &Peer::default(), frames)));
    }
}

#[test]
fn who_waits_for_nothing_is_silent() {
    let (mut one, link, mut other, theirs) = met();
    one.send(at(1), link, FIRST, &[], body("question"));
    carry(at(1), &mut one, &mut other, "one");
    other.send(at(2), theirs, FIRST, &[], body("answer"));
    carry(at(2), &mut other, &mut one, "");
    // The answer told that the question arrived. That the answer arrived is told after an interval, by a message.
    assert_eq!((one.backlog(link), other.backlog(theirs).0), ((0, 0), 1));
    let at_last = one.deadline().expect("it owes");
    assert_eq!(at_last, at(101));
    one.due(at_last);
    carry(at_last, &mut one, &mut other, "one");
    assert_eq!(other.backlog(theirs), (0, 0));
    assert_eq!(one.deadline(), None);
    // A time that no longer matters is passed over when it comes.
    assert_eq!(other.due(at(102)), []);
    assert_eq!((sent(&mut other), other.deadline()), (vec![], Some(at_last + FORGET)));
}

#[test]
fn who_waits_asks_and_notices_silence_and_goes_on_elsewhere() {
    let (mut one, link, mut other, _) = met();
    one.watch(at(0), link, true);
    assert_eq!(sent(&mut one), []);
    for millis in [100, 200] {
        assert_eq!(one.due(at(millis)), []);
        assert_eq!(kinds(&sent(&mut one)), [PING]);
    }
    assert_eq!(one.due(at(300)), [Silence::Long(link)]);
    assert_eq!(sent(&mut one), []);
    assert_eq!(one.due(at(599)), [], "the next is as far away");
    one.send(at(600), link, FIRST, &[], body("question"));
    sent(&mut one);
    one.move_to(at(601), link, SOCKET);
    let arrivals = carry(at(601), &mut one, &mut other, "one, later");
    assert_eq!(texts(&arrivals), ["question"]);
    assert!(kinds(&sent(&mut other)).iter().any(|kind| [BEAT, RESEND].contains(kind)));
}

#[test]
fn a_stranger_is_told_to_start_anew_and_what_was_kept_is_handed_back() {
    let (mut one, link, _, _) = met();
    let mut other = table(3);
    one.send(at(1), link, FIRST, b"f", body("question"));
    carry(at(1), &mut one, &mut other, "one");
    let answer = sent(&mut other);
    assert_eq!(kinds(&answer), [RESET]);
    let arrival = one.receive(at(1), SOCKET, &Peer::default(), answer[0].1.clone());
    assert!(matches!(arrival, Arrival::Reset(reset) if reset == link));
    assert_eq!(one.remove(link), [(FIRST, Bytes::from_static(b"f"), body("question"))]);
    // A reset of what is not known is not answered, or two would go on for ever.
    assert!(matches!(one.receive(at(1), SOCKET, &Peer::default(), answer[0].1.clone()), Arrival::Nothing));
    assert_eq!(sent(&mut one), []);
}

#[test]
fn what_was_refused_is_known_to_be_unsent() {
    let mut one = table(1);
    let link = one.open(at(0), SOCKET);
    let numbers: Vec<u64> = (0..3).filter_map(|_| one.send(at(0), link, FIRST, &[], body("x"))).collect();
    // The driver takes all, and hears of the refusals afterwards.
    let all = sent(&mut one);
    assert_eq!(kinds(&all), [OPEN, FIRST, FIRST, FIRST]);
    for (token, _) in &all[2..] {
        one.refused(*token);
    }
    assert_eq!(numbers.iter().map(|number| one.is_unsent(link, *number)).collect::<Vec<_>>(), [false, true, true]);
    assert_eq!(sent(&mut one), [], "it waits");
    one.writable(at(1), SOCKET);
    assert_eq!(kinds(&sent(&mut one)), [OPEN, FIRST, FIRST]);
    assert!(numbers.iter().all(|number| !one.is_unsent(link, *number)));
}

#[test]
fn whoever_was_silent_for_long_is_forgotten_and_no_more_than_fit_are_known() {
    let mut other = table(2);
    let open = |number: u64| Header { kind: OPEN, session: Session(number), sequence: 0, received: 0 };
    for number in 0..5 {
        let arrival = other.receive(
            at(0),
            SOCKET,
            &Peer(Bytes::from(vec![number as u8])),
            open(number).write(MAGIC, &[], vec![]),
        );
        assert_eq!(matches!(arrival, Arrival::Opened(_)), number < 4, "{arrival:?}");
    }
    assert_eq!(kinds(&sent(&mut other)), [BEAT; 4]);
    let forgotten = other.due(at(10_000));
    assert_eq!(forgotten.len(), 4);
    for silence in forgotten {
        let Silence::Forgotten(link) = silence else { panic!("{silence:?}") };
        other.remove(link);
    }
    assert!(other.is_empty() && other.deadline().is_none());
}

#[test]
fn a_session_that_rested_is_not_used_again() {
    let (mut one, link, mut other, _) = met();
    one.send(at(5_001), link, FIRST, &[], body("late"));
    let messages = sent(&mut one);
    assert_eq!(kinds(&messages), [OPEN, FIRST]);
    let arrivals: Vec<Arrival> = messages
        .into_iter()
        .map(|(_, frames)| other.receive(at(5_001), SOCKET, &Peer(Bytes::from_static(b"one")), frames))
        .collect();
    assert!(matches!(arrivals[0], Arrival::Opened(_)) && texts(&arrivals) == ["late"], "{arrivals:?}");
}

#[test]
fn a_side_that_acknowledges_nothing_is_given_up() {
    let mut table = table(1);
    let link = table.open(at(0), SOCKET);
    let sent = (0..2000).filter(|_| table.send(at(1), link, FIRST, &[], vec![]).is_some()).count();
    assert_eq!(sent, MOST.messages);
    assert_eq!(table.overrun(), Some(link));
    let other = table.open(at(2), SOCKET);
    let large = || vec![Bytes::from(vec![7; MOST.bytes + 1])];
    assert!(table.send(at(2), other, FIRST, &[], large()).is_some(), "one large message is no backlog");
    assert!(table.send(at(2), other, FIRST, &[], large()).is_none());
    table.remove(link);
    assert_eq!(table.overrun(), Some(other));
    table.remove(other);
    assert_eq!(table.overrun(), None);
}

#[test]
fn who_asks_for_the_same_again_and_again_gets_it_once_in_a_while() {
    let mut table = table(1);
    let link = table.open(at(0), SOCKET);
    let (_, _, _, opening) = table.poll().expect("it opens");
    let (header, _, _) = Header::read(MAGIC, opening).expect("a header");
    for _ in 0..10 {
        table.send(at(1), link, FIRST, &[], vec![]);
    }
    assert_eq!(std::iter::from_fn(|| table.poll()).count(), 10);
    let ask = Header { kind: RESEND, session: header.session, sequence: 0, received: 3 };
    let mut sent = |millis| {
        table.receive(at(millis), SOCKET, &Peer::default(), ask.write(MAGIC, &[], vec![]));
        std::iter::from_fn(|| table.poll()).count()
    };
    assert_eq!([sent(2), sent(3), sent(40), sent(60), sent(61)], [7, 0, 0, 7, 0]);
}

#[test]
fn a_refusal_that_comes_late_is_not_anothers() {
    let mut table = table(1);
    let first = |table: &mut Links| {
        let link = table.open(at(0), SOCKET);
        table.send(at(0), link, FIRST, &[], vec![]);
        let tokens: Vec<Token> = std::iter::from_fn(|| table.poll()).map(|(_, _, token, _)| token).collect();
        (link, tokens[1])
    };
    let (gone, late) = first(&mut table);
    table.remove(gone);
    let (link, own) = first(&mut table);
    assert_eq!(link, gone, "it has the place of the other");
    table.refused(late);
    assert!(!table.is_unsent(link, 1) && table.poll().is_none());
    table.refused(own);
    assert!(table.is_unsent(link, 1));
}

#[test]
fn what_a_lost_connection_refuses_does_not_silence_the_next() {
    let (mut one, link, mut other, theirs) = met();
    other.send(at(1), theirs, FIRST, &[], body("answer"));
    let late = sent(&mut other);
    // Before that is known to be lost, the peer has come back.
    one.watch(at(1), link, true);
    assert!(sent(&mut one).is_empty() && one.due(at(101)).is_empty());
    carry(at(101), &mut one, &mut other, "one, again");
    late.into_iter().for_each(|(token, _)| other.refused(token));
    assert_eq!(texts(&carry(at(102), &mut other, &mut one, "")), ["answer"]);
}

#[test]
fn what_was_asked_for_arrives_or_is_not_waited_for() {
    let (mut one, link, mut other, _) = met();
    one.send(at(10), link, FIRST, &[], body("before"));
    one.ask_all(at(10));
    assert!(!one.have_arrived(at(10), at(10)));
    carry(at(10), &mut one, &mut other, "one");
    one.send(at(10), link, FIRST, &[], body("after"));
    carry(at(10), &mut other, &mut one, "");
    assert!(one.have_arrived(at(10), at(10)), "what was sent later does not matter");
    one.ask_all(at(20));
    assert!(!one.have_arrived(at(319), at(20)) && one.have_arrived(at(320), at(20)), "the other side is silent");
}
