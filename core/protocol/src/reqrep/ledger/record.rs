//! Requests and answers as the store keeps them.
//!
//! One record for each name, which is a service and a key: first the request, then its outcome in its place. Times are
//! dates, in milliseconds, because what is stored outlives the clock that counts from a start.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};

use super::super::{dispatch::Outcome, wire::Failure};
use crate::{
    ErrorKind,
    fields::{get_frames, get_name, put_frames, put_name},
    machine::Frames,
};

/// By which a durable request is known: a service, or who stored it, and a key.
pub(in crate::reqrep) type Name = (Bytes, Bytes);

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Record {
    Request { deadline: u64, patience: u64, attempts: u8, service: Bytes, body: Frames },
    Outcome { since: u64, outcome: Outcome },
}

const REQUEST: u8 = 1;
const REPLY: u8 = 2;
const ERROR: u8 = 3;
const FAILED: u8 = 4;

pub(super) fn key(name: &Name) -> Bytes {
    let mut key = Vec::with_capacity(2 + name.0.len() + name.1.len());
    put_name(&mut key, &name.0);
    put_name(&mut key, &name.1);
    key.into()
}

/// `None` if it is no key of ours.
pub(super) fn name(mut key: Bytes) -> Option<Name> {
    let name = (get_name(&mut key)?, get_name(&mut key)?);
    key.is_empty().then_some(name)
}

impl Record {
    pub(super) fn encode(&self) -> Bytes {
        let mut to = Vec::new();
        match self {
            Self::Request { deadline, patience, attempts, service, body } => {
                to.put_u8(REQUEST);
                to.put_u64(*deadline);
                to.put_u64(*patience);
                to.put_u8(*attempts);
                put_name(&mut to, service);
                put_frames(&mut to, body);
            }
            Self::Outcome { since, outcome } => {
                let kind = match outcome {
                    Outcome::Reply { .. } => REPLY,
                    Outcome::Error { .. } => ERROR,
                    _ => FAILED,
                };
                to.put_u8(kind);
                to.put_u64(*since);
                match outcome {
                    Outcome::Reply { body, .. } => put_frames(&mut to, body),
                    Outcome::Error { code, body } => {
                        to.put_u32(*code);
                        put_frames(&mut to, body);
                    }
                    Outcome::Failed(failure) => {
                        to.put_u16(failure.kind.code());
                        to.put_u8(failure.may_have_run.into());
                        to.put_slice(failure.text.as_bytes());
                    }
                    Outcome::Partial { .. } | Outcome::Accepted => unreachable!("only what is final is stored"),
                }
            }
        }
        to.into()
    }

    /// `None` if it is no record of ours.
    pub(super) fn decode(mut from: Bytes) -> Option<Self> {
        let kind = from.try_get_u8().ok()?;
        let record = match kind {
            REQUEST => Self::Request {
                deadline: from.try_get_u64().ok()?,
                patience: from.try_get_u64().ok()?,
                attempts: from.try_get_u8().ok().filter(|attempts| *attempts > 0)?,
                service: get_name(&mut from)?,
                body: get_frames(&mut from)?,
            },
            REPLY => {
                let (since, run) = (from.try_get_u64().ok()?, 0);
                Self::Outcome { since, outcome: Outcome::Reply { run, body: get_frames(&mut from)? } }
            }
            ERROR => {
                let (since, code) = (from.try_get_u64().ok()?, from.try_get_u32().ok()?);
                Self::Outcome { since, outcome: Outcome::Error { code, body: get_frames(&mut from)? } }
            }
            FAILED => {
                let since = from.try_get_u64().ok()?;
                let kind = ErrorKind::from_code(from.try_get_u16().ok()?)?;
                let may_have_run = from.try_get_u8().ok()? != 0;
                let text = String::from_utf8(std::mem::take(&mut from).into()).ok()?;
                let failure = Failure { kind, may_have_run, retry_after: Duration::ZERO, text };
                Self::Outcome { since, outcome: Outcome::Failed(failure) }
            }
            _ => return None,
        };
        from.is_empty().then_some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(texts: &[&'static str]) -> Frames {
        texts.iter().map(|text| Bytes::from_static(text.as_bytes())).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let failure = Failure {
            kind: ErrorKind::Timeout,
            may_have_run: true,
            retry_after: Duration::ZERO,
            text: "too late".into(),
        };
        let outcomes = [
            Outcome::Reply { run: 0, body: frames(&["a", "", "b"]) },
            Outcome::Reply { run: 0, body: Frames::new() },
            Outcome::Error { code: 7, body: frames(&["no"]) },
            Outcome::Failed(failure),
        ];
        let request = Record::Request {
            deadline: u64::MAX,
            patience: 7,
            attempts: 3,
            service: Bytes::from_static(b"echo"),
            body: frames(&["", "x"]),
        };
        let all = outcomes.into_iter().map(|outcome| Record::Outcome { since: 5, outcome });
        for record in all.chain([request]) {
            let bytes = record.encode();
            assert_eq!(Record::decode(bytes.clone()).as_ref(), Some(&record));
            assert_eq!(Record::decode(bytes.slice(..bytes.len().min(8))), None, "cut short");
        }
    }

    #[test]
    fn names_are_told_apart() {
        let one = (Bytes::from_static(b"ab"), Bytes::from_static(b"c"));
        let other = (Bytes::from_static(b"a"), Bytes::from_static(b"bc"));
        assert_ne!(key(&one), key(&other));
        assert_eq!(name(key(&one)), Some(one));
        assert_eq!(name(Bytes::from_static(b"\x05abc")), None);
    }
}
