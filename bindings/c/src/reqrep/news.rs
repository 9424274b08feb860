//! What happens at a broker, one by one.

use std::{
    ffi::{c_char, c_int, c_void},
    os::fd::AsRawFd,
};

use zpatterns::reqrep::{NewsKind, NewsRecord, Reason};

use super::{
    broker::{handle, zpat_broker_t},
    tallies::ZPAT_SERVICE_SIZE,
};
use crate::{
    arguments::{Names, c_names, check_growing, deadline, fill_growing, named},
    cancel::zpat_cancel_t,
    error::entry,
    socket::{hook_of, zpat_hook_t},
};

/// What happened at a broker, and which members of `zpat_news_t` say more; others are 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_news_kind_t {
    /// A worker offers a service: `worker`, `service`.
    ZPAT_NEWS_WORKER_JOINED = 1,
    /// A worker offers it no more, because it closed, is silent for too long, or its session is lost: `worker`,
    /// `service`, `requests`, `left`.
    ZPAT_NEWS_WORKER_GONE = 2,
    /// Requests that were accepted ended without a worker's answer: `service`, `requests`, `reason`.
    ZPAT_NEWS_LOST = 3,
    /// News before the next ones were not taken in time: `missed`.
    ZPAT_NEWS_MISSED = 4,
}

/// Core's kinds in the order of the numbers above, from 1 on; new ones go to the end of both.
const KINDS: [NewsKind; 4] = [NewsKind::WorkerJoined, NewsKind::WorkerGone, NewsKind::Lost, NewsKind::Missed];

/// Why a request that was accepted got no answer from a worker: as the counters that begin with `lost_`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_reason_t {
    /// Its deadline passed.
    ZPAT_LOST_DEADLINE = 1,
    /// It waited longer than a request may.
    ZPAT_LOST_AGE = 2,
    /// Nobody offered the service for as long as it would wait.
    ZPAT_LOST_NO_SERVICE = 3,
    /// Workers were lost as often as it may be given to one.
    ZPAT_LOST_ATTEMPTS = 4,
    /// A worker said that it failed.
    ZPAT_LOST_RESPONDER = 5,
    /// Who asked took it back.
    ZPAT_LOST_CANCELLED = 6,
    /// Who asked is gone.
    ZPAT_LOST_ASKER_GONE = 7,
    /// The handle was closed.
    ZPAT_LOST_CLOSED = 8,
}

/// Core's reasons in the order of the numbers above, from 1 on; new ones go to the end of both.
const REASONS: [Reason; 8] = [
    Reason::Deadline,
    Reason::Age,
    Reason::NoService,
    Reason::Attempts,
    Reason::Responder,
    Reason::Cancelled,
    Reason::Asker,
    Reason::Closed,
];

/// Something that happened at a broker. Start from `ZPAT_NEWS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_news_t {
    /// `sizeof(zpat_news_t)`.
    pub struct_size: usize,
    /// A `zpat_news_kind_t`.
    pub kind: i64,
    /// The number of the worker, as in `zpat_peer_counters_t`.
    pub worker: u64,
    /// Requests that the worker had who is gone, and those that may be given again go to others; or that are lost.
    pub requests: u64,
    /// 1 if the worker had said that it leaves.
    pub left: i64,
    /// A `zpat_reason_t`.
    pub reason: i64,
    /// How many news were missed.
    pub missed: u64,
    /// What the worker offers or offered, or what was asked for, with a zero at the end. It is whatever bytes somebody
    /// sent.
    pub service: [c_char; ZPAT_SERVICE_SIZE],
    /// Length of that, without the zero at its end.
    pub service_len: u64,
}

impl zpat_news_t {
    const ENDS: &'static [usize] = &[size_of::<Self>()];

    fn of(news: &NewsRecord) -> Self {
        let NewsRecord { kind, service, worker, requests, left, reason, missed } = news;
        let service = service.as_deref().unwrap_or_default();
        Self {
            struct_size: size_of::<Self>(),
            kind: number_of(&KINDS, Some(*kind)),
            worker: worker.unwrap_or_default(),
            requests: requests.unwrap_or_default(),
            left: left.unwrap_or_default().into(),
            reason: number_of(&REASONS, *reason),
            missed: missed.unwrap_or_default(),
            service: named(service),
            service_len: service.len() as u64,
        }
    }
}

/// The number of one of these, from 1 on; 0 is none, or one that this list does not have.
fn number_of<T: PartialEq>(all: &[T], one: Option<T>) -> i64 {
    one.and_then(|one| all.iter().position(|known| *known == one)).map_or(0, |index| index as i64 + 1)
}

/// The text of a number, from 1 on.
fn name_of(names: &'static Names, number: c_int) -> *const c_char {
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    index.and_then(|index| names.get(index)).map_or(c"unknown".as_ptr(), |name| name.as_ptr())
}

/// The name of a kind of news, the same in every language (`worker_joined`); `unknown` for what is none. Static text.
#[unsafe(no_mangle)]
pub extern "C" fn zpat_news_kind_name(kind: c_int) -> *const c_char {
    static NAMES: Names = Names::new(|| c_names(KINDS.map(NewsKind::name)));
    name_of(&NAMES, kind)
}

/// The name of a `zpat_reason_t`, the same in every language (`attempts`); `unknown` for what is none. Static text.
#[unsafe(no_mangle)]
pub extern "C" fn zpat_reason_name(reason: c_int) -> *const c_char {
    static NAMES: Names = Names::new(|| c_names(REASONS.map(Reason::name)));
    name_of(&NAMES, reason)
}

/// Waits for what happens next, writes it into `news`, whose `struct_size` the caller has set, and returns 1. News are
/// kept from the first call, or `zpat_broker_arm`, on, some 1,000 at most; where others were missed, that is said.
/// `ZPAT_E_TIMEOUT` if nothing happened in time, `ZPAT_E_CLOSED` when the broker has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_broker_next(
    broker: *const zpat_broker_t,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    news: *mut zpat_news_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (broker, deadline) = unsafe { (handle(broker)?, deadline(timeout_ms, cancel)?) };
        // SAFETY: C's promise. Before waiting, so that no news are lost to a structure that cannot take them.
        unsafe { check_growing(news, zpat_news_t::ENDS) }?;
        let next = zpat_news_t::of(&broker.next(&deadline)?.into());
        // SAFETY: C's promise.
        unsafe { fill_growing(news, next, zpat_news_t::ENDS) }.map(|()| 1)
    })
}

/// Asks for one notice when `zpat_broker_next` has something. 1 if it has already, and then no notice comes; 0 means
/// wait for it. As `zpat_socket_arm`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_broker_arm(broker: *const zpat_broker_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { handle(broker) }?.arm().into()))
}

/// The descriptor for `poll` and event loops, as `zpat_socket_ready_fd`. It lives as long as the broker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_broker_ready_fd(broker: *const zpat_broker_t) -> c_int {
    // SAFETY: C's promise.
    entry(|| Ok(unsafe { handle(broker) }?.ready_fd().as_raw_fd()))
}

/// Sets what is called instead of making the descriptor readable, as `zpat_socket_set_hook`. It may also run on a
/// thread that calls a function of this broker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_broker_set_hook(
    broker: *const zpat_broker_t,
    hook: zpat_hook_t,
    user: *mut c_void,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise, also about the hook.
        unsafe { handle(broker)?.set_hook(hook_of(hook, user)) };
        Ok(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of core's is in the header, under the number that the table gives it.
    fn check<T: PartialEq + Copy>(prefix: &str, here: &[T], core: &[T], name: fn(T) -> &'static str) {
        let header = include_str!("../../include/zpatterns.h");
        for one in core {
            let row = format!("  {prefix}{} = {},", name(*one).to_uppercase(), number_of(here, Some(*one)));
            assert!(header.contains(&row), "the header lacks `{row}`");
        }
        assert_eq!(header.matches(&format!("\n  {prefix}")).count(), core.len());
    }

    #[test]
    fn every_kind_and_every_reason_of_core_has_its_number() {
        check("ZPAT_NEWS_", &KINDS, NewsKind::ALL, NewsKind::name);
        check("ZPAT_LOST_", &REASONS, Reason::ALL, Reason::name);
    }
}
