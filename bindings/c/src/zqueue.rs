//! The pseudo-recursive job queue: `core/zpatterns/src/zqueue.rs` for C.
//!
//! What a job came to is a structure, `zpat_job_outcome_t`, and its body a batch, as in request-reply. A job at its
//! worker is a handle that one of the functions in `ending.rs` frees, because a run ends once.

pub mod counters;
pub mod ending;
pub(crate) mod fields;
pub mod job;
pub mod look;
pub mod options;
pub mod outcome;
pub mod post;
pub mod producer;
pub mod queue;
pub mod wanted;
pub mod watch;
pub mod worker;
