//! Custom publish-subscribe. `zpatterns.pubsub` is the public face.

mod counters;
mod event;
mod options;
mod publisher;
mod subscriber;

pub(crate) use self::{event::Message, publisher::Publisher, subscriber::Subscriber};
