//! What a stream has published, as far as it is kept.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;

use super::{Content, Criterion};
use crate::Time;

/// How many bytes of publications there are. Each counts itself, for as long as somebody has it.
#[derive(Clone, Default, Debug)]
pub(super) struct Live(Arc<AtomicU64>);

impl Live {
    pub(super) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One that was published. A history and any number of views share it.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) number: u64,
    pub(super) at: Time,
    pub(super) content: Content,
    live: Live,
}

/// What a publication takes besides its bytes, about.
const OVERHEAD: usize = 96;

impl Publication {
    pub(super) fn new(number: u64, at: Time, content: Content, live: &Live) -> Arc<Self> {
        let new = Self { number, at, content, live: live.clone() };
        live.0.fetch_add(new.size() as u64, Ordering::Relaxed);
        Arc::new(new)
    }

    pub(super) fn size(&self) -> usize {
        self.encoded().len() + OVERHEAD
    }

    /// As it is in packs.
    pub(super) fn encoded(&self) -> &[u8] {
        self.content.encoded()
    }

    pub(super) fn subject(&self) -> &[u8] {
        self.content.about()
    }
}

impl Drop for Publication {
    fn drop(&mut self) {
        self.live.0.fetch_sub(self.size() as u64, Ordering::Relaxed);
    }
}

/// What is kept of a stream.
#[derive(Debug)]
pub(super) struct History {
    most: usize,
    most_bytes: usize,
    age: Duration,
    most_subjects: usize,
    /// In order, without holes.
    recent: VecDeque<Arc<Publication>>,
    /// Of each of those whether its subject has had another since: to look at its subject is to wait for its memory.
    outdated: VecDeque<bool>,
    bytes: usize,
    /// The number of the last.
    last: u64,
    /// By subject, the number of its last publication, of the last subjects only.
    latest: BTreeMap<Bytes, u64>,
    /// Those of them that are not among the recent.
    kept: BTreeMap<u64, Arc<Publication>>,
}

impl History {
    pub(super) fn new(most: usize, most_bytes: usize, age: Duration, most_subjects: usize) -> Self {
        Self {
            most,
            most_bytes,
            age,
            most_subjects,
            recent: VecDeque::new(),
            outdated: VecDeque::new(),
            bytes: 0,
            last: 0,
            latest: BTreeMap::new(),
            kept: BTreeMap::new(),
        }
    }

    /// The number of the last publication; 0 if there was none.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// The number of the first that is there, or of the next if none is.
    pub(super) fn first(&self) -> u64 {
        self.last + 1 - self.recent.len() as u64
    }

    /// Whether another of this size fits without losing one, by number and bytes.
    pub(super) fn has_room(&self, size: usize) -> bool {
        self.recent.len() < self.most && self.bytes + size <= self.most_bytes
    }

    /// Adds the next.
    pub(super) fn push(&mut self, new: &Arc<Publication>) {
        if self.most_subjects > 0 {
            self.note(new);
        }
        self.last = new.number;
        self.recent.push_back(Arc::clone(new));
        self.outdated.push_back(false);
        self.bytes += new.size();
        while self.recent.len() > self.most || (self.bytes > self.most_bytes && !self.recent.is_empty()) {
            self.forget_first();
        }
    }

    fn note(&mut self, new: &Arc<Publication>) {
        if let Some(latest) = self.latest.get_mut(new.subject()) {
            let before = std::mem::replace(latest, new.number);
            let place = before.checked_sub(self.first());
            match place.and_then(|place| self.outdated.get_mut(place as usize)) {
                Some(outdated) => *outdated = true,
                None => drop(self.kept.remove(&before)),
            }
            return;
        }
        self.latest.insert(new.content.subject(), new.number);
        if self.latest.len() > self.most_subjects {
            // The one whose last publication is the oldest goes; those that are kept are older than the recent.
            let oldest = self.kept.pop_first().map(|(_, old)| old).or_else(|| {
                let is_latest = |old: &&Arc<Publication>| self.latest.get(old.subject()) == Some(&old.number);
                self.recent.iter().find(is_latest).cloned()
            });
            if let Some(oldest) = oldest {
                self.latest.remove(oldest.subject());
            }
        }
    }

    fn forget_first(&mut self) {
        let Some(old) = self.recent.pop_front() else { return };
        self.bytes -= old.size();
        if self.outdated.pop_front() != Some(true) && self.latest.get(old.subject()) == Some(&old.number) {
            self.kept.insert(old.number, old);
        }
    }

    /// Forgets what is too old.
    pub(super) fn age(&mut self, now: Time) {
        while self.recent.front().is_some_and(|old| now >= old.at + self.age) {
            self.forget_first();
        }
    }

    /// Forgets the oldest, which others may still have; false if none is left.
    pub(super) fn shrink(&mut self) -> bool {
        let Some(old) = self.recent.pop_front() else { return self.kept.pop_first().is_some() };
        self.bytes -= old.size();
        if self.outdated.pop_front() != Some(true) && self.latest.get(old.subject()) == Some(&old.number) {
            self.latest.remove(old.subject());
        }
        true
    }

    /// The recent ones after this number.
    pub(super) fn after(&self, number: u64) -> impl DoubleEndedIterator<Item = &Arc<Publication>> {
        let skip = (number + 1).saturating_sub(self.first()).min(self.recent.len() as u64);
        self.recent.range(skip as usize..)
    }

    /// The last publication of each subject that is asked for, in order.
    pub(super) fn last_values(&self, criterion: &Criterion) -> Vec<Arc<Publication>> {
        let wanted = self.latest.iter().filter(|(subject, _)| criterion.matches(subject)).map(|(_, number)| *number);
        let mut numbers: Vec<u64> = wanted.collect();
        numbers.sort_unstable();
        let first = self.first();
        let get = |number: u64| match number.checked_sub(first) {
            Some(place) => self.recent.get(place as usize).cloned(),
            None => self.kept.get(&number).cloned(),
        };
        numbers.into_iter().filter_map(get).collect()
    }
}
