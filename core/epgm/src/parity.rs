//! Forward error correction: what repairs the loss of any datagram of a group.
//!
//! Datagrams are numbered, and each `group` of them, from a multiple of that number on, has as much parity: whoever has as
//! many datagrams as the group has, of either kind and whichever, can compute the others. So one parity datagram serves all
//! who have lost one of the group, each a different one.
//!
//! The code is Reed and Solomon's in the field of 2^16 elements (Leopard's, of the crate `reed-solomon-simd`). A shard is a
//! payload, zeros up to the longest of the group, perhaps one more so that it is even, and its length in two bytes.

use std::ops::RangeInclusive;

/// How many datagrams a group may have; a power of two.
pub const GROUPS: RangeInclusive<u32> = 2..=64;

/// The bytes of a length.
const LENGTH: usize = 2;

fn shard(payload: &[u8], size: usize) -> Vec<u8> {
    let mut shard = Vec::with_capacity(size);
    shard.extend_from_slice(payload);
    shard.resize(size - LENGTH, 0);
    let length = u16::try_from(payload.len()).expect("a payload fits into a datagram");
    shard.extend(length.to_be_bytes());
    shard
}

/// All parity of a group: as many shards as there are payloads.
pub(crate) fn encode(payloads: &[&[u8]]) -> Vec<Vec<u8>> {
    let longest = payloads.iter().map(|payload| payload.len()).max().unwrap_or(0);
    let size = longest.next_multiple_of(2) + LENGTH;
    let shards = payloads.iter().map(|payload| shard(payload, size));
    reed_solomon_simd::encode(payloads.len(), payloads.len(), shards)
        .expect("groups are small, and shards of one even size")
}

/// The payloads of a group of `count` that are not there, each with its place. Nothing, if what is there is not enough, or
/// does not go together.
pub(crate) fn decode(count: usize, payloads: &[(usize, &[u8])], parity: &[(usize, &[u8])]) -> Vec<(usize, Vec<u8>)> {
    let Some((_, first)) = parity.first() else { return Vec::new() };
    let size = first.len();
    if size < LENGTH || payloads.iter().any(|(_, payload)| payload.len() + LENGTH > size) {
        return Vec::new();
    }
    let payloads = payloads.iter().map(|(place, payload)| (*place, shard(payload, size)));
    let Ok(found) = reed_solomon_simd::decode(count, count, payloads, parity.iter().copied()) else {
        return Vec::new();
    };
    let payload = |(place, mut shard): (usize, Vec<u8>)| {
        let (rest, length) = shard.split_last_chunk::<LENGTH>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        (length <= rest.len()).then(|| {
            shard.truncate(length);
            (place, shard)
        })
    };
    found.into_iter().filter_map(payload).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_of_a_group_can_be_computed_from_as_many_others() {
        let payloads: Vec<Vec<u8>> = (0..8_u8).map(|number| vec![number; 100 + usize::from(number)]).collect();
        let slices: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
        let parity = encode(&slices);
        assert_eq!((parity.len(), parity[0].len()), (8, 110));
        for lost in [[0, 1, 2], [7, 3, 5]] {
            let here: Vec<_> =
                (0..8).filter(|place| !lost.contains(place)).map(|place| (place, slices[place])).collect();
            let with = |places: &[usize]| {
                let parity: Vec<_> = places.iter().map(|place| (*place, &*parity[*place])).collect();
                decode(8, &here, &parity)
            };
            let mut found = with(&[6, 0, 2]);
            found.sort();
            let mut expected = lost.map(|place| (place, payloads[place].clone()));
            expected.sort();
            assert_eq!(found, expected);
            assert_eq!(with(&[6, 0]), [], "too few");
        }
    }

    #[test]
    fn what_does_not_go_together_gives_nothing() {
        let here: [(usize, &[u8]); 1] = [(0, b"four")];
        for parity in [&b""[..], b"x", b"xyz", b"xxxx", b"xxxxxxx"] {
            assert_eq!(decode(2, &here, &[(0, parity)]), [], "{parity:?}");
        }
        assert_eq!(decode(2, &here, &[(9, b"xxxxxx")]), []);
    }
}
