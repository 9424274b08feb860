//! The pseudo-recursive job queue: recursion over any number of machines, with no call stack and no thread that waits.
//!
//! A machine that could not call a program recursively kept a queue: take an entry, and if it breaks into smaller ones, put those
//! on the queue and go on. Here a worker that takes a job may finish it, or break it into children and leave it. It is then free
//! for other work; when the children are done, the job comes back, to any worker, with what it left and what they came to.
//!
//! * [`Queue`] keeps the jobs, of many queues by name, and gives them to workers; if it has a store, also over its own end.
//! * [`Producer`] pushes jobs, cancels them, and hears what they come to.
//! * [`Worker`] does them.
//!
//! Between any two of them is a [`link`](crate::link) that outlives its connections, and one `wire`. What is known of jobs is in
//! the `forest`; outcomes that are kept and dead letters are on the `shelf`. The specification, with the table of failures, is
//! `docs/protocols/zqueue.md`.

mod counters;
mod forest;
mod options;
mod producer;
mod queue;
mod shelf;
#[cfg(test)]
mod tests;
pub mod wire;
mod worker;

pub use self::{
    counters::{Counters, QueueCounters, Reason},
    forest::Limits,
    options::{Child, ChildOutcome, Failure, JobId, JobOptions, OnFailure, Order, Outcome, check_queue},
    producer::{Ask, Producer, ProducerCommand, ProducerEvent, ProducerOptions},
    queue::{DeadLetter, Found, JobState, Queue, QueueCommand, QueueEvent, QueueOptions, TreeJob},
    shelf::ShelfLimits,
    wire::{Look, Progress},
    worker::{Worker, WorkerCommand, WorkerCounters, WorkerEvent, WorkerJob, WorkerOptions},
};
