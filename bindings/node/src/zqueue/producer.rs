//! Who pushes jobs.
//!
//! Everything is posted, and JavaScript knows by its ticket of what something came.

use std::sync::Arc;

use napi::bindgen_prelude::{ArrayBuffer, Env, Float64ArraySlice, Object};
use napi_derive::napi;
use zpatterns::{
    Deadline, Error, ErrorKind, Result,
    zqueue::{self, Answer, Ask, Failure, JobOptions, Look, Outcome, Progress, Ticket, WatchEvent},
};

use super::{
    look::Sight,
    options::{job_options, millis, producer_options},
};
use crate::{
    context::{Context, Owned},
    environment::{Ending, Handle},
    error::{line, raise},
    pack::{Slab, owned},
    packing::{Packing, gather, halves, whole},
};

/// What JavaScript may want, as the lowest byte of the first fact. A push that is watched has 1 in the highest byte,
/// and so has a watch with progress.
const PUSH: u8 = 0;
const DRAFT: u8 = 1;
const PART: u8 = 2;
const EXECUTE: u8 = 3;
const FORGET: u8 = 4;
const WATCH: u8 = 5;
const CANCEL: u8 = 6;
const REQUEUE: u8 = 7;
const QUEUES: u8 = 8;
const TREE: u8 = 9;
const DEAD: u8 = 10;

/// How many facts it gives with that: of a job, those of its options and `keep`, in milliseconds; else the two halves
/// of a ticket or of the number of a job, and how much to tell.
const WANTED: usize = 5;

/// What came of it.
const ACCEPTED: u32 = 0;
const PROGRESS: u32 = 1;
const DONE: u32 = 2;
const FAILED: u32 = 3;
const FOUND: u32 = 4;
const REFUSED: u32 = 5;

/// How many facts JavaScript gets with that: the two halves of the ticket; what it is; and three that belong to it.
const FACTS: usize = 6;

impl Ending for Handle<zqueue::Producer> {
    fn end(&self) {
        if let Some(producer) = self.take() {
            producer.set_hook(None);
            producer.close();
        }
    }
}

/// What came of several things.
#[napi(object, object_from_js = false)]
pub struct Told<'env> {
    /// The block described in `src/pack.rs`.
    pub block: ArrayBuffer<'env>,
    /// What was found, in the order in which the block tells of it.
    pub found: Option<Vec<Sight>>,
}

/// A producer.
#[napi]
pub struct Producer {
    id: u32,
    producer: Handle<zqueue::Producer>,
    // Kept until the producer is gone, and only then allowed to end.
    context: Arc<Owned>,
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.close();
    }
}

#[napi]
impl Producer {
    /// Opens a producer of the queue at this endpoint.
    #[napi(constructor)]
    pub fn new(env: &Env, context: &Context, endpoint: String, options: Object<'_>) -> napi::Result<Self> {
        let options = producer_options(env, &options)?;
        let context = Arc::clone(&context.0);
        let environment = context.environment();
        let id = environment.next_id();
        let open = |context: zpatterns::Context| zqueue::Producer::connect(&context, &endpoint, options);
        let producer = context.context().and_then(open).map_err(raise(env))?;
        producer.set_hook(Some(environment.hook(id)));
        let producer = Handle::new(producer);
        environment.remember(id, producer.clone());
        Ok(Self { id, producer, context })
    }

    /// The number in this producer's notices.
    #[napi(getter)]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Posts what is wanted, from `first` up to `end`, writes the tickets of what has one and returns how many were
    /// posted. The frames of a job are its queue, its key and its body, those of a part its body. If the next one is
    /// refused, that shows when it is the first.
    #[napi]
    #[allow(clippy::too_many_arguments, reason = "the parts of a packed batch")]
    pub fn post(
        &self,
        env: &Env,
        data: &[u8],
        frame_ends: &[u32],
        message_ends: &[u32],
        facts: &[u32],
        mut tickets: Float64ArraySlice<'_>,
        first: u32,
        end: u32,
    ) -> napi::Result<u32> {
        let producer = self.producer.get().map_err(raise(env))?;
        // SAFETY: JavaScript, which knows the array, waits for this call.
        let tickets = unsafe { tickets.as_mut() };
        let slab = Slab { data, frame_ends, message_ends, facts };
        producer.cork();
        let posted = slab.give(first, end, |wanted, facts, frames| {
            if let Some(Ticket(number)) = post(&producer, facts, frames)? {
                tickets[wanted] = number as f64;
            }
            Ok(())
        });
        let sent = producer.uncork();
        posted.and_then(|posted| sent.map(|()| posted)).map_err(raise(env))
    }

    /// Takes what came of things. Nothing, if nothing did, and then a notice follows.
    #[napi]
    pub fn drain<'env>(&self, env: &'env Env) -> napi::Result<Option<Told<'env>>> {
        let mut found = Vec::new();
        let taken = self.producer.get().and_then(|producer| take(&producer, &mut found)).map_err(raise(env))?;
        let found = if found.is_empty() { None } else { Some(found) };
        taken.map(|packing| Ok(Told { block: packing.seal(env)?, found })).transpose()
    }

    /// Closes the producer. What was accepted is done all the same.
    #[napi]
    pub fn close(&self) {
        self.context.environment().forget(self.id);
        self.producer.end();
    }
}

fn post<'a>(
    producer: &zqueue::Producer,
    facts: [u32; WANTED],
    mut frames: impl Iterator<Item = &'a [u8]>,
) -> Result<Option<Ticket>> {
    let [first, low, high, most, keep] = facts;
    let [what, _, _, flag] = first.to_le_bytes();
    let (number, flag) = (whole(low, high), flag == 1);
    match what {
        PUSH | DRAFT => {
            let queue = std::str::from_utf8(frames.next().unwrap_or_default())
                .map_err(|_| Error::new(ErrorKind::InvalidText, "the name of a queue is UTF-8"))?;
            let (key, keep) = (frames.next().unwrap_or_default().to_vec().into(), millis(keep));
            let options = JobOptions { key, keep, ..job_options([first, low, high, most]) };
            let body = owned(frames);
            let ticket = match what {
                DRAFT => producer.post_draft(queue, body, &options),
                _ => producer.post(queue, body, &options, flag),
            };
            ticket.map(Some)
        }
        PART => producer.send_part(Ticket(number), owned(frames)).map(|()| None),
        EXECUTE => producer.execute(Ticket(number)).map(|()| None),
        FORGET => producer.forget(Ticket(number)).map(|()| None),
        _ => producer.post_ask(ask(what, number, flag, most)?).map(Some),
    }
}

fn ask(what: u8, number: u64, flag: bool, most: u32) -> Result<Ask> {
    Ok(match what {
        WATCH => Ask::Watch { job: number, progress: flag },
        CANCEL => Ask::Cancel { job: number },
        REQUEUE => Ask::Requeue { letter: number },
        QUEUES => Ask::Look(Look::Queues),
        TREE => Ask::Look(Look::Tree { job: number, most }),
        DEAD => Ask::Look(Look::Dead { from: number, most }),
        _ => return Err(Error::new(ErrorKind::InvalidArgument, "nothing that can be wanted has this number")),
    })
}

fn take(producer: &zqueue::Producer, found: &mut Vec<Sight>) -> Result<Option<Packing<FACTS>>> {
    let add = |packing: &mut _, (Ticket(ticket), answer)| add(packing, found, ticket, answer);
    gather(|| producer.next(&Deadline::now()), || producer.arm(), add)
}

fn add(packing: &mut Packing<FACTS>, sights: &mut Vec<Sight>, ticket: u64, answer: Answer) {
    let [low, high] = halves(ticket);
    let facts = |what, [a, b, c]: [u32; 3]| [low, high, what, a, b, c];
    match answer {
        Answer::Job(WatchEvent::Accepted { job, known }) => {
            let [a, b] = halves(job);
            packing.add(facts(ACCEPTED, [a, b, known.into()]), []);
        }
        Answer::Job(WatchEvent::Progress(Progress { open, done, failed })) => {
            // As many jobs as would not fit are in no tree.
            let counts = [open, done, failed].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
            packing.add(facts(PROGRESS, counts), []);
        }
        Answer::Job(WatchEvent::Ended(Outcome::Done(body))) => {
            packing.add(facts(DONE, [0; 3]), body.iter().map(|frame| &**frame));
        }
        Answer::Job(WatchEvent::Ended(Outcome::Failed(Failure { kind, code, body }))) => {
            packing.add(facts(FAILED, [kind.code().into(), code, 0]), body.iter().map(|frame| &**frame));
        }
        Answer::Found { found, more } => {
            sights.push(found.into());
            packing.add(facts(FOUND, [more.into(), 0, 0]), []);
        }
        Answer::Refused(error) => {
            let line = line(&error);
            let context = error.context().iter().flat_map(|(name, value)| [*name, value]);
            let frames = std::iter::once(&*line).chain(context).map(str::as_bytes);
            packing.add(facts(REFUSED, [error.kind().code().into(), 0, 0]), frames);
        }
    }
}
