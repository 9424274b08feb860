//! A market: one publisher, some subscribers, and an account of everything that is published, heard and missed.

mod check;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use zpatterns_protocol::{
    Time,
    liveness::Pace,
    pubsub::{
        Access, Content, Credential, Criterion, Policy, Publisher, PublisherCommand, PublisherEvent, PublisherOptions,
        Rules, Slow, Start, StreamOptions, Subscriber, SubscriberCommand, SubscriberEvent, SubscriberOptions,
        SubscriptionOptions, Taken,
    },
};
use zpatterns_simulator::{Faults, Node, World};

zpatterns_simulator::parties! {
    Publisher(Publisher, PublisherCommand, PublisherEvent),
    Subscriber(Subscriber, SubscriberCommand, SubscriberEvent),
}

const PACE: Pace = Pace { interval: Duration::from_millis(200), limit: 3 };
const LEASE: Duration = Duration::from_secs(3);
const SLICE: Duration = Duration::from_millis(1);
const PUBLISHER: Node = 0;
/// What is published about.
const SUBJECTS: &[&str] =
    &["news.a", "news.b", "news.b.c", "ticks.eur.usd", "ticks.eur.chf", "ticks.usd.jpy", "ticks.x"];
/// What is asked for.
const WANTED: &[&str] = &[">", "news.>", "news.b", "ticks.>", "ticks.*.usd", "ticks.eur.*", "*.x"];
/// What is allowed, or denied.
const RULES: &[&str] = &["ticks.>", "ticks.eur.*", "ticks.*.usd", "ticks.x"];

/// How it is.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) subscribers: usize,
    pub(crate) slow: Slow,
    /// What a subscriber may not have taken.
    pub(crate) bound: u32,
    /// How long its program takes for one.
    pub(crate) pause: Duration,
    pub(crate) history: usize,
    pub(crate) disk: u64,
    pub(crate) named: bool,
    pub(crate) faults: Faults,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            subscribers: 3,
            slow: Slow::Hold,
            bound: 1000,
            pause: Duration::ZERO,
            history: 1000,
            disk: 0,
            named: false,
            faults: Faults::default(),
        }
    }
}

impl Plan {
    pub(crate) fn random(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed ^ 0x9a9a);
        let most = Duration::from_millis(random.u64(0..60));
        let slow = [Slow::Hold, Slow::Drop, Slow::Spill][random.usize(0..3)];
        Self {
            subscribers: random.usize(1..5),
            slow,
            bound: [10, 50, 1000][random.usize(0..3)],
            pause: Duration::from_millis([0, 0, 5, 20][random.usize(0..4)]),
            history: [20, 100, 1000][random.usize(0..3)],
            disk: if slow == Slow::Spill { [1000, 4000, 1 << 20][random.usize(0..3)] } else { 0 },
            named: random.bool(),
            faults: Faults {
                loss: random.f64() * 0.2,
                duplicate: random.f64() * 0.2,
                delay: (Duration::ZERO, most),
                reorder: random.bool(),
            },
        }
    }
}

/// What was published in one life of the publisher: by stream, each with its time.
type Log = [Vec<(&'static str, Time)>; 2];

/// What one subscription heard of one stream of one life of the publisher.
#[derive(Default, Debug)]
struct Heard {
    /// The last number that was heard or missed.
    last: u64,
    begun: bool,
    heard: Vec<(u64, Time)>,
    missed: Vec<(u64, u64)>,
}

struct Customer {
    node: Node,
    user: Bytes,
    wanted: Vec<(u32, &'static str, Start, bool)>,
    options: SubscriberOptions,
    /// What its program has not taken, and when it takes the next.
    inbox: VecDeque<Thing>,
    free_at: Time,
    alive: bool,
    /// Counts processes: another one knows nothing of what an earlier one heard.
    process: u64,
    /// How often that was told that the publisher had started anew.
    restarts: u64,
    accepted: BTreeSet<u32>,
    gave_up: BTreeSet<u32>,
}

enum Thing {
    Message { number: u32, stream: u16, at: u64, life: usize, subject: String },
    Missed { number: u32, stream: u16, first: u64, last: u64 },
    Restarted,
}

pub(crate) struct Market {
    world: World<Party>,
    plan: Plan,
    customers: Vec<Customer>,
    logs: Vec<Log>,
    /// What each user may hear, from which time on.
    rules: BTreeMap<Bytes, Vec<(Time, Rules)>>,
    /// By customer, process, subscription, stream and life.
    views: BTreeMap<(usize, u64, u32, u16, usize), Heard>,
    /// The life of the publisher that a process of a customer hears.
    lives: BTreeMap<(usize, u64), usize>,
    publisher_alive: bool,
    /// Of whom the publisher's program was told that they joined, and not that they left.
    present: BTreeSet<Bytes>,
    seeds: u64,
}

impl Market {
    pub(crate) fn new(seed: u64, plan: Plan) -> Self {
        let mut world = World::new(seed);
        world.network().set_faults(plan.faults.clone());
        let mut market = Self {
            world,
            customers: Vec::new(),
            logs: Vec::new(),
            rules: BTreeMap::new(),
            views: BTreeMap::new(),
            lives: BTreeMap::new(),
            publisher_alive: true,
            present: BTreeSet::new(),
            seeds: seed.wrapping_mul(1000),
            plan,
        };
        let publisher = market.publisher();
        market.world.add(publisher);
        market.logs.push(Log::default());
        for index in 0..market.plan.subscribers {
            market.add_customer(index);
        }
        market
    }

    fn seed(&mut self) -> u64 {
        self.seeds += 1;
        self.seeds
    }

    fn publisher(&mut self) -> Party {
        let stream = |name: &'static str, subjects: &'static str, public| StreamOptions {
            name: Bytes::from_static(name.as_bytes()),
            subjects: vec![Criterion::pattern(subjects).unwrap()],
            public,
            history: self.plan.history,
            history_bytes: 1 << 20,
            history_age: Duration::from_secs(3600),
            disk_bytes: self.plan.disk,
            last_values: 100,
        };
        Party::Publisher(Box::new(Publisher::new(PublisherOptions {
            bind: "control".to_owned(),
            shared: Some("shared".to_owned()),
            plain: None,
            streams: vec![stream("news", "news.>", true), stream("ticks", "ticks.>", false)],
            access: Access::Ask(Duration::from_secs(1)),
            news: true,
            pace: PACE,
            lease: LEASE,
            max_keep: Duration::from_secs(3600),
            max_hold: Duration::from_secs(3600),
            gather: Duration::from_micros(50),
            max_subscribers: 100,
            max_subscriptions: 100,
            max_all_subscriptions: 1000,
            max_endpoints: 100,
            max_plain: 10,
            max_size: 1 << 20,
            max_bytes: 64 << 20,
            seed: self.seed(),
        })))
    }

    fn add_customer(&mut self, index: usize) {
        let seed = self.seed();
        let random = self.world.random();
        let user = Bytes::from(format!("user{}", random.usize(0..2)));
        let name = self.plan.named.then(|| Bytes::from(format!("customer{index}")));
        let options = SubscriberOptions {
            connect: "control".to_owned(),
            shared: None,
            endpoint: random.bool().then(|| format!("endpoint{index}")),
            name,
            keep: Duration::from_secs(600),
            credential: Credential::None,
            pace: PACE,
            max_messages: [4, 16, 1000][random.usize(0..3)],
            max_bytes: 1 << 20,
            snail: None,
            seed,
        };
        let mut wanted: Vec<(u32, &str, Start, bool)> = Vec::new();
        for number in 1..=random.u32(1..3) {
            let criterion = WANTED[random.usize(0..WANTED.len())];
            if wanted.iter().all(|(_, other, ..)| *other != criterion) {
                let start = [Start::Now, Start::LastValues, Start::Last(random.u32(0..20))][random.usize(0..3)];
                wanted.push((number, criterion, start, random.bool()));
            }
        }
        let allowed = self.some_rules();
        let now = self.world.now();
        self.rules.entry(user.clone()).or_insert_with(|| vec![(now, allowed)]);
        let node = self.world.add_as(Party::Subscriber(Box::new(Subscriber::new(options.clone()))), user.clone());
        self.customers.push(Customer {
            node,
            user,
            wanted,
            options,
            inbox: VecDeque::new(),
            free_at: now,
            alive: true,
            process: 0,
            restarts: 0,
            accepted: BTreeSet::new(),
            gave_up: BTreeSet::new(),
        });
        self.lives.insert((index, 0), 0);
        self.ask_for(index);
    }

    fn some_rules(&mut self) -> Rules {
        let random = self.world.random();
        let mut some = |count: usize| -> Vec<Criterion> {
            (0..count).map(|_| Criterion::pattern(RULES[random.usize(0..RULES.len())]).unwrap()).collect()
        };
        let (allow, deny) = (some(2), some(1));
        let deny = if self.world.random().bool() { deny } else { Vec::new() };
        Rules { allow, deny }
    }

    fn ask_for(&mut self, index: usize) {
        let policy = Policy { slow: self.plan.slow, max_messages: self.plan.bound, max_bytes: 1 << 20 };
        let customer = &mut self.customers[index];
        customer.accepted.clear();
        customer.gave_up.clear();
        let (node, wanted) = (customer.node, customer.wanted.clone());
        for (number, criterion, start, shared) in wanted {
            let criterion = Criterion::pattern(criterion).unwrap();
            let options = SubscriptionOptions { criterion, start, policy, shared };
            self.world.command(node, Command::Subscriber(SubscriberCommand::Subscribe { number, options }));
        }
    }

    /// Waits until everybody is there.
    pub(crate) fn open(&mut self) {
        self.run(Duration::from_secs(2));
    }

    /// Publishes about so much in so long.
    pub(crate) fn trade(&mut self, count: u32, span: Duration) {
        for _ in 0..count {
            let pause = span.mul_f64(self.world.random().f64() * 2.0 / f64::from(count));
            self.run(pause);
            self.publish();
        }
    }

    fn publish(&mut self) {
        if !self.publisher_alive {
            return;
        }
        let (now, life) = (self.world.now(), self.logs.len() - 1);
        let subject = SUBJECTS[self.world.random().usize(0..SUBJECTS.len())];
        let stream = usize::from(subject.starts_with("ticks"));
        let number = self.logs[life][stream].len() as u64 + 1;
        let body = Bytes::from(format!("{life} {number} {subject}"));
        let all = [Content::new(subject.as_bytes(), &[body]).unwrap()].into();
        self.world.command(PUBLISHER, Command::Publisher(PublisherCommand::Publish(all)));
        let Some(Party::Publisher(publisher)) = self.world.machine(PUBLISHER) else { return };
        match publisher.published() {
            (1, None) => self.logs[life][stream].push((subject, now)),
            (0, Some(error)) => assert_eq!(error.kind().name(), "Full", "{error}"),
            other => panic!("one was to be published: {other:?}"),
        }
    }

    /// Lets time pass, and programs take what they were given.
    pub(crate) fn run(&mut self, span: Duration) {
        let end = self.world.now() + span;
        while self.world.now() < end {
            let slice = SLICE.min(end.since(self.world.now()));
            self.world.run_for(slice);
            self.attend();
        }
    }

    fn attend(&mut self) {
        for (_, event) in self.world.events(PUBLISHER) {
            let Event::Publisher(event) = event else { continue };
            match event {
                PublisherEvent::Asked { ask, user, .. } => {
                    let rules = self.rules[&user].last().unwrap().1.clone();
                    let decide = PublisherCommand::Decide { ask, decision: Ok((user, rules)) };
                    self.world.command(PUBLISHER, Command::Publisher(decide));
                }
                PublisherEvent::Joined { identity, .. } => assert!(self.present.insert(identity), "joined twice"),
                PublisherEvent::Left { identity, .. } => assert!(self.present.remove(&identity), "left twice"),
                _ => {}
            }
        }
        if let Some(Party::Publisher(publisher)) = self.world.machine(PUBLISHER) {
            let books = publisher.counters().books;
            assert!(books.balances(), "{books:?}");
            for subscriber in publisher.subscribers() {
                assert!(subscriber.books.balances(), "{subscriber:?}");
            }
        }
        for index in 0..self.customers.len() {
            self.listen(index);
            self.take(index);
        }
    }

    fn listen(&mut self, index: usize) {
        let node = self.customers[index].node;
        for (_, event) in self.world.events(node) {
            let customer = &mut self.customers[index];
            let Event::Subscriber(event) = event else { continue };
            match event {
                SubscriberEvent::Messages(messages) => {
                    for message in messages {
                        let body = String::from_utf8(message.frames[0].to_vec()).unwrap();
                        let mut words = body.split(' ');
                        let life = words.next().unwrap().parse().unwrap();
                        let at: u64 = words.next().unwrap().parse().unwrap();
                        assert_eq!(at, message.number, "another number than it was published with");
                        let subject = words.next().unwrap().to_owned();
                        assert_eq!(subject.as_bytes(), message.subject);
                        let (number, stream) = (message.subscription, message.stream);
                        customer.inbox.push_back(Thing::Message { number, stream, at, life, subject });
                    }
                }
                SubscriberEvent::Missed(missed) => customer.inbox.push_back(Thing::Missed {
                    number: missed.number,
                    stream: missed.stream,
                    first: missed.first,
                    last: missed.last,
                }),
                SubscriberEvent::Restarted => customer.inbox.push_back(Thing::Restarted),
                SubscriberEvent::Subscribed { number } => drop(customer.accepted.insert(number)),
                SubscriberEvent::Rejected { number, .. } => drop(customer.gave_up.insert(number)),
                SubscriberEvent::Connected { .. } | SubscriberEvent::Bound { .. } => {}
                other => panic!("customer {index} was told {other:?}"),
            }
        }
    }

    fn take(&mut self, index: usize) {
        let now = self.world.now();
        let mut taken: BTreeMap<(u32, u16), u64> = BTreeMap::new();
        while self.customers[index].free_at <= now {
            let customer = &mut self.customers[index];
            let Some(thing) = customer.inbox.pop_front() else { break };
            customer.free_at = customer.free_at.max(now) + self.plan.pause;
            let process = customer.process;
            match thing {
                Thing::Restarted => {
                    *self.lives.get_mut(&(index, process)).unwrap() = self.logs.len() - 1;
                    self.customers[index].restarts += 1;
                    taken.clear();
                }
                Thing::Message { number, stream, at, life, subject } => {
                    *self.lives.get_mut(&(index, process)).unwrap() = life;
                    let wanted = customer.wanted.iter().find(|(of, ..)| *of == number).unwrap().1;
                    assert!(Criterion::pattern(wanted).unwrap().matches(subject.as_bytes()), "{subject} is not wanted");
                    let user = customer.user.clone();
                    let (logged, published) = self.logs[life][usize::from(stream)][at as usize - 1];
                    assert_eq!(logged, subject);
                    if stream == 1 {
                        let allowed = self.allowed(&user, logged, published, now);
                        assert!(allowed, "{user:?} heard {subject} {at}, which it could not");
                    }
                    let view = self.views.entry((index, process, number, stream, life)).or_default();
                    assert!(at > view.last, "{at} after {}", view.last);
                    (view.last, view.begun) = (at, true);
                    view.heard.push((at, now));
                    taken.insert((number, stream), at);
                }
                Thing::Missed { number, stream, first, last } => {
                    let life = self.lives[&(index, process)];
                    let view = self.views.entry((index, process, number, stream, life)).or_default();
                    assert!(first <= last, "missed {first} to {last}");
                    assert!(first > view.last, "missed {first} to {last} after {}", view.last);
                    (view.last, view.begun) = (last, true);
                    view.missed.push((first, last));
                    taken.insert((number, stream), last);
                }
            }
        }
        if !taken.is_empty() && self.customers[index].alive {
            let all = taken.into_iter().map(|((number, stream), up_to)| Taken { number, stream, up_to }).collect();
            let Customer { node, restarts, .. } = self.customers[index];
            self.world.command(node, Command::Subscriber(SubscriberCommand::Taken { restarts, taken: all }));
        }
    }

    /// Whether a user could hear this at some time.
    fn allowed(&self, user: &Bytes, subject: &str, from: Time, to: Time) -> bool {
        let all = &self.rules[user];
        all.iter().enumerate().any(|(index, (since, rules))| {
            let until = all.get(index + 1).map_or(Time::MAX, |(next, _)| *next);
            *since <= to && until >= from && rules.may(subject.as_bytes())
        })
    }

    /// Whether a user could hear this all the time.
    fn always_allowed(&self, user: &Bytes, subject: &str, from: Time) -> bool {
        let all = &self.rules[user];
        all.iter().enumerate().all(|(index, (_, rules))| {
            let until = all.get(index + 1).map_or(Time::MAX, |(next, _)| *next);
            until < from || rules.may(subject.as_bytes())
        })
    }

    pub(crate) fn cut_some(&mut self) {
        for index in 0..self.customers.len() {
            let node = self.customers[index].node;
            match self.world.random().u8(0..4) {
                0 => self.world.network().partition(PUBLISHER, node),
                1 => self.world.network().cut(PUBLISHER, node),
                2 => self.world.network().cut(node, PUBLISHER),
                _ => {}
            }
        }
    }

    pub(crate) fn heal(&mut self) {
        self.world.network().heal();
    }

    pub(crate) fn crash_publisher(&mut self) {
        if std::mem::replace(&mut self.publisher_alive, false) {
            self.world.crash(PUBLISHER);
        }
    }

    pub(crate) fn restart_publisher(&mut self) {
        if !std::mem::replace(&mut self.publisher_alive, true) {
            let publisher = self.publisher();
            self.logs.push(Log::default());
            self.present.clear();
            self.world.restart(PUBLISHER, publisher);
        }
    }

    pub(crate) fn crash_subscriber(&mut self) {
        let index = self.world.random().usize(0..self.customers.len());
        let customer = &mut self.customers[index];
        if std::mem::replace(&mut customer.alive, false) {
            customer.inbox.clear();
            self.world.crash(customer.node);
        }
    }

    pub(crate) fn restart_subscriber(&mut self) {
        for index in 0..self.customers.len() {
            let seed = self.seed();
            let life = self.logs.len() - 1;
            let customer = &mut self.customers[index];
            if std::mem::replace(&mut customer.alive, true) {
                continue;
            }
            customer.process += 1;
            customer.restarts = 0;
            customer.options.seed = seed;
            let machine = Party::Subscriber(Box::new(Subscriber::new(customer.options.clone())));
            self.lives.insert((index, customer.process), life);
            let node = customer.node;
            self.world.restart(node, machine);
            self.ask_for(index);
        }
    }

    pub(crate) fn change_rules(&mut self) {
        let users: Vec<Bytes> = self.rules.keys().cloned().collect();
        let user = users[self.world.random().usize(0..users.len())].clone();
        let rules = self.some_rules();
        let now = self.world.now();
        self.rules.get_mut(&user).unwrap().push((now, rules.clone()));
        if self.publisher_alive {
            self.world.command(PUBLISHER, Command::Publisher(PublisherCommand::SetRules { user, rules }));
        }
    }

    /// Something happens.
    pub(crate) fn misfortune(&mut self) {
        match self.world.random().u8(0..7) {
            0 => self.cut_some(),
            1 => self.heal(),
            2 => self.crash_publisher(),
            3 => self.restart_publisher(),
            4 => self.crash_subscriber(),
            5 => self.restart_subscriber(),
            _ => self.change_rules(),
        }
    }

    /// The publisher's disk takes nothing any more, or gives nothing back, or is well.
    pub(crate) fn harm_disk(&mut self) {
        let (full, unreadable) = (self.world.random().bool(), self.world.random().bool());
        let table = self.world.table(PUBLISHER);
        table.set_full(full);
        table.set_unreadable(unreadable);
    }

    /// Bytes on the publisher's disk.
    pub(crate) fn on_disk(&self) -> u64 {
        let Some(Party::Publisher(publisher)) = self.world.machine(PUBLISHER) else { return 0 };
        publisher.counters().disk_bytes
    }
}
