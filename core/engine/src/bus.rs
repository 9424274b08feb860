//! A multicast bus: what one says, all hear.
//!
//! The machines of `zpatterns-epgm` do the work; here are their sockets (`udp`), what these reach (`link`), their thread
//! (`driver`), and the queue on the way to the program (`inbox`). A program that only listens has no source: that one comes with
//! the first message sent.

mod driver;
mod end;
mod endpoint;
mod event;
mod forwarder;
mod inbox;
mod link;
mod loss;
mod options;
mod place;
mod udp;

use std::{
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

use zpatterns_epgm::{
    packet::{Flow, Gsi},
    receiver::{Batch, Receiver, ReceiverOptions, Room, SourceCounters, SourceId},
    sender::{Sender, SenderCounters, SenderOptions},
};
use zpatterns_protocol::{Error, ErrorKind, Result};

use self::{
    driver::Driver,
    end::End,
    endpoint::Endpoint,
    inbox::Inbox,
    link::{Link, Session, Voice},
    loss::Loss,
    udp::{Reach, Sent, Udp},
};
pub use self::{
    event::{BusBatch, BusEvent, PeerId},
    forwarder::{BusForwarder, BusForwarderCounters, BusForwarderOptions},
    options::{BusFlowControl, BusKey, BusOptions},
};
use crate::{
    Context, Deadline, Hook, Interest,
    fork::Generation,
    reactor::{panic_text, spawn_without_signals},
    wait::{Waiters, Wake},
};

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
    /// Packets of other sessions, and datagrams of who is not among those that the endpoint names.
    pub foreign: u64,
    /// Datagrams from who does not know the key.
    pub forged: u64,
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

/// Who locks the receiver does not then lock the source: a program that begins to speak does it the other way round.
struct Shared {
    started: Instant,
    source: Mutex<Option<Source>>,
    /// For who waits to send.
    room: Waiters,
    receiver: Mutex<Receiver>,
    inbox: Inbox,
    wake: Wake,
    /// The thread waits, and must be woken.
    asleep: AtomicBool,
    /// When what is to be sent is waited for no longer.
    closing: Mutex<Option<Duration>>,
    full: AtomicU64,
    unsendable: AtomicU64,
    foreign: AtomicU64,
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

    fn end(&self, why: Error) {
        let (mut receiver, mut rest) = (lock(&self.receiver), Batch::default());
        receiver.set_room(self.started.elapsed(), Room::default());
        receiver.take(&mut rest);
        self.inbox.push(&mut rest, false);
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
    endpoint: String,
    session: Session,
    voice: Voice,
    generation: Generation,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Outlives the thread, by the order of the fields.
    _context: Context,
}

impl Bus {
    /// Takes part in the bus at `endpoint`:
    ///
    /// * `epgm://INTERFACE;GROUP:PORT`, multicast. The interface is a name, an address or a network of this machine, and may be
    ///   left out.
    /// * `pgm://INTERFACE;GROUP:PORT`, the same without UDP.
    /// * `udp://INTERFACE:PORT;HOST:PORT,HOST:PORT`, where there is no multicast: each of these, at most 256, is sent to one by one.
    ///   `*` is all interfaces. Own addresses in the list are skipped, so all may have the same.
    /// * `relay://HOST:PORT`, behind a [`BusForwarder`].
    ///
    /// [`ErrorKind::InvalidEndpoint`] if it cannot be read, [`ErrorKind::AddressNotAvailable`] if there is no such interface, or
    /// it has no multicast, [`ErrorKind::AddressInUse`] if another has the port, and [`ErrorKind::PermissionDenied`] if `pgm` needs
    /// a capability that the process does not have.
    pub fn open(context: &Context, endpoint: &str, options: BusOptions) -> Result<Self> {
        options.check()?;
        let (link, voice) = Link::open(&Endpoint::read(endpoint)?)?;
        let session = link.session();
        let receiver = Receiver::new(ReceiverOptions {
            max_sources: options.max_peers,
            window: options.max_behind,
            max_message: options.max_message,
            forget: options.forget,
            history: options.history,
            tag: options.tag,
            ahead: link.buffer(),
            key: options.key(session.group, session.port),
            asking: session.asking,
            ..ReceiverOptions::new(session.port, session.group, random()?)
        });
        let shared = Arc::new(Shared {
            started: Instant::now(),
            source: Mutex::new(None),
            room: Waiters::default(),
            receiver: Mutex::new(receiver),
            inbox: Inbox::new(options.max_events, options.max_bytes)?,
            wake: Wake::new()?,
            asleep: AtomicBool::new(false),
            closing: Mutex::new(None),
            full: AtomicU64::new(0),
            unsendable: AtomicU64::new(0),
            foreign: AtomicU64::new(0),
            loss: Loss::default(),
        });
        let mut driver = Driver::new(Arc::clone(&shared), link, End::of(context)?, random()?);
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
        let (endpoint, _context) = (endpoint.to_owned(), context.clone());
        Ok(Self(Arc::new(Handle { shared, options, endpoint, session, voice, generation, thread, _context })))
    }

    fn open_shared(&self) -> Result<&Shared> {
        self.0.generation.check()?;
        self.0.shared.inbox.check_open()?;
        Ok(&self.0.shared)
    }

    /// From now on messages whose first frame begins with `prefix` are received; with an empty one, all. A bus hears others from
    /// its first subscription on: until then nobody waits for it, and it repairs nothing. What it is offered of the past it gets
    /// from then on, too.
    pub fn subscribe(&self, prefix: &[u8]) -> Result<()> {
        lock(&self.open_shared()?.receiver).subscribe(prefix);
        Ok(())
    }

    /// Undoes a [`subscribe`](Self::subscribe). [`ErrorKind::NotFound`] if there was none of this prefix.
    pub fn unsubscribe(&self, prefix: &[u8]) -> Result<()> {
        let was_there = lock(&self.open_shared()?.receiver).unsubscribe(prefix);
        if was_there { Ok(()) } else { Err(Error::new(ErrorKind::NotFound, "nobody subscribed to this")) }
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
        let Handle { shared, options, session, voice, .. } = &*self.0;
        let mut source = lock(&shared.source);
        if source.is_some() {
            return Ok(());
        }
        let reach = Reach { hops: options.hops.into(), looped: options.looped };
        let socket = voice.open(reach)?;
        let [a, b, c, d, e, f, g, h] = random()?.to_be_bytes();
        let id = SourceId { gsi: Gsi([a, b, c, d, e, f]), port: u16::from_be_bytes([g, h]) };
        lock(&shared.receiver).ignore(id);
        let now = shared.now();
        let flow = Flow { source: id.port, destination: session.port, gsi: id.gsi };
        let sender = Sender::new(
            now,
            SenderOptions {
                window: options.window,
                max_age: options.max_age,
                history: options.history,
                max_unsent: options.max_unsent,
                rate: options.rate,
                burst: options.burst(),
                flow_control: options.flow_control(),
                redundancy: options.redundancy(),
                key: options.key(session.group, session.port),
                ..SenderOptions::new(flow, session.address, session.group)
            },
        );
        *source = Some(Source { sender, socket, busy: now });
        Ok(())
    }

    /// The next message or event. [`ErrorKind::Timeout`] if nothing came until `deadline`, [`ErrorKind::Closed`] once the bus or
    /// its context has ended and all is taken.
    pub fn recv(&self, deadline: &Deadline) -> Result<BusEvent> {
        self.0.generation.check()?;
        self.took(self.0.shared.inbox.take_one(deadline)?)
    }

    /// As [`recv`](Self::recv), with more of what is there besides: up to `max_events` in all, and no more once they have
    /// `max_bytes`, each frame and each event counted as 32 more. It costs far less than one by one.
    pub fn recv_many(&self, max_events: usize, max_bytes: usize, deadline: &Deadline) -> Result<BusBatch> {
        self.0.generation.check()?;
        self.took(self.0.shared.inbox.take(max_events, max_bytes, deadline)?)
    }

    fn took<T>(&self, (taken, room_is_awaited): (T, bool)) -> Result<T> {
        if room_is_awaited {
            self.0.shared.wake();
        }
        Ok(taken)
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

    /// Of this machine, where the bus is; no address in particular if that is everywhere.
    pub fn interface(&self) -> IpAddr {
        self.0.session.address
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
            foreign: received.foreign + shared.foreign.load(Ordering::Relaxed),
            forged: received.forged + sent.forged,
            refused: received.refused,
            dropped: received.dropped,
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
        write!(out, "Bus({})", self.0.endpoint)
    }
}

/// What nobody can guess.
fn random() -> Result<u64> {
    getrandom::u64().map_err(|error| Error::new(ErrorKind::System, format!("no random numbers: {error}")))
}
