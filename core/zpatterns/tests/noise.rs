//! A live broker among strangers: whatever they send to its port, honest clients and workers are served.
//!
//! Strangers are DEALER and ROUTER sockets that send anything, most of it harmed copies of what honest parties and the
//! broker say, and connections that speak no ZeroMQ at all. An ordinary run sends some thousands of messages;
//! `ZPATTERNS_FRAMES=1000000 cargo test --release -p zpatterns --test noise -- --nocapture` sends a million, and prints
//! what came of them. The same strangers meet the machines by themselves in `core/fuzz`.

#[path = "../../fuzz/src/dice.rs"]
mod dice;
#[path = "../../fuzz/src/stranger.rs"]
#[expect(dead_code, reason = "some of it is for machines only")]
mod stranger;
#[path = "noise/strangers.rs"]
mod strangers;
#[path = "noise/tap.rs"]
mod tap;

use std::{
    collections::BTreeMap,
    env,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use stranger::Gossip;
use strangers::{MAX_GROWTH, Mischief, Strangers, Way, resident};
use tap::Tap;
use zpatterns::{
    Context, Deadline,
    reqrep::{
        Broker, BrokerOptions, Client, ClientOptions, Frames, Outcome, Part, RequestOptions, Ticket, Worker,
        WorkerOptions,
    },
};

/// Honest requests that a client has open.
const OPEN: usize = 50;
fn watchdog() -> Deadline {
    Deadline::after(Duration::from_secs(120))
}

impl Mischief for Gossip {
    fn hear(&mut self, frames: &Frames) {
        Self::hear(self, frames);
    }

    fn say(&mut self, dice: &mut dice::Dice<'_>) -> Frames {
        Self::say(self, dice)
    }
}

/// Answers until the worker is closed.
fn work(context: &Context, endpoint: &str) -> Worker {
    let options = WorkerOptions { credit: 20, ..WorkerOptions::default() };
    let worker = Worker::connect(context, &[endpoint], "honest", options).expect("a worker");
    thread::spawn({
        let worker = worker.clone();
        move || {
            while let Ok(job) = worker.next(&Deadline::never()) {
                let body = job.body().clone();
                job.reply(body).expect("open");
            }
        }
    });
    worker
}

/// Asks until `stop`, and counts the answers; each is to its own request.
fn ask(context: &Context, endpoint: &str, stop: &AtomicBool, answered: &AtomicU64) {
    let client = Client::connect(context, &[endpoint], ClientOptions::default()).expect("a client");
    let options = RequestOptions {
        deadline: Duration::from_secs(100),
        patience: Duration::from_secs(100),
        attempts: 100,
        retries: u8::MAX,
        ..Default::default()
    };
    let mut open: BTreeMap<Ticket, Frames> = BTreeMap::new();
    let mut asked = 0_u64;
    while !open.is_empty() || !stop.load(Ordering::SeqCst) {
        while open.len() < OPEN && !stop.load(Ordering::SeqCst) {
            asked += 1;
            let body = vec![asked.to_be_bytes().to_vec().into(), vec![7; asked as usize % 3000].into()];
            open.insert(client.post("honest", body.clone(), &options).expect("room"), body);
        }
        let (ticket, part) = client.next(&watchdog()).expect("an outcome");
        let asked = open.remove(&ticket).expect("one outcome for each");
        assert_eq!(part, Part::Outcome(Outcome::Reply(asked)));
        answered.fetch_add(1, Ordering::SeqCst);
    }
    assert!(client.counters().expect("open").balances());
}

#[test]
fn whatever_strangers_send_honest_parties_are_served() {
    let frames = env::var("ZPATTERNS_FRAMES").map_or(20_000, |text| text.parse().expect("a number"));
    let context = Context::new().expect("a context");
    let options = BrokerOptions { max_age: Duration::from_secs(5), ..BrokerOptions::default() };
    let broker = Broker::bind(&context, &["tcp://127.0.0.1:0"], options).expect("a broker");
    let endpoint = broker.endpoints()[0].to_owned();
    let tap = Tap::to(&context, &endpoint);
    // One pair of each is heard by the strangers, the other is not.
    let _workers = [work(&context, &endpoint), work(&context, &tap.endpoint())];
    let (stop, answered) = (AtomicBool::new(false), Arc::new(AtomicU64::new(0)));
    let (started, mut usual, mut most) = (Instant::now(), 0, 0);
    thread::scope(|scope| {
        for at in [endpoint.clone(), tap.endpoint()] {
            let (context, stop, answered) = (&context, &stop, &answered);
            scope.spawn(move || ask(context, &at, stop, answered));
        }
        let ways: [Way<Gossip>; 3] = [strangers::dealers, strangers::routers, strangers::no_zeromq];
        let strangers = Strangers::at(&endpoint, tap.gossip(), frames, &ways);
        while !strangers.are_done() {
            thread::park_timeout(Duration::from_millis(10));
            if strangers.sent() > frames / 10 && usual == 0 {
                usual = resident();
            }
            most = most.max(resident());
        }
        stop.store(true, Ordering::SeqCst);
    });
    let counters = broker.counters().expect("open");
    println!(
        "{frames} frames in {:?}, {} honest requests answered, memory {} MiB after a tenth and {} MiB at most\n{counters:?}",
        started.elapsed(),
        answered.load(Ordering::SeqCst),
        usual >> 20,
        most >> 20,
    );
    assert!(counters.balances() && counters.malformed > frames / 20, "{counters:?}");
    assert!(answered.load(Ordering::SeqCst) > 0 && most.saturating_sub(usual) < MAX_GROWTH);
}
