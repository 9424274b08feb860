//! Options by name, from the table of core.
//!
//! JavaScript writes names in camel case; the rows of [`SocketOptions::TABLE`] decide what exists, so a new row of core
//! is a new option here without a line of code.

use napi::{
    ValueType,
    bindgen_prelude::{Env, FromNapiValue, JsObjectValue, JsValue, Object, Unknown},
};
use napi_derive::napi;
use zpatterns::{Error, ErrorKind, OptionInfo, OptionType, OptionValue, Result, SocketOptions};

use crate::error::raise;

/// What a Node socket cannot choose: it always receives in the background.
const HIDDEN: &str = "background";

/// Socket options from the properties of `given`; those that are undefined keep their defaults.
pub(crate) fn socket_options(env: &Env, given: &Object<'_>) -> napi::Result<SocketOptions> {
    let mut options = SocketOptions::background();
    each(env, given, |name, value| {
        let row = rows().find(|row| camel(row.name) == name).ok_or_else(|| wrong("there is no such option", name))?;
        options.set(row.name, value.ok_or_else(|| wrong(expectation(row.kind), name))?)
    })?;
    Ok(options)
}

/// Sets each property of `given` that is not undefined; a value is none if it is of no type that an option has.
pub(crate) fn each(
    env: &Env,
    given: &Object<'_>,
    mut set: impl FnMut(&str, Option<OptionValue>) -> Result<()>,
) -> napi::Result<()> {
    for name in Object::keys(given)? {
        let property: Unknown<'_> = given.get_named_property(&name)?;
        if property.get_type()? != ValueType::Undefined {
            let value = value(&property)?;
            set(&name, value).map_err(raise(env))?;
        }
    }
    Ok(())
}

/// The error of an option that is wrong, or that there is not.
pub(crate) fn wrong(text: &str, option: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, text).with("option", option)
}

fn value(given: &Unknown<'_>) -> napi::Result<Option<OptionValue>> {
    let raw = given.value();
    // SAFETY: the value is alive in this call, and its type was asked before it is converted.
    unsafe {
        Ok(match given.get_type()? {
            ValueType::Boolean => Some(OptionValue::Bool(bool::from_napi_value(raw.env, raw.value)?)),
            ValueType::Number => whole(f64::from_napi_value(raw.env, raw.value)?).map(OptionValue::Int),
            ValueType::String => Some(OptionValue::Text(String::from_napi_value(raw.env, raw.value)?)),
            ValueType::Object if given.is_typedarray()? => {
                <&[u8]>::from_napi_value(raw.env, raw.value).ok().map(|bytes| OptionValue::Bytes(bytes.to_vec()))
            }
            _ => None,
        })
    }
}

/// The whole number that JavaScript's number is, if it is one.
pub(crate) fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
}

const fn expectation(kind: OptionType) -> &'static str {
    match kind {
        OptionType::Bool => "the option takes a boolean",
        OptionType::Int => "the option takes a whole number",
        OptionType::Duration => "the option takes whole milliseconds",
        OptionType::Text => "the option takes a string",
        OptionType::Bytes => "the option takes a Uint8Array or a string",
    }
}

fn rows() -> impl Iterator<Item = &'static OptionInfo> {
    SocketOptions::TABLE.iter().filter(|row| row.name != HIDDEN)
}

/// `send_hwm` as JavaScript writes it: `sendHwm`.
pub(crate) fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}

/// A row of the table, for the generator of the public types.
#[napi(object)]
pub struct OptionRow {
    /// The name in camel case.
    pub name: String,
    /// `Bool`, `Int`, `Duration`, `Text` or `Bytes`.
    pub kind: String,
    /// The default as text; empty is unset.
    pub default: String,
    /// The smallest number allowed.
    pub min: f64,
    /// The largest number allowed.
    pub max: f64,
    /// What it does, with units.
    pub doc: String,
}

/// Every socket option.
#[napi]
pub fn option_rows() -> Vec<OptionRow> {
    let row = |row: &OptionInfo| OptionRow {
        name: camel(row.name),
        kind: format!("{:?}", row.kind),
        default: row.default.into(),
        min: row.min as f64,
        max: row.max as f64,
        doc: row.doc.trim().into(),
    };
    rows().map(row).collect()
}
