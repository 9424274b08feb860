//! Options of publish-subscribe, by name.

use zpatterns::{
    OptionValue, Result,
    pubsub::{Criterion, PublisherOptions, Rules, StreamOptions, SubscriberOptions, SubscriptionOptions, given},
};

use crate::{
    Words,
    bus::{bytes, flag, text},
    invalid,
    reqrep::options::{millis, number},
};

fn owned(value: &OptionValue) -> Result<String> {
    text(value).map(str::to_owned)
}

const ANYWHERE: &str = "tcp://127.0.0.1:0";

pub(super) fn publisher(words: &mut Words<'_>) -> Result<PublisherOptions> {
    let (mut options, mut public) = (PublisherOptions::default(), None);
    let (mut entitlements, mut ask, mut key, mut plain_server, mut zap_domain) = (None, None, None, false, None);
    let mut stream = options.streams.swap_remove(0);
    for (option, value) in words.options()? {
        match option {
            "public" => public = Some(vec![Criterion::pattern(owned(&value)?)?]),
            "history" => stream.history = number(&value)?,
            "history_bytes" => stream.history_bytes = number(&value)?,
            "history_age" => stream.history_age = millis(&value)?,
            "disk_bytes" => stream.disk_bytes = number(&value)?,
            "last_values" => stream.last_values = number(&value)?,
            "shared" => options.shared = flag(&value)?.then(|| ANYWHERE.to_owned()),
            "plain" => options.plain = flag(&value)?.then(|| ANYWHERE.to_owned()),
            "entitlements" => entitlements = Some(bytes(&value)?.to_vec()),
            "ask" => ask = Some(millis(&value)?),
            "news" => options.news = flag(&value)?,
            "heartbeat_interval" => options.heartbeat.interval = millis(&value)?,
            "heartbeat_limit" => options.heartbeat.limit = number(&value)?,
            "lease" => options.lease = millis(&value)?,
            "max_keep" => options.max_keep = millis(&value)?,
            "max_hold" => options.max_hold = millis(&value)?,
            "gather" => options.gather = millis(&value)?,
            "max_subscribers" => options.max_subscribers = number(&value)?,
            "max_subscriptions" => options.max_subscriptions = number(&value)?,
            "max_all_subscriptions" => options.max_all_subscriptions = number(&value)?,
            "max_endpoints" => options.max_endpoints = number(&value)?,
            "max_plain" => options.max_plain = number(&value)?,
            "max_size" => options.max_size = number(&value)?,
            "max_bytes" => options.max_bytes = number(&value)?,
            "disk" => options.disk = Some(owned(&value)?.into()),
            "linger" => options.linger = millis(&value)?,
            "curve_secret_key" => key = Some(owned(&value)?),
            "plain_server" => plain_server = flag(&value)?,
            "zap_domain" => zap_domain = Some(owned(&value)?),
            _ => return Err(invalid("a publisher has no such option")),
        }
    }
    if let Some(subjects) = public {
        options.streams.push(StreamOptions { name: "news".into(), subjects, public: true, ..stream.clone() });
    }
    options.streams.push(stream);
    let security = given::server_security(key, plain_server, zap_domain)?;
    Ok(PublisherOptions { access: given::access_of(entitlements.as_deref(), ask)?, security, ..options })
}

pub(super) fn subscriber(words: &mut Words<'_>) -> Result<SubscriberOptions> {
    let mut options = SubscriberOptions::default();
    let (mut user, mut password, mut token) = (None, None, None);
    let (mut lag, mut age) = (None, None);
    let (mut server, mut public, mut secret, mut name, mut word) = (None, None, None, None, None);
    for (option, value) in words.options()? {
        match option {
            "name" => options.name = Some(owned(&value)?),
            "keep" => options.keep = millis(&value)?,
            "user" => user = Some(bytes(&value)?.to_vec().into()),
            "password" => password = Some(bytes(&value)?.to_vec().into()),
            "token" => token = Some(bytes(&value)?.to_vec().into()),
            "shared" => options.shared = Some(owned(&value)?),
            "endpoint" => options.endpoint = Some(owned(&value)?),
            "heartbeat_interval" => options.heartbeat.interval = millis(&value)?,
            "heartbeat_limit" => options.heartbeat.limit = number(&value)?,
            "max_messages" => options.max_messages = number(&value)?,
            "max_bytes" => options.max_bytes = number(&value)?,
            "snail_max_lag" => lag = Some(number(&value)?),
            "snail_max_age" => age = Some(millis(&value)?),
            "curve_server_key" => server = Some(owned(&value)?),
            "curve_public_key" => public = Some(owned(&value)?),
            "curve_secret_key" => secret = Some(owned(&value)?),
            "plain_username" => name = Some(owned(&value)?),
            "plain_password" => word = Some(owned(&value)?),
            _ => return Err(invalid("a subscriber has no such option")),
        }
    }
    let security = given::client_security((server, public, secret), (name, word))?;
    let credential = given::credential_of(user, password, token)?;
    Ok(SubscriberOptions { credential, security, snail: given::snail(lag, age), ..options })
}

/// And whether its subjects are those of a prefix.
pub(super) fn subscription(words: &mut Words<'_>) -> Result<(bool, SubscriptionOptions)> {
    let (mut options, mut is_prefix) = (SubscriptionOptions::default(), false);
    let (mut last_values, mut last) = (false, None);
    for (option, value) in words.options()? {
        match option {
            "prefix" => is_prefix = flag(&value)?,
            "start" => match text(&value)? {
                "now" => last_values = false,
                "last-values" => last_values = true,
                _ => return Err(invalid("a subscription starts now, or with the last-values")),
            },
            "last" => last = Some(number(&value)?),
            "slow" => options.policy.slow = text(&value)?.parse()?,
            "max_messages" => options.policy.max_messages = number(&value)?,
            "max_bytes" => options.policy.max_bytes = number(&value)?,
            "shared" => options.shared = flag(&value)?,
            _ => return Err(invalid("a subscription has no such option")),
        }
    }
    options.start = given::start(last_values, last)?;
    Ok((is_prefix, options))
}

pub(super) fn rules(words: &mut Words<'_>) -> Result<Rules> {
    let (mut allow, mut deny) = (Vec::new(), Vec::new());
    for (option, value) in words.options()? {
        match option {
            "allow" => allow.push(owned(&value)?),
            "deny" => deny.push(owned(&value)?),
            _ => return Err(invalid("rules allow or deny")),
        }
    }
    given::rules(&allow, &deny)
}
