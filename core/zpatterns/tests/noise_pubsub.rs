//! A live publisher among strangers: whatever they send to its port, honest subscribers go on hearing everything.
//!
//! As in `noise.rs`: `ZPATTERNS_FRAMES=1000000 cargo test --release -p zpatterns --test noise_pubsub -- --nocapture` sends a
//! million messages. The same strangers meet the machine by itself in `core/fuzz`.

#[path = "../../fuzz/src/dice.rs"]
mod dice;
#[path = "../../fuzz/src/pub_words.rs"]
#[expect(dead_code, reason = "some of it is for machines only")]
mod pub_words;
#[path = "noise/strangers.rs"]
#[expect(dead_code, reason = "some of it is for brokers only")]
mod strangers;
#[path = "noise/tap.rs"]
mod tap;

use std::{
    collections::{BTreeMap, VecDeque},
    env,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use dice::Dice;
use pub_words::{HONEST, SECRET, asked, harm, written};
use strangers::{MAX_GROWTH, Mischief, Strangers, Way, resident};
use tap::Tap;
use zpatterns::{
    Context, Deadline,
    pubsub::{
        Access, Credential, Criterion, Entitlements, Policy, Publisher, PublisherOptions, Slow, StreamOptions,
        Subscriber, SubscriberEvent, SubscriberOptions, SubscriptionOptions,
    },
    reqrep::Frames,
};
use zpatterns_protocol::{
    link::{FIRST, Header, OPEN, Session},
    pubsub::wire::{MAGIC, Message, entries},
};

/// Sessions of strangers have numbers below.
const SESSIONS: usize = 12;
/// How much of what was heard is remembered.
const HEARD: usize = 64;
/// What strangers never hear, and what tells that nothing follows.
const END: &str = "secret.end";
const RULES: &str = "\
user
    honest
        password = \"nobody knows that\"
        allow = secret.>
    mallory
        password = \"m\"
        allow = open.>
";

fn watchdog() -> Deadline {
    Deadline::after(Duration::from_secs(120))
}

/// What strangers of a publisher know.
#[derive(Default)]
struct Rumours {
    heard: VecDeque<Frames>,
    /// What was said last on each of their sessions.
    said: BTreeMap<u64, u64>,
}

impl Rumours {
    fn head(&mut self, dice: &mut Dice<'_>, kind: u8, fields: &[u8], body: Frames) -> Frames {
        let session = dice.below(SESSIONS) as u64;
        let said = self.said.entry(session).or_default();
        if kind == OPEN {
            *said = 0;
        } else if kind >= FIRST {
            *said += 1;
        }
        let sequence = if dice.once_in(16) { dice.below(6) as u64 } else { *said };
        let received = if dice.once_in(4) { dice.below(6) as u64 } else { u64::MAX };
        Header { kind, session: Session(session), sequence, received }.write(MAGIC, fields, body)
    }

    /// Something that was heard, on a session of their own and with some harm done. Whoever repeats a password has it, so what
    /// honest parties say of themselves is not repeated.
    fn harmed(&mut self, dice: &mut Dice<'_>) -> Frames {
        let heard = self.heard[dice.below(self.heard.len())].clone();
        let Some((header, fields, body)) = Header::read(MAGIC, heard) else { return vec![dice.bytes(60)] };
        let mut fields = fields.to_vec();
        harm(dice, &mut fields);
        self.head(dice, header.kind, &fields, body)
    }
}

impl Mischief for Rumours {
    fn hear(&mut self, frames: &Frames) {
        if let Some((header, fields, body)) = Header::read(MAGIC, frames.clone()) {
            match Message::decode(header.kind, fields, body) {
                Some(Message::Hello(_)) => return,
                Some(Message::Publications(pack)) if header.session.0 < SESSIONS as u64 => {
                    let secret = |subject: &[u8]| subject.starts_with(b"secret");
                    let all: Vec<_> = entries(pack).flatten().collect();
                    assert!(all.iter().all(|entry| !secret(&entry.subject)), "a stranger heard a secret");
                }
                _ => {}
            }
        }
        if self.heard.len() == HEARD {
            self.heard.pop_front();
        }
        self.heard.push_back(frames.clone());
    }

    fn say(&mut self, dice: &mut Dice<'_>) -> Frames {
        match dice.below(8) {
            0 => (0..dice.below(6)).map(|_| dice.bytes(60)).collect(),
            1 if !self.heard.is_empty() => self.harmed(dice),
            2 | 3 => {
                let kind = dice.choose(&[OPEN, OPEN, OPEN, OPEN, 1, 2, 3, 4, 5]);
                self.head(dice, kind, &[], Frames::new())
            }
            _ => {
                let asked = asked(dice);
                let (kind, fields, body) = written(dice, asked);
                self.head(dice, kind, &fields, body)
            }
        }
    }
}

fn options() -> PublisherOptions {
    let stream = |name, subjects: &'static str, public| {
        let subjects = vec![Criterion::pattern(subjects).expect("sound")];
        StreamOptions { public, ..PublisherOptions::stream(name, subjects) }
    };
    PublisherOptions {
        streams: vec![stream("news", "news.>", true), stream("rest", ">", false)],
        shared: Some("tcp://127.0.0.1:0".to_owned()),
        access: Access::Entitlements(Box::new(Entitlements::read(RULES.as_bytes()).expect("sound"))),
        lease: Duration::from_secs(5),
        max_subscribers: 30,
        max_subscriptions: 10,
        max_endpoints: 5,
        ..PublisherOptions::default()
    }
}

/// Hears numbers, one after the other, until the end is published; how many.
fn hear(context: &Context, endpoint: &str, own: bool) -> thread::JoinHandle<u64> {
    let options = SubscriberOptions {
        credential: Credential::Password { user: HONEST.into(), password: "nobody knows that".into() },
        endpoint: own.then(|| "tcp://127.0.0.1:0".to_owned()),
        ..SubscriberOptions::default()
    };
    let subscriber = Subscriber::connect(context, endpoint, options).expect("a subscriber");
    let policy = Policy { slow: Slow::Hold, max_messages: 1000, max_bytes: 1 << 20 };
    let wanted = SubscriptionOptions { policy, ..SubscriptionOptions::default() };
    subscriber.subscribe(Criterion::pattern("secret.>").expect("sound"), wanted).expect("open");
    loop {
        match subscriber.recv(&watchdog()).expect("it is let in") {
            SubscriberEvent::Subscribed { .. } => break,
            SubscriberEvent::Connected => {}
            other => panic!("{other:?}"),
        }
    }
    thread::spawn(move || {
        let mut heard = 0_u64;
        loop {
            match subscriber.recv(&watchdog()).expect("it goes on") {
                SubscriberEvent::Message { subject, .. } if subject == END => return heard,
                SubscriberEvent::Message { frames, .. } => {
                    assert_eq!(frames[0][..], heard.to_be_bytes(), "in order, each of them once");
                    heard += 1;
                }
                SubscriberEvent::Connected => {}
                other => panic!("after {heard}: {other:?}"),
            }
        }
    })
}

/// Publishes numbers until `stop`; how many. Strangers that want nothing lost make it wait until they are gone.
fn publish(publisher: &Publisher, stop: &AtomicBool) -> u64 {
    let mut published = 0_u64;
    while !stop.load(Ordering::SeqCst) {
        let frames = [published.to_be_bytes().to_vec(), vec![7; published as usize % 3000]];
        publisher.publish(SECRET.as_bytes(), &frames, &watchdog()).expect("there is room in time");
        published += 1;
        if published.is_multiple_of(100) {
            for subject in ["news.x", "open.x"] {
                // Strangers may hear these, and need not take them.
                let _ = publisher.publish(subject.as_bytes(), &frames, &Deadline::now());
            }
            thread::park_timeout(Duration::from_millis(1));
        }
    }
    publisher.publish(END.as_bytes(), &[b""], &watchdog()).expect("there is room in time");
    published
}

#[test]
fn whatever_strangers_send_honest_subscribers_hear_everything() {
    let frames = env::var("ZPATTERNS_FRAMES").map_or(20_000, |text| text.parse().expect("a number"));
    let context = Context::new().expect("a context");
    let publisher = Publisher::bind(&context, "tcp://127.0.0.1:0", options()).expect("a publisher");
    let endpoint = publisher.endpoint().to_owned();
    let tap: Tap<Rumours> = Tap::to(&context, &endpoint);
    // One is heard by the strangers, the others are not.
    let hearing =
        [hear(&context, &endpoint, false), hear(&context, &endpoint, true), hear(&context, &tap.endpoint(), false)];
    let stop = AtomicBool::new(false);
    let (started, mut usual, mut most, mut published) = (Instant::now(), 0, 0, 0);
    thread::scope(|scope| {
        let (publisher, stop) = (&publisher, &stop);
        let publishing = scope.spawn(move || publish(publisher, stop));
        let ways: [Way<Rumours>; 3] = [strangers::dealers, strangers::dealers, strangers::no_zeromq];
        let strangers = Strangers::at(&endpoint, tap.gossip(), frames, &ways);
        while !strangers.are_done() {
            thread::park_timeout(Duration::from_millis(10));
            if strangers.sent() > frames / 10 && usual == 0 {
                usual = resident();
            }
            most = most.max(resident());
        }
        stop.store(true, Ordering::SeqCst);
        published = publishing.join().expect("it publishes");
    });
    for hearing in hearing {
        assert_eq!(hearing.join().expect("it hears everything"), published);
    }
    let counters = publisher.counters().expect("open");
    println!(
        "{frames} frames in {:?}, {published} publications, memory {} MiB after a tenth and {} MiB at most\n{counters:?}",
        started.elapsed(),
        usual >> 20,
        most >> 20,
    );
    assert!(counters.books.balances() && counters.malformed > frames / 50, "{counters:?}");
    assert!(published > 0 && most.saturating_sub(usual) < MAX_GROWTH);
}
