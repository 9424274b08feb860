//! How a client is set up, and how an application talks with it.

use std::time::Duration;

use bytes::Bytes;

use super::{
    super::{
        balance::Balance,
        wire::{Failure, Task},
    },
    FreelanceServer,
};
use crate::{liveness::Pace, machine::Frames};

/// How a client is set up.
pub struct ClientOptions {
    /// Where to connect to: brokers or servers.
    pub endpoints: Vec<String>,
    /// Servers that speak 10/FLP.
    pub freelance: Vec<FreelanceServer>,
    /// How a silent responder is noticed.
    pub pace: Pace,
    /// Requests that may be open at once; another is refused with [`Full`](crate::ErrorKind::Full).
    pub max_requests: usize,
    /// Bytes of open requests.
    pub max_bytes: usize,
    /// How requests are spread over several responders.
    pub balance: Balance,
    /// From which session numbers and jitter follow.
    pub seed: u64,
}

/// A request as the application makes it.
#[derive(Clone, Debug)]
pub struct RequestOptions {
    /// How long an answer is of use. The outcome is there by then.
    pub deadline: Duration,
    /// How long it may wait while nobody offers the service.
    pub patience: Duration,
    /// How often it may be given to a worker, if workers are lost: 1 is at most once.
    pub attempts: u8,
    /// Stored by the broker before it is given to a worker, and answered once for its service and key, also if the broker
    /// is lost meanwhile. Needs a key; fails with [`Unsupported`](crate::ErrorKind::Unsupported) where nothing is stored.
    pub durable: bool,
    /// Run once for all requests of the same service and key, which a broker sees to; fails with
    /// [`Unsupported`](crate::ErrorKind::Unsupported) without one.
    pub once: bool,
    /// By which it is kept to one worker, run once, or stored; at most 255 bytes.
    pub key: Bytes,
    /// How often to ask again, after a pause, where a queue was full.
    pub retries: u8,
}

impl Default for RequestOptions {
    fn default() -> Self {
        let deadline = Duration::from_secs(30);
        Self { deadline, patience: deadline, attempts: 3, durable: false, once: false, key: Bytes::new(), retries: 3 }
    }
}

/// What the application wants of a client.
#[derive(Debug)]
pub enum ClientCommand {
    /// Ask. The application chooses the id, and never one of a request that is open.
    Request {
        /// The application's own number.
        id: u64,
        /// What is to be done about it; anything but asking needs a key and a broker that stores.
        task: Task,
        /// Who is asked.
        service: Bytes,
        /// What is asked.
        body: Frames,
        /// How.
        options: RequestOptions,
    },
    /// Take a request back. Its outcome comes at once.
    Cancel {
        /// The application's own number.
        id: u64,
    },
    /// Say goodbye. Nothing more is done.
    Close,
}

/// What the application is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ClientEvent {
    /// Some of an answer. If a worker is lost and another begins anew, `run` is another one and the answer starts over; the last
    /// of it comes with [`Settled::Reply`].
    Partial {
        /// The application's own number.
        id: u64,
        /// Tells one worker's answer from another's.
        run: u16,
        /// Some of the answer.
        body: Frames,
    },
    /// The one outcome of a request.
    Settled {
        /// The application's own number.
        id: u64,
        /// What became of it.
        outcome: Settled,
    },
}

/// How a request ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Settled {
    /// A worker answered.
    Reply(Frames),
    /// A worker says that it cannot be done.
    Error {
        /// The worker's own code.
        code: u32,
        /// The worker's own words and data.
        body: Frames,
    },
    /// No worker answered; the failure says whether one may have begun.
    Failed(Failure),
    /// What was to be stored or forgotten is.
    Accepted,
}
