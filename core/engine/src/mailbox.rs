//! Events of a machine on their way to a program: bounded, awaited like messages.

use std::{
    collections::VecDeque,
    os::fd::AsFd,
    sync::{Mutex, MutexGuard, PoisonError},
};

use zpatterns_protocol::{Error, ErrorKind, Result};

use crate::{
    Deadline, Interest,
    ready::Readiness,
    wait::{self, Waiters},
};

pub(crate) struct Mailbox<E> {
    capacity: usize,
    state: Mutex<State<E>>,
    pub(crate) receivers: Waiters,
    pub(crate) ready: Readiness,
}

struct State<E> {
    events: VecDeque<E>,
    ended: Option<Error>,
}

impl<E> Mailbox<E> {
    pub(crate) fn new(capacity: usize) -> Result<Self> {
        Ok(Self {
            capacity,
            state: Mutex::new(State { events: VecDeque::new(), ended: None }),
            receivers: Waiters::default(),
            ready: Readiness::new()?,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Asks for one notice of the next event; true if one, or the end, is there already.
    pub(crate) fn arm(&self) -> bool {
        self.ready.arm(Interest::RECV);
        let found = !self.is_idle();
        if found {
            self.ready.disarm(Interest::RECV);
        }
        found
    }

    /// How many events fit.
    pub(crate) fn room(&self) -> usize {
        self.capacity - self.lock().events.len().min(self.capacity)
    }

    /// Adds an event. The machine keeps to the room it was told of.
    pub(crate) fn push(&self, event: E) {
        self.lock().events.push_back(event);
    }

    /// Tells whoever waits that events came.
    pub(crate) fn announce(&self) {
        if self.receivers.any() {
            self.receivers.notify();
        }
        self.ready.notify(Interest::RECV);
    }

    /// No more events come, because of `why`; those that are there can still be taken.
    pub(crate) fn end(&self, why: Error) {
        self.lock().ended.get_or_insert(why);
        self.announce();
    }

    /// The next event. `taken` is called after one was taken.
    pub(crate) fn next(&self, deadline: &Deadline, taken: impl Fn()) -> Result<E> {
        loop {
            if let Some(event) = self.take()? {
                taken();
                return Ok(event);
            }
            if deadline.is_now() {
                return Err(Error::new(ErrorKind::Timeout, "no event is waiting"));
            }
            let wake = self.receivers.enter()?;
            let outcome = if self.is_idle() { wait::until_readable(&[wake.as_fd()], deadline, None) } else { Ok(()) };
            wake.clear();
            self.receivers.leave();
            if !self.is_idle() {
                if self.receivers.any() {
                    // The wake-up taken here may have been for others too.
                    self.receivers.notify();
                }
                continue;
            }
            outcome?;
        }
    }

    /// Whether there is neither an event nor an end.
    fn is_idle(&self) -> bool {
        let state = self.lock();
        state.events.is_empty() && state.ended.is_none()
    }

    fn take(&self) -> Result<Option<E>> {
        let mut state = self.lock();
        match (state.events.pop_front(), &state.ended) {
            (Some(event), _) => Ok(Some(event)),
            (None, Some(why)) => Err(why.clone()),
            (None, None) => Ok(None),
        }
    }
}
