//! What a broker is told, and what it tells.

use std::time::Duration;

use bytes::Bytes;

use super::super::{balance::Balance, ledger::StoreLimits, news::News, pirate::Side};
use crate::{Error, liveness::Pace};

/// How a broker is set up.
pub struct BrokerOptions {
    /// Where clients and workers connect to.
    pub bind: Vec<String>,
    /// Where those connect to whose protocol cannot be recognised: who, and about which service.
    pub plain: Vec<(String, Side, Bytes)>,
    /// How a silent worker is noticed.
    pub pace: Pace,
    /// How requests are spread over the workers of a service.
    pub balance: Balance,
    /// Requests held at once in all.
    pub max_requests: usize,
    /// Bytes of requests held at once in all.
    pub max_bytes: usize,
    /// Requests that wait for one service.
    pub max_waiting: usize,
    /// Bytes of requests that wait for one service.
    pub max_waiting_bytes: usize,
    /// How long a request may wait for a worker.
    pub max_age: Duration,
    /// Requests of one client at once.
    pub max_per_client: u32,
    /// Clients and workers connected at once.
    pub max_peers: usize,
    /// Bytes of answers that a client has not fetched; requests whose answers come beyond fail with [`Full`](crate::ErrorKind::Full).
    pub max_unfetched: usize,
    /// Answers kept for requests that are run once: how many, how many bytes, and for how long.
    pub cache: (usize, usize, Duration),
    /// What is kept in a store; without, durable requests are refused with [`Unsupported`](crate::ErrorKind::Unsupported).
    pub store: Option<StoreLimits>,
    /// From which session numbers follow.
    pub seed: u64,
}

/// What the application wants of a broker.
#[derive(Debug)]
pub enum BrokerCommand {
    /// Take no more requests; [`BrokerEvent::Drained`] comes when those that are here are answered.
    Drain,
    /// Tell so many more [news](BrokerEvent::News); from the first time on they are kept until they are told, some at least.
    Watch {
        /// How many more.
        more: usize,
    },
    /// Say goodbye. What is here is lost to this broker; clients may ask another.
    Close,
}

/// What the application is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BrokerEvent {
    /// Clients and workers reach the broker here.
    Bound {
        /// With the port that the system chose.
        endpoint: String,
    },
    /// The broker cannot be reached.
    Failed(Error),
    /// All is answered after [`BrokerCommand::Drain`].
    Drained,
    /// Something happened, and [`BrokerCommand::Watch`] asked for it.
    News(News),
}
