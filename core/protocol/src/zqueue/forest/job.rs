//! A job, as small as it can be: there may be a million of them.

use std::time::Duration;

use bytes::Bytes;

use super::{
    super::options::{Child, ChildOutcome, Failure, JobId, JobOptions, OnFailure, Outcome, Packed},
    Run,
    lists::{ListId, Position},
};
use crate::{ErrorKind, Time, fields::millis, machine::Frames};

/// Who pushed it, and under which number of his own: by this a push that is repeated is recognised.
pub(in crate::zqueue) type Origin = (u64, u64);

/// Where a job stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// It is being stored; nobody was told that it was accepted.
    New,
    /// It waits for its time.
    Delayed(Time),
    /// It waits for a worker.
    Waiting(Position),
    /// It waits for its elder siblings.
    Held,
    /// A worker has it.
    Running(Run),
    /// It waits for its children.
    Suspended,
}

impl State {
    /// How many states there are.
    pub(super) const COUNT: usize = 6;

    /// Each state's place among them.
    pub(super) fn place(self) -> usize {
        match self {
            Self::New => 0,
            Self::Delayed(_) => 1,
            Self::Waiting(_) => 2,
            Self::Held => 3,
            Self::Running(_) => 4,
            Self::Suspended => 5,
        }
    }
}

#[derive(Debug)]
pub(super) struct Job {
    pub(super) list: ListId,
    /// What it is a child of, 0 if of none; and which.
    pub(super) parent: JobId,
    pub(super) index: u32,
    /// At the top of its tree.
    pub(super) root: JobId,
    pub(super) depth: u16,
    pub(super) priority: u8,
    pub(super) on_failure: OnFailure,
    /// How often it may still be tried, and how often it has failed.
    pub(super) attempts: u8,
    pub(super) failures: u8,
    /// How many workers were lost that had it.
    pub(super) lost: u8,
    /// In milliseconds.
    pub(super) backoff: u32,
    pub(super) time_limit: u32,
    pub(super) keep: u32,
    pub(super) state: State,
    /// Since when; of one that does not wait yet, when it will.
    pub(super) since: Time,
    pub(super) origin: Origin,
    pub(super) body: Packed,
    /// Most jobs have none of it.
    pub(super) more: Option<Box<More>>,
}

#[derive(Default, Debug)]
pub(super) struct More {
    pub(super) key: Bytes,
    /// What it left when it spawned its children.
    pub(super) memo: Packed,
    pub(super) children: Vec<Kid>,
    /// How many of them have not ended.
    pub(super) open: u32,
    /// They are done one after the other.
    pub(super) ordered: bool,
    /// It has spawned, and goes on when all is done.
    pub(super) is_resumed: bool,
    /// Bytes of memo, children and what they came to.
    pub(super) weight: usize,
}

/// A child, as its parent knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Kid {
    Open(JobId),
    Ended(Sealed),
    Ignored,
}

/// How a job ended, in one piece.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::zqueue) struct Sealed {
    /// What went wrong, if something did.
    pub(in crate::zqueue) failure: Option<(ErrorKind, u32)>,
    pub(in crate::zqueue) body: Packed,
}

impl Sealed {
    pub(in crate::zqueue) fn done(body: &Frames) -> Self {
        Self { failure: None, body: Packed::of(body) }
    }

    pub(in crate::zqueue) fn failed(failure: &Failure) -> Self {
        Self { failure: Some((failure.kind, failure.code)), body: Packed::of(&failure.body) }
    }

    pub(in crate::zqueue) fn open(&self) -> Outcome {
        let body = self.body.frames();
        match self.failure {
            None => Outcome::Done(body),
            Some((kind, code)) => Outcome::Failed(Failure { kind, code, body }),
        }
    }
}

impl Job {
    /// About what is kept of a job beside its bytes.
    pub(super) const BESIDE: usize = 256;

    /// A root, which begins at `since`.
    pub(super) fn new(
        list: ListId,
        id: JobId,
        body: Packed,
        options: &JobOptions,
        origin: Origin,
        since: Time,
    ) -> Self {
        let key = || Box::new(More { key: Bytes::copy_from_slice(&options.key), ..More::default() });
        let more = (!options.key.is_empty()).then(key);
        Self {
            list,
            parent: 0,
            index: 0,
            root: id,
            depth: 0,
            priority: options.priority,
            on_failure: OnFailure::Fail,
            attempts: options.attempts,
            failures: 0,
            lost: 0,
            backoff: millis(options.backoff),
            time_limit: millis(options.time_limit),
            keep: millis(options.keep),
            state: State::New,
            since,
            origin,
            body,
            more,
        }
    }

    /// What it costs: its bytes, and about what is kept beside them.
    pub(super) fn cost(&self) -> usize {
        let more = self.more.as_ref().map_or(0, |more| size_of::<More>() + more.key.len() + more.weight);
        Self::BESIDE + self.body.len() + more
    }

    pub(super) fn key(&self) -> Bytes {
        self.more.as_ref().map_or_else(Bytes::new, |more| more.key.clone())
    }

    /// Whether it has left something for when its children are done.
    pub(super) fn is_resumed(&self) -> bool {
        self.more.as_ref().is_some_and(|more| more.is_resumed)
    }

    pub(super) fn children(&self) -> &[Kid] {
        self.more.as_ref().map_or(&[], |more| &more.children)
    }

    /// What its children came to.
    pub(super) fn results(&self) -> Vec<ChildOutcome> {
        let open = |kid: &Kid| match kid {
            Kid::Ended(sealed) => Some(sealed.open()),
            Kid::Open(_) | Kid::Ignored => None,
        };
        self.children().iter().map(open).collect()
    }

    pub(super) fn time_limit(&self) -> Option<Duration> {
        (self.time_limit > 0).then(|| Duration::from_millis(self.time_limit.into()))
    }

    /// As it was pushed, for another try.
    pub(super) fn options(&self) -> JobOptions {
        let span = |millis: u32| Duration::from_millis(millis.into());
        JobOptions {
            priority: self.priority,
            delay: Duration::ZERO,
            attempts: self.attempts.saturating_add(self.failures).max(1),
            backoff: span(self.backoff),
            time_limit: span(self.time_limit),
            key: self.key(),
            keep: span(self.keep),
        }
    }
}

/// Bytes of children.
pub(super) fn bytes_of(children: &[Child]) -> usize {
    children.iter().flat_map(|child| &child.body).map(Bytes::len).sum()
}
