//! Passing messages between two sockets, both ways, with a third that sees them all.
//!
//! One thread per direction, so a side that is held back does not hold back the other; each takes no more than the
//! other side has room for, so nothing is dropped between the two. The capture socket never holds anybody back: what
//! it has no room for is counted and not captured.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
};

use zpatterns_protocol::{Error, ErrorKind, Result};

use crate::{Cancel, Deadline, Socket, fork::Generation, reactor};

/// What one turn of a direction moves.
const TURN_MESSAGES: usize = 256;
const TURN_BYTES: usize = 256 * 1024;

/// What a proxy has passed on.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ProxyStats {
    /// Messages from the front to the back.
    pub forward_messages: u64,
    /// Their bytes.
    pub forward_bytes: u64,
    /// Messages from the back to the front.
    pub backward_messages: u64,
    /// Their bytes.
    pub backward_bytes: u64,
    /// Messages that the capture socket had no room for.
    pub capture_lost: u64,
    /// Messages that the other side refused: to a peer that is no longer there, or too large for it.
    pub lost_refused: u64,
    /// Messages taken from one side when the proxy stopped, for which the other had no room.
    pub lost_stopped: u64,
}

impl ProxyStats {
    /// The counters by name, in a fixed order, for languages that want a table.
    pub fn fields(&self) -> [(&'static str, u64); 7] {
        [
            ("forward_messages", self.forward_messages),
            ("forward_bytes", self.forward_bytes),
            ("backward_messages", self.backward_messages),
            ("backward_bytes", self.backward_bytes),
            ("capture_lost", self.capture_lost),
            ("lost_refused", self.lost_refused),
            ("lost_stopped", self.lost_stopped),
        ]
    }
}

#[derive(Default, Debug)]
struct Counters {
    messages: [AtomicU64; 2],
    bytes: [AtomicU64; 2],
    capture_lost: AtomicU64,
    lost_refused: AtomicU64,
    lost_stopped: AtomicU64,
}

/// A running proxy. It stops when it is dropped, or when one of its sockets closes.
#[derive(Debug)]
pub struct Proxy {
    counters: Arc<Counters>,
    failure: Arc<Mutex<Option<Error>>>,
    cancel: Cancel,
    generation: Generation,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Proxy {
    /// Passes messages from `front` to `back` and, as far as the socket types send and receive, from `back` to
    /// `front`. Each message is also sent on `capture`, if there is one. Others may go on using the sockets.
    /// [`ErrorKind::Unsupported`] if no direction is possible or `capture` cannot send.
    pub fn start(front: &Socket, back: &Socket, capture: Option<&Socket>) -> Result<Self> {
        if let Some(capture) = capture
            && !capture.kind().sends()
        {
            return Err(Error::new(ErrorKind::Unsupported, "the capture socket must be able to send")
                .with("socket", capture.kind()));
        }
        let proxy = Self {
            counters: Arc::default(),
            failure: Arc::default(),
            cancel: Cancel::new()?,
            generation: Generation::current(),
            threads: Mutex::default(),
        };
        for (direction, from, to) in [(0, front, back), (1, back, front)] {
            if !from.kind().receives() || !to.kind().sends() {
                continue;
            }
            let lane = Lane {
                direction,
                from: from.clone(),
                to: to.clone(),
                capture: capture.cloned(),
                counters: Arc::clone(&proxy.counters),
                deadline: Deadline::never().or(&proxy.cancel),
            };
            let (failure, cancel) = (Arc::clone(&proxy.failure), proxy.cancel.clone());
            let thread = reactor::spawn_without_signals("zpatterns-proxy", move || {
                let error = lane.run();
                if error.kind() != ErrorKind::Cancelled {
                    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
                cancel.cancel();
            })?;
            proxy.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        if proxy.threads.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            return Err(Error::new(ErrorKind::Unsupported, "neither socket can receive what the other can send")
                .with("front", front.kind())
                .with("back", back.kind()));
        }
        Ok(proxy)
    }

    /// What was passed on so far.
    pub fn stats(&self) -> ProxyStats {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ProxyStats {
            forward_messages: load(&self.counters.messages[0]),
            forward_bytes: load(&self.counters.bytes[0]),
            backward_messages: load(&self.counters.messages[1]),
            backward_bytes: load(&self.counters.bytes[1]),
            capture_lost: load(&self.counters.capture_lost),
            lost_refused: load(&self.counters.lost_refused),
            lost_stopped: load(&self.counters.lost_stopped),
        }
    }

    /// Waits until the proxy ends by itself, which is when a socket of it closes, and says why.
    /// [`ErrorKind::Timeout`] if it still runs at `deadline`.
    pub fn wait(&self, deadline: &Deadline) -> Result<Error> {
        self.cancel.wait(deadline)?;
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(failure.unwrap_or_else(|| Error::new(ErrorKind::Cancelled, "the proxy was stopped")))
    }

    /// Stops passing messages on. A message already taken from one side is sent to the other if that has room at
    /// once, and else counted as lost. Stopping twice is fine.
    pub fn stop(&self) {
        if !self.generation.is_current() {
            return; // The child of a fork: the threads are the parent's.
        }
        self.cancel.cancel();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            let _ = thread.join();
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One direction.
struct Lane {
    direction: usize,
    from: Socket,
    to: Socket,
    capture: Option<Socket>,
    counters: Arc<Counters>,
    deadline: Deadline,
}

impl Lane {
    /// Works until it cannot, and says why.
    fn run(&self) -> Error {
        loop {
            let passed =
                self.from.recv_many(TURN_MESSAGES, TURN_BYTES, &self.deadline).and_then(|batch| self.pass(batch));
            match passed {
                Err(error) if error.kind() != ErrorKind::Interrupted => return error,
                _ => {}
            }
        }
    }

    fn pass(&self, mut batch: crate::Batch) -> Result<()> {
        if let Some(capture) = &self.capture {
            let captured = capture.send_many(&mut batch, 0, &Deadline::now()).unwrap_or_default();
            self.counters.capture_lost.fetch_add((batch.len() - captured) as u64, Ordering::Relaxed);
        }
        let mut next = 0;
        while next < batch.len() {
            let sent = match self.to.send_many(&mut batch, next, &self.deadline) {
                Ok(sent) => sent,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if refuses_one_message(error.kind()) => {
                    self.counters.lost_refused.fetch_add(1, Ordering::Relaxed);
                    next += 1;
                    continue;
                }
                Err(error) => {
                    self.counters.lost_stopped.fetch_add((batch.len() - next) as u64, Ordering::Relaxed);
                    return Err(error);
                }
            };
            let bytes: usize = (next..next + sent).flat_map(|index| batch.frames(index)).map(<[u8]>::len).sum();
            self.counters.messages[self.direction].fetch_add(sent as u64, Ordering::Relaxed);
            self.counters.bytes[self.direction].fetch_add(bytes as u64, Ordering::Relaxed);
            next += sent;
        }
        Ok(())
    }
}

/// Whether an error is about the message and not about the socket.
fn refuses_one_message(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unreachable | ErrorKind::TooLarge | ErrorKind::InvalidArgument)
}
