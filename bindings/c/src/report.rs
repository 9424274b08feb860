//! What came of something, for C: a structure, a body, and an error for what went wrong elsewhere.
//!
//! That a worker failed, or that nobody answered, is no fault of the call that brings it. So it is told in a structure,
//! and besides it is the last error of the thread, which has its text.

use std::{borrow::Cow, ffi::c_int};

use zpatterns::{
    Error, ErrorKind, Result,
    reqrep::{Frames as Body, Ticket},
};

use crate::{
    arguments::{check_growing, fill_growing, init_growing},
    batch::{Slot, zpat_batch_t},
    error::remember,
};

/// A structure that says what came. It grows.
pub(crate) trait Record: Copy {
    /// Where its fields end, of this and of older versions.
    const ENDS: &'static [usize];
    /// What it says if nothing came.
    const NOTHING: Self;
}

/// What came, as C sees it.
pub(crate) struct Told<T> {
    pub(crate) record: T,
    /// Of what has one.
    pub(crate) body: Option<Body>,
    /// What it is for a call that brings nothing else.
    pub(crate) error: Option<Error>,
}

/// Where a call writes what came.
pub(crate) struct Report<'a, T> {
    body: Option<Slot<'a>>,
    record: *mut T,
}

impl<'a, T: Record> Report<'a, T> {
    /// As [`empty`](Self::empty), of a call whose caller need not look: null is for who does not.
    ///
    /// # Safety
    /// As [`empty`](Self::empty), or `record` is null.
    pub(crate) unsafe fn optional(body: Option<Slot<'a>>, record: *mut T) -> Result<Self> {
        if !record.is_null() {
            // SAFETY: as the caller promises.
            unsafe { fill_growing(record, T::NOTHING, T::ENDS) }?;
        }
        Ok(Self { body, record })
    }

    /// Says that nothing came, so that after an error nobody takes something old for something new.
    ///
    /// # Safety
    /// `body` is as [`Slot::empty`] asks; `record` points to a structure that starts with its size.
    pub(crate) unsafe fn empty(body: *mut *mut zpat_batch_t, record: *mut T) -> Result<Self> {
        // SAFETY: as the caller promises.
        let body = unsafe { Slot::empty(body) }?;
        // SAFETY: as the caller promises.
        unsafe { fill_growing(record, T::NOTHING, T::ENDS) }?;
        Ok(Self { body: Some(body), record })
    }

    /// Writes what came, and returns its `zpat_error_t`, which is then the last error of the thread.
    pub(crate) fn fill(self, told: Told<T>) -> Result<c_int> {
        let Told { record, body, error } = told;
        if let (Some(slot), Some(body)) = (self.body, body) {
            slot.fill_with_bodies([body]);
        }
        if !self.record.is_null() {
            // SAFETY: a structure was promised, and it was filled in once already.
            unsafe { fill_growing(self.record, record, T::ENDS) }?;
        }
        Ok(error.as_ref().map_or(0, remember))
    }
}

/// As [`Report`], for a call that brings many.
pub(crate) struct Reports<'a, T> {
    bodies: Slot<'a>,
    records: *mut T,
    size: usize,
}

impl<T: Record> Reports<'_, T> {
    /// As [`Report::empty`]; the first structure stands for all.
    ///
    /// # Safety
    /// As [`Report::empty`], and `records` is an array of structures of that size.
    pub(crate) unsafe fn empty(bodies: *mut *mut zpat_batch_t, records: *mut T) -> Result<Self> {
        // SAFETY: as the caller promises.
        let bodies = unsafe { Slot::empty(bodies) }?;
        // SAFETY: as the caller promises.
        let size = unsafe { check_growing(records, T::ENDS) }?;
        // SAFETY: as the caller promises.
        unsafe { fill_growing(records, T::NOTHING, T::ENDS) }?;
        Ok(Self { bodies, records, size })
    }

    /// Writes what came, no more than there is room for, and returns how many.
    pub(crate) fn fill(self, came: impl ExactSizeIterator<Item = Told<T>>) -> Result<c_int> {
        let (count, mut bodies) = (came.len(), Vec::with_capacity(came.len()));
        for (index, Told { record, body, error }) in came.enumerate() {
            let text = || error.map(|error| error.to_string().into()).into_iter().collect();
            bodies.push(body.unwrap_or_else(text));
            // SAFETY: an array was promised, of structures as an older program may know them.
            unsafe {
                let place = self.records.byte_add(index * self.size);
                init_growing(place, self.size, record, T::ENDS)
            }?;
        }
        self.bodies.fill_with_bodies(bodies);
        Ok(c_int::try_from(count).expect("no more than fit were asked for"))
    }
}

/// How many bytes of a worker's words go into the error's text.
const WORDS: usize = 500;

/// A worker's words, or as much of them as belongs into one line.
pub(crate) fn words(body: &Body) -> String {
    let words =
        body.first().map_or(Cow::Borrowed(""), |first| String::from_utf8_lossy(&first[..first.len().min(WORDS)]));
    words.replace(char::is_control, " ")
}

/// What a worker said that could not do its job.
pub(crate) fn worker_error(code: u32, body: &Body) -> Error {
    let error = Error::new(ErrorKind::JobFailed, "the worker says that it cannot be done").with("code", code);
    let words = words(body);
    if words.is_empty() { error } else { error.with("words", words) }
}

/// A ticket as core has it; what is negative is no ticket.
pub(crate) fn ticket_of(ticket: i64) -> Ticket {
    Ticket(u64::try_from(ticket).unwrap_or(0))
}
