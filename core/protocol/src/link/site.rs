//! One endpoint that a machine connects to, and its link.

use super::{LinkId, Links};
use crate::{
    Time,
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
}

/// Connects a new socket.
pub(crate) fn connect<E>(socket: SocketId, endpoint: &str) -> [Output<E>; 2] {
    [Output::Open { socket, role: Role::Dealer }, Output::Connect { socket, endpoint: endpoint.to_owned() }]
}
