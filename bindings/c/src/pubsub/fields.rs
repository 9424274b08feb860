//! The options of a publisher, a stream, a subscriber and a subscription in C: the order of their structures, as in
//! `reqrep/fields.rs`, and what C says that core has in another form.
//!
//! A `Text` is a `const char *`, and null by default. `Bytes` are a `zpat_slice_t`, and none by default.

use std::time::Duration;

use zpatterns::pubsub::{PublisherOptions, StreamOptions, SubscriberOptions, SubscriptionOptions};

/// What C says of a publisher.
pub(crate) struct PublisherGiven {
    pub(crate) options: PublisherOptions,
    /// None are those of the default.
    pub(crate) streams: Vec<StreamOptions>,
    /// In ZPL.
    pub(crate) entitlements: Option<Vec<u8>>,
    /// Zero is that nobody is asked.
    pub(crate) ask: Duration,
    /// In microseconds.
    pub(crate) gather: u64,
    pub(crate) curve_secret_key: Option<String>,
    pub(crate) plain_server: bool,
    pub(crate) zap_domain: Option<String>,
}

impl Default for PublisherGiven {
    fn default() -> Self {
        let options = PublisherOptions::default();
        let gather = options.gather.as_micros().try_into().unwrap_or(u64::MAX);
        Self {
            options,
            streams: Vec::new(),
            entitlements: None,
            ask: Duration::ZERO,
            gather,
            curve_secret_key: None,
            plain_server: false,
            zap_domain: None,
        }
    }
}

/// What C says of a stream, besides its name and its subjects.
pub(crate) struct StreamGiven {
    pub(crate) options: StreamOptions,
}

impl Default for StreamGiven {
    fn default() -> Self {
        Self { options: PublisherOptions::stream("", Vec::new()) }
    }
}

/// What C says of a subscriber.
pub(crate) struct SubscriberGiven {
    pub(crate) options: SubscriberOptions,
    pub(crate) user: Option<Vec<u8>>,
    pub(crate) password: Option<Vec<u8>>,
    pub(crate) token: Option<Vec<u8>>,
    /// Zero is without bound, in both.
    pub(crate) snail_max_lag: u64,
    pub(crate) snail_max_age: Duration,
    pub(crate) curve_server_key: Option<String>,
    pub(crate) curve_public_key: Option<String>,
    pub(crate) curve_secret_key: Option<String>,
    pub(crate) plain_username: Option<String>,
    pub(crate) plain_password: Option<String>,
}

impl Default for SubscriberGiven {
    fn default() -> Self {
        Self {
            options: SubscriberOptions::default(),
            user: None,
            password: None,
            token: None,
            snail_max_lag: 0,
            snail_max_age: Duration::ZERO,
            curve_server_key: None,
            curve_public_key: None,
            curve_secret_key: None,
            plain_username: None,
            plain_password: None,
        }
    }
}

/// What C says of a subscription.
#[derive(Default)]
pub(crate) struct SubscriptionGiven {
    pub(crate) options: SubscriptionOptions,
    pub(crate) is_prefix: bool,
    /// How many, if it starts with the last ones.
    pub(crate) last: u32,
}

/// Calls `$then!` with the structure, what is given, and every option.
macro_rules! with_publisher_options {
    ($then:ident) => {
        $then! {
            zpat_publisher_options_t, PublisherGiven:
            streams: List(streams_count) = streams,
            shared: Text = options.shared,
            plain: Text = options.plain,
            entitlements: Bytes = entitlements,
            ask = ask,
            news = options.news,
            heartbeat_interval = options.heartbeat.interval,
            heartbeat_limit = options.heartbeat.limit,
            lease = options.lease,
            max_keep = options.max_keep,
            max_hold = options.max_hold,
            gather_us = gather,
            max_subscribers = options.max_subscribers,
            max_subscriptions = options.max_subscriptions,
            max_all_subscriptions = options.max_all_subscriptions,
            max_endpoints = options.max_endpoints,
            max_plain = options.max_plain,
            max_size = options.max_size,
            max_bytes = options.max_bytes,
            disk: Path = options.disk,
            linger = options.linger,
            curve_secret_key: Text = curve_secret_key,
            plain_server = plain_server,
            zap_domain: Text = zap_domain,
        }
    };
}

/// As [`with_publisher_options`].
macro_rules! with_stream_options {
    ($then:ident) => {
        $then! {
            zpat_stream_options_t, StreamGiven:
            is_public = options.public,
            history = options.history,
            history_bytes = options.history_bytes,
            history_age = options.history_age,
            disk_bytes = options.disk_bytes,
            last_values = options.last_values,
        }
    };
}

/// As [`with_publisher_options`].
macro_rules! with_subscriber_options {
    ($then:ident) => {
        $then! {
            zpat_subscriber_options_t, SubscriberGiven:
            name: Text = options.name,
            keep = options.keep,
            user: Bytes = user,
            password: Bytes = password,
            token: Bytes = token,
            shared: Text = options.shared,
            endpoint: Text = options.endpoint,
            heartbeat_interval = options.heartbeat.interval,
            heartbeat_limit = options.heartbeat.limit,
            max_messages = options.max_messages,
            max_bytes = options.max_bytes,
            snail_max_lag = snail_max_lag,
            snail_max_age = snail_max_age,
            curve_server_key: Text = curve_server_key,
            curve_public_key: Text = curve_public_key,
            curve_secret_key: Text = curve_secret_key,
            plain_username: Text = plain_username,
            plain_password: Text = plain_password,
        }
    };
}

/// As [`with_publisher_options`].
macro_rules! with_subscription_options {
    ($then:ident) => {
        $then! {
            zpat_subscription_options_t, SubscriptionGiven:
            is_prefix = is_prefix,
            start = options.start,
            last = last,
            slow = options.policy.slow,
            max_messages = options.policy.max_messages,
            max_bytes = options.policy.max_bytes,
            shared = options.shared,
        }
    };
}

pub(crate) use {with_publisher_options, with_stream_options, with_subscriber_options, with_subscription_options};
