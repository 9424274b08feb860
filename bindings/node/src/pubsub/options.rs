//! Options of a publisher, its streams, a subscriber and a subscription, by the names that JavaScript gives them.

use std::time::Duration;

use napi::bindgen_prelude::{Env, Object, Unknown};
use zpatterns::{
    CurveKeys, OptionValue, Result,
    pubsub::{
        Access, ClientSecurity, Credential, Criterion, Entitlements, PublisherOptions, Rules, ServerSecurity, Slow,
        Snail, Start, StreamOptions, SubscriberOptions, SubscriptionOptions,
    },
};

use crate::{
    error::raise,
    given::{Given, list, needed, options},
    options::wrong,
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
    const EXPECTATION: &'static str = "the option takes 'drop', 'hold' or 'disconnect'";

    fn given(value: OptionValue) -> Option<Self> {
        match &*String::given(value)? {
            "drop" => Some(Self::Drop),
            "hold" => Some(Self::Hold),
            "disconnect" => Some(Self::Disconnect),
            _ => None,
        }
    }
}

impl Given for Start {
    const EXPECTATION: &'static str = "the option takes 'now' or 'last-values'";

    fn given(value: OptionValue) -> Option<Self> {
        match &*String::given(value)? {
            "now" => Some(Self::Now),
            "last-values" => Some(Self::LastValues),
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
        "maxSubscribers" = options.max_subscribers,
        "maxSubscriptions" = options.max_subscriptions,
        "maxAllSubscriptions" = options.max_all_subscriptions,
        "maxEndpoints" = options.max_endpoints,
        "maxSize" = options.max_size,
        "maxBytes" = options.max_bytes,
        "linger" = options.linger,
        "curveSecretKey" = curve_secret_key,
        "plainServer" = plain_server,
        "zapDomain" = options.security.zap_domain,
    }

    streaming Streaming {
        "name" = name,
        "public" = options.public,
        "history" = options.history,
        "historyBytes" = options.history_bytes,
        "historyAge" = options.history_age,
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
    curve_secret_key: Option<String>,
    plain_server: bool,
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
    start: Option<Start>,
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
        let Self { mut options, entitlements, ask, curve_secret_key, plain_server } = self;
        options.access = match (entitlements, ask) {
            (Some(_), Some(_)) => return Err(wrong("who is asked has no entitlements beside", "ask")),
            (Some(Bytes(text)), None) => {
                let read = Entitlements::read(&text).map_err(|error| error.with("option", "entitlements"))?;
                Access::Entitlements(Box::new(read))
            }
            (None, Some(patience)) => Access::Ask(patience),
            (None, None) => Access::Open,
        };
        options.security.server = match (curve_secret_key, plain_server) {
            (Some(_), true) => return Err(wrong("a server has CURVE or PLAIN", "plainServer")),
            (Some(secret_key), false) => Some(ServerSecurity::Curve { secret_key }),
            (None, true) => Some(ServerSecurity::Plain),
            (None, false) => None,
        };
        Ok(options)
    }
}

impl Streaming {
    fn finish(self, subjects: &[String]) -> Result<StreamOptions> {
        let name = needed(self.name, "name")?.into();
        let subjects =
            if subjects.is_empty() { vec![Criterion::pattern(">")?] } else { patterns(subjects, "subjects")? };
        Ok(StreamOptions { name, subjects, ..self.options })
    }
}

/// How a subscriber is set up.
pub(super) fn subscriber_options(env: &Env, given: &Object<'_>) -> napi::Result<SubscriberOptions> {
    hearing(env, given)?.finish().map_err(raise(env))
}

impl Hearing {
    fn finish(self) -> Result<SubscriberOptions> {
        let mut options = self.options;
        options.credential = match (self.user, self.password, self.token) {
            (None, None, None) => Credential::None,
            (None, None, Some(Bytes(token))) => Credential::Token(token.into()),
            (Some(Bytes(user)), Some(Bytes(password)), None) => {
                Credential::Password { user: user.into(), password: password.into() }
            }
            (Some(_), None, None) => return Err(wrong("who has a name has a password", "password")),
            (None, Some(_), None) => return Err(wrong("whose password it is, is needed", "user")),
            _ => return Err(wrong("a credential is a password, or a token", "token")),
        };
        if self.snail_max_lag.is_some() || self.snail_max_age.is_some() {
            options.snail = Some(Snail {
                max_lag: self.snail_max_lag.unwrap_or(u64::MAX),
                max_age: self.snail_max_age.unwrap_or(Duration::MAX),
            });
        }
        let curve = [self.curve_server_key, self.curve_public_key, self.curve_secret_key];
        let plain = [self.plain_username, self.plain_password];
        let curve = all_of(curve, ["curveServerKey", "curvePublicKey", "curveSecretKey"])?;
        options.security.client = match (curve, all_of(plain, ["plainUsername", "plainPassword"])?) {
            (Some(_), Some(_)) => return Err(wrong("a client has CURVE or PLAIN", "plainUsername")),
            (Some([server_key, public, secret]), None) => {
                Some(ClientSecurity::Curve { server_key, keys: CurveKeys { public, secret } })
            }
            (None, Some([username, password])) => Some(ClientSecurity::Plain { username, password }),
            (None, None) => None,
        };
        Ok(options)
    }
}

/// What belongs together: all of it, or none.
fn all_of<const N: usize>(given: [Option<String>; N], names: [&str; N]) -> Result<Option<[String; N]>> {
    let Some(missing) = given.iter().position(Option::is_none) else {
        return Ok(Some(given.map(Option::unwrap_or_default)));
    };
    if given.iter().all(Option::is_none) {
        return Ok(None);
    }
    Err(wrong("what belongs together is given together", names[missing]))
}

/// What a subscription wants besides its subjects.
pub(super) fn subscription_options(env: &Env, given: &Object<'_>) -> napi::Result<SubscriptionOptions> {
    let Wanting { mut options, start, last } = wanting(env, given)?;
    options.start = match (start, last) {
        (Some(Start::LastValues), Some(_)) => {
            return Err(raise(env)(wrong(
                "a subscription starts with the last so many, or with the last values",
                "last",
            )));
        }
        (_, Some(count)) => Start::Last(count),
        (start, None) => start.unwrap_or(Start::Now),
    };
    Ok(options)
}

/// Who may hear what.
pub(super) fn rules(allow: &[String], deny: &[String]) -> Result<Rules> {
    Ok(Rules { allow: patterns(allow, "allow")?, deny: patterns(deny, "deny")? })
}

fn patterns(texts: &[String], option: &str) -> Result<Vec<Criterion>> {
    let pattern = |text: &String| Criterion::pattern(text.clone()).map_err(|error| error.with("option", option));
    texts.iter().map(pattern).collect()
}

/// Subjects that are asked for.
pub(super) fn criterion(text: &[u8], is_prefix: bool) -> Result<Criterion> {
    if is_prefix { Criterion::prefix(text.to_vec()) } else { Criterion::pattern(text.to_vec()) }
}
