//! A context, and how it ends.
//!
//! Core's context ends when its last handle goes, and waits then until what was sent has left, at most for the
//! longest linger. Python objects go whenever they like, so [`Context::close`] closes every handle of the context, and
//! waits for the calls that still hold one. The package does that at exit with every context there is.

use std::{
    process,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
};

use pyo3::prelude::*;
use zpatterns::{ContextOptions, Error, ErrorKind, Result};

use crate::{
    error::OrRaise,
    slot::{Closable, Handle, Slot},
};

/// Owns the I/O threads and the reactor of its sockets. Sockets connect by inproc names only within one context.
#[pyclass(frozen, subclass, weakref, module = "zpatterns")]
pub(crate) struct Context(pub(crate) Arc<Owner>);

/// A context of core, and what it takes to see its last handle go.
pub(crate) struct Owner {
    /// The process that it belongs to: after a fork there is nothing to wait for in the child.
    process: u32,
    state: Mutex<State>,
    released: Condvar,
}

struct State {
    /// None once the context is closed.
    context: Option<zpatterns::Context>,
    slots: Vec<Weak<dyn Closable>>,
    /// Open handles, and calls that hold one.
    leases: usize,
}

/// Held for as long as something holds a handle of the context.
pub(crate) struct Lease(Arc<Owner>);

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.lock().leases -= 1;
        self.0.released.notify_all();
    }
}

impl Owner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what `make` makes, where `close` will find it.
    pub(crate) fn keep<T: Handle + 'static>(
        self: &Arc<Self>,
        make: impl FnOnce(&zpatterns::Context) -> Result<T>,
    ) -> Result<Arc<Slot<T>>> {
        let mut state = self.lock();
        let context = state.context.as_ref().ok_or_else(|| Error::new(ErrorKind::Closed, "the context is closed"))?;
        let handle = make(context)?;
        state.leases += 1;
        let slot = Arc::new(Slot::new(handle, Lease(Arc::clone(self))));
        // Forgetting the dead only when the list would grow costs each handle a constant.
        if state.slots.len() == state.slots.capacity() {
            state.slots.retain(|slot| slot.strong_count() > 0);
        }
        let known: Arc<dyn Closable> = Arc::clone(&slot) as _;
        state.slots.push(Arc::downgrade(&known));
        Ok(slot)
    }

    fn close(&self) {
        let mut state = self.lock();
        let context = state.context.take();
        let slots = std::mem::take(&mut state.slots);
        drop(state);
        for slot in slots.iter().filter_map(Weak::upgrade) {
            slot.close();
        }
        if self.process == process::id() {
            // Everyone who waits in a handle was just told that it closed.
            let state = self.lock();
            drop(self.released.wait_while(state, |state| state.leases > 0));
        }
        drop(context);
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let mut context = self.lock().context.take();
        if context.is_some() {
            // Waits for the linger, so without the interpreter where there still is one.
            Python::try_attach(|py| py.detach(|| drop(context.take())));
        }
    }
}

#[pymethods]
impl Context {
    /// A context with `io_threads` threads (1 to 64) and room for `max_sockets` sockets (1 to 65535).
    #[new]
    #[pyo3(signature = (*, io_threads=None, max_sockets=None))]
    fn new(py: Python<'_>, io_threads: Option<u32>, max_sockets: Option<u32>) -> PyResult<Self> {
        let defaults = ContextOptions::default();
        let options = ContextOptions {
            io_threads: io_threads.unwrap_or(defaults.io_threads),
            max_sockets: max_sockets.unwrap_or(defaults.max_sockets),
        };
        let context = zpatterns::Context::with_options(&options).or_raise(py)?;
        let state = State { context: Some(context), slots: Vec::new(), leases: 0 };
        Ok(Self(Arc::new(Owner { process: process::id(), state: Mutex::new(state), released: Condvar::new() })))
    }

    /// Closes every handle of the context and waits until what was sent has left, at most for the longest linger.
    /// Closing twice is fine.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }

    /// Whether the context is closed.
    #[getter]
    fn closed(&self) -> bool {
        self.0.lock().context.is_none()
    }
}
