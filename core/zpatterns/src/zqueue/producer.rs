//! Who pushes jobs.

use std::{
    collections::VecDeque,
    fmt,
    os::fd::BorrowedFd,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
#[cfg(doc)]
use zpatterns_engine::ErrorKind;
use zpatterns_engine::{Context, Deadline, Hook, Host, HostOptions, Lane, Result, check_endpoint};
use zpatterns_protocol::{
    machine::Frames,
    zqueue::{self as machine, ProducerCommand, ProducerEvent},
};

use super::{
    Answer, Ask, Call, DeadLetter, Draft, Found, Heartbeat, JobId, JobOptions, Look, Outcome, Pushes, QueueCounters,
    Ticket, TreeJob, Watch, watch::answer,
};

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
    max_calls: usize,
}

impl Producer {
    /// A producer for the queue at this endpoint. It connects in the background; what it pushes waits for that.
    pub fn connect(context: &Context, endpoint: &str, options: ProducerOptions) -> Result<Self> {
        let ProducerOptions { heartbeat, patience, max_calls, max_bytes } = options;
        check_endpoint(endpoint)?;
        let (pace, seed) = (heartbeat.pace()?, crate::host::seed()?);
        let options = machine::ProducerOptions { endpoint: endpoint.to_owned(), pace, max_calls, max_bytes, seed };
        let room = max_calls.saturating_mul(2).max(1024);
        let bounds = HostOptions { max_commands: room, max_events: room, ..HostOptions::default() };
        let lane_of = |event: &ProducerEvent| match event {
            ProducerEvent::Accepted { id, .. }
            | ProducerEvent::Ended { id, .. }
            | ProducerEvent::Progress { id, .. }
            | ProducerEvent::Refused { id, .. }
            | ProducerEvent::Found { id, .. } => Lane::Of(*id),
        };
        let host = Host::start_with_lanes(context, machine::Producer::new(options), bounds, lane_of, None)?;
        Ok(Self(Arc::new(Inner { host, calls: AtomicU64::new(1), patience, max_calls })))
    }

    pub(super) fn host(&self) -> &Host<machine::Producer> {
        &self.0.host
    }

    fn next_id(&self) -> u64 {
        self.0.calls.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn max_calls(&self) -> usize {
        self.0.max_calls.max(1)
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
        self.begin_push(queue, body, options, false)?.accepted(deadline)
    }

    /// As [`push`](Self::push), any number of jobs, which costs far less than one by one. Their numbers, in the order of `bodies`.
    ///
    /// After an error the first ones are there, so many as its fact `accepted` says; of up to some thousands that follow it is not
    /// known.
    pub fn push_many(
        &self,
        queue: &str,
        bodies: impl IntoIterator<Item = Frames>,
        options: &JobOptions,
        deadline: &Deadline,
    ) -> Result<Vec<JobId>> {
        let mut pushes = self.pushes(queue, options)?;
        let pushed = pushes.advance(&mut bodies.into_iter().peekable(), deadline);
        pushed.map_err(|error| error.with("accepted", pushes.accepted.len()))??;
        Ok(pushes.into_accepted())
    }

    /// The same step by step, for who has something else to do between.
    pub fn pushes(&self, queue: &str, options: &JobOptions) -> Result<Pushes> {
        machine::Producer::check(queue.as_bytes(), options)?;
        let (queue, options) = (queue.to_owned(), options.clone());
        Ok(Pushes { producer: self.clone(), queue, options, open: VecDeque::new(), accepted: Vec::new() })
    }

    /// Pushes a job and waits for what it comes to. If `deadline` passes first, [`ErrorKind::Timeout`]; the job goes on.
    pub fn run(&self, queue: &str, body: Frames, options: &JobOptions, deadline: &Deadline) -> Result<Outcome> {
        self.submit(queue, body, options)?.outcome(deadline)
    }

    /// Pushes a job whose outcome is of interest, and goes on: the watch brings it.
    pub fn submit(&self, queue: &str, body: Frames, options: &JobOptions) -> Result<Watch> {
        self.begin_push(queue, body, options, true).map(Watch)
    }

    /// Begins a job that is pushed part by part. Nobody does it before it is [executed](Draft::execute).
    pub fn draft(&self, queue: &str, body: Frames, options: &JobOptions) -> Result<Draft> {
        let push = self.push_command(queue, body, options, true, true)?;
        Call::begin(self, self.next_id(), true, push).map(Draft)
    }

    /// Pushes a job, and goes on: the call brings that it is accepted, and if `watch`, what it comes to.
    pub fn begin_push(&self, queue: &str, body: Frames, options: &JobOptions, watch: bool) -> Result<Call> {
        Call::begin(self, self.next_id(), watch, self.push_command(queue, body, options, watch, false)?)
    }

    /// Asks for something, and goes on: the call brings what comes of it.
    pub fn begin(&self, ask: Ask) -> Result<Call> {
        let watched = matches!(ask, Ask::Watch { .. });
        Call::begin(self, self.next_id(), watched, self.ask_command(ask))
    }

    fn ask_command(&self, what: Ask) -> impl FnOnce(u64) -> ProducerCommand + use<> {
        let patience = self.0.patience;
        move |id| ProducerCommand::Ask { id, what, patience }
    }

    /// Watches a job that is there, or whose outcome is kept; with `progress`, also how far its tree is.
    pub fn watch(&self, job: JobId, progress: bool) -> Result<Watch> {
        self.begin(Ask::Watch { job, progress }).map(Watch)
    }

    /// What a job came to, as soon as it has ended. [`ErrorKind::NotFound`] if the queue knows it not, or no more.
    pub fn result(&self, job: JobId, deadline: &Deadline) -> Result<Outcome> {
        self.watch(job, false)?.outcome(deadline)
    }

    /// Ends a job and all that it spawned. [`ErrorKind::WrongState`] if it has ended, [`ErrorKind::NotFound`] if the queue does not know
    /// it.
    pub fn cancel(&self, job: JobId, deadline: &Deadline) -> Result<()> {
        self.begin(Ask::Cancel { job })?.accepted(deadline).map(drop)
    }

    /// Takes a dead letter, and tries it again as a job of its own. That one's number.
    pub fn requeue(&self, letter: JobId, deadline: &Deadline) -> Result<JobId> {
        self.begin(Ask::Requeue { letter })?.accepted(deadline)
    }

    /// The queues, with what is in them.
    pub fn queues(&self, deadline: &Deadline) -> Result<Vec<QueueCounters>> {
        match self.look(Look::Queues, deadline)? {
            (Found::Queues(queues), _) => Ok(queues),
            (other, _) => unreachable!("queues were asked for, not {other:?}"),
        }
    }

    /// A job, and what is below it and has not ended: each right behind the one it is a child of. At most so many; whether there are
    /// more.
    pub fn tree(&self, job: JobId, most: u32, deadline: &Deadline) -> Result<(Vec<TreeJob>, bool)> {
        match self.look(Look::Tree { job, most }, deadline)? {
            (Found::Tree(jobs), more) => Ok((jobs, more)),
            (other, _) => unreachable!("a tree was asked for, not {other:?}"),
        }
    }

    /// Dead letters, from this number on and at most so many; whether there are more.
    pub fn dead(&self, from: JobId, most: u32, deadline: &Deadline) -> Result<(Vec<DeadLetter>, bool)> {
        match self.look(Look::Dead { from, most }, deadline)? {
            (Found::Dead(letters), more) => Ok((letters, more)),
            (other, _) => unreachable!("dead letters were asked for, not {other:?}"),
        }
    }

    fn look(&self, what: Look, deadline: &Deadline) -> Result<(Found, bool)> {
        self.begin(Ask::Look(what))?.found(deadline)
    }

    /// Pushes a job, and goes on: [`next`](Self::next) brings what comes of it, among others. If `watch`, also what it comes to.
    pub fn post(&self, queue: &str, body: Frames, options: &JobOptions, watch: bool) -> Result<Ticket> {
        self.post_command(self.push_command(queue, body, options, watch, false)?)
    }

    /// As [`draft`](Self::draft), where [`next`](Self::next) brings what comes of it.
    pub fn post_draft(&self, queue: &str, body: Frames, options: &JobOptions) -> Result<Ticket> {
        self.post_command(self.push_command(queue, body, options, true, true)?)
    }

    /// Adds to a job that was [posted as a draft](Self::post_draft).
    pub fn send_part(&self, draft: Ticket, body: Frames) -> Result<()> {
        self.0.host.command(ProducerCommand::Part { id: draft.0, body })
    }

    /// It is whole: it is pushed.
    pub fn execute(&self, draft: Ticket) -> Result<()> {
        self.0.host.command(ProducerCommand::Execute { id: draft.0 })
    }

    /// Asks for something, and goes on: [`next`](Self::next) brings what comes of it.
    pub fn post_ask(&self, ask: Ask) -> Result<Ticket> {
        self.post_command(self.ask_command(ask))
    }

    fn post_command(&self, command: impl FnOnce(u64) -> ProducerCommand) -> Result<Ticket> {
        let id = self.next_id();
        self.0.host.command(command(id)).map(|()| Ticket(id))
    }

    /// Of what was posted, nothing more is of interest. A draft that was not executed is dropped; a job goes on.
    pub fn forget(&self, ticket: Ticket) -> Result<()> {
        self.0.host.command(ProducerCommand::Forget { id: ticket.0 })
    }

    /// What comes next of anything that was posted. [`ErrorKind::Timeout`] if nothing came until `deadline`.
    pub fn next(&self, deadline: &Deadline) -> Result<(Ticket, Answer)> {
        Ok(answer(self.0.host.next(deadline)?))
    }

    /// As [`next`](Self::next), with what is there besides, up to `most` in all.
    pub fn next_many(&self, most: usize, deadline: &Deadline) -> Result<Vec<(Ticket, Answer)>> {
        Ok(self.0.host.next_many(most, deadline)?.into_iter().map(answer).collect())
    }

    /// Keeps back what is pushed from now on, to send it together with [`uncork`](Self::uncork), which costs less than one by one; it
    /// leaves earlier if there is much, or something else is to be sent. Corks are counted.
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
    /// producer.
    pub fn set_hook(&self, hook: Option<Hook>) {
        self.0.host.set_hook(hook);
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
