//! One libzmq socket, as libzmq has it: one thread at a time, nothing waits.
//!
//! Every call is non-blocking. Whoever shares a socket between threads keeps it in a mutex, which is the full fence
//! that libzmq asks for when a socket moves from thread to thread.

use std::{
    ffi::{CString, c_int, c_void},
    os::fd::{BorrowedFd, RawFd},
    ptr::NonNull,
};

use libzmq::option as zmq;
use zpatterns_protocol::{Error, ErrorKind, Result};

use crate::{
    endpoint, errno,
    fork::Generation,
    frame::Frame,
    options::{Setting, Settings},
};

/// An open socket. Closed when dropped, with its linger.
#[derive(Debug)]
pub(crate) struct RawSocket(NonNull<c_void>, Generation);

// SAFETY: a socket may move between threads with a full fence in between; `&mut self` on every call and the mutex
// around it provide that.
unsafe impl Send for RawSocket {}

impl RawSocket {
    /// Opens a socket of the type with number `kind`.
    ///
    /// # Safety
    /// `context` is a live libzmq context and outlives the socket.
    pub(crate) unsafe fn open(context: NonNull<c_void>, kind: c_int) -> Result<Self> {
        // SAFETY: as the caller promises.
        NonNull::new(unsafe { libzmq::zmq_socket(context.as_ptr(), kind) })
            .map(|socket| Self(socket, Generation::current()))
            .ok_or_else(|| errno::last("cannot open a socket"))
    }

    /// Sends one frame, or answers false if that would block; the frame is empty afterwards, or else unchanged.
    pub(crate) fn send_frame(&mut self, frame: &mut Frame, more: bool) -> Result<bool> {
        let flags = libzmq::DONTWAIT | if more { libzmq::SNDMORE } else { 0 };
        loop {
            // SAFETY: socket and message are live.
            if unsafe { libzmq::zmq_msg_send(frame.as_mut_ptr(), self.0.as_ptr(), flags) } >= 0 {
                return Ok(true);
            }
            match errno::last_number() {
                libc::EAGAIN => return Ok(false),
                libc::EINTR => {}
                number => return Err(errno::error(number, "cannot send")),
            }
        }
    }

    /// Receives one frame into `frame` and tells whether more of its message follow; `None` if nothing is there.
    pub(crate) fn recv_frame(&mut self, frame: &mut Frame) -> Result<Option<bool>> {
        loop {
            // SAFETY: socket and message are live.
            unsafe {
                if libzmq::zmq_msg_recv(frame.as_mut_ptr(), self.0.as_ptr(), libzmq::DONTWAIT) >= 0 {
                    return Ok(Some(libzmq::zmq_msg_more(frame.as_mut_ptr()) != 0));
                }
            }
            match errno::last_number() {
                libc::EAGAIN => return Ok(None),
                libc::EINTR => {}
                number => return Err(errno::error(number, "cannot receive")),
            }
        }
    }

    /// Receives a message, frame by frame into `take`; false if none is there.
    pub(crate) fn recv_message(&mut self, mut take: impl FnMut(&mut Frame)) -> Result<bool> {
        let mut frame = Frame::new();
        let Some(mut more) = self.recv_frame(&mut frame)? else { return Ok(false) };
        loop {
            take(&mut frame);
            if !more {
                return Ok(true);
            }
            // libzmq hands a message over whole or not at all.
            more = self
                .recv_frame(&mut frame)?
                .ok_or_else(|| Error::new(ErrorKind::Poisoned, "libzmq delivered half a message"))?;
        }
    }

    /// What is possible now, as libzmq's poll flags. Reading it handles everything that libzmq had announced through
    /// its descriptor, so the descriptor is quiet until something new happens.
    pub(crate) fn events(&mut self) -> Result<i16> {
        self.get_int(zmq::EVENTS).map(|events| events as i16)
    }

    /// The descriptor through which libzmq announces that [`events`](Self::events) may have changed.
    pub(crate) fn fd(&mut self) -> Result<RawFd> {
        self.get_int(zmq::FD)
    }

    pub(crate) fn bind(&mut self, endpoint: &str) -> Result<()> {
        self.with_endpoint(endpoint, "cannot bind", libzmq::zmq_bind)
    }

    pub(crate) fn unbind(&mut self, endpoint: &str) -> Result<()> {
        self.with_endpoint(endpoint, "cannot unbind", libzmq::zmq_unbind)
    }

    pub(crate) fn connect(&mut self, endpoint: &str) -> Result<()> {
        self.with_endpoint(endpoint, "cannot connect", libzmq::zmq_connect)
    }

    pub(crate) fn disconnect(&mut self, endpoint: &str) -> Result<()> {
        self.with_endpoint(endpoint, "cannot disconnect", libzmq::zmq_disconnect)
    }

    fn with_endpoint(
        &mut self,
        endpoint: &str,
        what: &str,
        call: unsafe extern "C" fn(*mut c_void, *const libc::c_char) -> c_int,
    ) -> Result<()> {
        endpoint::check(endpoint)?;
        let text = CString::new(endpoint).expect("checked: no zero byte");
        // SAFETY: socket and text are live.
        if unsafe { call(self.0.as_ptr(), text.as_ptr()) } == 0 {
            return Ok(());
        }
        let number = errno::last_number();
        let error = match number {
            libc::EINVAL | libc::EPROTONOSUPPORT => {
                Error::new(ErrorKind::InvalidEndpoint, format!("{what}: {}", endpoint::HELP))
            }
            number => errno::error(number, what),
        };
        Err(error.with("endpoint", endpoint))
    }

    /// Sends events to a socket that connects to `endpoint`; with `None` no longer.
    pub(crate) fn monitor(&mut self, endpoint: Option<&str>, events: c_int) -> Result<()> {
        let text = endpoint.map(|name| CString::new(name).expect("our own inproc names hold no zero byte"));
        let text = text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
        // SAFETY: socket and text are live; null stops the monitor.
        match unsafe { libzmq::zmq_socket_monitor(self.0.as_ptr(), text, events) } {
            0 => Ok(()),
            _ => Err(errno::last("cannot monitor")),
        }
    }

    /// Ends a monitor, before the socket that receives from it closes: libzmq's I/O thread would wait for ever to get rid of an
    /// event that nobody receives.
    pub(crate) fn stop_monitor(&mut self) {
        // In the child of a fork it belongs to the parent, one of whose threads may have held its lock.
        if self.1.is_current() {
            let _ = self.monitor(None, 0);
        }
    }

    pub(crate) fn set(&mut self, name: &'static str, option: c_int, value: Setting<'_>) -> Result<()> {
        let rc = match value {
            Setting::Int(value) => self.set_raw(option, &(value as c_int).to_ne_bytes()),
            Setting::Long(value) => self.set_raw(option, &value.to_ne_bytes()),
            Setting::Bytes(value) => self.set_raw(option, value),
        };
        match rc {
            0 => Ok(()),
            _ => Err(errno::last("the option does not fit this socket or its value is malformed").with("option", name)),
        }
    }

    pub(crate) fn set_all(&mut self, settings: Settings<'_>) -> Result<()> {
        settings.into_iter().try_for_each(|(name, option, value)| self.set(name, option, value))
    }

    fn set_raw(&mut self, option: c_int, value: &[u8]) -> c_int {
        // SAFETY: socket and value are live.
        unsafe { libzmq::zmq_setsockopt(self.0.as_ptr(), option, value.as_ptr().cast(), value.len()) }
    }

    fn get_int(&mut self, option: c_int) -> Result<c_int> {
        let mut value: c_int = 0;
        let mut size = size_of::<c_int>();
        loop {
            // SAFETY: value and size are live, and size says how large value is.
            let rc = unsafe {
                libzmq::zmq_getsockopt(self.0.as_ptr(), option, std::ptr::from_mut(&mut value).cast(), &mut size)
            };
            match rc {
                0 => return Ok(value),
                _ if errno::last_number() == libc::EINTR => {}
                _ => return Err(errno::last("cannot read an option")),
            }
        }
    }

    /// The endpoint that was bound or connected last, with the port that the system chose.
    pub(crate) fn last_endpoint(&mut self) -> Result<String> {
        let mut text = [0_u8; 1024];
        let mut size = text.len();
        // SAFETY: text and size are live, and size says how large text is.
        let rc =
            unsafe { libzmq::zmq_getsockopt(self.0.as_ptr(), zmq::LAST_ENDPOINT, text.as_mut_ptr().cast(), &mut size) };
        if rc != 0 {
            return Err(errno::last("cannot read the endpoint"));
        }
        Ok(String::from_utf8_lossy(&text[..size.saturating_sub(1)]).into_owned())
    }
}

impl Drop for RawSocket {
    fn drop(&mut self) {
        // In the child of a fork it belongs to the parent.
        if self.1.is_current() {
            // SAFETY: the socket is live and closed only here.
            unsafe { libzmq::zmq_close(self.0.as_ptr()) };
        }
    }
}

/// A descriptor that somebody else keeps open for longer than the borrow.
///
/// # Safety
/// As `BorrowedFd::borrow_raw`. For libzmq's descriptor: `poll` on it after its socket closed is harmless, because a
/// waiter then finds its handle closed before it looks at anything else.
pub(crate) unsafe fn borrow<'a>(fd: RawFd) -> BorrowedFd<'a> {
    // SAFETY: as the caller promises.
    unsafe { BorrowedFd::borrow_raw(fd) }
}
