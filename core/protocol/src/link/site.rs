//! The endpoints that a machine connects to, and their links.

use std::ops::{Index, IndexMut};

use slab::Slab;

use super::{LinkId, Links};
use crate::{
    Error, Refusal, Time,
    machine::{Output, Role, SocketId},
};

/// Where a machine connects to. Its socket changes when nothing is heard through it, because a connection that is dead on
/// the way is noticed by nobody else.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) endpoint: String,
    pub(crate) socket: SocketId,
    pub(crate) link: LinkId,
    /// Something was heard through this socket.
    pub(crate) heard: bool,
}

impl Site {
    pub(crate) fn open<E>(
        now: Time,
        endpoint: String,
        socket: SocketId,
        links: &mut Links,
        outputs: &mut impl Extend<Output<E>>,
    ) -> Self {
        outputs.extend(connect(socket, &endpoint));
        Self { endpoint, socket, link: links.open(now, socket), heard: false }
    }

    /// Goes on over another socket, if this one ever worked; if not, it is still trying.
    pub(crate) fn renew<E>(
        &mut self,
        now: Time,
        socket: SocketId,
        links: &mut Links,
        outputs: &mut impl Extend<Output<E>>,
    ) {
        if self.heard {
            outputs.extend([Output::Close { socket: self.socket }]);
            outputs.extend(connect(socket, &self.endpoint));
            (self.socket, self.heard) = (socket, false);
            links.move_to(now, self.link, socket);
        }
    }

    /// Gives it up: its socket is of no use.
    pub(crate) fn close<E>(self, links: &mut Links, outputs: &mut impl Extend<Output<E>>) {
        links.remove(self.link);
        outputs.extend([Output::Close { socket: self.socket }]);
    }
}

/// All endpoints of a machine that are of use, each in the place that it had from the start.
#[derive(Debug, Default)]
pub(crate) struct Sites(Slab<Site>);

impl Sites {
    pub(crate) fn add(&mut self, site: Site) {
        self.0.insert(site);
    }

    /// The place of the endpoint is empty from now on.
    pub(crate) fn remove(&mut self, place: usize) -> Site {
        self.0.remove(place)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn of_link(&self, link: LinkId) -> Option<usize> {
        self.0.iter().find(|(_, site)| site.link == link).map(|(place, _)| place)
    }

    pub(crate) fn of_socket(&self, socket: SocketId) -> Option<usize> {
        self.0.iter().find(|(_, site)| site.socket == socket).map(|(place, _)| place)
    }

    /// Something was heard through this socket.
    pub(crate) fn heard(&mut self, socket: SocketId) {
        if let Some(place) = self.of_socket(socket) {
            self.0[place].heard = true;
        }
    }
}

impl Index<usize> for Sites {
    type Output = Site;

    fn index(&self, place: usize) -> &Site {
        &self.0[place]
    }
}

impl IndexMut<usize> for Sites {
    fn index_mut(&mut self, place: usize) -> &mut Site {
        &mut self.0[place]
    }
}

/// Why nothing comes of what was asked for, if it is because of a socket: with all that is known of it.
pub(crate) fn refusal(error: &Error) -> Refusal {
    let facts: Vec<String> = error.context().iter().map(|(name, value)| format!("{name} {value}")).collect();
    let facts = if facts.is_empty() { String::new() } else { format!(" ({})", facts.join(", ")) };
    Refusal::new(error.kind(), &format!("{}{facts}", error.message()))
}

/// Connects a new socket.
pub(crate) fn connect<E>(socket: SocketId, endpoint: &str) -> [Output<E>; 2] {
    [Output::Open { socket, role: Role::Dealer }, Output::Connect { socket, endpoint: endpoint.to_owned() }]
}
