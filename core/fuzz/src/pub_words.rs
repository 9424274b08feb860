//! Messages of pubsub as somebody would send them who was not asked.

use std::time::Duration;

use bytes::{BufMut, Bytes};
use zpatterns_protocol::{
    Error, ErrorKind, Refusal,
    machine::Frames,
    pubsub::{
        Credential, Criterion, LostReason, Missed, Policy, Slow, Taken,
        wire::{self, Hello, Message, Subscribe, ViewStart, Welcome, WireStart},
    },
};

use crate::dice::Dice;

/// The name, the endpoint and the subjects that strangers know of and must not have.
pub(crate) const HONEST: &str = "honest";
pub(crate) const SECRET: &str = "secret.x";
/// What they take for an endpoint, and is none.
pub(crate) const NONSENSE: &str = "nonsense";

/// Small, mostly; or as large as may be.
pub(crate) fn number(dice: &mut Dice<'_>) -> u64 {
    match dice.below(16) {
        0 => u64::MAX - dice.below(3) as u64,
        1 => dice.number(),
        _ => dice.below(60) as u64,
    }
}

fn text(dice: &mut Dice<'_>, from: &[&'static str]) -> Bytes {
    Bytes::from_static(dice.choose(from).as_bytes())
}

fn spans(dice: &mut Dice<'_>) -> Duration {
    Duration::from_millis(number(dice).min(u32::MAX.into()))
}

/// What subscribers say.
pub(crate) fn asked(dice: &mut Dice<'_>) -> Message {
    match dice.below(12) {
        0..3 => hello(dice),
        3..7 => subscribe(dice),
        7 => Message::Unsubscribe { number: dice.below(6) as u32 },
        8 | 9 => {
            let taken = |dice: &mut Dice<'_>| Taken {
                number: dice.below(6) as u32,
                stream: dice.below(4) as u16,
                up_to: number(dice),
            };
            Message::Taken((0..dice.below(6)).map(|_| taken(dice)).collect())
        }
        10 => {
            let (number_of, stream) = (dice.below(6) as u32, dice.below(4) as u16);
            Message::Repair { number: number_of, stream, first: number(dice), last: number(dice) }
        }
        _ => told(dice),
    }
}

fn hello(dice: &mut Dice<'_>) -> Message {
    let credential = match dice.below(6) {
        0 => Credential::None,
        1 => Credential::Token(dice.bytes(20)),
        // The honest one's, as far as anybody can guess it.
        2 => Credential::Password { user: HONEST.into(), password: text(dice, &["guess", "m", ""]) },
        _ => Credential::Password { user: "mallory".into(), password: text(dice, &["m", "m", "m", "n"]) },
    };
    let endpoint = dice.once_in(4).then(|| (text(dice, &[HONEST, NONSENSE, "control", "a", "b"]), number(dice)));
    Message::Hello(Hello {
        identity: text(dice, &["a", "b", "c", "d", "e", HONEST, ""]),
        keep: spans(dice),
        credential,
        window_messages: number(dice) as u32,
        window_bytes: number(dice) as u32,
        endpoint,
    })
}

fn subscribe(dice: &mut Dice<'_>) -> Message {
    let criterion = if dice.once_in(4) {
        Criterion::prefix(text(dice, &["", "s", "secret.", "news", "\u{0}"]))
    } else {
        Criterion::pattern(text(dice, &[">", "*.*", "secret.>", "open.*", "news.>", "news.x", "*.x"]))
    };
    let start = match dice.below(6) {
        0 => WireStart::LastValues,
        1 => WireStart::Last(number(dice) as u32),
        2 => {
            let named = |dice: &mut Dice<'_>| (text(dice, &["news", "rest", "none"]), number(dice));
            let numbers = (0..dice.below(4)).map(|_| named(dice)).collect();
            WireStart::After { epoch: number(dice), numbers }
        }
        _ => WireStart::Now,
    };
    let slow = dice.choose(&[Slow::Hold, Slow::Drop, Slow::Drop, Slow::Disconnect, Slow::Spill]);
    let policy = Policy { slow, max_messages: number(dice) as u32, max_bytes: number(dice) };
    Message::Subscribe(Subscribe {
        number: dice.below(6) as u32,
        criterion: criterion.expect("sound"),
        start,
        policy,
        shared: dice.once_in(2),
    })
}

/// What publishers say.
pub(crate) fn told(dice: &mut Dice<'_>) -> Message {
    let (of, stream) = (dice.below(4) as u32, dice.below(3) as u16);
    match dice.below(32) {
        0 => Message::Delivery { key: number(dice) },
        1..4 => {
            let name = |dice: &mut Dice<'_>| text(dice, &["news", "rest", "", "news"]);
            let count = if dice.once_in(8) { 2000 } else { dice.below(5) };
            Message::Welcome(Welcome {
                epoch: dice.below(4) as u64,
                lease: spans(dice),
                shared: dice.once_in(2).then(|| text(dice, &["over there", "elsewhere"])),
                streams: (0..count).map(|_| name(dice)).collect(),
            })
        }
        4..9 => {
            let view =
                |dice: &mut Dice<'_>| ViewStart { stream, shared: dice.once_in(2), after: number(dice).min(1 << 40) };
            Message::Subscribed { number: of, views: (0..dice.below(4)).map(|_| view(dice)).collect() }
        }
        9 => Message::Rejected { number: of, refusal: refusal() },
        10 if dice.once_in(64) => Message::Refused(refusal()),
        11..14 => {
            let reason = dice.choose(LostReason::ALL);
            let (first, last, count) = (number(dice), number(dice), number(dice));
            let (first, count) = if dice.once_in(2) { (first.min(last), 0) } else { (first, count) };
            Message::Missed(Missed { number: of, stream, first, last, count, reason })
        }
        14 | 15 => Message::Repaired { number: of, stream },
        16 | 17 => Message::Heads((0..dice.below(4)).map(|_| (dice.below(4) as u16, number(dice))).collect()),
        _ => Message::Publications(pack(dice)),
    }
}

fn refusal() -> Refusal {
    let error = Error::new(ErrorKind::PermissionDenied, "no");
    Refusal { kind: error.kind(), retry_after: Duration::ZERO, text: error.message().to_owned() }
}

/// A publication as it is in packs.
pub(crate) fn publication(to: &mut Vec<u8>, subject: &[u8], frames: &[Bytes]) {
    to.put_u8(subject.len() as u8);
    to.put_slice(subject);
    to.put_u8(frames.len() as u8);
    for frame in frames {
        to.put_u32(frame.len() as u32);
        to.put_slice(frame);
    }
}

fn some_publication(dice: &mut Dice<'_>, to: &mut Vec<u8>) {
    let frames: Frames = (0..dice.below(3)).map(|_| dice.bytes(30)).collect();
    let subject = dice.choose(&["news.x", SECRET, "open.x", ""]);
    publication(to, subject.as_bytes(), &frames);
}

/// Publications on a link, in an order that may be one.
pub(crate) fn pack(dice: &mut Dice<'_>) -> Bytes {
    let (mut pack, mut at) = (Vec::new(), number(dice));
    for _ in 0..dice.below(8) {
        pack.put_u32(dice.below(4) as u32);
        pack.put_u16(dice.below(3) as u16);
        let next = if dice.once_in(8) { number(dice) } else { at.wrapping_add(1) };
        pack.put_u64(next);
        pack.put_u64(if dice.once_in(8) { number(dice) } else { at });
        at = next;
        some_publication(dice, &mut pack);
    }
    harm(dice, &mut pack);
    pack.into()
}

/// A message of the shared path.
pub(crate) fn shared(dice: &mut Dice<'_>) -> Bytes {
    let mut frame = wire::topic(&text(dice, &["news", "rest", ""]));
    frame.put_slice(&wire::MAGIC);
    frame.put_u64(dice.below(4) as u64);
    frame.put_u64(number(dice));
    (0..dice.below(8)).for_each(|_| some_publication(dice, &mut frame));
    harm(dice, &mut frame);
    frame.into()
}

/// Changes a byte, or the length, now and then.
pub(crate) fn harm(dice: &mut Dice<'_>, bytes: &mut Vec<u8>) {
    if dice.once_in(8) {
        let at = dice.below(bytes.len().min(60_000) + 1);
        match bytes.get_mut(at) {
            Some(byte) if !dice.once_in(4) => *byte = dice.byte(),
            Some(_) => bytes.truncate(at),
            None => bytes.push(dice.byte()),
        }
    }
}

/// A message, and now and then what is nearly one.
pub(crate) fn written(dice: &mut Dice<'_>, message: Message) -> (u8, Vec<u8>, Frames) {
    let (mut kind, mut fields, mut body) = message.encode();
    harm(dice, &mut fields);
    match dice.below(64) {
        0 => kind = dice.byte() & 0x7f,
        1 => body.push(dice.bytes(20)),
        2 => drop(body.pop()),
        _ => {}
    }
    (kind, fields, body)
}
