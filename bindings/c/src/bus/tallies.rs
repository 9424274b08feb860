//! What a bus did, and what became of what each peer sent.

use std::{ffi::c_int, mem::offset_of};

use zpatterns::{
    BusCounters, PeerId,
    bus::{ReceivedCounters, SentCounters},
};

use super::place::{handle, zpat_bus_t};
use crate::{
    arguments::{fill_growing, write_growing},
    error::entry,
};

/// What a bus did so far. Start from `ZPAT_BUS_COUNTERS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_bus_counters_t {
    /// `sizeof(zpat_bus_counters_t)`.
    pub struct_size: usize,
    /// Messages taken to be sent.
    pub sent_messages: u64,
    /// Datagrams sent with new data.
    pub sent_datagrams: u64,
    /// Datagrams sent again.
    pub sent_repairs: u64,
    /// Datagrams sent with parity.
    pub sent_parity: u64,
    /// Numbers that others asked for.
    pub sent_asked: u64,
    /// Of those, how many the window had no more.
    pub sent_gone: u64,
    /// Of those, how many were not looked at because too many came.
    pub sent_ignored: u64,
    /// Datagrams to our source that are none.
    pub sent_malformed: u64,
    /// Packets of other streams, and those that a source gets from nobody.
    pub sent_foreign: u64,
    /// Datagrams to our source from who does not know the key.
    pub sent_forged: u64,
    /// Listeners that were waited for, and then were silent for too long.
    pub sent_silent: u64,
    /// Listeners that are waited for now.
    pub sent_listeners: u64,
    /// Messages that were complete, from all who were ever heard, whether or not the program wanted them and had room.
    pub received_delivered: u64,
    /// Datagrams with data that were new.
    pub received_datagrams: u64,
    /// Datagrams with data that were there, or too old.
    pub received_duplicates: u64,
    /// Datagrams that were asked for and came.
    pub received_repaired: u64,
    /// Datagrams that were computed from others and parity.
    pub received_computed: u64,
    /// Numbers that were asked for.
    pub received_asked: u64,
    /// Datagrams that will not come.
    pub received_missed: u64,
    /// How often what came made no sense.
    pub received_broken: u64,
    /// Datagrams that are none.
    pub malformed: u64,
    /// Packets of other sessions.
    pub foreign: u64,
    /// Datagrams from who does not know the key.
    pub forged: u64,
    /// Sources that were not listened to because too many were there.
    pub refused: u64,
    /// Messages and events that the program did not take in time.
    pub dropped: u64,
    /// How often the system had no room for what was to be sent.
    pub full: u64,
    /// How often it refused it.
    pub unsendable: u64,
    /// Datagrams that `zpat_bus_inject_loss` threw away.
    pub injected: u64,
}

impl zpat_bus_counters_t {
    const ENDS: &'static [usize] = &[offset_of!(Self, injected) + size_of::<u64>()];

    fn of(counters: &BusCounters) -> Self {
        let BusCounters {
            sent,
            received,
            malformed,
            foreign,
            forged,
            refused,
            dropped,
            full,
            unsendable,
            injected,
            ..
        } = *counters;
        let SentCounters { messages, datagrams, repairs, asked, gone, ignored, .. } = sent;
        Self {
            struct_size: size_of::<Self>(),
            sent_messages: messages,
            sent_datagrams: datagrams,
            sent_repairs: repairs,
            sent_parity: sent.parity,
            sent_asked: asked,
            sent_gone: gone,
            sent_ignored: ignored,
            sent_malformed: sent.malformed,
            sent_foreign: sent.foreign,
            sent_forged: sent.forged,
            sent_silent: sent.silent,
            sent_listeners: sent.listeners,
            received_delivered: received.delivered,
            received_datagrams: received.datagrams,
            received_duplicates: received.duplicates,
            received_repaired: received.repaired,
            received_computed: received.computed,
            received_asked: received.asked,
            received_missed: received.missed,
            received_broken: received.broken,
            malformed,
            foreign,
            forged,
            refused,
            dropped,
            full,
            unsendable,
            injected,
        }
    }
}

/// Who is heard, and what became of what they sent. Start from `ZPAT_BUS_PEER_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_bus_peer_t {
    /// `sizeof(zpat_bus_peer_t)`.
    pub struct_size: usize,
    /// Who, as in `zpat_bus_event_t`.
    pub peer: u64,
    /// Messages that were complete, whether or not the program wanted them and had room.
    pub delivered: u64,
    /// Datagrams with data that were new.
    pub datagrams: u64,
    /// Datagrams with data that were there, or too old.
    pub duplicates: u64,
    /// Datagrams that were asked for and came.
    pub repaired: u64,
    /// Datagrams that were computed from others and parity.
    pub computed: u64,
    /// Numbers that were asked for.
    pub asked: u64,
    /// Datagrams that will not come.
    pub missed: u64,
    /// How often what came made no sense.
    pub broken: u64,
}

impl zpat_bus_peer_t {
    const ENDS: &'static [usize] = &[offset_of!(Self, broken) + size_of::<u64>()];

    fn of((PeerId(peer), counters): &(PeerId, ReceivedCounters), struct_size: usize) -> Self {
        let ReceivedCounters { delivered, datagrams, duplicates, repaired, computed, asked, missed, broken, .. } =
            *counters;
        Self { struct_size, peer: *peer, delivered, datagrams, duplicates, repaired, computed, asked, missed, broken }
    }
}

/// Writes what the bus did so far into `counters`, whose `struct_size` the caller has set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_bus_counters(bus: *const zpat_bus_t, counters: *mut zpat_bus_counters_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let counted = zpat_bus_counters_t::of(&unsafe { handle(bus) }?.counters()?);
        // SAFETY: C's promise.
        unsafe { fill_growing(counters, counted, zpat_bus_counters_t::ENDS) }.map(|()| 0)
    })
}

/// Writes who is heard now, and what became of what they sent, into `out`, an array of `most` elements; `struct_size` of
/// the first is set, and holds for all. Returns how many there are: if that is more than `most`, the last ones were not
/// written. `out` may be NULL if `most` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_bus_peers(bus: *const zpat_bus_t, out: *mut zpat_bus_peer_t, most: usize) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let peers = unsafe { handle(bus) }?.peers()?;
        // SAFETY: C's promise.
        unsafe { write_growing(out, most, zpat_bus_peer_t::ENDS, &peers, zpat_bus_peer_t::of) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bus::{events::zpat_bus_event_t, options::zpat_bus_options_t},
        checked::has_no_holes,
    };

    #[test]
    fn the_sizes_known_are_those_of_the_structures() {
        assert_eq!(zpat_bus_counters_t::ENDS.last(), Some(&size_of::<zpat_bus_counters_t>()));
        assert_eq!(zpat_bus_peer_t::ENDS.last(), Some(&size_of::<zpat_bus_peer_t>()));
        assert_eq!(zpat_bus_event_t::ENDS.last(), Some(&size_of::<zpat_bus_event_t>()));
        assert!(has_no_holes(zpat_bus_options_t::ENDS, size_of::<zpat_bus_options_t>()));
    }
}
