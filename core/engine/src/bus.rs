//! A multicast bus: what one says, all hear.
//!
//! The machines of `zpatterns-epgm` do the work; here are their sockets (`udp`), their thread (`driver`), and the queue on
//! the way to the program (`inbox`). A program that only listens has no source: that one comes with the first message sent.

mod driver;
mod endpoint;
mod inbox;
mod loss;
mod udp;

use std::{
    collections::VecDeque,
    fmt,
    net::IpAddr,
    os::fd::BorrowedFd,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use bytes::Bytes;
use zpatterns_epgm::{
    packet::{Flow, Gsi},
    receiver::{Receiver, ReceiverOptions, SourceCounters, SourceId},
    sender::{Sender, SenderCounters, SenderOptions},
    sequence::Sqn,
};
use zpatterns_protocol::{Error, ErrorKind, Result, machine::Frames};

use self::{
    driver::Driver,
    endpoint::{Endpoint, Place},
    inbox::Inbox,
    loss::Loss,
    udp::{Reach, Sent, Udp},
};
use crate::{
    Context, Deadline, Hook, Interest, SocketKind, SocketOptions,
    fork::Generation,
    reactor::{panic_text, spawn_without_signals},
    wait::{Waiters, Wake},
};

/// Bytes of a datagram's payload, as libzmq has them.
const PAYLOAD: usize = 1428;

/// How a bus is set up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BusOptions {
    /// Bytes of datagrams sent in a second, repairs with them; at least 1,000. libzmq's receivers lose from some 200 MB/s on.
    pub rate: u64,
    /// Bytes that are kept to be repeated: as long an outage is survived as it takes to send them.
    pub window: usize,
    /// Bytes that may wait to be sent.
    pub max_unsent: usize,
    /// How many routers a message may cross, and one more; 1 is this network.
    pub hops: u8,
    /// Whether other programs on this machine hear what is sent.
    pub looped: bool,
    /// Sources heard at once.
    pub max_peers: usize,
    /// Bytes of one source that wait while something before them is missing.
    pub max_behind: usize,
    /// Bytes of a message that is received; each frame counts as 32 more. Larger ones are lost.
    pub max_message: usize,
    /// Messages and events that wait for the program.
    pub max_events: usize,
    /// Bytes of those; each frame counts as 32 more.
    pub max_bytes: usize,
    /// How long a source is remembered that is silent.
    pub forget: Duration,
    /// How long closing waits for what is to be sent, and repeated.
    pub linger: Duration,
}

impl Default for BusOptions {
    /// 100 MB/s; a window of 64 MiB, 4 MiB unsent; one hop, looped; 1,024 peers, 64 MiB behind a gap; messages of 16 MiB; 100,000
    /// events and 64 MiB; forgotten after 5 minutes; a linger of 1 s.
    fn default() -> Self {
        Self {
            rate: 100_000_000,
            window: 64 << 20,
            max_unsent: 4 << 20,
            hops: 1,
            looped: true,
            max_peers: 1024,
            max_behind: 64 << 20,
            max_message: 16 << 20,
            max_events: 100_000,
            max_bytes: 64 << 20,
            forget: Duration::from_secs(300),
            linger: Duration::from_secs(1),
        }
    }
}

impl BusOptions {
    fn check(&self) -> Result<()> {
        let wrong = |text, name: &'static str| Err(Error::new(ErrorKind::InvalidArgument, text).with("option", name));
        if self.rate < 1000 {
            return wrong("a bus sends at least 1,000 bytes in a second", "rate");
        }
        if self.window < PAYLOAD {
            return wrong("a window has room for a datagram", "window");
        }
        if self.max_peers == 0 {
            return wrong("a bus hears at least one peer", "max_peers");
        }
        Ok(())
    }

    /// Bytes that leave at once: half a millisecond's, but not more than the smallest usual receive buffer holds.
    fn burst(&self) -> u64 {
        (self.rate / 2000).clamp(1 << 16, 1 << 20)
    }
}

/// Who is on the bus: a source, since it began.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PeerId(pub u64);

impl From<SourceId> for PeerId {
    fn from(SourceId { gsi: Gsi([a, b, c, d, e, f]), port }: SourceId) -> Self {
        let [high, low] = port.to_be_bytes();
        Self(u64::from_be_bytes([a, b, c, d, e, f, high, low]))
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&format!("{:012x}:{}", self.0 >> 16, self.0 & 0xffff))
    }
}

/// What a bus brings.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum BusEvent {
    /// A message; those of one peer come in the order in which it sent them.
    Message {
        /// Who sent it.
        peer: PeerId,
        /// What.
        frames: Frames,
    },
    /// Somebody is heard for the first time.
    Joined {
        /// Who.
        peer: PeerId,
    },
    /// Somebody has ended, or is heard no more.
    Gone {
        /// Who.
        peer: PeerId,
    },
    /// Datagrams that were lost and will not be repeated, with what was in them: some messages, or none.
    Missed {
        /// Whose.
        peer: PeerId,
        /// The number of the first.
        first: u32,
        /// The number of the last; numbers go round at 2^32.
        last: u32,
    },
    /// What came makes no sense as messages. It was dropped, up to the next one that does.
    Broken {
        /// From whom.
        peer: PeerId,
    },
    /// So many messages and events before the next one did not fit, because the program took too little.
    Dropped {
        /// How many.
        count: u64,
    },
}

/// What a bus did so far.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct BusCounters {
    /// What was sent.
    pub sent: SenderCounters,
    /// What came, from all who were ever heard.
    pub received: SourceCounters,
    /// Datagrams that are none.
    pub malformed: u64,
    /// Packets of other sessions.
    pub foreign: u64,
    /// Sources that were not listened to because too many were there.
    pub refused: u64,
    /// Messages and events that the program did not take in time.
    pub dropped: u64,
    /// How often the system had no room for what was to be sent.
    pub full: u64,
    /// How often it refused it.
    pub unsendable: u64,
    /// Datagrams that [`Bus::inject_loss`] threw away.
    pub injected: u64,
}

struct Source {
    sender: Sender,
    socket: Arc<Udp>,
    /// When it last said something, or was asked for something.
    busy: Duration,
}

struct Shared {
    started: Instant,
    source: Mutex<Option<Source>>,
    /// For who waits to send.
    room: Waiters,
    receiver: Mutex<Receiver>,
    /// What messages begin with that the program wants.
    prefixes: Mutex<Vec<Bytes>>,
    inbox: Inbox,
    wake: Wake,
    /// The thread waits, and must be woken.
    asleep: AtomicBool,
    /// When what is to be sent is waited for no longer.
    closing: Mutex<Option<Duration>>,
    full: AtomicU64,
    unsendable: AtomicU64,
    loss: Loss,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn wake(&self) {
        if self.asleep.swap(false, Ordering::SeqCst) {
            self.wake.notify();
        }
    }

    fn closing(&self) -> Option<Duration> {
        *lock(&self.closing)
    }

    fn note(&self, Sent { full, refused }: Sent) {
        if full + refused > 0 {
            self.full.fetch_add(full, Ordering::Relaxed);
            self.unsendable.fetch_add(refused, Ordering::Relaxed);
        }
    }

    /// Keeps what the program wants.
    fn choose(&self, events: &mut Vec<BusEvent>) {
        if events.is_empty() {
            return;
        }
        let prefixes = lock(&self.prefixes);
        if !prefixes.iter().any(Bytes::is_empty) {
            events.retain(|event| match event {
                BusEvent::Message { frames, .. } => {
                    frames.first().is_some_and(|first| prefixes.iter().any(|prefix| first.starts_with(prefix)))
                }
                _ => true,
            });
        }
    }

    fn end(&self, why: Error) {
        self.inbox.end(why);
        self.room.notify();
        self.inbox.ready.notify(Interest::SEND);
    }
}

/// A place on a bus. Clones are the same place, and threads may share it; it closes when the last one is dropped.
#[derive(Clone)]
pub struct Bus(Arc<Handle>);

struct Handle {
    shared: Arc<Shared>,
    options: BusOptions,
    endpoint: Endpoint,
    place: Place,
    generation: Generation,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Outlives the thread, by the order of the fields.
    _context: Context,
}

impl Bus {
    /// Takes part in the bus at `epgm://INTERFACE;GROUP:PORT`. The interface is a name, an address or a network of this machine,
    /// and may be left out.
    ///
    /// [`ErrorKind::InvalidEndpoint`] if it cannot be read, [`ErrorKind::AddressNotAvailable`] if there is no such interface, or
    /// it has no multicast.
    pub fn open(context: &Context, endpoint: &str, options: BusOptions) -> Result<Self> {
        options.check()?;
        let endpoint = Endpoint::read(endpoint)?;
        let place = endpoint.place()?;
        let ears = Udp::listening(&endpoint, &place)?;
        let mouth = Udp::sending(&endpoint, &place, 0, Reach { hops: 1, looped: true })?;
        let receiver = Receiver::new(ReceiverOptions {
            port: endpoint.port,
            group: endpoint.group,
            max_sources: options.max_peers,
            window: options.max_behind,
            max_message: options.max_message,
            repair: (Duration::from_micros(500), Duration::from_millis(50)),
            tries: 20,
            forget: options.forget,
            seed: random()?,
        });
        let shared = Arc::new(Shared {
            started: Instant::now(),
            source: Mutex::new(None),
            room: Waiters::default(),
            receiver: Mutex::new(receiver),
            prefixes: Mutex::default(),
            inbox: Inbox::new(options.max_events, options.max_bytes)?,
            wake: Wake::new()?,
            asleep: AtomicBool::new(false),
            closing: Mutex::new(None),
            full: AtomicU64::new(0),
            unsendable: AtomicU64::new(0),
            loss: Loss::default(),
        });
        // Nobody is at its other end: it is there to tell when the context ends.
        let end = context.opener().open(SocketKind::Pair, &SocketOptions::default())?;
        let mut driver = Driver::new(Arc::clone(&shared), &endpoint, place.clone(), (ears, mouth), end)?;
        let thread = spawn_without_signals("zpatterns-bus", {
            let shared = Arc::clone(&shared);
            move || {
                let why = catch_unwind(AssertUnwindSafe(|| driver.run())).unwrap_or_else(|panic| {
                    let panic = panic_text(&*panic);
                    Error::new(ErrorKind::Poisoned, format!("a fault of zpatterns ended the bus: {panic}"))
                });
                shared.end(why);
            }
        })?;
        let generation = context.generation();
        let thread = Mutex::new(Some(thread));
        Ok(Self(Arc::new(Handle { shared, options, endpoint, place, generation, thread, _context: context.clone() })))
    }

    fn open_shared(&self) -> Result<&Shared> {
        self.0.generation.check()?;
        self.0.shared.inbox.check_open()?;
        Ok(&self.0.shared)
    }

    /// From now on messages whose first frame begins with `prefix` are received; with an empty one, all.
    pub fn subscribe(&self, prefix: &[u8]) -> Result<()> {
        let mut prefixes = lock(&self.open_shared()?.prefixes);
        if !prefixes.iter().any(|known| known == prefix) {
            prefixes.push(Bytes::copy_from_slice(prefix));
        }
        Ok(())
    }

    /// Undoes a [`subscribe`](Self::subscribe). [`ErrorKind::NotFound`] if there was none of this prefix.
    pub fn unsubscribe(&self, prefix: &[u8]) -> Result<()> {
        let mut prefixes = lock(&self.open_shared()?.prefixes);
        let place = prefixes.iter().position(|known| known == prefix);
        let place = place.ok_or_else(|| Error::new(ErrorKind::NotFound, "nobody subscribed to this"))?;
        prefixes.remove(place);
        Ok(())
    }

    /// Sends a message of one frame or several to all who are on the bus now. It is handed over: who hears it, nobody says.
    ///
    /// [`ErrorKind::Timeout`] if there was no room until `deadline`; [`ErrorKind::InvalidArgument`] if there is no frame.
    pub fn send<F: AsRef<[u8]>>(&self, frames: &[F], deadline: &Deadline) -> Result<()> {
        self.send_many(std::slice::from_ref(&frames), deadline).map(drop)
    }

    /// As [`send`](Self::send), several messages at once, which costs less than one by one. How many were taken, at least one.
    pub fn send_many<F: AsRef<[u8]>, M: AsRef<[F]>>(&self, messages: &[M], deadline: &Deadline) -> Result<usize> {
        let shared = self.open_shared()?;
        if messages.iter().any(|message| message.as_ref().is_empty()) {
            return Err(Error::new(ErrorKind::InvalidArgument, "a message has at least one frame"));
        }
        if messages.is_empty() {
            return Ok(0);
        }
        self.begin()?;
        let take = || {
            shared.inbox.check_open()?;
            let mut source = lock(&shared.source);
            let sender = &mut source.as_mut().expect("it was begun").sender;
            let taken = messages.iter().take_while(|message| sender.push(message.as_ref()).is_ok()).count();
            Ok((taken > 0).then_some(taken))
        };
        let is_idle = || {
            shared.inbox.check_open().is_ok()
                && lock(&shared.source).as_ref().is_some_and(|source| source.sender.is_full())
        };
        let taken = shared.room.wait_for(deadline, take, is_idle)?;
        shared.wake();
        Ok(taken)
    }

    /// The first message makes a source.
    fn begin(&self) -> Result<()> {
        let Handle { shared, options, endpoint, place, .. } = &*self.0;
        let mut source = lock(&shared.source);
        if source.is_some() {
            return Ok(());
        }
        let reach = Reach { hops: options.hops.into(), looped: options.looped };
        let socket = Udp::sending(endpoint, place, endpoint.port, reach)?;
        let [a, b, c, d, e, f, g, h] = random()?.to_be_bytes();
        let id = SourceId { gsi: Gsi([a, b, c, d, e, f]), port: u16::from_be_bytes([g, h]) };
        lock(&shared.receiver).ignore(id);
        let now = shared.now();
        let sender = Sender::new(
            now,
            SenderOptions {
                flow: Flow { source: id.port, destination: endpoint.port, gsi: id.gsi },
                address: place.address,
                group: endpoint.group,
                max_payload: PAYLOAD,
                window: options.window,
                max_unsent: options.max_unsent,
                rate: options.rate,
                burst: options.burst(),
                linger: Duration::from_millis(1),
                first: Sqn(0),
            },
        );
        *source = Some(Source { sender, socket: Arc::new(socket), busy: now });
        Ok(())
    }

    /// The next message or event. [`ErrorKind::Timeout`] if nothing came until `deadline`, [`ErrorKind::Closed`] once the bus or
    /// its context has ended and all is taken.
    pub fn recv(&self, deadline: &Deadline) -> Result<BusEvent> {
        let mut events = self.recv_many(1, usize::MAX, deadline)?;
        Ok(events.pop_front().expect("at least one"))
    }

    /// As [`recv`](Self::recv), with what is there besides: up to `max_events` in all, and no more once they have `max_bytes`.
    pub fn recv_many(&self, max_events: usize, max_bytes: usize, deadline: &Deadline) -> Result<VecDeque<BusEvent>> {
        self.0.generation.check()?;
        self.0.shared.inbox.take(max_events, max_bytes, deadline)
    }

    /// Asks for one notice when there is something to receive, or room to send; what of that is so already.
    pub fn arm(&self, interest: Interest) -> Option<Interest> {
        let shared = &self.0.shared;
        let mut found = 0;
        if interest.contains(Interest::RECV) && shared.inbox.arm() {
            found |= 1;
        }
        if interest.contains(Interest::SEND) {
            shared.inbox.ready.arm(Interest::SEND);
            let is_full = lock(&shared.source).as_ref().is_some_and(|source| source.sender.is_full());
            if !is_full || shared.inbox.check_open().is_err() {
                shared.inbox.ready.disarm(Interest::SEND);
                found |= 2;
            }
        }
        match found {
            1 => Some(Interest::RECV),
            2 => Some(Interest::SEND),
            3 => Some(Interest::BOTH),
            _ => None,
        }
    }

    /// Readable after [`arm`](Self::arm) when what was asked for holds.
    pub fn ready_fd(&self) -> BorrowedFd<'_> {
        self.0.shared.inbox.ready.fd()
    }

    /// Sets what is called instead of making [`ready_fd`](Self::ready_fd) readable. It returns at once and does not call back
    /// into the bus.
    pub fn set_hook(&self, hook: Option<Hook>) {
        self.0.shared.inbox.ready.set_hook(hook);
    }

    /// From now on this fraction of the datagrams that arrive, from 0 to 1, is thrown away at random before anything looks at
    /// them: to try what a program does. 0 ends it. [`ErrorKind::InvalidArgument`] for any other number.
    pub fn inject_loss(&self, fraction: f64) -> Result<()> {
        self.open_shared()?.loss.set(fraction)
    }

    /// Of this machine, where the bus is.
    pub fn interface(&self) -> IpAddr {
        self.0.place.address
    }

    /// What it did so far.
    pub fn counters(&self) -> Result<BusCounters> {
        self.0.generation.check()?;
        let shared = &self.0.shared;
        let received = lock(&shared.receiver).counters();
        let sent = lock(&shared.source).as_ref().map(|source| source.sender.counters()).unwrap_or_default();
        Ok(BusCounters {
            sent,
            received: received.all,
            malformed: received.malformed + sent.malformed,
            foreign: received.foreign,
            refused: received.refused,
            dropped: shared.inbox.all_dropped(),
            full: shared.full.load(Ordering::Relaxed),
            unsendable: shared.unsendable.load(Ordering::Relaxed),
            injected: shared.loss.injected(),
        })
    }

    /// Who is heard now, and what became of what they sent.
    pub fn peers(&self) -> Result<Vec<(PeerId, SourceCounters)>> {
        Ok(lock(&self.open_shared()?.receiver).sources().map(|(id, counters)| (id.into(), counters)).collect())
    }

    /// Whether the bus has ended, by itself or with its context.
    pub fn is_closed(&self) -> bool {
        self.0.shared.inbox.check_open().is_err()
    }

    /// Leaves the bus: waits until what is to be sent has left and what is asked for is repeated, at most for `linger`. Every
    /// wait ends with [`ErrorKind::Closed`].
    pub fn close(&self, linger: Duration) {
        self.0.close(linger);
    }
}

impl Handle {
    fn close(&self, linger: Duration) {
        if !self.generation.is_current() {
            return;
        }
        let end = self.shared.now() + linger;
        lock(&self.shared.closing).get_or_insert(end);
        self.shared.wake.notify();
        if let Some(thread) = lock(&self.thread).take() {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close(self.options.linger);
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Bus({}:{})", self.0.endpoint.group, self.0.endpoint.port)
    }
}

/// What nobody can guess.
fn random() -> Result<u64> {
    getrandom::u64().map_err(|error| Error::new(ErrorKind::System, format!("no random numbers: {error}")))
}
