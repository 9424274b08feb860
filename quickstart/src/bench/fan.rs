//! One measurement of fan-out: a publisher and those who subscribe, all of these in one process, so that there are two on two
//! processors; and a server between them, where there is one.
//!
//! As on a bus the subscribers are there first, and the publisher greets until all of them have heard it. It stays until they are
//! done. Every delivery costs what all processes use, and what never came is shown beside whatever did.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::{
    NATS,
    run::{DriverLine, Sample, WATCHDOG},
    town::{NATS_LISTENS, said, used},
};
use crate::{
    language::Absent,
    packages::Built,
    shell::{Call, Running},
};

/// The peers that every language shares: libzmq in C.
pub(super) const PEERS: [&str; 1] = [LOSSY];
/// A PUB drops what its subscribers do not take.
const LOSSY: &str = "libzmq-pub";
/// Those whose publisher is libzmq's that waits.
const ON_LIBZMQ: [&str; 3] = ["pyzmq", "pyzmq-asyncio", "zeromq"];
/// Ours, where each subscriber is sent what is for it by itself.
const PRIVATE: &str = "zpatterns-private";
const ANYWHERE: &str = "tcp://127.0.0.1:0";

/// A kind of fan-out, by the name that reports know it by.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fan {
    pub(super) subscribers: u64,
    /// Messages that are published; each is for all.
    pub(super) counts: BTreeMap<String, u64>,
}

/// Who publishes and who subscribes.
pub(super) struct Cast {
    publisher: Call,
    subscriber: Call,
    /// A server that is a program of its own.
    server: Option<Call>,
}

/// What only fan-out tells.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Delivered {
    /// Processor time of the subscribers alone per delivered message, in microseconds.
    pub(super) subscriber_cpu_us: f64,
    /// Messages that somebody did not get, of all subscribers together.
    pub(super) lost: f64,
}

impl Fan {
    /// Who plays `implementation`, which is in `driver` if it is one of a language; the limit if that is `None`.
    pub(super) fn cast(
        implementation: Option<&str>,
        driver: impl FnOnce() -> Result<Call, Absent>,
        built: &Built,
    ) -> Result<Cast, Absent> {
        let limit = || built.limit.clone();
        let mut server = None;
        let (publisher, subscriber) = match implementation {
            None => (limit()?.arg("fan-publish"), limit()?),
            Some(LOSSY) => (limit()?.arg("fan-publish-lossy"), limit()?),
            Some(name) if ON_LIBZMQ.contains(&name) => (limit()?.arg("fan-publish"), driver()?),
            Some(NATS) => {
                server = Some(built.nats_server.clone()?);
                (limit()?.arg("fan-publish-nats"), driver()?)
            }
            Some(name) => {
                let ours = if name == PRIVATE { PRIVATE } else { "zpatterns" };
                (built.sender.clone()?.args([ours, "fan-publish"]), driver()?)
            }
        };
        Ok(Cast { publisher, subscriber: subscriber.arg("fan-subscribe"), server })
    }

    /// Publishes `count` messages of `size` bytes to all subscribers.
    ///
    /// # Errors
    /// When a process fails, hangs, or prints something else than agreed.
    pub(super) fn measure(&self, cast: &Cast, size: u32, count: u64) -> Result<Sample> {
        let numbers = [u64::from(size), count, self.subscribers].map(|number| number.to_string());
        let mut server = cast.server.as_ref().map(|server| Running::start(server, WATCHDOG)).transpose()?;
        let place = server.as_mut().map_or_else(|| Ok(ANYWHERE.to_owned()), |server| said(server, NATS_LISTENS))?;
        let publisher = cast.publisher.clone().arg(place).args(&numbers);
        let mut publishing = Running::start_to_tell(&publisher, WATCHDOG)?;
        let endpoint = publishing.announced("endpoint ")?;
        let subscriber = cast.subscriber.clone().arg(endpoint).args(&numbers);
        let mut subscribing = Running::start(&subscriber, WATCHDOG)?;
        subscribing.announced("ready")?;
        let servers = server.as_slice();
        let before = used(servers);
        publishing.tell("begin")?;
        let received = DriverLine::of(&subscriber, &subscribing.finish()?)?;
        let others = before.zip(used(servers)).map(|(before, after)| after.since(before).cpu.as_secs_f64());
        let sent = DriverLine::of(&publisher, &publishing.finish()?)?;
        self.sample(&received, &sent, others, count).with_context(|| format!("{subscriber} printed no result"))
    }

    /// What all together say; `others` is what a server used, or nothing where the system does not tell.
    fn sample(&self, received: &DriverLine, sent: &DriverLine, others: Option<f64>, count: u64) -> Result<Sample> {
        let messages = received.messages()?;
        Ok(Sample {
            rate: messages / received.seconds,
            cpu_us: others.map(|others| (received.cpu_seconds + sent.cpu_seconds + others) * 1e6 / messages),
            peak_kb: Some(received.max_rss_kb),
            latency_us: None,
            waiting: None,
            heard: None,
            delivered: Some(Delivered {
                subscriber_cpu_us: received.cpu_seconds * 1e6 / messages,
                lost: (count * self.subscribers) as f64 - messages,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fan(subscribers: u64) -> Fan {
        toml::from_str(&format!("subscribers = {subscribers}\ncounts = {{}}")).unwrap()
    }

    fn line(messages: u64, cpu: f64) -> DriverLine {
        let text = format!(r#"{{"messages":{messages},"seconds":0.5,"cpu_seconds":{cpu},"max_rss_kb":9000}}"#);
        DriverLine::parse(&text).unwrap()
    }

    #[test]
    fn a_delivery_costs_what_all_use_and_what_is_lost_is_counted() {
        let sample = fan(10).sample(&line(900, 0.25), &line(100, 0.5), Some(0.15), 100).unwrap();
        let delivered = sample.delivered.unwrap();
        assert_eq!((sample.rate, delivered.lost), (1800.0, 100.0));
        assert_eq!(sample.cpu_us.map(f64::round), Some(1000.0));
        assert_eq!(delivered.subscriber_cpu_us.round(), 278.0);
        assert!(fan(1).sample(&line(0, 0.1), &line(1, 0.1), None, 1).is_err(), "nothing was received");
    }

    /// Scripts that play: `sh -c SCRIPT sh ROLE ENDPOINT SIZE COUNT SUBSCRIBERS`.
    #[cfg(unix)]
    #[test]
    fn the_publisher_is_where_the_server_is_and_begins_when_all_are_there() {
        let say = r#"printf '{"messages":%s,"seconds":1,"cpu_seconds":1,"max_rss_kb":1}\n'"#;
        let part = |script: String| Call::new("sh").args(["-c", &script, "sh"]);
        let place = "127.0.0.1:7";
        let publisher = part(format!(
            r#"test "$1 $2 $5" = "fan-publish {place} 3" || exit 3; echo endpoint here; read told; cat; {say} "$4""#
        ));
        let subscriber =
            part(format!(r#"test "$1 $2 $3" = "fan-subscribe here 100" || exit 4; echo ready; {say} "$(($4 * $5))""#));
        let server = part(format!("echo '[1] [INF] {NATS_LISTENS}{place}' >&2; exec sleep 60"));
        let (publisher, subscriber) = (publisher.arg("fan-publish"), subscriber.arg("fan-subscribe"));
        let sample = fan(3).measure(&Cast { publisher, subscriber, server: Some(server) }, 100, 50).unwrap();
        assert_eq!((sample.rate, sample.delivered.map(|it| it.lost)), (150.0, Some(0.0)));
    }
}
