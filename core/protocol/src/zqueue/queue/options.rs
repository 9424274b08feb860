//! What a queue is told, and what it tells.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::super::{forest::Limits, options::Order, shelf::ShelfLimits};
use crate::{Error, liveness::Pace};

/// How a queue is set up.
#[derive(Clone, Debug)]
pub struct QueueOptions {
    /// Where producers and workers connect to.
    pub bind: Vec<String>,
    /// How a silent worker is noticed.
    pub pace: Pace,
    /// Which job is the next.
    pub order: Order,
    /// The same, of queues by their names.
    pub orders: BTreeMap<Bytes, Order>,
    /// What it holds.
    pub limits: Limits,
    /// What it keeps of jobs that have ended.
    pub shelf: ShelfLimits,
    /// Jobs that are being pushed part by part, at once, and their bytes; one to which nothing is added for a minute is dropped.
    pub drafts: (usize, usize),
    /// Producers and workers connected at once.
    pub max_peers: usize,
    /// What a producer may wait for at once, and a worker have at once.
    pub max_per_peer: u32,
    /// Whether it keeps all in a store, and says that it accepted something only when that is there.
    pub is_stored: bool,
    /// From which session numbers follow.
    pub seed: u64,
}

/// What the application wants of a queue.
#[derive(Debug)]
pub enum QueueCommand {
    /// Take no more jobs; [`QueueEvent::Drained`] comes when those that are here have ended.
    Drain,
    /// Say goodbye. What is here and not stored is lost.
    Close,
}

/// What the application is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum QueueEvent {
    /// Producers and workers reach the queue here.
    Bound {
        /// With the port that the system chose.
        endpoint: String,
    },
    /// The queue cannot be reached, or cannot read its store.
    Failed(Error),
    /// All has ended after [`QueueCommand::Drain`].
    Drained,
}
