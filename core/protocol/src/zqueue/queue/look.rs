//! What is there, for people who look.
//!
//! An answer is a block of records, one behind the other.

use bytes::{Buf, BufMut, Bytes};

use super::{
    super::{
        counters::QueueCounters,
        forest::{get_packed, get_sealed, put_packed, put_sealed},
        options::{Failure, JobId, JobOptions, Outcome},
        shelf::Letter,
        wire::{get_options, put_options},
    },
    Asker, Look, Message, Queue,
};
use crate::{
    ErrorKind, Refusal, Time,
    fields::{get_name, put_name},
    machine::Frames,
};

/// Records of one answer at most.
const MOST: u32 = 10_000;

/// Where a job stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum JobState {
    /// It waits for a worker, or for its elder siblings.
    Waiting = 0,
    /// It waits for its time.
    Delayed = 1,
    /// A worker has it.
    Running = 2,
    /// It waits for its children.
    Suspended = 3,
}

impl JobState {
    /// Its name: `waiting`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delayed => "delayed",
            Self::Running => "running",
            Self::Suspended => "suspended",
        }
    }

    fn read(number: u8) -> Option<Self> {
        let all = [Self::Waiting, Self::Delayed, Self::Running, Self::Suspended];
        all.into_iter().find(|state| *state as u8 == number)
    }
}

/// A job in a tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TreeJob {
    /// Which.
    pub job: JobId,
    /// What it is a child of; 0 if of none that is there.
    pub parent: JobId,
    /// How far below the job that was asked about.
    pub depth: u32,
    /// In this queue.
    pub queue: Bytes,
    /// Where it stands.
    pub state: JobState,
    /// For so many milliseconds.
    pub since: u64,
    /// Children that have not ended, and all that it has spawned.
    pub children: (u32, u32),
}

/// A job that failed by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeadLetter {
    /// The number that the job had.
    pub job: JobId,
    /// The queue in which it was.
    pub queue: Bytes,
    /// What was to be done.
    pub body: Frames,
    /// How.
    pub options: JobOptions,
    /// Why it was not.
    pub failure: Failure,
}

/// What somebody found who looked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// The queues, by name.
    Queues(Vec<QueueCounters>),
    /// A tree: each job right behind the one it is a child of, and before the next of that one's siblings.
    Tree(Vec<TreeJob>),
    /// Dead letters, the oldest first.
    Dead(Vec<DeadLetter>),
}

impl Found {
    /// Reads the answer to this; `None` if it is none.
    pub fn read(look: &Look, from: Bytes) -> Option<Self> {
        match look {
            Look::Queues => get_all(from, get_queue).map(Self::Queues),
            Look::Tree { .. } => get_all(from, get_job).map(Self::Tree),
            Look::Dead { .. } => get_all(from, get_letter).map(Self::Dead),
        }
    }
}

fn get_all<T>(mut from: Bytes, get: impl Fn(&mut Bytes) -> Option<T>) -> Option<Vec<T>> {
    let mut all = Vec::new();
    while !from.is_empty() {
        all.push(get(&mut from)?);
    }
    Some(all)
}

impl Queue {
    pub(super) fn look(&mut self, now: Time, asker: Asker, what: &Look) {
        let mut to = Vec::new();
        let more = match what {
            Look::Queues => {
                self.forest.queues(now).iter().for_each(|queue| put_queue(&mut to, queue));
                false
            }
            Look::Tree { job, most } => {
                let (jobs, more) = self.forest.look(now, *job, (*most).min(MOST) as usize);
                if jobs.is_empty() {
                    let text = "the queue knows no such job, or it has ended";
                    return self.refuse(now, asker, Refusal::new(ErrorKind::NotFound, text));
                }
                jobs.iter().for_each(|job| put_job(&mut to, job));
                more
            }
            Look::Dead { from, most } => {
                let mut letters = self.shelf.letters(*from);
                letters
                    .by_ref()
                    .take((*most).min(MOST) as usize)
                    .for_each(|(job, letter)| put_letter(&mut to, job, letter));
                letters.next().is_some()
            }
        };
        self.send(now, asker.0, Message::Answer { number: asker.1, more, block: to.into() });
    }
}

fn put_queue(to: &mut Vec<u8>, queue: &QueueCounters) {
    put_name(to, &queue.name);
    let QueueCounters { waiting, bytes, running, delivered, lost, workers, oldest, .. } = *queue;
    [waiting, bytes, running, delivered, lost, workers, oldest].into_iter().for_each(|number| to.put_u64(number));
}

fn get_queue(from: &mut Bytes) -> Option<QueueCounters> {
    let name = get_name(from)?;
    let mut next = || from.try_get_u64().ok();
    let (waiting, bytes, running) = (next()?, next()?, next()?);
    let (delivered, lost, workers, oldest) = (next()?, next()?, next()?, next()?);
    Some(QueueCounters { name, waiting, bytes, running, delivered, lost, workers, oldest })
}

fn put_job(to: &mut Vec<u8>, job: &TreeJob) {
    let TreeJob { job, parent, depth, queue, state, since, children } = job;
    [*job, *parent, *since].into_iter().for_each(|number| to.put_u64(number));
    [*depth, children.0, children.1].into_iter().for_each(|number| to.put_u32(number));
    to.put_u8(*state as u8);
    put_name(to, queue);
}

fn get_job(from: &mut Bytes) -> Option<TreeJob> {
    let mut long = || from.try_get_u64().ok();
    let (job, parent, since) = (long()?, long()?, long()?);
    let mut short = || from.try_get_u32().ok();
    let (depth, children) = (short()?, (short()?, short()?));
    let (state, queue) = (JobState::read(from.try_get_u8().ok()?)?, get_name(from)?);
    Some(TreeJob { job, parent, depth, queue, state, since, children })
}

fn put_letter(to: &mut Vec<u8>, job: JobId, letter: &Letter) {
    let mut sealed = Vec::new();
    put_sealed(&mut sealed, &letter.sealed);
    to.put_u64(job);
    put_name(to, &letter.queue);
    put_options(to, &letter.options);
    put_packed(to, &letter.body);
    to.put_u32(sealed.len() as u32);
    to.put_slice(&sealed);
}

fn get_letter(from: &mut Bytes) -> Option<DeadLetter> {
    let (job, queue) = (from.try_get_u64().ok()?, get_name(from)?);
    let (options, body) = (get_options(from)?, get_packed(from)?.frames());
    let length = usize::try_from(from.try_get_u32().ok()?).ok()?;
    if from.len() < length {
        return None;
    }
    let Outcome::Failed(failure) = get_sealed(from.split_to(length))?.open() else { return None };
    Some(DeadLetter { job, queue, body, options, failure })
}
