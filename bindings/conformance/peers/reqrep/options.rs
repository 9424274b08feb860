//! Options by their names, as a program would set them.

use std::time::Duration;

use zpatterns::{
    OptionValue, Result,
    reqrep::{Balance, BrokerOptions, ClientOptions, RequestOptions, WorkerOptions},
};

use crate::{Words, invalid};

pub(super) fn broker(words: &mut Words<'_>) -> Result<BrokerOptions> {
    let mut options = BrokerOptions::default();
    for (option, value) in words.options()? {
        match option {
            "heartbeat_interval" => options.heartbeat.interval = millis(&value)?,
            "heartbeat_limit" => options.heartbeat.limit = number(&value)?,
            "balance" => options.balance = balance(&value)?,
            "max_requests" => options.max_requests = number(&value)?,
            "max_bytes" => options.max_bytes = number(&value)?,
            "max_waiting" => options.max_waiting = number(&value)?,
            "max_waiting_bytes" => options.max_waiting_bytes = number(&value)?,
            "max_age" => options.max_age = millis(&value)?,
            "max_per_client" => options.max_per_client = number(&value)?,
            "max_peers" => options.max_peers = number(&value)?,
            "max_unfetched" => options.max_unfetched = number(&value)?,
            "max_cached" => options.max_cached = number(&value)?,
            "max_cached_bytes" => options.max_cached_bytes = number(&value)?,
            "max_cached_age" => options.max_cached_age = millis(&value)?,
            "store" => options.store = Some(text(&value)?.into()),
            "max_stored" => options.max_stored = number(&value)?,
            "max_stored_bytes" => options.max_stored_bytes = number(&value)?,
            "max_stored_age" => options.max_stored_age = millis(&value)?,
            _ => return Err(invalid("a broker has no such option")),
        }
    }
    Ok(options)
}

pub(super) fn worker(words: &mut Words<'_>) -> Result<WorkerOptions> {
    let mut options = WorkerOptions::default();
    for (option, value) in words.options()? {
        match option {
            "heartbeat_interval" => options.heartbeat.interval = millis(&value)?,
            "heartbeat_limit" => options.heartbeat.limit = number(&value)?,
            "credit" => options.credit = number(&value)?,
            "max_jobs" => options.max_jobs = number(&value)?,
            "max_clients" => options.max_clients = number(&value)?,
            _ => return Err(invalid("a worker has no such option")),
        }
    }
    Ok(options)
}

pub(super) fn client(words: &mut Words<'_>) -> Result<ClientOptions> {
    let mut options = ClientOptions::default();
    for (option, value) in words.options()? {
        match option {
            "heartbeat_interval" => options.heartbeat.interval = millis(&value)?,
            "heartbeat_limit" => options.heartbeat.limit = number(&value)?,
            "max_requests" => options.max_requests = number(&value)?,
            "max_bytes" => options.max_bytes = number(&value)?,
            "balance" => options.balance = balance(&value)?,
            _ => return Err(invalid("a client has no such option")),
        }
    }
    Ok(options)
}

pub(super) fn request(words: &mut Words<'_>) -> Result<RequestOptions> {
    let (mut options, mut patience) = (RequestOptions::default(), None);
    for (option, value) in words.options()? {
        match option {
            "deadline" => options.deadline = millis(&value)?,
            "patience" => patience = Some(millis(&value)?),
            "attempts" => options.attempts = number(&value)?,
            "retries" => options.retries = number(&value)?,
            "durable" => options.durable = value == OptionValue::Bool(true),
            "once" => options.once = value == OptionValue::Bool(true),
            "key" => options.key = bytes(&value)?.into(),
            _ => return Err(invalid("a request has no such option")),
        }
    }
    options.patience = patience.unwrap_or(options.deadline);
    Ok(options)
}

pub(crate) fn number<T: TryFrom<i64>>(value: &OptionValue) -> Result<T> {
    let OptionValue::Int(number) = value else { return Err(invalid("a number is needed")) };
    T::try_from(*number).map_err(|_| invalid("the number is out of range"))
}

pub(crate) fn millis(value: &OptionValue) -> Result<Duration> {
    number(value).map(Duration::from_millis)
}

pub(crate) fn bytes(value: &OptionValue) -> Result<Vec<u8>> {
    let OptionValue::Bytes(bytes) = value else { return Err(invalid("bytes are needed")) };
    Ok(bytes.clone())
}

pub(crate) fn text(value: &OptionValue) -> Result<String> {
    String::from_utf8(bytes(value)?).map_err(|_| invalid("text is needed"))
}

fn balance(value: &OptionValue) -> Result<Balance> {
    match &*text(value)? {
        "least_recently_used" => Ok(Balance::LeastRecentlyUsed),
        "most_free" => Ok(Balance::MostFree),
        "sticky" => Ok(Balance::Sticky),
        _ => Err(invalid("no balance has this name")),
    }
}
