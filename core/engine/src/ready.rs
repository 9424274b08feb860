//! Telling an event loop that a handle has something for it, once per time it asks.
//!
//! A loop first takes all it can, then arms, then sleeps on the descriptor. Arming answers at once if something came
//! in between, so no wake-up is lost; and without arming nothing is signalled, so a busy loop costs no system calls.

use std::{
    os::fd::{AsFd, BorrowedFd},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::Waker,
};

use zpatterns_protocol::Result;

use crate::wait::Wake;

/// What an event loop waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interest(u8);

impl Interest {
    /// Something to receive, or the handle closed.
    pub const RECV: Self = Self(1);
    /// Room to send, or the handle closed.
    pub const SEND: Self = Self(2);
    /// Either.
    pub const BOTH: Self = Self(3);

    /// Whether all of `other` is in it.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Called on the reactor thread, once per armed edge. It must return at once and must not call back into the handle.
pub type Hook = Box<dyn Fn() + Send + Sync>;

pub(crate) struct Readiness {
    /// What somebody waits for.
    armed: AtomicU8,
    /// What was told through the wake-up and not armed for since.
    told: AtomicU8,
    wake: Wake,
    hook: Mutex<Option<Hook>>,
    wakers: Mutex<Vec<Waker>>,
}

impl Readiness {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            armed: AtomicU8::new(0),
            told: AtomicU8::new(0),
            wake: Wake::new()?,
            hook: Mutex::new(None),
            wakers: Mutex::new(Vec::new()),
        })
    }

    pub(crate) fn set_hook(&self, hook: Option<Hook>) {
        *self.hook.lock().unwrap_or_else(PoisonError::into_inner) = hook;
    }

    /// Asks for one notice. The caller must look again afterwards, and [`disarm`](Self::disarm) if it found something.
    pub(crate) fn arm(&self, interest: Interest) {
        let told = self.told.fetch_and(!interest.0, Ordering::SeqCst);
        // A notice of something else stays until that is armed for.
        if told != 0 && told & !interest.0 == 0 {
            self.wake.clear();
        }
        self.armed.fetch_or(interest.0, Ordering::SeqCst);
    }

    /// As [`arm`](Self::arm), for a future.
    pub(crate) fn arm_waker(&self, interest: Interest, waker: &Waker) {
        {
            let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
            if !wakers.iter().any(|known| known.will_wake(waker)) {
                wakers.push(waker.clone());
            }
        }
        self.armed.fetch_or(interest.0, Ordering::SeqCst);
    }

    /// Forgets the waker of a future that was dropped.
    pub(crate) fn forget_waker(&self, waker: &Waker) {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner).retain(|known| !known.will_wake(waker));
    }

    pub(crate) fn disarm(&self, interest: Interest) {
        self.armed.fetch_and(!interest.0, Ordering::SeqCst);
    }

    pub(crate) fn is_armed(&self, interest: Interest) -> bool {
        self.armed.load(Ordering::SeqCst) & interest.0 != 0
    }

    /// `interest` holds now: tells whoever armed for it.
    pub(crate) fn notify(&self, interest: Interest) {
        if self.armed.load(Ordering::SeqCst) & interest.0 == 0 {
            return;
        }
        let asked = self.armed.fetch_and(!interest.0, Ordering::SeqCst) & interest.0;
        if asked == 0 {
            return;
        }
        let wakers = std::mem::take(&mut *self.wakers.lock().unwrap_or_else(PoisonError::into_inner));
        for waker in wakers {
            waker.wake();
        }
        match &*self.hook.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(hook) => hook(),
            None => {
                self.told.fetch_or(asked, Ordering::SeqCst);
                self.wake.notify();
            }
        }
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}
