//! A forwarder: the machine of `zpatterns-epgm`, with a socket and a thread.
//!
//! What comes from one member goes out as it came, in large groups. Where the system has no room for it, the forwarder waits;
//! what comes meanwhile waits in the socket, and what does not fit there is lost, and repaired by who sent it.

use std::{
    fmt,
    net::SocketAddr,
    os::fd::AsFd,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Instant,
};

use bytes::{Bytes, BytesMut};
use rustix::event::{PollFd, PollFlags};
use zpatterns_epgm::forwarder::{Forwarder, ForwarderCounters, ForwarderOptions, Verdict};
use zpatterns_protocol::{Error, ErrorKind, Result};

use super::{
    driver::{closed, gather},
    end::End,
    endpoint::read_bind,
    lock,
    place::Place,
    udp::{Buffers, MAX_TOGETHER, Udp},
};
use crate::{
    Context, Deadline,
    fork::Generation,
    reactor::{panic_text, spawn_without_signals},
    wait::{Waiters, Wake, until_ready},
};

/// How a [`BusForwarder`] is set up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BusForwarderOptions {
    /// Members at once, at least 1; others are refused until one was silent for 30 s.
    pub max_members: usize,
}

impl Default for BusForwarderOptions {
    /// 256 members.
    fn default() -> Self {
        Self { max_members: 256 }
    }
}

/// What a forwarder did so far.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct BusForwarderCounters {
    /// What came, and what became of it.
    pub received: ForwarderCounters,
    /// How often the system had no room for what was to be sent.
    pub full: u64,
    /// How often it refused it.
    pub unsendable: u64,
}

/// Forwards what each member of a bus sends to all others, where there is no multicast. Members are at `relay://HOST:PORT`. Clones
/// are the same forwarder; it closes when the last one is dropped.
#[derive(Clone)]
pub struct BusForwarder(Arc<Handle>);

struct Handle {
    shared: Arc<Shared>,
    endpoint: String,
    generation: Generation,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Outlives the thread, by the order of the fields.
    _context: Context,
}

struct Shared {
    started: Instant,
    machine: Mutex<Forwarder>,
    full: AtomicU64,
    unsendable: AtomicU64,
    /// Tells that it is to end.
    wake: Wake,
    ended: Mutex<Option<Error>>,
    /// For who waits for the end.
    waiters: Waiters,
}

impl BusForwarder {
    /// Forwards at `udp://INTERFACE:PORT`. The interface is a name, an address or a network of this machine, or `*`, which is all
    /// of IPv4, and `[::]`, which is all of IPv6; port 0 is any.
    ///
    /// [`ErrorKind::InvalidEndpoint`] if it cannot be read, [`ErrorKind::AddressNotAvailable`] if there is no such interface,
    /// [`ErrorKind::AddressInUse`] if another has the port.
    pub fn open(context: &Context, endpoint: &str, options: BusForwarderOptions) -> Result<Self> {
        if options.max_members == 0 {
            let error = Error::new(ErrorKind::InvalidArgument, "a forwarder has at least one member");
            return Err(error.with("option", "max_members"));
        }
        let (interface, is_ipv4, port) = read_bind(endpoint)?;
        let socket = Udp::alone(&Place::one_or_all(interface, is_ipv4)?, port)?;
        let endpoint = format!("udp://{}", socket.address()?);
        let mut key = [0; 32];
        getrandom::fill(&mut key)
            .map_err(|error| Error::new(ErrorKind::System, format!("no random numbers: {error}")))?;
        let shared = Arc::new(Shared {
            started: Instant::now(),
            machine: Mutex::new(Forwarder::new(ForwarderOptions { max_members: options.max_members, key })),
            full: AtomicU64::new(0),
            unsendable: AtomicU64::new(0),
            wake: Wake::new()?,
            ended: Mutex::new(None),
            waiters: Waiters::default(),
        });
        let mut worker = Worker {
            shared: Arc::clone(&shared),
            socket,
            end: End::of(context)?,
            buffers: Buffers::new(),
            answers: Vec::new(),
            forwarded: Vec::new(),
            together: BytesMut::with_capacity(MAX_TOGETHER),
        };
        let thread = spawn_without_signals("zpatterns-relay", {
            let shared = Arc::clone(&shared);
            move || {
                let why = catch_unwind(AssertUnwindSafe(|| worker.run())).unwrap_or_else(|panic| {
                    let panic = panic_text(&*panic);
                    Error::new(ErrorKind::Poisoned, format!("a fault of zpatterns ended the forwarder: {panic}"))
                });
                *lock(&shared.ended) = Some(why);
                shared.waiters.notify();
            }
        })?;
        let (generation, thread) = (context.generation(), Mutex::new(Some(thread)));
        Ok(Self(Arc::new(Handle { shared, endpoint, generation, thread, _context: context.clone() })))
    }

    /// Where it is: `udp://ADDRESS:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.0.endpoint
    }

    /// What it did so far.
    pub fn counters(&self) -> Result<BusForwarderCounters> {
        self.0.generation.check()?;
        let shared = &self.0.shared;
        Ok(BusForwarderCounters {
            received: lock(&shared.machine).counters(),
            full: shared.full.load(Ordering::Relaxed),
            unsendable: shared.unsendable.load(Ordering::Relaxed),
        })
    }

    /// Waits for the end: of the context, or by [`close`](Self::close). [`ErrorKind::Timeout`] at `deadline`.
    pub fn wait(&self, deadline: &Deadline) -> Result<()> {
        self.0.generation.check()?;
        let shared = &self.0.shared;
        let end = || lock(&shared.ended).clone();
        match shared.waiters.wait_for(deadline, || Ok(end()), || end().is_none())? {
            why if why.kind() == ErrorKind::Closed => Ok(()),
            why => Err(why),
        }
    }

    /// Ends it. Its members hear nothing of each other until there is another at its place.
    pub fn close(&self) {
        self.0.close();
    }
}

impl Handle {
    fn close(&self) {
        if !self.generation.is_current() {
            return;
        }
        self.shared.wake.notify();
        if let Some(thread) = lock(&self.thread).take() {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for BusForwarder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "BusForwarder({})", self.0.endpoint)
    }
}

/// The thread of a forwarder.
struct Worker {
    shared: Arc<Shared>,
    socket: Udp,
    end: End,
    buffers: Buffers,
    answers: Vec<(SocketAddr, Bytes)>,
    /// What is to be forwarded, and from whom.
    forwarded: Vec<(SocketAddr, Bytes)>,
    together: BytesMut,
}

impl Worker {
    /// Until the forwarder is closed, or its context ends.
    fn run(&mut self) -> Error {
        loop {
            if let Err(error) = self.turn() {
                return error;
            }
        }
    }

    fn turn(&mut self) -> Result<()> {
        let now = self.shared.started.elapsed();
        let mut machine = lock(&self.shared.machine);
        let more =
            self.socket.receive(&mut self.buffers, |from, datagram| match machine.handle(now, from, datagram) {
                Verdict::Forward => self.forwarded.push((from, Bytes::copy_from_slice(datagram))),
                Verdict::Answer(answer) => self.answers.push((from, Bytes::copy_from_slice(&answer))),
                Verdict::Drop => {}
            })?;
        machine.advance(now);
        let deadline = machine.deadline();
        drop(machine);
        for (to, answer) in std::mem::take(&mut self.answers) {
            self.send(to, &answer, answer.len())?;
        }
        self.forward()?;
        let wait = match deadline {
            _ if more => Deadline::now(),
            Some(at) => Deadline::after(at.saturating_sub(now)),
            None => Deadline::never(),
        };
        self.sleep(PollFlags::IN, &wait)
    }

    /// Sends what has come to all but who sent it.
    fn forward(&mut self) -> Result<()> {
        let (shared, now) = (Arc::clone(&self.shared), self.shared.started.elapsed());
        let mut forwarded = std::mem::take(&mut self.forwarded).into_iter().peekable();
        let mut together = std::mem::take(&mut self.together);
        while let Some((from, _)) = forwarded.peek() {
            let (from, mut carried) = (*from, None);
            let others: Vec<SocketAddr> = lock(&shared.machine).others(now, from).collect();
            let mut next = || forwarded.next_if(|(next, _)| *next == from).map(|(_, datagram)| datagram);
            while let Some(size) = gather(&mut together, &mut carried, self.socket.most_together(), &mut next) {
                others.iter().try_for_each(|to| self.send(*to, &together, size))?;
            }
        }
        self.together = together;
        Ok(())
    }

    /// Sends, and waits until there is room.
    fn send(&mut self, to: SocketAddr, datagrams: &[u8], size: usize) -> Result<()> {
        loop {
            let sent = self.socket.send(to, datagrams, size);
            self.shared.full.fetch_add(sent.full, Ordering::Relaxed);
            self.shared.unsendable.fetch_add(sent.refused, Ordering::Relaxed);
            if sent.full == 0 {
                return Ok(());
            }
            self.sleep(PollFlags::OUT, &Deadline::never())?;
        }
    }

    /// Waits until the socket is so; an error if the forwarder has come to its end.
    fn sleep(&mut self, wanted: PollFlags, deadline: &Deadline) -> Result<()> {
        let fds = [
            (self.socket.as_fd(), wanted),
            (self.shared.wake.as_fd(), PollFlags::IN),
            (self.end.as_fd(), PollFlags::IN),
        ];
        let fds = fds.map(|(fd, flags)| PollFd::from_borrowed_fd(fd, flags));
        match until_ready(fds.into_iter(), deadline, None) {
            // Nobody clears it.
            Ok(found) if !found[1].is_empty() => Err(closed()),
            Ok(found) if !found[2].is_empty() => self.end.check(),
            _ => Ok(()),
        }
    }
}
