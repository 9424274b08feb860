//! What is sent to subscribers by themselves.

use super::{Due, LinkId, Message, Publisher, RouteId, Stream, Time};
use crate::pubsub::{
    view::Next,
    wire::{Missed, Number, Pack, StreamId},
};

/// Publications are packed up to this size.
const PACK: usize = 32 * 1024;
/// The most that is sent again at once of what the shared path has lost; who lacks more asks again.
const REPAIR: usize = 256 * 1024;

impl Publisher {
    /// A subscription has something to send.
    pub(super) fn ready(&mut self, route: RouteId) {
        let subscription = &mut self.subscriptions[route as usize];
        let Some(link) = subscription.session else { return };
        if !subscription.ready && subscription.views.iter().any(super::View::has_next) {
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
        let (delivery, mut pack, mut messages) = (session.delivery, Pack::default(), Vec::new());
        while let Some(route) = session.ready.front().copied() {
            let subscription = &mut self.subscriptions[route as usize];
            let has_room = |session: &super::Session| {
                session.on_its_way.0 < session.window.0 && session.on_its_way.1 < session.window.1
            };
            for view in &mut subscription.views {
                while has_room(session)
                    && let Some(next) = view.next()
                {
                    match next {
                        Next::Missed(gap) => {
                            // In the order of the view.
                            if !pack.is_empty() {
                                messages.push(Message::Publications(std::mem::take(&mut pack).finish()));
                            }
                            let (number, stream) = (subscription.number, view.stream);
                            let super::super::view::Gap { first, last, count, reason } = gap;
                            messages.push(Message::Missed(Missed { number, stream, first, last, count, reason }));
                        }
                        Next::Publication(publication, before) => {
                            session.on_its_way.0 += 1;
                            session.on_its_way.1 += publication.size();
                            let view = (subscription.number, view.stream);
                            pack.push(view, publication.number, before, publication.encoded());
                            if pack.len() >= PACK {
                                messages.push(Message::Publications(std::mem::take(&mut pack).finish()));
                            }
                        }
                    }
                }
            }
            if subscription.views.iter().any(super::View::has_next) {
                // The window is full.
                break;
            }
            subscription.ready = false;
            session.ready.pop_front();
        }
        if !pack.is_empty() {
            messages.push(Message::Publications(pack.finish()));
        }
        messages.into_iter().for_each(|message| self.send(now, delivery, message));
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
        if first > last {
            return self.send(now, delivery, Message::Repaired { number, stream, last });
        }
        let mut messages = Vec::new();
        if first < history.first() {
            let gone = last.min(history.first() - 1);
            view.missed_shared(first, gone);
            let (count, reason) = (gone - first + 1, crate::pubsub::LostReason::History);
            messages.push(Message::Missed(Missed { number, stream, first, last: gone, count, reason }));
        }
        let (mut pack, mut bytes, mut up_to) = (Pack::default(), 0, last);
        for publication in history.after(first - 1).take_while(|publication| publication.number <= last) {
            pack.push((number, stream), publication.number, publication.number - 1, publication.encoded());
            self.counters.repaired += 1;
            bytes += publication.encoded().len();
            if pack.len() >= PACK {
                messages.push(Message::Publications(std::mem::take(&mut pack).finish()));
            }
            if bytes >= REPAIR {
                up_to = publication.number;
                break;
            }
        }
        if !pack.is_empty() {
            messages.push(Message::Publications(pack.finish()));
        }
        messages.push(Message::Repaired { number, stream, last: up_to });
        messages.into_iter().for_each(|message| self.send(now, delivery, message));
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
            stream.history.age(now);
            // What has gathered has not left.
            if stream.shared.is_empty() {
                stream.beaten = stream.history.last();
            }
        }
        self.wait_no_more(now);
        self.plan(now + self.options.pace.interval, Due::Beat);
    }
}
