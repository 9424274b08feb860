//! Who keeps the jobs.
//!
//! It has one notice for all that JavaScript may wait for: that it is drained, and its end.

use std::sync::Arc;

use napi::bindgen_prelude::{Env, Object, Unknown};
use napi_derive::napi;
use zpatterns::{Deadline, ErrorKind, zqueue};

use super::{
    counters::{JobCounts, QueueCounts},
    options::{orders, queue_options},
};
use crate::{
    context::{Context, Owned},
    environment::Ending,
    error::raise,
};

impl Ending for zqueue::Queue {
    fn end(&self) {
        self.close();
    }
}

/// A queue.
#[napi]
pub struct Queue {
    id: u32,
    queue: zqueue::Queue,
    // Kept until the queue is gone, and only then allowed to end.
    context: Arc<Owned>,
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.close();
    }
}

#[napi]
impl Queue {
    /// Opens a queue that is reached at these endpoints; some of its queues may have an order of their own.
    #[napi(constructor)]
    pub fn new(
        env: &Env,
        context: &Context,
        endpoints: Vec<String>,
        own_orders: Unknown<'_>,
        options: Object<'_>,
    ) -> napi::Result<Self> {
        let mut options = queue_options(env, &options)?;
        options.orders = orders(env, own_orders)?;
        let context = Arc::clone(&context.0);
        let environment = context.environment();
        let id = environment.next_id();
        let endpoints: Vec<&str> = endpoints.iter().map(String::as_str).collect();
        let open = |context: zpatterns::Context| zqueue::Queue::bind(&context, &endpoints, options);
        let queue = context.context().and_then(open).map_err(raise(env))?;
        queue.set_end_hook(environment.hook(id)).map_err(raise(env))?;
        environment.remember(id, queue.clone());
        Ok(Self { id, queue, context })
    }

    /// The number in this queue's notices.
    #[napi(getter)]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Where it is reached.
    #[napi(getter)]
    pub fn endpoints(&self) -> Vec<String> {
        self.queue.endpoints().into_iter().map(Into::into).collect()
    }

    /// Takes no more jobs. Whether those that are here have ended; if not, a notice follows when they have.
    #[napi]
    pub fn drain(&self, env: &Env) -> napi::Result<bool> {
        match self.queue.drain(&Deadline::now()) {
            Err(error) if error.kind() == ErrorKind::Timeout => {
                let hook = self.context.environment().hook(self.id);
                self.queue.set_drained_hook(hook).map(|()| false)
            }
            drained => drained.map(|()| true),
        }
        .map_err(raise(env))
    }

    /// Whether it ended; a notice follows when it does.
    #[napi]
    pub fn is_ended(&self) -> bool {
        !self.queue.wait(&Deadline::now()).is_err_and(|error| error.kind() == ErrorKind::Timeout)
    }

    /// What became of the jobs so far.
    #[napi]
    pub fn counters(&self, env: &Env) -> napi::Result<JobCounts> {
        self.queue.counters().map(Into::into).map_err(raise(env))
    }

    /// The same of each queue.
    #[napi]
    pub fn queues(&self, env: &Env) -> napi::Result<Vec<QueueCounts>> {
        let queues = self.queue.queues().map_err(raise(env))?;
        Ok(queues.into_iter().map(Into::into).collect())
    }

    /// Workers connected now.
    #[napi]
    pub fn workers(&self, env: &Env) -> napi::Result<u32> {
        self.queue.workers().map(|workers| workers as u32).map_err(raise(env))
    }

    /// Closes the queue where it is.
    #[napi]
    pub fn close(&self) {
        self.context.environment().forget(self.id);
        self.queue.end();
    }
}
