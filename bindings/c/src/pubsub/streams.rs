//! The streams of a publisher.

use std::{
    ffi::{c_char, c_int},
    mem::offset_of,
};

use zpatterns::{
    Result,
    pubsub::{StreamOptions, given},
};

use super::fields::{StreamGiven, with_stream_options};
use crate::{
    arguments::{growing, init_growing, text, texts},
    checked::{Checked, Element, c_type, from_c, options, to_c},
    error::entry,
    plain::Plain,
};

/// How a stream is kept, and for whom it is. Start from `ZPAT_STREAM_OPTIONS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_stream_options_t {
    /// `sizeof(zpat_stream_options_t)`.
    pub struct_size: usize,
    /// 1: everybody may hear it, whatever rules say, and it leaves once for all if the publisher has a shared path. 0,
    /// the default: who may hear it, rules say.
    pub is_public: i64,
    /// How many of the last publications are kept for those who come late, or missed some.
    pub history: i64,
    /// Bytes of those.
    pub history_bytes: i64,
    /// For how long they are kept, in milliseconds, unless somebody is waited for who has yet to take them.
    pub history_age: i64,
    /// Bytes of those before them that are kept on disk, for subscriptions that spill, and for who lost some of the shared
    /// path; needs `disk` of the publisher. 0, the default, is nothing on disk.
    pub disk_bytes: i64,
    /// Of how many subjects the last publication is kept in any case.
    pub last_values: i64,
}

with_stream_options!(options);

/// A stream, for `streams` in `zpat_publisher_options_t`, which is an array: this structure does not grow, its options
/// do. All of it is read while the publisher is opened, not later, and stays the caller's.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_stream_t {
    /// Its name, 1 to 255 bytes.
    pub name: *const c_char,
    /// Patterns of the subjects that belong to it, unless they belong to a stream before it. NULL is every subject.
    pub subjects: *const *const c_char,
    /// How many those are.
    pub subjects_count: usize,
    /// NULL for the defaults.
    pub options: *const zpat_stream_options_t,
}

impl Element for zpat_stream_t {
    type Core = StreamOptions;

    unsafe fn convert(&self) -> Result<StreamOptions> {
        // SAFETY: as the caller promises.
        let (name, StreamGiven { options }) =
            unsafe { (text(self.name, "name")?, zpat_stream_options_t::convert(self.options)?) };
        // SAFETY: as the caller promises.
        let subjects = given::subjects(&unsafe { texts(self.subjects, self.subjects_count, "subjects") }?)?;
        Ok(StreamOptions { name: name.to_owned().into(), subjects, ..options })
    }
}

/// Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_STREAM_OPTIONS_INIT` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_stream_options_init(options: *mut zpat_stream_options_t, struct_size: usize) -> c_int {
    let (defaults, ends) = (zpat_stream_options_t::defaults(), zpat_stream_options_t::ENDS);
    // SAFETY: C's promise.
    entry(|| unsafe { init_growing(options, struct_size, defaults, ends) }.map(|()| 0))
}
