//! Socket options by name.
//!
//! Core has the table of options and checks each value; here a Python value only becomes what the row of its name
//! takes. Durations are seconds in Python, as in its standard library, and milliseconds in core.

use pyo3::{
    prelude::*,
    types::{PyBool, PyDict, PyFloat, PyInt, PyString},
};
use zpatterns::{Error, ErrorKind, OptionInfo, OptionType, OptionValue, SocketOptions};

use crate::{convert::bytes_of, error::OrRaise};

/// The options in `given`; one that is `None` keeps its default.
pub(crate) fn socket_options(given: &Bound<'_, PyDict>) -> PyResult<SocketOptions> {
    let mut options = SocketOptions::default();
    for (name, value) in given.iter().filter(|(_, value)| !value.is_none()) {
        let name: String = name.extract()?;
        let value = option_value(SocketOptions::info(&name), &name, &value)?;
        options.set(&name, value).or_raise(given.py())?;
    }
    Ok(options)
}

fn option_value(info: Option<&OptionInfo>, name: &str, value: &Bound<'_, PyAny>) -> PyResult<OptionValue> {
    let is_duration = info.is_some_and(|info| info.kind == OptionType::Duration);
    let invalid = |text: &str| {
        let error = Error::new(ErrorKind::InvalidArgument, text).with("option", name).with("value", value);
        Err(error).or_raise(value.py())
    };
    if let Ok(on) = value.cast::<PyBool>() {
        Ok(OptionValue::Bool(on.is_true()))
    } else if is_duration && (value.is_instance_of::<PyFloat>() || value.is_instance_of::<PyInt>()) {
        // A Python int that no float holds is out of every range, as infinity is.
        match value.extract::<f64>().unwrap_or(f64::INFINITY) {
            seconds if seconds.is_nan() => invalid("the option takes a number of seconds"),
            seconds => Ok(OptionValue::Int(milliseconds(seconds))),
        }
    } else if value.is_instance_of::<PyInt>() {
        value.extract().map(OptionValue::Int).or_else(|_| invalid("the number does not fit into 64 bits"))
    } else if let Ok(text) = value.cast::<PyString>() {
        Ok(OptionValue::Text(text.extract()?))
    } else if value.is_instance_of::<PyFloat>() {
        invalid("the option does not take a fraction")
    } else {
        Ok(OptionValue::Bytes(bytes_of(value)?.as_bytes().to_vec()))
    }
}

/// To the nearest millisecond, but what is not zero stays so.
fn milliseconds(seconds: f64) -> i64 {
    let rounded = (seconds * 1000.0).round() as i64;
    if rounded == 0 && seconds != 0.0 { seconds.signum() as i64 } else { rounded }
}

/// The table of socket options: name, type, default as text, smallest and largest number, what it does.
#[pyfunction]
pub(crate) fn option_table() -> Vec<(&'static str, String, &'static str, i64, i64, &'static str)> {
    let row = |info: &OptionInfo| {
        (info.name, format!("{:?}", info.kind), info.default, info.min, info.max, info.doc.trim_start())
    };
    SocketOptions::TABLE.iter().map(row).collect()
}
