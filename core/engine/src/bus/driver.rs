//! The thread of a bus: it moves datagrams between the network and the machines of `epgm`.

use std::{
    net::SocketAddr,
    os::fd::{AsFd, RawFd},
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use rustix::event::{PollFd, PollFlags, Timespec};
use smallvec::SmallVec;
use zpatterns_epgm::{
    packet::goes_to_a_source,
    receiver::{Event, To},
};
use zpatterns_protocol::{Error, ErrorKind, Result};

use super::{
    BusEvent, Shared, Source,
    endpoint::{Endpoint, Place},
    random,
    udp::{Buffers, MAX_TOGETHER, Udp},
};
use crate::{
    Interest,
    raw::{RawSocket, borrow},
};

/// How often what has come is taken in before something else is done.
const ROUNDS: usize = 4;
/// How long a source that has ended is there to be asked, after what it said last: if nobody ever asked it for anything, and if
/// somebody did, who may lack more and waits before he asks again.
const AFTERGLOW: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

pub(super) struct Driver {
    shared: Arc<Shared>,
    group: SocketAddr,
    place: Place,
    /// Hears the group.
    ears: Udp,
    /// Asks.
    mouth: Udp,
    /// Hears what is asked of our own source, once there is one.
    source: Option<Arc<Udp>>,
    /// Tells of the end of the context.
    context: RawSocket,
    context_fd: RawFd,
    buffers: Buffers,
    /// What leaves at once, and what did not fit.
    together: BytesMut,
    carried: Option<Bytes>,
    /// The system had no room for what is together, of datagrams of this size: it waits for that.
    stuck: Option<usize>,
    upstream: Vec<Bytes>,
    events: Vec<BusEvent>,
    /// Chooses what is thrown away on purpose.
    random: fastrand::Rng,
}

impl Driver {
    pub(super) fn new(
        shared: Arc<Shared>,
        endpoint: &Endpoint,
        place: Place,
        (ears, mouth): (Udp, Udp),
        mut context: RawSocket,
    ) -> Result<Self> {
        Ok(Self {
            context_fd: context.fd()?,
            shared,
            group: SocketAddr::new(endpoint.group, endpoint.port),
            place,
            ears,
            mouth,
            source: None,
            context,
            buffers: Buffers::new(),
            together: BytesMut::with_capacity(MAX_TOGETHER),
            carried: None,
            stuck: None,
            upstream: Vec::new(),
            events: Vec::new(),
            random: fastrand::Rng::with_seed(random()?),
        })
    }

    /// Until the bus is closed, or its context ends.
    pub(super) fn run(&mut self) -> Error {
        // Waits of microseconds are to be that; where the system does not let us, they are longer.
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZero::new(1));
        loop {
            let went_on = self.work().and_then(|more| if more { self.check_open() } else { self.sleep() });
            if let Err(error) = went_on {
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

    /// Takes in what the group says, asks for what is missing, and hands on what is in order.
    fn listen(&mut self) -> Result<bool> {
        let mut receiver = self.shared.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.shared.now();
        let mut more = true;
        for _ in 0..ROUNDS {
            more = self.ears.receive(&mut self.buffers, |from, datagram| {
                if self.shared.loss.takes(&mut self.random) {
                    return;
                }
                if goes_to_a_source(&datagram) {
                    self.upstream.push(datagram.clone());
                }
                receiver.handle(now, from, &datagram);
            })?;
            if !more {
                break;
            }
        }
        receiver.advance(now);
        while let Some((to, datagram)) = receiver.poll() {
            let to = match to {
                // Several programs of this machine may share the port, and the system would choose one of them.
                To::Source(address) if !self.place.here.contains(&address) => {
                    SocketAddr::new(address, self.group.port())
                }
                To::Source(_) | To::Group(_) => self.group,
            };
            self.shared.note(self.mouth.send(to, &datagram, datagram.len()));
        }
        while let Some(event) = receiver.event() {
            self.events.push(event.into());
        }
        drop(receiver);
        self.shared.choose(&mut self.events);
        self.shared.inbox.push(&mut self.events);
        Ok(more)
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
        let mut more = socket.receive(&mut self.buffers, |_, datagram| {
            if !shared.loss.takes(&mut self.random) {
                self.upstream.push(datagram);
            }
        })?;
        for datagram in self.upstream.drain(..) {
            *busy = now;
            sender.handle(now, &datagram);
        }
        if shared.closing().is_some() {
            sender.finish();
        }
        let size = self
            .stuck
            .take()
            .or_else(|| gather(&mut self.together, &mut self.carried, socket.most_together(), || sender.poll(now)));
        if size.is_some() {
            *busy = now;
        }
        more |= self.carried.is_some() || sender.deadline() <= now;
        let (has_room, socket) = (!sender.is_full(), Arc::clone(socket));
        // Whoever has something to send need not wait until this has left.
        drop(source);
        if let Some(size) = size {
            let sent = socket.send(self.group, &self.together, size);
            shared.note(sent);
            self.stuck = (sent.full > 0).then_some(size);
            more &= self.stuck.is_none();
        }
        if has_room {
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
        // SAFETY: the socket is open as long as this driver.
        let context = unsafe { borrow(self.context_fd) };
        let wanted = if self.stuck.is_some() { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        let fds = [self.ears.as_fd(), self.shared.wake.as_fd(), context].map(|fd| (fd, PollFlags::IN)).into_iter();
        let fds = fds.chain(self.source.as_ref().map(|source| (source.as_fd(), wanted)));
        let mut polled: SmallVec<[PollFd<'_>; 4]> =
            fds.map(|(fd, flags)| PollFd::from_borrowed_fd(fd, flags)).collect();
        let left = until.map(|until| until.saturating_sub(self.shared.now()));
        let left = left.map(|left| Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() });
        // Interrupted or not, everything is looked at.
        let _ = rustix::event::poll(&mut polled, left.as_ref());
        let (woken, context) = (!polled[1].revents().is_empty(), !polled[2].revents().is_empty());
        drop(polled);
        self.shared.asleep.store(false, Ordering::SeqCst);
        if woken {
            self.shared.wake.clear();
        }
        if context {
            self.context.events()?;
        }
        Ok(())
    }

    /// When there is something to be done; an error if the bus has come to its end.
    fn until(&self) -> Result<Option<Duration>> {
        let now = self.shared.now();
        let receiver = self.shared.receiver.lock().unwrap_or_else(PoisonError::into_inner).deadline();
        let source = self.shared.source.lock().unwrap_or_else(PoisonError::into_inner);
        // What the system has no room for waits for that, and not for a time.
        let sender = source.as_ref().filter(|_| self.stuck.is_none()).map(|source| source.sender.deadline());
        let mut until = [receiver, sender].into_iter().flatten().min();
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
}

impl From<Event> for BusEvent {
    fn from(event: Event) -> Self {
        match event {
            Event::Joined(id) => Self::Joined { peer: id.into() },
            Event::Message(id, frames) => Self::Message { peer: id.into(), frames },
            Event::Missed(id, first, last) => Self::Missed { peer: id.into(), first: first.0, last: last.0 },
            Event::Broken(id, _) => Self::Broken { peer: id.into() },
            Event::Gone(id) => Self::Gone { peer: id.into() },
        }
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the bus is closed")
}

/// Puts datagrams one behind the other as long as they are of one size, the last perhaps shorter; which size. What comes and
/// does not fit is carried over to the next time.
fn gather(
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
