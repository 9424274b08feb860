//! What a socket's threads share: the lock, and waiting outside of it.

use std::{
    os::fd::{AsFd, RawFd},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use zpatterns_protocol::{Error, ErrorKind, Result};

use super::{background::Background, reader::Reader};
use crate::{
    Deadline, SocketKind, SocketOptions, SocketStats,
    fork::Generation,
    ipc,
    raw::{self, RawSocket},
    wait::{self, Waiters},
};

/// How long a send waits before it tries again where libzmq cannot say when there is room: a ROUTER is always
/// writable, even while the addressed peer is full.
const RETRY: Duration = Duration::from_millis(2);

/// What the caller's threads and the reactor share.
pub(super) struct Shared {
    pub(super) kind: SocketKind,
    pub(super) generation: Generation,
    pub(super) max_frame: u64,
    pub(super) ipc: ipc::Permissions,
    /// libzmq's descriptor, polled and never read.
    pub(super) fd: RawFd,
    pub(super) state: Mutex<State>,
    pub(super) receivers: Waiters,
    pub(super) senders: Waiters,
    pub(super) background: Option<Background>,
}

/// What the mutex protects.
pub(super) struct State {
    pub(super) raw: Option<RawSocket>,
    /// Why the socket is no longer open.
    pub(super) ended: Option<Error>,
    /// Socket files that we bound, by endpoint.
    pub(super) listeners: Vec<(String, ipc::Listener)>,
    /// Where the current monitor gets its events.
    pub(super) monitor: Option<String>,
    /// Messages that were received and put back; none on a background socket, which has its inbox.
    pub(super) front: Reader,
    pub(super) stats: SocketStats,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Recv,
    Send,
}

impl Direction {
    pub(super) const fn flag(self) -> i16 {
        match self {
            Self::Recv => libzmq::POLLIN,
            Self::Send => libzmq::POLLOUT,
        }
    }
}

impl Shared {
    pub(super) fn new(
        mut raw: RawSocket,
        kind: SocketKind,
        generation: Generation,
        options: &SocketOptions,
        background: Option<Background>,
    ) -> Result<Self> {
        Ok(Self {
            kind,
            generation,
            max_frame: options.max_message_size as u64,
            ipc: ipc::Permissions::of(options),
            fd: raw.fd()?,
            state: Mutex::new(State {
                raw: Some(raw),
                ended: None,
                listeners: Vec::new(),
                monitor: None,
                front: Reader::default(),
                stats: SocketStats::default(),
            }),
            receivers: Waiters::default(),
            senders: Waiters::default(),
            background,
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lock_open(&self) -> Result<MutexGuard<'_, State>> {
        self.generation.check()?;
        let state = self.lock();
        match &state.ended {
            Some(error) => Err(error.clone()),
            None => Ok(state),
        }
    }

    /// The socket is open no longer: everyone who waits learns why.
    pub(super) fn end(&self, state: &mut State, why: Error) {
        if state.ended.is_none() {
            state.ended = Some(why);
            // Before libzmq closes: its I/O thread would wait for ever to get rid of an event that nobody receives.
            if let (Some(_), Some(raw)) = (state.monitor.take(), &mut state.raw) {
                let _ = raw.monitor(None, 0);
            }
        }
        state.listeners.clear();
        self.receivers.notify();
        self.senders.notify();
        if let Some(background) = &self.background {
            background.ended(state);
        }
    }

    pub(super) fn check_frames(&self, sizes: impl Iterator<Item = usize>) -> Result<()> {
        for size in sizes {
            if size as u64 > self.max_frame {
                return Err(Error::new(ErrorKind::TooLarge, "a frame exceeds max_message_size")
                    .with("bytes", size)
                    .with("max_message_size", self.max_frame));
            }
        }
        Ok(())
    }

    pub(super) fn waiters(&self, direction: Direction) -> &Waiters {
        match direction {
            Direction::Recv => &self.receivers,
            Direction::Send => &self.senders,
        }
    }

    /// Tries `attempt` until it has something, an error comes, or the deadline passes.
    pub(super) fn wait<T>(
        &self,
        direction: Direction,
        deadline: &Deadline,
        mut attempt: impl FnMut(&mut State) -> Result<Option<T>>,
    ) -> Result<T> {
        let mut state = self.lock_open()?;
        let mut tried_after_notice = false;
        loop {
            let outcome = attempt(&mut state);
            match outcome {
                Ok(Some(done)) => {
                    self.pass_on(&mut state);
                    return Ok(done);
                }
                Ok(None) => {}
                Err(error) => {
                    if error.kind() == ErrorKind::Closed {
                        self.end(&mut state, error.clone());
                    } else {
                        self.pass_on(&mut state);
                    }
                    return Err(error);
                }
            }
            let events = match state.raw().events() {
                Ok(events) => events,
                Err(error) => {
                    // libzmq has told its end to this thread only.
                    self.end(&mut state, error.clone());
                    return Err(error);
                }
            };
            let possible = events & direction.flag() != 0;
            if possible && !tried_after_notice {
                tried_after_notice = true;
                continue;
            }
            if direction == Direction::Send {
                state.stats.send_full += 1;
            }
            self.announce(events);
            if deadline.is_now() {
                return Err(match direction {
                    Direction::Send => Error::new(ErrorKind::Full, "no peer has room for the message"),
                    Direction::Recv => Error::new(ErrorKind::Timeout, "no message is waiting"),
                });
            }
            let waiters = self.waiters(direction);
            let wake = waiters.enter()?;
            drop(state);
            // SAFETY: see `raw::borrow`; the descriptor is libzmq's, and a closed handle is noticed right below.
            let fds = [unsafe { raw::borrow(self.fd) }, wake.as_fd()];
            let outcome = wait::until_readable(&fds, deadline, possible.then_some(RETRY));
            waiters.leave();
            state = self.lock_open()?;
            wake.clear();
            tried_after_notice = false;
            if let Err(error) = outcome {
                self.pass_on(&mut state);
                return Err(error);
            }
        }
    }

    /// After an operation, which may have taken libzmq's notice away: if somebody else waits, tells them.
    pub(super) fn pass_on(&self, state: &mut State) {
        let reactor =
            self.background.as_ref().is_some_and(|background| self.kind.receives() || background.awaits_room());
        if !reactor && !self.receivers.any() && !self.senders.any() {
            return;
        }
        match state.raw.as_mut().map(RawSocket::events) {
            Some(Ok(events)) => self.announce(events),
            // libzmq has told its end to this thread only.
            Some(Err(error)) => self.end(state, error),
            None => {}
        }
    }

    /// Tells those who wait what is possible now.
    pub(super) fn announce(&self, events: i16) {
        match &self.background {
            Some(background) => background.announce(self, events),
            None if events & libzmq::POLLIN != 0 && self.receivers.any() => self.receivers.notify(),
            None => {}
        }
        // A full ROUTER says that it is writable; its senders try again by time instead.
        if events & libzmq::POLLOUT != 0 && self.kind != SocketKind::Router && self.senders.any() {
            self.senders.notify();
        }
    }
}
