//! A request at the worker.

use std::{sync::Arc, time::Instant};

use pyo3::{
    prelude::*,
    types::{PyBytes, PyList, PyString},
};
use zpatterns::{
    Deadline, Error, ErrorKind, Hook, Result,
    reqrep::{Frames, Job as Core},
};

use super::worker::Working;
use crate::{
    cell::Cell,
    convert::{body_of, body_to_list},
    error::OrRaise,
    slot::Slot,
    wait::Limit,
};

/// A request to be answered once, by any thread. One that is dropped without an answer fails with the code `DROPPED`.
#[pyclass(frozen, weakref, module = "zpatterns.reqrep")]
pub(crate) struct Job {
    cell: Arc<Cell<Core>>,
    /// Keeps the worker, and the context where it finds it to close it.
    worker: Arc<Slot<Working>>,
    service: Py<PyString>,
    key: Py<PyBytes>,
    body: Py<PyList>,
    deadline: Instant,
}

impl Job {
    /// A job for Python, and where the worker finds it when it closes.
    pub(super) fn new(py: Python<'_>, job: Core, worker: &Arc<Slot<Working>>) -> PyResult<Self> {
        Ok(Self {
            worker: Arc::clone(worker),
            service: PyString::new(py, &String::from_utf8_lossy(job.service())).unbind(),
            key: PyBytes::new(py, job.key()).unbind(),
            body: body_to_list(py, job.body())?.unbind(),
            deadline: job.deadline(),
            cell: worker.open().and_then(|open| open.handle.jobs.keep(job)).or_raise(py)?,
        })
    }

    /// Sets what is called when the job is cancelled or done; true if there is nothing to wait for.
    pub(crate) fn watch(&self, hook: Hook) -> Result<bool> {
        let watch = |job: &Core| match job.wait_cancelled(&Deadline::now()) {
            Err(error) if error.kind() == ErrorKind::Timeout => job.set_hook(hook).map(|()| false),
            over => over.map(|()| true),
        };
        self.cell.look(watch).unwrap_or(Ok(true))
    }

    /// Why the cell is empty.
    fn gone(&self) -> Error {
        let answered = || Error::new(ErrorKind::WrongState, "the job was answered");
        self.worker.open().err().unwrap_or_else(answered)
    }

    fn finish(
        &self,
        py: Python<'_>,
        body: Option<&Bound<'_, PyAny>>,
        answer: impl FnOnce(Core, Frames) -> Result<()>,
    ) -> PyResult<()> {
        let body = body.map_or_else(|| Ok(Frames::new()), body_of)?;
        self.cell.empty().ok_or_else(|| self.gone()).and_then(|job| answer(job, body)).or_raise(py)
    }
}

#[pymethods]
impl Job {
    /// The error code of a job that was dropped without an answer.
    #[classattr]
    const DROPPED: u32 = Core::DROPPED;

    /// What is asked for.
    #[getter]
    fn service(&self, py: Python<'_>) -> Py<PyString> {
        self.service.clone_ref(py)
    }

    /// The key of the request; may be empty.
    #[getter]
    fn key(&self, py: Python<'_>) -> Py<PyBytes> {
        self.key.clone_ref(py)
    }

    /// The frames of the question.
    #[getter]
    fn body(&self, py: Python<'_>) -> Py<PyList> {
        self.body.clone_ref(py)
    }

    /// Seconds for which the answer is still of use.
    #[getter]
    fn remaining(&self) -> f64 {
        self.deadline.saturating_duration_since(Instant::now()).as_secs_f64()
    }

    /// Whether it was answered, or is lost because the worker closed.
    #[getter]
    fn done(&self) -> bool {
        self.cell.look(|_| ()).is_none()
    }

    /// Whether nobody waits for the answer any more.
    #[getter]
    fn cancelled(&self) -> bool {
        self.cell.look(Core::is_cancelled).unwrap_or(false)
    }

    /// Waits until nobody waits for the answer any more.
    #[pyo3(signature = (timeout=None))]
    fn wait_cancelled(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let wait = |deadline: &Deadline| self.cell.wait(deadline, Core::wait_cancelled);
        match Limit::new(py, timeout, None)?.wait(py, wait)? {
            Err(error) if error.kind() == ErrorKind::Timeout => Ok(false),
            waited => waited.map(|over| over.is_some()).or_raise(py),
        }
    }

    /// Sends some of the answer.
    fn send_partial(&self, py: Python<'_>, body: &Bound<'_, PyAny>) -> PyResult<()> {
        let body = body_of(body)?;
        self.cell.look(|job| job.send_partial(body)).unwrap_or_else(|| Err(self.gone())).or_raise(py)
    }

    /// Answers, or sends the rest of the answer.
    #[pyo3(signature = (body=None))]
    fn reply(&self, py: Python<'_>, body: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        self.finish(py, body, Core::reply)
    }

    /// Says that it cannot be done.
    #[pyo3(signature = (code, body=None))]
    fn fail(&self, py: Python<'_>, code: u32, body: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        self.finish(py, body, |job, body| job.fail(code, body))
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// Drops the job, if it was not answered.
    fn __exit__(&self, _kind: &Bound<'_, PyAny>, _error: &Bound<'_, PyAny>, _trace: &Bound<'_, PyAny>) {
        drop(self.cell.empty());
    }
}
