//! What one peer can make a broker keep. Each peer here does one thing without end, and memory must stop growing.

mod memory;

use std::{iter, time::Duration};

use bytes::Bytes;
use memory::{Counting, in_use, most_in_use};
use zpatterns_protocol::{
    Machine, Time,
    link::{Header, OPEN, Session},
    liveness::Pace,
    machine::{Frames, Input, Output, Peer, SocketId},
    reqrep::{
        Balance, Broker, BrokerEvent, BrokerOptions,
        wire::{MAGIC, Message, Request, Task},
    },
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MAX_REQUESTS: usize = 100;
const MAX_PER_CLIENT: u32 = 10;
const TIMES: u64 = 20_000;
const PATIENCE: Duration = Duration::from_secs(1000);
/// Far above what the options below allow to be kept, far below what the peers here send.
const MOST: isize = 1 << 20;

/// A broker and its peer.
struct Pair {
    broker: Broker,
    now: Time,
    sequence: u64,
    acknowledges: bool,
}

impl Pair {
    fn new(acknowledges: bool) -> Self {
        let broker = Broker::new(BrokerOptions {
            plain: vec![],
            bind: vec!["here".to_owned()],
            pace: Pace { interval: Duration::from_secs(1), limit: 3 },
            balance: Balance::LeastRecentlyUsed,
            max_requests: MAX_REQUESTS,
            max_bytes: 10_000,
            max_waiting: MAX_REQUESTS,
            max_waiting_bytes: 10_000,
            max_age: Duration::from_secs(1000),
            max_per_client: MAX_PER_CLIENT,
            max_peers: 10,
            max_unfetched: 10_000,
            cache: (10, 1000, Duration::from_secs(10)),
            store: None,
            seed: 1,
        });
        let mut pair = Self { broker, now: Time::ZERO, sequence: 0, acknowledges };
        pair.tell(Input::Room(10));
        pair.link(OPEN, 0, &[], vec![]);
        pair
    }

    fn tell(&mut self, input: Input<zpatterns_protocol::reqrep::BrokerCommand>) -> Vec<Output<BrokerEvent>> {
        self.broker.handle(self.now, input);
        iter::from_fn(|| self.broker.poll()).collect()
    }

    /// What the broker does when `name` says this.
    fn hear(&mut self, name: &'static str, frames: Frames) -> Vec<Output<BrokerEvent>> {
        self.now += Duration::from_micros(10);
        self.tell(Input::Message { socket: SocketId(0), peer: Peer(text(name)), user: Bytes::new(), frames })
    }

    fn link(&mut self, kind: u8, sequence: u64, fields: &[u8], body: Frames) {
        let received = if self.acknowledges { u64::MAX } else { 0 };
        let header = Header { kind, session: Session(1), sequence, received };
        self.hear("peer", header.write(MAGIC, fields, body));
    }

    /// The next message of the pattern.
    fn say(&mut self, message: Message) {
        self.sequence += 1;
        let (kind, fields, body) = message.encode();
        self.link(kind, self.sequence, &fields, body);
    }

    fn ask(&mut self, number: u64, patience: Duration, once: bool, body: Frames) {
        let (service, key) = (Bytes::from_static(b"nobody"), Bytes::from_static(b"k"));
        let remaining = Duration::from_secs(1000);
        let (attempts, task, durable) = (1, Task::Ask, false);
        self.say(Message::Request(Request {
            number,
            remaining,
            patience,
            attempts,
            task,
            durable,
            once,
            service,
            key,
            body,
        }));
    }
}

/// By how much what is in use grows, at most.
fn grown(pair: &mut Pair, act: impl Fn(&mut Pair, u64)) -> isize {
    let before = in_use();
    (0..TIMES).for_each(|number| act(pair, number));
    let grown = most_in_use() - before;
    println!("{} KiB more, {:?}", grown >> 10, pair.broker.counters());
    grown
}

fn text(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[test]
fn answers_that_are_never_acknowledged() {
    let mut pair = Pair::new(false);
    assert!(grown(&mut pair, |pair, number| pair.ask(number, Duration::ZERO, false, vec![])) < MOST);
}

#[test]
fn requests_that_join_one_another() {
    let mut pair = Pair::new(true);
    assert!(grown(&mut pair, |pair, number| pair.ask(number, PATIENCE, true, vec![])) < MOST);
}

#[test]
fn requests_of_one_client() {
    let mut pair = Pair::new(true);
    grown(&mut pair, |pair, number| pair.ask(number, PATIENCE, false, vec![]));
    assert!(pair.broker.counters().held <= u64::from(MAX_PER_CLIENT));
}

#[test]
fn requests_of_many_empty_frames() {
    let mut pair = Pair::new(true);
    assert!(grown(&mut pair, |pair, number| pair.ask(number, PATIENCE, false, vec![Bytes::new(); 1000])) < MOST);
}

#[test]
fn parts_of_many_empty_frames() {
    let mut pair = Pair::new(true);
    pair.hear("worker", vec![text("MDPW02"), text("\u{1}"), text("echo")]);
    let sent = pair.hear("client", vec![text(""), text("MDPC01"), text("echo"), text("question")]);
    let given = sent.into_iter().find_map(|output| match output {
        Output::Send { frames, .. } if frames[0] == "MDPW02" => Some(frames),
        _ => None,
    });
    let ticket = given.expect("the worker was given it")[2].clone();
    let part = |pair: &mut Pair, _| {
        let mut frames = vec![text("MDPW02"), text("\u{3}"), ticket.clone(), text("")];
        frames.extend(vec![Bytes::new(); 10]);
        pair.hear("worker", frames);
    };
    assert!(grown(&mut pair, part) < MOST);
}
