//! What is said only when it is stored.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;

use super::{
    super::{
        forest::{Clock, Key},
        options::JobId,
        shelf::ShelfKey,
        wire::Message,
    },
    LinkId, Queue, QueueEvent,
};
use crate::{
    Error, ErrorKind, Refusal, Result, Time, Wall,
    machine::{Change, Output},
};

/// After the store has failed, it is tried again so often.
const RETRY: Duration = Duration::from_secs(1);

enum Promise {
    /// A job is accepted: who pushed it hears so, and workers may have it.
    Accept(JobId),
    /// A peer hears this.
    Tell(LinkId, Message),
}

/// What goes into the store together, and what is said when it is there.
struct Write {
    sequence: u64,
    jobs: BTreeSet<Key>,
    shelf: BTreeSet<ShelfKey>,
    promises: Vec<Promise>,
}

pub(super) struct Promises {
    is_stored: bool,
    given: Vec<Promise>,
    /// One at a time: what changes meanwhile goes into the next, and much of it has ended by then.
    writing: Option<Write>,
    sequence: u64,
    /// The store has failed; when it is tried again.
    retry: Option<Time>,
}

impl Promises {
    pub(super) fn new(is_stored: bool) -> Self {
        Self { is_stored, given: Vec::new(), writing: None, sequence: 0, retry: None }
    }

    pub(super) fn accept(&mut self, job: JobId) {
        self.given.push(Promise::Accept(job));
    }

    pub(super) fn tell(&mut self, link: LinkId, message: Message) {
        self.given.push(Promise::Tell(link, message));
    }

    /// What was promised to this peer is told to nobody.
    pub(super) fn drop_all_of(&mut self, link: LinkId) {
        let is_for_others = |promise: &Promise| !matches!(promise, Promise::Tell(to, _) if *to == link);
        self.given.retain(is_for_others);
        if let Some(write) = &mut self.writing {
            write.promises.retain(is_for_others);
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.given.is_empty() && self.writing.is_none()
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.retry
    }
}

impl Queue {
    /// At the end of a turn: what has changed goes into the store, or if there is none, what was promised is kept at once.
    pub(super) fn keep_promises(&mut self, now: Time) {
        if !self.promises.is_stored {
            while !self.promises.given.is_empty() {
                for promise in std::mem::take(&mut self.promises.given) {
                    self.keep(now, promise);
                }
                self.act(now);
            }
            return;
        }
        if self.promises.retry.is_some_and(|at| at <= now) {
            self.promises.retry = None;
        }
        if !self.ready || self.promises.writing.is_some() || self.promises.retry.is_some() {
            return;
        }
        let (jobs, shelf) = (self.forest.take_changed(), self.shelf.take_changed());
        let promises = std::mem::take(&mut self.promises.given);
        if jobs.is_empty() && shelf.is_empty() {
            // All is there already.
            return promises.into_iter().for_each(|promise| self.keep(now, promise));
        }
        let change = |key: Bytes, value: Option<Bytes>| match value {
            Some(value) => Change::Put { key, value },
            None => Change::Remove { key },
        };
        let of_jobs = jobs.iter().map(|key| change(key.encode(), self.forest.record(*key)));
        let of_shelf = shelf.iter().map(|key| change(key.encode(), self.shelf.record(*key)));
        let changes = of_jobs.chain(of_shelf).collect();
        self.promises.sequence += 1;
        let sequence = self.promises.sequence;
        self.outputs.push_back(Output::Store { sequence, changes });
        self.promises.writing = Some(Write { sequence, jobs, shelf, promises });
    }

    fn keep(&mut self, now: Time, promise: Promise) {
        match promise {
            Promise::Accept(job) => {
                self.forest.release(now, job);
                for (link, number) in self.pushers.remove(&job).unwrap_or_default() {
                    self.send(now, link, Message::Accepted { number, job, known: false });
                }
            }
            Promise::Tell(link, message) => self.send(now, link, message),
        }
    }

    pub(super) fn stored(&mut self, now: Time, up_to: u64) {
        if self.promises.writing.as_ref().is_some_and(|write| write.sequence <= up_to)
            && let Some(write) = self.promises.writing.take()
        {
            for promise in write.promises {
                self.keep(now, promise);
            }
        }
    }

    /// What was to be stored may be or not. New jobs are refused; everything else is tried again.
    pub(super) fn store_failed(&mut self, now: Time, up_to: u64, error: Error) {
        if up_to == 0 {
            return self.events.push_back(QueueEvent::Failed(error));
        }
        if self.promises.writing.as_ref().is_none_or(|write| write.sequence > up_to) {
            return;
        }
        let Some(write) = self.promises.writing.take() else { return };
        self.promises.retry = Some(now + RETRY);
        self.forest.note_changed(write.jobs);
        self.shelf.note_changed(write.shelf);
        let mut again = Vec::new();
        for promise in write.promises {
            match promise {
                Promise::Accept(job) => self.reject(now, job, &error),
                promise => again.push(promise),
            }
        }
        again.append(&mut self.promises.given);
        self.promises.given = again;
    }

    fn reject(&mut self, now: Time, job: JobId, error: &Error) {
        self.forest.reject(job);
        for asker in self.pushers.remove(&job).unwrap_or_default() {
            self.forget(asker);
            let refusal =
                Refusal { retry_after: RETRY, ..Refusal::new(error.kind(), &format!("the store failed: {error}")) };
            self.refuse(now, asker, refusal);
        }
    }

    pub(super) fn read_records(&mut self, now: Time, date: Wall, records: Vec<(Bytes, Bytes)>) -> Result<()> {
        let clock = Clock(date, now);
        let (mut jobs, mut shelf) = (Vec::new(), Vec::new());
        for (key, value) in records {
            match ShelfKey::decode(key.clone()) {
                Some(of_shelf) => shelf.push((of_shelf, value)),
                None => jobs.push((key, value)),
            }
        }
        self.forest.recover(now, clock, jobs)?;
        let corrupt = || Error::new(ErrorKind::Corrupt, "the store holds something that no queue has written");
        self.shelf.recover(now, clock, shelf).ok_or_else(corrupt)
    }
}
