//! A client among servers of the Freelance pattern.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::super::{
    Balance, Client, ClientCommand, ClientEvent, ClientOptions, FreelanceServer, RequestOptions, Settled, Task,
};
use crate::{
    ErrorKind, Machine, Time,
    liveness::Pace,
    machine::{Frames, Input, Output, Peer, Refusal, SocketId, Token},
};

const PACE: Pace = Pace { interval: Duration::from_secs(1), limit: 3 };

/// A client, and what it sent and told that nobody has looked at.
struct Town {
    client: Client,
    now: Time,
    /// By endpoint, its newest socket.
    sockets: Vec<(String, SocketId)>,
    sent: Vec<(SocketId, Token, Frames)>,
    told: Vec<ClientEvent>,
}

impl Town {
    fn new(endpoints: &[&str]) -> Self {
        let server = |endpoint: &&str| FreelanceServer {
            endpoint: (*endpoint).to_owned(),
            service: Bytes::from_static(b"echo"),
            credit: 2,
        };
        let client = Client::new(ClientOptions {
            endpoints: vec![],
            freelance: endpoints.iter().map(server).collect(),
            pace: PACE,
            max_requests: 10,
            max_bytes: 10_000,
            balance: Balance::default(),
            seed: 1,
        });
        let mut town = Self { client, now: Time::ZERO, sockets: vec![], sent: vec![], told: vec![] };
        town.tell(Input::Room(100));
        town
    }

    fn tell(&mut self, input: Input<ClientCommand>) {
        self.client.handle(self.now, input);
        while let Some(output) = self.client.poll() {
            match output {
                Output::Connect { socket, endpoint } => self.sockets.push((endpoint, socket)),
                Output::Send { socket, token, frames, .. } => self.sent.push((socket, token, frames)),
                Output::Deliver(event) => self.told.push(event),
                _ => {}
            }
        }
    }

    fn socket(&self, endpoint: &str) -> SocketId {
        self.sockets.iter().rev().find(|(name, _)| name == endpoint).expect("it was connected to").1
    }

    fn say(&mut self, endpoint: &str, frames: &[&[u8]]) {
        let socket = self.socket(endpoint);
        let frames = frames.iter().map(|frame| Bytes::copy_from_slice(frame)).collect();
        self.tell(Input::Message { socket, peer: Peer::default(), user: Bytes::new(), frames });
    }

    fn ask(&mut self, id: u64, change: impl FnOnce(&mut RequestOptions)) {
        let mut options = RequestOptions::default();
        change(&mut options);
        let (service, body) = (Bytes::from_static(b"echo"), vec![Bytes::from_static(b"question")]);
        self.tell(Input::Command(ClientCommand::Request { id, task: Task::Ask, service, body, options }));
    }

    fn wait(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(at) = self.client.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.tell(Input::Deadline);
        }
        self.now = end;
    }

    /// The requests that were sent there since this was last asked, by their controls.
    fn given(&mut self, endpoint: &str) -> Vec<Bytes> {
        let socket = self.socket(endpoint);
        let (there, elsewhere) = std::mem::take(&mut self.sent).into_iter().partition(|(to, ..)| *to == socket);
        self.sent = elsewhere;
        let there: Vec<(SocketId, Token, Frames)> = there;
        there.into_iter().filter(|(_, _, frames)| frames.len() == 2).map(|(_, _, frames)| frames[0].clone()).collect()
    }

    fn is_settled(&mut self, id: u64, expected: &Settled) -> bool {
        let told = std::mem::take(&mut self.told);
        told == [ClientEvent::Settled { id, outcome: expected.clone() }]
    }
}

fn answer() -> Settled {
    Settled::Reply(vec![Bytes::from_static(b"answer")])
}

#[test]
fn who_answers_the_ping_gets_the_request_and_its_reply_is_the_requests() {
    let mut town = Town::new(&["one"]);
    assert_eq!(town.sent, [(town.socket("one"), Token(0), vec![Bytes::from_static(b"PING")])]);
    town.ask(7, |_| {});
    assert_eq!(town.given("one").len(), 0, "nobody knows whether it is there");
    town.say("one", &[b"PONG"]);
    let [control] = &town.given("one")[..] else { panic!("one request") };
    town.say("one", &[b"12345678", b"another's"]);
    town.say("one", &[b"short", b"nonsense"]);
    town.say("one", &[]);
    assert!(town.told.is_empty());
    town.say("one", &[control, b"answer"]);
    assert!(town.is_settled(7, &answer()));
    let counters = town.client.counters();
    assert!(counters.balances() && counters.delivered == 1, "{counters:?}");
    assert_eq!((counters.late_dropped, counters.malformed), (1, 2));
}

#[test]
fn who_is_silent_is_given_up_in_time_and_another_is_asked() {
    let mut town = Town::new(&["one", "two"]);
    town.say("one", &[b"PONG"]);
    town.ask(7, |_| {});
    let [first] = &town.given("one")[..] else { panic!("one request") };
    town.wait(PACE.patience() / 2);
    town.say("two", &[b"PONG"]);
    let old = town.socket("one");
    town.wait(PACE.patience() / 2);
    let [second] = &town.given("two")[..] else { panic!("the other is asked") };
    assert_ne!(first, second);
    assert_ne!(town.socket("one"), old, "the connection may be dead on the way");
    // Once more alive: its answer is as good as another's, and nobody gets the other.
    town.say("one", &[first, b"answer"]);
    assert!(town.is_settled(7, &answer()));
    town.say("two", &[second, b"too late"]);
    assert!(town.told.is_empty());
    let counters = town.client.counters();
    assert!(counters.balances(), "{counters:?}");
    assert_eq!((counters.redelivered, counters.late_used, counters.late_dropped), (1, 1, 1));
}

#[test]
fn what_its_connection_did_not_take_it_never_had() {
    let mut town = Town::new(&["one", "two"]);
    town.say("one", &[b"PONG"]);
    let at_most_once = |options: &mut RequestOptions| options.attempts = 1;
    town.ask(7, at_most_once);
    town.ask(8, at_most_once);
    let socket = town.socket("one");
    town.tell(Input::Refused { socket, token: Token(2), why: Refusal::Full });
    assert_eq!(town.given("one").len(), 2);
    town.say("two", &[b"PONG"]);
    // One was taken, and may have run; the other is free to go.
    let [control] = &town.given("two")[..] else { panic!("one request") };
    town.say("two", &[control, b"answer"]);
    let (failed, replied) = match &town.told[..] {
        [ClientEvent::Settled { id: failed, outcome: Settled::Failed(failure) }, ClientEvent::Settled { id, .. }] => {
            assert!(failure.may_have_run && failure.kind == ErrorKind::Unreachable);
            (*failed, *id)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!((failed, replied), (7, 8));
    town.tell(Input::Writable { socket });
    town.say("one", &[b"PONG"]);
    town.ask(9, |_| {});
    town.ask(10, |_| {});
    assert_eq!((town.given("one").len(), town.given("two").len()), (1, 1), "it is there again");
}

#[test]
fn it_is_given_as_much_as_it_takes_and_what_nobody_waits_for_takes_no_place() {
    let mut town = Town::new(&["one"]);
    town.say("one", &[b"PONG"]);
    for id in 1..=3 {
        town.ask(id, |_| {});
    }
    assert_eq!(town.given("one").len(), 2, "its credit");
    town.tell(Input::Command(ClientCommand::Cancel { id: 1 }));
    assert_eq!(town.given("one").len(), 1);
}

#[test]
fn what_it_cannot_do_fails_at_once() {
    let mut town = Town::new(&["one"]);
    town.say("one", &[b"PONG"]);
    town.ask(7, |options| (options.once, options.key) = (true, Bytes::from_static(b"key")));
    let Some(ClientEvent::Settled { outcome: Settled::Failed(failure), .. }) = town.told.pop() else { panic!() };
    assert_eq!((failure.kind, failure.may_have_run), (ErrorKind::Unsupported, false));
    assert_eq!(town.given("one").len(), 0);
}

/// What a server may say: a ping's answer, something like a control and a body, or anything.
fn words() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let control = (0_u64..1 << 40).prop_map(|number| number.to_be_bytes().to_vec());
    prop_oneof![
        Just(vec![b"PONG".to_vec()]),
        (control, any::<Vec<u8>>()).prop_map(|(control, body)| vec![control, body]),
        prop::collection::vec(any::<Vec<u8>>(), 0..4),
    ]
}

proptest! {
    #[test]
    fn whatever_a_server_says_the_books_balance_and_each_request_ends(said in prop::collection::vec(words(), 0..30)) {
        let mut town = Town::new(&["one"]);
        for (id, words) in (0..).zip(said) {
            if id < 5 {
                town.ask(id, |options| options.deadline = Duration::from_secs(5));
            }
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            town.say("one", &words);
            prop_assert!(town.client.counters().balances());
        }
        town.wait(Duration::from_secs(10));
        prop_assert_eq!(town.client.counters().held, 0);
    }
}
