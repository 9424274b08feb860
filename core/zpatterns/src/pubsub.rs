//! Custom publish-subscribe: who may hear what, and nothing missed in silence.
//!
//! A [`Publisher`] knows its [`Subscriber`]s: they say who they are and what they want, and it decides, serves, counts, and can
//! take it back. Who is slow is waited for, or loses the oldest, or is sent away, as it chose; and whoever missed something is told
//! what, in its place: [`SubscriberEvent::Missed`] stands where something is missing, and never silence or a repetition. What
//! everybody may hear leaves once for all. The specification is `docs/protocols/pubsub.md`.
//!
//! ```
//! use zpatterns::{
//!     Context, Deadline,
//!     pubsub::{
//!         Access, Credential, Criterion, Entitlements, Publisher, PublisherOptions, Subscriber, SubscriberEvent,
//!         SubscriberOptions, SubscriptionOptions,
//!     },
//! };
//! # fn main() -> zpatterns::Result<()> {
//! let context = Context::new()?;
//! let entitlements = Entitlements::read(b"user\n    alice\n        password = secret\n        allow = ticks.eur.*\n")?;
//! let access = Access::Entitlements(Box::new(entitlements));
//! let options = PublisherOptions { access, ..PublisherOptions::default() };
//! let publisher = Publisher::bind(&context, "tcp://127.0.0.1:0", options)?;
//!
//! let credential = Credential::Password { user: "alice".into(), password: "secret".into() };
//! let options = SubscriberOptions { credential, ..SubscriberOptions::default() };
//! let subscriber = Subscriber::connect(&context, publisher.endpoint(), options)?;
//! subscriber.subscribe(Criterion::pattern("ticks.>")?, SubscriptionOptions::default())?;
//! let deadline = Deadline::after(std::time::Duration::from_secs(5));
//! while !matches!(subscriber.recv(&deadline)?, SubscriberEvent::Subscribed { .. }) {}
//!
//! publisher.publish(b"ticks.usd.jpy", &["151.20"], &deadline)?;
//! publisher.publish(b"ticks.eur.usd", &["1.0842"], &deadline)?;
//! let SubscriberEvent::Message { subject, frames, .. } = subscriber.recv(&deadline)? else { panic!("nothing is missed") };
//! assert_eq!((&subject[..], &frames[0][..]), (&b"ticks.eur.usd"[..], &b"1.0842"[..]));
//! # Ok(())
//! # }
//! ```

mod event;
pub mod given;
mod publisher;
mod subscriber;

pub use zpatterns_engine::{ClientSecurity, Security, ServerSecurity};
pub use zpatterns_protocol::{
    machine::Frames,
    pubsub::{
        Access, Books, Content, Counters, Credential, Criterion, Entitlements, LostReason, MAX_FRAMES, MAX_RULES,
        MAX_SECRET, MAX_SIZE, MAX_SUBJECT, Policy, Rules, Slow, Snail, Start, StreamOptions, SubscriberCounters,
        SubscriberInfo, ViewInfo, check_subject,
    },
};

pub use self::{
    event::{SubscriberEvent, Subscription},
    publisher::{Ask, Publisher, PublisherEvent, PublisherOptions},
    subscriber::{Subscriber, SubscriberOptions, SubscriptionOptions},
};
pub use crate::host::Heartbeat;
