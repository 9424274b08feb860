//! The ways that a criterion goes, and the number of each place on them.
//!
//! A number is made of everything that leads to a place, with two secret factors. Nobody who chooses subjects knows
//! these, and so nobody can choose many that come to lie in one corner of the table.

use crate::pubsub::{
    Criterion,
    subject::{ONE, REST},
};

/// The number of a place.
pub(super) type Key = u64;

/// From one place to the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way<'a> {
    /// By a level of this name.
    Level(&'a [u8]),
    /// By any level.
    Any,
    /// By any level that begins with these bytes, at least one. It leads to the same place as if they were all.
    Cut(&'a [u8]),
}

/// The ways of a criterion, one after the other.
pub(super) struct Ways<'a> {
    is_prefix: bool,
    left: Option<&'a [u8]>,
}

impl<'a> Ways<'a> {
    pub(super) fn of(criterion: &'a Criterion) -> Self {
        Self { is_prefix: matches!(criterion, Criterion::Prefix(_)), left: Some(criterion.text()) }
    }
}

impl<'a> Iterator for Ways<'a> {
    type Item = Way<'a>;

    fn next(&mut self) -> Option<Way<'a>> {
        let (level, left) = split(self.left?);
        self.left = left;
        match (self.is_prefix, left) {
            (true, None) => (!level.is_empty()).then_some(Way::Cut(level)),
            (false, _) if level == ONE => Some(Way::Any),
            (false, _) if level == REST => {
                self.left = None;
                None
            }
            _ => Some(Way::Level(level)),
        }
    }
}

/// The first level, and what is behind its dot.
pub(super) fn split(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == b'.') {
        Some(dot) => (&text[..dot], Some(&text[dot + 1..])),
        None => (text, None),
    }
}

const WORD: usize = 8;
/// Instead of the length of a level.
const ANY: u64 = u64::MAX;

/// Makes keys.
#[derive(Debug)]
pub(super) struct Keys {
    words: u64,
    ends: u64,
}

impl Keys {
    pub(super) fn new(random: &mut fastrand::Rng) -> Self {
        // An even number would lose bits of what it is multiplied with.
        Self { words: random.u64(..) | 1, ends: random.u64(..) | 1 }
    }

    /// Where a way leads.
    pub(super) fn next(&self, from: Key, way: Way<'_>) -> Key {
        match way {
            Way::Level(level) | Way::Cut(level) => {
                let words = level.chunks_exact(WORD);
                let last = words.remainder();
                let key = words.fold(from, |key, word| self.word(key, word));
                self.end(self.word(key, last), level.len() as u64)
            }
            Way::Any => self.end(from, ANY),
        }
    }

    /// Where the first bytes of a level lead, for each of these lengths, in ascending order.
    pub(super) fn cuts(
        &self,
        from: Key,
        level: &[u8],
        lengths: impl Iterator<Item = usize>,
    ) -> impl Iterator<Item = Key> {
        let (mut key, mut done) = (from, 0);
        lengths.map(move |length| {
            while done + WORD <= length {
                key = self.word(key, &level[done..done + WORD]);
                done += WORD;
            }
            self.end(self.word(key, &level[done..length]), length as u64)
        })
    }

    fn word(&self, key: Key, bytes: &[u8]) -> u64 {
        let word = match bytes.try_into() {
            Ok(word) => u64::from_le_bytes(word),
            Err(_) => bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
        };
        fold(key ^ word, self.words)
    }

    fn end(&self, key: u64, mark: u64) -> Key {
        fold(key ^ mark, self.ends)
    }
}

/// Both halves of a product, so that every bit of the key depends on all.
fn fold(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    product as u64 ^ (product >> 64) as u64
}
