//! Writes the C header: `cargo run -p zpatterns-c --features header --bin zpatterns-header -- OUTPUT`.
//!
//! cbindgen turns each source file into a section, in the order of a reader. It cannot see what macros make, so the
//! options of a socket come from the same list and table as the structure itself, and the initialisers of other options
//! from the lists in the `fields.rs` of their patterns.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use bus_fields::with_bus_options;
use cbindgen::{Builder, Config, DocumentationStyle, Language};
use plain::Plain;
use pubsub_fields::{
    PublisherGiven, StreamGiven, SubscriberGiven, SubscriptionGiven, with_publisher_options, with_stream_options,
    with_subscriber_options, with_subscription_options,
};
use reqrep_fields::{with_broker_options, with_client_options, with_worker_options};
use zpatterns::{
    BusOptions, ContextOptions, OptionInfo, OptionType, SocketOptions,
    reqrep::{BrokerOptions, ClientOptions, RequestOptions, WorkerOptions},
    zqueue::{JobOptions, ProducerOptions, QueueOptions, QueueWorkerOptions},
};
use zqueue_fields::{with_job_options, with_producer_options, with_queue_options, with_queue_worker_options};

#[path = "../../bus/fields.rs"]
mod bus_fields;
#[path = "../../fields.rs"]
mod fields;
#[path = "../../plain.rs"]
mod plain;
#[path = "../../pubsub/fields.rs"]
mod pubsub_fields;
#[path = "../../reqrep/fields.rs"]
mod reqrep_fields;
#[path = "../../zqueue/fields.rs"]
mod zqueue_fields;

/// Source files and the headings of their sections.
const SECTIONS: &[(&str, &str)] = &[
    ("arguments.rs", "Bytes"),
    ("error.rs", "Errors"),
    ("info.rs", "The library"),
    ("cancel.rs", "Ending waits"),
    ("context.rs", "Contexts"),
    ("batch.rs", "Messages"),
    ("options.rs", "Options of a socket"),
    ("socket.rs", "Sockets"),
    ("send.rs", "Sending"),
    ("receive.rs", "Receiving"),
    ("stats.rs", "Counters"),
    ("monitor.rs", "What happens to connections"),
    ("proxy.rs", "Passing messages on"),
    ("curve.rs", "CURVE keys"),
    ("authenticator.rs", "Who may connect"),
    ("reqrep/older.rs", "Request-reply: programs with older protocols"),
    ("reqrep/options.rs", "Request-reply: options"),
    ("reqrep/counters.rs", "Request-reply: counters"),
    ("reqrep/request.rs", "Request-reply: requests and what comes of them"),
    ("reqrep/client.rs", "Request-reply: clients"),
    ("reqrep/durable.rs", "Request-reply: requests that outlive the broker"),
    ("reqrep/job.rs", "Request-reply: jobs"),
    ("reqrep/worker.rs", "Request-reply: workers"),
    ("reqrep/many.rs", "Request-reply: many at once"),
    ("reqrep/broker.rs", "Request-reply: brokers"),
    ("reqrep/tallies.rs", "Request-reply: counters of each service and peer"),
    ("reqrep/news.rs", "Request-reply: what happens at a broker"),
    ("bus/options.rs", "Bus: options"),
    ("bus/events.rs", "Bus: messages and events"),
    ("bus/place.rs", "Bus"),
    ("bus/tallies.rs", "Bus: counters"),
    ("zqueue/options.rs", "Job queue: options"),
    ("zqueue/counters.rs", "Job queue: counters"),
    ("zqueue/queue.rs", "Job queue: queues"),
    ("zqueue/wanted.rs", "Job queue: how a job is done"),
    ("zqueue/outcome.rs", "Job queue: what a job comes to"),
    ("zqueue/watch.rs", "Job queue: watching"),
    ("zqueue/producer.rs", "Job queue: producers"),
    ("zqueue/post.rs", "Job queue: producers in event loops"),
    ("zqueue/look.rs", "Job queue: what is there"),
    ("zqueue/job.rs", "Job queue: jobs"),
    ("zqueue/ending.rs", "Job queue: how a run ends"),
    ("zqueue/worker.rs", "Job queue: workers"),
    ("pubsub/streams.rs", "Publish-subscribe: streams"),
    ("pubsub/publisher_options.rs", "Publish-subscribe: options of a publisher"),
    ("pubsub/publisher.rs", "Publish-subscribe: publishers"),
    ("pubsub/publisher_event.rs", "Publish-subscribe: what a publisher is told"),
    ("pubsub/rights.rs", "Publish-subscribe: who may hear what"),
    ("pubsub/publisher_tallies.rs", "Publish-subscribe: counters of a publisher"),
    ("pubsub/subscriber_options.rs", "Publish-subscribe: options of a subscriber"),
    ("pubsub/subscriber_events.rs", "Publish-subscribe: publications and events"),
    ("pubsub/subscriber.rs", "Publish-subscribe: subscribers"),
    ("pubsub/subscriber_tallies.rs", "Publish-subscribe: counters of a subscriber"),
];

/// Types that no function of their own file has in its signature.
const NAMED: [&str; 36] = [
    "zpat_error_t",
    "zpat_socket_kind_t",
    "zpat_monitor_event_kind_t",
    "zpat_slice_t",
    "zpat_balance_t",
    "zpat_side_t",
    "zpat_plain_endpoint_t",
    "zpat_freelance_server_t",
    "zpat_task_t",
    "zpat_outcome_kind_t",
    "zpat_outcome_t",
    "zpat_reqrep_counters_t",
    "zpat_worker_counters_t",
    "zpat_job_t",
    "zpat_news_kind_t",
    "zpat_reason_t",
    "zpat_bus_event_kind_t",
    "zpat_bus_flow_control_t",
    "zpat_order_t",
    "zpat_queue_order_t",
    "zpat_zqueue_counters_t",
    "zpat_queue_counters_t",
    "zpat_queue_worker_counters_t",
    "zpat_on_failure_t",
    "zpat_child_t",
    "zpat_job_outcome_kind_t",
    "zpat_job_outcome_t",
    "zpat_watch_event_kind_t",
    "zpat_job_state_t",
    "zpat_stream_t",
    "zpat_start_t",
    "zpat_slow_t",
    "zpat_publisher_event_kind_t",
    "zpat_credential_kind_t",
    "zpat_subscriber_event_kind_t",
    "zpat_lost_reason_t",
];

/// Width of comments and declarations.
const WIDTH: usize = 110;

fn main() -> ExitCode {
    let Some(output) = env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: zpatterns-header OUTPUT");
        return ExitCode::from(2);
    };
    match fs::write(&output, header()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot write {}: {error}", output.display());
            ExitCode::FAILURE
        }
    }
}

/// One of core's defaults in C.
macro_rules! written {
    ($value:expr) => {
        $value.plain().to_string()
    };
    ($value:expr, Path) => {
        String::from("NULL")
    };
    ($value:expr, List) => {{
        assert!($value.is_empty(), "a list is empty by default");
        String::from("NULL, 0")
    }};
    ($value:expr, Key) => {
        String::from("NULL, 0")
    };
    ($value:expr, Slice) => {
        String::from("{ NULL, 0 }")
    };
    ($value:expr, Text) => {{
        assert!($value.is_none(), "a text is not there by default");
        String::from("NULL")
    }};
    ($value:expr, Bytes) => {{
        assert!($value.is_none(), "bytes are not there by default");
        String::from("{ NULL, 0 }")
    }};
}

/// Core's defaults in the order of a structure.
macro_rules! defaults {
    ($c:ident, $core:ident: $($name:ident $(: $type:ident $(($count:ident))?)? = $($path:ident).+,)*) => {{
        let core = $core::default();
        let all = [$(written!(core.$($path).+ $(, $type)?),)*];
        all.join(", ")
    }};
}

/// As [`defaults`], of a request. -1 is a patience as long as the deadline; durable and once are off.
fn request_defaults() -> String {
    let RequestOptions { deadline, attempts, retries, .. } = RequestOptions::default();
    format!("{}, -1, {attempts}, {retries}, 0, 0", deadline.plain())
}

fn header() -> String {
    let context = ContextOptions::default();
    let mut text = include_str!("begin.h")
        .replace("@IO_THREADS@", &context.io_threads.to_string())
        .replace("@MAX_SOCKETS@", &context.max_sockets.to_string())
        .replace("@CLIENT@", &with_client_options!(defaults))
        .replace("@WORKER@", &with_worker_options!(defaults))
        .replace("@BROKER@", &wrapped(&with_broker_options!(defaults), "   ", "   ").join(" \\\n"))
        .replace("@BUS@", &wrapped(&with_bus_options!(defaults), "   ", "   ").join(" \\\n"))
        .replace("@REQUEST@", &request_defaults())
        .replace("@QUEUE@", &wrapped(&with_queue_options!(defaults), "   ", "   ").join(" \\\n"))
        .replace("@PRODUCER@", &with_producer_options!(defaults))
        .replace("@QUEUE_WORKER@", &with_queue_worker_options!(defaults))
        .replace("@JOB@", &with_job_options!(defaults))
        .replace("@PUBLISHER@", &wrapped(&with_publisher_options!(defaults), "   ", "   ").join(" \\\n"))
        .replace("@STREAM@", &with_stream_options!(defaults))
        .replace("@SUBSCRIBER@", &wrapped(&with_subscriber_options!(defaults), "   ", "   ").join(" \\\n"))
        .replace("@SUBSCRIPTION@", &with_subscription_options!(defaults))
        .replace("@VERSION@", env!("CARGO_PKG_VERSION"))
        .replace("@MAJOR@", env!("CARGO_PKG_VERSION_MAJOR"))
        .replace("@MINOR@", env!("CARGO_PKG_VERSION_MINOR"))
        .replace("@PATCH@", env!("CARGO_PKG_VERSION_PATCH"));
    for (file, heading) in SECTIONS {
        let rule = "-".repeat(WIDTH - heading.len() - 9);
        text += &format!("/* ---- {heading} {rule} */\n\n");
        if *file == "options.rs" {
            text += &options();
        }
        text += section(file).trim();
        text += "\n\n";
    }
    text + include_str!("end.h")
}

/// What one source file declares.
fn section(file: &str) -> String {
    let mut config = Config {
        language: Language::C,
        style: cbindgen::Style::Both,
        documentation_style: DocumentationStyle::Doxy,
        usize_is_size_t: true,
        no_includes: true,
        line_length: WIDTH,
        ..Config::default()
    };
    config.export.include.extend(NAMED.map(str::to_owned));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
    let bindings =
        Builder::new().with_config(config).with_src(source).generate().expect("the sources of this crate parse");
    let mut text = Vec::new();
    bindings.write(&mut text);
    tidy(&String::from_utf8(text).expect("sources are UTF-8"))
}

/// As a person would write it: comments of one line on one line, and types by their short names.
fn tidy(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut tidied = String::new();
    let mut at = 0;
    while at < lines.len() {
        let indent = lines[at].len() - lines[at].trim_start().len();
        let body = lines.get(at + 1).and_then(|line| line.trim_start().strip_prefix("* "));
        let closes = lines.get(at + 2).is_some_and(|line| line.trim() == "*/");
        if let ("/**", Some(body), true) = (lines[at].trim(), body, closes) {
            tidied += &format!("{}/** {body} */", " ".repeat(indent));
            at += 3;
        } else if lines[at].starts_with("typedef") {
            tidied += lines[at];
            at += 1;
        } else {
            tidied += &lines[at].replace("struct zpat_", "zpat_");
            at += 1;
        }
        tidied.push('\n');
    }
    tidied
}

macro_rules! names {
    ($($name:ident: $type:tt,)*) => { &[$(stringify!($name),)*] };
}

/// The options structure and the macro that fills it in.
fn options() -> String {
    let names: &[&str] = fields::with_socket_options!(names);
    let rows: Vec<&OptionInfo> =
        names.iter().map(|name| SocketOptions::info(name).expect("fields.rs has the names of core's table")).collect();
    let mut text = String::from(
        "/**\n * How a socket is set up; fixed once it is open. Start from `ZPAT_SOCKET_OPTIONS_INIT`, then set what \
         differs:\n *\n *     zpat_socket_options_t options = ZPAT_SOCKET_OPTIONS_INIT;\n *     options.linger = 250;\n\
         \x20*\n * Switches are 0 or 1. Texts are UTF-8, and they and bytes are read while the socket is opened, not \
         later.\n */\ntypedef struct zpat_socket_options_t {\n  /** `sizeof(zpat_socket_options_t)`. */\n  size_t \
         struct_size;\n",
    );
    for row in &rows {
        text += &comment(&describe(row));
        text += &format!("  {}{};\n", c_type(row.kind), row.name);
    }
    text += "} zpat_socket_options_t;\n\n/** The defaults, to initialise a `zpat_socket_options_t`. */\n";
    text += "#define ZPAT_SOCKET_OPTIONS_INIT { \\\n    sizeof(zpat_socket_options_t)";
    for row in &rows {
        text += &format!(", \\\n    /* {} */ {}", row.name, initializer(row));
    }
    text + " \\\n  }\n\n"
}

fn c_type(kind: OptionType) -> &'static str {
    match kind {
        OptionType::Bool | OptionType::Int | OptionType::Duration => "int64_t ",
        OptionType::Text => "const char *",
        OptionType::Bytes => "zpat_slice_t ",
    }
}

fn initializer(row: &OptionInfo) -> &'static str {
    match (row.kind, row.default) {
        (OptionType::Text, _) => "NULL",
        (OptionType::Bytes, _) => "{ NULL, 0 }",
        (OptionType::Bool, default) => {
            if default == "true" {
                "1"
            } else {
                "0"
            }
        }
        (OptionType::Int | OptionType::Duration, default) => default,
    }
}

/// Core's text with the range and the default.
fn describe(row: &OptionInfo) -> String {
    let text = row.doc.split_whitespace().collect::<Vec<_>>().join(" ");
    match row.kind {
        OptionType::Bool => format!("{text} Default {}.", initializer(row)),
        OptionType::Int | OptionType::Duration => {
            let most = if row.max == i64::MAX { "or more".to_owned() } else { format!("to {}", row.max) };
            format!("{text} {} {most}, default {}.", row.min, row.default)
        }
        OptionType::Text | OptionType::Bytes => format!("{text} NULL is unset, the default."),
    }
}

fn comment(text: &str) -> String {
    wrapped(text, "  /**", "   *").join("\n") + " */\n"
}

/// Lines of these words, which begin like this.
fn wrapped(text: &str, first: &str, others: &str) -> Vec<String> {
    let mut lines = vec![first.to_owned()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("never empty");
        if last.len() + 1 + word.len() > WIDTH - 3 {
            lines.push(format!("{others} {word}"));
        } else {
            *last += &format!(" {word}");
        }
    }
    lines
}
