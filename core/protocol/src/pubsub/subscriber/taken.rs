//! What the program has taken, and when the publisher is told.

use super::{Number, StreamId, Subscriber, Subscription, Taken, Time, Wire};
use crate::pubsub::wire::MAX_LISTED;

impl Subscriber {
    pub(super) fn taken(&mut self, now: Time, all: Vec<Taken>) {
        let mut is_enough = false;
        for Taken { number, stream, up_to } in all {
            if let Some(view) = self.view(number, stream) {
                let (messages, bytes) = view.take(up_to);
                self.waiting = (self.waiting.0 - messages, self.waiting.1 - bytes);
                self.untold_in_all = (self.untold_in_all.0 + messages, self.untold_in_all.1 + bytes);
                is_enough |= self.is_to_be_told(now, number, stream);
            }
        }
        if is_enough {
            self.tell(now);
        }
        if self.has_room() {
            for (number, stream) in std::mem::take(&mut self.behind) {
                self.ask(now, number, stream);
            }
        }
    }

    /// The publisher is told how far a view is, now or after a while.
    pub(super) fn tell_soon(&mut self, now: Time, number: Number, stream: StreamId) {
        if self.is_to_be_told(now, number, stream) {
            self.tell(now);
        }
    }

    /// Whether what was taken is a good part of what may be on its way, of this view or of all: then the publisher is told of all that
    /// was taken. Else it is told after a while.
    fn is_to_be_told(&mut self, now: Time, number: Number, stream: StreamId) -> bool {
        let Some(Subscription { options, views, .. }) = self.subscriptions.get(&number) else { return false };
        let Some(view) = views.get(&stream).filter(|view| view.is_untold()) else { return false };
        let window = (u64::from(self.options.max_messages), u64::from(self.options.max_bytes));
        let bound = (window.0.min(options.policy.max_messages.into()), window.1.min(options.policy.max_bytes));
        let is_much = |(messages, bytes): (u64, u64), (most, most_bytes): (u64, u64)| {
            messages >= most.div_ceil(4) || bytes >= most_bytes.div_ceil(4)
        };
        self.untold.insert((number, stream));
        self.tell_at.get_or_insert(now + self.options.pace.interval);
        is_much(view.untold(), bound) || is_much(self.untold_in_all, window)
    }

    pub(super) fn tell(&mut self, now: Time) {
        (self.tell_at, self.untold_in_all) = (None, (0, 0));
        if self.welcome.is_none() {
            return;
        }
        let mut all = Vec::new();
        for (number, stream) in std::mem::take(&mut self.untold) {
            if let Some(view) = self.view(number, stream) {
                all.push(Taken { number, stream, up_to: view.tell() });
            }
        }
        let lists: Vec<Vec<Taken>> = all.chunks(MAX_LISTED).map(<[Taken]>::to_vec).collect();
        lists.into_iter().for_each(|list| self.send(now, Wire::Taken(list)));
    }
}
