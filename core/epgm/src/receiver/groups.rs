//! Parity that came, and what it is computed with.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::stream::Stream;
use crate::{packet::Parity, parity};

/// Datagrams with parity that wait for others at most.
const MAX: usize = 4096;
/// So often parity is asked for; after that, each datagram for itself.
pub(super) const TRIES: u32 = 3;

/// The groups of a source of which something is missing.
#[derive(Debug)]
pub(super) struct Groups {
    size: u32,
    on_demand: bool,
    /// The last that were handed on, as many as a group may have, and the place of the next.
    recent: VecDeque<Bytes>,
    next: u64,
    /// By the place of the group's first datagram, and which of the group's parity it is.
    parity: BTreeMap<u64, BTreeMap<u32, Bytes>>,
    count: usize,
}

impl Groups {
    pub(super) fn new(Parity { group, on_demand, .. }: Parity) -> Self {
        Self { size: group, on_demand, recent: VecDeque::new(), next: 0, parity: BTreeMap::new(), count: 0 }
    }

    pub(super) fn is_as(&self, parameters: Parity) -> bool {
        (self.size, self.on_demand) == (parameters.group, parameters.on_demand)
    }

    /// One was handed on. It may be needed to compute others of its group.
    pub(super) fn remember(&mut self, place: u64, payload: Bytes) {
        if place != self.next {
            self.recent.clear();
        }
        self.next = place + 1;
        self.recent.push_back(payload);
        if self.recent.len() > self.size as usize {
            self.recent.pop_front();
        }
    }

    /// The group of a place: the place of its first datagram, and how many it has.
    pub(super) fn group(&self, place: u64) -> (u64, u64) {
        (place & !u64::from(self.size - 1), self.size.into())
    }

    /// Parity came, whose number is that of this place. Whether it is new, and there was room.
    pub(super) fn keep(&mut self, place: u64, payload: &[u8]) -> bool {
        let (first, _) = self.group(place);
        if self.count >= MAX {
            return false;
        }
        let group = self.parity.entry(first).or_default();
        let is_new = group.insert((place - first) as u32, Bytes::copy_from_slice(payload)).is_none();
        self.count += usize::from(is_new);
        is_new
    }

    /// How much parity is needed to compute what is missing of a place's group, if it can be had.
    pub(super) fn lacks(&self, place: u64, stream: &Stream) -> Option<usize> {
        let (first, size) = self.group(place);
        let here = self.parity.get(&first).map_or(0, BTreeMap::len);
        let missing = stream.missing_within(first, first + size).count();
        // Of a group that is not complete, there is none yet.
        (self.on_demand && first + size <= stream.end()).then(|| missing.saturating_sub(here))
    }

    /// Whether there is parity that may help with a place.
    pub(super) fn has_parity_for(&self, place: u64) -> bool {
        !self.parity.is_empty() && self.parity.contains_key(&self.group(place).0)
    }

    /// Computes what is missing of a group, if enough is here: places and payloads.
    pub(super) fn compute(&self, place: u64, stream: &Stream) -> Vec<(u64, Vec<u8>)> {
        let (first, _) = self.group(place);
        let Some(parity) = self.parity.get(&first) else { return Vec::new() };
        let size = self.size as usize;
        let payloads: Vec<(usize, &[u8])> =
            (0..size).filter_map(|index| Some((index, self.payload(first + index as u64, stream)?))).collect();
        if payloads.len() == size || payloads.len() + parity.len() < size {
            return Vec::new();
        }
        let parity: Vec<(usize, &[u8])> = parity.iter().map(|(index, payload)| (*index as usize, &**payload)).collect();
        let found = parity::decode(size, &payloads, &parity[..size - payloads.len()]);
        found.into_iter().map(|(index, payload)| (first + index as u64, payload)).collect()
    }

    fn payload<'a>(&'a self, place: u64, stream: &'a Stream) -> Option<&'a [u8]> {
        match self.next.checked_sub(place) {
            Some(back @ 1..) => {
                self.recent.get(self.recent.len().checked_sub(back as usize)?).map(|payload| &**payload)
            }
            _ => stream.payload(place),
        }
    }

    /// Forgets what is of no use before a place.
    pub(super) fn pass(&mut self, next: u64) {
        while let Some(group) = self.parity.first_entry()
            && group.key() + u64::from(self.size) <= next
        {
            self.count -= group.remove().len();
        }
    }
}
