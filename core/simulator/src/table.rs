//! What a node stores, on a disk that may be full and that loses what was not yet on it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use fastrand::Rng;
use zpatterns_protocol::{
    Error, ErrorKind, Time, Wall,
    machine::{Change, Input},
};

/// The date at which every world begins.
const EPOCH: Duration = Duration::from_secs(1_800_000_000);

/// A table of values by key.
#[derive(Default, Debug)]
pub struct Table {
    records: BTreeMap<Bytes, Bytes>,
    /// Keys that ever had a value.
    known: BTreeSet<Bytes>,
    /// What is on its way to the disk.
    pending: VecDeque<(u64, Vec<Change>)>,
    last: Time,
    full: bool,
    unreadable: bool,
    skew: Duration,
}

impl Table {
    /// From now on nothing is taken, or everything again.
    pub fn set_full(&mut self, full: bool) {
        self.full = full;
    }

    /// From now on no single record can be read, or each again.
    pub fn set_unreadable(&mut self, unreadable: bool) {
        self.unreadable = unreadable;
    }

    /// The node's date is so much ahead when it reads the table.
    pub fn set_skew(&mut self, skew: Duration) {
        self.skew = skew;
    }

    /// What is on the disk.
    pub fn records(&self) -> &BTreeMap<Bytes, Bytes> {
        &self.records
    }

    /// Whether a key ever had a value on the disk.
    pub fn has_had(&self, key: &[u8]) -> bool {
        self.known.contains(key)
    }

    /// When these changes will be on the disk, if that was to be `at`.
    pub(crate) fn queue(&mut self, at: Time, sequence: u64, changes: Vec<Change>) -> Time {
        self.pending.push_back((sequence, changes));
        self.last = self.last.max(at);
        self.last
    }

    /// The next changes reach the disk.
    pub(crate) fn write<C>(&mut self, sequence: u64) -> Input<C> {
        let (up_to, changes) = self.pending.pop_front().expect("it was queued");
        assert_eq!(up_to, sequence, "changes are stored in their order");
        if self.full {
            return Input::StoreFailed { up_to, error: Error::new(ErrorKind::Full, "the disk is full") };
        }
        self.apply(changes);
        Input::Stored { up_to }
    }

    /// Of what was on its way, some has arrived: the oldest.
    pub(crate) fn crash(&mut self, random: &mut Rng) {
        let arrived = random.usize(0..=self.pending.len());
        for (_, changes) in std::mem::take(&mut self.pending).into_iter().take(arrived) {
            if !self.full {
                self.apply(changes);
            }
        }
    }

    pub(crate) fn read<C>(&self, now: Time) -> Input<C> {
        let date = EPOCH + (now - Time::ZERO) + self.skew;
        let date = Wall::from_nanos(u64::try_from(date.as_nanos()).unwrap_or(u64::MAX));
        let records = self.records.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        Input::Recovered { date, records }
    }

    /// What the disk has for a key, if it can be read.
    pub(crate) fn fetch<C>(&self, key: Bytes) -> Input<C> {
        let damaged = || Err(Error::new(ErrorKind::Corrupt, "the disk is damaged"));
        let value = if self.unreadable { damaged() } else { Ok(self.records.get(&key).cloned()) };
        Input::Fetched { key, value }
    }

    fn apply(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Put { key, value } => {
                    self.known.insert(key.clone());
                    self.records.insert(key, value)
                }
                Change::Remove { key } => self.records.remove(&key),
            };
        }
    }
}
