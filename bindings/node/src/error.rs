//! An error of core as a JavaScript error with `code`, `number`, `retryable` and `context`.

use napi::{
    Status,
    bindgen_prelude::{Env, JsObjectValue, JsValue, Object},
};
use napi_derive::napi;
use zpatterns::{Error, ErrorKind};

/// Makes a JavaScript error, to be thrown, of an error of core: `.map_err(raise(env))`.
pub(crate) fn raise(env: &Env) -> impl Fn(Error) -> napi::Error {
    |error| object(env, &error).map_or_else(|failed| failed, |made| napi::Error::from(made.to_unknown()))
}

/// A JavaScript error, as a value.
pub(crate) fn object<'env>(env: &'env Env, error: &Error) -> napi::Result<Object<'env>> {
    let kind = error.kind();
    let mut context = Object::new(env)?;
    for (name, value) in error.context() {
        match *name == "option" {
            true => context.set(name, camel_case(value))?,
            false => context.set(name, value)?,
        }
    }
    let mut object = env.create_error(napi::Error::new(Status::GenericFailure, line(error)))?;
    object.set_named_property("code", kind.name())?;
    object.set_named_property("number", u32::from(kind.code()))?;
    object.set_named_property("retryable", kind.is_retryable())?;
    object.set_named_property("context", context)?;
    Ok(object)
}

/// The name of an option, as JavaScript has it.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    let rest =
        words.map(|word| word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect());
    rest.fold(first, |name, word: String| name + &word)
}

/// The text and the facts, without the kind, which is `code`.
pub(crate) fn line(error: &Error) -> String {
    let all = error.to_string();
    all.strip_prefix(error.kind().name()).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&all).to_owned()
}

/// A kind of error.
#[napi(object)]
pub struct Kind {
    /// The name, `err.code`.
    pub name: String,
    /// The stable number, `err.number`.
    pub number: u32,
    /// Whether the same call may succeed later.
    pub retryable: bool,
}

/// Every kind of error, in the order of the numbers.
#[napi]
pub fn error_kinds() -> Vec<Kind> {
    let kind = |kind: &ErrorKind| Kind {
        name: kind.name().into(),
        number: kind.code().into(),
        retryable: kind.is_retryable(),
    };
    ErrorKind::ALL.iter().map(kind).collect()
}
