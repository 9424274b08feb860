//! The bus's formats by themselves, and a sender and a listener among strangers who send to both.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use zpatterns_epgm::{
    framing::{Frames, Packer, Unpacker},
    packet::{Body, Flow, Gsi, NakKind, OptionsBuffer, Packet, Parity, Status},
    receiver::{Batch, Event, Receiver, ReceiverOptions, To},
    sender::{FlowControl, Redundancy, Sender, SenderOptions},
    sequence::Sqn,
};

use crate::dice::Dice;

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 9, 0, 1));
const PLACE: SocketAddr = SocketAddr::new(ADDRESS, HONEST.destination);
const GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(239, 192, 1, 1));
const HONEST: Flow = Flow { source: 1000, destination: 5555, gsi: Gsi(*b"honest") };
const MAX_SOURCES: usize = 10;
/// Bytes that a source may keep waiting.
const WINDOW: usize = 1 << 18;

/// Something like a packet, mostly with a checksum that is right.
fn packet(dice: &mut Dice<'_>) -> Vec<u8> {
    let anybody = Gsi([dice.byte(); 6]);
    let gsi = dice.choose(&[Gsi(*b"honest"), Gsi(*b"other1"), Gsi(*b"other2"), anybody]);
    let mut flow = Flow { source: dice.choose(&[7, 9, 1000]), destination: dice.choose(&[5555, 5555, 80]), gsi };
    if dice.once_in(3) {
        flow = flow.reversed();
    }
    let number = |dice: &mut Dice<'_>| Sqn(if dice.once_in(8) { dice.number() as u32 } else { dice.below(300) as u32 });
    let (sequence, trail, payload) = (number(dice), number(dice), dice.bytes(40));
    let body = match dice.below(7) {
        0 => Body::Spm { sequence, trail, lead: number(dice), address: dice.choose(&[ADDRESS, GROUP]) },
        1 => Body::Nak {
            kind: dice.choose(&[NakKind::Ask, NakKind::Confirm, NakKind::Null]),
            sequence,
            source: ADDRESS,
            group: GROUP,
        },
        2 => Body::Spmr,
        3 => Body::Ack { newest: sequence },
        _ => Body::Data { repair: dice.once_in(2), sequence, trail, payload: &payload },
    };
    let mut options = OptionsBuffer::new();
    if dice.once_in(4) {
        let list: Vec<Sqn> = (0..dice.below(70)).map(|_| number(dice)).collect();
        options = options.nak_list(&list);
    }
    if dice.once_in(4) {
        let group = dice.choose(&[0, 2, 4, 5, 64, 1 << 31]);
        options = options.parity(Parity { group, proactive: dice.once_in(2), on_demand: dice.once_in(2) });
    }
    if dice.once_in(4) {
        let room = dice.choose(&[0, 1, 100, u32::MAX]);
        let status =
            Status { receiver: dice.below(3) as u64, tag: dice.below(2) as u32, room, leaves: dice.once_in(2) };
        options = options.paced().join(number(dice)).status(status);
    }
    if dice.once_in(8) {
        options = options.fin();
    }
    let mut datagram = Vec::new();
    let is_parity = dice.once_in(4) && matches!(body, Body::Data { .. } | Body::Nak { .. });
    let is_for_network = dice.once_in(2);
    Packet { flow, body, options: options.as_options(), is_for_network, is_parity }.write(&mut datagram);
    for _ in 0..dice.below(3) {
        let at = dice.below(datagram.len());
        datagram[at] = dice.byte();
    }
    if dice.once_in(8) {
        datagram.truncate(dice.below(datagram.len()));
    }
    if datagram.len() > 8 && !dice.once_in(8) {
        seal(&mut datagram);
    }
    datagram
}

/// Puts the checksum in.
fn seal(datagram: &mut [u8]) {
    datagram[6..8].fill(0);
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low));
    let sum: u32 = datagram.chunks(2).map(word).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let checksum = !((folded & 0xffff) + (folded >> 16)) as u16;
    datagram[6..8].copy_from_slice(&if checksum == 0 { 0xffff } else { checksum }.to_be_bytes());
}

/// Packets: what is read is written as it was, and nothing that is read panics.
pub fn packets(data: &[u8]) -> u64 {
    let mut dice = Dice::new(data);
    let mut count = 0;
    while !dice.is_empty() {
        count += 1;
        let datagram = packet(&mut dice);
        let Ok(read) = Packet::read(&datagram) else { continue };
        let mut written = Vec::new();
        read.write(&mut written);
        // What nobody reads may differ: reserved bytes, and a checksum that is left out.
        assert_eq!(Packet::read(&written), Ok(read));
        assert!(read.options.nak_list().count() <= 62);
    }
    count
}

/// Payloads: whatever comes, messages keep to their bound; and what was packed is unpacked.
pub fn payloads(data: &[u8]) -> u64 {
    const MAX: usize = 1000;
    let mut dice = Dice::new(data);
    let (mut unpacker, mut count) = (Unpacker::new(MAX), 0);
    while !dice.is_empty() {
        count += 1;
        if dice.once_in(8) {
            unpacker.lost();
        }
        let mut payload = dice.bytes(100).to_vec();
        if payload.len() > 2 && !dice.once_in(4) {
            let offset = if dice.once_in(4) { 0xffff } else { dice.below(payload.len()) as u16 };
            payload[..2].copy_from_slice(&offset.to_be_bytes());
        }
        let check = |frames: Frames<'_>| assert!(frames.iter().map(<[u8]>::len).sum::<usize>() <= MAX);
        // That it made no sense is no fault of ours.
        let _ = unpacker.push(&payload, check);
        if dice.once_in(16) {
            honest(&mut dice, &mut unpacker);
        }
    }
    count
}

/// Whatever was before, after a gap an honest sender's messages are all there.
fn honest(dice: &mut Dice<'_>, unpacker: &mut Unpacker) {
    let (mut packer, mut payloads, mut heard) = (Packer::new(0, 3 + dice.below(60)), Vec::new(), Vec::new());
    let sent: Vec<Vec<Bytes>> = (0..3).map(|_| (0..=dice.below(3)).map(|_| dice.bytes(60)).collect()).collect();
    for frames in &sent {
        packer.push(frames, |payload| payloads.push(payload.freeze()));
    }
    packer.flush(|payload| payloads.push(payload.freeze()));
    unpacker.lost();
    for payload in &payloads {
        unpacker
            .push(payload, |frames| heard.push(frames.iter().map(Bytes::copy_from_slice).collect::<Vec<_>>()))
            .expect("what was packed makes sense");
    }
    assert_eq!(heard, sent);
    unpacker.lost();
}

/// A sender and a listener on a network without loss, among strangers who say what they like, but not in the name of the sender.
pub fn bus(data: &[u8]) -> u64 {
    let mut dice = Dice::new(data);
    let mut now = Duration::ZERO;
    let sender = SenderOptions {
        max_payload: 100,
        window: 10_000,
        max_unsent: 10_000,
        rate: 1 << 20,
        burst: 10_000,
        history: dice.choose(&[0, 5_000]),
        flow_control: dice.choose(&[
            FlowControl::None,
            FlowControl::Slowest { at_least: 0 },
            FlowControl::Tagged { tag: 1, at_least: 0 },
        ]),
        redundancy: dice.choose(&[None, Some(Redundancy { group: 4, proactive: 1 })]),
        ..SenderOptions::new(HONEST, ADDRESS, GROUP)
    };
    let receiver = ReceiverOptions {
        max_sources: MAX_SOURCES,
        window: WINDOW,
        max_message: 10_000,
        tries: 5,
        history: dice.choose(&[0, 5_000]),
        tag: dice.choose(&[0, 1]),
        ..ReceiverOptions::new(HONEST.destination, GROUP, dice.number())
    };
    let (mut sender, mut receiver) = (Sender::new(now, sender), Receiver::new(receiver));
    receiver.subscribe(b"");
    let (mut count, mut said, mut heard) = (0, 0_u64, 0);
    while !dice.is_empty() {
        now += Duration::from_micros(dice.below(3000) as u64);
        if dice.once_in(4) && sender.push(&[said.to_be_bytes()]).is_ok() {
            said += 1;
        }
        let stranger = packet(&mut dice);
        count += 1;
        sender.handle(now, &stranger);
        let is_in_its_name = stranger.get(8..14) == Some(&HONEST.gsi.0);
        if !is_in_its_name {
            receiver.handle(now, PLACE, &stranger);
        }
        talk(now, &mut sender, &mut receiver, &mut heard);
    }
    // Strangers who said that they have no room are waited for two seconds.
    for _ in 0..400 {
        now += Duration::from_millis(10);
        talk(now, &mut sender, &mut receiver, &mut heard);
    }
    assert_eq!(heard, said, "all that was said was heard");
    count
}

/// Lets the two do what is due.
fn talk(now: Duration, sender: &mut Sender, receiver: &mut Receiver, heard: &mut u64) {
    let mut answers = 0;
    while let Some(datagram) = sender.poll(now) {
        answers += 1;
        assert!(answers < 2000, "one datagram causes more than there is");
        receiver.handle(now, PLACE, &datagram);
    }
    assert!(sender.deadline() > now, "what is due was done");
    receiver.advance(now);
    assert!(receiver.deadline().is_none_or(|at| at > now), "what is due was done");
    let mut questions = 0;
    while let Some((to, datagram)) = receiver.poll() {
        questions += 1;
        assert!(questions <= 2 * MAX_SOURCES * WINDOW / 64, "a question for each thing that may be missing");
        Packet::read(&datagram).expect("a receiver sends packets");
        if to == To::Source(PLACE) {
            sender.handle(now, &datagram);
        }
    }
    let mut batch = Batch::default();
    receiver.take(&mut batch);
    for (event, frames) in batch.iter() {
        if let Event::Message(source) = event
            && source.gsi == HONEST.gsi
        {
            assert_eq!(frames.iter().collect::<Vec<_>>(), [heard.to_be_bytes()], "in order, whole, without a gap");
            *heard += 1;
        }
    }
    assert!(receiver.sources().count() <= MAX_SOURCES);
}
