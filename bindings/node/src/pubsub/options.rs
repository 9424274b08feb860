//! Options of a publisher, its streams, a subscriber and a subscription, by the names that JavaScript gives them.

use std::{path::PathBuf, time::Duration};

use napi::bindgen_prelude::{Env, Object, Unknown};
use zpatterns::{
    OptionValue, Result,
    pubsub::{Criterion, PublisherOptions, Slow, StreamOptions, SubscriberOptions, SubscriptionOptions, given as core},
};

use crate::{
    error::raise,
    given::{Given, list, needed, options},
};

/// Text, or bytes.
struct Bytes(Vec<u8>);

impl Given for Bytes {
    const EXPECTATION: &'static str = "the option takes a string or a Uint8Array";

    fn given(value: OptionValue) -> Option<Self> {
        match value {
            OptionValue::Text(text) => Some(Self(text.into_bytes())),
            OptionValue::Bytes(bytes) => Some(Self(bytes)),
            _ => None,
        }
    }
}

impl Given for Slow {
    const EXPECTATION: &'static str = "the option takes 'drop', 'hold', 'disconnect' or 'spill'";

    fn given(value: OptionValue) -> Option<Self> {
        String::given(value)?.parse().ok()
    }
}

/// Whether it begins with the last values.
#[derive(Default)]
struct Begins {
    last_values: bool,
}

impl Given for Begins {
    const EXPECTATION: &'static str = "the option takes 'now' or 'last-values'";

    fn given(value: OptionValue) -> Option<Self> {
        match &*String::given(value)? {
            "now" => Some(Self { last_values: false }),
            "last-values" => Some(Self { last_values: true }),
            _ => None,
        }
    }
}

options! {
    publishing Publishing {
        "shared" = options.shared,
        "plain" = options.plain,
        "entitlements" = entitlements,
        "ask" = ask,
        "news" = options.news,
        "heartbeatInterval" = options.heartbeat.interval,
        "heartbeatLimit" = options.heartbeat.limit,
        "lease" = options.lease,
        "maxKeep" = options.max_keep,
        "maxHold" = options.max_hold,
        "maxSubscribers" = options.max_subscribers,
        "maxSubscriptions" = options.max_subscriptions,
        "maxAllSubscriptions" = options.max_all_subscriptions,
        "maxEndpoints" = options.max_endpoints,
        "maxPlain" = options.max_plain,
        "maxSize" = options.max_size,
        "maxBytes" = options.max_bytes,
        "disk" = disk,
        "linger" = options.linger,
        "curveSecretKey" = curve_secret_key,
        "plainServer" = plain_server,
        "zapDomain" = zap_domain,
    }

    streaming Streaming {
        "name" = name,
        "public" = options.public,
        "history" = options.history,
        "historyBytes" = options.history_bytes,
        "historyAge" = options.history_age,
        "diskBytes" = options.disk_bytes,
        "lastValues" = options.last_values,
    }

    hearing Hearing {
        "name" = options.name,
        "keep" = options.keep,
        "user" = user,
        "password" = password,
        "token" = token,
        "shared" = options.shared,
        "endpoint" = options.endpoint,
        "heartbeatInterval" = options.heartbeat.interval,
        "heartbeatLimit" = options.heartbeat.limit,
        "maxMessages" = options.max_messages,
        "maxBytes" = options.max_bytes,
        "snailMaxLag" = snail_max_lag,
        "snailMaxAge" = snail_max_age,
        "curveServerKey" = curve_server_key,
        "curvePublicKey" = curve_public_key,
        "curveSecretKey" = curve_secret_key,
        "plainUsername" = plain_username,
        "plainPassword" = plain_password,
    }

    wanting Wanting {
        "start" = start,
        "last" = last,
        "slow" = options.policy.slow,
        "maxMessages" = options.policy.max_messages,
        "maxBytes" = options.policy.max_bytes,
        "shared" = options.shared,
    }
}

/// What is given of a publisher.
#[derive(Default)]
struct Publishing {
    options: PublisherOptions,
    entitlements: Option<Bytes>,
    ask: Option<Duration>,
    disk: Option<PathBuf>,
    curve_secret_key: Option<String>,
    plain_server: bool,
    zap_domain: Option<String>,
}

/// What is given of a stream.
struct Streaming {
    options: StreamOptions,
    name: Option<String>,
}

impl Default for Streaming {
    fn default() -> Self {
        Self { options: PublisherOptions::stream("", Vec::new()), name: None }
    }
}

/// What is given of a subscriber.
#[derive(Default)]
struct Hearing {
    options: SubscriberOptions,
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

/// What is given of a subscription.
#[derive(Default)]
struct Wanting {
    options: SubscriptionOptions,
    start: Begins,
    last: Option<u32>,
}

/// How a publisher is set up. The subjects of each stream and the fraction of milliseconds come beside its options.
pub(super) fn publisher_options(
    env: &Env,
    given: &Object<'_>,
    streams: Option<Unknown<'_>>,
    subjects: &[Vec<String>],
    gather: Option<f64>,
) -> napi::Result<PublisherOptions> {
    let mut given = publishing(env, given)?;
    if let Some(streams) = streams {
        let all = list(env, streams, "streams", |entry| streaming(env, entry))?;
        let named = all.into_iter().zip(subjects).map(|(stream, subjects)| stream.finish(subjects));
        given.options.streams = named.collect::<Result<_>>().map_err(raise(env))?;
    }
    if let Some(millis) = gather {
        given.options.gather = Duration::from_secs_f64(millis.clamp(0.0, 1e9) / 1000.0);
    }
    given.finish().map_err(raise(env))
}

impl Publishing {
    fn finish(self) -> Result<PublisherOptions> {
        let Self { options, entitlements, ask, disk, curve_secret_key, plain_server, zap_domain } = self;
        let access = core::access_of(entitlements.as_ref().map(|Bytes(text)| &text[..]), ask)?;
        let security = core::server_security(curve_secret_key, plain_server, zap_domain)?;
        Ok(PublisherOptions { access, security, disk, ..options })
    }
}

impl Streaming {
    fn finish(self, subjects: &[String]) -> Result<StreamOptions> {
        let name = needed(self.name, "name")?.into();
        let subjects = core::subjects(subjects)?;
        Ok(StreamOptions { name, subjects, ..self.options })
    }
}

/// How a subscriber is set up.
pub(super) fn subscriber_options(env: &Env, given: &Object<'_>) -> napi::Result<SubscriberOptions> {
    hearing(env, given)?.finish().map_err(raise(env))
}

impl Hearing {
    fn finish(self) -> Result<SubscriberOptions> {
        let bytes = |given: Option<Bytes>| given.map(|Bytes(bytes)| bytes.into());
        let credential = core::credential_of(bytes(self.user), bytes(self.password), bytes(self.token))?;
        let keys = (self.curve_server_key, self.curve_public_key, self.curve_secret_key);
        let security = core::client_security(keys, (self.plain_username, self.plain_password))?;
        let snail = core::snail(self.snail_max_lag, self.snail_max_age);
        Ok(SubscriberOptions { credential, security, snail, ..self.options })
    }
}

/// What a subscription wants besides its subjects.
pub(super) fn subscription_options(env: &Env, given: &Object<'_>) -> napi::Result<SubscriptionOptions> {
    let Wanting { options, start: Begins { last_values }, last } = wanting(env, given)?;
    Ok(SubscriptionOptions { start: core::start(last_values, last).map_err(raise(env))?, ..options })
}

/// Subjects that are asked for.
pub(super) fn criterion(text: &[u8], is_prefix: bool) -> Result<Criterion> {
    if is_prefix { Criterion::prefix(text.to_vec()) } else { Criterion::pattern(text.to_vec()) }
}
