//! A live queue among strangers: whatever they send to its port, honest producers and workers are served.
//!
//! As in `noise.rs`: `ZPATTERNS_FRAMES=1000000 cargo test --release -p zpatterns --test noise_zqueue -- --nocapture` sends a
//! million messages. The same strangers meet the machine by itself in `core/fuzz`.

#[path = "../../fuzz/src/dice.rs"]
#[expect(dead_code, reason = "some of it is for machines only")]
mod dice;
#[path = "../../fuzz/src/job_words.rs"]
mod job_words;
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
use strangers::{MAX_GROWTH, Mischief, Strangers, Way, resident};
use tap::Tap;
use zpatterns::{
    Context, Deadline,
    zqueue::{
        Child, Frames, JobOptions, Outcome, Producer, ProducerOptions, Queue, QueueOptions, QueueWorker,
        QueueWorkerOptions,
    },
};
use zpatterns_protocol::{
    link::{FIRST, Header, OPEN, Session},
    zqueue::wire::MAGIC,
};

/// The queue that strangers do not know: whoever offers to do its jobs is given them.
const HONEST: &str = "honest";
/// What they take it for.
const THEIRS: &str = "nobody";
/// Sessions of strangers have numbers below.
const SESSIONS: usize = 12;
/// The kind of a push, and in its fields the number of the job and that of the producer come first.
const PUSH: u8 = 16;
/// How much of what was heard is remembered.
const HEARD: usize = 64;

fn watchdog() -> Deadline {
    Deadline::after(Duration::from_secs(120))
}

/// What strangers of a queue know.
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
        let received = dice.below(6) as u64;
        Header { kind, session: Session(session), sequence, received }.write(MAGIC, fields, body)
    }

    /// Something that was heard, of another session and with some harm done.
    fn harmed(&mut self, dice: &mut Dice<'_>) -> Frames {
        let heard = &self.heard[dice.below(self.heard.len())];
        let mut frames: Frames = heard.iter().map(without_name).collect();
        if let Some((header, fields, body)) = Header::read(MAGIC, frames.clone()) {
            let mut fields = fields.to_vec();
            if header.kind == PUSH
                && let Some(producer) = fields.get_mut(8..16)
            {
                // Whoever knows this number pushes in its owner's name, as with that of a session.
                producer.fill(dice.byte());
            }
            frames = self.head(dice, header.kind, &fields, body);
        }
        for _ in 0..dice.below(4) {
            let at = dice.below(frames.len() + 1);
            match (dice.below(5), frames.get(at).cloned()) {
                (0, Some(_)) => drop(frames.remove(at)),
                (1, _) => frames.insert(at, dice.bytes(40)),
                (2, Some(frame)) => frames[at] = frame.slice(..dice.below(frame.len() + 1)),
                (_, Some(frame)) if !frame.is_empty() => {
                    let mut bytes = frame.to_vec();
                    let place = dice.below(bytes.len());
                    bytes[place] = dice.byte();
                    frames[at] = bytes.into();
                }
                _ => {}
            }
        }
        frames
    }
}

impl Mischief for Rumours {
    fn hear(&mut self, frames: &Frames) {
        if self.heard.len() == HEARD {
            self.heard.pop_front();
        }
        self.heard.push_back(frames.clone());
    }

    fn say(&mut self, dice: &mut Dice<'_>) -> Frames {
        match dice.below(8) {
            0 => (0..dice.below(6)).map(|_| dice.bytes(60)).collect(),
            1..3 if !self.heard.is_empty() => self.harmed(dice),
            3 => {
                let kind = dice.below(usize::from(FIRST)) as u8;
                self.head(dice, kind, &[], Frames::new())
            }
            _ => {
                let (kind, fields, body) = job_words::message(dice);
                self.head(dice, kind, &fields, body)
            }
        }
    }
}

fn without_name(frame: &bytes::Bytes) -> bytes::Bytes {
    let mut bytes = frame.to_vec();
    while let Some(at) = bytes.windows(HONEST.len()).position(|window| window == HONEST.as_bytes()) {
        bytes[at..at + HONEST.len()].copy_from_slice(THEIRS.as_bytes());
    }
    bytes.into()
}

/// Breaks a job of `N` into `N - 1` that are done at once, until the worker is closed.
fn work(context: &Context, endpoint: &str) -> QueueWorker {
    let options = QueueWorkerOptions { credit: 20, ..QueueWorkerOptions::default() };
    let worker = QueueWorker::connect(context, &[endpoint], &[HONEST], options).expect("a worker");
    thread::spawn({
        let worker = worker.clone();
        move || {
            while let Ok(job) = worker.next(&Deadline::never()) {
                let children = usize::from(job.body()[0][0]).saturating_sub(1);
                let said = match job.results().map(<[_]>::len) {
                    Some(done) => job.complete(vec![vec![done as u8].into()]),
                    None if children == 0 => job.complete(vec![]),
                    None => job.spawn(vec![Child::new(HONEST, vec![vec![0].into()]); children], vec![]),
                };
                said.expect("nobody cancels it");
            }
        }
    });
    worker
}

/// Pushes trees until `stop`; each comes to what it should.
fn ask(context: &Context, endpoint: &str, stop: &AtomicBool) -> u64 {
    let producer = Producer::connect(context, endpoint, ProducerOptions::default()).expect("a producer");
    let mut trees = 0_u64;
    while !stop.load(Ordering::SeqCst) {
        trees += 1;
        let children = (trees % 9) as u8 + 1;
        let body = vec![vec![children + 1].into(), vec![7; trees as usize % 3000].into()];
        let outcome = producer.run(HONEST, body, &JobOptions::default(), &watchdog()).expect("an outcome");
        assert_eq!(outcome, Outcome::Done(vec![vec![children].into()]));
    }
    trees
}

#[test]
fn whatever_strangers_send_honest_parties_are_served() {
    let frames = env::var("ZPATTERNS_FRAMES").map_or(20_000, |text| text.parse().expect("a number"));
    let context = Context::new().expect("a context");
    let queue = Queue::bind(&context, &["tcp://127.0.0.1:0"], QueueOptions::default()).expect("a queue");
    let endpoint = queue.endpoints()[0].to_owned();
    let tap: Tap<Rumours> = Tap::to(&context, &endpoint);
    // One pair of each is heard by the strangers, the other is not.
    let _workers = [work(&context, &endpoint), work(&context, &tap.endpoint())];
    let stop = AtomicBool::new(false);
    let (started, mut usual, mut most, mut trees) = (Instant::now(), 0, 0, 0);
    thread::scope(|scope| {
        let (context, stop) = (&context, &stop);
        let asking = [endpoint.clone(), tap.endpoint()].map(|at| scope.spawn(move || ask(context, &at, stop)));
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
        trees = asking.into_iter().map(|asking| asking.join().expect("honest trees end as they should")).sum();
    });
    let counters = queue.counters().expect("open");
    println!(
        "{frames} frames in {:?}, {trees} honest trees, memory {} MiB after a tenth and {} MiB at most\n{counters:?}",
        started.elapsed(),
        usual >> 20,
        most >> 20,
    );
    assert!(counters.balances() && counters.malformed > frames / 50, "{counters:?}");
    assert!(trees > 0 && most.saturating_sub(usual) < MAX_GROWTH);
}
