//! What happened at a broker.

use napi_derive::napi;
use zpatterns::reqrep::{News, NewsRecord};

use crate::{options::camel, packing::text};

/// Something that happened. What is not of its kind is not there.
#[napi(object)]
pub struct NewsFacts {
    /// The kind in snake case.
    pub kind: String,
    /// What a worker offers or offered, or what was asked for.
    pub service: Option<String>,
    /// The worker's number.
    pub worker: Option<f64>,
    /// Requests that the worker had who is gone, or that are lost.
    pub requests: Option<f64>,
    /// Whether the worker had said that it leaves.
    pub left: Option<bool>,
    /// Why requests are lost, as in the counters.
    pub reason: Option<String>,
    /// How many news were missed.
    pub missed: Option<f64>,
}

impl From<News> for NewsFacts {
    fn from(news: News) -> Self {
        let NewsRecord { kind, service, worker, requests, left, reason, missed } = news.into();
        let number = |count: Option<u64>| count.map(|count| count as f64);
        Self {
            kind: kind.name().into(),
            service: service.as_deref().map(text),
            worker: number(worker),
            requests: number(requests),
            left,
            reason: reason.map(|reason| camel(reason.name())),
            missed: number(missed),
        }
    }
}
