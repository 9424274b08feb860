//! Errors of core as Python exceptions.
//!
//! The classes are written in `zpatterns/errors.py`, where people read them; each is named as its kind, and that
//! module refuses to load unless every kind has one.

use pyo3::{
    prelude::*,
    sync::PyOnceLock,
    types::{IntoPyDict, PyType},
};
use zpatterns::{Error, ErrorKind};

/// A result as core gives it, on its way to Python.
pub(crate) trait OrRaise<T> {
    /// Turns an error of core into the exception of its kind.
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for zpatterns::Result<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| exception(py, &error))
    }
}

/// The exception for an error. Its text is the line with the facts; the kind is the class.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    let line = error.to_string();
    let text = line.strip_prefix(error.kind().name()).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&line);
    let made = error.context().into_py_dict(py).and_then(|context| class(py, error.kind())?.call1((text, context)));
    // Failing to make the exception (no memory, a package in pieces) is an exception too.
    made.map_or_else(|failed| failed, PyErr::from_value)
}

fn class(py: Python<'_>, kind: ErrorKind) -> PyResult<Bound<'_, PyType>> {
    static CLASSES: PyOnceLock<Vec<Py<PyType>>> = PyOnceLock::new();
    let classes = CLASSES.get_or_try_init(py, || {
        let module = py.import("zpatterns.errors")?;
        let class = |kind: &ErrorKind| Ok(module.getattr(kind.name())?.cast_into::<PyType>()?.unbind());
        ErrorKind::ALL.iter().map(class).collect::<PyResult<_>>()
    })?;
    Ok(classes[usize::from(kind.code()) - 1].bind(py).clone())
}

/// Every kind of error: name, number, whether the same call may succeed later.
#[pyfunction]
pub(crate) fn error_kinds() -> Vec<(&'static str, u16, bool)> {
    ErrorKind::ALL.iter().map(|kind| (kind.name(), kind.code(), kind.is_retryable())).collect()
}

/// Raises the error with this number, as core would: how the tests walk every kind.
#[pyfunction]
pub(crate) fn raise_error(py: Python<'_>, code: u16, message: &str) -> PyResult<()> {
    let unknown = || Error::new(ErrorKind::NotFound, "no error kind has this number").with("code", code);
    let error = ErrorKind::from_code(code).map_or_else(unknown, |kind| Error::new(kind, message).with("code", code));
    Err(error).or_raise(py)
}
