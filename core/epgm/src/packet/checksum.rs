//! The Internet's checksum: the one's complement of the one's complement sum of all 16-bit words.

/// The sum of all words; an odd last byte is the upper half of one. It is the same in either order of bytes, so words are added
/// as the processor has them, and only the sum is turned.
fn sum(bytes: &[u8]) -> u16 {
    let (words, rest) = bytes.as_chunks::<4>();
    // 2^32 words fit before it could overflow, and a datagram has 2^14.
    let mut sum: u64 = words.iter().map(|word| u64::from(u32::from_ne_bytes(*word))).sum();
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    sum += u64::from(u32::from_ne_bytes(last));
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::from_be(sum as u16)
}

/// The checksum of a packet in which its place is zero. Zero would say that there is none, and is sent as its twin.
pub(super) fn of(packet: &[u8]) -> u16 {
    match !sum(packet) {
        0 => 0xffff,
        checksum => checksum,
    }
}

/// Whether a packet with its checksum in place is as it was sent.
pub(super) fn is_right(packet: &[u8]) -> bool {
    sum(packet) == 0xffff
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Word by word, as the standard describes it.
    fn plainly(bytes: &[u8]) -> u16 {
        bytes.chunks(2).fold(0, |sum, pair| {
            let word = u16::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u16::from(*low));
            let (sum, carry) = sum.overflowing_add(word);
            sum + u16::from(carry)
        })
    }

    proptest! {
        #[test]
        fn it_is_the_standards(bytes: Vec<u8>) {
            prop_assert_eq!(sum(&bytes), plainly(&bytes));
        }

        #[test]
        fn one_changed_byte_shows(mut bytes in prop::collection::vec(any::<u8>(), 8..100), at: prop::sample::Index, change in 1..=255_u8) {
            bytes[6..8].fill(0);
            let checksum = of(&bytes);
            bytes[6..8].copy_from_slice(&checksum.to_be_bytes());
            prop_assert!(is_right(&bytes));
            let at = at.index(bytes.len());
            let before = bytes[at];
            bytes[at] ^= change;
            // Of two words that sum to the same, such as 0 and 0xffff, it knows nothing.
            prop_assert!(!is_right(&bytes) || before == 0 && bytes[at] == 0xff || before == 0xff && bytes[at] == 0);
        }
    }
}
