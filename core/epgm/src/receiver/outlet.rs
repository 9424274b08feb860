//! The way from the streams to the program.
//!
//! Nobody can hold a group back, so a program that takes too little loses something: what does not fit is counted, and told
//! in its place.

use bytes::Bytes;

use super::{Batch, Event, SourceId};
use crate::framing::Frames;

/// How much the program takes; what goes beyond the bytes still fits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Room {
    /// Messages and other events.
    pub events: usize,
    /// As a [batch](Batch::cost_before) counts them.
    pub bytes: usize,
}

impl Default for Room {
    /// Everything.
    fn default() -> Self {
        Self { events: usize::MAX, bytes: usize::MAX }
    }
}

impl Room {
    /// Whether anything fits.
    pub fn is_empty(self) -> bool {
        self.events == 0 || self.bytes == 0
    }
}

#[derive(Debug)]
pub(super) struct Outlet {
    pub(super) room: Room,
    /// What messages begin with that the program wants.
    prefixes: Vec<Bytes>,
    is_open: bool,
    batch: Batch,
    /// How much did not fit since the last event that did, and ever.
    dropped: u64,
    pub(super) all_dropped: u64,
}

impl Outlet {
    pub(super) fn new() -> Self {
        let (room, prefixes, batch) = (Room::default(), Vec::new(), Batch::default());
        Self { room, prefixes, is_open: false, batch, dropped: 0, all_dropped: 0 }
    }

    pub(super) fn subscribe(&mut self, prefix: &[u8]) {
        self.is_open = true;
        if !self.prefixes.iter().any(|known| known == prefix) {
            self.prefixes.push(Bytes::copy_from_slice(prefix));
        }
    }

    pub(super) fn unsubscribe(&mut self, prefix: &[u8]) -> bool {
        let place = self.prefixes.iter().position(|known| known == prefix);
        place.map(|place| self.prefixes.remove(place)).is_some()
    }

    /// Whether the program ever wanted anything.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// A message; if its source waits for us, also beyond what there is room for.
    pub(super) fn message(&mut self, source: SourceId, frames: Frames<'_>, is_waited_for: bool) {
        let first = frames.get(0).unwrap_or_default();
        // To compare nothing with something is slow on processors that load it all the same, masked.
        if self.prefixes.iter().any(|prefix| prefix.is_empty() || first.starts_with(prefix)) {
            self.put(is_waited_for, |batch| batch.message(Event::Message(source), frames));
        }
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.put(false, |batch| batch.event(event));
    }

    fn put(&mut self, in_any_case: bool, put: impl FnOnce(&mut Batch)) {
        if self.room.is_empty() && !in_any_case {
            self.dropped += 1;
            self.all_dropped += 1;
            return;
        }
        self.told_dropped();
        let (events, bytes) = self.size();
        put(&mut self.batch);
        self.spend(events, bytes);
    }

    /// Tells how much did not fit, before what does now.
    fn told_dropped(&mut self) {
        if self.dropped > 0 {
            let (events, bytes) = self.size();
            self.batch.event(Event::Dropped(std::mem::take(&mut self.dropped)));
            self.spend(events, bytes);
        }
    }

    /// Tells how much did not fit, if that leaves room for what comes.
    pub(super) fn tell_dropped(&mut self) {
        if self.is_dropped_due(self.room) {
            self.told_dropped();
        }
    }

    /// Whether there is so much room that it is told how much did not fit.
    pub(super) fn is_dropped_due(&self, room: Room) -> bool {
        self.dropped > 0 && room.events > 1 && !room.is_empty()
    }

    /// Whether something waits to be told how much did not fit.
    pub(super) fn is_short(&self) -> bool {
        self.dropped > 0
    }

    fn size(&self) -> (usize, usize) {
        (self.batch.len(), self.batch.cost_before(self.batch.len()))
    }

    fn spend(&mut self, events: usize, bytes: usize) {
        let (events_now, bytes_now) = self.size();
        self.room.events = self.room.events.saturating_sub(events_now - events);
        self.room.bytes = self.room.bytes.saturating_sub(bytes_now - bytes);
    }

    /// Moves what is there into `batch`, which is empty.
    pub(super) fn take(&mut self, batch: &mut Batch) {
        std::mem::swap(&mut self.batch, batch);
    }
}
