//! The side that answers.
//!
//! JavaScript knows a job by a number, and gives answers back in batches.

use std::{sync::Arc, time::Instant};

use napi::bindgen_prelude::{ArrayBuffer, Env, Object};
use napi_derive::napi;
use zpatterns::{
    Deadline, Hook, Result,
    reqrep::{self, Frames, Job},
};

use super::{counters::WorkerCounts, options::worker_options};
use crate::{
    context::{Context, Owned},
    environment::{Ending, Handle},
    error::raise,
    jobs::{Held, Jobs},
    pack::{Slab, owned},
    packing::{Packing, gather},
};

const REPLY: u32 = 0;

/// How many facts JavaScript gives with an answer: the job's number; what it is; the program's own code.
const ANSWER_FACTS: usize = 3;
/// How many it gets with a job: its number, and the milliseconds for which an answer is of use.
const JOB_FACTS: usize = 2;

/// A worker of core, and its jobs that JavaScript has.
struct Employed {
    worker: reqrep::Worker,
    jobs: Jobs<Job>,
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
pub struct Worker {
    id: u32,
    jobs_id: u32,
    endpoint: Option<String>,
    employed: Handle<Arc<Employed>>,
    // Kept until the worker is gone, and only then allowed to end.
    context: Arc<Owned>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.close();
    }
}

#[napi]
impl Worker {
    /// Opens a worker that connects to these brokers, or binds to one endpoint.
    #[napi(constructor)]
    pub fn new(
        env: &Env,
        context: &Context,
        endpoints: Vec<String>,
        bind: bool,
        service: String,
        options: Object<'_>,
    ) -> napi::Result<Self> {
        let options = worker_options(env, &options)?;
        let context = Arc::clone(&context.0);
        let environment = context.environment();
        let (id, jobs_id) = (environment.next_id(), environment.next_id());
        let endpoints: Vec<&str> = endpoints.iter().map(String::as_str).collect();
        let open = |context: zpatterns::Context| match endpoints[..] {
            [endpoint] if bind => reqrep::Worker::bind(&context, endpoint, &service, options),
            _ => reqrep::Worker::connect(&context, &endpoints, &service, options),
        };
        let worker = context.context().and_then(open).map_err(raise(env))?;
        worker.set_hook(Some(environment.hook(id)));
        let endpoint = worker.endpoint().map(Into::into);
        let employed = Handle::new(Arc::new(Employed { worker, jobs: Jobs::default() }));
        environment.remember(id, employed.clone());
        Ok(Self { id, jobs_id, endpoint, employed, context })
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

    /// Where clients reach a worker that binds.
    #[napi(getter)]
    pub fn endpoint(&self) -> Option<String> {
        self.endpoint.clone()
    }

    /// Takes jobs. Nothing, if there is none, and then a notice follows. The frames of each are its service, its key
    /// and the question.
    #[napi]
    pub fn drain<'env>(&self, env: &'env Env) -> napi::Result<Option<ArrayBuffer<'env>>> {
        let packing = self.employed.get().and_then(|employed| take(&employed)).map_err(raise(env))?;
        packing.map(|packing| packing.seal(env)).transpose()
    }

    /// Gives packed answers, those from `first` up to `end`, and returns how many were taken. If the next one is
    /// refused, that shows when it is the first.
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
        let answered = slab.give(first, end, |_, facts, frames| answer(&employed.jobs, facts, owned(frames)));
        let sent = employed.worker.uncork();
        answered.and_then(|answered| sent.map(|()| answered)).map_err(raise(env))
    }

    /// Sends some of the answer to a job.
    #[napi]
    pub fn send_partial(&self, env: &Env, job: u32, frames: Vec<&[u8]>) -> napi::Result<()> {
        let send = |job: &Job| job.send_partial(owned(frames.into_iter()));
        self.employed.get().and_then(|employed| employed.jobs.with(job, send)).map_err(raise(env))
    }

    /// Whether nobody waits for a job any more.
    #[napi]
    pub fn is_unwanted(&self, env: &Env, job: u32) -> napi::Result<bool> {
        self.employed.get().map(|employed| employed.jobs.is_unwanted(job)).map_err(raise(env))
    }

    /// Lets a notice follow when nobody waits for a job any more.
    #[napi]
    pub fn watch(&self, env: &Env, job: u32) -> napi::Result<()> {
        let notice = self.context.environment().hook(self.jobs_id);
        self.employed.get().and_then(|employed| employed.jobs.watch(job, notice)).map_err(raise(env))
    }

    /// Which of the jobs that are watched nobody waits for any more, since the last call.
    #[napi]
    pub fn take_unwanted(&self, env: &Env) -> napi::Result<Vec<u32>> {
        self.employed.get().map(|employed| employed.jobs.take_unwanted()).map_err(raise(env))
    }

    /// These jobs were dropped without an answer.
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
    pub fn counters(&self, env: &Env) -> napi::Result<WorkerCounts> {
        self.employed.get().and_then(|employed| employed.worker.counters()).map(Into::into).map_err(raise(env))
    }

    /// Closes the worker. Jobs that are here are given to others.
    #[napi]
    pub fn close(&self) {
        self.context.environment().forget(self.id);
        self.employed.end();
    }
}

/// The code of a job that was dropped without an answer.
#[napi]
pub const JOB_DROPPED: u32 = Job::DROPPED;

impl Held for Job {
    fn is_unwanted(&self) -> bool {
        self.is_cancelled()
    }

    fn set_hook(&self, hook: Hook) -> Result<()> {
        self.set_hook(hook)
    }
}

fn answer(jobs: &Jobs<Job>, [place, what, code]: [u32; ANSWER_FACTS], body: Frames) -> Result<()> {
    let job = jobs.take(place)?;
    if what == REPLY { job.reply(body) } else { job.fail(code, body) }
}

fn take(employed: &Employed) -> Result<Option<Packing<JOB_FACTS>>> {
    let Employed { worker, jobs } = employed;
    let now = Instant::now();
    gather(|| worker.next(&Deadline::now()), || worker.arm(), |packing, job| add(packing, jobs, now, job))
}

fn add(packing: &mut Packing<JOB_FACTS>, jobs: &Jobs<Job>, now: Instant, job: Job) {
    let remaining = job.deadline().saturating_duration_since(now).as_millis().try_into().unwrap_or(u32::MAX);
    let place = jobs.keep(job);
    // It was kept a moment ago.
    let _ = jobs.with(place, |job| {
        let body = job.body().iter().map(|frame| &**frame);
        packing.add([place, remaining], [job.service(), job.key()].into_iter().chain(body));
        Ok(())
    });
}
