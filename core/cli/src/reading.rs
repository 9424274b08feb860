//! What commands that print messages have in common.

use std::{
    io::{self, Write},
    time::Duration,
};

use zpatterns::Deadline;

/// Which messages, how many, and for how long.
#[derive(clap::Args)]
pub(crate) struct Reading {
    /// Subscribe to this prefix, where one subscribes; may be given several times. Without any, to everything.
    #[arg(long, value_name = "PREFIX")]
    subscribe: Vec<String>,
    /// End after this many messages.
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
    /// Seconds to wait for each message.
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<f64>,
}

impl Reading {
    /// What messages begin with.
    pub(crate) fn prefixes(&self) -> Vec<&str> {
        if self.subscribe.is_empty() { vec![""] } else { self.subscribe.iter().map(String::as_str).collect() }
    }

    /// Until when the next message is waited for.
    pub(crate) fn deadline(&self) -> Result<Deadline, String> {
        self.timeout.map_or(Ok(Deadline::never()), |seconds| span(seconds).map(Deadline::after))
    }
}

/// A time to wait.
pub(crate) fn span(seconds: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(seconds).map_err(|_| format!("{seconds} is no time to wait"))
}

/// Prints a message in a line, its frames with tabs between them.
pub(crate) fn print<F: AsRef<[u8]>>(out: &mut impl Write, frames: impl IntoIterator<Item = F>) -> io::Result<()> {
    for (index, frame) in frames.into_iter().enumerate() {
        out.write_all(if index == 0 { b"" } else { b"\t" })?;
        out.write_all(frame.as_ref())?;
    }
    out.write_all(b"\n")?;
    out.flush()
}
