//! Options of a client, a worker, a broker and a request, by the names that JavaScript gives them.

use std::time::Duration;

use napi::bindgen_prelude::{Env, Unknown};
use napi_derive::napi;
use zpatterns::{
    OptionValue,
    reqrep::{
        Balance, BrokerOptions, ClientOptions, FreelanceServer, PlainEndpoint, RequestOptions, Side, Task,
        WorkerOptions,
    },
};

use crate::{
    error::raise,
    given::{Given, list, needed, options},
};

impl Given for Side {
    const EXPECTATION: &'static str = "the option takes 'clients' or 'workers'";

    fn given(value: OptionValue) -> Option<Self> {
        match &*String::given(value)? {
            "clients" => Some(Self::Clients),
            "workers" => Some(Self::Workers),
            _ => None,
        }
    }
}

impl Given for Balance {
    const EXPECTATION: &'static str = "the option takes 'least-recently-used', 'most-free' or 'sticky'";

    fn given(value: OptionValue) -> Option<Self> {
        match &*String::given(value)? {
            "least-recently-used" => Some(Self::LeastRecentlyUsed),
            "most-free" => Some(Self::MostFree),
            "sticky" => Some(Self::Sticky),
            _ => None,
        }
    }
}

options! {
    pub(super) client_options ClientOptions {
        "heartbeatInterval" = heartbeat.interval,
        "heartbeatLimit" = heartbeat.limit,
        "maxRequests" = max_requests,
        "maxBytes" = max_bytes,
        "balance" = balance,
    }

    pub(super) worker_options WorkerOptions {
        "heartbeatInterval" = heartbeat.interval,
        "heartbeatLimit" = heartbeat.limit,
        "credit" = credit,
        "maxJobs" = max_jobs,
        "maxClients" = max_clients,
    }

    pub(super) broker_options BrokerOptions {
        "heartbeatInterval" = heartbeat.interval,
        "heartbeatLimit" = heartbeat.limit,
        "balance" = balance,
        "maxRequests" = max_requests,
        "maxBytes" = max_bytes,
        "maxWaiting" = max_waiting,
        "maxWaitingBytes" = max_waiting_bytes,
        "maxAge" = max_age,
        "maxPerClient" = max_per_client,
        "maxPeers" = max_peers,
        "maxUnfetched" = max_unfetched,
        "maxCached" = max_cached,
        "maxCachedBytes" = max_cached_bytes,
        "maxCachedAge" = max_cached_age,
        "store" = store,
        "maxStored" = max_stored,
        "maxStoredBytes" = max_stored_bytes,
        "maxStoredAge" = max_stored_age,
    }

    plain_options PlainOptions {
        "endpoint" = endpoint,
        "side" = side,
        "service" = service,
    }

    freelance_options FreelanceOptions {
        "endpoint" = endpoint,
        "service" = service,
        "credit" = credit,
    }
}

/// What is given of a plain endpoint.
#[derive(Default)]
struct PlainOptions {
    endpoint: Option<String>,
    side: Option<Side>,
    service: Option<String>,
}

/// What is given of a server of the Freelance pattern.
#[derive(Default)]
struct FreelanceOptions {
    endpoint: Option<String>,
    service: Option<String>,
    credit: Option<u32>,
}

/// The plain endpoints of a broker, from an array of their properties.
pub(super) fn plain_endpoints(env: &Env, given: Unknown<'_>) -> napi::Result<Vec<PlainEndpoint>> {
    list(env, given, "plain", |entry| {
        let PlainOptions { endpoint, side, service } = plain_options(env, entry)?;
        let made = || {
            Ok(PlainEndpoint {
                endpoint: needed(endpoint, "endpoint")?,
                side: needed(side, "side")?,
                service: needed(service, "service")?,
            })
        };
        made().map_err(raise(env))
    })
}

/// The servers of the Freelance pattern that a client asks, from an array of their properties.
pub(super) fn freelance_servers(env: &Env, given: Unknown<'_>) -> napi::Result<Vec<FreelanceServer>> {
    list(env, given, "freelance", |entry| {
        let FreelanceOptions { endpoint, service, credit } = freelance_options(env, entry)?;
        let made = || {
            Ok(FreelanceServer {
                endpoint: needed(endpoint, "endpoint")?,
                service: needed(service, "service")?,
                credit: credit.unwrap_or(1),
            })
        };
        made().map_err(raise(env))
    })
}

/// How a request is made, unless its options say otherwise.
#[napi(object)]
pub struct RequestDefaults {
    /// In milliseconds.
    pub deadline: u32,
    /// How often it may be given to a worker.
    pub attempts: u32,
    /// How often to ask again.
    pub retries: u32,
}

/// The defaults of core.
#[napi]
pub fn request_defaults() -> RequestDefaults {
    let RequestOptions { deadline, attempts, retries, .. } = RequestOptions::default();
    RequestDefaults { deadline: deadline.as_millis() as u32, attempts: attempts.into(), retries: retries.into() }
}

/// How many facts JavaScript gives with a request.
pub(super) const REQUEST_FACTS: usize = 3;

/// A request from its facts: `deadline` and `patience` in milliseconds, and last, from the lowest byte, `attempts`,
/// `retries`, 1 for `durable` and 2 for `once`, and the number of the task.
pub(super) fn request_options([deadline, patience, rest]: [u32; REQUEST_FACTS], key: &[u8]) -> (Task, RequestOptions) {
    let [attempts, retries, flags, task] = rest.to_le_bytes();
    let task = match task {
        1 => Task::Store,
        2 => Task::Fetch,
        3 => Task::Discard,
        _ => Task::Ask,
    };
    let options = RequestOptions {
        deadline: Duration::from_millis(deadline.into()),
        patience: Duration::from_millis(patience.into()),
        attempts,
        durable: flags & 1 != 0,
        once: flags & 2 != 0,
        key: key.to_vec().into(),
        retries,
    };
    (task, options)
}
