//! What a publisher did, and what became of what was for each subscriber.

use std::{
    ffi::{c_char, c_int},
    mem::offset_of,
};

use zpatterns::pubsub::{Books, Counters, SubscriberInfo};

use super::publisher::{handle, zpat_publisher_t};
use crate::{
    arguments::{fill_growing, named, write_growing},
    error::entry,
};

/// Room for the longest identity, user or name of a stream and a zero.
pub const ZPAT_PUBSUB_NAME_SIZE: usize = 256;

/// What a publisher did so far, and what became of what it published, for all subscribers together. Always: `accepted`
/// is `delivered`, `held` and all `lost_` together. Start from `ZPAT_PUBLISHER_COUNTERS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_publisher_counters_t {
    /// `sizeof(zpat_publisher_counters_t)`.
    pub struct_size: usize,
    /// Publications that were taken.
    pub published: u64,
    /// Not taken, because somebody for whom the publisher waits is slow.
    pub refused_full: u64,
    /// Publications that were to be delivered, for each subscriber; of a public stream that is heard over the shared
    /// path, all.
    pub accepted: u64,
    /// Taken by a subscriber's program.
    pub delivered: u64,
    /// Sent once more, because nobody knew whether they had arrived; counts how often.
    pub redelivered: u64,
    /// Lost because the subscriber did not take what it was sent.
    pub lost_slow: u64,
    /// Lost because the subscriber asked too late: the history has them no more.
    pub lost_history: u64,
    /// Lost because rules changed, or the subscriber was sent away.
    pub lost_revoked: u64,
    /// Lost because the subscriber went, or was silent for too long.
    pub lost_gone: u64,
    /// Lost because the publisher was closed.
    pub lost_closed: u64,
    /// On their way, or waiting for it.
    pub held: u64,
    /// Publications that were sent again because the shared path had lost them.
    pub repaired: u64,
    /// Subscribers that are connected.
    pub subscribers: u64,
    /// Subscriptions, with those of subscribers that are away.
    pub subscriptions: u64,
    /// Subscribers and subscriptions that were refused.
    pub denied: u64,
    /// Messages over a connection of another user than their subscriber's.
    pub forged: u64,
    /// Messages that made no sense.
    pub malformed: u64,
    /// Bytes of publications that are here.
    pub bytes: u64,
    /// Bytes of publications on disk, or on their way there.
    pub disk_bytes: u64,
    /// How often the disk did not take, or give back, a block of them.
    pub disk_errors: u64,
    /// Those who came and went, of which the program was not told because it takes too little of what it is told.
    pub dropped_news: u64,
    /// Endpoints of users, for plain SUB sockets, that are open.
    pub plain_endpoints: u64,
    /// How often a publication was handed over to ZeroMQ for plain SUB sockets, once for each endpoint; what becomes of
    /// it, nobody knows.
    pub handed_over: u64,
}

impl zpat_publisher_counters_t {
    const ENDS: &'static [usize] = &[offset_of!(Self, handed_over) + size_of::<u64>()];

    fn of(counters: &Counters) -> Self {
        let Counters {
            published,
            refused_full,
            books: Books { accepted, delivered, redelivered, lost, held },
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
        } = *counters;
        let [lost_slow, lost_history, lost_revoked, lost_gone, lost_closed] = lost;
        Self {
            struct_size: size_of::<Self>(),
            published,
            refused_full,
            accepted,
            delivered,
            redelivered,
            lost_slow,
            lost_history,
            lost_revoked,
            lost_gone,
            lost_closed,
            held,
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
        }
    }
}

/// A subscriber that is known to a publisher, and what became of the publications for it. Start from
/// `ZPAT_PUBLISHER_SUBSCRIBER_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_publisher_subscriber_t {
    /// `sizeof(zpat_publisher_subscriber_t)`.
    pub struct_size: usize,
    /// By which it is known, with a zero at the end. It is whatever bytes somebody sent: not always text, and zeros may
    /// be among them.
    pub identity: [c_char; ZPAT_PUBSUB_NAME_SIZE],
    /// Length of that, without the zero at its end.
    pub identity_len: u64,
    /// Who it is, with a zero at the end, of whatever bytes; cut if it is longer than 255.
    pub user: [c_char; ZPAT_PUBSUB_NAME_SIZE],
    /// Length of that, without the zero at its end.
    pub user_len: u64,
    /// 1 if it is connected, else 0.
    pub connected: i64,
    /// How many subscriptions it has.
    pub subscriptions: u64,
    /// The books, as in `zpat_publisher_counters_t`, from here on.
    pub accepted: u64,
    /// Taken by its program.
    pub delivered: u64,
    /// Sent once more; counts how often.
    pub redelivered: u64,
    /// Lost because it was slow.
    pub lost_slow: u64,
    /// Lost because the history has them no more.
    pub lost_history: u64,
    /// Lost because rules changed.
    pub lost_revoked: u64,
    /// Lost because it went.
    pub lost_gone: u64,
    /// Lost because the publisher was closed.
    pub lost_closed: u64,
    /// On their way, or waiting for it.
    pub held: u64,
}

impl zpat_publisher_subscriber_t {
    const ENDS: &'static [usize] = &[offset_of!(Self, held) + size_of::<u64>()];

    fn of(info: &SubscriberInfo, struct_size: usize) -> Self {
        let SubscriberInfo { identity, user, connected, subscriptions, books } = info;
        // Without security it is the peer that says how long this is.
        let user = &user[..user.len().min(ZPAT_PUBSUB_NAME_SIZE - 1)];
        let Books { accepted, delivered, redelivered, lost, held } = *books;
        let [lost_slow, lost_history, lost_revoked, lost_gone, lost_closed] = lost;
        Self {
            struct_size,
            identity: named(identity),
            identity_len: identity.len() as u64,
            user: named(user),
            user_len: user.len() as u64,
            connected: (*connected).into(),
            subscriptions: *subscriptions,
            accepted,
            delivered,
            redelivered,
            lost_slow,
            lost_history,
            lost_revoked,
            lost_gone,
            lost_closed,
            held,
        }
    }
}

/// Writes what the publisher did so far into `counters`, whose `struct_size` the caller has set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_counters(
    publisher: *const zpat_publisher_t,
    counters: *mut zpat_publisher_counters_t,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let counted = zpat_publisher_counters_t::of(&unsafe { handle(publisher) }?.counters()?);
        // SAFETY: C's promise.
        unsafe { fill_growing(counters, counted, zpat_publisher_counters_t::ENDS) }.map(|()| 0)
    })
}

/// Writes which subscribers are known, in the order of their identities, and what became of the publications for each,
/// into `out`, an array of `most` elements; `struct_size` of the first is set, and holds for all. Returns how many
/// there are: if that is more than `most`, the last ones were not written. `out` may be NULL if `most` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_subscribers(
    publisher: *const zpat_publisher_t,
    out: *mut zpat_publisher_subscriber_t,
    most: usize,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let all = unsafe { handle(publisher) }?.subscribers()?;
        // SAFETY: C's promise.
        unsafe { write_growing(out, most, zpat_publisher_subscriber_t::ENDS, &all, zpat_publisher_subscriber_t::of) }
    })
}

#[cfg(test)]
mod tests {
    use zpatterns::pubsub::LostReason;

    use super::*;

    #[test]
    fn the_sizes_known_are_those_of_the_structures() {
        assert_eq!(zpat_publisher_counters_t::ENDS.last(), Some(&size_of::<zpat_publisher_counters_t>()));
        assert_eq!(zpat_publisher_subscriber_t::ENDS.last(), Some(&size_of::<zpat_publisher_subscriber_t>()));
    }

    #[test]
    fn what_is_lost_is_counted_under_its_reason() {
        let names = LostReason::ALL.iter().map(|reason| reason.name()).collect::<Vec<_>>();
        assert_eq!(names, ["slow", "history", "revoked", "gone", "closed"]);
    }

    #[test]
    fn a_user_that_is_too_long_is_cut() {
        let info = SubscriberInfo {
            identity: "x".into(),
            user: vec![b'u'; 1000].into(),
            connected: true,
            subscriptions: 0,
            books: Books::default(),
        };
        assert_eq!(zpat_publisher_subscriber_t::of(&info, 0).user_len, 255);
    }
}
