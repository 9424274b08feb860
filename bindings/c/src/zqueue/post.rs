//! A producer in an event loop: what is posted has a ticket, and what comes of it is told among others.

use std::{
    ffi::{c_char, c_int, c_void},
    os::fd::AsRawFd,
};

use zpatterns::{Result, zqueue::Ask};

use super::{
    producer::{handle, job_number, zpat_producer_t},
    wanted::{job_of, zpat_job_options_t},
    watch::{told, zpat_watch_event_t},
};
use crate::{
    arguments::{at_most, body_of, check_room, deadline, zpat_slice_t},
    batch::zpat_batch_t,
    cancel::zpat_cancel_t,
    checked::Checked,
    error::entry,
    report::{Report, Reports, ticket_of},
    socket::{hook_of, zpat_hook_t},
};

/// Pushes a job, as `zpat_producer_push`, and goes on. Returns a ticket, 1 or more; `zpat_producer_next` brings what
/// comes of it, among others: that it is accepted, and if `watch` is 1, not 0, also what it comes to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_post(
    producer: *const zpat_producer_t,
    queue: *const c_char,
    frames: *const zpat_slice_t,
    count: usize,
    options: *const zpat_job_options_t,
    watch: c_int,
) -> i64 {
    entry(|| {
        // SAFETY: C's promise.
        let (producer, (queue, body, options)) = unsafe { (handle(producer)?, job_of(queue, frames, count, options)?) };
        let watch = bool::checked(watch.into(), "watch")?;
        Ok(producer.post(queue, body, &options, watch)?.0.cast_signed())
    })
}

/// Begins a job that is pushed part by part, as `zpat_producer_draft`, and returns its ticket, for
/// `zpat_producer_send_part` and `zpat_producer_execute`. What it comes to is told.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_post_draft(
    producer: *const zpat_producer_t,
    queue: *const c_char,
    frames: *const zpat_slice_t,
    count: usize,
    options: *const zpat_job_options_t,
) -> i64 {
    entry(|| {
        // SAFETY: C's promise.
        let (producer, (queue, body, options)) = unsafe { (handle(producer)?, job_of(queue, frames, count, options)?) };
        Ok(producer.post_draft(queue, body, &options)?.0.cast_signed())
    })
}

/// Adds copies of these `count` frames to the body of a job that was posted as a draft.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_send_part(
    producer: *const zpat_producer_t,
    ticket: i64,
    frames: *const zpat_slice_t,
    count: usize,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(producer)?.send_part(ticket_of(ticket), body_of(frames, count)?) }.map(|()| 0))
}

/// A job that was posted as a draft is whole: pushes it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_execute(producer: *const zpat_producer_t, ticket: i64) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(producer) }?.execute(ticket_of(ticket)).map(|()| 0))
}

/// Watches a job, as `zpat_producer_watch`, and returns a ticket.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_post_watch(producer: *const zpat_producer_t, job: i64, progress: c_int) -> i64 {
    entry(|| {
        let (job, progress) = (job_number(job)?, bool::checked(progress.into(), "progress")?);
        // SAFETY: C's promise.
        unsafe { ask(producer, Ask::Watch { job, progress }) }
    })
}

/// Ends a job, as `zpat_producer_cancel`, and returns a ticket: `ZPAT_WATCH_ACCEPTED` says that it was done.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_post_cancel(producer: *const zpat_producer_t, job: i64) -> i64 {
    // SAFETY: C's promise.
    entry(|| unsafe { ask(producer, Ask::Cancel { job: job_number(job)? }) })
}

/// Tries a dead letter again, as `zpat_producer_requeue`, and returns a ticket: `ZPAT_WATCH_ACCEPTED` has the number of
/// the new job.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_post_requeue(producer: *const zpat_producer_t, letter: i64) -> i64 {
    // SAFETY: C's promise.
    entry(|| unsafe { ask(producer, Ask::Requeue { letter: job_number(letter)? }) })
}

/// # Safety
/// `producer` is null or a live handle.
unsafe fn ask(producer: *const zpat_producer_t, what: Ask) -> Result<i64> {
    // SAFETY: as the caller promises.
    Ok(unsafe { handle(producer) }?.post_ask(what)?.0.cast_signed())
}

/// Of what was posted, nothing more is of interest. A draft that was not executed is dropped; a job goes on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_forget(producer: *const zpat_producer_t, ticket: i64) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(producer) }?.forget(ticket_of(ticket)).map(|()| 0))
}

/// Waits for what comes next of anything that was posted, and returns 1. `event`, whose `struct_size` the caller has
/// set, says what and of which ticket; if that failed, its text is the last error's. `*body` gets the frames of what a
/// job came to as one message; it is NULL or a batch, as for `zpat_socket_recv`.
///
/// `ZPAT_E_TIMEOUT` if nothing came in time. With 0 for `timeout_ms` it takes what is there, after a notice in an event
/// loop: until `ZPAT_E_TIMEOUT`, then arm again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_next(
    producer: *const zpat_producer_t,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    body: *mut *mut zpat_batch_t,
    event: *mut zpat_watch_event_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (report, producer) = unsafe { (Report::empty(body, event)?, handle(producer)?) };
        // SAFETY: C's promise.
        let (ticket, answer) = producer.next(&unsafe { deadline(timeout_ms, cancel) }?)?;
        report.fill(told(ticket, answer)).map(|_| 1)
    })
}

/// Waits for what comes next of anything that was posted, and takes what is there besides. Returns how many came, 1 to
/// `max_events`, which is the room in the caller's array `events`; `struct_size` of its first element is set, and holds
/// for all. `*bodies`, NULL or a batch as for `zpat_socket_recv`, gets as many messages: message `i` belongs to
/// `events[i]`.
///
/// Their bodies are as of `zpat_producer_next`, except that the message of what was refused is its text, in one frame: a
/// failure is no error of this call, and the last error stays as it was. `ZPAT_E_TIMEOUT` if nothing came in time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_next_many(
    producer: *const zpat_producer_t,
    max_events: usize,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    bodies: *mut *mut zpat_batch_t,
    events: *mut zpat_watch_event_t,
) -> c_int {
    entry(|| {
        check_room(events, max_events, "events")?;
        // SAFETY: C's promise.
        let (reports, producer) = unsafe { (Reports::empty(bodies, events)?, handle(producer)?) };
        // SAFETY: C's promise.
        let came = producer.next_many(at_most(max_events), &unsafe { deadline(timeout_ms, cancel) }?)?;
        reports.fill(came.into_iter().map(|(ticket, answer)| told(ticket, answer)))
    })
}

/// Keeps jobs back that are pushed from now on, by any thread, to send them together with `zpat_producer_uncork`, which
/// costs less than one by one. They leave earlier if there are many, or if something else is to be sent. Corks are
/// counted, and each is to be taken away soon.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_cork(producer: *const zpat_producer_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        unsafe { handle(producer) }?.cork();
        Ok(0)
    })
}

/// Undoes one `zpat_producer_cork`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_uncork(producer: *const zpat_producer_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(producer) }?.uncork().map(|()| 0))
}

/// Asks for one notice when `zpat_producer_next` has something. 1 if it has already, and then no notice comes; 0 means
/// wait for it. As `zpat_socket_arm`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_arm(producer: *const zpat_producer_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { handle(producer) }?.arm().into()))
}

/// The descriptor for `poll` and event loops, as `zpat_socket_ready_fd`. It lives as long as the producer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_ready_fd(producer: *const zpat_producer_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { handle(producer) }?.ready_fd().as_raw_fd()))
}

/// Sets what is called instead of making the descriptor readable, as `zpat_socket_set_hook`. It may also run on a
/// thread that calls a function of this producer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_set_hook(
    producer: *const zpat_producer_t,
    hook: zpat_hook_t,
    user: *mut c_void,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise, also about the hook.
        unsafe { handle(producer)?.set_hook(hook_of(hook, user)) };
        Ok(0)
    })
}
