//! Who stands between those who ask and those who answer.
//!
//! Core waits for a broker by blocking, so the first time that JavaScript waits, a thread begins to do so: for the end,
//! and, once it was told to drain, for that first.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{Builder, JoinHandle},
};

use napi::bindgen_prelude::{Env, Object, Unknown};
use napi_derive::napi;
use zpatterns::{Cancel, Deadline, Error, ErrorKind, Hook, Result, reqrep};

use super::{
    counters::{PeerCounts, RequestCounts, ServiceCounts},
    options::{broker_options, plain_endpoints},
};
use crate::{
    context::{Context, Owned},
    environment::{Ending, lock},
    error::raise,
};

/// A broker, and the thread that tells when it is drained and when it ends.
struct Running {
    broker: reqrep::Broker,
    draining: AtomicBool,
    drained: AtomicBool,
    ended: AtomicBool,
    /// Calls the thread away from waiting for the end.
    drain: Cancel,
    watcher: Mutex<Option<JoinHandle<()>>>,
}

impl Running {
    /// Calls `notice` when the broker is drained and when it ends.
    fn watch(self: &Arc<Self>, notice: Hook) -> Result<()> {
        let mut watcher = lock(&self.watcher);
        if watcher.is_some() {
            return Ok(());
        }
        let running = Arc::clone(self);
        let watch = move || {
            while !running.ended.load(Ordering::SeqCst) {
                running.step();
                notice();
            }
        };
        let failed = |error| Error::new(ErrorKind::TooManyOpen, format!("cannot start a thread: {error}"));
        *watcher = Some(Builder::new().name("zpatterns-watch".into()).spawn(watch).map_err(failed)?);
        Ok(())
    }

    /// Waits for what comes next.
    fn step(&self) {
        let (broker, drained) = (&self.broker, self.drained.load(Ordering::SeqCst));
        let outcome = if drained {
            broker.wait(&Deadline::never())
        } else if self.draining.load(Ordering::SeqCst) {
            let drain = broker.drain(&Deadline::never());
            self.drained.store(drain.is_ok(), Ordering::SeqCst);
            drain.and(Err(Error::new(ErrorKind::Interrupted, "the end is still to come")))
        } else {
            broker.wait(&Deadline::never().or(&self.drain))
        };
        let goes_on = |error: &Error| matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::Cancelled);
        self.ended.store(!outcome.is_err_and(|error| goes_on(&error)), Ordering::SeqCst);
    }
}

impl Ending for Arc<Running> {
    fn end(&self) {
        self.broker.close();
        if let Some(watcher) = lock(&self.watcher).take() {
            // It sees the end at once. A thread that panicked has ended, too.
            let _ = watcher.join();
        }
    }
}

/// A broker.
#[napi]
pub struct Broker {
    id: u32,
    running: Arc<Running>,
    // Kept until the broker is gone, and only then allowed to end.
    context: Arc<Owned>,
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.close();
    }
}

#[napi]
impl Broker {
    /// Opens a broker that is reached at these endpoints, and by old programs at the plain ones.
    #[napi(constructor)]
    pub fn new(
        env: &Env,
        context: &Context,
        endpoints: Vec<String>,
        plain: Unknown<'_>,
        options: Object<'_>,
    ) -> napi::Result<Self> {
        let mut options = broker_options(env, &options)?;
        options.plain = plain_endpoints(env, plain)?;
        let context = Arc::clone(&context.0);
        let environment = context.environment();
        let id = environment.next_id();
        let endpoints: Vec<&str> = endpoints.iter().map(String::as_str).collect();
        let open = |context: zpatterns::Context| {
            Ok(Running {
                broker: reqrep::Broker::bind(&context, &endpoints, options)?,
                draining: AtomicBool::new(false),
                drained: AtomicBool::new(false),
                ended: AtomicBool::new(false),
                drain: Cancel::new()?,
                watcher: Mutex::default(),
            })
        };
        let running = Arc::new(context.context().and_then(open).map_err(raise(env))?);
        environment.remember(id, Arc::clone(&running));
        Ok(Self { id, running, context })
    }

    /// The number in this broker's notices.
    #[napi(getter)]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Where it is reached.
    #[napi(getter)]
    pub fn endpoints(&self) -> Vec<String> {
        self.running.broker.endpoints().into_iter().map(Into::into).collect()
    }

    /// Takes no more requests.
    #[napi]
    pub fn drain(&self) {
        self.running.draining.store(true, Ordering::SeqCst);
        self.running.drain.cancel();
    }

    /// Whether it is drained; a notice follows when that changes.
    #[napi]
    pub fn is_drained(&self, env: &Env) -> napi::Result<bool> {
        self.look(env, &self.running.drained)
    }

    /// Whether it ended; a notice follows when that changes.
    #[napi]
    pub fn is_ended(&self, env: &Env) -> napi::Result<bool> {
        self.look(env, &self.running.ended)
    }

    /// What became of the requests so far.
    #[napi]
    pub fn counters(&self, env: &Env) -> napi::Result<RequestCounts> {
        self.running.broker.counters().map(Into::into).map_err(raise(env))
    }

    /// The same for each service.
    #[napi]
    pub fn services(&self, env: &Env) -> napi::Result<Vec<ServiceCounts>> {
        let services = self.running.broker.services().map_err(raise(env))?;
        Ok(services.into_iter().map(Into::into).collect())
    }

    /// The clients and workers that are connected now.
    #[napi]
    pub fn peers(&self, env: &Env) -> napi::Result<Vec<PeerCounts>> {
        let peers = self.running.broker.peers().map_err(raise(env))?;
        Ok(peers.into_iter().map(Into::into).collect())
    }

    /// Workers connected now.
    #[napi]
    pub fn workers(&self, env: &Env) -> napi::Result<u32> {
        self.running.broker.workers().map(|workers| workers as u32).map_err(raise(env))
    }

    /// Closes the broker where it is.
    #[napi]
    pub fn close(&self) {
        self.context.environment().forget(self.id);
        self.running.end();
    }

    fn look(&self, env: &Env, fact: &AtomicBool) -> napi::Result<bool> {
        self.running.watch(self.context.environment().hook(self.id)).map_err(raise(env))?;
        Ok(fact.load(Ordering::SeqCst))
    }
}
