//! The options of publish-subscribe by name.

use std::time::Duration;

use bytes::Bytes;
use pyo3::{
    prelude::*,
    types::{PyDict, PySequence, PyString},
};
use zpatterns::pubsub::{
    Criterion, PublisherOptions, Slow, StreamOptions, SubscriberOptions, SubscriptionOptions, given as core,
};

use crate::{
    convert::texts_of,
    error::OrRaise,
    given::{Given, invalid, options},
};

impl Given for Slow {
    fn given(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        match value.extract::<&str>().map(str::parse) {
            Ok(Ok(given)) => Ok(given),
            _ => invalid("who is slow is one of hold, drop, disconnect and spill", name, value),
        }
    }
}

/// Subjects by their patterns.
impl Given for Vec<Criterion> {
    fn given(_: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        core::subjects(&texts_of(value)?).or_raise(value.py())
    }
}

impl Given for Vec<StreamOptions> {
    fn given(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        let text = "the option takes a list of streams, each a dict of options";
        let Ok(all) = value.cast::<PySequence>() else { return invalid(text, name, value) };
        let one = |each: PyResult<Bound<'_, PyAny>>| {
            let each = each?;
            match each.cast::<PyDict>() {
                Ok(options) => Ok(stream(options)?.core),
                Err(_) => invalid(text, name, &each),
            }
        };
        all.try_iter()?.map(one).collect()
    }
}

/// What is said of a stream that is not said otherwise.
pub(super) struct Stream {
    core: StreamOptions,
}

impl Default for Stream {
    fn default() -> Self {
        Self { core: PublisherOptions::default().streams.swap_remove(0) }
    }
}

#[derive(Default)]
pub(super) struct PublisherGiven {
    core: PublisherOptions,
    entitlements: Option<Bytes>,
    ask: Option<Duration>,
    curve_secret_key: Option<String>,
    plain_server: bool,
    zap_domain: Option<String>,
}

#[derive(Default)]
pub(super) struct SubscriberGiven {
    core: SubscriberOptions,
    user: Option<Bytes>,
    password: Option<Bytes>,
    token: Option<Bytes>,
    snail_max_lag: Option<u64>,
    snail_max_age: Option<Duration>,
    curve_server_key: Option<String>,
    curve_public_key: Option<String>,
    curve_secret_key: Option<String>,
    plain_username: Option<String>,
    plain_password: Option<String>,
}

#[derive(Default)]
pub(super) struct SubscriptionGiven {
    core: SubscriptionOptions,
    start: Option<String>,
    last: Option<u32>,
}

options! {
    stream -> Stream:
        core.name = "name",
        core.subjects = "subjects",
        core.public = "public",
        core.history = "history",
        core.history_bytes = "history_bytes",
        core.history_age = "history_age",
        core.disk_bytes = "disk_bytes",
        core.last_values = "last_values",;

    publisher_given -> PublisherGiven:
        core.streams = "streams",
        core.shared = "shared",
        core.plain = "plain",
        entitlements = "entitlements",
        ask = "ask",
        core.news = "news",
        core.heartbeat.interval = "heartbeat_interval",
        core.heartbeat.limit = "heartbeat_limit",
        core.lease = "lease",
        core.max_keep = "max_keep",
        core.max_hold = "max_hold",
        core.gather = "gather",
        core.max_subscribers = "max_subscribers",
        core.max_subscriptions = "max_subscriptions",
        core.max_all_subscriptions = "max_all_subscriptions",
        core.max_endpoints = "max_endpoints",
        core.max_plain = "max_plain",
        core.max_size = "max_size",
        core.max_bytes = "max_bytes",
        core.disk = "disk",
        core.linger = "linger",
        curve_secret_key = "curve_secret_key",
        plain_server = "plain_server",
        zap_domain = "zap_domain",;

    subscriber_given -> SubscriberGiven:
        core.name = "name",
        core.keep = "keep",
        user = "user",
        password = "password",
        token = "token",
        core.shared = "shared",
        core.endpoint = "endpoint",
        core.heartbeat.interval = "heartbeat_interval",
        core.heartbeat.limit = "heartbeat_limit",
        core.max_messages = "max_messages",
        core.max_bytes = "max_bytes",
        snail_max_lag = "snail_max_lag",
        snail_max_age = "snail_max_age",
        curve_server_key = "curve_server_key",
        curve_public_key = "curve_public_key",
        curve_secret_key = "curve_secret_key",
        plain_username = "plain_username",
        plain_password = "plain_password",;

    subscription_given -> SubscriptionGiven:
        start = "start",
        last = "last",
        core.policy.slow = "slow",
        core.policy.max_messages = "max_messages",
        core.policy.max_bytes = "max_bytes",
        core.shared = "shared",;
}

/// How a publisher is set up.
pub(super) fn publisher(given: &Bound<'_, PyDict>) -> PyResult<PublisherOptions> {
    let PublisherGiven { core, entitlements, ask, curve_secret_key, plain_server, zap_domain } =
        publisher_given(given)?;
    let access = core::access_of(entitlements.as_deref(), ask).or_raise(given.py())?;
    let security = core::server_security(curve_secret_key, plain_server, zap_domain).or_raise(given.py())?;
    Ok(PublisherOptions { access, security, ..core })
}

/// How a subscriber is set up.
pub(super) fn subscriber(given: &Bound<'_, PyDict>) -> PyResult<SubscriberOptions> {
    let it = subscriber_given(given)?;
    let keys = (it.curve_server_key, it.curve_public_key, it.curve_secret_key);
    let security = core::client_security(keys, (it.plain_username, it.plain_password)).or_raise(given.py())?;
    let credential = core::credential_of(it.user, it.password, it.token).or_raise(given.py())?;
    let snail = core::snail(it.snail_max_lag, it.snail_max_age);
    Ok(SubscriberOptions { credential, security, snail, ..it.core })
}

/// What a subscription wants.
pub(super) fn subscription(given: &Bound<'_, PyDict>) -> PyResult<SubscriptionOptions> {
    let it = subscription_given(given)?;
    let last_values = match it.start.as_deref() {
        None | Some("now") => false,
        Some("last-values") => true,
        Some(other) => {
            let text = "a subscription starts now, or with the last-values";
            return invalid(text, "start", PyString::new(given.py(), other).as_any());
        }
    };
    Ok(SubscriptionOptions { start: core::start(last_values, it.last).or_raise(given.py())?, ..it.core })
}
