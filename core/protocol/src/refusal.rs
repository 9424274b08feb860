//! Why something is not done, from one party to the other.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};

use crate::{
    ErrorKind,
    fields::{get_millis, millis},
};

/// Why something is not done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// What went wrong.
    pub kind: ErrorKind,
    /// When it may be worth trying again; zero is unknown.
    pub retry_after: Duration,
    /// One line for people.
    pub text: String,
}

impl Refusal {
    pub(crate) fn new(kind: ErrorKind, text: &str) -> Self {
        Self { kind, retry_after: Duration::ZERO, text: text.to_owned() }
    }

    pub(crate) fn put(&self, to: &mut Vec<u8>) {
        to.put_u16(self.kind.code());
        to.put_u32(millis(self.retry_after));
        to.put_slice(self.text.as_bytes());
    }

    /// All that is left, as [`put`](Self::put) wrote it.
    pub(crate) fn get(from: &mut Bytes) -> Option<Self> {
        let (kind, retry_after) = (ErrorKind::from_code(from.try_get_u16().ok()?)?, get_millis(from)?);
        let text = String::from_utf8(std::mem::take(from).into()).ok()?;
        Some(Self { kind, retry_after, text })
    }
}
