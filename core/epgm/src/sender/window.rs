//! What was sent and can be repeated, and what is to be sent.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::{
    packet::{DATA_HEADER, Flow, write_data_header},
    sequence::Sqn,
};

/// Datagrams by number, without gaps. Those that were sent come first.
#[derive(Debug)]
pub(super) struct Window {
    max: usize,
    /// The number of the first.
    trail: Sqn,
    sent: VecDeque<Bytes>,
    sent_bytes: usize,
    unsent: VecDeque<BytesMut>,
    unsent_bytes: usize,
}

impl Window {
    /// Keeps at most `max` bytes of what was sent.
    pub(super) fn new(first: Sqn, max: usize) -> Self {
        let (sent, unsent) = (VecDeque::new(), VecDeque::new());
        Self { max, trail: first, sent, sent_bytes: 0, unsent, unsent_bytes: 0 }
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

    fn next(&self) -> Sqn {
        // A window of 2^32 datagrams would be a hundred gigabytes of headers.
        self.trail.plus(self.sent.len() as u32)
    }

    /// The newest that was sent.
    pub(super) fn lead(&self) -> Sqn {
        Sqn(self.next().0.wrapping_sub(1))
    }

    fn place(&self, sequence: Sqn) -> Option<usize> {
        usize::try_from(sequence.since(self.trail)).ok().filter(|place| *place < self.sent.len())
    }

    pub(super) fn has_sent(&self, sequence: Sqn) -> bool {
        self.place(sequence).is_some()
    }

    /// The next one, which makes room for itself.
    pub(super) fn send(&mut self, flow: Flow) -> Option<Bytes> {
        let mut datagram = self.unsent.pop_front()?;
        let size = datagram.len();
        self.unsent_bytes -= size;
        while self.sent_bytes + size > self.max
            && let Some(oldest) = self.sent.pop_front()
        {
            self.sent_bytes -= oldest.len();
            self.trail = self.trail.next();
        }
        // If it is the only one, it is kept although it is too large.
        write_data_header(&mut datagram, flow, false, self.next(), self.trail);
        let datagram = datagram.freeze();
        self.sent_bytes += size;
        self.sent.push_back(datagram.clone());
        Some(datagram)
    }

    /// One of those that were sent.
    pub(super) fn repair(&self, flow: Flow, sequence: Sqn) -> Option<Bytes> {
        let sent = &self.sent[self.place(sequence)?];
        let mut datagram = BytesMut::from(&sent[..]);
        debug_assert!(datagram.len() > DATA_HEADER, "a datagram has a payload");
        write_data_header(&mut datagram, flow, true, sequence, self.trail);
        Some(datagram.freeze())
    }
}
