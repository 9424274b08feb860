//! The pseudo-recursive job queue: recursion over any number of machines, with no call stack and no thread that waits.
//!
//! A [`Producer`] pushes jobs to a [`Queue`], and a [`QueueWorker`] does them. A worker that takes a job may finish it, or break it into
//! children and leave it; when they are done, the job comes back, to any worker, with what it left and what they came to. Every
//! job ends once, and what a worker held that died, froze or was cut off is given to another. The specification is
//! `docs/protocols/zqueue.md`.
//!
//! ```
//! use zpatterns::{
//!     Context, Deadline,
//!     zqueue::{Child, JobOptions, Outcome, Producer, ProducerOptions, Queue, QueueOptions, QueueWorker, QueueWorkerOptions},
//! };
//! # fn main() -> zpatterns::Result<()> {
//! let context = Context::new()?;
//! let queue = Queue::bind(&context, &["tcp://127.0.0.1:0"], QueueOptions::default())?;
//! let endpoint = &queue.endpoints()[0];
//!
//! // Counts the words of a text, line by line.
//! let worker = QueueWorker::connect(&context, &[endpoint], &["count"], QueueWorkerOptions::default())?;
//! let working = worker.clone();
//! let thread = std::thread::spawn(move || -> zpatterns::Result<()> {
//!     while let Ok(job) = working.next(&Deadline::never()) {
//!         let text = String::from_utf8_lossy(&job.body()[0]).into_owned();
//!         if let Some(results) = job.results() {
//!             let count: u8 = results.iter().flatten().filter_map(Outcome::done).map(|body| body[0][0]).sum();
//!             job.complete(vec![vec![count].into()])?;
//!         } else if text.contains('\n') {
//!             let lines = text.lines().map(|line| Child::new("count", vec![line.to_owned().into()]));
//!             job.spawn(lines.collect(), vec![])?;
//!         } else {
//!             job.complete(vec![vec![text.split_whitespace().count() as u8].into()])?;
//!         }
//!     }
//!     Ok(())
//! });
//!
//! let producer = Producer::connect(&context, endpoint, ProducerOptions::default())?;
//! let text = vec!["to be or\nnot to be".into()];
//! let outcome = producer.run("count", text, &JobOptions::default(), &Deadline::never())?;
//! assert_eq!(outcome.done().expect("it is done")[0][0], 6);
//! worker.close();
//! thread.join().expect("the worker ends")?;
//! # Ok(())
//! # }
//! ```

mod producer;
mod queue;
mod watch;
mod worker;

pub use zpatterns_protocol::{
    machine::Frames,
    zqueue::{
        Ask, Child, ChildOutcome, Counters, DeadLetter, Failure, Found, JobId, JobOptions, JobState, Look, OnFailure,
        Order, Outcome, Progress, QueueCounters, Reason, TreeJob, WorkerCounters,
    },
};

pub use self::{
    producer::{Producer, ProducerOptions},
    queue::{Queue, QueueOptions},
    watch::{Answer, Call, Draft, Pushes, Watch, WatchEvent},
    worker::{QueueJob, QueueWorker, QueueWorkerOptions},
};
pub use crate::host::{Heartbeat, Ticket};
