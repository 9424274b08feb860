//! Passing messages between two sockets, on threads of core: JavaScript has no part in it.
//!
//! Core waits for the end of a proxy by blocking, so the first time that JavaScript waits, a thread begins to do so.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    thread::{Builder, JoinHandle},
};

use napi::bindgen_prelude::{Env, Object};
use napi_derive::napi;
use zpatterns::{Deadline, Error, ErrorKind, Hook, Result};

use crate::{
    context::Owned,
    environment::{Ending, lock},
    error::{object, raise},
    socket::Socket,
    stats::counters,
};

/// A proxy, and the thread that tells when it ends.
struct Running {
    proxy: Arc<zpatterns::Proxy>,
    watcher: Mutex<Option<JoinHandle<()>>>,
}

impl Running {
    /// Calls `notice` when the proxy ends. A second notice would say nothing new.
    fn watch(&self, notice: Hook) -> Result<()> {
        let mut watcher = lock(&self.watcher);
        if watcher.is_some() {
            return Ok(());
        }
        let proxy = Arc::clone(&self.proxy);
        let watch = move || {
            while proxy.wait(&Deadline::never()).is_err_and(|error| error.kind() == ErrorKind::Interrupted) {}
            notice();
        };
        let failed = |error| Error::new(ErrorKind::TooManyOpen, format!("cannot start a thread: {error}"));
        *watcher = Some(Builder::new().name("zpatterns-watch".into()).spawn(watch).map_err(failed)?);
        Ok(())
    }
}

impl Ending for Arc<Running> {
    fn end(&self) {
        self.proxy.stop();
        if let Some(watcher) = lock(&self.watcher).take() {
            // It sees the end at once. A thread that panicked has ended, too.
            let _ = watcher.join();
        }
    }
}

/// A proxy.
#[napi]
pub struct Proxy {
    id: u32,
    running: Arc<Running>,
    // The contexts of its sockets, which must not end before it.
    contexts: [Arc<Owned>; 2],
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop();
    }
}

#[napi]
impl Proxy {
    /// Starts passing messages.
    #[napi(constructor)]
    pub fn new(env: &Env, front: &Socket, back: &Socket, capture: Option<&Socket>) -> napi::Result<Self> {
        let start = || {
            let capture = capture.map(|socket| socket.socket.get()).transpose()?;
            zpatterns::Proxy::start(&front.socket.get()?, &back.socket.get()?, capture.as_ref())
        };
        let proxy = Arc::new(start().map_err(raise(env))?);
        let running = Arc::new(Running { proxy, watcher: Mutex::default() });
        let contexts = [front, back].map(|socket| Arc::clone(&socket.context));
        let environment = contexts[0].environment();
        let id = environment.next_id();
        environment.remember(id, Arc::clone(&running));
        Ok(Self { id, running, contexts })
    }

    /// The number in this proxy's notice.
    #[napi(getter)]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What was passed on so far.
    #[napi]
    pub fn stats(&self) -> BTreeMap<String, f64> {
        counters(self.running.proxy.stats().fields())
    }

    /// Whether it passes messages on; it stops by itself when a socket of it closes.
    #[napi]
    pub fn is_running(&self) -> bool {
        self.running.proxy.wait(&Deadline::now()).is_err()
    }

    /// The error that says why it ended; nothing while it runs, and then a notice follows when it ends.
    #[napi(ts_return_type = "Error | null")]
    pub fn ended<'env>(&self, env: &'env Env) -> napi::Result<Option<Object<'env>>> {
        if let Ok(why) = self.running.proxy.wait(&Deadline::now()) {
            return object(env, &why).map(Some);
        }
        self.running.watch(self.contexts[0].environment().hook(self.id)).map_err(raise(env))?;
        Ok(None)
    }

    /// Stops passing messages on.
    #[napi]
    pub fn stop(&self) {
        self.contexts[0].environment().forget(self.id);
        self.running.end();
    }
}
