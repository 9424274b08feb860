//! Single datagrams that abort libzmq's peers, or make them loop for ever: here nothing happens, to a source or to a receiver,
//! and what follows is heard as if they had not been.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use zpatterns_epgm::{
    packet::{Flow, Gsi, Packet},
    receiver::{Batch, Event, Receiver, ReceiverOptions, To},
    sender::{Sender, SenderOptions},
};

const SOURCE: Flow = Flow { source: 1000, destination: 5555, gsi: Gsi(*b"source") };
const STRANGER: Flow = Flow { source: 2000, destination: 5555, gsi: Gsi(*b"hacker") };
const ADDRESS: [u8; 4] = [10, 9, 0, 1];
const GROUP: [u8; 4] = [239, 192, 1, 1];

/// A packet of this type and these flags, whatever is in it, with a checksum that is right.
fn packet(flow: Flow, kind: u8, flags: u8, tsdu: u16, rest: &[u8]) -> Bytes {
    let mut datagram = Vec::new();
    datagram.extend(flow.source.to_be_bytes());
    datagram.extend(flow.destination.to_be_bytes());
    datagram.extend([kind, flags, 0, 0]);
    datagram.extend(flow.gsi.0);
    datagram.extend(tsdu.to_be_bytes());
    datagram.extend(rest);
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low));
    let sum: u32 = datagram.chunks(2).map(word).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let checksum = !((folded & 0xffff) + (folded >> 16)) as u16;
    let checksum = if checksum == 0 { 0xffff } else { checksum };
    datagram[6..8].copy_from_slice(&checksum.to_be_bytes());
    datagram.into()
}

/// Numbers of a data packet, and what follows.
fn data(sequence: u32, rest: &[u8]) -> Vec<u8> {
    [&sequence.to_be_bytes()[..], &0_u32.to_be_bytes(), rest].concat()
}

/// The body of a question for the first packet, and what follows.
fn nak(rest: &[u8]) -> Vec<u8> {
    let address = |octets: [u8; 4]| [&[0, 1, 0, 0][..], &octets].concat();
    [&[0; 4][..], &address(ADDRESS), &address(GROUP), rest].concat()
}

fn attacks() -> Vec<(&'static str, Bytes)> {
    let (odata, rdata, ask) = (4, 5, 8);
    let mut attacks = vec![("an empty datagram", Bytes::new())];
    for flow in [SOURCE, STRANGER] {
        attacks.extend([
            ("no payload", packet(flow, odata, 0, 0, &data(1, b""))),
            ("a payload of one byte", packet(flow, odata, 0, 1, &data(1, b"x"))),
            ("an offset behind the end", packet(flow, odata, 0, 4, &data(1, b"\0\x09ab"))),
            ("nothing but a header", packet(flow, odata, 0, 0, b"")),
            ("a repair that says it is parity", packet(flow, rdata, 0x80, 4, &data(0, b"\0\0\x01\0"))),
            ("a payload longer than the datagram", packet(flow, odata, 0, 400, &data(1, b"\0\0\x02\0x"))),
            ("a frame without a size", packet(flow, odata, 0, 4, &data(1, b"\0\0\0\0"))),
            (
                "a frame of 2^64 bytes",
                packet(flow, odata, 0, 12, &data(1, &[0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0])),
            ),
        ]);
        let options: [(&str, &[u8]); 5] = [
            ("a fragment", &[0, 4, 0, 20, 0x81, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]),
            ("an option of no length", &[0, 4, 0, 8, 1, 0, 0, 0]),
            ("options that do not end", &[0, 4, 0, 8, 3, 4, 0, 0]),
            ("options longer than the packet", &[0, 4, 255, 255, 0x81, 4, 0, 0]),
            ("a list of half a number", &[0, 4, 0, 10, 0x82, 6, 0, 0, 1, 2]),
        ];
        for (name, options) in options {
            let body = [options, b"\0\0\x02\0x"].concat();
            attacks.push((name, packet(flow, odata, 1, 5, &data(1, &body))));
            attacks.push((name, packet(flow.reversed(), ask, 1, 0, &nak(options))));
        }
    }
    attacks
}

fn place() -> SocketAddr {
    SocketAddr::from((ADDRESS, SOURCE.destination))
}

struct Pair {
    now: Duration,
    sender: Sender,
    receiver: Receiver,
}

impl Pair {
    fn new() -> Self {
        let (address, group) = (IpAddr::from(ADDRESS), IpAddr::from(GROUP));
        let sender = SenderOptions::new(SOURCE, address, group);
        let receiver = ReceiverOptions {
            max_sources: 100,
            window: 1 << 20,
            tries: 5,
            ..ReceiverOptions::new(SOURCE.destination, group, 1)
        };
        let mut receiver = Receiver::new(receiver);
        receiver.subscribe(b"");
        Self { now: Duration::ZERO, sender: Sender::new(Duration::ZERO, sender), receiver }
    }

    /// A stranger, or the network, says this to both.
    fn attack(&mut self, datagram: &Bytes) {
        self.sender.handle(self.now, datagram);
        self.receiver.handle(self.now, place(), datagram);
    }

    /// Says something, and lets them talk for a second; what is heard, beside what the strangers' packets bring.
    fn say(&mut self, text: &str) -> Vec<Vec<Bytes>> {
        self.sender.push(&[text]).expect("room");
        let (mut heard, end) = (Vec::new(), self.now + Duration::from_secs(1));
        while self.now < end {
            while let Some(datagram) = self.sender.poll(self.now) {
                self.receiver.handle(self.now, place(), &datagram);
            }
            self.receiver.advance(self.now);
            while let Some((to, datagram)) = self.receiver.poll() {
                Packet::read(&datagram).expect("a receiver sends packets");
                if to == To::Source(place()) {
                    self.sender.handle(self.now, &datagram);
                }
            }
            let mut batch = Batch::default();
            self.receiver.take(&mut batch);
            for (event, frames) in batch.iter() {
                if let Event::Message(source) = event
                    && source.gsi == SOURCE.gsi
                {
                    heard.push(frames.iter().map(Bytes::copy_from_slice).collect());
                }
            }
            self.now += Duration::from_millis(1);
        }
        heard
    }
}

#[test]
fn none_of_them_does_harm() {
    for (name, attack) in attacks() {
        let mut pair = Pair::new();
        assert_eq!(pair.say("before"), [[Bytes::from("before")]], "{name}");
        pair.attack(&attack);
        // One that takes the place of a packet of the source can take what was in it, and no more than that.
        let heard = [pair.say("between"), pair.say("after")].concat();
        assert_eq!(heard.last(), Some(&vec![Bytes::from("after")]), "{name}: {heard:?}");
        assert!(heard.len() <= 2, "{name}: {heard:?}");
    }
}

#[test]
fn what_is_no_packet_takes_nothing() {
    for (name, attack) in attacks() {
        if Packet::read(&attack).is_err() {
            let mut pair = Pair::new();
            pair.say("before");
            pair.attack(&attack);
            assert_eq!(pair.say("after"), [[Bytes::from("after")]], "{name}");
            assert_eq!(pair.receiver.counters().malformed, 1, "{name}");
        }
    }
}

#[test]
fn a_far_jump_and_thousands_of_strangers_are_bounded() {
    let mut pair = Pair::new();
    pair.say("before");
    for number in 0..20_000_u32 {
        let [a, b, c, d] = number.to_be_bytes();
        let flow = Flow { gsi: Gsi([1, 2, a, b, c, d]), ..STRANGER };
        pair.attack(&packet(flow, 4, 0, 5, &data(number, b"\0\0\x02\0x")));
    }
    assert!(pair.receiver.sources().count() <= 100 && pair.receiver.counters().refused > 19_000);
    assert_eq!(pair.say("after"), [[Bytes::from("after")]]);
    pair.attack(&packet(SOURCE, 4, 0, 5, &data(1 << 30, b"\0\0\x02\0x")));
    assert_eq!(
        pair.say("still").last(),
        Some(&vec![Bytes::from("still")]),
        "a forged packet by itself is not believed"
    );
}
