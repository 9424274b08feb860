//! Reliable request-reply: `core/zpatterns/src/reqrep.rs` for C, one file per handle.
//!
//! A request ends in a structure, `zpat_outcome_t`, and its body in a batch, as a received message does. A job is a
//! handle that its answer frees, because there is one answer.

pub mod broker;
pub mod client;
pub mod counters;
pub mod durable;
pub(crate) mod fields;
pub mod job;
pub mod many;
pub mod news;
pub mod older;
pub mod options;
pub mod request;
pub mod tallies;
pub mod worker;
