//! The pseudo-recursive job queue: who keeps jobs, who pushes them, who does them. `zpatterns.zqueue` is the public face.

mod answer;
mod child;
mod counters;
mod job;
mod options;
mod post;
mod producer;
mod queue;
mod watch;
mod worker;

pub(crate) use self::{
    child::Child,
    job::QueueJob,
    post::AioProducer,
    producer::Producer,
    queue::Queue,
    watch::{Draft, Watch},
    worker::QueueWorker,
};
