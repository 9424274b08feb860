//! The reactor's side of a background socket: receiving ahead, and telling event loops.

use std::{
    os::fd::{AsFd, BorrowedFd, RawFd},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Waker,
};

use zpatterns_protocol::{Error, ErrorKind, Result};

use super::{
    Socket,
    reader::Reader,
    shared::{Shared, State},
};
use crate::{
    Batch, Deadline, SocketOptions, SocketStats,
    inbox::Inbox,
    reactor::{Served, Source, Turn},
    ready::{Hook, Interest, Readiness},
    wait,
};

/// What one turn may receive before other sources have theirs.
const TURN_MESSAGES: usize = 512;
const TURN_BYTES: usize = 256 * 1024;

pub(super) struct Background {
    served: Served,
    inbox: Inbox,
    reader: Mutex<Reader>,
    ready: Readiness,
    kicked: AtomicBool,
    when_full: WhenFull,
}

/// What happens to messages for which the inbox has no room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum WhenFull {
    /// They stay where they are, and the peer is held back.
    HoldBack,
    /// They are received and dropped, and counted.
    Drop,
}

impl Background {
    pub(super) fn new(served: Served, fd: RawFd, options: &SocketOptions, when_full: WhenFull) -> Result<Self> {
        served.watch(fd)?;
        Ok(Self {
            served,
            inbox: Inbox::new(options.inbox_messages as usize, options.inbox_bytes as usize),
            reader: Mutex::default(),
            ready: Readiness::new()?,
            kicked: AtomicBool::new(false),
            when_full,
        })
    }

    pub(super) fn detach(&self) {
        self.served.remove();
    }

    /// Asks for a turn, once until it comes.
    fn kick(&self) {
        if !self.kicked.swap(true, Ordering::SeqCst) {
            self.served.kick();
        }
    }

    pub(super) fn ready_fd(&self) -> BorrowedFd<'_> {
        self.ready.fd()
    }

    pub(super) fn awaits_room(&self) -> bool {
        self.ready.is_armed(Interest::SEND)
    }

    fn reader(&self) -> std::sync::MutexGuard<'_, Reader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many messages the program has taken.
    pub(super) fn taken(&self) -> u64 {
        self.reader().received().0
    }

    fn has_messages(&self) -> bool {
        !self.reader().is_empty() || !self.inbox.is_empty()
    }

    pub(super) fn add_stats(&self, stats: &mut SocketStats) {
        let reader = self.reader();
        let usage = self.inbox.usage();
        (stats.received_messages, stats.received_bytes) = reader.received();
        stats.inbox_messages = (usage.messages + reader.len()) as u64;
        stats.inbox_bytes = (usage.bytes + reader.bytes()) as u64;
        stats.inbox_full = usage.pauses;
    }

    pub(super) fn put_back(&self, batch: Batch) {
        let mut reader = self.reader();
        reader.uncount(&batch);
        reader.put_back(batch);
    }

    /// The socket ended: what nobody took is lost, and counted.
    pub(super) fn ended(&self, state: &mut State) {
        let mut reader = self.reader();
        let mut lost = reader.len();
        reader.refill(Batch::new());
        while let Some((batch, _)) = self.inbox.pop() {
            lost += batch.len();
        }
        state.stats.lost_closed += lost as u64;
        drop(reader);
        self.ready.notify(Interest::RECV);
        self.ready.notify(Interest::SEND);
    }

    /// Something is possible on the socket: asks for a turn, or tells who waits for room.
    pub(super) fn announce(&self, shared: &Shared, events: i16) {
        if events & libzmq::POLLIN != 0 && shared.kind.receives() {
            self.kick();
        }
        if events & libzmq::POLLOUT != 0 {
            self.ready.notify(Interest::SEND);
        }
    }
}

impl Source for Shared {
    fn turn(&self) -> Turn {
        let background = self.background.as_ref().expect("only background sockets are served");
        background.kicked.store(false, Ordering::SeqCst);
        let mut received = Batch::new();
        let again = {
            let mut state = self.lock();
            if state.ended.is_some() {
                return Turn { again: false, at: None };
            }
            match self.receive_ahead(background, &mut state, &mut received) {
                Ok(again) => again,
                Err(error) => {
                    self.end(&mut state, error);
                    false
                }
            }
        };
        if !received.is_empty() {
            background.inbox.push(&mut received);
            if self.receivers.any() {
                self.receivers.notify();
            }
            background.ready.notify(Interest::RECV);
        }
        Turn { again, at: None }
    }

    fn removed(&self) {
        let mut state = self.lock();
        if state.ended.is_none() {
            self.end(&mut state, Error::new(ErrorKind::Closed, "the context ended"));
        }
        if let Some(background) = &self.background {
            background.served.unwatch(self.fd);
        }
        drop(state.raw.take());
    }

    fn poisoned(&self, panic: &str) {
        let mut state = self.lock();
        let why = Error::new(ErrorKind::Poisoned, format!("a fault of zpatterns ended the socket: {panic}"));
        self.end(&mut state, why);
    }
}

impl Shared {
    /// Receives what fits, and tells whether more is waiting.
    fn receive_ahead(&self, background: &Background, state: &mut State, received: &mut Batch) -> Result<bool> {
        if self.kind.receives()
            && let Some((messages, bytes)) = background.inbox.room()
        {
            let (messages, bytes) = (messages.min(TURN_MESSAGES), bytes.min(TURN_BYTES));
            let mut more = true;
            while more && received.len() < messages && received.bytes() < bytes {
                // Before libzmq says that nothing is there, it has looked for news.
                more = match state.recv_into(received) {
                    // REQ and REP take turns: while it is the program's turn to send, nothing is there.
                    Err(error) if error.kind() == ErrorKind::WrongState => false,
                    received => received?,
                };
            }
            self.tell_senders(background, state)?;
            return Ok(more);
        }
        if background.when_full == WhenFull::Drop {
            let mut dropped = Batch::new();
            while dropped.len() < TURN_MESSAGES && state.recv_into(&mut dropped)? {}
            state.stats.lost_full += dropped.len() as u64;
            return Ok(dropped.len() == TURN_MESSAGES);
        }
        // Not receiving: what libzmq announced may still be room to send.
        let events = state.raw().events()?;
        self.announce_room(background, events);
        Ok(false)
    }

    fn tell_senders(&self, background: &Background, state: &mut State) -> Result<()> {
        if self.senders.any() || background.awaits_room() {
            let events = state.raw().events()?;
            self.announce_room(background, events);
        }
        Ok(())
    }

    fn announce_room(&self, background: &Background, events: i16) {
        if events & libzmq::POLLOUT != 0 {
            if self.senders.any() {
                self.senders.notify();
            }
            background.ready.notify(Interest::SEND);
        }
    }
}

impl Socket {
    /// Takes from the inbox, waiting for something to be there.
    pub(super) fn recv_background<T>(
        &self,
        background: &Background,
        deadline: &Deadline,
        mut take: impl FnMut(&mut Reader) -> Result<T>,
    ) -> Result<T> {
        let shared = self.shared();
        shared.generation.check()?;
        if let Some(taken) = self.take_from_inbox(background, &mut take)? {
            return Ok(taken);
        }
        loop {
            drop(shared.lock_open()?);
            if deadline.is_now() {
                return Err(Error::new(ErrorKind::Timeout, "no message is waiting"));
            }
            let wake = shared.receivers.enter()?;
            let mut taken = self.take_from_inbox(background, &mut take);
            let mut outcome = Ok(());
            if matches!(taken, Ok(None)) && shared.lock().ended.is_none() {
                outcome = wait::until_readable(&[wake.as_fd()], deadline, None);
                wake.clear();
            }
            shared.receivers.leave();
            if matches!(taken, Ok(None)) {
                taken = self.take_from_inbox(background, &mut take);
            }
            // The wake-up taken here may have been for several messages and several receivers.
            if shared.receivers.any() && (background.has_messages() || shared.lock().ended.is_some()) {
                shared.receivers.notify();
            }
            if let Some(taken) = taken? {
                return Ok(taken);
            }
            outcome?;
        }
    }

    fn take_from_inbox<T>(
        &self,
        background: &Background,
        take: &mut impl FnMut(&mut Reader) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut reader = background.reader();
        if reader.is_empty() {
            let Some((batch, resume)) = background.inbox.pop() else { return Ok(None) };
            reader.refill(batch);
            if resume {
                background.kick();
            }
        }
        take(&mut reader).map(Some)
    }

    /// Asks for one notice when `interest` holds, through [`ready_fd`](Self::ready_fd) or the hook. Returns what holds
    /// already, and then no notice comes for it: take it and arm again. A closed socket is ready for everything.
    pub fn arm(&self, interest: Interest) -> Result<Option<Interest>> {
        let background = self.background()?;
        background.ready.arm(interest);
        self.look(background, interest)
    }

    /// As [`arm`](Self::arm), waking a future.
    pub(super) fn arm_waker(&self, interest: Interest, waker: &Waker) -> Result<Option<Interest>> {
        let background = self.background()?;
        background.ready.arm_waker(interest, waker);
        self.look(background, interest)
    }

    /// Forgets a waker given to [`arm_waker`](Self::arm_waker).
    pub(super) fn forget_waker(&self, waker: &Waker) {
        if let Some(background) = &self.shared().background {
            background.ready.forget_waker(waker);
        }
    }

    /// What of `interest` holds now; that part is disarmed.
    fn look(&self, background: &Background, interest: Interest) -> Result<Option<Interest>> {
        let shared = self.shared();
        shared.generation.check()?;
        let mut state = shared.lock();
        let ended = state.ended.is_some();
        let recv = interest.contains(Interest::RECV) && (ended || background.has_messages());
        let send = interest.contains(Interest::SEND)
            && (ended || {
                let events = state.raw().events()?;
                if events & libzmq::POLLIN != 0 && shared.kind.receives() {
                    background.kick();
                }
                events & libzmq::POLLOUT != 0
            });
        let found = match (recv, send) {
            (false, false) => return Ok(None),
            (true, false) => Interest::RECV,
            (false, true) => Interest::SEND,
            (true, true) => Interest::BOTH,
        };
        background.ready.disarm(found);
        Ok(Some(found))
    }

    /// Sets what is called, on the reactor thread, instead of making [`ready_fd`](Self::ready_fd) readable. The hook
    /// returns at once and does not call back into the socket; `None` takes it away.
    pub fn set_hook(&self, hook: Option<Hook>) -> Result<()> {
        self.background()?.ready.set_hook(hook);
        Ok(())
    }
}
