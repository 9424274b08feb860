//! What happened to publications, in the words used everywhere.

use bytes::Bytes;

use super::wire::Number;

crate::reasons::reasons! {
    /// Why a subscriber does not get what it was to have. On the wire by its place.
    LostReason
    /// It did not take what it was sent, and its policy has a bound.
    Slow = "slow";
    /// It asked too late: the publisher's history has it no more.
    History = "history";
    /// Rules changed, and it may not hear that any more, or it was sent away.
    Revoked = "revoked";
    /// It went, or was silent for too long.
    Gone = "gone";
    /// The publisher was closed.
    Closed = "closed";
}

/// What became of the publications of a view, or of several: `accepted = delivered + lost + held`, always.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Books {
    /// Publications that were to be delivered. Of a public stream that is heard over the shared path, all.
    pub accepted: u64,
    /// Taken by the subscriber's program.
    pub delivered: u64,
    /// Sent once more, because nobody knew whether they had arrived; counts how often.
    pub redelivered: u64,
    /// Lost, by [`LostReason`].
    pub lost: [u64; LostReason::ALL.len()],
    /// On their way, or waiting for it.
    pub held: u64,
}

impl Books {
    /// Lost for whatever reason.
    pub fn all_lost(&self) -> u64 {
        self.lost.iter().sum()
    }

    /// Whether they balance.
    pub fn balances(&self) -> bool {
        self.accepted == self.delivered + self.all_lost() + self.held
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.delivered += other.delivered;
        self.redelivered += other.redelivered;
        self.held += other.held;
        for (lost, more) in self.lost.iter_mut().zip(other.lost) {
            *lost += more;
        }
    }

    pub(super) fn lose(&mut self, count: u64, reason: LostReason) {
        self.lost[reason as usize] += count;
    }
}

/// What a publisher did so far.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Counters {
    /// Publications that were taken.
    pub published: u64,
    /// Not taken, because somebody for whom the publisher waits is slow.
    pub refused_full: u64,
    /// What became of them, for all subscribers together.
    pub books: Books,
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
    /// How often a publication was handed over to ZeroMQ for plain SUB sockets, once for each endpoint; what becomes of it, nobody knows.
    pub handed_over: u64,
}

/// A subscriber that is known to the publisher.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SubscriberInfo {
    /// By which it is known.
    pub identity: Bytes,
    /// Who it is.
    pub user: Bytes,
    /// It is connected.
    pub connected: bool,
    /// How many subscriptions it has.
    pub subscriptions: u64,
    /// What became of the publications for it.
    pub books: Books,
}

/// What a subscriber got so far.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct SubscriberCounters {
    /// Given to the program.
    pub delivered: u64,
    /// Publications of which it was told that it missed them; of a range of which nobody knows how many were in it, all numbers.
    pub missed: u64,
    /// Publications that came privately because the shared path had lost them.
    pub repaired: u64,
    /// What came twice.
    pub duplicates: u64,
    /// Publications that are here, and not yet taken by the program.
    pub waiting: u64,
    /// Bytes of those.
    pub waiting_bytes: u64,
    /// How often the publisher was found to have started anew.
    pub restarts: u64,
    /// Messages that made no sense.
    pub malformed: u64,
}

/// A view as the subscriber has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ViewInfo {
    /// The subscription.
    pub subscription: Number,
    /// The name of the stream.
    pub stream: Bytes,
    /// It comes over the shared path.
    pub shared: bool,
    /// The last number that was given to the program, or missed.
    pub last: u64,
}
