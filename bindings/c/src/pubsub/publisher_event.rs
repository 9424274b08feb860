//! What a publisher's program is told.

use std::ffi::c_int;

use zpatterns::{
    Result,
    pubsub::{Ask, Credential, PublisherEvent},
};

use super::publisher::{handle, zpat_publisher_t};
use crate::{
    arguments::{deadline, hand_over, required, required_mut, take_back, zpat_slice_t},
    cancel::zpat_cancel_t,
    error::{entry, entry_or},
};

/// What a publisher's program is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_publisher_event_kind_t {
    /// Somebody says who he is, and is let in or not by `zpat_publisher_admit` or `zpat_publisher_refuse`.
    ZPAT_PUBLISHER_ASKED = 1,
    /// A subscriber is there that was not.
    ZPAT_PUBLISHER_JOINED = 2,
    /// A subscriber has gone, or was silent for longer than its lease.
    ZPAT_PUBLISHER_LEFT = 3,
}

/// How somebody who asks says who he is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_credential_kind_t {
    /// He does not.
    ZPAT_CREDENTIAL_NONE = 0,
    /// By a name and a password.
    ZPAT_CREDENTIAL_PASSWORD = 1,
    /// By what only he has.
    ZPAT_CREDENTIAL_TOKEN = 2,
}

/// Something that a publisher's program was told, or nothing. It belongs to one thread at a time.
pub struct zpat_publisher_event_t(Option<PublisherEvent>);

/// Waits for what happens next, if somebody is to be let in (`ask`) or `news` are wanted, puts it into `*event`, and
/// returns 1.
///
/// `*event` is NULL, and then becomes something new that the caller frees with `zpat_publisher_event_free`, or what an
/// earlier call left, which is emptied and used again. `ZPAT_E_TIMEOUT` if nothing happened in time, `ZPAT_E_CLOSED`
/// when the publisher has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_next(
    publisher: *const zpat_publisher_t,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    event: *mut *mut zpat_publisher_event_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let slot = unsafe { required_mut(event, "event") }?;
        // SAFETY: C's promise.
        let mut there = unsafe { slot.as_mut() };
        if let Some(event) = &mut there {
            event.0 = None;
        }
        // SAFETY: C's promise.
        let (publisher, deadline) = unsafe { (handle(publisher)?, deadline(timeout_ms, cancel)?) };
        let next = Some(publisher.next(&deadline)?);
        match there {
            Some(event) => event.0 = next,
            None => hand_over(zpat_publisher_event_t(next), slot),
        }
        Ok(1)
    })
}

/// What C has there.
///
/// # Safety
/// `event` is null or live.
unsafe fn event_of<'a>(event: *const zpat_publisher_event_t) -> Result<Option<&'a PublisherEvent>> {
    // SAFETY: as the caller promises.
    Ok(unsafe { required(event, "event") }?.0.as_ref())
}

/// What somebody who asks says who he is.
///
/// # Safety
/// As [`event_of`].
unsafe fn credential_of<'a>(event: *const zpat_publisher_event_t) -> Result<&'a Credential> {
    // SAFETY: as the caller promises.
    Ok(match unsafe { event_of(event) }? {
        Some(PublisherEvent::Asked { credential, .. }) => credential,
        _ => &Credential::None,
    })
}

/// A `zpat_publisher_event_kind_t`; 0 is nothing, or one that this version has no number for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_event_kind(event: *const zpat_publisher_event_t) -> c_int {
    use zpat_publisher_event_kind_t as kind;
    // SAFETY: C's promise.
    entry(|| match unsafe { event_of(event) }? {
        Some(PublisherEvent::Asked { .. }) => Ok(kind::ZPAT_PUBLISHER_ASKED as c_int),
        Some(PublisherEvent::Joined { .. }) => Ok(kind::ZPAT_PUBLISHER_JOINED as c_int),
        Some(PublisherEvent::Left { .. }) => Ok(kind::ZPAT_PUBLISHER_LEFT as c_int),
        _ => Ok(0),
    })
}

/// Who asks, for the answer; 0 if nobody does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_event_ask(event: *const zpat_publisher_event_t) -> u64 {
    // SAFETY: C's promise.
    entry_or(0, || match unsafe { event_of(event) }? {
        Some(PublisherEvent::Asked { ask: Ask(ask), .. }) => Ok(*ask),
        _ => Ok(0),
    })
}

/// By which the subscriber is known, or will be. The bytes, as those of the functions below, belong to the event: they
/// stay until it is freed or used again. If there are none, `data` is NULL; if they are empty it is not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_event_identity(event: *const zpat_publisher_event_t) -> zpat_slice_t {
    use PublisherEvent::{Asked, Joined, Left};
    // SAFETY: C's promise.
    entry_or(zpat_slice_t::NONE, || match unsafe { event_of(event) }? {
        Some(Asked { identity, .. } | Joined { identity, .. } | Left { identity, .. }) => {
            Ok(zpat_slice_t::of(identity))
        }
        _ => Ok(zpat_slice_t::NONE),
    })
}

/// Who the subscriber is. Of one who asks: who the security of its connection says that it is, a user's name or a
/// public key in Z85, and empty if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_event_user(event: *const zpat_publisher_event_t) -> zpat_slice_t {
    use PublisherEvent::{Asked, Joined, Left};
    // SAFETY: C's promise.
    entry_or(zpat_slice_t::NONE, || match unsafe { event_of(event) }? {
        Some(Asked { user, .. } | Joined { user, .. } | Left { user, .. }) => Ok(zpat_slice_t::of(user)),
        _ => Ok(zpat_slice_t::NONE),
    })
}

/// A `zpat_credential_kind_t`: how one who asks says itself who it is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_event_credential(event: *const zpat_publisher_event_t) -> c_int {
    use zpat_credential_kind_t as kind;
    // SAFETY: C's promise.
    entry(|| match unsafe { credential_of(event) }? {
        Credential::None => Ok(kind::ZPAT_CREDENTIAL_NONE as c_int),
        Credential::Password { .. } => Ok(kind::ZPAT_CREDENTIAL_PASSWORD as c_int),
        Credential::Token(_) => Ok(kind::ZPAT_CREDENTIAL_TOKEN as c_int),
    })
}

/// The name that goes with a password.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_event_credential_user(event: *const zpat_publisher_event_t) -> zpat_slice_t {
    // SAFETY: C's promise.
    entry_or(zpat_slice_t::NONE, || match unsafe { credential_of(event) }? {
        Credential::Password { user, .. } => Ok(zpat_slice_t::of(user)),
        Credential::None | Credential::Token(_) => Ok(zpat_slice_t::NONE),
    })
}

/// The password, or the token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_event_secret(event: *const zpat_publisher_event_t) -> zpat_slice_t {
    // SAFETY: C's promise.
    entry_or(zpat_slice_t::NONE, || match unsafe { credential_of(event) }? {
        Credential::None => Ok(zpat_slice_t::NONE),
        Credential::Password { password: secret, .. } | Credential::Token(secret) => Ok(zpat_slice_t::of(secret)),
    })
}

/// Frees an event and clears the pointer; slices into it end here. NULL and a cleared pointer are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_event_free(event: *mut *mut zpat_publisher_event_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        drop(unsafe { take_back(event) });
        Ok(0)
    })
}
