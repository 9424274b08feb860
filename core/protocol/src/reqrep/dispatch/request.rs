//! A request, and what is said about it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::super::{
    size,
    wire::{Failure, Message, Task},
};
use crate::{Time, machine::Frames};

/// A responder's number, never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::reqrep) struct ResponderId(pub(in crate::reqrep) u64);

/// A request's number, in the order in which requests came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::reqrep) struct Serial(pub(super) u64);

/// A request given to a responder: its serial number and how many times it was given before. It fences: what a responder
/// that was given up says later carries another one than what is awaited.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::reqrep) struct Ticket(pub(in crate::reqrep) u64);

impl Ticket {
    pub(super) const ATTEMPT_BITS: u32 = 8;

    pub(super) fn new(serial: Serial, attempt: u8) -> Self {
        Self((serial.0 << Self::ATTEMPT_BITS) | u64::from(attempt))
    }

    pub(in crate::reqrep) fn serial(self) -> Serial {
        Serial(self.0 >> Self::ATTEMPT_BITS)
    }

    pub(super) fn attempt(self) -> u8 {
        self.0 as u8
    }

    /// The run of an answer, of which the responder says that it is this one; none stays none.
    pub(super) fn run(self, run: u16) -> u16 {
        if run == 0 { 0 } else { u16::from(self.attempt()) << 8 | run }
    }
}

/// What is asked, and what may be done for it.
#[derive(Clone, Debug)]
pub(in crate::reqrep) struct Call {
    pub(in crate::reqrep) service: Bytes,
    pub(in crate::reqrep) key: Bytes,
    pub(in crate::reqrep) body: Frames,
    pub(in crate::reqrep) deadline: Time,
    /// Until when it may wait while nobody offers the service.
    pub(in crate::reqrep) patience: Time,
    /// How often it may be given to a worker; at least 1.
    pub(in crate::reqrep) attempts: u8,
    pub(in crate::reqrep) task: Task,
    pub(in crate::reqrep) durable: bool,
    pub(in crate::reqrep) once: bool,
}

impl Call {
    /// A broker that stores the request is given it again as often as it takes: it knows it by its key.
    pub(in crate::reqrep) fn is_stored(&self) -> bool {
        self.durable || self.task != Task::Ask
    }

    /// Run once for all of its service and key.
    pub(super) fn is_once(&self) -> bool {
        self.once && !self.key.is_empty()
    }

    /// How often it may be given to a responder.
    pub(super) fn most(&self) -> u8 {
        if self.is_stored() { u8::MAX } else { self.attempts }
    }

    pub(super) fn bytes(&self) -> usize {
        self.service.len() + self.key.len() + size(&self.body)
    }
}

/// What becomes of a request. Only [`Partial`](Self::Partial) is not final.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::reqrep) enum Outcome {
    /// `run` is another one when the answer starts over: how often the request was given, and how often whoever has it gave it
    /// on.
    Partial {
        run: u16,
        body: Frames,
    },
    /// `run` is that of the parts before it; 0 is none.
    Reply {
        run: u16,
        body: Frames,
    },
    Error {
        code: u32,
        body: Frames,
    },
    Failed(Failure),
    /// What was to be stored or forgotten is.
    Accepted,
}

impl Outcome {
    pub(in crate::reqrep) fn is_final(&self) -> bool {
        !matches!(self, Self::Partial { .. })
    }
}

/// What a responder says about a request that was given to it.
pub(in crate::reqrep) struct Answer {
    pub(in crate::reqrep) ticket: Ticket,
    pub(in crate::reqrep) outcome: Outcome,
}

impl TryFrom<Message> for Answer {
    /// A message that is no answer.
    type Error = Message;

    fn try_from(message: Message) -> Result<Self, Message> {
        let (number, outcome) = match message {
            Message::Partial { number, run, body } => (number, Outcome::Partial { run: run.into(), body }),
            Message::Reply { number, run, body } => (number, Outcome::Reply { run: run.into(), body }),
            Message::Error { number, code, body } => (number, Outcome::Error { code, body }),
            Message::Failed { number, failure } => (number, Outcome::Failed(failure)),
            Message::Accepted { number } => (number, Outcome::Accepted),
            other => return Err(other),
        };
        Ok(Self { ticket: Ticket(number), outcome })
    }
}

/// What the owner is to do.
#[derive(Debug)]
pub(in crate::reqrep) enum Action<A> {
    /// Send the request ([`Dispatch::call`]) to the responder, then say [`Dispatch::sent`].
    Give { responder: ResponderId, ticket: Ticket },
    /// Tell the responder that nobody waits for it any more.
    Withdraw { responder: ResponderId, ticket: Ticket },
    /// Tell who asked.
    Tell { asker: A, outcome: Outcome },
}

/// What may be kept. A request beyond is refused.
#[derive(Clone, Copy, Debug)]
pub(in crate::reqrep) struct Limits {
    /// Requests in all.
    pub(in crate::reqrep) requests: usize,
    /// Bytes of all requests.
    pub(in crate::reqrep) bytes: usize,
    /// Requests that wait for one service.
    pub(in crate::reqrep) waiting: usize,
    /// Bytes of requests that wait for one service.
    pub(in crate::reqrep) waiting_bytes: usize,
    /// How long a request may wait for a responder.
    pub(in crate::reqrep) age: Duration,
    /// Bytes of the parts of one answer that are kept until it is whole.
    pub(in crate::reqrep) parts: usize,
}

pub(super) struct Entry<A> {
    pub(super) askers: Askers<A>,
    /// Who asked may keep it, too, to ask again.
    pub(super) call: Arc<Call>,
    pub(super) bytes: usize,
    /// How often it was given.
    pub(super) attempt: u8,
    pub(super) state: State,
    /// Its place among the deadlines.
    pub(super) until: Time,
    /// Some responder may have begun with it.
    pub(super) ran: bool,
    /// Who had it before, by attempt.
    pub(super) before: Vec<(u8, u64)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// For any responder of its service.
    Waiting,
    /// For this one.
    WaitingFor(ResponderId),
    Given {
        responder: ResponderId,
        sequence: Option<u64>,
    },
}

/// Nearly always one.
pub(super) enum Askers<A> {
    One(A),
    Many(Vec<A>),
}

impl<A: Copy + PartialEq> Askers<A> {
    pub(super) fn as_slice(&self) -> &[A] {
        match self {
            Self::One(asker) => std::slice::from_ref(asker),
            Self::Many(askers) => askers,
        }
    }

    pub(super) fn add(&mut self, asker: A) {
        match self {
            Self::One(first) => *self = Self::Many(vec![*first, asker]),
            Self::Many(askers) => askers.push(asker),
        }
    }

    /// Takes one away; false if none is left.
    pub(super) fn remove(&mut self, asker: A) -> bool {
        let Self::Many(askers) = self else { return false };
        askers.retain(|other| *other != asker);
        !askers.is_empty()
    }
}
