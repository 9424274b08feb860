//! Who stands between those who ask and those who answer.

use std::{
    fmt,
    os::fd::BorrowedFd,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use zpatterns_engine::{
    Context, Deadline, Error, ErrorKind, Hook, Host, HostOptions, Lane, Result, Store, check_endpoint,
};
use zpatterns_protocol::reqrep::{self as machine, BrokerCommand, BrokerEvent, News};

use super::{Balance, Counters, Heartbeat, PeerCounters, ServiceCounters, Side};

/// An endpoint for those whose protocol nothing tells from others: who connects there, and which service it is about.
///
/// REQ and DEALER clients that say nothing but their question, workers of 6/PPP, and REQ workers that say that they are
/// ready, as the Simple Pirate's and the LRU queue's do. `docs/protocols/reqrep.md` says what they do not get.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlainEndpoint {
    /// Where they connect to.
    pub endpoint: String,
    /// Who they are.
    pub side: Side,
    /// What they ask for, or offer.
    pub service: String,
}

/// How a [`Broker`] is set up. Whatever is beyond a bound is refused with [`ErrorKind::Full`] and a hint when to retry.
pub struct BrokerOptions {
    /// How a silent worker is noticed.
    pub heartbeat: Heartbeat,
    /// How requests are spread over the workers of a service.
    pub balance: Balance,
    /// Endpoints for programs with older protocols that cannot share one.
    pub plain: Vec<PlainEndpoint>,
    /// Requests held at once in all.
    pub max_requests: usize,
    /// Bytes of requests held at once in all.
    pub max_bytes: usize,
    /// Requests that wait for one service.
    pub max_waiting: usize,
    /// Bytes of requests that wait for one service.
    pub max_waiting_bytes: usize,
    /// How long a request may wait for a worker.
    pub max_age: Duration,
    /// Requests of one client at once.
    pub max_per_client: u32,
    /// Clients and workers connected at once.
    pub max_peers: usize,
    /// Bytes of answers that a client has not fetched; requests whose answers come beyond fail with [`ErrorKind::Full`].
    pub max_unfetched: usize,
    /// Answers kept for requests that are run once.
    pub max_cached: usize,
    /// Bytes of those answers.
    pub max_cached_bytes: usize,
    /// How long they are kept.
    pub max_cached_age: Duration,
    /// The file of the store for durable requests and their answers; it is made if it is not there. Without, durable
    /// requests are refused with [`ErrorKind::Unsupported`].
    pub store: Option<PathBuf>,
    /// Durable requests and answers kept at once, in the store and in memory.
    pub max_stored: usize,
    /// Bytes of those.
    pub max_stored_bytes: usize,
    /// How long an answer is kept in the store that nobody fetches. One that was fetched goes when its place is needed, at
    /// the latest after [`max_cached_age`](Self::max_cached_age).
    pub max_stored_age: Duration,
}

impl Default for BrokerOptions {
    /// 100,000 requests and 1 GiB, half of that for one service, 1 h of waiting; 16,384 requests per client; 20,000 peers;
    /// 256 MiB of answers per client; 10,000 cached answers, 64 MiB, 10 minutes. No store; in one, 100,000 records and 256 MiB,
    /// answers for 24 h.
    fn default() -> Self {
        Self {
            heartbeat: Heartbeat::default(),
            balance: Balance::default(),
            plain: Vec::new(),
            max_requests: 100_000,
            max_bytes: 1 << 30,
            max_waiting: 50_000,
            max_waiting_bytes: 1 << 29,
            max_age: Duration::from_secs(3600),
            max_per_client: 16_384,
            max_peers: 20_000,
            max_unfetched: 256 << 20,
            max_cached: 10_000,
            max_cached_bytes: 64 << 20,
            max_cached_age: Duration::from_secs(600),
            store: None,
            max_stored: 100_000,
            max_stored_bytes: 256 << 20,
            max_stored_age: Duration::from_secs(24 * 3600),
        }
    }
}

/// Takes requests from clients and gives them to workers; both connect to it. Clones are the same broker; it closes when
/// the last one is dropped.
#[derive(Clone)]
pub struct Broker(Arc<Inner>);

struct Inner {
    host: Host<machine::Broker>,
    endpoints: Vec<String>,
    /// Whether the machine was asked for news.
    watched: AtomicBool,
    /// The next lane of those in which no event comes, only the end.
    lanes: AtomicU64,
}

/// Where it is told that the broker is drained.
const DRAINED: u64 = 0;

/// The first lane in which no event comes.
const END: u64 = 1;

/// News that may wait for the program; the machine keeps others.
const NEWS_AHEAD: usize = 256;

impl Broker {
    /// A broker that clients and workers reach at these endpoints, once it has read its store.
    ///
    /// [`ErrorKind::WrongState`] if the store is open already, [`ErrorKind::Corrupt`] if it is damaged or no store of this
    /// version: it is left as it is.
    pub fn bind(context: &Context, endpoints: &[&str], options: BrokerOptions) -> Result<Self> {
        if endpoints.is_empty() {
            return Err(Error::new(ErrorKind::InvalidArgument, "a broker binds to at least one endpoint"));
        }
        for endpoint in endpoints.iter().copied().chain(options.plain.iter().map(|plain| &*plain.endpoint)) {
            check_endpoint(endpoint)?;
        }
        for plain in &options.plain {
            machine::check_service(plain.service.as_bytes())?;
        }
        let plain = options.plain.into_iter().map(|plain| (plain.endpoint, plain.side, plain.service.into()));
        let plain: Vec<(String, Side, Bytes)> = plain.collect();
        let count = endpoints.len() + plain.len();
        let store = options.store.as_deref().map(Store::open).transpose()?;
        let limits = machine::StoreLimits {
            records: options.max_stored,
            bytes: options.max_stored_bytes,
            unfetched_age: options.max_stored_age,
            fetched_age: options.max_cached_age,
        };
        let machine = machine::Broker::new(machine::BrokerOptions {
            plain,
            bind: endpoints.iter().map(|endpoint| (*endpoint).to_owned()).collect(),
            pace: options.heartbeat.pace()?,
            balance: options.balance,
            max_requests: options.max_requests,
            max_bytes: options.max_bytes,
            max_waiting: options.max_waiting,
            max_waiting_bytes: options.max_waiting_bytes,
            max_age: options.max_age,
            max_per_client: options.max_per_client,
            max_peers: options.max_peers,
            max_unfetched: options.max_unfetched,
            cache: (options.max_cached, options.max_cached_bytes, options.max_cached_age),
            store: store.is_some().then_some(limits),
            seed: crate::host::seed()?,
        });
        let lane_of = |event: &BrokerEvent| match event {
            BrokerEvent::Drained => Lane::Of(DRAINED),
            _ => Lane::Common,
        };
        let host = Host::start_with_lanes(context, machine, HostOptions::default(), lane_of, store)?;
        host.open_lane(DRAINED);
        host.open_lane(END);
        let mut bound = Vec::new();
        while bound.len() < count {
            match crate::host::first_event(&host)? {
                BrokerEvent::Bound { endpoint } => bound.push(endpoint),
                BrokerEvent::Failed(error) => return Err(error),
                other => unreachable!("nobody asked for {other:?}"),
            }
        }
        let (watched, lanes) = (AtomicBool::new(false), AtomicU64::new(END + 1));
        Ok(Self(Arc::new(Inner { host, endpoints: bound, watched, lanes })))
    }

    /// Where it is reached, with the ports that the system chose, in the order of [`bind`](Self::bind); then the plain endpoints.
    pub fn endpoints(&self) -> Vec<&str> {
        self.0.endpoints.iter().map(String::as_str).collect()
    }

    /// Takes no more requests, and waits until those that are here are answered.
    ///
    /// [`ErrorKind::Timeout`] if they were not by `deadline`; it goes on draining. One thread waits at a time.
    pub fn drain(&self, deadline: &Deadline) -> Result<()> {
        self.0.host.command(BrokerCommand::Drain)?;
        if self.0.host.with(machine::Broker::is_drained)? {
            return Ok(());
        }
        self.0.host.next_in(DRAINED, deadline).map(drop)
    }

    /// Sets what is called once, as soon as the broker is drained or has ended, at once if that is so: for event loops, which
    /// then [drain](Self::drain) without waiting. It returns at once and does not call back into the broker.
    pub fn set_drained_hook(&self, hook: Hook) -> Result<()> {
        if self.0.host.with(machine::Broker::is_drained)? {
            hook();
            return Ok(());
        }
        self.0.host.set_lane_hook(DRAINED, hook)
    }

    /// What happened next: a worker came or went, a request was lost. News are kept from the first call on, some 1,000 at
    /// most; where others were missed, that is said.
    ///
    /// [`ErrorKind::Timeout`] if nothing happened until `deadline`, [`ErrorKind::Closed`] when the broker has ended.
    pub fn next(&self, deadline: &Deadline) -> Result<News> {
        self.watch()?;
        loop {
            if let BrokerEvent::News(news) = self.0.host.next(deadline)? {
                // If it has ended since, this was the last.
                let _ = self.0.host.command(BrokerCommand::Watch { more: 1 });
                return Ok(news);
            }
        }
    }

    fn watch(&self) -> Result<()> {
        if self.0.watched.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        self.0.host.command(BrokerCommand::Watch { more: NEWS_AHEAD })
    }

    /// Asks for one notice when [`next`](Self::next) has something; true if it has already.
    pub fn arm(&self) -> bool {
        // If it has ended, that is there already.
        let _ = self.watch();
        self.0.host.arm()
    }

    /// Readable after [`arm`](Self::arm) when [`next`](Self::next) has something.
    pub fn ready_fd(&self) -> BorrowedFd<'_> {
        self.0.host.ready_fd()
    }

    /// Sets what is called instead of making [`ready_fd`](Self::ready_fd) readable. It returns at once and does not call
    /// back into the broker.
    pub fn set_hook(&self, hook: Option<Hook>) {
        self.0.host.set_hook(hook);
    }

    /// What became of the requests so far.
    pub fn counters(&self) -> Result<Counters> {
        self.0.host.with(machine::Broker::counters)
    }

    /// The same for each service that a worker has offered, in the order of their names. Of those that nobody offers now, not
    /// more than some thousands are remembered.
    pub fn services(&self) -> Result<Vec<ServiceCounters>> {
        self.0.host.with(machine::Broker::services)
    }

    /// The clients and workers that are connected now, in the order in which they came; not those with an older protocol.
    pub fn peers(&self) -> Result<Vec<PeerCounters>> {
        self.0.host.with(machine::Broker::peers)
    }

    /// Workers connected now.
    pub fn workers(&self) -> Result<usize> {
        self.0.host.with(machine::Broker::workers)
    }

    /// Waits for the end: of the context, or by [`close`](Self::close). [`ErrorKind::Timeout`] at `deadline`.
    pub fn wait(&self, deadline: &Deadline) -> Result<()> {
        let lane = self.0.lanes.fetch_add(1, Ordering::Relaxed);
        self.0.host.open_lane(lane);
        let ended = self.0.host.next_in(lane, deadline);
        self.0.host.close_lane(lane);
        match ended {
            Err(error) if error.kind() != ErrorKind::Closed => Err(error),
            _ => Ok(()),
        }
    }

    /// Sets what is called once, as soon as the broker has ended, at once if that is so. It returns at once and does not call back
    /// into the broker.
    pub fn set_end_hook(&self, hook: Hook) -> Result<()> {
        self.0.host.set_lane_hook(END, hook)
    }

    /// Closes the broker where it is. Clients are told, and may ask another.
    pub fn close(&self) {
        self.0.host.close_after(BrokerCommand::Close);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.host.close_after(BrokerCommand::Close);
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Broker({})", self.0.endpoints.join(", "))
    }
}
