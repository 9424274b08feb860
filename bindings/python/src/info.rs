//! What this build can do, and CURVE keys.

use pyo3::{prelude::*, types::PyDict};
use zpatterns::CurveKeys;

use crate::error::OrRaise;

/// Versions and capabilities of this build, by name.
#[pyfunction]
pub(crate) fn info(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let info = py.detach(zpatterns::info).or_raise(py)?;
    let table = PyDict::new(py);
    table.set_item("version", info.version)?;
    table.set_item("libzmq", info.libzmq)?;
    table.set_item("curve", info.curve)?;
    table.set_item("transports", info.transports)?;
    Ok(table)
}

/// A new key pair: public and secret key, 40 characters of Z85 each.
#[pyfunction]
pub(crate) fn curve_keypair(py: Python<'_>) -> PyResult<(String, String)> {
    CurveKeys::generate().map(|keys| (keys.public, keys.secret)).or_raise(py)
}

/// The public key that belongs to a secret one.
#[pyfunction]
pub(crate) fn curve_public_key(py: Python<'_>, secret: &str) -> PyResult<String> {
    CurveKeys::from_secret(secret).map(|keys| keys.public).or_raise(py)
}
