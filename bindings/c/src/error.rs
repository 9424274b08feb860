//! Errors as integers, and the text of the last one.
//!
//! The text lives in a buffer of its thread and is written in place: a pointer from `zpat_last_error` stays readable
//! when a later call fails, which happens inside one `printf` already.

use std::{
    any::Any,
    cell::RefCell,
    ffi::{c_char, c_int},
    fmt::{self, Write},
    panic::{AssertUnwindSafe, catch_unwind},
};

use zpatterns::{Error, ErrorKind, Result};

use crate::arguments::{Names, c_names, write_cut};

/// What went wrong. Functions return these values; 0 and above is success.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_error_t {
    /// Success.
    ZPAT_OK = 0,
    /// A value that the caller passed is malformed or out of range.
    ZPAT_E_INVALID_ARGUMENT = -1,
    /// An endpoint cannot be read, or names a transport that is not built in.
    ZPAT_E_INVALID_ENDPOINT = -2,
    /// The address is taken by another socket.
    ZPAT_E_ADDRESS_IN_USE = -3,
    /// No interface of this machine has the address, or the name has none.
    ZPAT_E_ADDRESS_NOT_AVAILABLE = -4,
    /// The call does not fit this kind of handle.
    ZPAT_E_UNSUPPORTED = -5,
    /// The deadline passed first.
    ZPAT_E_TIMEOUT = -6,
    /// Another thread cancelled the wait.
    ZPAT_E_CANCELLED = -7,
    /// A signal ended the wait; nothing was lost, call again.
    ZPAT_E_INTERRUPTED = -8,
    /// The handle or its context is closed.
    ZPAT_E_CLOSED = -9,
    /// A queue is at its bound.
    ZPAT_E_FULL = -10,
    /// The addressed peer is not connected.
    ZPAT_E_UNREACHABLE = -11,
    /// The handle is not in the state that the call needs, such as a second send on a REQ socket.
    ZPAT_E_WRONG_STATE = -12,
    /// A message exceeds a limit, or the memory that can be had.
    ZPAT_E_TOO_LARGE = -13,
    /// The operating system refuses, or the other side does.
    ZPAT_E_PERMISSION_DENIED = -14,
    /// What the call names does not exist.
    ZPAT_E_NOT_FOUND = -15,
    /// The process or the context holds as many sockets or files as it may.
    ZPAT_E_TOO_MANY_OPEN = -16,
    /// Text was asked for and the bytes are not UTF-8.
    ZPAT_E_INVALID_TEXT = -17,
    /// The handle belongs to a parent process; open one after the fork.
    ZPAT_E_FORKED = -18,
    /// A fault of zpatterns itself; the handle no longer works, others do.
    ZPAT_E_POISONED = -19,
    /// The operating system reported something else; the text has its number.
    ZPAT_E_SYSTEM = -20,
    /// The worker that was given a request or a job says that it cannot be done.
    ZPAT_E_JOB_FAILED = -21,
    /// What is stored is damaged, or of another program or version; it is left as it is.
    ZPAT_E_CORRUPT = -22,
}

/// Bytes of the buffer for the last error's text, with the zero at its end; longer texts are cut.
pub const ZPAT_ERROR_SIZE: usize = 1024;

struct Last {
    code: c_int,
    length: usize,
    text: [c_char; ZPAT_ERROR_SIZE],
}

thread_local! {
    static LAST: RefCell<Last> = const { RefCell::new(Last { code: 0, length: 0, text: [0; ZPAT_ERROR_SIZE] }) };
}

impl Write for Last {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.length += write_cut(text, &mut self.text[self.length..]);
        Ok(())
    }
}

/// Runs the body of a function that C called: errors and panics become its negative result.
pub(crate) fn entry<T: From<i32>>(body: impl FnOnce() -> Result<T>) -> T {
    let error = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => return value,
        Ok(Err(error)) => error,
        Err(panic) => Error::new(ErrorKind::Poisoned, format!("a fault of zpatterns: {}", panic_text(&*panic))),
    };
    T::from(remember(&error))
}

/// As [`entry`] for a function whose result cannot tell an error: `otherwise` stands for it.
pub(crate) fn entry_or<T>(otherwise: T, body: impl FnOnce() -> Result<T>) -> T {
    let mut value = otherwise;
    entry(|| {
        value = body()?;
        Ok(0_i32)
    });
    value
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied()).unwrap_or("a panic")
}

/// The `zpat_error_t` of a kind of error.
pub(crate) fn code_of(kind: ErrorKind) -> c_int {
    -c_int::from(kind.code())
}

/// Makes `error` the last one of this thread, and returns its code.
pub(crate) fn remember(error: &Error) -> c_int {
    LAST.with_borrow_mut(|last| {
        last.code = code_of(error.kind());
        last.length = 0;
        let _ = write!(last, "{error}");
        last.code
    })
}

/// The text of the last error on this thread, one line such as
/// `AddressInUse: cannot bind: address already in use (endpoint tcp://127.0.0.1:5555, errno 98)`; empty before the
/// first. Belongs to the thread: do not free it, and copy it if it has to outlive the next failing call or the thread.
#[unsafe(no_mangle)]
pub extern "C" fn zpat_last_error() -> *const c_char {
    LAST.with_borrow(|last| last.text.as_ptr())
}

/// Copies the text of the last error on this thread into `buffer` of `size` bytes, cut if it is longer, with a zero at
/// the end. Returns the length of the whole text without the zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_last_error_copy(buffer: *mut c_char, size: usize) -> usize {
    LAST.with_borrow(|last| {
        if !buffer.is_null() && size > 0 {
            let copied = last.length.min(size - 1);
            // SAFETY: the caller's buffer has `size` bytes, and the text and a zero fit.
            unsafe {
                std::ptr::copy_nonoverlapping(last.text.as_ptr(), buffer, copied);
                buffer.add(copied).write(0);
            }
        }
        last.length
    })
}

/// The code of the last error on this thread, a `zpat_error_t`; 0 before the first. A success does not reset it.
#[unsafe(no_mangle)]
pub extern "C" fn zpat_last_error_code() -> c_int {
    LAST.with_borrow(|last| last.code)
}

/// The kind with this number, positive or negative.
fn kind(code: c_int) -> Option<ErrorKind> {
    ErrorKind::from_code(u16::try_from(code.unsigned_abs()).ok()?)
}

/// The name of an error code, the same in every language (`AddressInUse`); `Unknown` for what is none. Static text.
#[unsafe(no_mangle)]
pub extern "C" fn zpat_error_name(code: c_int) -> *const c_char {
    static NAMES: Names = Names::new(|| c_names(ErrorKind::ALL.iter().map(|kind| kind.name())));
    match kind(code) {
        Some(kind) => NAMES[usize::from(kind.code()) - 1].as_ptr(),
        None if code == 0 => c"Ok".as_ptr(),
        None => c"Unknown".as_ptr(),
    }
}

/// 1 if the same call may succeed later without a change by the caller, else 0.
#[unsafe(no_mangle)]
pub extern "C" fn zpat_error_is_retryable(code: c_int) -> c_int {
    kind(code).is_some_and(ErrorKind::is_retryable).into()
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    /// `AddressInUse` as `ADDRESS_IN_USE`.
    fn screaming(name: &str) -> String {
        let mut text = String::new();
        for (index, letter) in name.chars().enumerate() {
            if letter.is_uppercase() && index > 0 {
                text.push('_');
            }
            text.push(letter.to_ascii_uppercase());
        }
        text
    }

    #[test]
    fn every_kind_is_in_the_header_with_its_number() {
        let header = include_str!("../include/zpatterns.h");
        for kind in ErrorKind::ALL {
            let row = format!("ZPAT_E_{} = -{},", screaming(kind.name()), kind.code());
            assert!(header.contains(&row), "the header lacks `{row}`");
        }
        assert_eq!(header.matches("  ZPAT_E_").count(), ErrorKind::ALL.len(), "the header has a kind that core lacks");
    }

    #[test]
    fn names_and_retries_are_cores() {
        for kind in ErrorKind::ALL {
            for code in [c_int::from(kind.code()), -c_int::from(kind.code())] {
                // SAFETY: the function returns static text.
                let name = unsafe { CStr::from_ptr(zpat_error_name(code)) };
                assert_eq!(name.to_str(), Ok(kind.name()));
                assert_eq!(zpat_error_is_retryable(code) != 0, kind.is_retryable());
            }
        }
        for code in [c_int::MIN, c_int::MAX, 23, -23, 65_537] {
            // SAFETY: the function returns static text.
            assert_eq!(unsafe { CStr::from_ptr(zpat_error_name(code)) }, c"Unknown");
        }
    }

    #[test]
    fn a_panic_is_an_error_and_a_long_text_is_cut_between_characters() {
        let code: c_int = entry(|| panic!("{}", "é".repeat(ZPAT_ERROR_SIZE)));
        assert_eq!(code, zpat_error_t::ZPAT_E_POISONED as c_int);
        // SAFETY: the function returns this thread's buffer, which ends with a zero.
        let text = unsafe { CStr::from_ptr(zpat_last_error()) }.to_str().expect("characters are whole");
        assert!(text.starts_with("Poisoned: ") && text.len() >= ZPAT_ERROR_SIZE - 2, "{text}");
    }
}
