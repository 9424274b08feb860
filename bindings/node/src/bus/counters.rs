//! Counters of a bus and of its peers.

use napi_derive::napi;
use zpatterns::{
    BusCounters, PeerId,
    bus::{ReceivedCounters, SentCounters},
};

/// What a bus sent.
#[napi(object)]
pub struct BusSentCounts {
    /// Messages taken.
    pub messages: f64,
    /// Datagrams with new data.
    pub datagrams: f64,
    /// Datagrams sent again.
    pub repairs: f64,
    /// Datagrams with parity.
    pub parity: f64,
    /// Numbers that were asked for.
    pub asked: f64,
    /// Of those, how many the window had no more.
    pub gone: f64,
    /// Of those, how many were not looked at because too many came.
    pub ignored: f64,
    /// Datagrams that are none.
    pub malformed: f64,
    /// Packets of other streams, and those that a source gets from nobody.
    pub foreign: f64,
    /// Datagrams from who does not know the key.
    pub forged: f64,
    /// Listeners that were waited for, and then were silent for too long.
    pub silent: f64,
    /// Listeners that are waited for now.
    pub listeners: f64,
}

impl From<SentCounters> for BusSentCounts {
    fn from(counters: SentCounters) -> Self {
        Self {
            messages: counters.messages as f64,
            datagrams: counters.datagrams as f64,
            repairs: counters.repairs as f64,
            parity: counters.parity as f64,
            asked: counters.asked as f64,
            gone: counters.gone as f64,
            ignored: counters.ignored as f64,
            malformed: counters.malformed as f64,
            foreign: counters.foreign as f64,
            forged: counters.forged as f64,
            silent: counters.silent as f64,
            listeners: counters.listeners as f64,
        }
    }
}

/// What became of what a peer sent, or all peers together.
#[napi(object)]
pub struct BusReceivedCounts {
    /// Messages that were complete, whether or not the program wanted them and had room.
    pub delivered: f64,
    /// Datagrams with data that were new.
    pub datagrams: f64,
    /// Datagrams with data that were there, or too old.
    pub duplicates: f64,
    /// Datagrams that were asked for and came.
    pub repaired: f64,
    /// Datagrams that were computed from others and parity.
    pub computed: f64,
    /// Numbers that were asked for.
    pub asked: f64,
    /// Datagrams that will not come.
    pub missed: f64,
    /// How often what came made no sense.
    pub broken: f64,
}

impl From<ReceivedCounters> for BusReceivedCounts {
    fn from(counters: ReceivedCounters) -> Self {
        Self {
            delivered: counters.delivered as f64,
            datagrams: counters.datagrams as f64,
            duplicates: counters.duplicates as f64,
            repaired: counters.repaired as f64,
            computed: counters.computed as f64,
            asked: counters.asked as f64,
            missed: counters.missed as f64,
            broken: counters.broken as f64,
        }
    }
}

/// What a bus did.
#[napi(object)]
pub struct BusCounts {
    /// What was sent.
    pub sent: BusSentCounts,
    /// What came.
    pub received: BusReceivedCounts,
    /// Datagrams that are none.
    pub malformed: f64,
    /// Packets of other sessions.
    pub foreign: f64,
    /// Datagrams from who does not know the key.
    pub forged: f64,
    /// Sources that were not listened to because too many were there.
    pub refused: f64,
    /// Messages and events that the program did not take in time.
    pub dropped: f64,
    /// How often the system had no room for what was to be sent.
    pub full: f64,
    /// How often it refused it.
    pub unsendable: f64,
    /// Datagrams that `injectLoss` threw away.
    pub injected: f64,
}

impl From<BusCounters> for BusCounts {
    fn from(counters: BusCounters) -> Self {
        Self {
            sent: counters.sent.into(),
            received: counters.received.into(),
            malformed: counters.malformed as f64,
            foreign: counters.foreign as f64,
            forged: counters.forged as f64,
            refused: counters.refused as f64,
            dropped: counters.dropped as f64,
            full: counters.full as f64,
            unsendable: counters.unsendable as f64,
            injected: counters.injected as f64,
        }
    }
}

/// Who is heard, and what became of what they sent.
#[napi(object)]
pub struct BusPeerCounts {
    /// Who.
    pub peer: String,
    /// What became of it.
    pub received: BusReceivedCounts,
}

impl From<(PeerId, ReceivedCounters)> for BusPeerCounts {
    fn from((peer, received): (PeerId, ReceivedCounters)) -> Self {
        Self { peer: peer.to_string(), received: received.into() }
    }
}
