//! CURVE keys.

use std::ffi::{c_char, c_int};

use zpatterns::CurveKeys;

use crate::{
    arguments::{invalid, text, write_text},
    error::entry,
};

/// Bytes of a CURVE key as text, 40 characters of Z85 and a zero.
pub const ZPAT_CURVE_KEY_SIZE: usize = 41;

/// Makes a CURVE key pair from the system's random source. Both buffers have `ZPAT_CURVE_KEY_SIZE` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_curve_keypair(public_key: *mut c_char, secret_key: *mut c_char) -> c_int {
    entry(|| {
        let keys = CurveKeys::generate()?;
        // SAFETY: C's promise.
        unsafe { write_key(&keys.public, public_key, "public_key")? };
        // SAFETY: C's promise.
        unsafe { write_key(&keys.secret, secret_key, "secret_key")? };
        Ok(0)
    })
}

/// Writes the public key that belongs to a secret one into a buffer of `ZPAT_CURVE_KEY_SIZE` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_curve_public(public_key: *mut c_char, secret_key: *const c_char) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let keys = CurveKeys::from_secret(unsafe { text(secret_key, "secret_key") }?)?;
        // SAFETY: C's promise.
        unsafe { write_key(&keys.public, public_key, "public_key")? };
        Ok(0)
    })
}

/// # Safety
/// `buffer` is null or has `ZPAT_CURVE_KEY_SIZE` writable bytes.
unsafe fn write_key(key: &str, buffer: *mut c_char, name: &'static str) -> zpatterns::Result<()> {
    if buffer.is_null() {
        return Err(invalid("the pointer is null", name));
    }
    // SAFETY: as the caller promises.
    unsafe { write_text(key, buffer, ZPAT_CURVE_KEY_SIZE) }
}
