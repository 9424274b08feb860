//! Who wants to hear something.

use std::{
    collections::VecDeque,
    fmt,
    os::fd::BorrowedFd,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use zpatterns_engine::{
    Context, Deadline, Error, ErrorKind, Hook, Host, HostOptions, Result, Security, check_endpoint,
};
use zpatterns_protocol::pubsub::{
    self as machine, Credential, Criterion, Policy, Slow, Snail, Start, SubscriberCommand, SubscriberCounters,
    SubscriberEvent as Event, ViewInfo,
};

use super::{
    Heartbeat, SubscriberEvent, Subscription,
    event::{Given, Reading},
};

/// How a [`Subscriber`] is set up.
#[derive(Clone, Debug)]
pub struct SubscriberOptions {
    /// By which the publisher knows it when it comes back after its lease has ended: 1 to 200 bytes. Without, it is not known then.
    pub name: Option<String>,
    /// For how long the publisher keeps what is for it after that; at most as long as the publisher wants.
    pub keep: Duration,
    /// Who it is.
    pub credential: Credential,
    /// How connections are protected.
    pub security: Security,
    /// Where the shared path is, if not where the publisher says: a proxy's address, for example.
    pub shared: Option<String>,
    /// Where it wants what is for it alone, if not over the connection to the publisher: an endpoint that it binds, and to which
    /// the publisher connects.
    pub endpoint: Option<String>,
    /// How a silent publisher is noticed.
    pub heartbeat: Heartbeat,
    /// Publications that may be here, and not yet taken by the program.
    pub max_messages: u32,
    /// Bytes of those; each counts as 96 more.
    pub max_bytes: u32,
    /// It dies of being late.
    pub snail: Option<Snail>,
}

impl Default for SubscriberOptions {
    /// No name, no credential, no security; 10,000 publications and 64 MiB; no snail.
    fn default() -> Self {
        Self {
            name: None,
            keep: Duration::ZERO,
            credential: Credential::None,
            security: Security::default(),
            shared: None,
            endpoint: None,
            heartbeat: Heartbeat::default(),
            max_messages: 10_000,
            max_bytes: 64 << 20,
            snail: None,
        }
    }
}

/// What a subscription wants besides its subjects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SubscriptionOptions {
    /// From here on.
    pub start: Start,
    /// What is done when the program is slow.
    pub policy: Policy,
    /// Public streams come over the shared path, if there is one.
    pub shared: bool,
}

impl Default for SubscriptionOptions {
    /// What is published next; of more than 10,000 publications or 64 MiB that are not taken the oldest are lost, which is told; over
    /// the shared path.
    fn default() -> Self {
        let policy = Policy { slow: Slow::Drop, max_messages: 10_000, max_bytes: 64 << 20 };
        Self { start: Start::Now, policy, shared: true }
    }
}

/// Hears what it asks for. Clones are the same subscriber, and threads may share it; it closes when the last one is dropped.
///
/// A publication is *taken* when it was given to the program: that is what counts when the publisher finds out who is slow.
#[derive(Clone)]
pub struct Subscriber(Arc<Inner>);

struct Inner {
    host: Host<machine::Subscriber>,
    reading: Mutex<Reading>,
    /// The machine is told of what was taken when it is so much, or nothing is left: messages and bytes.
    much: (AtomicU64, AtomicU64),
    endpoint: OnceLock<String>,
    next: AtomicU32,
}

impl Subscriber {
    /// A subscriber of this publisher. It connects in the background.
    pub fn connect(context: &Context, publisher: &str, options: SubscriberOptions) -> Result<Self> {
        let endpoints = [Some(publisher), options.shared.as_deref(), options.endpoint.as_deref()];
        endpoints.into_iter().flatten().try_for_each(check_endpoint)?;
        let (binds, security) = (options.endpoint.is_some(), options.security);
        let much = (part_of(options.max_messages.into()), part_of(options.max_bytes.into()));
        let options = machine::SubscriberOptions {
            connect: publisher.to_owned(),
            shared: options.shared,
            endpoint: options.endpoint,
            name: options.name.map(Bytes::from),
            keep: options.keep,
            credential: options.credential,
            pace: options.heartbeat.pace()?,
            max_messages: options.max_messages,
            max_bytes: options.max_bytes,
            snail: options.snail,
            seed: crate::host::seed()?,
        };
        options.check()?;
        let host = Host::start(
            context,
            machine::Subscriber::new(options),
            HostOptions { security, ..HostOptions::default() },
        )?;
        let endpoint = OnceLock::new();
        if binds {
            match crate::host::first_event(&host)? {
                Event::Bound { endpoint: bound } => endpoint.set(bound).expect("it is bound once"),
                Event::Failed(error) => return Err(error),
                other => unreachable!("a subscriber first tells where it is bound, not {other:?}"),
            }
        }
        let much = (AtomicU64::new(much.0), AtomicU64::new(much.1));
        Ok(Self(Arc::new(Inner { host, reading: Mutex::default(), much, endpoint, next: AtomicU32::new(1) })))
    }

    /// The endpoint that it has bound, if it has one, with the port that the system chose.
    pub fn endpoint(&self) -> Option<&str> {
        self.0.endpoint.get().map(String::as_str)
    }

    /// Asks for these subjects. [`SubscriberEvent::Subscribed`] comes before the first of it, or [`SubscriberEvent::Rejected`].
    pub fn subscribe(&self, criterion: Criterion, options: SubscriptionOptions) -> Result<Subscription> {
        let SubscriptionOptions { start, policy, shared } = options;
        if policy.max_messages == 0 || policy.max_bytes == 0 {
            return Err(Error::new(ErrorKind::InvalidArgument, "a subscription may be late by something"));
        }
        // What its program has and the machine does not know of must not be what the publisher waits for.
        self.0.much.0.fetch_min(part_of(policy.max_messages.into()), Ordering::Relaxed);
        self.0.much.1.fetch_min(part_of(policy.max_bytes), Ordering::Relaxed);
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        let options = machine::SubscriptionOptions { criterion, start, policy, shared };
        self.0.host.command(SubscriberCommand::Subscribe { number, options })?;
        Ok(Subscription(number))
    }

    /// Wants that no more. What is here of it already still comes.
    pub fn unsubscribe(&self, subscription: Subscription) -> Result<()> {
        // What was given to the program is not lost with it.
        self.0.tell((0, 0));
        self.0.host.command(SubscriberCommand::Unsubscribe { number: subscription.0 })
    }

    /// The next publication or event. [`ErrorKind::Timeout`] if nothing came until `deadline`.
    ///
    /// [`ErrorKind::PermissionDenied`] and [`ErrorKind::Full`] if the publisher or the security of the connection has refused this
    /// subscriber or sent it away, or it has died of being late: that is said after all that came before, and again with every call.
    pub fn recv(&self, deadline: &Deadline) -> Result<SubscriberEvent> {
        let mut one = self.recv_many(1, usize::MAX, deadline)?;
        Ok(one.pop().expect("there is at least one"))
    }

    /// As [`recv`](Self::recv), with more of what is there besides: up to `max_events` in all, and no more once they have
    /// `max_bytes`, each frame and each of them counted as 32 more. It costs far less than one by one.
    pub fn recv_many(&self, max_events: usize, max_bytes: usize, deadline: &Deadline) -> Result<Vec<SubscriberEvent>> {
        let Inner { host, .. } = &*self.0;
        let take = |events: &mut VecDeque<Event>| {
            let taken = self.0.reading().take(events, max_events, max_bytes);
            (taken, events.is_empty())
        };
        loop {
            let (taken, is_all) = host.next_with(deadline, take)?;
            let taken = taken?;
            let (messages, bytes) = &self.0.much;
            let much = if is_all { (0, 0) } else { (messages.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed)) };
            self.0.tell(much);
            if !taken.is_empty() {
                return Ok(taken);
            }
        }
    }

    /// Asks for one notice when [`recv`](Self::recv) has something; true if it has already.
    pub fn arm(&self) -> bool {
        self.0.host.arm()
    }

    /// Readable after [`arm`](Self::arm) when [`recv`](Self::recv) has something.
    pub fn ready_fd(&self) -> BorrowedFd<'_> {
        self.0.host.ready_fd()
    }

    /// Sets what is called instead of making [`ready_fd`](Self::ready_fd) readable. It returns at once and does not call back
    /// into the subscriber.
    pub fn set_hook(&self, hook: Option<Hook>) {
        self.0.host.set_hook(hook);
    }

    /// What it got so far.
    pub fn counters(&self) -> Result<SubscriberCounters> {
        self.0.host.with(machine::Subscriber::counters)
    }

    /// How far each subscription is, by stream.
    pub fn views(&self) -> Result<Vec<ViewInfo>> {
        self.0.host.with(machine::Subscriber::views)
    }

    /// Whether the subscriber has closed, by itself or with its context.
    pub fn is_closed(&self) -> bool {
        self.0.host.is_closed()
    }

    /// Says goodbye. What is here and not taken is dropped; every wait ends with [`ErrorKind::Closed`].
    pub fn close(&self) {
        self.0.close();
    }
}

impl Inner {
    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the machine what the program was given, if it is as much as this. Of two threads that do so, either may be first.
    fn tell(&self, much: (u64, u64)) {
        let given = self.reading().tell(much);
        if let Some(Given { restarts, taken }) = given {
            // If it has ended, nobody needs to know.
            let _ = self.host.command(SubscriberCommand::Taken { restarts, taken });
        }
    }

    fn close(&self) {
        self.tell((0, 0));
        self.host.close_after(SubscriberCommand::Close);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// So much of what may be late is told together.
fn part_of(bound: u64) -> u64 {
    bound / 8
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Subscriber")
    }
}
