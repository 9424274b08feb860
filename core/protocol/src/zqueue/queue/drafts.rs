//! Jobs that are pushed part by part.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;

use super::{Asker, LinkId, Push};
use crate::{ErrorKind, Refusal, Time, machine::Frames};

/// One to which nothing is added for so long is dropped.
const ABANDONED: Duration = Duration::from_secs(60);

struct Draft {
    push: Push,
    bytes: usize,
    until: Time,
}

/// All of them, within bounds.
pub(super) struct Drafts {
    most: (usize, usize),
    all: BTreeMap<Asker, Draft>,
    ages: BTreeSet<(Time, Asker)>,
    bytes: usize,
}

fn bytes_of(body: &Frames) -> usize {
    body.iter().map(|frame| frame.len() + size_of::<Bytes>()).sum()
}

impl Drafts {
    /// At most so many, with so many bytes.
    pub(super) fn new(most: (usize, usize)) -> Self {
        Self { most, all: BTreeMap::new(), ages: BTreeSet::new(), bytes: 0 }
    }

    pub(super) fn begin(&mut self, now: Time, asker: Asker, push: Push) -> Result<(), Refusal> {
        let bytes = bytes_of(&push.body);
        if self.all.contains_key(&asker) {
            return Err(Refusal::new(ErrorKind::WrongState, "the job was begun before"));
        }
        if self.all.len() >= self.most.0 || self.bytes + bytes > self.most.1 {
            return Err(Refusal::new(ErrorKind::Full, "too many jobs are being pushed part by part"));
        }
        self.bytes += bytes;
        let until = now + ABANDONED;
        self.ages.insert((until, asker));
        self.all.insert(asker, Draft { push, bytes, until });
        Ok(())
    }

    /// Adds a part. A job that becomes too large is dropped.
    pub(super) fn add(&mut self, now: Time, asker: Asker, body: Frames) -> Result<(), Refusal> {
        let bytes = bytes_of(&body);
        let Some(draft) = self.all.get_mut(&asker) else {
            return Err(Refusal::new(ErrorKind::NotFound, "no such job was begun"));
        };
        if self.bytes + bytes > self.most.1 {
            self.take(asker);
            return Err(Refusal::new(ErrorKind::Full, "the jobs that are being pushed have too many bytes"));
        }
        self.ages.remove(&(draft.until, asker));
        draft.push.body.extend(body);
        (draft.bytes, draft.until) = (draft.bytes + bytes, now + ABANDONED);
        self.ages.insert((draft.until, asker));
        self.bytes += bytes;
        Ok(())
    }

    /// It is whole, or of no use.
    pub(super) fn take(&mut self, asker: Asker) -> Option<Push> {
        let draft = self.all.remove(&asker)?;
        self.ages.remove(&(draft.until, asker));
        self.bytes -= draft.bytes;
        Some(draft.push)
    }

    pub(super) fn drop_all_of(&mut self, link: LinkId) {
        let of_it = self.all.range((link, 0)..=(link, u64::MAX)).map(|(asker, _)| *asker);
        for asker in of_it.collect::<Vec<_>>() {
            self.take(asker);
        }
    }

    pub(super) fn expire(&mut self, now: Time) {
        while let Some((until, asker)) = self.ages.first().copied()
            && until <= now
        {
            self.take(asker);
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.ages.first().map(|(until, _)| *until)
    }
}
