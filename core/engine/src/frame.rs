//! One frame of a message, and a message.
//!
//! The published bindings take a message away when a send is refused, so a retry loses it. [`Frame`] is `zmq_msg_t`
//! itself and stays with the caller until libzmq has taken it. It is also how bytes get in without a copy: a large
//! [`Bytes`] is handed to libzmq together with its owner.

use std::{
    ffi::{CStr, CString, c_void},
    fmt,
    mem::MaybeUninit,
    ops::Deref,
    slice,
};

use bytes::Bytes;
use libzmq::{
    zmq_msg_close, zmq_msg_copy, zmq_msg_data, zmq_msg_get, zmq_msg_gets, zmq_msg_init, zmq_msg_init_data,
    zmq_msg_init_size, zmq_msg_size, zmq_msg_t,
};
use smallvec::SmallVec;
use zpatterns_protocol::{Error, ErrorKind, Result};

/// From this size on, handing over the owner of the bytes is cheaper than copying them (measured: 32 KiB).
pub const ZERO_COPY_MINIMUM: usize = 32 * 1024;

/// libzmq keeps this many bytes inside the frame.
const INLINE: usize = 33;

/// One frame, owned: bytes that libzmq holds.
#[repr(transparent)]
pub struct Frame(zmq_msg_t);

// SAFETY: a zmq_msg_t is plain memory and reference-counted blocks with atomic counts; libzmq hands it between its own
// threads all the time. Shared access only reads.
unsafe impl Send for Frame {}
// SAFETY: as above; `&Frame` offers reads only.
unsafe impl Sync for Frame {}

impl Frame {
    /// An empty frame.
    pub fn new() -> Self {
        let mut message = MaybeUninit::<zmq_msg_t>::uninit();
        // SAFETY: zmq_msg_init writes the whole structure and cannot fail.
        unsafe {
            zmq_msg_init(message.as_mut_ptr());
            Self(message.assume_init())
        }
    }

    /// A frame with a copy of `data`. [`ErrorKind::TooLarge`] if the memory cannot be had.
    pub fn copy_from(data: &[u8]) -> Result<Self> {
        let mut frame = Self::allocate(data.len())?;
        // SAFETY: the block holds `data.len()` bytes and nobody else knows it yet.
        unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), zmq_msg_data(&mut frame.0).cast::<u8>(), data.len()) };
        Ok(frame)
    }

    /// A frame whose bytes are not yet written.
    fn allocate(size: usize) -> Result<Self> {
        let mut message = MaybeUninit::<zmq_msg_t>::uninit();
        // SAFETY: on success the structure is initialised.
        unsafe {
            if zmq_msg_init_size(message.as_mut_ptr(), size) != 0 {
                return Err(Error::new(ErrorKind::TooLarge, "no memory for a frame").with("bytes", size));
            }
            Ok(Self(message.assume_init()))
        }
    }

    /// A frame over `data`: copied below [`ZERO_COPY_MINIMUM`], handed over from there on.
    pub fn from_bytes(data: Bytes) -> Result<Self> {
        if data.len() < ZERO_COPY_MINIMUM { Self::copy_from(&data) } else { Self::hand_over(data) }
    }

    /// A frame over `data`, which others may hold, too.
    ///
    /// A copy is made by this thread and freed by libzmq's, and both then wait for the allocator's lock more often than the
    /// copy is worth. What is small enough to be inside the frame needs no memory.
    pub(crate) fn sharing(data: Bytes) -> Result<Self> {
        if data.len() <= INLINE { Self::copy_from(&data) } else { Self::hand_over(data) }
    }

    fn hand_over(data: Bytes) -> Result<Self> {
        unsafe extern "C" fn release(_data: *mut c_void, owner: *mut c_void) {
            // SAFETY: `owner` is the box leaked below, and libzmq calls this once.
            drop(unsafe { Box::from_raw(owner.cast::<Bytes>()) });
        }
        let owner = Box::new(data);
        let (pointer, size) = (owner.as_ptr().cast_mut(), owner.len());
        let owner = Box::into_raw(owner);
        let mut message = MaybeUninit::<zmq_msg_t>::uninit();
        // SAFETY: the bytes live as long as their owner, which `release` drops; libzmq does not write to them.
        unsafe {
            if zmq_msg_init_data(message.as_mut_ptr(), pointer.cast(), size, Some(release), owner.cast()) != 0 {
                drop(Box::from_raw(owner));
                return Err(Error::new(ErrorKind::TooLarge, "no memory for a frame").with("bytes", size));
            }
            Ok(Self(message.assume_init()))
        }
    }

    /// A second handle to the same bytes (small frames are copied).
    pub(crate) fn share(&mut self) -> Self {
        let mut copy = Self::new();
        // SAFETY: both structures are initialised.
        unsafe { zmq_msg_copy(&mut copy.0, &mut self.0) };
        copy
    }

    /// The bytes, to keep: without a copy when they are many.
    pub fn into_bytes(self) -> Bytes {
        if self.len() < ZERO_COPY_MINIMUM { Bytes::copy_from_slice(&self) } else { Bytes::from_owner(self) }
    }

    /// Whether another frame may hold the same bytes, as happens to large frames that an inproc publisher sends to
    /// several subscribers. Whoever lets others write to the bytes copies them first.
    pub fn is_shared(&self) -> bool {
        // SAFETY: the message is live and only read.
        unsafe { zmq_msg_get(&self.0, libzmq::SHARED) == 1 }
    }

    /// What is known of the connection that the frame came over: `User-Id` (the authenticated user or key),
    /// `Peer-Address`, `Socket-Type`, or a property of the peer's own.
    pub fn property(&self, name: &str) -> Option<String> {
        let text = self.text_property(&CString::new(name).ok()?)?;
        Some(text.to_string_lossy().into_owned())
    }

    /// As whom the sender was let in; empty if nobody asked.
    pub(crate) fn user(&self) -> &[u8] {
        self.text_property(c"User-Id").map_or(&[], CStr::to_bytes)
    }

    fn text_property(&self, name: &CStr) -> Option<&CStr> {
        // SAFETY: message and name are live; the answer lives as long as the message and ends with a zero.
        unsafe {
            let text = zmq_msg_gets(&self.0, name.as_ptr());
            (!text.is_null()).then(|| CStr::from_ptr(text))
        }
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut zmq_msg_t {
        &mut self.0
    }
}

impl Default for Frame {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        // SAFETY: the structure is initialised, and closed only here.
        unsafe { zmq_msg_close(&mut self.0) };
    }
}

impl Deref for Frame {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let message = std::ptr::from_ref(&self.0).cast_mut();
        // SAFETY: zmq_msg_data and zmq_msg_size only read, though the first asks for a mutable pointer; libzmq never
        // gives a null pointer with a size above 0.
        unsafe {
            match zmq_msg_size(message) {
                0 => &[],
                size => slice::from_raw_parts(zmq_msg_data(message).cast::<u8>(), size),
            }
        }
    }
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Frame({} bytes)", self.len())
    }
}

/// A message: one or more frames, most often one.
#[derive(Default, Debug)]
pub struct Message(SmallVec<[Frame; 1]>);

impl Message {
    /// A message of no frames; it cannot be sent until one is pushed.
    pub fn new() -> Self {
        Self::default()
    }

    /// A message of one frame with a copy of `data`.
    pub fn copy_from(data: &[u8]) -> Result<Self> {
        let mut message = Self::new();
        message.push(Frame::copy_from(data)?);
        Ok(message)
    }

    /// Adds a frame at the end.
    pub fn push(&mut self, frame: Frame) {
        self.0.push(frame);
    }

    /// The frames.
    pub fn frames(&self) -> &[Frame] {
        &self.0
    }

    pub(crate) fn frames_mut(&mut self) -> &mut [Frame] {
        &mut self.0
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The frames, to keep.
    pub fn into_frames(self) -> impl Iterator<Item = Frame> {
        self.0.into_iter()
    }

    /// The only or the last frame, which carries the payload; empty if there is none.
    pub fn payload(&self) -> &[u8] {
        self.0.last().map_or(&[], |frame| frame)
    }

    /// Bytes of all frames together.
    pub fn size(&self) -> usize {
        self.0.iter().map(|frame| frame.len()).sum()
    }
}

impl Deref for Message {
    type Target = [Frame];

    fn deref(&self) -> &[Frame] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_size_keep_their_bytes() {
        for size in [0, 1, 33, 34, 4096, ZERO_COPY_MINIMUM, 1 << 20] {
            let data: Vec<u8> = (0..size).map(|n| n as u8).collect();
            let mut frame = Frame::from_bytes(Bytes::from(data.clone())).expect("memory is there");
            let shared = frame.share();
            assert_eq!(&*frame, &data[..]);
            drop(frame);
            assert_eq!(&*shared.into_bytes(), &data[..]);
        }
    }

    #[test]
    fn a_frame_beyond_memory_is_an_error() {
        let error = Frame::allocate(usize::MAX / 4).expect_err("no machine has that much");
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }

    #[test]
    fn zero_copy_frames_release_their_owner_once() {
        use std::sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        };
        struct Owner(Vec<u8>, Arc<AtomicUsize>);
        impl AsRef<[u8]> for Owner {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
        impl Drop for Owner {
            fn drop(&mut self) {
                self.1.fetch_add(1, Ordering::SeqCst);
            }
        }
        let drops = Arc::new(AtomicUsize::new(0));
        let owner = Owner(vec![7; ZERO_COPY_MINIMUM], Arc::clone(&drops));
        let mut frame = Frame::from_bytes(Bytes::from_owner(owner)).expect("memory is there");
        let other = frame.share();
        drop(frame);
        assert_eq!(drops.load(Ordering::SeqCst), 0);
        drop(other);
        assert_eq!(drops.load(Ordering::SeqCst), 1);
    }
}
