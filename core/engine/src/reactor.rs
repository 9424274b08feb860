//! The reactor thread: one per context, started by the first handle that needs it.
//!
//! It serves sources (background sockets and hosted machines): each has descriptors to watch, a turn to do a bounded
//! amount of work, and perhaps a time at which it wants a turn anyway. A turn has a budget, so one busy source cannot
//! starve the others, and a panic in a turn poisons that source and spares the rest.
//!
//! Descriptors are watched for edges: one notice for each time something happens, and none for what a source leaves
//! unread. So a turn must take all there is, or ask for another, and waiting costs one system call.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::fd::RawFd,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Instant,
};

use mio::{Events, Interest, Poll, Registry, Token, Waker, unix::SourceFd};
use zpatterns_protocol::{Error, ErrorKind, Result};

use crate::errno;

/// The token of the reactor's own wake-up; sources count from 0.
const WAKE: Token = Token(usize::MAX);
/// How many descriptors one wait can report; the next wait reports the others.
const EVENTS: usize = 256;

/// What a source wants after its turn.
pub(crate) struct Turn {
    /// More work is waiting: give it another turn after the others had theirs.
    pub(crate) again: bool,
    /// Give it a turn at this time even if nothing happens.
    pub(crate) at: Option<Instant>,
}

/// Something that the reactor serves.
pub(crate) trait Source: Send + Sync {
    /// A bounded amount of work; never blocks.
    fn turn(&self) -> Turn;
    /// Last call: release what the reactor thread alone may release.
    fn removed(&self);
    /// A turn panicked. The source is removed next.
    fn poisoned(&self, panic: &str);
}

/// A source's number within its reactor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct SourceId(u64);

/// A source's way to its reactor.
pub(crate) struct Served {
    shared: Arc<Shared>,
    id: SourceId,
}

impl Served {
    /// Gives the source a turn soon.
    pub(crate) fn kick(&self) {
        self.shared.command(Command::Kick(self.id));
    }

    /// Gives the source a turn whenever `fd` becomes readable.
    pub(crate) fn watch(&self, fd: RawFd) -> Result<()> {
        let token = Token(self.id.0 as usize);
        let watched = self.shared.registry.register(&mut SourceFd(&fd), token, Interest::READABLE);
        watched.map_err(|error| system(&error, "cannot watch a socket"))
    }

    /// Watches `fd`, which is still open, no longer.
    pub(crate) fn unwatch(&self, fd: RawFd) {
        let _ = self.shared.registry.deregister(&mut SourceFd(&fd));
    }

    /// Serves the source no longer.
    pub(crate) fn remove(&self) {
        self.shared.command(Command::Remove(self.id));
    }
}

enum Command {
    Add(SourceId, Arc<dyn Source>),
    Kick(SourceId),
    Remove(SourceId),
}

struct Shared {
    registry: Registry,
    waker: Waker,
    commands: Mutex<Vec<Command>>,
    stop: AtomicBool,
    next: AtomicU64,
}

impl Shared {
    fn command(&self, command: Command) {
        let first = {
            let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
            commands.push(command);
            commands.len() == 1
        };
        if first {
            let _ = self.waker.wake();
        }
    }
}

/// A handle to the thread.
pub(crate) struct Reactor {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Reactor {
    /// Starts the thread.
    pub(crate) fn start() -> Result<Self> {
        let failed = |error| system(&error, "cannot make the reactor");
        let poll = Poll::new().map_err(failed)?;
        let shared = Arc::new(Shared {
            registry: poll.registry().try_clone().map_err(failed)?,
            waker: Waker::new(poll.registry(), WAKE).map_err(failed)?,
            commands: Mutex::default(),
            stop: AtomicBool::new(false),
            next: AtomicU64::new(0),
        });
        let thread = spawn_without_signals("zpatterns", {
            let shared = Arc::clone(&shared);
            move || Loop::new(shared, poll).run()
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Makes a source, which is told how to reach its reactor, and serves it from now on.
    pub(crate) fn add<S: Source + 'static>(&self, make: impl FnOnce(Served) -> Result<Arc<S>>) -> Result<Arc<S>> {
        let id = SourceId(self.shared.next.fetch_add(1, Ordering::Relaxed));
        let source = make(Served { shared: Arc::clone(&self.shared), id })?;
        self.shared.command(Command::Add(id, Arc::clone(&source) as _));
        Ok(source)
    }

    /// Removes every source and ends the thread.
    pub(crate) fn stop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        let _ = self.shared.waker.wake();
        if let Some(thread) = self.thread.take() {
            // A source may hold the last reference to the context, so the thread can end up stopping itself.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }

    /// Forgets the thread: after a fork it exists in the parent only.
    pub(crate) fn forget(&mut self) {
        std::mem::forget(self.thread.take());
    }
}

/// The thread's own state.
struct Loop {
    shared: Arc<Shared>,
    poll: Poll,
    sources: BTreeMap<SourceId, Entry>,
    ready: BTreeSet<SourceId>,
    timers: BTreeSet<(Instant, SourceId)>,
}

struct Entry {
    source: Arc<dyn Source>,
    at: Option<Instant>,
}

impl Loop {
    fn new(shared: Arc<Shared>, poll: Poll) -> Self {
        Self { shared, poll, sources: BTreeMap::new(), ready: BTreeSet::new(), timers: BTreeSet::new() }
    }

    fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        while !self.shared.stop.load(Ordering::SeqCst) {
            self.obey();
            self.serve();
            self.wait(&mut events);
        }
        self.obey();
        let all: Vec<SourceId> = self.sources.keys().copied().collect();
        for id in all {
            self.remove(id);
        }
    }

    fn obey(&mut self) {
        let commands = std::mem::take(&mut *self.shared.commands.lock().unwrap_or_else(PoisonError::into_inner));
        for command in commands {
            match command {
                Command::Add(id, source) => {
                    self.sources.insert(id, Entry { source, at: None });
                    self.ready.insert(id);
                }
                Command::Kick(id) => {
                    self.ready.insert(id);
                }
                Command::Remove(id) => self.remove(id),
            }
        }
    }

    fn remove(&mut self, id: SourceId) {
        let Some(entry) = self.sources.remove(&id) else { return };
        self.ready.remove(&id);
        if let Some(at) = entry.at {
            self.timers.remove(&(at, id));
        }
        entry.source.removed();
    }

    fn serve(&mut self) {
        for id in std::mem::take(&mut self.ready) {
            let Some(entry) = self.sources.get_mut(&id) else { continue };
            match catch_unwind(AssertUnwindSafe(|| entry.source.turn())) {
                Ok(turn) => {
                    if turn.again {
                        self.ready.insert(id);
                    }
                    if turn.at != entry.at {
                        if let Some(old) = entry.at.take() {
                            self.timers.remove(&(old, id));
                        }
                        entry.at = turn.at;
                        self.timers.extend(turn.at.map(|at| (at, id)));
                    }
                }
                Err(panic) => {
                    entry.source.poisoned(panic_text(&*panic));
                    self.remove(id);
                }
            }
        }
    }

    fn wait(&mut self, events: &mut Events) {
        let timeout = if self.ready.is_empty() {
            self.timers.first().map(|(at, _)| at.saturating_duration_since(Instant::now()))
        } else {
            Some(std::time::Duration::ZERO)
        };
        // An interrupted wait comes back empty; anything else would be a broken descriptor of our own.
        if self.poll.poll(events, timeout).is_err() {
            events.clear();
        }
        let tokens = events.iter().map(mio::event::Event::token).filter(|token| *token != WAKE);
        self.ready.extend(tokens.map(|token| SourceId(token.0 as u64)));
        let now = Instant::now();
        while let Some(&(at, id)) = self.timers.first() {
            if at > now {
                break;
            }
            self.timers.pop_first();
            if let Some(entry) = self.sources.get_mut(&id) {
                entry.at = None;
            }
            self.ready.insert(id);
        }
    }
}

fn system(error: &std::io::Error, what: &str) -> Error {
    errno::error(error.raw_os_error().unwrap_or(libc::EIO), what)
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without text")
}

/// Starts a thread that takes no signals: they belong to the program's own threads.
pub(crate) fn spawn_without_signals(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    // SAFETY: sigset_t is plain data that sigfillset fills; the old mask is restored right after.
    let thread = unsafe {
        let mut all = std::mem::zeroed();
        let mut before = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        let thread = std::thread::Builder::new().name(name.into()).spawn(run);
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        thread
    };
    thread.map_err(|error| Error::new(ErrorKind::TooManyOpen, format!("cannot start a thread: {error}")))
}
