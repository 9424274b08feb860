//! A session with the publisher begins, and views with it.

use super::{
    Number, Start, StreamId, Subscribe, Subscriber, SubscriberEvent, Subscription, Time, View, ViewStart, Welcome,
    Wire, WireStart,
};

impl Subscriber {
    pub(super) fn welcomed(&mut self, now: Time, welcome: Welcome) {
        if self.epoch != 0 && self.epoch != welcome.epoch {
            self.counters.restarts += 1;
            let numbers: Vec<Number> = self.subscriptions.keys().copied().collect();
            numbers.into_iter().for_each(|number| self.forget_views(number));
            self.notice(SubscriberEvent::Restarted);
        }
        self.epoch = welcome.epoch;
        self.tries = self.options.pace.limit;
        self.streams.clone_from(&welcome.streams);
        self.notice(SubscriberEvent::Connected { streams: welcome.streams.clone() });
        self.welcome = Some(welcome);
        let numbers: Vec<Number> = self.subscriptions.keys().copied().collect();
        numbers.into_iter().for_each(|number| self.subscribe(now, number));
    }

    /// Says what it wants, from where it is.
    pub(super) fn subscribe(&mut self, now: Time, number: Number) {
        if self.welcome.is_none() {
            return;
        }
        let Some(Subscription { options, established, views }) = self.subscriptions.get(&number) else { return };
        let start = if *established {
            let name = |stream: &StreamId| self.streams.get(usize::from(*stream)).cloned();
            let numbers = views.iter().filter_map(|(stream, view)| Some((name(stream)?, view.last))).collect();
            WireStart::After { epoch: self.epoch, numbers }
        } else {
            match options.start {
                Start::Now => WireStart::Now,
                Start::LastValues => WireStart::LastValues,
                Start::Last(count) => WireStart::Last(count),
            }
        };
        let (criterion, policy, shared) = (options.criterion.clone(), options.policy, options.shared);
        self.send(now, Wire::Subscribe(Subscribe { number, criterion, start, policy, shared }));
    }

    pub(super) fn subscribed(&mut self, now: Time, number: Number, views: Vec<ViewStart>) {
        let Some(subscription) = self.subscriptions.get_mut(&number) else {
            // It was given up meanwhile.
            return;
        };
        let is_new = !std::mem::replace(&mut subscription.established, true);
        if is_new {
            self.notice(SubscriberEvent::Subscribed { number });
        }
        for ViewStart { stream, shared, after } in views {
            if usize::from(stream) >= self.streams.len() {
                self.counters.malformed += 1;
                continue;
            }
            let Some(subscription) = self.subscriptions.get_mut(&number) else { return };
            let view = subscription.views.entry(stream).or_insert_with(|| View::new(after));
            view.begin(shared, after);
            let sharing = self.sharing.entry(stream).or_default();
            if shared {
                sharing.insert(number);
            } else {
                sharing.remove(&number);
            }
            if after > view.last {
                // Nobody says what is between.
                let missed = view.skip(number, stream, after);
                self.tell_missed(missed);
            }
        }
        let Some(subscription) = self.subscriptions.get(&number) else { return };
        let all: Vec<StreamId> = subscription.views.keys().copied().collect();
        let shared: Vec<StreamId> =
            subscription.views.iter().filter(|(_, view)| view.shared).map(|(stream, _)| *stream).collect();
        for stream in all {
            self.tell_soon(now, number, stream);
        }
        for stream in shared {
            self.hear(stream);
            // What is in the past is asked for at the next heartbeat, or when the next publication comes.
            self.ask(now, number, stream);
        }
    }
}
