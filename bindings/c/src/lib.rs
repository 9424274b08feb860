//! The C library of zpatterns.
//!
//! A function here converts its arguments, calls the façade, and converts the result; what is about messaging is in
//! core. Three rules hold for all of them, and `error::entry` and `arguments` are where they live:
//!
//! * A result is an integer: 0 or a count, or the negative number of an error kind, with a text for the thread.
//! * A handle is an opaque pointer that its close function frees and clears. Null is an error, never a crash.
//! * No panic reaches C: it becomes `ZPAT_E_POISONED`.
//!
//! The comments of public items are the documentation in the header, so they speak to people who write C.

#![allow(non_camel_case_types, reason = "types have the names that they have in C")]
#![allow(clippy::missing_safety_doc, reason = "the header says for each pointer what it must be, in C's words")]

pub mod arguments;
pub mod authenticator;
pub mod batch;
pub mod bus;
pub mod cancel;
mod checked;
pub mod context;
pub mod curve;
pub mod error;
mod fields;
pub mod info;
pub mod monitor;
pub mod options;
mod plain;
pub mod proxy;
pub mod pubsub;
pub mod receive;
mod report;
pub mod reqrep;
pub mod send;
pub mod socket;
pub mod stats;
pub mod zqueue;
