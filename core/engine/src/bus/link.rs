//! How a bus reaches others: the one thing in which its transports differ.
//!
//! | | hears | sends to | and asks a source |
//! |---|---|---|---|
//! | `epgm`, `pgm` | whoever sends to the group | the group | where it says that it is |
//! | `udp` | the members | each member | where it was heard |
//! | `relay` | the relay | the relay | where it was heard, which is the relay |

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    os::fd::{AsFd, BorrowedFd},
    sync::Arc,
    time::Duration,
};

use zpatterns_epgm::{
    forwarder::Member,
    receiver::{Asking, To},
};
use zpatterns_protocol::Result;

use super::{
    endpoint::Endpoint,
    place::Place,
    random,
    udp::{Buffers, Kind, Reach, Sent, Udp, failed},
};

/// The session's port and group where there is no group: PGM's usual port, and OpenPGM's usual group.
const SESSION: (u16, IpAddr) = (7500, IpAddr::V4(Ipv4Addr::new(239, 192, 0, 1)));

/// What packets say of where they belong.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session {
    pub(super) port: u16,
    pub(super) group: IpAddr,
    /// Of this machine.
    pub(super) address: IpAddr,
    pub(super) asking: Asking,
}

/// Through which a source speaks.
#[derive(Clone, Debug)]
pub(super) enum Voice {
    /// A socket at the very address that it names.
    Own { place: Place, port: u16, kind: Kind },
    /// The one through which the bus hears.
    Shared(Arc<Udp>),
}

impl Voice {
    pub(super) fn open(&self, reach: Reach) -> Result<Arc<Udp>> {
        match self {
            Self::Own { place, port, kind } => Udp::to_group(*kind, place, *port, reach).map(Arc::new),
            Self::Shared(socket) => Ok(Arc::clone(socket)),
        }
    }
}

#[derive(Debug)]
pub(super) struct Link {
    session: Session,
    ears: Arc<Udp>,
    /// Asks.
    mouth: Arc<Udp>,
    /// To whom that goes which all are to hear, in order.
    all: Vec<SocketAddr>,
    /// Only these are heard.
    is_closed: bool,
    /// Who is at one of these is asked where all hear it: several programs of this machine may share the port, and the system
    /// would choose one of them.
    here: Vec<IpAddr>,
    /// With this, the relay knows us.
    member: Option<Member>,
    /// The first of all to whom that was not sent which others have already.
    next: usize,
    /// Datagrams of who is not heard.
    foreign: u64,
}

impl Link {
    /// The link, and what a source needs of it.
    pub(super) fn open(endpoint: &Endpoint) -> Result<(Self, Voice)> {
        match endpoint {
            Endpoint::Group { interface, group, in_udp } => {
                let kind = if *in_udp { Kind::Udp } else { Kind::Raw };
                Self::to_group(Place::one(interface, group.is_ipv4())?, *group, kind)
            }
            Endpoint::Members { interface, port, members } => {
                let place = Place::one_or_all(interface, members[0].is_ipv4())?;
                let is_own = |member: &SocketAddr| member.port() == *port && place.is_at(member.ip());
                let mut all: Vec<_> = members.iter().copied().filter(|member| !is_own(member)).collect();
                all.sort_unstable();
                all.dedup();
                let socket = Udp::alone(&place, *port)?;
                Ok(Self::to_each(place.address, socket, all, None))
            }
            Endpoint::Relay(relay) => {
                let (place, address) = way_to(*relay)?;
                let member = Member::new(Duration::ZERO, random()?);
                Ok(Self::to_each(address, Udp::alone(&place, 0)?, vec![*relay], Some(member)))
            }
        }
    }

    fn to_group(place: Place, group: SocketAddr, kind: Kind) -> Result<(Self, Voice)> {
        let (port, here) = (group.port(), place.here.clone());
        let session = Session { port, group: group.ip(), address: place.address, asking: Asking::Named };
        let ears = Arc::new(Udp::of_group(kind, &place, group)?);
        let near = || Udp::to_group(kind, &place, 0, Reach { hops: 1, looped: true });
        near()?.check_way_to(place.on(group))?;
        let mouth = Arc::new(near()?);
        let (all, is_closed) = (vec![group], false);
        let link = Self { session, ears, mouth, all, is_closed, here, member: None, next: 0, foreign: 0 };
        Ok((link, Voice::Own { place, port, kind }))
    }

    fn to_each(address: IpAddr, socket: Udp, all: Vec<SocketAddr>, member: Option<Member>) -> (Self, Voice) {
        let (port, group) = SESSION;
        let session = Session { port, group, address, asking: Asking::Heard };
        let ears = Arc::new(socket);
        let (mouth, voice) = (Arc::clone(&ears), Voice::Shared(Arc::clone(&ears)));
        let (is_closed, here) = (true, Vec::new());
        (Self { session, ears, mouth, all, is_closed, here, member, next: 0, foreign: 0 }, voice)
    }

    pub(super) fn session(&self) -> Session {
        self.session
    }

    /// Bytes of datagrams that the system keeps for us.
    pub(super) fn buffer(&self) -> usize {
        self.ears.buffer()
    }

    /// Datagrams of who is not heard.
    pub(super) fn foreign(&self) -> u64 {
        self.foreign
    }

    /// What others say, up to what fits into `buffers`; true if there may be more.
    pub(super) fn receive(
        &mut self,
        now: Duration,
        buffers: &mut Buffers,
        mut take: impl FnMut(SocketAddr, &[u8]),
    ) -> Result<bool> {
        let Self { ears, all, is_closed, member, foreign, .. } = self;
        ears.receive(buffers, |from, datagram| {
            if *is_closed && all.binary_search(&from).is_err() {
                *foreign += 1;
            } else if !member.as_mut().is_some_and(|member| member.handle(now, datagram)) {
                take(from, datagram);
            }
        })
    }

    /// What is asked of a source through its own socket, if it has one.
    pub(super) fn receive_asked(
        &self,
        source: &Arc<Udp>,
        buffers: &mut Buffers,
        mut take: impl FnMut(&[u8]),
    ) -> Result<bool> {
        if Arc::ptr_eq(source, &self.ears) {
            return Ok(false);
        }
        source.receive(buffers, |_, datagram| take(datagram))
    }

    /// Asks a source, or all.
    pub(super) fn ask(&self, to: To, datagram: &[u8]) -> Sent {
        let send = |to| self.mouth.send(to, datagram, datagram.len());
        match to {
            To::Source(address) if !self.here.contains(&address.ip()) => send(address),
            To::Source(_) | To::Group(_) => self.all.iter().fold(Sent::default(), |sent, to| sent + send(*to)),
        }
    }

    /// Sends datagrams of one size to all, as [`Udp::send`] does; after there was no room, to those who have not got them.
    pub(super) fn say(&mut self, source: &Udp, datagrams: &[u8], size: usize) -> Sent {
        let mut sent = Sent::default();
        while let Some(to) = self.all.get(self.next) {
            sent = sent + source.send(*to, datagrams, size);
            if sent.full > 0 {
                return sent;
            }
            self.next += 1;
        }
        self.next = 0;
        sent
    }

    /// Whether what is sent now reaches anybody, as far as it is known.
    pub(super) fn is_up(&self, now: Duration) -> bool {
        self.member.as_ref().is_none_or(|member| member.is_in(now))
    }

    /// Does what is due so that the link stays up. Call it at the [`deadline`](Self::deadline).
    pub(super) fn advance(&mut self, now: Duration) -> Sent {
        let hello = self.member.as_mut().and_then(|member| member.poll(now));
        hello.map_or(Sent::default(), |hello| self.ask(To::Group(1), &hello))
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.member.as_ref().map(Member::deadline)
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ears.as_fd()
    }
}

/// From where a relay is reached: from whatever interface it is at the time, and which one that is now.
fn way_to(relay: SocketAddr) -> Result<(Place, IpAddr)> {
    let place = Place::one_or_all("*", relay.is_ipv4())?;
    let address = || {
        let probe = UdpSocket::bind((place.address, 0))?;
        probe.connect(relay)?;
        Ok(probe.local_addr()?.ip())
    };
    let address = address().map_err(failed("there is no way to the relay"))?;
    Ok((place, address))
}
