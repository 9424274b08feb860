//! What comes of what a producer wants.

use std::{
    collections::VecDeque,
    iter::Peekable,
    sync::atomic::{AtomicBool, Ordering},
};

use zpatterns_engine::{Deadline, Error, ErrorKind, Result};
use zpatterns_protocol::{
    machine::Frames,
    zqueue::{ProducerCommand, ProducerEvent, Refusal},
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
pub(super) fn answer(event: ProducerEvent) -> Result<(Ticket, Answer)> {
    let (id, answer) = match event {
        ProducerEvent::Accepted { id, job, known } => (id, Answer::Job(WatchEvent::Accepted { job, known })),
        ProducerEvent::Progress { id, progress } => (id, Answer::Job(WatchEvent::Progress(progress))),
        ProducerEvent::Ended { id, outcome } => (id, Answer::Job(WatchEvent::Ended(outcome))),
        ProducerEvent::Found { id, found, more } => (id, Answer::Found { found, more }),
        ProducerEvent::Refused { id, refusal, may_be_done } => (id, Answer::Refused(refused(&refusal, may_be_done))),
        ProducerEvent::Failed(error) => return Err(error),
    };
    Ok((Ticket(id), answer))
}

fn refused(refusal: &Refusal, may_be_done: bool) -> Error {
    let error = Error::new(refusal.kind, refusal.text.clone());
    let error = if may_be_done { error.with("may_be_accepted", true) } else { error };
    if refusal.retry_after.is_zero() { error } else { error.with("retry_after_ms", refusal.retry_after.as_millis()) }
}

fn unexpected(answer: &Answer) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the queue answers in a way that is not known here: {answer:?}"))
}

/// Something that was [begun](Producer::begin), and what comes of it, for one thread at a time. If it is dropped, nobody waits any
/// more: a job that was pushed is done all the same.
#[derive(Debug)]
pub struct Call {
    producer: Producer,
    id: u64,
    /// Nothing more comes of it.
    over: AtomicBool,
}

impl Call {
    /// Opens a lane, and begins.
    pub(super) fn begin(producer: &Producer, id: u64, command: impl FnOnce(u64) -> ProducerCommand) -> Result<Self> {
        producer.host().open_lane(id);
        let call = Self { producer: producer.clone(), id, over: AtomicBool::new(false) };
        call.tell(command)?;
        Ok(call)
    }

    /// What comes next. [`ErrorKind::Timeout`] if nothing came until `deadline`: wait on. Another error if it is not done.
    pub fn next(&self, deadline: &Deadline) -> Result<Answer> {
        match answer(self.producer.host().next_in(self.id, deadline)?)?.1 {
            Answer::Refused(error) => {
                self.note_over();
                Err(error)
            }
            answer => {
                if matches!(answer, Answer::Job(WatchEvent::Ended(_)) | Answer::Found { .. }) {
                    self.note_over();
                }
                Ok(answer)
            }
        }
    }

    /// Waits until it is accepted, where no outcome follows: the number of the job that was pushed, cancelled, or is tried again.
    pub fn accepted(&self, deadline: &Deadline) -> Result<JobId> {
        match self.next(deadline)? {
            Answer::Job(WatchEvent::Accepted { job, .. }) => {
                self.note_over();
                Ok(job)
            }
            other => Err(unexpected(&other)),
        }
    }

    /// What is there, of a question.
    pub fn found(&self, deadline: &Deadline) -> Result<(Found, bool)> {
        match self.next(deadline)? {
            Answer::Found { found, more } => Ok((found, more)),
            other => Err(unexpected(&other)),
        }
    }

    fn note_over(&self) {
        self.over.store(true, Ordering::Relaxed);
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
    /// What comes next. [`ErrorKind::Timeout`] if nothing came until `deadline`: watch on. An error of another kind if the job was not
    /// accepted, or is not known.
    pub fn next(&self, deadline: &Deadline) -> Result<WatchEvent> {
        match self.0.next(deadline)? {
            Answer::Job(event) => Ok(event),
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
    /// Pushes each of `bodies` and waits until all are accepted. After [`ErrorKind::Timeout`], a cancel or a signal it goes on where
    /// it was when it is called again.
    pub fn advance(&mut self, bodies: &mut Peekable<impl Iterator<Item = Frames>>, deadline: &Deadline) -> Result<()> {
        let most = AHEAD.min(self.producer.max_calls());
        while bodies.peek().is_some() || !self.open.is_empty() {
            self.push(bodies.by_ref().take(TOGETHER.min(most - self.open.len())))?;
            // Those who are waited for were pushed some time ago.
            let keep = if bodies.peek().is_some() { most.saturating_sub(TOGETHER) } else { 0 };
            while self.open.len() > keep
                && let Some(call) = self.open.front()
            {
                let job = call.accepted(deadline)?;
                self.accepted.push(job);
                self.open.pop_front();
            }
        }
        Ok(())
    }

    fn push(&mut self, mut bodies: impl Iterator<Item = Frames>) -> Result<()> {
        let Self { producer, queue, options, open, .. } = self;
        producer.cork();
        let mut push = |body| producer.begin_push(queue, body, options).map(|call| open.push_back(call));
        let pushed = bodies.try_for_each(&mut push);
        producer.uncork()?;
        pushed
    }

    /// The numbers of those that are accepted, in the order of their bodies.
    pub fn into_accepted(self) -> Vec<JobId> {
        self.accepted
    }

    /// How many are accepted.
    pub fn len(&self) -> usize {
        self.accepted.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.accepted.is_empty()
    }
}
