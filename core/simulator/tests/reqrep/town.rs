//! A town of clients, workers and perhaps a broker, with an account of everything that is asked, done and answered.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;
use zpatterns_protocol::{
    Time,
    liveness::Pace,
    reqrep::{
        Balance, Broker, BrokerCommand, BrokerEvent, BrokerOptions, Client, ClientCommand, ClientEvent, ClientOptions,
        News, Reason, RequestOptions, Settled, StoreLimits, Task, Worker, WorkerCommand, WorkerEvent, WorkerOptions,
    },
};
use zpatterns_simulator::{Faults, Node, World};

use super::{
    party::{Command, Event, Party},
    plan::{Plan, Stored},
};

const PACE: Pace = Pace { interval: Duration::from_millis(200), limit: 3 };
const DEADLINE: Duration = Duration::from_secs(60);
const SLICE: Duration = Duration::from_millis(1);
const SERVICE: Bytes = Bytes::from_static(b"echo");
const HOUR: Duration = Duration::from_secs(3600);
const STORE: StoreLimits =
    StoreLimits { records: 10_000, bytes: 1 << 20, unfetched_age: HOUR, fetched_age: Duration::from_secs(600) };
/// How the record of a request begins that has no outcome.
const REQUEST_RECORD: u8 = 1;
/// A client's number for what it wants is its number of the request, times this, and how many wishes went before.
const WISHES: u64 = 8;

#[derive(Default, Debug)]
struct Account {
    asked: bool,
    /// What its client has wanted of it so far.
    wishes: u64,
    accepted: bool,
    runs: u32,
    /// The parts of an answer that its client has, as the façade keeps them.
    run: u16,
    parts: Vec<Bytes>,
    outcome: Option<Settled>,
}

/// A job being done.
struct Doing {
    node: Node,
    /// Whoever took it on may be dead by now.
    life: u64,
    job: u64,
    asked: Bytes,
    /// How many parts go before the last, and how many of them are still to come.
    parts: u32,
    left: u32,
}

pub(crate) struct Town {
    pub(crate) world: World<Party>,
    plan: Plan,
    seed: u64,
    lives: u64,
    broker: Option<Node>,
    workers: Vec<Node>,
    clients: Vec<Node>,
    down: BTreeSet<Node>,
    /// Those who said that they have left in order.
    left: BTreeSet<Node>,
    to_ask: Vec<(Time, usize, u64)>,
    /// What is done next about the jobs that are being done, by time and number.
    doing: BTreeMap<(Time, u64), Doing>,
    lives_of: BTreeMap<Node, u64>,
    jobs: u64,
    accounts: BTreeMap<(usize, u64), Account>,
    heard: Heard,
}

/// What the broker that lives now has told of.
#[derive(Default)]
struct Heard {
    lost: [u64; Reason::ALL.len()],
    workers: BTreeSet<u64>,
}

impl Heard {
    fn take(&mut self, news: News) {
        match news {
            News::WorkerJoined { worker, .. } => assert!(self.workers.insert(worker), "worker {worker} came twice"),
            News::WorkerGone { worker, .. } => assert!(self.workers.remove(&worker), "worker {worker} never came"),
            News::Lost { reason, requests, .. } => self.lost[reason as usize] += requests,
            other => panic!("nothing is missed here: {other:?}"),
        }
    }
}

impl Town {
    pub(crate) fn new(seed: u64, plan: Plan) -> Self {
        let mut town = Self {
            world: World::new(seed),
            plan,
            seed,
            lives: 0,
            broker: None,
            workers: Vec::new(),
            clients: Vec::new(),
            down: BTreeSet::new(),
            left: BTreeSet::new(),
            to_ask: Vec::new(),
            doing: BTreeMap::new(),
            lives_of: BTreeMap::new(),
            jobs: 0,
            accounts: BTreeMap::new(),
            heard: Heard::default(),
        };
        if !town.plan.direct {
            let broker = town.new_broker();
            let node = town.world.add(broker);
            town.broker = Some(node);
            town.watch(node);
        }
        for index in 0..town.plan.workers {
            let worker = town.new_worker(index);
            let node = town.world.add(worker);
            town.workers.push(node);
        }
        for _ in 0..town.plan.clients {
            let client = town.new_client();
            let node = town.world.add(client);
            town.clients.push(node);
        }
        town
    }

    fn life(&mut self) -> u64 {
        self.lives += 1;
        self.seed.wrapping_mul(1_000_003) + self.lives
    }

    fn new_broker(&mut self) -> Party {
        Party::Broker(Box::new(Broker::new(BrokerOptions {
            plain: vec![],
            bind: vec!["broker".to_owned()],
            pace: PACE,
            balance: Balance::LeastRecentlyUsed,
            max_requests: 10_000,
            max_bytes: 1 << 24,
            max_waiting: 10_000,
            max_waiting_bytes: 1 << 24,
            max_age: Duration::from_secs(3600),
            max_per_client: 1000,
            max_peers: 1000,
            max_unfetched: 1 << 20,
            cache: (100, 1 << 16, Duration::from_secs(60)),
            store: (self.plan.stored != Stored::No).then_some(STORE),
            seed: self.life(),
        })))
    }

    /// Hears all news of a broker that has just begun.
    fn watch(&mut self, broker: Node) {
        self.heard = Heard::default();
        self.world.command(broker, Command::Broker(BrokerCommand::Watch { more: usize::MAX }));
    }

    fn new_worker(&mut self, index: usize) -> Party {
        Party::Worker(Box::new(Worker::new(WorkerOptions {
            service: SERVICE,
            connect: if self.plan.direct { vec![] } else { vec!["broker".to_owned()] },
            bind: self.plan.direct.then(|| format!("worker {index}")),
            credit: self.plan.credit,
            max_jobs: 1000,
            max_clients: 1000,
            pace: PACE,
            seed: self.life(),
        })))
    }

    fn new_client(&mut self) -> Party {
        let endpoints = if self.plan.direct {
            (0..self.plan.workers).map(|index| format!("worker {index}")).collect()
        } else {
            vec!["broker".to_owned()]
        };
        Party::Client(Box::new(Client::new(ClientOptions {
            endpoints,
            freelance: vec![],
            pace: PACE,
            max_requests: 1000,
            max_bytes: 1 << 20,
            balance: Balance::default(),
            seed: self.life(),
        })))
    }

    pub(crate) fn broker(&self) -> Node {
        self.broker.expect("this town has a broker")
    }

    pub(crate) fn any_worker(&mut self) -> Node {
        let index = self.world.random().usize(0..self.workers.len());
        self.workers[index]
    }

    /// Each client asks `count` times within `span`.
    pub(crate) fn ask(&mut self, count: u64, span: Duration) {
        for client in 0..self.clients.len() {
            for id in 1..=count {
                let at = self.world.now() + span.mul_f64(self.world.random().f64());
                self.to_ask.push((at, client, id));
            }
        }
        self.to_ask.sort_unstable_by(|one, other| other.cmp(one));
    }

    pub(crate) fn crash(&mut self, node: Node) {
        if self.down.insert(node) {
            self.world.crash(node);
            *self.lives_of.entry(node).or_default() += 1;
        }
    }

    /// Somebody leaves in order: a process that ends as soon as it may.
    pub(crate) fn retire(&mut self, node: Node) {
        let command = if self.broker == Some(node) {
            Command::Broker(BrokerCommand::Drain)
        } else {
            Command::Worker(WorkerCommand::Leave)
        };
        self.world.command(node, command);
    }

    pub(crate) fn has_left(&self, node: Node) -> bool {
        self.left.contains(&node)
    }

    fn leave(&mut self, node: Node) {
        self.left.insert(node);
        self.crash(node);
    }

    pub(crate) fn restart(&mut self, node: Node) {
        if !self.down.remove(&node) {
            return;
        }
        let party = match self.workers.iter().position(|worker| *worker == node) {
            Some(index) => self.new_worker(index),
            None => self.new_broker(),
        };
        self.world.restart(node, party);
        if self.broker == Some(node) {
            self.watch(node);
        }
    }

    pub(crate) fn cut_off(&mut self, node: Node) {
        let all = self.broker.iter().chain(&self.workers).chain(&self.clients).copied().collect::<Vec<_>>();
        for other in all {
            self.world.network().partition(node, other);
        }
    }

    pub(crate) fn heal(&mut self) {
        self.world.network().heal();
        if let Some(broker) = self.broker {
            self.world.table(broker).set_full(false);
        }
    }

    /// Lets time pass, with everybody at work.
    pub(crate) fn run(&mut self, span: Duration) {
        let end = self.world.now() + span;
        while self.world.now() < end {
            self.world.run_for(SLICE);
            self.work();
        }
    }

    /// Lets so many things happen, with everybody at work.
    pub(crate) fn run_steps(&mut self, mut steps: u32) {
        while steps > 0 {
            self.world.run_until(SLICE, |_| {
                steps = steps.saturating_sub(1);
                steps == 0
            });
            self.work();
        }
    }

    fn work(&mut self) {
        let now = self.world.now();
        while self.to_ask.last().is_some_and(|(at, _, _)| *at <= now) {
            let (_, client, id) = self.to_ask.pop().expect("it was there");
            self.wish(client, id);
        }
        for node in self.workers.clone() {
            for (_, event) in self.world.events(node) {
                if matches!(event, Event::Worker(WorkerEvent::Left)) {
                    self.leave(node);
                } else if let Event::Worker(WorkerEvent::Job(job)) = event {
                    let account = self.account(&job.body[0]);
                    account.runs += 1;
                    if let Some(Settled::Failed(failure)) = &account.outcome {
                        assert!(failure.may_have_run, "it runs, and was said never to run: {account:?}");
                    }
                    self.jobs += 1;
                    let life = self.lives_of.get(&node).copied().unwrap_or_default();
                    let parts = self.world.random().u32(0..=self.plan.partials);
                    let doing = Doing { node, life, job: job.id, asked: job.body[0].clone(), parts, left: parts };
                    self.go_on(self.jobs, doing);
                }
            }
        }
        if let Some(node) = self.broker {
            for (_, event) in self.world.events(node) {
                match event {
                    Event::Broker(BrokerEvent::Drained) => self.leave(node),
                    Event::Broker(BrokerEvent::News(news)) => self.heard.take(news),
                    _ => {}
                }
            }
        }
        while let Some(((at, _), _)) = self.doing.first_key_value()
            && *at <= now
        {
            let ((_, number), mut doing) = self.doing.pop_first().expect("it was there");
            let Doing { node, life, job, .. } = doing;
            if self.down.contains(&node) || self.lives_of.get(&node).copied().unwrap_or_default() != life {
                continue;
            }
            // Each part says whose it is, and how many there are.
            let body = vec![doing.asked.clone(), format!("{number} of {}", doing.parts + 1).into()];
            if doing.left == 0 {
                self.world.command(node, Command::Worker(WorkerCommand::Reply { job, body }));
            } else {
                doing.left -= 1;
                self.world.command(node, Command::Worker(WorkerCommand::Partial { job, body }));
                self.go_on(number, doing);
            }
        }
        for client in 0..self.clients.len() {
            for (_, event) in self.world.events(self.clients[client]) {
                match event {
                    Event::Client(ClientEvent::Settled { id, outcome }) => self.settled(client, id, outcome),
                    Event::Client(ClientEvent::Partial { id, run, body }) => {
                        let account = self.accounts.entry((client, id / WISHES)).or_default();
                        if account.run != run {
                            account.parts.clear();
                        }
                        account.run = run;
                        account.parts.extend(body);
                    }
                    _ => {}
                }
            }
        }
        self.check_books();
    }

    /// The next part of a job, or the last, is done after a while.
    fn go_on(&mut self, number: u64, doing: Doing) {
        let takes = Duration::from_millis(self.world.random().u64(0..30));
        self.doing.insert((self.world.now() + takes, number), doing);
    }

    /// A client wants what comes next of a request: to ask or leave it, to have its answer, to have it forgotten.
    fn wish(&mut self, client: usize, id: u64) {
        let stored = self.plan.stored;
        let account = self.accounts.entry((client, id)).or_default();
        account.asked = true;
        let task = match (stored, account.wishes) {
            (Stored::Left, 0) => Task::Store,
            (Stored::Left, 1) => Task::Fetch,
            (Stored::Left, 2) => Task::Discard,
            _ => Task::Ask,
        };
        let number = id * WISHES + account.wishes;
        account.wishes += 1;
        let text = format!("{client} {id}");
        let options = RequestOptions {
            deadline: DEADLINE,
            patience: DEADLINE,
            attempts: self.plan.attempts,
            durable: stored == Stored::Asked,
            key: if stored == Stored::No { Bytes::new() } else { text.clone().into() },
            ..Default::default()
        };
        let body = if matches!(task, Task::Ask | Task::Store) { vec![text.into()] } else { vec![] };
        let command = ClientCommand::Request { id: number, task, service: SERVICE, body, options };
        self.world.command(self.clients[client], Command::Client(command));
    }

    fn account(&mut self, asked: &Bytes) -> &mut Account {
        let text = std::str::from_utf8(asked).expect("clients ask in text");
        let (client, id) = text.split_once(' ').expect("client and id");
        let name = (client.parse().expect("a number"), id.parse().expect("a number"));
        self.accounts.entry(name).or_default()
    }

    fn settled(&mut self, client: usize, number: u64, outcome: Settled) {
        let (id, wish) = (number / WISHES, number % WISHES);
        let stored = self.plan.stored;
        let record = (stored != Stored::No).then(|| self.record(client, id));
        let account = self.accounts.entry((client, id)).or_default();
        assert!(account.asked, "client {client} was told of a request it never made: {id}");
        assert_eq!(wish + 1, account.wishes, "client {client} was told twice of request {id}");
        match (&outcome, stored, wish) {
            (Settled::Accepted, Stored::Left, 0) => {
                assert!(record.flatten().is_some(), "request {id} of client {client} was accepted and is not stored");
                account.accepted = true;
                let at = self.world.now() + Duration::from_millis(self.world.random().u64(0..3000));
                self.to_ask.push((at, client, id));
                self.to_ask.sort_unstable_by(|one, other| other.cmp(one));
                return;
            }
            (Settled::Accepted, Stored::Left, 2) => {
                assert!(record.flatten().is_none(), "request {id} of client {client} is still stored");
                return;
            }
            (Settled::Accepted, ..) => panic!("request {id} of client {client} was accepted, against its wish"),
            // What it says of the request is known already.
            (_, Stored::Left, 2) => return,
            _ => {}
        }
        assert_eq!(account.outcome, None, "request {id} of client {client} ended twice");
        match &outcome {
            Settled::Reply(body) => {
                let whole = [&account.parts[..], body].concat();
                let (asked, last) = (format!("{client} {id}"), whole.last().expect("two frames"));
                let parts = std::str::from_utf8(last).ok().and_then(|text| text.split_once(" of ")?.1.parse().ok());
                assert_eq!(Some(whole.len()), parts.map(|parts: usize| 2 * parts), "parts are missing: {whole:?}");
                for part in whole.chunks(2) {
                    assert!(part[0] == asked && part[1] == *last, "parts of two answers: {whole:?}");
                }
                assert!(account.runs > 0, "nobody did it");
                if let Some(record) = record {
                    let is_answer = record.is_some_and(|record| record[0] != REQUEST_RECORD);
                    assert!(is_answer, "request {id} of client {client} was answered before the answer was stored");
                    assert!(account.parts.is_empty(), "of what is stored the whole answer comes at once");
                }
            }
            Settled::Failed(failure) if !failure.may_have_run => {
                assert_eq!(account.runs, 0, "request {id} of client {client} ran, against what is said: {failure:?}");
            }
            Settled::Failed(_) | Settled::Error { .. } | Settled::Accepted => {}
        }
        account.outcome = Some(outcome);
        if stored == Stored::Left && account.accepted {
            self.wish(client, id);
        }
    }

    /// What the broker's disk has of a request.
    fn record(&mut self, client: usize, id: u64) -> Option<Bytes> {
        let text = format!("{client} {id}");
        let named = |(key, value): (&Bytes, &Bytes)| key.ends_with(text.as_bytes()).then(|| value.clone());
        let length = |(key, _): &(&Bytes, &Bytes)| key.len() == SERVICE.len() + text.len() + 2;
        let broker = self.broker();
        self.world.table(broker).records().iter().filter(length).find_map(named)
    }

    fn check_books(&self) {
        for node in self.clients.iter().chain(&self.broker) {
            let counters = match self.world.machine(*node) {
                Some(Party::Client(client)) => client.counters(),
                Some(Party::Broker(broker)) => {
                    for service in broker.services() {
                        assert!(service.counters.balances(), "the broker has lost count: {service:?}");
                    }
                    for peer in broker.peers() {
                        assert!(peer.balances(), "the broker has lost count: {peer:?}");
                    }
                    let counters = broker.counters();
                    assert_eq!(self.heard.lost, counters.lost, "the news and the counters tell different stories");
                    assert_eq!(self.heard.workers.len(), broker.workers(), "workers come and go with news of it");
                    counters
                }
                _ => continue,
            };
            assert!(counters.balances(), "node {node} has lost count: {counters:?}");
        }
    }

    /// A client takes back a request that is open.
    fn cancel_one(&mut self) {
        let open = |(name, account): (&(usize, u64), &Account)| account.outcome.is_none().then_some(*name);
        let open: Vec<_> = self.accounts.iter().filter_map(open).collect();
        if !open.is_empty() {
            let (client, id) = open[self.world.random().usize(0..open.len())];
            let id = id * WISHES + self.accounts[&(client, id)].wishes.saturating_sub(1);
            self.world.command(self.clients[client], Command::Client(ClientCommand::Cancel { id }));
        }
    }

    /// Faults of the plan, crashes and cuts, for `span`; then all is well again.
    pub(crate) fn disaster(&mut self, span: Duration) {
        let faults = self.plan.faults.clone();
        self.world.network().set_faults(faults);
        let end = self.world.now() + span;
        while self.world.now() < end {
            let pause = Duration::from_millis(self.world.random().u64(1..400));
            self.run(pause);
            let all: Vec<Node> = self.workers.iter().chain(&self.broker).chain(&self.clients).copied().collect();
            let one = all[self.world.random().usize(0..all.len())];
            let other = all[self.world.random().usize(0..all.len())];
            match self.world.random().u8(0..11) {
                0..3 if !self.clients.contains(&one) => self.crash(one),
                3..6 => {
                    for node in self.down.clone() {
                        self.restart(node);
                    }
                }
                6 => self.world.network().cut(one, other),
                7 => self.world.network().partition(one, other),
                8 => self.heal(),
                9 if self.plan.stored != Stored::No => {
                    let full = self.world.random().bool();
                    let broker = self.broker();
                    self.world.table(broker).set_full(full);
                }
                _ if self.plan.cancels => self.cancel_one(),
                _ => {}
            }
        }
        self.heal();
        self.world.network().set_faults(Faults::default());
        for node in self.down.clone() {
            self.restart(node);
        }
    }

    /// Runs until every request is settled, within the bound of its deadline.
    pub(crate) fn finish(&mut self) {
        let end = self.world.now() + DEADLINE + Duration::from_secs(1);
        while self.world.now() < end && !self.is_settled() {
            self.run(Duration::from_millis(20));
        }
        // What comes too late must change nothing.
        self.run(Duration::from_secs(2));
    }

    fn is_settled(&self) -> bool {
        self.to_ask.is_empty() && self.accounts.values().all(|account| account.outcome.is_some())
    }

    pub(crate) fn assert_settled(&self) {
        for (name, account) in &self.accounts {
            assert!(account.outcome.is_some(), "request {name:?} never ended: {account:?}");
        }
    }

    pub(crate) fn assert_all_replied(&self) {
        for (name, account) in &self.accounts {
            assert!(matches!(account.outcome, Some(Settled::Reply(_))), "request {name:?}: {account:?}");
        }
    }

    pub(crate) fn assert_none_ran_more_than(&self, times: u32) {
        for (name, account) in &self.accounts {
            assert!(account.runs <= times, "request {name:?} ran {} times: {account:?}", account.runs);
        }
    }

    /// Every request failed, and its client was told that it never ran.
    pub(crate) fn assert_none_ever_ran(&self) {
        for (name, account) in &self.accounts {
            let told = matches!(&account.outcome, Some(Settled::Failed(failure)) if !failure.may_have_run);
            assert!(told && account.runs == 0, "request {name:?}: {account:?}");
        }
    }

    /// Each request was answered, or its client was told that it never ran.
    pub(crate) fn assert_no_answer_was_lost(&self) {
        for (name, account) in &self.accounts {
            let told = match &account.outcome {
                Some(Settled::Failed(failure)) => !failure.may_have_run && account.runs == 0,
                outcome => outcome.is_some(),
            };
            assert!(told, "request {name:?}: {account:?}");
        }
    }

    pub(crate) fn runs(&self) -> u32 {
        self.accounts.values().map(|account| account.runs).sum()
    }
}
