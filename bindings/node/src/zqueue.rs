//! The pseudo-recursive job queue.
//!
//! As with requests: what is wanted in one tick crosses in one call, and one call brings all that came of it; the same
//! with jobs and what a worker says of them. Nothing here waits.

pub mod counters;
mod jobs;
pub mod look;
pub mod options;
pub mod producer;
pub mod queue;
pub mod worker;
