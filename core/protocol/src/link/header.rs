//! The first frame of every message on a link.

use bytes::{Buf, BufMut, Bytes};

/// By what a pattern's messages, and their version, are known: the first four bytes of the first frame.
pub type Magic = [u8; 4];

/// A link's number, chosen at random by who opens it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Session(pub u64);

/// What stands before a pattern's own fields. Numbers are big-endian.
///
/// | bytes | field |
/// |---|---|
/// | 4 | magic |
/// | 1 | kind |
/// | 8 | session |
/// | 8 | sequence: of this message, or for a message of the link itself, of the last one sent |
/// | 8 | received: the sequence up to which the sender has everything |
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// What the message is: below [`FIRST`](super::FIRST) a message of the link itself, else one of the pattern.
    pub kind: u8,
    /// Of this link.
    pub session: Session,
    /// See above.
    pub sequence: u64,
    /// See above.
    pub received: u64,
}

impl Header {
    /// Bytes of a header.
    pub const SIZE: usize = 29;

    /// Reads a header; the rest are the pattern's fields. `None` if it is something else.
    pub fn read(magic: Magic, frame: &Bytes) -> Option<(Self, Bytes)> {
        if frame.len() < Self::SIZE || frame[..4] != magic {
            return None;
        }
        let mut rest = &frame[4..];
        let header = Self {
            kind: rest.get_u8(),
            session: Session(rest.get_u64()),
            sequence: rest.get_u64(),
            received: rest.get_u64(),
        };
        Some((header, frame.slice(Self::SIZE..)))
    }

    /// The frame: this header and the pattern's `fields`.
    pub fn with_fields(&self, magic: Magic, fields: &[u8]) -> Bytes {
        let mut frame = Vec::with_capacity(Self::SIZE + fields.len());
        frame.put_slice(&magic);
        frame.put_u8(self.kind);
        frame.put_u64(self.session.0);
        frame.put_u64(self.sequence);
        frame.put_u64(self.received);
        frame.put_slice(fields);
        Bytes::from(frame)
    }
}
