//! Values from C as core takes them, and the structures of options that are made from lists.
//!
//! A list of options says in which order their structure has them and where core keeps each; `options!` makes the rest
//! of it. Every number has eight bytes, switches and choices too, so there are no holes.

use std::time::Duration;

use zpatterns::{
    BusFlowControl, Result,
    pubsub::{Slow, Start},
    reqrep::{Balance, Side, Task},
    zqueue::{OnFailure, Order},
};

use crate::arguments::{check_array, invalid};

/// A value as core has it, or an error that names it.
pub(crate) trait Checked: Sized {
    fn checked(value: i64, name: &'static str) -> Result<Self>;
}

macro_rules! checked {
    ($($type:ty: $from:expr, $text:literal;)*) => {$(
        impl Checked for $type {
            fn checked(value: i64, name: &'static str) -> Result<Self> {
                let converted: Option<Self> = $from(value);
                converted.ok_or_else(|| invalid($text, name).with("value", value))
            }
        }
    )*};
}

checked! {
    Duration: |value| u64::try_from(value).ok().map(Self::from_millis), "a duration is not negative";
    usize: |value| Self::try_from(value).ok(), "a bound is not negative";
    u64: |value| Self::try_from(value).ok(), "a number is not negative";
    u32: |value| Self::try_from(value).ok(), "a number from 0 to 4294967295";
    u16: |value| Self::try_from(value).ok(), "a number from 0 to 65535";
    u8: |value| Self::try_from(value).ok(), "a number from 0 to 255";
    bool: |value| [false, true].get(usize::try_from(value).unwrap_or(usize::MAX)).copied(), "a switch is 0 or 1";
    BusFlowControl: |value| match value {
        0 => Some(Self::None),
        1 => Some(Self::Slowest),
        2 => Some(Self::Tagged),
        _ => None,
    }, "there is no such flow control";
    Balance: |value| match value {
        0 => Some(Self::LeastRecentlyUsed),
        1 => Some(Self::MostFree),
        2 => Some(Self::Sticky),
        _ => None,
    }, "there is no such balance";
    Side: |value| match value {
        0 => Some(Self::Clients),
        1 => Some(Self::Workers),
        _ => None,
    }, "there is no such side";
    Task: |value| match value {
        0 => Some(Self::Ask),
        1 => Some(Self::Store),
        2 => Some(Self::Fetch),
        3 => Some(Self::Discard),
        _ => None,
    }, "there is no such task";
    Order: |value| match value {
        0 => Some(Self::Depth),
        1 => Some(Self::Fifo),
        2 => Some(Self::Lifo),
        3 => Some(Self::Priority),
        _ => None,
    }, "there is no such order";
    OnFailure: |value| match value {
        0 => Some(Self::Fail),
        1 => Some(Self::Pass),
        2 => Some(Self::Ignore),
        _ => None,
    }, "there is no such way to take a failure";
    Slow: |value| match value {
        0 => Some(Self::Hold),
        1 => Some(Self::Drop),
        2 => Some(Self::Disconnect),
        3 => Some(Self::Spill),
        _ => None,
    }, "there is no such way to treat who is slow";
    Start: |value| match value {
        0 => Some(Self::Now),
        1 => Some(Self::LastValues),
        // How many, another option says.
        2 => Some(Self::Last(0)),
        _ => None,
    }, "there is no such start";
}

/// An element of an array of structures.
pub(crate) trait Element: Sized {
    /// What core has for it.
    type Core;

    /// # Safety
    /// What it points to is null or readable, texts up to a zero.
    unsafe fn convert(&self) -> Result<Self::Core>;
}

/// An array of structures, as core takes it. An error says which element is wrong.
///
/// # Safety
/// `list` is null or points to `count` elements, each as [`Element::convert`] asks.
pub(crate) unsafe fn list<T: Element, L: FromIterator<T::Core>>(
    list: *const T,
    count: usize,
    name: &'static str,
) -> Result<L> {
    check_array(list, count, name)?;
    // SAFETY: as the caller promises; an index below `count` is inside.
    let element = |index| unsafe { (*list.add(index)).convert() };
    (0..count).map(|index| element(index).map_err(|error| error.with(name, index))).collect()
}

macro_rules! c_type {
    () => { i64 };
    (Path) => { *const c_char };
    (List) => { *const c_void };
    (Key) => { *const c_void };
    (Slice) => { zpat_slice_t };
    (Text) => { *const c_char };
    (Bytes) => { zpat_slice_t };
}

/// A default of core as C sees it.
macro_rules! to_c {
    ($value:expr) => {
        $value.plain()
    };
    ($value:expr, Slice) => {
        zpat_slice_t::NONE
    };
    ($value:expr, Bytes) => {
        zpat_slice_t::NONE
    };
    ($value:expr, $pointer:ident) => {
        ptr::null()
    };
}

/// A value from C as core takes it.
macro_rules! from_c {
    ($name:expr, $value:expr) => {
        Checked::checked($value, $name)?
    };
    ($name:expr, $value:expr, Path) => {
        // SAFETY: C's promise.
        unsafe { optional_path($value) }
    };
    ($name:expr, $value:expr, List, $count:expr) => {
        // SAFETY: C's promise.
        unsafe { list($value, $count, $name) }?
    };
    ($name:expr, $value:expr, Key, $count:expr) => {
        // SAFETY: C's promise.
        unsafe { key($value, $count) }?
    };
    ($name:expr, $value:expr, Slice) => {
        // SAFETY: C's promise.
        unsafe { bytes($value.data, $value.len) }?.to_vec().into()
    };
    ($name:expr, $value:expr, Text) => {
        // SAFETY: C's promise.
        unsafe { optional_text($value, $name) }?.map(str::to_owned)
    };
    ($name:expr, $value:expr, Bytes) => {
        // SAFETY: C's promise.
        unsafe { optional_bytes($value) }?
    };
}

macro_rules! options {
    ($c:ident, $core:ident: $($name:ident $(: $type:ident $(($count:ident))?)? = $($path:ident).+,)*) => {
        impl $c {
            pub(crate) const ENDS: &'static [usize] = &[size_of::<usize>(), $(
                offset_of!(Self, $name) + size_of::<c_type!($($type)?)>()
                    $($(+ offset_of!(Self, $count) - offset_of!(Self, $name))?)?,
            )*];

            pub(crate) fn defaults() -> Self {
                let core = $core::default();
                Self {
                    struct_size: size_of::<Self>(),
                    $($name: to_c!(core.$($path).+ $(, $type)?), $($($count: 0,)?)?)*
                }
            }

            /// What C passed, or the defaults for null, as core takes it.
            ///
            /// # Safety
            /// `options` is null or points to a structure that starts with its size, with readable paths, arrays and
            /// bytes in it.
            pub(crate) unsafe fn convert(options: *const Self) -> Result<$core> {
                // SAFETY: as the caller promises.
                let given = unsafe { growing(options, Self::defaults(), Self::ENDS) }?;
                let mut core = $core::default();
                $(core.$($path).+ = from_c!(stringify!($name), given.$name $(, $type $(, given.$count)?)?);)*
                Ok(core)
            }
        }
    };
}

/// Whether a structure has the order of its list and no holes.
#[cfg(test)]
pub(crate) fn has_no_holes(ends: &[usize], size: usize) -> bool {
    let (number, list) = (size_of::<i64>(), size_of::<*const u8>() + size_of::<usize>());
    let steps = ends.windows(2).map(|pair| pair[1] - pair[0]).all(|step| step == number || step == list);
    steps && ends.first() == Some(&size_of::<usize>()) && ends.last() == Some(&size)
}

pub(crate) use {c_type, from_c, options, to_c};
