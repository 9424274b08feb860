//! Options of a queue, a producer, a worker and a job, by the names that JavaScript gives them.

use std::{collections::BTreeMap, time::Duration};

use napi::{
    ValueType,
    bindgen_prelude::{Env, JsValue, Unknown},
};
use napi_derive::napi;
use zpatterns::{
    OptionValue,
    zqueue::{JobOptions, Order, ProducerOptions, QueueOptions, QueueWorkerOptions},
};

use crate::{
    error::raise,
    given::{Given, needed, options},
    options::{each, wrong},
};

impl Given for Order {
    const EXPECTATION: &'static str = "the option takes 'depth', 'fifo', 'lifo' or 'priority'";

    fn given(value: OptionValue) -> Option<Self> {
        String::given(value)?.parse().ok()
    }
}

options! {
    pub(super) queue_options QueueOptions {
        "heartbeatInterval" = heartbeat.interval,
        "heartbeatLimit" = heartbeat.limit,
        "order" = order,
        "store" = store,
        "maxQueues" = max_queues,
        "maxJobs" = max_jobs,
        "maxBytes" = max_bytes,
        "maxQueueBytes" = max_queue_bytes,
        "maxDepth" = max_depth,
        "maxChildren" = max_children,
        "maxTreeJobs" = max_tree_jobs,
        "maxTreeBytes" = max_tree_bytes,
        "maxLost" = max_lost,
        "maxKept" = max_kept,
        "maxKeptBytes" = max_kept_bytes,
        "maxDead" = max_dead,
        "maxDeadBytes" = max_dead_bytes,
        "maxDrafts" = max_drafts,
        "maxDraftBytes" = max_draft_bytes,
        "maxPeers" = max_peers,
        "maxPerPeer" = max_per_peer,
    }

    pub(super) producer_options ProducerOptions {
        "heartbeatInterval" = heartbeat.interval,
        "heartbeatLimit" = heartbeat.limit,
        "patience" = patience,
        "maxCalls" = max_calls,
        "maxBytes" = max_bytes,
    }

    pub(super) queue_worker_options QueueWorkerOptions {
        "heartbeatInterval" = heartbeat.interval,
        "heartbeatLimit" = heartbeat.limit,
        "credit" = credit,
        "maxBytes" = max_bytes,
    }
}

/// The orders of queues by their names, from the properties of an object; none if it is undefined.
pub(super) fn orders(env: &Env, given: Unknown<'_>) -> napi::Result<BTreeMap<String, Order>> {
    let mut orders = BTreeMap::new();
    match given.get_type()? {
        ValueType::Undefined => {}
        ValueType::Object => each(env, &given.coerce_to_object()?, |name, value| {
            let order = needed(value.and_then(Order::given), "orders")?;
            orders.insert(name.to_owned(), order);
            Ok(())
        })?,
        _ => return Err(raise(env)(wrong("the option takes an object with the names of queues", "orders"))),
    }
    Ok(orders)
}

/// How a job is done, unless its options say otherwise.
#[napi(object)]
pub struct JobFacts {
    /// The highest goes first.
    pub priority: u32,
    /// In milliseconds.
    pub delay: u32,
    /// How often it may fail.
    pub attempts: u32,
    /// In milliseconds.
    pub backoff: u32,
    /// In milliseconds; 0 is none.
    pub time_limit: u32,
    /// In milliseconds.
    pub keep: u32,
}

impl From<&JobOptions> for JobFacts {
    fn from(options: &JobOptions) -> Self {
        let millis = |span: Duration| span.as_millis().try_into().unwrap_or(u32::MAX);
        let JobOptions { priority, delay, attempts, backoff, time_limit, key: _, keep } = options;
        Self {
            priority: (*priority).into(),
            delay: millis(*delay),
            attempts: (*attempts).into(),
            backoff: millis(*backoff),
            time_limit: millis(*time_limit),
            keep: millis(*keep),
        }
    }
}

/// The defaults of core.
#[napi]
pub fn job_defaults() -> JobFacts {
    (&JobOptions::default()).into()
}

/// Options of a job from their facts: from the second byte of the first, `priority` and `attempts`; then `delay`,
/// `backoff` and `timeLimit` in milliseconds.
pub(super) fn job_options([first, delay, backoff, time_limit]: [u32; 4]) -> JobOptions {
    let [_, priority, attempts, _] = first.to_le_bytes();
    let (delay, backoff, time_limit) = (millis(delay), millis(backoff), millis(time_limit));
    JobOptions { priority, delay, attempts, backoff, time_limit, ..JobOptions::default() }
}

pub(super) fn millis(millis: u32) -> Duration {
    Duration::from_millis(millis.into())
}
