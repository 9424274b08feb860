//! The commands of the line protocol: what each takes, and what it answers.
//!
//! One row per command. A new pattern adds rows here, a function to each peer and a folder of scenarios.

use anyhow::{Context, Result};

/// A row.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// Whether the first word is the name of a handle.
    pub(crate) on: bool,
    pub(crate) parameters: &'static [Parameter],
    pub(crate) answer: Form,
}

/// An argument, by its name in a step.
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    /// What it is when a step does not say; without one, a step must.
    pub(crate) default: Option<Default>,
}

/// A value that a step may leave out.
#[derive(Clone, Copy)]
pub(crate) enum Default {
    Number(i64),
    Text(&'static str),
    Empty,
}

/// How a value looks on the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// No word at all.
    Nothing,
    /// A word as it is.
    Word,
    /// A decimal number.
    Number,
    /// Hexadecimal, `-` if empty.
    Bytes,
    /// Bytes, separated by spaces.
    Frames,
    /// Messages separated by spaces, their frames by commas.
    Messages,
    /// `name=value` words.
    Fields,
}

/// Milliseconds that a step waits at most, unless it says otherwise.
const PATIENCE: i64 = 10_000;

const fn required(name: &'static str, form: Form) -> Parameter {
    Parameter { name, form, default: None }
}

const fn number(name: &'static str, default: i64) -> Parameter {
    Parameter { name, form: Form::Number, default: Some(Default::Number(default)) }
}

const TIMEOUT: Parameter = number("timeout", PATIENCE);
const ENDPOINT: Parameter = required("endpoint", Form::Word);

macro_rules! commands {
    ($($name:literal $(on $handle:ident)? ($($parameter:expr),*) -> $answer:ident;)*) => {
        const COMMANDS: &[Command] = &[$(Command {
            name: $name,
            on: false $(|| stringify!($handle).len() > 0)?,
            parameters: &[$($parameter),*],
            answer: Form::$answer,
        },)*];
    };
}

commands! {
    "open" on handle (
        required("kind", Form::Word),
        Parameter { name: "options", form: Form::Fields, default: Some(Default::Empty) }
    ) -> Nothing;
    "bind" on handle (Parameter { name: "endpoint", form: Form::Word, default: Some(Default::Text("$any")) }) -> Word;
    "connect" on handle (ENDPOINT) -> Nothing;
    "unbind" on handle (ENDPOINT) -> Nothing;
    "disconnect" on handle (ENDPOINT) -> Nothing;
    "subscribe" on handle (required("prefix", Form::Bytes)) -> Nothing;
    "unsubscribe" on handle (required("prefix", Form::Bytes)) -> Nothing;
    "send" on handle (TIMEOUT, required("frames", Form::Frames)) -> Nothing;
    "send-many" on handle (TIMEOUT, required("messages", Form::Messages)) -> Number;
    "recv" on handle (TIMEOUT) -> Frames;
    "recv-single" on handle (TIMEOUT) -> Frames;
    "recv-text" on handle (TIMEOUT) -> Frames;
    "recv-many" on handle (TIMEOUT, number("max", 1000)) -> Messages;
    "cancel-recv" on handle () -> Frames;
    "stats" on handle () -> Fields;
    "close" on handle (number("linger", -1)) -> Nothing;
    "monitor" on handle () -> Nothing;
    "event" on handle (TIMEOUT) -> Fields;
    "authenticator" () -> Nothing;
    "allow-key" (required("key", Form::Word)) -> Nothing;
    "info" () -> Fields;
    "keys" () -> Fields;
    "reset" () -> Nothing;
    "quit" () -> Nothing;
}

impl Command {
    pub(crate) fn named(name: &str) -> Result<&'static Self> {
        COMMANDS.iter().find(|command| command.name == name).with_context(|| format!("there is no command `{name}`"))
    }
}
