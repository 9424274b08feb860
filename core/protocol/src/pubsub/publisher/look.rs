//! What a publisher can be asked.

use super::{Books, Counters, LostReason, Publisher, Subscription};
use crate::pubsub::SubscriberInfo;

impl Publisher {
    /// What it did so far.
    pub fn counters(&self) -> Counters {
        let mut books = self.past;
        self.subscriptions.iter().for_each(|(_, subscription)| books.add(&self.books_of(subscription)));
        Counters {
            books,
            subscribers: self.sessions.len() as u64,
            subscriptions: self.subscriptions.len() as u64,
            plain_endpoints: self.plain_endpoints(),
            bytes: self.live.bytes(),
            disk_bytes: self.streams.iter().map(|stream| stream.history.archived()).sum(),
            ..self.counters
        }
    }

    /// Who is known, in the order of their identities.
    pub fn subscribers(&self) -> Vec<SubscriberInfo> {
        let info = |(identity, member): (&bytes::Bytes, &super::Member)| {
            let mut books = Books::default();
            for route in member.subscriptions.values() {
                books.add(&self.books_of(&self.subscriptions[*route as usize]));
            }
            SubscriberInfo {
                identity: identity.clone(),
                user: member.user.clone(),
                connected: member.session.is_some(),
                subscriptions: member.subscriptions.len() as u64,
                books,
            }
        };
        self.members.iter().map(info).collect()
    }

    /// The last number of each stream.
    pub fn heads(&self) -> Vec<u64> {
        self.streams.iter().map(|stream| stream.history.last()).collect()
    }

    fn books_of(&self, subscription: &Subscription) -> Books {
        let mut books = Books::default();
        for view in &subscription.views {
            books.add(&view.books(self.streams[usize::from(view.stream)].history.last()));
        }
        if self.closed {
            // Nobody gets it any more.
            let held = std::mem::take(&mut books.held);
            books.lose(held, LostReason::Closed);
        }
        books
    }
}
