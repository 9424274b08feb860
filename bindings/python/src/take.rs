//! Taking much at once: what costs in Python is the number of calls.

use pyo3::prelude::*;
use zpatterns::{Deadline, Result};

use crate::{
    error::OrRaise,
    wait::{Limit, if_possible},
};

/// Takes with `next` what is there, at most `max`.
pub(crate) fn take<T>(max: usize, next: impl Fn(&Deadline) -> Result<T>) -> Result<Vec<T>> {
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
pub(crate) fn wait_and_take<T: Send>(
    py: Python<'_>,
    limit: &Limit,
    max: usize,
    next: impl Fn(&Deadline) -> Result<T> + Send + Sync,
) -> PyResult<Vec<T>> {
    let mut all = vec![limit.wait(py, &next)?.or_raise(py)?];
    all.extend(take(max.saturating_sub(1), next).unwrap_or_default());
    Ok(all)
}
