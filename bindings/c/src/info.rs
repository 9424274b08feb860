//! What the library is and can do.

use std::{
    ffi::{CString, c_char, c_int},
    sync::OnceLock,
};

use zpatterns::Result;

use crate::{arguments::fill_growing, error::entry};

/// Versions and capabilities of the library. Start from `ZPAT_INFO_INIT`. The texts are static.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_info_t {
    /// `sizeof(zpat_info_t)`.
    pub struct_size: usize,
    /// Version of zpatterns.
    pub version: *const c_char,
    /// Version of the libzmq that is compiled in.
    pub libzmq: *const c_char,
    /// 1 if connections can be encrypted and authenticated with CURVE, else 0.
    pub curve: i64,
    /// Transports that a socket can bind to, separated by a space: `inproc ipc tcp ws`.
    pub transports: *const c_char,
}

impl zpat_info_t {
    const ENDS: &'static [usize] = &[size_of::<Self>()];
}

struct Texts {
    libzmq: CString,
    curve: bool,
    transports: CString,
}

/// Asked once: the answer costs opening a context and binding to each transport.
fn texts() -> Result<&'static Texts> {
    static TEXTS: OnceLock<Texts> = OnceLock::new();
    if TEXTS.get().is_none() {
        let info = zpatterns::info()?;
        let text = |text: String| CString::new(text).expect("a text of ours holds no zero");
        let transports = text(info.transports.join(" "));
        let _ = TEXTS.set(Texts { libzmq: text(info.libzmq), curve: info.curve, transports });
    }
    Ok(TEXTS.get().expect("just set"))
}

/// Writes what the library is into `info`, whose `struct_size` the caller has set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_info(info: *mut zpat_info_t) -> c_int {
    entry(|| {
        let known = texts()?;
        let filled = zpat_info_t {
            struct_size: size_of::<zpat_info_t>(),
            version: zpat_version(),
            libzmq: known.libzmq.as_ptr(),
            curve: known.curve.into(),
            transports: known.transports.as_ptr(),
        };
        // SAFETY: C's promise.
        unsafe { fill_growing(info, filled, zpat_info_t::ENDS) }.map(|()| 0)
    })
}

/// The version of the library that runs, to compare with `ZPAT_VERSION`, that of the header. Static text.
#[unsafe(no_mangle)]
pub extern "C" fn zpat_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
