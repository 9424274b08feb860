//! Jobs on their way to JavaScript, and those that it spawns.

use zpatterns::{
    Error, ErrorKind, Hook, Result,
    zqueue::{Child, ChildOutcome, Failure, Frames, OnFailure, Outcome, QueueJob},
};

use super::options::job_options;
use crate::{
    jobs::{Held, Jobs},
    pack::owned,
    packing::{Packing, halves},
};

/// How many facts JavaScript gets with a job: its number here; the two halves of the queue's number for it; how often
/// it was tried; 1 if it is resumed; and how many frames its body has.
pub(super) const JOB_FACTS: usize = 6;

/// Among the results of a job: there is nothing of this child.
const NOTHING: u32 = u32::MAX;

impl Held for QueueJob {
    fn is_unwanted(&self) -> bool {
        self.is_withdrawn()
    }

    fn set_hook(&self, hook: Hook) -> Result<()> {
        self.set_hook(hook)
    }
}

/// Adds a job. Its frames are its queue and its body; of one that is resumed its memo follows, and a frame with its
/// results.
pub(super) fn add(packing: &mut Packing<JOB_FACTS>, jobs: &Jobs<QueueJob>, job: QueueJob) {
    let place = jobs.keep(job);
    // It was kept a moment ago.
    let _ = jobs.with(place, |job| {
        let [low, high] = halves(job.id());
        let facts = [place, low, high, job.tries().into(), job.is_resumed().into(), job.body().len() as u32];
        let results = job.results().map(block);
        let body = job.body().iter().chain(job.memo().into_iter().flatten()).map(|frame| &**frame);
        let frames = std::iter::once(job.queue()).chain(body).chain(results.as_deref());
        packing.add(facts, frames);
        Ok(())
    });
}

/// Results in one piece, which JavaScript reads when it is asked for them. All numbers have four bytes, the lowest
/// first: of each the kind, 0 if it was done, and a code; how many frames it has, and the size of each; and then their
/// bytes.
fn block(results: &[ChildOutcome]) -> Vec<u8> {
    let none = Frames::new();
    let mut block = Vec::new();
    for result in results {
        let (kind, code, body) = match result {
            None => (NOTHING, 0, &none),
            Some(Outcome::Done(body)) => (0, 0, body),
            Some(Outcome::Failed(Failure { kind, code, body })) => (kind.code().into(), *code, body),
        };
        let sizes = body.iter().map(|frame| frame.len() as u32);
        for number in [kind, code, body.len() as u32].into_iter().chain(sizes) {
            block.extend(number.to_le_bytes());
        }
        body.iter().for_each(|frame| block.extend_from_slice(frame));
    }
    block
}

/// How many numbers JavaScript gives with a child, as bytes: its options, with what is to become of its parent in the
/// highest byte of the first, 4 more if it is on its own; and how many frames its body has.
const CHILD: usize = 5;

/// The memo and the children of a spawn. Its first frame has the number of frames in the memo, and then the numbers of
/// each child; the memo follows, and of each child its queue and its body.
pub(super) fn spawned<'a>(mut frames: impl Iterator<Item = &'a [u8]>) -> Result<(Vec<Child>, Frames)> {
    let (numbers, _) = frames.next().unwrap_or_default().as_chunks();
    let mut numbers = numbers.iter().map(|number| u32::from_ne_bytes(*number));
    let memo = numbers.next().unwrap_or_default() as usize;
    let memo = owned(frames.by_ref().take(memo));
    let numbers: Vec<u32> = numbers.collect();
    let (numbers, _) = numbers.as_chunks::<CHILD>();
    let child = |[first, delay, backoff, time_limit, body]: &[u32; CHILD]| {
        let [.., flags] = first.to_le_bytes();
        let queue = std::str::from_utf8(frames.next().unwrap_or_default())
            .map_err(|_| Error::new(ErrorKind::InvalidText, "the name of a queue is UTF-8"))?;
        Ok(Child {
            options: job_options([*first, *delay, *backoff, *time_limit]),
            on_failure: match flags & 3 {
                1 => OnFailure::Pass,
                2 => OnFailure::Ignore,
                _ => OnFailure::Fail,
            },
            detached: flags & 4 != 0,
            ..Child::new(queue, owned(frames.by_ref().take(*body as usize)))
        })
    };
    let children = numbers.iter().map(child).collect::<Result<_>>()?;
    Ok((children, memo))
}
