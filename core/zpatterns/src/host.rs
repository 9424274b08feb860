//! What the handles of all patterns share that a machine is behind.

use std::time::Duration;

use zpatterns_engine::{Deadline, Error, ErrorKind, Host, Result};
use zpatterns_protocol::{Machine, Refusal, liveness};

/// How a silent peer is noticed: after `limit` times `interval` without a message from it. A party speaks once per
/// interval only while somebody waits for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heartbeat {
    /// At least 1 ms.
    pub interval: Duration,
    /// At least 2.
    pub limit: u32,
}

impl Default for Heartbeat {
    /// 1 s, three times.
    fn default() -> Self {
        Self { interval: Duration::from_secs(1), limit: 3 }
    }
}

impl Heartbeat {
    pub(crate) fn pace(self) -> Result<liveness::Pace> {
        if self.interval < Duration::from_millis(1) || self.limit < 2 {
            return Err(Error::new(ErrorKind::InvalidArgument, "a heartbeat has at least 1 ms, and a limit of 2")
                .with("interval", format!("{:?}", self.interval))
                .with("limit", self.limit));
        }
        Ok(liveness::Pace { interval: self.interval, limit: self.limit })
    }
}

/// Something that was asked for, and what comes of it is told under this number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

/// What nobody can guess: session numbers come from it.
pub(crate) fn seed() -> Result<u64> {
    getrandom::u64().map_err(|error| Error::new(ErrorKind::System, format!("no random numbers: {error}")))
}

/// Why a peer does not do what it was asked for.
pub(crate) fn refused(refusal: &Refusal) -> Error {
    let error = Error::new(refusal.kind, refusal.text.clone());
    if refusal.retry_after.is_zero() { error } else { error.with("retry_after_ms", refusal.retry_after.as_millis()) }
}

/// What a machine tells while it is being opened. A signal does not end the wait: it is short, and there is nothing yet that
/// could be called again.
pub(crate) fn first_event<M>(host: &Host<M>) -> Result<M::Event>
where
    M: Machine<Command: Send, Event: Send> + Send + 'static,
{
    loop {
        match host.next(&Deadline::never()) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            event => return event,
        }
    }
}
