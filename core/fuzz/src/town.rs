//! An honest client, broker and worker, and strangers at the port of one of them.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use zpatterns_protocol::{
    liveness::Pace,
    reqrep::{
        Balance, Broker, BrokerOptions, Client, ClientCommand, ClientEvent, ClientOptions, RequestOptions, Settled,
        StoreLimits, Task, Worker, WorkerCommand, WorkerEvent, WorkerOptions,
    },
};
use zpatterns_simulator::{Node, World};

use crate::{
    dice::Dice,
    party::{Command, Event, Party, Shared},
    stranger::HONEST,
};

const PACE: Pace = Pace { interval: Duration::from_millis(200), limit: 3 };
const DEADLINE: Duration = Duration::from_secs(60);
/// What a machine may hold at once.
pub(crate) const MAX_REQUESTS: usize = 10_000;
const MAX_BYTES: usize = 1 << 22;
/// Who may be connected to a machine at once.
pub(crate) const MAX_PEERS: usize = 30;
/// How many honest requests are open at once.
const OPEN: usize = 20;
const STRANGERS: usize = 4;

/// Where the strangers are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Port {
    Broker,
    Worker,
    Client,
}

/// A broker among strangers.
pub fn broker(data: &[u8]) -> u64 {
    Town::new(data, Port::Broker, false).live()
}

/// A broker among strangers who speak Majordomo.
pub fn majordomo(data: &[u8]) -> u64 {
    Town::new(data, Port::Broker, true).live()
}

/// A worker among strangers who ask it.
pub fn worker(data: &[u8]) -> u64 {
    Town::new(data, Port::Worker, false).live()
}

/// A client with a stranger at one of its two endpoints.
pub fn client(data: &[u8]) -> u64 {
    Town::new(data, Port::Client, false).live()
}

struct Town<'a> {
    dice: Dice<'a>,
    gossip: Shared,
    world: World<Party>,
    port: Port,
    broker: Node,
    worker: Node,
    client: Node,
    strangers: Vec<Node>,
    asked: u64,
    open: BTreeSet<u64>,
    /// Jobs that are being done, and what is to be answered.
    jobs: VecDeque<(u64, Vec<Bytes>)>,
}

impl<'a> Town<'a> {
    fn new(data: &'a [u8], port: Port, old: bool) -> Self {
        let mut dice = Dice::new(data);
        let seed = dice.number();
        let gossip = Shared::default();
        gossip.borrow_mut().speak(old, port == Port::Worker);
        let mut world = World::new(seed);
        let broker = world.add(Party::broker(Broker::new(broker_options(seed)), &gossip));
        let worker = world.add(Party::worker(Worker::new(worker_options(seed ^ 1, port)), &gossip));
        let strangers = (0..if port == Port::Client { 1 } else { STRANGERS })
            .map(|_| {
                world.add(match port {
                    Port::Broker => Party::stranger(Some("broker"), None, &gossip),
                    Port::Worker => Party::stranger(Some("worker"), None, &gossip),
                    Port::Client => Party::stranger(None, Some("stranger"), &gossip),
                })
            })
            .collect();
        let client = world.add(Party::client(Client::new(client_options(seed ^ 2, port)), &gossip));
        Self {
            dice,
            gossip,
            world,
            port,
            broker,
            worker,
            client,
            strangers,
            asked: 0,
            open: BTreeSet::new(),
            jobs: VecDeque::new(),
        }
    }

    /// Lives for as long as there are decisions; then all is quiet, and every request has ended.
    fn live(mut self) -> u64 {
        let mut said = 0;
        while !self.dice.is_empty() {
            match self.dice.below(32) {
                0..4 if self.open.len() < OPEN => self.ask(),
                4 => self.harass(),
                5 => self.pause(400),
                _ => {
                    said += 1;
                    let frames = self.gossip.borrow_mut().say(&mut self.dice);
                    let stranger = self.dice.choose(&self.strangers);
                    self.world.command(stranger, Command::Say(frames));
                    self.wait(Duration::from_millis(1));
                }
            }
        }
        self.relent();
        self.ask();
        self.world.run_for(Duration::from_millis(1));
        for _ in 0..200 {
            self.wait(DEADLINE / 100);
        }
        assert!(self.open.is_empty(), "{} of {} requests never ended", self.open.len(), self.asked);
        said
    }

    fn ask(&mut self) {
        self.asked += 1;
        let id = self.asked;
        self.open.insert(id);
        let options =
            RequestOptions { deadline: DEADLINE, patience: DEADLINE, attempts: 100, retries: 0, ..Default::default() };
        let mut body = vec![Bytes::copy_from_slice(&id.to_be_bytes())];
        if self.dice.once_in(4) {
            body.push(self.dice.bytes(2000));
        }
        let service = Bytes::from_static(HONEST);
        self.world.command(
            self.client,
            Command::Client(ClientCommand::Request { id, task: Task::Ask, service, body, options }),
        );
    }

    /// A connection of somebody is full for a moment.
    fn harass(&mut self) {
        let one = self.dice.choose(&[self.broker, self.worker, self.client]);
        self.world.command(one, Command::Refuse);
        self.pause(100);
        self.relent();
    }

    fn relent(&mut self) {
        for node in [self.broker, self.worker, self.client] {
            self.world.command(node, Command::Relent);
        }
    }

    /// Waits for less than so many milliseconds.
    fn pause(&mut self, end: usize) {
        let span = Duration::from_millis(self.dice.below(end) as u64);
        self.wait(span);
    }

    /// Lets time pass, with everybody at work.
    fn wait(&mut self, span: Duration) {
        self.world.run_for(span);
        for (_, event) in self.world.events(self.worker) {
            if let Event::Worker(WorkerEvent::Job(job)) = event {
                self.jobs.push_back((job.id, job.body));
            }
        }
        let busy = self.dice.below(3);
        while self.jobs.len() > busy {
            let (job, body) = self.jobs.pop_front().expect("there are more");
            self.world.command(self.worker, Command::Worker(WorkerCommand::Reply { job, body }));
        }
        for (_, event) in self.world.events(self.client) {
            if let Event::Client(ClientEvent::Settled { id, outcome }) = event {
                self.settled(id, &outcome);
            }
        }
    }

    fn settled(&mut self, id: u64, outcome: &Settled) {
        assert!(self.open.remove(&id), "request {id} ended twice, or was never made: {outcome:?}");
        if self.port != Port::Client {
            let own = matches!(outcome, Settled::Reply(body) if body[0][..] == id.to_be_bytes());
            assert!(own, "request {id} was not answered: {outcome:?}");
        }
    }
}

fn broker_options(seed: u64) -> BrokerOptions {
    BrokerOptions {
        plain: vec![],
        bind: vec!["broker".to_owned()],
        pace: PACE,
        balance: Balance::LeastRecentlyUsed,
        max_requests: MAX_REQUESTS,
        max_bytes: MAX_BYTES,
        max_waiting: MAX_REQUESTS,
        max_waiting_bytes: MAX_BYTES,
        max_age: Duration::from_secs(10),
        max_per_client: OPEN as u32,
        max_peers: MAX_PEERS,
        max_unfetched: 10_000,
        cache: (10, 1000, Duration::from_secs(10)),
        store: Some(store_limits()),
        seed,
    }
}

fn store_limits() -> StoreLimits {
    let age = Duration::from_secs(10);
    StoreLimits { records: 100, bytes: 100_000, unfetched_age: age, fetched_age: age }
}

fn worker_options(seed: u64, port: Port) -> WorkerOptions {
    WorkerOptions {
        service: Bytes::from_static(HONEST),
        connect: vec!["broker".to_owned()],
        bind: (port == Port::Worker).then(|| "worker".to_owned()),
        credit: 4,
        max_jobs: MAX_REQUESTS,
        max_clients: MAX_PEERS,
        pace: PACE,
        seed,
    }
}

fn client_options(seed: u64, port: Port) -> ClientOptions {
    let endpoints = if port == Port::Client { &["broker", "stranger"][..] } else { &["broker"] };
    ClientOptions {
        endpoints: endpoints.iter().map(|endpoint| (*endpoint).to_owned()).collect(),
        freelance: vec![],
        pace: PACE,
        max_requests: MAX_REQUESTS,
        max_bytes: MAX_BYTES,
        balance: Balance::default(),
        seed,
    }
}
