//! Who comes and goes, and what he wants.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;

use super::{
    Access, Ask, DIALS, Due, Hello, LinkId, LostReason, MAX_ASKS, MAX_EVENTS, Member, Message, Output, Peer, Publisher,
    PublisherEvent, Refusal, Role, Rules, Session, Subscription, Time, View, rights,
};
use crate::{ErrorKind, pubsub::wire::Welcome};

impl Publisher {
    /// Somebody says who he is.
    pub(super) fn hello(&mut self, now: Time, link: LinkId, hello: Hello) {
        let Some(connection) = self.guests.get(&link).map(|guest| guest.connection.clone()) else { return };
        let known = match &self.options.access {
            Access::Open => Ok((connection.clone(), self.rules_of(&connection, Rules::everything))),
            Access::Entitlements(all) => match all.identify(&connection, &hello.credential) {
                Ok(user) => {
                    let rules = self.rules_of(&user, || all.rules(&user));
                    Ok((user, rules))
                }
                Err(error) => Err(Refusal::new(error.kind(), error.message())),
            },
            Access::Ask(patience) => {
                if self.asks.values().any(|ask| ask.link == link) {
                    return;
                }
                if self.asks.len() >= MAX_ASKS || self.events.len() >= MAX_EVENTS {
                    Err(Refusal::new(ErrorKind::Full, "too many ask at once"))
                } else {
                    let until = now + *patience;
                    self.asked += 1;
                    let (ask, identity, credential) = (self.asked, hello.identity.clone(), hello.credential.clone());
                    self.plan(until, Due::Ask(ask));
                    self.events.push_back(PublisherEvent::Asked {
                        ask,
                        identity,
                        user: connection.clone(),
                        credential,
                    });
                    self.asks.insert(ask, Ask { link, hello, connection, until });
                    return;
                }
            }
        };
        self.admit(now, link, hello, connection, known);
    }

    /// What was set for a user, or else what it would have.
    pub(super) fn rules_of(&self, user: &Bytes, or: impl FnOnce() -> Rules) -> Rules {
        self.rules.get(user).map_or_else(or, |set| Rules::clone(set))
    }

    /// The application has decided, or has not in time.
    pub(super) fn decide(&mut self, now: Time, ask: u64, decision: Result<(Bytes, Rules), Refusal>) {
        let Some(Ask { link, hello, connection, until }) = self.asks.remove(&ask) else { return };
        self.agenda.remove(&(until, Due::Ask(ask)));
        if self.guests.contains_key(&link) {
            self.admit(now, link, hello, connection, decision);
        }
    }

    fn admit(
        &mut self,
        now: Time,
        link: LinkId,
        hello: Hello,
        connection: Bytes,
        known: Result<(Bytes, Rules), Refusal>,
    ) {
        let known = known.and_then(|(user, rules)| {
            self.check_member(&hello, &user)?;
            Ok((user, rules))
        });
        let (user, rules) = match known {
            Ok(known) => known,
            Err(refusal) => return self.turn_away(now, link, refusal),
        };
        self.forget_guest(link);
        if let Some(before) = self.session_at(&hello) {
            // Another process of the same user has the endpoint now: the one before is no more.
            self.end_session(now, before, None);
            self.links.remove(before);
        }
        let Hello { identity, keep, window_messages, window_bytes, endpoint, .. } = hello;
        if let Some(before) = self.members.get(&identity).and_then(|member| member.session) {
            // It has come back before its old connection was missed.
            self.end_session(now, before, None);
            self.links.remove(before);
        }
        let rules = Arc::new(rules);
        let member = self.members.entry(identity.clone()).or_insert_with(|| Member {
            user: user.clone(),
            rules: Arc::clone(&rules),
            keep: Duration::ZERO,
            subscriptions: BTreeMap::new(),
            present: false,
            session: None,
            awaited: None,
            until: None,
        });
        member.session = Some(link);
        let joined = !std::mem::replace(&mut member.present, true);
        for due in member.appointments(&identity) {
            self.agenda.remove(&due);
        }
        if !member.subscriptions.is_empty() {
            // What it had and does not ask for again makes nobody wait.
            let awaited = now + self.options.lease;
            member.awaited = Some(awaited);
            self.agenda.insert((awaited, Due::Away(identity.clone())));
        }
        member.keep = keep.min(self.options.max_keep);
        let window = (window_messages.max(1) as usize, window_bytes.max(1) as usize);
        let welcome = Welcome {
            epoch: self.epoch,
            lease: self.options.lease,
            shared: self.shared_endpoint.clone(),
            streams: self.streams.iter().map(|stream| stream.name.clone()).collect(),
        };
        self.send(now, link, Message::Welcome(welcome));
        let (delivery, endpoint) = match endpoint {
            Some((endpoint, key)) => {
                let endpoint = String::from_utf8_lossy(&endpoint).into_owned();
                (self.dial(now, link, &endpoint, key), Some(endpoint))
            }
            None => (link, None),
        };
        let session = Session {
            identity: identity.clone(),
            connection,
            delivery,
            endpoint,
            window,
            on_its_way: (0, 0),
            numbers: BTreeMap::new(),
            ready: VecDeque::new(),
            busy: false,
            heads: BTreeMap::new(),
        };
        self.sessions.insert(link, session);
        if joined {
            self.tell_news(PublisherEvent::Joined { identity: identity.clone(), user });
        }
        // It may have come back with other rights.
        self.apply(now, &identity, &rules);
    }

    fn check_member(&self, hello: &Hello, user: &Bytes) -> Result<(), Refusal> {
        let refuse = |kind, text| Err(Refusal::new(kind, text));
        if hello.identity.is_empty() {
            return refuse(ErrorKind::InvalidArgument, "a subscriber has an identity");
        }
        match self.members.get(&hello.identity) {
            Some(member) if member.user != *user => Err(rights::refused()),
            None if self.members.len() >= self.options.max_subscribers => {
                refuse(ErrorKind::Full, "too many subscribers")
            }
            // Whoever named another's endpoint would end the other's connection with his own.
            _ if self.session_at(hello).is_some_and(|link| self.user_of(link) != Some(user)) => {
                refuse(ErrorKind::AddressInUse, "another has this endpoint")
            }
            _ if hello.endpoint.is_some() && self.deliveries.len() >= self.options.max_endpoints => {
                refuse(ErrorKind::Full, "too many subscribers with an endpoint of their own")
            }
            _ => Ok(()),
        }
    }

    /// The session that has the endpoint of a hello.
    fn session_at(&self, hello: &Hello) -> Option<LinkId> {
        let (endpoint, _) = hello.endpoint.as_ref()?;
        let is_there = |link: &&LinkId| {
            let taken = self.sessions.get(link).and_then(|session| session.endpoint.as_ref());
            taken.is_some_and(|taken| taken.as_bytes() == endpoint)
        };
        self.deliveries.values().find(is_there).copied()
    }

    fn user_of(&self, link: LinkId) -> Option<&Bytes> {
        Some(&self.members.get(&self.sessions.get(&link)?.identity)?.user)
    }

    /// Tells somebody that he is nobody here. He may hear that; nothing else he says is heard.
    pub(super) fn turn_away(&mut self, now: Time, link: LinkId, refusal: Refusal) {
        self.counters.denied += 1;
        self.send(now, link, Message::Refused(refusal));
        if let Some(guest) = self.guests.get_mut(&link) {
            guest.refused = true;
        }
    }

    /// What somebody named as his endpoint is none, so whatever is for him will not arrive there.
    pub(super) fn cannot_dial(&mut self, now: Time, error: &crate::Error) {
        let named = error.context().iter().find(|(name, _)| *name == "endpoint").map(|(_, endpoint)| endpoint);
        let is_his = |link: &&LinkId| self.sessions.get(link).is_some_and(|session| session.endpoint.as_ref() == named);
        match self.deliveries.values().find(is_his).copied() {
            Some(link) => self.send_away(now, link, Refusal::new(error.kind(), error.message())),
            None => self.counters.malformed += 1,
        }
    }

    /// Ends a session, and says why. The link lives for as long as it takes to hear that.
    fn send_away(&mut self, now: Time, link: LinkId, refusal: Refusal) {
        let Some(connection) = self.sessions.get(&link).map(|session| session.connection.clone()) else { return };
        self.end_session(now, link, None);
        self.receive_guest(now, link, connection);
        self.turn_away(now, link, refusal);
    }

    /// Connects to the endpoint of a subscriber, and opens a link there.
    fn dial(&mut self, now: Time, control: LinkId, endpoint: &str, key: u64) -> LinkId {
        if self.dialled == 0 {
            self.outputs.push_back(Output::Open { socket: DIALS, role: Role::Router });
        }
        self.dialled += 1;
        let mut name = vec![b'd'];
        name.extend(self.dialled.to_be_bytes());
        let peer = Peer(name.into());
        self.outputs.push_back(Output::Dial { socket: DIALS, endpoint: endpoint.to_owned(), peer: peer.clone() });
        let link = self.links.open_to(now, DIALS, peer);
        self.deliveries.insert(link, control);
        self.send(now, link, Message::Delivery { key });
        self.links.watch(now, link, true);
        link
    }

    /// Ends a session, and keeps what is for the subscriber: as long as it asked for, and for so long at least (a lease).
    pub(super) fn end_session(&mut self, now: Time, link: LinkId, at_least: Option<Duration>) {
        let Some(session) = self.sessions.remove(&link) else { return };
        if session.delivery != link {
            self.deliveries.remove(&session.delivery);
            self.outputs.extend(self.links.dismiss(session.delivery));
        }
        if let Some(endpoint) = session.endpoint {
            self.outputs.push_back(Output::HangUp { socket: DIALS, endpoint });
        }
        let routes: Vec<u32> = session.numbers.values().copied().collect();
        for route in routes {
            let subscription = &mut self.subscriptions[route as usize];
            (subscription.session, subscription.ready) = (None, false);
            subscription.views.iter_mut().for_each(|view| view.start_over(None));
        }
        let Some(member) = self.members.get_mut(&session.identity) else { return };
        member.session = None;
        let keep = member.keep.max(at_least.unwrap_or(self.options.lease));
        if keep.is_zero() {
            return self.forget(&session.identity, LostReason::Gone);
        }
        let (until, awaited) = (now + keep, now + self.options.lease);
        member.until = Some(until);
        member.awaited = Some(awaited).filter(|_| at_least.is_none());
        self.plan(until, Due::Member(session.identity.clone()));
        if at_least.is_some() {
            self.is_away(&session.identity);
        } else {
            self.plan(awaited, Due::Away(session.identity));
        }
    }

    /// From now on nobody waits for a subscriber, or for what it does not ask for any more.
    pub(super) fn is_away(&mut self, identity: &Bytes) {
        let Some(member) = self.members.get_mut(identity) else { return };
        let left = member.session.is_none() && std::mem::replace(&mut member.present, false);
        let user = member.user.clone();
        let of_nobody = |route: &u32| self.subscriptions[*route as usize].session.is_none();
        let routes: Vec<u32> = member.subscriptions.values().copied().filter(of_nobody).collect();
        if left {
            self.tell_news(PublisherEvent::Left { identity: identity.clone(), user });
        }
        routes.into_iter().for_each(|route| self.wait_no_more_for(route));
        self.there_is_room();
    }

    /// Ends a session because what was sent must not arrive any more. The subscriber notices, and comes back at once.
    pub(super) fn dismiss(&mut self, now: Time, link: LinkId) {
        self.end_session(now, link, None);
        self.outputs.extend(self.links.dismiss(link));
    }

    /// Ends a session for good, and says why.
    pub(super) fn expel(&mut self, now: Time, identity: &Bytes, refusal: Refusal, reason: LostReason) {
        let Some(member) = self.members.get(identity) else { return };
        if let Some(link) = member.session {
            self.send_away(now, link, refusal);
        }
        self.forget(identity, reason);
    }

    /// A subscriber will not come back, or came too late.
    pub(super) fn forget(&mut self, identity: &Bytes, reason: LostReason) {
        let Some(member) = self.members.get(identity) else { return };
        let routes: Vec<u32> = member.subscriptions.values().copied().collect();
        routes.into_iter().for_each(|route| self.remove_subscription(route, reason));
        if let Some(mut member) = self.members.remove(identity) {
            if member.present {
                let (identity, user) = (identity.clone(), member.user.clone());
                self.tell_news(PublisherEvent::Left { identity, user });
            }
            for due in member.appointments(identity) {
                self.agenda.remove(&due);
            }
        }
    }

    fn tell_news(&mut self, news: PublisherEvent) {
        if !self.options.news {
            return;
        }
        if self.events.len() < MAX_EVENTS {
            self.events.push_back(news);
        } else {
            self.counters.dropped_news += 1;
        }
    }

    /// All is drained once nothing waits for those who are connected, what left has arrived, and nobody lacks anything of the shared
    /// path: who does has asked for it by the time he says that he knows how far that is.
    pub(super) fn finish_draining(&mut self, now: Time) {
        if !self.draining || self.drained || self.sessions.values().any(|session| !session.ready.is_empty()) {
            return;
        }
        let is_behind = |subscription: &Subscription| {
            subscription.session.is_some() && subscription.views.iter().any(View::is_behind)
        };
        if self.disk.repairs() || self.subscriptions.iter().any(|(_, subscription)| is_behind(subscription)) {
            return;
        }
        if self.finished.is_none() {
            // Who has not got all of the shared path asks for it now, or later nobody would answer.
            self.tell_heads(now, |stream| stream.history.last());
            self.links.ask_all(now);
        }
        let since = *self.finished.get_or_insert(now);
        if self.links.have_arrived(now, since) {
            self.drained = true;
            self.events.push_back(PublisherEvent::Drained);
        }
    }

    /// Whoever was told that there is no room may try again.
    pub(super) fn there_is_room(&mut self) {
        if std::mem::take(&mut self.waiting) {
            self.events.push_back(PublisherEvent::Room);
        }
    }
}
