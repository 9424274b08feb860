//! Jobs that an event loop watches, without a thread or a timer for each.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use zpatterns::{Deadline, ErrorKind, Hook, Result, reqrep::Job as Core};

use super::job::Job;
use crate::{error::OrRaise, ready};

/// Which jobs came to their end, or are awaited by nobody any more. Each has a number, because what watches a job must
/// not keep it.
#[pyclass(frozen, module = "zpatterns._native")]
pub(crate) struct Ends {
    numbers: Arc<Mutex<Vec<u64>>>,
    notice: Arc<Hook>,
}

impl Ends {
    /// A hook that tells of this number.
    fn hook(&self, number: u64) -> Hook {
        let (numbers, notice) = (Arc::clone(&self.numbers), Arc::clone(&self.notice));
        Box::new(move || {
            numbers.lock().unwrap_or_else(PoisonError::into_inner).push(number);
            notice();
        })
    }
}

#[pymethods]
impl Ends {
    /// Calls `notice`, from a thread of its own, when `take` has something.
    #[new]
    fn new(py: Python<'_>, notice: Py<PyAny>) -> PyResult<Self> {
        let notice = Arc::new(ready::hook(notice).or_raise(py)?);
        Ok(Self { numbers: Arc::default(), notice })
    }

    /// Tells of `number` once, as soon as `job` is done or cancelled. Who watches a job again takes over. An error is the
    /// worker's end.
    fn watch(&self, py: Python<'_>, job: &Bound<'_, Job>, number: u64) -> PyResult<()> {
        let watched = job.get().cell.look(|job| watch(job, self.hook(number)));
        if watched.unwrap_or(Ok(true)).or_raise(py)? {
            self.hook(number)();
        }
        Ok(())
    }

    /// The numbers that were told.
    fn take(&self) -> Vec<u64> {
        std::mem::take(&mut *self.numbers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Sets the hook; true if there is nothing to wait for.
fn watch(job: &Core, hook: Hook) -> Result<bool> {
    match job.wait_cancelled(&Deadline::now()) {
        Err(error) if error.kind() == ErrorKind::Timeout => job.set_hook(hook).map(|()| false),
        over => over.map(|()| true),
    }
}
