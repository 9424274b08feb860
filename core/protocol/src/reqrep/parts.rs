//! Parts of an answer, for those who are told only the whole.

use super::size;
use crate::machine::Frames;

/// Parts of one run. Those of an earlier run are forgotten when another begins.
#[derive(Default, Debug)]
pub(super) struct Parts {
    run: u16,
    frames: Frames,
    bytes: usize,
}

impl Parts {
    /// Adds a part; how many bytes there are now.
    pub(super) fn add(&mut self, run: u16, body: Frames) -> usize {
        if self.run != run {
            *self = Self { run, ..Self::default() };
        }
        self.bytes += size(&body);
        self.frames.extend(body);
        self.bytes
    }

    /// The whole answer, of which this is the rest.
    pub(super) fn whole(self, run: u16, rest: Frames) -> Frames {
        if self.run != run || self.frames.is_empty() {
            return rest;
        }
        let mut whole = self.frames;
        whole.extend(rest);
        whole
    }
}
