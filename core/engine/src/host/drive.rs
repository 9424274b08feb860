//! Driving a machine while waiting for it.
//!
//! A thread that waits for an event could sleep until the reactor has one for it, but then every message crosses two
//! threads, and the second wake-up costs more than all that is done with the message. So who waits, and is the only one,
//! takes the sockets from the reactor, waits for them himself and gives the machine its turns. He keeps them when he has his
//! event, because he will soon wait again; the reactor looks now and then whether he did, and else takes them back. Whatever
//! needs the reactor (an event loop, other waiting threads) makes it take them back at once.
//!
//! Two flags tell the story: *watched*, the reactor watches the sockets; *driving*, somebody waits for them.

use std::{
    os::fd::{AsFd, BorrowedFd, RawFd},
    sync::{
        Mutex, MutexGuard, TryLockError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags};
use smallvec::SmallVec;
use zpatterns_protocol::{Machine, Result};

use super::{Shared, hosted::HostedSocket, sockets::State};
use crate::{
    Deadline,
    reactor::Turn,
    wait::{self, Wake},
};

/// For how long a machine may be without anybody who drives it: messages wait no longer than this for a program that
/// waited for them before and now does something else.
const PAUSE: Duration = Duration::from_millis(5);

pub(super) struct Driver {
    /// Held by who drives.
    seat: Mutex<()>,
    wake: Wake,
    driving: AtomicBool,
    watched: AtomicBool,
    /// The last turn left something to do: there may be messages of which no descriptor tells any more.
    unfinished: AtomicBool,
}

impl Driver {
    pub(super) fn new() -> Result<Self> {
        let (driving, watched, unfinished) = (AtomicBool::new(false), AtomicBool::new(true), AtomicBool::new(false));
        Ok(Self { seat: Mutex::new(()), wake: Wake::new()?, driving, watched, unfinished })
    }

    pub(super) fn is_watched(&self) -> bool {
        self.watched.load(Ordering::SeqCst)
    }

    pub(super) fn is_driving(&self) -> bool {
        self.driving.load(Ordering::SeqCst)
    }

    fn take_seat(&self) -> Option<MutexGuard<'_, ()>> {
        match self.seat.try_lock() {
            Ok(seat) => Some(seat),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl<M> Shared<M>
where
    M: Machine + Send,
    M::Command: Send,
    M::Event: Send,
{
    /// Waits until `take` finds something, and drives the machine meanwhile. `None` if others wait as well: then the reactor
    /// drives it.
    pub(super) fn drive<T>(&self, deadline: &Deadline, take: impl Fn() -> Result<Option<T>>) -> Result<Option<T>> {
        if let Some(found) = take()? {
            return Ok(Some(found));
        }
        if self.mailbox.is_awaited() || (deadline.is_now() && self.driver.is_watched()) {
            return Ok(None);
        }
        let Some(_seat) = self.driver.take_seat() else { return Ok(None) };
        let driving = self.begin();
        loop {
            if let Some(found) = take()? {
                return Ok(Some(found));
            }
            if !self.driver.unfinished.swap(false, Ordering::SeqCst) && !deadline.is_now() {
                let waited = driving.wait(deadline);
                if waited.is_err() {
                    // What came at the same moment is there.
                    return take()?.map_or_else(|| waited.map(|()| None), |found| Ok(Some(found)));
                }
            }
            let (turn, ()) = self.guarded(self.lock(), |state| (self.work(state), ()))?;
            self.driver.unfinished.fetch_or(turn.again, Ordering::SeqCst);
            if deadline.is_now() {
                return take();
            }
        }
    }

    fn begin(&self) -> Driving<'_, M> {
        let state = self.lock();
        self.driver.driving.store(true, Ordering::SeqCst);
        if self.driver.watched.swap(false, Ordering::SeqCst) {
            state.sockets.values().flat_map(HostedSocket::fds).for_each(|fd| self.served.unwatch(fd));
        }
        drop(state);
        Driving { shared: self }
    }
}

impl<M: Machine> Shared<M> {
    /// The reactor watches the sockets again.
    pub(super) fn hand_back(&self) {
        if !self.driver.is_watched() {
            self.watch(&self.lock());
        }
    }

    /// A turn left something to do: whoever drives goes on with it, or will when he is back.
    pub(super) fn go_on_soon(&self) {
        if self.driver.is_watched() {
            self.kick();
        } else {
            self.driver.unfinished.store(true, Ordering::SeqCst);
            self.wake_driver();
        }
    }

    fn watch(&self, state: &State<M>) {
        if !self.driver.watched.swap(true, Ordering::SeqCst) {
            // What cannot be watched is looked at when something else happens, and when the machine's own time comes.
            state.sockets.values().flat_map(HostedSocket::fds).for_each(|fd| drop(self.served.watch(fd)));
            self.kick();
        }
    }

    /// In the reactor's turn: takes the sockets back from who drives no more, and comes back to look.
    pub(super) fn attend(&self, state: &mut State<M>, turn: &mut Turn) {
        let (now, driving) = (Instant::now(), self.driver.is_driving());
        if !driving && now >= state.driven + PAUSE {
            self.watch(state);
        }
        // Who drives and was just away soon will be again.
        state.unattended = self.driver.is_watched() || (driving && now >= state.driven + 4 * PAUSE);
        if !state.unattended {
            let next = if driving { now } else { state.driven } + PAUSE;
            turn.at = Some(turn.at.map_or(next, |at| at.min(next)));
        }
    }

    /// Something changed that who drives must see.
    pub(super) fn wake_driver(&self) {
        if self.driver.is_driving() {
            self.driver.wake.notify();
        }
    }
}

/// Somebody drives, until this is dropped.
struct Driving<'a, M: Machine> {
    shared: &'a Shared<M>,
}

impl<M: Machine> Driving<'_, M> {
    /// Waits for the sockets, or for what others do.
    fn wait(&self, deadline: &Deadline) -> Result<()> {
        let mut state = self.shared.lock();
        // Nobody looks at their descriptors now.
        state.closing.clear();
        let sockets: SmallVec<[RawFd; 8]> = state.sockets.values().flat_map(HostedSocket::fds).collect();
        drop(state);
        let wake = &self.shared.driver.wake;
        // SAFETY: who closes a socket while somebody drives leaves it to him, in `closing`.
        let sockets = sockets.iter().map(|fd| unsafe { BorrowedFd::borrow_raw(*fd) });
        let all = sockets.chain([wake.as_fd()]).map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        let found = wait::until_ready(all, deadline, None)?;
        if found.last().is_some_and(|wake| !wake.is_empty()) {
            wake.clear();
        }
        Ok(())
    }
}

impl<M: Machine> Drop for Driving<'_, M> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        self.shared.driver.driving.store(false, Ordering::SeqCst);
        state.closing.clear();
        state.driven = Instant::now();
        if self.shared.mailbox.is_awaited() {
            self.shared.watch(&state);
        } else if std::mem::take(&mut state.unattended) {
            // The reactor comes to see whether anybody drives.
            drop(state);
            self.shared.kick();
        }
    }
}
