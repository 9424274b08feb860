//! A job at the worker.

use std::sync::Arc;

use pyo3::{
    prelude::*,
    types::{PyList, PyString},
};
use zpatterns::{
    Deadline, Error, ErrorKind, Hook, Result,
    zqueue::{Frames, QueueJob as Core},
};

use super::{answer::results_of, child::children_of, producer::frames_of, worker::Working};
use crate::{cell::Cell, convert::body_to_list, error::OrRaise, slot::Slot, wait::Limit};

/// A job to be done once, by any thread. One that is dropped without a word has failed with the code `DROPPED`, and may be tried again.
#[pyclass(frozen, weakref, module = "zpatterns.zqueue")]
pub(crate) struct QueueJob {
    cell: Arc<Cell<Core>>,
    /// Keeps the worker, and the context where it finds it to close it.
    worker: Arc<Slot<Working>>,
    id: u64,
    tries: u8,
    queue: Py<PyString>,
    body: Py<PyList>,
    resumed: bool,
    memo: Py<PyList>,
    results: Py<PyList>,
}

impl QueueJob {
    /// A job for Python, and where the worker finds it when it closes.
    pub(super) fn new(py: Python<'_>, job: Core, worker: &Arc<Slot<Working>>) -> PyResult<Self> {
        Ok(Self {
            worker: Arc::clone(worker),
            id: job.id(),
            tries: job.tries(),
            queue: PyString::new(py, &String::from_utf8_lossy(job.queue())).unbind(),
            body: body_to_list(py, job.body())?.unbind(),
            resumed: job.is_resumed(),
            memo: body_to_list(py, job.memo().unwrap_or(&Frames::new()))?.unbind(),
            results: results_of(py, job.results().unwrap_or_default())?.unbind(),
            cell: worker.open().and_then(|open| open.handle.jobs.keep(job)).or_raise(py)?,
        })
    }

    /// Sets what is called when the job is withdrawn or over; true if there is nothing to wait for.
    pub(crate) fn watch(&self, hook: Hook) -> Result<bool> {
        let watch = |job: &Core| match job.wait_withdrawn(&Deadline::now()) {
            Err(error) if error.kind() == ErrorKind::Timeout => job.set_hook(hook).map(|()| false),
            over => over.map(|()| true),
        };
        self.cell.look(watch).unwrap_or(Ok(true))
    }

    /// Why the cell is empty.
    fn gone(&self) -> Error {
        let over = || Error::new(ErrorKind::WrongState, "the job is over");
        self.worker.open().err().unwrap_or_else(over)
    }

    fn finish(&self, py: Python<'_>, finish: impl FnOnce(Core) -> Result<()>) -> PyResult<()> {
        self.cell.empty().ok_or_else(|| self.gone()).and_then(finish).or_raise(py)
    }

    fn finish_with(
        &self,
        py: Python<'_>,
        body: Option<&Bound<'_, PyAny>>,
        finish: impl FnOnce(Core, Frames) -> Result<()>,
    ) -> PyResult<()> {
        let body = frames_of(body)?;
        self.finish(py, |job| finish(job, body))
    }
}

#[pymethods]
impl QueueJob {
    /// The code of a job that was dropped without a word.
    #[classattr]
    const DROPPED: u32 = Core::DROPPED;

    /// The queue's number for it.
    #[getter]
    fn id(&self) -> u64 {
        self.id
    }

    /// The queue in which it was.
    #[getter]
    fn queue(&self, py: Python<'_>) -> Py<PyString> {
        self.queue.clone_ref(py)
    }

    /// The frames of what is to be done.
    #[getter]
    fn body(&self, py: Python<'_>) -> Py<PyList> {
        self.body.clone_ref(py)
    }

    /// How often it was given to a worker before, and not done.
    #[getter]
    fn tries(&self) -> u8 {
        self.tries
    }

    /// Whether it comes back after it spawned children.
    #[getter]
    fn resumed(&self) -> bool {
        self.resumed
    }

    /// The frames that it left when it spawned.
    #[getter]
    fn memo(&self, py: Python<'_>) -> Py<PyList> {
        self.memo.clone_ref(py)
    }

    /// What its children came to, in the order in which they were spawned.
    #[getter]
    fn results(&self, py: Python<'_>) -> Py<PyList> {
        self.results.clone_ref(py)
    }

    /// Whether it is over, or lost because the worker closed.
    #[getter]
    fn done(&self) -> bool {
        self.cell.look(|_| ()).is_none()
    }

    /// Whether nobody wants it any more, or another worker has it.
    #[getter]
    fn withdrawn(&self) -> bool {
        self.cell.look(Core::is_withdrawn).unwrap_or(false)
    }

    /// Waits until that is so.
    #[pyo3(signature = (timeout=None))]
    fn wait_withdrawn(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let wait = |deadline: &Deadline| self.cell.wait(deadline, Core::wait_withdrawn);
        match Limit::new(py, timeout, None)?.wait(py, wait)? {
            Err(error) if error.kind() == ErrorKind::Timeout => Ok(false),
            waited => waited.map(|withdrawn| withdrawn.is_some()).or_raise(py),
        }
    }

    /// It is done.
    #[pyo3(signature = (body=None))]
    fn complete(&self, py: Python<'_>, body: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        self.finish_with(py, body, Core::complete)
    }

    /// It could not be done, and may be tried again.
    #[pyo3(signature = (code, body=None))]
    fn retry(&self, py: Python<'_>, code: u32, body: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        self.finish_with(py, body, |job, body| job.retry(code, body))
    }

    /// It cannot be done, and is not tried again.
    #[pyo3(signature = (code, body=None))]
    fn fail(&self, py: Python<'_>, code: u32, body: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        self.finish_with(py, body, |job, body| job.fail(code, body))
    }

    /// These are to be done first; then the job comes back.
    #[pyo3(signature = (children, memo=None, *, ordered=false))]
    fn spawn(
        &self,
        py: Python<'_>,
        children: &Bound<'_, PyAny>,
        memo: Option<&Bound<'_, PyAny>>,
        ordered: bool,
    ) -> PyResult<()> {
        let children = children_of(children)?;
        let spawn = if ordered { Core::spawn_in_order } else { Core::spawn };
        self.finish_with(py, memo, |job, memo| spawn(job, children, memo))
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// Drops the job, if it is not over.
    fn __exit__(&self, _kind: &Bound<'_, PyAny>, _error: &Bound<'_, PyAny>, _trace: &Bound<'_, PyAny>) {
        drop(self.cell.empty());
    }
}
