//! What a bus brings, one by one or many at once.

use std::{fmt, ops::Range, sync::Arc};

use bytes::Bytes;
use zpatterns_epgm::{
    framing::Frames as BusFrames,
    packet::Gsi,
    receiver::{Batch, Event, SourceId},
};
use zpatterns_protocol::machine::Frames;

use crate::LARGE_FRAME;

/// Who is on the bus: a source, since it began.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PeerId(pub u64);

impl From<SourceId> for PeerId {
    fn from(SourceId { gsi: Gsi([a, b, c, d, e, f]), port }: SourceId) -> Self {
        let [high, low] = port.to_be_bytes();
        Self(u64::from_be_bytes([a, b, c, d, e, f, high, low]))
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&format!("{:012x}:{}", self.0 >> 16, self.0 & 0xffff))
    }
}

/// What a bus brings. The frames of a message are its own, or lie in the [`BusBatch`] with which it came.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum BusEvent<F = Frames> {
    /// A message; those of one peer come in the order in which it sent them.
    Message {
        /// Who sent it.
        peer: PeerId,
        /// What.
        frames: F,
    },
    /// Somebody is heard for the first time, after the first subscription.
    Joined {
        /// Who.
        peer: PeerId,
    },
    /// Somebody has ended, or is heard no more.
    Gone {
        /// Who.
        peer: PeerId,
    },
    /// Datagrams that were lost and will not be repeated, with what was in them: some messages, or none.
    Missed {
        /// Whose.
        peer: PeerId,
        /// The number of the first.
        first: u32,
        /// The number of the last; numbers go round at 2^32.
        last: u32,
    },
    /// What came makes no sense as messages. It was dropped, up to the next one that does.
    Broken {
        /// From whom.
        peer: PeerId,
    },
    /// So many messages and events before the next one did not fit, because the program took too little.
    Dropped {
        /// How many.
        count: u64,
    },
}

fn event_of<F>(event: Event, frames: F) -> BusEvent<F> {
    match event {
        Event::Message(id) => BusEvent::Message { peer: id.into(), frames },
        Event::Joined(id) => BusEvent::Joined { peer: id.into() },
        Event::Gone(id) => BusEvent::Gone { peer: id.into() },
        Event::Missed(id, first, last) => BusEvent::Missed { peer: id.into(), first: first.0, last: last.0 },
        Event::Broken(id, _) => BusEvent::Broken { peer: id.into() },
        Event::Dropped(count) => BusEvent::Dropped { count },
    }
}

/// Messages and events, in order, in one block of bytes. It is kept as long as one of its clones is.
#[derive(Clone, Default)]
pub struct BusBatch {
    block: Arc<Batch>,
    range: Range<usize>,
}

impl BusBatch {
    /// How many messages and events.
    pub fn len(&self) -> usize {
        self.range.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// The message or event at a place.
    pub fn get(&self, index: usize) -> Option<BusEvent<BusFrames<'_>>> {
        let (event, frames) = self.block.get(self.range.start + index).filter(|_| index < self.len())?;
        Some(event_of(event, frames))
    }

    /// One after the other.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = BusEvent<BusFrames<'_>>> {
        (0..self.len()).map(|index| self.get(index).expect("it is one of them"))
    }

    /// One of them, with frames of its own.
    pub(super) fn own(&self, index: usize) -> Option<BusEvent> {
        let (event, frames) = self.block.get(self.range.start + index).filter(|_| index < self.len())?;
        // Who keeps a small message does not keep the whole block for it.
        let own = |frame: &[u8]| match frame.len() {
            ..LARGE_FRAME => Bytes::copy_from_slice(frame),
            _ => Bytes::from_owner(Block(Arc::clone(&self.block))).slice_ref(frame),
        };
        Some(event_of(event, frames.iter().map(own).collect()))
    }

    /// What they cost: their bytes, and 32 for each frame and each of them.
    pub(super) fn cost(&self) -> usize {
        self.block.cost_before(self.range.end) - self.block.cost_before(self.range.start)
    }

    /// Takes the first ones out, at least one and at most so many; no more once they cost so much.
    pub(super) fn split(&mut self, max_events: usize, max_cost: usize) -> Self {
        let Range { start, end } = self.range;
        let limit = self.block.cost_before(start).saturating_add(max_cost);
        let end = end.min(start.saturating_add(max_events));
        let (mut fits, mut beyond) = (start + 1, end + 1);
        while fits + 1 < beyond {
            let middle = fits.midpoint(beyond);
            *if self.block.cost_before(middle) <= limit { &mut fits } else { &mut beyond } = middle;
        }
        self.range.start = fits.min(self.range.end);
        Self { block: Arc::clone(&self.block), range: start..self.range.start }
    }
}

impl From<Batch> for BusBatch {
    fn from(block: Batch) -> Self {
        let range = 0..block.len();
        Self { block: Arc::new(block), range }
    }
}

impl fmt::Debug for BusBatch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter()).finish()
    }
}

/// The bytes of a block.
struct Block(Arc<Batch>);

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        self.0.data()
    }
}
