//! The command `zpat`, which the wheel brings along.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs `zpat` with these arguments, the first of which is its name, and returns its exit code.
#[pyfunction]
pub(crate) fn zpat(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| zpatterns_cli::run(arguments))
}
