//! Publishers: opening, publishing, event loops, closing.

use std::{
    ffi::{c_char, c_int, c_void},
    os::fd::AsRawFd,
    time::Duration,
};

use zpatterns::{
    Error, ErrorKind, Result,
    pubsub::{Content, Publisher},
};

use super::publisher_options::zpat_publisher_options_t;
use crate::{
    arguments::{deadline, frames_of, hand_over, required, required_mut, take_back, text, write_text, zpat_slice_t},
    batch::zpat_batch_t,
    cancel::zpat_cancel_t,
    context::zpat_context_t,
    error::entry,
    socket::{flags_of, hook_of, interest_of, zpat_hook_t},
};

/// Publishes to its subscribers, and knows them. Any number of threads may use it at the same time.
pub struct zpat_publisher_t {
    publisher: Publisher,
    linger: Duration,
}

/// The publisher of a handle, so that a call goes on safely while another thread closes the handle.
///
/// # Safety
/// `publisher` is null or a live handle.
pub(super) unsafe fn handle(publisher: *const zpat_publisher_t) -> Result<Publisher> {
    // SAFETY: as the caller promises.
    Ok(unsafe { required(publisher, "publisher") }?.publisher.clone())
}

/// Opens a publisher to which subscribers connect at this endpoint. `options` may be NULL for the defaults. The caller
/// frees it with `zpat_publisher_close`. `ZPAT_E_INVALID_ARGUMENT` names the option that is out of range;
/// `ZPAT_E_INVALID_ENDPOINT`, `ZPAT_E_ADDRESS_IN_USE`, `ZPAT_E_ADDRESS_NOT_AVAILABLE` or `ZPAT_E_PERMISSION_DENIED` if
/// it cannot bind one of its endpoints; `ZPAT_E_WRONG_STATE` if its security needs an authenticator and the context has
/// none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_bind(
    context: *const zpat_context_t,
    endpoint: *const c_char,
    options: *const zpat_publisher_options_t,
    publisher: *mut *mut zpat_publisher_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (out, context) = unsafe { (required_mut(publisher, "publisher")?, required(context, "context")?) };
        // SAFETY: C's promise.
        let (endpoint, given) = unsafe { (text(endpoint, "endpoint")?, zpat_publisher_options_t::convert(options)?) };
        let options = given.together()?;
        let linger = options.linger;
        hand_over(zpat_publisher_t { publisher: Publisher::bind(&context.0, endpoint, options)?, linger }, out);
        Ok(0)
    })
}

/// Writes the endpoint to which subscribers connect, with the port that the system chose, into `buffer` of `size`
/// bytes; `ZPAT_ENDPOINT_SIZE` is enough. `ZPAT_E_TOO_LARGE` if it does not fit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_endpoint(
    publisher: *const zpat_publisher_t,
    buffer: *mut c_char,
    size: usize,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { write_text(handle(publisher)?.endpoint(), buffer, size) }.map(|()| 0))
}

/// As `zpat_publisher_endpoint`, of the shared path, which subscribers are told. `ZPAT_E_NOT_FOUND` if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_shared_endpoint(
    publisher: *const zpat_publisher_t,
    buffer: *mut c_char,
    size: usize,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { write_found(handle(publisher)?.shared_endpoint(), buffer, size) })
}

/// As `zpat_publisher_endpoint`, where plain SUB sockets connect. `ZPAT_E_NOT_FOUND` if they do not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_plain_endpoint(
    publisher: *const zpat_publisher_t,
    buffer: *mut c_char,
    size: usize,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { write_found(handle(publisher)?.plain_endpoint(), buffer, size) })
}

/// # Safety
/// As [`write_text`].
pub(super) unsafe fn write_found(endpoint: Option<&str>, buffer: *mut c_char, size: usize) -> Result<c_int> {
    let none = || Error::new(ErrorKind::NotFound, "there is no such endpoint");
    // SAFETY: as the caller promises.
    unsafe { write_text(endpoint.ok_or_else(none)?, buffer, size) }.map(|()| 0)
}

/// Publishes copies of these `count` frames, at most 255, under a subject such as `ticks.eur.usd`. From now on it is
/// the publisher's to see that each subscriber gets it, or is told.
///
/// `ZPAT_E_TIMEOUT` if somebody for whom the publisher waits was slow for so long, or publications took all memory;
/// `ZPAT_E_NOT_FOUND` if the subject is of no stream, `ZPAT_E_TOO_LARGE` beyond `max_size` or 255 frames,
/// `ZPAT_E_INVALID_ARGUMENT` if the subject is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_publish(
    publisher: *const zpat_publisher_t,
    subject: *const c_char,
    frames: *const zpat_slice_t,
    count: usize,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (publisher, subject) = unsafe { (handle(publisher)?, text(subject, "subject")?) };
        // SAFETY: C's promise.
        let (frames, deadline) = unsafe { (frames_of(frames, count)?, deadline(timeout_ms, cancel)?) };
        publisher.publish(subject.as_bytes(), &frames, &deadline).map(|()| 0)
    })
}

/// Publishes the messages of `batch` from position `first` on, in order: the first frame of each is its subject, and
/// what follows are its frames. Returns how many were taken: at least one, and fewer than all if there is no more room,
/// or if something is wrong with the next, which the next call says. The batch keeps its messages. It costs less than
/// one by one. Errors as `zpat_publisher_publish`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_publish_many(
    publisher: *const zpat_publisher_t,
    batch: *const zpat_batch_t,
    first: usize,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (publisher, batch, deadline) =
            unsafe { (handle(publisher)?, required(batch, "batch")?, deadline(timeout_ms, cancel)?) };
        let taken = publisher.publish_many(sound(batch.messages().skip(first))?, &deadline)?;
        Ok(c_int::try_from(taken).unwrap_or(c_int::MAX))
    })
}

/// The messages up to the first that is not sound; an error if that is the first of all.
fn sound<'a>(messages: impl Iterator<Item = impl Iterator<Item = &'a [u8]>>) -> Result<Vec<Content>> {
    let mut all = Vec::new();
    for mut message in messages {
        let subject = message.next().unwrap_or_default();
        match Content::new(subject, &message.collect::<Vec<_>>()) {
            Ok(content) => all.push(content),
            Err(error) if all.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    Ok(all)
}

/// Asks for one notice when one of `interest` holds: `ZPAT_RECV`, that `zpat_publisher_next` has something,
/// `ZPAT_SEND`, that there is room to publish, or both; returns those that hold already. As `zpat_socket_arm`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_arm(publisher: *const zpat_publisher_t, interest: c_int) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(flags_of(unsafe { handle(publisher) }?.arm(interest_of(interest)?))))
}

/// The descriptor for `poll` and event loops, as `zpat_socket_ready_fd`. It lives as long as the publisher.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_ready_fd(publisher: *const zpat_publisher_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { handle(publisher) }?.ready_fd().as_raw_fd()))
}

/// Sets what is called instead of making the descriptor readable, as `zpat_socket_set_hook`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_set_hook(
    publisher: *const zpat_publisher_t,
    hook: zpat_hook_t,
    user: *mut c_void,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise, also about the hook.
        unsafe { handle(publisher)?.set_hook(hook_of(hook, user)) };
        Ok(0)
    })
}

/// Closes a publisher, frees it and clears the pointer: it takes no more, waits at most `linger_ms` until what is for
/// connected subscribers has arrived, and says goodbye; -1 is the option `linger`. Calls that wait on it in other
/// threads end with `ZPAT_E_CLOSED`. NULL and a cleared pointer are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_close(publisher: *mut *mut zpat_publisher_t, linger_ms: i64) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        if let Some(handle) = unsafe { take_back(publisher) } {
            handle.publisher.close(u64::try_from(linger_ms).map_or(handle.linger, Duration::from_millis));
        }
        Ok(0)
    })
}
