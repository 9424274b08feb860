//! Who does jobs.
//!
//! JavaScript knows a job by a number, and says what became of jobs in batches.

use std::sync::Arc;

use napi::bindgen_prelude::{ArrayBuffer, Env, Object};
use napi_derive::napi;
use zpatterns::{
    Deadline, Result,
    zqueue::{self, QueueJob},
};

use super::{
    counters::QueueWorkerCounts,
    jobs::{JOB_FACTS, add, spawned},
    options::queue_worker_options,
};
use crate::{
    context::{Context, Owned},
    environment::{Ending, Handle},
    error::raise,
    jobs::Jobs,
    pack::{Slab, owned},
    packing::{Packing, gather},
};

const COMPLETE: u32 = 0;
const RETRY: u32 = 1;
const FAIL: u32 = 2;
const SPAWN: u32 = 3;

/// How many facts JavaScript gives with what became of a job: the job's number; which of these it is, or to spawn in
/// order; the program's own code.
const ANSWER_FACTS: usize = 3;

/// A worker of core, and its jobs that JavaScript has.
struct Employed {
    worker: zqueue::QueueWorker,
    jobs: Jobs<QueueJob>,
}

impl Ending for Handle<Arc<Employed>> {
    fn end(&self) {
        if let Some(employed) = self.take() {
            employed.worker.set_hook(None);
            // First, so that others get the jobs.
            employed.worker.close();
            employed.jobs.clear();
        }
    }
}

/// A worker.
#[napi]
pub struct QueueWorker {
    id: u32,
    jobs_id: u32,
    employed: Handle<Arc<Employed>>,
    // Kept until the worker is gone, and only then allowed to end.
    context: Arc<Owned>,
}

impl Drop for QueueWorker {
    fn drop(&mut self) {
        self.close();
    }
}

#[napi]
impl QueueWorker {
    /// Opens a worker that takes jobs of these queues from those who keep them.
    #[napi(constructor)]
    pub fn new(
        env: &Env,
        context: &Context,
        endpoints: Vec<String>,
        queues: Vec<String>,
        options: Object<'_>,
    ) -> napi::Result<Self> {
        let options = queue_worker_options(env, &options)?;
        let context = Arc::clone(&context.0);
        let environment = context.environment();
        let (id, jobs_id) = (environment.next_id(), environment.next_id());
        let endpoints: Vec<&str> = endpoints.iter().map(String::as_str).collect();
        let queues: Vec<&str> = queues.iter().map(String::as_str).collect();
        let open = |context: zpatterns::Context| zqueue::QueueWorker::connect(&context, &endpoints, &queues, options);
        let worker = context.context().and_then(open).map_err(raise(env))?;
        worker.set_hook(Some(environment.hook(id)));
        let employed = Handle::new(Arc::new(Employed { worker, jobs: Jobs::default() }));
        environment.remember(id, employed.clone());
        Ok(Self { id, jobs_id, employed, context })
    }

    /// The number in this worker's notices.
    #[napi(getter)]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The number in the notices of jobs that are watched.
    #[napi(getter)]
    pub fn jobs_id(&self) -> u32 {
        self.jobs_id
    }

    /// Takes jobs. Nothing, if there is none, and then a notice follows. The frames of each are described in
    /// `src/zqueue/jobs.rs`.
    #[napi]
    pub fn drain<'env>(&self, env: &'env Env) -> napi::Result<Option<ArrayBuffer<'env>>> {
        let packing = self.employed.get().and_then(|employed| take(&employed)).map_err(raise(env))?;
        packing.map(|packing| packing.seal(env)).transpose()
    }

    /// Says what became of jobs, packed, of those from `first` up to `end`, and returns how many were taken. If the
    /// next one is refused, that shows when it is the first.
    #[napi]
    #[allow(clippy::too_many_arguments, reason = "the parts of a packed batch")]
    pub fn answer(
        &self,
        env: &Env,
        data: &[u8],
        frame_ends: &[u32],
        message_ends: &[u32],
        facts: &[u32],
        first: u32,
        end: u32,
    ) -> napi::Result<u32> {
        let employed = self.employed.get().map_err(raise(env))?;
        let slab = Slab { data, frame_ends, message_ends, facts };
        employed.worker.cork();
        let answered = slab.give(first, end, |_, facts, frames| answer(&employed.jobs, facts, frames));
        let sent = employed.worker.uncork();
        answered.and_then(|answered| sent.map(|()| answered)).map_err(raise(env))
    }

    /// Whether nobody wants a job any more.
    #[napi]
    pub fn is_unwanted(&self, env: &Env, job: u32) -> napi::Result<bool> {
        self.employed.get().map(|employed| employed.jobs.is_unwanted(job)).map_err(raise(env))
    }

    /// Lets a notice follow when nobody wants a job any more.
    #[napi]
    pub fn watch(&self, env: &Env, job: u32) -> napi::Result<()> {
        let notice = self.context.environment().hook(self.jobs_id);
        self.employed.get().and_then(|employed| employed.jobs.watch(job, notice)).map_err(raise(env))
    }

    /// Which of the jobs that are watched nobody wants any more, since the last call.
    #[napi]
    pub fn take_unwanted(&self, env: &Env) -> napi::Result<Vec<u32>> {
        self.employed.get().map(|employed| employed.jobs.take_unwanted()).map_err(raise(env))
    }

    /// These jobs were dropped without a word.
    #[napi]
    pub fn drop_jobs(&self, jobs: Vec<u32>) {
        if let Ok(employed) = self.employed.get() {
            employed.jobs.discard(jobs);
        }
    }

    /// Takes no more jobs.
    #[napi]
    pub fn leave(&self, env: &Env) -> napi::Result<()> {
        self.employed.get().and_then(|employed| employed.worker.leave()).map_err(raise(env))
    }

    /// What it did so far.
    #[napi]
    pub fn counters(&self, env: &Env) -> napi::Result<QueueWorkerCounts> {
        self.employed.get().and_then(|employed| employed.worker.counters()).map(Into::into).map_err(raise(env))
    }

    /// Closes the worker. Jobs that are here are given to others.
    #[napi]
    pub fn close(&self) {
        self.context.environment().forget(self.id);
        self.employed.end();
    }
}

/// The code of a job that was dropped without a word.
#[napi]
pub const QUEUE_JOB_DROPPED: u32 = QueueJob::DROPPED;

fn answer<'a>(
    jobs: &Jobs<QueueJob>,
    [place, what, code]: [u32; ANSWER_FACTS],
    frames: impl Iterator<Item = &'a [u8]>,
) -> Result<()> {
    let job = jobs.take(place)?;
    match what {
        COMPLETE => job.complete(owned(frames)),
        RETRY => job.retry(code, owned(frames)),
        FAIL => job.fail(code, owned(frames)),
        _ => {
            let (children, memo) = spawned(frames)?;
            if what == SPAWN { job.spawn(children, memo) } else { job.spawn_in_order(children, memo) }
        }
    }
}

fn take(employed: &Employed) -> Result<Option<Packing<JOB_FACTS>>> {
    let Employed { worker, jobs } = employed;
    gather(|| worker.next(&Deadline::now()), || worker.arm(), |packing, job| add(packing, jobs, job))
}
