//! What two libzmq processes said to each other while packets were lost, packet by packet.
//!
//! `libzmq-epgm-loss.pcap` was captured on a link between two network namespaces: one publisher, one subscriber, group
//! 239.192.1.1, port 5555.

use std::collections::BTreeMap;

use bytes::Bytes;
use zpatterns_epgm::{
    framing::Unpacker,
    packet::{Body, Flow, NakKind, Packet},
    sequence::Sqn,
};

const CAPTURE: &[u8] = include_bytes!("libzmq-epgm-loss.pcap");
/// Ethernet, IPv4 without options, UDP.
const HEADERS: usize = 14 + 20 + 8;

/// What is in the datagrams, one after the other.
fn datagrams() -> Vec<&'static [u8]> {
    let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four bytes")) as usize;
    let (head, mut rest) = CAPTURE.split_at(24);
    assert_eq!(head[..4], [0xd4, 0xc3, 0xb2, 0xa1], "a capture with little-endian numbers");
    let mut all = Vec::new();
    while !rest.is_empty() {
        let (record, packets) = rest.split_at(16);
        let (packet, others) = packets.split_at(number(&record[8..12]));
        let length = usize::from(u16::from_be_bytes([packet[38], packet[39]])) - 8;
        all.push(&packet[HEADERS..HEADERS + length]);
        rest = others;
    }
    all
}

#[test]
fn every_packet_is_read_and_written_as_it_was() {
    let mut kinds = BTreeMap::new();
    for datagram in datagrams() {
        let packet = Packet::read(datagram).expect("libzmq sends packets");
        let kind = match packet.body {
            Body::Spm { .. } => "SPM",
            Body::Data { repair: false, .. } => "ODATA",
            Body::Data { repair: true, .. } => "RDATA",
            Body::Nak { kind: NakKind::Confirm, .. } => "NCF",
            Body::Nak { .. } => "NAK",
            Body::Spmr => "SPMR",
            Body::Ack { .. } => "ACK",
        };
        *kinds.entry(kind).or_insert(0) += 1;
        let mut written = Vec::new();
        packet.write(&mut written);
        assert_eq!(written, datagram, "{packet:?}");
    }
    assert_eq!(kinds.keys().copied().collect::<Vec<_>>(), ["NAK", "NCF", "ODATA", "RDATA", "SPM"]);
}

#[test]
fn what_was_repaired_is_a_stream_of_messages() {
    let mut streams: BTreeMap<(u16, [u8; 6]), BTreeMap<u32, Bytes>> = BTreeMap::new();
    for datagram in datagrams() {
        let Ok(Packet { flow: Flow { source, gsi, .. }, body: Body::Data { sequence, payload, .. }, .. }) =
            Packet::read(datagram)
        else {
            continue;
        };
        let known = streams.entry((source, gsi.0)).or_default().insert(sequence.0, Bytes::copy_from_slice(payload));
        assert!(known.is_none_or(|known| known == payload), "what is sent again is the same");
    }
    for stream in streams.values() {
        let mut unpacker = Unpacker::new(1 << 20);
        let (mut next, mut messages) = (Sqn(0), 0);
        for (sequence, payload) in stream {
            if Sqn(*sequence) != next {
                unpacker.lost();
            }
            unpacker.push(payload, |_| messages += 1).expect("a stream");
            next = Sqn(*sequence).next();
        }
        assert!(messages > 0);
    }
}
