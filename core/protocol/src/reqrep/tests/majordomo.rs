//! A broker among clients and workers of the Majordomo protocol, and among those who mean it no good.

use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;

use super::super::{Balance, Broker, BrokerOptions, Side, wire::MAGIC};
use crate::{
    Machine, Time,
    link::{Header, Session},
    liveness::Pace,
    machine::{Frames, Input, Output, Peer, Refusal, SocketId},
};

const PACE: Pace = Pace { interval: Duration::from_secs(1), limit: 3 };
const FRONT: SocketId = SocketId(0);
const CLIENTS: SocketId = SocketId(1);
const WORKERS: SocketId = SocketId(2);

struct Town {
    broker: Broker,
    now: Time,
}

/// Frames from text; `\u{1}` is a byte 1.
fn frames(all: &[&str]) -> Frames {
    all.iter().map(|text| Bytes::copy_from_slice(text.as_bytes())).collect()
}

impl Town {
    fn new(max_peers: usize) -> Self {
        let broker = Broker::new(BrokerOptions {
            store: None,
            bind: vec!["here".to_owned()],
            plain: vec![
                ("clients".to_owned(), Side::Clients, Bytes::from_static(b"echo")),
                ("workers".to_owned(), Side::Workers, Bytes::from_static(b"echo")),
            ],
            pace: PACE,
            balance: Balance::default(),
            max_requests: 50,
            max_bytes: 10_000,
            max_waiting: 50,
            max_waiting_bytes: 10_000,
            max_age: Duration::from_secs(1000),
            max_per_client: 10,
            max_peers,
            max_unfetched: 1000,
            cache: (10, 1000, Duration::from_secs(10)),
            seed: 1,
        });
        let mut town = Self { broker, now: Time::ZERO };
        town.tell(Input::Room(10));
        town
    }

    fn tell(&mut self, input: Input<super::super::BrokerCommand>) -> Vec<(String, Frames)> {
        self.broker.handle(self.now, input);
        let outputs = std::iter::from_fn(|| self.broker.poll());
        outputs
            .filter_map(|output| match output {
                Output::Send { peer, frames, .. } => Some((String::from_utf8_lossy(&peer.0).into_owned(), frames)),
                _ => None,
            })
            .collect()
    }

    /// What the broker sends when `peer` says this.
    fn say(&mut self, peer: &str, frames: Frames) -> Vec<(String, Frames)> {
        self.say_at(FRONT, peer, frames)
    }

    fn say_at(&mut self, socket: SocketId, peer: &str, frames: Frames) -> Vec<(String, Frames)> {
        let peer = Peer(Bytes::copy_from_slice(peer.as_bytes()));
        self.tell(Input::Message { socket, peer, user: Bytes::new(), frames })
    }

    fn wait(&mut self, span: Duration) -> Vec<(String, Frames)> {
        let end = self.now + span;
        let mut all = Vec::new();
        while let Some(at) = self.broker.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            all.extend(self.tell(Input::Deadline));
        }
        self.now = end;
        all
    }
}

/// What a worker got: its name and the address it is to answer to.
fn given(sent: &[(String, Frames)]) -> (String, Bytes) {
    let (peer, frames) = sent.iter().find(|(_, frames)| frames.len() > 4).expect("a worker was given it");
    let address = frames.len() - 3;
    (peer.clone(), frames[address].clone())
}

fn reply(address: &Bytes, body: &str) -> Frames {
    let mut reply = frames(&["", "MDPW01", "\u{3}"]);
    reply.extend([address.clone(), Bytes::new(), Bytes::copy_from_slice(body.as_bytes())]);
    reply
}

#[test]
fn clients_of_both_versions_and_workers_of_both_meet() {
    let mut town = Town::new(10);
    town.say("worker 1", frames(&["", "MDPW01", "\u{1}", "echo"]));
    town.say("worker 2", frames(&["MDPW02", "\u{1}", "echo"]));
    // From DEALER, from REQ, and from REQ with correlation: what went before comes back before.
    for envelope in [&[""][..], &["1234", ""]] {
        let asked = [envelope, &["MDPC01", "echo", "question"]].concat();
        let sent = town.say("client", frames(&asked));
        let (worker, address) = given(&sent);
        let answer = if worker == "worker 1" {
            reply(&address, "answer")
        } else {
            let mut answer = frames(&["MDPW02", "\u{4}"]);
            answer.extend([address, Bytes::new(), Bytes::from_static(b"answer")]);
            answer
        };
        let sent = town.say(&worker, answer);
        assert_eq!(sent, [("client".to_owned(), frames(&[envelope, &["MDPC01", "echo", "answer"]].concat()))]);
    }
    let counters = town.broker.counters();
    assert!(counters.balances() && counters.delivered == 2, "{counters:?}");
}

#[test]
fn parts_are_passed_on_in_version_2_and_put_together_in_version_1() {
    for (client, expected) in [
        (
            &["MDPC02", "\u{1}", "echo", "q"][..],
            &[&["MDPC02", "\u{2}", "echo", "one"][..], &["MDPC02", "\u{3}", "echo", "two"]][..],
        ),
        (&["", "MDPC01", "echo", "q"], &[&["", "MDPC01", "echo", "one", "two"]]),
    ] {
        let mut town = Town::new(10);
        town.say("worker", frames(&["MDPW02", "\u{1}", "echo"]));
        let (_, address) = given(&town.say("client", frames(client)));
        let mut sent = Vec::new();
        for (command, body) in [("\u{3}", "one"), ("\u{4}", "two")] {
            let mut part = frames(&["MDPW02", command]);
            part.extend([address.clone(), Bytes::new(), Bytes::copy_from_slice(body.as_bytes())]);
            sent.extend(town.say("worker", part));
        }
        let sent: Vec<Frames> = sent.into_iter().map(|(_, frames)| frames).collect();
        assert_eq!(sent, expected.iter().map(|all| frames(all)).collect::<Vec<_>>());
    }
}

#[test]
fn what_a_silent_worker_held_goes_to_another_and_its_late_answer_is_used_or_dropped() {
    let mut town = Town::new(10);
    town.say("slow", frames(&["", "MDPW01", "\u{1}", "echo"]));
    let (_, first) = given(&town.say("client", frames(&["", "MDPC01", "echo", "q"])));
    assert!(
        town.wait(PACE.interval).iter().any(|(peer, sent)| peer == "slow" && *sent == frames(&["", "MDPW01", "\u{4}"]))
    );
    town.wait(PACE.patience());
    let (worker, second) = given(&town.say("quick", frames(&["", "MDPW01", "\u{1}", "echo"])));
    assert_eq!(worker, "quick");
    assert_ne!(first, second);
    // The slow one comes back: its answer is as good as another's, and it is to register anew.
    let sent = town.say("slow", reply(&first, "late"));
    assert!(sent.contains(&("client".to_owned(), frames(&["", "MDPC01", "echo", "late"]))));
    assert!(sent.contains(&("slow".to_owned(), frames(&["", "MDPW01", "\u{5}"]))));
    assert_eq!(town.say("quick", reply(&second, "too late")), []);
    let counters = town.broker.counters();
    assert!(counters.balances(), "{counters:?}");
    assert_eq!((counters.late_used, counters.late_dropped, counters.redelivered), (1, 1, 1));
}

#[test]
fn the_broker_answers_for_itself() {
    let mut town = Town::new(10);
    town.say("worker", frames(&["", "MDPW01", "\u{1}", "echo"]));
    for (service, body, code) in [("mmi.service", "echo", "200"), ("mmi.service", "none", "404"), ("mmi.x", "", "501")]
    {
        let sent = town.say("client", frames(&["", "MDPC01", service, body]));
        assert_eq!(sent, [("client".to_owned(), frames(&["", "MDPC01", service, code]))]);
    }
    for second in [frames(&["", "MDPW01", "\u{1}", "echo"]), frames(&["", "MDPW01", "\u{1}", "mmi.service"])] {
        assert_eq!(town.say("worker", second), [("worker".to_owned(), frames(&["", "MDPW01", "\u{5}"]))]);
        assert_eq!(town.broker.workers(), 0);
    }
    assert_eq!(town.say("stranger", frames(&["", "MDPW01", "\u{4}"])).len(), 1, "it is to register");
}

#[test]
fn garbage_changes_nothing_and_nothing_grows() {
    for seed in 0..300 {
        let mut random = Rng::with_seed(seed);
        let mut town = Town::new(10);
        let mut heard = vec![frames(&["", "MDPC01", "echo", "q"]), frames(&["", "MDPW01", "\u{1}", "echo"])];
        for _ in 0..400 {
            // Something that was heard before, harmed; a peer hears what others were sent.
            let mut message = heard[random.usize(..heard.len())].clone();
            for _ in 0..random.usize(0..4) {
                let index = random.usize(0..=message.len());
                match random.u8(0..4) {
                    0 if index < message.len() => drop(message.remove(index)),
                    1 => message.insert(index, Bytes::from(vec![random.u8(..); random.usize(0..40)])),
                    _ if index < message.len() && !message[index].is_empty() => {
                        let mut bytes = message[index].to_vec();
                        let at = random.usize(..bytes.len());
                        bytes[at] = random.u8(..);
                        message[index] = bytes.into();
                    }
                    _ => {}
                }
            }
            let peer = format!("peer {}", random.u8(0..20));
            let sent = town.say(&peer, message.clone());
            heard.extend(sent.into_iter().map(|(_, frames)| frames));
            heard.push(ours(&mut random));
            heard.truncate(500);
            if random.u8(..) == 0 {
                town.wait(Duration::from_millis(random.u64(..3000)));
            }
            assert!(town.broker.counters().balances(), "{:?}", town.broker.counters());
        }
        assert!(town.broker.workers() <= 10 && town.broker.counters().held <= 50);
        // An honest pair is served all the same, once those who fell silent are forgotten.
        town.wait(Duration::from_secs(120));
        town.say("honest worker", frames(&["", "MDPW01", "\u{1}", "honest"]));
        let (worker, address) = given(&town.say("honest client", frames(&["", "MDPC01", "honest", "q"])));
        assert_eq!(worker, "honest worker");
        let sent = town.say(&worker, reply(&address, "a"));
        assert_eq!(sent, [("honest client".to_owned(), frames(&["", "MDPC01", "honest", "a"]))]);
    }
}

/// A message of our own protocol that somebody might send: well-formed, or nearly.
fn ours(random: &mut Rng) -> Frames {
    let kind = random.choice([0, 1, 2, 3, 5, 16, 17, 18, 19, 20, 21, 22, 23, 24]).unwrap_or_default();
    let (session, sequence, received) = (Session(random.u64(0..6)), random.u64(0..4), random.u64(0..4));
    let mut fields = Vec::new();
    match kind {
        16 => {
            fields.extend(random.u64(0..5).to_be_bytes());
            fields.extend(random.u32(..5000).to_be_bytes());
            fields.extend(random.u32(..5000).to_be_bytes());
            fields.extend([random.u8(1..4), random.u8(0..4)]);
            fields.extend(*b"\x04echo\x01k");
        }
        17..=21 => {
            fields.extend(random.u64(0..5).to_be_bytes());
            fields.extend(vec![0; if kind == 21 { 5 } else { usize::from(kind > 18) }]);
        }
        23 => {
            fields.extend(random.u64(0..5).to_be_bytes());
            fields.extend(random.u32(0..4).to_be_bytes());
            fields.extend(*b"\x04echo");
        }
        _ => {}
    }
    let body = if kind >= 16 && random.bool() { vec![Bytes::from_static(b"body")] } else { vec![] };
    Header { kind, session, sequence, received }.write(MAGIC, &fields, body)
}

#[test]
fn pirates_meet_at_endpoints_of_their_own() {
    // With an empty frame first it is REQ; without, it is DEALER.
    for (ready, before) in [(&["\u{1}"][..], &[][..]), (&["", "READY"], &[""]), (&["", "\u{1}"], &[""])] {
        let mut town = Town::new(10);
        assert_eq!(town.say_at(WORKERS, "worker", frames(ready)), []);
        // From REQ, from REQ with correlation, and from DEALER without a frame before the question.
        for envelope in [&[""][..], &["1234", ""], &[]] {
            let sent = town.say_at(CLIENTS, "client", frames(&[envelope, &["question"]].concat()));
            let (worker, given) = &sent[0];
            assert_eq!((worker.as_str(), given.len()), ("worker", before.len() + 3));
            assert_eq!(given[before.len() + 1..], frames(&["", "question"]));
            let mut answer = frames(before);
            answer.extend([given[before.len()].clone(), Bytes::new(), Bytes::from_static(b"answer")]);
            let sent = town.say_at(WORKERS, "worker", answer);
            assert_eq!(sent, [("client".to_owned(), frames(&[envelope, &["answer"]].concat()))]);
        }
        assert!(town.broker.counters().balances());
    }
}

#[test]
fn a_pirate_that_falls_silent_is_given_up_and_comes_back_by_saying_anything() {
    let mut town = Town::new(10);
    town.say_at(WORKERS, "frozen", frames(&["\u{1}"]));
    let sent = town.say_at(CLIENTS, "client", frames(&["", "question"]));
    let ticket = sent[0].1[0].clone();
    let heard = town.wait(PACE.interval);
    assert!(heard.contains(&("frozen".to_owned(), frames(&["\u{2}"]))), "it hears that the queue lives: {heard:?}");
    town.wait(5 * PACE.interval);
    let sent = town.say_at(WORKERS, "other", frames(&["\u{1}"]));
    assert_eq!(sent[0].0, "other", "the question goes to another");
    // It was really asked, and the request is open: its answer is as good as another's.
    let answer = vec![ticket, Bytes::new(), Bytes::from_static(b"late")];
    let sent = town.say_at(WORKERS, "frozen", answer);
    assert!(sent.contains(&("client".to_owned(), frames(&["", "late"]))), "{sent:?}");
    let counters = town.broker.counters();
    assert_eq!((counters.late_used, counters.redelivered, town.broker.workers()), (1, 1, 2));
    town.wait(5 * PACE.interval);
    town.say_at(WORKERS, "frozen", frames(&["\u{2}"]));
    assert_eq!(town.broker.workers(), 1, "a sign of life is an offer");
}

#[test]
fn a_worker_whose_connection_is_gone_never_had_the_request() {
    let mut town = Town::new(10);
    town.say("gone", frames(&["", "MDPW01", "\u{1}", "echo"]));
    let peer = Peer(Bytes::from_static(b"client"));
    let asked = frames(&["", "MDPC01", "echo", "question"]);
    town.broker.handle(town.now, Input::Message { socket: FRONT, peer, user: Bytes::new(), frames: asked });
    let token = std::iter::from_fn(|| town.broker.poll()).find_map(|output| match output {
        Output::Send { token, .. } => Some(token),
        _ => None,
    });
    town.tell(Input::Refused { socket: FRONT, token: token.expect("it was given"), why: Refusal::Gone });
    let sent = town.say("there", frames(&["", "MDPW01", "\u{1}", "echo"]));
    assert_eq!(given(&sent).0, "there");
    assert_eq!(town.broker.counters().redelivered, 0, "that was no attempt");
}
