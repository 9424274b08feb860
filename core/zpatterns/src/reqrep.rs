//! Reliable request-reply: a request that cannot be lost in silence.
//!
//! A [`Client`] asks, a [`Worker`] answers, a [`Broker`] stands between them, or nobody does: a client connects to a broker
//! or straight to workers, and cannot tell. Every request ends in exactly one [`Outcome`]: a reply, the worker's own error,
//! or a failure that says whether a worker may have begun. What a worker held that died, froze or was cut off is given to
//! another, as often as [`RequestOptions::attempts`] allows. The specification is `docs/protocols/reqrep.md`.
//!
//! ```
//! use std::time::Duration;
//! use zpatterns::{
//!     Context, Deadline,
//!     reqrep::{Broker, BrokerOptions, Client, ClientOptions, Outcome, RequestOptions, Worker, WorkerOptions},
//! };
//! # fn main() -> zpatterns::Result<()> {
//! let context = Context::new()?;
//! let broker = Broker::bind(&context, &["tcp://127.0.0.1:0"], BrokerOptions::default())?;
//! let endpoint = &broker.endpoints()[0];
//!
//! let worker = Worker::connect(&context, &[endpoint], "greet", WorkerOptions::default())?;
//! let thread = std::thread::spawn(move || {
//!     let job = worker.next(&Deadline::after(Duration::from_secs(5)))?;
//!     job.reply(vec!["hello".into()])
//! });
//!
//! let client = Client::connect(&context, &[endpoint], ClientOptions::default())?;
//! match client.request("greet", vec![], &RequestOptions::default())? {
//!     Outcome::Reply(body) => assert_eq!(body[0], "hello"),
//!     Outcome::Error { code, .. } => panic!("the worker says {code}"),
//!     Outcome::Failed(failure) => panic!("{failure}"),
//!     Outcome::Accepted => unreachable!("nothing was to be stored"),
//! }
//! thread.join().expect("the worker is done")?;
//! # Ok(())
//! # }
//! ```

mod broker;
mod client;
mod worker;

use std::time::Duration;

use zpatterns_engine::{Deadline, Error, ErrorKind, Host, Result};
use zpatterns_protocol::{Machine, liveness};
pub use zpatterns_protocol::{
    machine::Frames,
    reqrep::{
        Balance, Candidate, Choice, Choose, Counters, Failure, News, NewsKind, NewsRecord, PeerCounters, Reason,
        RequestOptions, ServiceCounters, Side, Task, WorkerCounters,
    },
};

pub use self::{
    broker::{Broker, BrokerOptions, PlainEndpoint},
    client::{Client, ClientOptions, FreelanceServer, Outcome, Part, Ticket},
    worker::{Answer, Job, Worker, WorkerOptions},
};

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
    fn pace(self) -> Result<liveness::Pace> {
        if self.interval < Duration::from_millis(1) || self.limit < 2 {
            return Err(Error::new(ErrorKind::InvalidArgument, "a heartbeat has at least 1 ms, and a limit of 2")
                .with("interval", format!("{:?}", self.interval))
                .with("limit", self.limit));
        }
        Ok(liveness::Pace { interval: self.interval, limit: self.limit })
    }
}

/// What nobody can guess: session numbers come from it.
fn seed() -> Result<u64> {
    getrandom::u64().map_err(|error| Error::new(ErrorKind::System, format!("no random numbers: {error}")))
}

/// What a machine tells while it is being opened. A signal does not end the wait: it is short, and there is nothing yet that
/// could be called again.
fn first_event<M>(host: &Host<M>) -> Result<M::Event>
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
