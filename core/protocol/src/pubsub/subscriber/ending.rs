//! A session that is over, and a subscriber that is.

use std::time::Duration;

use super::{Error, LinkId, Output, Subscriber, SubscriberEvent, Time};
use crate::pubsub::Snail;

impl Subscriber {
    /// The publisher does not know this session any more.
    pub(super) fn start_over(&mut self, now: Time) {
        (self.welcome, self.again_at) = (None, None);
        if let Some(delivery) = self.delivery.take() {
            self.links.remove(delivery);
        }
        for view in self.subscriptions.values_mut().flat_map(|subscription| subscription.views.values_mut()) {
            view.forget_asked();
        }
        let Some(site) = &mut self.site else { return };
        self.links.remove(site.link);
        if self.over {
            return;
        }
        site.link = self.links.open(now, site.socket);
        let link = site.link;
        self.greet(now, link);
    }

    pub(super) fn silent(&mut self, now: Time, link: LinkId) {
        let socket = self.next_socket();
        if let Some(site) = self.site.as_mut().filter(|site| site.link == link) {
            site.renew(now, socket, &mut self.links, &mut self.outputs);
        }
    }

    /// No more comes.
    pub(super) fn end(&mut self, now: Time) {
        self.tell(now);
        self.over = true;
        self.welcome = None;
        self.outputs.extend(self.links.say_goodbye());
        (self.site, self.delivery) = (None, None);
        if let Some((socket, ..)) = self.shared.take() {
            self.outputs.push_back(Output::Close { socket });
        }
    }

    /// A socket is of no use, perhaps because we were turned away where it connects. What is to come over it does not.
    pub(super) fn failed(&mut self, now: Time, error: Error) {
        self.end(now);
        self.notice(SubscriberEvent::Failed(error));
    }

    /// Dies of being late, if it is to.
    pub(super) fn check(&mut self, now: Time) {
        let Some(snail) = self.options.snail else { return };
        for (number, subscription) in &self.subscriptions {
            for view in subscription.views.values() {
                let (lag, since) = view.lag();
                if lag > snail.max_lag || (lag > 0 && now > since + snail.max_age) {
                    let number = *number;
                    self.end(now);
                    self.notice(SubscriberEvent::Died { number, lag });
                    return;
                }
            }
        }
        self.plan_check(now);
    }

    pub(super) fn plan_check(&mut self, now: Time) {
        let often = |snail: Snail| (snail.max_age / 8).min(self.options.pace.interval);
        self.check_at = self.options.snail.map(|snail| now + often(snail).max(Duration::from_millis(1)));
    }
}
