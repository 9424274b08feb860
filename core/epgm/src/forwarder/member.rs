//! A member of a forwarder: who says hello, and again.

use std::time::Duration;

use super::{
    FORGET,
    greeting::{Greeting, Kind, SIZE},
};
use crate::key::TAG;

/// A member says hello so often.
pub const EVERY: Duration = Duration::from_secs(5);
/// Who hears no answer says it again so soon, then after twice as long, and so on.
const AGAIN: Duration = Duration::from_millis(100);

/// What one says to a forwarder to be a member, and to stay one.
#[derive(Debug)]
pub struct Member {
    nonce: u64,
    cookie: [u8; TAG],
    /// When it says hello, and how long after that again if nobody answers.
    next: Duration,
    pause: Duration,
    /// A cookie is used at once, but not one after the other: whether the last hello was none of those, and the next is one.
    may_hurry: bool,
    hurries: bool,
    /// When it was a member.
    welcomed: Option<Duration>,
}

impl Member {
    /// One who says hello with the first [`poll`](Self::poll). Nobody can guess `nonce`.
    pub fn new(now: Duration, nonce: u64) -> Self {
        Self { nonce, cookie: [0; TAG], next: now, pause: AGAIN, may_hurry: true, hurries: false, welcomed: None }
    }

    /// Takes in what the forwarder sent; false if it is none of its answers, but something that it forwards.
    pub fn handle(&mut self, now: Duration, datagram: &[u8]) -> bool {
        let Some(answer) = Greeting::read(datagram) else { return false };
        if answer.nonce != self.nonce {
            return true;
        }
        match answer.kind {
            Kind::Hello => return true,
            Kind::Cookie if self.may_hurry => (self.next, self.hurries) = (now, true),
            Kind::Cookie => {}
            Kind::Welcome => (self.welcomed, self.next, self.pause) = (Some(now), now + EVERY, AGAIN),
            Kind::Full => (self.welcomed, self.next, self.pause) = (None, now + EVERY, AGAIN),
        }
        self.cookie = answer.cookie;
        true
    }

    /// The next hello; nothing if it is not time yet, and then see [`deadline`](Self::deadline).
    pub fn poll(&mut self, now: Duration) -> Option<[u8; SIZE]> {
        if now < self.next {
            return None;
        }
        self.may_hurry = !std::mem::take(&mut self.hurries);
        (self.next, self.pause) = (now + self.pause, (self.pause * 2).min(EVERY));
        Some(Greeting { kind: Kind::Hello, nonce: self.nonce, cookie: self.cookie }.write())
    }

    /// When to [`poll`](Self::poll) again.
    pub fn deadline(&self) -> Duration {
        self.next
    }

    /// Whether it is a member, as far as it knows: what it sends is forwarded.
    pub fn is_in(&self, now: Duration) -> bool {
        self.welcomed.is_some_and(|welcomed| now < welcomed + FORGET)
    }
}
