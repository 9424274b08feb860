//! What came over a bus, on its way to the program.
//!
//! Nobody can hold a group back, so whoever takes too little loses something: what does not fit is counted, and told in its
//! place.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use zpatterns_protocol::{Error, Result};

use super::BusEvent;
use crate::{Deadline, Interest, ready::Readiness, wait::Waiters};

/// What a frame costs besides its bytes.
const FRAME: usize = 32;

pub(super) struct Inbox {
    max_events: usize,
    max_bytes: usize,
    state: Mutex<State>,
    receivers: Waiters,
    pub(super) ready: Readiness,
}

#[derive(Default)]
struct State {
    events: VecDeque<BusEvent>,
    bytes: usize,
    /// How much did not fit since the last event that did.
    dropped: u64,
    all_dropped: u64,
    ended: Option<Error>,
}

fn cost(event: &BusEvent) -> usize {
    match event {
        BusEvent::Message { frames, .. } => frames.iter().map(|frame| frame.len() + FRAME).sum(),
        _ => FRAME,
    }
}

impl Inbox {
    pub(super) fn new(max_events: usize, max_bytes: usize) -> Result<Self> {
        let (receivers, ready) = (Waiters::default(), Readiness::new()?);
        Ok(Self { max_events: max_events.max(1), max_bytes, state: Mutex::default(), receivers, ready })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves these in, as far as they fit.
    pub(super) fn push(&self, events: &mut Vec<BusEvent>) {
        if events.is_empty() {
            return;
        }
        let mut state = self.lock();
        for event in events.drain(..) {
            if state.events.len() >= self.max_events || state.bytes >= self.max_bytes {
                state.dropped += 1;
                state.all_dropped += 1;
                continue;
            }
            if state.dropped > 0 {
                let count = std::mem::take(&mut state.dropped);
                state.bytes += FRAME;
                state.events.push_back(BusEvent::Dropped { count });
            }
            state.bytes += cost(&event);
            state.events.push_back(event);
        }
        drop(state);
        self.announce();
    }

    fn announce(&self) {
        if self.receivers.any() {
            self.receivers.notify();
        }
        self.ready.notify(Interest::RECV);
    }

    /// Nothing more comes, because of `why`.
    pub(super) fn end(&self, why: Error) {
        self.lock().ended.get_or_insert(why);
        self.announce();
    }

    pub(super) fn check_open(&self) -> Result<()> {
        self.lock().ended.clone().map_or(Ok(()), Err)
    }

    /// How many events and messages were ever dropped because they did not fit.
    pub(super) fn all_dropped(&self) -> u64 {
        self.lock().all_dropped
    }

    fn is_idle(&self) -> bool {
        let state = self.lock();
        state.events.is_empty() && state.dropped == 0 && state.ended.is_none()
    }

    /// Asks for one notice; true if there is something already.
    pub(super) fn arm(&self) -> bool {
        self.ready.arm(Interest::RECV);
        let found = !self.is_idle();
        if found {
            self.ready.disarm(Interest::RECV);
        }
        found
    }

    /// What is there, at least one event and at most so many; no more once there are so many bytes.
    pub(super) fn take(&self, max_events: usize, max_bytes: usize, deadline: &Deadline) -> Result<VecDeque<BusEvent>> {
        self.receivers.wait_for(deadline, || self.take_now(max_events.max(1), max_bytes), || self.is_idle())
    }

    fn take_now(&self, max_events: usize, max_bytes: usize) -> Result<Option<VecDeque<BusEvent>>> {
        let mut state = self.lock();
        if state.events.len() <= max_events && state.bytes <= max_bytes {
            let mut events = std::mem::take(&mut state.events);
            state.bytes = 0;
            if state.dropped > 0 && events.len() < max_events {
                events.push_back(BusEvent::Dropped { count: std::mem::take(&mut state.dropped) });
            }
            return match (events.is_empty(), &state.ended) {
                (false, _) => Ok(Some(events)),
                (true, Some(why)) => Err(why.clone()),
                (true, None) => Ok(None),
            };
        }
        let (mut count, mut bytes) = (0, 0);
        while count < max_events
            && let Some(event) = state.events.get(count)
        {
            let next = cost(event);
            if count > 0 && bytes + next > max_bytes {
                break;
            }
            (count, bytes) = (count + 1, bytes + next);
        }
        state.bytes -= bytes;
        Ok(Some(state.events.drain(..count).collect()))
    }
}

#[cfg(test)]
mod tests {
    use zpatterns_protocol::ErrorKind;

    use super::*;
    use crate::bus::PeerId;

    fn message(size: usize) -> BusEvent {
        BusEvent::Message { peer: PeerId(1), frames: vec![vec![0; size].into()] }
    }

    #[test]
    fn what_does_not_fit_is_told_in_its_place() {
        let inbox = Inbox::new(3, 1000).expect("descriptors are free");
        inbox.push(&mut vec![message(1), message(2), message(3), message(4), BusEvent::Gone { peer: PeerId(1) }]);
        let now = Deadline::now();
        assert_eq!(inbox.take(2, usize::MAX, &now).expect("two"), [message(1), message(2)]);
        inbox.push(&mut vec![message(5)]);
        let rest = inbox.take(9, usize::MAX, &now).expect("the rest");
        assert_eq!(rest, [message(3), BusEvent::Dropped { count: 2 }, message(5)]);
        assert_eq!(inbox.take(9, 9, &now).expect_err("nothing").kind(), ErrorKind::Timeout);
        inbox.push(&mut vec![message(900), message(900), message(900)]);
        assert_eq!(inbox.take(9, 9, &now).expect("at least one").len(), 1);
        assert_eq!(inbox.take(9, 9999, &now).expect("others"), [message(900), BusEvent::Dropped { count: 1 }]);
        assert_eq!(inbox.all_dropped(), 3);
    }

    #[test]
    fn what_is_there_can_be_taken_after_the_end() {
        let inbox = Inbox::new(3, 1000).expect("descriptors are free");
        inbox.push(&mut vec![message(1)]);
        inbox.end(Error::new(ErrorKind::Closed, "the end"));
        assert!(inbox.arm());
        assert_eq!(inbox.take(9, 99, &Deadline::never()).expect("it was there").len(), 1);
        assert_eq!(inbox.take(9, 99, &Deadline::never()).expect_err("the end").kind(), ErrorKind::Closed);
    }
}
