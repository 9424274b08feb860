//! Decisions from bytes: the same bytes, the same decisions.

use bytes::Bytes;

/// Bytes that are used up one decision after the other. When there are none left, every decision is 0.
pub(crate) struct Dice<'a>(&'a [u8]);

impl<'a> Dice<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// Whether nothing is left to decide by.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.take(8).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// Less than `end`, which is at most 65,536.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let two = usize::from(self.byte()) << 8 | if end > 256 { usize::from(self.byte()) } else { 0 };
        (two * end) >> 16
    }

    /// Once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Less than `end` bytes.
    pub(crate) fn bytes(&mut self, end: usize) -> Bytes {
        let count = self.below(end);
        Bytes::copy_from_slice(self.take(count))
    }
}
