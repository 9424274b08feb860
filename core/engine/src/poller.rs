//! The Guide's reactor, for a thread of the program's own: sockets, timers and plain file descriptors in one wait.
//!
//! It calls nobody: each turn returns what is ready, in the order of registration, and the program does what it likes,
//! including removing what is still in the list. Sockets are background ones, so they are served between turns too.

use std::{
    collections::BTreeMap,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags};
use zpatterns_protocol::{Error, ErrorKind, Result};

use crate::{Deadline, Interest, Socket, wait};

/// What [`Poller`] calls a thing that was added. Numbers are not used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Registration(u64);

/// Something that is ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ready {
    /// What was added.
    pub registration: Registration,
    /// Whether it can be received from or read; always for a timer.
    pub readable: bool,
    /// Whether it can be sent to or written.
    pub writable: bool,
}

enum Entry {
    Socket(Socket, Interest),
    Fd(OwnedFd, Interest),
    Timer { at: Instant, every: Option<Duration> },
}

/// Waits for many things at once. Use it on one thread.
#[derive(Default)]
pub struct Poller {
    entries: BTreeMap<Registration, Entry>,
    next: u64,
}

impl Poller {
    /// A poller that waits for nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits for a socket. [`ErrorKind::Unsupported`] unless it is a background one.
    pub fn add_socket(&mut self, socket: &Socket, interest: Interest) -> Result<Registration> {
        socket.ready_fd()?;
        Ok(self.add(Entry::Socket(socket.clone(), interest)))
    }

    /// Waits for a file descriptor. The poller keeps a duplicate, so the caller may close its own.
    pub fn add_fd(&mut self, fd: BorrowedFd<'_>, interest: Interest) -> Result<Registration> {
        let own = fd.try_clone_to_owned().map_err(|error| {
            crate::errno::error(error.raw_os_error().unwrap_or(libc::EBADF), "cannot watch the descriptor")
        })?;
        Ok(self.add(Entry::Fd(own, interest)))
    }

    /// Waits for a time: once after `after`, or from then on again every `every`. Ticks that were missed because the
    /// program was busy are one tick.
    pub fn add_timer(&mut self, after: Duration, every: Option<Duration>) -> Result<Registration> {
        let at = Instant::now().checked_add(after);
        let (Some(at), false) = (at, every.is_some_and(|every| every.is_zero())) else {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "a timer needs a time to come, and a period above zero",
            ));
        };
        Ok(self.add(Entry::Timer { at, every }))
    }

    fn add(&mut self, entry: Entry) -> Registration {
        let registration = Registration(self.next);
        self.next += 1;
        self.entries.insert(registration, entry);
        registration
    }

    /// Waits for it no longer; false if it was not there (a timer that went off once is not).
    pub fn remove(&mut self, registration: Registration) -> bool {
        self.entries.remove(&registration).is_some()
    }

    /// Waits until something is ready and returns all that is, in the order of registration; timers that go off once are
    /// removed. [`ErrorKind::Timeout`], [`ErrorKind::Cancelled`] or [`ErrorKind::Interrupted`] if something else comes
    /// first.
    pub fn wait(&mut self, deadline: &Deadline) -> Result<Vec<Ready>> {
        loop {
            let ready = self.look()?;
            if !ready.is_empty() {
                return Ok(ready);
            }
            let mut fds = Vec::with_capacity(self.entries.len());
            for entry in self.entries.values() {
                match entry {
                    Entry::Socket(socket, _) => fds.push(PollFd::from_borrowed_fd(socket.ready_fd()?, PollFlags::IN)),
                    Entry::Fd(fd, interest) => fds.push(PollFd::from_borrowed_fd(fd.as_fd(), flags(*interest))),
                    Entry::Timer { .. } => {}
                }
            }
            let first = self.entries.values().filter_map(|entry| match entry {
                Entry::Timer { at, .. } => Some(*at),
                _ => None,
            });
            let until = first.min().map(|at| at.saturating_duration_since(Instant::now()));
            wait::until_ready(fds.into_iter(), deadline, until)?;
        }
    }

    /// What is ready now. Sockets that are not are armed, so that their descriptors tell.
    fn look(&mut self) -> Result<Vec<Ready>> {
        let now = Instant::now();
        let mut ready = Vec::new();
        let mut over = Vec::new();
        for (registration, entry) in &mut self.entries {
            let found = match entry {
                Entry::Socket(socket, interest) => socket.arm(*interest)?,
                Entry::Fd(fd, interest) => poll_now(fd, *interest)?,
                Entry::Timer { at, .. } if *at > now => None,
                Entry::Timer { at, every } => {
                    match every {
                        Some(every) => *at = next_tick(*at, *every, now),
                        None => over.push(*registration),
                    }
                    Some(Interest::RECV)
                }
            };
            ready.extend(found.map(|found| Ready {
                registration: *registration,
                readable: found.contains(Interest::RECV),
                writable: found.contains(Interest::SEND),
            }));
        }
        for registration in over {
            self.entries.remove(&registration);
        }
        Ok(ready)
    }
}

impl std::fmt::Debug for Poller {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Poller({})", self.entries.len())
    }
}

fn flags(interest: Interest) -> PollFlags {
    let mut flags = PollFlags::empty();
    flags.set(PollFlags::IN, interest.contains(Interest::RECV));
    flags.set(PollFlags::OUT, interest.contains(Interest::SEND));
    flags
}

/// What of `interest` a descriptor is ready for; an error or a hang-up is ready for all of it, so that the program sees.
fn poll_now(fd: &OwnedFd, interest: Interest) -> Result<Option<Interest>> {
    let polled = [PollFd::new(fd, flags(interest))];
    let found = match wait::until_ready(polled.into_iter(), &Deadline::now(), None) {
        Err(error) if error.kind() == ErrorKind::Timeout => return Ok(None),
        found => found?[0],
    };
    let (read, write) = (found.contains(PollFlags::IN), found.contains(PollFlags::OUT));
    Ok(Some(match (read, write) {
        (true, false) => Interest::RECV,
        (false, true) => Interest::SEND,
        (true, true) => Interest::BOTH,
        (false, false) => interest,
    }))
}

/// The next tick of a timer that lies ahead.
fn next_tick(at: Instant, every: Duration, now: Instant) -> Instant {
    let missed = now.saturating_duration_since(at).as_nanos() / every.as_nanos();
    let skip = every.saturating_mul(u32::try_from(missed).unwrap_or(u32::MAX).saturating_add(1));
    at.checked_add(skip).unwrap_or(now + every)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missed_ticks_are_one_tick() {
        let (start, every) = (Instant::now(), Duration::from_secs(10));
        for (late, expected) in [(0, 10), (9, 10), (10, 20), (35, 40)] {
            let next = next_tick(start, every, start + Duration::from_secs(late));
            assert_eq!(next - start, Duration::from_secs(expected));
        }
    }
}
