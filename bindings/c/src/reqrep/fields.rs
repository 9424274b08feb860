//! The options of a client, a worker and a broker in C: the order of their structures, and where core keeps each.
//!
//! The order is binary: a new option goes to the end. The structures themselves, with their texts, are in `options.rs`;
//! the header generator reads these lists for the initialisers.

/// Calls `$then!` with the structure, core's options, and every option. One without a type is a number; a `Path` is a
/// `const char *`, and null by default; a `List` is a pointer and, right behind it, the count that it names, and empty;
/// and so is a `Key`, of bytes.
macro_rules! with_client_options {
    ($then:ident) => {
        $then! {
            zpat_client_options_t, ClientOptions:
            heartbeat_interval = heartbeat.interval,
            heartbeat_limit = heartbeat.limit,
            max_requests = max_requests,
            max_bytes = max_bytes,
            balance = balance,
            freelance: List(freelance_count) = freelance,
        }
    };
}

/// As [`with_client_options`].
macro_rules! with_worker_options {
    ($then:ident) => {
        $then! {
            zpat_worker_options_t, WorkerOptions:
            heartbeat_interval = heartbeat.interval,
            heartbeat_limit = heartbeat.limit,
            credit = credit,
            max_jobs = max_jobs,
            max_clients = max_clients,
        }
    };
}

/// As [`with_client_options`].
macro_rules! with_broker_options {
    ($then:ident) => {
        $then! {
            zpat_broker_options_t, BrokerOptions:
            heartbeat_interval = heartbeat.interval,
            heartbeat_limit = heartbeat.limit,
            balance = balance,
            max_requests = max_requests,
            max_bytes = max_bytes,
            max_waiting = max_waiting,
            max_waiting_bytes = max_waiting_bytes,
            max_age = max_age,
            max_per_client = max_per_client,
            max_peers = max_peers,
            max_unfetched = max_unfetched,
            max_cached = max_cached,
            max_cached_bytes = max_cached_bytes,
            max_cached_age = max_cached_age,
            store: Path = store,
            max_stored = max_stored,
            max_stored_bytes = max_stored_bytes,
            max_stored_age = max_stored_age,
            plain: List(plain_count) = plain,
        }
    };
}

pub(crate) use {with_broker_options, with_client_options, with_worker_options};
