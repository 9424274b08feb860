//! What subscribers want, and how far they are.

use std::sync::Arc;

use super::{LinkId, LostReason, Message, Publisher, RouteId, Rules, Subscription, Time, View, rights};
use crate::{
    ErrorKind, Refusal,
    pubsub::{
        followers::Place,
        view::Offered,
        wire::{Number, Policy, Slow, Subscribe, Taken, ViewStart, WireStart},
    },
};

impl Publisher {
    /// A subscriber wants something.
    pub(super) fn subscribe(&mut self, now: Time, link: LinkId, wanted: Subscribe) {
        let number = wanted.number;
        match self.try_subscribe(now, link, wanted) {
            Ok(route) => {
                let views = self.subscriptions[route as usize].views.iter();
                let views = views
                    .map(|view| ViewStart { stream: view.stream, shared: view.shared, after: view.after() })
                    .collect();
                let delivery = self.sessions[&link].delivery;
                self.send(now, delivery, Message::Subscribed { number, views });
                self.ready(route);
            }
            Err(refusal) => {
                self.counters.denied += 1;
                let delivery = self.sessions[&link].delivery;
                self.send(now, delivery, Message::Rejected { number, refusal });
            }
        }
    }

    fn try_subscribe(&mut self, now: Time, link: LinkId, wanted: Subscribe) -> Result<RouteId, Refusal> {
        let refuse = |kind, text| Err(Refusal::new(kind, text));
        let session = &self.sessions[&link];
        let identity = session.identity.clone();
        if session.numbers.contains_key(&wanted.number) {
            return refuse(ErrorKind::InvalidArgument, "the number is in use");
        }
        let member = &self.members[&identity];
        if let Some(route) = member.subscriptions.get(&wanted.criterion).copied() {
            if self.subscriptions[route as usize].session.is_some() {
                return refuse(ErrorKind::WrongState, "that is subscribed to already");
            }
            self.resume(link, route, &wanted);
            return Ok(route);
        }
        if member.subscriptions.len() >= self.options.max_subscriptions
            || self.subscriptions.len() >= self.options.max_all_subscriptions
        {
            return refuse(ErrorKind::Full, "too many subscriptions");
        }
        let rules = Arc::clone(&member.rules);
        let has_some =
            |stream: &usize| self.streams[*stream].subjects.iter().any(|subjects| subjects.overlaps(&wanted.criterion));
        let streams: Vec<usize> = (0..self.streams.len()).filter(has_some).collect();
        if streams.is_empty() {
            return refuse(ErrorKind::NotFound, "no stream has such subjects");
        }
        let is_on_disk = |stream: &usize| self.streams[*stream].history.has_archive();
        if wanted.policy.slow == Slow::Spill && !streams.iter().any(is_on_disk) {
            return refuse(ErrorKind::Unsupported, "the publisher keeps nothing of this on a disk");
        }
        // What is public is there for everybody; of the others each publication is looked at.
        if !rules.may_some(&wanted.criterion) && !streams.iter().any(|stream| self.streams[*stream].public) {
            return Err(rights::refused());
        }
        let views: Vec<View> = streams.into_iter().map(|stream| self.begin(now, stream, &wanted, &rules)).collect();
        let Subscribe { number, criterion, policy, .. } = wanted;
        let is_private = views.iter().any(|view| !view.shared);
        let subscription = Subscription {
            identity: identity.clone(),
            number,
            criterion: criterion.clone(),
            policy,
            rules,
            session: Some(link),
            present: true,
            views,
            ready: false,
        };
        let route = u32::try_from(self.subscriptions.insert(subscription)).expect("their number is bounded");
        if is_private {
            self.routes.insert(&criterion, route);
        }
        self.members.get_mut(&identity).expect("it was looked at").subscriptions.insert(criterion, route);
        self.sessions.get_mut(&link).expect("it was looked at").numbers.insert(number, route);
        self.join_streams(route);
        Ok(route)
    }

    /// A view of a stream, with what it has at the beginning.
    fn begin(&mut self, now: Time, stream: usize, wanted: &Subscribe, rules: &Arc<Rules>) -> View {
        let of = &mut self.streams[stream];
        of.age(now);
        let (id, head, public) = (stream as u16, of.history.last(), of.public);
        let is_last_values = wanted.start == WireStart::LastValues;
        let is_shared = public && wanted.shared && self.options.shared.is_some() && !is_last_values;
        let spills = wanted.policy.slow == Slow::Spill && of.history.has_archive();
        let is_wanted = |subject: &[u8]| wanted.criterion.matches(subject) && (public || rules.may(subject));
        let mut past = Vec::new();
        let after = match &wanted.start {
            WireStart::Now => head,
            WireStart::LastValues => {
                past = of.history.last_values(&wanted.criterion);
                past.retain(|each| public || rules.may(each.subject()));
                0
            }
            WireStart::Last(count) => {
                let matching = of.history.after(0).rev().filter(|each| is_wanted(each.subject()));
                past = matching.take(*count as usize).cloned().collect();
                past.reverse();
                past.first().map_or(head, |first| first.number - 1)
            }
            WireStart::After { epoch, numbers } => {
                let has = numbers.iter().find(|(name, _)| *name == of.name).map_or(0, |(_, number)| *number);
                let after = if *epoch == self.epoch { has.min(head) } else { 0 };
                past = of.history.after(after).filter(|each| is_wanted(each.subject())).cloned().collect();
                after
            }
        };
        let mut view = View::new(id, is_shared, after);
        view.spills = spills;
        if is_shared {
            return view;
        }
        let reads = spills && !is_last_values;
        // Whoever does not spill is given what is in memory.
        let first = if reads { of.history.first() } else { of.history.first_recent() };
        if matches!(wanted.start, WireStart::After { .. }) && after + 1 < first {
            view.begin_with_gap(after + 1, first - 1);
        }
        if reads {
            view.begin_behind(first.max(after + 1), head, rules);
            return view;
        }
        view.spills = false;
        for publication in &past {
            // Whoever asks for more than it wants to keep loses the oldest of it.
            let policy = Policy { slow: Slow::Drop, ..wanted.policy };
            let _: Offered = view.offer(publication, &policy, rules);
        }
        view.spills = spills;
        view
    }

    /// A subscription goes on that was there before.
    fn resume(&mut self, link: LinkId, route: RouteId, wanted: &Subscribe) {
        let subscription = &mut self.subscriptions[route as usize];
        let session = self.sessions.get_mut(&link).expect("the caller has it");
        subscription.present = true;
        (subscription.number, subscription.session, subscription.policy) = (wanted.number, Some(link), wanted.policy);
        session.numbers.insert(wanted.number, route);
        for view in &mut subscription.views {
            let of = &self.streams[usize::from(view.stream)];
            let has = match &wanted.start {
                WireStart::After { epoch, numbers } if *epoch == self.epoch => {
                    numbers.iter().find(|(name, _)| *name == of.name).map(|(_, number)| *number)
                }
                _ => None,
            };
            view.start_over(has.map(|has| has.min(of.history.last())));
            view.spills = view.is_behind() || (wanted.policy.slow == Slow::Spill && of.history.has_archive());
        }
        self.join_streams(route);
    }

    /// A subscription has come to the streams that it hears over the shared path.
    fn join_streams(&mut self, route: RouteId) {
        self.track(route);
        let subscription = &self.subscriptions[route as usize];
        let Some(session) = subscription.session.and_then(|link| self.sessions.get_mut(&link)) else { return };
        for view in subscription.views.iter().filter(|view| view.shared) {
            // A second view of a stream may be behind the first.
            let told = session.heads.entry(view.stream).or_insert(view.after());
            *told = view.after().min(*told);
        }
    }

    /// From now on the streams know how far a subscription is, if they wait for it.
    pub(super) fn track(&mut self, route: RouteId) {
        let subscription = &mut self.subscriptions[route as usize];
        let is_followed = subscription.present && subscription.policy.slow != Slow::Drop;
        for view in &mut subscription.views {
            let followers = &mut self.streams[usize::from(view.stream)].followers;
            if let Some(before) = view.place.take() {
                followers.remove(before, route);
            }
            if let Some(after) = view.needs().filter(|_| is_followed) {
                // What spills has no bound but the disk's.
                let most = if view.spills { u64::MAX } else { subscription.policy.max_messages.into() };
                let place = Place { after, limit: after.saturating_add(most) };
                followers.insert(place, route);
                view.place = Some(place);
            }
        }
    }

    /// Nobody waits for a subscription any more.
    pub(super) fn wait_no_more_for(&mut self, route: RouteId) {
        self.subscriptions[route as usize].present = false;
        self.track(route);
    }

    pub(super) fn unsubscribe(&mut self, link: LinkId, number: Number) {
        let Some(session) = self.sessions.get_mut(&link) else { return };
        let Some(route) = session.numbers.remove(&number) else { return };
        self.remove_subscription(route, LostReason::Gone);
    }

    /// Ends a subscription; what was held for it is lost.
    pub(super) fn remove_subscription(&mut self, route: RouteId, reason: LostReason) {
        self.wait_no_more_for(route);
        self.stuck.remove(&route);
        let subscription = self.subscriptions.remove(route as usize);
        self.routes.remove(&subscription.criterion, route);
        if let Some(member) = self.members.get_mut(&subscription.identity) {
            member.subscriptions.remove(&subscription.criterion);
        }
        let session = subscription.session.and_then(|link| self.sessions.get_mut(&link));
        if let Some(session) = session {
            session.numbers.remove(&subscription.number);
            session.ready.retain(|ready| *ready != route);
        }
        for view in subscription.views {
            let (messages, bytes) = view.on_its_way();
            if let Some(session) = subscription.session.and_then(|link| self.sessions.get_mut(&link)) {
                session.on_its_way.0 -= messages;
                session.on_its_way.1 -= bytes;
            }
            let head = self.streams[usize::from(view.stream)].history.last();
            self.past.add(&view.end(head, reason));
        }
        self.there_is_room();
    }

    /// The program has something.
    pub(super) fn taken(&mut self, link: LinkId, taken: &[Taken]) {
        let mut routes = Vec::new();
        for each in taken {
            let Some(session) = self.sessions.get_mut(&link) else { return };
            let Some(route) = session.numbers.get(&each.number).copied() else { continue };
            let subscription = &mut self.subscriptions[route as usize];
            let Some(view) = subscription.views.iter_mut().find(|view| view.stream == each.stream) else { continue };
            if !view.shared {
                let (messages, bytes) = view.take(each.up_to);
                session.on_its_way.0 -= messages;
                session.on_its_way.1 -= bytes;
            } else if each.up_to <= self.streams[usize::from(each.stream)].history.last() {
                view.taken = view.taken.max(each.up_to);
            }
            self.stuck.remove(&route);
            let is_back = !std::mem::replace(&mut subscription.present, true);
            if is_back || view.needs().is_some() {
                routes.push(route);
            }
        }
        for route in routes {
            self.track(route);
            self.ready(route);
        }
        self.is_busy(link);
        self.there_is_room();
    }
}
