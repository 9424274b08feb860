//! The roles of a job queue: who keeps jobs, who does them, who pushes them.
//!
//! A job begins with how many generations are to come below it. One worker serves every measurement with that: a job that is to
//! have none is done at once, any other breaks into ten and comes to how many there were. The queue is a process of its own.

use std::time::{Duration, Instant};

use zpatterns::{
    Context, Deadline, Error, ErrorKind, Result,
    zqueue::{
        Child, Frames, JobOptions, Outcome, Producer, ProducerOptions, Queue, QueueJob, QueueOptions, QueueWorker,
        QueueWorkerOptions,
    },
};

use crate::{Clock, say};

const QUEUE: &str = "bench";
/// Children of a job that breaks.
const WIDTH: u64 = 10;
/// Jobs at hand of a worker; more do not make it faster.
const CREDIT: u32 = 1000;
/// Jobs that wait where few wait, and in each probe of what one more costs.
const FEW: usize = 1000;
/// Probes of one kind: enough for a median.
const PROBES: usize = 15;
/// A worker that has few at hand leaves the others where they wait.
const PROBE_CREDIT: u32 = 100;

/// What a role is told.
pub(crate) struct Load {
    pub(crate) size: usize,
    pub(crate) count: usize,
    /// Generations below the root of a tree, or where a queue stores jobs.
    pub(crate) more: Option<String>,
}

/// Plays `role` to its end; who measures gives a line. `None` if there is no such role.
pub(crate) fn play(role: &str, endpoint: &str, load: &Load) -> Option<Result<String>> {
    Some(match role {
        "queue" => queue(endpoint, load),
        "worker" => work(endpoint),
        "flat" => flat(endpoint, load),
        "tree" => trees(endpoint, load),
        "resume" => resume(endpoint, load),
        "waiting" => waiting(endpoint, load),
        _ => return None,
    })
}

fn queue(endpoint: &str, load: &Load) -> Result<String> {
    let options = QueueOptions { store: load.more.clone().map(Into::into), ..QueueOptions::default() };
    let queue = Queue::bind(&Context::new()?, &[endpoint], options)?;
    say(&format!("endpoint {}", queue.endpoints()[0]));
    queue.wait(&Deadline::never())?;
    Ok(String::new())
}

fn worker(endpoint: &str, credit: u32) -> Result<QueueWorker> {
    let options = QueueWorkerOptions { credit, ..QueueWorkerOptions::default() };
    QueueWorker::connect(&Context::new()?, &[endpoint], &[QUEUE], options)
}

fn producer(endpoint: &str) -> Result<Producer> {
    Producer::connect(&Context::new()?, endpoint, ProducerOptions::default())
}

fn work(endpoint: &str) -> Result<String> {
    let worker = worker(endpoint, CREDIT)?;
    say("ready");
    loop {
        let jobs = worker.next_many(CREDIT as usize, &Deadline::never())?;
        worker.cork();
        let done = jobs.into_iter().try_for_each(advance);
        worker.uncork()?;
        done?;
    }
}

/// Takes a job one step further.
fn advance(job: QueueJob) -> Result<()> {
    if let Some(results) = job.results() {
        let sizes = results.iter().map(|result| jobs_in(result.as_ref().expect("its parent fails with it")));
        let all = sizes.sum::<Result<u64>>()? + 1;
        return job.complete(number(all));
    }
    let body = &job.body()[0];
    match body[0] {
        0 => job.complete(number(1)),
        below => {
            let child = Child::new(QUEUE, self::body(body.len(), below - 1));
            job.spawn(vec![child; WIDTH as usize], vec![])
        }
    }
}

/// How many jobs a tree came to.
fn jobs_in(outcome: &Outcome) -> Result<u64> {
    let number = outcome.done().and_then(|body| body.first()?.first_chunk().copied());
    number.map(u64::from_le_bytes).ok_or_else(|| wrong(&format!("a job came to {outcome:?}")))
}

fn number(number: u64) -> Frames {
    vec![number.to_le_bytes().to_vec().into()]
}

fn body(size: usize, below: u8) -> Frames {
    let mut body = vec![b'x'; size];
    body[0] = below;
    vec![body.into()]
}

/// Pushes jobs that are done at once, until all are.
fn flat(endpoint: &str, load: &Load) -> Result<String> {
    let producer = producer(endpoint)?;
    push_and_wait(&producer, load.size, load.count / 10)?;
    say("warm");
    let clock = Clock::start();
    push_and_wait(&producer, load.size, load.count)?;
    let line = clock.line(load.count);
    let done = producer.queues(&patience())?[0].delivered;
    let pushed = (load.count / 10 + load.count) as u64;
    if done == pushed { Ok(line) } else { Err(wrong(&format!("of {pushed} jobs {done} were done"))) }
}

/// There is one worker, which does jobs as they come: when the last is done all are, with a store on the disk.
fn push_and_wait(producer: &Producer, size: usize, count: usize) -> Result<()> {
    push(producer, size, count - 1)?;
    run(producer, body(size, 0)).map(drop)
}

fn push(producer: &Producer, size: usize, count: usize) -> Result<()> {
    let body = body(size, 0);
    producer.push_many(QUEUE, (0..count).map(|_| body.clone()), &JobOptions::default(), &patience()).map(drop)
}

/// Pushes a job, and waits until its tree has ended; how large that was.
fn run(producer: &Producer, body: Frames) -> Result<u64> {
    jobs_in(&producer.run(QUEUE, body, &JobOptions::default(), &patience())?)
}

/// One tree after the other, until there were as many jobs.
fn trees(endpoint: &str, load: &Load) -> Result<String> {
    let depth: u8 = load.more.as_deref().and_then(|depth| depth.parse().ok()).ok_or_else(|| wrong("no depth"))?;
    let jobs: u64 = (0..=u32::from(depth)).map(|generation| WIDTH.pow(generation)).sum();
    let producer = producer(endpoint)?;
    let grow = |trees: usize| -> Result<()> {
        for _ in 0..trees {
            let grown = run(&producer, body(load.size, depth))?;
            if grown != jobs {
                return Err(wrong(&format!("a tree of {jobs} jobs came to {grown}")));
            }
        }
        Ok(())
    };
    let trees = (load.count / jobs as usize).max(1);
    grow(trees.div_ceil(10))?;
    say("warm");
    let clock = Clock::start();
    grow(trees)?;
    Ok(clock.line(trees * jobs as usize))
}

/// How long it takes from when a job breaks into one child until it goes on, again and again. The worker is in this process, where
/// the clock is.
fn resume(endpoint: &str, load: &Load) -> Result<String> {
    let (producer, worker) = (producer(endpoint)?, worker(endpoint, 1)?);
    let mut clock = Clock::start();
    let (warm, mut micros) = (load.count / 10, Vec::with_capacity(load.count));
    for tree in 0..warm + load.count {
        if tree == warm {
            say("warm");
            clock = Clock::start();
        }
        let root = producer.submit(QUEUE, body(load.size, 1), &JobOptions::default())?;
        let job = worker.next(&patience())?;
        let spawned = Instant::now();
        job.spawn(vec![Child::new(QUEUE, body(load.size, 0))], vec![])?;
        worker.next(&patience())?.complete(number(1))?;
        let job = worker.next(&patience())?;
        let took = spawned.elapsed();
        if !job.is_resumed() {
            return Err(wrong("a parent did not go on after its child"));
        }
        job.complete(number(2))?;
        jobs_in(&root.outcome(&patience())?)?;
        if tree >= warm {
            micros.push(took.as_secs_f64() * 1e6);
        }
    }
    Ok(clock.line_with(&micros))
}

/// What a push and a take cost while few jobs wait and while many do. From `warm` to `full` nothing happens but that they become many.
fn waiting(endpoint: &str, load: &Load) -> Result<String> {
    let producer = producer(endpoint)?;
    push(&producer, load.size, FEW)?;
    let few = probe(endpoint, &producer, load.size)?;
    say("warm");
    let clock = Clock::start();
    push(&producer, load.size, load.count - FEW)?;
    let figures = clock.figures(load.count - FEW);
    say("full");
    let many = probe(endpoint, &producer, load.size)?;
    let told = |at: usize| format!("[{:?}, {:?}]", few[at], many[at]);
    Ok(format!("{{{figures}, \"push_us\": {}, \"take_us\": {}}}", told(0), told(1)))
}

/// What a push and a take cost now, in microseconds per job; what waits stays as much.
fn probe(endpoint: &str, producer: &Producer, size: usize) -> Result<[Vec<f64>; 2]> {
    let worker = worker(endpoint, PROBE_CREDIT)?;
    let mut costs = [vec![], vec![]];
    for _ in 0..PROBES {
        let began = Instant::now();
        push(producer, size, FEW)?;
        costs[0].push(per_job(began.elapsed()));
        let began = Instant::now();
        take(&worker, FEW)?;
        costs[1].push(per_job(began.elapsed()));
    }
    // What it has at hand goes back.
    worker.close();
    Ok(costs)
}

fn take(worker: &QueueWorker, count: usize) -> Result<()> {
    let mut left = count;
    while left > 0 {
        let jobs = worker.next_many(left.min(PROBE_CREDIT as usize), &patience())?;
        left -= jobs.len();
        worker.cork();
        let done = jobs.into_iter().try_for_each(|job| job.complete(vec![]));
        worker.uncork()?;
        done?;
    }
    Ok(())
}

fn per_job(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6 / FEW as f64
}

/// Longer than any of it takes.
fn patience() -> Deadline {
    Deadline::after(Duration::from_secs(100))
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::WrongState, what.to_owned())
}
