//! Who keeps the jobs.

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use zpatterns_engine::{
    Context, Deadline, Error, ErrorKind, Hook, Host, HostOptions, Lane, Result, Store, check_endpoint,
};
use zpatterns_protocol::{
    Time,
    zqueue::{self as machine, Limits, QueueCommand, QueueEvent, ShelfLimits},
};

use super::{Counters, Heartbeat, Order, QueueCounters};

/// How a [`Queue`] is set up. Whatever is beyond a bound is refused with [`ErrorKind::Full`] and a hint when to retry; a tree that
/// outgrows one of its own fails with [`ErrorKind::TooLarge`].
#[derive(Clone, Debug)]
pub struct QueueOptions {
    /// How a silent worker is noticed.
    pub heartbeat: Heartbeat,
    /// Which job is the next.
    pub order: Order,
    /// The same, of queues by their names.
    pub orders: BTreeMap<String, Order>,
    /// The file of the store, which is made if it is not there. With it what is accepted is on the disk; without, a queue that
    /// ends takes its jobs with it.
    pub store: Option<PathBuf>,
    /// Names of queues.
    pub max_queues: usize,
    /// Jobs in all.
    pub max_jobs: usize,
    /// Bytes of jobs in all; each counts as 256 more.
    pub max_bytes: usize,
    /// Bytes of the jobs in one queue.
    pub max_queue_bytes: usize,
    /// Generations of a tree, its root included.
    pub max_depth: u16,
    /// Children that a job spawns at once.
    pub max_children: usize,
    /// Jobs of one tree, over all its life.
    pub max_tree_jobs: u64,
    /// Bytes of the jobs of one tree at a time.
    pub max_tree_bytes: usize,
    /// Workers that may be lost with a job; with the next it fails.
    pub max_lost: u8,
    /// Outcomes that are kept; beyond, the one whose time comes first is dropped.
    pub max_kept: usize,
    /// Bytes of those.
    pub max_kept_bytes: usize,
    /// Dead letters; beyond, the oldest is dropped.
    pub max_dead: usize,
    /// Bytes of those.
    pub max_dead_bytes: usize,
    /// Jobs that are being pushed part by part.
    pub max_drafts: usize,
    /// Bytes of those.
    pub max_draft_bytes: usize,
    /// Producers and workers connected at once.
    pub max_peers: usize,
    /// Jobs that one worker has at once.
    pub max_per_peer: u32,
}

impl Default for QueueOptions {
    /// Depth first, no store; 2,000,000 jobs and 4 GiB; trees of 64 generations, 1,000,000 jobs and 1 GiB; 10 lost workers; 10,000
    /// outcomes and dead letters, 64 MiB each; 1,000 drafts and 256 MiB; 20,000 peers with 16,384 jobs each.
    fn default() -> Self {
        Self {
            heartbeat: Heartbeat::default(),
            order: Order::default(),
            orders: BTreeMap::new(),
            store: None,
            max_queues: 10_000,
            max_jobs: 2_000_000,
            max_bytes: 4 << 30,
            max_queue_bytes: 4 << 30,
            max_depth: 64,
            max_children: 10_000,
            max_tree_jobs: 1_000_000,
            max_tree_bytes: 1 << 30,
            max_lost: 10,
            max_kept: 10_000,
            max_kept_bytes: 64 << 20,
            max_dead: 10_000,
            max_dead_bytes: 64 << 20,
            max_drafts: 1000,
            max_draft_bytes: 256 << 20,
            max_peers: 20_000,
            max_per_peer: 16_384,
        }
    }
}

impl QueueOptions {
    fn machine(self, bind: Vec<String>) -> Result<machine::QueueOptions> {
        let limits = Limits {
            queues: self.max_queues,
            jobs: self.max_jobs,
            bytes: self.max_bytes,
            queue_bytes: self.max_queue_bytes,
            depth: self.max_depth,
            children: self.max_children,
            tree_jobs: self.max_tree_jobs,
            tree_bytes: self.max_tree_bytes,
            lost: self.max_lost,
        };
        let shelf = ShelfLimits {
            outcomes: self.max_kept,
            outcome_bytes: self.max_kept_bytes,
            letters: self.max_dead,
            letter_bytes: self.max_dead_bytes,
        };
        for name in self.orders.keys() {
            machine::check_queue(name.as_bytes())?;
        }
        Ok(machine::QueueOptions {
            bind,
            pace: self.heartbeat.pace()?,
            order: self.order,
            orders: self.orders.into_iter().map(|(name, order)| (name.into(), order)).collect(),
            limits,
            shelf,
            drafts: (self.max_drafts, self.max_draft_bytes),
            max_peers: self.max_peers,
            max_per_peer: self.max_per_peer,
            is_stored: self.store.is_some(),
            seed: crate::host::seed()?,
        })
    }
}

/// Keeps jobs, gives them to workers, and tells what they come to; producers and workers connect to it. Clones are the same queue; it
/// closes when the last one is dropped.
#[derive(Clone)]
pub struct Queue(Arc<Inner>);

struct Inner {
    host: Host<machine::Queue>,
    endpoints: Vec<String>,
    started: Instant,
    /// The next lane of those in which no event comes, only the end.
    lanes: AtomicU64,
}

/// Where it is told that the queue is drained.
const DRAINED: u64 = 0;

/// The first lane in which no event comes.
const END: u64 = 1;

impl Queue {
    /// A queue that producers and workers reach at these endpoints, once it has read its store.
    ///
    /// [`ErrorKind::WrongState`] if the store is open already, [`ErrorKind::Corrupt`] if it is damaged or no store of this version: it
    /// is left as it is.
    pub fn bind(context: &Context, endpoints: &[&str], options: QueueOptions) -> Result<Self> {
        if endpoints.is_empty() {
            return Err(Error::new(ErrorKind::InvalidArgument, "a queue binds to at least one endpoint"));
        }
        for endpoint in endpoints {
            check_endpoint(endpoint)?;
        }
        let store = options.store.as_deref().map(Store::open).transpose()?;
        let options = options.machine(endpoints.iter().map(|endpoint| (*endpoint).to_owned()).collect())?;
        let lane_of = |event: &QueueEvent| match event {
            QueueEvent::Drained => Lane::Of(DRAINED),
            _ => Lane::Common,
        };
        let (started, bounds) = (Instant::now(), HostOptions::default());
        let host = Host::start_with_lanes(context, machine::Queue::new(options), bounds, lane_of, store)?;
        host.open_lane(DRAINED);
        host.open_lane(END);
        let mut bound = Vec::new();
        while bound.len() < endpoints.len() {
            match crate::host::first_event(&host)? {
                QueueEvent::Bound { endpoint } => bound.push(endpoint),
                QueueEvent::Failed(error) => return Err(error),
                QueueEvent::Drained => unreachable!("nobody asked for that"),
            }
        }
        Ok(Self(Arc::new(Inner { host, endpoints: bound, started, lanes: AtomicU64::new(END + 1) })))
    }

    /// Where it is reached, with the ports that the system chose, in the order of [`bind`](Self::bind).
    pub fn endpoints(&self) -> Vec<&str> {
        self.0.endpoints.iter().map(String::as_str).collect()
    }

    /// Takes no more jobs from producers, and waits until those that are here have ended.
    ///
    /// [`ErrorKind::Timeout`] if they have not by `deadline`; it goes on draining. One thread waits at a time.
    pub fn drain(&self, deadline: &Deadline) -> Result<()> {
        self.0.host.command(QueueCommand::Drain)?;
        if self.0.host.with(machine::Queue::is_drained)? {
            return Ok(());
        }
        self.0.host.next_in(DRAINED, deadline).map(drop)
    }

    /// Sets what is called once, as soon as the queue is drained or has ended, at once if that is so: for event loops, which then
    /// [drain](Self::drain) without waiting. It returns at once and does not call back into the queue.
    pub fn set_drained_hook(&self, hook: Hook) -> Result<()> {
        if self.0.host.with(machine::Queue::is_drained)? {
            hook();
            return Ok(());
        }
        self.0.host.set_lane_hook(DRAINED, hook)
    }

    /// What became of the jobs so far.
    pub fn counters(&self) -> Result<Counters> {
        self.0.host.with(machine::Queue::counters)
    }

    /// The same of each queue that was ever named, by name.
    pub fn queues(&self) -> Result<Vec<QueueCounters>> {
        let now = Time::ZERO + self.0.started.elapsed();
        self.0.host.with(|queue| queue.queues(now))
    }

    /// Workers connected now.
    pub fn workers(&self) -> Result<usize> {
        self.0.host.with(machine::Queue::workers)
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

    /// Sets what is called once, as soon as the queue has ended, at once if that is so. It returns at once and does not call back
    /// into the queue.
    pub fn set_end_hook(&self, hook: Hook) -> Result<()> {
        self.0.host.set_lane_hook(END, hook)
    }

    /// Closes the queue where it is. What is not stored is lost.
    pub fn close(&self) {
        self.0.host.close_after(QueueCommand::Close);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.host.close_after(QueueCommand::Close);
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Queue({})", self.0.endpoints.join(", "))
    }
}
