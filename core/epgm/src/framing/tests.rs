//! Messages cut and put together, with losses between.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

const MAX: usize = 1 << 20;

fn packed(max: usize, messages: &[Vec<Vec<u8>>]) -> Vec<Bytes> {
    let mut payloads = Vec::new();
    let mut packer = Packer::new(3, max);
    for message in messages {
        packer.push(message, |datagram| payloads.push(datagram.freeze().slice(3..)));
    }
    packer.flush(|datagram| payloads.push(datagram.freeze().slice(3..)));
    assert_eq!(packer.pending(), 0);
    payloads
}

fn owned(frames: Frames<'_>) -> Vec<Vec<u8>> {
    frames.iter().map(<[u8]>::to_vec).collect()
}

fn unpacked(unpacker: &mut Unpacker, payload: &[u8]) -> (Vec<Vec<Vec<u8>>>, Result<(), Broken>) {
    let mut messages = Vec::new();
    let result = unpacker.push(payload, |message| messages.push(owned(message)));
    (messages, result)
}

#[test]
fn payloads_are_as_libzmq_has_them() {
    let hello = packed(1428, &[vec![b"hello".to_vec()]]);
    assert_eq!(hello, [&b"\0\0\x06\0hello"[..]]);
    let parts = packed(1428, &[vec![b"A".to_vec(), b"BC".to_vec()]]);
    assert_eq!(parts, [&b"\0\0\x02\x01A\x03\0BC"[..]]);
    let large = packed(1428, &[vec![vec![b'q'; 3000]], vec![b"tail".to_vec()]]);
    assert_eq!(large.iter().map(Bytes::len).collect::<Vec<_>>(), [0x594, 0x594, 0xa6]);
    assert_eq!(large[0][..12], *b"\0\0\xff\0\0\0\0\0\0\x0b\xb9\0");
    assert_eq!((&large[1][..2], &large[2][..2]), (&[0xff, 0xff][..], &[0, 0x9e][..]));
    let sizes: Vec<u8> = [253, 254].iter().map(|size| packed(1428, &[vec![vec![0; *size]]])[0][2]).collect();
    assert_eq!(sizes, [0xfe, 0xff]);
}

#[test]
fn what_makes_no_sense_is_told_and_the_next_message_is_found() {
    let next = b"\0\0\x05\0next";
    for (payload, expected) in [
        (&b""[..], Broken::Payload),
        (b"\0", Broken::Payload),
        (b"\0\0", Broken::Payload),
        (b"\0\x05\x02\0x", Broken::Payload),
        (b"\0\0\0\0", Broken::Size),
        (b"\0\0\xff\0\0\0\0\0\0\0\0\0", Broken::Size),
        (b"\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\0", Broken::TooLarge),
        (b"\0\0\xff\0\0\x01\0\0\0\0\0\0", Broken::TooLarge),
    ] {
        let mut unpacker = Unpacker::new(MAX);
        assert_eq!(unpacked(&mut unpacker, payload), (vec![], Err(expected)), "{payload:02x?}");
        assert_eq!(unpacked(&mut unpacker, next), (vec![vec![b"next".to_vec()]], Ok(())));
    }
}

#[test]
fn no_message_is_put_together_from_two() {
    let begun = b"\0\0\x09\0begu";
    let new = vec![vec![b"new".to_vec()]];
    // The first message had four bytes to come. A sender that was restarted, say, knows nothing of them.
    for payload in [&b"\0\0\x04\0new"[..], b"\0\x02xx\x04\0new", b"\0\x05xxxxx\x04\0new"] {
        let mut unpacker = Unpacker::new(MAX);
        assert_eq!(unpacked(&mut unpacker, begun), (vec![], Ok(())));
        assert_eq!(unpacked(&mut unpacker, payload), (new.clone(), Err(Broken::Offset)));
    }
    let mut unpacker = Unpacker::new(MAX);
    unpacked(&mut unpacker, begun).1.expect("it begins");
    // Here a message begins, after the four bytes, of which the sender does not tell.
    assert_eq!(unpacked(&mut unpacker, b"\xff\xffendx\x04\0new").1, Err(Broken::Offset));
    assert!(!unpacker.is_joined());
}

#[test]
fn a_message_of_many_frames_is_bounded() {
    let frames = vec![vec![]; 1000];
    let mut unpacker = Unpacker::new(10_000);
    let all: Vec<_> = packed(1428, &[frames]).iter().map(|payload| unpacked(&mut unpacker, payload).1).collect();
    assert!(all.contains(&Err(Broken::TooLarge)));
}

fn messages() -> impl Strategy<Value = Vec<Vec<Vec<u8>>>> {
    let size = prop_oneof![0..10_usize, 250..258_usize, 1400..1500_usize, 3000..5000_usize];
    let frame = (any::<u8>(), size).prop_map(|(byte, size)| vec![byte; size]);
    prop::collection::vec(prop::collection::vec(frame, 1..4), 1..20)
}

proptest! {
    #[test]
    fn what_is_cut_is_put_together(messages in messages(), max in prop_oneof![3..60_usize, 1428..=1448_usize]) {
        let mut unpacker = Unpacker::new(MAX);
        let mut found = Vec::new();
        for payload in packed(max, &messages) {
            prop_assert!(payload.len() <= max);
            prop_assert_eq!(unpacker.push(&payload, |message| found.push(owned(message))), Ok(()));
        }
        prop_assert_eq!(found, messages);
    }

    #[test]
    fn after_a_loss_every_message_is_a_whole_one(messages in messages(), max in 20..600_usize, lost in prop::collection::vec(any::<prop::sample::Index>(), 0..5)) {
        let payloads = packed(max, &messages);
        let lost: Vec<usize> = lost.iter().map(|index| index.index(payloads.len())).collect();
        let mut unpacker = Unpacker::new(MAX);
        let mut found: Vec<Vec<Vec<u8>>> = Vec::new();
        for (index, payload) in payloads.iter().enumerate() {
            if lost.contains(&index) {
                unpacker.lost();
            } else {
                prop_assert_eq!(unpacker.push(payload, |message| found.push(owned(message))), Ok(()));
            }
        }
        // What was sent, in order, with some left out.
        let mut sent = messages.iter();
        for message in &found {
            prop_assert!(sent.any(|sent| sent == message));
        }
        prop_assert!(!lost.is_empty() || found.len() == messages.len());
    }

    #[test]
    fn reading_ends_whatever_comes(payloads in prop::collection::vec(any::<Vec<u8>>(), 0..20)) {
        let mut unpacker = Unpacker::new(1000);
        for payload in payloads {
            let _ = unpacker.push(&payload, |message| assert!(message.iter().map(<[u8]>::len).sum::<usize>() <= 1000));
        }
    }
}
