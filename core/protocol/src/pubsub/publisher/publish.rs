//! A publication, from the program to those who are to hear it.

use super::{
    Content, Due, Error, Frames, Output, Peer, Publisher, PublisherEvent, Result, RouteId, SHARED, SocketId, Time,
};
use crate::{
    ErrorKind, Refusal,
    link::NO_LINK,
    pubsub::{LostReason, history::Publication, view::Offered, wire::Slow},
};

/// What has gathered leaves when it is so large: as large as a pack, of which each costs everybody a turn, and which nobody copies.
const ENOUGH: usize = 32 * 1024;

/// A message that a PUB sends.
pub(super) fn to_all(socket: SocketId, frames: Frames) -> Output<PublisherEvent> {
    Output::Send { socket, peer: Peer::default(), token: NO_LINK, frames }
}

impl Publisher {
    /// Publishes these, as far as there is room.
    pub(super) fn publish(&mut self, now: Time, all: &[Content]) {
        self.published = (0, None);
        for content in all {
            match self.publish_one(now, content) {
                Ok(size) => {
                    self.published.0 += 1;
                    self.gather(now, size);
                }
                Err(error) => {
                    self.published.1 = Some(error);
                    break;
                }
            }
        }
        for route in std::mem::take(&mut self.too_slow) {
            if let Some(subscription) = self.subscriptions.get(route as usize) {
                let identity = subscription.identity.clone();
                let refusal = Refusal::new(ErrorKind::Full, "the subscriber is too slow");
                self.expel(now, &identity, refusal, LostReason::Slow);
            }
        }
    }

    /// Of the last command to publish: how many were taken, and why the next was not.
    ///
    /// [`ErrorKind::Full`] if a subscriber for whom the publisher waits is slow, or there is no memory left for them;
    /// [`PublisherEvent::Room`](super::PublisherEvent::Room) follows. [`ErrorKind::NotFound`] if the subject is of no stream,
    /// [`ErrorKind::TooLarge`] if the publication is.
    pub fn published(&self) -> (usize, Option<Error>) {
        self.published.clone()
    }

    /// There was no room for a publication, and there is none yet.
    pub fn is_full(&self) -> bool {
        self.waiting
    }

    fn publish_one(&mut self, now: Time, content: &Content) -> Result<usize> {
        if self.draining {
            return Err(Error::new(ErrorKind::Closed, "the publisher is closing"));
        }
        let (subject, size) = (content.about(), content.size());
        if size > self.options.max_size {
            let error = Error::new(ErrorKind::TooLarge, "a publication has at most max_size bytes");
            return Err(error.with("bytes", size).with("max_size", self.options.max_size));
        }
        let of = self.streams.iter().position(|stream| stream.subjects.iter().any(|of| of.matches(subject)));
        let Some(stream) = of else {
            return Err(Error::new(ErrorKind::NotFound, "no stream has this subject"));
        };
        let mut found = Vec::new();
        if !self.routes.is_empty() {
            self.routes.matching(subject, &mut |route| found.push(route));
        }
        let public = self.streams[stream].public;
        found.retain(|route| {
            let subscription = &self.subscriptions[*route as usize];
            let has_view = subscription.views.iter().any(|view| usize::from(view.stream) == stream && !view.shared);
            has_view && (public || subscription.rules.may(subject))
        });
        self.make_room(now, stream, &found, size)?;
        let of = &mut self.streams[stream];
        let number = of.history.last() + 1;
        let new = Publication::new(number, now, content.clone(), &self.live);
        of.history.push(&new, of.followers.need_after());
        of.age(now);
        if of.public && self.options.shared.is_some() {
            of.shared.push(number, new.encoded());
        }
        self.publish_plain(content, public);
        for route in found {
            let subscription = &mut self.subscriptions[route as usize];
            let of = subscription.views.iter_mut().find(|view| usize::from(view.stream) == stream);
            let view = of.expect("it was looked for");
            let was_behind = view.is_behind();
            if view.offer(&new, &subscription.policy, &subscription.rules) == Offered::TooSlow {
                self.too_slow.push(route);
            }
            let falls_behind = view.is_behind() && !was_behind;
            if !was_behind {
                self.ready(route);
            }
            if falls_behind {
                self.track(route);
            }
        }
        self.counters.published += 1;
        Ok(new.encoded().len())
    }

    /// Sees that there is room for a publication, for all for whom the publisher waits.
    fn make_room(&mut self, now: Time, stream: usize, found: &[RouteId], size: usize) -> Result<()> {
        let holds = |route: &&RouteId| {
            let subscription = &self.subscriptions[**route as usize];
            let view = subscription.views.iter().find(|view| usize::from(view.stream) == stream && !view.shared);
            // Whoever is away makes nobody wait.
            let waits = subscription.present && matches!(subscription.policy.slow, Slow::Hold | Slow::Spill);
            waits && view.is_some_and(|view| !view.has_room(&subscription.policy, size, &subscription.rules))
        };
        let stuck: Vec<RouteId> = found.iter().filter(holds).copied().collect();
        self.wait_for(now, stuck)?;
        self.check_followers(now, stream, size)?;
        while self.live.bytes() + size as u64 > self.options.max_bytes {
            if !self.shrink() {
                return self.full("there is no memory left for publications");
            }
        }
        Ok(())
    }

    /// Those for whom the history is kept, which has bounds as they have.
    fn check_followers(&mut self, now: Time, stream: usize, size: usize) -> Result<()> {
        let of = &self.streams[stream];
        let mut slow: Vec<RouteId> = of.followers.at_their_limit(of.history.last()).collect();
        if !of.history.has_room(size) {
            slow.extend(of.followers.who_need(of.history.next_to_go()));
        }
        let mut stuck = Vec::new();
        for route in slow {
            match self.subscriptions[route as usize].policy.slow {
                Slow::Hold | Slow::Spill => stuck.push(route),
                Slow::Disconnect if !self.too_slow.contains(&route) => self.too_slow.push(route),
                Slow::Disconnect | Slow::Drop => {}
            }
        }
        self.wait_for(now, stuck)
    }

    /// There is no room until these have taken something.
    fn wait_for(&mut self, now: Time, stuck: Vec<RouteId>) -> Result<()> {
        if stuck.is_empty() {
            return Ok(());
        }
        for route in stuck {
            self.stuck.entry(route).or_insert(now);
        }
        self.full("a subscriber for whom the publisher waits is slow")
    }

    /// Those who have taken nothing for too long are waited for no more.
    pub(super) fn wait_no_more(&mut self, now: Time) {
        let max = self.options.max_hold;
        let late: Vec<RouteId> =
            self.stuck.iter().filter(|(_, since)| now >= **since + max).map(|(route, _)| *route).collect();
        for route in &late {
            self.stuck.remove(route);
            self.wait_no_more_for(*route);
        }
        if !late.is_empty() {
            self.there_is_room();
        }
    }

    fn full(&mut self, text: &'static str) -> Result<()> {
        self.waiting = true;
        self.counters.refused_full += 1;
        Err(Error::new(ErrorKind::Full, text))
    }

    /// Frees memory: from histories, unless somebody is waited for who needs it, or it has yet to be written; then from those who may
    /// lose it.
    fn shrink(&mut self) -> bool {
        for stream in &mut self.streams {
            let is_needed = stream.followers.need_after() < stream.history.first();
            if (stream.history.has_archive() || !is_needed) && stream.history.shrink() {
                return true;
            }
        }
        for (_, subscription) in &mut self.subscriptions {
            let may_lose = !subscription.present || subscription.policy.slow == Slow::Drop;
            if may_lose && subscription.views.iter_mut().any(super::View::shed) {
                return true;
            }
        }
        false
    }

    /// What is published alone leaves at once; what follows soon after waits for more, for a while.
    fn gather(&mut self, now: Time, size: usize) {
        if self.gathered == 0 && now < self.left + self.options.gather {
            self.plan(self.left + self.options.gather, Due::Gathered);
        }
        self.gathered += size;
        if self.gathered >= ENOUGH || now >= self.left + self.options.gather {
            self.leave(now);
        }
    }

    /// What has gathered leaves.
    pub(super) fn leave(&mut self, now: Time) {
        if self.gathered == 0 {
            return;
        }
        (self.gathered, self.left) = (0, now);
        for stream in &mut self.streams {
            if !stream.shared.is_empty() {
                let frames = vec![stream.shared.take()];
                self.outputs.push_back(to_all(SHARED, frames));
            }
        }
    }
}
