//! Options of a bus.

use std::{
    ffi::{c_int, c_void},
    mem::offset_of,
    ptr,
};

use zpatterns::{BusKey, BusOptions, Result};

use super::fields::with_bus_options;
use crate::{
    arguments::{bytes, growing, init_growing},
    checked::{Checked, c_type, from_c, options, to_c},
    error::entry,
    plain::Plain,
};

/// For whom a sender waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_bus_flow_control_t {
    /// For nobody: who cannot follow loses, as with libzmq's peers.
    ZPAT_BUS_FLOW_NONE = 0,
    /// For all who listen.
    ZPAT_BUS_FLOW_SLOWEST = 1,
    /// For those who listen with the same tag.
    ZPAT_BUS_FLOW_TAGGED = 2,
}

/// How a bus is set up. What is said below to be of our own peers excludes libzmq's: a group that uses it has a port of its
/// own. Start from `ZPAT_BUS_OPTIONS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_bus_options_t {
    /// `sizeof(zpat_bus_options_t)`.
    pub struct_size: usize,
    /// Bytes of datagrams sent in a second, repairs with them. 1000 or more.
    pub rate: i64,
    /// Bytes that are kept to be repeated: as long an outage is survived as it takes to send them.
    pub window: i64,
    /// They are kept no longer than this, in milliseconds.
    pub max_age: i64,
    /// Bytes of what was sent before that who comes late gets: as much as both its sender and it say here.
    pub history: i64,
    /// Bytes that may wait to be sent.
    pub max_unsent: i64,
    /// How many routers a message may cross, and one more; 1 is this network.
    pub hops: i64,
    /// Whether other programs on this machine hear what is sent. 0 or 1.
    pub looped: i64,
    /// A `zpat_bus_flow_control_t`: for whom sending waits; of our own peers only.
    pub flow_control: i64,
    /// Before so many listen who are waited for, nothing is sent. At most 1024.
    pub at_least: i64,
    /// As whom one listens, and for whom one waits, if flow control is by tag.
    pub tag: i64,
    /// Datagrams of a group that is repaired by parity, of our own peers only: 2, 4, 8, 16, 32, 64, or 0 for none.
    pub parity_group: i64,
    /// Parity that is sent with each group, whether or not somebody asks; at most as much as it has datagrams.
    pub parity: i64,
    /// Datagrams carry a tag that only who has this key can make, and others are dropped; of our own peers only. At least 16
    /// bytes, random ones, which are read while the bus is opened and stay the caller's. NULL, the default, is none.
    pub key: *const c_void,
    /// How many bytes those are.
    pub key_size: usize,
    /// Sources heard at once. 1 or more.
    pub max_peers: i64,
    /// Bytes of one source that wait while something before them is missing.
    pub max_behind: i64,
    /// Bytes of a message that is received; each frame counts as 32 more. Larger ones are lost.
    pub max_message: i64,
    /// Messages and events that wait for the program.
    pub max_events: i64,
    /// Bytes of those; each frame and each of them counts as 32 more.
    pub max_bytes: i64,
    /// How long a source is remembered that is silent, in milliseconds.
    pub forget: i64,
    /// How long closing waits for what is to be sent, and repeated, in milliseconds.
    pub linger: i64,
}

with_bus_options!(options);

/// # Safety
/// `key` is null or points to `size` bytes.
unsafe fn key(key: *const c_void, size: usize) -> Result<Option<BusKey>> {
    if key.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller promises.
    BusKey::new(unsafe { bytes(key, size) }?).map(Some)
}

/// Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_BUS_OPTIONS_INIT` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_bus_options_init(options: *mut zpat_bus_options_t, struct_size: usize) -> c_int {
    let (defaults, ends) = (zpat_bus_options_t::defaults(), zpat_bus_options_t::ENDS);
    // SAFETY: C's promise.
    entry(|| unsafe { init_growing(options, struct_size, defaults, ends) }.map(|()| 0))
}
