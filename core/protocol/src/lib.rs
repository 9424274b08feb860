//! The patterns as state machines, free of effects.
//!
//! Nothing here owns a socket, a thread, a clock, a random source or a disk: bytes and time come in; bytes, events and
//! deadlines go out. That is what lets one machine run on real sockets in the engine, and a million times with seeded
//! faults in the simulator. [`machine`] is the contract they all share; [`error`] is the one error of every layer and
//! language.

#![forbid(unsafe_code)]

pub mod error;
mod fields;
pub mod link;
pub mod liveness;
pub mod machine;
pub mod pubsub;
mod reasons;
mod refusal;
pub mod reqrep;
pub mod time;
pub mod zpl;
pub mod zqueue;

pub use error::{Error, ErrorKind, Result};
pub use machine::Machine;
pub use refusal::Refusal;
pub use time::{Time, Wall};
