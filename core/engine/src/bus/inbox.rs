//! What came over a bus, on its way to the program.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use zpatterns_epgm::receiver::{Batch, Room};
use zpatterns_protocol::{Error, Result};

use super::event::{BusBatch, BusEvent};
use crate::{Deadline, Interest, ready::Readiness, wait::Waiters};

/// Batches are put together up to so many bytes: handing one over costs the same, whatever its size.
const TOGETHER: usize = 1 << 18;

pub(super) struct Inbox {
    max: Room,
    state: Mutex<State>,
    receivers: Waiters,
    pub(super) ready: Readiness,
}

#[derive(Default)]
struct State {
    /// What was begun to be taken.
    first: BusBatch,
    others: VecDeque<Batch>,
    /// Of all together.
    events: usize,
    cost: usize,
    /// Something had no room, and the driver waits for that.
    was_full: bool,
    ended: Option<Error>,
}

impl State {
    /// The first of what there is.
    fn first(&mut self) -> Option<&mut BusBatch> {
        if self.first.is_empty() {
            self.first = self.others.pop_front()?.into();
        }
        Some(&mut self.first)
    }
}

impl Inbox {
    pub(super) fn new(max_events: usize, max_bytes: usize) -> Result<Self> {
        // A message, and before it how many did not fit.
        let max = Room { events: max_events.max(2), bytes: max_bytes.max(1) };
        Ok(Self { max, state: Mutex::default(), receivers: Waiters::default(), ready: Readiness::new()? })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much more fits.
    pub(super) fn room(&self) -> Room {
        let state = self.lock();
        let bytes = self.max.bytes.saturating_sub(state.cost);
        Room { events: self.max.events.saturating_sub(state.events), bytes }
    }

    /// Moves these in, and leaves the batch empty. `is_short` says that something had no room.
    pub(super) fn push(&self, batch: &mut Batch, is_short: bool) {
        if batch.is_empty() && !is_short {
            return;
        }
        let mut state = self.lock();
        state.was_full = is_short;
        state.events += batch.len();
        state.cost += batch.cost_before(batch.len());
        match state.others.back_mut() {
            Some(last) if last.data().len() < TOGETHER => last.append(batch),
            _ if batch.is_empty() => {}
            _ => {
                let next = batch.like();
                state.others.push_back(std::mem::replace(batch, next));
            }
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

    fn is_idle(&self) -> bool {
        let state = self.lock();
        state.events == 0 && state.ended.is_none()
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

    /// What is there, at least one event and at most so many; no more once they cost so much. Whether something else waits for
    /// the room.
    pub(super) fn take(&self, max_events: usize, max_bytes: usize, deadline: &Deadline) -> Result<(BusBatch, bool)> {
        let take = || {
            let mut state = self.lock();
            let Some(first) = state.first() else { return state.ended.clone().map_or(Ok(None), Err) };
            let taken = first.split(max_events.max(1), max_bytes);
            state.events -= taken.len();
            state.cost -= taken.cost();
            Ok(Some((taken, std::mem::take(&mut state.was_full))))
        };
        self.receivers.wait_for(deadline, take, || self.is_idle())
    }

    /// The next one, as [`take`](Self::take).
    pub(super) fn take_one(&self, deadline: &Deadline) -> Result<(BusEvent, bool)> {
        let (batch, is_awaited) = self.take(1, usize::MAX, deadline)?;
        Ok((batch.own(0).expect("at least one"), is_awaited))
    }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, time::Duration};

    use zpatterns_epgm::{
        framing::{Frames as BusFrames, Packer},
        packet::{Body, Flow, Packet},
        receiver::{Receiver, ReceiverOptions},
        sequence::Sqn,
    };
    use zpatterns_protocol::ErrorKind;

    use super::*;
    use crate::bus::PeerId;

    /// Messages of these sizes, as they come, and before them that somebody joined.
    fn batch(sizes: &[usize]) -> Batch {
        let group = Ipv4Addr::UNSPECIFIED.into();
        let mut receiver = Receiver::new(ReceiverOptions::new(0, group, 1));
        receiver.subscribe(b"");
        let (mut packer, mut payloads) = (Packer::new(0, 1400), Vec::new());
        for (number, size) in sizes.iter().enumerate() {
            packer.push(&[vec![number as u8; *size]], |payload| payloads.push(payload));
        }
        packer.flush(|payload| payloads.push(payload));
        for (number, payload) in payloads.iter().enumerate() {
            let body = Body::Data { repair: false, sequence: Sqn(number as u32), trail: Sqn(0), payload };
            let mut datagram = Vec::new();
            Packet { flow: Flow::default(), body, ..Packet::default() }.write(&mut datagram);
            receiver.handle(Duration::ZERO, (group, 0).into(), &datagram);
        }
        let mut batch = Batch::default();
        receiver.take(&mut batch);
        batch
    }

    fn inbox(sizes: &[usize]) -> Inbox {
        let inbox = Inbox::new(1000, 1_000_000).expect("descriptors are free");
        inbox.push(&mut batch(sizes), false);
        inbox
    }

    #[test]
    fn a_batch_is_taken_in_parts_of_any_size() {
        let inbox = inbox(&[10, 20, 100_000, 30, 300_000]);
        inbox.push(&mut batch(&[40]), true);
        let now = Deadline::now();
        let take = |events, bytes| {
            let (batch, is_awaited) = inbox.take(events, bytes, &now).expect("there is something");
            let size = |event: BusEvent<BusFrames<'_>>| {
                if let BusEvent::Message { frames, .. } = event { frames.get(0).map(<[u8]>::len) } else { None }
            };
            (batch.iter().map(size).collect::<Vec<_>>(), is_awaited)
        };
        let before = inbox.room();
        assert_eq!(take(2, usize::MAX), (vec![None, Some(10)], true));
        assert_eq!(inbox.room(), Room { events: before.events + 2, bytes: before.bytes + 32 + 10 + 64 });
        assert_eq!(take(9, 0), (vec![Some(20)], false), "at least one");
        let (BusEvent::Message { peer, frames }, _) = inbox.take_one(&now).expect("the large one") else {
            panic!("a message")
        };
        assert_eq!((peer, frames), (PeerId(0), vec![vec![2; 100_000].into()]));
        assert_eq!(take(9, 30 + 64 + 300_000 + 63), (vec![Some(30)], false));
        assert_eq!(take(9, usize::MAX), (vec![Some(300_000)], false), "what was large enough stays alone");
        assert_eq!(take(9, usize::MAX), (vec![None, Some(40)], false));
        assert_eq!(inbox.room(), Room { events: 1000, bytes: 1_000_000 });
        assert_eq!(inbox.take(9, 9, &now).expect_err("nothing").kind(), ErrorKind::Timeout);
    }

    #[test]
    fn what_is_there_can_be_taken_after_the_end() {
        let inbox = inbox(&[1]);
        inbox.end(Error::new(ErrorKind::Closed, "the end"));
        assert!(inbox.arm());
        assert_eq!(inbox.take(9, 99, &Deadline::never()).expect("it was there").0.len(), 2);
        assert_eq!(inbox.take(9, 99, &Deadline::never()).expect_err("the rest").kind(), ErrorKind::Closed);
    }
}
