//! What is in a datagram.
//!
//! ```text
//! packet  = ports gsi checksum body [options] [payload]          all numbers big-endian
//! header  = source:u16 destination:u16 type:u8 flags:u8 checksum:u16 gsi:6 length:u16
//! SPM     = sequence:u32 trail:u32 lead:u32 address              where the source is, and what it can repeat
//! data    = sequence:u32 trail:u32 *payload                      ODATA is new, RDATA repeats
//! NAK     = sequence:u32 address(source) address(group)          asks; NCF, with the same body, says that it was heard
//! SPMR    =                                                      asks for an SPM
//! address = family:u16 0:u16 (4 | 16)
//! ```
//!
//! A source is known by its [`Flow`]: its ports and its number. What goes back to it has the ports exchanged.
//! [`Packet::read`] is total and strict: a packet is exactly as long as it says, its checksum is right, and its options end.

mod checksum;
mod options;

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

pub use options::{MAX_LIST, Options, OptionsBuffer, PacketOption, Parity, Status};

use crate::sequence::Sqn;

/// The bytes of every packet before its body.
pub const HEADER: usize = 16;
/// The bytes of a data packet before its payload, if it has no options.
pub const DATA_HEADER: usize = HEADER + 8;

const SPM: u8 = 0x00;
const POLL: u8 = 0x01;
const POLR: u8 = 0x02;
const ODATA: u8 = 0x04;
const RDATA: u8 = 0x05;
const NAK: u8 = 0x08;
const NULL_NAK: u8 = 0x09;
const NCF: u8 = 0x0a;
const SPMR: u8 = 0x0c;
const ACK: u8 = 0x0d;

const HAS_OPTIONS: u8 = 0x01;
const NETWORK: u8 = 0x02;
const VARIABLE_LENGTH: u8 = 0x40;
const PARITY: u8 = 0x80;

/// A bit for each packet before the newest.
const NONE_MISSING: u32 = u32::MAX;

const FAMILY_V4: u16 = 1;
const FAMILY_V6: u16 = 2;

/// The globally unique number of a source; with its port it names one stream of packets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Gsi(pub [u8; 6]);

impl fmt::Debug for Gsi {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

/// Whose packet it is, and which way it goes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Flow {
    /// Of the source, or in a packet to it that of the session.
    pub source: u16,
    /// Of the session, or in a packet to the source its own.
    pub destination: u16,
    /// Of the source, both ways.
    pub gsi: Gsi,
}

impl Flow {
    /// The way back.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self { source: self.destination, destination: self.source, gsi: self.gsi }
    }
}

/// What a NAK is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NakKind {
    /// A receiver asks.
    Ask,
    /// A router asks on behalf of others, and wants no answer.
    Null,
    /// The source, or a router, says that it was heard.
    Confirm,
}

/// What a packet says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Body<'a> {
    /// Where the source is, and which packets it keeps.
    Spm {
        /// Of the SPM itself.
        sequence: Sqn,
        /// The oldest that it can repeat.
        trail: Sqn,
        /// The newest; one before the trail if there is none.
        lead: Sqn,
        /// Where NAKs go.
        address: IpAddr,
    },
    /// A part of the stream.
    Data {
        /// It was sent before.
        repair: bool,
        /// Its number.
        sequence: Sqn,
        /// The oldest that the source can repeat.
        trail: Sqn,
        /// See [`framing`](crate::framing).
        payload: &'a [u8],
    },
    /// Something is missing; more of it may be in the [list](Options::nak_list).
    Nak {
        /// Who says so.
        kind: NakKind,
        /// The packet that is missing.
        sequence: Sqn,
        /// Of the source, as its SPM says.
        source: IpAddr,
        /// To which the stream goes.
        group: IpAddr,
    },
    /// Somebody has no SPM yet.
    Spmr,
    /// How far somebody is, with a [status](Options::status); only sources that wait for those who listen want to hear it.
    Ack {
        /// The last packet before which nothing is missing, and which the program took.
        newest: Sqn,
    },
}

/// A packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet<'a> {
    /// Whose it is.
    pub flow: Flow,
    /// What it says.
    pub body: Body<'a>,
    /// What else it says.
    pub options: Options<'a>,
    /// An option matters to routers.
    pub is_for_network: bool,
    /// Data is [parity](crate::parity), and its number says of which group, and which of it; a NAK asks for so much of it, less one.
    pub is_parity: bool,
}

impl Default for Packet<'_> {
    /// Asks a source that there is not for an SPM.
    fn default() -> Self {
        let (flow, options) = (Flow::default(), Options::default());
        Self { flow, body: Body::Spmr, options, is_for_network: false, is_parity: false }
    }
}

/// Why bytes are no packet that this crate takes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum Malformed {
    /// There are not enough of them, or more than it says.
    Length,
    /// The checksum is wrong, or missing where there must be one.
    Checksum,
    /// There is no such type of packet, or no such version.
    Type,
    /// An address is of no known family.
    Address,
    /// The options do not end, or overlap.
    Options,
    /// It is well formed and of a kind that nobody sends to us: fragments, polls.
    Unsupported,
}

impl fmt::Display for Malformed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Length => "it is not as long as it says",
            Self::Checksum => "its checksum is wrong",
            Self::Type => "there is no such type",
            Self::Address => "an address is of no known family",
            Self::Options => "its options make no sense",
            Self::Unsupported => "it is of a kind that nobody should send",
        })
    }
}

impl std::error::Error for Malformed {}

impl<'a> Packet<'a> {
    /// Reads a whole datagram.
    ///
    /// # Errors
    /// [`Malformed`] says why it is no packet.
    pub fn read(datagram: &'a [u8]) -> Result<Self, Malformed> {
        let (header, rest) = datagram.split_first_chunk::<HEADER>().ok_or(Malformed::Length)?;
        let [s0, s1, d0, d1, kind, flags, c0, c1, g0, g1, g2, g3, g4, g5, l0, l1] = *header;
        let is_data = matches!(kind, ODATA | RDATA);
        let has_checksum = [c0, c1] != [0, 0];
        let is_sound = if has_checksum { checksum::is_right(datagram) } else { !is_data };
        if !is_sound {
            return Err(Malformed::Checksum);
        }
        let mut cursor = Cursor(rest);
        let fixed = cursor.fixed(kind)?;
        let mut options = Options::default();
        if flags & HAS_OPTIONS != 0 {
            (options, cursor.0) = Options::split(cursor.0)?;
        }
        if cursor.0.len() != usize::from(u16::from_be_bytes([l0, l1])) || (!is_data && !cursor.0.is_empty()) {
            return Err(Malformed::Length);
        }
        let is_parity = flags & PARITY != 0;
        let varies = flags & VARIABLE_LENGTH != 0;
        let is_nak = matches!(fixed, Body::Nak { .. });
        if varies != (is_parity && is_data) || (is_parity && !is_data && !is_nak) || options.has(options::FRAGMENT) {
            return Err(Malformed::Unsupported);
        }
        let body = match fixed {
            Body::Data { repair, sequence, trail, .. } => Body::Data { repair, sequence, trail, payload: cursor.0 },
            other => other,
        };
        let (source, destination) = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]));
        let flow = Flow { source, destination, gsi: Gsi([g0, g1, g2, g3, g4, g5]) };
        Ok(Self { flow, body, options, is_for_network: flags & NETWORK != 0, is_parity })
    }

    /// Appends the packet to `datagram`, with its checksum. A payload is at most as long as a datagram may be.
    pub fn write(&self, datagram: &mut Vec<u8>) {
        let start = datagram.len();
        let options = self.options.as_bytes();
        let mut flags = if options.is_empty() { 0 } else { HAS_OPTIONS };
        flags |= if self.is_for_network { NETWORK } else { 0 };
        flags |= match self.body {
            Body::Data { .. } if self.is_parity => PARITY | VARIABLE_LENGTH,
            _ if self.is_parity => PARITY,
            _ => 0,
        };
        let (kind, payload) = match self.body {
            Body::Spm { .. } => (SPM, &[][..]),
            Body::Data { repair, payload, .. } => (data_kind(repair), payload),
            Body::Nak { kind: NakKind::Ask, .. } => (NAK, &[][..]),
            Body::Nak { kind: NakKind::Null, .. } => (NULL_NAK, &[][..]),
            Body::Nak { kind: NakKind::Confirm, .. } => (NCF, &[][..]),
            Body::Spmr => (SPMR, &[][..]),
            Body::Ack { .. } => (ACK, &[][..]),
        };
        datagram.extend(header(self.flow, kind, flags, payload.len()));
        match self.body {
            Body::Spm { sequence, trail, lead, address } => {
                [sequence, trail, lead].iter().for_each(|number| datagram.extend(number.0.to_be_bytes()));
                write_address(datagram, address);
            }
            Body::Data { sequence, trail, .. } => {
                [sequence, trail].iter().for_each(|number| datagram.extend(number.0.to_be_bytes()));
            }
            Body::Nak { sequence, source, group, .. } => {
                datagram.extend(sequence.0.to_be_bytes());
                write_address(datagram, source);
                write_address(datagram, group);
            }
            Body::Spmr => {}
            Body::Ack { newest } => {
                datagram.extend(newest.0.to_be_bytes());
                datagram.extend(NONE_MISSING.to_be_bytes());
            }
        }
        datagram.extend(options);
        datagram.extend(payload);
        seal(&mut datagram[start..]);
    }
}

/// Whether a datagram, if it is a packet at all, is for a source, and nothing that a source says.
pub fn goes_to_a_source(datagram: &[u8]) -> bool {
    matches!(datagram.get(4), Some(&(NAK | SPMR | ACK)))
}

/// Whether a datagram, if it is a packet at all, belongs to this stream: said by its source, or to it.
pub fn is_of(datagram: &[u8], gsi: Gsi, port: u16) -> bool {
    datagram.get(8..14) == Some(&gsi.0) && datagram[..4].as_chunks().0.contains(&port.to_be_bytes())
}

/// Fills in the first [`DATA_HEADER`] bytes of a datagram whose payload is behind them, as [`Packet::write`] would.
pub fn write_data_header(datagram: &mut [u8], flow: Flow, repair: bool, sequence: Sqn, trail: Sqn) {
    let head = header(flow, data_kind(repair), 0, datagram.len() - DATA_HEADER);
    datagram[..HEADER].copy_from_slice(&head);
    datagram[HEADER..][..4].copy_from_slice(&sequence.0.to_be_bytes());
    datagram[HEADER + 4..][..4].copy_from_slice(&trail.0.to_be_bytes());
    seal(datagram);
}

const fn data_kind(repair: bool) -> u8 {
    if repair { RDATA } else { ODATA }
}

/// What every packet begins with, without its checksum.
fn header(Flow { source, destination, gsi }: Flow, kind: u8, flags: u8, payload: usize) -> [u8; HEADER] {
    let [s0, s1] = source.to_be_bytes();
    let [d0, d1] = destination.to_be_bytes();
    let [g0, g1, g2, g3, g4, g5] = gsi.0;
    let [l0, l1] = u16::try_from(payload).expect("a payload fits into a datagram").to_be_bytes();
    [s0, s1, d0, d1, kind, flags, 0, 0, g0, g1, g2, g3, g4, g5, l0, l1]
}

/// Puts the checksum in.
fn seal(packet: &mut [u8]) {
    let checksum = checksum::of(packet);
    packet[6..8].copy_from_slice(&checksum.to_be_bytes());
}

fn write_address(datagram: &mut Vec<u8>, address: IpAddr) {
    let family = if address.is_ipv4() { FAMILY_V4 } else { FAMILY_V6 };
    datagram.extend(family.to_be_bytes());
    datagram.extend([0, 0]);
    match address {
        IpAddr::V4(address) => datagram.extend(address.octets()),
        IpAddr::V6(address) => datagram.extend(address.octets()),
    }
}

/// What is left to be read.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Malformed::Length)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn number(&mut self) -> Result<Sqn, Malformed> {
        self.take().map(|bytes| Sqn(u32::from_be_bytes(bytes)))
    }

    fn address(&mut self) -> Result<IpAddr, Malformed> {
        let [high, low, ..] = self.take::<4>()?;
        match u16::from_be_bytes([high, low]) {
            FAMILY_V4 => self.take().map(|bytes: [u8; 4]| Ipv4Addr::from(bytes).into()),
            FAMILY_V6 => self.take().map(|bytes: [u8; 16]| Ipv6Addr::from(bytes).into()),
            _ => Err(Malformed::Address),
        }
    }

    /// What stands before the options.
    fn fixed(&mut self, kind: u8) -> Result<Body<'a>, Malformed> {
        let nak_kind = match kind {
            SPM => {
                let (sequence, trail, lead) = (self.number()?, self.number()?, self.number()?);
                return Ok(Body::Spm { sequence, trail, lead, address: self.address()? });
            }
            ODATA | RDATA => {
                let (sequence, trail) = (self.number()?, self.number()?);
                return Ok(Body::Data { repair: kind == RDATA, sequence, trail, payload: &[] });
            }
            SPMR => return Ok(Body::Spmr),
            NAK => NakKind::Ask,
            NULL_NAK => NakKind::Null,
            NCF => NakKind::Confirm,
            ACK => {
                let newest = self.number()?;
                self.take::<4>()?;
                return Ok(Body::Ack { newest });
            }
            POLL | POLR => return Err(Malformed::Unsupported),
            _ => return Err(Malformed::Type),
        };
        let sequence = self.number()?;
        Ok(Body::Nak { kind: nak_kind, sequence, source: self.address()?, group: self.address()? })
    }
}

#[cfg(test)]
mod tests;
