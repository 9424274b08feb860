//! PGM, RFC 3208, as libzmq speaks it over UDP (`epgm`) and over raw IP (`pgm`): reliable multicast without a system
//! library.
//!
//! A sender numbers what it sends and keeps a window of it; receivers ask for what they miss. Nothing here owns a socket, a
//! thread or a clock: time is how long ago the driver began, and an argument. [`packet`] reads and writes what is in a
//! datagram, [`framing`] cuts ZeroMQ messages into payloads and puts them together again, [`sequence`] compares numbers that
//! wrap; [`sender`] and [`receiver`] are the machines, and [`forwarder`] is another, for where there is no multicast.
//!
//! Whatever a datagram holds, reading it ends, allocates nothing, and gives a packet or the reason why it is none.
//!
//! ```
//! use zpatterns_epgm::{framing::Packer, packet::{Body, Flow, Gsi, Packet}, sequence::Sqn};
//!
//! let mut payloads = Vec::new();
//! let mut packer = Packer::new(0, 1428);
//! packer.push(&[b"hello"], |payload| payloads.push(payload));
//! packer.flush(|payload| payloads.push(payload));
//!
//! let flow = Flow { source: 9026, destination: 5555, gsi: Gsi(*b"source") };
//! let body = Body::Data { repair: false, sequence: Sqn(0), trail: Sqn(0), payload: &payloads[0] };
//! let mut datagram = Vec::new();
//! Packet { flow, body, ..Packet::default() }.write(&mut datagram);
//! assert_eq!(Packet::read(&datagram)?.body, body);
//! # Ok::<(), zpatterns_epgm::packet::Malformed>(())
//! ```

#![forbid(unsafe_code)]

pub mod forwarder;
pub mod framing;
pub mod key;
mod pace;
pub mod packet;
pub mod parity;
pub mod receiver;
pub mod sender;
pub mod sequence;
mod writer;
