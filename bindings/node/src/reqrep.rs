//! Reliable request-reply.
//!
//! What is asked in one tick crosses in one call, and one call brings all that was answered; the same with jobs and their
//! answers. Nothing here waits: a call that finds nothing leaves an order for a notice behind.

pub mod broker;
pub mod client;
pub mod counters;
pub mod news;
pub mod options;
pub mod worker;
