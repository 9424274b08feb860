//! Custom publish-subscribe: who may hear what, and nothing missed in silence.

mod routes;
mod subject;

pub use self::{
    routes::{RouteId, Routes},
    subject::{Criterion, MAX_LEVELS, MAX_SUBJECT, check_subject},
};
