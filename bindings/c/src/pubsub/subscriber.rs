//! Subscribers: opening, subscribing, receiving, event loops, closing.

use std::{
    ffi::{c_char, c_int, c_void},
    os::fd::AsRawFd,
};

use zpatterns::{
    Result,
    pubsub::{Subscriber, Subscription},
};

use super::{
    publisher::write_found,
    subscriber_events::{Slot, zpat_subscriber_events_t},
    subscriber_options::{zpat_subscriber_options_t, zpat_subscription_options_t},
};
use crate::{
    arguments::{at_most, bytes, deadline, hand_over, required, required_mut, take_back, text},
    cancel::zpat_cancel_t,
    context::zpat_context_t,
    error::entry,
    socket::{hook_of, zpat_hook_t},
};

/// Hears what it asks for. Any number of threads may use it at the same time.
pub struct zpat_subscriber_t(Subscriber);

/// The subscriber of a handle, so that a call goes on safely while another thread closes the handle.
///
/// # Safety
/// `subscriber` is null or a live handle.
pub(super) unsafe fn handle(subscriber: *const zpat_subscriber_t) -> Result<Subscriber> {
    // SAFETY: as the caller promises.
    Ok(unsafe { required(subscriber, "subscriber") }?.0.clone())
}

/// Opens a subscriber of the publisher at this endpoint. It connects in the background. `options` may be NULL for the
/// defaults. The caller frees it with `zpat_subscriber_close`. `ZPAT_E_INVALID_ARGUMENT` names the option that is out
/// of range; `ZPAT_E_INVALID_ENDPOINT` if an endpoint cannot be read; `ZPAT_E_ADDRESS_IN_USE`,
/// `ZPAT_E_ADDRESS_NOT_AVAILABLE` or `ZPAT_E_PERMISSION_DENIED` if it cannot bind its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_subscriber_connect(
    context: *const zpat_context_t,
    publisher: *const c_char,
    options: *const zpat_subscriber_options_t,
    subscriber: *mut *mut zpat_subscriber_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (out, context) = unsafe { (required_mut(subscriber, "subscriber")?, required(context, "context")?) };
        // SAFETY: C's promise.
        let (publisher, given) =
            unsafe { (text(publisher, "publisher")?, zpat_subscriber_options_t::convert(options)?) };
        hand_over(zpat_subscriber_t(Subscriber::connect(&context.0, publisher, given.together()?)?), out);
        Ok(0)
    })
}

/// Writes the endpoint that it has bound, with the port that the system chose, into `buffer` of `size` bytes;
/// `ZPAT_ENDPOINT_SIZE` is enough. `ZPAT_E_NOT_FOUND` if it has none, `ZPAT_E_TOO_LARGE` if it does not fit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_subscriber_endpoint(
    subscriber: *const zpat_subscriber_t,
    buffer: *mut c_char,
    size: usize,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { write_found(handle(subscriber)?.endpoint(), buffer, size) })
}

/// Asks for the subjects that this text of `len` bytes stands for: a pattern such as `ticks.*.usd` or `ticks.>`, or a
/// prefix. `options` may be NULL for the defaults. Writes its number into `*subscription`; `ZPAT_SUBSCRIBER_SUBSCRIBED`
/// comes before the first of it, or `ZPAT_SUBSCRIBER_REJECTED`. `ZPAT_E_INVALID_ARGUMENT` if it is no pattern, or an
/// option is out of range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_subscriber_subscribe(
    subscriber: *const zpat_subscriber_t,
    text: *const c_void,
    len: usize,
    options: *const zpat_subscription_options_t,
    subscription: *mut u32,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (out, subscriber) = unsafe { (required_mut(subscription, "subscription")?, handle(subscriber)?) };
        // SAFETY: C's promise.
        let (text, given) = unsafe { (bytes(text, len)?, zpat_subscription_options_t::convert(options)?) };
        let (criterion, options) = given.together(text)?;
        Subscription(*out) = subscriber.subscribe(criterion, options)?;
        Ok(0)
    })
}

/// Wants that no more. What is here of it already still comes. If there is no such subscription, nothing happens.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_subscriber_unsubscribe(subscriber: *const zpat_subscriber_t, subscription: u32) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(subscriber) }?.unsubscribe(Subscription(subscription)).map(|()| 0))
}

/// Receives publications and events: waits for one, then takes what is there besides, no more than `max_events` and no
/// more once they have `max_bytes`, each frame and each of them counted as 32 more. Returns how many are in `*events`.
/// What was received counts as taken, which is how the publisher finds out who is slow, at the latest when the program
/// asks for more and nothing is there.
///
/// `*events` is NULL, and then becomes something new that the caller frees with `zpat_subscriber_events_free`, or what
/// an earlier call left, which is emptied and used again. `ZPAT_E_TIMEOUT` if nothing came in time.
/// `ZPAT_E_PERMISSION_DENIED` and `ZPAT_E_FULL` if the publisher has refused this subscriber or sent it away, or it has
/// died of being late: that is said after all that came before, and again with every call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_subscriber_recv(
    subscriber: *const zpat_subscriber_t,
    max_events: usize,
    max_bytes: usize,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    events: *mut *mut zpat_subscriber_events_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (slot, subscriber, deadline) =
            unsafe { (Slot::empty(events)?, handle(subscriber)?, deadline(timeout_ms, cancel)?) };
        Ok(slot.fill(subscriber.recv_many(at_most(max_events), max_bytes, &deadline)?))
    })
}

/// Asks for one notice when `zpat_subscriber_recv` has something. 1 if it has already, and then no notice comes; 0
/// means wait for it. As `zpat_socket_arm`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_subscriber_arm(subscriber: *const zpat_subscriber_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { handle(subscriber) }?.arm().into()))
}

/// The descriptor for `poll` and event loops, as `zpat_socket_ready_fd`. It lives as long as the subscriber.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_subscriber_ready_fd(subscriber: *const zpat_subscriber_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { handle(subscriber) }?.ready_fd().as_raw_fd()))
}

/// Sets what is called instead of making the descriptor readable, as `zpat_socket_set_hook`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_subscriber_set_hook(
    subscriber: *const zpat_subscriber_t,
    hook: zpat_hook_t,
    user: *mut c_void,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise, also about the hook.
        unsafe { handle(subscriber)?.set_hook(hook_of(hook, user)) };
        Ok(0)
    })
}

/// Closes a subscriber, frees it and clears the pointer: it says goodbye, and what is here and not received is dropped.
/// Calls that wait on it in other threads end with `ZPAT_E_CLOSED`. NULL and a cleared pointer are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_subscriber_close(subscriber: *mut *mut zpat_subscriber_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        if let Some(subscriber) = unsafe { take_back(subscriber) } {
            subscriber.0.close();
        }
        Ok(0)
    })
}
