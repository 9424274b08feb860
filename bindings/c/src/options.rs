//! Options of a socket.
//!
//! The structure is made from the list in `fields.rs`. Every number in it has eight bytes, switches too, so there are
//! no holes: a field that a later version adds cannot fall into the padding of an older one and be read from garbage.

use std::{
    ffi::{c_char, c_int},
    mem::offset_of,
    ptr,
    time::Duration,
};

use zpatterns::{Result, SocketOptions};

use crate::{
    arguments::{growing, init_growing, invalid, optional_bytes, optional_text, zpat_slice_t},
    error::entry,
    fields::with_socket_options,
};

macro_rules! c_type {
    (Bool) => { i64 };
    (Int) => { i64 };
    (Duration) => { i64 };
    (Text) => { *const c_char };
    (Bytes) => { zpat_slice_t };
}

/// A default of core as C sees it.
macro_rules! to_c {
    (Bool, $value:expr) => {
        i64::from($value)
    };
    (Int, $value:expr) => {
        $value
    };
    (Duration, $value:expr) => {
        i64::try_from($value.as_millis()).unwrap_or(i64::MAX)
    };
    (Text, $value:expr) => {
        ptr::null()
    };
    (Bytes, $value:expr) => {
        zpat_slice_t::NONE
    };
}

/// A value from C as core takes it.
macro_rules! from_c {
    (Bool, $name:expr, $value:expr) => {
        match $value {
            0 => false,
            1 => true,
            other => return Err(invalid("a switch is 0 or 1", $name).with("value", other)),
        }
    };
    (Int, $name:expr, $value:expr) => {
        $value
    };
    (Duration, $name:expr, $value:expr) => {
        match u64::try_from($value) {
            Ok(millis) => Duration::from_millis(millis),
            Err(_) => return Err(invalid("a duration is not negative", $name).with("value", $value)),
        }
    };
    (Text, $name:expr, $value:expr) => {
        // SAFETY: C's promise.
        unsafe { optional_text($value, $name) }?.map(str::to_owned)
    };
    (Bytes, $name:expr, $value:expr) => {
        // SAFETY: C's promise.
        unsafe { optional_bytes($value) }?
    };
}

macro_rules! socket_options {
    ($($name:ident: $type:tt,)*) => {
        /// How a socket is set up. The header has the texts, from core's table.
        #[derive(Clone, Copy, Debug)]
        #[repr(C)]
        pub struct zpat_socket_options_t {
            /// `sizeof(zpat_socket_options_t)`.
            pub struct_size: usize,
            $(#[allow(missing_docs, reason = "in core's table")] pub $name: c_type!($type),)*
        }

        impl zpat_socket_options_t {
            /// Where each field ends, which is where an older structure may end.
            const ENDS: &'static [usize] = &[
                size_of::<usize>(),
                $(offset_of!(Self, $name) + size_of::<c_type!($type)>(),)*
            ];

            fn defaults() -> Self {
                let core = SocketOptions::default();
                Self { struct_size: size_of::<Self>(), $($name: to_c!($type, core.$name),)* }
            }

            fn convert(&self) -> Result<SocketOptions> {
                Ok(SocketOptions { $($name: from_c!($type, stringify!($name), self.$name),)* })
            }
        }

        #[cfg(test)]
        const FIELDS: &[(&str, zpatterns::OptionType)] =
            &[$((stringify!($name), zpatterns::OptionType::$type),)*];
    };
}

with_socket_options!(socket_options);

/// What C passed, or the defaults for null.
///
/// # Safety
/// `options` is null or points to a structure that starts with its size, with the texts and bytes in it readable.
pub(crate) unsafe fn socket_options(options: *const zpat_socket_options_t) -> Result<SocketOptions> {
    // SAFETY: as the caller promises.
    unsafe { growing(options, zpat_socket_options_t::defaults(), zpat_socket_options_t::ENDS) }?.convert()
}

/// Writes the defaults into `options`, a structure of `struct_size` bytes. `ZPAT_SOCKET_OPTIONS_INIT` does the same at
/// compile time; this one is for languages that cannot use macros.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_socket_options_init(options: *mut zpat_socket_options_t, struct_size: usize) -> c_int {
    let (defaults, ends) = (zpat_socket_options_t::defaults(), zpat_socket_options_t::ENDS);
    // SAFETY: C's promise.
    entry(|| unsafe { init_growing(options, struct_size, defaults, ends) }.map(|()| 0))
}

#[cfg(test)]
mod tests {
    use zpatterns::OptionType;

    use super::*;

    #[test]
    fn every_option_of_core_has_its_field_and_no_other() {
        let order = |list: &mut Vec<(&str, OptionType)>| list.sort_by_key(|(name, _)| name.to_owned());
        let mut here = FIELDS.to_vec();
        let mut core: Vec<_> = SocketOptions::TABLE.iter().map(|row| (row.name, row.kind)).collect();
        order(&mut here);
        order(&mut core);
        assert_eq!(here, core, "add the option at the end of fields.rs");
    }

    #[test]
    fn the_structure_has_no_holes() {
        let sizes: usize = FIELDS
            .iter()
            .map(|(_, kind)| match kind {
                OptionType::Bool | OptionType::Int | OptionType::Duration => size_of::<i64>(),
                OptionType::Text => size_of::<*const c_char>(),
                OptionType::Bytes => size_of::<zpat_slice_t>(),
            })
            .sum();
        assert_eq!(size_of::<zpat_socket_options_t>(), size_of::<usize>() + sizes);
    }

    #[test]
    fn defaults_are_cores_whatever_the_age_of_the_header() {
        let core = format!("{:?}", SocketOptions::default());
        for size in zpat_socket_options_t::ENDS {
            let old = zpat_socket_options_t { struct_size: *size, ..zpat_socket_options_t::defaults() };
            // SAFETY: the structure is complete.
            let converted = unsafe { socket_options(&raw const old) }.expect("an older structure is fine");
            assert_eq!(format!("{converted:?}"), core);
        }
        // SAFETY: null is allowed.
        assert_eq!(format!("{:?}", unsafe { socket_options(ptr::null()) }.expect("defaults")), core);
    }
}
