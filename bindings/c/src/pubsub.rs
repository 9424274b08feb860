//! Custom publish-subscribe: `core/zpatterns/src/pubsub.rs` for C, one file per thing.
//!
//! What a subscriber hears comes as events, many at a time, because most of it is publications. What a publisher is
//! told comes one by one, because each may want an answer.

pub(crate) mod fields;
pub mod publisher;
pub mod publisher_event;
pub mod publisher_options;
pub mod publisher_tallies;
pub mod rights;
pub mod streams;
pub mod subscriber;
pub mod subscriber_events;
pub mod subscriber_options;
pub mod subscriber_tallies;
