//! The options of the job queue by name.

use std::collections::BTreeMap;

use pyo3::{prelude::*, types::PyDict};
use zpatterns::zqueue::{JobOptions, OnFailure, Order, ProducerOptions, QueueOptions, QueueWorkerOptions};

use crate::given::{Given, invalid, options};

impl Given for Order {
    fn given(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        match value.extract::<&str>().map(str::parse) {
            Ok(Ok(given)) => Ok(given),
            _ => invalid("an order is depth, fifo, lifo or priority", name, value),
        }
    }
}

impl Given for OnFailure {
    fn given(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        match value.extract::<&str>().map(str::parse) {
            Ok(Ok(given)) => Ok(given),
            _ => invalid("on failure a parent may fail, pass or ignore it", name, value),
        }
    }
}

impl Given for BTreeMap<String, Order> {
    fn given(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        let text = "the option takes a dict of orders by names of queues";
        let Ok(orders) = value.cast::<PyDict>() else { return invalid(text, name, value) };
        let order = |(queue, order): (Bound<'_, PyAny>, Bound<'_, PyAny>)| match queue.extract() {
            Ok(queue) => Ok((queue, Given::given(name, &order)?)),
            Err(_) => invalid(text, name, &queue),
        };
        orders.iter().map(order).collect()
    }
}

options! {
    /// How a queue is set up.
    queue -> QueueOptions:
        heartbeat.interval = "heartbeat_interval",
        heartbeat.limit = "heartbeat_limit",
        order = "order",
        orders = "orders",
        store = "store",
        max_queues = "max_queues",
        max_jobs = "max_jobs",
        max_bytes = "max_bytes",
        max_queue_bytes = "max_queue_bytes",
        max_depth = "max_depth",
        max_children = "max_children",
        max_tree_jobs = "max_tree_jobs",
        max_tree_bytes = "max_tree_bytes",
        max_lost = "max_lost",
        max_kept = "max_kept",
        max_kept_bytes = "max_kept_bytes",
        max_dead = "max_dead",
        max_dead_bytes = "max_dead_bytes",
        max_drafts = "max_drafts",
        max_draft_bytes = "max_draft_bytes",
        max_peers = "max_peers",
        max_per_peer = "max_per_peer",;

    /// How a producer is set up.
    producer -> ProducerOptions:
        heartbeat.interval = "heartbeat_interval",
        heartbeat.limit = "heartbeat_limit",
        patience = "patience",
        max_calls = "max_calls",
        max_bytes = "max_bytes",;

    /// How a worker is set up.
    worker -> QueueWorkerOptions:
        heartbeat.interval = "heartbeat_interval",
        heartbeat.limit = "heartbeat_limit",
        credit = "credit",
        max_bytes = "max_bytes",;

    named_job -> JobOptions:
        priority = "priority",
        delay = "delay",
        attempts = "attempts",
        backoff = "backoff",
        time_limit = "time_limit",
        key = "key",
        keep = "keep",;

    named_child -> JobOptions:
        priority = "priority",
        delay = "delay",
        attempts = "attempts",
        backoff = "backoff",
        time_limit = "time_limit",;
}

/// How a job is to be done.
pub(super) fn job(given: Option<&Bound<'_, PyDict>>) -> PyResult<JobOptions> {
    given.map_or_else(|| Ok(JobOptions::default()), named_job)
}

/// How a child is to be done, which has no key, and whose outcome is its parent's.
pub(super) fn child(given: Option<&Bound<'_, PyDict>>) -> PyResult<JobOptions> {
    given.map_or_else(|| Ok(JobOptions::default()), named_child)
}
