//! Requests that outlive the broker: left with its store, and asked about by service and key.

use std::{
    ffi::{c_char, c_int},
    time::Duration,
};

use zpatterns::reqrep::{Part, Ticket};

use super::{
    client::{handle, zpat_client_t},
    request::{told, zpat_outcome_t, zpat_request_options_t},
};
use crate::{
    arguments::{body_of, bytes, deadline, text, zpat_slice_t},
    batch::{Slot, zpat_batch_t},
    cancel::zpat_cancel_t,
    checked::Checked,
    error::entry,
    report::Report,
};

/// Leaves a durable request with a broker that has a store, and waits until it is on the broker's disk. `options` have
/// its key, which it needs; their `task` is not looked at. Otherwise as `zpat_client_request`.
///
/// Returns 0, with `ZPAT_OUTCOME_ACCEPTED` in `outcome`, which may be NULL. From then on it is done, also if the client
/// and the broker are lost, until its deadline has passed. Who knows service and key can fetch the outcome with
/// `zpat_client_fetch`, or ask again: a key is stored once. `ZPAT_E_UNSUPPORTED` where nothing is stored.
///
/// If `cancel` fires or a signal arrives first, it fails with `ZPAT_E_CANCELLED` and may be stored nevertheless: store
/// it again, or discard it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_client_store(
    client: *const zpat_client_t,
    service: *const c_char,
    frames: *const zpat_slice_t,
    count: usize,
    options: *const zpat_request_options_t,
    cancel: *const zpat_cancel_t,
    outcome: *mut zpat_outcome_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (report, client) = unsafe { (Report::optional(None, outcome)?, handle(client)?) };
        // SAFETY: C's promise.
        let (service, question) = unsafe { (text(service, "service")?, body_of(frames, count)?) };
        // SAFETY: C's promise.
        let ((_, options), wait) = unsafe { (zpat_request_options_t::convert(options)?, deadline(-1, cancel)?) };
        report.fill(told(Ticket(0), Part::Outcome(client.store(service, question, &options, &wait)?)))
    })
}

/// Waits for the outcome of the durable request with this service and key, for at most `patience_ms`, which is not
/// negative. The broker keeps it for some time, and tells it to whoever fetches it. The result, `body` and `outcome`
/// are as of `zpat_client_request`.
///
/// `ZPAT_E_NOT_FOUND` if there is no such request, `ZPAT_E_TIMEOUT` if it has no outcome in time: it goes on, fetch
/// again. `ZPAT_E_CANCELLED` if `cancel` fires or a signal arrives first; it goes on, too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_client_fetch(
    client: *const zpat_client_t,
    service: *const c_char,
    key: zpat_slice_t,
    patience_ms: i64,
    cancel: *const zpat_cancel_t,
    body: *mut *mut zpat_batch_t,
    outcome: *mut zpat_outcome_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (report, client) = unsafe { (Report::optional(Some(Slot::empty(body)?), outcome)?, handle(client)?) };
        // SAFETY: C's promise.
        let (service, key) = unsafe { (text(service, "service")?, bytes(key.data, key.len)?) };
        // SAFETY: C's promise.
        let (patience, wait) = (Duration::checked(patience_ms, "patience_ms")?, unsafe { deadline(-1, cancel) }?);
        report.fill(told(Ticket(0), Part::Outcome(client.fetch(service, key, patience, &wait)?)))
    })
}

/// Forgets the durable request with this service and key, and its outcome; a worker that has it is told that nobody
/// waits. Waits until the broker's disk has forgotten it, for at most `patience_ms`, which is not negative.
///
/// Returns 0, with `ZPAT_OUTCOME_ACCEPTED` in `outcome`, which may be NULL, also if there is no such request. Who waits
/// for its outcome elsewhere is told `ZPAT_E_CANCELLED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_client_discard(
    client: *const zpat_client_t,
    service: *const c_char,
    key: zpat_slice_t,
    patience_ms: i64,
    cancel: *const zpat_cancel_t,
    outcome: *mut zpat_outcome_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (report, client) = unsafe { (Report::optional(None, outcome)?, handle(client)?) };
        // SAFETY: C's promise.
        let (service, key) = unsafe { (text(service, "service")?, bytes(key.data, key.len)?) };
        // SAFETY: C's promise.
        let (patience, wait) = (Duration::checked(patience_ms, "patience_ms")?, unsafe { deadline(-1, cancel) }?);
        report.fill(told(Ticket(0), Part::Outcome(client.discard(service, key, patience, &wait)?)))
    })
}
