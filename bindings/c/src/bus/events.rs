//! What a bus brings.

use std::{ffi::c_int, mem::offset_of};

use zpatterns::{BusBatch, BusEvent, BusFrames, Error, ErrorKind, PeerId, Result};

use crate::{
    arguments::{check_growing, fill_growing, hand_over, required, required_mut, take_back, zpat_slice_t},
    error::{entry, entry_or},
};

/// What a bus brings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_bus_event_kind_t {
    /// A message of `peer`; those of one peer come in the order in which it sent them.
    ZPAT_BUS_MESSAGE = 1,
    /// `peer` is heard for the first time.
    ZPAT_BUS_JOINED = 2,
    /// `peer` has ended, or is heard no more.
    ZPAT_BUS_GONE = 3,
    /// Datagrams `first` to `last` of `peer` were lost and will not be repeated, with what was in them: some messages, or
    /// none. Numbers go round at 2^32.
    ZPAT_BUS_MISSED = 4,
    /// What came from `peer` makes no sense as messages. It was dropped, up to the next one that does.
    ZPAT_BUS_BROKEN = 5,
    /// `count` messages and events before the next one did not fit, because the program took too little.
    ZPAT_BUS_DROPPED = 6,
}

/// An event; the frames of a message are in `zpat_bus_events_frame`. Start from `ZPAT_BUS_EVENT_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_bus_event_t {
    /// `sizeof(zpat_bus_event_t)`.
    pub struct_size: usize,
    /// A `zpat_bus_event_kind_t`; 0 is one that this version has no number for.
    pub kind: i64,
    /// Who: a source, since it began. People read the upper 48 bits in hexadecimal, a colon, and the lower 16 bits. 0 if
    /// it is about nobody.
    pub peer: u64,
    /// As `kind` says.
    pub first: u64,
    /// As `kind` says.
    pub last: u64,
    /// As `kind` says.
    pub count: u64,
    /// How many frames a message has.
    pub frames: u64,
}

impl zpat_bus_event_t {
    pub(super) const ENDS: &'static [usize] = &[offset_of!(Self, frames) + size_of::<u64>()];

    fn of(event: BusEvent<BusFrames<'_>>) -> Self {
        use zpat_bus_event_kind_t as kind;
        let none = Self { struct_size: size_of::<Self>(), kind: 0, peer: 0, first: 0, last: 0, count: 0, frames: 0 };
        let of = |kind: kind, PeerId(peer): PeerId| Self { kind: kind as i64, peer, ..none };
        match event {
            BusEvent::Message { peer, frames } => {
                Self { frames: frames.len() as u64, ..of(kind::ZPAT_BUS_MESSAGE, peer) }
            }
            BusEvent::Joined { peer } => of(kind::ZPAT_BUS_JOINED, peer),
            BusEvent::Gone { peer } => of(kind::ZPAT_BUS_GONE, peer),
            BusEvent::Missed { peer, first, last } => {
                Self { first: first.into(), last: last.into(), ..of(kind::ZPAT_BUS_MISSED, peer) }
            }
            BusEvent::Broken { peer } => of(kind::ZPAT_BUS_BROKEN, peer),
            BusEvent::Dropped { count } => Self { kind: kind::ZPAT_BUS_DROPPED as i64, count, ..none },
            _ => none,
        }
    }
}

/// Messages and events that a bus brought, in order. They belong to one thread at a time.
pub struct zpat_bus_events_t(BusBatch);

/// Where a receive puts its events: what C has there already, or something new.
pub(super) struct Slot<'a>(&'a mut *mut zpat_bus_events_t);

impl<'a> Slot<'a> {
    /// Empties what is there, so that after an error nobody takes its old events for new ones.
    ///
    /// # Safety
    /// `events` is null or points to a pointer that is null or live events.
    pub(super) unsafe fn empty(events: *mut *mut zpat_bus_events_t) -> Result<Self> {
        // SAFETY: as the caller promises.
        let slot: &'a mut *mut zpat_bus_events_t = unsafe { required_mut(events, "events") }?;
        // SAFETY: as the caller promises.
        if let Some(events) = unsafe { slot.as_mut() } {
            events.0 = BusBatch::default();
        }
        Ok(Self(slot))
    }

    /// Puts these in; how many they are.
    pub(super) fn fill(self, events: BusBatch) -> c_int {
        let count = events.len();
        // SAFETY: `empty` was promised that the pointer is null or live events.
        if let Some(there) = unsafe { self.0.as_mut() } {
            there.0 = events;
        } else {
            hand_over(zpat_bus_events_t(events), self.0);
        }
        c_int::try_from(count).unwrap_or(c_int::MAX)
    }
}

/// Number of messages and events; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_bus_events_count(events: *const zpat_bus_events_t) -> usize {
    // SAFETY: C's promise.
    entry_or(0, || Ok(unsafe { required(events, "events") }?.0.len()))
}

/// Writes the event at position `index` into `event`, whose `struct_size` the caller has set. `ZPAT_E_NOT_FOUND` if
/// there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_bus_events_get(
    events: *const zpat_bus_events_t,
    index: usize,
    event: *mut zpat_bus_event_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (events, _) = unsafe { (required(events, "events")?, check_growing(event, zpat_bus_event_t::ENDS)?) };
        let none = || Error::new(ErrorKind::NotFound, "there is no such event");
        let found = zpat_bus_event_t::of(events.0.get(index).ok_or_else(none)?);
        // SAFETY: C's promise.
        unsafe { fill_growing(event, found, zpat_bus_event_t::ENDS) }.map(|()| 0)
    })
}

/// A frame of a message, both by position from 0. The bytes belong to the events: they stay until those are freed or
/// received into. If there is no such frame, `data` is NULL; for an empty frame it is not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_bus_events_frame(
    events: *const zpat_bus_events_t,
    index: usize,
    frame: usize,
) -> zpat_slice_t {
    entry_or(zpat_slice_t::NONE, || {
        // SAFETY: C's promise.
        let event = unsafe { required(events, "events") }?.0.get(index);
        Ok(match event {
            Some(BusEvent::Message { frames, .. }) => frames.get(frame).map_or(zpat_slice_t::NONE, zpat_slice_t::of),
            _ => zpat_slice_t::NONE,
        })
    })
}

/// Frees events and clears the pointer; slices into them end here. NULL and a cleared pointer are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_bus_events_free(events: *mut *mut zpat_bus_events_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        drop(unsafe { take_back(events) });
        Ok(0)
    })
}
