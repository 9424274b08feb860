//! A context: the I/O threads, the reactor, and everything that lives by inproc names.

use std::{
    ffi::c_void,
    ptr::NonNull,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use zpatterns_protocol::{Error, ErrorKind, Result};

use crate::{
    SocketKind, SocketOptions, errno,
    fork::Generation,
    raw::RawSocket,
    reactor::{Reactor, Served, Source},
    socket::{self, Socket},
};

/// How a context is set up.
#[derive(Clone, Debug)]
pub struct ContextOptions {
    /// Threads that move bytes between sockets and the network, 1 to 64; one is enough below about 1 GB/s.
    pub io_threads: u32,
    /// How many sockets may be open at once, 1 to 65535.
    pub max_sockets: u32,
}

impl Default for ContextOptions {
    fn default() -> Self {
        Self { io_threads: 1, max_sockets: 16_384 }
    }
}

/// Owns the I/O threads and the reactor. Clones are the same context; it ends when the last clone and the last
/// handle made from it are gone, and that waits until sent messages have left, at most for the longest linger.
#[derive(Clone)]
pub struct Context {
    inner: Arc<Inner>,
}

struct Inner {
    pointer: NonNull<c_void>,
    generation: Generation,
    reactor: Mutex<Option<Reactor>>,
    names: Arc<AtomicU64>,
    has_authenticator: Arc<AtomicBool>,
}

// SAFETY: a libzmq context is thread-safe; the pointer changes never.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

impl Context {
    /// A context with default options.
    pub fn new() -> Result<Self> {
        Self::with_options(&ContextOptions::default())
    }

    /// A context with these options.
    pub fn with_options(options: &ContextOptions) -> Result<Self> {
        let bad = |name, value: u32, max| {
            Error::new(ErrorKind::InvalidArgument, format!("the option goes from 1 to {max}"))
                .with("option", name)
                .with("value", value)
        };
        if !(1..=64).contains(&options.io_threads) {
            return Err(bad("io_threads", options.io_threads, 64));
        }
        if !(1..=65_535).contains(&options.max_sockets) {
            return Err(bad("max_sockets", options.max_sockets, 65_535));
        }
        // SAFETY: no requirements; null is an error.
        let pointer = NonNull::new(unsafe { libzmq::zmq_ctx_new() }).ok_or_else(|| errno::last("no context"))?;
        // SAFETY: the context is live; both values are in range.
        unsafe {
            libzmq::zmq_ctx_set(pointer.as_ptr(), libzmq::context::IO_THREADS, options.io_threads as i32);
            libzmq::zmq_ctx_set(pointer.as_ptr(), libzmq::context::MAX_SOCKETS, options.max_sockets as i32);
        }
        let inner = Inner {
            pointer,
            generation: Generation::current(),
            reactor: Mutex::new(None),
            names: Arc::default(),
            has_authenticator: Arc::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Opens a socket.
    pub fn socket(&self, kind: SocketKind, options: &SocketOptions) -> Result<Socket> {
        Socket::open(self, kind, options)
    }

    /// Ends every wait in every handle of this context, now and from now on, with [`ErrorKind::Closed`].
    pub fn shutdown(&self) {
        if self.inner.generation.is_current() {
            // SAFETY: the context is live; the call is thread-safe and may be repeated.
            unsafe { libzmq::zmq_ctx_shutdown(self.inner.pointer.as_ptr()) };
        }
    }

    /// For sources, which open sockets and must not keep the context alive.
    pub(crate) fn opener(&self) -> Opener {
        Opener { pointer: self.inner.pointer, names: Arc::clone(&self.inner.names) }
    }

    pub(crate) fn generation(&self) -> Generation {
        self.inner.generation
    }

    pub(crate) fn open_raw(&self, kind: i32) -> Result<RawSocket> {
        self.inner.generation.check()?;
        // SAFETY: the context is live, and every holder of the socket also holds this context.
        unsafe { RawSocket::open(self.inner.pointer, kind) }
    }

    /// Whether somebody decides who may connect.
    pub(crate) fn has_authenticator(&self) -> bool {
        self.inner.has_authenticator.load(Ordering::SeqCst)
    }

    /// [`ErrorKind::WrongState`] if nobody does, for those who want to serve users or keys.
    pub(crate) fn check_authenticator(&self) -> Result<()> {
        if self.has_authenticator() {
            return Ok(());
        }
        let text = "a PLAIN or CURVE server needs to know whom to let in: make the context's authenticator first";
        Err(Error::new(ErrorKind::WrongState, text))
    }

    /// There is an authenticator for as long as the answer is kept.
    pub(crate) fn note_authenticator(&self) -> impl Drop + Send + use<> {
        struct Noted(Arc<AtomicBool>);
        impl Drop for Noted {
            fn drop(&mut self) {
                self.0.store(false, Ordering::SeqCst);
            }
        }
        self.inner.has_authenticator.store(true, Ordering::SeqCst);
        Noted(Arc::clone(&self.inner.has_authenticator))
    }

    /// A name that no other call on this context got.
    pub(crate) fn unique_name(&self, what: &str) -> String {
        unique_name(&self.inner.names, what)
    }

    /// Lets the reactor serve what `make` makes, starting its thread if it has none.
    pub(crate) fn serve<S: Source + 'static>(&self, make: impl FnOnce(Served) -> Result<Arc<S>>) -> Result<Arc<S>> {
        let mut reactor = self.inner.reactor.lock().unwrap_or_else(PoisonError::into_inner);
        let reactor = match &mut *reactor {
            Some(reactor) => reactor,
            none => none.insert(Reactor::start()?),
        };
        reactor.add(make)
    }
}

/// Opens sockets for a source of the reactor: in its turns, because the context ends its reactor, and with it every turn,
/// before it ends itself; or on the thread of somebody who holds the context.
pub(crate) struct Opener {
    pointer: NonNull<c_void>,
    names: Arc<AtomicU64>,
}

// SAFETY: a libzmq context is thread-safe.
unsafe impl Send for Opener {}

impl Opener {
    pub(crate) fn open(&self, kind: SocketKind, options: &SocketOptions) -> Result<RawSocket> {
        // SAFETY: the context lives for as long as its reactor gives turns, and as somebody holds it.
        let mut raw = unsafe { RawSocket::open(self.pointer, kind.number()) }?;
        socket::configure(&mut raw, kind, options)?;
        Ok(raw)
    }

    /// As [`Context::unique_name`].
    pub(crate) fn unique_name(&self, what: &str) -> String {
        unique_name(&self.names, what)
    }
}

fn unique_name(names: &AtomicU64, what: &str) -> String {
    format!("inproc://zpatterns-{what}-{}", names.fetch_add(1, Ordering::Relaxed))
}

impl std::fmt::Debug for Context {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Context")
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // No lock: after a fork a thread that is not here may hold it.
        let mut reactor = self.reactor.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if !self.generation.is_current() {
            // The threads are the parent's, and so are the connections.
            if let Some(reactor) = &mut reactor {
                reactor.forget();
            }
            std::mem::forget(reactor);
            return;
        }
        if let Some(mut reactor) = reactor {
            reactor.stop();
        }
        // SAFETY: the context is live, every socket was closed, and it is terminated only here.
        while unsafe { libzmq::zmq_ctx_term(self.pointer.as_ptr()) } != 0 && errno::last_number() == libc::EINTR {}
    }
}
