//! The side that answers.
//!
//! JavaScript knows a job by a number, and gives answers back in batches.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use napi::bindgen_prelude::{ArrayBuffer, Env, Object};
use napi_derive::napi;
use zpatterns::{
    Deadline, ErrorKind, Result,
    reqrep::{self, Frames, Job},
};

use super::{counters::WorkerCounts, jobs::Jobs, options::worker_options};
use crate::{
    context::{Context, Owned},
    environment::{Ending, Handle, lock},
    error::raise,
    pack::frames,
    packing::Packing,
};

const REPLY: u32 = 0;

/// How many facts JavaScript gives with an answer: the job's number; what it is; the program's own code.
const ANSWER_FACTS: usize = 3;
/// How many it gets with a job: its number, and the milliseconds for which an answer is of use.
const JOB_FACTS: usize = 2;

/// A worker of core, and its jobs that JavaScript has.
struct Employed {
    worker: reqrep::Worker,
    jobs: Jobs,
    /// Jobs that JavaScript watches and that came to their end, or are awaited by nobody any more.
    told: Arc<Mutex<Vec<u32>>>,
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
        let employed = Handle::new(Arc::new(Employed { worker, jobs: Jobs::default(), told: Arc::default() }));
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
        let mut answered = 0;
        let mut refused = None;
        employed.worker.cork();
        for (index, facts) in facts.chunks(ANSWER_FACTS).enumerate().take(end as usize).skip(first as usize) {
            match answer(&employed.jobs, facts, body(frames(data, frame_ends, message_ends, index))) {
                Ok(()) => answered += 1,
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        let sent = employed.worker.uncork();
        match refused.filter(|_| answered == 0) {
            Some(error) => Err(raise(env)(error)),
            None => sent.map(|()| answered).map_err(raise(env)),
        }
    }

    /// Sends some of the answer to a job.
    #[napi]
    pub fn send_partial(&self, env: &Env, job: u32, frames: Vec<&[u8]>) -> napi::Result<()> {
        let send = |job: &Job| job.send_partial(body(frames.into_iter()));
        self.employed.get().and_then(|employed| employed.jobs.with(job, send)).map_err(raise(env))
    }

    /// Whether nobody waits for a job any more.
    #[napi]
    pub fn is_cancelled(&self, env: &Env, job: u32) -> napi::Result<bool> {
        self.employed.get().map(|employed| is_cancelled(&employed.jobs, job)).map_err(raise(env))
    }

    /// Lets a notice follow when nobody waits for a job any more.
    #[napi]
    pub fn watch(&self, env: &Env, job: u32) -> napi::Result<()> {
        let watch = |employed: Arc<Employed>| {
            let (told, notice) = (Arc::clone(&employed.told), self.context.environment().hook(self.jobs_id));
            let tell = move || {
                let mut told = lock(&told);
                told.push(job);
                let is_first = told.len() == 1;
                drop(told);
                if is_first {
                    notice();
                }
            };
            employed.jobs.with(job, |job| job.set_hook(Box::new(tell)))
        };
        self.employed.get().and_then(watch).map_err(raise(env))
    }

    /// Which of the jobs that are watched nobody waits for any more, since the last call.
    #[napi]
    pub fn take_cancelled(&self, env: &Env) -> napi::Result<Vec<u32>> {
        let employed = self.employed.get().map_err(raise(env))?;
        let told = std::mem::take(&mut *lock(&employed.told));
        // Others were answered, and another job may have the number by now.
        Ok(told.into_iter().filter(|job| is_cancelled(&employed.jobs, *job)).collect())
    }

    /// These jobs were dropped without an answer.
    #[napi]
    pub fn drop_jobs(&self, jobs: Vec<u32>) {
        if let Ok(employed) = self.employed.get() {
            jobs.into_iter().for_each(|job| drop(employed.jobs.take(job)));
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

fn body<'a>(frames: impl Iterator<Item = &'a [u8]>) -> Frames {
    frames.map(|frame| frame.to_vec().into()).collect()
}

fn is_cancelled(jobs: &Jobs, job: u32) -> bool {
    jobs.with(job, |job| Ok(job.is_cancelled())).unwrap_or(false)
}

fn answer(jobs: &Jobs, facts: &[u32], body: Frames) -> Result<()> {
    let (place, what, code) = (facts[0], facts[1], facts[2]);
    let job = jobs.take(place)?;
    if what == REPLY { job.reply(body) } else { job.fail(code, body) }
}

/// Jobs that are here; arms the worker if there is none, and looks again if one came in between.
fn take(employed: &Employed) -> Result<Option<Packing<JOB_FACTS>>> {
    let mut packing = Packing::default();
    let now = Instant::now();
    while !packing.is_full() {
        match employed.worker.next(&Deadline::now()) {
            Ok(job) => add(&mut packing, &employed.jobs, now, job),
            // It shows in the next call.
            Err(_) if !packing.is_empty() => break,
            Err(error) if error.kind() != ErrorKind::Timeout => return Err(error),
            Err(_) if employed.worker.arm() => {}
            Err(_) => return Ok(None),
        }
    }
    Ok(Some(packing))
}

fn add(packing: &mut Packing<JOB_FACTS>, jobs: &Jobs, now: Instant, job: Job) {
    let remaining = job.deadline().saturating_duration_since(now).as_millis().try_into().unwrap_or(u32::MAX);
    let place = jobs.keep(job);
    // It was kept a moment ago.
    let _ = jobs.with(place, |job| {
        let body = job.body().iter().map(|frame| &**frame);
        packing.add([place, remaining], [job.service(), job.key()].into_iter().chain(body));
        Ok(())
    });
}
