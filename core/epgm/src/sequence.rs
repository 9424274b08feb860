//! Sequence numbers, which wrap: comparing two of them makes sense only while they are less than half the circle apart.

use std::fmt;

/// The number of a packet of a source, modulo 2^32.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Sqn(pub u32);

impl Sqn {
    /// The next one.
    #[must_use]
    pub const fn next(self) -> Self {
        self.plus(1)
    }

    /// So many further.
    #[must_use]
    pub const fn plus(self, count: u32) -> Self {
        Self(self.0.wrapping_add(count))
    }

    /// How far this one is after `other`; negative if it is before.
    #[must_use]
    pub const fn since(self, other: Self) -> i32 {
        self.0.wrapping_sub(other.0).cast_signed()
    }

    /// Whether it is before `other`.
    #[must_use]
    pub const fn is_before(self, other: Self) -> bool {
        self.since(other) < 0
    }
}

impl fmt::Debug for Sqn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "#{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_round() {
        let last = Sqn(u32::MAX);
        assert_eq!((last.next(), last.plus(3), Sqn(2).since(last)), (Sqn(0), Sqn(2), 3));
        assert!(last.is_before(Sqn(0)) && !Sqn(0).is_before(last) && !last.is_before(last));
    }
}
