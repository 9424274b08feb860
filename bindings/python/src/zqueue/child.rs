//! What a job is broken into.

use pyo3::{
    prelude::*,
    types::{PyDict, PyList},
};
use zpatterns::zqueue::{Child as Core, Frames, OnFailure};

use super::options;
use crate::{
    convert::{body_of, body_to_list},
    error::OrRaise,
    given::Given,
};

/// A job that is to be done before another goes on. It may be spawned several times.
#[pyclass(frozen, module = "zpatterns.zqueue")]
pub(crate) struct Child(Core);

#[pymethods]
impl Child {
    #[new]
    #[pyo3(signature = (queue, body=None, *, on_failure=None, detached=false, **options))]
    fn new(
        queue: &str,
        body: Option<&Bound<'_, PyAny>>,
        on_failure: Option<&Bound<'_, PyAny>>,
        detached: bool,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let body = body.map_or_else(|| Ok(Frames::new()), body_of)?;
        let on_failure = on_failure.map(|policy| OnFailure::given("on_failure", policy)).transpose()?;
        let on_failure = on_failure.unwrap_or_default();
        Ok(Self(Core { options: options::child(options)?, on_failure, detached, ..Core::new(queue, body) }))
    }

    /// The queue in which it will wait.
    #[getter]
    fn queue(&self) -> String {
        String::from_utf8_lossy(&self.0.queue).into_owned()
    }

    /// The frames of what is to be done.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        body_to_list(py, &self.0.body)
    }

    fn __repr__(&self) -> String {
        format!("Child({:?})", self.queue())
    }
}

/// Children: each a `Child`, or a tuple of a queue and a body. They are checked here, because a job that has been taken out of its
/// cell does not come back.
pub(super) fn children_of(given: &Bound<'_, PyAny>) -> PyResult<Vec<Core>> {
    let py = given.py();
    let child = |child: Bound<'_, PyAny>| {
        let child = match child.cast::<Child>() {
            Ok(child) => child.get().0.clone(),
            Err(_) => {
                let (queue, body): (String, Bound<'_, PyAny>) = child.extract()?;
                Core::new(queue, body_of(&body)?)
            }
        };
        child.check().map(|()| child).or_raise(py)
    };
    given.try_iter()?.map(|given| child(given?)).collect()
}
