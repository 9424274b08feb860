//! What a job is, and what may be said about it.

use std::{str::FromStr, time::Duration};

use bytes::Bytes;

use crate::{
    Error, ErrorKind, Refusal, Result,
    fields::{MAX_NAME, get_frames, put_frames},
    machine::Frames,
};

/// A queue's number for a job. It is never used again.
pub type JobId = u64;

/// Which of the jobs that wait for a worker is the next.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(u8)]
pub enum Order {
    /// What was begun comes first: a job that goes on, then children, then other jobs in the order in which they came. What waits
    /// is bounded by the depth of a tree times its width.
    #[default]
    Depth = 0,
    /// In the order in which they came, children too: a tree is worked through level by level.
    Fifo = 1,
    /// What came last.
    Lifo = 2,
    /// What has the highest priority; of those that have the same, as [`Depth`](Self::Depth).
    Priority = 3,
}

/// What becomes of a job when one of its children fails.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(u8)]
pub enum OnFailure {
    /// It fails in the same way, and its other children are cancelled.
    #[default]
    Fail = 0,
    /// It goes on, and finds the failure among its results.
    Pass = 1,
    /// It goes on, and finds no result of this child.
    Ignore = 2,
}

impl FromStr for Order {
    type Err = Error;

    /// `depth`, `fifo`, `lifo` or `priority`.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "depth" => Ok(Self::Depth),
            "fifo" => Ok(Self::Fifo),
            "lifo" => Ok(Self::Lifo),
            "priority" => Ok(Self::Priority),
            _ => Err(wrong("an order is depth, fifo, lifo or priority", "order")),
        }
    }
}

impl FromStr for OnFailure {
    type Err = Error;

    /// `fail`, `pass` or `ignore`.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "fail" => Ok(Self::Fail),
            "pass" => Ok(Self::Pass),
            "ignore" => Ok(Self::Ignore),
            _ => Err(wrong("on failure a parent may fail, pass or ignore it", "on_failure")),
        }
    }
}

fn wrong(text: &'static str, option: &'static str) -> Error {
    Error::new(ErrorKind::InvalidArgument, text).with("option", option)
}

impl OnFailure {
    pub(super) fn read(number: u8) -> Option<Self> {
        [Self::Fail, Self::Pass, Self::Ignore].into_iter().find(|policy| *policy as u8 == number)
    }
}

/// How a job is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobOptions {
    /// In queues with [`Order::Priority`]: the highest first.
    pub priority: u8,
    /// It waits so long before it is given to a worker.
    pub delay: Duration,
    /// How often it may fail and be tried again, the first time included; at least 1. Workers that are lost are counted by
    /// themselves.
    pub attempts: u8,
    /// It is tried again after so long, then after twice as long, and so on, with jitter.
    pub backoff: Duration,
    /// A worker that has had it for so long has failed; zero is no limit.
    pub time_limit: Duration,
    /// Of the jobs in a queue with the same key one is taken, as long as that is there or its outcome is kept; empty is none. At most
    /// 255 bytes.
    pub key: Bytes,
    /// For how long its outcome is kept for who asks. Children's outcomes belong to their parent.
    pub keep: Duration,
}

impl Default for JobOptions {
    /// No delay, three attempts one second apart, no limit; the outcome goes to those who wait for it, and is not kept.
    fn default() -> Self {
        Self {
            priority: 0,
            delay: Duration::ZERO,
            attempts: 3,
            backoff: Duration::from_secs(1),
            time_limit: Duration::ZERO,
            key: Bytes::new(),
            keep: Duration::ZERO,
        }
    }
}

impl JobOptions {
    /// Checks what an application may get wrong.
    pub fn check(&self) -> Result<()> {
        if self.attempts == 0 {
            return Err(wrong("a job is tried at least once", "attempts"));
        }
        if self.key.len() > MAX_NAME {
            return Err(wrong("a key has at most 255 bytes", "key"));
        }
        Ok(())
    }
}

/// A job that is to be done before another goes on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Child {
    /// The queue in which it waits.
    pub queue: Bytes,
    /// What is to be done.
    pub body: Frames,
    /// How. It has no key, and its outcome is not kept.
    pub options: JobOptions,
    /// What becomes of who spawns it if it fails.
    pub on_failure: OnFailure,
    /// Nobody waits for it, and it outlives who spawns it: a job of its own.
    pub detached: bool,
}

impl Child {
    /// One with usual options, for which its parent waits, and with which it fails.
    pub fn new(queue: impl Into<String>, body: Frames) -> Self {
        let (options, on_failure) = (JobOptions::default(), OnFailure::default());
        Self { queue: queue.into().into(), body, options, on_failure, detached: false }
    }

    /// Checks what an application may get wrong.
    pub fn check(&self) -> Result<()> {
        check_queue(&self.queue)?;
        self.options.check()
    }
}

/// How a job ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It was done.
    Done(Frames),
    /// It was not.
    Failed(Failure),
}

impl Outcome {
    /// What it came to, if it was done.
    pub fn done(&self) -> Option<&Frames> {
        match self {
            Self::Done(body) => Some(body),
            Self::Failed(_) => None,
        }
    }
}

/// Why a job was not done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// What went wrong: [`ErrorKind::JobFailed`] if a worker said so.
    pub kind: ErrorKind,
    /// The worker's own code.
    pub code: u32,
    /// The worker's own words and data, or one line for people.
    pub body: Frames,
}

impl Failure {
    pub(super) fn new(kind: ErrorKind, text: &'static str) -> Self {
        Self { kind, code: 0, body: vec![Bytes::from_static(text.as_bytes())] }
    }
}

/// What a child came to, as its parent finds it; in the order in which they were spawned.
pub type ChildOutcome = Option<Outcome>;

/// Checks the name of a queue.
pub fn check_queue(queue: &[u8]) -> Result<()> {
    if queue.is_empty() || queue.len() > MAX_NAME {
        return Err(wrong("the name of a queue has 1 to 255 bytes", "queue"));
    }
    Ok(())
}

/// Frames in one piece, which is how a million of them fit into memory.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Packed(pub(super) Bytes);

impl Packed {
    pub(super) fn of(frames: &Frames) -> Self {
        let mut to = Vec::with_capacity(frames.iter().map(|frame| 4 + frame.len()).sum());
        put_frames(&mut to, frames);
        Self(to.into())
    }

    pub(super) fn frames(&self) -> Frames {
        get_frames(&mut self.0.clone()).expect("it was packed here, or checked when it was read")
    }

    /// What was stored.
    pub(super) fn read(bytes: Bytes) -> Option<Self> {
        get_frames(&mut bytes.clone())?;
        Some(Self(bytes))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl From<&Failure> for Refusal {
    fn from(failure: &Failure) -> Self {
        let text = failure.body.first().map(|text| String::from_utf8_lossy(text)).unwrap_or_default();
        Self::new(failure.kind, &text)
    }
}
