//! Custom publish-subscribe: who may hear what, and nothing missed in silence.

mod subject;

pub use self::subject::{Criterion, MAX_LEVELS, MAX_SUBJECT, check_subject};
