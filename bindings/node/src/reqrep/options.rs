//! Options of a client, a worker, a broker and a request, by the names that JavaScript gives them.

use std::{path::PathBuf, time::Duration};

use napi::bindgen_prelude::{Env, Object};
use napi_derive::napi;
use zpatterns::{
    Error, ErrorKind, OptionValue, Result,
    reqrep::{Balance, BrokerOptions, ClientOptions, RequestOptions, Task, WorkerOptions},
};

use crate::options::{each, wrong};

/// What an option can be.
trait Given: Sized {
    const EXPECTATION: &'static str;

    fn given(value: OptionValue) -> Option<Self>;
}

impl Given for Duration {
    const EXPECTATION: &'static str = "the option takes whole milliseconds, at least 0";

    fn given(value: OptionValue) -> Option<Self> {
        u64::given(value).map(Self::from_millis)
    }
}

impl Given for Option<PathBuf> {
    const EXPECTATION: &'static str = "the option takes the name of a file";

    fn given(value: OptionValue) -> Option<Self> {
        let OptionValue::Text(name) = value else { return None };
        Some(Some(name.into()))
    }
}

impl Given for Balance {
    const EXPECTATION: &'static str = "the option takes 'least-recently-used', 'most-free' or 'sticky'";

    fn given(value: OptionValue) -> Option<Self> {
        let OptionValue::Text(name) = value else { return None };
        match &*name {
            "least-recently-used" => Some(Self::LeastRecentlyUsed),
            "most-free" => Some(Self::MostFree),
            "sticky" => Some(Self::Sticky),
            _ => None,
        }
    }
}

macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl Given for $type {
            const EXPECTATION: &'static str = "the option takes a whole number, at least 0";

            fn given(value: OptionValue) -> Option<Self> {
                let OptionValue::Int(number) = value else { return None };
                Self::try_from(number).ok()
            }
        }
    )*};
}

numbers! { u32 u64 usize }

fn set<T: Given>(place: &mut T, name: &str, value: Option<OptionValue>) -> Result<()> {
    *place = value.and_then(T::given).ok_or_else(|| wrong(T::EXPECTATION, name))?;
    Ok(())
}

macro_rules! options {
    ($($function:ident $core:ident { $($name:literal = $($path:ident).+,)* })*) => {$(
        /// Options from the properties of `given`; those that are undefined keep their defaults.
        pub(super) fn $function(env: &Env, given: &Object<'_>) -> napi::Result<$core> {
            let mut options = $core::default();
            each(env, given, |name, value| match name {
                $($name => set(&mut options.$($path).+, name, value),)*
                _ => Err(wrong("there is no such option", name)),
            })?;
            Ok(options)
        }
    )*};
}

options! {
    client_options ClientOptions {
        "heartbeatInterval" = heartbeat.interval,
        "heartbeatLimit" = heartbeat.limit,
        "maxRequests" = max_requests,
        "maxBytes" = max_bytes,
        "balance" = balance,
    }

    worker_options WorkerOptions {
        "heartbeatInterval" = heartbeat.interval,
        "heartbeatLimit" = heartbeat.limit,
        "credit" = credit,
        "maxJobs" = max_jobs,
        "maxClients" = max_clients,
    }

    broker_options BrokerOptions {
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
pub(super) fn request_options(facts: &[u32], key: &[u8]) -> Result<(Task, RequestOptions)> {
    let [deadline, patience, rest] = *facts else {
        return Err(Error::new(ErrorKind::InvalidArgument, "a request without its facts"));
    };
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
    Ok((task, options))
}
