//! The formats by themselves: what is read is written as it was.

use std::time::Duration;

use bytes::Bytes;
use zpatterns_protocol::{
    Time,
    link::{Arrival, Backlog, Header, Links, Magic, Silence},
    liveness::Pace,
    machine::{Frames, Peer, SocketId},
    reqrep::wire::{MAGIC, Message},
};

use crate::dice::Dice;

const PACE: Pace = Pace { interval: Duration::from_millis(100), limit: 3 };
const MAX_LINKS: usize = 20;
const MOST: Backlog = Backlog { messages: 1000, bytes: 1 << 20 };
/// More than one of these comes from no link that holds what the target pushes.
const MAX_KEPT: usize = 10_000;

/// Headers of links, and a table that meets them.
pub fn link(data: &[u8]) -> u64 {
    let mut dice = Dice::new(data);
    let mut links = Links::new(MAGIC, PACE, MAX_LINKS, Duration::from_secs(1), MOST, dice.number());
    let (mut now, mut count, mut pushed) = (Time::ZERO, 0, 0);
    while !dice.is_empty() {
        now += Duration::from_millis(dice.below(50) as u64);
        let frames = frames(&mut dice);
        header(MAGIC, &frames);
        let peer = Peer(Bytes::copy_from_slice(&[dice.byte() % 4]));
        count += 1;
        match links.receive(now, SocketId(0), &peer, frames) {
            Arrival::Opened(link) | Arrival::Message { link, .. } => {
                pushed += usize::from(links.send(now, link, 16, b"answer", vec![]).is_some());
            }
            Arrival::Reset(link) | Arrival::Closed(link) => drop(links.remove(link)),
            Arrival::Nothing | Arrival::Refused | Arrival::Malformed => {}
        }
        let mut sent = 0;
        while let Some((_, _, token, _)) = links.poll() {
            sent += 1;
            assert!(sent <= pushed + MAX_LINKS + 1, "one frame causes more than there is");
            if dice.once_in(50) {
                links.refused(token);
            }
        }
        if dice.once_in(8) {
            links.writable(now, SocketId(0));
        }
        for silence in links.due(now) {
            if let Silence::Forgotten(link) = silence {
                links.remove(link);
            }
        }
        for link in links.ids() {
            assert!(links.backlog(link).0 <= pushed.min(MAX_KEPT), "a link keeps what nobody pushed");
        }
        assert!(links.len() <= MAX_LINKS);
    }
    count
}

/// A message of links, nearly: with few sessions and small numbers, so that some fit.
fn frames(dice: &mut Dice<'_>) -> Frames {
    let mut first = Vec::from(if dice.once_in(16) { Magic::default() } else { MAGIC });
    let (kind, inline) = (dice.choose(&[0, 1, 2, 3, 4, 5, 6, 16, 17, 127]), dice.choose(&[0, 0x80]));
    first.push(kind | inline);
    for (end, rarely) in [(24, 64), (6, 4), (6, 4)] {
        let number = if dice.once_in(rarely) { dice.number() } else { dice.below(end) as u64 };
        first.extend(number.to_be_bytes());
    }
    let fields = dice.bytes(20);
    let length = if dice.once_in(16) { dice.number() as u16 } else { fields.len() as u16 };
    first.extend(length.to_be_bytes());
    first.extend(&fields[..]);
    if inline > 0 {
        first.extend(&dice.bytes(8)[..]);
    }
    first.truncate(if dice.once_in(32) { dice.below(40) } else { first.len() });
    let mut frames = vec![first.into()];
    frames.extend((0..dice.below(3)).map(|_| dice.bytes(8)));
    frames
}

fn header(magic: Magic, frames: &Frames) {
    let Some((header, fields, body)) = Header::read(magic, frames.clone()) else { return };
    let written = header.write(magic, &fields, body.clone());
    // Whether a small frame goes into the first one is the writer's choice, so it is the meaning that comes back.
    assert_eq!(Header::read(magic, written), Some((header, fields, body)));
}

/// Messages of request-reply.
pub fn message(data: &[u8]) -> u64 {
    let mut dice = Dice::new(data);
    let mut count = 0;
    while !dice.is_empty() {
        count += 1;
        let kind = if dice.once_in(16) { dice.byte() } else { 16 + dice.below(9) as u8 };
        let (mut fields, body) = (dice.bytes(64).to_vec(), vec![dice.bytes(4); dice.below(3)]);
        // Lengths of names, and flags, that fit now and then.
        for at in [9, 17, 18, 19, 12] {
            if let Some(byte) = fields.get_mut(at).filter(|_| dice.once_in(2)) {
                *byte = dice.below(4) as u8;
            }
        }
        if let Some(read) = Message::decode(kind, fields.clone().into(), body.clone()) {
            assert_eq!(read.encode(), (kind, fields, body));
        }
    }
    count
}
