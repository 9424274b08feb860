//! The job queue on real sockets, and between real processes that are killed.
//!
//! Nothing here asserts how long something took: bounds are asserted in the simulator's time, and here a watchdog ends a
//! test that hangs. A process is this test program again, run for one of its `role_` tests.

#[path = "kit/processes.rs"]
mod processes;

use std::{collections::BTreeMap, path::Path, time::Duration};

use processes::{Process, free_endpoint};
use zpatterns::{
    Context, Deadline, ErrorKind,
    zqueue::{
        Answer, Ask, Child, Found, Frames, Heartbeat, JobOptions, JobState, Look, Outcome, Producer, ProducerOptions,
        Queue, QueueJob, QueueOptions, QueueWorker, QueueWorkerOptions, Reason, WatchEvent,
    },
};

const HEARTBEAT: Heartbeat = Heartbeat { interval: Duration::from_millis(100), limit: 3 };

fn watchdog() -> Deadline {
    Deadline::after(Duration::from_secs(120))
}

fn text(text: &str) -> Frames {
    vec![text.to_owned().into()]
}

fn read(body: &Frames) -> String {
    String::from_utf8_lossy(&body[0]).into_owned()
}

fn options() -> JobOptions {
    JobOptions { attempts: 1, ..JobOptions::default() }
}

fn queue(context: &Context) -> Queue {
    let options = QueueOptions { heartbeat: HEARTBEAT, ..QueueOptions::default() };
    Queue::bind(context, &["tcp://127.0.0.1:0"], options).expect("a queue")
}

fn producer(context: &Context, endpoint: &str) -> Producer {
    let options = ProducerOptions { heartbeat: HEARTBEAT, ..ProducerOptions::default() };
    Producer::connect(context, endpoint, options).expect("a producer")
}

fn worker(context: &Context, endpoint: &str, queues: &[&str]) -> QueueWorker {
    let options = QueueWorkerOptions { heartbeat: HEARTBEAT, credit: 20, ..QueueWorkerOptions::default() };
    QueueWorker::connect(context, &[endpoint], queues, options).expect("a worker")
}

/// A queue, a producer, and a worker for the queue `x`.
fn yard(context: &Context) -> (Queue, Producer, QueueWorker) {
    let queue = queue(context);
    let endpoint = queue.endpoints()[0].to_owned();
    (queue, producer(context, &endpoint), worker(context, &endpoint, &["x"]))
}

/// Counts the leaves of a tree that is `wide` and `deep`: `deep wide`.
fn count(job: QueueJob) -> zpatterns::Result<()> {
    if let Some(results) = job.results() {
        let number = |outcome: &Outcome| read(outcome.done().expect("it was done")).parse::<u64>().expect("a number");
        let sum: u64 = results.iter().flatten().map(number).sum();
        return job.complete(text(&(sum + 1).to_string()));
    }
    let body = read(job.body());
    let (deep, wide) = body.split_once(' ').expect("two numbers");
    let (deep, wide): (u32, u32) = (deep.parse().expect("a number"), wide.parse().expect("a number"));
    if deep == 0 {
        return job.complete(text("1"));
    }
    let child = || Child { options: options(), ..Child::new("count", text(&format!("{} {wide}", deep - 1))) };
    job.spawn((0..wide).map(|_| child()).collect(), vec![])
}

fn work(worker: &QueueWorker) {
    while let Ok(jobs) = worker.next_many(20, &watchdog()) {
        worker.cork();
        // One that was withdrawn is of no more interest.
        jobs.into_iter().for_each(|job| drop(count(job)));
        let _ = worker.uncork();
    }
}

#[test]
#[ignore = "a role of the other tests"]
fn role_worker() {
    let context = Context::new().expect("a context");
    let worker = worker(&context, &processes::argument("ENDPOINT"), &["count"]);
    processes::ready();
    work(&worker);
}

#[test]
#[ignore = "a role of the other tests"]
fn role_queue() {
    let context = Context::new().expect("a context");
    let store = Some(Path::new(&processes::argument("STORE")).to_owned());
    let options = QueueOptions { heartbeat: HEARTBEAT, store, max_lost: 200, ..QueueOptions::default() };
    let queue = Queue::bind(&context, &[&processes::argument("ENDPOINT")], options).expect("a queue");
    processes::ready();
    let _ = queue.wait(&watchdog());
}

/// A tree of 1,111 jobs here; `ZPATTERNS_DEPTH=5` makes it 111,111.
fn depth() -> u32 {
    std::env::var("ZPATTERNS_DEPTH").map_or(3, |depth| depth.parse().expect("a number"))
}

fn all_of(depth: u32) -> u64 {
    (0..=depth).map(|level| 10_u64.pow(level)).sum()
}

#[test]
fn a_tree_comes_to_what_it_should_though_workers_are_killed() {
    let context = Context::new().expect("a context");
    let patient = QueueOptions { heartbeat: HEARTBEAT, max_lost: 200, ..QueueOptions::default() };
    let queue = Queue::bind(&context, &["tcp://127.0.0.1:0"], patient).expect("a queue");
    let endpoint = queue.endpoints()[0].to_owned();
    let mut workers: Vec<Process> = (0..2).map(|_| Process::start("role_worker", &endpoint)).collect();
    let watch =
        producer(&context, &endpoint).submit("count", text(&format!("{} 10", depth())), &options()).expect("open");
    let (mut killed, step) = (0, (all_of(depth()) / 4).min(2000));
    let outcome = loop {
        match watch.next(&Deadline::after(Duration::from_millis(1))) {
            Ok(WatchEvent::Ended(outcome)) => break outcome,
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::Timeout),
        }
        if queue.counters().expect("open").delivered > (killed + 1) * step {
            killed += 1;
            workers.remove(0).kill();
            workers.push(Process::start("role_worker", &endpoint));
        }
    };
    assert_eq!(outcome, Outcome::Done(text(&all_of(depth()).to_string())));
    let counters = queue.counters().expect("open");
    assert!(killed > 0 && counters.balances() && counters.held == 0, "{killed} {counters:?}");
}

#[test]
fn a_stored_tree_comes_to_what_it_should_though_queue_and_workers_are_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (context, endpoint, store) = (Context::new().expect("a context"), free_endpoint(), folder.path().join("store"));
    let place = [("ENDPOINT", endpoint.as_str()), ("STORE", store.to_str().expect("text"))];
    let mut queue = Process::start_with("role_queue", &place);
    let mut worker = Process::start("role_worker", &endpoint);
    let producer = producer(&context, &endpoint);
    let options = JobOptions { keep: Duration::from_secs(600), ..options() };
    let watch = producer.submit("count", text(&format!("{} 10", depth())), &options).expect("open");
    let WatchEvent::Accepted { job, .. } = watch.next(&watchdog()).expect("accepted") else {
        panic!("first it is accepted")
    };
    for step in 1..=3 {
        let done =
            |producer: &Producer| producer.queues(&watchdog()).map_or(0, |all| all.iter().map(|it| it.delivered).sum());
        // The queue counts from its own beginning.
        while done(&producer) < all_of(depth()) / 10
            && producer.result(job, &Deadline::after(Duration::from_millis(1))).is_err()
        {}
        queue.kill();
        if step == 2 {
            worker.kill();
            worker = Process::start("role_worker", &endpoint);
        }
        queue = Process::start_with("role_queue", &place);
    }
    let expected = Outcome::Done(text(&all_of(depth()).to_string()));
    assert_eq!(watch.outcome(&watchdog()).expect("it ends"), expected);
    assert_eq!(producer.result(job, &watchdog()).expect("it is kept"), expected);
    drop((worker, queue));
}

#[test]
fn a_worker_that_freezes_is_fenced() {
    let context = Context::new().expect("a context");
    let queue = queue(&context);
    let endpoint = queue.endpoints()[0].to_owned();
    let (frozen, producer) = (Process::start("role_worker", &endpoint), producer(&context, &endpoint));
    let watch = producer.submit("count", text("3 10"), &options()).expect("open");
    while queue.counters().expect("open").delivered < 10 {
        std::thread::yield_now();
    }
    frozen.stop();
    let other = Process::start("role_worker", &endpoint);
    assert_eq!(watch.outcome(&watchdog()).expect("it ends"), Outcome::Done(text("1111")));
    frozen.go_on();
    // It is a worker like others again.
    while queue.workers().expect("open") < 2 {
        std::thread::yield_now();
    }
    let outcome = producer.run("count", text("2 10"), &options(), &watchdog()).expect("it ends");
    assert_eq!(outcome, Outcome::Done(text("111")));
    assert!(queue.counters().expect("open").balances());
    drop(other);
}

#[test]
fn a_cancel_is_heard_by_who_does_the_job() {
    let context = Context::new().expect("a context");
    let (queue, producer, worker) = yard(&context);
    let watch = producer.submit("x", text("long"), &options()).expect("open");
    let WatchEvent::Accepted { job, .. } = watch.next(&watchdog()).expect("accepted") else {
        panic!("first it is accepted")
    };
    let root = worker.next(&watchdog()).expect("the job");
    assert_eq!((root.id(), root.is_withdrawn(), root.is_resumed()), (job, false, false));
    root.spawn(vec![Child::new("x", text("child"))], text("memo")).expect("open");
    let child = worker.next(&watchdog()).expect("its child");
    let (tree, more) = producer.tree(job, 10, &watchdog()).expect("open");
    let states: Vec<_> = tree.iter().map(|job| (job.depth, job.state)).collect();
    assert_eq!((states, more), (vec![(0, JobState::Suspended), (1, JobState::Running)], false));
    producer.cancel(job, &watchdog()).expect("it is there");
    child.wait_withdrawn(&watchdog()).expect("it hears of it");
    assert_eq!(child.complete(text("late")).expect_err("nobody wants it").kind(), ErrorKind::Cancelled);
    let Outcome::Failed(failure) = watch.outcome(&watchdog()).expect("it ends") else { panic!("it was cancelled") };
    assert_eq!(failure.kind, ErrorKind::Cancelled);
    assert_eq!(producer.cancel(job, &watchdog()).expect_err("it is no more").kind(), ErrorKind::NotFound);
    assert_eq!(producer.tree(job, 10, &watchdog()).expect_err("it is no more").kind(), ErrorKind::NotFound);
    assert_eq!(queue.counters().expect("open").lost[Reason::Cancelled as usize], 2);
}

#[test]
fn what_fails_is_tried_again_and_then_it_is_a_dead_letter_that_can_be_tried_again() {
    let context = Context::new().expect("a context");
    let (_queue, producer, worker) = yard(&context);
    let options = JobOptions { attempts: 2, backoff: Duration::from_millis(1), ..JobOptions::default() };
    let watch = producer.submit("x", text("hard"), &options).expect("open");
    for tries in 0..2 {
        let job = worker.next(&watchdog()).expect("the job");
        assert_eq!(job.tries(), tries);
        job.retry(7, text("not yet")).expect("open");
    }
    let Outcome::Failed(failure) = watch.outcome(&watchdog()).expect("it ends") else { panic!("it failed") };
    assert_eq!((failure.kind, failure.code, failure.body), (ErrorKind::JobFailed, 7, text("not yet")));
    let (dead, more) = producer.dead(0, 10, &watchdog()).expect("open");
    assert_eq!((dead.len(), more, &dead[0].body, dead[0].failure.code), (1, false, &text("hard"), 7));
    let again = producer.requeue(dead[0].job, &watchdog()).expect("it is there");
    assert_eq!(producer.requeue(dead[0].job, &watchdog()).expect_err("it was taken").kind(), ErrorKind::NotFound);
    let job = worker.next(&watchdog()).expect("the job once more");
    assert_eq!((job.id(), job.body()), (again, &text("hard")));
    drop(job);
    let (dead, _) = {
        let job = worker.next(&watchdog()).expect("one that was dropped has failed once");
        job.fail(1, vec![]).expect("open");
        while producer.dead(0, 10, &watchdog()).expect("open").0.is_empty() {}
        producer.dead(0, 10, &watchdog()).expect("open")
    };
    assert_eq!(dead[0].job, again);
}

#[test]
fn many_are_pushed_at_once_and_their_outcomes_kept() {
    let context = Context::new().expect("a context");
    let (queue, producer, worker) = yard(&context);
    let options = JobOptions { keep: Duration::from_secs(60), ..options() };
    let ids = producer
        .push_many("x", (0..1000).map(|number| text(&number.to_string())), &options, &watchdog())
        .expect("room");
    assert_eq!(ids.len(), 1000);
    let mut seen = BTreeMap::new();
    while seen.len() < 1000 {
        for job in worker.next_many(100, &watchdog()).expect("jobs") {
            seen.insert(job.id(), read(job.body()));
            let body = job.body().clone();
            job.complete(body).expect("open");
        }
    }
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(seen[id], number.to_string());
        assert_eq!(producer.result(*id, &watchdog()).expect("kept"), Outcome::Done(text(&number.to_string())));
    }
    assert_eq!(producer.cancel(ids[0], &watchdog()).expect_err("it has ended").kind(), ErrorKind::WrongState);
    let counters = queue.counters().expect("open");
    assert_eq!((counters.accepted, counters.delivered, counters.kept), (1000, 1000, 1000));
    assert_eq!(queue.queues().expect("open")[0].name, "x");
}

#[test]
fn more_jobs_than_a_producer_may_wait_for_are_pushed_one_after_the_other() {
    let context = Context::new().expect("a context");
    let queue = queue(&context);
    let options = ProducerOptions { max_calls: 100, ..ProducerOptions::default() };
    let few = Producer::connect(&context, queue.endpoints()[0], options).expect("a producer");
    let bodies = || (0..5000).map(|number| text(&number.to_string()));
    let ids = few.push_many("x", bodies(), &JobOptions::default(), &watchdog()).expect("room");
    assert_eq!((ids.len(), queue.counters().expect("open").waiting), (5000, 5000));
    let small = QueueOptions { max_jobs: 10, ..QueueOptions::default() };
    let small = Queue::bind(&context, &["tcp://127.0.0.1:0"], small).expect("a queue");
    let producer = producer(&context, small.endpoints()[0]);
    let error = producer.push_many("x", bodies(), &JobOptions::default(), &watchdog()).expect_err("it is full");
    assert_eq!((error.kind(), error.context().last()), (ErrorKind::Full, Some(&("accepted", "10".into()))));
}

#[test]
fn no_answer_is_overlooked() {
    // A message that arrives while others are sent must be seen; no heartbeat helps here, so who overlooks one hangs.
    let heartbeat = Heartbeat { interval: Duration::from_secs(1000), limit: 3 };
    let context = Context::new().expect("a context");
    let options = QueueOptions { heartbeat, ..QueueOptions::default() };
    let queue = Queue::bind(&context, &["tcp://127.0.0.1:0"], options).expect("a queue");
    let elsewhere = Context::new().expect("a context");
    let options = ProducerOptions { heartbeat, ..ProducerOptions::default() };
    let producer = Producer::connect(&elsewhere, queue.endpoints()[0], options).expect("a producer");
    for _ in 0..200 {
        let bodies = (0..1000).map(|_| vec![vec![0; 100].into()]);
        producer.push_many("x", bodies, &JobOptions::default(), &watchdog()).expect("room");
    }
    assert_eq!(queue.counters().expect("open").waiting, 200_000);
}

#[test]
fn what_was_posted_is_told_among_others() {
    let context = Context::new().expect("a context");
    let (_queue, producer, worker) = yard(&context);
    let told = || producer.next(&watchdog()).expect("open");
    let ticket = producer.post("x", text("one"), &options(), true).expect("open");
    let (of, Answer::Job(WatchEvent::Accepted { job: number, known: false })) = told() else { panic!("accepted") };
    assert_eq!(of, ticket);
    let job = worker.next(&watchdog()).expect("a job");
    assert_eq!(job.id(), number);
    let look = producer.post_ask(Ask::Look(Look::Tree { job: number, most: 10 })).expect("open");
    let (of, Answer::Found { found: Found::Tree(tree), more: false }) = told() else { panic!("a tree") };
    assert_eq!((of, tree[0].state), (look, JobState::Running));
    job.complete(text("two")).expect("open");
    assert_eq!(told(), (ticket, Answer::Job(WatchEvent::Ended(Outcome::Done(text("two"))))));
    let gone = producer.post_ask(Ask::Cancel { job: number }).expect("open");
    let (of, Answer::Refused(error)) = told() else { panic!("it has ended") };
    assert_eq!((of, error.kind()), (gone, ErrorKind::NotFound));

    let draft = producer.post_draft("x", text("a"), &options()).expect("open");
    let left = producer.post_draft("x", text("b"), &options()).expect("open");
    producer.forget(left).expect("open");
    producer.send_part(draft, text("c")).expect("open");
    producer.execute(draft).expect("open");
    assert_eq!(told().0, draft);
    let job = worker.next(&watchdog()).expect("a job");
    assert_eq!(job.body(), &[text("a"), text("c")].concat());
    let (sender, hooked) = std::sync::mpsc::channel();
    job.set_hook(Box::new(move || sender.send(()).expect("somebody waits"))).expect("open");
    producer.forget(draft).expect("open");
    let number = job.id();
    producer.cancel(number, &watchdog()).expect("it is there");
    hooked.recv_timeout(Duration::from_secs(120)).expect("it is withdrawn");
    assert!(job.is_withdrawn());
    assert_eq!(producer.next(&Deadline::now()).expect_err("it was forgotten").kind(), ErrorKind::Timeout);
}

#[test]
fn a_job_in_parts_is_done_when_it_is_whole_and_one_with_a_key_once() {
    let context = Context::new().expect("a context");
    let (queue, producer, worker) = yard(&context);
    let draft = producer.draft("x", text("one"), &options()).expect("open");
    draft.send_part(text("two")).expect("open");
    let left = producer.draft("x", text("never"), &options()).expect("open");
    drop(left);
    let keyed = JobOptions { key: "once".into(), ..options() };
    let first = producer.push("x", text("keyed"), &keyed, &watchdog()).expect("room");
    assert_eq!(producer.push("x", text("keyed too"), &keyed, &watchdog()).expect("known"), first);
    let job = worker.next(&watchdog()).expect("the one with a key");
    assert_eq!(job.id(), first);
    job.complete(vec![]).expect("open");
    let watch = draft.execute().expect("open");
    let job = worker.next(&watchdog()).expect("the one in parts");
    assert_eq!(job.body(), &[text("one"), text("two")].concat());
    job.complete(text("three")).expect("open");
    assert_eq!(watch.outcome(&watchdog()).expect("it ends"), Outcome::Done(text("three")));
    let counters = queue.counters().expect("open");
    assert_eq!((counters.accepted, counters.duplicates, counters.held), (2, 1, 0));
}

#[test]
fn a_dead_letter_is_not_tried_again_beside_another_of_its_key() {
    let context = Context::new().expect("a context");
    let (_queue, producer, worker) = yard(&context);
    let keyed = JobOptions { key: "once".into(), ..options() };
    let dead = producer.push("x", text("first"), &keyed, &watchdog()).expect("room");
    worker.next(&watchdog()).expect("the job").fail(1, vec![]).expect("open");
    while producer.dead(0, 10, &watchdog()).expect("open").0.is_empty() {}
    let other = producer.push("x", text("second"), &keyed, &watchdog()).expect("room");
    assert_eq!(producer.requeue(dead, &watchdog()).expect_err("the other is there").kind(), ErrorKind::WrongState);
    let job = worker.next(&watchdog()).expect("the other");
    assert_eq!(job.id(), other);
    job.complete(vec![]).expect("open");
    while producer.requeue(dead, &watchdog()).is_err() {}
}

#[test]
fn who_leaves_finishes_what_it_has_and_a_queue_that_drains_everything() {
    let context = Context::new().expect("a context");
    let (queue, producer, worker) = yard(&context);
    let id = producer.push("x", text("last"), &options(), &watchdog()).expect("room");
    let job = worker.next(&watchdog()).expect("the job");
    assert_eq!(job.id(), id);
    worker.leave().expect("open");
    assert_eq!(
        queue.drain(&Deadline::after(Duration::from_millis(1))).expect_err("it is there").kind(),
        ErrorKind::Timeout
    );
    assert_eq!(
        producer.push("x", text("late"), &options(), &watchdog()).expect_err("it drains").kind(),
        ErrorKind::Closed
    );
    job.complete(vec![]).expect("open");
    queue.drain(&watchdog()).expect("nothing is left");
    assert_eq!(worker.next(&watchdog()).expect_err("it has left").kind(), ErrorKind::Closed);
}

#[test]
fn a_context_that_is_shut_down_ends_every_wait() {
    let context = Context::new().expect("a context");
    let (queue, producer, worker) = yard(&context);
    let watch = producer.submit("x", text("x"), &options()).expect("open");
    let job = worker.next(&watchdog()).expect("the job");
    context.shutdown();
    queue.wait(&watchdog()).expect("it ended");
    let closed = |kind: Option<ErrorKind>| assert_eq!(kind, Some(ErrorKind::Closed));
    closed(worker.next(&watchdog()).err().map(|error| error.kind()));
    closed(watch.outcome(&watchdog()).err().map(|error| error.kind()));
    closed(job.wait_withdrawn(&watchdog()).err().map(|error| error.kind()));
    closed(job.complete(vec![]).err().map(|error| error.kind()));
    closed(producer.push("x", vec![], &options(), &watchdog()).err().map(|error| error.kind()));
}

#[test]
fn mistakes_are_named() {
    let context = Context::new().expect("a context");
    let producer = producer(&context, "tcp://127.0.0.1:1");
    let push = |queue: &str, options: JobOptions| {
        producer.push(queue, vec![], &options, &Deadline::now()).expect_err("a mistake").kind()
    };
    assert_eq!(push("", options()), ErrorKind::InvalidArgument);
    assert_eq!(push("x", JobOptions { attempts: 0, ..options() }), ErrorKind::InvalidArgument);
    assert_eq!(push("x", JobOptions { key: vec![0; 256].into(), ..options() }), ErrorKind::InvalidArgument);
    assert_eq!(push("x", options()), ErrorKind::Timeout);
    let options = QueueWorkerOptions { credit: 0, ..QueueWorkerOptions::default() };
    let error = QueueWorker::connect(&context, &["tcp://127.0.0.1:1"], &["x"], options).expect_err("no credit");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let error = Queue::bind(&context, &[], QueueOptions::default()).expect_err("nowhere");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}
