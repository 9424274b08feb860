//! A subscriber, and a publisher that says anything.

use std::iter;

use bytes::Bytes;

use super::*;
use crate::{
    link::{Header, OPEN},
    liveness::Pace,
    pubsub::{
        Credential, Criterion, LostReason, Policy, Slow,
        wire::{self, Pack},
    },
};

const MAX_MESSAGES: u32 = 100;

/// A publisher that says anything.
struct Liar {
    subscriber: Subscriber,
    now: Time,
    socket: SocketId,
    session: crate::link::Session,
    sequence: u64,
    heard: Vec<Wire>,
    told: Vec<SubscriberEvent>,
}

impl Liar {
    fn new() -> Self {
        let options = SubscriberOptions {
            connect: "there".to_owned(),
            shared: None,
            endpoint: None,
            name: None,
            keep: Duration::ZERO,
            credential: Credential::None,
            pace: Pace { interval: Duration::from_millis(100), limit: 3 },
            max_messages: MAX_MESSAGES,
            max_bytes: 1 << 20,
            snail: None,
            seed: 1,
        };
        let mut liar = Self {
            subscriber: Subscriber::new(options),
            now: Time::ZERO,
            socket: SocketId(0),
            session: crate::link::Session(0),
            sequence: 0,
            heard: Vec::new(),
            told: Vec::new(),
        };
        liar.tell(Input::Room(0));
        let policy = Policy { slow: Slow::Hold, max_messages: 10, max_bytes: 1000 };
        let criterion = Criterion::prefix("").unwrap();
        let options = SubscriptionOptions { criterion, start: Start::Now, policy, shared: true };
        liar.tell(Input::Command(SubscriberCommand::Subscribe { number: 1, options }));
        liar
    }

    fn tell(&mut self, input: Input<SubscriberCommand>) {
        self.subscriber.handle(self.now, input);
        let outputs: Vec<_> = iter::from_fn(|| self.subscriber.poll()).collect();
        for output in outputs {
            match output {
                Output::Open { socket, role: Role::Dealer } => self.socket = socket,
                Output::Deliver(event) => self.told.push(event),
                Output::Send { frames, .. } => {
                    let (header, fields, body) = Header::read(MAGIC, frames).unwrap();
                    if header.kind == OPEN {
                        (self.session, self.sequence) = (header.session, 0);
                    }
                    self.heard.extend(Wire::decode(header.kind, fields, body));
                }
                _ => {}
            }
        }
    }

    fn say(&mut self, message: Wire) {
        self.sequence += 1;
        let (kind, fields, body) = message.encode();
        let header = Header { kind, session: self.session, sequence: self.sequence, received: u64::MAX };
        let (frames, user) = (header.write(MAGIC, &fields, body), Bytes::new());
        self.tell(Input::Message { socket: self.socket, peer: Peer::default(), user, frames });
    }

    /// The link is over.
    fn reset(&mut self) {
        let header = Header { kind: crate::link::RESET, session: self.session, sequence: 0, received: 0 };
        let (frames, user) = (header.write(MAGIC, &[], vec![]), Bytes::new());
        self.tell(Input::Message { socket: self.socket, peer: Peer::default(), user, frames });
    }

    fn welcome(&mut self, epoch: u64) {
        let streams = vec![Bytes::from("a"), Bytes::from("b")];
        self.say(Wire::Welcome(Welcome { epoch, lease: Duration::ZERO, shared: Some("over there".into()), streams }));
    }

    fn subscribed(&mut self, shared: bool, after: u64) {
        self.say(Wire::Subscribed { number: 1, views: vec![ViewStart { stream: 0, shared, after }] });
    }

    fn missed(&mut self, first: u64, last: u64) {
        let (count, reason) = (0, LostReason::History);
        self.say(Wire::Missed(Missed { number: 1, stream: 0, first, last, count, reason }));
    }

    fn publish(&mut self, number: u64, previous: u64) {
        let mut pack = Pack::default();
        pack.push((1, 0), number, previous, super::super::Content::new(b"x", &[[7; 10]]).unwrap().encoded());
        self.say(Wire::Publications(pack.finish()));
    }

    fn last(&self) -> u64 {
        self.subscriber.views()[0].last
    }
}

#[test]
fn numbers_go_forward_whatever_is_said() {
    for shared in [false, true] {
        let mut liar = Liar::new();
        liar.welcome(1);
        liar.subscribed(shared, 0);
        liar.publish(1, 0);
        // The beginning of nothing, a range that ends before it begins, and a number that is not after the one before it.
        liar.missed(0, u64::MAX);
        liar.missed(9, 5);
        liar.publish(5, 9);
        assert_eq!((liar.last(), liar.subscriber.counters().malformed), (1, 3));
        liar.publish(10, 9);
        liar.missed(2, u64::MAX);
        assert_eq!(liar.last(), u64::MAX);
        liar.publish(u64::MAX, u64::MAX - 1);
        liar.say(Wire::Heads(vec![(0, u64::MAX), (9, 9)]));
        // And from the beginning, in another life.
        liar.tell(Input::Command(SubscriberCommand::Unsubscribe { number: 1 }));
        assert!(liar.subscriber.counters().missed > 1 << 63);
    }
}

#[test]
fn what_is_skipped_is_not_asked_for() {
    let mut liar = Liar::new();
    liar.welcome(1);
    liar.subscribed(true, 0);
    liar.publish(50, 49);
    liar.subscribed(true, 100);
    liar.say(Wire::Repaired { number: 1, stream: 0 });
    liar.say(Wire::Heads(vec![(0, 199)]));
    let asked = liar.heard.iter().rev().find(|said| matches!(said, Wire::Repair { .. }));
    assert_eq!(asked, Some(&Wire::Repair { number: 1, stream: 0, first: 101, last: 199 }));
}

#[test]
fn notices_that_nobody_takes_have_a_bound() {
    let mut liar = Liar::new();
    liar.welcome(1);
    liar.subscribed(false, 0);
    for number in 1..100_000 {
        liar.missed(number, number);
    }
    assert!(liar.subscriber.over);
    liar.tell(Input::Room(usize::MAX));
    assert!(matches!(liar.told.last(), Some(SubscriberEvent::Failed(error)) if error.kind() == ErrorKind::Full));
    assert!(liar.told.len() < MAX_MESSAGES as usize + MAX_NOTICES + 10, "{}", liar.told.len());
}

#[test]
fn publications_that_nobody_takes_have_a_bound() {
    for shared in [false, true] {
        let mut liar = Liar::new();
        for number in 1..100_000 {
            if liar.sequence == 0 {
                // It has begun anew.
                liar.welcome(1);
                liar.subscribed(shared, 0);
            }
            liar.publish(number, number - 1);
        }
        let waiting = liar.subscriber.counters().waiting;
        assert!(!liar.subscriber.over && waiting <= 5 * u64::from(MAX_MESSAGES) + SLACK.0, "{waiting}");
    }
}

#[test]
fn what_waits_of_an_earlier_life_counts() {
    let mut liar = Liar::new();
    for epoch in 1..1000 {
        liar.welcome(epoch);
        liar.subscribed(false, 0);
        (1..50).for_each(|number| liar.publish(number, number - 1));
        liar.reset();
    }
    let kept: usize = liar
        .subscriber
        .events
        .iter()
        .map(|event| match event {
            SubscriberEvent::Messages(run) => run.len(),
            _ => 0,
        })
        .sum();
    assert!(kept as u64 <= 5 * u64::from(MAX_MESSAGES) + SLACK.0, "{kept}");
    let windows = liar.heard.iter().filter_map(|said| match said {
        wire::Message::Hello(hello) => Some(hello.window_messages),
        _ => None,
    });
    assert_eq!(windows.last(), Some(1));
}

#[test]
fn who_takes_again_is_given_a_whole_window() {
    let mut liar = Liar::new();
    liar.welcome(1);
    liar.subscribed(false, 0);
    (1..=80).for_each(|number| liar.publish(number, number - 1));
    liar.reset();
    liar.welcome(1);
    liar.subscribed(false, 80);
    liar.tell(Input::Room(usize::MAX));
    let taken = vec![Taken { number: 1, stream: 0, up_to: 80 }];
    liar.tell(Input::Command(SubscriberCommand::Taken { restarts: 0, taken }));
    let windows: Vec<u32> = liar
        .heard
        .iter()
        .filter_map(|said| match said {
            wire::Message::Hello(hello) => Some(hello.window_messages),
            _ => None,
        })
        .collect();
    assert_eq!(windows, [100, 20, 100]);
}

#[test]
fn an_endpoint_that_another_has_is_asked_for_again() {
    let mut liar = Liar::new();
    liar.subscriber.endpoint = Some("own".to_owned());
    liar.welcome(1);
    for _ in 0..4 {
        liar.reset();
        let refusal = Refusal::new(ErrorKind::AddressInUse, "another has this endpoint");
        liar.say(Wire::Refused(refusal));
        liar.now += Duration::from_millis(100);
        liar.tell(Input::Deadline);
    }
    assert!(liar.subscriber.over);
    let hellos = liar.heard.iter().filter(|said| matches!(said, Wire::Hello(_)));
    assert_eq!(hellos.count(), 1 + 4 + 3);
}

#[test]
fn who_is_turned_away_wherever_it_connects_hears_so_and_ends() {
    for is_shared in [false, true] {
        let mut liar = Liar::new();
        liar.welcome(1);
        liar.subscribed(true, 0);
        let socket = if is_shared { liar.subscriber.shared.as_ref().expect("it listens").0 } else { liar.socket };
        liar.told.clear();
        liar.tell(Input::Room(10));
        let error = Error::new(ErrorKind::PermissionDenied, "not you").with("endpoint", "there");
        liar.tell(Input::Failed { socket, error: error.clone() });
        liar.tell(Input::Failed { socket, error: error.clone() });
        assert_eq!(liar.told.pop(), Some(SubscriberEvent::Failed(error)));
        assert!(!liar.told.iter().any(|event| matches!(event, SubscriberEvent::Failed(_))), "it is said once");
        // What else is said to it, and the time, change nothing.
        liar.reset();
        liar.tell(Input::Deadline);
        assert_eq!(liar.subscriber.deadline(), None);
    }
}
