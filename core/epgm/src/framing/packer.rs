//! Messages into payloads.

use super::{LONG, MORE, NONE, OFFSET};

/// Cuts messages into payloads of one size. A message begins where the last one ended.
#[derive(Debug)]
pub struct Packer {
    max: usize,
    /// The payload that is being filled.
    payload: Vec<u8>,
    has_offset: bool,
}

impl Packer {
    /// For payloads of at most `max` bytes; at least 3, at most what a datagram holds.
    pub fn new(max: usize) -> Self {
        let max = max.clamp(OFFSET + 1, usize::from(NONE));
        let mut packer = Self { max, payload: Vec::with_capacity(max), has_offset: false };
        packer.begin();
        packer
    }

    fn begin(&mut self) {
        self.payload.clear();
        self.payload.extend(NONE.to_be_bytes());
        self.has_offset = false;
    }

    /// Takes a message in, and emits the payloads that are full. One without frames is nothing.
    pub fn push<F: AsRef<[u8]>>(&mut self, frames: &[F], mut emit: impl FnMut(&[u8])) {
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
    pub fn flush(&mut self, mut emit: impl FnMut(&[u8])) {
        if self.payload.len() > OFFSET {
            emit(&self.payload);
            self.begin();
        }
    }

    /// A message begins with the next byte.
    fn note_offset(&mut self, emit: &mut impl FnMut(&[u8])) {
        if self.payload.len() == self.max {
            self.flush(emit);
        }
        if !self.has_offset {
            let offset = u16::try_from(self.payload.len() - OFFSET).expect("payloads are shorter");
            self.payload[..OFFSET].copy_from_slice(&offset.to_be_bytes());
            self.has_offset = true;
        }
    }

    fn append(&mut self, mut bytes: &[u8], emit: &mut impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            if self.payload.len() == self.max {
                self.flush(&mut *emit);
            }
            let (fits, rest) = bytes.split_at(bytes.len().min(self.max - self.payload.len()));
            self.payload.extend(fits);
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
