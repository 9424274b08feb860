//! A batch that is taken message by message, or in parts.

use zpatterns_protocol::Result;

use crate::{Batch, Message};

/// The messages that a program takes next, and how many it has taken through here.
#[derive(Default, Debug)]
pub(super) struct Reader {
    batch: Batch,
    next: usize,
    messages: u64,
    bytes: u64,
}

impl Reader {
    pub(super) fn len(&self) -> usize {
        self.batch.len().saturating_sub(self.next)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the messages that are left.
    pub(super) fn bytes(&self) -> usize {
        (self.next..self.batch.len()).flat_map(|index| self.batch.frames(index)).map(<[u8]>::len).sum()
    }

    /// Messages and bytes taken so far.
    pub(super) fn received(&self) -> (u64, u64) {
        (self.messages, self.bytes)
    }

    /// Goes on with `batch`; whatever was left is dropped.
    pub(super) fn refill(&mut self, batch: Batch) {
        self.batch = batch;
        self.next = 0;
    }

    /// Puts messages in front of those that are left.
    pub(super) fn put_back(&mut self, mut batch: Batch) {
        if !self.is_empty() {
            batch.append(&mut self.batch.split(self.next, usize::MAX, usize::MAX));
        }
        self.refill(batch);
    }

    /// The next message. There must be one.
    pub(super) fn next_message(&mut self) -> Result<Message> {
        let message = self.batch.take_message(self.next)?;
        self.count(1, message.size());
        Ok(message)
    }

    /// The next messages, at least one. There must be one.
    pub(super) fn next_batch(&mut self, max_messages: usize, max_bytes: usize) -> Batch {
        let part = self.batch.split(self.next, max_messages, max_bytes);
        self.count(part.len(), part.bytes());
        if self.batch.is_empty() {
            self.next = 0;
        }
        part
    }

    fn count(&mut self, messages: usize, bytes: usize) {
        self.next += messages;
        self.messages += messages as u64;
        self.bytes += bytes as u64;
    }

    /// Takes back the count of messages that will be taken again.
    pub(super) fn uncount(&mut self, batch: &Batch) {
        self.messages -= batch.len() as u64;
        self.bytes -= batch.bytes() as u64;
    }
}
