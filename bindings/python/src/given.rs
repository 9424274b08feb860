//! Options by name: a value from Python becomes what core has under that name. `None` keeps the default.

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;
use pyo3::{prelude::*, types::PyString};
use zpatterns::{Error, ErrorKind};

use crate::{
    convert::{bytes_of, duration},
    error::OrRaise,
};

/// An option as core has it, or `InvalidArgument` with its name.
pub(crate) trait Given: Sized {
    fn given(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Self>;
}

pub(crate) fn invalid<T>(text: &str, name: &str, value: &Bound<'_, PyAny>) -> PyResult<T> {
    Err(Error::new(ErrorKind::InvalidArgument, text).with("option", name).with("value", value)).or_raise(value.py())
}

impl Given for Duration {
    fn given(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        match value.extract() {
            Ok(seconds) => duration(value.py(), name, seconds),
            Err(_) => invalid("the option takes a number of seconds", name, value),
        }
    }
}

macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl Given for $type {
            fn given(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
                let text = concat!("the option takes a whole number that fits ", stringify!($type));
                value.extract().or_else(|_| invalid(text, name, value))
            }
        }
    )*};
}

numbers!(u8 u16 u32 u64 usize);

macro_rules! optional {
    ($($type:ty)*) => {$(
        impl Given for Option<$type> {
            fn given(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
                Given::given(name, value).map(Some)
            }
        }
    )*};
}

optional!(u32 u64 Duration String Bytes);

impl Given for String {
    fn given(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        value.extract().or_else(|_| invalid("the option takes text", name, value))
    }
}

impl Given for bool {
    fn given(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        value.extract().or_else(|_| invalid("the option is True or False", name, value))
    }
}

/// A file: text, or an `os.PathLike`.
impl Given for Option<PathBuf> {
    fn given(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        value.extract().map(Some).or_else(|_| invalid("the option is a path", name, value))
    }
}

/// Text goes as UTF-8.
impl Given for Bytes {
    fn given(_: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        match value.cast::<PyString>() {
            Ok(text) => Ok(Self::copy_from_slice(text.to_str()?.as_bytes())),
            Err(_) => Ok(Self::copy_from_slice(bytes_of(value)?.as_bytes())),
        }
    }
}

/// Functions that make options of core, with fields by the names that they have in Python.
macro_rules! options {
    ($($(#[$doc:meta])* $function:ident -> $core:ident: $($($path:ident).+ = $name:literal,)*;)*) => {$(
        $(#[$doc])*
        pub(super) fn $function(
            given: &pyo3::Bound<'_, pyo3::types::PyDict>,
        ) -> pyo3::PyResult<$core> {
            let mut options = $core::default();
            for (name, value) in given {
                let name = name.cast::<pyo3::types::PyString>()?.to_str()?;
                match name {
                    $($name if value.is_none() => {}
                    $name => options.$($path).+ = $crate::given::Given::given(name, &value)?,)*
                    _ => return $crate::given::invalid("there is no such option", name, &value),
                }
            }
            Ok(options)
        }
    )*};
}

pub(crate) use options;
