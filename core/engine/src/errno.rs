//! From error numbers to [`ErrorKind`].

use std::ffi::CStr;

use zpatterns_protocol::{Error, ErrorKind};

/// The error for an error number of the system or of libzmq, `what` being what could not be done.
pub(crate) fn error(errno: i32, what: &str) -> Error {
    // SAFETY: zmq_strerror answers any number with a static string.
    let reason = unsafe { CStr::from_ptr(libzmq::zmq_strerror(errno)) }.to_string_lossy();
    Error::new(kind(errno), format!("{what}: {}", lower_first(&reason))).with("errno", errno)
}

/// The error of the libzmq call that just failed on this thread.
pub(crate) fn last(what: &str) -> Error {
    error(last_number(), what)
}

pub(crate) fn last_number() -> i32 {
    // SAFETY: reads a thread-local.
    unsafe { libzmq::zmq_errno() }
}

fn kind(errno: i32) -> ErrorKind {
    match errno {
        libc::EINVAL | libc::EDOM => ErrorKind::InvalidArgument,
        libc::EPROTONOSUPPORT | libzmq::ENOCOMPATPROTO => ErrorKind::InvalidEndpoint,
        libc::EADDRINUSE => ErrorKind::AddressInUse,
        libc::EADDRNOTAVAIL | libc::ENODEV | libc::ENETUNREACH => ErrorKind::AddressNotAvailable,
        libc::ENOTSUP => ErrorKind::Unsupported,
        libc::EAGAIN => ErrorKind::Full,
        libc::EINTR => ErrorKind::Interrupted,
        libzmq::ETERM | libc::ENOTSOCK => ErrorKind::Closed,
        libc::EHOSTUNREACH => ErrorKind::Unreachable,
        libzmq::EFSM => ErrorKind::WrongState,
        libc::EMSGSIZE | libc::ENOMEM => ErrorKind::TooLarge,
        libc::EACCES | libc::EPERM => ErrorKind::PermissionDenied,
        libc::ENOENT => ErrorKind::NotFound,
        libc::EMFILE | libc::ENFILE | libzmq::EMTHREAD => ErrorKind::TooManyOpen,
        libc::ETIMEDOUT => ErrorKind::Timeout,
        _ => ErrorKind::System,
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
