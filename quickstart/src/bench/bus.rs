//! One measurement of a bus: a sender and some receivers, each a process of its own, on the loopback device or, where datagrams
//! are to be lost, on two hosts of a network of their own.
//!
//! The receivers are there first. The sender greets until all of them have heard it, and only then is it told to begin: so what
//! is missed was missed on the way. It stays until they are done, because it repeats what they lack.

use std::{collections::BTreeMap, net::UdpSocket, process};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::{
    run::{DriverLine, Sample, WATCHDOG},
    stats::Spread,
};
use crate::{
    doctor::Networks,
    language::Absent,
    packages::{self, Built},
    shell::{Call, Running},
};

/// The peers that every language shares.
pub(super) const PEERS: [&str; 2] = [LIBZMQ, UDP];
/// An address, because libzmq takes no name for the loopback device.
const LOOPBACK: &str = "127.0.0.1";
const LIBZMQ: &str = "libzmq-epgm";
const UDP: &str = "udp";
/// Ours sends and libzmq receives.
const TO_LIBZMQ: &str = "zpatterns-to-libzmq";

/// A kind of bus, by the name that reports know it by.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bus {
    pub(super) receivers: usize,
    /// Messages per second on a schedule, of which latencies are measured; 0 is as many as can be.
    #[serde(default)]
    pace: u64,
    /// Of a thousand datagrams so many are lost.
    #[serde(default)]
    lost: u32,
    pub(super) counts: BTreeMap<String, u64>,
    /// Bytes per second that ours sends at most, by who receives.
    #[serde(default)]
    rates: BTreeMap<String, u64>,
}

/// Who sends and who receives.
pub(super) struct Cast {
    sender: Call,
    receiver: Call,
    /// What the sender is told as its rate, where it has one.
    rate: Option<u64>,
    /// How datagrams are lost.
    networks: Option<Networks>,
}

/// What only a bus tells.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Heard {
    /// Processor time of the sender per message, in microseconds.
    pub(super) sender_cpu_us: f64,
    /// Messages that a receiver did not get.
    pub(super) missed: f64,
    /// The longest time between two messages; without end where one never came.
    pub(super) silence_us: Option<f64>,
}

impl Bus {
    /// Whether the latency of every message is measured instead of how many there are per second.
    pub fn latencies(&self) -> bool {
        self.pace > 0
    }

    /// Whether datagrams are lost.
    pub fn loses(&self) -> bool {
        self.lost > 0
    }

    /// Who plays `implementation`, which is in `driver` if it is one of a language; the limit if that is `None`.
    pub(super) fn cast(
        &self,
        implementation: Option<&str>,
        driver: impl FnOnce() -> Result<Call, Absent>,
        built: &Built,
    ) -> Result<Cast, Absent> {
        let packages::Bus { libzmq, udp, networks } = &built.bus;
        let sender = || Ok(built.sender.clone()?.arg("zpatterns"));
        let networks = if self.loses() { Some((*networks).clone()?) } else { None };
        let (sender, receiver) = match implementation {
            None if self.loses() => return Err(Absent::Missing("what is lost is lost".into())),
            None => (udp.clone()?.arg("segments"), udp.clone()?.arg("segments")),
            Some(UDP) => (udp.clone()?.arg("datagrams"), udp.clone()?.arg("datagrams")),
            Some(LIBZMQ) => (libzmq.clone()?, libzmq.clone()?),
            Some(TO_LIBZMQ) => (sender()?, libzmq.clone()?),
            Some(_) => (sender()?, driver()?),
        };
        Ok(Cast { sender, receiver, rate: implementation.and_then(|name| self.rates.get(name).copied()), networks })
    }

    /// Sends `count` messages of `size` bytes to all receivers.
    ///
    /// # Errors
    /// When a process fails, hangs, or prints something else than agreed.
    pub(super) fn measure(&self, cast: &Cast, size: u32, count: u64) -> Result<Sample> {
        let rule = format!("meta l4proto udp numgen random mod 1000 lt {} drop", self.lost);
        let network = cast.networks.map(|networks| Network::make(networks, &rule)).transpose()?;
        let place = if network.is_some() { Networks::ADDRESS } else { LOOPBACK };
        let (endpoint, numbers) = (endpoint(place)?, [u64::from(size), count].map(|number| number.to_string()));
        let part = |program: &Call, workload: &str, host: fn(&Network) -> u32| {
            let call = program.clone().args([workload, &endpoint]).args(&numbers);
            match &network {
                Some(network) => network.networks.inside(host(network), call),
                None => call,
            }
        };
        let workload = if self.latencies() { "bus-latency" } else { "bus-recv" };
        let receiver = part(&cast.receiver, workload, |network| network.second);
        let sender = part(&cast.sender, "bus-send", |network| network.first.id());
        let sender = sender.arg(self.pace.to_string()).args(cast.rate.map(|it| it.to_string()));
        let starting = (0..self.receivers).map(|_| Running::start(&receiver, WATCHDOG));
        let mut receivers = starting.collect::<Result<Vec<_>>>()?;
        let mut sending = Running::start_to_tell(&sender, WATCHDOG)?;
        for receiver in &mut receivers {
            receiver.announced("ready")?;
        }
        sending.tell("begin")?;
        let ends = receivers.into_iter().map(|running| DriverLine::of(&receiver, &running.finish()?));
        let lines = ends.collect::<Result<Vec<_>>>()?;
        let sent = DriverLine::of(&sender, &sending.finish()?)?;
        self.sample(&lines, &sent, count).with_context(|| format!("{receiver} printed no result"))
    }

    /// The mean of what the receivers say; latencies are measured with one.
    fn sample(&self, receivers: &[DriverLine], sender: &DriverLine, count: u64) -> Result<Sample> {
        let messages = receivers.iter().map(DriverLine::messages).collect::<Result<Vec<_>>>()?;
        let mean = |value: &dyn Fn(&DriverLine, f64) -> f64| {
            let values = receivers.iter().zip(&messages).map(|(line, messages)| value(line, *messages));
            values.sum::<f64>() / receivers.len() as f64
        };
        let missed = mean(&|_, messages| count as f64 - messages);
        let silences: Vec<f64> = receivers.iter().filter_map(|line| line.silence_us).collect();
        Ok(Sample {
            rate: mean(&|line, messages| messages / line.seconds),
            cpu_us: Some(mean(&|line, messages| line.cpu_seconds * 1e6 / messages)),
            peak_kb: Some(mean(&|line, _| line.max_rss_kb)),
            latency_us: receivers[0].percentiles_of(self.latencies(), count)?,
            waiting: None,
            delivered: None,
            heard: Some(Heard {
                sender_cpu_us: sender.cpu_seconds * 1e6 / count as f64,
                missed,
                silence_us: Spread::of(&silences).map(|spread| if missed > 0.0 { f64::INFINITY } else { spread.max }),
            }),
        })
    }
}

/// Where nobody else is: a group of this process, and a port that is free.
fn endpoint(place: &str) -> Result<String> {
    let socket = UdpSocket::bind((LOOPBACK, 0)).context("there is no free port")?;
    let port = socket.local_addr().context("a port has a number")?.port();
    let [.., high, low] = process::id().to_be_bytes();
    Ok(format!("epgm://{place};239.192.{high}.{low}:{port}"))
}

/// Two hosts on a network of their own, until it is dropped.
struct Network {
    networks: Networks,
    /// The process that is the first host, and keeps both.
    first: Running,
    second: u32,
}

impl Network {
    fn make(networks: Networks, rule: &str) -> Result<Self> {
        let mut first = Running::start_to_tell(&networks.make(rule), WATCHDOG)?;
        let second = first.announced("second ").context("a network could not be made")?;
        let second = second.parse().with_context(|| format!("{second} is no process"))?;
        Ok(Self { networks, first, second })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::shell::ask;

    fn bus(text: &str) -> Bus {
        toml::from_str(&format!("{text}\ncounts = {{}}")).unwrap()
    }

    fn line(messages: u64, more: &str) -> DriverLine {
        let figures = r#""seconds":0.5,"cpu_seconds":0.25,"max_rss_kb":9000"#;
        DriverLine::parse(&format!(r#"{{"messages":{messages},{figures}{more}}}"#)).unwrap()
    }

    #[test]
    fn a_receiver_stands_for_all() {
        let receivers = [line(1000, ""), line(500, "")];
        let sample = bus("receivers = 2").sample(&receivers, &line(1000, ""), 1000).unwrap();
        let heard = Heard { sender_cpu_us: 250.0, missed: 250.0, silence_us: None };
        assert_eq!((sample.rate, sample.cpu_us, sample.heard), (1500.0, Some(375.0), Some(heard)));
        assert!(bus("receivers = 1").sample(&[line(0, "")], &line(1000, ""), 1000).is_err(), "nothing was received");
    }

    #[test]
    fn what_never_came_is_later_than_all_that_did() {
        let text = r#","latencies_us":[3.0,5.0],"silence_us":1002.5"#;
        let told = |count| {
            let bus = bus("receivers = 1\npace = 1000");
            let sample = bus.sample(&[line(2, text)], &line(count, ""), count).unwrap();
            (sample.latency_us.map(|it| (it.p50, it.max)), sample.heard.and_then(|it| it.silence_us))
        };
        let never = f64::INFINITY;
        assert_eq!(told(2), (Some((3.0, 5.0)), Some(1002.5)));
        assert_eq!(told(3), (Some((5.0, never)), Some(never)));
        assert_eq!(told(100).0, Some((never, never)), "a few that came are not fast");
    }

    /// Scripts that play: `sh -c SCRIPT sh WORKLOAD ENDPOINT SIZE COUNT [PACE [RATE]]`.
    #[cfg(unix)]
    #[test]
    fn the_sender_begins_when_all_are_there_and_ends_after_them() {
        let say = r#"printf '{"messages":%s,"seconds":1,"cpu_seconds":1,"max_rss_kb":1}\n' "$4""#;
        let part = |script: String| Call::new("sh").args(["-c", &script, "sh"]);
        let receiver = part(format!(r#"test "$1 $#" = "bus-recv 4" || exit 3; echo noise; echo ready; {say}"#));
        let sender = part(format!(r#"test "$1 $5 $6" = "bus-send 0 77" || exit 4; read told; cat; {say}"#));
        let cast = Cast { sender, receiver, rate: Some(77), networks: None };
        let sample = bus("receivers = 3").measure(&cast, 100, 50).unwrap();
        assert_eq!((sample.rate, sample.heard.map(|it| it.missed)), (50.0, Some(0.0)));
        let error = format!("{:#}", bus("receivers = 1\npace = 1").measure(&cast, 100, 50).unwrap_err());
        assert!(error.contains("bus-latency"), "{error}");
    }

    #[test]
    fn both_hosts_are_on_a_network_of_their_own() {
        let Some((networks, _)) = Networks::find() else { return eprintln!("skipped: no such networks here") };
        let network = Network::make(networks, "meta l4proto udp numgen random mod 1000 lt 10 drop").unwrap();
        let name = Call::new("readlink").arg("/proc/self/ns/net");
        let hosts = [network.first.id(), network.second].map(|host| networks.inside(host, name.clone()));
        let names = [name].into_iter().chain(hosts).map(|call| ask(&call, WATCHDOG).unwrap().stdout);
        let names: BTreeSet<_> = names.filter(|name| !name.is_empty()).collect();
        assert_eq!(names.len(), 3, "this host and two others: {names:?}");
    }
}
