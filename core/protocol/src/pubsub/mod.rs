//! Custom publish-subscribe: who may hear what, and nothing missed in silence.
//!
//! A PUB socket does not know who listens, cannot refuse anybody, and drops what a slow subscriber does not take without a word.
//! Here a subscriber asks, with credentials, for what it wants; the publisher decides, serves, counts, and can take it back; and a
//! subscriber is told what it missed, and gets it again while the publisher's history lasts.
//!
//! * [`Publisher`] numbers what is published, by streams, keeps a history of it, and knows of every subscriber how far it is.
//! * [`Subscriber`] puts together what comes over the connection to the publisher, over an endpoint of its own, or over the PUB socket
//!   that everybody hears, and asks for what is missing.
//!
//! Between the two is a [`link`](crate::link) that outlives its connections, and one `wire`. What a subscription asks for is a
//! [`Criterion`]; [`Routes`] finds those that ask for a subject; [`Rules`] say who may hear it. A `view` is one subscription's part of
//! one stream. The specification, with the table of failures, is `docs/protocols/pubsub.md`.

mod archive;
mod content;
mod counters;
mod entitlements;
mod followers;
mod history;
mod options;
mod publisher;
mod routes;
mod subject;
mod subscriber;
#[cfg(test)]
mod tests;
mod view;
pub mod wire;

pub use self::{
    content::{Content, MAX_FRAMES},
    counters::{Books, Counters, LostReason, SubscriberCounters, SubscriberInfo, ViewInfo},
    entitlements::{Credential, Entitlements, MAX_RULES, MAX_SECRET, Rules},
    options::{
        Access, MAX_SIZE, PublisherOptions, Snail, Start, StreamOptions, SubscriberOptions, SubscriptionOptions,
    },
    publisher::{Publisher, PublisherCommand, PublisherEvent},
    routes::{RouteId, Routes},
    subject::{Criterion, MAX_LEVELS, MAX_SUBJECT, check_subject},
    subscriber::{Message, Subscriber, SubscriberCommand, SubscriberEvent},
    wire::{Missed, Number, Policy, Slow, StreamId, Taken},
};
