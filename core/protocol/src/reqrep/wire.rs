//! What requesters and responders say to each other, as bytes.
//!
//! Two parties share a link: one asks, the other answers. A client asks a server, or a broker; a broker asks a worker. All
//! these edges speak the same messages, so a worker cannot tell a broker from a client, and need not. The specification
//! is `docs/protocols/reqrep.md`.

use std::{fmt, time::Duration};

use bytes::{Buf, BufMut, Bytes};

use crate::{
    ErrorKind,
    fields::{get_bool, get_millis, get_name, millis, put_name},
    link::{FIRST, Magic},
    machine::Frames,
};

/// Version 1.
pub const MAGIC: Magic = *b"zrr1";

/// A requester's number for a request. The answers to it carry it.
pub type Number = u64;

/// A message of the pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// Requester to responder: do this.
    Request(Request),
    /// Requester to responder: nobody waits for it any more.
    Cancel {
        /// The request.
        number: Number,
    },
    /// Responder to requester: what was to be stored or forgotten is, whatever happens.
    Accepted {
        /// The request.
        number: Number,
    },
    /// Responder to requester: some of the answer.
    Partial {
        /// The request.
        number: Number,
        /// Whose answer it is part of, from 1: another number when another worker begins anew.
        run: u8,
        /// Some of the answer.
        body: Frames,
    },
    /// Responder to requester: the answer, or the rest of it.
    Reply {
        /// The request.
        number: Number,
        /// Of the parts before it, perhaps over another link; 0 is none, and this is the whole answer.
        run: u8,
        /// The answer, or the rest of it.
        body: Frames,
    },
    /// Responder to requester: the worker says that it cannot be done.
    Error {
        /// The request.
        number: Number,
        /// The worker's own code.
        code: u32,
        /// The worker's own words and data.
        body: Frames,
    },
    /// Responder to requester: no worker answered.
    Failed {
        /// The request.
        number: Number,
        /// Why.
        failure: Failure,
    },
    /// Responder to requester: send me requests for this service.
    Ready {
        /// Who the responder is, in all its sessions.
        responder: u64,
        /// How many requests it takes at once.
        credit: u32,
        /// The service's name.
        service: Bytes,
    },
    /// Responder to requester: send me no more; what I have will be answered.
    Leaving,
}

/// What is to be done about a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Task {
    /// Do it, and answer.
    Ask = 0,
    /// Store it; [`Message::Accepted`] is the answer. It is done whether somebody waits or not.
    Store = 1,
    /// Answer with the outcome of the one that was stored under this service and key.
    Fetch = 2,
    /// Forget the one that was stored under this service and key, and its outcome.
    Discard = 3,
}

/// What is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// The requester's number for it.
    pub number: Number,
    /// For how long an answer is of use.
    pub remaining: Duration,
    /// For how long it may wait while nobody offers the service.
    pub patience: Duration,
    /// How often it may be given to a worker, this time included.
    pub attempts: u8,
    /// What is to be done about it.
    pub task: Task,
    /// It is stored before it is given to a worker, and its answer before that is given to anybody.
    pub durable: bool,
    /// Requests with the same key are run once, and the answer serves all.
    pub once: bool,
    /// What is asked for.
    pub service: Bytes,
    /// By which the request is kept to one worker, run once, or stored; empty is none.
    pub key: Bytes,
    /// The question.
    pub body: Frames,
}

/// Why no worker answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// What went wrong.
    pub kind: ErrorKind,
    /// Whether a worker may have begun with it.
    pub may_have_run: bool,
    /// When it may be worth trying again; zero is unknown.
    pub retry_after: Duration,
    /// One line for people.
    pub text: String,
}

/// `Timeout, never ran: the deadline passed`
impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ran = if self.may_have_run { "may have run" } else { "never ran" };
        write!(out, "{}, {ran}: {}", self.kind, self.text)
    }
}

const REQUEST: u8 = FIRST;
const CANCEL: u8 = FIRST + 1;
const ACCEPTED: u8 = FIRST + 2;
const PARTIAL: u8 = FIRST + 3;
const REPLY: u8 = FIRST + 4;
const ERROR: u8 = FIRST + 5;
const FAILED: u8 = FIRST + 6;
const READY: u8 = FIRST + 7;
const LEAVING: u8 = FIRST + 8;

const DURABLE: u8 = 1;
const ONCE: u8 = 2;

impl Message {
    /// Kind, fields and further frames.
    pub fn encode(self) -> (u8, Vec<u8>, Frames) {
        let mut fields = Vec::with_capacity(32);
        let (kind, body) = match self {
            Self::Request(request) => {
                fields.put_u64(request.number);
                fields.put_u32(millis(request.remaining));
                fields.put_u32(millis(request.patience));
                fields.put_u8(request.attempts);
                fields.put_u8(request.task as u8);
                fields.put_u8(u8::from(request.durable) * DURABLE + u8::from(request.once) * ONCE);
                put_name(&mut fields, &request.service);
                put_name(&mut fields, &request.key);
                (REQUEST, request.body)
            }
            Self::Cancel { number } => (CANCEL, numbered(&mut fields, number)),
            Self::Accepted { number } => (ACCEPTED, numbered(&mut fields, number)),
            Self::Partial { number, run, body } => {
                fields.put_u64(number);
                fields.put_u8(run);
                (PARTIAL, body)
            }
            Self::Reply { number, run, body } => {
                fields.put_u64(number);
                fields.put_u8(run);
                (REPLY, body)
            }
            Self::Error { number, code, body } => {
                fields.put_u64(number);
                fields.put_u32(code);
                (ERROR, body)
            }
            Self::Failed { number, failure } => {
                fields.put_u64(number);
                fields.put_u16(failure.kind.code());
                fields.put_u8(failure.may_have_run.into());
                fields.put_u32(millis(failure.retry_after));
                fields.put_slice(failure.text.as_bytes());
                (FAILED, Frames::new())
            }
            Self::Ready { responder, credit, service } => {
                fields.put_u64(responder);
                fields.put_u32(credit);
                put_name(&mut fields, &service);
                (READY, Frames::new())
            }
            Self::Leaving => (LEAVING, Frames::new()),
        };
        (kind, fields, body)
    }

    /// Reads a message; `None` if it is none.
    pub fn decode(kind: u8, mut fields: Bytes, body: Frames) -> Option<Self> {
        let message = match kind {
            REQUEST => {
                let number = fields.try_get_u64().ok()?;
                let (remaining, patience) = (get_millis(&mut fields)?, get_millis(&mut fields)?);
                let attempts = fields.try_get_u8().ok()?;
                let task = match fields.try_get_u8().ok()? {
                    0 => Task::Ask,
                    1 => Task::Store,
                    2 => Task::Fetch,
                    3 => Task::Discard,
                    _ => return None,
                };
                let flags = fields.try_get_u8().ok()?;
                let service = get_name(&mut fields)?;
                let key = get_name(&mut fields)?;
                if attempts == 0 || flags > DURABLE + ONCE {
                    return None;
                }
                let (durable, once) = (flags & DURABLE != 0, flags & ONCE != 0);
                Self::Request(Request {
                    number,
                    remaining,
                    patience,
                    attempts,
                    task,
                    durable,
                    once,
                    service,
                    key,
                    body,
                })
            }
            PARTIAL => {
                let (number, run) = (fields.try_get_u64().ok()?, fields.try_get_u8().ok()?);
                if run == 0 {
                    return None;
                }
                Self::Partial { number, run, body }
            }
            REPLY => Self::Reply { number: fields.try_get_u64().ok()?, run: fields.try_get_u8().ok()?, body },
            ERROR => Self::Error { number: fields.try_get_u64().ok()?, code: fields.try_get_u32().ok()?, body },
            _ if !body.is_empty() => return None,
            CANCEL => Self::Cancel { number: fields.try_get_u64().ok()? },
            ACCEPTED => Self::Accepted { number: fields.try_get_u64().ok()? },
            FAILED => {
                let number = fields.try_get_u64().ok()?;
                let kind = ErrorKind::from_code(fields.try_get_u16().ok()?)?;
                let may_have_run = get_bool(&mut fields)?;
                let retry_after = get_millis(&mut fields)?;
                let text = String::from_utf8(std::mem::take(&mut fields).into()).ok()?;
                Self::Failed { number, failure: Failure { kind, may_have_run, retry_after, text } }
            }
            READY => {
                let (responder, credit) = (fields.try_get_u64().ok()?, fields.try_get_u32().ok()?);
                Self::Ready { responder, credit, service: get_name(&mut fields)? }
            }
            LEAVING => Self::Leaving,
            _ => return None,
        };
        fields.is_empty().then_some(message)
    }
}

fn numbered(fields: &mut Vec<u8>, number: Number) -> Frames {
    fields.put_u64(number);
    Frames::new()
}
