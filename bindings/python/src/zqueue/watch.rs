//! What a producer waits for.

use std::sync::Arc;

use pyo3::{prelude::*, types::PyList};
use zpatterns::{
    Deadline, Error, ErrorKind, Result,
    zqueue::{Answer, Call, Draft as CoreDraft},
};

use super::{answer, producer::Producing};
use crate::{cancel::Cancel, cell::Cell, convert, error::OrRaise, slot::Slot, wait::Limit};

/// A job whose outcome is waited for, by one thread at a time. If it is dropped, the job goes on.
#[pyclass(frozen, weakref, module = "zpatterns.zqueue")]
pub(crate) struct Watch {
    cell: Arc<Cell<Call>>,
    /// Keeps the producer, and the context where it finds it to close it.
    producer: Arc<Slot<Producing>>,
}

impl Watch {
    pub(super) fn new(call: Call, producer: &Arc<Slot<Producing>>) -> Result<Self> {
        Ok(Self { cell: producer.open()?.handle.calls.keep(call)?, producer: Arc::clone(producer) })
    }

    fn wait(
        &self,
        py: Python<'_>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
        wait: impl Fn(&Call, &Deadline) -> Result<Answer> + Send + Sync,
    ) -> PyResult<Answer> {
        let waited = Limit::new(py, timeout, cancel)?.wait(py, |deadline| self.cell.wait(deadline, &wait))?;
        let gone =
            || self.producer.open().err().unwrap_or_else(|| Error::new(ErrorKind::Closed, "the watch is closed"));
        waited.and_then(|answer| answer.ok_or_else(gone)).or_raise(py)
    }
}

#[pymethods]
impl Watch {
    /// What comes next of the job.
    #[pyo3(signature = (timeout=None, cancel=None))]
    fn next<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        answer::value_or_raise(py, &self.wait(py, timeout, cancel, Call::next)?)
    }

    /// What the job comes to.
    #[pyo3(signature = (timeout=None, cancel=None))]
    fn outcome<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<f64>,
        cancel: Option<&Bound<'_, Cancel>>,
    ) -> PyResult<Bound<'py, PyList>> {
        answer::body_of(py, self.wait(py, timeout, cancel, Call::last)?)
    }

    /// Nobody waits any more; the job goes on.
    fn close(&self) {
        drop(self.cell.empty());
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __exit__(&self, _kind: &Bound<'_, PyAny>, _error: &Bound<'_, PyAny>, _trace: &Bound<'_, PyAny>) {
        self.close();
    }
}

/// A job that is pushed part by part. One that is dropped before it is executed never was there.
#[pyclass(frozen, weakref, module = "zpatterns.zqueue")]
pub(crate) struct Draft {
    cell: Arc<Cell<CoreDraft>>,
    /// Keeps the producer, and the context where it finds it to close it.
    producer: Arc<Slot<Producing>>,
}

impl Draft {
    pub(super) fn new(draft: CoreDraft, producer: &Arc<Slot<Producing>>) -> Result<Self> {
        Ok(Self { cell: producer.open()?.handle.drafts.keep(draft)?, producer: Arc::clone(producer) })
    }

    /// Why the cell is empty.
    fn gone(&self) -> Error {
        let over = || Error::new(ErrorKind::WrongState, "the draft was executed, or dropped");
        self.producer.open().err().unwrap_or_else(over)
    }
}

#[pymethods]
impl Draft {
    /// Adds to its body.
    fn send_part(&self, py: Python<'_>, body: &Bound<'_, PyAny>) -> PyResult<()> {
        let body = convert::body_of(body)?;
        self.cell.look(|draft| draft.send_part(body)).unwrap_or_else(|| Err(self.gone())).or_raise(py)
    }

    /// It is whole: it is pushed.
    fn execute(&self, py: Python<'_>) -> PyResult<Watch> {
        let execute = |draft: CoreDraft| Watch::new(draft.execute()?.into(), &self.producer);
        self.cell.empty().ok_or_else(|| self.gone()).and_then(execute).or_raise(py)
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// Drops the draft, if it was not executed.
    fn __exit__(&self, _kind: &Bound<'_, PyAny>, _error: &Bound<'_, PyAny>, _trace: &Bound<'_, PyAny>) {
        drop(self.cell.empty());
    }
}
