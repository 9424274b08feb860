//! Custom publish-subscribe.
//!
//! What is published in one tick crosses in one call, and one call brings all that a subscriber has. Nothing here waits: a
//! call that finds nothing, or no room, leaves an order for a notice behind. Only closing a publisher takes its time, so a
//! thread does it.

pub mod counters;
pub mod news;
pub mod options;
mod packed;
pub mod publisher;
pub mod subscriber;
