//! Messages into payloads.

use bytes::{BufMut, BytesMut};

use super::{LONG, MORE, NONE, OFFSET};

/// Cuts messages into payloads of one size. A message begins where the last one ended.
///
/// In front of each payload there is room for what else a datagram has, so that it is built where it stays.
#[derive(Debug)]
pub struct Packer {
    room: usize,
    max: usize,
    /// The payload that is being filled, and the room.
    datagram: BytesMut,
    has_offset: bool,
}

impl Packer {
    /// For payloads of at most `max` bytes (at least 3, at most what a datagram holds) behind `room` zeros.
    pub fn new(room: usize, max: usize) -> Self {
        let max = max.clamp(OFFSET + 1, usize::from(NONE));
        let mut packer = Self { room, max, datagram: BytesMut::new(), has_offset: false };
        packer.begin();
        packer
    }

    /// Begins a payload; returns the one that was begun before.
    fn begin(&mut self) -> BytesMut {
        let mut next = BytesMut::with_capacity(self.room + self.max);
        next.put_bytes(0, self.room);
        next.put_u16(NONE);
        self.has_offset = false;
        std::mem::replace(&mut self.datagram, next)
    }

    /// Bytes of the payload that is being filled, which has not been emitted; 0 if it was not begun.
    pub fn pending(&self) -> usize {
        match self.datagram.len() - self.room {
            OFFSET => 0,
            length => length,
        }
    }

    /// Takes a message in, and emits the payloads that are full. One without frames is nothing.
    pub fn push<F: AsRef<[u8]>>(&mut self, frames: &[F], mut emit: impl FnMut(BytesMut)) {
        for (index, frame) in frames.iter().enumerate() {
            let (body, is_last) = (frame.as_ref(), index + 1 == frames.len());
            if index == 0 {
                self.note_offset(&mut emit);
            }
            let mut head = [0; 10];
            let head = header(&mut head, body.len() as u64 + 1, if is_last { 0 } else { MORE });
            self.append(head, &mut emit);
            self.append(body, &mut emit);
        }
    }

    /// Emits what is there, though it is not full.
    pub fn flush(&mut self, mut emit: impl FnMut(BytesMut)) {
        if self.pending() > 0 {
            emit(self.begin());
        }
    }

    fn free(&self) -> usize {
        self.room + self.max - self.datagram.len()
    }

    /// A message begins with the next byte.
    fn note_offset(&mut self, emit: &mut impl FnMut(BytesMut)) {
        if self.free() == 0 {
            self.flush(&mut *emit);
        }
        if !self.has_offset {
            let offset = u16::try_from(self.datagram.len() - self.room - OFFSET).expect("payloads are shorter");
            self.datagram[self.room..][..OFFSET].copy_from_slice(&offset.to_be_bytes());
            self.has_offset = true;
        }
    }

    fn append(&mut self, mut bytes: &[u8], emit: &mut impl FnMut(BytesMut)) {
        while !bytes.is_empty() {
            if self.free() == 0 {
                self.flush(&mut *emit);
            }
            let (fits, rest) = bytes.split_at(bytes.len().min(self.free()));
            self.datagram.extend_from_slice(fits);
            bytes = rest;
        }
    }
}

/// Size and flags of a frame.
fn header(head: &mut [u8; 10], size: u64, flags: u8) -> &[u8] {
    match u8::try_from(size) {
        Ok(size) if size < LONG => {
            head[..2].copy_from_slice(&[size, flags]);
            &head[..2]
        }
        _ => {
            head[0] = LONG;
            head[1..9].copy_from_slice(&size.to_be_bytes());
            head[9] = flags;
            &head[..]
        }
    }
}
