//! Which responder gets a request.

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;

/// How requests are spread over responders that offer the same service.
#[derive(Default)]
pub enum Balance {
    /// To the one that was given nothing for the longest time, if it has room.
    #[default]
    LeastRecentlyUsed,
    /// To the one with the largest share of its credit free: a responder with credit 20 gets twice as many as one with 10.
    MostFree,
    /// To the same one for the same key, for as long as it is there; a request without a key as if least recently used.
    Sticky,
    /// As the program says. It is called for each request and must be quick.
    Custom(Box<dyn Choose>),
}

/// A program's own way to choose.
pub trait Choose: Send {
    /// Chooses one of `candidates`, who all offer `service`.
    fn choose(&self, service: &[u8], key: &[u8], candidates: &[Candidate]) -> Choice<usize>;
}

/// A responder that may be chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// Who it is, in all its sessions; 0 if it speaks a protocol that does not say.
    pub responder: u64,
    /// How many requests it takes at once.
    pub credit: u32,
    /// How many more it takes now.
    pub free: u32,
    /// Grows with each use: the least of several was used the longest time ago.
    pub last_used: u64,
}

/// What was chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice<R> {
    /// This one gets it now. If it has no room, the request waits for it.
    Give(R),
    /// The request waits for this one.
    WaitFor(R),
    /// The request waits for whoever has room next.
    Wait,
}

impl Choice<usize> {
    /// The responder instead of its place; a place that there is not is nobody's.
    pub(super) fn among<R: Copy>(self, all: &[R], has_room: impl Fn(usize) -> bool) -> Choice<R> {
        match self {
            Self::Give(index) if index < all.len() && has_room(index) => Choice::Give(all[index]),
            Self::Give(index) | Self::WaitFor(index) if index < all.len() => Choice::WaitFor(all[index]),
            _ => Choice::Wait,
        }
    }
}

impl Balance {
    /// How much a key wants to be with a responder: the highest of all wins, so when one leaves only its keys move.
    pub(super) fn affinity(key: &Bytes, identity: u64, id: u64) -> u64 {
        let mut hasher = DefaultHasher::new();
        (key, if identity == 0 { id } else { identity }).hash(&mut hasher);
        hasher.finish()
    }
}
