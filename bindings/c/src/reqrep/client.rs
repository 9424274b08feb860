//! The side that asks.

use std::{
    ffi::{c_char, c_int, c_void},
    os::fd::AsRawFd,
};

use zpatterns::{
    Result,
    reqrep::{Client, Frames, Part, RequestOptions, Task, Ticket},
};

use super::{
    counters::zpat_reqrep_counters_t,
    options::zpat_client_options_t,
    request::{told, zpat_outcome_t, zpat_request_options_t},
};
use crate::{
    arguments::{
        body_of, deadline, fill_growing, hand_over, required, required_mut, take_back, text, texts, zpat_slice_t,
    },
    batch::{Slot, zpat_batch_t},
    cancel::zpat_cancel_t,
    context::zpat_context_t,
    error::entry,
    report::{Report, ticket_of},
    socket::{hook_of, zpat_hook_t},
};

/// Asks brokers, or workers that bind. Any number of threads may use it at the same time.
pub struct zpat_client_t(Client);

/// The client of a handle, so that a call goes on safely while another thread closes the handle.
///
/// # Safety
/// `client` is null or a live handle.
pub(super) unsafe fn handle(client: *const zpat_client_t) -> Result<Client> {
    // SAFETY: as the caller promises.
    Ok(unsafe { required(client, "client") }?.0.clone())
}

/// Opens a client of `count` endpoints of brokers or of workers that bind, at least one unless `options` have servers
/// of the Freelance pattern. It connects in the background. `options` may be NULL for the defaults. The caller frees it
/// with `zpat_client_close`. `ZPAT_E_INVALID_ENDPOINT` if an endpoint cannot be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_client_open(
    context: *const zpat_context_t,
    endpoints: *const *const c_char,
    count: usize,
    options: *const zpat_client_options_t,
    client: *mut *mut zpat_client_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (out, context) = unsafe { (required_mut(client, "client")?, required(context, "context")?) };
        // SAFETY: C's promise.
        let (endpoints, options) =
            unsafe { (texts(endpoints, count, "endpoints")?, zpat_client_options_t::convert(options)?) };
        hand_over(zpat_client_t(Client::connect(&context.0, &endpoints, options)?), out);
        Ok(0)
    })
}

/// Asks for `service`, a name of 1 to 255 bytes, with copies of these `count` frames, of which there may be none, and
/// waits for the outcome, which is there by the deadline in `options` (NULL for the defaults).
///
/// Returns 0 for a reply. Else the negative `zpat_error_t` of how the request ended, `ZPAT_E_JOB_FAILED` for a
/// worker's own error, or of why the call failed. `outcome`, which may be NULL, tells the two apart, and more.
/// `*body` gets the frames of a reply or of a worker's error as one message; it is NULL or a batch, as for
/// `zpat_socket_recv`. Partial answers are put together.
///
/// If `cancel` fires or a signal arrives first, the request is taken back, also at the worker, and fails with
/// `ZPAT_E_CANCELLED`; `outcome` says whether it may have run. With `zpat_client_submit` and `zpat_client_wait` it goes
/// on.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments, reason = "a question, an answer, and how to wait between them")]
pub unsafe extern "C" fn zpat_client_request(
    client: *const zpat_client_t,
    service: *const c_char,
    frames: *const zpat_slice_t,
    count: usize,
    options: *const zpat_request_options_t,
    cancel: *const zpat_cancel_t,
    body: *mut *mut zpat_batch_t,
    outcome: *mut zpat_outcome_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (report, client) = unsafe { (Report::optional(Some(Slot::empty(body)?), outcome)?, handle(client)?) };
        // SAFETY: C's promise.
        let (service, question) = unsafe { (text(service, "service")?, body_of(frames, count)?) };
        // SAFETY: C's promise.
        let ((task, options), wait) = unsafe { (zpat_request_options_t::convert(options)?, deadline(-1, cancel)?) };
        let ticket = client.submit_task(task, service, question, &options)?;
        report.fill(told(Ticket(0), Part::Outcome(client.outcome(ticket, &wait)?)))
    })
}

/// Asks, as `zpat_client_request`, and goes on. Returns the ticket of the request, 1 or more, for `zpat_client_wait`,
/// which has to be called until the outcome is there, or `zpat_client_forget`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_client_submit(
    client: *const zpat_client_t,
    service: *const c_char,
    frames: *const zpat_slice_t,
    count: usize,
    options: *const zpat_request_options_t,
) -> i64 {
    // SAFETY: C's promise.
    entry(|| unsafe { ask(client, service, frames, count, options, Client::submit_task) })
}

/// Asks, as `zpat_client_request`, and goes on. Returns the ticket of the request, 1 or more; `zpat_client_next` brings
/// the answer among those to other requests.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_client_post(
    client: *const zpat_client_t,
    service: *const c_char,
    frames: *const zpat_slice_t,
    count: usize,
    options: *const zpat_request_options_t,
) -> i64 {
    // SAFETY: C's promise.
    entry(|| unsafe { ask(client, service, frames, count, options, Client::post_task) })
}

/// # Safety
/// As `zpat_client_submit` asks of C.
unsafe fn ask(
    client: *const zpat_client_t,
    service: *const c_char,
    frames: *const zpat_slice_t,
    count: usize,
    options: *const zpat_request_options_t,
    how: fn(&Client, Task, &str, Frames, &RequestOptions) -> Result<Ticket>,
) -> Result<i64> {
    // SAFETY: as the caller promises.
    let (client, service) = unsafe { (handle(client)?, text(service, "service")?) };
    // SAFETY: as the caller promises.
    let (question, (task, options)) = unsafe { (body_of(frames, count)?, zpat_request_options_t::convert(options)?) };
    Ok(how(&client, task, service, question, &options)?.0.cast_signed())
}

/// Waits for what comes next of a submitted request, and returns 1: a part of the answer, or how it ended, and
/// nothing follows that. `*body` gets the frames as one message; it is NULL or a batch, as for `zpat_socket_recv`.
/// `outcome`, whose `struct_size` the caller has set, gets the rest; if the request failed, its text is the last
/// error's.
///
/// `ZPAT_E_TIMEOUT` if nothing came in time: the request goes on, wait again. `ZPAT_E_NOT_FOUND` if its outcome was
/// taken. One thread waits for a ticket at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_client_wait(
    client: *const zpat_client_t,
    ticket: i64,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    body: *mut *mut zpat_batch_t,
    outcome: *mut zpat_outcome_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (report, client) = unsafe { (Report::empty(body, outcome)?, handle(client)?) };
        // SAFETY: C's promise.
        let (ticket, wait) = (ticket_of(ticket), unsafe { deadline(timeout_ms, cancel) }?);
        report.fill(told(ticket, client.wait(ticket, &wait)?)).map(|_| 1)
    })
}

/// Waits for what comes next of any posted request, and returns 1, as `zpat_client_wait`; `outcome` has its ticket.
/// `ZPAT_E_TIMEOUT` if nothing came in time. With 0 for `timeout_ms` it takes what is there, after a notice in an event
/// loop: until `ZPAT_E_TIMEOUT`, then arm again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_client_next(
    client: *const zpat_client_t,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    body: *mut *mut zpat_batch_t,
    outcome: *mut zpat_outcome_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (report, client) = unsafe { (Report::empty(body, outcome)?, handle(client)?) };
        // SAFETY: C's promise.
        let (ticket, part) = client.next(&unsafe { deadline(timeout_ms, cancel) }?)?;
        report.fill(told(ticket, part)).map(|_| 1)
    })
}

/// Takes a request back, also at the worker. Its outcome is a failure with `ZPAT_E_CANCELLED`, unless another came
/// first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_client_cancel(client: *const zpat_client_t, ticket: i64) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(client) }?.cancel(ticket_of(ticket)).map(|()| 0))
}

/// Takes a submitted request back, and drops its outcome: nobody waits for it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_client_forget(client: *const zpat_client_t, ticket: i64) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        unsafe { handle(client) }?.forget(ticket_of(ticket));
        Ok(0)
    })
}

/// Writes what became of the requests so far into `counters`, whose `struct_size` the caller has set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_client_counters(
    client: *const zpat_client_t,
    counters: *mut zpat_reqrep_counters_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let counted = zpat_reqrep_counters_t::of(&unsafe { handle(client) }?.counters()?);
        // SAFETY: C's promise.
        unsafe { fill_growing(counters, counted, zpat_reqrep_counters_t::ENDS) }.map(|()| 0)
    })
}

/// Asks for one notice when `zpat_client_next` has something. 1 if it has already, and then no notice comes; 0 means
/// wait for it. As `zpat_socket_arm`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_client_arm(client: *const zpat_client_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { handle(client) }?.arm().into()))
}

/// The descriptor for `poll` and event loops, as `zpat_socket_ready_fd`. It lives as long as the client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_client_ready_fd(client: *const zpat_client_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { handle(client) }?.ready_fd().as_raw_fd()))
}

/// Sets what is called instead of making the descriptor readable, as `zpat_socket_set_hook`. It may also run on a
/// thread that makes or cancels a request.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_client_set_hook(
    client: *const zpat_client_t,
    hook: zpat_hook_t,
    user: *mut c_void,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise, also about the hook.
        unsafe { handle(client)?.set_hook(hook_of(hook, user)) };
        Ok(0)
    })
}

/// Closes a client, frees it and clears the pointer. Requests that are open have no outcome: every wait ends with
/// `ZPAT_E_CLOSED`. NULL and a cleared pointer are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_client_close(client: *mut *mut zpat_client_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        if let Some(client) = unsafe { take_back(client) } {
            client.0.close();
        }
        Ok(0)
    })
}
