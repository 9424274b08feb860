//! Who may connect to the server sockets of a context.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

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
pub(crate) struct Authenticator(Arc<Slot<Mutex<zpatterns::Authenticator>>>);

impl Handle for Mutex<zpatterns::Authenticator> {
    type Last = AuthStats;

    fn close(&self, _linger: Option<Duration>) -> AuthStats {
        let mut authenticator = lock(self);
        authenticator.close();
        authenticator.stats()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Authenticator {
    fn tell(&self, py: Python<'_>, rule: impl FnOnce(&zpatterns::Authenticator) -> Result<()>) -> PyResult<()> {
        self.0.open().and_then(|open| rule(&lock(&open.handle))).or_raise(py)
    }
}

#[pymethods]
impl Authenticator {
    /// Starts the authenticator of `context`. `AddressInUse` if the context has one.
    #[new]
    fn new(py: Python<'_>, context: &Bound<'_, Context>) -> PyResult<Self> {
        context.get().0.keep(|context| context.authenticator().map(Mutex::new)).map(Self).or_raise(py)
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
        let stats = self.0.look(|held| lock(&held.handle).stats(), |last| *last).unwrap_or_else(|last| last);
        let fields = [
            ("allowed", stats.allowed),
            ("denied_address", stats.denied_address),
            ("denied_user", stats.denied_user),
            ("denied_key", stats.denied_key),
            ("denied_malformed", stats.denied_malformed),
        ];
        fields.into_py_dict(py)
    }

    /// Stops. From now on nobody new gets into a server socket of the context.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close(None));
    }
}
