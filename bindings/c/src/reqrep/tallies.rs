//! What a broker counts of each service, and of each client and worker.

use std::{
    ffi::{c_char, c_int},
    mem::offset_of,
};

use zpatterns::reqrep::{PeerCounters, ServiceCounters};

use super::{
    broker::{handle, zpat_broker_t},
    counters::zpat_reqrep_counters_t,
};
use crate::{
    arguments::{named, write_growing},
    error::entry,
};

/// Room for the longest name of a service and a zero.
pub const ZPAT_SERVICE_SIZE: usize = 256;

/// What became of the requests for a service, since somebody first offered it. Start from
/// `ZPAT_SERVICE_COUNTERS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_service_counters_t {
    /// `sizeof(zpat_service_counters_t)`.
    pub struct_size: usize,
    /// Its name, with a zero at the end. It is whatever bytes a worker sent: not always text, and zeros may be among
    /// them.
    pub name: [c_char; ZPAT_SERVICE_SIZE],
    /// Length of the name, without the zero at its end.
    pub name_len: u64,
    /// Those who offer it now.
    pub workers: u64,
    /// Its requests. Of all that is here only this grows, so it is the last.
    pub counters: zpat_reqrep_counters_t,
}

/// What a client of a broker asked, or a worker was given, since its session began. Always: `requests` is `answered`,
/// `failed` and `held` together. Start from `ZPAT_PEER_COUNTERS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_peer_counters_t {
    /// `sizeof(zpat_peer_counters_t)`.
    pub struct_size: usize,
    /// Which one it was to come, from 1. It keeps that over broken connections.
    pub number: u64,
    /// What a worker offers, with a zero at the end, of whatever bytes it sent.
    pub service: [c_char; ZPAT_SERVICE_SIZE],
    /// Length of that, without the zero at its end: 1 or more. 0 is a client.
    pub service_len: u64,
    /// All that it asked, or was given.
    pub requests: u64,
    /// Of those, how many were answered, be it with an error of the worker's own.
    pub answered: u64,
    /// How many ended otherwise.
    pub failed: u64,
    /// How many are open.
    pub held: u64,
    /// Bytes that were sent to it and that it may not have.
    pub unfetched: u64,
}

impl zpat_service_counters_t {
    const ENDS: &'static [usize] =
        &[offset_of!(Self, counters) + offset_of!(zpat_reqrep_counters_t, stored) + size_of::<u64>()];

    /// The counters are those that a structure of this size has room for.
    fn of(service: &ServiceCounters, struct_size: usize) -> Self {
        let ServiceCounters { name, workers, counters } = service;
        let counters = zpat_reqrep_counters_t {
            struct_size: struct_size - offset_of!(Self, counters),
            ..zpat_reqrep_counters_t::of(counters)
        };
        Self { struct_size, name: named(name), name_len: name.len() as u64, workers: *workers, counters }
    }
}

impl zpat_peer_counters_t {
    const ENDS: &'static [usize] = &[offset_of!(Self, unfetched) + size_of::<u64>()];

    fn of(peer: &PeerCounters, struct_size: usize) -> Self {
        let PeerCounters { number, service, requests, answered, failed, held, unfetched } = peer;
        let service = service.as_deref().unwrap_or_default();
        Self {
            struct_size,
            number: *number,
            service: named(service),
            service_len: service.len() as u64,
            requests: *requests,
            answered: *answered,
            failed: *failed,
            held: *held,
            unfetched: *unfetched,
        }
    }
}

/// Writes what became of the requests for each service that a worker has offered, in the order of their names, into
/// `out`, an array of `most` elements; `struct_size` of the first is set, and holds for all. Returns how many there
/// are: if that is more than `most`, the last ones were not written. `out` may be NULL if `most` is 0.
///
/// Of services that nobody offers now, not more than some thousands are remembered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_broker_services(
    broker: *const zpat_broker_t,
    out: *mut zpat_service_counters_t,
    most: usize,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let services = unsafe { handle(broker) }?.services()?;
        // SAFETY: C's promise.
        unsafe { write_growing(out, most, zpat_service_counters_t::ENDS, &services, zpat_service_counters_t::of) }
    })
}

/// As `zpat_broker_services`, of the clients and workers that are connected now, in the order in which they came; not
/// of those with an older protocol.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_broker_peers(
    broker: *const zpat_broker_t,
    out: *mut zpat_peer_counters_t,
    most: usize,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let peers = unsafe { handle(broker) }?.peers()?;
        // SAFETY: C's promise.
        unsafe { write_growing(out, most, zpat_peer_counters_t::ENDS, &peers, zpat_peer_counters_t::of) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_known_are_those_of_the_structures() {
        assert_eq!(zpat_service_counters_t::ENDS.last(), Some(&size_of::<zpat_service_counters_t>()));
        assert_eq!(zpat_peer_counters_t::ENDS.last(), Some(&size_of::<zpat_peer_counters_t>()));
    }
}
