//! Where a Python object keeps its handle of core, until it is closed by itself or by its context.

use std::{
    mem,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use zpatterns::{Error, ErrorKind, Result};

use crate::context::Lease;

/// A handle that can be closed while others use it.
pub(crate) trait Handle: Send + Sync {
    /// What is still asked for afterwards: its counters.
    type Last: Clone + Send + Sync;

    /// Closes, and tells everyone who waits.
    fn close(&self, linger: Option<Duration>) -> Self::Last;
}

/// A handle, held. A call keeps it for as long as it works, so closing does not pull it away.
pub(crate) struct Held<T> {
    pub(crate) handle: T,
    /// Dropped after the handle, by the order of the fields.
    _lease: Lease,
}

pub(crate) struct Slot<T: Handle>(RwLock<State<T>>);

enum State<T: Handle> {
    Open(Arc<Held<T>>),
    Closed(T::Last),
}

impl<T: Handle> Slot<T> {
    pub(crate) fn new(handle: T, lease: Lease) -> Self {
        Self(RwLock::new(State::Open(Arc::new(Held { handle, _lease: lease }))))
    }

    /// The handle, or [`ErrorKind::Closed`].
    pub(crate) fn open(&self) -> Result<Arc<Held<T>>> {
        self.look(Arc::clone, |_| ()).map_err(|()| Error::new(ErrorKind::Closed, "the handle is closed"))
    }

    /// Looks at the open handle, or else at what it left.
    pub(crate) fn look<A, B>(
        &self,
        open: impl FnOnce(&Arc<Held<T>>) -> A,
        closed: impl FnOnce(&T::Last) -> B,
    ) -> std::result::Result<A, B> {
        match &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            State::Open(held) => Ok(open(held)),
            State::Closed(last) => Err(closed(last)),
        }
    }

    /// Closes; closing twice is fine.
    pub(crate) fn close(&self, linger: Option<Duration>) {
        let Ok(held) = self.open() else { return };
        let last = held.handle.close(linger);
        let before = {
            let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
            match *state {
                State::Open(_) => mem::replace(&mut *state, State::Closed(last)),
                State::Closed(_) => return,
            }
        };
        // Outside the lock: this may be the last hold on the handle and on its context.
        drop(before);
    }
}

/// A slot whose handle may be of any kind, as a context knows it.
pub(crate) trait Closable: Send + Sync {
    /// Closes the handle, if it is open.
    fn close(&self);
}

impl<T: Handle> Closable for Slot<T> {
    fn close(&self) {
        self.close(None);
    }
}
