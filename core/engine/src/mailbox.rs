//! Events of a machine on their way to a program: bounded, awaited like messages.
//!
//! Most events are for whoever comes next. Some belong to one wait, such as the reply to one request: for those there is
//! a *lane* by its number, which the program opens before it asks, or another event opens, and only who waits in that lane
//! is woken.

use std::{
    collections::{BTreeMap, VecDeque},
    os::fd::AsFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use zpatterns_protocol::{Error, ErrorKind, Result};

use crate::{
    Deadline, Hook, Interest,
    ready::Readiness,
    wait::{self, Waiters, Wake},
};

/// Wake-ups that are kept for the next wait in a lane, because each is a file descriptor.
const SPARE_WAKES: usize = 64;

/// Where an event goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lane {
    /// To whoever comes next.
    Common,
    /// To whoever waits in the lane with this number; if it is not open, to whoever comes next.
    Of(u64),
    /// To whoever comes next, and the lane with this number is open from then on.
    Opens(u64),
    /// To nobody: whoever waits until there is room tries again, see [`Host::when_room`](crate::Host::when_room).
    Room,
}

pub(crate) struct Mailbox<E> {
    capacity: usize,
    lane_of: fn(&E) -> Lane,
    state: Mutex<State<E>>,
    pub(crate) receivers: Waiters,
    /// Those who wait for room.
    pub(crate) senders: Waiters,
    pub(crate) ready: Readiness,
}

struct State<E> {
    events: VecDeque<E>,
    lanes: BTreeMap<u64, Waiting<E>>,
    /// Events in lanes.
    in_lanes: usize,
    spare: Vec<Arc<Wake>>,
    /// Threads that wait in lanes.
    waiting: usize,
    ended: Option<Error>,
}

struct Waiting<E> {
    events: VecDeque<E>,
    waiter: Option<Arc<Wake>>,
    /// Called once, instead of a thread that waits.
    hook: Option<Hook>,
}

impl<E> Waiting<E> {
    /// There is something, or nothing more comes.
    fn tell(&mut self) {
        if let Some(wake) = &self.waiter {
            wake.notify();
        }
        if let Some(hook) = self.hook.take() {
            hook();
        }
    }
}

impl<E> Default for Waiting<E> {
    fn default() -> Self {
        Self { events: VecDeque::new(), waiter: None, hook: None }
    }
}

impl<E> Mailbox<E> {
    /// Room for `capacity` events; `lane_of` says to which wait an event belongs, if to one.
    pub(crate) fn new(capacity: usize, lane_of: fn(&E) -> Lane) -> Result<Self> {
        let state = State {
            events: VecDeque::new(),
            lanes: BTreeMap::new(),
            in_lanes: 0,
            spare: Vec::new(),
            waiting: 0,
            ended: None,
        };
        let (receivers, senders, ready) = (Waiters::default(), Waiters::default(), Readiness::new()?);
        Ok(Self { capacity, lane_of, state: Mutex::new(state), receivers, senders, ready })
    }

    fn lock(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Asks for one notice of the next event that is in no lane; true if one, or the end, is there already.
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
        let state = self.lock();
        self.capacity.saturating_sub(state.events.len() + state.in_lanes)
    }

    /// Adds an event. The machine keeps to the room it was told of.
    pub(crate) fn push(&self, event: E) {
        let mut state = self.lock();
        let State { events, lanes, in_lanes, .. } = &mut *state;
        match (self.lane_of)(&event) {
            Lane::Of(lane) if lanes.contains_key(&lane) => {
                let lane = lanes.entry(lane).or_default();
                lane.events.push_back(event);
                *in_lanes += 1;
                lane.tell();
            }
            Lane::Opens(lane) => {
                lanes.entry(lane).or_default();
                events.push_back(event);
            }
            Lane::Common | Lane::Of(_) => events.push_back(event),
            Lane::Room => {
                drop(state);
                self.tell_senders();
            }
        }
    }

    fn tell_senders(&self) {
        if self.senders.any() {
            self.senders.notify();
        }
        self.ready.notify(Interest::SEND);
    }

    /// Tells whoever waits that events came.
    pub(crate) fn announce(&self) {
        if self.is_idle() {
            return;
        }
        if self.receivers.any() {
            self.receivers.notify();
        }
        self.ready.notify(Interest::RECV);
    }

    /// No more events come, because of `why`; those that are there can still be taken.
    pub(crate) fn end(&self, why: Error) {
        let mut state = self.lock();
        state.ended.get_or_insert(why);
        state.lanes.values_mut().for_each(Waiting::tell);
        drop(state);
        self.announce();
        self.tell_senders();
    }

    /// Why no more events come, if that is so.
    pub(crate) fn check_open(&self) -> Result<()> {
        self.lock().ended.clone().map_or(Ok(()), Err)
    }

    /// What `take` finds in the events that are in no lane, as soon as there are some.
    pub(crate) fn next_with<T>(&self, deadline: &Deadline, take: impl Fn() -> Result<Option<T>>) -> Result<T> {
        self.receivers.wait_for(deadline, take, || self.is_idle())
    }

    /// From now on events of this lane are kept for [`next_in`](Self::next_in).
    pub(crate) fn open_lane(&self, lane: u64) {
        self.lock().lanes.entry(lane).or_default();
    }

    /// Events of this lane are like others from now on; those that are there are dropped.
    pub(crate) fn close_lane(&self, lane: u64) {
        let mut state = self.lock();
        if let Some(mut lane) = state.lanes.remove(&lane) {
            state.in_lanes -= lane.events.len();
            lane.tell();
        }
    }

    /// Sets what is called once when the lane has something, or never will; at once if that is so.
    pub(crate) fn set_lane_hook(&self, lane: u64, hook: Hook) {
        let mut state = self.lock();
        let has_ended = state.ended.is_some();
        match state.lanes.get_mut(&lane) {
            Some(lane) if lane.events.is_empty() && !has_ended => lane.hook = Some(hook),
            _ => hook(),
        }
    }

    /// The next event of a lane that one thread waits in. [`ErrorKind::NotFound`] if it is not open.
    pub(crate) fn next_in(&self, lane: u64, deadline: &Deadline, taken: impl Fn()) -> Result<E> {
        let mut waited = Ok(());
        let mut wake: Option<Arc<Wake>> = None;
        let outcome = loop {
            let mut state = self.lock();
            let State { lanes, in_lanes, spare, ended, .. } = &mut *state;
            let Some(found) = lanes.get_mut(&lane) else {
                break Err(not_open(lane));
            };
            found.waiter = None;
            if let Some(event) = found.events.pop_front() {
                *in_lanes -= 1;
                break Ok(event);
            }
            if let Some(why) = ended {
                break Err(why.clone());
            }
            if let Err(error) = waited {
                break Err(error);
            }
            let mine = match wake.take().or_else(|| spare.pop()) {
                Some(wake) => wake,
                None => match Wake::new() {
                    Ok(wake) => Arc::new(wake),
                    Err(error) => break Err(error),
                },
            };
            found.waiter = Some(Arc::clone(&mine));
            state.waiting += 1;
            drop(state);
            waited = wait::until_readable(&[mine.as_fd()], deadline, None);
            self.lock().waiting -= 1;
            mine.clear();
            wake = Some(mine);
        };
        if let Some(wake) = wake {
            let mut state = self.lock();
            // Whoever notified it last may have done so after it was cleared.
            wake.clear();
            if state.spare.len() < SPARE_WAKES {
                state.spare.push(wake);
            }
        }
        if outcome.is_ok() {
            taken();
        }
        outcome
    }

    /// Whether a lane has an event, which stays there.
    pub(crate) fn has_in(&self, lane: u64) -> bool {
        self.lock().lanes.get(&lane).is_some_and(|lane| !lane.events.is_empty())
    }

    /// The next event of a lane, if there is one.
    pub(crate) fn take_in(&self, lane: u64) -> Result<Option<E>> {
        let mut state = self.lock();
        let State { lanes, in_lanes, ended, .. } = &mut *state;
        let found = lanes.get_mut(&lane).ok_or_else(|| not_open(lane))?;
        match (found.events.pop_front(), ended) {
            (Some(event), _) => {
                *in_lanes -= 1;
                Ok(Some(event))
            }
            (None, Some(why)) => Err(why.clone()),
            (None, None) => Ok(None),
        }
    }

    /// Whether there is neither an event outside the lanes nor an end.
    fn is_idle(&self) -> bool {
        let state = self.lock();
        state.events.is_empty() && state.ended.is_none()
    }

    /// Whether a thread waits for an event.
    pub(crate) fn is_awaited(&self) -> bool {
        self.receivers.any() || self.lock().waiting > 0
    }

    /// What `take` makes of the events that are in no lane, if there are any, and how many of them it took.
    pub(crate) fn take_with<T>(&self, take: impl FnOnce(&mut VecDeque<E>) -> T) -> Result<Option<(T, usize)>> {
        let mut state = self.lock();
        match (state.events.len(), &state.ended) {
            (0, Some(why)) => Err(why.clone()),
            (0, None) => Ok(None),
            (before, _) => {
                let taken = take(&mut state.events);
                Ok(Some((taken, before - state.events.len())))
            }
        }
    }
}

fn not_open(lane: u64) -> Error {
    Error::new(ErrorKind::NotFound, "nobody asked for this, or it was taken").with("ticket", lane)
}
