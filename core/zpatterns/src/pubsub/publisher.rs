//! Who publishes, and decides who may hear it.

use std::{fmt, os::fd::BorrowedFd, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use zpatterns_engine::{
    Context, Deadline, Error, ErrorKind, Hook, Host, HostOptions, Interest, Lane, Result, Security, Store,
    check_endpoint,
};
use zpatterns_protocol::{
    Refusal,
    pubsub::{
        self as machine, Access, Content, Counters, Credential, Criterion, Entitlements, PublisherCommand,
        PublisherEvent as Event, Rules, StreamOptions, SubscriberInfo,
    },
};

use super::Heartbeat;

/// How a [`Publisher`] is set up. Who comes beyond a bound is refused with [`ErrorKind::Full`].
#[derive(Clone, Debug)]
pub struct PublisherOptions {
    /// The streams, in the order in which they are asked whether a subject is theirs: 1 to 1,000.
    pub streams: Vec<StreamOptions>,
    /// Where public streams leave once for all; without, they are sent to each subscriber by itself.
    pub shared: Option<String>,
    /// Where plain SUB sockets hear public streams: the subject, and the frames.
    pub plain: Option<String>,
    /// Who may hear what.
    pub access: Access,
    /// How connections are protected.
    pub security: Security,
    /// Whether the program is told who comes and goes.
    pub news: bool,
    /// How connections are proved.
    pub heartbeat: Heartbeat,
    /// For how long a subscriber is waited for and remembered after its last sign of life.
    pub lease: Duration,
    /// The longest `keep` that a subscriber gets.
    pub max_keep: Duration,
    /// For how long the publisher waits for a subscription that takes nothing: then it loses the oldest, and is told, until it takes
    /// again.
    pub max_hold: Duration,
    /// For how long what is published soon after other publications may wait for more, to leave together.
    pub gather: Duration,
    /// Subscribers, with those that are away.
    pub max_subscribers: usize,
    /// Subscriptions of one subscriber.
    pub max_subscriptions: usize,
    /// Subscriptions of all.
    pub max_all_subscriptions: usize,
    /// Endpoints of subscribers that are connected to.
    pub max_endpoints: usize,
    /// Endpoints that are [open for plain SUB sockets](Publisher::open_plain) of users.
    pub max_plain: usize,
    /// Bytes of a publication.
    pub max_size: usize,
    /// Bytes of publications that are here, in histories and for subscribers; each counts as 96 more.
    pub max_bytes: u64,
    /// A folder for what streams keep on [disk](StreamOptions::disk_bytes): in a file without a name, which goes with the publisher.
    pub disk: Option<PathBuf>,
    /// How long closing waits until what is for connected subscribers has arrived.
    pub linger: Duration,
}

impl Default for PublisherOptions {
    /// One stream of all subjects, `main`, which is not public, with a history of 10,000 publications, 64 MiB and an hour, and the last
    /// values of 10,000 subjects; open to everybody; a lease of 10 s, kept for a day, waited for a minute; gathers for 100 us; 10,000 subscribers with 10,000
    /// subscriptions each and 2,000,000 in all; 10,000 endpoints, 100 of users; publications of 16 MiB, 1 GiB in all; nothing on disk; a
    /// linger of 1 s.
    fn default() -> Self {
        Self {
            streams: vec![Self::stream("main", vec![Criterion::Prefix(Bytes::new())])],
            shared: None,
            plain: None,
            access: Access::Open,
            security: Security::default(),
            news: false,
            heartbeat: Heartbeat::default(),
            lease: Duration::from_secs(10),
            max_keep: Duration::from_secs(24 * 3600),
            max_hold: Duration::from_secs(60),
            gather: Duration::from_micros(100),
            max_subscribers: 10_000,
            max_subscriptions: 10_000,
            max_all_subscriptions: 2_000_000,
            max_endpoints: 10_000,
            max_plain: 100,
            max_size: 16 << 20,
            max_bytes: 1 << 30,
            disk: None,
            linger: Duration::from_secs(1),
        }
    }
}

impl PublisherOptions {
    /// A stream as the default one is, of these subjects.
    pub fn stream(name: &str, subjects: Vec<Criterion>) -> StreamOptions {
        StreamOptions {
            name: name.to_owned().into(),
            subjects,
            public: false,
            history: 10_000,
            history_bytes: 64 << 20,
            history_age: Duration::from_secs(3600),
            disk_bytes: 0,
            last_values: 10_000,
        }
    }

    fn machine(self, bind: &str) -> Result<(machine::PublisherOptions, Security, Duration)> {
        let options = machine::PublisherOptions {
            bind: bind.to_owned(),
            shared: self.shared,
            plain: self.plain,
            streams: self.streams,
            access: self.access,
            news: self.news,
            pace: self.heartbeat.pace()?,
            lease: self.lease,
            max_keep: self.max_keep,
            max_hold: self.max_hold,
            gather: self.gather,
            max_subscribers: self.max_subscribers,
            max_subscriptions: self.max_subscriptions,
            max_all_subscriptions: self.max_all_subscriptions,
            max_endpoints: self.max_endpoints,
            max_plain: self.max_plain,
            max_size: self.max_size,
            max_bytes: self.max_bytes,
            seed: crate::host::seed()?,
        };
        options.check()?;
        Ok((options, self.security, self.linger))
    }
}

/// What a publisher's program is told.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum PublisherEvent {
    /// Somebody says who he is, and is let in or not by [`Publisher::admit`] or [`Publisher::refuse`]; refused if that takes longer than
    /// [`Access::Ask`] says.
    Asked {
        /// For the answer.
        ask: Ask,
        /// By which it will be known.
        identity: Bytes,
        /// Who the security of its connection says that it is: a user's name, or a public key in Z85. Empty if there is none.
        user: Bytes,
        /// What it says itself.
        credential: Credential,
    },
    /// A subscriber is there that was not.
    Joined {
        /// By which it is known.
        identity: Bytes,
        /// Who it is.
        user: Bytes,
    },
    /// A subscriber has gone, or was silent for longer than its lease.
    Left {
        /// By which it is known.
        identity: Bytes,
        /// Who it is.
        user: Bytes,
    },
}

/// A question whether somebody may come in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ask(pub u64);

/// Publishes to its subscribers. Clones are the same publisher, and threads may share it; it closes when the last one is dropped.
#[derive(Clone)]
pub struct Publisher(Arc<Inner>);

struct Inner {
    host: Host<machine::Publisher>,
    endpoint: String,
    shared: Option<String>,
    plain: Option<String>,
    linger: Duration,
}

/// Where it is told that all has arrived.
const DRAINED: u64 = 0;

impl Publisher {
    /// A publisher to which subscribers connect at this endpoint.
    ///
    /// Beside the errors of its endpoints, [`ErrorKind::NotFound`] or [`ErrorKind::PermissionDenied`] if nothing can be made in the
    /// folder for what is kept on disk.
    pub fn bind(context: &Context, endpoint: &str, mut options: PublisherOptions) -> Result<Self> {
        let endpoints = [Some(endpoint), options.shared.as_deref(), options.plain.as_deref()];
        endpoints.into_iter().flatten().try_for_each(check_endpoint)?;
        let disk = options.disk.take();
        let (options, security, linger) = options.machine(endpoint)?;
        if disk.is_none() && options.streams.iter().any(|stream| stream.disk_bytes > 0) {
            let error = Error::new(
                ErrorKind::InvalidArgument,
                "a stream is to be kept on a disk, and there is no folder for it",
            );
            return Err(error.with("option", "disk"));
        }
        let store = disk.as_deref().map(Store::scratch).transpose()?;
        let (has_shared, has_plain) = (options.shared.is_some(), options.plain.is_some());
        let lane_of = |event: &Event| match event {
            Event::Room => Lane::Room,
            Event::Drained => Lane::Of(DRAINED),
            _ => Lane::Common,
        };
        let bounds = HostOptions { security, ..HostOptions::default() };
        let host = Host::start_with_lanes(context, machine::Publisher::new(options), bounds, lane_of, store)?;
        host.open_lane(DRAINED);
        let mut bound = || match crate::host::first_event(&host)? {
            Event::Bound { endpoint } => Ok(endpoint),
            Event::Failed(error) => Err(error),
            other => unreachable!("a publisher first tells where it is bound, not {other:?}"),
        };
        let endpoint = bound()?;
        let shared = has_shared.then(&mut bound).transpose()?;
        let plain = has_plain.then(bound).transpose()?;
        Ok(Self(Arc::new(Inner { host, endpoint, shared, plain, linger })))
    }

    /// Where subscribers connect, with the port that the system chose.
    pub fn endpoint(&self) -> &str {
        &self.0.endpoint
    }

    /// Where the shared path is. Subscribers are told.
    pub fn shared_endpoint(&self) -> Option<&str> {
        self.0.shared.as_deref()
    }

    /// Where plain SUB sockets connect.
    pub fn plain_endpoint(&self) -> Option<&str> {
        self.0.plain.as_deref()
    }

    /// Publishes: from now on it is the publisher's to see that each subscriber gets it, or is told.
    ///
    /// [`ErrorKind::Timeout`] if somebody for whom the publisher waits was slow until `deadline`, or publications took all memory;
    /// [`ErrorKind::NotFound`] if the subject is of no stream, [`ErrorKind::TooLarge`] beyond `max_size` or 255 frames,
    /// [`ErrorKind::InvalidArgument`] if the subject is none.
    pub fn publish<F: AsRef<[u8]>>(&self, subject: &[u8], frames: &[F], deadline: &Deadline) -> Result<()> {
        self.publish_many([Content::new(subject, frames)?], deadline).map(drop)
    }

    /// As [`publish`](Self::publish), several at once, in this order, which costs less than one by one. How many were taken: at least one,
    /// if there is one. What is wrong with the next, the next call says.
    pub fn publish_many(&self, all: impl Into<Arc<[Content]>>, deadline: &Deadline) -> Result<usize> {
        let all = all.into();
        let attempt =
            || match self.0.host.ask(PublisherCommand::Publish(Arc::clone(&all)), machine::Publisher::published)? {
                (0, Some(error)) if error.kind() == ErrorKind::Full => {
                    if deadline.is_now() {
                        Err(Error::new(ErrorKind::Timeout, error.message().to_owned()))
                    } else {
                        Ok(None)
                    }
                }
                (0, Some(error)) => Err(error),
                (count, _) => Ok(Some(count)),
            };
        self.0.host.when_room(deadline, attempt, machine::Publisher::is_full)
    }

    /// What happened, if somebody is to be [let in](Access::Ask) or [news](PublisherOptions::news) are wanted.
    /// [`ErrorKind::Timeout`] if nothing did until `deadline`.
    pub fn next(&self, deadline: &Deadline) -> Result<PublisherEvent> {
        loop {
            return Ok(match self.0.host.next(deadline)? {
                Event::Asked { ask, identity, user, credential } => {
                    PublisherEvent::Asked { ask: Ask(ask), identity, user, credential }
                }
                Event::Joined { identity, user } => PublisherEvent::Joined { identity, user },
                Event::Left { identity, user } => PublisherEvent::Left { identity, user },
                Event::Failed(error) => return Err(error),
                Event::Bound { .. } | Event::Room | Event::Drained => continue,
            });
        }
    }

    /// Lets somebody in, as this user, who may hear this. If the question is not open any more, nothing happens.
    pub fn admit(&self, ask: Ask, user: &[u8], rules: Rules) -> Result<()> {
        self.decide(ask, Ok((Bytes::copy_from_slice(user), rules)))
    }

    /// Does not let somebody in, and says why.
    pub fn refuse(&self, ask: Ask, text: &str) -> Result<()> {
        self.decide(ask, Err(refusal(ErrorKind::PermissionDenied, text)))
    }

    fn decide(&self, ask: Ask, decision: std::result::Result<(Bytes, Rules), Refusal>) -> Result<()> {
        self.0.host.command(PublisherCommand::Decide { ask: ask.0, decision })
    }

    /// From now on this is who may hear what, also instead of rules that were [set](Self::set_rules) for a user. What is not allowed any
    /// more does not leave after this returns, and who is no user any more is sent away.
    pub fn set_entitlements(&self, entitlements: Entitlements) -> Result<()> {
        self.0.host.ask(PublisherCommand::SetEntitlements(Box::new(entitlements)), |_| ())
    }

    /// From now on this user may hear that, also when it comes back; where the program is asked, it is then asked again. What is not
    /// allowed any more does not leave after this returns.
    pub fn set_rules(&self, user: &[u8], rules: Rules) -> Result<()> {
        self.0.host.ask(PublisherCommand::SetRules { user: Bytes::copy_from_slice(user), rules }, |_| ())
    }

    /// Opens an endpoint where plain SUB sockets hear what this user may, of all streams: the subject, and the frames; returns where it is,
    /// with the port that the system chose. Its rules are those that were [set](Self::set_rules), or else what entitlements say, and what
    /// they do not allow any more is not handed over after they changed.
    ///
    /// Whoever the publisher's [`security`](PublisherOptions::security) lets in may connect there, and not only this user. Nobody
    /// acknowledges: who is slow or away misses some of it, nobody is told, and `handed_over` of the [counters](Self::counters) is all
    /// that is known.
    ///
    /// [`ErrorKind::PermissionDenied`] if no rule allows this user anything, [`ErrorKind::Full`] beyond `max_plain`, or why the endpoint
    /// cannot be bound.
    pub fn open_plain(&self, user: &[u8], endpoint: &str) -> Result<String> {
        check_endpoint(endpoint)?;
        let (user, endpoint) = (Bytes::copy_from_slice(user), endpoint.to_owned());
        self.0.host.ask(PublisherCommand::OpenPlain { user, endpoint }, machine::Publisher::plain_outcome)?
    }

    /// Closes an endpoint that was [opened](Self::open_plain), by what that returned; its port is free a moment later.
    /// [`ErrorKind::NotFound`] if there is none.
    pub fn close_plain(&self, endpoint: &str) -> Result<()> {
        let endpoint = endpoint.to_owned();
        self.0.host.ask(PublisherCommand::ClosePlain { endpoint }, machine::Publisher::plain_outcome)?.map(drop)
    }

    /// Forgets this subscriber and what is for it; if it is connected it is told why.
    pub fn expel(&self, identity: &[u8], text: &str) -> Result<()> {
        let refusal = refusal(ErrorKind::PermissionDenied, text);
        self.0.host.ask(PublisherCommand::Expel { identity: Bytes::copy_from_slice(identity), refusal }, |_| ())
    }

    /// Asks for one notice when [`next`](Self::next) has something, or there is room to publish; what of that is so already.
    pub fn arm(&self, interest: Interest) -> Option<Interest> {
        let next = interest.contains(Interest::RECV) && self.0.host.arm();
        let room = interest.contains(Interest::SEND) && self.0.host.arm_room(machine::Publisher::is_full);
        match (next, room) {
            (true, true) => Some(Interest::BOTH),
            (true, false) => Some(Interest::RECV),
            (false, true) => Some(Interest::SEND),
            (false, false) => None,
        }
    }

    /// Readable after [`arm`](Self::arm) when what was asked for holds.
    pub fn ready_fd(&self) -> BorrowedFd<'_> {
        self.0.host.ready_fd()
    }

    /// Sets what is called instead of making [`ready_fd`](Self::ready_fd) readable. It returns at once and does not call back
    /// into the publisher.
    pub fn set_hook(&self, hook: Option<Hook>) {
        self.0.host.set_hook(hook);
    }

    /// What it did so far, and what became of what was published, for all subscribers together.
    pub fn counters(&self) -> Result<Counters> {
        self.0.host.with(machine::Publisher::counters)
    }

    /// Who is known, in the order of their identities, and what became of the publications for each.
    pub fn subscribers(&self) -> Result<Vec<SubscriberInfo>> {
        self.0.host.with(machine::Publisher::subscribers)
    }

    /// Whether the publisher has closed, by itself or with its context.
    pub fn is_closed(&self) -> bool {
        self.0.host.is_closed()
    }

    /// Takes no more, and waits at most for `linger` until what is for connected subscribers has arrived; then it says goodbye.
    pub fn close(&self, linger: Duration) {
        self.0.close(linger);
    }
}

impl Inner {
    fn close(&self, linger: Duration) {
        if !linger.is_zero() && self.host.command(PublisherCommand::Drain).is_ok() {
            // What has not arrived by then, or by the end of it all, is lost.
            let _ = self.host.next_in(DRAINED, &Deadline::after(linger));
        }
        self.host.close_after(PublisherCommand::Close);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close(self.linger);
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Publisher({})", self.0.endpoint)
    }
}

fn refusal(kind: ErrorKind, text: &str) -> Refusal {
    Refusal { kind, retry_after: Duration::ZERO, text: text.to_owned() }
}
