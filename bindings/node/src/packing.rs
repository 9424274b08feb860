//! Answers, jobs and events on their way to JavaScript: frames, and a few facts beside each message.
//!
//! Their bytes are copied, also large ones: a program may write to what it is given, and core keeps questions and
//! answers for a second attempt.

use napi::bindgen_prelude::{ArrayBuffer, Env};
use zpatterns::{ErrorKind, Result};

use crate::pack::seal;

/// What one call brings at most.
pub(crate) const MESSAGES: usize = 4096;
/// No message is added to this many bytes.
pub(crate) const BYTES: usize = 128 * 1024;
/// Room for the numbers behind a large message, so that it is not copied again for them.
const NUMBERS: usize = 1024;

/// Messages with `FACTS` numbers each.
#[derive(Default)]
pub(crate) struct Packing<const FACTS: usize> {
    block: Vec<u8>,
    frame_ends: Vec<u32>,
    message_ends: Vec<u32>,
    facts: Vec<u32>,
}

impl<const FACTS: usize> Packing<FACTS> {
    pub(crate) fn is_empty(&self) -> bool {
        self.message_ends.is_empty()
    }

    /// Whether the rest is for the next call.
    pub(crate) fn is_full(&self) -> bool {
        self.message_ends.len() >= MESSAGES || self.block.len() >= BYTES
    }

    /// Adds a message.
    pub(crate) fn add<'a>(&mut self, facts: [u32; FACTS], frames: impl IntoIterator<Item = &'a [u8]>) {
        for frame in frames {
            if frame.len() >= NUMBERS {
                self.block.reserve(frame.len() + NUMBERS);
            }
            self.block.extend_from_slice(frame);
            self.frame_ends.push(self.block.len() as u32);
        }
        self.message_ends.push(self.frame_ends.len() as u32);
        self.facts.extend(facts);
    }

    /// The block that [`crate::pack`] describes.
    pub(crate) fn seal<'env>(self, env: &'env Env) -> napi::Result<ArrayBuffer<'env>> {
        seal(env, self.block, &self.frame_ends, &self.facts, &self.message_ends, &[])
    }
}

/// What `next` brings, up to a full packing. Arms if that is nothing, and looks again if something came in between.
pub(crate) fn gather<T, const FACTS: usize>(
    next: impl Fn() -> Result<T>,
    arm: impl Fn() -> bool,
    mut add: impl FnMut(&mut Packing<FACTS>, T),
) -> Result<Option<Packing<FACTS>>> {
    let mut packing = Packing::default();
    while !packing.is_full() {
        match next() {
            Ok(one) => add(&mut packing, one),
            // It shows in the next call.
            Err(_) if !packing.is_empty() => break,
            Err(error) if error.kind() != ErrorKind::Timeout => return Err(error),
            Err(_) if arm() => {}
            Err(_) => return Ok(None),
        }
    }
    Ok(Some(packing))
}

/// A name that comes from others; what is no UTF-8 in it is replaced, as JavaScript does.
pub(crate) fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// The lower and the upper half of a number.
pub(crate) fn halves(number: u64) -> [u32; 2] {
    [number as u32, (number >> 32) as u32]
}

/// What [`halves`] made two of.
pub(crate) fn whole(low: u32, high: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}
