//! Many messages in one block.
//!
//! A call across a language boundary costs more than a message: 75 ns into Python, 300 to 1500 ns into Node. So every
//! binding moves batches: one block of bytes, the end of each frame in it, and one record per message. Frames of
//! [`LARGE_FRAME`] bytes and more stay outside the block, each in its own memory, because copying them twice costs
//! more than the call.

use zpatterns_protocol::{Error, ErrorKind, Result};

use crate::frame::{Frame, Message};

/// Frames from this size on are kept outside the block.
pub const LARGE_FRAME: usize = 8 * 1024;

/// Frames outside a batch's block, each with its position among all frames, ascending.
pub type LargeFrames = Vec<(u32, Frame)>;

/// Messages packed together, in order. The layout is public because bindings hand the parts over whole.
#[derive(Default, Debug)]
pub struct Batch {
    /// The bytes of all small frames, one after another.
    data: Vec<u8>,
    /// For each frame, where it ends in `data`; a large frame adds nothing there and ends where it starts.
    frame_ends: Vec<u32>,
    /// For each message, the number of frames up to and including it.
    message_ends: Vec<u32>,
    /// Large frames with their position among all frames, ascending.
    large: LargeFrames,
    /// Bytes of the large frames together.
    large_bytes: usize,
}

impl Batch {
    /// A batch without messages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of messages.
    pub fn len(&self) -> usize {
        self.message_ends.len()
    }

    /// Whether there is no message.
    pub fn is_empty(&self) -> bool {
        self.message_ends.is_empty()
    }

    /// Bytes of all frames together.
    pub fn bytes(&self) -> usize {
        self.data.len() + self.large_bytes
    }

    /// The block: all small frames, one after another.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// For each frame, where it ends in [`data`](Self::data).
    pub fn frame_ends(&self) -> &[u32] {
        &self.frame_ends
    }

    /// For each message, the number of frames up to and including it.
    pub fn message_ends(&self) -> &[u32] {
        &self.message_ends
    }

    /// Frames outside the block, with their position among all frames.
    pub fn large(&self) -> &[(u32, Frame)] {
        &self.large
    }

    /// The parts, to hand over without a copy: block, frame ends, message ends, large frames.
    pub fn into_parts(self) -> (Vec<u8>, Vec<u32>, Vec<u32>, LargeFrames) {
        (self.data, self.frame_ends, self.message_ends, self.large)
    }

    /// Adds a message of one frame.
    pub fn push(&mut self, frame: &[u8]) -> Result<()> {
        self.push_frame(frame)?;
        self.end_message();
        Ok(())
    }

    /// Adds a message of these frames.
    pub fn push_multipart(&mut self, frames: &[&[u8]]) -> Result<()> {
        for frame in frames {
            self.push_frame(frame)?;
        }
        self.end_message();
        Ok(())
    }

    /// Adds a message, keeping large frames as they are.
    pub(crate) fn push_message(&mut self, message: Message) {
        for frame in message.into_frames() {
            self.take_frame(frame);
        }
        self.end_message();
    }

    /// Adds a copy of a frame to the message under construction; [`end_message`](Self::end_message) completes it.
    /// [`ErrorKind::TooLarge`] once the block would exceed 4 GiB.
    pub fn push_frame(&mut self, frame: &[u8]) -> Result<()> {
        if frame.len() >= LARGE_FRAME {
            self.take_frame(Frame::copy_from(frame)?);
        } else if self.data.len() + frame.len() > u32::MAX as usize {
            return Err(Error::new(ErrorKind::TooLarge, "a batch holds at most 4 GiB").with("bytes", self.data.len()));
        } else {
            self.data.extend_from_slice(frame);
            self.frame_ends.push(self.data.len() as u32);
        }
        Ok(())
    }

    /// Adds a frame to the message under construction, without a copy if it is large.
    pub(crate) fn take_frame(&mut self, frame: Frame) {
        if frame.len() >= LARGE_FRAME {
            self.large_bytes += frame.len();
            self.large.push((self.frame_ends.len() as u32, frame));
        } else {
            self.data.extend_from_slice(&frame);
        }
        self.frame_ends.push(self.data.len() as u32);
    }

    /// As [`take_frame`](Self::take_frame) from a frame that the caller goes on using.
    pub(crate) fn take_from(&mut self, frame: &mut Frame) {
        if frame.len() >= LARGE_FRAME {
            self.take_frame(std::mem::take(frame));
        } else {
            self.data.extend_from_slice(frame);
            self.frame_ends.push(self.data.len() as u32);
        }
    }

    /// The message at `index`, with its large frames taken out and the small ones copied.
    pub(crate) fn take_message(&mut self, index: usize) -> Result<Message> {
        let mut message = Message::new();
        let (first, end) = self.frame_range(index);
        for position in first..end {
            message.push(self.take_large(position).map_or_else(|| Frame::copy_from(self.frame(position)), Ok)?);
        }
        Ok(message)
    }

    /// The large frame at `position`, if that is one. Its record stays, as an empty frame that nobody reads again.
    fn take_large(&mut self, position: usize) -> Option<Frame> {
        let found = self.large.binary_search_by_key(&(position as u32), |(at, _)| *at).ok()?;
        let frame = std::mem::take(&mut self.large[found].1);
        self.large_bytes -= frame.len();
        Some(frame)
    }

    /// The first message that has not exactly one frame.
    pub(crate) fn first_multipart(&self) -> Option<usize> {
        if self.frame_ends.len() == self.message_ends.len() {
            return None; // A message has at least one frame, so each has one.
        }
        (0..self.len()).find(|index| {
            let (first, end) = self.frame_range(*index);
            end - first != 1
        })
    }

    /// The frame at `position` as libzmq takes it: a copy of a small one, another handle to a large one.
    pub(crate) fn frame_to_send(&mut self, position: usize) -> Result<Frame> {
        match self.large.binary_search_by_key(&(position as u32), |(at, _)| *at) {
            Ok(found) => Ok(self.large[found].1.share()),
            Err(_) => Frame::copy_from(self.frame(position)),
        }
    }

    /// Completes the message under construction.
    pub fn end_message(&mut self) {
        self.message_ends.push(self.frame_ends.len() as u32);
    }

    /// The frames of the message at `index`, in order.
    pub fn frames(&self, index: usize) -> impl Iterator<Item = &[u8]> {
        let (first, end) = self.frame_range(index);
        (first..end).map(|frame| self.frame(frame))
    }

    /// Positions among all frames of the first frame of message `index` and of the one after its last.
    pub fn frame_range(&self, index: usize) -> (usize, usize) {
        let first = if index == 0 { 0 } else { self.message_ends[index - 1] };
        (first as usize, self.message_ends[index] as usize)
    }

    /// The frame at `position` among all frames of the batch.
    pub fn frame(&self, position: usize) -> &[u8] {
        let start = if position == 0 { 0 } else { self.frame_ends[position - 1] };
        let end = self.frame_ends[position];
        if start == end
            && !self.large.is_empty()
            && let Ok(found) = self.large.binary_search_by_key(&(position as u32), |(at, _)| *at)
        {
            return &self.large[found].1;
        }
        &self.data[start as usize..end as usize]
    }

    /// Moves all messages of `other` behind those of this batch. Both blocks together stay below 4 GiB, because every
    /// producer bounds its batches.
    pub(crate) fn append(&mut self, other: &mut Self) {
        if self.is_empty() {
            std::mem::swap(self, other);
            other.clear();
            return;
        }
        let (bytes, frames) = (self.data.len() as u32, self.frame_ends.len() as u32);
        self.data.extend_from_slice(&other.data);
        self.frame_ends.extend(other.frame_ends.iter().map(|end| end + bytes));
        self.message_ends.extend(other.message_ends.iter().map(|end| end + frames));
        self.large.extend(other.large.drain(..).map(|(at, frame)| (at + frames, frame)));
        self.large_bytes += other.large_bytes;
        other.clear();
    }

    /// Takes messages from `start` on into a batch of their own: at least one, at most `max_messages`, and no further
    /// once `max_bytes` are reached.
    pub(crate) fn split(&mut self, start: usize, max_messages: usize, max_bytes: usize) -> Self {
        let end = self.split_point(start, max_messages, max_bytes);
        if start == 0 && end == self.len() {
            return std::mem::take(self);
        }
        let mut part = Self::new();
        for index in start..end {
            let (first, last) = self.frame_range(index);
            for position in first..last {
                if let Some(frame) = self.take_large(position) {
                    part.take_frame(frame);
                } else {
                    part.data.extend_from_slice(self.frame(position));
                    part.frame_ends.push(part.data.len() as u32);
                }
            }
            part.end_message();
        }
        part
    }

    fn split_point(&self, start: usize, max_messages: usize, max_bytes: usize) -> usize {
        let last = self.len().min(start.saturating_add(max_messages.max(1)));
        if start == 0 && last == self.len() && self.bytes() <= max_bytes {
            return last;
        }
        let mut bytes = 0;
        for index in start..last {
            bytes += self.frames(index).map(<[u8]>::len).sum::<usize>();
            if bytes >= max_bytes {
                return if bytes > max_bytes && index > start { index } else { index + 1 };
            }
        }
        last
    }

    pub(crate) fn clear(&mut self) {
        self.data.clear();
        self.frame_ends.clear();
        self.message_ends.clear();
        self.large.clear();
        self.large_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn contents(batch: &Batch) -> Vec<Vec<Vec<u8>>> {
        (0..batch.len()).map(|index| batch.frames(index).map(<[u8]>::to_vec).collect()).collect()
    }

    fn sizes() -> impl Strategy<Value = Vec<Vec<usize>>> {
        let size = prop_oneof![4 => 0..40_usize, 1 => LARGE_FRAME - 2..LARGE_FRAME + 2];
        prop::collection::vec(prop::collection::vec(size, 1..4), 0..12)
    }

    fn build(sizes: &[Vec<usize>], salt: u8) -> (Batch, Vec<Vec<Vec<u8>>>) {
        let mut batch = Batch::new();
        let mut wanted = Vec::new();
        for (index, message) in sizes.iter().enumerate() {
            let frames: Vec<Vec<u8>> = message.iter().map(|size| vec![salt.wrapping_add(index as u8); *size]).collect();
            let slices: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
            batch.push_multipart(&slices).expect("memory is there");
            wanted.push(frames);
        }
        (batch, wanted)
    }

    proptest! {
        #[test]
        fn append_keeps_order_and_bytes(left in sizes(), right in sizes()) {
            let (mut batch, mut wanted) = build(&left, 0);
            let (mut other, more) = build(&right, 100);
            batch.append(&mut other);
            wanted.extend(more);
            prop_assert_eq!(contents(&batch), wanted.clone());
            prop_assert_eq!(batch.bytes(), wanted.iter().flatten().map(Vec::len).sum::<usize>());
            prop_assert!(other.is_empty());
        }

        #[test]
        fn split_gives_everything_once_within_bounds(
            all in sizes(), max_messages in 1..5_usize, max_bytes in 1..20_000_usize,
        ) {
            let (mut batch, wanted) = build(&all, 0);
            let total = batch.len();
            let (mut start, mut seen) = (0, Vec::new());
            while start < total {
                let part = batch.split(start, max_messages, max_bytes);
                prop_assert!(!part.is_empty() && part.len() <= max_messages);
                prop_assert!(part.len() == 1 || part.bytes() <= max_bytes);
                start += part.len();
                seen.extend(contents(&part));
            }
            prop_assert_eq!(seen, wanted);
        }
    }
}
