//! Who stands between those who ask and those who answer.

use std::ffi::{c_char, c_int};

use zpatterns::{Error, ErrorKind, Result, reqrep::Broker};

use super::{counters::zpat_reqrep_counters_t, options::zpat_broker_options_t};
use crate::{
    arguments::{deadline, fill_growing, hand_over, required, required_mut, take_back, texts, write_text},
    cancel::zpat_cancel_t,
    context::zpat_context_t,
    error::entry,
};

/// Takes requests from clients and gives them to workers; both connect to it. It works on threads of the context.
pub struct zpat_broker_t(Broker);

/// The broker of a handle, so that a call goes on safely while another thread closes the handle.
///
/// # Safety
/// `broker` is null or a live handle.
pub(super) unsafe fn handle(broker: *const zpat_broker_t) -> Result<Broker> {
    // SAFETY: as the caller promises.
    Ok(unsafe { required(broker, "broker") }?.0.clone())
}

/// Opens a broker at `count` endpoints, at least one, and at the plain ones of its options; with a store, once it has
/// read that. `options` may be NULL for the defaults. The caller frees it with `zpat_broker_close`. Errors as
/// `zpat_socket_bind`. Of the store: `ZPAT_E_WRONG_STATE` if it is open already, here or in another process;
/// `ZPAT_E_CORRUPT` if it is damaged, or no store of this version, and it is left as it is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_broker_bind(
    context: *const zpat_context_t,
    endpoints: *const *const c_char,
    count: usize,
    options: *const zpat_broker_options_t,
    broker: *mut *mut zpat_broker_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (out, context) = unsafe { (required_mut(broker, "broker")?, required(context, "context")?) };
        // SAFETY: C's promise.
        let (endpoints, options) =
            unsafe { (texts(endpoints, count, "endpoints")?, zpat_broker_options_t::convert(options)?) };
        hand_over(zpat_broker_t(Broker::bind(&context.0, &endpoints, options)?), out);
        Ok(0)
    })
}

/// Writes where the broker is reached, with the port that the system chose, into `buffer` of `size` bytes;
/// `ZPAT_ENDPOINT_SIZE` is enough. `index` counts from 0 in the order of `zpat_broker_bind`, and then of the plain
/// endpoints; `ZPAT_E_NOT_FOUND` if there is no such endpoint, `ZPAT_E_TOO_LARGE` if it does not fit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_broker_endpoint(
    broker: *const zpat_broker_t,
    index: usize,
    buffer: *mut c_char,
    size: usize,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let broker = unsafe { handle(broker) }?;
        let endpoint = broker.endpoints().get(index).copied();
        let unknown = || Error::new(ErrorKind::NotFound, "the broker has no such endpoint").with("index", index);
        // SAFETY: C's promise.
        unsafe { write_text(endpoint.ok_or_else(unknown)?, buffer, size) }.map(|()| 0)
    })
}

/// Number of workers connected now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_broker_workers(broker: *const zpat_broker_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(c_int::try_from(unsafe { handle(broker) }?.workers()?).unwrap_or(c_int::MAX)))
}

/// Writes what became of the requests so far into `counters`, whose `struct_size` the caller has set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_broker_counters(
    broker: *const zpat_broker_t,
    counters: *mut zpat_reqrep_counters_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let counted = zpat_reqrep_counters_t::of(&unsafe { handle(broker) }?.counters()?);
        // SAFETY: C's promise.
        unsafe { fill_growing(counters, counted, zpat_reqrep_counters_t::ENDS) }.map(|()| 0)
    })
}

/// Takes no more requests, and waits until those that are here are answered. `ZPAT_E_TIMEOUT` if they were not in time;
/// it goes on draining.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_broker_drain(
    broker: *const zpat_broker_t,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(broker)?.drain(&deadline(timeout_ms, cancel)?) }.map(|()| 0))
}

/// Waits until the broker ends, because it was closed or its context shut down: what a program does that is only a
/// broker. `ZPAT_E_TIMEOUT` if it still runs after the wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_broker_wait(
    broker: *const zpat_broker_t,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(broker)?.wait(&deadline(timeout_ms, cancel)?) }.map(|()| 0))
}

/// Closes a broker where it is, frees it and clears the pointer. Clients are told, and may ask another. NULL and a
/// cleared pointer are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_broker_close(broker: *mut *mut zpat_broker_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        if let Some(broker) = unsafe { take_back(broker) } {
            broker.0.close();
        }
        Ok(0)
    })
}
