//! Options of a bus.

use std::{ffi::c_int, mem::offset_of};

use zpatterns::{BusOptions, Result};

use super::fields::with_bus_options;
use crate::{
    arguments::{growing, init_growing},
    error::entry,
    reqrep::{
        fields::Plain,
        options::{Checked, c_type, from_c, options, to_c},
    },
};

/// How a bus is set up. Start from `ZPAT_BUS_OPTIONS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_bus_options_t {
    /// `sizeof(zpat_bus_options_t)`.
    pub struct_size: usize,
    /// Bytes of datagrams sent in a second, repairs with them. 1000 or more.
    pub rate: i64,
    /// Bytes that are kept to be repeated: as long an outage is survived as it takes to send them.
    pub window: i64,
    /// Bytes that may wait to be sent.
    pub max_unsent: i64,
    /// How many routers a message may cross, and one more; 1 is this network.
    pub hops: i64,
    /// Whether other programs on this machine hear what is sent. 0 or 1.
    pub looped: i64,
    /// Sources heard at once. 1 or more.
    pub max_peers: i64,
    /// Bytes of one source that wait while something before them is missing.
    pub max_behind: i64,
    /// Bytes of a message that is received; each frame counts as 32 more. Larger ones are lost.
    pub max_message: i64,
    /// Messages and events that wait for the program.
    pub max_events: i64,
    /// Bytes of those; each frame counts as 32 more.
    pub max_bytes: i64,
    /// How long a source is remembered that is silent, in milliseconds.
    pub forget: i64,
    /// How long closing waits for what is to be sent, and repeated, in milliseconds.
    pub linger: i64,
}

with_bus_options!(options);

/// Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_BUS_OPTIONS_INIT` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_bus_options_init(options: *mut zpat_bus_options_t, struct_size: usize) -> c_int {
    let (defaults, ends) = (zpat_bus_options_t::defaults(), zpat_bus_options_t::ENDS);
    // SAFETY: C's promise.
    entry(|| unsafe { init_growing(options, struct_size, defaults, ends) }.map(|()| 0))
}
