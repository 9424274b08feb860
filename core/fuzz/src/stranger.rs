//! Somebody who was not asked: what it sends is anything at all.
//!
//! It hears what others say, and says it again with some harm done. Two things it cannot have: the session number of an
//! honest link, which is random and known to both its ends only (whoever knows it speaks for one of them), and the name of
//! the honest service, for whoever offers that is given its requests.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use zpatterns_protocol::{
    link::{FIRST, Header, OPEN, Session},
    machine::Frames,
    reqrep::wire::MAGIC,
};

use crate::dice::Dice;

/// The service that strangers do not know.
pub(crate) const HONEST: &[u8; 6] = b"honest";
/// What they take it for.
const THEIRS: &[u8; 6] = b"nobody";
/// Sessions that strangers open have numbers below.
const SESSIONS: u64 = 12;
/// How much of what was heard is remembered.
const HEARD: usize = 64;

/// What the strangers know.
#[derive(Default)]
pub(crate) struct Gossip {
    heard: VecDeque<Frames>,
    /// What the other side of a stranger's own session expects next.
    next: BTreeMap<Session, u64>,
    /// Sessions that others opened to a stranger, who has to answer on them.
    opened: VecDeque<Session>,
    /// They speak Majordomo only.
    old: bool,
    /// They know the honest service, because nobody would take an offer from them.
    know: bool,
}

impl Gossip {
    pub(crate) fn hear(&mut self, frames: &Frames) {
        if self.heard.len() == HEARD {
            self.heard.pop_front();
        }
        self.heard.push_back(frames.clone());
        if let Some((header, ..)) = Header::read(MAGIC, frames.clone()) {
            if header.kind == OPEN {
                self.next.clear();
            } else if self.is_own(header.session) {
                self.next.insert(header.session, header.received.wrapping_add(1));
            }
        }
    }

    /// Whether they speak Majordomo only, and know the honest service.
    pub(crate) fn speak(&mut self, old: bool, know: bool) {
        (self.old, self.know) = (old, know);
    }

    /// A session was opened to a stranger.
    pub(crate) fn opened(&mut self, session: Session) {
        self.opened.push_front(session);
        self.opened.truncate(2);
    }

    fn is_own(&self, session: Session) -> bool {
        session.0 < SESSIONS || self.opened.contains(&session)
    }

    /// What a stranger says next.
    pub(crate) fn say(&mut self, dice: &mut Dice<'_>) -> Frames {
        let what = dice.below(8);
        match what {
            0 => (0..dice.below(6)).map(|_| dice.bytes(60)).collect(),
            1..4 if !self.heard.is_empty() => self.harmed(dice),
            _ if self.old || what == 4 => majordomo(dice),
            _ => self.ours(dice),
        }
    }

    /// A session of a stranger's own.
    fn session(&self, dice: &mut Dice<'_>) -> Session {
        match self.opened.len() {
            0 => Session(dice.below(SESSIONS as usize) as u64),
            count => self.opened[dice.below(count)],
        }
    }

    /// The number of the next message on a session of a stranger's own: mostly the one that is expected.
    fn sequence(&mut self, dice: &mut Dice<'_>, session: Session) -> u64 {
        if dice.once_in(4) {
            return dice.below(6) as u64;
        }
        let next = self.next.entry(session).or_insert(1);
        let sequence = *next;
        *next = sequence.wrapping_add(1);
        sequence
    }

    /// Something that was heard, changed in up to three places.
    fn harmed(&mut self, dice: &mut Dice<'_>) -> Frames {
        let mut frames: Frames = self.heard[dice.below(self.heard.len())].clone();
        if !self.know {
            frames = frames.iter().map(without_name).collect();
        }
        if let Some(first) = frames.first_mut().filter(|first| first.len() >= Header::SIZE && first[..4] == MAGIC) {
            let mut bytes = first.to_vec();
            let session = self.session(dice);
            bytes[5..13].copy_from_slice(&session.0.to_be_bytes());
            if bytes[4] & 0x7f >= FIRST {
                bytes[13..21].copy_from_slice(&self.sequence(dice, session).to_be_bytes());
            }
            *first = bytes.into();
        }
        for _ in 0..dice.below(4) {
            let at = dice.below(frames.len() + 1);
            match (dice.below(6), frames.get(at).cloned()) {
                (0, Some(_)) => drop(frames.remove(at)),
                (1, _) => frames.insert(at, dice.bytes(40)),
                (2, Some(frame)) => frames.insert(at, frame),
                (3, Some(frame)) => frames[at] = frame.slice(..dice.below(frame.len() + 1)),
                (_, Some(frame)) if !frame.is_empty() => {
                    let mut bytes = frame.to_vec();
                    let place = dice.below(bytes.len());
                    bytes[place] = dice.byte();
                    frames[at] = bytes.into();
                }
                _ => {}
            }
        }
        frames
    }

    /// A message of our protocol: well-formed, or nearly.
    fn ours(&mut self, dice: &mut Dice<'_>) -> Frames {
        let kind = dice.choose(&KINDS);
        let mut fields = Vec::new();
        match kind {
            16 => {
                fields.extend((dice.below(20) as u64).to_be_bytes());
                fields.extend((dice.below(5000) as u32).to_be_bytes());
                fields.extend((dice.below(5000) as u32).to_be_bytes());
                // Attempts, task, flags.
                fields.extend([dice.below(4) as u8, dice.below(5) as u8, dice.below(4) as u8]);
                let service = if self.know { HONEST } else { dice.choose(&[THEIRS, b"nobodx"]) };
                fields.extend([&[6], &service[..], b"\x01k"].concat());
            }
            17..=21 => {
                fields.extend((dice.below(20) as u64).to_be_bytes());
                fields.extend(vec![0; if kind == 21 { 5 } else { usize::from(kind > 18) }]);
            }
            22 => {
                fields.extend((dice.below(20) as u64).to_be_bytes());
                fields.extend([0, dice.byte(), dice.below(2) as u8, 0, 0, 0, dice.byte()]);
            }
            23 => {
                fields.extend((dice.below(5) as u64).to_be_bytes());
                fields.extend((dice.below(4) as u32).to_be_bytes());
                fields.extend(dice.choose(&[&b"\x06nobody"[..], b"\x00"]));
            }
            _ => {}
        }
        let body = if kind >= 16 && dice.once_in(2) { vec![dice.bytes(30)] } else { vec![] };
        let session = self.session(dice);
        let sequence = if kind < FIRST { dice.below(6) as u64 } else { self.sequence(dice, session) };
        let received = if dice.once_in(4) { dice.number() } else { dice.below(6) as u64 };
        Header { kind, session, sequence, received }.write(MAGIC, &fields, body)
    }
}

fn without_name(frame: &Bytes) -> Bytes {
    let mut bytes = frame.to_vec();
    while let Some(at) = bytes.windows(HONEST.len()).position(|window| window == HONEST) {
        bytes[at..at + HONEST.len()].copy_from_slice(THEIRS);
    }
    bytes.into()
}

/// Kinds of messages, those that end a session less often.
const KINDS: [u8; 32] = [
    0, 0, 1, 1, 2, 2, 3, 4, 5, 16, 16, 16, 16, 16, 16, 17, 17, 18, 19, 19, 19, 20, 20, 20, 21, 21, 22, 22, 23, 23, 23,
    24,
];

/// A message of Majordomo: well-formed, or nearly.
fn majordomo(dice: &mut Dice<'_>) -> Frames {
    let header = dice.choose(&["MDPC01", "MDPC02", "MDPW01", "MDPW02"]);
    let mut frames = Frames::new();
    if dice.once_in(8) {
        frames.push(dice.bytes(9));
    }
    if header.ends_with('1') {
        frames.push(Bytes::new());
    }
    frames.push(Bytes::from_static(header.as_bytes()));
    if header != "MDPC01" {
        frames.push(Bytes::copy_from_slice(&[dice.below(8) as u8]));
    }
    if dice.once_in(3) {
        frames.push(Bytes::copy_from_slice(&dice.number().to_be_bytes()));
        frames.push(Bytes::new());
    } else if !dice.once_in(3) {
        frames.push(Bytes::from_static(dice.choose(&["nobody", "nobodx", "mmi.service", "mmi."]).as_bytes()));
    }
    frames.extend((0..dice.below(3)).map(|_| dice.bytes(20)));
    frames
}
