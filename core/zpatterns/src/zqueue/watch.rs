//! What comes of what a producer wants.

use std::sync::atomic::{AtomicBool, Ordering};

use zpatterns_engine::{Deadline, Error, ErrorKind, Result};
use zpatterns_protocol::{
    machine::Frames,
    zqueue::{ProducerCommand, ProducerEvent, Refusal},
};

use super::{Found, JobId, Outcome, Producer, Progress, Ticket};

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

/// Something that was begun, with a lane of its own for what comes of it.
#[derive(Debug)]
pub(super) struct Call {
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

    fn next(&self, deadline: &Deadline) -> Result<Answer> {
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

    /// Of what ends with that.
    pub(super) fn accepted(&self, deadline: &Deadline) -> Result<JobId> {
        match self.next(deadline)? {
            Answer::Job(WatchEvent::Accepted { job, .. }) => {
                self.note_over();
                Ok(job)
            }
            other => Err(unexpected(&other)),
        }
    }

    pub(super) fn found(&self, deadline: &Deadline) -> Result<(Found, bool)> {
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
