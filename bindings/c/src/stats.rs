//! Counters.

use std::{ffi::c_int, mem::offset_of};

use zpatterns::SocketStats;

use crate::{
    arguments::fill_growing,
    error::entry,
    socket::{handle, zpat_socket_t},
};

macro_rules! stats {
    ($($name:ident)*) => {
        impl zpat_socket_stats_t {
            const ENDS: &'static [usize] = &[$(offset_of!(Self, $name) + size_of::<u64>(),)*];

            fn of(stats: &SocketStats) -> Self {
                Self { struct_size: size_of::<Self>(), $($name: stats.$name,)* }
            }
        }

        #[cfg(test)]
        const FIELDS: &[&str] = &[$(stringify!($name),)*];
    };
}

/// Counters of one socket since it was opened, and what it holds now. Start from `ZPAT_SOCKET_STATS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_socket_stats_t {
    /// `sizeof(zpat_socket_stats_t)`.
    pub struct_size: usize,
    /// Messages handed over.
    pub sent_messages: u64,
    /// Their bytes, without framing.
    pub sent_bytes: u64,
    /// Messages handed to the program.
    pub received_messages: u64,
    /// Their bytes, without framing.
    pub received_bytes: u64,
    /// How often a send found no room and had to wait or was refused with `ZPAT_E_FULL`.
    pub send_full: u64,
    /// Sends refused because the addressed peer is not connected.
    pub send_unreachable: u64,
    /// Messages in the inbox of a background socket now.
    pub inbox_messages: u64,
    /// Their bytes.
    pub inbox_bytes: u64,
    /// How often the inbox was full and the peer was held back.
    pub inbox_full: u64,
    /// Messages dropped because the inbox was full: always 0, because a full inbox holds the peer back. Only a monitor
    /// drops, and `zpat_monitor_lost` counts that.
    pub lost_full: u64,
    /// Messages that were in the inbox when the socket closed: lost, because nobody took them.
    pub lost_closed: u64,
}

stats! {
    sent_messages sent_bytes received_messages received_bytes send_full send_unreachable
    inbox_messages inbox_bytes inbox_full lost_full lost_closed
}

/// Writes the counters of a socket into `stats`, whose `struct_size` the caller has set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_socket_stats(socket: *const zpat_socket_t, stats: *mut zpat_socket_stats_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let socket = unsafe { handle(socket) }?;
        // SAFETY: C's promise.
        unsafe { fill_growing(stats, zpat_socket_stats_t::of(&socket.stats()), zpat_socket_stats_t::ENDS) }.map(|()| 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_of_core_is_here() {
        let mut core: Vec<_> = SocketStats::default().fields().iter().map(|(name, _)| *name).collect();
        let mut here = FIELDS.to_vec();
        core.sort_unstable();
        here.sort_unstable();
        assert_eq!(here, core, "add the counter at the end of the structure");
        assert_eq!(size_of::<zpat_socket_stats_t>(), size_of::<usize>() + FIELDS.len() * size_of::<u64>());
    }
}
