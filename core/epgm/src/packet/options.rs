//! Options: what a packet says beside its body.
//!
//! On the wire they are a length over all, then one after the other, each with its kind, its length and a reserved byte; the
//! last is marked. What is not known is skipped, and what is not well formed makes the packet malformed: this is where other
//! implementations loop for ever.

use super::Malformed;
use crate::sequence::Sqn;

const LENGTH: u8 = 0x00;
const NAK_LIST: u8 = 0x02;
const JOIN: u8 = 0x03;
const PARITY_PRM: u8 = 0x08;
/// A payload that is one part of several; no source that this crate knows sends it.
pub(super) const FRAGMENT: u8 = 0x01;
const SYN: u8 = 0x0d;
const FIN: u8 = 0x0e;
/// Of our own, beyond those that RFC 3208 knows: the source wants to hear how far those who listen are.
const PACED: u8 = 0x50;
/// Of our own: how far one who listens is.
const STATUS: u8 = 0x51;
/// Marks the last option.
const END: u8 = 0x80;

/// Further numbers in one list, at most.
pub const MAX_LIST: usize = 62;
/// Options in one packet, at most.
const MAX: usize = 16;

/// How a source sends [parity](crate::parity).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parity {
    /// Datagrams of a group: a power of two.
    pub group: u32,
    /// Some of it is sent with each group.
    pub proactive: bool,
    /// It can be asked for.
    pub on_demand: bool,
}

/// How far one who listens lets a source go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// Who it is: a random number.
    pub receiver: u64,
    /// What it is tagged with.
    pub tag: u32,
    /// So many packets after the [newest](super::Body::Ack) fit.
    pub room: u32,
    /// It listens no longer.
    pub leaves: bool,
}

/// The options of a packet, checked.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Options<'a>(&'a [u8]);

/// One of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PacketOption<'a> {
    /// Which.
    pub kind: u8,
    /// What it says, behind the reserved byte.
    pub value: &'a [u8],
}

impl<'a> Options<'a> {
    /// Splits the options off the front of `bytes`.
    pub(super) fn split(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let &[LENGTH, 4, high, low, ..] = bytes else { return Err(Malformed::Options) };
        let total = usize::from(u16::from_be_bytes([high, low]));
        if total < 4 {
            return Err(Malformed::Options);
        }
        let (all, rest) = bytes.split_at_checked(total).ok_or(Malformed::Options)?;
        let mut left = &all[4..];
        for _ in 0..MAX {
            let &[kind, length, _, ..] = left else { return Err(Malformed::Options) };
            if length < 3 {
                return Err(Malformed::Options);
            }
            let (option, others) = left.split_at_checked(length.into()).ok_or(Malformed::Options)?;
            let listed = option.len().saturating_sub(4);
            if kind & !END == NAK_LIST && (option.len() < 4 || listed % 4 != 0 || listed / 4 > MAX_LIST) {
                return Err(Malformed::Options);
            }
            if kind & END != 0 {
                return if others.is_empty() { Ok((Self(all), rest)) } else { Err(Malformed::Options) };
            }
            left = others;
        }
        Err(Malformed::Options)
    }

    /// As they are on the wire; empty if there are none.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = PacketOption<'a>> + use<'a> {
        let mut left = self.0.get(4..).unwrap_or_default();
        std::iter::from_fn(move || {
            let &[kind, length, ..] = left else { return None };
            let (option, others) = left.split_at(length.into());
            left = others;
            Some(PacketOption { kind: kind & !END, value: &option[3..] })
        })
    }

    pub(super) fn has(&self, kind: u8) -> bool {
        self.iter().any(|option| option.kind == kind)
    }

    /// The numbers that are asked for, or promised, beside that in the body.
    pub fn nak_list(&self) -> impl Iterator<Item = Sqn> + use<'a> {
        let list = self.iter().find(|option| option.kind == NAK_LIST).map_or(&[][..], |option| &option.value[1..]);
        let (numbers, _) = list.as_chunks::<4>();
        numbers.iter().map(|number| Sqn(u32::from_be_bytes(*number)))
    }

    /// The first packet that a receiver that comes late may ask for.
    pub fn join(&self) -> Option<Sqn> {
        let value = self.iter().find(|option| option.kind == JOIN)?.value;
        let number = value.get(1..5)?;
        Some(Sqn(u32::from_be_bytes(number.try_into().ok()?)))
    }

    /// How the source sends parity; nothing, if it sends none, or of groups that are none.
    pub fn parity(&self) -> Option<Parity> {
        let value = self.iter().find(|option| option.kind == PARITY_PRM)?.value;
        let (flags, rest) = value.split_first()?;
        let (group, _) = rest.split_first_chunk::<4>()?;
        let group = u32::from_be_bytes(*group);
        let parity = Parity { group, proactive: flags & 1 != 0, on_demand: flags & 2 != 0 };
        (group.is_power_of_two() && crate::parity::GROUPS.contains(&group)).then_some(parity)
    }

    /// Whether the source wants to hear how far those who listen are.
    pub fn is_paced(&self) -> bool {
        self.has(PACED)
    }

    /// How far one who listens is.
    pub fn status(&self) -> Option<Status> {
        let value = self.iter().find(|option| option.kind == STATUS)?.value;
        let (flags, rest) = value.split_first()?;
        let (receiver, rest) = rest.split_first_chunk::<8>()?;
        let (tag, rest) = rest.split_first_chunk::<4>()?;
        let (room, _) = rest.split_first_chunk::<4>()?;
        let (tag, room) = (u32::from_be_bytes(*tag), u32::from_be_bytes(*room));
        Some(Status { receiver: u64::from_be_bytes(*receiver), tag, room, leaves: flags & 1 != 0 })
    }

    /// Whether the source begins.
    pub fn is_syn(&self) -> bool {
        self.has(SYN)
    }

    /// Whether the source ends.
    pub fn is_fin(&self) -> bool {
        self.has(FIN)
    }
}

/// Options to be sent.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct OptionsBuffer {
    bytes: Vec<u8>,
    /// Where the last one begins.
    last: usize,
}

impl OptionsBuffer {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn add(&mut self, kind: u8, flags: u8, value: &[u8]) {
        if self.bytes.is_empty() {
            self.bytes.extend([LENGTH, 4, 0, 0]);
        } else {
            self.bytes[self.last] &= !END;
        }
        self.last = self.bytes.len();
        let length = u8::try_from(4 + value.len()).expect("the options of this crate are short");
        self.bytes.extend([kind | END, length, 0, flags]);
        self.bytes.extend(value);
        let total = u16::try_from(self.bytes.len()).expect("the options of this crate are few");
        self.bytes[2..4].copy_from_slice(&total.to_be_bytes());
    }

    /// Numbers beside that in the body of a NAK or an NCF, at most [`MAX_LIST`]; those beyond are left out.
    pub fn nak_list(mut self, numbers: &[Sqn]) -> Self {
        let list: Vec<u8> = numbers.iter().take(MAX_LIST).flat_map(|number| number.0.to_be_bytes()).collect();
        self.add(NAK_LIST, 0, &list);
        self
    }

    /// The first packet that a receiver that comes late may ask for.
    pub fn join(mut self, first: Sqn) -> Self {
        self.add(JOIN, 0, &first.0.to_be_bytes());
        self
    }

    /// How the source sends parity.
    pub fn parity(mut self, Parity { group, proactive, on_demand }: Parity) -> Self {
        self.add(PARITY_PRM, u8::from(proactive) | u8::from(on_demand) << 1, &group.to_be_bytes());
        self
    }

    /// The source wants to hear how far those who listen are.
    pub fn paced(mut self) -> Self {
        self.add(PACED, 0, &[]);
        self
    }

    /// How far one who listens is.
    pub fn status(mut self, Status { receiver, tag, room, leaves }: Status) -> Self {
        let value = [&receiver.to_be_bytes()[..], &tag.to_be_bytes(), &room.to_be_bytes()].concat();
        self.add(STATUS, leaves.into(), &value);
        self
    }

    /// The source begins.
    pub fn syn(mut self) -> Self {
        self.add(SYN, 0, &[]);
        self
    }

    /// The source ends.
    pub fn fin(mut self) -> Self {
        self.add(FIN, 0, &[]);
        self
    }

    /// For a packet.
    pub fn as_options(&self) -> Options<'_> {
        Options(&self.bytes)
    }
}
