//! A multicast bus.

pub mod events;
pub(crate) mod fields;
pub mod options;
pub mod place;
pub mod tallies;
