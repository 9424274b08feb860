//! Messages: to look at what was received, and to build what is sent many at a time.

use std::ffi::{c_int, c_void};

use zpatterns::{Batch, Error, ErrorKind, Message, Result, reqrep::Frames as Body};

use crate::{
    arguments::{bytes, frames_of, hand_over, required, required_mut, take_back, write_bytes, zpat_slice_t},
    error::{entry, entry_or},
};

/// Messages in order, each of one or more frames; an answer may have none. A batch belongs to one thread at a time.
pub struct zpat_batch_t(Content);

/// A message received alone keeps libzmq's memory, and answers that of the machine; everything else is packed.
enum Content {
    One(Message),
    Bodies(Bodies),
    Many(Batch),
}

/// What came of requests; often of one.
type Bodies = smallvec::SmallVec<[Body; 1]>;

impl Default for zpat_batch_t {
    fn default() -> Self {
        Self(Content::Many(Batch::new()))
    }
}

impl zpat_batch_t {
    fn len(&self) -> usize {
        match &self.0 {
            Content::One(_) => 1,
            Content::Bodies(bodies) => bodies.len(),
            Content::Many(batch) => batch.len(),
        }
    }

    fn bytes(&self) -> usize {
        match &self.0 {
            Content::One(one) => one.size(),
            Content::Bodies(bodies) => bodies.iter().flatten().map(|frame| frame.len()).sum(),
            Content::Many(batch) => batch.bytes(),
        }
    }

    fn frame_count(&self, message: usize) -> usize {
        match &self.0 {
            Content::One(one) if message == 0 => one.len(),
            Content::Bodies(bodies) => bodies.get(message).map_or(0, Vec::len),
            Content::Many(batch) if message < batch.len() => {
                let (first, end) = batch.frame_range(message);
                end - first
            }
            _ => 0,
        }
    }

    fn frame(&self, message: usize, frame: usize) -> Option<&[u8]> {
        if frame >= self.frame_count(message) {
            return None;
        }
        Some(match &self.0 {
            Content::One(one) => &one[frame],
            Content::Bodies(bodies) => &bodies[message][frame],
            Content::Many(batch) => batch.frame(batch.frame_range(message).0 + frame),
        })
    }

    /// The frames of each message.
    pub(crate) fn messages(&self) -> impl Iterator<Item = impl Iterator<Item = &[u8]>> {
        (0..self.len())
            .map(move |message| (0..self.frame_count(message)).filter_map(move |frame| self.frame(message, frame)))
    }

    /// Copies of the messages, as requests have them.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = Body> {
        self.messages().map(|frames| frames.map(|frame| frame.to_vec().into()).collect())
    }

    /// The messages packed, to add to or to send.
    pub(crate) fn packed(&mut self) -> Result<&mut Batch> {
        if let Content::One(_) | Content::Bodies(_) = &self.0 {
            let mut batch = Batch::new();
            for frames in self.messages() {
                batch.push_multipart(&frames.collect::<Vec<_>>())?;
            }
            self.0 = Content::Many(batch);
        }
        match &mut self.0 {
            Content::Many(batch) => Ok(batch),
            Content::One(_) | Content::Bodies(_) => unreachable!("packed above"),
        }
    }
}

/// Where a receive puts its messages: the batch that C has there already, or a new one.
pub(crate) struct Slot<'a>(&'a mut *mut zpat_batch_t);

impl<'a> Slot<'a> {
    /// Empties the batch that is there, so that after an error nobody takes its old messages for new ones.
    ///
    /// # Safety
    /// `batch` is null or points to a pointer that is null or a live batch.
    pub(crate) unsafe fn empty(batch: *mut *mut zpat_batch_t) -> Result<Self> {
        // SAFETY: as the caller promises.
        let slot: &'a mut *mut zpat_batch_t = unsafe { required_mut(batch, "batch") }?;
        // SAFETY: as the caller promises.
        if let Some(batch) = unsafe { slot.as_mut() } {
            *batch = zpat_batch_t::default();
        }
        Ok(Self(slot))
    }

    /// As [`empty`](Self::empty); null is for who does not look.
    ///
    /// # Safety
    /// As [`empty`](Self::empty).
    pub(crate) unsafe fn optional(batch: *mut *mut zpat_batch_t) -> Option<Self> {
        // SAFETY: as the caller promises.
        unsafe { Self::empty(batch) }.ok()
    }

    pub(crate) fn fill_with_one(self, message: Message) {
        self.fill(Content::One(message));
    }

    pub(crate) fn fill_with_bodies(self, bodies: impl IntoIterator<Item = Body>) {
        self.fill(Content::Bodies(bodies.into_iter().collect()));
    }

    pub(crate) fn fill_with_many(self, batch: Batch) {
        self.fill(Content::Many(batch));
    }

    fn fill(self, content: Content) {
        // SAFETY: `empty` was promised that the pointer is null or a live batch.
        match unsafe { self.0.as_mut() } {
            Some(batch) => batch.0 = content,
            None => hand_over(zpat_batch_t(content), self.0),
        }
    }
}

/// Makes a batch without messages, to build one for `zpat_socket_send_many`. The caller frees it with
/// `zpat_batch_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_batch_new(batch: *mut *mut zpat_batch_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        hand_over(zpat_batch_t::default(), unsafe { required_mut(batch, "batch") }?);
        Ok(0)
    })
}

/// Adds a message of one frame with a copy of `len` bytes from `data`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_batch_add(batch: *mut zpat_batch_t, data: *const c_void, len: usize) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (batch, data) = unsafe { (required_mut(batch, "batch")?, bytes(data, len)?) };
        batch.packed()?.push(data)?;
        Ok(0)
    })
}

/// Adds a message with copies of these `count` frames.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_batch_add_multipart(
    batch: *mut zpat_batch_t,
    frames: *const zpat_slice_t,
    count: usize,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (batch, frames) = unsafe { (required_mut(batch, "batch")?, frames_of(frames, count)?) };
        batch.packed()?.push_multipart(&frames)?;
        Ok(0)
    })
}

/// Removes all messages; slices into them end here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_batch_clear(batch: *mut zpat_batch_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        *unsafe { required_mut(batch, "batch") }? = zpat_batch_t::default();
        Ok(0)
    })
}

/// Number of messages; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_batch_count(batch: *const zpat_batch_t) -> usize {
    // SAFETY: C's promise.
    entry_or(0, || Ok(unsafe { required(batch, "batch") }?.len()))
}

/// Bytes of all frames together; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_batch_bytes(batch: *const zpat_batch_t) -> usize {
    // SAFETY: C's promise.
    entry_or(0, || Ok(unsafe { required(batch, "batch") }?.bytes()))
}

/// Number of frames of the message at position `message`; 0 if there is no such message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_batch_frame_count(batch: *const zpat_batch_t, message: usize) -> usize {
    // SAFETY: C's promise.
    entry_or(0, || Ok(unsafe { required(batch, "batch") }?.frame_count(message)))
}

/// A frame of a message, both by position from 0. The bytes belong to the batch: they stay until it is freed, cleared,
/// added to, sent or received into. If there is no such frame, `data` is NULL; for an empty frame it is not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_batch_frame(batch: *const zpat_batch_t, message: usize, frame: usize) -> zpat_slice_t {
    entry_or(zpat_slice_t::NONE, || {
        // SAFETY: C's promise.
        Ok(unsafe { required(batch, "batch") }?.frame(message, frame).map_or(zpat_slice_t::NONE, zpat_slice_t::of))
    })
}

/// Copies a frame of a message, both by position from 0, into `buffer` of `size` bytes and returns its length.
/// `ZPAT_E_TOO_LARGE` if it does not fit; nothing is copied then, and the message stays in the batch.
/// `ZPAT_E_NOT_FOUND` if there is no such frame.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_batch_copy(
    batch: *const zpat_batch_t,
    message: usize,
    frame: usize,
    buffer: *mut c_void,
    size: usize,
) -> i64 {
    entry(|| {
        // SAFETY: C's promise.
        let bytes = unsafe { required(batch, "batch") }?.frame(message, frame);
        let bytes = bytes.ok_or_else(|| Error::new(ErrorKind::NotFound, "the batch has no such frame"))?;
        // SAFETY: C's promise.
        unsafe { write_bytes(bytes, buffer, size) }?;
        Ok(i64::try_from(bytes.len()).expect("no object has more bytes"))
    })
}

/// Frees a batch and clears the pointer; slices into it end here. NULL and a cleared pointer are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_batch_free(batch: *mut *mut zpat_batch_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        drop(unsafe { take_back(batch) });
        Ok(0)
    })
}
