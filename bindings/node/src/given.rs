//! Options by name: a value from JavaScript becomes what core has under that name. What is undefined keeps its default.

use std::{path::PathBuf, time::Duration};

use napi::{
    ValueType,
    bindgen_prelude::{Array, Env, FromNapiValue, JsObjectValue, JsValue, Object, Unknown},
};
use zpatterns::{OptionValue, Result};

use crate::{error::raise, options::wrong};

/// What an option can be.
pub(crate) trait Given: Sized {
    const EXPECTATION: &'static str;

    fn given(value: OptionValue) -> Option<Self>;
}

impl Given for Duration {
    const EXPECTATION: &'static str = "the option takes whole milliseconds, at least 0";

    fn given(value: OptionValue) -> Option<Self> {
        u64::given(value).map(Self::from_millis)
    }
}

impl Given for bool {
    const EXPECTATION: &'static str = "the option takes a boolean";

    fn given(value: OptionValue) -> Option<Self> {
        let OptionValue::Bool(on) = value else { return None };
        Some(on)
    }
}

impl Given for String {
    const EXPECTATION: &'static str = "the option takes a string";

    fn given(value: OptionValue) -> Option<Self> {
        let OptionValue::Text(text) = value else { return None };
        Some(text)
    }
}

impl Given for PathBuf {
    const EXPECTATION: &'static str = "the option takes the name of a file";

    fn given(value: OptionValue) -> Option<Self> {
        String::given(value).map(Self::from)
    }
}

/// Nothing, until it is given.
impl<T: Given> Given for Option<T> {
    const EXPECTATION: &'static str = T::EXPECTATION;

    fn given(value: OptionValue) -> Option<Self> {
        T::given(value).map(Some)
    }
}

macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl Given for $type {
            const EXPECTATION: &'static str = "the option takes a whole number, at least 0";

            fn given(value: OptionValue) -> Option<Self> {
                let OptionValue::Int(number) = value else { return None };
                Self::try_from(number).ok()
            }
        }
    )*};
}

numbers! { u8 u16 u32 u64 usize }

pub(crate) fn set<T: Given>(place: &mut T, name: &str, value: Option<OptionValue>) -> Result<()> {
    *place = needed(value.and_then(T::given), name)?;
    Ok(())
}

/// The error of an option that is not given, or is wrong.
pub(crate) fn needed<T: Given>(given: Option<T>, name: &str) -> Result<T> {
    given.ok_or_else(|| wrong(T::EXPECTATION, name))
}

/// Reads an array of objects; it is empty if it is undefined.
pub(crate) fn list<T>(
    env: &Env,
    given: Unknown<'_>,
    option: &str,
    read: impl Fn(&Object<'_>) -> napi::Result<T>,
) -> napi::Result<Vec<T>> {
    let refused = || raise(env)(wrong("the option takes an array of objects", option));
    if given.get_type()? == ValueType::Undefined {
        return Ok(Vec::new());
    }
    if !given.is_array()? {
        return Err(refused());
    }
    let array = Array::from_unknown(given)?;
    let mut entries = Vec::new();
    // One by one: an array of one element may say that it has four billion.
    for index in 0..array.len() {
        let entry: Unknown<'_> = array.get_element(index)?;
        if entry.get_type()? != ValueType::Object {
            return Err(refused());
        }
        entries.push(read(&entry.coerce_to_object()?)?);
    }
    Ok(entries)
}

/// Functions that make options of core, with fields by the names that they have in JavaScript.
macro_rules! options {
    ($($visible:vis $function:ident $core:ident { $($name:literal = $($path:ident).+,)* })*) => {$(
        /// Options from the properties of `given`; those that are undefined keep their defaults.
        $visible fn $function(
            env: &napi::bindgen_prelude::Env,
            given: &napi::bindgen_prelude::Object<'_>,
        ) -> napi::Result<$core> {
            let mut options = $core::default();
            $crate::options::each(env, given, |name, value| match name {
                $($name => $crate::given::set(&mut options.$($path).+, name, value),)*
                _ => Err($crate::options::wrong("there is no such option", name)),
            })?;
            Ok(options)
        }
    )*};
}

pub(crate) use options;
