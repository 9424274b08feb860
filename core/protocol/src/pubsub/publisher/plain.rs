//! Plain SUB sockets: at one endpoint they hear what is public, and at those that the program opens, what a user may hear.
//!
//! A PUB sends the same to whoever connects, so each user who may hear something else has one of its own; there are few of them. Nobody
//! acknowledges there: what is handed over is counted, and no more is known of it.

use std::{collections::BTreeMap, iter, sync::Arc};

use bytes::Bytes;

use super::{
    Access, Content, Error, FIRST_PLAIN, Frames, Output, PLAIN, Publisher, PublisherEvent, Result, Role, Rules,
    SocketId, publish::to_all,
};
use crate::ErrorKind;

/// The endpoints that were opened for users.
pub(super) struct Plains {
    all: BTreeMap<SocketId, Plain>,
    /// For the socket that is opened next. None is used again: what is still said of one that was closed is nobody's.
    next: SocketId,
    outcome: Result<String>,
}

struct Plain {
    user: Bytes,
    rules: Arc<Rules>,
    /// Once it is bound.
    endpoint: Option<String>,
}

impl Default for Plains {
    fn default() -> Self {
        Self { all: BTreeMap::new(), next: FIRST_PLAIN, outcome: not_yet() }
    }
}

fn not_yet() -> Result<String> {
    Err(Error::new(ErrorKind::WrongState, "the endpoint is not bound yet"))
}

impl Publisher {
    /// Of the last command to open or close an endpoint of a user: where that is, with the port that the system chose, or why not.
    ///
    /// [`ErrorKind::PermissionDenied`] if no rule allows that user anything, [`ErrorKind::Full`] beyond
    /// [`max_plain`](super::super::PublisherOptions::max_plain), [`ErrorKind::NotFound`] if there is none to close, or why it could not be bound;
    /// [`ErrorKind::WrongState`] until its driver has said so.
    pub fn plain_outcome(&self) -> Result<String> {
        self.plains.outcome.clone()
    }

    pub(super) fn open_plain(&mut self, user: Bytes, endpoint: String) {
        self.plains.outcome = self.try_open_plain(user, endpoint).and_then(|()| not_yet());
    }

    fn try_open_plain(&mut self, user: Bytes, endpoint: String) -> Result<()> {
        if self.draining {
            return Err(Error::new(ErrorKind::Closed, "the publisher is closing"));
        }
        let rules = self.plain_rules(&user);
        if rules.allow.is_empty() {
            return Err(Error::new(ErrorKind::PermissionDenied, "no rule allows this user anything"));
        }
        let socket = self.plains.next;
        let (Some(next), true) = (socket.0.checked_add(1), self.plains.all.len() < self.options.max_plain) else {
            return Err(
                Error::new(ErrorKind::Full, "too many plain endpoints").with("max_plain", self.options.max_plain)
            );
        };
        self.plains.next = SocketId(next);
        self.plains.all.insert(socket, Plain { user, rules, endpoint: None });
        self.outputs.push_back(Output::Open { socket, role: Role::Pub });
        self.outputs.push_back(Output::Bind { socket, endpoint });
        Ok(())
    }

    pub(super) fn plain_bound(&mut self, socket: SocketId, endpoint: String) {
        if let Some(plain) = self.plains.all.get_mut(&socket) {
            plain.endpoint = Some(endpoint.clone());
            self.plains.outcome = Ok(endpoint);
        }
    }

    /// A socket is of no use. One that cannot be opened fails again when it is to be bound.
    pub(super) fn plain_failed(&mut self, socket: SocketId, error: Error) {
        let Some(plain) = self.plains.all.remove(&socket) else { return };
        self.outputs.push_back(Output::Close { socket });
        match plain.endpoint {
            None => self.plains.outcome = Err(error),
            Some(endpoint) => self.events.push_back(PublisherEvent::Failed(error.with("endpoint", endpoint))),
        }
    }

    pub(super) fn close_plain(&mut self, endpoint: &str) {
        let is_there = |(_, plain): &(&SocketId, &Plain)| plain.endpoint.as_deref() == Some(endpoint);
        let found = self.plains.all.iter().find(is_there).map(|(socket, _)| *socket);
        self.plains.outcome = match found {
            Some(socket) => {
                self.plains.all.remove(&socket);
                self.outputs.push_back(Output::Close { socket });
                Ok(endpoint.to_owned())
            }
            None => Err(Error::new(ErrorKind::NotFound, "no user has this endpoint").with("endpoint", endpoint)),
        };
    }

    /// Rules have changed: what leaves from now on is what they say.
    pub(super) fn apply_to_plain(&mut self) {
        let mut plains = std::mem::take(&mut self.plains.all);
        for plain in plains.values_mut() {
            plain.rules = self.plain_rules(&plain.user);
        }
        self.plains.all = plains;
    }

    /// Where the program is asked, nobody asks here.
    fn plain_rules(&self, user: &Bytes) -> Arc<Rules> {
        Arc::new(self.rules_of(user, || match &self.options.access {
            Access::Open => Rules::everything(),
            Access::Entitlements(all) => all.rules(user),
            Access::Ask(_) => Rules::default(),
        }))
    }

    /// Hands a publication over to those plain sockets that may hear it.
    pub(super) fn publish_plain(&mut self, content: &Content, is_public: bool) {
        let of_users = self.plains.all.iter().filter(|(_, plain)| plain.rules.may(content.about()));
        let of_all = (is_public && self.options.plain.is_some()).then_some(PLAIN);
        let sockets: Vec<SocketId> = of_all.into_iter().chain(of_users.map(|(socket, _)| *socket)).collect();
        if sockets.is_empty() {
            return;
        }
        let frames: Frames = iter::once(content.subject()).chain(content.frames()).collect();
        self.counters.handed_over += sockets.len() as u64;
        self.outputs.extend(sockets.into_iter().map(|socket| to_all(socket, frames.clone())));
    }

    /// How many endpoints users have.
    pub(super) fn plain_endpoints(&self) -> u64 {
        self.plains.all.len() as u64
    }
}
