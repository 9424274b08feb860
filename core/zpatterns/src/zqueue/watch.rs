//! What comes of what a producer wants.

use std::{
    collections::VecDeque,
    iter::Peekable,
    sync::atomic::{AtomicBool, Ordering},
};

use zpatterns_engine::{Deadline, Error, ErrorKind, Result};
use zpatterns_protocol::{
    Refusal,
    machine::Frames,
    zqueue::{ProducerCommand, ProducerEvent},
};

use super::{Found, JobId, JobOptions, Outcome, Producer, Progress, Ticket};

/// Jobs of one [`Pushes`] that are not accepted yet, at most.
const AHEAD: usize = 4096;
/// Of those, how many leave at once.
const TOGETHER: usize = 1024;

/// What comes of a job that is watched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WatchEvent {
    /// It is accepted.
    Accepted {
        /// Its number.
        job: JobId,
        /// It was there before: another with its key.
        known: bool,
    },
    /// Its tree is so far.
    Progress(Progress),
    /// This it came to. Nothing follows.
    Ended(Outcome),
}

/// What comes of something that was [posted](Producer::post).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Something of a job. If its outcome is not wanted, that it is accepted is the last of it; the same if it was cancelled, or is
    /// tried again.
    Job(WatchEvent),
    /// What is there. Nothing follows.
    Found {
        /// This.
        found: Found,
        /// And more than that.
        more: bool,
    },
    /// That is not done, and this is why. Nothing follows.
    Refused(Error),
}

/// What happened, and to what.
pub(super) fn answer(event: ProducerEvent) -> (Ticket, Answer) {
    let (id, answer) = match event {
        ProducerEvent::Accepted { id, job, known } => (id, Answer::Job(WatchEvent::Accepted { job, known })),
        ProducerEvent::Progress { id, progress } => (id, Answer::Job(WatchEvent::Progress(progress))),
        ProducerEvent::Ended { id, outcome } => (id, Answer::Job(WatchEvent::Ended(outcome))),
        ProducerEvent::Found { id, found, more } => (id, Answer::Found { found, more }),
        ProducerEvent::Refused { id, refusal, may_be_done } => (id, Answer::Refused(refused(&refusal, may_be_done))),
    };
    (Ticket(id), answer)
}

fn refused(refusal: &Refusal, may_be_done: bool) -> Error {
    let error = crate::host::refused(refusal);
    if may_be_done { error.with("may_be_accepted", true) } else { error }
}

impl Answer {
    /// Why what was wanted did not come.
    pub fn into_error(self) -> Error {
        match self {
            Self::Refused(error) => error,
            other => {
                let text = format!("the queue answers in a way that is not known here: {other:?}");
                Error::new(ErrorKind::Unsupported, text)
            }
        }
    }
}

/// Something that was [begun](Producer::begin), and what comes of it, for one thread at a time. If it is dropped, nobody waits any
/// more: a job that was pushed is done all the same.
#[derive(Debug)]
pub struct Call {
    producer: Producer,
    id: u64,
    /// An outcome follows after it is accepted.
    watched: bool,
    /// Nothing more comes of it.
    over: AtomicBool,
}

impl Call {
    /// Opens a lane, and begins.
    pub(super) fn begin(
        producer: &Producer,
        id: u64,
        watched: bool,
        command: impl FnOnce(u64) -> ProducerCommand,
    ) -> Result<Self> {
        producer.host().open_lane(id);
        let call = Self { producer: producer.clone(), id, watched, over: AtomicBool::new(false) };
        call.tell(command)?;
        Ok(call)
    }

    /// What comes next. [`ErrorKind::Timeout`] if nothing came until `deadline`: wait on. [`ErrorKind::NotFound`] after the last.
    pub fn next(&self, deadline: &Deadline) -> Result<Answer> {
        if self.over.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::NotFound, "nothing more comes of it"));
        }
        let (_, answer) = answer(self.producer.host().next_in(self.id, deadline)?);
        if self.is_last(&answer) {
            self.over.store(true, Ordering::Relaxed);
        }
        Ok(answer)
    }

    /// What comes last: that it is accepted, what a job comes to, what is there, or why not. Otherwise as [`next`](Self::next).
    pub fn last(&self, deadline: &Deadline) -> Result<Answer> {
        loop {
            let answer = self.next(deadline)?;
            if self.is_last(&answer) {
                return Ok(answer);
            }
        }
    }

    fn is_last(&self, answer: &Answer) -> bool {
        match answer {
            Answer::Job(WatchEvent::Accepted { .. }) => !self.watched,
            Answer::Job(WatchEvent::Progress(_)) => false,
            Answer::Job(WatchEvent::Ended(_)) | Answer::Found { .. } | Answer::Refused(_) => true,
        }
    }

    pub(super) fn accepted(&self, deadline: &Deadline) -> Result<JobId> {
        match self.last(deadline)? {
            Answer::Job(WatchEvent::Accepted { job, .. }) => Ok(job),
            other => Err(other.into_error()),
        }
    }

    pub(super) fn found(&self, deadline: &Deadline) -> Result<(Found, bool)> {
        match self.last(deadline)? {
            Answer::Found { found, more } => Ok((found, more)),
            other => Err(other.into_error()),
        }
    }

    fn tell(&self, command: impl FnOnce(u64) -> ProducerCommand) -> Result<()> {
        self.producer.host().command(command(self.id))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.over.load(Ordering::Relaxed) {
            // If the producer is closed, there is nothing to forget.
            let _ = self.tell(|id| ProducerCommand::Forget { id });
        }
        self.producer.host().close_lane(self.id);
    }
}

/// A job whose outcome is waited for. If it is dropped, the job goes on.
#[derive(Debug)]
pub struct Watch(pub(super) Call);

impl Watch {
    /// What comes next. [`ErrorKind::Timeout`] if nothing came until `deadline`: watch on. [`ErrorKind::NotFound`] if the job is not
    /// known, and after its end; another error if it was not accepted.
    pub fn next(&self, deadline: &Deadline) -> Result<WatchEvent> {
        match self.0.next(deadline)? {
            Answer::Job(event) => Ok(event),
            other => Err(other.into_error()),
        }
    }

    /// What the job comes to.
    pub fn outcome(&self, deadline: &Deadline) -> Result<Outcome> {
        match self.0.last(deadline)? {
            Answer::Job(WatchEvent::Ended(outcome)) => Ok(outcome),
            other => Err(other.into_error()),
        }
    }
}

impl From<Watch> for Call {
    fn from(watch: Watch) -> Self {
        watch.0
    }
}

/// A job that is pushed part by part. If it is dropped before it is executed, it never was there.
#[derive(Debug)]
pub struct Draft(pub(super) Call);

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

/// Any number of jobs on their way to a queue.
#[derive(Debug)]
pub struct Pushes {
    pub(super) producer: Producer,
    pub(super) queue: String,
    pub(super) options: JobOptions,
    pub(super) open: VecDeque<Call>,
    pub(super) accepted: Vec<JobId>,
}

impl Pushes {
    /// Pushes each of `bodies` and waits until all are accepted, or one is refused, which is what the inner error is of: then it is
    /// over. The outer one is of the wait. After [`ErrorKind::Timeout`], a cancel or a signal it goes on where it was when it is called
    /// again.
    pub fn advance(
        &mut self,
        bodies: &mut Peekable<impl Iterator<Item = Frames>>,
        deadline: &Deadline,
    ) -> Result<Result<()>> {
        let most = AHEAD.min(self.producer.max_calls());
        while bodies.peek().is_some() || !self.open.is_empty() {
            self.push(bodies.by_ref().take(TOGETHER.min(most - self.open.len())))?;
            // Those who are waited for were pushed some time ago.
            let keep = if bodies.peek().is_some() { most.saturating_sub(TOGETHER) } else { 0 };
            while self.open.len() > keep
                && let Some(call) = self.open.front()
            {
                match call.last(deadline)? {
                    Answer::Job(WatchEvent::Accepted { job, .. }) => self.accepted.push(job),
                    other => return Ok(Err(other.into_error().with("accepted", self.accepted.len()))),
                }
                self.open.pop_front();
            }
        }
        Ok(Ok(()))
    }

    fn push(&mut self, mut bodies: impl Iterator<Item = Frames>) -> Result<()> {
        let Self { producer, queue, options, open, .. } = self;
        producer.cork();
        let mut push = |body| producer.begin_push(queue, body, options, false).map(|call| open.push_back(call));
        let pushed = bodies.try_for_each(&mut push);
        producer.uncork()?;
        pushed
    }

    /// The numbers of those that are accepted, in the order of their bodies.
    pub fn into_accepted(self) -> Vec<JobId> {
        self.accepted
    }
}
