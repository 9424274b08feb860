//! Custom publish-subscribe: who may hear what, and nothing missed in silence.

mod entitlements;
mod subject;

pub use self::entitlements::{Credential, Entitlements, MAX_RULES, MAX_SECRET, Rules};
pub use self::subject::{Criterion, MAX_LEVELS, MAX_SUBJECT, check_subject};
