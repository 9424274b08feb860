//! Reliable request-reply: a request that cannot be lost in silence.
//!
//! A REQ socket whose server dies waits for ever, and a queue of jobs loses what a dead worker held. Here every request
//! ends in exactly one of four ways, and says which: a reply, the worker's own error, *failed and may have run*, or
//! *failed and never ran*. A request that a dead, frozen or unreachable worker held is given to another, as often as the
//! application allows.
//!
//! Three machines share one wire (`wire`) and, between any two of them, a [`link`](crate::link) that outlives its
//! connections:
//!
//! * [`Client`] asks. It connects to a broker, to several, or straight to workers; it cannot tell, and need not.
//! * [`Worker`] answers. It connects to brokers, or binds and is its own server.
//! * [`Broker`] stands between: a responder to clients, a requester to workers.
//!
//! A client and a broker have the same task towards those who answer them, and share the part that does it (`dispatch`):
//! the table of requests in flight. What is durable a broker leaves to its `ledger`. The specification, with the table of failures, is `docs/protocols/reqrep.md`.

mod balance;
mod broker;
mod cache;
mod client;
mod counters;
mod dispatch;
mod ledger;
mod mdp;
mod news;
mod old;
mod parts;
mod pirate;
#[cfg(test)]
mod tests;
mod titanic;
pub mod wire;
mod worker;

use std::time::Duration;

use bytes::Bytes;

use crate::{Error, ErrorKind, Result, machine::Frames};

pub use self::{
    balance::{Balance, Candidate, Choice, Choose},
    broker::{Broker, BrokerCommand, BrokerEvent, BrokerOptions},
    client::{Client, ClientCommand, ClientEvent, ClientOptions, FreelanceServer, RequestOptions, Settled},
    counters::{Counters, PeerCounters, Reason, ServiceCounters},
    ledger::StoreLimits,
    news::{News, NewsKind, NewsRecord},
    pirate::Side,
    wire::{Failure, Task},
    worker::{Job, Worker, WorkerCommand, WorkerCounters, WorkerEvent, WorkerOptions},
};

/// After this long a silence, who was connected to is forgotten, with what it has not fetched.
const FORGET: Duration = Duration::from_secs(60);

/// Checks the name of a service.
pub fn check_service(service: &[u8]) -> Result<()> {
    if service.is_empty() || service.len() > crate::fields::MAX_NAME {
        let text = "the name of a service has 1 to 255 bytes";
        return Err(Error::new(ErrorKind::InvalidArgument, text).with("option", "service"));
    }
    Ok(())
}

/// What frames cost: their bytes, and a reference for each.
fn size(frames: &Frames) -> usize {
    frames.iter().map(|frame| frame.len() + size_of::<Bytes>()).sum()
}

/// How much of the time that is left is passed on. A little is kept back, so that the verdict of whoever is asked comes
/// before the asker's own patience ends: only the one who is asked knows whether a request ever ran.
fn pass_on(left: Duration) -> Duration {
    left - (left / 16).min(Duration::from_millis(100))
}
