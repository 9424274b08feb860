//! A publisher and its subscribers on a network that works: who is let in, what is held, and what is told.

mod disk;
mod plain;
mod strangers;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;

use super::*;
use crate::{
    ErrorKind, Machine, Refusal, Time,
    liveness::Pace,
    machine::{Change, Frames, Input, Output, Peer, Role, SocketId},
};

const PACE: Pace = Pace { interval: Duration::from_millis(100), limit: 3 };
const HOLD: Policy = Policy { slow: Slow::Hold, max_messages: 100, max_bytes: 1 << 30 };

/// Everybody, and time.
struct Hall {
    now: Time,
    publisher: Publisher,
    told: Vec<PublisherEvent>,
    guests: Vec<Guest>,
    /// Messages on their way to the publisher.
    inward: VecDeque<(usize, SocketId, Frames)>,
    /// How often the publisher dialled, and whether nobody can.
    dialled: usize,
    publisher_fails_to_dial: bool,
    disk: Disk,
}

/// What the publisher has stored.
#[derive(Default)]
struct Disk {
    records: BTreeMap<Bytes, Bytes>,
    full: bool,
    unreadable: bool,
    failures: usize,
}

impl Disk {
    fn store<C>(&mut self, up_to: u64, changes: Vec<Change>) -> Input<C> {
        if self.full {
            self.failures += 1;
            assert!(self.failures < 1000, "it tries without end");
            return Input::StoreFailed { up_to, error: crate::Error::new(ErrorKind::Full, "the disk is full") };
        }
        for change in changes {
            match change {
                Change::Put { key, value } => drop(self.records.insert(key, value)),
                Change::Remove { key } => assert!(self.records.remove(&key).is_some(), "it removes what is not there"),
            }
        }
        Input::Stored { up_to }
    }

    fn fetch<C>(&self, key: Bytes) -> Input<C> {
        let damaged = || Err(crate::Error::new(ErrorKind::Corrupt, "the disk is damaged"));
        let value = if self.unreadable { damaged() } else { Ok(self.records.get(&key).cloned()) };
        Input::Fetched { key, value }
    }
}

struct Guest {
    machine: Subscriber,
    user: Bytes,
    dealer: SocketId,
    shared: Option<SocketId>,
    told: Vec<SubscriberEvent>,
    inward: VecDeque<(SocketId, Frames)>,
    /// Nothing comes from it or to it.
    cut: bool,
}

impl Hall {
    fn new(options: PublisherOptions) -> Self {
        let publisher = Publisher::new(options);
        let mut hall = Self {
            now: Time::ZERO,
            publisher,
            told: Vec::new(),
            guests: Vec::new(),
            inward: VecDeque::new(),
            dialled: 0,
            publisher_fails_to_dial: false,
            disk: Disk::default(),
        };
        hall.tell(Input::Room(usize::MAX));
        hall
    }

    fn tell(&mut self, input: Input<PublisherCommand>) {
        self.publisher.handle(self.now, input);
        while let Some(output) = self.publisher.poll() {
            match output {
                Output::Bind { socket, endpoint } => self.publisher.handle(self.now, Input::Bound { socket, endpoint }),
                Output::Dial { socket, endpoint, .. } => {
                    self.dialled += 1;
                    if self.publisher_fails_to_dial {
                        let error = crate::Error::new(ErrorKind::InvalidEndpoint, "it is none");
                        let error = error.with("endpoint", endpoint);
                        self.publisher.handle(self.now, Input::Failed { socket, error });
                    }
                }
                Output::Send { socket: SocketId(0), peer, frames, .. } => {
                    if let Some(guest) = self.guests.get_mut(usize::from(peer.0[0])) {
                        guest.inward.push_back((guest.dealer, frames));
                    }
                }
                Output::Send { frames, .. } => {
                    for guest in &mut self.guests {
                        let shared = guest.shared;
                        shared.into_iter().for_each(|socket| guest.inward.push_back((socket, frames.clone())));
                    }
                }
                Output::Deliver(event) => self.told.push(event),
                Output::Store { sequence, changes } => {
                    let stored = self.disk.store(sequence, changes);
                    self.publisher.handle(self.now, stored);
                }
                Output::Fetch { key } => {
                    let fetched = self.disk.fetch(key);
                    self.publisher.handle(self.now, fetched);
                }
                _ => {}
            }
        }
    }

    fn tell_guest(&mut self, index: usize, input: Input<SubscriberCommand>) {
        let guest = &mut self.guests[index];
        guest.machine.handle(self.now, input);
        while let Some(output) = guest.machine.poll() {
            match output {
                Output::Open { socket, role: Role::Dealer } => guest.dealer = socket,
                Output::Open { socket, role: Role::Sub } => guest.shared = Some(socket),
                Output::Send { socket, frames, .. } => self.inward.push_back((index, socket, frames)),
                Output::Deliver(event) => guest.told.push(event),
                _ => {}
            }
        }
    }

    fn add(&mut self, user: &'static str, change: impl FnOnce(&mut SubscriberOptions)) -> usize {
        let mut options = SubscriberOptions {
            connect: "tcp://here:1".to_owned(),
            shared: None,
            endpoint: None,
            name: None,
            keep: Duration::from_secs(60),
            credential: Credential::None,
            pace: PACE,
            max_messages: 1000,
            max_bytes: 1 << 20,
            snail: None,
            seed: self.guests.len() as u64,
        };
        change(&mut options);
        self.guests.push(Guest {
            machine: Subscriber::new(options),
            user: user.into(),
            dealer: SocketId(0),
            shared: None,
            told: Vec::new(),
            inward: VecDeque::new(),
            cut: false,
        });
        let index = self.guests.len() - 1;
        self.tell_guest(index, Input::Room(usize::MAX));
        self.settle();
        index
    }

    /// Everything on its way arrives.
    fn settle(&mut self) {
        loop {
            if let Some((index, socket, frames)) = self.inward.pop_front() {
                if socket == self.guests[index].dealer && !self.guests[index].cut {
                    let (peer, user) = (Peer(vec![index as u8].into()), self.guests[index].user.clone());
                    self.tell(Input::Message { socket: SocketId(0), peer, user, frames });
                }
            } else if let Some(index) = self.guests.iter().position(|guest| !guest.inward.is_empty()) {
                let (socket, frames) = self.guests[index].inward.pop_front().unwrap();
                let (peer, user) = (Peer::default(), Bytes::new());
                if !self.guests[index].cut {
                    self.tell_guest(index, Input::Message { socket, peer, user, frames });
                }
            } else {
                break;
            }
        }
    }

    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            let next = self.guests.iter().filter_map(|guest| guest.machine.deadline()).chain(self.publisher.deadline());
            let Some(next) = next.min().filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            if self.publisher.deadline().is_some_and(|at| at <= self.now) {
                self.tell(Input::Deadline);
            }
            for index in 0..self.guests.len() {
                if self.guests[index].machine.deadline().is_some_and(|at| at <= self.now) {
                    self.tell_guest(index, Input::Deadline);
                }
            }
            self.settle();
        }
        self.now = end;
    }

    fn publish(&mut self, subject: &'static str, body: impl Into<Bytes>) -> crate::Result<()> {
        let content = Content::new(subject.as_bytes(), &[body.into()])?;
        self.tell(Input::Command(PublisherCommand::Publish([content].into())));
        self.settle();
        self.publisher.published().1.map_or(Ok(()), Err)
    }

    fn subscribe(&mut self, index: usize, number: u32, pattern: &'static str, start: Start, policy: Policy) {
        let criterion = Criterion::pattern(pattern).unwrap();
        let options = SubscriptionOptions { criterion, start, policy, shared: true };
        self.tell_guest(index, Input::Command(SubscriberCommand::Subscribe { number, options }));
        self.settle();
    }

    /// The program takes all that it was given.
    fn take(&mut self, index: usize) {
        let last = self.guests[index].told.iter().filter_map(|event| match event {
            SubscriberEvent::Messages(all) => all.back().map(|last| (last.subscription, last.stream, last.number)),
            SubscriberEvent::Missed(missed) => Some((missed.number, missed.stream, missed.last)),
            _ => None,
        });
        let taken = last.map(|(number, stream, up_to)| Taken { number, stream, up_to }).collect();
        self.tell_guest(index, Input::Command(SubscriberCommand::Taken { restarts: 0, taken }));
        self.settle();
    }

    /// What a program heard so far, in its order, and how many it was told that it missed.
    fn heard(&self, index: usize) -> (Vec<&[u8]>, u64) {
        let (mut heard, mut missed) = (Vec::new(), 0);
        for event in &self.guests[index].told {
            match event {
                SubscriberEvent::Messages(all) => heard.extend(all.iter().map(|message| &*message.frames[0])),
                SubscriberEvent::Missed(gap) => missed += gap.count,
                _ => {}
            }
        }
        (heard, missed)
    }

    fn refused(&self, index: usize) -> Option<&Refusal> {
        self.guests[index].told.iter().find_map(|event| match event {
            SubscriberEvent::Refused(refusal) | SubscriberEvent::Rejected { refusal, .. } => Some(refusal),
            _ => None,
        })
    }
}

fn options() -> PublisherOptions {
    let stream = |name: &'static str, subjects: &'static str, public| StreamOptions {
        name: name.into(),
        subjects: vec![Criterion::pattern(subjects).unwrap()],
        public,
        history: 1000,
        history_bytes: 1 << 20,
        history_age: Duration::from_secs(60),
        disk_bytes: 0,
        last_values: 10,
    };
    PublisherOptions {
        bind: "tcp://*:1".to_owned(),
        shared: Some("tcp://*:2".to_owned()),
        plain: None,
        streams: vec![stream("news", "news.>", true), stream("rest", ">", false)],
        access: Access::Open,
        news: true,
        pace: PACE,
        lease: Duration::from_secs(1),
        max_keep: Duration::from_secs(60),
        max_hold: Duration::from_secs(60),
        gather: Duration::ZERO,
        max_subscribers: 100,
        max_subscriptions: 10_000,
        max_all_subscriptions: 20_000,
        max_endpoints: 10,
        max_plain: 2,
        max_size: 1 << 20,
        max_bytes: 1 << 30,
        seed: 1,
    }
}

fn entitled(text: &str) -> PublisherOptions {
    let entitlements = Entitlements::read(text.as_bytes()).unwrap();
    PublisherOptions { access: Access::Entitlements(Box::new(entitlements)), ..options() }
}

fn password(user: &'static str, password: &'static str) -> Credential {
    Credential::Password { user: user.into(), password: password.into() }
}

const TRADERS: &str = "\
user
    alice
        password = \"a\"
        allow = ticks.>
        deny = ticks.secret.>
    bob
        password = \"b\"
        allow = ticks.eur
";

#[test]
fn who_holds_and_takes_nothing_is_waited_for_until_it_was_long_enough() {
    for subject in ["x.y", "news.y"] {
        let mut hall = Hall::new(PublisherOptions { max_hold: Duration::from_secs(5), ..options() });
        let guest = hall.add("", |_| {});
        hall.subscribe(guest, 1, ">", Start::Now, Policy { max_messages: 10, ..HOLD });
        for _ in 0..10 {
            hall.publish(subject, "1").unwrap();
        }
        hall.pass(Duration::from_secs(4));
        assert_eq!(hall.publish(subject, "2").unwrap_err().kind(), ErrorKind::Full);
        hall.pass(Duration::from_secs(4));
        assert_eq!(hall.publish(subject, "2").unwrap_err().kind(), ErrorKind::Full, "it waits since it is full");
        hall.pass(Duration::from_secs(2));
        let is_told = |hall: &Hall| hall.told.iter().any(|told| matches!(told, PublisherEvent::Room));
        assert!(is_told(&hall), "{subject}: {:?}", hall.told);
        for _ in 0..2000 {
            hall.publish(subject, "3").unwrap();
        }
        // Once it takes, it is waited for again.
        for _ in 0..20 {
            hall.take(guest);
            hall.pass(Duration::from_secs(1));
        }
        let (heard, missed) = hall.heard(guest);
        assert_eq!(heard.len() as u64 + missed, 2010);
        for _ in 0..10 {
            hall.publish(subject, "4").unwrap();
        }
        assert_eq!(hall.publish(subject, "5").unwrap_err().kind(), ErrorKind::Full);
        assert!(hall.publisher.counters().books.balances());
    }
}

#[test]
fn what_is_held_when_the_publisher_closes_is_lost_and_counted() {
    let mut hall = Hall::new(options());
    let guest = hall.add("", |_| {});
    hall.subscribe(guest, 1, "x.>", Start::Now, HOLD);
    for _ in 0..5 {
        hall.publish("x.y", "1").unwrap();
    }
    hall.tell(Input::Command(PublisherCommand::Close));
    let books = hall.publisher.counters().books;
    assert_eq!((books.accepted, books.held, books.lost[LostReason::Closed as usize]), (5, 0, 5));
    assert!(books.balances());
}

#[test]
fn everybody_hears_what_it_may() {
    let mut hall = Hall::new(entitled(TRADERS));
    let alice = hall.add("", |options| options.credential = password("alice", "a"));
    let bob = hall.add("", |options| options.credential = password("bob", "b"));
    let nobody = hall.add("", |options| options.credential = password("alice", "b"));
    assert_eq!(hall.refused(nobody).map(|refusal| refusal.kind), Some(ErrorKind::PermissionDenied));
    hall.subscribe(alice, 1, "ticks.>", Start::Now, HOLD);
    hall.subscribe(bob, 1, "ticks.*", Start::Now, HOLD);
    for subject in ["ticks.eur", "ticks.usd", "ticks.secret.eur", "other"] {
        hall.publish(subject, subject).unwrap();
    }
    assert_eq!(hall.heard(alice).0, [b"ticks.eur", b"ticks.usd"]);
    assert_eq!(hall.heard(bob).0, [b"ticks.eur"]);
    hall.subscribe(bob, 2, "other", Start::Now, HOLD);
    assert_eq!(hall.refused(bob).map(|refusal| refusal.kind), Some(ErrorKind::PermissionDenied));
    assert_eq!(hall.publisher.counters().denied, 2);
}

#[test]
fn what_is_taken_back_is_not_sent_any_more() {
    let mut hall = Hall::new(entitled(TRADERS));
    let alice = hall.add("", |options| {
        (options.credential, options.max_messages) = (password("alice", "a"), 1);
    });
    hall.subscribe(alice, 1, "ticks.*", Start::Now, HOLD);
    for body in ["1", "2", "3"] {
        hall.publish("ticks.eur", body).unwrap();
    }
    // One is on its way, as many as may be; two wait.
    let rules = Rules { allow: vec![Criterion::pattern("ticks.usd").unwrap()], deny: Vec::new() };
    hall.tell(Input::Command(PublisherCommand::SetRules { user: "alice".into(), rules }));
    hall.take(alice);
    hall.publish("ticks.eur", "4").unwrap();
    hall.publish("ticks.usd", "5").unwrap();
    hall.pass(Duration::from_secs(2));
    hall.take(alice);
    hall.pass(Duration::from_secs(2));
    assert_eq!(hall.heard(alice), (vec![&b"1"[..], b"5"], 0));
    let books = hall.publisher.counters().books;
    assert!(books.balances(), "{books:?}");
    assert!(books.lost[LostReason::Revoked as usize] >= 2, "{books:?}");
}

#[test]
fn who_knows_a_session_is_not_its_subscriber() {
    let mut hall = Hall::new(options());
    let honest = hall.add("honest", |_| {});
    let criterion = Criterion::pattern("ticks").unwrap();
    let wanted = SubscriptionOptions { criterion, start: Start::Now, policy: HOLD, shared: false };
    let command = SubscriberCommand::Subscribe { number: 1, options: wanted };
    hall.guests[honest].machine.handle(hall.now, Input::Command(command));
    let Some(Output::Send { frames, .. }) = hall.guests[honest].machine.poll() else { panic!("it subscribes") };
    // Somebody else has seen it, and says the same.
    let (peer, user) = (Peer(vec![0].into()), Bytes::from("thief"));
    hall.tell(Input::Message { socket: SocketId(0), peer, user, frames });
    let counters = hall.publisher.counters();
    assert_eq!((counters.forged, counters.subscriptions), (1, 0));
}

#[test]
fn a_name_belongs_to_its_user() {
    let mut hall = Hall::new(options());
    let name = |options: &mut SubscriberOptions| options.name = Some("desk".into());
    let first = hall.add("alice", name);
    let second = hall.add("bob", |options| {
        name(options);
        options.seed = 77;
    });
    assert_eq!(hall.refused(first), None);
    assert_eq!(hall.refused(second).map(|refusal| refusal.kind), Some(ErrorKind::PermissionDenied));
}

#[test]
fn a_hundred_thousand_subscriptions_are_too_many() {
    let mut hall = Hall::new(PublisherOptions { max_subscriptions: 1000, ..options() });
    let (greedy, modest) = (hall.add("", |_| {}), hall.add("", |_| {}));
    for number in 1..=100_000 {
        let criterion = Criterion::pattern(format!("a.{number}")).unwrap();
        let options = SubscriptionOptions { criterion, start: Start::Now, policy: HOLD, shared: false };
        hall.tell_guest(greedy, Input::Command(SubscriberCommand::Subscribe { number, options }));
        if number % 1000 == 0 {
            hall.settle();
        }
    }
    hall.subscribe(modest, 1, "a.*", Start::Now, HOLD);
    let full = hall.guests[greedy]
        .told
        .iter()
        .filter(|event| matches!(event, SubscriberEvent::Rejected { refusal, .. } if refusal.kind == ErrorKind::Full));
    assert_eq!(full.count(), 99_000);
    assert_eq!(hall.publisher.counters().subscriptions, 1001);
    hall.publish("a.5", "for both").unwrap();
    assert_eq!((hall.heard(greedy).0.len(), hall.heard(modest).0.len()), (1, 1));
}

#[test]
fn who_asks_for_much_may_take_the_answers_later() {
    let mut hall = Hall::new(PublisherOptions { max_subscriptions: 12_000, ..options() });
    let busy = hall.add("", |options| options.max_messages = 10);
    hall.tell_guest(busy, Input::Room(0));
    for number in 0..12_000 {
        let criterion = Criterion::prefix(format!("a.{number}")).unwrap();
        let options = SubscriptionOptions { criterion, start: Start::Now, policy: HOLD, shared: true };
        hall.tell_guest(busy, Input::Command(SubscriberCommand::Subscribe { number, options }));
        hall.settle();
    }
    hall.tell_guest(busy, Input::Room(usize::MAX));
    let told = hall.guests[busy].told.iter();
    assert_eq!(told.filter(|told| matches!(told, SubscriberEvent::Subscribed { .. })).count(), 12_000);
    assert_eq!(hall.publisher.counters().subscriptions, 12_000);
}

/// Publishes 50,000 times to somebody who takes what he has after every thousandth; how often there was no room.
fn flood(slow: Slow, public: bool) -> (Hall, u64) {
    flood_with(options(), slow, public, 1000)
}

fn flood_with(options: PublisherOptions, slow: Slow, public: bool, every: u32) -> (Hall, u64) {
    let mut hall = Hall::new(options);
    let slowly = hall.add("", |_| {});
    let subject = if public { "news.flood" } else { "flood" };
    hall.subscribe(slowly, 1, if public { "news.*" } else { "flood" }, Start::Now, Policy { slow, ..HOLD });
    let mut full = 0;
    for count in 1..=50_000u32 {
        let body = Bytes::from(format!("{count:01024}"));
        while let Err(error) = hall.publish(subject, body.clone()) {
            assert_eq!(error.kind(), ErrorKind::Full);
            full += 1;
            hall.take(slowly);
            assert!(matches!(hall.told.pop(), Some(PublisherEvent::Room)), "nobody says that there is room");
        }
        if count % every == 0 {
            hall.take(slowly);
        }
    }
    hall.take(slowly);
    hall.pass(Duration::from_secs(1));
    hall.take(slowly);
    hall.pass(Duration::from_secs(1));
    let books = hall.publisher.counters().books;
    assert!(books.balances(), "{books:?}");
    (hall, full)
}

#[test]
fn who_is_held_for_loses_nothing() {
    for public in [false, true] {
        let (hall, full) = flood(Slow::Hold, public);
        let (heard, missed) = hall.heard(0);
        assert_eq!((heard.len(), missed), (50_000, 0));
        assert!(heard.is_sorted(), "in order");
        assert!(full > 0, "nobody waited");
        let books = hall.publisher.counters().books;
        assert_eq!((books.delivered, books.held), (50_000, 0));
    }
}

#[test]
fn who_drops_is_told_of_each() {
    for public in [false, true] {
        let (hall, full) = flood(Slow::Drop, public);
        let (heard, missed) = hall.heard(0);
        assert_eq!((heard.len() as u64 + missed, full), (50_000, 0));
        assert!(missed > 0 && heard.is_sorted(), "{missed} missed");
        let books = hall.publisher.counters().books;
        assert_eq!((books.delivered, books.all_lost()), (heard.len() as u64, missed));
    }
}

#[test]
fn who_is_sent_away_is_told_and_counted() {
    for public in [false, true] {
        let (hall, _) = flood(Slow::Disconnect, public);
        assert_eq!(hall.refused(0).map(|refusal| refusal.kind), Some(ErrorKind::Full));
        let counters = hall.publisher.counters();
        assert_eq!((counters.subscribers, counters.subscriptions, counters.books.held), (0, 0, 0));
        assert!(counters.books.lost[LostReason::Slow as usize] > 0);
    }
}

#[test]
fn who_comes_late_begins_where_it_wants() {
    for (start, heard) in [
        (Start::Now, &["7", "8"][..]),
        (Start::LastValues, &["2", "4", "5", "6", "7", "8"]),
        (Start::Last(2), &["3", "4", "5", "6", "7", "8"]),
    ] {
        let mut hall = Hall::new(options());
        for (subject, body) in [("a", "1"), ("b", "2"), ("a", "3"), ("news.x", "4"), ("news.y", "5"), ("a", "6")] {
            hall.publish(subject, body).unwrap();
        }
        let late = hall.add("", |_| {});
        hall.subscribe(late, 1, ">", start, HOLD);
        hall.publish("a", "7").unwrap();
        hall.publish("news.x", "8").unwrap();
        hall.pass(Duration::from_secs(1));
        let mut bodies: Vec<&[u8]> = hall.heard(late).0;
        bodies.sort_unstable();
        assert_eq!(bodies, heard.iter().map(|body| body.as_bytes()).collect::<Vec<_>>(), "{start:?}");
    }
}

#[test]
fn a_snail_dies_of_what_it_knows_of() {
    let die = |max_lag, max_age| {
        let mut hall = Hall::new(options());
        let snail = hall.add("", |options| options.snail = Some(Snail { max_lag, max_age }));
        hall.subscribe(snail, 1, "news.*", Start::Now, Policy { slow: Slow::Drop, ..HOLD });
        hall.pass(Duration::from_secs(5));
        let died =
            |hall: &Hall| hall.guests[snail].told.iter().any(|told| matches!(told, SubscriberEvent::Died { .. }));
        assert!(!died(&hall), "of nothing");
        for _ in 0..10 {
            hall.publish("news.x", "late").unwrap();
        }
        hall.pass(Duration::from_secs(1));
        died(&hall)
    };
    assert!(die(5, Duration::from_secs(100)), "of too many");
    assert!(die(100, Duration::from_millis(500)), "of too old");
    assert!(!die(100, Duration::from_secs(100)));
}
