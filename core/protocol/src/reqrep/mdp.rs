//! The Majordomo protocol, versions 0.1 and 0.2, as bytes.
//!
//! Clients and workers that speak it share the broker's port with ours and are known by their first frames. What they
//! cannot say is in the specification: they have no request numbers, no deadlines, and no word for a failure.

use bytes::Bytes;

use super::{dispatch::Ticket, old::Dialect};
use crate::machine::Frames;

/// Which of the two versions, which differ in their frames and numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Version {
    /// 7/MDP and 8/MMI: an empty frame goes first, and a reply is one message.
    V1,
    /// 18/MDP: no empty frame, and a reply may come in parts.
    V2,
}

/// What a client or worker with an older protocol says.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum OldMessage {
    /// A client asks. What stands before the header goes before the reply too.
    Request { dialect: Dialect, envelope: Frames, service: Bytes, body: Frames },
    /// A worker offers a service.
    Ready { dialect: Dialect, service: Bytes },
    /// A worker answers; the address that it was given is our ticket.
    Answer { dialect: Dialect, ticket: Ticket, last: bool, body: Frames },
    /// A worker lives.
    Heartbeat { dialect: Dialect },
    /// A worker goes.
    Disconnect { dialect: Dialect },
}

impl Version {
    fn client(self) -> Bytes {
        Bytes::from_static(if self == Self::V1 { b"MDPC01" } else { b"MDPC02" })
    }

    fn worker(self) -> Bytes {
        Bytes::from_static(if self == Self::V1 { b"MDPW01" } else { b"MDPW02" })
    }

    /// What goes first to a worker.
    fn to_worker(self, command: u8) -> Frames {
        let command = Bytes::copy_from_slice(&[command]);
        match self {
            Self::V1 => vec![Bytes::new(), self.worker(), command],
            Self::V2 => vec![self.worker(), command],
        }
    }

    /// A request for a worker.
    pub(super) fn request(self, ticket: Ticket, body: &[Bytes]) -> Frames {
        let mut frames = self.to_worker(2);
        frames.extend([Bytes::copy_from_slice(&ticket.0.to_be_bytes()), Bytes::new()]);
        frames.extend(body.iter().cloned());
        frames
    }

    /// Tells a worker that we live.
    pub(super) fn heartbeat(self) -> Frames {
        self.to_worker(if self == Self::V1 { 4 } else { 5 })
    }

    /// Tells a worker to register anew.
    pub(super) fn disconnect(self) -> Frames {
        self.to_worker(if self == Self::V1 { 5 } else { 6 })
    }

    /// An answer for a client, or a part of one.
    pub(super) fn answer(self, envelope: Frames, service: Bytes, last: bool, body: Frames) -> Frames {
        let mut frames = envelope;
        frames.push(self.client());
        if self == Self::V2 {
            frames.push(Bytes::from_static(if last { b"\x03" } else { b"\x02" }));
        }
        frames.push(service);
        frames.extend(body);
        frames
    }
}

/// Reads a message; `None` if it is no Majordomo.
pub(super) fn read(frames: &Frames) -> Option<OldMessage> {
    // From REQ an empty frame goes before the header, and with correlation a number before that.
    let envelope = match frames.as_slice() {
        [number, empty, header, ..] if number.len() == 4 && empty.is_empty() && header == "MDPC01" => 2,
        [empty, header, ..] if empty.is_empty() && (header == "MDPC01" || header == "MDPW01") => 1,
        [header, ..] if header == "MDPC02" || header == "MDPW02" => 0,
        _ => return None,
    };
    let (before, rest) = frames.split_at(envelope);
    let version = if rest[0].ends_with(b"1") { Version::V1 } else { Version::V2 };
    match (rest, version) {
        ([header, service, body @ ..], Version::V1) if header == "MDPC01" => {
            request(version, before.to_vec(), service, body)
        }
        ([header, command, service, body @ ..], Version::V2) if header == "MDPC02" && command[..] == [1] => {
            request(version, Frames::new(), service, body)
        }
        ([header, command, rest @ ..], _) if header.starts_with(b"MDPW") => worker(version, command, rest),
        _ => None,
    }
}

fn request(version: Version, envelope: Frames, service: &Bytes, body: &[Bytes]) -> Option<OldMessage> {
    is_name(service).then(|| OldMessage::Request {
        dialect: Dialect::Majordomo(version),
        envelope,
        service: service.clone(),
        body: body.to_vec(),
    })
}

fn is_name(service: &Bytes) -> bool {
    (1..=crate::fields::MAX_NAME).contains(&service.len())
}

fn worker(version: Version, command: &Bytes, rest: &[Bytes]) -> Option<OldMessage> {
    let &[command] = &command[..] else { return None };
    let dialect = Dialect::Majordomo(version);
    match (version, command, rest) {
        (_, 1, [service]) if is_name(service) => Some(OldMessage::Ready { dialect, service: service.clone() }),
        (_, 3, _) => answer(dialect, version == Version::V1, rest),
        (Version::V2, 4, _) => answer(dialect, true, rest),
        (Version::V1, 4, []) | (Version::V2, 5, []) => Some(OldMessage::Heartbeat { dialect }),
        (Version::V1, 5, []) | (Version::V2, 6, []) => Some(OldMessage::Disconnect { dialect }),
        _ => None,
    }
}

fn answer(dialect: Dialect, last: bool, rest: &[Bytes]) -> Option<OldMessage> {
    let [address, empty, body @ ..] = rest else { return None };
    let ticket = Ticket(u64::from_be_bytes(address[..].try_into().ok()?));
    empty.is_empty().then(|| OldMessage::Answer { dialect, ticket, last, body: body.to_vec() })
}
