//! `zpat zqueue`: the job queue from a shell.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read, Write},
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    thread,
    time::Duration,
};

use clap::Subcommand;
use zpatterns::{
    Cancel, Context, Deadline, ErrorKind,
    zqueue::{
        Child, Failure, Frames, JobId, JobOptions, Outcome as End, Producer, ProducerOptions, Queue, QueueCounters,
        QueueJob, QueueOptions, QueueWorker, QueueWorkerOptions, TreeJob, WatchEvent,
    },
};

use crate::{Outcome, reading::span, shell};

/// Bytes that a variable of a command may have.
const LONGEST: usize = 64 << 10;
/// Jobs of a tree, or dead letters, that are shown at once.
const SHOWN: u32 = 10_000;

#[derive(Subcommand)]
pub(crate) enum ZqueueCommand {
    /// Keep jobs, and give them to workers.
    Serve {
        /// Where producers and workers connect to; may be given several times.
        #[arg(long, value_name = "ENDPOINT", required = true)]
        bind: Vec<String>,
        /// The file of a store, made if it is not there: with it, jobs outlive the queue.
        #[arg(long, value_name = "FILE")]
        store: Option<PathBuf>,
        /// Which job is the next: depth first, fifo, lifo, or by priority.
        #[arg(long, default_value = "depth", value_parser = ["depth", "fifo", "lifo", "priority"])]
        order: String,
    },
    /// Push a job, and print its number.
    Push(PushArguments),
    /// Do jobs with a shell command.
    Work(WorkArguments),
    /// Draw a job and what is below it.
    Tree {
        #[command(flatten)]
        place: Place,
        /// Draw it again every so many seconds, until it has ended.
        #[arg(long, value_name = "SECONDS")]
        every: Option<f64>,
        /// The number of the job.
        job: JobId,
    },
    /// End a job and all that it spawned.
    Cancel {
        #[command(flatten)]
        place: Place,
        /// The number of the job.
        job: JobId,
    },
    /// Show the queues: how many jobs wait, for how long, and how many are done in a second.
    Top {
        #[command(flatten)]
        place: Place,
        /// Seconds from one look to the next.
        #[arg(long, default_value_t = 1.0, value_name = "SECONDS")]
        every: f64,
        /// End after this many looks.
        #[arg(long, value_name = "N")]
        count: Option<u64>,
    },
    /// List jobs that failed and are not tried again.
    Dead {
        #[command(flatten)]
        place: Place,
        /// Try this one again, and print its new number.
        #[arg(long, value_name = "JOB")]
        requeue: Option<JobId>,
    },
}

#[derive(clap::Args)]
pub(crate) struct Place {
    /// The queue.
    #[arg(long, value_name = "ENDPOINT")]
    connect: String,
    /// Seconds to wait for an answer.
    #[arg(long, default_value_t = 30.0, value_name = "SECONDS")]
    patience: f64,
}

#[derive(clap::Args)]
pub(crate) struct PushArguments {
    #[command(flatten)]
    place: Place,
    /// Wait until it has ended, and print what it came to.
    #[arg(long)]
    wait: bool,
    /// Of the jobs of a queue with the same key one is taken.
    #[arg(long, default_value = "")]
    key: String,
    /// In queues by priority the highest comes first: 0 to 255.
    #[arg(long, default_value_t = 0)]
    priority: u8,
    /// Seconds before it is given to a worker.
    #[arg(long, default_value_t = 0.0, value_name = "SECONDS")]
    delay: f64,
    /// How often it may be tried.
    #[arg(long, default_value_t = JobOptions::default().attempts, value_name = "N")]
    attempts: u8,
    /// Seconds for which its outcome is kept.
    #[arg(long, default_value_t = 0.0, value_name = "SECONDS")]
    keep: f64,
    /// The queue in which it waits.
    queue: String,
    /// The frames of the job; without any, the standard input is one.
    body: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct WorkArguments {
    /// Queues; may be given several times.
    #[arg(long, value_name = "ENDPOINT", required = true)]
    connect: Vec<String>,
    /// A shell command for each job: the job's first frame is its input, its output what the job comes to. If it fails, what it wrote to
    /// the standard error and its exit code are told, and the job may be tried again. It is killed when nobody wants the job any
    /// more.
    ///
    /// To spawn children, the command writes a line for each to the file `$ZPAT_SPAWN`: a queue, a tab, and the child's body. When they
    /// are done it is run again, with `$ZPAT_RESUMED` set to 1, its own earlier output in `$ZPAT_MEMO`, and as input a line for each
    /// child with what that came to. `$ZPAT_QUEUE`, `$ZPAT_JOB`, `$ZPAT_BODY` and `$ZPAT_TRIES` tell about the job. Body and memo are
    /// there if they have no more than 64 KiB.
    #[arg(long, value_name = "COMMAND", verbatim_doc_comment)]
    exec: String,
    /// How many jobs at once.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    jobs: u32,
    /// Take jobs of these queues.
    #[arg(required = true)]
    queues: Vec<String>,
}

impl Place {
    fn producer(&self) -> Outcome<Producer> {
        let options = ProducerOptions { patience: span(self.patience)?, ..ProducerOptions::default() };
        Ok(Producer::connect(&Context::new()?, &self.connect, options)?)
    }
}

pub(crate) fn run(command: &ZqueueCommand) -> Outcome {
    let never = Deadline::never();
    match command {
        ZqueueCommand::Serve { bind, store, order } => serve(bind, store.clone(), order),
        ZqueueCommand::Push(arguments) => push(arguments),
        ZqueueCommand::Work(arguments) => work(arguments),
        ZqueueCommand::Tree { place, every, job } => tree(&place.producer()?, *job, *every),
        ZqueueCommand::Cancel { place, job } => Ok(place.producer()?.cancel(*job, &never)?),
        ZqueueCommand::Top { place, every, count } => top(&place.producer()?, span(*every)?, *count),
        ZqueueCommand::Dead { place, requeue: Some(job) } => {
            println!("{}", place.producer()?.requeue(*job, &never)?);
            Ok(())
        }
        ZqueueCommand::Dead { place, requeue: None } => dead(&place.producer()?),
    }
}

fn serve(bind: &[String], store: Option<PathBuf>, order: &str) -> Outcome {
    let order = order.parse()?;
    let bind: Vec<&str> = bind.iter().map(String::as_str).collect();
    let queue = Queue::bind(&Context::new()?, &bind, QueueOptions { store, order, ..QueueOptions::default() })?;
    for endpoint in queue.endpoints() {
        eprintln!("bound to {endpoint}");
    }
    Ok(queue.wait(&Deadline::never())?)
}

fn push(arguments: &PushArguments) -> Outcome {
    let producer = arguments.place.producer()?;
    let options = JobOptions {
        key: arguments.key.clone().into(),
        priority: arguments.priority,
        delay: span(arguments.delay)?,
        attempts: arguments.attempts,
        keep: span(arguments.keep)?,
        ..JobOptions::default()
    };
    let mut body: Frames = arguments.body.iter().map(|frame| frame.clone().into()).collect();
    if body.is_empty() {
        let mut input = Vec::new();
        io::stdin().read_to_end(&mut input)?;
        body.push(input.into());
    }
    let never = Deadline::never();
    if !arguments.wait {
        println!("{}", producer.push(&arguments.queue, body, &options, &never)?);
        return Ok(());
    }
    let watch = producer.submit(&arguments.queue, body, &options)?;
    loop {
        match watch.next(&never)? {
            WatchEvent::Accepted { job, .. } => eprintln!("job {job}"),
            WatchEvent::Progress(_) => {}
            WatchEvent::Ended(End::Done(body)) => {
                let mut out = io::stdout().lock();
                for (index, frame) in body.iter().enumerate() {
                    out.write_all(if index == 0 { b"" } else { b"\t" })?;
                    out.write_all(frame)?;
                }
                return Ok(out.flush()?);
            }
            WatchEvent::Ended(End::Failed(failure)) => return Err(words(&failure).into()),
        }
    }
}

fn words(failure: &Failure) -> String {
    let text = failure.body.first().map_or_else(String::new, |text| String::from_utf8_lossy(text).into_owned());
    match failure.kind {
        ErrorKind::JobFailed => format!("the job failed with code {}: {}", failure.code, text.trim_end()),
        kind => format!("{kind}: {text}"),
    }
}

fn work(arguments: &WorkArguments) -> Outcome {
    let context = Context::new()?;
    let options = QueueWorkerOptions { credit: arguments.jobs, ..QueueWorkerOptions::default() };
    let connect: Vec<&str> = arguments.connect.iter().map(String::as_str).collect();
    let queues: Vec<&str> = arguments.queues.iter().map(String::as_str).collect();
    let worker = QueueWorker::connect(&context, &connect, &queues, options)?;
    thread::scope(|scope| {
        let each = |_| scope.spawn(|| one_by_one(&worker, &arguments.exec));
        let all: Vec<_> = (0..arguments.jobs).map(each).collect();
        all.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread of the worker failed")?)
    })
    .map_err(Into::into)
}

fn one_by_one(worker: &QueueWorker, command: &str) -> Result<(), String> {
    loop {
        let job = match worker.next(&Deadline::never()) {
            Ok(job) => job,
            Err(error) if error.kind() == ErrorKind::Closed => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        match do_job(job, command) {
            Err(error) if error.kind() != ErrorKind::Cancelled => return Err(error.to_string()),
            _ => {}
        }
    }
}

fn do_job(job: QueueJob, command: &str) -> zpatterns::Result<()> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let first = |frames: &Frames| frames.first().map_or_else(String::new, |frame| text(frame));
    // Its name cannot be foreseen, and nobody else may write to it.
    let spawn = tempfile::NamedTempFile::new();
    let Ok(spawn) = &spawn else {
        return job.retry(shell::CANNOT_RUN, vec![b"cannot make a file for what it spawns"[..].into()]);
    };
    let mut names = vec![
        ("ZPAT_QUEUE", text(job.queue())),
        ("ZPAT_JOB", job.id().to_string()),
        ("ZPAT_TRIES", job.tries().to_string()),
        ("ZPAT_SPAWN", spawn.path().display().to_string()),
    ];
    // A longer one no program could be started with.
    let tell = |name, text: String| (text.len() <= LONGEST).then_some((name, text));
    names.extend(tell("ZPAT_BODY", first(job.body())));
    let mut input = job.body().first().map_or_else(Vec::new, |frame| frame.to_vec());
    if let (Some(memo), Some(results)) = (job.memo(), job.results()) {
        names.push(("ZPAT_RESUMED", "1".to_owned()));
        names.extend(tell("ZPAT_MEMO", first(memo)));
        let line = |outcome: &Option<End>| outcome.as_ref().and_then(End::done).map(first).unwrap_or_default();
        input = results.iter().map(|outcome| line(outcome).trim_end().to_owned() + "\n").collect::<String>().into();
    }
    let ran = shell::run(command, &names, &input, |done: &Cancel| job.wait_withdrawn(&Deadline::never().or(done)));
    let wanted = fs::read_to_string(spawn.path()).unwrap_or_default();
    match ran {
        Ok((status, output, _)) if status.success() && wanted.is_empty() => job.complete(vec![output.into()]),
        Ok((status, output, _)) if status.success() => {
            let child = |line: &str| {
                let (queue, body) = line.split_once('\t').unwrap_or((line, ""));
                Child::new(queue, vec![body.to_owned().into()])
            };
            job.spawn(wanted.lines().map(child).collect(), vec![output.into()])
        }
        Ok((status, _, errors)) => match status.signal() {
            Some(signal) => {
                let said = format!("ended by signal {signal}");
                job.retry(shell::SIGNALLED + signal.unsigned_abs(), vec![said.into()])
            }
            None => job.retry(status.code().unwrap_or_default().unsigned_abs(), vec![errors.into()]),
        },
        Err(error) => job.fail(shell::CANNOT_RUN, vec![format!("cannot run the command: {error}").into()]),
    }
}

fn tree(producer: &Producer, job: JobId, every: Option<f64>) -> Outcome {
    let pause = every.map(span).transpose()?;
    let mut drawn = false;
    loop {
        match (producer.tree(job, SHOWN, &Deadline::never()), pause) {
            (Ok((jobs, more)), _) => draw(&jobs, more),
            (Err(error), Some(_)) if error.kind() == ErrorKind::NotFound && drawn => return Ok(()),
            (Err(error), _) => return Err(error.into()),
        }
        drawn = true;
        match pause {
            Some(pause) => thread::sleep(pause),
            None => return Ok(()),
        }
        println!();
    }
}

fn draw(jobs: &[TreeJob], more: bool) {
    for job in jobs {
        let indent = "  ".repeat(job.depth as usize);
        let queue = String::from_utf8_lossy(&job.queue);
        let (open, all) = job.children;
        let children = if all > 0 { format!(", {} of {all} children done", all - open) } else { String::new() };
        println!("{indent}{queue} {} {} for {:.1} s{children}", job.job, job.state.name(), job.since as f64 / 1e3);
    }
    if more {
        println!("...");
    }
}

fn top(producer: &Producer, every: Duration, mut left: Option<u64>) -> Outcome {
    println!(
        "{:<24} {:>9} {:>9} {:>9} {:>8} {:>10} {:>9} {:>12}",
        "queue", "waiting", "oldest s", "running", "workers", "done/s", "lost/s", "bytes"
    );
    let mut before: BTreeMap<String, QueueCounters> = BTreeMap::new();
    loop {
        for queue in producer.queues(&Deadline::never())? {
            let name = String::from_utf8_lossy(&queue.name).into_owned();
            let last = before.insert(name.clone(), queue.clone());
            let rate = |now: u64, of: fn(&QueueCounters) -> u64| {
                last.as_ref().map_or(0.0, |last| now.saturating_sub(of(last)) as f64 / every.as_secs_f64())
            };
            println!(
                "{name:<24} {:>9} {:>9.1} {:>9} {:>8} {:>10.0} {:>9.0} {:>12}",
                queue.waiting,
                queue.oldest as f64 / 1e3,
                queue.running,
                queue.workers,
                rate(queue.delivered, |last| last.delivered),
                rate(queue.lost, |last| last.lost),
                queue.bytes
            );
        }
        left = left.map(|left| left.saturating_sub(1));
        if left == Some(0) {
            return Ok(());
        }
        thread::sleep(every);
    }
}

fn dead(producer: &Producer) -> Outcome {
    let mut from = 0;
    loop {
        let (letters, more) = producer.dead(from, SHOWN, &Deadline::never())?;
        for letter in &letters {
            let (queue, body) =
                (String::from_utf8_lossy(&letter.queue), letter.body.first().cloned().unwrap_or_default());
            println!(
                "{}\t{queue}\t{}\t{}",
                letter.job,
                String::from_utf8_lossy(&body).escape_default(),
                words(&letter.failure)
            );
        }
        match letters.last().filter(|_| more) {
            Some(last) => from = last.job + 1,
            None => return Ok(()),
        }
    }
}
