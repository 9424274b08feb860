//! Options of a client, a worker and a broker.

use std::{
    ffi::{c_char, c_int, c_void},
    mem::offset_of,
    ptr,
};

use zpatterns::{
    Result,
    reqrep::{BrokerOptions, ClientOptions, WorkerOptions},
};

use super::{
    fields::{with_broker_options, with_client_options, with_worker_options},
    older::{zpat_freelance_server_t, zpat_plain_endpoint_t},
};
use crate::{
    arguments::{growing, init_growing, optional_path},
    checked::{Checked, c_type, from_c, list, options, to_c},
    error::entry,
    plain::Plain,
};

/// How requests are spread over those that offer the same service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_balance_t {
    /// To the one that was given nothing for the longest time, if it has room.
    ZPAT_BALANCE_LEAST_RECENTLY_USED = 0,
    /// To the one with the largest share of its credit free.
    ZPAT_BALANCE_MOST_FREE = 1,
    /// To the same one for the same key, for as long as it is there; without a key as if least recently used.
    ZPAT_BALANCE_STICKY = 2,
}

/// How a client is set up. Start from `ZPAT_CLIENT_OPTIONS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_client_options_t {
    /// `sizeof(zpat_client_options_t)`.
    pub struct_size: usize,
    /// A broker or worker that owes a sign of life is asked for one after this much silence, in milliseconds. 1 or
    /// more.
    pub heartbeat_interval: i64,
    /// After how many silent intervals it counts as dead. 2 or more.
    pub heartbeat_limit: i64,
    /// Requests that may be open at once; another ends with `ZPAT_E_FULL`.
    pub max_requests: i64,
    /// Bytes of open requests.
    pub max_bytes: i64,
    /// A `zpat_balance_t`, for where the client knows several workers or brokers.
    pub balance: i64,
    /// Servers of the Freelance pattern to ask, beside those that the client is connected to. NULL, the default, is
    /// none.
    pub freelance: *const zpat_freelance_server_t,
    /// How many those are.
    pub freelance_count: usize,
}

/// How a worker is set up. Start from `ZPAT_WORKER_OPTIONS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_worker_options_t {
    /// `sizeof(zpat_worker_options_t)`.
    pub struct_size: usize,
    /// A broker or client that owes a sign of life is asked for one after this much silence, in milliseconds. 1 or
    /// more.
    pub heartbeat_interval: i64,
    /// After how many silent intervals it counts as dead. 2 or more.
    pub heartbeat_limit: i64,
    /// How many jobs it takes at once from each broker or client; the first is being done, the others are at hand.
    pub credit: i64,
    /// How many jobs it holds at once in all.
    pub max_jobs: i64,
    /// How many clients may connect to a worker that binds.
    pub max_clients: i64,
}

/// How a broker is set up. What is beyond a bound is refused with `ZPAT_E_FULL` and a hint when to ask again. Start
/// from `ZPAT_BROKER_OPTIONS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_broker_options_t {
    /// `sizeof(zpat_broker_options_t)`.
    pub struct_size: usize,
    /// A worker that owes a sign of life is asked for one after this much silence, in milliseconds. 1 or more.
    pub heartbeat_interval: i64,
    /// After how many silent intervals it counts as dead. 2 or more.
    pub heartbeat_limit: i64,
    /// A `zpat_balance_t`: how requests are spread over the workers of a service.
    pub balance: i64,
    /// Requests held at once in all.
    pub max_requests: i64,
    /// Bytes of requests held at once in all.
    pub max_bytes: i64,
    /// Requests that wait for one service.
    pub max_waiting: i64,
    /// Bytes of requests that wait for one service.
    pub max_waiting_bytes: i64,
    /// How long a request may wait for a worker, in milliseconds.
    pub max_age: i64,
    /// Requests of one client at once.
    pub max_per_client: i64,
    /// Clients and workers connected at once.
    pub max_peers: i64,
    /// Bytes of answers that a client has not fetched; requests whose answers come beyond fail with `ZPAT_E_FULL`.
    pub max_unfetched: i64,
    /// Answers kept for requests that are run once.
    pub max_cached: i64,
    /// Bytes of those answers.
    pub max_cached_bytes: i64,
    /// How long they are kept, in milliseconds.
    pub max_cached_age: i64,
    /// The file of the store for durable requests and their answers, a path as `open(2)` takes it; the file is made if
    /// it is not there. The text is read while the broker is opened, not later, and stays the caller's. NULL, the
    /// default, is no store: then durable requests are refused with `ZPAT_E_UNSUPPORTED`.
    pub store: *const c_char,
    /// Durable requests and answers kept at once, in the store and in memory.
    pub max_stored: i64,
    /// Bytes of those.
    pub max_stored_bytes: i64,
    /// How long an answer is kept in the store that nobody fetches, in milliseconds. One that was fetched goes when its
    /// place is needed, at the latest after `max_cached_age`.
    pub max_stored_age: i64,
    /// Endpoints for programs with older protocols that cannot share one. NULL, the default, is none.
    pub plain: *const zpat_plain_endpoint_t,
    /// How many those are.
    pub plain_count: usize,
}

with_client_options!(options);
with_worker_options!(options);
with_broker_options!(options);

/// Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_CLIENT_OPTIONS_INIT` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_client_options_init(options: *mut zpat_client_options_t, struct_size: usize) -> c_int {
    let (defaults, ends) = (zpat_client_options_t::defaults(), zpat_client_options_t::ENDS);
    // SAFETY: C's promise.
    entry(|| unsafe { init_growing(options, struct_size, defaults, ends) }.map(|()| 0))
}

/// Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_WORKER_OPTIONS_INIT` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_worker_options_init(options: *mut zpat_worker_options_t, struct_size: usize) -> c_int {
    let (defaults, ends) = (zpat_worker_options_t::defaults(), zpat_worker_options_t::ENDS);
    // SAFETY: C's promise.
    entry(|| unsafe { init_growing(options, struct_size, defaults, ends) }.map(|()| 0))
}

/// Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_BROKER_OPTIONS_INIT` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_broker_options_init(options: *mut zpat_broker_options_t, struct_size: usize) -> c_int {
    let (defaults, ends) = (zpat_broker_options_t::defaults(), zpat_broker_options_t::ENDS);
    // SAFETY: C's promise.
    entry(|| unsafe { init_growing(options, struct_size, defaults, ends) }.map(|()| 0))
}

#[cfg(test)]
mod tests {
    use zpatterns::reqrep::Balance;

    use super::*;
    use crate::checked::has_no_holes;

    #[test]
    fn structures_have_the_order_of_fields_rs_and_no_holes() {
        let layouts = [
            (zpat_client_options_t::ENDS, size_of::<zpat_client_options_t>()),
            (zpat_worker_options_t::ENDS, size_of::<zpat_worker_options_t>()),
            (zpat_broker_options_t::ENDS, size_of::<zpat_broker_options_t>()),
        ];
        for (ends, size) in layouts {
            assert!(has_no_holes(ends, size), "{ends:?}");
        }
    }

    #[test]
    fn balances_have_their_numbers() {
        let all = [
            zpat_balance_t::ZPAT_BALANCE_LEAST_RECENTLY_USED,
            zpat_balance_t::ZPAT_BALANCE_MOST_FREE,
            zpat_balance_t::ZPAT_BALANCE_STICKY,
        ];
        let there_and_back = |number| Balance::checked(number, "balance").map(|balance| balance.plain());
        for balance in all {
            assert_eq!(there_and_back(balance as i64), Ok(balance as i64));
        }
        assert!(there_and_back(-1).is_err() && there_and_back(3).is_err());
    }
}
