//! Plain SUB sockets at endpoints of users: they hear what rules allowed when it was published, and nothing else.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use zpatterns_protocol::{
    Machine, Time,
    liveness::Pace,
    machine::{Frames, Input, Output, Role, SocketId},
    pubsub::{
        Access, Content, Criterion, Publisher, PublisherCommand, PublisherEvent, PublisherOptions, Rules, StreamOptions,
    },
};
use zpatterns_simulator::{Faults, World, seeds};

zpatterns_simulator::parties! {
    Publisher(Publisher, PublisherCommand, PublisherEvent),
    Listener(Listener, (), Frames),
}

const PUBLISHER: usize = 0;
const USERS: [&str; 3] = ["alice", "bob", "carol"];
const SUBJECTS: [&str; 4] = ["news.a", "news.b", "ticks.eur", "ticks.usd"];
const RULES: [&str; 5] = ["news.>", "news.b", "ticks.*", "ticks.usd", ">"];

/// A SUB and nothing else.
struct Listener {
    endpoint: &'static str,
    outputs: VecDeque<Output<Frames>>,
}

impl Machine for Listener {
    type Command = ();
    type Event = Frames;

    fn handle(&mut self, _: Time, input: Input<()>) {
        let socket = SocketId(0);
        match input {
            Input::Room(_) => self.outputs.extend([
                Output::Open { socket, role: Role::Sub },
                Output::Connect { socket, endpoint: self.endpoint.to_owned() },
                Output::Subscribe { socket, prefix: Bytes::new() },
            ]),
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

struct Square {
    world: World<Party>,
    /// What each user may hear, if its endpoint is open.
    rules: [Option<Rules>; USERS.len()],
    /// What was handed over for each, and what it heard.
    meant: [BTreeSet<u64>; USERS.len()],
    heard: [BTreeSet<u64>; USERS.len()],
    published: u64,
    handed_over: u64,
}

impl Square {
    fn new(seed: u64, faults: Faults) -> Self {
        let mut world = World::new(seed);
        world.network().set_faults(faults);
        world.add(publisher());
        for endpoint in USERS {
            world.add(Party::Listener(Box::new(Listener { endpoint, outputs: VecDeque::new() })));
        }
        let (meant, heard) = Default::default();
        Self { world, rules: Default::default(), meant, heard, published: 0, handed_over: 0 }
    }

    fn tell(&mut self, command: PublisherCommand) {
        self.world.command(PUBLISHER, Command::Publisher(command));
    }

    /// Something happens.
    fn step(&mut self) {
        let index = self.world.random().usize(0..USERS.len());
        let (user, endpoint) = (Bytes::from(USERS[index]), USERS[index].to_owned());
        match self.world.random().u8(0..20) {
            0 | 1 => {
                let random = self.world.random();
                let mut some = || vec![Criterion::pattern(RULES[random.usize(0..RULES.len())]).unwrap()];
                let rules = Rules { allow: some(), deny: some() };
                if let Some(open) = &mut self.rules[index] {
                    open.clone_from(&rules);
                }
                self.tell(PublisherCommand::SetRules { user, rules });
            }
            2 if self.rules[index].is_some() => {
                self.rules[index] = None;
                self.tell(PublisherCommand::ClosePlain { endpoint });
            }
            3 if self.rules[index].is_none() => {
                let rules = Rules::everything();
                self.rules[index] = Some(rules.clone());
                self.tell(PublisherCommand::SetRules { user: user.clone(), rules });
                self.tell(PublisherCommand::OpenPlain { user, endpoint });
            }
            4 if self.world.random().u8(0..10) == 0 => {
                self.world.crash(PUBLISHER);
                self.world.restart(PUBLISHER, publisher());
                (self.rules, self.handed_over) = Default::default();
            }
            _ => self.publish(),
        }
        let pause = Duration::from_micros(self.world.random().u64(0..2000));
        self.world.run_for(pause);
        self.listen();
    }

    fn publish(&mut self) {
        let subject = SUBJECTS[self.world.random().usize(0..SUBJECTS.len())];
        self.published += 1;
        for (rules, meant) in self.rules.iter().zip(&mut self.meant) {
            if rules.as_ref().is_some_and(|rules| rules.may(subject.as_bytes())) {
                meant.insert(self.published);
                self.handed_over += 1;
            }
        }
        let content = Content::new(subject.as_bytes(), &[self.published.to_be_bytes()]).unwrap();
        self.tell(PublisherCommand::Publish([content].into()));
        let Some(Party::Publisher(publisher)) = self.world.machine(PUBLISHER) else { panic!("it lives") };
        let counters = publisher.counters();
        let open = self.rules.iter().flatten().count() as u64;
        assert_eq!((counters.handed_over, counters.plain_endpoints), (self.handed_over, open));
    }

    fn listen(&mut self) {
        for (index, user) in USERS.iter().enumerate() {
            for (_, event) in self.world.events(1 + index) {
                let Event::Listener(frames) = event else { continue };
                let number = u64::from_be_bytes(frames[1][..].try_into().expect("a number"));
                assert!(self.meant[index].contains(&number), "{user} heard {:?}, which it may not", frames[0]);
                self.heard[index].insert(number);
            }
        }
    }
}

fn publisher() -> Party {
    let stream = |name: &'static str, subjects: &'static str, public| StreamOptions {
        name: Bytes::from_static(name.as_bytes()),
        subjects: vec![Criterion::pattern(subjects).unwrap()],
        public,
        history: 10,
        history_bytes: 1 << 20,
        history_age: Duration::from_secs(60),
        disk_bytes: 0,
        last_values: 10,
    };
    Party::Publisher(Box::new(Publisher::new(PublisherOptions {
        bind: "control".to_owned(),
        shared: Some("shared".to_owned()),
        plain: None,
        streams: vec![stream("news", "news.>", true), stream("ticks", "ticks.>", false)],
        access: Access::Ask(Duration::from_secs(1)),
        news: false,
        pace: Pace { interval: Duration::from_millis(200), limit: 3 },
        lease: Duration::from_secs(3),
        max_keep: Duration::ZERO,
        max_hold: Duration::from_secs(60),
        gather: Duration::from_micros(50),
        max_subscribers: 10,
        max_subscriptions: 10,
        max_all_subscriptions: 10,
        max_endpoints: 10,
        max_plain: USERS.len(),
        max_size: 1 << 20,
        max_bytes: 1 << 20,
        seed: 1,
    })))
}

#[test]
fn plain_sockets_hear_what_was_allowed_when_it_was_published() {
    seeds(0..500, |seed| {
        let mut square = Square::new(seed, Faults::default());
        (0..500).for_each(|_| square.step());
        square.world.run_for(Duration::from_secs(1));
        square.listen();
        assert!(square.heard == square.meant, "on a network that works they hear all of it");
        assert!(square.heard.iter().any(|heard| heard.len() > 10), "hardly anybody heard anything");
    });
}

#[test]
fn plain_sockets_never_hear_more() {
    seeds(0..500, |seed| {
        let delay = (Duration::ZERO, Duration::from_millis(20));
        let faults = Faults { loss: 0.1, duplicate: 0.1, delay, reorder: true };
        let mut square = Square::new(seed, faults);
        (0..500).for_each(|_| square.step());
    });
}
