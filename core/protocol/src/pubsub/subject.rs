//! What a publication is about, and what a subscription asks for.
//!
//! A *subject* is a name of several levels, separated by dots: `ticks.eur.usd`. A *pattern* is a subject in which `*` stands for
//! any one level, and `>` at the end for one or more. A *prefix* is what ZeroMQ subscribes to: the first bytes, whatever they are.

#[cfg(test)]
mod tests;

use bytes::Bytes;

use crate::{Error, ErrorKind, Result};

/// The longest subject, pattern or prefix, in bytes.
pub const MAX_SUBJECT: usize = 255;
/// The most levels of a subject or a pattern.
pub const MAX_LEVELS: usize = 32;

/// Stands for any one level.
pub(crate) const ONE: &[u8] = b"*";
/// Stands for one or more levels, at the end.
pub(crate) const REST: &[u8] = b">";

/// What a subscription, or a rule, is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Criterion {
    /// Every subject that begins with these bytes.
    Prefix(Bytes),
    /// Every subject that this pattern stands for.
    Pattern(Bytes),
}

impl Criterion {
    /// A pattern. [`ErrorKind::InvalidArgument`] if it has an empty level, more than 32 of them or 255 bytes, a space or a control
    /// character, `*` or `>` within a level, or `>` before the last.
    pub fn pattern(text: impl Into<Bytes>) -> Result<Self> {
        let text = text.into();
        let mut rest = false;
        check(&text, |level| {
            let sound = !rest && (level == ONE || level == REST || level.iter().all(|byte| is_plain(*byte)));
            rest = level == REST;
            sound
        })?;
        Ok(Self::Pattern(text))
    }

    /// A prefix. [`ErrorKind::InvalidArgument`] if it has more than 255 bytes.
    pub fn prefix(bytes: impl Into<Bytes>) -> Result<Self> {
        let bytes = bytes.into();
        if bytes.len() > MAX_SUBJECT {
            return Err(wrong(&bytes));
        }
        Ok(Self::Prefix(bytes))
    }

    /// As it was written.
    pub fn text(&self) -> &Bytes {
        match self {
            Self::Prefix(text) | Self::Pattern(text) => text,
        }
    }

    /// Whether a subject is among those asked for.
    pub fn matches(&self, subject: &[u8]) -> bool {
        match self {
            // Measured: to compare with nothing takes long, because nothing lies at an address that there is not.
            Self::Prefix(prefix) => prefix.is_empty() || subject.starts_with(prefix),
            Self::Pattern(pattern) => stands_for(pattern, subject),
        }
    }

    /// Whether this asks for every subject that the other asks for. If so, this matches whatever the other matches, be it
    /// a subject or not. That a subject has bounds is not considered.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Prefix(prefix), Self::Prefix(other)) => other.starts_with(prefix),
            (Self::Prefix(prefix), Self::Pattern(pattern)) => {
                let fixed = pattern.split(|byte| matches!(byte, b'*' | b'>')).next().unwrap_or_default();
                fixed.starts_with(prefix)
            }
            (Self::Pattern(pattern), Self::Pattern(other)) => stands_for_all(pattern, levels(other)),
            (Self::Pattern(pattern), Self::Prefix(prefix)) => {
                // Its last level may go on, and others may follow.
                let whole = prefix.iter().filter(|byte| **byte == b'.').count();
                stands_for_all(pattern, levels(prefix).take(whole).chain([REST]))
            }
        }
    }

    /// Whether some subject is asked for by both: one that [`check_subject`] lets pass. So a prefix with which none begins
    /// overlaps with nothing, not even with itself.
    pub fn overlaps(&self, other: &Self) -> bool {
        let (mut ours, mut theirs) = (self.wanted(), other.wanted());
        let (mut count, mut length) = (0, 0);
        loop {
            let level = match (ours.next(), theirs.next()) {
                (None, None) => break,
                (Some(one), Some(other)) => one.and(other),
                (Some(one), None) if other.is_open() => Some(one),
                (None, Some(other)) if self.is_open() => Some(other),
                _ => None,
            };
            let Some(shortest) = level.and_then(|level| level.shortest()) else { return false };
            count += 1;
            length += shortest + 1;
        }
        count <= MAX_LEVELS && length - 1 <= MAX_SUBJECT
    }

    /// What is wanted of each level, down to the last of which something is.
    fn wanted(&self) -> impl Iterator<Item = Wanted<'_>> {
        let is_pattern = matches!(self, Self::Pattern(_));
        let mut levels = levels(self.text()).peekable();
        std::iter::from_fn(move || {
            let name = levels.next()?;
            Some(match (is_pattern, levels.peek()) {
                (true, _) if name == ONE || name == REST => Wanted { name: b"", is_beginning: true },
                (false, None) => Wanted { name, is_beginning: true },
                _ => Wanted { name, is_beginning: false },
            })
        })
    }

    /// Whether any levels may follow those of which something is wanted.
    fn is_open(&self) -> bool {
        match self {
            Self::Prefix(_) => true,
            Self::Pattern(text) => levels(text).last() == Some(REST),
        }
    }
}

/// Whether a pattern stands for every subject with these levels, of which `>` is any number.
fn stands_for_all<'a>(pattern: &[u8], mut given: impl Iterator<Item = &'a [u8]>) -> bool {
    for wanted in levels(pattern) {
        match given.next() {
            None => return false,
            Some(_) if wanted == REST => return true,
            Some(level) if level != REST && (wanted == ONE || wanted == level) => {}
            Some(_) => return false,
        }
    }
    given.next().is_none()
}

/// What is wanted of one level.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    name: &'a [u8],
    /// Whether it may go on.
    is_beginning: bool,
}

impl Wanted<'_> {
    /// What is wanted if both are, unless they exclude each other.
    fn and(self, other: Self) -> Option<Self> {
        let (short, long) = if self.name.len() < other.name.len() { (self, other) } else { (other, self) };
        let is_same = short.name.len() == long.name.len();
        let fits = long.name.starts_with(short.name) && (is_same || short.is_beginning);
        let is_beginning = long.is_beginning && (short.is_beginning || !is_same);
        fits.then_some(Self { name: long.name, is_beginning })
    }

    /// The length of the shortest level that it may be, if a subject may have any.
    fn shortest(self) -> Option<usize> {
        let length = self.name.len().max(usize::from(self.is_beginning));
        (length > 0 && self.name.iter().all(|byte| is_plain(*byte))).then_some(length)
    }
}

/// Whether a pattern stands for a subject.
pub(crate) fn stands_for(pattern: &[u8], subject: &[u8]) -> bool {
    let mut levels = levels(subject);
    for wanted in self::levels(pattern) {
        match levels.next() {
            None => return false,
            Some(_) if wanted == REST => return true,
            Some(level) if wanted == ONE || wanted == level => {}
            Some(_) => return false,
        }
    }
    levels.next().is_none()
}

/// Whether a level of a subject may have it.
fn is_plain(byte: u8) -> bool {
    byte > b' ' && !matches!(byte, 0x7f | b'*' | b'>')
}

/// A subject. [`ErrorKind::InvalidArgument`] if it has an empty level, more than 32 of them or 255 bytes, a space, a control
/// character, `*` or `>`.
pub fn check_subject(subject: &[u8]) -> Result<()> {
    check(subject, |level| level.iter().all(|byte| is_plain(*byte)))
}

/// The levels of a subject or a pattern.
pub(crate) fn levels(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'.')
}

fn check(text: &[u8], mut is_sound: impl FnMut(&[u8]) -> bool) -> Result<()> {
    let mut count = 0;
    let mut sound = text.len() <= MAX_SUBJECT;
    for level in levels(text) {
        count += 1;
        sound = sound && !level.is_empty() && is_sound(level);
    }
    if sound && count <= MAX_LEVELS { Ok(()) } else { Err(wrong(text)) }
}

fn wrong(text: &[u8]) -> Error {
    let text = String::from_utf8_lossy(&text[..text.len().min(MAX_SUBJECT)]).into_owned();
    Error::new(ErrorKind::InvalidArgument, "a subject has 1 to 32 levels, separated by dots, and at most 255 bytes")
        .with("subject", text)
}
