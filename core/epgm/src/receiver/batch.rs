//! What a receiver brings, in one block.

use super::Event;
use crate::framing::Frames;

/// What a frame, and what an event, costs besides its bytes.
const EACH: usize = 32;

/// Messages, and what was told between them, in order.
#[derive(Clone, Default, Debug)]
pub struct Batch {
    /// The bytes of all frames, one after the other.
    data: Vec<u8>,
    /// For each frame, where it ends.
    frame_ends: Vec<usize>,
    /// Each with the number of frames up to it; only messages have any.
    events: Vec<(Event, usize)>,
}

impl Batch {
    /// How many events there are, messages and others.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The bytes of all frames, one after the other.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// An empty one that need not grow to become as large.
    #[must_use]
    pub fn like(&self) -> Self {
        Self {
            data: Vec::with_capacity(self.data.len()),
            frame_ends: Vec::with_capacity(self.frame_ends.len()),
            events: Vec::with_capacity(self.events.len()),
        }
    }

    /// Moves all of `other` behind the last.
    pub fn append(&mut self, other: &mut Self) {
        let (bytes, frames) = (self.data.len(), self.frame_ends.len());
        self.data.append(&mut other.data);
        self.frame_ends.extend(other.frame_ends.drain(..).map(|end| bytes + end));
        self.events.extend(other.events.drain(..).map(|(event, end)| (event, frames + end)));
    }

    pub(super) fn message(&mut self, event: Event, frames: Frames<'_>) {
        for frame in frames.iter() {
            self.data.extend_from_slice(frame);
            self.frame_ends.push(self.data.len());
        }
        self.events.push((event, self.frame_ends.len()));
    }

    pub(super) fn event(&mut self, event: Event) {
        self.events.push((event, self.frame_ends.len()));
    }

    /// The event at a place, with its frames if it is a message.
    pub fn get(&self, index: usize) -> Option<(Event, Frames<'_>)> {
        let (event, end) = *self.events.get(index)?;
        let begin = self.frames_before(index);
        Some((event, Frames::within(&self.data, self.bytes_before(begin), &self.frame_ends[begin..end])))
    }

    /// One after the other.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Event, Frames<'_>)> {
        (0..self.len()).map(|index| self.get(index).expect("it is one of them"))
    }

    /// What the events before a place cost: their bytes, and 32 for each frame and each event.
    pub fn cost_before(&self, index: usize) -> usize {
        let frames = self.frames_before(index);
        self.bytes_before(frames) + EACH * (frames + index)
    }

    fn frames_before(&self, index: usize) -> usize {
        index.checked_sub(1).map_or(0, |before| self.events[before].1)
    }

    fn bytes_before(&self, frame: usize) -> usize {
        frame.checked_sub(1).map_or(0, |before| self.frame_ends[before])
    }
}
