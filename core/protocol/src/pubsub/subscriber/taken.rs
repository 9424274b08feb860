//! What the program has taken, and when the publisher is told.

use super::{Number, StreamId, Subscriber, Subscription, Taken, Time, Wire};
use crate::pubsub::wire::MAX_LISTED;

impl Subscriber {
    pub(super) fn taken(&mut self, now: Time, all: Vec<Taken>) {
        for Taken { number, stream, up_to } in all {
            if let Some(view) = self.view(number, stream) {
                let (messages, bytes) = view.take(up_to);
                self.waiting = (self.waiting.0 - messages, self.waiting.1 - bytes);
                self.tell_soon(now, number, stream);
            }
        }
        if self.has_room() {
            for (number, stream) in std::mem::take(&mut self.behind) {
                self.ask(now, number, stream);
            }
        }
    }

    /// The publisher is told what was taken when it is a good part of what may be on its way, or after a while.
    pub(super) fn tell_soon(&mut self, now: Time, number: Number, stream: StreamId) {
        let Some(Subscription { options, views, .. }) = self.subscriptions.get(&number) else { return };
        let Some(view) = views.get(&stream).filter(|view| view.is_untold()) else { return };
        let messages = u64::from(self.options.max_messages.min(options.policy.max_messages)).div_ceil(4);
        let bytes = u64::from(self.options.max_bytes).min(options.policy.max_bytes).div_ceil(4);
        let is_enough = view.untold_messages() >= messages || view.untold_bytes >= bytes;
        self.untold.insert((number, stream));
        if is_enough {
            self.tell(now);
        } else {
            self.tell_at.get_or_insert(now + self.options.pace.interval);
        }
    }

    pub(super) fn tell(&mut self, now: Time) {
        self.tell_at = None;
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
