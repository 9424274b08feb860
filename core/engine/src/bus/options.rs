//! How a bus is set up.

use std::{fmt, net::IpAddr, str::FromStr, time::Duration};

use zpatterns_epgm::{
    key::Key,
    parity::GROUPS,
    sender::{FlowControl, Redundancy},
};
use zpatterns_protocol::{Error, ErrorKind, Result};

/// For whom a sender waits.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum BusFlowControl {
    /// For nobody: who cannot follow loses, as with libzmq's peers.
    #[default]
    None,
    /// For all who listen.
    Slowest,
    /// For those who listen with the same tag.
    Tagged,
}

impl FromStr for BusFlowControl {
    type Err = Error;

    /// `none`, `slowest` or `tagged`.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "none" => Ok(Self::None),
            "slowest" => Ok(Self::Slowest),
            "tagged" => Ok(Self::Tagged),
            _ => Err(wrong("flow control is none, slowest or tagged", "flow_control")),
        }
    }
}

/// What all on a bus share, and nobody else: at least 16 bytes, random ones.
#[derive(Clone, PartialEq, Eq)]
pub struct BusKey(Vec<u8>);

impl BusKey {
    /// [`ErrorKind::InvalidArgument`] if it is shorter than 16 bytes.
    pub fn new(secret: impl Into<Vec<u8>>) -> Result<Self> {
        let secret = secret.into();
        if secret.len() < 16 {
            return Err(wrong("a key has at least 16 bytes", "key"));
        }
        Ok(Self(secret))
    }
}

impl fmt::Debug for BusKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("BusKey")
    }
}

/// How a bus is set up. What is said below to be of our own peers excludes libzmq's: a group that uses it has a port of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BusOptions {
    /// Bytes of datagrams sent in a second to all, or to each, repairs with them; at least 1,000. libzmq's receivers lose from some
    /// 200 MB/s on.
    pub rate: u64,
    /// Bytes that are kept to be repeated: as long an outage is survived as it takes to send them.
    pub window: usize,
    /// They are kept no longer than this.
    pub max_age: Duration,
    /// Bytes of what was sent before that who comes late gets: as much as both its sender and it say here. libzmq's peers know
    /// nothing of it, and are not disturbed.
    pub history: usize,
    /// Bytes that may wait to be sent. Who finds it full, and waits, goes on when half of it has left.
    pub max_unsent: usize,
    /// How many routers a message to a group may cross, and one more; 1 is this network.
    pub hops: u8,
    /// Whether other programs on this machine hear what is sent to a group.
    pub looped: bool,
    /// For whom sending waits; of our own peers only.
    pub flow_control: BusFlowControl,
    /// Before so many listen who are waited for, nothing is sent.
    pub at_least: usize,
    /// As whom one listens, and for whom one waits, if flow control is by tag.
    pub tag: u32,
    /// Datagrams of a group that is repaired by parity, of our own peers only: 2, 4, 8, 16, 32, 64, or 0 for none.
    pub parity_group: u32,
    /// Parity that is sent with each group, whether or not somebody asks; at most as much as it has datagrams.
    pub parity: u32,
    /// Datagrams carry a tag that only who has this key can make, and others are dropped; of our own peers only.
    pub key: Option<BusKey>,
    /// Sources heard at once.
    pub max_peers: usize,
    /// Bytes of one source that wait while something before them is missing.
    pub max_behind: usize,
    /// Bytes of a message that is received; each frame counts as 32 more. Larger ones are lost.
    pub max_message: usize,
    /// Messages and events that wait for the program, at least 2.
    pub max_events: usize,
    /// Bytes of those; each frame and each of them counts as 32 more.
    pub max_bytes: usize,
    /// How long a source is remembered that is silent.
    pub forget: Duration,
    /// How long closing waits for what is to be sent, and repeated.
    pub linger: Duration,
}

impl Default for BusOptions {
    /// 100 MB/s; a window of 64 MiB, of any age, no history, 4 MiB unsent; one hop, looped; no flow control, no parity, no key;
    /// 1,024 peers, 64 MiB behind a gap; messages of 16 MiB; 100,000 events and 64 MiB; forgotten after 5 minutes; a linger of 1 s.
    fn default() -> Self {
        Self {
            rate: 100_000_000,
            window: 64 << 20,
            max_age: Duration::MAX,
            history: 0,
            max_unsent: 4 << 20,
            hops: 1,
            looped: true,
            flow_control: BusFlowControl::None,
            at_least: 0,
            tag: 0,
            parity_group: 0,
            parity: 0,
            key: None,
            max_peers: 1024,
            max_behind: 64 << 20,
            max_message: 16 << 20,
            max_events: 100_000,
            max_bytes: 64 << 20,
            forget: Duration::from_secs(300),
            linger: Duration::from_secs(1),
        }
    }
}

fn wrong(text: &'static str, option: &'static str) -> Error {
    Error::new(ErrorKind::InvalidArgument, text).with("option", option)
}

impl BusOptions {
    pub(super) fn check(&self) -> Result<()> {
        let is_group =
            self.parity_group == 0 || (self.parity_group.is_power_of_two() && GROUPS.contains(&self.parity_group));
        for (is_right, text, option) in [
            (self.rate >= 1000, "a bus sends at least 1,000 bytes in a second", "rate"),
            (self.window >= 1428, "a window has room for a datagram's 1,428 bytes", "window"),
            (self.max_peers > 0, "a bus hears at least one peer", "max_peers"),
            (is_group, "a group has 2, 4, 8, 16, 32 or 64 datagrams", "parity_group"),
            (self.parity <= self.parity_group, "a group has no more parity than datagrams", "parity"),
            (self.at_least <= 1024, "no more than 1,024 are waited for", "at_least"),
        ] {
            if !is_right {
                return Err(wrong(text, option));
            }
        }
        Ok(())
    }

    /// Bytes that leave at once: half a millisecond's, but not more than the smallest usual receive buffer holds.
    pub(super) fn burst(&self) -> u64 {
        (self.rate / 2000).clamp(1 << 16, 1 << 20)
    }

    pub(super) fn flow_control(&self) -> FlowControl {
        let Self { at_least, tag, .. } = *self;
        match self.flow_control {
            BusFlowControl::None => FlowControl::None,
            BusFlowControl::Slowest => FlowControl::Slowest { at_least },
            BusFlowControl::Tagged => FlowControl::Tagged { tag, at_least },
        }
    }

    pub(super) fn redundancy(&self) -> Option<Redundancy> {
        let Self { parity_group: group, parity: proactive, .. } = *self;
        (group > 0).then_some(Redundancy { group, proactive })
    }

    pub(super) fn key(&self, group: IpAddr, port: u16) -> Option<Key> {
        self.key.as_ref().map(|BusKey(secret)| Key::new(secret, group, port))
    }
}
