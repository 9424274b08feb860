//! What producers, workers and a queue say to each other, as bytes.
//!
//! Producers and workers connect to a queue, and share a link with it. The specification is `docs/protocols/zqueue.md`.

mod parts;

use bytes::{Buf, BufMut, Bytes};

use self::parts::{get_children, get_job, get_outcome, get_queue, packed, put_children, put_job, put_outcome};
pub(super) use self::parts::{get_options, put_options};
use super::options::{Child, ChildOutcome, JobId, JobOptions, Outcome};
use crate::{
    Refusal,
    fields::{get_bool, get_frames, put_name},
    link::{FIRST, Magic},
    machine::Frames,
};

/// Version 1.
pub const MAGIC: Magic = *b"zzq1";

/// A producer's number for what it wants. The answers to it carry it.
pub type Number = u64;

/// A worker's try at a job.
pub type Run = u64;

/// A message of the pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// Producer to queue: do this.
    Push(Push),
    /// Producer to queue: more of a job that was not pushed whole.
    Part {
        /// What it is part of.
        number: Number,
        /// More of its body.
        body: Frames,
    },
    /// Producer to queue: it is whole; do it.
    Execute {
        /// Which.
        number: Number,
    },
    /// Producer to queue: it will not become whole, or I do not want to hear of it any more.
    Forget {
        /// What.
        number: Number,
    },
    /// Producer to queue: end this job, and all that it spawned.
    Cancel {
        /// For the answer.
        number: Number,
        /// Which.
        job: JobId,
    },
    /// Producer to queue: tell me what this job comes to.
    Watch {
        /// For the answer.
        number: Number,
        /// Which.
        job: JobId,
        /// And how far its tree is meanwhile.
        progress: bool,
    },
    /// Producer to queue: what is there?
    Look {
        /// For the answer.
        number: Number,
        /// What is asked about.
        what: Look,
    },
    /// Producer to queue: take a dead letter, and try it again as a job of its own.
    Requeue {
        /// For the answer.
        number: Number,
        /// The dead letter.
        letter: u64,
    },
    /// Queue to producer: the job is there, whatever happens.
    Accepted {
        /// What was wanted.
        number: Number,
        /// The job.
        job: JobId,
        /// It was there before.
        known: bool,
    },
    /// Queue to producer: the job has ended.
    Ended {
        /// What was wanted.
        number: Number,
        /// What it came to.
        outcome: Outcome,
    },
    /// Queue to producer: so far it is.
    Progress {
        /// What was wanted.
        number: Number,
        /// How far.
        progress: Progress,
    },
    /// Queue to producer: that is not done.
    Refused {
        /// What was wanted.
        number: Number,
        /// Why.
        refusal: Refusal,
    },
    /// Queue to producer: what is there.
    Answer {
        /// What was wanted.
        number: Number,
        /// It does not end with this.
        more: bool,
        /// As the question says.
        block: Bytes,
    },
    /// Worker to queue: give me jobs.
    Ready {
        /// How many at once.
        credit: u32,
        /// Of these queues.
        queues: Vec<Bytes>,
    },
    /// Worker to queue: it is done.
    Complete {
        /// Which try.
        run: Run,
        /// What it came to.
        body: Frames,
    },
    /// Worker to queue: it could not be done.
    Fail {
        /// Which try.
        run: Run,
        /// It may be tried again.
        again: bool,
        /// The worker's own code.
        code: u32,
        /// Its own words and data.
        body: Frames,
    },
    /// Worker to queue: these first, then give it to anybody.
    Spawn {
        /// Which try.
        run: Run,
        /// One after the other.
        ordered: bool,
        /// What is needed to go on.
        memo: Frames,
        /// These.
        children: Vec<Child>,
    },
    /// Worker to queue: give me no more; what I have I finish.
    Leaving,
    /// Queue to worker: do this.
    Job(Job),
    /// Queue to worker: nobody wants this any more.
    Withdrawn {
        /// Which try.
        run: Run,
    },
    /// Queue to worker: what you said about this was not heard.
    Rejected {
        /// Which try.
        run: Run,
        /// Why.
        refusal: Refusal,
    },
}

/// A job as it is pushed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Push {
    /// The producer's number for it.
    pub number: Number,
    /// Who the producer is, in all its sessions.
    pub producer: u64,
    /// What it comes to is of interest.
    pub watch: bool,
    /// There is more of it.
    pub draft: bool,
    /// The queue in which it waits.
    pub queue: Bytes,
    /// How it is to be done.
    pub options: JobOptions,
    /// What is to be done.
    pub body: Frames,
}

/// A job as a worker gets it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Job {
    /// The try.
    pub run: Run,
    /// The job.
    pub job: JobId,
    /// How often it was given to a worker before, and not done.
    pub tries: u8,
    /// The queue in which it was.
    pub queue: Bytes,
    /// What is to be done.
    pub body: Frames,
    /// What it left when it spawned, and what its children came to.
    pub resumed: Option<(Frames, Vec<ChildOutcome>)>,
}

/// How far a tree is.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Progress {
    /// Jobs that have not ended.
    pub open: u64,
    /// Jobs that were done.
    pub done: u64,
    /// Jobs that failed, or were cancelled.
    pub failed: u64,
}

/// What may be asked about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Look {
    /// The queues, with what is in them.
    Queues,
    /// A job, and all that is below it, at most so many.
    Tree {
        /// Which.
        job: JobId,
        /// How many.
        most: u32,
    },
    /// Dead letters from a number on, at most so many.
    Dead {
        /// From which on.
        from: u64,
        /// How many.
        most: u32,
    },
}

const PUSH: u8 = FIRST;
const PART: u8 = FIRST + 1;
const EXECUTE: u8 = FIRST + 2;
const FORGET: u8 = FIRST + 3;
const CANCEL: u8 = FIRST + 4;
const WATCH: u8 = FIRST + 5;
const LOOK: u8 = FIRST + 6;
const REQUEUE: u8 = FIRST + 7;
const ACCEPTED: u8 = FIRST + 8;
const ENDED: u8 = FIRST + 9;
const PROGRESS: u8 = FIRST + 10;
const REFUSED: u8 = FIRST + 11;
const ANSWER: u8 = FIRST + 12;
const READY: u8 = FIRST + 13;
const COMPLETE: u8 = FIRST + 14;
const FAIL: u8 = FIRST + 15;
const SPAWN: u8 = FIRST + 16;
const LEAVING: u8 = FIRST + 17;
const JOB: u8 = FIRST + 18;
const WITHDRAWN: u8 = FIRST + 19;
const REJECTED: u8 = FIRST + 20;

const WATCHED: u8 = 1;
const DRAFT: u8 = 2;

impl Message {
    /// Kind, fields and further frames.
    pub fn encode(self) -> (u8, Vec<u8>, Frames) {
        let mut to = Vec::with_capacity(64);
        let none = Frames::new;
        let (kind, body) = match self {
            Self::Push(push) => {
                to.put_u64(push.number);
                to.put_u64(push.producer);
                to.put_u8(u8::from(push.watch) * WATCHED + u8::from(push.draft) * DRAFT);
                put_name(&mut to, &push.queue);
                put_options(&mut to, &push.options);
                (PUSH, push.body)
            }
            Self::Part { number, body } => (PART, numbered(&mut to, number, body)),
            Self::Execute { number } => (EXECUTE, numbered(&mut to, number, none())),
            Self::Forget { number } => (FORGET, numbered(&mut to, number, none())),
            Self::Cancel { number, job } => {
                to.put_u64(number);
                (CANCEL, numbered(&mut to, job, none()))
            }
            Self::Watch { number, job, progress } => {
                to.put_u64(number);
                to.put_u64(job);
                to.put_u8(progress.into());
                (WATCH, none())
            }
            Self::Look { number, what } => {
                to.put_u64(number);
                let (kind, which, most) = match what {
                    Look::Queues => (0, 0, 0),
                    Look::Tree { job, most } => (1, job, most),
                    Look::Dead { from, most } => (2, from, most),
                };
                to.put_u8(kind);
                to.put_u64(which);
                to.put_u32(most);
                (LOOK, none())
            }
            Self::Requeue { number, letter } => {
                to.put_u64(number);
                (REQUEUE, numbered(&mut to, letter, none()))
            }
            Self::Accepted { number, job, known } => {
                to.put_u64(number);
                to.put_u64(job);
                to.put_u8(known.into());
                (ACCEPTED, none())
            }
            Self::Ended { number, outcome } => {
                to.put_u64(number);
                (ENDED, put_outcome(&mut to, outcome))
            }
            Self::Progress { number, progress: Progress { open, done, failed } } => {
                [number, open, done, failed].into_iter().for_each(|number| to.put_u64(number));
                (PROGRESS, none())
            }
            Self::Refused { number, refusal } => {
                to.put_u64(number);
                refusal.put(&mut to);
                (REFUSED, none())
            }
            Self::Answer { number, more, block } => {
                to.put_u64(number);
                to.put_u8(more.into());
                (ANSWER, vec![block])
            }
            Self::Ready { credit, queues } => {
                to.put_u32(credit);
                queues.iter().for_each(|queue| put_name(&mut to, queue));
                (READY, none())
            }
            Self::Complete { run, body } => (COMPLETE, numbered(&mut to, run, body)),
            Self::Fail { run, again, code, body } => {
                to.put_u64(run);
                to.put_u8(again.into());
                to.put_u32(code);
                (FAIL, body)
            }
            Self::Spawn { run, ordered, memo, children } => {
                to.put_u64(run);
                to.put_u8(ordered.into());
                (SPAWN, vec![packed(&memo), put_children(&children)])
            }
            Self::Leaving => (LEAVING, none()),
            Self::Job(job) => (JOB, put_job(&mut to, job)),
            Self::Withdrawn { run } => (WITHDRAWN, numbered(&mut to, run, none())),
            Self::Rejected { run, refusal } => {
                to.put_u64(run);
                refusal.put(&mut to);
                (REJECTED, none())
            }
        };
        (kind, to, body)
    }

    /// Reads a message; `None` if it is none.
    pub fn decode(kind: u8, mut from: Bytes, mut body: Frames) -> Option<Self> {
        let message = match kind {
            PUSH => {
                let (number, producer, flags) =
                    (from.try_get_u64().ok()?, from.try_get_u64().ok()?, from.try_get_u8().ok()?);
                let (queue, options) = (get_queue(&mut from)?, get_options(&mut from)?);
                if flags > WATCHED + DRAFT {
                    return None;
                }
                let (watch, draft) = (flags & WATCHED != 0, flags & DRAFT != 0);
                Self::Push(Push { number, producer, watch, draft, queue, options, body })
            }
            PART => Self::Part { number: from.try_get_u64().ok()?, body },
            ENDED => Self::Ended { number: from.try_get_u64().ok()?, outcome: get_outcome(&mut from, body)? },
            ANSWER => {
                let (number, more) = (from.try_get_u64().ok()?, get_bool(&mut from)?);
                let block = body.pop().filter(|_| body.is_empty())?;
                Self::Answer { number, more, block }
            }
            COMPLETE => Self::Complete { run: from.try_get_u64().ok()?, body },
            FAIL => {
                let (run, again) = (from.try_get_u64().ok()?, get_bool(&mut from)?);
                Self::Fail { run, again, code: from.try_get_u32().ok()?, body }
            }
            SPAWN => {
                let (run, ordered) = (from.try_get_u64().ok()?, get_bool(&mut from)?);
                let (children, mut memo) = (body.pop()?, body.pop().filter(|_| body.is_empty())?);
                Self::Spawn { run, ordered, memo: get_frames(&mut memo)?, children: get_children(children)? }
            }
            JOB => Self::Job(get_job(&mut from, body)?),
            _ if !body.is_empty() => return None,
            EXECUTE => Self::Execute { number: from.try_get_u64().ok()? },
            FORGET => Self::Forget { number: from.try_get_u64().ok()? },
            CANCEL => Self::Cancel { number: from.try_get_u64().ok()?, job: from.try_get_u64().ok()? },
            WATCH => {
                let (number, job) = (from.try_get_u64().ok()?, from.try_get_u64().ok()?);
                Self::Watch { number, job, progress: get_bool(&mut from)? }
            }
            LOOK => {
                let (number, kind) = (from.try_get_u64().ok()?, from.try_get_u8().ok()?);
                let (which, most) = (from.try_get_u64().ok()?, from.try_get_u32().ok()?);
                let what = match kind {
                    0 if which == 0 && most == 0 => Look::Queues,
                    1 => Look::Tree { job: which, most },
                    2 => Look::Dead { from: which, most },
                    _ => return None,
                };
                Self::Look { number, what }
            }
            REQUEUE => Self::Requeue { number: from.try_get_u64().ok()?, letter: from.try_get_u64().ok()? },
            ACCEPTED => {
                let (number, job) = (from.try_get_u64().ok()?, from.try_get_u64().ok()?);
                Self::Accepted { number, job, known: get_bool(&mut from)? }
            }
            PROGRESS => {
                let mut next = || from.try_get_u64().ok();
                let (number, progress) = (next()?, Progress { open: next()?, done: next()?, failed: next()? });
                Self::Progress { number, progress }
            }
            REFUSED => Self::Refused { number: from.try_get_u64().ok()?, refusal: Refusal::get(&mut from)? },
            READY => {
                let (credit, mut queues) = (from.try_get_u32().ok()?, Vec::new());
                while !from.is_empty() {
                    queues.push(get_queue(&mut from)?);
                }
                Self::Ready { credit, queues }
            }
            LEAVING => Self::Leaving,
            WITHDRAWN => Self::Withdrawn { run: from.try_get_u64().ok()? },
            REJECTED => Self::Rejected { run: from.try_get_u64().ok()?, refusal: Refusal::get(&mut from)? },
            _ => return None,
        };
        from.is_empty().then_some(message)
    }
}

fn numbered(to: &mut Vec<u8>, number: u64, body: Frames) -> Frames {
    to.put_u64(number);
    body
}
