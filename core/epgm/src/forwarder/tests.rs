//! Members and a forwarder, and those who would have it send where nobody asked for it.

use super::*;
use crate::key::TAG;

const KEY: [u8; 32] = [7; 32];
const PACKET: [u8; 24] = [0; 24];

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn address(node: u16) -> SocketAddr {
    SocketAddr::from(([10, 9, 0, 1], node))
}

fn forwarder(max_members: usize) -> Forwarder {
    Forwarder::new(ForwarderOptions { max_members, key: KEY })
}

fn hello(cookie: [u8; TAG]) -> Greeting {
    Greeting { kind: Kind::Hello, nonce: 1, cookie }
}

/// What is answered to a greeting.
fn answer(forwarder: &mut Forwarder, now: Duration, from: SocketAddr, greeting: Greeting) -> Greeting {
    let Verdict::Answer(answer) = forwarder.handle(now, from, &greeting.write()) else { panic!("a hello is answered") };
    Greeting::read(&answer).expect("an answer is a greeting")
}

/// Says hello, and again with the cookie.
fn join(forwarder: &mut Forwarder, now: Duration, from: SocketAddr) -> Kind {
    let cookie = answer(forwarder, now, from, hello([0; TAG])).cookie;
    answer(forwarder, now, from, hello(cookie)).kind
}

fn others(forwarder: &Forwarder, now: Duration, from: SocketAddr) -> Vec<SocketAddr> {
    forwarder.others(now, from).collect()
}

#[test]
fn what_a_member_says_goes_to_all_others_and_from_nobody_else_to_anybody() {
    let (mut forwarder, now) = (forwarder(10), seconds(1));
    assert_eq!(forwarder.handle(now, address(1), &PACKET), Verdict::Drop);
    for node in 1..=3 {
        assert_eq!(join(&mut forwarder, now, address(node)), Kind::Welcome);
    }
    assert_eq!(forwarder.handle(now, address(1), &PACKET), Verdict::Forward);
    assert_eq!(others(&forwarder, now, address(1)), [address(2), address(3)]);
    assert_eq!(forwarder.handle(now, address(4), &PACKET), Verdict::Drop);
    for no_packet in [&b""[..], &PACKET[..15], b"zpat\xf0 too short, or too long for one", &[0xff; 100]] {
        assert_eq!(forwarder.handle(now, address(1), no_packet), Verdict::Drop);
    }
    let counters = forwarder.counters();
    assert_eq!((counters.forwarded, counters.foreign, counters.malformed, counters.members), (1, 2, 4, 3));
}

#[test]
fn a_hello_in_the_name_of_another_brings_him_one_answer_as_long_and_nothing_else() {
    let (mut forwarder, now, victim) = (forwarder(10), seconds(1), address(9));
    assert_eq!(join(&mut forwarder, now, address(1)), Kind::Welcome);
    let own = answer(&mut forwarder, now, address(1), hello([0; TAG])).cookie;
    let of_another_forwarder = {
        let mut other = Forwarder::new(ForwarderOptions { max_members: 10, key: [8; 32] });
        answer(&mut other, now, victim, hello([0; TAG])).cookie
    };
    for cookie in [[0; TAG], own, of_another_forwarder] {
        assert_eq!(answer(&mut forwarder, now, victim, hello(cookie)).kind, Kind::Cookie);
    }
    assert!(others(&forwarder, now, address(1)).is_empty());
    assert_eq!((forwarder.counters().members, forwarder.counters().unproved), (1, 5));
}

#[test]
fn a_cookie_that_was_overheard_is_worth_nothing_after_a_while() {
    let mut forwarder = forwarder(10);
    let cookie = answer(&mut forwarder, seconds(10), address(1), hello([0; TAG])).cookie;
    let mut last = Duration::ZERO;
    for now in (10..1000).map(seconds) {
        if answer(&mut forwarder, now, address(1), hello(cookie)).kind == Kind::Welcome {
            last = now;
        }
    }
    assert_eq!(last, seconds(59));
    forwarder.advance(last + FORGET);
    assert_eq!((forwarder.counters().members, forwarder.counters().forgotten), (0, 1));
}

#[test]
fn packets_in_the_name_of_a_member_do_not_keep_it_in() {
    let mut forwarder = forwarder(10);
    for node in [1, 2] {
        join(&mut forwarder, seconds(0), address(node));
    }
    for now in (0..30).map(seconds) {
        assert_eq!(forwarder.handle(now, address(1), &PACKET), Verdict::Forward);
    }
    assert_eq!(forwarder.deadline(), Some(FORGET));
    assert!(others(&forwarder, FORGET, address(1)).is_empty(), "also if nobody has told it the time");
    assert_eq!(forwarder.handle(FORGET, address(1), &PACKET), Verdict::Drop);
}

#[test]
fn members_are_bounded_and_who_is_silent_makes_room() {
    let mut forwarder = forwarder(3);
    for node in 0..1000 {
        let expected = if node < 3 { Kind::Welcome } else { Kind::Full };
        assert_eq!(join(&mut forwarder, seconds(0), address(node)), expected);
    }
    assert_eq!((forwarder.counters().members, forwarder.counters().refused), (3, 997));
    assert_eq!(join(&mut forwarder, seconds(29), address(0)), Kind::Welcome, "who is in stays in");
    assert_eq!(join(&mut forwarder, seconds(30), address(9)), Kind::Welcome);
    assert_eq!((forwarder.counters().members, forwarder.counters().forgotten), (2, 2));
}

#[test]
fn forwarders_have_nothing_to_say_to_each_other() {
    let (mut one, mut other, now) = (forwarder(10), forwarder(10), seconds(1));
    let (at_one, at_other) = (address(1), address(2));
    // Somebody says hello to each in the name of the other, or of itself.
    for from in [at_one, at_other] {
        let Verdict::Answer(answer) = one.handle(now, from, &hello([0; TAG]).write()) else { panic!("a cookie") };
        assert_eq!(other.handle(now, at_one, &answer), Verdict::Drop);
        assert_eq!(one.handle(now, at_one, &answer), Verdict::Drop);
    }
    assert_eq!((one.counters().members, other.counters().members), (0, 0));
}

/// A member and a forwarder, and answers that are lost or not.
fn talk(member: &mut Member, forwarder: &mut Forwarder, now: Duration, is_lost: bool) -> usize {
    let mut hellos = 0;
    while let Some(hello) = member.poll(now) {
        hellos += 1;
        if let Verdict::Answer(answer) = forwarder.handle(now, address(1), &hello)
            && !is_lost
        {
            assert!(member.handle(now, &answer));
        }
    }
    hellos
}

#[test]
fn a_member_stays_in_and_comes_in_again_to_a_forwarder_that_has_forgotten_all() {
    let (mut member, mut forwarder) = (Member::new(seconds(0), 1), forwarder(10));
    let mut hellos = 0;
    while member.deadline() < seconds(600) {
        let now = member.deadline();
        hellos += talk(&mut member, &mut forwarder, now, false);
        assert!(member.is_in(now) && forwarder.counters().members == 1);
    }
    assert_eq!((hellos, forwarder.counters().unproved), (121, 1), "one cookie, and each welcome brings the next");
    let mut other = Forwarder::new(ForwarderOptions { max_members: 10, key: [8; 32] });
    let now = member.deadline();
    assert_eq!(talk(&mut member, &mut other, now, false), 2);
    assert_eq!((other.counters().members, other.counters().unproved), (1, 1));
}

#[test]
fn a_member_that_hears_nothing_asks_ever_more_rarely_and_knows_that_it_is_out() {
    let (mut member, mut forwarder) = (Member::new(seconds(0), 1), forwarder(10));
    talk(&mut member, &mut forwarder, seconds(0), false);
    let mut hellos = 0;
    while member.deadline() < seconds(600) {
        let now = member.deadline();
        hellos += talk(&mut member, &mut forwarder, now, true);
        assert_eq!(member.is_in(now), now < FORGET);
    }
    assert!((115..130).contains(&hellos), "{hellos}");
}

#[test]
fn a_member_hurries_no_more_than_once_and_believes_only_who_has_heard_it() {
    let (mut member, now) = (Member::new(seconds(0), 1), seconds(0));
    let say = |kind, nonce| Greeting { kind, nonce, cookie: [1; TAG] }.write();
    assert!(member.poll(now).is_some());
    assert!(member.handle(now, &say(Kind::Welcome, 2)) && !member.is_in(now));
    let mut hellos = 0;
    for _ in 0..100 {
        assert!(member.handle(now, &say(Kind::Cookie, 1)));
        hellos += usize::from(member.poll(now).is_some());
    }
    assert_eq!(hellos, 1);
    assert!(member.handle(now, &say(Kind::Hello, 1)) && member.poll(now).is_none());
    assert!(!member.handle(now, &PACKET), "a packet is for others");
    member.handle(now, &say(Kind::Welcome, 1));
    assert!(member.is_in(now));
    member.handle(now, &say(Kind::Full, 1));
    assert!(!member.is_in(now) && member.deadline() == now + EVERY);
}
