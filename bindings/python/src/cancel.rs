//! Ending waits from another thread.

use pyo3::prelude::*;

use crate::error::OrRaise;

/// Ends waits from another thread. Once cancelled it stays so: every wait that it was given to, now or later, raises
/// `Cancelled`.
#[pyclass(frozen, module = "zpatterns")]
pub(crate) struct Cancel(pub(crate) zpatterns::Cancel);

#[pymethods]
impl Cancel {
    /// A cancel that has not fired. `TooManyOpen` if the process is out of file descriptors.
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        zpatterns::Cancel::new().map(Self).or_raise(py)
    }

    /// Fires.
    fn cancel(&self) {
        self.0.cancel();
    }

    /// Whether it fired.
    #[getter]
    fn cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}
