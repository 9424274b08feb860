//! Noticing a fork.
//!
//! After `fork` the child has our handles but none of our threads, and libzmq's sockets in it would corrupt the
//! parent's connections. So a handle remembers the generation it was made in, the child of a fork is a new one, and a
//! handle of an older generation answers [`ErrorKind::Forked`] and never touches libzmq again.

use std::sync::{
    Once,
    atomic::{AtomicU64, Ordering},
};

use zpatterns_protocol::{Error, ErrorKind, Result};

static GENERATION: AtomicU64 = AtomicU64::new(0);
static HANDLER: Once = Once::new();

/// The generation of the process that asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Generation(u64);

impl Generation {
    /// The generation of this process.
    pub(crate) fn current() -> Self {
        HANDLER.call_once(|| {
            extern "C" fn in_child() {
                GENERATION.fetch_add(1, Ordering::Relaxed);
            }
            // SAFETY: the handler only touches an atomic, which is safe in the child of a threaded process.
            unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        });
        Self(GENERATION.load(Ordering::Relaxed))
    }

    /// Whether this is still the process in which the value was made.
    pub(crate) fn is_current(self) -> bool {
        self.0 == GENERATION.load(Ordering::Relaxed)
    }

    /// An error unless this is still that process.
    pub(crate) fn check(self) -> Result<()> {
        if self.is_current() {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::Forked, "the handle belongs to the parent process; open one after the fork"))
        }
    }
}
