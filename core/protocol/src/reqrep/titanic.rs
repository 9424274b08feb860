//! Titanic, 9/TSP: requests that are stored, as clients of Majordomo know it.
//!
//! Three services of the broker: one takes a request and gives it a name of 32 hexadecimal digits, one gives the answer
//! to a name, one forgets it. An answer begins with a status of three digits.

use bytes::Bytes;

use super::dispatch::Outcome;
use crate::fields::MAX_NAME;
use crate::{Result, machine::Frames};

pub(super) const REQUEST: &[u8] = b"titanic.request";
const REPLY: &[u8] = b"titanic.reply";
const CLOSE: &[u8] = b"titanic.close";
pub(super) const SERVICES: [&[u8]; 3] = [REQUEST, REPLY, CLOSE];

const OK: &[u8] = b"200";
const PENDING: &[u8] = b"300";
const UNKNOWN: &[u8] = b"400";
const ERROR: &[u8] = b"500";

/// What a client wants.
#[derive(Debug)]
pub(super) enum Wish {
    Request {
        service: Bytes,
        body: Frames,
    },
    Reply {
        id: Bytes,
    },
    Close {
        id: Bytes,
    },
    /// It says too little.
    Nonsense,
}

impl Wish {
    /// `None` if it is for another service.
    pub(super) fn read(service: &[u8], body: &[Bytes]) -> Option<Self> {
        match (service, body) {
            (REQUEST, [service, body @ ..]) if (1..=MAX_NAME).contains(&service.len()) => {
                Some(Self::Request { service: service.clone(), body: body.to_vec() })
            }
            (REPLY, [id]) if is_id(id) => Some(Self::Reply { id: id.clone() }),
            (CLOSE, [id]) if is_id(id) => Some(Self::Close { id: id.clone() }),
            (REQUEST | REPLY | CLOSE, _) => Some(Self::Nonsense),
            _ => None,
        }
    }
}

/// Others may make names of their own, as long as they fit.
fn is_id(id: &Bytes) -> bool {
    (1..=MAX_NAME).contains(&id.len())
}

/// The name of a request.
pub(super) fn id(random: u128) -> Bytes {
    format!("{random:032x}").into()
}

/// What was to be done is done.
pub(super) fn done(receipt: Frames) -> Frames {
    status(OK, receipt)
}

/// It cannot be done.
pub(super) fn error() -> Frames {
    status(ERROR, Frames::new())
}

/// What became of a request.
pub(super) fn reply(outcome: Result<Option<Outcome>>) -> Frames {
    match outcome {
        Err(_) => status(UNKNOWN, Frames::new()),
        Ok(None) => status(PENDING, Frames::new()),
        Ok(Some(Outcome::Reply { body, .. })) => status(OK, body),
        Ok(Some(_)) => error(),
    }
}

fn status(code: &'static [u8], rest: Frames) -> Frames {
    let mut frames = vec![Bytes::from_static(code)];
    frames.extend(rest);
    frames
}
