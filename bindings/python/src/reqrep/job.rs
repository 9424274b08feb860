//! A request at the worker.
//!
//! A Python object lives as long as it likes, and a job must not: it holds its worker, and that the context. So the
//! job is in a cell, which is emptied by the answer, or when the worker closes. Whoever waits in it meanwhile is told
//! to let go.

use std::{
    sync::{Arc, OnceLock, PoisonError, RwLock},
    time::Instant,
};

use pyo3::{
    prelude::*,
    types::{PyBytes, PyList, PyString},
};
use zpatterns::{
    Cancel, Deadline, Error, ErrorKind, Result,
    reqrep::{Frames, Job as Core},
};

use super::worker::Working;
use crate::{
    convert::{body_of, body_to_list},
    error::OrRaise,
    slot::Slot,
    wait::Limit,
};

/// Where a job is until it is answered.
pub(super) struct Cell {
    job: RwLock<Option<Core>>,
    /// Tells whoever waits in the job to let go. Who waits makes it first.
    emptied: OnceLock<Cancel>,
}

impl Cell {
    pub(super) fn new(job: Core) -> Self {
        Self { job: RwLock::new(Some(job)), emptied: OnceLock::new() }
    }

    /// Takes the job out, if it is still there.
    pub(super) fn empty(&self) -> Option<Core> {
        if let Ok(mut job) = self.job.try_write() {
            return job.take();
        }
        if let Some(emptied) = self.emptied.get() {
            emptied.cancel();
        }
        self.job.write().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Looks at the job, if it is still there.
    pub(super) fn look<R>(&self, look: impl FnOnce(&Core) -> R) -> Option<R> {
        self.job.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(look)
    }

    /// Waits until nobody waits for the answer any more; false if the cell is emptied first.
    fn wait_cancelled(&self, deadline: &Deadline) -> Result<bool> {
        let emptied = match self.emptied.get() {
            Some(emptied) => emptied,
            None => {
                let made = Cancel::new()?;
                self.emptied.get_or_init(|| made)
            }
        };
        match self.look(|job| job.wait_cancelled(&deadline.clone().or(emptied))) {
            Some(Err(error)) if error.kind() == ErrorKind::Cancelled => Ok(false),
            Some(waited) => waited.map(|()| true),
            None => Ok(false),
        }
    }
}

/// A request to be answered once, by any thread. One that is dropped without an answer fails with the code `DROPPED`.
#[pyclass(frozen, weakref, module = "zpatterns.reqrep")]
pub(crate) struct Job {
    pub(super) cell: Arc<Cell>,
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
            cell: worker.open().and_then(|open| open.handle.keep(job)).or_raise(py)?,
        })
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
        match Limit::new(py, timeout, None)?.wait(py, |deadline| self.cell.wait_cancelled(deadline))? {
            Err(error) if error.kind() == ErrorKind::Timeout => Ok(false),
            waited => waited.or_raise(py),
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
