//! Who may connect to the server sockets of a context.

use std::{sync::Arc, time::Duration};

use pyo3::{
    prelude::*,
    types::{IntoPyDict, PyDict},
};
use zpatterns::{AuthStats, Result};

use crate::{
    context::Context,
    error::OrRaise,
    slot::{Handle, Slot},
};

/// Decides which peers may connect to the server sockets of a context: everybody is refused until allowed. One per
/// context; closing it refuses every new connection and leaves those that exist.
#[pyclass(frozen, subclass, weakref, module = "zpatterns._native")]
pub(crate) struct Authenticator(Arc<Slot<zpatterns::Authenticator>>);

impl Handle for zpatterns::Authenticator {
    type Last = AuthStats;

    fn close(&self, _linger: Option<Duration>) -> AuthStats {
        Self::close(self);
        self.stats()
    }
}

impl Authenticator {
    fn tell(&self, py: Python<'_>, rule: impl FnOnce(&zpatterns::Authenticator) -> Result<()>) -> PyResult<()> {
        self.0.open().and_then(|open| rule(&open.handle)).or_raise(py)
    }
}

#[pymethods]
impl Authenticator {
    /// Starts the authenticator of `context`. `AddressInUse` if the context has one.
    #[new]
    fn new(py: Python<'_>, context: &Bound<'_, Context>) -> PyResult<Self> {
        context.get().0.keep(|context| context.authenticator()).map(Self).or_raise(py)
    }

    /// Lets peers from this address in, as far as user or key allow. With one address allowed, all others are refused.
    fn allow_address(&self, py: Python<'_>, address: &str) -> PyResult<()> {
        self.tell(py, |authenticator| authenticator.allow_address(address))
    }

    /// Refuses peers from this address, whatever else is allowed.
    fn deny_address(&self, py: Python<'_>, address: &str) -> PyResult<()> {
        self.tell(py, |authenticator| authenticator.deny_address(address))
    }

    /// Lets a PLAIN user with this password in; replaces an earlier password. Both have at most 255 bytes.
    fn allow_user(&self, py: Python<'_>, name: &str, password: &str) -> PyResult<()> {
        self.tell(py, |authenticator| authenticator.allow_user(name, password))
    }

    /// Refuses this user from now on; connections that exist stay.
    fn remove_user(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        self.tell(py, |authenticator| {
            authenticator.remove_user(name);
            Ok(())
        })
    }

    /// Lets the CURVE client with this public key in: 40 characters of Z85.
    fn allow_key(&self, py: Python<'_>, public_key: &str) -> PyResult<()> {
        self.tell(py, |authenticator| authenticator.allow_key(public_key))
    }

    /// Refuses this key from now on; connections that exist stay.
    fn remove_key(&self, py: Python<'_>, public_key: &str) -> PyResult<()> {
        self.tell(py, |authenticator| authenticator.remove_key(public_key))
    }

    /// Lets every CURVE client in: encryption without authentication.
    fn allow_any_key(&self, py: Python<'_>) -> PyResult<()> {
        self.tell(py, |authenticator| {
            authenticator.allow_any_key();
            Ok(())
        })
    }

    /// Decisions so far, by name.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.0.look(|held| held.handle.stats(), |last| *last).unwrap_or_else(|last| last).fields().into_py_dict(py)
    }

    /// Stops. From now on nobody new gets into a server socket of the context.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close(None));
    }
}
