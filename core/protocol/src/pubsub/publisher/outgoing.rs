//! What is sent to subscribers by themselves.

use std::sync::Arc;

use super::{Due, LinkId, LostReason, Message, Publisher, RouteId, Session, Stream, Subscription, Time, View};
use crate::pubsub::{
    history::Found,
    view::{Gap, Next, Reader},
    wire::{Missed, Number, Pack, StreamId},
};

/// Publications are packed up to this size.
const PACK: usize = 32 * 1024;
/// The most that is sent again at once of what the shared path has lost; who lacks more asks again.
const REPAIR: usize = 256 * 1024;

/// What leaves together for one subscriber: publications of any of its views, and what it missed, in their order.
#[derive(Default)]
struct Parcel {
    pack: Pack,
    messages: Vec<Message>,
}

impl Parcel {
    fn add(&mut self, (number, stream): (Number, StreamId), next: &Next) {
        match next {
            Next::Publication(publication, before) => {
                self.pack.push((number, stream), publication.number, *before, publication.encoded());
                if self.pack.len() >= PACK {
                    self.close_pack();
                }
            }
            Next::Missed(Gap { first, last, count, reason }) => {
                self.close_pack();
                let (first, last, count, reason) = (*first, *last, *count, *reason);
                self.messages.push(Message::Missed(Missed { number, stream, first, last, count, reason }));
            }
        }
    }

    fn close_pack(&mut self) {
        if !self.pack.is_empty() {
            self.messages.push(Message::Publications(std::mem::take(&mut self.pack).finish()));
        }
    }

    fn finish(mut self) -> Vec<Message> {
        self.close_pack();
        self.messages
    }
}

impl Session {
    fn has_room(&self) -> bool {
        self.on_its_way.0 < self.window.0 && self.on_its_way.1 < self.window.1
    }
}

impl Publisher {
    /// A subscription has something to send.
    pub(super) fn ready(&mut self, route: RouteId) {
        let subscription = &mut self.subscriptions[route as usize];
        let Some(link) = subscription.session else { return };
        if !subscription.ready && subscription.views.iter().any(View::has_some) {
            subscription.ready = true;
            if let Some(session) = self.sessions.get_mut(&link) {
                session.ready.push_back(route);
            }
        }
        self.is_busy(link);
    }

    /// A session may be able to send.
    pub(super) fn is_busy(&mut self, link: LinkId) {
        if let Some(session) = self.sessions.get_mut(&link)
            && !session.busy
            && !session.ready.is_empty()
        {
            session.busy = true;
            self.busy.push_back(link);
        }
    }

    /// Sends what may be sent, unless it waits for more.
    pub(super) fn serve(&mut self, now: Time) {
        if self.gathered > 0 {
            return;
        }
        while let Some(link) = self.busy.pop_front() {
            self.serve_one(now, link);
        }
    }

    fn serve_one(&mut self, now: Time, link: LinkId) {
        let Some(session) = self.sessions.get_mut(&link) else { return };
        session.busy = false;
        let (delivery, mut parcel, mut caught_up) = (session.delivery, Parcel::default(), Vec::new());
        while let Some(route) = session.ready.front().copied() {
            let Subscription { number, criterion, policy, rules, views, ready, .. } =
                &mut self.subscriptions[route as usize];
            for view in views.iter_mut() {
                loop {
                    while session.has_room()
                        && let Some(next) = view.next()
                    {
                        if let Next::Publication(publication, _) = &next {
                            session.on_its_way.0 += 1;
                            session.on_its_way.1 += publication.size();
                        }
                        parcel.add((*number, view.stream), &next);
                    }
                    if !session.has_room() || !view.is_behind() {
                        break;
                    }
                    let Stream { history, public, .. } = &self.streams[usize::from(view.stream)];
                    let reader = Reader { history, criterion, policy, rules, public: *public };
                    if let Some(block) = view.catch_up(&reader) {
                        self.disk.want((view.stream, block), route);
                    }
                    caught_up.push(route);
                    if !view.has_next() {
                        break;
                    }
                }
            }
            if !session.has_room() && views.iter().any(View::has_some) {
                break;
            }
            *ready = false;
            session.ready.pop_front();
        }
        parcel.finish().into_iter().for_each(|message| self.send(now, delivery, message));
        if !caught_up.is_empty() {
            caught_up.into_iter().for_each(|route| self.track(route));
            self.there_is_room();
        }
    }

    /// Of a public stream, a subscriber has not got these over the shared path.
    pub(super) fn repair(
        &mut self,
        now: Time,
        link: LinkId,
        (number, stream): (Number, StreamId),
        first: u64,
        last: u64,
    ) {
        let Some(session) = self.sessions.get(&link) else { return };
        let Some(route) = session.numbers.get(&number).copied() else { return };
        let delivery = session.delivery;
        // Who lacked something may lack more.
        self.finished = None;
        let views = &mut self.subscriptions[route as usize].views;
        let Some(view) = views.iter_mut().find(|view| view.stream == stream && view.shared) else { return };
        let history = &self.streams[usize::from(stream)].history;
        let (first, last) = (first.max(view.taken + 1), last.min(history.last()));
        let (mut parcel, mut bytes, mut next) = (Parcel::default(), 0, first);
        while next <= last && bytes < REPAIR {
            match history.get(next) {
                Found::Here(publication) => {
                    self.counters.repaired += 1;
                    bytes += publication.encoded().len();
                    parcel.add((number, stream), &Next::Publication(Arc::clone(publication), next - 1));
                    next += 1;
                }
                Found::Gone(up_to) => {
                    let gone = last.min(up_to);
                    view.missed_shared(next, gone);
                    let reason = LostReason::History;
                    parcel.add(
                        (number, stream),
                        &Next::Missed(Gap { first: next, last: gone, count: gone - next + 1, reason }),
                    );
                    next = gone + 1;
                }
                Found::OnDisk(block) if next == first => {
                    return self.disk.want_repair((stream, block), (link, number, stream), first, last);
                }
                Found::OnDisk(_) => break,
            }
        }
        parcel.finish().into_iter().for_each(|message| self.send(now, delivery, message));
        self.send(now, delivery, Message::Repaired { number, stream });
    }

    /// Tells those who hear the shared path how far it is, to whom that is news.
    pub(super) fn tell_heads(&mut self, now: Time, head_of: impl Fn(&Stream) -> u64) {
        let mut told = Vec::new();
        for session in self.sessions.values_mut() {
            let mut heads = Vec::new();
            for (stream, head) in &mut session.heads {
                let known = head_of(&self.streams[usize::from(*stream)]);
                if known > *head {
                    *head = known;
                    heads.push((*stream, known));
                }
            }
            if !heads.is_empty() {
                told.push((session.delivery, heads));
            }
        }
        for (delivery, heads) in told {
            self.send(now, delivery, Message::Heads(heads));
        }
    }

    /// Once per interval: those who hear the shared path are told how far it was an interval ago, so that they miss what was lost
    /// at its end.
    pub(super) fn beat(&mut self, now: Time) {
        self.tell_heads(now, |stream| stream.beaten);
        for stream in &mut self.streams {
            stream.age(now);
            // What has gathered has not left.
            if stream.shared.is_empty() {
                stream.beaten = stream.history.last();
            }
        }
        self.wait_no_more(now);
        self.try_disk_again();
        self.plan(now + self.options.pace.interval, Due::Beat);
    }
}
