//! How a job is to be done, and what others it is broken into.

use std::{
    ffi::{c_char, c_int},
    mem::offset_of,
};

use zpatterns::{
    Result,
    zqueue::{Child, Frames, JobOptions, OnFailure},
};

use super::fields::with_job_options;
use crate::{
    arguments::{body_of, bytes, growing, init_growing, text, zpat_slice_t},
    checked::{Checked, Element, c_type, from_c, options, to_c},
    error::entry,
    plain::Plain,
};

/// How a job is to be done. Start from `ZPAT_JOB_OPTIONS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_job_options_t {
    /// `sizeof(zpat_job_options_t)`.
    pub struct_size: usize,
    /// In queues with `ZPAT_ORDER_PRIORITY`: the highest first. 0 to 255, default 0.
    pub priority: i64,
    /// It waits so long before it is given to a worker, in milliseconds. Default 0.
    pub delay: i64,
    /// How often it may fail and be tried again, the first time included. Workers that are lost are counted by
    /// themselves. 1 to 255, default 3.
    pub attempts: i64,
    /// It is tried again after so long, then after twice as long, and so on, with jitter, in milliseconds. Default 1000.
    pub backoff: i64,
    /// A worker that has had it for so long has failed, in milliseconds. 0, the default, is no limit.
    pub time_limit: i64,
    /// Of the jobs in a queue with the same key one is taken, as long as that is there or its outcome is kept; at most
    /// 255 bytes, read during the call. NULL is none, the default.
    pub key: zpat_slice_t,
    /// For how long its outcome is kept for who asks, in milliseconds. Default 0.
    pub keep: i64,
}

with_job_options!(options);

/// Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_JOB_OPTIONS_INIT` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_job_options_init(options: *mut zpat_job_options_t, struct_size: usize) -> c_int {
    let (defaults, ends) = (zpat_job_options_t::defaults(), zpat_job_options_t::ENDS);
    // SAFETY: C's promise.
    entry(|| unsafe { init_growing(options, struct_size, defaults, ends) }.map(|()| 0))
}

/// What becomes of a job when one of its children fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_on_failure_t {
    /// It fails in the same way, and its other children are cancelled.
    ZPAT_ON_FAILURE_FAIL = 0,
    /// It goes on, and finds the failure among its results.
    ZPAT_ON_FAILURE_PASS = 1,
    /// It goes on, and finds no result of this child: `ZPAT_JOB_OUTCOME_NOTHING`.
    ZPAT_ON_FAILURE_IGNORE = 2,
}

/// A job that is to be done before another goes on. It does not grow, because children come in arrays; what it points to
/// is copied during the call.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_child_t {
    /// The queue in which it waits, a name of 1 to 255 bytes.
    pub queue: *const c_char,
    /// The frames of its body; there may be none.
    pub frames: *const zpat_slice_t,
    /// How many frames.
    pub count: usize,
    /// How it is to be done; NULL is the defaults. A child has no key, and its outcome is its parent's: `key` and `keep`
    /// are not looked at.
    pub options: *const zpat_job_options_t,
    /// A `zpat_on_failure_t`.
    pub on_failure: c_int,
    /// 1: nobody waits for it, and it outlives who spawns it, as a job of its own. Else 0.
    pub detached: c_int,
}

impl Element for zpat_child_t {
    type Core = Child;

    unsafe fn convert(&self) -> Result<Child> {
        // SAFETY: as the caller promises.
        let (queue, body, options) = unsafe { job_of(self.queue, self.frames, self.count, self.options) }?;
        let on_failure = OnFailure::checked(self.on_failure.into(), "on_failure")?;
        let detached = bool::checked(self.detached.into(), "detached")?;
        let child = Child { options, on_failure, detached, ..Child::new(queue, body) };
        // Here, because a job that has been taken does not come back.
        child.check().map(|()| child)
    }
}

/// A job as C describes it.
///
/// # Safety
/// `queue` is as [`text`] asks, `frames` as [`body_of`], `options` as [`zpat_job_options_t::convert`].
pub(super) unsafe fn job_of<'a>(
    queue: *const c_char,
    frames: *const zpat_slice_t,
    count: usize,
    options: *const zpat_job_options_t,
) -> Result<(&'a str, Frames, JobOptions)> {
    // SAFETY: as the caller promises.
    unsafe { Ok((text(queue, "queue")?, body_of(frames, count)?, zpat_job_options_t::convert(options)?)) }
}

#[cfg(test)]
mod tests {
    use super::{zpat_on_failure_t::*, *};

    #[test]
    fn ways_to_take_a_failure_have_their_numbers() {
        for way in [ZPAT_ON_FAILURE_FAIL, ZPAT_ON_FAILURE_PASS, ZPAT_ON_FAILURE_IGNORE] {
            assert_eq!(OnFailure::checked(way as i64, "on_failure").map(|checked| checked as i64), Ok(way as i64));
        }
        assert!(OnFailure::checked(-1, "on_failure").is_err() && OnFailure::checked(3, "on_failure").is_err());
    }
}
