//! What a subscriber brings.

use std::{
    ffi::{c_char, c_int},
    mem::offset_of,
};

use zpatterns::{
    Error, ErrorKind, Result,
    pubsub::{LostReason, SubscriberEvent, Subscription},
};

use crate::{
    arguments::{
        Names, c_names, check_growing, fill_growing, hand_over, required, required_mut, take_back, zpat_slice_t,
    },
    error::{code_of, entry, entry_or},
};

/// What a subscriber brings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_subscriber_event_kind_t {
    /// The publisher knows who this is.
    ZPAT_SUBSCRIBER_CONNECTED = 1,
    /// `subscription` is there; what follows belongs to it.
    ZPAT_SUBSCRIBER_SUBSCRIBED = 2,
    /// This was published: `subscription`, `number` and `frames`, with its stream, its subject and its frames beside
    /// them.
    ZPAT_SUBSCRIBER_MESSAGE = 3,
    /// This was published and will not come: numbers `first` to `last` of a stream, `count` of them for this
    /// `subscription`, for this `reason`.
    ZPAT_SUBSCRIBER_MISSED = 4,
    /// `subscription` is not there, or not any more: `error`, and a text beside it.
    ZPAT_SUBSCRIBER_REJECTED = 5,
    /// The publisher has started anew. What it had published and not sent is lost with it; the numbers begin again.
    ZPAT_SUBSCRIBER_RESTARTED = 6,
}

/// Why a publication does not come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_lost_reason_t {
    /// The program did not take what it was sent, and the subscription has a bound.
    ZPAT_PUBSUB_LOST_SLOW = 0,
    /// It was asked for too late: the publisher's history has it no more.
    ZPAT_PUBSUB_LOST_HISTORY = 1,
    /// Rules changed, and it may not be heard any more, or the subscriber was sent away.
    ZPAT_PUBSUB_LOST_REVOKED = 2,
    /// The subscriber went, or was silent for too long.
    ZPAT_PUBSUB_LOST_GONE = 3,
    /// The publisher was closed.
    ZPAT_PUBSUB_LOST_CLOSED = 4,
}

/// The name of a `zpat_lost_reason_t`, the same in every language (`revoked`); `unknown` for what is none. Static text.
#[unsafe(no_mangle)]
pub extern "C" fn zpat_lost_reason_name(reason: c_int) -> *const c_char {
    static NAMES: Names = Names::new(|| c_names(LostReason::ALL.iter().map(|reason| reason.name())));
    let name = usize::try_from(reason).ok().and_then(|index| NAMES.get(index));
    name.map_or(c"unknown".as_ptr(), |name| name.as_ptr())
}

/// An event; what is beside it is in `zpat_subscriber_events_frame` and its relatives. What `kind` does not name is 0.
/// Start from `ZPAT_SUBSCRIBER_EVENT_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_subscriber_event_t {
    /// `sizeof(zpat_subscriber_event_t)`.
    pub struct_size: usize,
    /// A `zpat_subscriber_event_kind_t`; 0 is one that this version has no number for.
    pub kind: i64,
    /// As `zpat_subscriber_subscribe` wrote it.
    pub subscription: u64,
    /// The number of a publication in its stream.
    pub number: u64,
    /// The first number that will not come.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// How many of these were for the subscription; 0 if nobody knows.
    pub count: u64,
    /// A `zpat_lost_reason_t`, of what will not come.
    pub reason: i64,
    /// A `zpat_error_t`: `ZPAT_E_PERMISSION_DENIED`, `ZPAT_E_FULL`, or `ZPAT_E_WRONG_STATE` if the same is subscribed
    /// to already.
    pub error: i64,
    /// How many frames a publication has.
    pub frames: u64,
}

impl zpat_subscriber_event_t {
    const ENDS: &'static [usize] = &[offset_of!(Self, frames) + size_of::<u64>()];

    fn of(event: &SubscriberEvent) -> Self {
        use zpat_subscriber_event_kind_t as kind;
        let none = Self {
            struct_size: size_of::<Self>(),
            kind: 0,
            subscription: 0,
            number: 0,
            first: 0,
            last: 0,
            count: 0,
            reason: 0,
            error: 0,
            frames: 0,
        };
        let of = |kind: kind, Subscription(subscription): Subscription| Self {
            kind: kind as i64,
            subscription: subscription.into(),
            ..none
        };
        match *event {
            SubscriberEvent::Connected => Self { kind: kind::ZPAT_SUBSCRIBER_CONNECTED as i64, ..none },
            SubscriberEvent::Subscribed { subscription } => of(kind::ZPAT_SUBSCRIBER_SUBSCRIBED, subscription),
            SubscriberEvent::Message { subscription, number, ref frames, .. } => {
                Self { number, frames: frames.len() as u64, ..of(kind::ZPAT_SUBSCRIBER_MESSAGE, subscription) }
            }
            SubscriberEvent::Missed { subscription, first, last, count, reason, .. } => {
                Self { first, last, count, reason: reason as i64, ..of(kind::ZPAT_SUBSCRIBER_MISSED, subscription) }
            }
            SubscriberEvent::Rejected { subscription, ref error } => {
                Self { error: code_of(error.kind()).into(), ..of(kind::ZPAT_SUBSCRIBER_REJECTED, subscription) }
            }
            SubscriberEvent::Restarted => Self { kind: kind::ZPAT_SUBSCRIBER_RESTARTED as i64, ..none },
            _ => none,
        }
    }
}

/// Publications and events that a subscriber brought, in order. They belong to one thread at a time.
pub struct zpat_subscriber_events_t(Vec<SubscriberEvent>);

/// Where a receive puts its events: what C has there already, or something new.
pub(super) struct Slot<'a>(&'a mut *mut zpat_subscriber_events_t);

impl<'a> Slot<'a> {
    /// Empties what is there, so that after an error nobody takes its old events for new ones.
    ///
    /// # Safety
    /// `events` is null or points to a pointer that is null or live events.
    pub(super) unsafe fn empty(events: *mut *mut zpat_subscriber_events_t) -> Result<Self> {
        // SAFETY: as the caller promises.
        let slot: &'a mut *mut zpat_subscriber_events_t = unsafe { required_mut(events, "events") }?;
        // SAFETY: as the caller promises.
        if let Some(events) = unsafe { slot.as_mut() } {
            events.0 = Vec::new();
        }
        Ok(Self(slot))
    }

    /// Puts these in; how many they are.
    pub(super) fn fill(self, events: Vec<SubscriberEvent>) -> c_int {
        let count = events.len();
        // SAFETY: `empty` was promised that the pointer is null or live events.
        match unsafe { self.0.as_mut() } {
            Some(there) => there.0 = events,
            None => hand_over(zpat_subscriber_events_t(events), self.0),
        }
        c_int::try_from(count).unwrap_or(c_int::MAX)
    }
}

/// The event at position `index`, if there is one.
///
/// # Safety
/// `events` is null or live.
unsafe fn event_at<'a>(events: *const zpat_subscriber_events_t, index: usize) -> Result<Option<&'a SubscriberEvent>> {
    // SAFETY: as the caller promises.
    Ok(unsafe { required(events, "events") }?.0.get(index))
}

/// Number of publications and events; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_subscriber_events_count(events: *const zpat_subscriber_events_t) -> usize {
    // SAFETY: C's promise.
    entry_or(0, || Ok(unsafe { required(events, "events") }?.0.len()))
}

/// Writes the event at position `index` into `event`, whose `struct_size` the caller has set. `ZPAT_E_NOT_FOUND` if
/// there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_subscriber_events_get(
    events: *const zpat_subscriber_events_t,
    index: usize,
    event: *mut zpat_subscriber_event_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (events, _) =
            unsafe { (required(events, "events")?, check_growing(event, zpat_subscriber_event_t::ENDS)?) };
        let none = || Error::new(ErrorKind::NotFound, "there is no such event");
        let found = zpat_subscriber_event_t::of(events.0.get(index).ok_or_else(none)?);
        // SAFETY: C's promise.
        unsafe { fill_growing(event, found, zpat_subscriber_event_t::ENDS) }.map(|()| 0)
    })
}

/// A frame of a publication, both by position from 0. The bytes, as those of the functions below, belong to the events:
/// they stay until those are freed or received into. If there is no such frame, `data` is NULL; for an empty frame it
/// is not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_subscriber_events_frame(
    events: *const zpat_subscriber_events_t,
    index: usize,
    frame: usize,
) -> zpat_slice_t {
    // SAFETY: C's promise.
    entry_or(zpat_slice_t::NONE, || match unsafe { event_at(events, index) }? {
        Some(SubscriberEvent::Message { frames, .. }) => {
            Ok(frames.get(frame).map_or(zpat_slice_t::NONE, |frame| zpat_slice_t::of(frame)))
        }
        _ => Ok(zpat_slice_t::NONE),
    })
}

/// What a publication is about.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_subscriber_events_subject(
    events: *const zpat_subscriber_events_t,
    index: usize,
) -> zpat_slice_t {
    // SAFETY: C's promise.
    entry_or(zpat_slice_t::NONE, || match unsafe { event_at(events, index) }? {
        Some(SubscriberEvent::Message { subject, .. }) => Ok(zpat_slice_t::of(subject)),
        _ => Ok(zpat_slice_t::NONE),
    })
}

/// The name of the stream to which a publication belongs, or what was missed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_subscriber_events_stream(
    events: *const zpat_subscriber_events_t,
    index: usize,
) -> zpat_slice_t {
    // SAFETY: C's promise.
    entry_or(zpat_slice_t::NONE, || match unsafe { event_at(events, index) }? {
        Some(SubscriberEvent::Message { stream, .. } | SubscriberEvent::Missed { stream, .. }) => {
            Ok(zpat_slice_t::of(stream))
        }
        _ => Ok(zpat_slice_t::NONE),
    })
}

/// Why a subscription was rejected, for people.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_subscriber_events_text(
    events: *const zpat_subscriber_events_t,
    index: usize,
) -> zpat_slice_t {
    // SAFETY: C's promise.
    entry_or(zpat_slice_t::NONE, || match unsafe { event_at(events, index) }? {
        Some(SubscriberEvent::Rejected { error, .. }) => Ok(zpat_slice_t::of(error.message().as_bytes())),
        _ => Ok(zpat_slice_t::NONE),
    })
}

/// Frees events and clears the pointer; slices into them end here. NULL and a cleared pointer are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_subscriber_events_free(events: *mut *mut zpat_subscriber_events_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        drop(unsafe { take_back(events) });
        Ok(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_known_is_that_of_the_structure() {
        assert_eq!(zpat_subscriber_event_t::ENDS.last(), Some(&size_of::<zpat_subscriber_event_t>()));
    }

    #[test]
    fn every_reason_of_core_has_its_number() {
        let header = include_str!("../../include/zpatterns.h");
        for reason in LostReason::ALL {
            let row = format!("  ZPAT_PUBSUB_LOST_{} = {},", reason.name().to_uppercase(), *reason as i64);
            assert!(header.contains(&row), "the header lacks `{row}`");
        }
        assert_eq!(header.matches("\n  ZPAT_PUBSUB_LOST_").count(), LostReason::ALL.len());
    }
}
