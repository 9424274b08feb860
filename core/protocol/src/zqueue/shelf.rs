//! What is kept of jobs that have ended: outcomes for who asks later, and dead letters.
//!
//! | key | value |
//! |---|---|
//! | `o`, the job | its outcome, until when it is kept, and by what the job was known |
//! | `d`, the job | a dead letter: the job, and why it failed |

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::{Buf, BufMut, Bytes};

use super::{
    forest::{Clock, NOBODY, Name, Origin, Sealed, get_packed, get_sealed, put_packed, put_sealed},
    options::{JobId, JobOptions, Packed},
    wire::{get_options, put_options},
};
use crate::{
    Time,
    fields::{get_name, put_name},
};

/// What is kept at most.
#[derive(Clone, Copy, Debug)]
pub struct ShelfLimits {
    /// Outcomes; beyond, the one whose time comes first is dropped.
    pub outcomes: usize,
    /// Their bytes.
    pub outcome_bytes: usize,
    /// Dead letters; beyond, the oldest is dropped.
    pub letters: usize,
    /// Their bytes.
    pub letter_bytes: usize,
}

const OUTCOME: u8 = b'o';
const LETTER: u8 = b'd';

/// About what is kept beside the bytes.
const BESIDE: usize = 256;

/// Under which something is stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum ShelfKey {
    Outcome(JobId),
    Letter(JobId),
}

impl ShelfKey {
    pub(super) fn encode(self) -> Bytes {
        let mut to = Vec::with_capacity(9);
        let (kind, id) = match self {
            Self::Outcome(id) => (OUTCOME, id),
            Self::Letter(id) => (LETTER, id),
        };
        to.put_u8(kind);
        to.put_u64(id);
        to.into()
    }

    /// `None` if it is none of ours.
    pub(super) fn decode(mut from: Bytes) -> Option<Self> {
        let key = match from.try_get_u8().ok()? {
            OUTCOME => Self::Outcome(from.try_get_u64().ok()?),
            LETTER => Self::Letter(from.try_get_u64().ok()?),
            _ => return None,
        };
        from.is_empty().then_some(key)
    }
}

#[derive(Debug)]
struct Kept {
    sealed: Sealed,
    until: Time,
    name: Name,
}

impl Kept {
    fn cost(&self) -> usize {
        BESIDE + self.sealed.body.len() + self.name.key.len()
    }
}

/// A job that failed by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Letter {
    pub(super) queue: Bytes,
    pub(super) body: Packed,
    pub(super) options: JobOptions,
    pub(super) sealed: Sealed,
}

impl Letter {
    fn cost(&self) -> usize {
        BESIDE + self.body.len() + self.sealed.body.len()
    }
}

pub(super) struct Shelf {
    limits: ShelfLimits,
    is_stored: bool,
    kept: BTreeMap<JobId, Kept>,
    kept_bytes: usize,
    ages: BTreeSet<(Time, JobId)>,
    origins: BTreeMap<Origin, JobId>,
    keys: BTreeMap<(Bytes, Bytes), JobId>,
    letters: BTreeMap<JobId, Letter>,
    letter_bytes: usize,
    changed: BTreeSet<ShelfKey>,
    clock: Clock,
}

impl Shelf {
    pub(super) fn new(limits: ShelfLimits, is_stored: bool) -> Self {
        Self {
            limits,
            is_stored,
            kept: BTreeMap::new(),
            kept_bytes: 0,
            ages: BTreeSet::new(),
            origins: BTreeMap::new(),
            keys: BTreeMap::new(),
            letters: BTreeMap::new(),
            letter_bytes: 0,
            changed: BTreeSet::new(),
            clock: Clock::default(),
        }
    }

    /// Outcomes, dead letters, and bytes of both.
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        (self.kept.len(), self.letters.len(), self.kept_bytes + self.letter_bytes)
    }

    /// Keeps an outcome.
    pub(super) fn keep(&mut self, job: JobId, sealed: Sealed, until: Time, name: Name) {
        if name.origin != NOBODY {
            self.origins.insert(name.origin, job);
        }
        if !name.key.is_empty() {
            self.keys.insert((name.queue.clone(), name.key.clone()), job);
        }
        let kept = Kept { sealed, until, name };
        self.kept_bytes += kept.cost();
        self.ages.insert((until, job));
        self.kept.insert(job, kept);
        self.note_changed([ShelfKey::Outcome(job)]);
        while self.kept.len() > self.limits.outcomes || self.kept_bytes > self.limits.outcome_bytes {
            let Some((_, oldest)) = self.ages.first().copied() else { break };
            self.drop_outcome(oldest);
        }
    }

    fn drop_outcome(&mut self, job: JobId) {
        let Some(kept) = self.kept.remove(&job) else { return };
        self.kept_bytes -= kept.cost();
        self.ages.remove(&(kept.until, job));
        self.origins.remove(&kept.name.origin);
        self.keys.remove(&(kept.name.queue, kept.name.key));
        self.note_changed([ShelfKey::Outcome(job)]);
    }

    /// What a job came to.
    pub(super) fn outcome(&self, job: JobId) -> Option<&Sealed> {
        self.kept.get(&job).map(|kept| &kept.sealed)
    }

    /// A job that has ended, by what it was known.
    pub(super) fn find(&self, name: &Name) -> Option<JobId> {
        let by_key = || self.keys.get(&(name.queue.clone(), name.key.clone())).copied();
        self.origins.get(&name.origin).copied().or_else(by_key)
    }

    /// Keeps a dead letter.
    pub(super) fn bury(&mut self, job: JobId, letter: Letter) {
        self.letter_bytes += letter.cost();
        self.letters.insert(job, letter);
        self.note_changed([ShelfKey::Letter(job)]);
        while self.letters.len() > self.limits.letters || self.letter_bytes > self.limits.letter_bytes {
            let Some(oldest) = self.letters.first_key_value().map(|(job, _)| *job) else { break };
            self.take_letter(oldest);
        }
    }

    /// Takes a dead letter away.
    pub(super) fn take_letter(&mut self, job: JobId) -> Option<Letter> {
        let letter = self.letters.remove(&job)?;
        self.letter_bytes -= letter.cost();
        self.note_changed([ShelfKey::Letter(job)]);
        Some(letter)
    }

    /// Dead letters from this one on.
    pub(super) fn letters(&self, from: JobId) -> impl Iterator<Item = (JobId, &Letter)> {
        self.letters.range(from..).map(|(job, letter)| (*job, letter))
    }

    /// Drops what was kept for long enough.
    pub(super) fn expire(&mut self, now: Time) {
        while let Some((until, job)) = self.ages.first().copied()
            && until <= now
        {
            self.drop_outcome(job);
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.ages.first().map(|(until, _)| *until)
    }

    pub(super) fn take_changed(&mut self) -> BTreeSet<ShelfKey> {
        std::mem::take(&mut self.changed)
    }

    /// What is under these keys is to be stored, if anything is.
    pub(super) fn note_changed(&mut self, keys: impl IntoIterator<Item = ShelfKey>) {
        if self.is_stored {
            self.changed.extend(keys);
        }
    }

    /// What is to be stored under a key; nothing if it is not to be there.
    pub(super) fn record(&self, key: ShelfKey) -> Option<Bytes> {
        let mut to = Vec::new();
        match key {
            ShelfKey::Outcome(job) => {
                let Kept { sealed, until, name: Name { origin, queue, key } } = self.kept.get(&job)?;
                [self.clock.date(*until), origin.0, origin.1].into_iter().for_each(|number| to.put_u64(number));
                put_name(&mut to, queue);
                put_name(&mut to, key);
                put_sealed(&mut to, sealed);
            }
            ShelfKey::Letter(job) => {
                let Letter { queue, body, options, sealed } = self.letters.get(&job)?;
                put_name(&mut to, queue);
                put_options(&mut to, options);
                put_packed(&mut to, body);
                put_sealed(&mut to, sealed);
            }
        }
        Some(to.into())
    }

    /// Takes in what the store had; `None` for what no queue wrote.
    pub(super) fn recover(&mut self, now: Time, clock: Clock, records: Vec<(ShelfKey, Bytes)>) -> Option<()> {
        self.clock = clock;
        for (key, mut from) in records {
            match key {
                ShelfKey::Outcome(job) => {
                    let mut number = || from.try_get_u64().ok();
                    let (until, origin) = (number()?, (number()?, number()?));
                    let (queue, key) = (get_name(&mut from)?, get_name(&mut from)?);
                    // A clock that was set may say anything.
                    let until = clock.time(until).max(now + Duration::from_millis(1));
                    self.keep(job, get_sealed(from)?, until, Name { origin, queue, key });
                }
                ShelfKey::Letter(job) => {
                    let (queue, options) = (get_name(&mut from)?, get_options(&mut from)?);
                    let body = get_packed(&mut from)?;
                    self.bury(job, Letter { queue, body, options, sealed: get_sealed(from)? });
                }
            }
        }
        self.changed.clear();
        Some(())
    }
}
