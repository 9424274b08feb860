//! A yard of producers, workers and a queue, with an account of everything that is pushed, done and told.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;
use zpatterns_protocol::{
    ErrorKind, Time,
    liveness::Pace,
    machine::Frames,
    zqueue::{
        Ask, Child, ChildOutcome, JobId, JobOptions, Limits, OnFailure, Order, Outcome, Producer, ProducerCommand,
        ProducerEvent, ProducerOptions, Queue, QueueCommand, QueueEvent, QueueOptions, ShelfLimits, Worker,
        WorkerCommand, WorkerEvent, WorkerJob, WorkerOptions,
    },
};
use zpatterns_simulator::{Faults, Node, World};

zpatterns_simulator::parties! {
    Queue(Queue, QueueCommand, QueueEvent),
    Worker(Worker, WorkerCommand, WorkerEvent),
    Producer(Producer, ProducerCommand, ProducerEvent),
}

const PACE: Pace = Pace { interval: Duration::from_millis(200), limit: 3 };
const SLICE: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(120);
const NAME: Bytes = Bytes::from_static(b"sum");
const PLACE: &str = "queue";

/// How many there are, and what they do.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) producers: usize,
    pub(crate) workers: usize,
    pub(crate) credit: u32,
    pub(crate) order: Order,
    pub(crate) is_stored: bool,
    pub(crate) faults: Faults,
    /// Of ten trees, how many are cancelled.
    pub(crate) cancels: u8,
    /// Half of the trees are pushed in parts, if so: how long it may take until they are whole, and how patient who pushes is then.
    pub(crate) drafts: Option<(Duration, Duration)>,
    /// Of a hundred tries, how many fail.
    pub(crate) fails: u8,
}

impl Default for Plan {
    fn default() -> Self {
        let (faults, order) = (Faults::default(), Order::Depth);
        Self {
            producers: 1,
            workers: 2,
            credit: 2,
            order,
            is_stored: false,
            faults,
            cancels: 0,
            drafts: None,
            fails: 0,
        }
    }
}

impl Plan {
    pub(crate) fn random(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed ^ 0x2a2a);
        let most = Duration::from_millis(random.u64(0..100));
        Self {
            producers: random.usize(1..3),
            workers: random.usize(1..4),
            credit: random.u32(1..5),
            order: [Order::Depth, Order::Fifo, Order::Lifo, Order::Priority][random.usize(0..4)],
            is_stored: random.bool(),
            faults: Faults {
                loss: random.f64() * 0.2,
                duplicate: random.f64() * 0.2,
                delay: (Duration::ZERO, most),
                reorder: random.bool(),
            },
            drafts: random.bool().then_some((Duration::from_secs(2), PATIENCE)),
            cancels: if random.bool() { 2 } else { 0 },
            fails: if random.bool() { 3 } else { 0 },
        }
    }
}

/// A tree that was pushed.
#[derive(Debug)]
struct Account {
    to: u64,
    job: Option<JobId>,
    cancelled: bool,
    outcome: Option<Outcome>,
}

pub(crate) struct Yard {
    world: World<Party>,
    plan: Plan,
    seed: u64,
    lives: u64,
    workers: Vec<Node>,
    producers: Vec<Node>,
    down: BTreeSet<Node>,
    lives_of: BTreeMap<Node, u64>,
    /// When who pushes a tree of which size.
    to_push: Vec<(Time, usize, u64)>,
    /// When who says of which that it is whole.
    to_execute: Vec<(Time, usize, u64)>,
    /// When who cancels which.
    to_cancel: Vec<(Time, usize, u64)>,
    /// What is being done, by when it is done.
    doing: BTreeMap<(Time, u64), (Node, u64, Box<WorkerJob>)>,
    jobs: u64,
    ids: u64,
    accounts: BTreeMap<(usize, u64), Account>,
    /// How often each job began anew, by its body.
    begun: BTreeMap<Bytes, u32>,
}

impl Yard {
    pub(crate) const QUEUE: Node = 0;

    pub(crate) fn new(seed: u64, plan: Plan) -> Self {
        let mut yard = Self {
            world: World::new(seed),
            plan,
            seed,
            lives: 0,
            workers: Vec::new(),
            producers: Vec::new(),
            down: BTreeSet::new(),
            lives_of: BTreeMap::new(),
            to_push: Vec::new(),
            to_execute: Vec::new(),
            to_cancel: Vec::new(),
            doing: BTreeMap::new(),
            jobs: 0,
            ids: 0,
            accounts: BTreeMap::new(),
            begun: BTreeMap::new(),
        };
        let queue = yard.new_queue();
        assert_eq!(yard.world.add(queue), Self::QUEUE);
        for _ in 0..yard.plan.workers {
            let worker = yard.new_worker();
            let node = yard.world.add(worker);
            yard.workers.push(node);
        }
        for _ in 0..yard.plan.producers {
            let producer = yard.new_producer();
            let node = yard.world.add(producer);
            yard.producers.push(node);
        }
        yard
    }

    fn life(&mut self) -> u64 {
        self.lives += 1;
        self.seed.wrapping_mul(1_000_003) + self.lives
    }

    fn new_queue(&mut self) -> Party {
        let limits = Limits {
            queues: 10,
            jobs: 10_000,
            bytes: 100_000_000,
            queue_bytes: 100_000_000,
            depth: 20,
            children: 10,
            tree_jobs: 10_000,
            tree_bytes: 10_000_000,
            lost: 200,
        };
        let shelf = ShelfLimits { outcomes: 1000, outcome_bytes: 1_000_000, letters: 100, letter_bytes: 1_000_000 };
        Party::Queue(Box::new(Queue::new(QueueOptions {
            bind: vec![PLACE.into()],
            pace: PACE,
            order: self.plan.order,
            orders: BTreeMap::new(),
            limits,
            shelf,
            drafts: (10, 10_000),
            max_peers: 100,
            max_per_peer: 1000,
            is_stored: self.plan.is_stored,
            seed: self.life(),
        })))
    }

    fn new_worker(&mut self) -> Party {
        Party::Worker(Box::new(Worker::new(WorkerOptions {
            connect: vec![PLACE.into()],
            queues: vec![NAME],
            credit: self.plan.credit,
            pace: PACE,
            max_bytes: 1_000_000,
            seed: self.life(),
        })))
    }

    fn new_producer(&mut self) -> Party {
        Party::Producer(Box::new(Producer::new(ProducerOptions {
            endpoint: PLACE.into(),
            pace: PACE,
            max_calls: 1000,
            max_bytes: 1_000_000,
            seed: self.life(),
        })))
    }

    /// Each producer pushes so many trees within `span`; some are cancelled soon after.
    pub(crate) fn push(&mut self, count: usize, span: Duration) {
        for producer in 0..self.producers.len() {
            for _ in 0..count {
                let at = self.world.now() + span.mul_f64(self.world.random().f64());
                let to = self.world.random().u64(1..30);
                self.to_push.push((at, producer, to));
            }
        }
        self.to_push.sort_unstable_by(|one, other| other.cmp(one));
    }

    pub(crate) fn any_worker(&mut self) -> Node {
        let index = self.world.random().usize(0..self.workers.len());
        self.workers[index]
    }

    pub(crate) fn crash(&mut self, node: Node) {
        if self.down.insert(node) {
            self.world.crash(node);
            *self.lives_of.entry(node).or_default() += 1;
        }
    }

    pub(crate) fn restart(&mut self, node: Node) {
        if self.down.remove(&node) {
            let machine = if node == Self::QUEUE { self.new_queue() } else { self.new_worker() };
            self.world.restart(node, machine);
        }
    }

    pub(crate) fn cut_off(&mut self, node: Node) {
        self.world.network().partition(Self::QUEUE, node);
    }

    pub(crate) fn heal(&mut self) {
        self.world.network().heal();
        self.world.table(Self::QUEUE).set_full(false);
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
        while self.to_push.last().is_some_and(|(at, ..)| *at <= now) {
            let (_, producer, to) = self.to_push.pop().expect("it was there");
            self.push_now(producer, to);
        }
        while self.to_execute.first().is_some_and(|(at, ..)| *at <= now) {
            let (_, producer, id) = self.to_execute.remove(0);
            self.world.command(self.producers[producer], Command::Producer(ProducerCommand::Execute { id }));
        }
        while self.to_cancel.first().is_some_and(|(at, ..)| *at <= now) {
            let (_, producer, id) = self.to_cancel.remove(0);
            self.cancel_now(producer, id);
        }
        for node in self.workers.clone() {
            for (_, event) in self.world.events(node) {
                if let Event::Worker(WorkerEvent::Job(job)) = event {
                    self.jobs += 1;
                    let takes = Duration::from_millis(self.world.random().u64(0..20));
                    let life = self.lives_of.get(&node).copied().unwrap_or_default();
                    self.doing.insert((now + takes, self.jobs), (node, life, job));
                }
            }
        }
        while let Some(((at, _), _)) = self.doing.first_key_value()
            && *at <= now
        {
            let (_, (node, life, job)) = self.doing.pop_first().expect("it was there");
            if !self.down.contains(&node) && self.lives_of.get(&node).copied().unwrap_or_default() == life {
                self.do_job(node, &job);
            }
        }
        for producer in 0..self.producers.len() {
            for (_, event) in self.world.events(self.producers[producer]) {
                self.told(producer, event);
            }
        }
        self.world.events(Self::QUEUE);
        if let Some(Party::Queue(queue)) = self.world.machine(Self::QUEUE) {
            let counters = queue.counters();
            assert!(counters.balances(), "the queue has lost count: {counters:?}");
        }
    }

    fn push_now(&mut self, producer: usize, to: u64) {
        self.ids += 1;
        let id = self.ids;
        // Each job of each tree has a body of its own.
        let body = vec![format!("{id} 0 {to}").into()];
        self.accounts.insert((producer, id), Account { to, job: None, cancelled: false, outcome: None });
        let options = JobOptions {
            attempts: 4,
            backoff: Duration::from_millis(100),
            keep: if self.world.random().bool() { Duration::from_secs(3600) } else { Duration::ZERO },
            ..JobOptions::default()
        };
        let draft = self.plan.drafts.filter(|_| self.world.random().bool());
        let patience = draft.map_or(PATIENCE, |(_, patience)| patience);
        let watch = true;
        let push = ProducerCommand::Push { id, queue: NAME, body, options, watch, draft: draft.is_some(), patience };
        self.world.command(self.producers[producer], Command::Producer(push));
        if let Some((latest, _)) = draft {
            let part = ProducerCommand::Part { id, body: vec!["the rest".into()] };
            self.world.command(self.producers[producer], Command::Producer(part));
            let at = self.world.now() + latest.mul_f64(self.world.random().f64());
            self.to_execute.push((at, producer, id));
            self.to_execute.sort_unstable();
        }
    }

    fn cancel_now(&mut self, producer: usize, id: u64) {
        let account = self.accounts.get_mut(&(producer, id)).expect("it was pushed");
        let Some(job) = account.job.filter(|_| account.outcome.is_none()) else { return };
        account.cancelled = true;
        self.ids += 1;
        let command = ProducerCommand::Ask { id: self.ids, what: Ask::Cancel { job }, patience: PATIENCE };
        self.world.command(self.producers[producer], Command::Producer(command));
    }

    fn do_job(&mut self, node: Node, job: &WorkerJob) {
        let id = job.ticket;
        let command = if self.world.random().u8(0..100) < self.plan.fails {
            WorkerCommand::Fail { id, again: true, code: 1, body: Frames::new() }
        } else {
            self.sum(job)
        };
        self.world.command(node, Command::Worker(command));
    }

    /// The sum of all numbers up to one, by halves.
    fn sum(&mut self, job: &WorkerJob) -> WorkerCommand {
        let id = job.ticket;
        let text = std::str::from_utf8(&job.body[0]).expect("text");
        let mut numbers = text.split(' ').map(|number| number.parse::<u64>().expect("a number"));
        let mut next = || numbers.next().expect("three numbers");
        let (tree, from, to) = (next(), next(), next());
        let done = |sum: u64| WorkerCommand::Complete { id, body: vec![sum.to_string().into()] };
        if let Some((memo, results)) = &job.resumed {
            assert_eq!(memo, &job.body, "what it left is another's");
            assert_eq!(results.len(), 2, "each child has come to something");
            return done(results.iter().map(number).sum());
        }
        *self.begun.entry(job.body[0].clone()).or_default() += 1;
        if to <= from + 1 {
            return done(from);
        }
        let child = |from: u64, to: u64| Child {
            queue: NAME,
            body: vec![format!("{tree} {from} {to}").into()],
            options: JobOptions { attempts: 4, backoff: Duration::from_millis(100), ..JobOptions::default() },
            on_failure: OnFailure::Fail,
            detached: false,
        };
        let (middle, ordered) = (from.midpoint(to), self.world.random().bool());
        let children = vec![child(from, middle), child(middle, to)];
        WorkerCommand::Spawn { id, ordered, memo: job.body.clone(), children }
    }

    fn told(&mut self, producer: usize, event: Event) {
        let Event::Producer(event) = event else { panic!("a producer tells what producers do") };
        match event {
            ProducerEvent::Accepted { id, job, .. } => {
                let Some(account) = self.accounts.get_mut(&(producer, id)) else { return };
                assert_eq!(account.job.replace(job), None, "tree {id} was accepted twice");
                if self.plan.is_stored {
                    let mut key = vec![b'j'];
                    key.extend(job.to_be_bytes());
                    assert!(self.world.table(Self::QUEUE).has_had(&key), "job {job} was accepted and never stored");
                }
                if self.world.random().u8(0..10) < self.plan.cancels {
                    let at = self.world.now() + Duration::from_millis(self.world.random().u64(0..200));
                    self.to_cancel.push((at, producer, id));
                    self.to_cancel.sort_unstable();
                }
            }
            ProducerEvent::Ended { id, outcome } => {
                let account = self.accounts.get_mut(&(producer, id)).expect("it was pushed");
                assert!(account.job.is_some(), "tree {id} ended before it was accepted");
                assert_eq!(account.outcome, None, "tree {id} ended twice");
                if let Outcome::Done(body) = &outcome {
                    let sum: u64 = (0..account.to).sum();
                    assert_eq!(body, &vec![Bytes::from(sum.to_string())], "tree {id} came to something else");
                }
                account.outcome = Some(outcome);
            }
            ProducerEvent::Refused { id, refusal, .. } => {
                if let Some(account) = self.accounts.get(&(producer, id)) {
                    // Only a disk that is full refuses here, and then the producer tries again.
                    assert!(account.job.is_none() && refusal.kind == ErrorKind::Full, "tree {id}: {refusal:?}");
                    let to = account.to;
                    self.accounts.remove(&(producer, id));
                    self.to_push.push((self.world.now() + Duration::from_millis(500), producer, to));
                    self.to_push.sort_unstable_by(|one, other| other.cmp(one));
                }
            }
            ProducerEvent::Progress { .. } | ProducerEvent::Found { .. } => {}
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
            let all: Vec<Node> = [Self::QUEUE].iter().chain(&self.workers).chain(&self.producers).copied().collect();
            let one = all[self.world.random().usize(0..all.len())];
            let other = all[self.world.random().usize(0..all.len())];
            match self.world.random().u8(0..10) {
                0..3 if self.workers.contains(&one) || (one == Self::QUEUE && self.plan.is_stored) => self.crash(one),
                3..6 => {
                    for node in self.down.clone() {
                        self.restart(node);
                    }
                }
                6 => self.world.network().cut(one, other),
                7 => self.world.network().partition(one, other),
                8 => self.heal(),
                9 if self.plan.is_stored => {
                    let full = self.world.random().bool();
                    self.world.table(Self::QUEUE).set_full(full);
                }
                _ => {}
            }
        }
        self.heal();
        self.world.network().set_faults(Faults::default());
        for node in self.down.clone() {
            self.restart(node);
        }
    }

    /// Runs until everything has ended, within a bound.
    pub(crate) fn finish(&mut self) {
        let end = self.world.now() + PATIENCE;
        while self.world.now() < end && !self.is_over() {
            self.run(Duration::from_millis(20));
        }
        // What comes too late must change nothing.
        self.run(Duration::from_secs(2));
        let Some(Party::Queue(queue)) = self.world.machine(Self::QUEUE) else { panic!("the queue lives") };
        let counters = queue.counters();
        assert_eq!((counters.held, counters.running), (0, 0), "something is left: {counters:?}");
        if self.plan.is_stored {
            let left = |key: &&Bytes| matches!(key.first(), Some(b'j' | b'r'));
            assert_eq!(
                self.world.table(Self::QUEUE).records().keys().find(left),
                None,
                "something is left on the disk"
            );
        }
    }

    fn is_over(&self) -> bool {
        self.to_push.is_empty() && self.accounts.values().all(|account| account.outcome.is_some())
    }

    pub(crate) fn assert_all_done(&self) {
        for (name, account) in &self.accounts {
            assert!(matches!(account.outcome, Some(Outcome::Done(_))), "tree {name:?}: {account:?}");
        }
    }

    pub(crate) fn assert_done_or_cancelled(&self) {
        for (name, account) in &self.accounts {
            let fits = match &account.outcome {
                Some(Outcome::Done(_)) => true,
                Some(Outcome::Failed(failure)) => failure.kind == ErrorKind::Cancelled && account.cancelled,
                None => false,
            };
            assert!(fits, "tree {name:?}: {account:?}");
        }
    }

    pub(crate) fn assert_all_ended(&self) {
        for (name, account) in &self.accounts {
            let fits = match &account.outcome {
                Some(Outcome::Done(_)) => true,
                Some(Outcome::Failed(failure)) => match failure.kind {
                    ErrorKind::Cancelled => account.cancelled,
                    ErrorKind::JobFailed => self.plan.fails > 0,
                    _ => false,
                },
                None => false,
            };
            assert!(fits, "tree {name:?}: {account:?}");
        }
    }

    pub(crate) fn assert_nothing_ran_twice(&self) {
        for (body, times) in &self.begun {
            assert_eq!(*times, 1, "{body:?}");
        }
    }
}

fn number(result: &ChildOutcome) -> u64 {
    match result {
        Some(Outcome::Done(body)) => {
            std::str::from_utf8(&body[0]).ok().and_then(|sum| sum.parse().ok()).expect("a number")
        }
        other => panic!("a child came to {other:?}, and its parent goes on"),
    }
}
