//! Answers, jobs and events on their way to JavaScript: frames, and a few facts beside each message.
//!
//! Their bytes are copied, also large ones: a program may write to what it is given, and core keeps questions and
//! answers for a second attempt.

use napi::bindgen_prelude::{ArrayBuffer, Env};

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
