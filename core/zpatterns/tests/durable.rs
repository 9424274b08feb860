//! Durable requests between real processes: the broker is killed again and again, and its store has everything.
//!
//! A process is this test program again, run for one of its `role_` tests.

#[path = "kit/processes.rs"]
mod processes;

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use processes::{Process, free_endpoint};
use zpatterns::{
    Context, Deadline, ErrorKind,
    reqrep::{
        Broker, BrokerOptions, Client, ClientOptions, Frames, Heartbeat, Outcome, Part, RequestOptions, Ticket, Worker,
        WorkerOptions,
    },
};

const HEARTBEAT: Heartbeat = Heartbeat { interval: Duration::from_millis(100), limit: 3 };
const REQUESTS: u64 = 5_000;
const MINUTE: Duration = Duration::from_secs(60);

fn watchdog() -> Deadline {
    Deadline::after(MINUTE)
}

fn options(key: &str) -> RequestOptions {
    let key = key.to_owned().into();
    RequestOptions { deadline: MINUTE, patience: MINUTE, attempts: 100, durable: true, key, ..Default::default() }
}

fn text(text: &str) -> Frames {
    vec![text.to_owned().into()]
}

fn client(context: &Context, endpoint: &str) -> Client {
    let options = ClientOptions { heartbeat: HEARTBEAT, ..ClientOptions::default() };
    Client::connect(context, &[endpoint], options).expect("a client")
}

fn broker(context: &Context, endpoint: &str, store: &Path) -> zpatterns::Result<Broker> {
    let options = BrokerOptions { heartbeat: HEARTBEAT, store: Some(store.to_owned()), ..BrokerOptions::default() };
    Broker::bind(context, &[endpoint], options)
}

fn worker(context: &Context, endpoint: &str) -> Worker {
    let options = WorkerOptions { heartbeat: HEARTBEAT, credit: 20, ..WorkerOptions::default() };
    Worker::connect(context, &[endpoint], "echo", options).expect("a worker")
}

fn echo(worker: &Worker) {
    while let Ok(job) = worker.next(&watchdog()) {
        let body = job.body().clone();
        job.reply(body).expect("open");
    }
}

#[test]
#[ignore = "a role of the other tests"]
fn role_broker() {
    let context = Context::new().expect("a context");
    let store = processes::argument("STORE");
    let broker = broker(&context, &processes::argument("ENDPOINT"), store.as_ref()).expect("a broker");
    processes::ready();
    let _ = broker.wait(&watchdog());
}

#[test]
#[ignore = "a role of the other tests"]
fn role_worker() {
    let context = Context::new().expect("a context");
    let worker = worker(&context, &processes::argument("ENDPOINT"));
    processes::ready();
    echo(&worker);
}

#[test]
fn a_broker_is_killed_ten_times_and_a_worker_freezes_and_every_request_is_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let (endpoint, store) = (free_endpoint(), folder.path().join("store"));
    let arguments = [("ENDPOINT", &*endpoint), ("STORE", store.to_str().expect("text"))];
    let start = || Process::start_with("role_broker", &arguments);
    let mut brokers = vec![start()];
    let workers = [Process::start("role_worker", &endpoint), Process::start("role_worker", &endpoint)];
    let context = Context::new().expect("a context");
    let client = client(&context, &endpoint);
    let ask = |number: u64| {
        let body = text(&number.to_string());
        (client.post("echo", body.clone(), &options(&number.to_string())).expect("room"), body)
    };
    let mut open: BTreeMap<Ticket, Frames> = (0..REQUESTS).map(ask).collect();
    let mut kills = 0;
    while !open.is_empty() {
        let (ticket, part) = client.next(&watchdog()).expect("an outcome");
        let asked = open.remove(&ticket).expect("one outcome for each");
        assert_eq!(part, Part::Outcome(Outcome::Reply(asked)));
        if kills < 10 && open.len() as u64 <= REQUESTS - (kills + 1) * REQUESTS / 11 {
            kills += 1;
            match kills {
                3 => workers[0].stop(),
                6 => workers[0].go_on(),
                _ => {}
            }
            brokers.remove(0).kill();
            brokers.push(start());
        }
    }
    assert_eq!(kills, 10);
    assert!(client.counters().expect("open").balances());
}

#[test]
fn a_request_that_was_left_is_done_and_its_answer_waits() {
    let folder = tempfile::tempdir().expect("a folder");
    let (endpoint, store) = (free_endpoint(), folder.path().join("store"));
    let arguments = [("ENDPOINT", &*endpoint), ("STORE", store.to_str().expect("text"))];
    let context = Context::new().expect("a context");

    // Nobody can do it yet.
    let first = Process::start_with("role_broker", &arguments);
    let leaver = client(&context, &endpoint);
    let left = leaver.store("echo", text("hello"), &options("order 17"), &watchdog()).expect("open");
    assert_eq!(left, Outcome::Accepted);
    leaver.close();
    first.kill();

    let second = Process::start_with("role_broker", &arguments);
    let worker = Process::start("role_worker", &endpoint);
    let fetcher = client(&context, &endpoint);
    let fetched = |key: &[u8]| fetcher.fetch("echo", key, MINUTE, &watchdog()).expect("open");
    assert_eq!(fetched(b"order 17"), Outcome::Reply(text("hello")));
    second.kill();
    worker.kill();

    // The answer survives too, and a second question with the same key is answered by it.
    let _third = Process::start_with("role_broker", &arguments);
    assert_eq!(fetched(b"order 17"), Outcome::Reply(text("hello")));
    let again = fetcher.request("echo", text("other"), &options("order 17")).expect("open");
    assert_eq!(again, Outcome::Reply(text("hello")));
    assert_eq!(fetcher.discard("echo", b"order 17", MINUTE, &watchdog()).expect("open"), Outcome::Accepted);
    let Outcome::Failed(failure) = fetched(b"order 17") else { panic!("it was discarded") };
    assert_eq!(failure.kind, ErrorKind::NotFound);
}

#[test]
fn a_broker_that_closes_leaves_its_store_to_the_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    let context = Context::new().expect("a context");
    for round in 0..3 {
        let broker = broker(&context, "tcp://127.0.0.1:0", &store).expect("a broker");
        assert_eq!(broker.counters().expect("open").stored, round);
        let client = client(&context, broker.endpoints()[0]);
        let left = client.store("echo", text("hello"), &options(&round.to_string()), &watchdog()).expect("open");
        assert_eq!(left, Outcome::Accepted);
        broker.close();
    }
}

#[test]
fn a_store_is_one_brokers_and_not_damaged() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    let context = Context::new().expect("a context");
    let kind = || broker(&context, "tcp://127.0.0.1:0", &store).err().map(|error| error.kind());
    let first = broker(&context, "tcp://127.0.0.1:0", &store).expect("a broker");
    assert_eq!(kind(), Some(ErrorKind::WrongState));
    drop(first);
    fs::write(&store, vec![7; 10_000]).expect("a file");
    assert_eq!(kind(), Some(ErrorKind::Corrupt));
}

#[test]
fn without_a_store_nothing_is_stored() {
    let context = Context::new().expect("a context");
    let broker = Broker::bind(&context, &["tcp://127.0.0.1:0"], BrokerOptions::default()).expect("a broker");
    let client = client(&context, broker.endpoints()[0]);
    let outcome = client.request("echo", text("hello"), &options("key")).expect("open");
    assert!(matches!(outcome, Outcome::Failed(failure) if failure.kind == ErrorKind::Unsupported));
    let error = client.post("echo", text("hello"), &options("")).expect_err("no key");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}
