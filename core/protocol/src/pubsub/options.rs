//! How publishers and subscribers are set up.

use std::time::Duration;

use bytes::Bytes;

use super::{Credential, Criterion, Entitlements, wire::Policy};
use crate::{Error, ErrorKind, Result, liveness::Pace};

/// The longest token, in bytes.
const MAX_TOKEN: usize = 16 * 1024;

/// The largest publication, in bytes of its frames: 1 GiB.
pub const MAX_SIZE: usize = 1 << 30;

/// Publications with numbers of their own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamOptions {
    /// Its name, of 1 to 255 bytes.
    pub name: Bytes,
    /// Which subjects belong to it, unless they belong to a stream before it.
    pub subjects: Vec<Criterion>,
    /// Everybody may hear it, over the shared path.
    pub public: bool,
    /// How many of the last publications are kept for those who come late, or missed some.
    pub history: usize,
    /// Bytes of those.
    pub history_bytes: usize,
    /// For how long they are kept, unless somebody is waited for who has yet to take them.
    pub history_age: Duration,
    /// Bytes of those before them that are kept on disk: for subscriptions that spill, and for who lost some of the shared path. 0 is
    /// nothing on disk.
    pub disk_bytes: u64,
    /// Of how many subjects the last publication is kept in any case.
    pub last_values: usize,
}

/// How a publisher is set up.
#[derive(Clone, Debug)]
pub struct PublisherOptions {
    /// Where subscribers connect to.
    pub bind: String,
    /// Where the shared path is; without, public streams are sent to each subscriber by itself.
    pub shared: Option<String>,
    /// Where plain SUB sockets hear public streams.
    pub plain: Option<String>,
    /// The streams, in the order in which they are asked whether a subject is theirs.
    pub streams: Vec<StreamOptions>,
    /// Who may hear what.
    pub access: Access,
    /// The program is told who comes and goes.
    pub news: bool,
    /// How often connections are proved.
    pub pace: Pace,
    /// For how long a subscriber is remembered after its last sign of life.
    pub lease: Duration,
    /// The longest `keep` that a subscriber gets.
    pub max_keep: Duration,
    /// For how long the publisher waits for a subscription that takes nothing: then it loses the oldest, until it takes again.
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
    /// Endpoints of users, for plain SUB sockets.
    pub max_plain: usize,
    /// Bytes of a publication.
    pub max_size: usize,
    /// Bytes of publications that are here, in histories and for subscribers.
    pub max_bytes: u64,
    /// From which session numbers and the epoch follow.
    pub seed: u64,
}

/// Who may hear what.
#[derive(Clone, Debug)]
pub enum Access {
    /// Everybody may hear everything.
    Open,
    /// As it is written.
    Entitlements(Box<Entitlements>),
    /// The program is asked, each time a subscriber says who it is; it has so long for its answer, which is no if there is none.
    Ask(Duration),
}

impl PublisherOptions {
    /// Checks what an application may get wrong.
    pub fn check(&self) -> Result<()> {
        if self.streams.is_empty() || self.streams.len() > 1000 {
            return wrong("a publisher has 1 to 1,000 streams", "streams");
        }
        for stream in &self.streams {
            if stream.name.is_empty() || stream.name.len() > 255 {
                return wrong("the name of a stream has 1 to 255 bytes", "streams");
            }
            if self.streams.iter().filter(|other| other.name == stream.name).count() > 1 {
                return wrong("two streams have the same name", "streams");
            }
        }
        if self.lease < self.pace.patience() {
            return wrong("a lease is not shorter than the heartbeat's patience", "lease");
        }
        if self.max_size == 0 || self.max_size > MAX_SIZE {
            return wrong("a publication has at most 1 GiB", "max_size");
        }
        Ok(())
    }
}

/// How a subscriber is set up.
#[derive(Clone, Debug)]
pub struct SubscriberOptions {
    /// The publisher.
    pub connect: String,
    /// Where the shared path is, if not where the publisher says: a proxy's address, for example.
    pub shared: Option<String>,
    /// Where it wants what is for it alone, if not over the connection to the publisher: an endpoint that it binds.
    pub endpoint: Option<String>,
    /// By which it is known when it comes back after its lease has ended; without, it is not.
    pub name: Option<Bytes>,
    /// For how long the publisher keeps what is for it after that.
    pub keep: Duration,
    /// Who it is.
    pub credential: Credential,
    /// How a silent publisher is noticed.
    pub pace: Pace,
    /// Publications that may be here, and not yet taken by the program.
    pub max_messages: u32,
    /// Bytes of those.
    pub max_bytes: u32,
    /// It dies of being late.
    pub snail: Option<Snail>,
    /// From which session numbers follow.
    pub seed: u64,
}

/// When a subscriber dies of being late.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Snail {
    /// When its program has not taken so many publications of a view that it knows of.
    pub max_lag: u64,
    /// When its program has not taken for so long what it knows of.
    pub max_age: Duration,
}

impl SubscriberOptions {
    /// Checks what an application may get wrong.
    pub fn check(&self) -> Result<()> {
        if self.name.as_ref().is_some_and(|name| name.is_empty() || name.len() > 200) {
            return wrong("a subscriber's name has 1 to 200 bytes", "name");
        }
        if self.max_messages == 0 || self.max_bytes == 0 {
            return wrong("a subscriber has room for something", "max_messages");
        }
        let sound = match &self.credential {
            Credential::None => true,
            Credential::Password { user, password } => user.len() <= 255 && password.len() <= 255,
            Credential::Token(token) => token.len() <= MAX_TOKEN,
        };
        if !sound {
            return wrong("names and passwords have at most 255 bytes, tokens 16 KiB", "credential");
        }
        Ok(())
    }
}

/// What a subscription asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SubscriptionOptions {
    /// These subjects.
    pub criterion: Criterion,
    /// From here on.
    pub start: Start,
    /// What is done when it is slow.
    pub policy: Policy,
    /// Public streams come over the shared path, if there is one.
    pub shared: bool,
}

/// Where a subscription begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// With what is published next.
    Now,
    /// With the last publication of each subject. What follows is sent to this subscriber by itself, also of public streams.
    LastValues,
    /// With the last so many of each stream.
    Last(u32),
}

fn wrong<T>(text: &'static str, option: &'static str) -> Result<T> {
    Err(Error::new(ErrorKind::InvalidArgument, text).with("option", option))
}
