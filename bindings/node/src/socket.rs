//! A background socket of core as a class.
//!
//! A call that finds nothing to do leaves an order for a notice behind, in the same crossing: `drain` without a
//! message and a send without room arm the socket, and `notice(id)` follows once.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use napi::bindgen_prelude::{Either, Env, Object};
use napi_derive::napi;
use zpatterns::{Deadline, Error, ErrorKind, Interest, SocketKind};

use crate::{
    context::{Context, Owned},
    environment::{Ending, Handle},
    error::raise,
    options::socket_options,
    pack::{Packed, pack, unpack},
    stats::counters,
};

pub(crate) fn bytes<'a>(prefix: &'a Either<String, &[u8]>) -> &'a [u8] {
    match prefix {
        Either::A(text) => text.as_bytes(),
        Either::B(bytes) => bytes,
    }
}

impl Ending for Handle<zpatterns::Socket> {
    fn end(&self) {
        if let Some(socket) = self.take() {
            close(&socket, None);
        }
    }
}

fn close(socket: &zpatterns::Socket, linger: Option<Duration>) {
    // Only a socket without a background has no hook.
    let _ = socket.set_hook(None);
    socket.close(linger);
}

/// A socket.
#[napi]
pub struct Socket {
    id: u32,
    kind: SocketKind,
    max_message_size: i64,
    pub(crate) socket: Handle<zpatterns::Socket>,
    // Kept until the socket is gone, and only then allowed to end.
    pub(crate) context: Arc<Owned>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.context.environment().forget(self.id);
        self.socket.end();
    }
}

#[napi]
impl Socket {
    /// Opens a socket of the type with this name.
    #[napi(constructor)]
    pub fn new(env: &Env, context: &Context, kind: String, options: Object<'_>) -> napi::Result<Self> {
        let kind = SocketKind::from_name(&kind).ok_or_else(|| {
            raise(env)(Error::new(ErrorKind::InvalidArgument, "there is no such socket type").with("type", &kind))
        })?;
        let options = socket_options(env, &options)?;
        let context = Arc::clone(&context.0);
        let environment = context.environment();
        let id = environment.next_id();
        let socket = context.context().and_then(|context| context.socket(kind, &options)).map_err(raise(env))?;
        socket.set_hook(Some(environment.hook(id))).map_err(raise(env))?;
        let socket = Handle::new(socket);
        environment.remember(id, socket.clone());
        Ok(Self { id, kind, max_message_size: options.max_message_size, socket, context })
    }

    /// The number in this socket's notices.
    #[napi(getter)]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The type in lower case.
    #[napi(getter)]
    pub fn kind(&self) -> &'static str {
        self.kind.name()
    }

    /// The largest frame that every send may promise to take without asking core: larger ones, and every frame of a
    /// type that can refuse a single message (an unknown peer, a wrong turn) or cannot send at all, are sent at once,
    /// so that the caller hears of a refusal. -1 is none.
    #[napi(getter)]
    pub fn coalesces_up_to(&self) -> f64 {
        use SocketKind::{Rep, Req, Router, Stream};
        let refuses = !self.kind.sends() || matches!(self.kind, Req | Rep | Router | Stream);
        if refuses { -1.0 } else { self.max_message_size as f64 }
    }

    /// Binds and returns the endpoint as it became.
    #[napi]
    pub fn bind(&self, env: &Env, endpoint: String) -> napi::Result<String> {
        self.socket.get().and_then(|socket| socket.bind(&endpoint)).map_err(raise(env))
    }

    /// Connects, in the background.
    #[napi]
    pub fn connect(&self, env: &Env, endpoint: String) -> napi::Result<()> {
        self.socket.get().and_then(|socket| socket.connect(&endpoint)).map_err(raise(env))
    }

    /// Stops listening.
    #[napi]
    pub fn unbind(&self, env: &Env, endpoint: String) -> napi::Result<()> {
        self.socket.get().and_then(|socket| socket.unbind(&endpoint)).map_err(raise(env))
    }

    /// Ends a connection.
    #[napi]
    pub fn disconnect(&self, env: &Env, endpoint: String) -> napi::Result<()> {
        self.socket.get().and_then(|socket| socket.disconnect(&endpoint)).map_err(raise(env))
    }

    /// SUB: subscribes.
    #[napi]
    pub fn subscribe(&self, env: &Env, prefix: Either<String, &[u8]>) -> napi::Result<()> {
        self.socket.get().and_then(|socket| socket.subscribe(bytes(&prefix))).map_err(raise(env))
    }

    /// SUB: takes one subscription back.
    #[napi]
    pub fn unsubscribe(&self, env: &Env, prefix: Either<String, &[u8]>) -> napi::Result<()> {
        self.socket.get().and_then(|socket| socket.unsubscribe(bytes(&prefix))).map_err(raise(env))
    }

    /// Sends packed messages, those from `first` up to `end`, and returns how many were sent. 0 means that there was
    /// no room, and then a notice follows. If the next message is refused, that shows when it is the first.
    #[napi]
    pub fn send_packed(
        &self,
        env: &Env,
        data: &[u8],
        frame_ends: &[u32],
        message_ends: &[u32],
        first: u32,
        end: u32,
    ) -> napi::Result<u32> {
        let mut batch = unpack(data, frame_ends, message_ends, first as usize..end as usize).map_err(raise(env))?;
        let sent =
            self.until(Interest::SEND, ErrorKind::Full, |socket| socket.send_many(&mut batch, 0, &Deadline::now()));
        Ok(sent.map_err(raise(env))?.unwrap_or(0) as u32)
    }

    /// Sends one message; false if there was no room, and then a notice follows.
    #[napi]
    pub fn send(&self, env: &Env, frames: Vec<&[u8]>) -> napi::Result<bool> {
        let send = |socket: &zpatterns::Socket| socket.send_multipart(&frames, &Deadline::now());
        Ok(self.until(Interest::SEND, ErrorKind::Full, send).map_err(raise(env))?.is_some())
    }

    /// Takes messages, at least one, up to `max_messages` and no further once `max_bytes` are reached; nothing if
    /// there is none, and then a notice follows.
    #[napi]
    pub fn drain<'env>(&self, env: &'env Env, max_messages: u32, max_bytes: u32) -> napi::Result<Option<Packed<'env>>> {
        let drained = self.until(Interest::RECV, ErrorKind::Timeout, |socket| {
            socket.recv_many(max_messages as usize, max_bytes as usize, &Deadline::now())
        });
        drained.map_err(raise(env))?.map(|batch| pack(env, batch)).transpose()
    }

    /// The counters.
    #[napi]
    pub fn stats(&self, env: &Env) -> napi::Result<BTreeMap<String, f64>> {
        self.socket.get().map(|socket| counters(socket.stats().fields())).map_err(raise(env))
    }

    /// Closes and returns the last counters. What is not yet sent survives for `linger` milliseconds, or the option of
    /// that name. Nothing if it is closed already.
    #[napi]
    pub fn close(&self, linger: Option<f64>) -> Option<BTreeMap<String, f64>> {
        self.context.environment().forget(self.id);
        let socket = self.socket.take()?;
        close(&socket, linger.map(|millis| Duration::from_secs_f64(millis.clamp(0.0, 1e9) / 1000.0)));
        Some(counters(socket.stats().fields()))
    }

    /// Attempts until it has something; arms when it has not, and looks again if something came in between.
    fn until<T>(
        &self,
        interest: Interest,
        not_yet: ErrorKind,
        mut attempt: impl FnMut(&zpatterns::Socket) -> zpatterns::Result<T>,
    ) -> zpatterns::Result<Option<T>> {
        let socket = self.socket.get()?;
        loop {
            match attempt(&socket) {
                Err(error) if error.kind() == not_yet => {}
                done => return done.map(Some),
            }
            if socket.arm(interest)?.is_none() {
                return Ok(None);
            }
        }
    }
}
