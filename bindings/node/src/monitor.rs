//! The connection events of a socket, in batches.

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

/// What one call brings at most.
const EVENTS: usize = 1000;

impl Ending for Handle<zpatterns::Monitor> {
    fn end(&self) {
        if let Some(monitor) = self.take() {
            // A monitor is a background socket, which has a hook.
            let _ = monitor.set_hook(None);
            monitor.close();
        }
    }
}

/// Something that happened to a connection.
#[napi(object)]
pub struct ConnectionEvent {
    /// The kind in snake case.
    pub kind: String,
    /// The endpoint that it happened to; may be empty.
    pub endpoint: String,
    /// As the kind says.
    pub value: u32,
}

/// A monitor.
#[napi]
pub struct Monitor {
    id: u32,
    monitor: Handle<zpatterns::Monitor>,
    context: Arc<Owned>,
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.close();
    }
}

#[napi]
impl Monitor {
    /// Watches the connections of a socket from now on.
    #[napi(constructor)]
    pub fn new(env: &Env, socket: &Socket) -> napi::Result<Self> {
        let context = Arc::clone(&socket.context);
        let environment = context.environment();
        let id = environment.next_id();
        let monitor = socket.socket.get().and_then(|socket| socket.monitor()).map_err(raise(env))?;
        monitor.set_hook(Some(environment.hook(id))).map_err(raise(env))?;
        let monitor = Handle::new(monitor);
        environment.remember(id, monitor.clone());
        Ok(Self { id, monitor, context })
    }

    /// The number in this monitor's notices.
    #[napi(getter)]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Takes the events that are there; none means that a notice follows.
    #[napi]
    pub fn drain(&self, env: &Env) -> napi::Result<Vec<ConnectionEvent>> {
        let monitor = self.monitor.get().map_err(raise(env))?;
        let mut events = Vec::new();
        while events.len() < EVENTS {
            match monitor.next(&Deadline::now()) {
                Ok(event) => events.push(ConnectionEvent {
                    kind: event.kind.name().into(),
                    endpoint: event.endpoint,
                    value: event.value,
                }),
                Err(error) if error.kind() != ErrorKind::Timeout => return Err(raise(env)(error)),
                Err(_) if !events.is_empty() || !monitor.arm().map_err(raise(env))? => break,
                Err(_) => {}
            }
        }
        Ok(events)
    }

    /// How many events were dropped because the program left too many lying.
    #[napi]
    pub fn lost(&self, env: &Env) -> napi::Result<f64> {
        self.monitor.with(|monitor| Ok(monitor.lost() as f64)).map_err(raise(env))
    }

    /// Stops listening to events. The socket goes on.
    #[napi]
    pub fn close(&self) {
        self.context.environment().forget(self.id);
        self.monitor.end();
    }
}
