//! The thread of a bus: it moves datagrams between the network and the machines of `epgm`.

use std::{
    os::fd::AsFd,
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use rustix::event::{PollFd, PollFlags, Timespec};
use smallvec::SmallVec;
use zpatterns_epgm::{
    packet::goes_to_a_source,
    receiver::{Batch, Receiver},
};
use zpatterns_protocol::{Error, ErrorKind, Result};

use super::{
    Shared, Source,
    end::End,
    link::Link,
    udp::{Buffers, MAX_TOGETHER, Udp},
};
use crate::Interest;

/// How often what has come is taken in before something else is done.
const ROUNDS: usize = 4;
/// How long a source that has ended is there to be asked, after what it said last: if nobody ever asked it for anything, and if
/// somebody did, who may lack more and waits before he asks again.
const AFTERGLOW: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

pub(super) struct Driver {
    shared: Arc<Shared>,
    link: Link,
    /// Hears what is asked of our own source, once there is one.
    source: Option<Arc<Udp>>,
    end: End,
    buffers: Buffers,
    /// What leaves at once, and what did not fit.
    together: BytesMut,
    carried: Option<Bytes>,
    /// The system had no room for what is together, of datagrams of this size: it waits for that.
    stuck: Option<usize>,
    upstream: Vec<Bytes>,
    batch: Batch,
    /// Chooses what is thrown away on purpose.
    random: fastrand::Rng,
}

impl Driver {
    pub(super) fn new(shared: Arc<Shared>, link: Link, end: End, seed: u64) -> Self {
        Self {
            shared,
            link,
            source: None,
            end,
            buffers: Buffers::new(),
            together: BytesMut::with_capacity(MAX_TOGETHER),
            carried: None,
            stuck: None,
            upstream: Vec::new(),
            batch: Batch::default(),
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Until the bus is closed, or its context ends.
    pub(super) fn run(&mut self) -> Error {
        // Waits of microseconds are to be that; where the system does not let us, they are longer.
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZero::new(1));
        loop {
            let went_on = self.work().and_then(|more| if more { self.check_open() } else { self.sleep() });
            if let Err(error) = went_on {
                self.leave();
                return error;
            }
        }
    }

    /// Somebody who floods the network does not keep a bus from closing.
    fn check_open(&self) -> Result<()> {
        let has_ended = self.shared.closing().is_some_and(|end| self.shared.now() >= end);
        if has_ended { Err(closed()) } else { Ok(()) }
    }

    /// Does what there is to be done; true if there is more.
    fn work(&mut self) -> Result<bool> {
        let mut more = self.listen()?;
        more |= self.serve_source()?;
        Ok(more)
    }

    /// Takes in what others say, asks for what is missing, and hands on what is in order.
    fn listen(&mut self) -> Result<bool> {
        let room = self.shared.inbox.room();
        let mut receiver = self.shared.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.shared.now();
        receiver.set_room(now, room);
        let mut more = true;
        for _ in 0..ROUNDS {
            more = self.link.receive(now, &mut self.buffers, |from, datagram| {
                if self.shared.loss.takes(&mut self.random) {
                    return;
                }
                if goes_to_a_source(datagram) {
                    self.upstream.push(Bytes::copy_from_slice(datagram));
                }
                receiver.handle(now, from, datagram);
            })?;
            if !more {
                break;
            }
        }
        receiver.advance(now);
        self.shared.note(self.link.advance(now));
        self.say(&mut receiver);
        receiver.take(&mut self.batch);
        let is_short = receiver.is_short();
        drop(receiver);
        self.shared.foreign.store(self.link.foreign(), Ordering::Relaxed);
        self.shared.inbox.push(&mut self.batch, is_short);
        Ok(more)
    }

    /// Sends what a listener has to say.
    fn say(&self, receiver: &mut Receiver) {
        while let Some((to, datagram)) = receiver.poll() {
            self.shared.note(self.link.ask(to, &datagram));
        }
    }

    /// Nobody need wait for us any more.
    fn leave(&self) {
        let mut receiver = self.shared.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        receiver.leave(self.shared.now());
        self.say(&mut receiver);
    }

    /// Answers what was asked of our source, and sends what it has to send.
    fn serve_source(&mut self) -> Result<bool> {
        let shared = Arc::clone(&self.shared);
        let mut source = shared.source.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Source { sender, socket, busy }) = &mut *source else {
            self.upstream.clear();
            return Ok(false);
        };
        if self.source.is_none() {
            self.source = Some(Arc::clone(socket));
        }
        let now = shared.now();
        let mut more = self.link.receive_asked(socket, &mut self.buffers, |datagram| {
            if !shared.loss.takes(&mut self.random) {
                self.upstream.push(Bytes::copy_from_slice(datagram));
            }
        })?;
        for datagram in self.upstream.drain(..) {
            *busy = now;
            sender.handle(now, &datagram);
        }
        if shared.closing().is_some() {
            sender.finish();
        }
        let mut size = None;
        if self.link.is_up(now) {
            let next = || gather(&mut self.together, &mut self.carried, socket.most_together(), || sender.poll(now));
            size = self.stuck.take().or_else(next);
            more |= self.carried.is_some() || sender.deadline() <= now;
        }
        if size.is_some() {
            *busy = now;
        }
        let (is_low, socket) = (sender.is_low(), Arc::clone(socket));
        // Whoever has something to send need not wait until this has left.
        drop(source);
        if let Some(size) = size {
            let sent = self.link.say(&socket, &self.together, size);
            shared.note(sent);
            self.stuck = (sent.full > 0).then_some(size);
            more &= self.stuck.is_none();
        }
        if is_low {
            if shared.room.any() {
                shared.room.notify();
            }
            shared.inbox.ready.notify(Interest::SEND);
        }
        Ok(more)
    }

    /// Waits for whatever comes first.
    fn sleep(&mut self) -> Result<()> {
        self.shared.asleep.store(true, Ordering::SeqCst);
        let until = self.until()?;
        let wanted = if self.stuck.is_some() { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        let fds =
            [self.link.as_fd(), self.shared.wake.as_fd(), self.end.as_fd()].map(|fd| (fd, PollFlags::IN)).into_iter();
        let fds = fds.chain(self.source.as_ref().map(|source| (source.as_fd(), wanted)));
        let mut polled: SmallVec<[PollFd<'_>; 4]> =
            fds.map(|(fd, flags)| PollFd::from_borrowed_fd(fd, flags)).collect();
        let left = until.map(|until| until.saturating_sub(self.shared.now()));
        let left = left.map(|left| Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() });
        // Interrupted or not, everything is looked at.
        let _ = rustix::event::poll(&mut polled, left.as_ref());
        let (woken, may_end) = (!polled[1].revents().is_empty(), !polled[2].revents().is_empty());
        drop(polled);
        self.shared.asleep.store(false, Ordering::SeqCst);
        if woken {
            self.shared.wake.clear();
        }
        if may_end {
            self.end.check()?;
        }
        Ok(())
    }

    /// When there is something to be done; an error if the bus has come to its end.
    fn until(&self) -> Result<Option<Duration>> {
        let now = self.shared.now();
        let receiver = self.until_receiver(now);
        let source = self.shared.source.lock().unwrap_or_else(PoisonError::into_inner);
        // What the system has no room for, or what reaches nobody, waits for that, and not for a time.
        let may_send = self.stuck.is_none() && self.link.is_up(now);
        let sender = source.as_ref().filter(|_| may_send).map(|source| source.sender.deadline());
        let mut until = [receiver, sender, self.link.deadline()].into_iter().flatten().min();
        if let Some(end) = self.shared.closing() {
            let cold = source.as_ref().map(|source| {
                let glow = if source.sender.counters().asked == 0 { AFTERGLOW.0 } else { AFTERGLOW.1 };
                if source.sender.has_ended() { source.busy + glow } else { Duration::MAX }
            });
            let look = end.min(cold.unwrap_or(Duration::ZERO));
            if now >= look {
                return Err(closed());
            }
            until = Some(until.map_or(look, |until| until.min(look)));
        }
        Ok(until)
    }

    fn until_receiver(&self, now: Duration) -> Option<Duration> {
        let receiver = self.shared.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        // What has no room waits until the program takes something, unless it just did.
        if receiver.waits_for(self.shared.inbox.room()) { Some(now) } else { receiver.deadline() }
    }
}

pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the bus is closed")
}

/// Puts datagrams one behind the other as long as they are of one size, the last perhaps shorter; which size. What comes and
/// does not fit is carried over to the next time.
pub(super) fn gather(
    together: &mut BytesMut,
    carried: &mut Option<Bytes>,
    most: usize,
    mut next: impl FnMut() -> Option<Bytes>,
) -> Option<usize> {
    together.clear();
    let first = carried.take().or_else(&mut next)?;
    let size = first.len();
    together.extend_from_slice(&first);
    for _ in 1..most {
        let Some(datagram) = next() else { break };
        if datagram.len() > size || together.len() + datagram.len() > MAX_TOGETHER {
            *carried = Some(datagram);
            break;
        }
        together.extend_from_slice(&datagram);
        if datagram.len() < size {
            break;
        }
    }
    Some(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_together_is_of_one_size_but_for_the_last() {
        let sizes = [10, 10, 4, 4, 20, 20, 1, 30_000, 30_000, 30_000];
        let mut all = sizes.iter().map(|size| Bytes::from(vec![0; *size]));
        let (mut together, mut carried) = (BytesMut::new(), None);
        let mut groups = Vec::new();
        while let Some(size) = gather(&mut together, &mut carried, 64, || all.next()) {
            groups.push((size, together.len()));
        }
        assert_eq!(groups, [(10, 24), (4, 4), (20, 41), (30_000, 60_000), (30_000, 30_000)]);
        let mut all = std::iter::repeat_n(Bytes::from_static(b"x"), 3);
        assert_eq!(gather(&mut together, &mut carried, 1, || all.next()), Some(1));
        assert_eq!((together.len(), &carried), (1, &None), "one by one where the system cannot do better");
    }
}
