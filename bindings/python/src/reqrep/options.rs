//! The options of reliable request-reply by name.

use pyo3::{
    prelude::*,
    types::{PyDict, PySequence},
};
use zpatterns::reqrep::{
    Balance, BrokerOptions, ClientOptions, FreelanceServer, PlainEndpoint, RequestOptions, Side, WorkerOptions,
};

use crate::given::{Given, invalid, options};

impl Given for Balance {
    fn given(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        match value.extract::<&str>() {
            Ok("least_recently_used") => Ok(Self::LeastRecentlyUsed),
            Ok("most_free") => Ok(Self::MostFree),
            Ok("sticky") => Ok(Self::Sticky),
            _ => invalid("there is no such balance", name, value),
        }
    }
}

impl Given for Side {
    fn given(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        match value.extract::<&str>() {
            Ok("clients") => Ok(Self::Clients),
            Ok("workers") => Ok(Self::Workers),
            _ => invalid("there is no such side", name, value),
        }
    }
}

/// The rows of an option that takes several things. Each is a tuple, be it a named one.
fn rows<T>(
    name: &str,
    value: &Bound<'_, PyAny>,
    text: &str,
    row: impl Fn(&Bound<'_, PyAny>) -> PyResult<T>,
) -> PyResult<Vec<T>> {
    let Ok(rows) = value.cast::<PySequence>() else { return invalid(text, name, value) };
    rows.try_iter()?.map(|given| row(&given?)).collect()
}

impl Given for Vec<PlainEndpoint> {
    fn given(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        let text = "the option takes a list of (endpoint, side, service)";
        rows(name, value, text, |row| match row.extract::<(String, Bound<'_, PyAny>, String)>() {
            Ok((endpoint, side, service)) => Ok(PlainEndpoint { endpoint, side: Given::given(name, &side)?, service }),
            Err(_) => invalid(text, name, row),
        })
    }
}

impl Given for Vec<FreelanceServer> {
    fn given(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        let text = "the option takes a list of (endpoint, service) or (endpoint, service, credit)";
        rows(name, value, text, |row| {
            let whole = row.extract().or_else(|_| row.extract().map(|(endpoint, service)| (endpoint, service, 1)));
            match whole {
                Ok((endpoint, service, credit)) => Ok(FreelanceServer { endpoint, service, credit }),
                Err(_) => invalid(text, name, row),
            }
        })
    }
}

options! {
    /// How a client is set up.
    client -> ClientOptions:
        heartbeat.interval = "heartbeat_interval",
        heartbeat.limit = "heartbeat_limit",
        max_requests = "max_requests",
        max_bytes = "max_bytes",
        balance = "balance",
        freelance = "freelance",;

    /// How a worker is set up.
    worker -> WorkerOptions:
        heartbeat.interval = "heartbeat_interval",
        heartbeat.limit = "heartbeat_limit",
        credit = "credit",
        max_jobs = "max_jobs",
        max_clients = "max_clients",;

    /// How a broker is set up.
    broker -> BrokerOptions:
        heartbeat.interval = "heartbeat_interval",
        heartbeat.limit = "heartbeat_limit",
        balance = "balance",
        plain = "plain",
        max_requests = "max_requests",
        max_bytes = "max_bytes",
        max_waiting = "max_waiting",
        max_waiting_bytes = "max_waiting_bytes",
        max_age = "max_age",
        max_per_client = "max_per_client",
        max_peers = "max_peers",
        max_unfetched = "max_unfetched",
        max_cached = "max_cached",
        max_cached_bytes = "max_cached_bytes",
        max_cached_age = "max_cached_age",
        store = "store",
        max_stored = "max_stored",
        max_stored_bytes = "max_stored_bytes",
        max_stored_age = "max_stored_age",;

    named_request -> RequestOptions:
        deadline = "deadline",
        patience = "patience",
        attempts = "attempts",
        retries = "retries",
        durable = "durable",
        once = "once",
        key = "key",;
}

/// How a request is made. It is patient for as long as an answer is of use, unless the program says otherwise.
pub(super) fn request(given: Option<&Bound<'_, PyDict>>) -> PyResult<RequestOptions> {
    let Some(given) = given else { return Ok(RequestOptions::default()) };
    let mut options = named_request(given)?;
    if given.get_item("patience")?.is_none_or(|patience| patience.is_none()) {
        options.patience = options.deadline;
    }
    Ok(options)
}
