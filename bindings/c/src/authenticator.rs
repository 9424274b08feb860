//! Who may connect.

use std::{
    ffi::{c_char, c_int},
    mem::offset_of,
};

use zpatterns::{AuthStats, Authenticator};

use crate::{
    arguments::{fill_growing, hand_over, required, required_mut, take_back, text},
    context::zpat_context_t,
    error::entry,
};

/// Decides which peers may connect to the server sockets of a context.
pub struct zpat_authenticator_t(Authenticator);

/// Decisions so far. Start from `ZPAT_AUTHENTICATOR_STATS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_authenticator_stats_t {
    /// `sizeof(zpat_authenticator_stats_t)`.
    pub struct_size: usize,
    /// Peers let in.
    pub allowed: u64,
    /// Refused: the address is denied, or not among those allowed.
    pub denied_address: u64,
    /// Refused: no such user, or another password.
    pub denied_user: u64,
    /// Refused: the key is not among those allowed.
    pub denied_key: u64,
    /// Refused: the request made no sense.
    pub denied_malformed: u64,
}

impl zpat_authenticator_stats_t {
    const ENDS: &'static [usize] = &[offset_of!(Self, denied_malformed) + size_of::<u64>()];

    fn of(stats: &AuthStats) -> Self {
        let AuthStats { allowed, denied_address, denied_user, denied_key, denied_malformed, .. } = *stats;
        let struct_size = size_of::<Self>();
        Self { struct_size, allowed, denied_address, denied_user, denied_key, denied_malformed }
    }
}

/// Starts the authenticator of a context. It refuses everybody until told otherwise. The caller frees it with
/// `zpat_authenticator_close`. `ZPAT_E_ADDRESS_IN_USE` if the context has one. Sockets with the options `plain_server`
/// or `curve_server` can be opened only afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_authenticator_open(
    context: *const zpat_context_t,
    authenticator: *mut *mut zpat_authenticator_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let (out, context) = unsafe { (required_mut(authenticator, "authenticator")?, required(context, "context")?) };
        hand_over(zpat_authenticator_t(context.0.authenticator()?), out);
        Ok(0)
    })
}

/// Lets peers from this IPv4 or IPv6 address in, as far as user or key allow. With one address allowed, all others are
/// refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_authenticator_allow_address(
    authenticator: *const zpat_authenticator_t,
    address: *const c_char,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(authenticator)?.allow_address(text(address, "address")?) }.map(|()| 0))
}

/// Refuses peers from this address, whatever else is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_authenticator_deny_address(
    authenticator: *const zpat_authenticator_t,
    address: *const c_char,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(authenticator)?.deny_address(text(address, "address")?) }.map(|()| 0))
}

/// Lets a PLAIN user with this password in; replaces an earlier password. Both have at most 255 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_authenticator_allow_user(
    authenticator: *const zpat_authenticator_t,
    name: *const c_char,
    password: *const c_char,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(authenticator)?.allow_user(text(name, "name")?, text(password, "password")?) }.map(|()| 0))
}

/// Refuses this user from now on; connections that exist stay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_authenticator_remove_user(
    authenticator: *const zpat_authenticator_t,
    name: *const c_char,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        unsafe { handle(authenticator)?.remove_user(text(name, "name")?) };
        Ok(0)
    })
}

/// Lets the CURVE client with this public key in: 40 characters of Z85.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_authenticator_allow_key(
    authenticator: *const zpat_authenticator_t,
    public_key: *const c_char,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(authenticator)?.allow_key(text(public_key, "public_key")?) }.map(|()| 0))
}

/// Refuses this key from now on; connections that exist stay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_authenticator_remove_key(
    authenticator: *const zpat_authenticator_t,
    public_key: *const c_char,
) -> c_int {
    // SAFETY: C's promise.
    entry(|| unsafe { handle(authenticator)?.remove_key(text(public_key, "public_key")?) }.map(|()| 0))
}

/// Lets every CURVE client in: encryption without authentication.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_authenticator_allow_any_key(authenticator: *const zpat_authenticator_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        unsafe { handle(authenticator) }?.allow_any_key();
        Ok(0)
    })
}

/// Writes the decisions so far into `stats`, whose `struct_size` the caller has set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_authenticator_stats(
    authenticator: *const zpat_authenticator_t,
    stats: *mut zpat_authenticator_stats_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let counted = zpat_authenticator_stats_t::of(&unsafe { handle(authenticator) }?.stats());
        // SAFETY: C's promise.
        unsafe { fill_growing(stats, counted, zpat_authenticator_stats_t::ENDS) }.map(|()| 0)
    })
}

/// Stops the authenticator, frees it and clears the pointer. From now on nobody new gets into a server socket of the
/// context; connections that exist stay. NULL and a cleared pointer are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_authenticator_close(authenticator: *mut *mut zpat_authenticator_t) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        drop(unsafe { take_back(authenticator) });
        Ok(0)
    })
}

/// # Safety
/// `authenticator` is null or a live handle for as long as `'a`.
unsafe fn handle<'a>(authenticator: *const zpat_authenticator_t) -> zpatterns::Result<&'a Authenticator> {
    // SAFETY: as the caller promises.
    unsafe { required(authenticator, "authenticator") }.map(|authenticator| &authenticator.0)
}
