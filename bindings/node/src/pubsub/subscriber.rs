//! Who hears.

use std::sync::Arc;

use napi::bindgen_prelude::{ArrayBuffer, Either, Env, Object};
use napi_derive::napi;
use zpatterns::{
    Deadline, ErrorKind, Result,
    pubsub::{Subscriber as Core, SubscriberEvent, Subscription},
};

use super::{
    counters::{SubscriberCounts, ViewRow},
    options::{criterion, subscriber_options, subscription_options},
    packed::packed,
};
use crate::{
    context::{Context, Owned},
    environment::{Ending, Handle},
    error::raise,
    packing::{BYTES, MESSAGES},
    socket::bytes,
};

impl Ending for Handle<Core> {
    fn end(&self) {
        if let Some(subscriber) = self.take() {
            subscriber.set_hook(None);
            subscriber.close();
        }
    }
}

/// Hears what it asks for.
#[napi]
pub struct Subscriber {
    id: u32,
    endpoint: Option<String>,
    subscriber: Handle<Core>,
    // Kept until the subscriber is gone, and only then allowed to end.
    context: Arc<Owned>,
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.close();
    }
}

#[napi]
impl Subscriber {
    /// A subscriber of the publisher at this endpoint.
    #[napi(constructor)]
    pub fn new(env: &Env, context: &Context, publisher: String, options: Object<'_>) -> napi::Result<Self> {
        let options = subscriber_options(env, &options)?;
        let context = Arc::clone(&context.0);
        let environment = context.environment();
        let id = environment.next_id();
        let open = |context: zpatterns::Context| Core::connect(&context, &publisher, options);
        let subscriber = context.context().and_then(open).map_err(raise(env))?;
        subscriber.set_hook(Some(environment.hook(id)));
        let endpoint = subscriber.endpoint().map(Into::into);
        let subscriber = Handle::new(subscriber);
        environment.remember(id, subscriber.clone());
        Ok(Self { id, endpoint, subscriber, context })
    }

    /// The number in this subscriber's notices.
    #[napi(getter)]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The endpoint that it has bound, if it has one.
    #[napi(getter)]
    pub fn endpoint(&self) -> Option<String> {
        self.endpoint.clone()
    }

    /// Asks for the subjects of a pattern, or of a prefix.
    #[napi]
    pub fn subscribe(
        &self,
        env: &Env,
        text: Either<String, &[u8]>,
        is_prefix: bool,
        options: Object<'_>,
    ) -> napi::Result<u32> {
        let options = subscription_options(env, &options)?;
        let subscribe = || self.subscriber.get()?.subscribe(criterion(bytes(&text), is_prefix)?, options);
        subscribe().map(|Subscription(number)| number).map_err(raise(env))
    }

    /// Wants that no more.
    #[napi]
    pub fn unsubscribe(&self, env: &Env, subscription: u32) -> napi::Result<()> {
        let unsubscribe = || self.subscriber.get()?.unsubscribe(Subscription(subscription));
        unsubscribe().map_err(raise(env))
    }

    /// Takes publications and events. Nothing, if there is none, and then a notice follows.
    #[napi]
    pub fn drain<'env>(&self, env: &'env Env) -> napi::Result<Option<ArrayBuffer<'env>>> {
        let taken = self.take().map_err(raise(env))?;
        taken.map(|events| packed(&events).seal(env)).transpose()
    }

    /// What it got so far.
    #[napi]
    pub fn counters(&self, env: &Env) -> napi::Result<SubscriberCounts> {
        self.subscriber.get().and_then(|subscriber| subscriber.counters()).map(Into::into).map_err(raise(env))
    }

    /// How far each subscription is, by stream.
    #[napi]
    pub fn views(&self, env: &Env) -> napi::Result<Vec<ViewRow>> {
        let views = self.subscriber.get().and_then(|subscriber| subscriber.views()).map_err(raise(env))?;
        Ok(views.into_iter().map(Into::into).collect())
    }

    /// Says goodbye.
    #[napi]
    pub fn close(&self) {
        self.context.environment().forget(self.id);
        self.subscriber.end();
    }

    /// What there is; arms if that is nothing, and looks again if something came in between.
    fn take(&self) -> Result<Option<Vec<SubscriberEvent>>> {
        let subscriber = self.subscriber.get()?;
        loop {
            match subscriber.recv_many(MESSAGES, BYTES, &Deadline::now()) {
                Err(error) if error.kind() == ErrorKind::Timeout => {}
                taken => return taken.map(Some),
            }
            if !subscriber.arm() {
                return Ok(None);
            }
        }
    }
}
