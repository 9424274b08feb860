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

use super::{Content, Criterion, StreamOptions, archive::Archive};
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

/// Where a publication is.
pub(super) enum Found<'a> {
    Here(&'a Arc<Publication>),
    /// In the block that begins with this number.
    OnDisk(u64),
    /// Nowhere any more, and neither are those up to this number.
    Gone(u64),
}

/// What is kept of a stream: the recent in memory, and what was before them in an archive, if there is one.
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
    archive: Option<Archive>,
}

impl History {
    pub(super) fn new(options: &StreamOptions, live: &Live) -> Self {
        Self {
            most: options.history,
            most_bytes: options.history_bytes,
            age: options.history_age,
            most_subjects: options.last_values,
            archive: (options.disk_bytes > 0).then(|| Archive::new(options.disk_bytes, live)),
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
        self.archive.as_ref().and_then(Archive::first).unwrap_or_else(|| self.first_recent())
    }

    /// The number of the first that is in memory as one of the recent.
    pub(super) fn first_recent(&self) -> u64 {
        self.last + 1 - self.recent.len() as u64
    }

    /// Where the publication of this number is, which is not beyond the last.
    pub(super) fn get(&self, number: u64) -> Found<'_> {
        let first = self.first_recent();
        if let Some(recent) = number.checked_sub(first).and_then(|place| self.recent.get(place as usize)) {
            return Found::Here(recent);
        }
        self.archive.as_ref().and_then(|archive| archive.get(number)).unwrap_or(Found::Gone(first - 1))
    }

    /// What is on disk, if something may be.
    pub(super) fn archive(&mut self) -> Option<&mut Archive> {
        self.archive.as_mut()
    }

    /// Whether something may be on disk.
    pub(super) fn has_archive(&self) -> bool {
        self.archive.is_some()
    }

    /// Bytes of what is on disk, or soon will be.
    pub(super) fn archived(&self) -> u64 {
        self.archive.as_ref().map_or(0, Archive::bytes)
    }

    /// Whether another of this size fits without losing one.
    pub(super) fn has_room(&self, size: usize) -> bool {
        let fits = self.recent.len() < self.most && self.bytes + size <= self.most_bytes;
        fits || self.archive.as_ref().is_some_and(|archive| archive.has_room(size as u64))
    }

    /// The number of the last that is lost when there is no room.
    pub(super) fn next_to_go(&self) -> u64 {
        self.archive.as_ref().and_then(Archive::next_to_go).unwrap_or_else(|| self.first_recent())
    }

    /// Adds the next. Nothing after `needed_after` is given up for it, if there is an archive.
    pub(super) fn push(&mut self, new: &Arc<Publication>, needed_after: u64) {
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
        if let Some(archive) = &mut self.archive {
            archive.trim(needed_after);
        }
    }

    fn note(&mut self, new: &Arc<Publication>) {
        if let Some(latest) = self.latest.get_mut(new.subject()) {
            let before = std::mem::replace(latest, new.number);
            let place = before.checked_sub(self.first_recent());
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
        if let Some(archive) = &mut self.archive {
            archive.push(Arc::clone(&old));
        }
        if self.outdated.pop_front() != Some(true) && self.latest.get(old.subject()) == Some(&old.number) {
            self.kept.insert(old.number, old);
        }
    }

    /// Forgets what is too old, but nothing after `needed_after`.
    pub(super) fn age(&mut self, now: Time, needed_after: u64) {
        let age = self.age;
        let is_old = |old: &Arc<Publication>| old.number <= needed_after && now >= old.at + age;
        while self.recent.front().is_some_and(is_old) {
            self.forget_first();
        }
        if let Some(archive) = &mut self.archive {
            archive.age(now, age, needed_after);
        }
    }

    /// Forgets the oldest, which others may still have; false if none is left. With an archive nothing is forgotten: some is on its way
    /// there from now on, and memory is free when it has arrived.
    pub(super) fn shrink(&mut self) -> bool {
        if self.archive.is_some() {
            self.archive_some();
            return false;
        }
        let Some(old) = self.recent.pop_front() else { return self.kept.pop_first().is_some() };
        self.bytes -= old.size();
        if self.outdated.pop_front() != Some(true) && self.latest.get(old.subject()) == Some(&old.number) {
            self.latest.remove(old.subject());
        }
        true
    }

    /// As much as is written at once, unless something is already on its way.
    fn archive_some(&mut self) {
        while self.archive.as_ref().is_some_and(Archive::is_written) && !self.recent.is_empty() {
            self.forget_first();
        }
        if let Some(archive) = self.archive.as_mut().filter(|archive| archive.is_written()) {
            archive.seal();
        }
    }

    /// The recent ones after this number.
    pub(super) fn after(&self, number: u64) -> impl DoubleEndedIterator<Item = &Arc<Publication>> {
        let skip = (number + 1).saturating_sub(self.first_recent()).min(self.recent.len() as u64);
        self.recent.range(skip as usize..)
    }

    /// The last publication of each subject that is asked for, in order.
    pub(super) fn last_values(&self, criterion: &Criterion) -> Vec<Arc<Publication>> {
        let wanted = self.latest.iter().filter(|(subject, _)| criterion.matches(subject)).map(|(_, number)| *number);
        let mut numbers: Vec<u64> = wanted.collect();
        numbers.sort_unstable();
        let first = self.first_recent();
        let get = |number: u64| match number.checked_sub(first) {
            Some(place) => self.recent.get(place as usize).cloned(),
            None => self.kept.get(&number).cloned(),
        };
        numbers.into_iter().filter_map(get).collect()
    }
}
