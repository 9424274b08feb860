//! Rules change, and what is not allowed any more does not leave.

use std::sync::Arc;

use bytes::Bytes;

use super::{Access, Entitlements, LostReason, Message, Publisher, Refusal, Rules, Time, View};
use crate::ErrorKind;

/// What everybody is told who may not, so that nobody learns what there is.
pub(super) fn refused() -> Refusal {
    Refusal::new(ErrorKind::PermissionDenied, "this is not allowed")
}

impl Publisher {
    pub(super) fn set_entitlements(&mut self, now: Time, entitlements: Entitlements) {
        let users: Vec<(Bytes, Bytes)> =
            self.members.iter().map(|(identity, member)| (identity.clone(), member.user.clone())).collect();
        for (identity, user) in users {
            if entitlements.has(&user) {
                let rules = Arc::new(entitlements.rules(&user));
                self.apply(now, &identity, &rules);
            } else {
                self.expel(now, &identity, refused(), LostReason::Revoked);
            }
        }
        self.rules.clear();
        self.options.access = Access::Entitlements(Box::new(entitlements));
        self.apply_to_plain();
    }

    pub(super) fn set_rules(&mut self, now: Time, user: &Bytes, rules: &Arc<Rules>) {
        self.rules.insert(user.clone(), Arc::clone(rules));
        let of_user = self.members.iter().filter(|(_, member)| member.user == *user);
        let identities: Vec<Bytes> = of_user.map(|(identity, _)| identity.clone()).collect();
        identities.iter().for_each(|identity| self.apply(now, identity, rules));
        self.apply_to_plain();
    }

    /// A subscriber has these rules from now on.
    pub(super) fn apply(&mut self, now: Time, identity: &Bytes, rules: &Arc<Rules>) {
        let Some(member) = self.members.get_mut(identity) else { return };
        if *member.rules == **rules {
            return;
        }
        member.rules = Arc::clone(rules);
        let session = member.session;
        let routes: Vec<u32> = member.subscriptions.values().copied().collect();
        let (mut may_arrive, mut revoked) = (false, Vec::new());
        for route in routes {
            let subscription = &mut self.subscriptions[route as usize];
            subscription.rules = Arc::clone(rules);
            let mut left = (0, 0);
            for view in &mut subscription.views {
                if !self.streams[usize::from(view.stream)].public {
                    let before = view.on_its_way();
                    may_arrive |= view.retain(|subject| rules.may(subject));
                    let after = view.on_its_way();
                    left = (left.0 + before.0 - after.0, left.1 + before.1 - after.1);
                }
            }
            if let Some(session) = subscription.session.and_then(|link| self.sessions.get_mut(&link)) {
                session.on_its_way.0 -= left.0;
                session.on_its_way.1 -= left.1;
            }
            let is_public = |view: &View| self.streams[usize::from(view.stream)].public;
            if !rules.may_some(&subscription.criterion) && !subscription.views.iter().any(is_public) {
                revoked.push((route, subscription.number));
            }
        }
        for (route, number) in revoked {
            self.remove_subscription(route, LostReason::Revoked);
            if let Some(session) = session.and_then(|link| self.sessions.get(&link)) {
                let delivery = session.delivery;
                self.send(now, delivery, Message::Rejected { number, refusal: refused() });
            }
        }
        // What is on its way and not acknowledged would be sent again over the next connection.
        if let Some(link) = session
            && may_arrive
        {
            self.dismiss(now, link);
        }
        self.there_is_room();
    }
}
