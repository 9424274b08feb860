//! Protocols without a magic: 6/PPP, the workers of Simple Pirate and of the LRU queue, and bare REQ clients.
//!
//! Nothing in their frames says what they are, so they get endpoints of their own, each for one side and one service.

use bytes::Bytes;

use super::{dispatch::Ticket, mdp::OldMessage, old::Dialect};
use crate::machine::Frames;

/// Who connects to a plain endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Those who ask: REQ, or DEALER with an empty frame before the question, or without.
    Clients,
    /// Those who answer: DEALER as 6/PPP has it, with heartbeats; or REQ, which says that it is ready, and has none.
    Workers,
}

const READY: &[u8] = b"\x01";
const HEARTBEAT: &[u8] = b"\x02";

/// A request for a worker.
pub(super) fn request(dialect: Dialect, ticket: Ticket, body: &[Bytes]) -> Frames {
    // REQ strips what goes before the first empty frame.
    let mut frames = if dialect == Dialect::Simple { vec![Bytes::new()] } else { Frames::new() };
    frames.extend([Bytes::copy_from_slice(&ticket.0.to_be_bytes()), Bytes::new()]);
    frames.extend(body.iter().cloned());
    frames
}

/// Tells a worker of 6/PPP that we live.
pub(super) fn heartbeat() -> Frames {
    vec![Bytes::from_static(HEARTBEAT)]
}

/// Reads what came from this side, about this service; `None` if it makes no sense.
pub(super) fn read(side: Side, service: &Bytes, frames: &Frames) -> Option<OldMessage> {
    match side {
        Side::Clients => {
            let (envelope, body) = match frames.iter().position(Bytes::is_empty) {
                Some(empty) => frames.split_at(empty + 1),
                None => frames.split_at(0),
            };
            let (dialect, envelope, body) = (Dialect::Plain, envelope.to_vec(), body.to_vec());
            Some(OldMessage::Request { dialect, envelope, service: service.clone(), body })
        }
        Side::Workers => {
            let (dialect, frames) = match frames.split_first()? {
                (empty, rest) if empty.is_empty() => (Dialect::Simple, rest),
                _ => (Dialect::Paranoid, frames.as_slice()),
            };
            match frames {
                [word] if word == READY || (word == "READY" && dialect == Dialect::Simple) => {
                    Some(OldMessage::Ready { dialect, service: service.clone() })
                }
                [word] if word == HEARTBEAT && dialect == Dialect::Paranoid => Some(OldMessage::Heartbeat { dialect }),
                [address, empty, body @ ..] if empty.is_empty() => {
                    let ticket = Ticket(u64::from_be_bytes(address[..].try_into().ok()?));
                    Some(OldMessage::Answer { dialect, ticket, last: true, body: body.to_vec() })
                }
                _ => None,
            }
        }
    }
}
