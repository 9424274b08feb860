//! Counters of publishers and subscribers. Every counter of core is named here: one more there does not compile.

use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use zpatterns::pubsub::{Books, Counters, SubscriberCounters, SubscriberInfo, ViewInfo};

use crate::packing::text;

/// What a publisher did, and what became of what it published.
#[napi(object)]
pub struct PublisherCounts {
    /// Publications that were taken.
    pub published: f64,
    /// Not taken, because somebody for whom the publisher waits is slow.
    pub refused_full: f64,
    /// Publications that were to be delivered, for all subscribers together.
    pub accepted: f64,
    /// Taken by a subscriber's program.
    pub delivered: f64,
    /// Sent once more.
    pub redelivered: f64,
    /// Lost: not taken in time.
    pub lost_slow: f64,
    /// Lost: asked for too late.
    pub lost_history: f64,
    /// Lost: not allowed any more.
    pub lost_revoked: f64,
    /// Lost: the subscriber went.
    pub lost_gone: f64,
    /// Lost: the publisher was closed.
    pub lost_closed: f64,
    /// On their way.
    pub held: f64,
    /// Sent again because the shared path had lost them.
    pub repaired: f64,
    /// Subscribers that are connected.
    pub subscribers: f64,
    /// Subscriptions.
    pub subscriptions: f64,
    /// Subscribers and subscriptions that were refused.
    pub denied: f64,
    /// Messages over a connection of another user.
    pub forged: f64,
    /// Messages that made no sense.
    pub malformed: f64,
    /// Bytes of publications that are here.
    pub bytes: f64,
    /// Bytes of publications on disk.
    pub disk_bytes: f64,
    /// Blocks that the disk did not take, or give back.
    pub disk_errors: f64,
    /// News that the program did not take in time.
    pub dropped_news: f64,
    /// Endpoints of users, for plain sockets.
    pub plain_endpoints: f64,
    /// Publications that were handed over for plain sockets.
    pub handed_over: f64,
}

impl From<Counters> for PublisherCounts {
    fn from(counters: Counters) -> Self {
        let Counters {
            published,
            refused_full,
            books,
            repaired,
            subscribers,
            subscriptions,
            denied,
            forged,
            malformed,
            bytes,
            disk_bytes,
            disk_errors,
            dropped_news,
            plain_endpoints,
            handed_over,
        } = counters;
        let Books { accepted, delivered, redelivered, lost: [slow, history, revoked, gone, closed], held } = books;
        Self {
            published: published as f64,
            refused_full: refused_full as f64,
            accepted: accepted as f64,
            delivered: delivered as f64,
            redelivered: redelivered as f64,
            lost_slow: slow as f64,
            lost_history: history as f64,
            lost_revoked: revoked as f64,
            lost_gone: gone as f64,
            lost_closed: closed as f64,
            held: held as f64,
            repaired: repaired as f64,
            subscribers: subscribers as f64,
            subscriptions: subscriptions as f64,
            denied: denied as f64,
            forged: forged as f64,
            malformed: malformed as f64,
            bytes: bytes as f64,
            disk_bytes: disk_bytes as f64,
            disk_errors: disk_errors as f64,
            dropped_news: dropped_news as f64,
            plain_endpoints: plain_endpoints as f64,
            handed_over: handed_over as f64,
        }
    }
}

/// A subscriber that a publisher knows, and what became of the publications for it.
#[napi(object)]
pub struct SubscriberRow {
    /// By which it is known.
    pub identity: Buffer,
    /// Who it is.
    pub user: Buffer,
    /// Whether it is connected.
    pub connected: bool,
    /// How many subscriptions it has.
    pub subscriptions: f64,
    /// Publications that were to be delivered.
    pub accepted: f64,
    /// Taken by its program.
    pub delivered: f64,
    /// Sent once more.
    pub redelivered: f64,
    /// Lost: not taken in time.
    pub lost_slow: f64,
    /// Lost: asked for too late.
    pub lost_history: f64,
    /// Lost: not allowed any more.
    pub lost_revoked: f64,
    /// Lost: it went.
    pub lost_gone: f64,
    /// Lost: the publisher was closed.
    pub lost_closed: f64,
    /// On their way.
    pub held: f64,
}

impl From<SubscriberInfo> for SubscriberRow {
    fn from(info: SubscriberInfo) -> Self {
        let SubscriberInfo { identity, user, connected, subscriptions, books } = info;
        let Books { accepted, delivered, redelivered, lost: [slow, history, revoked, gone, closed], held } = books;
        Self {
            identity: identity.to_vec().into(),
            user: user.to_vec().into(),
            connected,
            subscriptions: subscriptions as f64,
            accepted: accepted as f64,
            delivered: delivered as f64,
            redelivered: redelivered as f64,
            lost_slow: slow as f64,
            lost_history: history as f64,
            lost_revoked: revoked as f64,
            lost_gone: gone as f64,
            lost_closed: closed as f64,
            held: held as f64,
        }
    }
}

/// What a subscriber got.
#[napi(object)]
pub struct SubscriberCounts {
    /// Given to the program.
    pub delivered: f64,
    /// Publications of which it was told that it missed them.
    pub missed: f64,
    /// Publications that came privately because the shared path had lost them.
    pub repaired: f64,
    /// What came twice.
    pub duplicates: f64,
    /// Publications that are here, and not yet taken.
    pub waiting: f64,
    /// Bytes of those.
    pub waiting_bytes: f64,
    /// How often the publisher was found to have started anew.
    pub restarts: f64,
    /// Messages that made no sense.
    pub malformed: f64,
}

impl From<SubscriberCounters> for SubscriberCounts {
    fn from(counters: SubscriberCounters) -> Self {
        let SubscriberCounters { delivered, missed, repaired, duplicates, waiting, waiting_bytes, restarts, malformed } =
            counters;
        Self {
            delivered: delivered as f64,
            missed: missed as f64,
            repaired: repaired as f64,
            duplicates: duplicates as f64,
            waiting: waiting as f64,
            waiting_bytes: waiting_bytes as f64,
            restarts: restarts as f64,
            malformed: malformed as f64,
        }
    }
}

/// How far a subscription is in a stream.
#[napi(object)]
pub struct ViewRow {
    /// The subscription.
    pub subscription: u32,
    /// The stream.
    pub stream: String,
    /// Whether it comes over the shared path.
    pub shared: bool,
    /// The last number that was given to the program, or missed.
    pub last: f64,
}

impl From<ViewInfo> for ViewRow {
    fn from(view: ViewInfo) -> Self {
        let ViewInfo { subscription, stream, shared, last } = view;
        Self { subscription, stream: text(&stream), shared, last: last as f64 }
    }
}
