//! Reliable request-reply: who asks, who answers, and who stands between. `zpatterns.reqrep` is the public face.
//!
//! What costs in Python is the number of calls, so whatever may be much goes in batches: requests posted together,
//! answers and jobs taken together. Only the calls that wait let go of the interpreter.

mod answer;
mod broker;
mod client;
mod counters;
mod job;
mod news;
mod options;
mod worker;

pub(crate) use self::{broker::Broker, client::Client, job::Job, worker::Worker};
