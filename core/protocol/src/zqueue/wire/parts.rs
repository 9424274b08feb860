//! What messages are made of.

use bytes::{Buf, BufMut, Bytes};

use super::{
    super::options::{Child, Failure, JobOptions, OnFailure, Outcome},
    Job,
};
use crate::{
    ErrorKind,
    fields::{get_bool, get_frames, get_millis, get_name, millis, put_frames, put_name},
    machine::Frames,
};

pub(super) fn packed(frames: &Frames) -> Bytes {
    let mut to = Vec::new();
    put_frames(&mut to, frames);
    to.into()
}

/// A queue has a name.
pub(super) fn get_queue(from: &mut Bytes) -> Option<Bytes> {
    get_name(from).filter(|name| !name.is_empty())
}

pub(in crate::zqueue) fn put_options(to: &mut Vec<u8>, options: &JobOptions) {
    to.put_u8(options.priority);
    to.put_u8(options.attempts);
    for span in [options.delay, options.backoff, options.time_limit, options.keep] {
        to.put_u32(millis(span));
    }
    put_name(to, &options.key);
}

pub(in crate::zqueue) fn get_options(from: &mut Bytes) -> Option<JobOptions> {
    let (priority, attempts) = (from.try_get_u8().ok()?, from.try_get_u8().ok().filter(|attempts| *attempts > 0)?);
    let (delay, backoff, time_limit) = (get_millis(from)?, get_millis(from)?, get_millis(from)?);
    let (keep, key) = (get_millis(from)?, get_name(from)?);
    Some(JobOptions { priority, delay, attempts, backoff, time_limit, key, keep })
}

/// 0, or the number of an error kind, and a code.
pub(super) fn put_outcome(to: &mut Vec<u8>, outcome: Outcome) -> Frames {
    let (kind, code, body) = match outcome {
        Outcome::Done(body) => (0, 0, body),
        Outcome::Failed(Failure { kind, code, body }) => (kind.code(), code, body),
    };
    to.put_u16(kind);
    to.put_u32(code);
    body
}

pub(super) fn get_outcome(from: &mut Bytes, body: Frames) -> Option<Outcome> {
    let (kind, code) = (from.try_get_u16().ok()?, from.try_get_u32().ok()?);
    match kind {
        0 if code == 0 => Some(Outcome::Done(body)),
        0 => None,
        kind => Some(Outcome::Failed(Failure { kind: ErrorKind::from_code(kind)?, code, body })),
    }
}

/// A length in four bytes, and frames in so many.
fn put_block(to: &mut Vec<u8>, frames: &Frames) {
    let length: usize = frames.iter().map(|frame| 4 + frame.len()).sum();
    to.put_u32(u32::try_from(length).expect("a job has less than 4 GiB, by the bounds of a queue"));
    put_frames(to, frames);
}

fn get_block(from: &mut Bytes) -> Option<Frames> {
    let length = usize::try_from(from.try_get_u32().ok()?).ok()?;
    if from.len() < length {
        return None;
    }
    get_frames(&mut from.split_to(length))
}

const DETACHED: u8 = 4;

pub(super) fn put_children(children: &[Child]) -> Bytes {
    let mut to = Vec::new();
    for child in children {
        put_name(&mut to, &child.queue);
        put_options(&mut to, &child.options);
        to.put_u8(child.on_failure as u8 + u8::from(child.detached) * DETACHED);
        put_block(&mut to, &child.body);
    }
    to.into()
}

pub(super) fn get_children(mut from: Bytes) -> Option<Vec<Child>> {
    let mut children = Vec::new();
    while !from.is_empty() {
        let (queue, options, flags) = (get_queue(&mut from)?, get_options(&mut from)?, from.try_get_u8().ok()?);
        let (on_failure, detached) = (OnFailure::read(flags & !DETACHED)?, flags & DETACHED != 0);
        children.push(Child { queue, body: get_block(&mut from)?, options, on_failure, detached });
    }
    Some(children)
}

/// Behind the job's own frames, those of one that is resumed have what it left, and what its children came to.
pub(super) fn put_job(to: &mut Vec<u8>, job: Job) -> Frames {
    to.put_u64(job.run);
    to.put_u64(job.job);
    to.put_u8(job.tries);
    to.put_u8(job.resumed.is_some().into());
    put_name(to, &job.queue);
    let mut body = job.body;
    if let Some((memo, results)) = job.resumed {
        let mut block = Vec::new();
        for result in results {
            match result {
                None => block.put_u16(u16::MAX),
                Some(outcome) => {
                    let frames = put_outcome(&mut block, outcome);
                    put_block(&mut block, &frames);
                }
            }
        }
        body.extend([packed(&memo), block.into()]);
    }
    body
}

pub(super) fn get_job(from: &mut Bytes, mut body: Frames) -> Option<Job> {
    let (run, job, tries) = (from.try_get_u64().ok()?, from.try_get_u64().ok()?, from.try_get_u8().ok()?);
    let (is_resumed, queue) = (get_bool(from)?, get_queue(from)?);
    let mut resumed = None;
    if is_resumed {
        let (mut block, mut memo, mut results) = (body.pop()?, body.pop()?, Vec::new());
        while !block.is_empty() {
            if block.starts_with(&u16::MAX.to_be_bytes()) {
                block.advance(2);
                results.push(None);
                continue;
            }
            let mut head = block.split_to(block.len().min(6));
            let outcome = get_outcome(&mut head, Frames::new())?;
            let frames = get_block(&mut block)?;
            results.push(Some(match outcome {
                Outcome::Done(_) => Outcome::Done(frames),
                Outcome::Failed(failure) => Outcome::Failed(Failure { body: frames, ..failure }),
            }));
        }
        resumed = Some((get_frames(&mut memo)?, results));
    }
    Some(Job { run, job, tries, queue, body, resumed })
}
