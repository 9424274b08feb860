//! A message on a link, as frames.

use bytes::{Buf, BufMut, Bytes};

use crate::machine::Frames;

/// By what a pattern's messages, and their version, are known: the first four bytes of the first frame.
pub type Magic = [u8; 4];

/// A link's number, chosen at random by who opens it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Session(pub u64);

/// What every message begins with. Numbers are big-endian.
///
/// | bytes | field |
/// |---|---|
/// | 4 | magic |
/// | 1 | kind; the highest bit says that the first frame of the body follows the fields in this one |
/// | 8 | session |
/// | 8 | sequence: of this message, or for a message of the link itself, of the last one sent |
/// | 8 | received: the sequence up to which the sender has everything |
/// | 2 | how many bytes of fields follow |
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

/// The bit of the kind that says that a frame of the body is in the frame of the header.
const INLINE: u8 = 0x80;
/// The largest such frame. A small one costs more to carry by itself than to copy.
const MAX_INLINE: usize = 1024;

impl Header {
    /// Bytes of a header.
    pub const SIZE: usize = 31;

    /// Reads a message: its header, the pattern's fields, and its body. `None` if it is something else.
    pub fn read(magic: Magic, mut frames: Frames) -> Option<(Self, Bytes, Frames)> {
        let first = frames.first()?;
        if first.len() < Self::SIZE || first[..4] != magic {
            return None;
        }
        let mut rest = &first[4..Self::SIZE];
        let marked = rest.get_u8();
        let header = Self {
            kind: marked & !INLINE,
            session: Session(rest.get_u64()),
            sequence: rest.get_u64(),
            received: rest.get_u64(),
        };
        let end = Self::SIZE + usize::from(rest.get_u16());
        if first.len() < end || (first.len() > end && marked & INLINE == 0) {
            return None;
        }
        let fields = first.slice(Self::SIZE..end);
        if marked & INLINE == 0 {
            frames.remove(0);
        } else {
            frames[0] = first.slice(end..);
        }
        Some((header, fields, frames))
    }

    /// Of which session a message is, if it is of one.
    pub(super) fn session_of(magic: Magic, frames: &Frames) -> Option<Session> {
        let first = frames.first().filter(|first| first.len() >= Self::SIZE && first[..4] == magic)?;
        Some(Session((&first[5..13]).get_u64()))
    }

    /// The frames of a message with these fields and this body.
    pub fn write(&self, magic: Magic, fields: &[u8], mut body: Frames) -> Frames {
        let inline = body.first().filter(|first| first.len() <= MAX_INLINE);
        let mut frame = Vec::with_capacity(Self::SIZE + fields.len() + inline.map_or(0, Bytes::len));
        frame.put_slice(&magic);
        frame.put_u8(self.kind | if inline.is_some() { INLINE } else { 0 });
        frame.put_u64(self.session.0);
        frame.put_u64(self.sequence);
        frame.put_u64(self.received);
        frame.put_u16(u16::try_from(fields.len()).expect("a pattern's fields are short"));
        frame.put_slice(fields);
        if let Some(inline) = inline {
            frame.put_slice(inline);
            body[0] = frame.into();
        } else {
            body.insert(0, frame.into());
        }
        body
    }
}
