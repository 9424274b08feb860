//! Reliable request-reply: who asks, who answers, and who stands between. `zpatterns.reqrep` is the public face.
//!
//! What costs in Python is the number of calls, so whatever may be much goes in batches: requests posted together,
//! answers and jobs taken together. Only the calls that wait let go of the interpreter.

mod answer;
mod broker;
mod client;
mod counters;
mod ends;
mod job;
mod news;
mod options;
mod worker;

use pyo3::prelude::*;
use zpatterns::{Deadline, Result};

pub(crate) use self::{broker::Broker, client::Client, ends::Ends, job::Job, worker::Worker};
use crate::{
    error::OrRaise,
    wait::{Limit, if_possible},
};

/// Takes with `next` what is there, at most `max`.
fn take<T>(max: usize, next: impl Fn(&Deadline) -> Result<T>) -> Result<Vec<T>> {
    let mut all = Vec::new();
    while all.len() < max {
        match if_possible(next(&Deadline::now())) {
            Ok(Some(item)) => all.push(item),
            Err(error) if all.is_empty() => return Err(error),
            // An error comes again when what came before it is taken.
            Ok(None) | Err(_) => break,
        }
    }
    Ok(all)
}

/// Waits for one, then takes what else is there, at most `max` in all.
fn wait_and_take<T: Send>(
    py: Python<'_>,
    limit: &Limit,
    max: usize,
    next: impl Fn(&Deadline) -> Result<T> + Send + Sync,
) -> PyResult<Vec<T>> {
    let mut all = vec![limit.wait(py, &next)?.or_raise(py)?];
    all.extend(take(max.saturating_sub(1), next).unwrap_or_default());
    Ok(all)
}
