//! One measurement of fan-out: a publisher and those who subscribe, all of these in one process, so that there are two on two
//! processors; and a server between them, where there is one.
//!
//! As on a bus the subscribers are there first, and the publisher greets until all of them have heard it. It stays until they are
//! done. Every delivery costs what all processes use, and what never came is shown beside whatever did. Where the shared path is to
//! lose something, whoever publishes has it pass through what does that, and says what was lost: when that came nevertheless, the
//! subscriber knows.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::{
    NATS,
    run::{DriverLine, Sample, WATCHDOG},
    stats::Percentiles,
    town::{NATS_LISTENS, said, used},
};
use crate::{
    language::Absent,
    packages::Built,
    shell::{Call, Running},
};

/// The peers that every language shares: programs in C.
pub(super) const PEERS: [&str; 2] = [LOSSY, SERVER];
/// A PUB drops what its subscribers do not take.
const LOSSY: &str = "libzmq-pub";
/// A server between two programs that do next to nothing.
const SERVER: &str = "nats-server";
/// Those who speak to libzmq: to a publisher that waits, or to who subscribes.
const ON_LIBZMQ: [&str; 3] = ["pyzmq", "pyzmq-asyncio", "zeromq"];
/// Ours, where each subscriber is sent what is for it by itself.
const PRIVATE: &str = "zpatterns-private";
const ANYWHERE: &str = "tcp://127.0.0.1:0";

/// A kind of fan-out, by the name that reports know it by.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fan {
    pub(super) subscribers: u64,
    /// Each of them asks for so many subjects, each by itself; without, for all that there is.
    subjects: Option<u64>,
    /// Publications per second on a schedule, of which latencies are measured; 0 is as many as can be.
    #[serde(default)]
    pace: u64,
    /// Of a thousand messages of the shared path so many are lost.
    #[serde(default)]
    lost: u64,
    /// Whether who is measured publishes, to subscribers in Rust or in C, instead of subscribing.
    #[serde(default)]
    publishes: bool,
    /// Messages that are published; each is for all.
    pub(super) counts: BTreeMap<String, u64>,
}

/// What a sample of fan-out tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Question {
    /// How many are delivered.
    Deliveries,
    /// The same, and what that costs the publisher.
    Publishing,
    /// What it costs to find who asks for a subject.
    Matching,
    /// How late they are.
    Latencies,
    /// How late are those that were lost.
    Repairs,
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
    /// Processor time per publication of whoever finds its subscribers: the publisher, or the server where there is one.
    pub(super) publication_cpu_us: Option<f64>,
    /// Messages that somebody did not get, of all subscribers together.
    pub(super) lost: f64,
    /// Publications that the shared path has lost.
    pub(super) lost_on_the_way: f64,
    /// How late those came.
    pub(super) repaired_us: Option<Percentiles>,
}

impl Fan {
    /// Whether the latency of every message is measured instead of how many there are per second.
    pub fn latencies(&self) -> bool {
        self.pace > 0
    }

    /// What it is for.
    pub(super) fn question(&self) -> Question {
        match self {
            Self { lost: 1.., .. } => Question::Repairs,
            Self { pace: 1.., .. } => Question::Latencies,
            Self { subjects: Some(_), .. } => Question::Matching,
            Self { publishes: true, .. } => Question::Publishing,
            _ => Question::Deliveries,
        }
    }

    /// Whether the numbers fit together.
    pub(super) fn is_sound(&self) -> bool {
        // Latencies are those of one; and only what is on a schedule is known by when it was due.
        let has_someone = if self.latencies() { self.subscribers == 1 } else { self.subscribers > 0 };
        has_someone && (self.lost == 0 || self.latencies())
    }

    /// Who plays `implementation`, which is in `driver` if it is one of a language; the limit if that is `None`.
    pub(super) fn cast(
        &self,
        implementation: Option<&str>,
        driver: impl FnOnce() -> Result<Call, Absent>,
        built: &Built,
    ) -> Result<Cast, Absent> {
        let (publishes, subscribes) =
            if self.latencies() { ("fan-pace", "fan-latency") } else { ("fan-publish", "fan-subscribe") };
        let limit = || built.limit.clone();
        let mut server = None;
        let (publisher, subscriber) = match implementation {
            None if self.lost > 0 => return Err(Absent::Missing("what is lost is lost".into())),
            None => (limit()?.arg(publishes), limit()?.arg(subscribes)),
            Some(LOSSY) => (limit()?.arg("fan-publish-lossy"), limit()?.arg(subscribes)),
            Some(name @ (NATS | SERVER)) => {
                server = Some(built.nats_server.clone()?);
                let subscriber =
                    if name == NATS { driver()?.arg(subscribes) } else { limit()?.arg("fan-subscribe-nats") };
                (limit()?.arg("fan-publish-nats"), subscriber)
            }
            Some(name) => {
                let ours = if name == PRIVATE { PRIVATE } else { "zpatterns" };
                let other = if ON_LIBZMQ.contains(&name) { limit()? } else { built.sender.clone()?.arg(ours) };
                let (publisher, subscriber) = if self.publishes { (driver()?, other) } else { (other, driver()?) };
                (publisher.arg(publishes), subscriber.arg(subscribes))
            }
        };
        Ok(Cast { publisher, subscriber, server })
    }

    /// Publishes `count` messages of `size` bytes to all subscribers.
    ///
    /// # Errors
    /// When a process fails, hangs, or prints something else than agreed.
    pub(super) fn measure(&self, cast: &Cast, size: u32, count: u64) -> Result<Sample> {
        let numbers = [u64::from(size), count, self.subscribers].into_iter().chain(self.subjects);
        let numbers: Vec<_> = numbers.map(|number| number.to_string()).collect();
        let schedule = if self.latencies() { vec![self.pace, self.lost] } else { Vec::new() };
        let mut server = cast.server.as_ref().map(|server| Running::start(server, WATCHDOG)).transpose()?;
        let place = server.as_mut().map_or_else(|| Ok(ANYWHERE.to_owned()), |server| said(server, NATS_LISTENS))?;
        let publisher = cast.publisher.clone().arg(place).args(&numbers);
        let publisher = publisher.args(schedule.iter().map(u64::to_string));
        let mut publishing = Running::start_to_tell(&publisher, WATCHDOG)?;
        let endpoint = publishing.announced("endpoint ")?;
        // A shared path that loses something has an endpoint of its own.
        let (endpoint, shared) = endpoint.split_once(' ').map_or((&*endpoint, None), |(at, shared)| (at, Some(shared)));
        let subscriber = cast.subscriber.clone().arg(endpoint).args(&numbers).args(shared);
        let mut subscribing = Running::start(&subscriber, WATCHDOG)?;
        subscribing.announced("ready")?;
        let servers = server.as_slice();
        let before = used(servers);
        publishing.tell("begin")?;
        let received = DriverLine::of(&subscriber, &subscribing.finish()?)?;
        let others = before.zip(used(servers)).map(|(before, after)| after.since(before).cpu.as_secs_f64());
        let sent = DriverLine::of(&publisher, &publishing.finish()?)?;
        let server = server.map(|_| others);
        self.sample(&received, &sent, server, count).with_context(|| format!("{subscriber} printed no result"))
    }

    /// What all together say. The server tells what it used, or nothing where the system does not.
    fn sample(
        &self,
        received: &DriverLine,
        sent: &DriverLine,
        server: Option<Option<f64>>,
        count: u64,
    ) -> Result<Sample> {
        let messages = received.messages()?;
        let others = server.unwrap_or(Some(0.0));
        let finding = server.unwrap_or(Some(sent.cpu_seconds));
        Ok(Sample {
            rate: messages / received.seconds,
            cpu_us: others.map(|others| (received.cpu_seconds + sent.cpu_seconds + others) * 1e6 / messages),
            peak_kb: Some(if self.publishes { sent.max_rss_kb } else { received.max_rss_kb }),
            latency_us: received.percentiles_of(self.latencies(), count)?,
            waiting: None,
            heard: None,
            delivered: Some(Delivered {
                subscriber_cpu_us: received.cpu_seconds * 1e6 / messages,
                publication_cpu_us: finding.map(|seconds| seconds * 1e6 / count as f64),
                lost: (count * self.subscribers) as f64 - messages,
                lost_on_the_way: sent.lost.len() as f64,
                repaired_us: repaired(received, sent, count)?,
            }),
        })
    }
}

/// How late what the way has lost came, of all `count` publications, which arrive in their order.
fn repaired(received: &DriverLine, sent: &DriverLine, count: u64) -> Result<Option<Percentiles>> {
    if sent.lost.is_empty() {
        return Ok(None);
    }
    let late = &received.latencies_us;
    ensure!(late.len() as u64 == count, "nobody knows which of {count} publications never came");
    let late = sent.lost.iter().map(|&at| late.get(at).copied().context("something was lost that is none"));
    Ok(Percentiles::of(&late.collect::<Result<Vec<_>>>()?))
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
    fn what_it_is_for_follows_from_its_numbers() {
        let told = |numbers: &str| {
            let fan: Fan = toml::from_str(&format!("subscribers = 1\n{numbers}\ncounts = {{}}")).unwrap();
            fan.is_sound().then(|| fan.question())
        };
        assert_eq!(told("subjects = 100"), Some(Question::Matching));
        assert_eq!(told("publishes = true"), Some(Question::Publishing));
        assert_eq!(told("pace = 1000"), Some(Question::Latencies));
        assert_eq!(told("pace = 1000\nlost = 10"), Some(Question::Repairs));
        assert_eq!(told("lost = 10"), None, "nobody knows when it was due");
        assert_eq!((fan(2).question(), fan(0).is_sound()), (Question::Deliveries, false));
    }

    #[test]
    fn what_the_way_has_lost_is_late_by_itself() {
        let fan: Fan = toml::from_str("subscribers = 1\npace = 1000\nlost = 10\ncounts = {}").unwrap();
        let figures = r#""messages":4,"seconds":1,"cpu_seconds":1,"max_rss_kb":1"#;
        let parse = |more: &str| DriverLine::parse(&format!("{{{figures},{more}}}")).unwrap();
        let (received, sent) = (parse(r#""latencies_us":[1.0,90.0,70.0,2.0]"#), parse(r#""lost":[1,2]"#));
        let sample = fan.sample(&received, &sent, None, 4).unwrap();
        let delivered = sample.delivered.unwrap();
        assert_eq!((delivered.lost_on_the_way, delivered.lost), (2.0, 0.0));
        assert_eq!(delivered.repaired_us.map(|it| (it.p50, it.max)), Some((70.0, 90.0)));
        assert_eq!(sample.latency_us.map(|it| it.p50), Some(2.0));
        assert!(fan.sample(&received, &sent, None, 5).is_err(), "one never came, and nobody knows which");
        assert!(fan.sample(&received, &parse(r#""lost":[4]"#), None, 4).is_err());
    }

    #[test]
    fn a_publication_costs_who_finds_its_subscribers() {
        let cost = |server| fan(2).sample(&line(20, 0.1), &line(10, 0.5), server, 10).unwrap().delivered;
        assert_eq!(cost(None).unwrap().publication_cpu_us, Some(50_000.0));
        assert_eq!(cost(Some(Some(0.25))).unwrap().publication_cpu_us, Some(25_000.0), "the server's alone");
        assert_eq!(cost(Some(None)).unwrap().publication_cpu_us, None);
    }

    #[test]
    fn a_delivery_costs_what_all_use_and_what_is_lost_is_counted() {
        let sample = fan(10).sample(&line(900, 0.25), &line(100, 0.5), Some(Some(0.15)), 100).unwrap();
        let delivered = sample.delivered.unwrap();
        assert_eq!((sample.rate, delivered.lost), (1800.0, 100.0));
        assert_eq!(sample.cpu_us.map(f64::round), Some(1000.0));
        assert_eq!(delivered.subscriber_cpu_us.round(), 278.0);
        assert!(fan(1).sample(&line(0, 0.1), &line(1, 0.1), None, 1).is_err(), "nothing was received");
    }

    /// Scripts that play: `sh -c SCRIPT sh ROLE ENDPOINT SIZE COUNT SUBSCRIBERS [SHARED]`.
    #[cfg(unix)]
    #[test]
    fn the_publisher_is_where_the_server_is_and_begins_when_all_are_there() {
        let say = r#"printf '{"messages":%s,"seconds":1,"cpu_seconds":1,"max_rss_kb":1}\n'"#;
        let part = |script: String| Call::new("sh").args(["-c", &script, "sh"]);
        let place = "127.0.0.1:7";
        let publisher = part(format!(
            r#"test "$1 $2 $5" = "fan-publish {place} 3" || exit 3; echo endpoint here there; read told; cat; {say} "$4""#
        ));
        let subscriber = part(format!(
            r#"test "$1 $2 $6" = "fan-subscribe here there" || exit 4; echo ready; {say} "$(($4 * $5))""#
        ));
        let server = part(format!("echo '[1] [INF] {NATS_LISTENS}{place}' >&2; exec sleep 60"));
        let (publisher, subscriber) = (publisher.arg("fan-publish"), subscriber.arg("fan-subscribe"));
        let sample = fan(3).measure(&Cast { publisher, subscriber, server: Some(server) }, 100, 50).unwrap();
        assert_eq!((sample.rate, sample.delivered.map(|it| it.lost)), (150.0, Some(0.0)));
    }
}
