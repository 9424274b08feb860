//! Who does jobs.

use std::{
    fmt,
    os::fd::BorrowedFd,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use zpatterns_engine::{Context, Deadline, Error, ErrorKind, Hook, Host, HostOptions, Lane, Result, check_endpoint};
use zpatterns_protocol::{
    machine::Frames,
    zqueue::{self as machine, WorkerCommand, WorkerEvent, WorkerJob},
};

use super::{Child, ChildOutcome, Heartbeat, JobId, WorkerCounters};

/// How a [`QueueWorker`] is set up.
#[derive(Clone, Debug)]
pub struct QueueWorkerOptions {
    /// How a silent queue is noticed.
    pub heartbeat: Heartbeat,
    /// How many jobs it has at once of each queue that it is connected to; the first is being done, the others are at hand.
    pub credit: u32,
    /// Bytes of what a queue has not taken.
    pub max_bytes: usize,
}

impl Default for QueueWorkerOptions {
    /// One job at a time, 256 MiB.
    fn default() -> Self {
        Self { heartbeat: Heartbeat::default(), credit: 1, max_bytes: 256 << 20 }
    }
}

/// Does jobs. Clones are the same worker, and threads may share it; it closes when the last one and the last job are dropped.
#[derive(Clone)]
pub struct QueueWorker(Arc<Inner>);

struct Inner {
    host: Host<machine::Worker>,
}

impl QueueWorker {
    /// A worker that takes jobs of these names from the queues at these endpoints. It connects in the background.
    pub fn connect(
        context: &Context,
        endpoints: &[&str],
        queues: &[&str],
        options: QueueWorkerOptions,
    ) -> Result<Self> {
        if endpoints.is_empty() {
            return Err(Error::new(ErrorKind::InvalidArgument, "a worker connects to at least one queue"));
        }
        for endpoint in endpoints {
            check_endpoint(endpoint)?;
        }
        let QueueWorkerOptions { heartbeat, credit, max_bytes } = options;
        let options = machine::WorkerOptions {
            connect: endpoints.iter().map(|endpoint| (*endpoint).to_owned()).collect(),
            queues: queues.iter().map(|name| Bytes::from((*name).to_owned())).collect(),
            credit,
            pace: heartbeat.pace()?,
            max_bytes,
            seed: crate::host::seed()?,
        };
        options.check()?;
        let room = (credit as usize).saturating_mul(2 * endpoints.len()).max(1024);
        let bounds = HostOptions { max_commands: room, max_events: room, ..HostOptions::default() };
        let lane_of = |event: &WorkerEvent| match event {
            WorkerEvent::Job(job) => Lane::Opens(job.ticket),
            WorkerEvent::Withdrawn { id } => Lane::Of(*id),
            _ => Lane::Common,
        };
        let host = Host::start_with_lanes(context, machine::Worker::new(options), bounds, lane_of, None)?;
        Ok(Self(Arc::new(Inner { host })))
    }

    /// The next job. [`ErrorKind::Timeout`] if none came until `deadline`, [`ErrorKind::Closed`] after [`leave`](Self::leave) when all
    /// is done.
    ///
    /// [`ErrorKind::PermissionDenied`], or another error, if no queue is left that it could work for: that is said again with every call.
    pub fn next(&self, deadline: &Deadline) -> Result<QueueJob> {
        loop {
            if let Some(job) = self.job(self.0.host.next(deadline)?)? {
                return Ok(job);
            }
        }
    }

    /// As [`next`](Self::next), with those that are there besides, up to `most` in all.
    pub fn next_many(&self, most: usize, deadline: &Deadline) -> Result<Vec<QueueJob>> {
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

    fn job(&self, event: WorkerEvent) -> Result<Option<QueueJob>> {
        match event {
            WorkerEvent::Job(job) => {
                let (worker, withdrawn) = (self.clone(), AtomicBool::new(false));
                Ok(Some(QueueJob { worker, job, withdrawn, done: false }))
            }
            WorkerEvent::Left => {
                self.close();
                Err(Error::new(ErrorKind::Closed, "the worker has left"))
            }
            WorkerEvent::Failed(error) => {
                self.0.host.close_because(error.clone());
                Err(error)
            }
            // Of a job that is no more here; the counters say how often.
            WorkerEvent::Withdrawn { .. } | WorkerEvent::Rejected { .. } => Ok(None),
        }
    }

    /// Takes no more jobs. Those that are here are done; then [`next`](Self::next) ends with [`ErrorKind::Closed`].
    pub fn leave(&self) -> Result<()> {
        self.0.host.command(WorkerCommand::Leave)
    }

    /// Keeps back what is said of jobs from now on, to send it together with [`uncork`](Self::uncork), which costs less than one by one;
    /// it leaves earlier if there is much, or something else is to be sent. Corks are counted.
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

    /// Sets what is called instead of making [`ready_fd`](Self::ready_fd) readable. It returns at once and does not call back into the
    /// worker.
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

impl fmt::Debug for QueueWorker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("QueueWorker")
    }
}

/// A job to be done. One that is dropped without a word has failed, with the code [`QueueJob::DROPPED`], and may be tried again.
#[derive(Debug)]
pub struct QueueJob {
    worker: QueueWorker,
    job: Box<WorkerJob>,
    withdrawn: AtomicBool,
    done: bool,
}

impl QueueJob {
    /// The code of a job that was dropped without a word.
    pub const DROPPED: u32 = u32::MAX;

    /// The queue's number for it.
    pub fn id(&self) -> JobId {
        self.job.id
    }

    /// The queue in which it was.
    pub fn queue(&self) -> &[u8] {
        &self.job.queue
    }

    /// What is to be done.
    pub fn body(&self) -> &Frames {
        &self.job.body
    }

    /// How often it was given to a worker before, and not done.
    pub fn tries(&self) -> u8 {
        self.job.tries
    }

    /// Whether it comes back after it spawned children.
    pub fn is_resumed(&self) -> bool {
        self.job.resumed.is_some()
    }

    /// What it left when it spawned; `None` if it has not.
    pub fn memo(&self) -> Option<&Frames> {
        self.job.resumed.as_ref().map(|(memo, _)| memo)
    }

    /// What its children came to, in the order in which they were spawned; nothing of those that failed and are ignored. `None` if it
    /// has not spawned.
    pub fn results(&self) -> Option<&[ChildOutcome]> {
        self.job.resumed.as_ref().map(|(_, results)| results.as_slice())
    }

    /// Whether nobody wants it any more, or another worker has it.
    pub fn is_withdrawn(&self) -> bool {
        self.withdrawn.load(Ordering::SeqCst) || self.worker.0.host.has_in(self.job.ticket)
    }

    /// Waits until that is so. [`ErrorKind::Timeout`] if it is not by `deadline`.
    pub fn wait_withdrawn(&self, deadline: &Deadline) -> Result<()> {
        if !self.withdrawn.load(Ordering::SeqCst) {
            self.worker.0.host.next_in(self.job.ticket, deadline)?;
            self.withdrawn.store(true, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Sets what is called once, as soon as the job is withdrawn, or it or the worker has come to its end: for event loops, which then
    /// look whether it [is withdrawn](Self::is_withdrawn). It returns at once and does not call back into the worker.
    pub fn set_hook(&self, hook: Hook) -> Result<()> {
        if self.withdrawn.load(Ordering::SeqCst) {
            hook();
            return Ok(());
        }
        self.worker.0.host.set_lane_hook(self.job.ticket, hook)
    }

    /// It is done. [`ErrorKind::Cancelled`] if it was withdrawn: nobody hears of it.
    pub fn complete(mut self, body: Frames) -> Result<()> {
        self.finish(|id| WorkerCommand::Complete { id, body })
    }

    /// It could not be done, and may be tried again; with a code and words of the program's own.
    pub fn retry(mut self, code: u32, body: Frames) -> Result<()> {
        self.finish(|id| WorkerCommand::Fail { id, again: true, code, body })
    }

    /// It cannot be done, and is not tried again.
    pub fn fail(mut self, code: u32, body: Frames) -> Result<()> {
        self.finish(|id| WorkerCommand::Fail { id, again: false, code, body })
    }

    /// These are to be done first, in any order. Then the job comes back, to any worker, with this memo.
    ///
    /// [`ErrorKind::InvalidArgument`] if a child makes no sense, and then the job is dropped without a word: who does not know
    /// [checks](Child::check) it before.
    pub fn spawn(mut self, children: Vec<Child>, memo: Frames) -> Result<()> {
        self.finish(|id| WorkerCommand::Spawn { id, ordered: false, memo, children })
    }

    /// As [`spawn`](Self::spawn), one after the other.
    pub fn spawn_in_order(mut self, children: Vec<Child>, memo: Frames) -> Result<()> {
        self.finish(|id| WorkerCommand::Spawn { id, ordered: true, memo, children })
    }

    fn finish(&mut self, command: impl FnOnce(u64) -> WorkerCommand) -> Result<()> {
        if self.is_withdrawn() {
            self.note_done();
            return Err(Error::new(ErrorKind::Cancelled, "nobody wants this job any more, or another worker has it"));
        }
        let command = command(self.job.ticket);
        if let WorkerCommand::Spawn { children, .. } = &command {
            children.iter().try_for_each(Child::check)?;
        }
        self.worker.0.host.command(command)?;
        self.note_done();
        Ok(())
    }

    fn note_done(&mut self) {
        self.done = true;
        self.worker.0.host.close_lane(self.job.ticket);
    }
}

impl Drop for QueueJob {
    fn drop(&mut self) {
        if !self.done {
            let body = vec![Bytes::from_static(b"the job was dropped without a word")];
            // If the worker is closed, others do the job.
            let _ = self.finish(|id| WorkerCommand::Fail { id, again: true, code: Self::DROPPED, body });
            self.worker.0.host.close_lane(self.job.ticket);
        }
    }
}
