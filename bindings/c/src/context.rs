//! Contexts.

use std::{ffi::c_int, mem::offset_of};

use zpatterns::{Context, ContextOptions};

use crate::{
    arguments::{growing, hand_over, required, required_mut, take_back},
    error::entry,
};

/// Owns the threads that move messages. Most programs have one.
pub struct zpat_context_t(pub(crate) Context);

/// How a context is set up. Start from `ZPAT_CONTEXT_OPTIONS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_context_options_t {
    /// `sizeof(zpat_context_options_t)`.
    pub struct_size: usize,
    /// Threads that move bytes between sockets and the network, 1 to 64; one is enough below about 1 GB/s.
    pub io_threads: u32,
    /// How many sockets may be open at once, 1 to 65535.
    pub max_sockets: u32,
}

impl zpat_context_options_t {
    const ENDS: [usize; 2] = [offset_of!(Self, max_sockets), size_of::<Self>()];

    fn defaults() -> Self {
        let ContextOptions { io_threads, max_sockets } = ContextOptions::default();
        Self { struct_size: size_of::<Self>(), io_threads, max_sockets }
    }
}

/// Opens a context; `options` may be NULL for the defaults. The caller frees it with `zpat_context_close`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_context_open(
    options: *const zpat_context_options_t,
    context: *mut *mut zpat_context_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let out = unsafe { required_mut(context, "context") }?;
        // SAFETY: C's promise.
        let given = unsafe { growing(options, zpat_context_options_t::defaults(), &zpat_context_options_t::ENDS) }?;
        let options = ContextOptions { io_threads: given.io_threads, max_sockets: given.max_sockets };
        hand_over(zpat_context_t(Context::with_options(&options)?), out);
        Ok(0)
    })
}

/// Ends every wait in every handle of this context, now and from now on, with `ZPAT_E_CLOSED`. Any thread may call it;
/// the context and its handles still have to be closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_context_shutdown(context: *const zpat_context_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        unsafe { required(context, "context") }?.0.shutdown();
        Ok(0)
    })
}

/// Closes a context and clears the pointer. It ends when the last handle made from it is closed, too, in whatever
/// order; that close waits until sent messages have left, at most for the longest linger. NULL and a cleared pointer
/// are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_context_close(context: *mut *mut zpat_context_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        drop(unsafe { take_back(context) });
        Ok(0)
    })
}
