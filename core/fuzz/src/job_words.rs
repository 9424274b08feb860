//! Messages of the job queue as somebody would send them who was not asked.

use bytes::Bytes;
use zpatterns_protocol::{link::FIRST, machine::Frames};

use crate::dice::Dice;

/// A message: well-formed, or nearly.
pub(crate) fn message(dice: &mut Dice<'_>) -> (u8, Vec<u8>, Frames) {
    let kind = if dice.once_in(16) { dice.byte() & 0x7f } else { FIRST + dice.below(21) as u8 };
    let mut fields = (dice.below(6) as u64).to_be_bytes().to_vec();
    let small = |dice: &mut Dice<'_>| [0, 0, 0, 0, 0, 0, 0, dice.below(40) as u8];
    let options = |dice: &mut Dice<'_>| {
        let spans = (0..4).flat_map(|_| [0, 0, 0, dice.byte()]).collect::<Vec<_>>();
        [vec![dice.byte(), dice.below(4) as u8], spans, vec![dice.below(2) as u8]].concat()
    };
    let name = |dice: &mut Dice<'_>| dice.choose(&[&b"\x06nobody"[..], b"\x03sum", b"\x01x", b"\x00"]).to_vec();
    let mut body = (0..dice.below(3)).map(|_| dice.bytes(30)).collect::<Frames>();
    match kind - FIRST.min(kind) {
        0 => {
            fields.extend(small(dice));
            fields.push(dice.below(5) as u8);
            fields.extend(name(dice));
            fields.extend(options(dice));
        }
        4 | 7 => fields.extend(small(dice)),
        5 | 8 => {
            fields.extend(small(dice));
            fields.push(dice.below(2) as u8);
        }
        6 => {
            fields.push(dice.below(4) as u8);
            fields.extend(small(dice));
            fields.extend([0, 0, 0, dice.byte()]);
        }
        9 => fields.extend([0, dice.below(24) as u8, 0, 0, 0, dice.below(2) as u8]),
        10 => fields.extend([small(dice), small(dice), small(dice)].concat()),
        11 | 20 => fields.extend([0, dice.below(24) as u8, 0, 0, 0, 9, b'n', b'o']),
        12 => fields.push(dice.below(2) as u8),
        13 => fields = [vec![0, 0, 0, dice.below(9) as u8], name(dice), name(dice)].concat(),
        15 => fields.extend([dice.below(2) as u8, 0, 0, 0, dice.byte()]),
        16 => {
            fields.push(dice.below(2) as u8);
            let child =
                |dice: &mut Dice<'_>| [name(dice), options(dice), vec![dice.below(8) as u8, 0, 0, 0, 0]].concat();
            let children = (0..dice.below(4)).flat_map(|_| child(dice)).collect::<Vec<_>>();
            body = vec![Bytes::new(), children.into()];
        }
        18 => {
            fields.extend(small(dice));
            fields.extend([dice.byte(), dice.below(2) as u8]);
            fields.extend(name(dice));
        }
        _ => {}
    }
    for _ in 0..dice.below(3) / 2 {
        let at = dice.below(fields.len() + 1);
        match fields.get_mut(at) {
            Some(byte) => *byte = dice.byte(),
            None => fields.push(dice.byte()),
        }
    }
    (kind, fields, body)
}
