//! Request-reply between real processes, for what only they show: kill -9, SIGSTOP, broken and silent connections.
//!
//! Nothing here asserts how long something took: bounds are asserted in the simulator's time, and here a watchdog ends a
//! test that hangs. A process is this test program again, run for one of its `role_` tests.

#[path = "kit/cable.rs"]
mod cable;
#[path = "kit/processes.rs"]
mod processes;

use std::{collections::BTreeMap, time::Duration};

use cable::Cable;
use processes::{Process, free_endpoint};
use zpatterns::{
    Cancel, Context, Deadline, ErrorKind,
    reqrep::{
        Broker, BrokerOptions, Client, ClientOptions, Heartbeat, Job, News, Outcome, Part, Reason, RequestOptions,
        Ticket, Worker, WorkerOptions,
    },
};

const HEARTBEAT: Heartbeat = Heartbeat { interval: Duration::from_millis(100), limit: 3 };
const REQUESTS: u64 = 5_000;

fn watchdog() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

fn options() -> RequestOptions {
    RequestOptions {
        deadline: Duration::from_secs(60),
        patience: Duration::from_secs(60),
        attempts: 10,
        ..Default::default()
    }
}

fn client(context: &Context, endpoints: &[&str]) -> Client {
    let options = ClientOptions { heartbeat: HEARTBEAT, ..ClientOptions::default() };
    Client::connect(context, endpoints, options).expect("a client")
}

fn worker(context: &Context, endpoint: &str, service: &str) -> Worker {
    let options = WorkerOptions { heartbeat: HEARTBEAT, ..WorkerOptions::default() };
    Worker::connect(context, &[endpoint], service, options).expect("a worker")
}

fn broker(context: &Context) -> Broker {
    let options = BrokerOptions { heartbeat: HEARTBEAT, ..BrokerOptions::default() };
    Broker::bind(context, &["tcp://127.0.0.1:0"], options).expect("a broker")
}

/// Asks all, and lets `trouble` happen when half of the replies are there.
fn ask_all(client: &Client, trouble: impl FnOnce()) {
    let ask = |number: u64| {
        let body = vec![number.to_be_bytes().to_vec().into()];
        (client.post("echo", body.clone(), &options()).expect("room"), body)
    };
    let mut open: BTreeMap<Ticket, _> = (0..REQUESTS).map(ask).collect();
    let mut trouble = Some(trouble);
    while !open.is_empty() {
        let (ticket, part) = client.next(&watchdog()).expect("an outcome");
        let asked = open.remove(&ticket).expect("one outcome for each");
        assert_eq!(part, Part::Outcome(Outcome::Reply(asked)));
        if open.len() as u64 <= REQUESTS / 2
            && let Some(trouble) = trouble.take()
        {
            trouble();
        }
    }
    assert!(client.counters().expect("open").balances());
}

#[test]
#[ignore = "a role of the other tests"]
fn role_worker() {
    let options = WorkerOptions { heartbeat: HEARTBEAT, credit: 20, ..WorkerOptions::default() };
    let (context, endpoint) = (Context::new().expect("a context"), processes::argument("ENDPOINT"));
    echo(&Worker::connect(&context, &[&endpoint], "echo", options).expect("a worker"));
}

#[test]
#[ignore = "a role of the other tests"]
fn role_server() {
    let options = WorkerOptions { heartbeat: HEARTBEAT, credit: 20, ..WorkerOptions::default() };
    let (context, endpoint) = (Context::new().expect("a context"), processes::argument("ENDPOINT"));
    echo(&Worker::bind(&context, &endpoint, "echo", options).expect("a worker"));
}

fn echo(worker: &Worker) {
    processes::ready();
    while let Ok(job) = worker.next(&watchdog()) {
        let body = job.body().clone();
        job.reply(body).expect("open");
    }
}

#[test]
#[ignore = "a role of the other tests"]
fn role_broker() {
    let options = BrokerOptions { heartbeat: HEARTBEAT, ..BrokerOptions::default() };
    let context = Context::new().expect("a context");
    let broker = Broker::bind(&context, &[&processes::argument("ENDPOINT")], options).expect("a broker");
    processes::ready();
    let _ = broker.wait(&watchdog());
}

#[test]
fn a_worker_is_killed_and_replaced_and_every_request_is_answered() {
    let context = Context::new().expect("a context");
    let broker = broker(&context);
    let endpoint = broker.endpoints()[0].to_owned();
    let mut workers = vec![Process::start("role_worker", &endpoint)];
    ask_all(&client(&context, &[&endpoint]), || {
        workers.remove(0).kill();
        workers.push(Process::start("role_worker", &endpoint));
    });
    let counters = broker.counters().expect("open");
    assert!(counters.balances() && counters.delivered == REQUESTS, "{counters:?}");
}

#[test]
fn a_worker_is_stopped_and_goes_on_and_every_request_is_answered_once() {
    let context = Context::new().expect("a context");
    let broker = broker(&context);
    let endpoint = broker.endpoints()[0].to_owned();
    let frozen = Process::start("role_worker", &endpoint);
    let mut others = Vec::new();
    ask_all(&client(&context, &[&endpoint]), || {
        frozen.stop();
        others.push(Process::start("role_worker", &endpoint));
    });
    frozen.go_on();
    // It hears that it was given up, and offers itself again.
    while broker.workers().expect("open") < 2 {
        std::thread::yield_now();
    }
    let counters = broker.counters().expect("open");
    assert!(counters.balances() && counters.redelivered > 0, "{counters:?}");
}

#[test]
fn a_broker_is_killed_and_comes_back_and_every_request_is_answered() {
    let endpoint = free_endpoint();
    let context = Context::new().expect("a context");
    let mut brokers = vec![Process::start("role_broker", &endpoint)];
    let _worker = Process::start("role_worker", &endpoint);
    ask_all(&client(&context, &[&endpoint]), || {
        brokers.remove(0).kill();
        brokers.push(Process::start("role_broker", &endpoint));
    });
}

#[test]
fn without_a_broker_another_worker_takes_over() {
    let endpoints = [free_endpoint(), free_endpoint()];
    let context = Context::new().expect("a context");
    let mut workers: Vec<_> = endpoints.iter().map(|endpoint| Process::start("role_server", endpoint)).collect();
    ask_all(&client(&context, &[&endpoints[0], &endpoints[1]]), || workers.remove(0).kill());
}

#[test]
fn connections_are_reset_and_fall_silent_and_every_request_is_answered() {
    let context = Context::new().expect("a context");
    let broker = broker(&context);
    let endpoint = broker.endpoints()[0].to_owned();
    let _worker = Process::start("role_worker", &endpoint);
    for harm in [Cable::reset, Cable::fall_silent] {
        let cable = Cable::to(&endpoint);
        ask_all(&client(&context, &[&cable.endpoint()]), || harm(&cable));
    }
    assert!(broker.counters().expect("open").balances());
}

#[test]
fn a_worker_behind_a_broken_cable_is_replaced_and_comes_back() {
    let context = Context::new().expect("a context");
    let broker = broker(&context);
    let endpoint = broker.endpoints()[0].to_owned();
    let cable = Cable::to(&endpoint);
    let _cut_off = Process::start("role_worker", &cable.endpoint());
    let mut others = Vec::new();
    ask_all(&client(&context, &[&endpoint]), || {
        cable.fall_silent();
        others.push(Process::start("role_worker", &endpoint));
    });
    while broker.workers().expect("open") < 2 {
        std::thread::yield_now();
    }
}

/// A broker, and a worker's job of a client's request.
fn one_job(context: &Context, options: &RequestOptions) -> (Broker, Worker, Client, Ticket, Job) {
    let broker = broker(context);
    let endpoint = broker.endpoints()[0].to_owned();
    let (worker, client) = (worker(context, &endpoint, "slow"), client(context, &[&endpoint]));
    let ticket = client.submit("slow", vec!["question".into()], options).expect("room");
    let job = worker.next(&watchdog()).expect("a job");
    (broker, worker, client, ticket, job)
}

fn failure(client: &Client, ticket: Ticket) -> (ErrorKind, bool) {
    match client.wait(ticket, &watchdog()).expect("an outcome") {
        Part::Outcome(Outcome::Failed(failure)) => (failure.kind, failure.may_have_run),
        other => panic!("{other:?} is no failure"),
    }
}

#[test]
fn who_takes_a_request_back_tells_the_worker() {
    let context = Context::new().expect("a context");
    let (_broker, worker, client, ticket, job) = one_job(&context, &options());
    assert!(!job.is_cancelled());
    client.cancel(ticket).expect("open");
    assert_eq!(failure(&client, ticket), (ErrorKind::Cancelled, true));
    job.wait_cancelled(&watchdog()).expect("it reaches the worker");
    assert!(job.is_cancelled() && job.is_cancelled(), "and stays so");
    job.reply(vec!["too late".into()]).expect("open");
    assert_eq!(client.wait(ticket, &Deadline::now()).expect_err("taken").kind(), ErrorKind::NotFound);
    assert_eq!(worker.counters().expect("open").cancelled, 1);
}

#[test]
fn who_looks_whether_a_job_is_cancelled_takes_nothing_from_who_waits_for_it() {
    let context = Context::new().expect("a context");
    let (_broker, _worker, client, ticket, job) = one_job(&context, &options());
    client.cancel(ticket).expect("open");
    while !job.is_cancelled() {
        std::thread::yield_now();
    }
    job.wait_cancelled(&Deadline::now()).expect("it is still there");
    assert!(job.is_cancelled(), "and stays so");
}

#[test]
fn a_deadline_ends_a_request_and_tells_the_worker() {
    let context = Context::new().expect("a context");
    let short = RequestOptions { deadline: Duration::from_millis(300), ..options() };
    let (_broker, _worker, client, ticket, job) = one_job(&context, &short);
    assert_eq!(failure(&client, ticket), (ErrorKind::Timeout, true));
    job.wait_cancelled(&watchdog()).expect("it reaches the worker");
}

#[test]
fn a_job_may_be_answered_in_parts_refused_or_dropped() {
    let context = Context::new().expect("a context");
    let (broker, worker, client, ticket, job) = one_job(&context, &options());
    job.send_partial(vec!["some".into()]).expect("open");
    job.reply(vec!["rest".into()]).expect("open");
    assert!(matches!(client.wait(ticket, &watchdog()), Ok(Part::Partial { body, .. }) if body == ["some"]));
    assert_eq!(client.wait(ticket, &watchdog()).expect("a reply"), Part::Outcome(Outcome::Reply(vec!["rest".into()])));
    for code in [7, Job::DROPPED] {
        let ticket = client.submit("slow", vec![], &options()).expect("room");
        let job = worker.next(&watchdog()).expect("a job");
        if code == 7 {
            job.fail(code, vec!["no".into()]).expect("open");
        } else {
            drop(job);
        }
        let outcome = client.wait(ticket, &watchdog()).expect("an outcome");
        assert!(matches!(outcome, Part::Outcome(Outcome::Error { code: given, .. }) if given == code), "{outcome:?}");
    }
    let counters = broker.counters().expect("open");
    assert!(counters.balances() && counters.delivered == 3, "{counters:?}");
}

#[test]
fn what_never_ran_is_said_to_have_never_run() {
    let context = Context::new().expect("a context");
    let broker = broker(&context);
    let hasty = RequestOptions { patience: Duration::ZERO, ..options() };
    let short = RequestOptions { deadline: Duration::from_millis(200), ..options() };
    let (nowhere, here) = (free_endpoint(), broker.endpoints()[0].to_owned());
    for (endpoint, options, expected) in [(&here, &hasty, ErrorKind::NotFound), (&nowhere, &short, ErrorKind::Timeout)]
    {
        let outcome = client(&context, &[endpoint]).request("nobody", vec![], options).expect("an outcome");
        let Outcome::Failed(failure) = outcome else { panic!("{outcome:?} is no failure") };
        assert_eq!((failure.kind, failure.may_have_run), (expected, false), "{failure}");
    }
}

#[test]
fn who_leaves_finishes_what_it_has() {
    let context = Context::new().expect("a context");
    let (broker, worker, client, ticket, job) = one_job(&context, &options());
    worker.leave().expect("open");
    let drained = std::thread::spawn({
        let broker = broker.clone();
        move || broker.drain(&watchdog())
    });
    job.reply(vec!["done".into()]).expect("open");
    assert_eq!(client.wait(ticket, &watchdog()).expect("a reply"), Part::Outcome(Outcome::Reply(vec!["done".into()])));
    assert_eq!(worker.next(&watchdog()).expect_err("it left").kind(), ErrorKind::Closed);
    drained.join().expect("ends").expect("drained");
    let outcome = client.request("slow", vec![], &RequestOptions { deadline: Duration::from_secs(1), ..options() });
    assert!(matches!(outcome, Ok(Outcome::Failed(_))), "a broker that drained takes nothing: {outcome:?}");
}

#[test]
fn a_broker_counts_for_each_service_and_each_peer() {
    let context = Context::new().expect("a context");
    let (broker, worker, client, ticket, job) = one_job(&context, &options());
    let [service] = &broker.services().expect("open")[..] else { panic!("one service") };
    assert_eq!((&service.name[..], service.workers, service.counters.held), (&b"slow"[..], 1, 1));
    job.reply(vec!["done".into()]).expect("open");
    client.wait(ticket, &watchdog()).expect("a reply");
    let mut peers = broker.peers().expect("open");
    peers.sort_by_key(|peer| peer.service.is_some());
    let [asker, answerer] = &peers[..] else { panic!("two peers: {peers:?}") };
    assert_eq!((&asker.service, answerer.service.as_deref()), (&None, Some(&b"slow"[..])));
    for peer in [asker, answerer] {
        assert_eq!((peer.requests, peer.answered, peer.failed, peer.held), (1, 1, 0, 0), "{peer:?}");
    }
    worker.close();
    let [service] = &broker.services().expect("open")[..] else { panic!("it is remembered") };
    assert_eq!((service.counters.accepted, service.counters.delivered), (1, 1));
}

#[test]
fn a_broker_tells_who_comes_and_goes_and_what_is_lost() {
    let context = Context::new().expect("a context");
    let broker = broker(&context);
    let endpoint = broker.endpoints()[0].to_owned();
    assert_eq!(broker.next(&Deadline::now()).expect_err("nothing happened").kind(), ErrorKind::Timeout);
    let (worker, client) = (worker(&context, &endpoint, "slow"), client(&context, &[&endpoint]));
    let News::WorkerJoined { worker: number, service } = broker.next(&watchdog()).expect("news") else {
        panic!("a worker came")
    };
    assert_eq!(service, "slow");
    let ticket = client.submit("slow", vec![], &RequestOptions { attempts: 1, ..options() }).expect("room");
    let job = worker.next(&watchdog()).expect("a job");
    worker.close();
    assert_eq!(failure(&client, ticket), (ErrorKind::Unreachable, true));
    let gone = News::WorkerGone { worker: number, service: "slow".into(), held: 1, left: false };
    assert_eq!(broker.next(&watchdog()).expect("news"), gone);
    let lost = News::Lost { service: "slow".into(), reason: Reason::Attempts, requests: 1 };
    assert_eq!(broker.next(&watchdog()).expect("news"), lost);
    drop(job);
    assert!(!broker.arm(), "nothing else happened");
    broker.drain(&watchdog()).expect("nothing is open");
    broker.drain(&Deadline::now()).expect("it stays drained");
    broker.close();
    assert!(broker.arm());
    assert_eq!(broker.next(&watchdog()).expect_err("it has ended").kind(), ErrorKind::Closed);
    broker.wait(&Deadline::now()).expect("it has ended");
}

#[test]
fn an_event_loop_hears_once_that_a_job_is_of_no_more_use() {
    let context = Context::new().expect("a context");
    let (_broker, worker, client, ticket, job) = one_job(&context, &options());
    let (told, heard) = std::sync::mpsc::channel();
    let hook = |name| {
        let told = told.clone();
        Box::new(move || told.send(name).expect("somebody listens"))
    };
    job.set_hook(hook("taken back")).expect("open");
    client.cancel(ticket).expect("open");
    let patience = Duration::from_secs(60);
    assert_eq!(heard.recv_timeout(patience), Ok("taken back"));
    assert!(job.is_cancelled());
    job.set_hook(hook("at once")).expect("open");
    assert_eq!(heard.try_recv(), Ok("at once"));
    job.reply(vec![]).expect("open");
    let ticket = client.submit("slow", vec![], &options()).expect("room");
    let job = worker.next(&watchdog()).expect("a job");
    job.set_hook(hook("answered")).expect("open");
    job.reply(vec![]).expect("open");
    assert_eq!(heard.recv_timeout(patience), Ok("answered"));
    client.wait(ticket, &watchdog()).expect("a reply");
    let ticket = client.submit("slow", vec![], &options()).expect("room");
    let job = worker.next(&watchdog()).expect("a job");
    job.set_hook(hook("closed")).expect("open");
    worker.close();
    assert_eq!(heard.recv_timeout(patience), Ok("closed"));
    assert!(heard.try_recv().is_err(), "each was told once");
    client.forget(ticket);
}

#[test]
fn an_event_loop_hears_once_that_a_broker_is_drained_and_that_it_has_ended() {
    let context = Context::new().expect("a context");
    let (broker, _worker, client, ticket, job) = one_job(&context, &options());
    let (told, heard) = std::sync::mpsc::channel();
    let hook = |name| {
        let told = told.clone();
        Box::new(move || told.send(name).expect("somebody listens"))
    };
    let patience = Duration::from_secs(60);
    broker.set_end_hook(hook("ended")).expect("open");
    assert_eq!(broker.drain(&Deadline::now()).expect_err("a job is open").kind(), ErrorKind::Timeout);
    broker.set_drained_hook(hook("drained")).expect("open");
    assert!(heard.try_recv().is_err(), "a job is open");
    job.reply(vec![]).expect("open");
    client.wait(ticket, &watchdog()).expect("a reply");
    assert_eq!(heard.recv_timeout(patience), Ok("drained"));
    broker.drain(&Deadline::now()).expect("it is drained");
    broker.set_drained_hook(hook("at once")).expect("open");
    assert_eq!(heard.try_recv(), Ok("at once"));
    broker.close();
    assert_eq!(heard.try_recv(), Ok("ended"));
    broker.wait(&Deadline::now()).expect("it has ended");
    assert!(heard.try_recv().is_err(), "each was told once");
}

#[test]
fn what_is_corked_leaves_when_its_handle_closes() {
    let context = Context::new().expect("a context");
    let once = RequestOptions { attempts: 1, ..options() };
    let (_broker, worker, client, ticket, job) = one_job(&context, &once);
    worker.cork();
    job.reply(vec!["answer".into()]).expect("open");
    worker.close();
    let reply = Part::Outcome(Outcome::Reply(vec!["answer".into()]));
    assert_eq!(client.wait(ticket, &watchdog()).expect("an outcome"), reply);
}

#[test]
fn who_gives_up_waiting_learns_whether_it_may_have_run() {
    let context = Context::new().expect("a context");
    let (_broker, worker, client, _, job) = one_job(&context, &options());
    let cancel = Cancel::new().expect("a cancel");
    let asking = std::thread::spawn({
        let (client, deadline) = (client.clone(), Deadline::never().or(&cancel));
        move || client.request_until("slow", vec![], &options(), &deadline)
    });
    job.reply(vec![]).expect("open");
    let job = worker.next(&watchdog()).expect("a job");
    cancel.cancel();
    let outcome = asking.join().expect("ends").expect("an outcome");
    assert!(
        matches!(outcome, Outcome::Failed(failure) if failure.kind == ErrorKind::Cancelled && failure.may_have_run)
    );
    job.wait_cancelled(&watchdog()).expect("it reaches the worker");
}

#[test]
fn a_context_that_is_shut_down_ends_every_wait() {
    let context = Context::new().expect("a context");
    let (broker, worker, client, ticket, job) = one_job(&context, &options());
    context.shutdown();
    let closed = |outcome: zpatterns::Result<()>| assert_eq!(outcome.expect_err("closed").kind(), ErrorKind::Closed);
    broker.wait(&watchdog()).expect("it ended");
    closed(worker.next(&watchdog()).map(drop));
    closed(client.wait(ticket, &watchdog()).map(drop));
    closed(client.next(&watchdog()).map(drop));
    closed(job.wait_cancelled(&watchdog()));
    closed(job.reply(vec![]));
    closed(client.submit("slow", vec![], &options()).map(drop));
}

#[test]
fn mistakes_are_named() {
    let context = Context::new().expect("a context");
    let kind = |error: zpatterns::Error| error.kind();
    let client = client(&context, &["tcp://127.0.0.1:1"]);
    for (service, options) in [
        ("", RequestOptions::default()),
        ("s", RequestOptions { attempts: 0, ..Default::default() }),
        ("s", RequestOptions { once: true, ..Default::default() }),
        ("s", RequestOptions { key: vec![0; 256].into(), ..Default::default() }),
    ] {
        assert_eq!(client.submit(service, vec![], &options).map_err(kind), Err(ErrorKind::InvalidArgument));
    }
    let none: &[&str] = &[];
    assert_eq!(
        Client::connect(&context, none, ClientOptions::default()).map_err(kind).err(),
        Some(ErrorKind::InvalidArgument)
    );
    let wrong = Worker::connect(&context, &["nonsense"], "s", WorkerOptions::default()).map_err(kind).err();
    assert_eq!(wrong, Some(ErrorKind::InvalidEndpoint));
    let broker = broker(&context);
    let taken = Broker::bind(&context, &[broker.endpoints()[0]], BrokerOptions::default()).map_err(kind).err();
    assert_eq!(taken, Some(ErrorKind::AddressInUse));
    client.close();
    assert_eq!(client.submit("s", vec![], &options()).map_err(kind), Err(ErrorKind::Closed));
}
