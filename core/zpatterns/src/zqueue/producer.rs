//! Who pushes jobs.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use zpatterns_engine::{Context, Deadline, Error, ErrorKind, Host, HostOptions, Lane, Result, check_endpoint};
use zpatterns_protocol::{
    machine::Frames,
    zqueue::{self as machine, Ask, Look, ProducerCommand, ProducerEvent, Refusal},
};

use super::{DeadLetter, Heartbeat, JobId, JobOptions, Outcome, Progress, QueueCounters, TreeJob};

/// How a [`Producer`] is set up.
#[derive(Clone, Debug)]
pub struct ProducerOptions {
    /// How a silent queue is noticed.
    pub heartbeat: Heartbeat,
    /// How long a job may take until it is accepted, and a question until it is answered.
    pub patience: Duration,
    /// What it may wait for at once.
    pub max_calls: usize,
    /// Bytes of jobs that are not accepted yet.
    pub max_bytes: usize,
}

impl Default for ProducerOptions {
    /// 30 s; 100,000 calls and 256 MiB.
    fn default() -> Self {
        Self {
            heartbeat: Heartbeat::default(),
            patience: Duration::from_secs(30),
            max_calls: 100_000,
            max_bytes: 256 << 20,
        }
    }
}

/// Pushes jobs, cancels them, and hears what they come to. Clones are the same producer, and threads may share it; it closes when the
/// last one is dropped. Jobs that were accepted are done all the same.
#[derive(Clone)]
pub struct Producer(Arc<Inner>);

struct Inner {
    host: Host<machine::Producer>,
    calls: AtomicU64,
    patience: Duration,
}

impl Producer {
    /// A producer for the queue at this endpoint. It connects in the background; what it pushes waits for that.
    pub fn connect(context: &Context, endpoint: &str, options: ProducerOptions) -> Result<Self> {
        let ProducerOptions { heartbeat, patience, max_calls, max_bytes } = options;
        check_endpoint(endpoint)?;
        let (pace, seed) = (heartbeat.pace()?, crate::host::seed()?);
        let options = machine::ProducerOptions { endpoint: endpoint.to_owned(), pace, max_calls, max_bytes, seed };
        let room = max_calls.saturating_mul(2).max(1024);
        let bounds = HostOptions { max_commands: room, max_events: room };
        let lane_of = |event: &ProducerEvent| match event {
            ProducerEvent::Accepted { id, .. }
            | ProducerEvent::Ended { id, .. }
            | ProducerEvent::Progress { id, .. }
            | ProducerEvent::Refused { id, .. }
            | ProducerEvent::Answer { id, .. } => Lane::Of(*id),
            ProducerEvent::Failed(_) => Lane::Common,
        };
        let host = Host::start_with_lanes(context, machine::Producer::new(options), bounds, lane_of, None)?;
        Ok(Self(Arc::new(Inner { host, calls: AtomicU64::new(1), patience })))
    }

    /// Begins something; a lane is open for what comes of it until the call is dropped.
    fn begin(&self, command: impl FnOnce(u64) -> ProducerCommand) -> Result<Call> {
        let id = self.0.calls.fetch_add(1, Ordering::Relaxed);
        self.0.host.open_lane(id);
        let call = Call { producer: self.clone(), id, over: AtomicBool::new(false) };
        self.0.host.command(command(id))?;
        Ok(call)
    }

    fn push_command(
        &self,
        queue: &str,
        body: Frames,
        options: &JobOptions,
        watch: bool,
        draft: bool,
    ) -> Result<impl FnOnce(u64) -> ProducerCommand + use<>> {
        machine::Producer::check(queue.as_bytes(), options)?;
        let (queue, options, patience) = (Bytes::from(queue.to_owned()), options.clone(), self.0.patience);
        Ok(move |id| ProducerCommand::Push { id, queue, body, options, watch, draft, patience })
    }

    /// Pushes a job, and waits until it is accepted: with a store, until it is on the disk. Its number.
    ///
    /// [`ErrorKind::Full`] if there is no room now, [`ErrorKind::Timeout`] if the queue did not answer; then it may be there all the
    /// same, as the fact `may_be_accepted` says.
    pub fn push(&self, queue: &str, body: Frames, options: &JobOptions, deadline: &Deadline) -> Result<JobId> {
        self.begin(self.push_command(queue, body, options, false, false)?)?.accepted(deadline)
    }

    /// As [`push`](Self::push), several jobs at once, which costs far less than one by one. Their numbers, in the order of `bodies`; the
    /// first error ends it, and those before it are there.
    pub fn push_many(
        &self,
        queue: &str,
        bodies: impl IntoIterator<Item = Frames>,
        options: &JobOptions,
        deadline: &Deadline,
    ) -> Result<Vec<JobId>> {
        self.0.host.cork();
        let push = |body| self.begin(self.push_command(queue, body, options, false, false)?);
        let calls: Result<Vec<Call>> = bodies.into_iter().map(push).collect();
        self.0.host.uncork()?;
        calls?.iter().map(|call| call.accepted(deadline)).collect()
    }

    /// Pushes a job and waits for what it comes to. If `deadline` passes first, [`ErrorKind::Timeout`]; the job goes on.
    pub fn run(&self, queue: &str, body: Frames, options: &JobOptions, deadline: &Deadline) -> Result<Outcome> {
        self.submit(queue, body, options)?.outcome(deadline)
    }

    /// Pushes a job whose outcome is of interest, and goes on: the watch brings it.
    pub fn submit(&self, queue: &str, body: Frames, options: &JobOptions) -> Result<Watch> {
        Ok(Watch(self.begin(self.push_command(queue, body, options, true, false)?)?))
    }

    /// Begins a job that is pushed part by part. Nobody does it before it is [executed](Draft::execute).
    pub fn draft(&self, queue: &str, body: Frames, options: &JobOptions) -> Result<Draft> {
        Ok(Draft(self.begin(self.push_command(queue, body, options, true, true)?)?))
    }

    fn ask(&self, what: Ask) -> Result<Call> {
        let patience = self.0.patience;
        self.begin(move |id| ProducerCommand::Ask { id, what, patience })
    }

    /// Watches a job that is there, or whose outcome is kept; with `progress`, also how far its tree is.
    pub fn watch(&self, job: JobId, progress: bool) -> Result<Watch> {
        self.ask(Ask::Watch { job, progress }).map(Watch)
    }

    /// What a job came to, as soon as it has ended. [`ErrorKind::NotFound`] if the queue knows it not, or no more.
    pub fn result(&self, job: JobId, deadline: &Deadline) -> Result<Outcome> {
        self.watch(job, false)?.outcome(deadline)
    }

    /// Ends a job and all that it spawned. [`ErrorKind::WrongState`] if it has ended, [`ErrorKind::NotFound`] if the queue does not know
    /// it.
    pub fn cancel(&self, job: JobId, deadline: &Deadline) -> Result<()> {
        self.ask(Ask::Cancel { job })?.accepted(deadline).map(drop)
    }

    /// Takes a dead letter, and tries it again as a job of its own. That one's number.
    pub fn requeue(&self, letter: JobId, deadline: &Deadline) -> Result<JobId> {
        self.ask(Ask::Requeue { letter })?.accepted(deadline)
    }

    /// The queues, with what is in them.
    pub fn queues(&self, deadline: &Deadline) -> Result<Vec<QueueCounters>> {
        self.look(Look::Queues, machine::read_queues, deadline).map(|(queues, _)| queues)
    }

    /// A job, and what is below it and has not ended: each right behind the one it is a child of. At most so many; whether there are
    /// more.
    pub fn tree(&self, job: JobId, most: u32, deadline: &Deadline) -> Result<(Vec<TreeJob>, bool)> {
        self.look(Look::Tree { job, most }, machine::read_tree, deadline)
    }

    /// Dead letters, from this number on and at most so many; whether there are more.
    pub fn dead(&self, from: JobId, most: u32, deadline: &Deadline) -> Result<(Vec<DeadLetter>, bool)> {
        self.look(Look::Dead { from, most }, machine::read_letters, deadline)
    }

    fn look<T>(&self, what: Look, read: impl FnOnce(Bytes) -> Option<T>, deadline: &Deadline) -> Result<(T, bool)> {
        match self.ask(Ask::Look(what))?.next(deadline)? {
            ProducerEvent::Answer { more, block, .. } => {
                let malformed =
                    || Error::new(ErrorKind::Unsupported, "the queue answers in a way that is not known here");
                Ok((read(block).ok_or_else(malformed)?, more))
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Closes the producer: every wait ends with [`ErrorKind::Closed`]. What was accepted is done all the same.
    pub fn close(&self) {
        self.0.host.close_after(ProducerCommand::Close);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.host.close_after(ProducerCommand::Close);
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Producer")
    }
}

fn refused(refusal: &Refusal, may_be_done: bool) -> Error {
    let error = Error::new(refusal.kind, refusal.text.clone());
    let error = if may_be_done { error.with("may_be_accepted", true) } else { error };
    if refusal.retry_after.is_zero() { error } else { error.with("retry_after_ms", refusal.retry_after.as_millis()) }
}

fn unexpected(event: &ProducerEvent) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the queue answers in a way that is not known here: {event:?}"))
}

/// Something that was begun.
#[derive(Debug)]
struct Call {
    producer: Producer,
    id: u64,
    /// Nothing more comes of it.
    over: AtomicBool,
}

impl Call {
    fn next(&self, deadline: &Deadline) -> Result<ProducerEvent> {
        match self.producer.0.host.next_in(self.id, deadline)? {
            ProducerEvent::Refused { refusal, may_be_done, .. } => {
                self.note_over();
                Err(refused(&refusal, may_be_done))
            }
            event => {
                if matches!(event, ProducerEvent::Ended { .. } | ProducerEvent::Answer { .. }) {
                    self.note_over();
                }
                Ok(event)
            }
        }
    }

    fn accepted(&self, deadline: &Deadline) -> Result<JobId> {
        match self.next(deadline)? {
            ProducerEvent::Accepted { job, .. } => {
                self.note_over();
                Ok(job)
            }
            other => Err(unexpected(&other)),
        }
    }

    fn note_over(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    fn tell(&self, command: impl FnOnce(u64) -> ProducerCommand) -> Result<()> {
        self.producer.0.host.command(command(self.id))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.over.load(Ordering::Relaxed) {
            // If the producer is closed, there is nothing to forget.
            let _ = self.tell(|id| ProducerCommand::Forget { id });
        }
        self.producer.0.host.close_lane(self.id);
    }
}

/// What comes of a job that is watched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WatchEvent {
    /// It is accepted, and this is its number.
    Accepted(JobId),
    /// Its tree is so far.
    Progress(Progress),
    /// This it came to. Nothing follows.
    Ended(Outcome),
}

/// A job whose outcome is waited for. If it is dropped, the job goes on.
#[derive(Debug)]
pub struct Watch(Call);

impl Watch {
    /// What comes next. [`ErrorKind::Timeout`] if nothing came until `deadline`: watch on. An error of another kind if the job was not
    /// accepted, or is not known.
    pub fn next(&self, deadline: &Deadline) -> Result<WatchEvent> {
        match self.0.next(deadline)? {
            ProducerEvent::Accepted { job, .. } => Ok(WatchEvent::Accepted(job)),
            ProducerEvent::Progress { progress, .. } => Ok(WatchEvent::Progress(progress)),
            ProducerEvent::Ended { outcome, .. } => Ok(WatchEvent::Ended(outcome)),
            other => Err(unexpected(&other)),
        }
    }

    /// What the job comes to.
    pub fn outcome(&self, deadline: &Deadline) -> Result<Outcome> {
        loop {
            if let WatchEvent::Ended(outcome) = self.next(deadline)? {
                return Ok(outcome);
            }
        }
    }
}

/// A job that is pushed part by part. If it is dropped before it is executed, it never was there.
#[derive(Debug)]
pub struct Draft(Call);

impl Draft {
    /// Adds to its body.
    pub fn send_part(&self, body: Frames) -> Result<()> {
        self.0.tell(|id| ProducerCommand::Part { id, body })
    }

    /// It is whole: it is pushed.
    pub fn execute(self) -> Result<Watch> {
        self.0.tell(|id| ProducerCommand::Execute { id })?;
        Ok(Watch(self.0))
    }
}
