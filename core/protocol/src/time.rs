//! Time as plain numbers, always an argument.
//!
//! A machine never asks what time it is: whoever drives it says so. Between machines no clock is ever compared: the wire
//! carries time remaining.

use std::{
    fmt,
    ops::{Add, AddAssign, Sub},
    time::Duration,
};

/// A moment on a clock that only goes forward: nanoseconds since a start that differs from process to process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(u64);

impl Time {
    /// The start.
    pub const ZERO: Self = Self(0);
    /// Later than everything else.
    pub const MAX: Self = Self(u64::MAX);

    /// The moment `nanos` nanoseconds after the start.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is before.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Adds, up to [`Time::MAX`].
/// The earliest of these, if there is one before [`Time::MAX`].
pub(crate) fn earliest<const N: usize>(all: [Option<Time>; N]) -> Option<Time> {
    // Not the minimum of those that are there: compiled, that compares before it knows which are, which is as good, and
    // makes valgrind suspicious of every program that uses the library.
    let at = all.into_iter().fold(Time::MAX, |at, next| at.min(next.unwrap_or(Time::MAX)));
    (at < Time::MAX).then_some(at)
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        // In 64 bits, because this is on the way of every message.
        let nanos = span.as_secs().saturating_mul(1_000_000_000).saturating_add(span.subsec_nanos().into());
        Self(self.0.saturating_add(nanos))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

/// As [`Time::since`].
impl Sub for Time {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", Duration::from_nanos(self.0))
    }
}

/// A date: nanoseconds since 1970 in UTC, from a clock that people set and that may jump.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Wall(u64);

impl Wall {
    /// The date `nanos` nanoseconds after 1970 began.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since 1970 began.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
}
