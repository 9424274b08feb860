//! The sockets of a bus, and datagrams in large groups.
//!
//! * One socket hears the group, and nothing else: not another group on the same port.
//! * A source has a socket at the very address that it names, so that what is meant for it is not given to another
//!   program on the same port; the stream leaves through it.
//! * Questions leave through a third, which goes no further than the next router.
//! * Where there is no group, one socket does all this, and shares its port with nobody.
//!
//! Where the system can, it is given up to 64 datagrams of one size at once, and gives as many back (GSO, GRO): that is
//! ten times cheaper than one by one. Sockets of raw IP are as those of UDP, but that they have no ports, get every packet that
//! comes for their address, and in IPv4 with its header.

use std::{
    io::{self, ErrorKind as IoErrorKind, IoSliceMut},
    net::{IpAddr, SocketAddr},
    os::fd::{AsFd, BorrowedFd},
};

use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};
use zpatterns_protocol::{Error, Result};

use super::place::Place;
use crate::errno;

/// Bytes that a receiving socket may keep, if the system allows as many.
const RECEIVE_BUFFER: usize = 8 << 20;
/// Bytes that the system gives at once, in one of so many buffers.
const BUFFER: usize = 1 << 16;
const BUFFERS: usize = 8;
/// Bytes that the system takes at once.
pub(super) const MAX_TOGETHER: usize = 65_000;

/// The number of PGM among the protocols in IP.
const PGM: i32 = 113;

/// What datagrams are in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// UDP.
    Udp,
    /// IP itself.
    Raw,
}

/// How far what is sent goes, and whether this machine hears it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    pub(super) hops: u32,
    pub(super) looped: bool,
}

#[derive(Debug)]
pub(super) struct Udp {
    socket: Socket,
    state: UdpSocketState,
    kind: Kind,
}

pub(super) fn failed(what: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |error| errno::error(error.raw_os_error().unwrap_or(libc::EIO), what)
}

const NO_MULTICAST: &str = "there is no multicast on this interface, as in many containers and clouds";

fn named(error: Error, group: SocketAddr, interface: IpAddr) -> Error {
    error.with("group", group.ip()).with("interface", interface)
}

impl Udp {
    fn open(kind: Kind, mut address: SocketAddr, is_shared: bool) -> Result<Self> {
        let domain = Domain::for_address(address);
        let socket = match kind {
            Kind::Udp => {
                Socket::new(domain, Type::DGRAM, Some(Protocol::UDP)).map_err(failed("cannot make a UDP socket"))
            }
            Kind::Raw => Socket::new(domain, Type::RAW, Some(Protocol::from(PGM)))
                .map_err(failed("cannot make a raw socket, for which a process needs the capability CAP_NET_RAW")),
        }?;
        if kind == Kind::Raw {
            address.set_port(0);
        }
        let set = || {
            // libzmq's peers on the same port have set the second only, and want to see it.
            socket.set_reuse_address(is_shared)?;
            socket.set_reuse_port(is_shared)?;
            if address.is_ipv6() && kind == Kind::Udp {
                socket.set_only_v6(true)?;
            }
            Ok(())
        };
        set().map_err(failed("cannot share a port"))?;
        // What the system does not grant is a smaller buffer, and no reason to fail.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        let _ = socket.set_send_buffer_size(RECEIVE_BUFFER);
        let at = |error: Error| error.with("address", address);
        socket.bind(&address.into()).map_err(failed("cannot bind a socket")).map_err(at)?;
        let state = UdpSocketState::new((&socket).into()).map_err(failed("cannot set a socket up"))?;
        Ok(Self { socket, state, kind })
    }

    /// Hears the group.
    pub(super) fn of_group(kind: Kind, place: &Place, group: SocketAddr) -> Result<Self> {
        let udp = Self::open(kind, place.on(group), true)?;
        let joined = match (group.ip(), place.address) {
            (IpAddr::V4(group), IpAddr::V4(address)) => {
                udp.socket.set_multicast_all_v4(false).and_then(|()| udp.socket.join_multicast_v4(&group, &address))
            }
            (IpAddr::V6(group), _) => {
                udp.socket.set_multicast_all_v6(false).and_then(|()| udp.socket.join_multicast_v6(&group, place.index))
            }
            (IpAddr::V4(_), IpAddr::V6(_)) => Err(io::Error::from_raw_os_error(libc::EINVAL)),
        };
        joined.map_err(failed(NO_MULTICAST)).map_err(|error| named(error, group, place.address))?;
        Ok(udp)
    }

    /// Whether the system would send there at all. Use another socket then: this one is good for nothing else.
    pub(super) fn check_way_to(&self, group: SocketAddr) -> Result<()> {
        let own = self.address()?.ip();
        self.socket.connect(&group.into()).map_err(failed(NO_MULTICAST)).map_err(|error| named(error, group, own))
    }

    /// Sends to groups, from `port` of the interface; 0 is any.
    pub(super) fn to_group(kind: Kind, place: &Place, port: u16, reach: Reach) -> Result<Self> {
        let udp = Self::open(kind, place.at(port), true)?;
        let socket = &udp.socket;
        let set = || match place.address {
            IpAddr::V4(address) => {
                socket.set_multicast_if_v4(&address)?;
                socket.set_multicast_loop_v4(reach.looped)?;
                socket.set_multicast_ttl_v4(reach.hops)
            }
            IpAddr::V6(_) => {
                socket.set_multicast_if_v6(place.index)?;
                socket.set_multicast_loop_v6(reach.looped)?;
                socket.set_multicast_hops_v6(reach.hops)
            }
        };
        set().map_err(failed("cannot send to a group"))?;
        Ok(udp)
    }

    /// Hears and sends, at a port of the interface that nobody else has; 0 is any.
    pub(super) fn alone(place: &Place, port: u16) -> Result<Self> {
        Self::open(Kind::Udp, place.at(port), false)
    }

    /// Where it is.
    pub(super) fn address(&self) -> Result<SocketAddr> {
        let address = self.socket.local_addr().map_err(failed("cannot tell where a socket is"))?;
        Ok(address.as_socket().expect("it is bound to an address of IP"))
    }

    /// Bytes of datagrams that the system keeps until they are taken. It counts what they cost, and says twice as much.
    pub(super) fn buffer(&self) -> usize {
        self.socket.recv_buffer_size().unwrap_or(0) / 2
    }

    /// How many datagrams of one size may be sent at once.
    pub(super) fn most_together(&self) -> usize {
        self.state.max_gso_segments()
    }

    /// Sends datagrams that stand one behind the other, all of `size` bytes but the last, which may have less. What the system
    /// refuses is lost, as everything on its way may be; if it has no room, some may have left, and twice does no harm.
    pub(super) fn send(&self, mut to: SocketAddr, datagrams: &[u8], size: usize) -> Sent {
        if self.kind == Kind::Raw {
            to.set_port(0);
        }
        let transmit = |contents, segment_size| {
            let transmit = Transmit { destination: to, ecn: None, contents, segment_size, src_ip: None };
            self.state.try_send((&self.socket).into(), &transmit)
        };
        if datagrams.len() <= size {
            return Sent::of(&transmit(datagrams, None));
        }
        match transmit(datagrams, Some(size)) {
            Err(error) if error.kind() != IoErrorKind::WouldBlock => {
                // Not through this interface: from now on one by one, beginning with these.
                datagrams
                    .chunks(size)
                    .fold(Sent::default(), |sent, datagram| sent + Sent::of(&transmit(datagram, None)))
            }
            sent => Sent::of(&sent),
        }
    }

    /// What has come, up to what fits into `buffers`.
    pub(super) fn receive(&self, buffers: &mut Buffers, mut take: impl FnMut(SocketAddr, &[u8])) -> Result<bool> {
        let Buffers { bytes, metas } = buffers;
        let mut slices = bytes.chunks_mut(BUFFER).map(IoSliceMut::new);
        let mut slices: [IoSliceMut<'_>; BUFFERS] = std::array::from_fn(|_| slices.next().expect("a buffer for each"));
        let count = match self.state.recv((&self.socket).into(), &mut slices, metas) {
            Ok(count) => count,
            Err(error) if matches!(error.kind(), IoErrorKind::WouldBlock | IoErrorKind::Interrupted) => {
                return Ok(false);
            }
            // Of somebody whom we asked, or of an interface that may come back: that shows elsewhere.
            Err(error) if is_passing(&error) => return Ok(true),
            Err(error) => return Err(failed("cannot receive")(error)),
        };
        for (slice, meta) in slices.iter().zip(&metas[..count]) {
            let datagrams = &slice[self.header_of(slice, meta)..meta.len];
            if datagrams.is_empty() {
                take(meta.addr, datagrams);
            }
            datagrams.chunks(meta.stride.max(1)).for_each(|datagram| take(meta.addr, datagram));
        }
        Ok(count == BUFFERS)
    }

    /// Bytes before what is in a packet: raw sockets of IPv4 give its header, too, which says in its first byte how long it is.
    fn header_of(&self, packet: &[u8], meta: &RecvMeta) -> usize {
        let has_header = self.kind == Kind::Raw && meta.addr.is_ipv4();
        if has_header { (usize::from(packet[0] & 0xf) * 4).min(meta.len) } else { 0 }
    }
}

fn is_passing(error: &io::Error) -> bool {
    let number = error.raw_os_error().unwrap_or(libc::EIO);
    let passing =
        [libc::ECONNREFUSED, libc::ENETDOWN, libc::ENETUNREACH, libc::EHOSTUNREACH, libc::ENOBUFS, libc::ENOMEM];
    passing.contains(&number)
}

impl AsFd for Udp {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// What became of what was sent.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Sent {
    /// How often the system had no room.
    pub(super) full: u64,
    /// How often it refused for another reason.
    pub(super) refused: u64,
}

impl Sent {
    fn of(result: &io::Result<()>) -> Self {
        match result {
            Ok(()) => Self::default(),
            Err(error) if error.kind() == IoErrorKind::WouldBlock => Self { full: 1, refused: 0 },
            Err(_) => Self { full: 0, refused: 1 },
        }
    }
}

impl std::ops::Add for Sent {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { full: self.full + other.full, refused: self.refused + other.refused }
    }
}

/// Where the system puts what came.
pub(super) struct Buffers {
    bytes: Box<[u8]>,
    metas: [RecvMeta; BUFFERS],
}

impl Buffers {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; BUFFER * BUFFERS].into(), metas: [RecvMeta::default(); BUFFERS] }
    }
}
