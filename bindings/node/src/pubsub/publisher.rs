//! Who publishes.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use napi::bindgen_prelude::{Either, Env, Object, Unknown};
use napi_derive::napi;
use zpatterns::{
    Deadline, ErrorKind, Hook, Interest, Result,
    pubsub::{Ask, Content, Counters, Entitlements, Publisher as Core, given},
};

use super::{
    counters::{PublisherCounts, SubscriberRow},
    news::PublisherNews,
    options::publisher_options,
};
use crate::{
    context::{Context, Owned},
    environment::{Ending, Handle, lock},
    error::raise,
    pack::frames,
    socket::bytes,
};

/// How much of what happened one call brings at most.
const NEWS: usize = 1000;

/// A publisher, and how long it waits when it closes, unless told otherwise.
#[derive(Clone)]
struct Place {
    publisher: Core,
    linger: Duration,
}

impl Ending for Handle<Place> {
    fn end(&self) {
        if let Some(Place { publisher, linger }) = self.take() {
            publisher.set_hook(None);
            publisher.close(linger);
        }
    }
}

/// Publishes to its subscribers.
#[napi]
pub struct Publisher {
    id: u32,
    endpoints: [Option<String>; 3],
    place: Handle<Place>,
    /// The counters of when it had closed.
    last: Arc<Mutex<Option<Counters>>>,
    // Kept until the publisher is gone, and only then allowed to end.
    context: Arc<Owned>,
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.close(None);
    }
}

/// A publisher on its way out: whatever becomes of the thread that was to close it, it is closed, and JavaScript is told.
struct Closing {
    place: Place,
    last: Arc<Mutex<Option<Counters>>>,
    told: Hook,
}

impl Drop for Closing {
    fn drop(&mut self) {
        let Place { publisher, linger } = &self.place;
        publisher.close(*linger);
        *lock(&self.last) = Some(publisher.counters().unwrap_or_default());
        (self.told)();
    }
}

#[napi]
impl Publisher {
    /// Opens a publisher to which subscribers connect at this endpoint. Its streams are objects whose subjects come beside
    /// them; gathering is in milliseconds.
    #[napi(constructor)]
    pub fn new(
        env: &Env,
        context: &Context,
        endpoint: String,
        streams: Option<Unknown<'_>>,
        subjects: Vec<Vec<String>>,
        gather: Option<f64>,
        options: Object<'_>,
    ) -> napi::Result<Self> {
        let options = publisher_options(env, &options, streams, &subjects, gather)?;
        let context = Arc::clone(&context.0);
        let environment = context.environment();
        let (id, linger) = (environment.next_id(), options.linger);
        let open = |context: zpatterns::Context| Core::bind(&context, &endpoint, options);
        let publisher = context.context().and_then(open).map_err(raise(env))?;
        publisher.set_hook(Some(environment.hook(id)));
        let endpoints = [Some(publisher.endpoint()), publisher.shared_endpoint(), publisher.plain_endpoint()];
        let endpoints = endpoints.map(|endpoint| endpoint.map(Into::into));
        let place = Handle::new(Place { publisher, linger });
        environment.remember(id, place.clone());
        Ok(Self { id, endpoints, place, last: Arc::default(), context })
    }

    /// The number in this publisher's notices.
    #[napi(getter)]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Where subscribers connect, where the shared path is, and where plain sockets connect.
    #[napi(getter)]
    pub fn endpoints(&self) -> Vec<Option<String>> {
        self.endpoints.to_vec()
    }

    /// How long closing waits, in milliseconds, unless told otherwise.
    #[napi(getter)]
    pub fn linger(&self) -> f64 {
        self.place.with(|place| Ok(place.linger.as_secs_f64() * 1000.0)).unwrap_or_default()
    }

    /// The size of a frame that is better copied together with others than sent alone: any.
    #[napi(getter)]
    pub fn coalesces_up_to(&self) -> f64 {
        f64::INFINITY
    }

    /// Publishes packed messages, those from `first` up to `end`, of each of which the first frame is the subject, and
    /// returns how many there was room for; less than all means that a notice follows.
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
        let messages = first as usize..message_ends.len().min(end as usize);
        let contents = messages.map(|message| content(frames(data, frame_ends, message_ends, message)));
        self.publish(contents).map_err(raise(env))
    }

    /// Publishes one message, its subject first; false if there was no room, and then a notice follows.
    #[napi]
    pub fn send(&self, env: &Env, frames: Vec<&[u8]>) -> napi::Result<bool> {
        self.publish([content(frames.into_iter())]).map(|count| count > 0).map_err(raise(env))
    }

    /// Takes what happened; nothing means that a notice follows.
    #[napi]
    pub fn take_news(&self, env: &Env) -> napi::Result<Vec<PublisherNews>> {
        let publisher = self.publisher().map_err(raise(env))?;
        let mut all = Vec::new();
        while all.len() < NEWS {
            match publisher.next(&Deadline::now()) {
                Ok(event) => all.extend(PublisherNews::of(event)),
                // It shows in the next call.
                Err(_) if !all.is_empty() => break,
                Err(error) if error.kind() != ErrorKind::Timeout => return Err(raise(env)(error)),
                Err(_) if publisher.arm(Interest::RECV).is_some() => {}
                Err(_) => break,
            }
        }
        Ok(all)
    }

    /// Lets somebody in, who may hear this.
    #[napi]
    pub fn admit(
        &self,
        env: &Env,
        ask: f64,
        user: Either<String, &[u8]>,
        allow: Vec<String>,
        deny: Vec<String>,
    ) -> napi::Result<()> {
        let admit = || self.publisher()?.admit(Ask(ask as u64), bytes(&user), given::rules(&allow, &deny)?);
        admit().map_err(raise(env))
    }

    /// Does not let somebody in, and says why.
    #[napi]
    pub fn refuse(&self, env: &Env, ask: f64, text: String) -> napi::Result<()> {
        self.publisher().and_then(|publisher| publisher.refuse(Ask(ask as u64), &text)).map_err(raise(env))
    }

    /// From now on this is who may hear what.
    #[napi]
    pub fn set_entitlements(&self, env: &Env, text: Either<String, &[u8]>) -> napi::Result<()> {
        let set = || self.publisher()?.set_entitlements(Entitlements::read(bytes(&text))?);
        set().map_err(raise(env))
    }

    /// From now on this user may hear that.
    #[napi]
    pub fn set_rules(
        &self,
        env: &Env,
        user: Either<String, &[u8]>,
        allow: Vec<String>,
        deny: Vec<String>,
    ) -> napi::Result<()> {
        let set = || self.publisher()?.set_rules(bytes(&user), given::rules(&allow, &deny)?);
        set().map_err(raise(env))
    }

    /// Opens an endpoint where plain sockets hear what this user may, and returns where it is.
    #[napi]
    pub fn open_plain(&self, env: &Env, user: Either<String, &[u8]>, endpoint: String) -> napi::Result<String> {
        self.publisher().and_then(|publisher| publisher.open_plain(bytes(&user), &endpoint)).map_err(raise(env))
    }

    /// Closes such an endpoint.
    #[napi]
    pub fn close_plain(&self, env: &Env, endpoint: String) -> napi::Result<()> {
        self.publisher().and_then(|publisher| publisher.close_plain(&endpoint)).map_err(raise(env))
    }

    /// Forgets a subscriber, and tells it why.
    #[napi]
    pub fn expel(&self, env: &Env, identity: Either<String, &[u8]>, text: String) -> napi::Result<()> {
        self.publisher().and_then(|publisher| publisher.expel(bytes(&identity), &text)).map_err(raise(env))
    }

    /// What it did so far; after closing, the last.
    #[napi]
    pub fn counters(&self, env: &Env) -> napi::Result<PublisherCounts> {
        let last = *lock(&self.last);
        last.map_or_else(|| self.publisher()?.counters(), Ok).map(Into::into).map_err(raise(env))
    }

    /// Who is known, and what became of the publications for each.
    #[napi]
    pub fn subscribers(&self, env: &Env) -> napi::Result<Vec<SubscriberRow>> {
        let all = self.publisher().and_then(|publisher| publisher.subscribers()).map_err(raise(env))?;
        Ok(all.into_iter().map(Into::into).collect())
    }

    /// Begins to close: at most `linger` milliseconds, or the option of that name. A notice follows.
    #[napi]
    pub fn close(&self, linger: Option<f64>) {
        let Some(mut place) = self.place.take() else { return };
        let environment = self.context.environment();
        environment.forget(self.id);
        place.publisher.set_hook(None);
        if let Some(millis) = linger {
            place.linger = Duration::from_secs_f64(millis.clamp(0.0, 1e9) / 1000.0);
        }
        let closing = Closing { place, last: Arc::clone(&self.last), told: environment.hook(self.id) };
        environment.end_later(move || drop(closing));
    }

    /// Whether it has closed.
    #[napi]
    pub fn has_left(&self) -> bool {
        lock(&self.last).is_some()
    }

    fn publisher(&self) -> Result<Core> {
        self.place.with(|place| Ok(place.publisher.clone()))
    }

    /// Publishes as many as there is room for. What is wrong with one shows when it is the first; arms if there is no
    /// room, and tries again if some came in between.
    fn publish(&self, contents: impl IntoIterator<Item = Result<Content>>) -> Result<u32> {
        let publisher = self.publisher()?;
        let mut all = Vec::new();
        for content in contents {
            match content {
                Ok(content) => all.push(content),
                Err(error) if all.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        let all: Arc<[Content]> = all.into();
        loop {
            match publisher.publish_many(Arc::clone(&all), &Deadline::now()) {
                Err(error) if error.kind() == ErrorKind::Timeout => {}
                done => return done.map(|count| count as u32),
            }
            if publisher.arm(Interest::SEND).is_none() {
                return Ok(0);
            }
        }
    }
}

/// What is published, of a message whose first frame is the subject.
fn content<'a>(mut frames: impl Iterator<Item = &'a [u8]>) -> Result<Content> {
    let subject = frames.next().unwrap_or_default();
    Content::new(subject, &frames.collect::<Vec<_>>())
}
