//! Passing messages between two sockets, on threads of core: JavaScript has no part in it.

use std::sync::Arc;

use napi::bindgen_prelude::Env;
use napi_derive::napi;
use zpatterns::{Deadline, ErrorKind};

use crate::{
    context::Owned,
    environment::{Ending, Handle},
    error::raise,
    socket::Socket,
};

impl Ending for Handle<zpatterns::Proxy> {
    fn end(&self) {
        drop(self.take());
    }
}

/// What a proxy has passed on.
#[napi(object)]
pub struct ProxyCounts {
    /// Messages from the front to the back.
    pub forward_messages: f64,
    /// Their bytes.
    pub forward_bytes: f64,
    /// Messages from the back to the front.
    pub backward_messages: f64,
    /// Their bytes.
    pub backward_bytes: f64,
    /// Messages that the capture socket had no room for.
    pub capture_lost: f64,
    /// Messages that the other side refused.
    pub lost_refused: f64,
    /// Messages for which the other side had no room when the proxy stopped.
    pub lost_stopped: f64,
}

/// A proxy.
#[napi]
pub struct Proxy {
    id: u32,
    proxy: Handle<zpatterns::Proxy>,
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
        let proxy = Handle::new(start().map_err(raise(env))?);
        let contexts = [front, back].map(|socket| Arc::clone(&socket.context));
        let environment = contexts[0].environment();
        let id = environment.next_id();
        environment.remember(id, proxy.clone());
        Ok(Self { id, proxy, contexts })
    }

    /// What was passed on so far.
    #[napi]
    pub fn stats(&self, env: &Env) -> napi::Result<ProxyCounts> {
        let stats = self.proxy.with(|proxy| Ok(proxy.stats())).map_err(raise(env))?;
        Ok(ProxyCounts {
            forward_messages: stats.forward_messages as f64,
            forward_bytes: stats.forward_bytes as f64,
            backward_messages: stats.backward_messages as f64,
            backward_bytes: stats.backward_bytes as f64,
            capture_lost: stats.capture_lost as f64,
            lost_refused: stats.lost_refused as f64,
            lost_stopped: stats.lost_stopped as f64,
        })
    }

    /// Whether it passes messages on; it stops by itself when a socket of it closes.
    #[napi]
    pub fn is_running(&self) -> bool {
        let outcome = self.proxy.with(|proxy| proxy.wait(&Deadline::now()));
        outcome.is_err_and(|error| error.kind() == ErrorKind::Timeout)
    }

    /// Stops passing messages on.
    #[napi]
    pub fn stop(&self) {
        self.contexts[0].environment().forget(self.id);
        self.proxy.end();
    }
}
