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

pub use zpatterns_protocol::{
    machine::Frames,
    reqrep::{
        Balance, Candidate, Choice, Choose, Counters, Failure, News, NewsKind, NewsRecord, PeerCounters, Reason,
        RequestOptions, ServiceCounters, Side, Task, WorkerCounters,
    },
};

pub use self::{
    broker::{Broker, BrokerOptions, PlainEndpoint},
    client::{Client, ClientOptions, FreelanceServer, Outcome, Part},
    worker::{Answer, Job, Worker, WorkerOptions},
};
pub use crate::host::{Heartbeat, Ticket};
