//! The options of a queue, a producer, a worker and a job in C: the order of their structures, as in
//! `reqrep/fields.rs`.

/// Calls `$then!` with the structure, core's options, and every option.
macro_rules! with_queue_options {
    ($then:ident) => {
        $then! {
            zpat_queue_options_t, QueueOptions:
            heartbeat_interval = heartbeat.interval,
            heartbeat_limit = heartbeat.limit,
            order = order,
            orders: List(orders_count) = orders,
            store: Path = store,
            max_queues = max_queues,
            max_jobs = max_jobs,
            max_bytes = max_bytes,
            max_queue_bytes = max_queue_bytes,
            max_depth = max_depth,
            max_children = max_children,
            max_tree_jobs = max_tree_jobs,
            max_tree_bytes = max_tree_bytes,
            max_lost = max_lost,
            max_kept = max_kept,
            max_kept_bytes = max_kept_bytes,
            max_dead = max_dead,
            max_dead_bytes = max_dead_bytes,
            max_drafts = max_drafts,
            max_draft_bytes = max_draft_bytes,
            max_peers = max_peers,
            max_per_peer = max_per_peer,
        }
    };
}

/// As [`with_queue_options`].
macro_rules! with_producer_options {
    ($then:ident) => {
        $then! {
            zpat_producer_options_t, ProducerOptions:
            heartbeat_interval = heartbeat.interval,
            heartbeat_limit = heartbeat.limit,
            patience = patience,
            max_calls = max_calls,
            max_bytes = max_bytes,
        }
    };
}

/// As [`with_queue_options`].
macro_rules! with_queue_worker_options {
    ($then:ident) => {
        $then! {
            zpat_queue_worker_options_t, QueueWorkerOptions:
            heartbeat_interval = heartbeat.interval,
            heartbeat_limit = heartbeat.limit,
            credit = credit,
            max_bytes = max_bytes,
        }
    };
}

/// As [`with_queue_options`]. A `Slice` is a `zpat_slice_t`, and empty by default.
macro_rules! with_job_options {
    ($then:ident) => {
        $then! {
            zpat_job_options_t, JobOptions:
            priority = priority,
            delay = delay,
            attempts = attempts,
            backoff = backoff,
            time_limit = time_limit,
            key: Slice = key,
            keep = keep,
        }
    };
}

pub(crate) use {with_job_options, with_producer_options, with_queue_options, with_queue_worker_options};
