//! What was sent and can be repeated, and what is to be sent.

use std::{collections::VecDeque, time::Duration};

use bytes::{Bytes, BytesMut};

use crate::{packet::Flow, sequence::Sqn, writer::Writer};

/// Datagrams by number, without gaps. Those that were sent come first.
#[derive(Debug)]
pub(super) struct Window {
    max: usize,
    max_age: Duration,
    writer: Writer,
    flow: Flow,
    /// The number of the first.
    trail: Sqn,
    /// Each with the time when it was first sent.
    sent: VecDeque<(Duration, Bytes)>,
    sent_bytes: usize,
    unsent: VecDeque<BytesMut>,
    unsent_bytes: usize,
    history: History,
}

/// The last of what was sent, which who comes late may ask for.
#[derive(Debug)]
struct History {
    max: usize,
    first: Sqn,
    bytes: usize,
}

impl Window {
    /// Keeps at most `max` bytes of what was sent, no longer than `max_age`, and offers `history` bytes of it.
    pub(super) fn new(flow: Flow, writer: Writer, first: Sqn, max: usize, max_age: Duration, history: usize) -> Self {
        let (sent, unsent) = (VecDeque::new(), VecDeque::new());
        let history = History { max: history, first, bytes: 0 };
        Self { max, max_age, writer, flow, trail: first, sent, sent_bytes: 0, unsent, unsent_bytes: 0, history }
    }

    pub(super) fn unsent_bytes(&self) -> usize {
        self.unsent_bytes
    }

    /// A datagram with room for its header.
    pub(super) fn add(&mut self, datagram: BytesMut) {
        self.unsent_bytes += datagram.len();
        self.unsent.push_back(datagram);
    }

    /// The oldest that can be repeated.
    pub(super) fn trail(&self) -> Sqn {
        self.trail
    }

    /// The first that was not sent.
    pub(super) fn next(&self) -> Sqn {
        // A window of 2^32 datagrams would be a hundred gigabytes of headers.
        self.trail.plus(self.sent.len() as u32)
    }

    /// The newest that was sent.
    pub(super) fn lead(&self) -> Sqn {
        Sqn(self.next().0.wrapping_sub(1))
    }

    /// From which on who comes late may ask.
    pub(super) fn history(&self) -> Option<Sqn> {
        (self.history.max > 0).then_some(self.history.first)
    }

    fn get(&self, sequence: Sqn) -> Option<&Bytes> {
        let place = usize::try_from(sequence.since(self.trail)).ok()?;
        self.sent.get(place).map(|(_, datagram)| datagram)
    }

    pub(super) fn has_sent(&self, sequence: Sqn) -> bool {
        self.get(sequence).is_some()
    }

    /// The payload of one of those that were sent.
    pub(super) fn payload(&self, sequence: Sqn) -> Option<&[u8]> {
        self.get(sequence).map(|datagram| self.writer.payload(datagram))
    }

    fn drop_oldest(&mut self) {
        let Some((_, oldest)) = self.sent.pop_front() else { return };
        self.sent_bytes -= oldest.len();
        if self.history.first == self.trail {
            self.history.first = self.history.first.next();
            self.history.bytes -= oldest.len();
        }
        self.trail = self.trail.next();
    }

    /// Drops what is too old.
    pub(super) fn expire(&mut self, now: Duration) {
        while self.sent.front().is_some_and(|(at, _)| at.saturating_add(self.max_age) <= now) {
            self.drop_oldest();
        }
    }

    /// Whether the next datagram makes room for itself without dropping `needed`, or what comes after that.
    pub(super) fn has_room(&self, needed: Sqn) -> bool {
        let next = self.unsent.front().map_or(0, BytesMut::len);
        let (mut trail, mut bytes) = (self.trail, self.sent_bytes);
        for (_, oldest) in &self.sent {
            if bytes + next <= self.max {
                break;
            }
            if !trail.is_before(needed) {
                return false;
            }
            (trail, bytes) = (trail.next(), bytes - oldest.len());
        }
        true
    }

    /// The next one, which makes room for itself.
    pub(super) fn send(&mut self, now: Duration) -> Option<Bytes> {
        let datagram = self.unsent.pop_front()?;
        self.unsent_bytes -= datagram.len();
        while self.sent_bytes + datagram.len() > self.max && !self.sent.is_empty() {
            self.drop_oldest();
        }
        // If it is the only one, it is kept although it is too large.
        let datagram = self.writer.data(datagram, self.flow, self.next(), self.trail);
        self.sent_bytes += datagram.len();
        self.sent.push_back((now, datagram.clone()));
        self.history.bytes += datagram.len();
        while self.history.bytes > self.history.max
            && let Some(oldest) = self.get(self.history.first).map(Bytes::len)
        {
            self.history.first = self.history.first.next();
            self.history.bytes -= oldest;
        }
        Some(datagram)
    }

    /// One of those that were sent.
    pub(super) fn repair(&self, sequence: Sqn) -> Option<Bytes> {
        Some(self.writer.again(self.get(sequence)?, self.flow, sequence, self.trail))
    }
}
