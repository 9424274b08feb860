//! What a publication is about, and what a subscription asks for.
//!
//! A *subject* is a name of several levels, separated by dots: `ticks.eur.usd`. A *pattern* is a subject in which `*` stands for
//! any one level, and `>` at the end for one or more. A *prefix* is what ZeroMQ subscribes to: the first bytes, whatever they are.

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
        let pattern = match self {
            Self::Prefix(prefix) => return subject.starts_with(prefix),
            Self::Pattern(pattern) => pattern,
        };
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

    /// Whether this asks for every subject that the other asks for. If so, this matches whatever the other matches, be it
    /// a subject or not. That a subject has bounds is not considered.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Prefix(prefix), Self::Prefix(other)) => other.starts_with(prefix),
            (Self::Prefix(prefix), Self::Pattern(pattern)) => {
                let fixed = pattern.split(|byte| matches!(byte, b'*' | b'>')).next().unwrap_or_default();
                fixed.starts_with(prefix)
            }
            (Self::Pattern(pattern), Self::Pattern(other)) => stands_for(pattern, levels(other)),
            (Self::Pattern(pattern), Self::Prefix(prefix)) => {
                // Its last level may go on, and others may follow.
                let whole = prefix.iter().filter(|byte| **byte == b'.').count();
                stands_for(pattern, levels(prefix).take(whole).chain([REST]))
            }
        }
    }

    /// Whether some subject is asked for by both.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Prefix(one), Self::Prefix(other)) => one.starts_with(other) || other.starts_with(one),
            (Self::Prefix(prefix), Self::Pattern(pattern)) | (Self::Pattern(pattern), Self::Prefix(prefix)) => {
                begins_with(pattern, prefix)
            }
            (Self::Pattern(one), Self::Pattern(other)) => {
                let (mut one, mut other) = (levels(one), levels(other));
                loop {
                    match (one.next(), other.next()) {
                        (None, None) => return true,
                        (None, _) | (_, None) => return false,
                        (Some(a), Some(b)) if a == REST || b == REST => return true,
                        (Some(a), Some(b)) if a == ONE || b == ONE || a == b => {}
                        _ => return false,
                    }
                }
            }
        }
    }
}

/// Whether a pattern stands for every subject with these levels, of which `>` is any number.
fn stands_for<'a>(pattern: &[u8], mut given: impl Iterator<Item = &'a [u8]>) -> bool {
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

/// Whether a pattern stands for a subject that begins with these bytes.
fn begins_with(pattern: &[u8], prefix: &[u8]) -> bool {
    let mut wanted = levels(pattern);
    let mut rest = false;
    let mut given = levels(prefix).peekable();
    while let Some(level) = given.next() {
        // The last may be cut off, anywhere.
        let is_last = given.peek().is_none();
        if (level.is_empty() && !is_last) || !level.iter().all(|byte| is_plain(*byte)) {
            return false;
        }
        rest = rest
            || match wanted.next() {
                Some(wanted) if wanted == REST => true,
                Some(wanted) if wanted == ONE || wanted == level || (is_last && wanted.starts_with(level)) => false,
                _ => return false,
            };
    }
    true
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
