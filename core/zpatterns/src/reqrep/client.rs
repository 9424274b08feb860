//! The side that asks.

use std::{
    fmt,
    os::fd::BorrowedFd,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use zpatterns_engine::{Context, Deadline, Error, ErrorKind, Hook, Host, HostOptions, Lane, Result, check_endpoint};
use zpatterns_protocol::{
    machine::Frames,
    reqrep::{self as machine, ClientCommand, ClientEvent, Settled, Task},
};

use super::{Balance, Counters, Failure, Heartbeat, RequestOptions, Ticket};

/// A server that speaks the Freelance protocol, 10/FLP, as the Guide's do. `docs/protocols/reqrep.md` says what it cannot do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FreelanceServer {
    /// Where it is.
    pub endpoint: String,
    /// What it is asked for.
    pub service: String,
    /// How many requests it is given at once; at least 1.
    pub credit: u32,
}

/// How a [`Client`] is set up.
pub struct ClientOptions {
    /// How a silent broker or worker is noticed.
    pub heartbeat: Heartbeat,
    /// Servers of the Freelance pattern to ask, beside those that the client is connected to; a broker is not asked for their
    /// services.
    pub freelance: Vec<FreelanceServer>,
    /// Requests that may be open at once; another ends with [`ErrorKind::Full`].
    pub max_requests: usize,
    /// Bytes of open requests.
    pub max_bytes: usize,
    /// How requests are spread, where the client knows several workers or brokers.
    pub balance: Balance,
}

impl Default for ClientOptions {
    /// 16,384 requests and 256 MiB.
    fn default() -> Self {
        Self {
            heartbeat: Heartbeat::default(),
            freelance: Vec::new(),
            max_requests: 16_384,
            max_bytes: 256 << 20,
            balance: Balance::default(),
        }
    }
}

impl TryFrom<FreelanceServer> for machine::FreelanceServer {
    type Error = Error;

    fn try_from(FreelanceServer { endpoint, service, credit }: FreelanceServer) -> Result<Self> {
        machine::check_service(service.as_bytes())?;
        if credit == 0 {
            let text = "a server is given at least one request at once";
            return Err(Error::new(ErrorKind::InvalidArgument, text).with("option", "credit"));
        }
        Ok(Self { endpoint, service: service.into(), credit })
    }
}

/// How a request ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
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
    /// What was to be [stored](Client::store) or [discarded](Client::discard) is: the broker has it on its disk.
    Accepted,
}

/// Something about a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part {
    /// Some of the answer. If a worker is lost and another begins anew, `run` is another one and the answer starts over: what
    /// came before is of no use. The reply is the rest of the run that was told last.
    Partial {
        /// Tells one worker's answer from another's.
        run: u16,
        /// Some of the answer.
        body: Frames,
    },
    /// How it ended. Nothing follows.
    Outcome(Outcome),
}

/// Asks. Clones are the same client, and threads may share it; it closes when the last one is dropped.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    host: Host<machine::Client>,
    tickets: AtomicU64,
}

impl Client {
    /// A client of these brokers, or of workers that bind. It connects in the background; a request waits for that.
    pub fn connect(context: &Context, endpoints: &[&str], options: ClientOptions) -> Result<Self> {
        let ClientOptions { heartbeat, freelance, max_requests, max_bytes, balance } = options;
        if endpoints.is_empty() && freelance.is_empty() {
            return Err(Error::new(ErrorKind::InvalidArgument, "a client connects to at least one endpoint"));
        }
        for endpoint in endpoints.iter().copied().chain(freelance.iter().map(|server| &*server.endpoint)) {
            check_endpoint(endpoint)?;
        }
        let freelance = freelance.into_iter().map(machine::FreelanceServer::try_from).collect::<Result<_>>()?;
        let endpoints = endpoints.iter().map(|endpoint| (*endpoint).to_owned()).collect();
        let (pace, seed) = (heartbeat.pace()?, crate::host::seed()?);
        let options = machine::ClientOptions { endpoints, freelance, pace, max_requests, max_bytes, balance, seed };
        // Every outcome finds room, and commands are bounded by what may be open.
        let room = max_requests.saturating_mul(2).max(1024);
        let bounds = HostOptions { max_commands: room, max_events: room, ..HostOptions::default() };
        let lane_of = |event: &ClientEvent| {
            let (ClientEvent::Partial { id, .. } | ClientEvent::Settled { id, .. }) = event;
            Lane::Of(*id)
        };
        let host = Host::start_with_lanes(context, machine::Client::new(options), bounds, lane_of, None)?;
        Ok(Self(Arc::new(Inner { host, tickets: AtomicU64::new(1) })))
    }

    /// Asks and waits. The outcome is there by the request's own deadline.
    ///
    /// Parts of an answer that come before the last are put before it. [`ErrorKind::InvalidArgument`] for options that
    /// make no sense, [`ErrorKind::Closed`] if the client was closed.
    pub fn request(&self, service: &str, body: Frames, options: &RequestOptions) -> Result<Outcome> {
        self.request_until(service, body, options, &Deadline::never())
    }

    /// As [`request`](Self::request); if `deadline` passes or is cancelled first, or a signal comes, the request is taken
    /// back, and the outcome is a failure with [`ErrorKind::Cancelled`] that says whether it may have run.
    pub fn request_until(
        &self,
        service: &str,
        body: Frames,
        options: &RequestOptions,
        deadline: &Deadline,
    ) -> Result<Outcome> {
        let ticket = self.submit(service, body, options)?;
        self.outcome(ticket, deadline)
    }

    /// Leaves a durable request with a broker that has a store, and waits until it is on its disk: [`Outcome::Accepted`].
    ///
    /// From then on it is done, also if the client and the broker are lost, until `options.deadline` has passed. Who knows
    /// service and key can [`fetch`](Self::fetch) the outcome, or ask again: a key is stored once. `deadline` is for the wait.
    pub fn store(&self, service: &str, body: Frames, options: &RequestOptions, deadline: &Deadline) -> Result<Outcome> {
        self.outcome(self.submit_task(Task::Store, service, body, options)?, deadline)
    }

    /// The outcome of the durable request with this key, as soon as it is there. It is kept for some time.
    ///
    /// A failure with [`ErrorKind::NotFound`] if there is none, with [`ErrorKind::Timeout`] if it has no outcome after
    /// `patience`.
    pub fn fetch(&self, service: &str, key: &[u8], patience: Duration, deadline: &Deadline) -> Result<Outcome> {
        self.about(Task::Fetch, service, key, patience, deadline)
    }

    /// Forgets the durable request with this key, and its outcome: [`Outcome::Accepted`] once the disk has, also if there
    /// is none. A worker that has it is told that nobody waits.
    pub fn discard(&self, service: &str, key: &[u8], patience: Duration, deadline: &Deadline) -> Result<Outcome> {
        self.about(Task::Discard, service, key, patience, deadline)
    }

    fn about(&self, task: Task, service: &str, key: &[u8], patience: Duration, deadline: &Deadline) -> Result<Outcome> {
        let key = Bytes::copy_from_slice(key);
        let options = RequestOptions { key, deadline: patience, patience, ..RequestOptions::default() };
        self.outcome(self.submit_task(task, service, Frames::new(), &options)?, deadline)
    }

    /// The outcome of a request that was [submitted](Self::submit), with the parts that went before. If `deadline` passes or is
    /// cancelled first, or a signal comes, the request is taken back as in [`request_until`](Self::request_until).
    pub fn outcome(&self, ticket: Ticket, deadline: &Deadline) -> Result<Outcome> {
        let (mut parts, mut last_run, mut deadline) = (Frames::new(), 0, deadline.clone());
        loop {
            match self.wait(ticket, &deadline) {
                Ok(Part::Partial { run, body }) => {
                    if run != last_run {
                        parts.clear();
                    }
                    last_run = run;
                    parts.extend(body);
                }
                Ok(Part::Outcome(Outcome::Reply(body))) => {
                    parts.extend(body);
                    return Ok(Outcome::Reply(parts));
                }
                Ok(Part::Outcome(outcome)) => return Ok(outcome),
                Err(error) if error.kind() == ErrorKind::Closed => return Err(error),
                // Taking it back brings its outcome at once.
                Err(_) => {
                    self.cancel(ticket)?;
                    deadline = Deadline::never();
                }
            }
        }
    }

    /// Asks, and goes on: [`wait`](Self::wait) brings the answer.
    pub fn submit(&self, service: &str, body: Frames, options: &RequestOptions) -> Result<Ticket> {
        self.submit_task(Task::Ask, service, body, options)
    }

    /// Asks, and goes on: [`next`](Self::next) brings the answer, among those to other requests.
    pub fn post(&self, service: &str, body: Frames, options: &RequestOptions) -> Result<Ticket> {
        self.post_task(Task::Ask, service, body, options)
    }

    /// As [`post`](Self::post), with several questions at once, which costs less than one by one. The tickets follow one
    /// another in the order of `bodies`.
    pub fn post_many(
        &self,
        service: &str,
        bodies: impl IntoIterator<Item = Frames>,
        options: &RequestOptions,
    ) -> Result<Vec<Ticket>> {
        machine::Client::check(Task::Ask, service.as_bytes(), options)?;
        let (service, bodies): (Bytes, Vec<Frames>) = (service.to_owned().into(), bodies.into_iter().collect());
        let first = self.0.tickets.fetch_add(bodies.len() as u64, Ordering::Relaxed);
        let tickets: Vec<Ticket> = (first..first + bodies.len() as u64).map(Ticket).collect();
        let ask = |(body, ticket): (Frames, &Ticket)| ClientCommand::Request {
            id: ticket.0,
            task: Task::Ask,
            service: service.clone(),
            body,
            options: options.clone(),
        };
        self.0.host.commands(bodies.into_iter().zip(&tickets).map(ask))?;
        Ok(tickets)
    }

    /// As [`submit`](Self::submit), for anything that can be wanted of a request: [`Task::Fetch`] and [`Task::Discard`] take
    /// service and key, and no body.
    pub fn submit_task(&self, task: Task, service: &str, body: Frames, options: &RequestOptions) -> Result<Ticket> {
        self.ask(task, service, body, options, true)
    }

    /// As [`post`](Self::post), for anything that can be wanted of a request.
    pub fn post_task(&self, task: Task, service: &str, body: Frames, options: &RequestOptions) -> Result<Ticket> {
        self.ask(task, service, body, options, false)
    }

    fn ask(&self, task: Task, service: &str, body: Frames, options: &RequestOptions, awaited: bool) -> Result<Ticket> {
        machine::Client::check(task, service.as_bytes(), options)?;
        let id = self.0.tickets.fetch_add(1, Ordering::Relaxed);
        let service = service.to_owned().into();
        if awaited {
            self.0.host.open_lane(id);
        }
        let asked = self.0.host.command(ClientCommand::Request { id, task, service, body, options: options.clone() });
        if asked.is_err() {
            self.0.host.close_lane(id);
        }
        asked.map(|()| Ticket(id))
    }

    /// What comes next of a request that was [submitted](Self::submit). One thread waits for a ticket at a time.
    ///
    /// [`ErrorKind::Timeout`] if nothing came until `deadline`: the request goes on, wait again. [`ErrorKind::NotFound`] if
    /// its outcome was taken.
    pub fn wait(&self, ticket: Ticket, deadline: &Deadline) -> Result<Part> {
        let part = part(self.0.host.next_in(ticket.0, deadline)?).1;
        if matches!(part, Part::Outcome(_)) {
            self.0.host.close_lane(ticket.0);
        }
        Ok(part)
    }

    /// What comes next of any request that was [posted](Self::post). [`ErrorKind::Timeout`] if nothing came until
    /// `deadline`.
    pub fn next(&self, deadline: &Deadline) -> Result<(Ticket, Part)> {
        self.0.host.next(deadline).map(part)
    }

    /// As [`next`](Self::next), with what is there besides, up to `most` in all.
    pub fn next_many(&self, most: usize, deadline: &Deadline) -> Result<Vec<(Ticket, Part)>> {
        Ok(self.0.host.next_many(most, deadline)?.into_iter().map(part).collect())
    }

    /// Takes a request back, also at the worker. Its outcome is a failure with [`ErrorKind::Cancelled`], unless another
    /// came first.
    pub fn cancel(&self, ticket: Ticket) -> Result<()> {
        self.0.host.command(ClientCommand::Cancel { id: ticket.0 })
    }

    /// Takes a request back, and drops its outcome.
    pub fn forget(&self, ticket: Ticket) {
        // If the client is closed there is nothing to take back.
        let _ = self.cancel(ticket);
        self.0.host.close_lane(ticket.0);
    }

    /// Keeps requests back that are made from now on, to send them together with [`uncork`](Self::uncork), which costs less
    /// than one by one; they leave earlier if there are many, or something else is to be sent. Corks are counted, and each is
    /// to be taken away soon: deadlines run.
    pub fn cork(&self) {
        self.0.host.cork();
    }

    /// Undoes one [`cork`](Self::cork).
    pub fn uncork(&self) -> Result<()> {
        self.0.host.uncork()
    }

    /// Asks for one notice when [`next`](Self::next) has something; true if it has already.
    pub fn arm(&self) -> bool {
        self.0.host.arm()
    }

    /// Readable after [`arm`](Self::arm) when [`next`](Self::next) has something.
    pub fn ready_fd(&self) -> BorrowedFd<'_> {
        self.0.host.ready_fd()
    }

    /// Sets what is called instead of making [`ready_fd`](Self::ready_fd) readable. It returns at once and does not call
    /// back into the client.
    pub fn set_hook(&self, hook: Option<Hook>) {
        self.0.host.set_hook(hook);
    }

    /// What became of the requests so far.
    pub fn counters(&self) -> Result<Counters> {
        self.0.host.with(machine::Client::counters)
    }

    /// Closes the client. Requests that are open have no outcome: every wait ends with [`ErrorKind::Closed`].
    pub fn close(&self) {
        self.0.host.close_after(ClientCommand::Close);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.host.close_after(ClientCommand::Close);
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Client")
    }
}

fn part(event: ClientEvent) -> (Ticket, Part) {
    match event {
        ClientEvent::Partial { id, run, body } => (Ticket(id), Part::Partial { run, body }),
        ClientEvent::Settled { id, outcome } => {
            let outcome = match outcome {
                Settled::Reply(body) => Outcome::Reply(body),
                Settled::Error { code, body } => Outcome::Error { code, body },
                Settled::Failed(failure) => Outcome::Failed(failure),
                Settled::Accepted => Outcome::Accepted,
            };
            (Ticket(id), Part::Outcome(outcome))
        }
    }
}
