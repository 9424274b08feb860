//! Ending waits from elsewhere.

use std::ffi::c_int;

use zpatterns::Cancel;

use crate::{
    arguments::{hand_over, required, required_mut, take_back},
    error::entry,
};

/// Ends waits from another thread or a signal handler. One cancel may be given to any number of calls.
pub struct zpat_cancel_t(pub(crate) Cancel);

/// Opens a cancel that has not fired. The caller frees it with `zpat_cancel_close`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_cancel_open(cancel: *mut *mut zpat_cancel_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let out = unsafe { required_mut(cancel, "cancel") }?;
        hand_over(zpat_cancel_t(Cancel::new()?), out);
        Ok(0)
    })
}

/// Fires, for good: every wait that was given this cancel, now or later, ends with `ZPAT_E_CANCELLED`. It may be called
/// from a signal handler, which also covers a signal that arrives just before the wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_cancel_fire(cancel: *const zpat_cancel_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        unsafe { required(cancel, "cancel") }?.0.cancel();
        Ok(0)
    })
}

/// 1 if the cancel has fired, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_cancel_is_fired(cancel: *const zpat_cancel_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { required(cancel, "cancel") }?.0.is_cancelled().into()))
}

/// Frees a cancel and clears the pointer. Calls that were given it go on without harm. NULL and a cleared pointer are
/// fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_cancel_close(cancel: *mut *mut zpat_cancel_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        drop(unsafe { take_back(cancel) });
        Ok(0)
    })
}
