//! Jobs as the store keeps them.
//!
//! | key | value |
//! |---|---|
//! | `j`, the job | all of a job but what its children came to |
//! | `r`, the job, the child | what that child came to |
//! | `n` | job numbers below this may have been used |
//!
//! What its children came to is apart because a job may have many, and they end one by one. The shelf has keys of its own. Times
//! are dates, in milliseconds, because what is stored outlives the clock that counts from a start.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};

use super::{
    Forest,
    job::{Job, Kid, More, Sealed, State},
};
use crate::{
    ErrorKind, Time, Wall,
    fields::{get_name, put_name},
    zqueue::options::{JobId, OnFailure, Packed},
};

/// So many numbers are taken from the store at once.
pub(super) const RESERVED: u64 = 1 << 16;

const JOB: u8 = b'j';
const RESULT: u8 = b'r';
const NEXT: u8 = b'n';

/// The version of what is written here.
const VERSION: u8 = 1;

/// Under which something is stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::zqueue) enum Key {
    Next,
    Job(JobId),
    Result(JobId, u32),
}

impl Key {
    pub(in crate::zqueue) fn encode(self) -> Bytes {
        let mut to = Vec::with_capacity(13);
        match self {
            Self::Next => to.put_u8(NEXT),
            Self::Job(id) => {
                to.put_u8(JOB);
                to.put_u64(id);
            }
            Self::Result(id, index) => {
                to.put_u8(RESULT);
                to.put_u64(id);
                to.put_u32(index);
            }
        }
        to.into()
    }

    /// `None` if it is none of ours.
    pub(super) fn decode(mut from: Bytes) -> Option<Self> {
        let key = match from.try_get_u8().ok()? {
            NEXT => Self::Next,
            JOB => Self::Job(from.try_get_u64().ok()?),
            RESULT => Self::Result(from.try_get_u64().ok()?, from.try_get_u32().ok()?),
            _ => return None,
        };
        from.is_empty().then_some(key)
    }
}

/// A date, and when it was.
#[derive(Clone, Copy, Default, Debug)]
pub(in crate::zqueue) struct Clock(pub(in crate::zqueue) Wall, pub(in crate::zqueue) Time);

impl Clock {
    /// The date of a time, in milliseconds; later ones than fit are the last.
    pub(in crate::zqueue) fn date(self, time: Time) -> u64 {
        let date = Duration::from_nanos(self.0.as_nanos());
        let at = (date + (time - self.1)).saturating_sub(self.1 - time);
        u64::try_from(at.as_millis()).unwrap_or(u64::MAX)
    }

    /// The time of a date.
    pub(in crate::zqueue) fn time(self, date: u64) -> Time {
        let then = Duration::from_nanos(self.0.as_nanos());
        self.1 + Duration::from_millis(date).saturating_sub(then)
    }
}

/// An outcome, which is all that is left of `to` or `from`.
pub(in crate::zqueue) fn put_sealed(to: &mut Vec<u8>, sealed: &Sealed) {
    let (kind, code) = sealed.failure.map_or((0, 0), |(kind, code)| (kind.code(), code));
    to.put_u16(kind);
    to.put_u32(code);
    to.put_slice(&sealed.body.0);
}

pub(in crate::zqueue) fn get_sealed(mut from: Bytes) -> Option<Sealed> {
    let (kind, code) = (from.try_get_u16().ok()?, from.try_get_u32().ok()?);
    let failure = if kind == 0 { None } else { Some((ErrorKind::from_code(kind)?, code)) };
    Some(Sealed { failure, body: Packed::read(from)? })
}

pub(in crate::zqueue) fn put_packed(to: &mut Vec<u8>, packed: &Packed) {
    to.put_u32(u32::try_from(packed.len()).expect("a job has less than 4 GiB, by the bounds of a queue"));
    to.put_slice(&packed.0);
}

pub(in crate::zqueue) fn get_packed(from: &mut Bytes) -> Option<Packed> {
    let length = usize::try_from(from.try_get_u32().ok()?).ok()?;
    if from.len() < length {
        return None;
    }
    Packed::read(from.split_to(length))
}

const IGNORED: &[u8] = b"";

/// How many children a stored job has had, and whether it waits for its time.
pub(super) struct Read {
    pub(super) job: Job,
    pub(super) children: u32,
}

impl Forest {
    /// What is to be stored under a key; nothing if it is not to be there.
    pub(in crate::zqueue) fn record(&self, key: Key) -> Option<Bytes> {
        match key {
            Key::Next => Some(Bytes::copy_from_slice(&self.reserved.to_be_bytes())),
            Key::Job(id) => self.jobs.get(&id).map(|job| self.job_record(job)),
            Key::Result(id, index) => match self.jobs.get(&id)?.children().get(index as usize)? {
                Kid::Open(_) => None,
                Kid::Ignored => Some(Bytes::from_static(IGNORED)),
                Kid::Ended(sealed) => {
                    let mut to = Vec::with_capacity(6 + sealed.body.len());
                    put_sealed(&mut to, sealed);
                    Some(to.into())
                }
            },
        }
    }

    fn job_record(&self, job: &Job) -> Bytes {
        let mut to = Vec::with_capacity(96 + job.body.len());
        to.put_u8(VERSION);
        put_name(&mut to, &self.lists.get(job.list).name);
        for number in [job.parent, job.root, job.origin.0, job.origin.1] {
            to.put_u64(number);
        }
        to.put_u32(job.index);
        to.put_u16(job.depth);
        to.put_slice(&[job.priority, job.on_failure as u8, job.attempts, job.failures, job.lost]);
        for millis in [job.backoff, job.time_limit, job.keep] {
            to.put_u32(millis);
        }
        let begins = match job.state {
            State::Delayed(at) => self.clock.date(at),
            State::Held | State::New => self.clock.date(job.since),
            State::Waiting(_) | State::Running(_) | State::Suspended => 0,
        };
        to.put_u64(begins);
        put_packed(&mut to, &job.body);
        if let Some(more) = &job.more {
            put_name(&mut to, &more.key);
            to.put_u8(u8::from(more.is_resumed) + 2 * u8::from(more.ordered));
            to.put_u32(more.children.len() as u32);
            put_packed(&mut to, &more.memo);
        }
        to.into()
    }

    /// What [`record`](Self::record) wrote of a job.
    pub(super) fn read_job(&mut self, now: Time, mut from: Bytes) -> Option<Read> {
        if from.try_get_u8().ok()? != VERSION {
            return None;
        }
        let queue = get_name(&mut from)?;
        let list = self.list(&queue)?;
        let mut number = || from.try_get_u64().ok();
        let (parent, root, origin) = (number()?, number()?, (number()?, number()?));
        let (index, depth) = (from.try_get_u32().ok()?, from.try_get_u16().ok()?);
        let mut small = || from.try_get_u8().ok();
        let (priority, on_failure, attempts) = (small()?, OnFailure::read(small()?)?, small()?);
        let (failures, lost) = (small()?, small()?);
        let mut millis = || from.try_get_u32().ok();
        let (backoff, time_limit, keep) = (millis()?, millis()?, millis()?);
        let begins = from.try_get_u64().ok()?;
        let since = if begins == 0 { now } else { self.clock.time(begins) };
        let body = get_packed(&mut from)?;
        let (mut more, mut children) = (None, 0);
        if !from.is_empty() {
            let (key, flags) = (get_name(&mut from)?, from.try_get_u8().ok()?);
            children = from.try_get_u32().ok()?;
            let memo = get_packed(&mut from)?;
            let (is_resumed, ordered, weight) = (flags & 1 != 0, flags & 2 != 0, memo.len());
            more = Some(Box::new(More { key, memo, is_resumed, ordered, weight, ..More::default() }));
        }
        let state = State::Held;
        let job = Job {
            list,
            parent,
            index,
            root,
            depth,
            priority,
            on_failure,
            attempts,
            failures,
            lost,
            backoff,
            time_limit,
            keep,
            state,
            since,
            origin,
            body,
            more,
        };
        (from.is_empty() && attempts > 0).then_some(Read { job, children })
    }
}
