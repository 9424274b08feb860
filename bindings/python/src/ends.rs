//! Jobs that an event loop watches, of any pattern, without a thread or a timer for each.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use zpatterns::Hook;

use crate::{error::OrRaise, ready, reqrep::Job, zqueue::QueueJob};

/// Which jobs came to their end, or are of no more use. Each has a number, because what watches a job must
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

    /// Tells of `number` once, as soon as `job` is done, or is of no more use. Who watches a job again takes over. An error is
    /// the worker's end.
    fn watch(&self, py: Python<'_>, job: &Bound<'_, PyAny>, number: u64) -> PyResult<()> {
        let is_over = match job.cast::<Job>() {
            Ok(job) => job.get().watch(self.hook(number)),
            Err(_) => job.cast::<QueueJob>()?.get().watch(self.hook(number)),
        };
        if is_over.or_raise(py)? {
            self.hook(number)();
        }
        Ok(())
    }

    /// The numbers that were told.
    fn take(&self) -> Vec<u64> {
        std::mem::take(&mut *self.numbers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
