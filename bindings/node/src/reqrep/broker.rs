//! Who stands between those who ask and those who answer.
//!
//! It has one notice for all that JavaScript may wait for: what happens next, that it is drained, and its end.

use std::sync::Arc;

use napi::bindgen_prelude::{Env, Object, Unknown};
use napi_derive::napi;
use zpatterns::{Deadline, ErrorKind, reqrep};

use super::{
    counters::{PeerCounts, RequestCounts, ServiceCounts},
    news::NewsFacts,
    options::{broker_options, plain_endpoints},
};
use crate::{
    context::{Context, Owned},
    environment::Ending,
    error::raise,
};

/// How much of what happened one call brings at most.
const NEWS: usize = 1000;

impl Ending for reqrep::Broker {
    fn end(&self) {
        self.set_hook(None);
        // What else was to be told is told by this, or never.
        self.close();
    }
}

/// A broker.
#[napi]
pub struct Broker {
    id: u32,
    broker: reqrep::Broker,
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
        let open = |context: zpatterns::Context| reqrep::Broker::bind(&context, &endpoints, options);
        let broker = context.context().and_then(open).map_err(raise(env))?;
        broker.set_hook(Some(environment.hook(id)));
        broker.set_end_hook(environment.hook(id)).map_err(raise(env))?;
        environment.remember(id, broker.clone());
        Ok(Self { id, broker, context })
    }

    /// The number in this broker's notices.
    #[napi(getter)]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Where it is reached.
    #[napi(getter)]
    pub fn endpoints(&self) -> Vec<String> {
        self.broker.endpoints().into_iter().map(Into::into).collect()
    }

    /// Takes no more requests. Whether those that are here are answered; if not, a notice follows when they are.
    #[napi]
    pub fn drain(&self, env: &Env) -> napi::Result<bool> {
        match self.broker.drain(&Deadline::now()) {
            Err(error) if error.kind() == ErrorKind::Timeout => {
                let hook = self.context.environment().hook(self.id);
                self.broker.set_drained_hook(hook).map(|()| false)
            }
            drained => drained.map(|()| true),
        }
        .map_err(raise(env))
    }

    /// Whether it ended; a notice follows when it does.
    #[napi]
    pub fn is_ended(&self) -> bool {
        !self.broker.wait(&Deadline::now()).is_err_and(|error| error.kind() == ErrorKind::Timeout)
    }

    /// Takes what happened; nothing means that a notice follows.
    #[napi]
    pub fn take_news(&self, env: &Env) -> napi::Result<Vec<NewsFacts>> {
        let mut all = Vec::new();
        while all.len() < NEWS {
            match self.broker.next(&Deadline::now()) {
                Ok(news) => all.push(news.into()),
                // It shows in the next call.
                Err(_) if !all.is_empty() => break,
                Err(error) if error.kind() != ErrorKind::Timeout => return Err(raise(env)(error)),
                Err(_) if self.broker.arm() => {}
                Err(_) => break,
            }
        }
        Ok(all)
    }

    /// What became of the requests so far.
    #[napi]
    pub fn counters(&self, env: &Env) -> napi::Result<RequestCounts> {
        self.broker.counters().map(Into::into).map_err(raise(env))
    }

    /// The same for each service.
    #[napi]
    pub fn services(&self, env: &Env) -> napi::Result<Vec<ServiceCounts>> {
        let services = self.broker.services().map_err(raise(env))?;
        Ok(services.into_iter().map(Into::into).collect())
    }

    /// The clients and workers that are connected now.
    #[napi]
    pub fn peers(&self, env: &Env) -> napi::Result<Vec<PeerCounts>> {
        let peers = self.broker.peers().map_err(raise(env))?;
        Ok(peers.into_iter().map(Into::into).collect())
    }

    /// Workers connected now.
    #[napi]
    pub fn workers(&self, env: &Env) -> napi::Result<u32> {
        self.broker.workers().map(|workers| workers as u32).map_err(raise(env))
    }

    /// Closes the broker where it is.
    #[napi]
    pub fn close(&self) {
        self.context.environment().forget(self.id);
        self.broker.end();
    }
}
