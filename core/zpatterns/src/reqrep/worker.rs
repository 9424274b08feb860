//! The side that answers.

use std::{
    fmt,
    os::fd::BorrowedFd,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use zpatterns_engine::{Context, Deadline, Error, ErrorKind, Hook, Host, HostOptions, Lane, Result, check_endpoint};
use zpatterns_protocol::{
    machine::Frames,
    reqrep::{self as machine, WorkerCommand, WorkerEvent},
};

use super::{Heartbeat, WorkerCounters};

/// How a [`Worker`] is set up.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// How a silent broker is noticed.
    pub heartbeat: Heartbeat,
    /// How many jobs it takes at once from each broker or client; the first is being done, the others are at hand.
    pub credit: u32,
    /// How many jobs it holds at once in all.
    pub max_jobs: usize,
    /// How many clients may connect to a worker that binds.
    pub max_clients: usize,
}

impl Default for WorkerOptions {
    /// One job at a time, at most 16,384 in all, and 10,000 clients.
    fn default() -> Self {
        Self { heartbeat: Heartbeat::default(), credit: 1, max_jobs: 16_384, max_clients: 10_000 }
    }
}

/// Answers. Clones are the same worker, and threads may share it; it closes when the last one and the last job are
/// dropped.
#[derive(Clone)]
pub struct Worker(Arc<Inner>);

struct Inner {
    host: Host<machine::Worker>,
    endpoint: OnceLock<String>,
    started: Instant,
}

impl Worker {
    /// A worker of these brokers, for a service with a name of 1 to 255 bytes. It connects in the background.
    pub fn connect(context: &Context, endpoints: &[&str], service: &str, options: WorkerOptions) -> Result<Self> {
        if endpoints.is_empty() {
            return Err(Error::new(ErrorKind::InvalidArgument, "a worker connects to at least one broker"));
        }
        for endpoint in endpoints {
            check_endpoint(endpoint)?;
        }
        Self::start(context, endpoints, None, service, options)
    }

    /// A worker that is its own server: clients connect to it.
    pub fn bind(context: &Context, endpoint: &str, service: &str, options: WorkerOptions) -> Result<Self> {
        check_endpoint(endpoint)?;
        let worker = Self::start(context, &[], Some(endpoint.to_owned()), service, options)?;
        match crate::host::first_event(&worker.0.host)? {
            WorkerEvent::Bound { endpoint } => worker.0.endpoint.set(endpoint).expect("it is bound once"),
            WorkerEvent::Failed(error) => return Err(error),
            other => unreachable!("a worker first tells where it is bound, not {other:?}"),
        }
        Ok(worker)
    }

    fn start(
        context: &Context,
        connect: &[&str],
        bind: Option<String>,
        service: &str,
        options: WorkerOptions,
    ) -> Result<Self> {
        let WorkerOptions { heartbeat, credit, max_jobs, max_clients } = options;
        let options = machine::WorkerOptions {
            service: service.to_owned().into(),
            connect: connect.iter().map(|endpoint| (*endpoint).to_owned()).collect(),
            bind,
            credit,
            max_jobs,
            max_clients,
            pace: heartbeat.pace()?,
            seed: crate::host::seed()?,
        };
        options.check()?;
        let room = max_jobs.saturating_mul(2).max(1024);
        let bounds = HostOptions { max_commands: room, max_events: room, ..HostOptions::default() };
        let started = Instant::now();
        let lane_of = |event: &WorkerEvent| match event {
            WorkerEvent::Job(job) => Lane::Opens(job.id),
            WorkerEvent::Cancelled { job } => Lane::Of(*job),
            _ => Lane::Common,
        };
        let host = Host::start_with_lanes(context, machine::Worker::new(options), bounds, lane_of, None)?;
        Ok(Self(Arc::new(Inner { host, endpoint: OnceLock::new(), started })))
    }

    /// Where clients reach a worker that binds, with the port that the system chose.
    pub fn endpoint(&self) -> Option<&str> {
        self.0.endpoint.get().map(String::as_str)
    }

    /// The next job. [`ErrorKind::Timeout`] if none came until `deadline`, [`ErrorKind::Closed`] after
    /// [`leave`](Self::leave) when all is done.
    ///
    /// [`ErrorKind::PermissionDenied`], or another error, if no broker is left that it could work for: that is said again with every call.
    pub fn next(&self, deadline: &Deadline) -> Result<Job> {
        loop {
            if let Some(job) = self.job(self.0.host.next(deadline)?)? {
                return Ok(job);
            }
        }
    }

    /// As [`next`](Self::next), with those that are there besides, up to `most` in all.
    pub fn next_many(&self, most: usize, deadline: &Deadline) -> Result<Vec<Job>> {
        loop {
            let mut jobs = Vec::new();
            for event in self.0.host.next_many(most, deadline)? {
                match self.job(event) {
                    Ok(job) => jobs.extend(job),
                    // The worker has ended; what it had is done first, and then it is said.
                    Err(_) if !jobs.is_empty() => break,
                    Err(error) => return Err(error),
                }
            }
            if !jobs.is_empty() {
                return Ok(jobs);
            }
        }
    }

    fn job(&self, event: WorkerEvent) -> Result<Option<Job>> {
        match event {
            WorkerEvent::Job(job) => {
                let machine::Job { id, service, key, body, deadline } = job;
                let deadline = self.0.started + Duration::from_nanos(deadline.as_nanos());
                let (worker, cancelled) = (self.clone(), AtomicBool::new(false));
                Ok(Some(Job { worker, id, service, key, body, deadline, cancelled, done: false }))
            }
            WorkerEvent::Left => {
                self.close();
                Err(Error::new(ErrorKind::Closed, "the worker has left"))
            }
            WorkerEvent::Failed(error) => {
                self.0.host.close_because(error.clone());
                Err(error)
            }
            // A job that was dropped is of no more interest.
            WorkerEvent::Cancelled { .. } | WorkerEvent::Bound { .. } => Ok(None),
        }
    }

    /// Answers several jobs of this worker at once, which costs less than one by one.
    ///
    /// [`ErrorKind::InvalidArgument`] if one of them is another worker's; then all are dropped without an answer.
    pub fn answer_many(&self, answers: impl IntoIterator<Item = (Job, Answer)>) -> Result<()> {
        let (mut jobs, mut commands) = (Vec::new(), Vec::new());
        for (job, answer) in answers {
            if !Arc::ptr_eq(&job.worker.0, &self.0) {
                return Err(Error::new(ErrorKind::InvalidArgument, "the job is another worker's"));
            }
            commands.push(answer.command(job.id));
            jobs.push(job);
        }
        self.0.host.commands(commands)?;
        jobs.iter_mut().for_each(Job::note_done);
        Ok(())
    }

    /// Takes no more jobs. Those that are here are done; then [`next`](Self::next) ends with [`ErrorKind::Closed`].
    pub fn leave(&self) -> Result<()> {
        self.0.host.command(WorkerCommand::Leave)
    }

    /// Keeps answers back that are made from now on, to send them together with [`uncork`](Self::uncork), which costs less
    /// than one by one; they leave earlier if there are many, or something else is to be sent. Corks are counted, and each is
    /// to be taken away soon: deadlines run.
    pub fn cork(&self) {
        self.0.host.cork();
    }

    /// Undoes one [`cork`](Self::cork).
    pub fn uncork(&self) -> Result<()> {
        self.0.host.uncork()
    }

    /// Asks for one notice when [`next`](Self::next) has something; true if it has already.
    pub fn arm(&self) -> bool {
        self.0.host.arm()
    }

    /// Readable after [`arm`](Self::arm) when [`next`](Self::next) has something.
    pub fn ready_fd(&self) -> BorrowedFd<'_> {
        self.0.host.ready_fd()
    }

    /// Sets what is called instead of making [`ready_fd`](Self::ready_fd) readable. It returns at once and does not call
    /// back into the worker.
    pub fn set_hook(&self, hook: Option<Hook>) {
        self.0.host.set_hook(hook);
    }

    /// What it did so far.
    pub fn counters(&self) -> Result<WorkerCounters> {
        self.0.host.with(machine::Worker::counters)
    }

    /// Closes the worker where it is. Jobs that are here are given to others.
    pub fn close(&self) {
        self.0.host.close_after(WorkerCommand::Close);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.host.close_after(WorkerCommand::Close);
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Worker")
    }
}

/// How a job ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It is done: the answer, or the rest of it.
    Reply(Frames),
    /// It cannot be done.
    Error {
        /// A code of the program's own.
        code: u32,
        /// Words and data of its own.
        body: Frames,
    },
}

impl Answer {
    fn command(self, job: u64) -> WorkerCommand {
        match self {
            Self::Reply(body) => WorkerCommand::Reply { job, body },
            Self::Error { code, body } => WorkerCommand::Error { job, code, body },
        }
    }
}

/// A request to be answered. One that is dropped without an answer ends with the error code [`Job::DROPPED`].
#[derive(Debug)]
pub struct Job {
    worker: Worker,
    id: u64,
    service: Bytes,
    key: Bytes,
    body: Frames,
    deadline: Instant,
    cancelled: AtomicBool,
    done: bool,
}

impl Job {
    /// The error code of a job that was dropped without an answer.
    pub const DROPPED: u32 = u32::MAX;

    /// What is asked for.
    pub fn service(&self) -> &[u8] {
        &self.service
    }

    /// The key of the request; may be empty.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The question.
    pub fn body(&self) -> &Frames {
        &self.body
    }

    /// When the answer is of no more use.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether nobody waits for the answer any more.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst) || self.worker.0.host.has_in(self.id)
    }

    /// Waits until nobody waits for the answer any more. [`ErrorKind::Timeout`] if that is not so by `deadline`.
    pub fn wait_cancelled(&self, deadline: &Deadline) -> Result<()> {
        if !self.cancelled.load(Ordering::SeqCst) {
            self.worker.0.host.next_in(self.id, deadline)?;
            self.cancelled.store(true, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Sets what is called once, as soon as nobody waits for the answer any more, or the job or the worker has come to its end:
    /// for event loops, which then look whether it [is cancelled](Self::is_cancelled). It returns at once and does not call
    /// back into the worker.
    pub fn set_hook(&self, hook: Hook) -> Result<()> {
        if self.cancelled.load(Ordering::SeqCst) {
            hook();
            return Ok(());
        }
        self.worker.0.host.set_lane_hook(self.id, hook)
    }

    /// Sends some of the answer.
    pub fn send_partial(&self, body: Frames) -> Result<()> {
        self.worker.0.host.command(WorkerCommand::Partial { job: self.id, body })
    }

    /// Answers, or sends the rest of the answer.
    pub fn reply(mut self, body: Frames) -> Result<()> {
        self.finish(Answer::Reply(body))
    }

    /// Says that it cannot be done, with a code and words of the program's own.
    pub fn fail(mut self, code: u32, body: Frames) -> Result<()> {
        self.finish(Answer::Error { code, body })
    }

    fn finish(&mut self, answer: Answer) -> Result<()> {
        self.worker.0.host.command(answer.command(self.id))?;
        self.note_done();
        Ok(())
    }

    fn note_done(&mut self) {
        self.done = true;
        self.worker.0.host.close_lane(self.id);
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if !self.done {
            let body = vec![Bytes::from_static(b"the job was dropped without an answer")];
            // If the worker is closed, others do the job.
            let _ = self.finish(Answer::Error { code: Self::DROPPED, body });
            self.worker.0.host.close_lane(self.id);
        }
    }
}
