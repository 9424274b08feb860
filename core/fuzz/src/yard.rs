//! A queue with an honest producer and an honest worker, and strangers at its port.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use zpatterns_protocol::{
    Machine, Time,
    link::{Header, OPEN, Session},
    liveness::Pace,
    machine::{Frames, Input, Output, Peer, Role, SocketId, Token},
    zqueue::{
        Child, ChildOutcome, Found, JobOptions, Limits, Look, Order, Outcome, Producer, ProducerCommand, ProducerEvent,
        ProducerOptions, Queue, QueueCommand, QueueEvent, QueueOptions, ShelfLimits, Worker, WorkerCommand,
        WorkerEvent, WorkerJob, WorkerOptions,
        wire::{MAGIC, Message},
    },
};
use zpatterns_simulator::{Node, World};

use crate::{dice::Dice, job_words::message};

zpatterns_simulator::parties! {
    Queue(Queue, QueueCommand, QueueEvent),
    Worker(Worker, WorkerCommand, WorkerEvent),
    Producer(Producer, ProducerCommand, ProducerEvent),
    Stranger(Stranger, Frames, Frames),
}

const PACE: Pace = Pace { interval: Duration::from_millis(200), limit: 3 };
const PLACE: &str = "queue";
/// The queue that strangers do not know.
const HONEST: &str = "honest";
const JOBS: usize = 2000;
const BYTES: usize = 1 << 20;
const MAX_PEERS: usize = 30;
/// Trees of the honest producer at once.
const OPEN_TREES: usize = 10;
/// Sessions that strangers open have numbers below.
const SESSIONS: usize = 12;

/// Messages of the job queue, read and written, and the blocks in its answers.
pub fn jobs(data: &[u8]) -> u64 {
    let mut dice = Dice::new(data);
    let mut count = 0;
    while !dice.is_empty() {
        count += 1;
        let (kind, fields, body) = message(&mut dice);
        if let Some(read) = Message::decode(kind, fields.clone().into(), body.clone()) {
            assert_eq!(read.encode(), (kind, fields, body));
        }
        let block = dice.bytes(60);
        for look in [Look::Queues, Look::Tree { job: 1, most: 1 }, Look::Dead { from: 0, most: 1 }] {
            let _ = Found::read(&look, block.clone());
        }
    }
    count
}

/// Says what it is told to say.
pub(crate) struct Stranger {
    place: &'static str,
    outputs: VecDeque<Output<Frames>>,
}

impl Stranger {
    /// Connects here.
    pub(crate) fn at(place: &'static str) -> Self {
        Self { place, outputs: VecDeque::new() }
    }
}

impl Machine for Stranger {
    type Command = Frames;
    type Event = Frames;

    fn handle(&mut self, _: Time, input: Input<Frames>) {
        let socket = SocketId(0);
        match input {
            Input::Room(_) => {
                self.outputs.push_back(Output::Open { socket, role: Role::Dealer });
                self.outputs.push_back(Output::Connect { socket, endpoint: self.place.to_owned() });
            }
            Input::Command(frames) => {
                self.outputs.push_back(Output::Send { socket, peer: Peer::default(), token: Token(0), frames });
            }
            Input::Message { frames, .. } => self.outputs.push_back(Output::Deliver(frames)),
            _ => {}
        }
    }

    fn poll(&mut self) -> Option<Output<Frames>> {
        self.outputs.pop_front()
    }

    fn deadline(&self) -> Option<Time> {
        None
    }
}

/// A queue among strangers.
pub fn queue(data: &[u8]) -> u64 {
    Yard::new(data).live()
}

struct Yard<'a> {
    dice: Dice<'a>,
    world: World<Party>,
    queue: Node,
    worker: Node,
    producer: Node,
    strangers: Vec<Node>,
    /// What each session of a stranger has said so far.
    said: BTreeMap<u64, u64>,
    pushed: u64,
    open: BTreeSet<u64>,
}

impl<'a> Yard<'a> {
    fn new(data: &'a [u8]) -> Self {
        let mut dice = Dice::new(data);
        let seed = dice.number();
        let mut world = World::new(seed);
        let order = dice.choose(&[Order::Depth, Order::Fifo, Order::Lifo, Order::Priority]);
        let is_stored = dice.once_in(2);
        let queue = world.add(Party::Queue(Box::new(Queue::new(queue_options(seed, order, is_stored)))));
        let worker = world.add(Party::Worker(Box::new(Worker::new(WorkerOptions {
            connect: vec![PLACE.to_owned()],
            queues: vec![Bytes::from_static(HONEST.as_bytes())],
            credit: 4,
            pace: PACE,
            max_bytes: BYTES,
            seed: seed ^ 1,
        }))));
        let producer = world.add(Party::Producer(Box::new(Producer::new(ProducerOptions {
            endpoint: PLACE.to_owned(),
            pace: PACE,
            max_calls: 100,
            max_bytes: BYTES,
            seed: seed ^ 2,
        }))));
        let strangers = (0..4).map(|_| world.add(Party::Stranger(Box::new(Stranger::at(PLACE))))).collect();
        let (said, open) = (BTreeMap::new(), BTreeSet::new());
        Self { dice, world, queue, worker, producer, strangers, said, pushed: 0, open }
    }

    /// Lives for as long as there are decisions; then all is quiet, and every honest tree has ended.
    fn live(mut self) -> u64 {
        let mut count = 0;
        while !self.dice.is_empty() {
            match self.dice.below(32) {
                0..2 if self.open.len() < OPEN_TREES => self.push(),
                2 => {
                    let span = Duration::from_millis(self.dice.below(400) as u64);
                    self.wait(span);
                }
                _ => {
                    count += 1;
                    let (stranger, frames) = (self.dice.choose(&self.strangers), self.frames());
                    self.world.command(stranger, Command::Stranger(frames));
                    self.wait(Duration::from_millis(1));
                }
            }
        }
        self.push();
        for _ in 0..200 {
            self.wait(Duration::from_millis(100));
        }
        assert!(self.open.is_empty(), "{} of {} trees never ended", self.open.len(), self.pushed);
        count
    }

    /// What a stranger says, mostly on a session of its own.
    fn frames(&mut self) -> Frames {
        if self.dice.once_in(8) {
            return (0..self.dice.below(4)).map(|_| self.dice.bytes(60)).collect();
        }
        let session = self.dice.below(SESSIONS) as u64;
        let received = if self.dice.once_in(4) { self.dice.number() } else { u64::MAX };
        if self.dice.once_in(3) {
            let kind = self.dice.choose(&[OPEN, OPEN, OPEN, 1, 2, 3, 4, 5]);
            if kind >= 4 || !self.said.contains_key(&session) {
                self.said.insert(session, 0);
            }
            let sequence = self.said[&session];
            return Header { kind, session: Session(session), sequence, received }.write(MAGIC, &[], vec![]);
        }
        let (kind, fields, body) = message(&mut self.dice);
        let said = self.said.entry(session).or_default();
        *said += 1;
        let sequence = if self.dice.once_in(16) { self.dice.below(6) as u64 } else { *said };
        Header { kind, session: Session(session), sequence, received }.write(MAGIC, &fields, body)
    }

    /// A tree whose leaves are counted.
    fn push(&mut self) {
        self.pushed += 1;
        let id = self.pushed;
        self.open.insert(id);
        let (queue, body) = (Bytes::from_static(HONEST.as_bytes()), vec![Bytes::from_static(b"3")]);
        let patience = Duration::from_secs(3600);
        let (options, watch, draft) = (JobOptions::default(), true, false);
        let push = ProducerCommand::Push { id, queue, body, options, watch, draft, patience };
        self.world.command(self.producer, Command::Producer(push));
    }

    /// Lets time pass, with everybody at work.
    fn wait(&mut self, span: Duration) {
        self.world.run_for(span);
        for (_, event) in self.world.events(self.worker) {
            if let Event::Worker(WorkerEvent::Job(job)) = event {
                self.world.command(self.worker, Command::Worker(count_leaves(&job)));
            }
        }
        for (_, event) in self.world.events(self.producer) {
            match event {
                Event::Producer(ProducerEvent::Ended { id, outcome }) => {
                    assert!(self.open.remove(&id), "tree {id} ended twice, or was never pushed");
                    assert_eq!(outcome, Outcome::Done(vec![Bytes::from_static(b"8")]), "tree {id}");
                }
                // Strangers have taken all the room.
                Event::Producer(ProducerEvent::Refused { id, .. }) => drop(self.open.remove(&id)),
                _ => {}
            }
        }
        self.strangers.iter().for_each(|stranger| drop(self.world.events(*stranger)));
        let Some(Party::Queue(queue)) = self.world.machine(self.queue) else { return };
        let counters = queue.counters();
        let most = BYTES as u64 * 3;
        assert!(counters.balances() && counters.held <= JOBS as u64 && counters.bytes <= most, "{counters:?}");
        assert!(queue.workers() <= MAX_PEERS);
    }
}

/// By halves, three times.
fn count_leaves(job: &WorkerJob) -> WorkerCommand {
    let id = job.ticket;
    let number = |body: &Frames| body[0][0] - b'0';
    let done = |count: u8| WorkerCommand::Complete { id, body: vec![vec![b'0' + count].into()] };
    if let Some((_, results)) = &job.resumed {
        let count = |result: &ChildOutcome| result.as_ref().and_then(Outcome::done).map_or(0, number);
        return done(results.iter().map(count).sum());
    }
    match number(&job.body) {
        0 => done(1),
        level => {
            let child = || Child::new(HONEST, vec![vec![b'0' + level - 1].into()]);
            WorkerCommand::Spawn { id, ordered: false, memo: Frames::new(), children: vec![child(), child()] }
        }
    }
}

fn queue_options(seed: u64, order: Order, is_stored: bool) -> QueueOptions {
    let limits = Limits {
        queues: 20,
        jobs: JOBS,
        bytes: BYTES,
        queue_bytes: BYTES / 2,
        depth: 6,
        children: 10,
        tree_jobs: 100,
        tree_bytes: BYTES / 4,
        lost: 200,
    };
    QueueOptions {
        bind: vec![PLACE.to_owned()],
        pace: PACE,
        order,
        orders: BTreeMap::new(),
        limits,
        shelf: ShelfLimits { outcomes: 100, outcome_bytes: BYTES, letters: 100, letter_bytes: BYTES },
        drafts: (10, 100_000),
        max_peers: MAX_PEERS,
        max_per_peer: 20,
        is_stored,
        seed,
    }
}
