//! Deadlines, cancellation and wake-ups.
//!
//! Every wait in zpatterns ends: at a [`Deadline`], when a [`Cancel`] fires, when a signal arrives, or when its handle
//! closes. All of them meet in one `poll` call, because that is the only wait that a socket, another thread and a
//! signal can each end. Wake-ups use an eventfd of ours and never libzmq's own descriptor as a notice to others:
//! whoever reads that one takes the notice away from everybody else.

use std::{
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, Timespec},
    io::Errno,
};
use smallvec::SmallVec;
use zpatterns_protocol::{Error, ErrorKind, Result};

use crate::{errno, fork::Generation};

/// When a wait gives up.
#[derive(Clone, Debug)]
pub struct Deadline {
    at: When,
    cancel: Option<Cancel>,
}

#[derive(Clone, Copy, Debug)]
enum When {
    Now,
    At(Instant),
    Never,
}

impl Deadline {
    /// Give up at once: the call does not block.
    pub const fn now() -> Self {
        Self { at: When::Now, cancel: None }
    }

    /// Wait as long as it takes; a [`Cancel`], a signal and closing the handle still end the wait.
    pub const fn never() -> Self {
        Self { at: When::Never, cancel: None }
    }

    /// Give up after `duration` (a duration too long to add to the clock means never).
    pub fn after(duration: Duration) -> Self {
        let at = if duration.is_zero() {
            When::Now
        } else {
            Instant::now().checked_add(duration).map_or(When::Never, When::At)
        };
        Self { at, cancel: None }
    }

    /// Give up at `instant`.
    pub const fn at(instant: Instant) -> Self {
        Self { at: When::At(instant), cancel: None }
    }

    /// Give up, too, when `cancel` fires.
    #[must_use]
    pub fn or(mut self, cancel: &Cancel) -> Self {
        self.cancel = Some(cancel.clone());
        self
    }

    /// Whether the call must not block at all.
    pub fn is_now(&self) -> bool {
        matches!(self.at, When::Now)
    }

    /// What is left; `None` is without end.
    fn left(&self) -> Option<Duration> {
        match self.at {
            When::Now => Some(Duration::ZERO),
            When::At(instant) => Some(instant.saturating_duration_since(Instant::now())),
            When::Never => None,
        }
    }
}

/// Ends waits from another thread. Once cancelled it stays so: every wait it was given to, now or later, ends with
/// [`ErrorKind::Cancelled`]. Clones are the same cancel.
#[derive(Clone, Debug)]
pub struct Cancel(Arc<CancelState>);

#[derive(Debug)]
struct CancelState {
    wake: Wake,
    generation: Generation,
}

impl Cancel {
    /// A cancel that has not fired. [`ErrorKind::TooManyOpen`] if the process is out of file descriptors.
    pub fn new() -> Result<Self> {
        Ok(Self(Arc::new(CancelState { wake: Wake::new()?, generation: Generation::current() })))
    }

    /// Fires. In the child of a fork it does nothing: the waits are the parent's.
    pub fn cancel(&self) {
        if self.0.generation.is_current() {
            self.0.wake.notify();
        }
    }

    /// Waits until it fires. [`ErrorKind::Timeout`] if it has not at `deadline`.
    pub fn wait(&self, deadline: &Deadline) -> Result<()> {
        until_readable(&[self.0.wake.as_fd()], deadline, None)
    }

    /// Whether it fired.
    pub fn is_cancelled(&self) -> bool {
        self.0.wake.is_notified()
    }
}

/// A wake-up that other threads can see in `poll`: an eventfd.
#[derive(Debug)]
pub(crate) struct Wake(OwnedFd);

impl Wake {
    pub(crate) fn new() -> Result<Self> {
        let fd = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|error| errno::error(error.raw_os_error(), "cannot make a wake-up descriptor"))?;
        Ok(Self(fd))
    }

    /// Readable from now on. It cannot fail: the counter would have to reach 2^64 - 1.
    pub(crate) fn notify(&self) {
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    /// No longer readable.
    pub(crate) fn clear(&self) {
        let mut counter = [0; 8];
        let _ = rustix::io::read(&self.0, &mut counter);
    }

    fn is_notified(&self) -> bool {
        let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
        matches!(rustix::event::poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(1..))
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Wake {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Threads that wait for one thing. What they poll on is made when the first of them waits.
#[derive(Default)]
pub(crate) struct Waiters {
    count: AtomicUsize,
    wake: OnceLock<Wake>,
}

impl Waiters {
    pub(crate) fn any(&self) -> bool {
        self.count.load(Ordering::SeqCst) > 0
    }

    pub(crate) fn notify(&self) {
        if let Some(wake) = self.wake.get() {
            wake.notify();
        }
    }

    /// Joins; the wake-up to poll on.
    pub(crate) fn enter(&self) -> Result<&Wake> {
        let wake = match self.wake.get() {
            Some(wake) => wake,
            None => {
                let made = Wake::new()?;
                self.wake.get_or_init(|| made)
            }
        };
        self.count.fetch_add(1, Ordering::SeqCst);
        Ok(wake)
    }

    /// How many wait.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    pub(crate) fn leave(&self) {
        self.count.fetch_sub(1, Ordering::SeqCst);
    }

    /// What `take` finds, as soon as it finds something; `is_idle` tells whether it would find nothing. Whoever changes that
    /// [notifies](Self::notify) if [any](Self::any) waits.
    pub(crate) fn wait_for<T>(
        &self,
        deadline: &Deadline,
        mut take: impl FnMut() -> Result<Option<T>>,
        is_idle: impl Fn() -> bool,
    ) -> Result<T> {
        loop {
            if let Some(found) = take()? {
                return Ok(found);
            }
            if deadline.is_now() {
                return Err(Error::new(ErrorKind::Timeout, "there is nothing now"));
            }
            let wake = self.enter()?;
            let outcome = if is_idle() { until_readable(&[wake.as_fd()], deadline, None) } else { Ok(()) };
            wake.clear();
            self.leave();
            if !is_idle() {
                if self.any() {
                    // The wake-up taken here may have been for others too.
                    self.notify();
                }
                continue;
            }
            outcome?;
        }
    }
}

/// Waits until one of `fds` is readable. [`ErrorKind::Timeout`], [`ErrorKind::Cancelled`] or
/// [`ErrorKind::Interrupted`] if something else came first.
///
/// With a `retry` it also comes back, as if something were readable, once that time has passed.
pub(crate) fn until_readable(fds: &[BorrowedFd<'_>], deadline: &Deadline, retry: Option<Duration>) -> Result<()> {
    let readable = fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN));
    until_ready(readable, deadline, retry).map(drop)
}

/// What holds of each of some descriptors.
pub(crate) type Found = SmallVec<[PollFlags; 4]>;

/// As [`until_readable`], for what is asked of each descriptor; returns what holds.
pub(crate) fn until_ready<'a>(
    fds: impl Iterator<Item = PollFd<'a>>,
    deadline: &'a Deadline,
    retry: Option<Duration>,
) -> Result<Found> {
    let mut all: SmallVec<[PollFd<'_>; 4]> = fds.collect();
    let count = all.len();
    all.extend(deadline.cancel.as_ref().map(|cancel| PollFd::from_borrowed_fd(cancel.0.wake.as_fd(), PollFlags::IN)));
    let left = deadline.left();
    let retries = retry.is_some_and(|retry| left.is_none_or(|left| retry < left));
    let left = if retries { retry } else { left }.map(|left| Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: left.subsec_nanos().into(),
    });
    let found = rustix::event::poll(&mut all, left.as_ref());
    if all.get(count).is_some_and(|cancel| !cancel.revents().is_empty()) {
        return Err(Error::new(ErrorKind::Cancelled, "the wait was cancelled"));
    }
    match found {
        Ok(0) if !retries => Err(Error::new(ErrorKind::Timeout, "the deadline passed")),
        Ok(_) => Ok(all[..count].iter().map(PollFd::revents).collect()),
        Err(Errno::INTR) => Err(Error::new(ErrorKind::Interrupted, "a signal ended the wait")),
        Err(error) => Err(errno::error(error.raw_os_error(), "cannot wait")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancel_is_seen_before_and_during_a_wait() {
        let cancel = Cancel::new().expect("descriptors are free");
        let wake = Wake::new().expect("descriptors are free");
        assert!(!cancel.is_cancelled());
        let other = cancel.clone();
        let thread = std::thread::spawn(move || other.cancel());
        let error = until_readable(&[wake.as_fd()], &Deadline::never().or(&cancel), None).expect_err("cancelled");
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        thread.join().expect("the canceller ends");
        assert!(cancel.is_cancelled());
    }

    #[test]
    fn a_wake_is_level_triggered_until_cleared() {
        let wake = Wake::new().expect("descriptors are free");
        wake.notify();
        wake.notify();
        for _ in 0..2 {
            until_readable(&[wake.as_fd()], &Deadline::now(), None).expect("notified");
        }
        wake.clear();
        let error = until_readable(&[wake.as_fd()], &Deadline::now(), None).expect_err("cleared");
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }
}
