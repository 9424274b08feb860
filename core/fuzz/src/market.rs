//! A publisher with an honest subscriber, and strangers at its port.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    rc::Rc,
    time::Duration,
};

use bytes::{BufMut, Bytes};
use zpatterns_protocol::{
    Error, ErrorKind, Machine, Time,
    link::{CLOSE, Header, OPEN, RESET, Session},
    liveness::Pace,
    machine::{Frames, Input, Output},
    pubsub::{
        Access, Content, Credential, Criterion, Entitlements, Policy, Publisher, PublisherCommand, PublisherEvent,
        PublisherOptions, Slow, Start, StreamOptions, Subscriber, SubscriberCommand, SubscriberEvent,
        SubscriberOptions, SubscriptionOptions, Taken,
        wire::{MAGIC, Message, entries, read_shared, topic},
    },
};
use zpatterns_simulator::{Node, World};

use crate::{
    dice::Dice,
    pub_words::{HONEST, NONSENSE, SECRET, asked, harm, pack, publication, shared, told, written},
    yard::Stranger,
};

zpatterns_simulator::parties! {
    Publisher(Watched, PublisherCommand, PublisherEvent),
    Subscriber(Subscriber, SubscriberCommand, SubscriberEvent),
    Stranger(Stranger, Frames, Frames),
}

const PACE: Pace = Pace { interval: Duration::from_millis(200), limit: 3 };
const LEASE: Duration = Duration::from_secs(3);
const PLACE: &str = "control";
const MAX_SUBSCRIBERS: usize = 20;
const MAX_SUBSCRIPTIONS: usize = 5;
const MAX_ALL_SUBSCRIPTIONS: usize = 30;
const MAX_ENDPOINTS: usize = 4;
const MAX_BYTES: u64 = 1 << 18;
/// What a publication takes beyond its frames.
const OVERHEAD: u64 = 1000;
/// One input makes a publisher do less than this: it may have to send again all that is kept.
const MAX_OUTPUTS: usize = 100_000;
/// What is published about: a public stream, what only the honest one may hear, what strangers may, and what nobody may.
const SUBJECTS: [&str; 4] = ["news.x", SECRET, "open.x", "other.x"];
const RULES: &str = "\
user
    honest
        password = \"nobody knows that\"
        allow = secret.>
        allow = open.>
    mallory
        password = \"m\"
        allow = open.>
";
/// Sessions that strangers open have numbers below.
const SESSIONS: usize = 12;
/// How much of what the honest one said is remembered.
const OVERHEARD: usize = 64;

/// Messages of pubsub, packs, and the shared path, read and written.
pub fn publications(data: &[u8]) -> u64 {
    let mut dice = Dice::new(data);
    let mut count = 0;
    while !dice.is_empty() {
        count += 1;
        let said = if dice.once_in(2) { asked(&mut dice) } else { told(&mut dice) };
        let (kind, fields, body) = if dice.once_in(8) {
            (dice.byte(), dice.bytes(60).to_vec(), (0..dice.below(3)).map(|_| dice.bytes(60)).collect())
        } else {
            written(&mut dice, said)
        };
        if let Some(read) = Message::decode(kind, fields.clone().into(), body.clone()) {
            assert_eq!(read.encode(), (kind, fields, body));
        }
        let block = if dice.once_in(4) { dice.bytes(100) } else { pack(&mut dice) };
        check_pack(&block);
        let block = if dice.once_in(4) { dice.bytes(100) } else { shared(&mut dice) };
        check_shared(&block);
    }
    count
}

/// What is read of a pack is what stands there, up to what is none.
fn check_pack(block: &Bytes) {
    let (mut again, mut whole) = (Vec::new(), true);
    for entry in entries(block.clone()) {
        assert!(whole, "something follows what is none");
        match entry {
            Some(entry) => {
                again.put_u32(entry.subscription);
                again.put_u16(entry.stream);
                again.put_u64(entry.number);
                again.put_u64(entry.previous);
                publication(&mut again, &entry.subject, &entry.frames);
            }
            None => whole = false,
        }
    }
    assert!(block.starts_with(&again) && whole == (block.len() == again.len()), "{block:?} is {again:?}");
}

fn check_shared(block: &Bytes) {
    let Some((stream, epoch, all)) = read_shared(block.clone()) else { return };
    let mut again = topic(&stream);
    again.put_slice(&MAGIC);
    again.put_u64(epoch);
    let first = block[again.len()..again.len() + 8].to_vec();
    again.extend(&first);
    for (place, (number, subject, frames)) in all.iter().enumerate() {
        assert_eq!(number.to_be_bytes()[..], (all[0].0 + place as u64).to_be_bytes());
        publication(&mut again, subject, frames);
    }
    assert!(all.first().is_none_or(|all| all.0.to_be_bytes()[..] == first), "another first number");
    assert_eq!(again, block[..]);
}

/// What strangers have overheard of the honest one.
type Overheard = Rc<RefCell<Vec<Frames>>>;

/// A publisher that is looked at after everything that happens to it.
pub(crate) struct Watched {
    publisher: Publisher,
    now: Time,
    overheard: Overheard,
    dialled: BTreeSet<String>,
    outputs: usize,
}

impl Machine for Watched {
    type Command = PublisherCommand;
    type Event = PublisherEvent;

    fn handle(&mut self, now: Time, input: Input<PublisherCommand>) {
        if let Input::Message { user, frames, .. } = &input
            && user == HONEST
        {
            let mut overheard = self.overheard.borrow_mut();
            if overheard.len() == OVERHEARD {
                overheard.remove(0);
            }
            overheard.push(frames.clone());
        }
        (self.now, self.outputs) = (now, 0);
        self.publisher.handle(now, input);
        self.look();
    }

    fn poll(&mut self) -> Option<Output<PublisherEvent>> {
        loop {
            let output = self.publisher.poll()?;
            self.outputs += 1;
            assert!(self.outputs < MAX_OUTPUTS, "one input makes it send without end");
            match &output {
                Output::Dial { socket, endpoint, .. } if endpoint == NONSENSE => {
                    let error = Error::new(ErrorKind::InvalidEndpoint, "it is none").with("endpoint", endpoint);
                    self.publisher.handle(self.now, Input::Failed { socket: *socket, error });
                    continue;
                }
                Output::Dial { endpoint, .. } => {
                    assert!(self.dialled.insert(endpoint.clone()), "{endpoint} is dialled twice");
                    assert!(self.dialled.len() <= MAX_ENDPOINTS, "{:?} are dialled", self.dialled);
                }
                Output::HangUp { endpoint, .. } => drop(self.dialled.remove(endpoint)),
                _ => {}
            }
            return Some(output);
        }
    }

    fn deadline(&self) -> Option<Time> {
        self.publisher.deadline()
    }
}

impl Watched {
    fn look(&self) {
        let counters = self.publisher.counters();
        assert!(counters.books.balances() && counters.bytes <= MAX_BYTES + OVERHEAD, "{counters:?}");
        assert!(counters.subscriptions <= MAX_ALL_SUBSCRIPTIONS as u64, "{counters:?}");
        let subscribers = self.publisher.subscribers();
        assert!(subscribers.len() <= MAX_SUBSCRIBERS && counters.subscribers <= MAX_SUBSCRIBERS as u64, "{counters:?}");
        for subscriber in subscribers {
            assert!(subscriber.books.balances(), "{subscriber:?}");
            assert!(subscriber.subscriptions <= MAX_SUBSCRIPTIONS as u64, "{subscriber:?}");
        }
    }
}

/// A publisher among strangers.
pub fn publisher(data: &[u8]) -> u64 {
    Market::new(data).live()
}

struct Market<'a> {
    dice: Dice<'a>,
    world: World<Party>,
    publisher: Node,
    honest: Node,
    strangers: Vec<Node>,
    overheard: Overheard,
    /// Everybody may hear everything.
    open: bool,
    /// What each session of a stranger has said so far.
    said: BTreeMap<u64, u64>,
    /// The subjects of each stream, in the order of its numbers, and how far the honest one is.
    published: [Vec<&'static str>; 2],
    heard: [u64; 2],
    refused: bool,
}

impl<'a> Market<'a> {
    fn new(data: &'a [u8]) -> Self {
        let mut dice = Dice::new(data);
        let seed = dice.number();
        let mut world = World::new(seed);
        // Connections say who it is, or else only a password does.
        let known = dice.once_in(2);
        let open = known && dice.once_in(2);
        let overheard = Overheard::default();
        let publisher = world.add(Party::Publisher(Box::new(Watched {
            publisher: Publisher::new(publisher_options(seed, open)),
            now: Time::ZERO,
            overheard: Rc::clone(&overheard),
            dialled: BTreeSet::new(),
            outputs: 0,
        })));
        let subscriber = Subscriber::new(subscriber_options(seed ^ 1, &mut dice));
        let user = |name: &'static str| if known { Bytes::from_static(name.as_bytes()) } else { Bytes::new() };
        let honest = world.add_as(Party::Subscriber(Box::new(subscriber)), user(HONEST));
        let strangers = (0..4).map(|_| world.add_as(Party::Stranger(Box::new(Stranger::at(PLACE))), user("mallory")));
        let strangers = strangers.collect();
        let (said, published, heard) = (BTreeMap::new(), Default::default(), [0; 2]);
        Self { dice, world, publisher, honest, strangers, overheard, open, said, published, heard, refused: false }
    }

    /// Lives for as long as there are decisions; then all is quiet, and the honest one has heard everything.
    fn live(mut self) -> u64 {
        let criterion = Criterion::pattern(">").expect("sound");
        let policy = Policy { slow: Slow::Hold, max_messages: 20, max_bytes: 1 << 16 };
        let shared = self.dice.once_in(2);
        let options = SubscriptionOptions { criterion, start: Start::Now, policy, shared };
        self.world.command(self.honest, Command::Subscriber(SubscriberCommand::Subscribe { number: 1, options }));
        self.wait(Duration::from_secs(1));
        let mut count = 0;
        while !self.dice.is_empty() && !self.refused {
            match self.dice.below(32) {
                0..4 => drop(self.publish()),
                4 => {
                    let span = Duration::from_millis(self.dice.below(400) as u64);
                    self.wait(span);
                }
                5 if self.dice.once_in(8) => {
                    self.world.network().partition(self.publisher, self.honest);
                    let span = Duration::from_millis(self.dice.below(1500) as u64);
                    self.wait(span);
                    self.world.network().heal();
                    // It comes back before its lease ends; else its name is anybody's.
                    self.wait(LEASE / 2);
                }
                _ => {
                    count += 1;
                    let (stranger, frames) = (self.dice.choose(&self.strangers), self.frames());
                    self.world.command(stranger, Command::Stranger(frames));
                    self.wait(Duration::from_millis(1));
                }
            }
        }
        if self.refused {
            return count;
        }
        // Strangers are forgotten, and with them whatever the publisher waited for.
        self.wait(LEASE * 4);
        assert!(self.publish(), "there is no room");
        self.wait(Duration::from_secs(1));
        for stream in 0..2 {
            let last = self.published[stream].len() as u64;
            self.expect_none_between(stream, last + 1);
        }
        let Some(Party::Publisher(watched)) = self.world.machine(self.publisher) else { panic!("it lives") };
        let counters = watched.publisher.counters();
        assert_eq!((counters.subscribers, counters.subscriptions), (1, 1), "{counters:?}");
        count
    }

    /// What a stranger says, mostly on a session of its own.
    fn frames(&mut self) -> Frames {
        if self.dice.once_in(16) {
            return (0..self.dice.below(4)).map(|_| self.dice.bytes(60)).collect();
        }
        let overheard = self.overheard.borrow();
        if !overheard.is_empty() && self.dice.once_in(16) {
            let mut frames = overheard[self.dice.below(overheard.len())].clone();
            let mut first = frames[0].to_vec();
            harm(&mut self.dice, &mut first);
            frames[0] = first.into();
            return frames;
        }
        let session = self.dice.below(SESSIONS) as u64;
        let received = if self.dice.once_in(4) { self.dice.number() } else { u64::MAX };
        let head = |kind, sequence| Header { kind, session: Session(session), sequence, received };
        if let Entry::Vacant(new) = self.said.entry(session) {
            new.insert(0);
            return head(OPEN, 0).write(MAGIC, &[], vec![]);
        }
        if self.dice.once_in(8) {
            let kind = self.dice.choose(&[OPEN, 1, 1, 2, 2, 3, RESET, CLOSE]);
            let sequence = self.said[&session];
            if kind >= RESET {
                self.said.remove(&session);
            }
            return head(kind, sequence).write(MAGIC, &[], vec![]);
        }
        let asked = asked(&mut self.dice);
        let (kind, fields, body) = written(&mut self.dice, asked);
        let said = self.said.entry(session).or_default();
        *said += 1;
        let sequence = if self.dice.once_in(16) { self.dice.below(6) as u64 } else { *said };
        head(kind, sequence).write(MAGIC, &fields, body)
    }

    /// Publishes one, if there is room.
    fn publish(&mut self) -> bool {
        let subject = self.dice.choose(&SUBJECTS);
        let of = &mut self.published[usize::from(subject != SUBJECTS[0])];
        let body = vec![7; self.dice.below(3000)];
        let content = Content::new(subject.as_bytes(), &[&(of.len() as u64 + 1).to_be_bytes()[..], &body]);
        let publish = PublisherCommand::Publish([content.expect("sound")].into());
        self.world.command(self.publisher, Command::Publisher(publish));
        let Some(Party::Publisher(watched)) = self.world.machine(self.publisher) else { panic!("it lives") };
        match watched.publisher.published() {
            (1, None) => of.push(subject),
            (0, Some(error)) if error.kind() == ErrorKind::Full => return false,
            other => panic!("one was to be published: {other:?}"),
        }
        true
    }

    /// Lets time pass, with everybody at work.
    fn wait(&mut self, span: Duration) {
        self.world.run_for(span);
        drop(self.world.events(self.publisher));
        let mut taken = BTreeMap::new();
        for (_, event) in self.world.events(self.honest) {
            let Event::Subscriber(event) = event else { continue };
            match event {
                SubscriberEvent::Messages(run) => {
                    for message in run {
                        let (stream, number) = (usize::from(message.stream), message.number);
                        assert_eq!(message.frames[0][..], number.to_be_bytes());
                        assert_eq!(message.subject, self.published[stream][number as usize - 1]);
                        assert!(number > self.heard[stream], "{number} after {}", self.heard[stream]);
                        assert!(self.may(&message.subject), "the honest one heard {:?}", message.subject);
                        self.expect_none_between(stream, number);
                        self.heard[stream] = number;
                        taken.insert(message.stream, number);
                    }
                }
                SubscriberEvent::Connected { .. }
                | SubscriberEvent::Subscribed { .. }
                | SubscriberEvent::Bound { .. } => {}
                // Somebody had its endpoint whenever it came back.
                SubscriberEvent::Refused(refusal) if refusal.kind == ErrorKind::AddressInUse => self.refused = true,
                other => panic!("the honest one was told {other:?}"),
            }
        }
        if !taken.is_empty() {
            let taken = taken.into_iter().map(|(stream, up_to)| Taken { number: 1, stream, up_to }).collect();
            self.world.command(self.honest, Command::Subscriber(SubscriberCommand::Taken { restarts: 0, taken }));
        }
        for stranger in self.strangers.clone() {
            for (_, event) in self.world.events(stranger) {
                let Event::Stranger(frames) = event else { continue };
                self.listen(frames);
            }
        }
    }

    /// Before this number is nothing that the honest one should have heard and has not.
    fn expect_none_between(&self, stream: usize, number: u64) {
        let between = &self.published[stream][self.heard[stream] as usize..number as usize - 1];
        let missing = between.iter().any(|subject| self.may(subject.as_bytes()));
        assert!(!missing, "of stream {stream} something after {} is missing", self.heard[stream]);
    }

    /// Whether the honest one may hear this.
    fn may(&self, subject: &[u8]) -> bool {
        self.open || subject != SUBJECTS[3].as_bytes()
    }

    /// A stranger hears what strangers may hear.
    fn listen(&self, frames: Frames) {
        let Some((header, fields, body)) = Header::read(MAGIC, frames) else {
            panic!("a publisher speaks its protocol")
        };
        let Some(Message::Publications(pack)) = Message::decode(header.kind, fields, body) else { return };
        for entry in entries(pack) {
            let subject = entry.expect("a publisher packs well").subject;
            let may = self.open || subject == SUBJECTS[0] || subject == SUBJECTS[2];
            assert!(may, "a stranger heard {subject:?}");
        }
    }
}

fn publisher_options(seed: u64, open: bool) -> PublisherOptions {
    let stream = |name: &'static str, subjects: &'static str, public| StreamOptions {
        name: name.into(),
        subjects: vec![Criterion::pattern(subjects).expect("sound")],
        public,
        history: 50,
        history_bytes: 1 << 16,
        history_age: Duration::from_secs(3600),
        disk_bytes: 1 << 16,
        last_values: 3,
    };
    let rules = || Entitlements::read(RULES.as_bytes()).expect("sound");
    PublisherOptions {
        bind: PLACE.to_owned(),
        shared: Some("shared".to_owned()),
        plain: None,
        streams: vec![stream("news", "news.>", true), stream("rest", ">", false)],
        access: if open { Access::Open } else { Access::Entitlements(Box::new(rules())) },
        news: true,
        pace: PACE,
        lease: LEASE,
        max_keep: LEASE,
        max_hold: Duration::from_secs(5),
        gather: Duration::from_micros(50),
        max_subscribers: MAX_SUBSCRIBERS,
        max_subscriptions: MAX_SUBSCRIPTIONS,
        max_all_subscriptions: MAX_ALL_SUBSCRIPTIONS,
        max_endpoints: MAX_ENDPOINTS,
        max_plain: 0,
        max_size: 10_000,
        max_bytes: MAX_BYTES,
        seed,
    }
}

fn subscriber_options(seed: u64, dice: &mut Dice<'_>) -> SubscriberOptions {
    SubscriberOptions {
        connect: PLACE.to_owned(),
        shared: None,
        endpoint: dice.once_in(2).then(|| HONEST.to_owned()),
        name: dice.once_in(2).then(|| HONEST.into()),
        keep: LEASE,
        credential: Credential::Password { user: HONEST.into(), password: "nobody knows that".into() },
        pace: PACE,
        max_messages: 10,
        max_bytes: 1 << 15,
        snail: None,
        seed,
    }
}
