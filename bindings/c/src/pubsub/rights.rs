//! Who may hear what: the program decides, and may take it back.

use std::{
    ffi::{c_char, c_int, c_void},
    mem::offset_of,
    ptr,
};

use zpatterns::{
    Result,
    pubsub::{Ask, Entitlements, Rules, given as core},
};

use super::publisher::{handle, zpat_publisher_t};
use crate::{
    arguments::{bytes, growing, text, texts, write_text},
    error::entry,
};

/// What one may hear: patterns that are allowed, and patterns that are denied. Denied wins, and what no pattern allows
/// is denied. All of it is read during the call. Start from `ZPAT_RULES_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_rules_t {
    /// `sizeof(zpat_rules_t)`.
    pub struct_size: usize,
    /// What may be heard; `>` is everything. NULL, the default, is nothing.
    pub allow: *const *const c_char,
    /// How many those are.
    pub allow_count: usize,
    /// What may not be heard, whatever is allowed. NULL, the default, is none.
    pub deny: *const *const c_char,
    /// How many those are.
    pub deny_count: usize,
}

impl zpat_rules_t {
    pub(super) const ENDS: &'static [usize] = &[offset_of!(Self, deny_count) + size_of::<usize>()];
    const NOTHING: Self =
        Self { struct_size: size_of::<Self>(), allow: ptr::null(), allow_count: 0, deny: ptr::null(), deny_count: 0 };

    /// # Safety
    /// `rules` is null or points to a structure that starts with its size, with readable texts in it.
    unsafe fn convert(rules: *const Self) -> Result<Rules> {
        // SAFETY: as the caller promises.
        let given = unsafe { growing(rules, Self::NOTHING, Self::ENDS) }?;
        // SAFETY: as the caller promises.
        let allow = unsafe { texts(given.allow, given.allow_count, "allow") }?;
        // SAFETY: as the caller promises.
        let deny = unsafe { texts(given.deny, given.deny_count, "deny") }?;
        core::rules(&allow, &deny)
    }
}

/// Lets somebody in who asked, as this user of `user_len` bytes, who may hear what `rules` say; NULL is nothing. `ask`
/// is what `zpat_publisher_event_ask` gave. If the question is not open any more, nothing happens.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_admit(
    publisher: *const zpat_publisher_t,
    ask: u64,
    user: *const c_void,
    user_len: usize,
    rules: *const zpat_rules_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (publisher, user, rules) =
            unsafe { (handle(publisher)?, bytes(user, user_len)?, zpat_rules_t::convert(rules)?) };
        publisher.admit(Ask(ask), user, rules).map(|()| 0)
    })
}

/// Does not let somebody in who asked, and says why: its calls fail with `ZPAT_E_PERMISSION_DENIED` and this text. If
/// the question is not open any more, nothing happens.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_refuse(
    publisher: *const zpat_publisher_t,
    ask: u64,
    reason: *const c_char,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(publisher)?.refuse(Ask(ask), text(reason, "reason")?) }.map(|()| 0))
}

/// From now on these entitlements, `len` bytes of ZPL, say who may hear what, also instead of rules that were set for a
/// user. What is not allowed any more does not leave after this returns, and who is no user any more is sent away.
/// `ZPAT_E_INVALID_ARGUMENT` if they cannot be read; the text says which line is wrong, and nothing has changed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_set_entitlements(
    publisher: *const zpat_publisher_t,
    entitlements: *const c_void,
    len: usize,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (publisher, given) = unsafe { (handle(publisher)?, bytes(entitlements, len)?) };
        publisher.set_entitlements(Entitlements::read(given)?).map(|()| 0)
    })
}

/// From now on this user of `user_len` bytes may hear what `rules` say, also when it comes back; NULL is nothing. What
/// is not allowed any more does not leave after this returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_set_rules(
    publisher: *const zpat_publisher_t,
    user: *const c_void,
    user_len: usize,
    rules: *const zpat_rules_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (publisher, user, rules) =
            unsafe { (handle(publisher)?, bytes(user, user_len)?, zpat_rules_t::convert(rules)?) };
        publisher.set_rules(user, rules).map(|()| 0)
    })
}

/// Opens an endpoint where plain SUB sockets hear what this user of `user_len` bytes may, of all streams: the subject, and
/// the frames. Writes where it is into `bound` of `size` bytes (`ZPAT_ENDPOINT_SIZE` is enough), with the port that the
/// system chose; `bound` may be NULL. Its rules are those that were set, or else what entitlements say, and what they do
/// not allow any more is not handed over after they changed.
///
/// Whoever the publisher's security lets in may connect there, and not only this user. Nobody acknowledges: who is slow or
/// away misses some of it, nobody is told, and `handed_over` of the counters is all that is known.
///
/// `ZPAT_E_PERMISSION_DENIED` if no rule allows this user anything, `ZPAT_E_FULL` beyond `max_plain`, as
/// `zpat_publisher_bind` if it cannot be bound, `ZPAT_E_TOO_LARGE` if where it is does not fit, and then it is not open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_open_plain(
    publisher: *const zpat_publisher_t,
    user: *const c_void,
    user_len: usize,
    endpoint: *const c_char,
    bound: *mut c_char,
    size: usize,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (publisher, user, endpoint) =
            unsafe { (handle(publisher)?, bytes(user, user_len)?, text(endpoint, "endpoint")?) };
        let became = publisher.open_plain(user, endpoint)?;
        if !bound.is_null() {
            // SAFETY: C's promise.
            unsafe { write_text(&became, bound, size) }.inspect_err(|_| drop(publisher.close_plain(&became)))?;
        }
        Ok(0)
    })
}

/// Closes an endpoint that `zpat_publisher_open_plain` opened, by what that wrote; its port is free a moment later.
/// `ZPAT_E_NOT_FOUND` if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_close_plain(
    publisher: *const zpat_publisher_t,
    endpoint: *const c_char,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(publisher)?.close_plain(text(endpoint, "endpoint")?) }.map(|()| 0))
}

/// Forgets the subscriber with this identity of `len` bytes, and what is for it; if it is connected its calls fail with
/// `ZPAT_E_PERMISSION_DENIED` and this text. If there is none, nothing happens.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_expel(
    publisher: *const zpat_publisher_t,
    identity: *const c_void,
    len: usize,
    reason: *const c_char,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (publisher, identity, reason) =
            unsafe { (handle(publisher)?, bytes(identity, len)?, text(reason, "reason")?) };
        publisher.expel(identity, reason).map(|()| 0)
    })
}
