//! What happened at a broker, as Python has it.

use pyo3::{
    prelude::*,
    sync::PyOnceLock,
    types::{PyList, PyType},
};
use zpatterns::reqrep::{News, NewsRecord, Reason};

/// A `News`; what is not of its kind is empty.
pub(super) fn value_of(py: Python<'_>, news: News) -> PyResult<Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let NewsRecord { kind, service, worker, requests, left, reason, missed } = news.into();
    CLASS.import(py, "zpatterns.reqrep", "News")?.call1((
        kind.name(),
        service.as_deref().map(String::from_utf8_lossy).unwrap_or_default(),
        worker.unwrap_or_default(),
        requests.unwrap_or_default(),
        left.unwrap_or_default(),
        reason.map(Reason::name).unwrap_or_default(),
        missed.unwrap_or_default(),
    ))
}

/// Several.
pub(super) fn list_of(py: Python<'_>, news: Vec<News>) -> PyResult<Bound<'_, PyList>> {
    PyList::new(py, news.into_iter().map(|news| value_of(py, news)).collect::<PyResult<Vec<_>>>()?)
}
