//! Contexts.
//!
//! A context ends when the last handle of it is gone, and that waits until sent messages have left, at most for the
//! longest linger. JavaScript must not wait because a collector ran, so a context that is collected ends on a thread of
//! its own.

use std::sync::Arc;

use napi::bindgen_prelude::Env;
use napi_derive::napi;
use zpatterns::{ContextOptions, Error, ErrorKind};

use crate::{
    environment::{Ending, Environment, Handle, Shared},
    error::raise,
};

impl Ending for Handle<zpatterns::Context> {
    fn end(&self) {
        drop(self.take());
    }
}

/// A context, as it and its sockets hold it.
pub(crate) struct Owned {
    id: u32,
    context: Handle<zpatterns::Context>,
    environment: Arc<Shared>,
}

impl Owned {
    pub(crate) fn context(&self) -> zpatterns::Result<zpatterns::Context> {
        self.context.get()
    }

    pub(crate) fn environment(&self) -> &Arc<Shared> {
        &self.environment
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.environment.forget(self.id);
        if let Some(context) = self.context.take() {
            self.environment.end_later(move || drop(context));
        }
    }
}

/// The I/O threads, the reactor, and everything that lives by inproc names.
#[napi]
pub struct Context(pub(crate) Arc<Owned>);

#[napi]
impl Context {
    /// Opens a context.
    #[napi(constructor)]
    pub fn new(
        env: &Env,
        environment: &Environment,
        io_threads: Option<f64>,
        max_sockets: Option<f64>,
    ) -> napi::Result<Self> {
        let defaults = ContextOptions::default();
        let options = ContextOptions {
            io_threads: count(io_threads, defaults.io_threads, "ioThreads").map_err(raise(env))?,
            max_sockets: count(max_sockets, defaults.max_sockets, "maxSockets").map_err(raise(env))?,
        };
        let context = Handle::new(zpatterns::Context::with_options(&options).map_err(raise(env))?);
        let environment = Arc::clone(&environment.shared);
        let id = environment.next_id();
        environment.remember(id, context.clone());
        Ok(Self(Arc::new(Owned { id, context, environment })))
    }

    /// Ends every wait in every handle, now and from now on, with `Closed`.
    #[napi]
    pub fn shutdown(&self, env: &Env) -> napi::Result<()> {
        self.0.context().map(|context| context.shutdown()).map_err(raise(env))
    }
}

fn count(given: Option<f64>, default: u32, name: &'static str) -> zpatterns::Result<u32> {
    let Some(number) = given else { return Ok(default) };
    crate::options::whole(number).and_then(|number| u32::try_from(number).ok()).ok_or_else(|| {
        Error::new(ErrorKind::InvalidArgument, "the option takes a whole number")
            .with("option", name)
            .with("value", number)
    })
}
