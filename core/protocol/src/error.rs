//! One error for every layer and every language.
//!
//! Callers decide by kind, people read the text, and logs keep the context. The number of a kind never changes: C
//! returns it, Python has a class per kind, Node sets `err.code` to its name. What others can cause is an error; a
//! panic is a broken invariant of ours.

use std::fmt;

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Writes the enum, its table and its lookups from one list, so a kind cannot be in one and not in the others.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $retry:literal;)*) => {
        /// What went wrong, as a program needs to know it.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[doc = $doc])+ $name = $code,)*
        }

        impl ErrorKind {
            /// Every kind, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name, the same in every language: `AddressInUse`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// The stable number, at least 1.
            pub const fn code(self) -> u16 {
                self as u16
            }

            /// Whether the same call may succeed later without a change by the caller.
            pub const fn is_retryable(self) -> bool {
                match self { $(Self::$name => $retry,)* }
            }

            /// The kind with this number.
            pub fn from_code(code: u16) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }
        }
    };
}

kinds! {
    /// A value that the caller passed is malformed or out of range.
    InvalidArgument = 1, false;
    /// An endpoint cannot be read, or names a transport that is not built in.
    InvalidEndpoint = 2, false;
    /// The address is taken by another socket.
    AddressInUse = 3, true;
    /// No interface of this machine has the address, or the name has none.
    AddressNotAvailable = 4, false;
    /// The call does not fit this kind of handle.
    Unsupported = 5, false;
    /// The deadline passed first.
    Timeout = 6, true;
    /// Another thread cancelled the wait.
    Cancelled = 7, false;
    /// A signal ended the wait; nothing was lost, call again.
    Interrupted = 8, true;
    /// The handle or its context is closed.
    Closed = 9, false;
    /// A queue is at its bound.
    Full = 10, true;
    /// The addressed peer is not connected.
    Unreachable = 11, true;
    /// The handle is not in the state that the call needs, such as a second send on a REQ socket.
    WrongState = 12, false;
    /// A message exceeds a limit, or the memory that can be had.
    TooLarge = 13, false;
    /// The operating system refuses, or the other side does.
    PermissionDenied = 14, false;
    /// What the call names does not exist.
    NotFound = 15, false;
    /// The process or the context holds as many sockets or files as it may.
    TooManyOpen = 16, true;
    /// Text was asked for and the bytes are not UTF-8.
    InvalidText = 17, false;
    /// The handle belongs to a parent process; open one after the fork.
    Forked = 18, false;
    /// A fault of zpatterns itself; the handle no longer works, others do.
    Poisoned = 19, false;
    /// The operating system reported something else; the context has its number.
    System = 20, false;
    /// The worker that answered a request says that it cannot be done.
    JobFailed = 21, false;
    /// What was stored is damaged, or is not of this program.
    Corrupt = 22, false;
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// A kind, one line of text, and named facts.
///
/// `Display` prints the line (`AddressInUse: cannot bind: address already in use (endpoint tcp://127.0.0.1:5555)`).
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    // Boxed: a result travels through every call and an error hardly ever.
    inner: Box<Inner>,
}

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    message: String,
    context: Vec<(&'static str, String)>,
}

impl Error {
    /// An error of `kind` with one line that says what happened and, where it helps, what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { inner: Box::new(Inner { kind, message: message.into(), context: Vec::new() }) }
    }

    /// Adds a named fact.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.inner.context.push((name, value.to_string()));
        self
    }

    /// What went wrong, for programs.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// What went wrong, for people, without the context.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// Named facts, in the order in which they were added.
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.inner.context
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.inner.kind, self.inner.message)?;
        for (index, (name, value)) in self.inner.context.iter().enumerate() {
            write!(out, "{}{name} {value}", if index == 0 { " (" } else { ", " })?;
        }
        if self.inner.context.is_empty() { Ok(()) } else { out.write_str(")") }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_stable_and_come_back() {
        for (index, kind) in ErrorKind::ALL.iter().enumerate() {
            assert_eq!(usize::from(kind.code()), index + 1, "{kind} moved");
            assert_eq!(ErrorKind::from_code(kind.code()), Some(*kind));
        }
        assert_eq!(ErrorKind::from_code(0), None);
        assert_eq!(ErrorKind::from_code(u16::MAX), None);
    }

    #[test]
    fn prints_kind_line_and_facts() {
        let error = Error::new(ErrorKind::AddressInUse, "cannot bind").with("endpoint", "tcp://*:1").with("errno", 98);
        assert_eq!(error.to_string(), "AddressInUse: cannot bind (endpoint tcp://*:1, errno 98)");
        assert_eq!(Error::new(ErrorKind::Closed, "gone").to_string(), "Closed: gone");
    }
}
