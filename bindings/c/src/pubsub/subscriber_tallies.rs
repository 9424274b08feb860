//! What a subscriber got, and how far it is.

use std::{
    ffi::{c_char, c_int},
    mem::offset_of,
};

use zpatterns::pubsub::{SubscriberCounters, ViewInfo};

use super::{
    publisher_tallies::ZPAT_PUBSUB_NAME_SIZE,
    subscriber::{handle, zpat_subscriber_t},
};
use crate::{
    arguments::{fill_growing, named, write_growing},
    error::entry,
};

/// What a subscriber got so far. Start from `ZPAT_SUBSCRIBER_COUNTERS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_subscriber_counters_t {
    /// `sizeof(zpat_subscriber_counters_t)`.
    pub struct_size: usize,
    /// Given to the program.
    pub delivered: u64,
    /// Publications of which it was told that it missed them; of a range of which nobody knows how many were in it, all
    /// numbers.
    pub missed: u64,
    /// Publications that came by themselves because the shared path had lost them.
    pub repaired: u64,
    /// What came twice.
    pub duplicates: u64,
    /// Publications that are here, and not yet taken by the program.
    pub waiting: u64,
    /// Bytes of those.
    pub waiting_bytes: u64,
    /// How often the publisher was found to have started anew.
    pub restarts: u64,
    /// Messages that made no sense.
    pub malformed: u64,
}

impl zpat_subscriber_counters_t {
    const ENDS: &'static [usize] = &[offset_of!(Self, malformed) + size_of::<u64>()];

    fn of(counters: &SubscriberCounters) -> Self {
        let SubscriberCounters { delivered, missed, repaired, duplicates, waiting, waiting_bytes, restarts, malformed } =
            *counters;
        Self {
            struct_size: size_of::<Self>(),
            delivered,
            missed,
            repaired,
            duplicates,
            waiting,
            waiting_bytes,
            restarts,
            malformed,
        }
    }
}

/// How far a subscription is in one stream. Start from `ZPAT_SUBSCRIBER_VIEW_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_subscriber_view_t {
    /// `sizeof(zpat_subscriber_view_t)`.
    pub struct_size: usize,
    /// As `zpat_subscriber_subscribe` wrote it.
    pub subscription: u64,
    /// The name of the stream, with a zero at the end. It is whatever bytes the publisher sent.
    pub stream: [c_char; ZPAT_PUBSUB_NAME_SIZE],
    /// Length of that, without the zero at its end.
    pub stream_len: u64,
    /// 1 if it comes over the shared path, else 0.
    pub shared: i64,
    /// The last number that was given to the program, or missed.
    pub last: u64,
}

impl zpat_subscriber_view_t {
    const ENDS: &'static [usize] = &[offset_of!(Self, last) + size_of::<u64>()];

    fn of(view: &ViewInfo, struct_size: usize) -> Self {
        let ViewInfo { subscription, stream, shared, last } = view;
        Self {
            struct_size,
            subscription: (*subscription).into(),
            stream: named(stream),
            stream_len: stream.len() as u64,
            shared: (*shared).into(),
            last: *last,
        }
    }
}

/// Writes what the subscriber got so far into `counters`, whose `struct_size` the caller has set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_subscriber_counters(
    subscriber: *const zpat_subscriber_t,
    counters: *mut zpat_subscriber_counters_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let counted = zpat_subscriber_counters_t::of(&unsafe { handle(subscriber) }?.counters()?);
        // SAFETY: C's promise.
        unsafe { fill_growing(counters, counted, zpat_subscriber_counters_t::ENDS) }.map(|()| 0)
    })
}

/// Writes how far each subscription is, by stream, into `out`, an array of `most` elements; `struct_size` of the first
/// is set, and holds for all. Returns how many there are: if that is more than `most`, the last ones were not written.
/// `out` may be NULL if `most` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_subscriber_views(
    subscriber: *const zpat_subscriber_t,
    out: *mut zpat_subscriber_view_t,
    most: usize,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let views = unsafe { handle(subscriber) }?.views()?;
        // SAFETY: C's promise.
        unsafe { write_growing(out, most, zpat_subscriber_view_t::ENDS, &views, zpat_subscriber_view_t::of) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_known_are_those_of_the_structures() {
        assert_eq!(zpat_subscriber_counters_t::ENDS.last(), Some(&size_of::<zpat_subscriber_counters_t>()));
        assert_eq!(zpat_subscriber_view_t::ENDS.last(), Some(&size_of::<zpat_subscriber_view_t>()));
    }
}
