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
    pub(crate) doer: Doer,
}

/// Who does it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Doer {
    /// A process, as its line says.
    Peer,
    /// The runner, to the process from outside; no peer knows it.
    Outside,
    /// The proxy, which is a role that every scenario has.
    Proxy,
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
    NoFields,
    NoFrames,
}

/// How a value looks on the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// No word at all.
    Nothing,
    /// A word as it is.
    Word,
    /// A list of those.
    Words,
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
    /// The same, with what follows from them: `lost`, the sum of all `lost_` fields, and whether the books `balance`.
    Counters,
}

/// Milliseconds that a step waits at most, unless it says otherwise.
const PATIENCE: i64 = 10_000;

const fn required(name: &'static str, form: Form) -> Parameter {
    Parameter { name, form, default: None }
}

const fn number(name: &'static str, default: i64) -> Parameter {
    Parameter { name, form: Form::Number, default: Some(Default::Number(default)) }
}

const fn text(name: &'static str, form: Form, default: &'static str) -> Parameter {
    Parameter { name, form, default: Some(Default::Text(default)) }
}

const TIMEOUT: Parameter = number("timeout", PATIENCE);
const ENDPOINT: Parameter = required("endpoint", Form::Word);
const ANYWHERE: Parameter = text("endpoint", Form::Word, "$any");
const OPTIONS: Parameter = Parameter { name: "options", form: Form::Fields, default: Some(Default::NoFields) };
const FRAMES: Parameter = Parameter { name: "frames", form: Form::Frames, default: Some(Default::NoFrames) };
const SERVICE: Parameter = text("service", Form::Bytes, "echo");
const REQUEST: Parameter = text("request", Form::Word, "request");
const KEY: Parameter = required("key", Form::Bytes);
const JOB: Parameter = text("job", Form::Word, "job");
const NUMBER: Parameter = required("number", Form::Number);
const PREFIX: Parameter = required("prefix", Form::Bytes);
const FIRST: Parameter = number("first", 1);
const LAST: Parameter = required("last", Form::Number);
const LINGER: Parameter = number("linger", -1);
const QUEUE: Parameter = text("queue", Form::Bytes, "x");
const WATCH: Parameter = text("watch", Form::Word, "watch");
const DRAFT: Parameter = text("draft", Form::Word, "draft");
const ID: Parameter = required("id", Form::Word);
const MOST: Parameter = number("most", 1000);
const SUBJECT: Parameter = text("subject", Form::Word, "x.y");
const USER: Parameter = required("user", Form::Bytes);
const TEXT: Parameter = required("text", Form::Bytes);
const ASK: Parameter = required("ask", Form::Word);
const WANTED: Parameter = required("number", Form::Word);
const CHILDREN: Parameter = Parameter { name: "children", form: Form::Messages, default: Some(Default::NoFrames) };

macro_rules! commands {
    ($table:ident: $($name:literal $(on $handle:ident)? ($($parameter:expr),*) -> $answer:ident;)*) => {
        const $table: &[Command] = &[$(Command {
            name: $name,
            on: false $(|| stringify!($handle).len() > 0)?,
            parameters: &[$($parameter),*],
            answer: Form::$answer,
            doer: match stringify!($table).as_bytes() {
                b"OUTSIDE" => Doer::Outside,
                b"PROXY" => Doer::Proxy,
                _ => Doer::Peer,
            },
        },)*];
    };
}

commands! { OUTSIDE:
    "kill" () -> Nothing;
    "stop" () -> Nothing;
    "go-on" () -> Nothing;
    "zpat" (required("arguments", Form::Words)) -> Word;
    "zpat-kill" () -> Nothing;
}

commands! { PROXY:
    "forward" (ENDPOINT) -> Word;
    "reset-connections" () -> Nothing;
    "hold-connections" () -> Nothing;
}

commands! { ANY:
    "info" () -> Fields;
    "reset" () -> Nothing;
    "quit" () -> Nothing;
}

commands! { SOCKET:
    "open" on handle (required("kind", Form::Word), OPTIONS) -> Nothing;
    "bind" on handle (ANYWHERE) -> Word;
    "connect" on handle (ENDPOINT) -> Nothing;
    "unbind" on handle (ENDPOINT) -> Nothing;
    "disconnect" on handle (ENDPOINT) -> Nothing;
    "subscribe" on handle (PREFIX) -> Nothing;
    "unsubscribe" on handle (PREFIX) -> Nothing;
    "send" on handle (TIMEOUT, required("frames", Form::Frames)) -> Nothing;
    "send-many" on handle (TIMEOUT, required("messages", Form::Messages)) -> Number;
    "recv" on handle (TIMEOUT) -> Frames;
    "recv-single" on handle (TIMEOUT) -> Frames;
    "recv-text" on handle (TIMEOUT) -> Frames;
    "recv-many" on handle (TIMEOUT, number("max", 1000)) -> Messages;
    "cancel-recv" on handle () -> Frames;
    "stats" on handle () -> Fields;
    "close" on handle (LINGER) -> Nothing;
    "monitor" on handle () -> Nothing;
    "event" on handle (TIMEOUT) -> Fields;
    "authenticator" () -> Nothing;
    "allow-key" (required("key", Form::Word)) -> Nothing;
    "keys" () -> Fields;
}

commands! { REQREP:
    "broker" on handle (ANYWHERE, OPTIONS) -> Word;
    "worker" on handle (SERVICE, ENDPOINT, OPTIONS) -> Nothing;
    "server" on handle (SERVICE, ANYWHERE, OPTIONS) -> Word;
    "client" on handle (ENDPOINT, OPTIONS) -> Nothing;
    "request" on handle (SERVICE, OPTIONS, FRAMES) -> Fields;
    "ask" on handle (REQUEST, SERVICE, OPTIONS, FRAMES) -> Nothing;
    "answer" on handle (REQUEST, TIMEOUT) -> Fields;
    "take-back" on handle (REQUEST) -> Nothing;
    "stream" on handle (REQUEST, SERVICE, OPTIONS, FRAMES) -> Nothing;
    "part" on handle (REQUEST, TIMEOUT) -> Fields;
    "store" on handle (SERVICE, OPTIONS, FRAMES) -> Fields;
    "fetch" on handle (SERVICE, KEY, number("patience", PATIENCE)) -> Fields;
    "discard" on handle (SERVICE, KEY, number("patience", PATIENCE)) -> Fields;
    "ask-many" on handle (SERVICE, NUMBER, OPTIONS) -> Nothing;
    "answers" on handle (NUMBER, TIMEOUT) -> Fields;
    "job" on handle (JOB, TIMEOUT) -> Fields;
    "job-partial" (JOB, FRAMES) -> Nothing;
    "job-reply" (JOB, FRAMES) -> Nothing;
    "job-fail" (JOB, required("code", Form::Number), FRAMES) -> Nothing;
    "job-drop" (JOB) -> Nothing;
    "job-cancelled" (JOB, TIMEOUT) -> Nothing;
    "serve" on handle (number("number", -1)) -> Nothing;
    "leave" on handle () -> Nothing;
    "drain" on handle (TIMEOUT) -> Nothing;
    "workers" on handle () -> Number;
    "news" on handle (TIMEOUT) -> Fields;
    "counters" on handle () -> Counters;
    "end" on handle () -> Nothing;
}

commands! { BUS:
    "bus" on handle (ANYWHERE, OPTIONS) -> Word;
    "bus-subscribe" on handle (PREFIX) -> Nothing;
    "bus-unsubscribe" on handle (PREFIX) -> Nothing;
    "say" on handle (TIMEOUT, FRAMES) -> Nothing;
    "say-many" on handle (FIRST, LAST, TIMEOUT) -> Nothing;
    "hear" on handle (TIMEOUT) -> Fields;
    "hear-many" on handle (FIRST, LAST, TIMEOUT) -> Fields;
    "cancel-hear" on handle () -> Fields;
    "lose" on handle (required("fraction", Form::Word)) -> Nothing;
    "bus-peers" on handle () -> Fields;
    "bus-counters" on handle () -> Fields;
    "bus-close" on handle (LINGER) -> Nothing;
}

commands! { PUBSUB:
    "publisher" on handle (ANYWHERE, OPTIONS) -> Word;
    "publish" on handle (SUBJECT, TIMEOUT, FRAMES) -> Nothing;
    "publish-many" on handle (SUBJECT, FIRST, LAST, TIMEOUT) -> Nothing;
    "publisher-event" on handle (TIMEOUT) -> Fields;
    "admit" on handle (ASK, USER, OPTIONS) -> Nothing;
    "refuse" on handle (ASK, TEXT) -> Nothing;
    "entitle" on handle (TEXT) -> Nothing;
    "set-rules" on handle (USER, OPTIONS) -> Nothing;
    "expel" on handle (required("identity", Form::Bytes), TEXT) -> Nothing;
    "publisher-counters" on handle () -> Counters;
    "subscribers" on handle () -> Fields;
    "plain-endpoint" on handle () -> Word;
    "open-plain" on handle (USER, ANYWHERE) -> Word;
    "close-plain" on handle (ENDPOINT) -> Nothing;
    "publisher-close" on handle (LINGER) -> Nothing;
    "subscriber" on handle (ENDPOINT, OPTIONS) -> Word;
    "want" on handle (text("criterion", Form::Bytes, "x.>"), OPTIONS) -> Number;
    "want-many" on handle (NUMBER, TIMEOUT) -> Nothing;
    "want-no-more" on handle (WANTED) -> Nothing;
    "listen" on handle (TIMEOUT) -> Fields;
    "listen-many" on handle (FIRST, LAST, TIMEOUT) -> Fields;
    "cancel-listen" on handle () -> Fields;
    "subscriber-counters" on handle () -> Fields;
    "subscriber-close" on handle () -> Nothing;
}

commands! { ZQUEUE:
    "queue" on handle (ANYWHERE, OPTIONS) -> Word;
    "queue-workers" on handle () -> Number;
    "queue-counters" on handle () -> Counters;
    "queue-drain" on handle (TIMEOUT) -> Nothing;
    "producer" on handle (ENDPOINT, OPTIONS) -> Nothing;
    "push" on handle (QUEUE, TIMEOUT, OPTIONS, FRAMES) -> Word;
    "push-many" on handle (QUEUE, NUMBER, TIMEOUT, OPTIONS) -> Number;
    "run" on handle (QUEUE, TIMEOUT, OPTIONS, FRAMES) -> Fields;
    "submit" on handle (WATCH, QUEUE, OPTIONS, FRAMES) -> Nothing;
    "watch" on handle (WATCH, ID, text("progress", Form::Word, "false")) -> Nothing;
    "watched" (WATCH, TIMEOUT) -> Fields;
    "outcome" (WATCH, TIMEOUT) -> Fields;
    "draft" on handle (DRAFT, QUEUE, OPTIONS, FRAMES) -> Nothing;
    "draft-part" (DRAFT, FRAMES) -> Nothing;
    "draft-execute" (DRAFT, WATCH) -> Nothing;
    "draft-drop" (DRAFT) -> Nothing;
    "result" on handle (ID, TIMEOUT) -> Fields;
    "cancel-job" on handle (ID, TIMEOUT) -> Nothing;
    "requeue" on handle (ID, TIMEOUT) -> Word;
    "queues" on handle (TIMEOUT) -> Fields;
    "tree" on handle (ID, MOST, TIMEOUT) -> Fields;
    "dead" on handle (MOST, TIMEOUT) -> Fields;
    "queue-worker" on handle (required("queues", Form::Messages), ENDPOINT, OPTIONS) -> Nothing;
    "take" on handle (JOB, TIMEOUT) -> Fields;
    "complete" (JOB, FRAMES) -> Nothing;
    "retry" (JOB, number("code", 0), FRAMES) -> Nothing;
    "fail" (JOB, number("code", 0), FRAMES) -> Nothing;
    "spawn" (JOB, text("ordered", Form::Word, "false"), text("memo", Form::Bytes, ""), OPTIONS, CHILDREN) -> Nothing;
    "drop" (JOB) -> Nothing;
    "withdrawn" (JOB, TIMEOUT) -> Nothing;
    "work" on handle () -> Nothing;
    "queue-leave" on handle () -> Nothing;
    "worker-counters" on handle () -> Fields;
    "queue-end" on handle () -> Nothing;
}

impl Command {
    pub(crate) fn named(name: &str) -> Result<&'static Self> {
        let mut all = [OUTSIDE, PROXY, ANY, SOCKET, REQREP, BUS, PUBSUB, ZQUEUE].into_iter().flatten();
        all.find(|command| command.name == name).with_context(|| format!("there is no command `{name}`"))
    }
}
