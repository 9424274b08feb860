//! Packets as libzmq sends them, packets of any kind, and bytes that are none.

use proptest::prelude::*;

use super::*;

const GSI: Gsi = Gsi([0xb7, 0xc6, 0xd1, 0xbc, 0x03, 0x8a]);

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let text = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).expect("digits"), 16).expect("digits");
    digits.chunks(2).map(text).collect()
}

fn written(packet: &Packet<'_>) -> Vec<u8> {
    let mut datagram = Vec::new();
    packet.write(&mut datagram);
    datagram
}

fn v4(last: [u8; 4]) -> IpAddr {
    Ipv4Addr::from(last).into()
}

#[test]
fn what_libzmq_sends_is_read_and_written_byte_for_byte() {
    let source = v4([10, 9, 0, 1]);
    let group = v4([239, 192, 1, 1]);
    let down = |source| Flow { source, destination: 5555, gsi: GSI };
    let fin = OptionsBuffer::new().fin();
    let list = OptionsBuffer::new().nak_list(&[14, 28, 37, 38, 46].map(Sqn));
    let nak = |kind| Body::Nak { kind, sequence: Sqn(11), source, group };
    let spm = |sequence, lead| Body::Spm { sequence: Sqn(sequence), trail: Sqn(0), lead: Sqn(lead), address: source };
    let packet = |flow, body| Packet { flow, body, ..Packet::default() };
    let hello = bytes("0000 06 00 68656c6c6f");
    for (hex, expected) in [
        (
            "3d53 15b3 00 00 15e1 b7c6d1bc038a 0000 00000000 00000000 ffffffff 0001 0000 0a090001",
            packet(down(0x3d53), spm(0, u32::MAX)),
        ),
        (
            "3d53 15b3 00 01 8750 b7c6d1bc038a 0000 00000008 00000000 00000077 0001 0000 0a090001 0004 0008 8e 04 00 00",
            Packet { options: fin.as_options(), ..packet(down(0x3d53), spm(8, 0x77)) },
        ),
        (
            "2342 15b3 04 00 ec21 b7c6d1bc038a 0009 00000000 00000000 0000 06 00 68656c6c6f",
            packet(down(0x2342), Body::Data { repair: false, sequence: Sqn(0), trail: Sqn(0), payload: &hello }),
        ),
        (
            "15b3 3d53 08 03 9a34 b7c6d1bc038a 0000 0000000b 0001 0000 0a090001 0001 0000 efc00101 0004 001c \
             82 18 00 00 0000000e 0000001c 00000025 00000026 0000002e",
            Packet {
                options: list.as_options(),
                is_for_network: true,
                ..packet(down(0x3d53).reversed(), nak(NakKind::Ask))
            },
        ),
        (
            "3d53 15b3 0a 00 1b13 b7c6d1bc038a 0000 0000000b 0001 0000 0a090001 0001 0000 efc00101",
            packet(down(0x3d53), nak(NakKind::Confirm)),
        ),
        ("15b3 2008 0c 00 3137 b7c6d1bc038a 0000", packet(down(0x2008).reversed(), Body::Spmr)),
    ] {
        let datagram = bytes(hex);
        assert_eq!(Packet::read(&datagram), Ok(expected));
        assert_eq!(written(&expected), datagram);
    }
}

/// Changes a datagram, and makes the checksum right again.
fn changed(datagram: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut datagram = datagram.to_vec();
    change(&mut datagram);
    if datagram.len() >= 8 {
        datagram[6..8].fill(0);
        let checksum = checksum::of(&datagram).to_be_bytes();
        datagram[6..8].copy_from_slice(&checksum);
    }
    datagram
}

#[test]
fn every_datagram_that_kills_others_is_refused() {
    let data = Body::Data { repair: false, sequence: Sqn(1), trail: Sqn(0), payload: b"payload" };
    let fin = OptionsBuffer::new().fin();
    let data = written(&Packet { body: data, options: fin.as_options(), ..Packet::default() });
    let at = DATA_HEADER; // where the options begin
    let parity = |datagram: &mut Vec<u8>| datagram[5] |= PARITY;
    let fragment = |datagram: &mut Vec<u8>| datagram[at + 4] = END_OF_OPTIONS | options::FRAGMENT;
    for (datagram, expected) in [
        (vec![], Malformed::Length),
        (changed(&data, |datagram| datagram.truncate(HEADER)), Malformed::Length),
        (changed(&data, |datagram| datagram.push(0)), Malformed::Length),
        (changed(&data, |datagram| datagram[15] = 0), Malformed::Length),
        (changed(&data, |datagram| datagram[at + 5] = 0), Malformed::Options),
        (changed(&data, |datagram| datagram[at + 4] = 0x0e), Malformed::Options),
        (changed(&data, |datagram| datagram[at + 2] = 0xff), Malformed::Options),
        (changed(&data, |datagram| datagram[at + 3] = 3), Malformed::Options),
        (changed(&data, parity), Malformed::Unsupported),
        (changed(&data, fragment), Malformed::Unsupported),
        (changed(&data, |datagram| datagram[4] = 0x44), Malformed::Type),
        (changed(&data, |datagram| datagram[5] |= VARIABLE_LENGTH), Malformed::Unsupported),
        (changed(&data, |datagram| datagram[4] = POLL), Malformed::Unsupported),
    ] {
        assert_eq!(Packet::read(&datagram), Err(expected), "{datagram:02x?}");
    }
    let mut unchecked = data.clone();
    unchecked[6..8].fill(0);
    assert_eq!(Packet::read(&unchecked), Err(Malformed::Checksum));
}

const END_OF_OPTIONS: u8 = 0x80;

fn address() -> impl Strategy<Value = IpAddr> {
    any::<IpAddr>()
}

fn sqn() -> impl Strategy<Value = Sqn> {
    any::<u32>().prop_map(Sqn)
}

/// A body whose payload, if it has one, is put in later.
fn bodies() -> impl Strategy<Value = Body<'static>> {
    let kind = prop_oneof![Just(NakKind::Ask), Just(NakKind::Null), Just(NakKind::Confirm)];
    prop_oneof![
        (sqn(), sqn(), sqn(), address()).prop_map(|(sequence, trail, lead, address)| Body::Spm {
            sequence,
            trail,
            lead,
            address
        }),
        (any::<bool>(), sqn(), sqn()).prop_map(|(repair, sequence, trail)| Body::Data {
            repair,
            sequence,
            trail,
            payload: &[]
        }),
        (kind, sqn(), address(), address()).prop_map(|(kind, sequence, source, group)| Body::Nak {
            kind,
            sequence,
            source,
            group
        }),
        Just(Body::Spmr),
        sqn().prop_map(|newest| Body::Ack { newest }),
    ]
}

fn flow() -> impl Strategy<Value = Flow> {
    (any::<u16>(), any::<u16>(), any::<[u8; 6]>()).prop_map(|(source, destination, gsi)| Flow {
        source,
        destination,
        gsi: Gsi(gsi),
    })
}

fn options() -> impl Strategy<Value = OptionsBuffer> {
    let list = prop::collection::vec(sqn(), 0..=MAX_LIST);
    let parity = (1..7_u32, any::<bool>(), any::<bool>());
    let parity = parity.prop_map(|(bits, proactive, on_demand)| Parity { group: 1 << bits, proactive, on_demand });
    let status = (any::<u64>(), any::<u32>(), any::<u32>(), any::<bool>());
    let status = status.prop_map(|(receiver, tag, room, leaves)| Status { receiver, tag, room, leaves });
    let own = (prop::option::of(parity), prop::option::of(status));
    (prop::option::of(list), prop::option::of(sqn()), any::<bool>(), any::<bool>(), own).prop_map(
        |(list, join, syn, fin, (parity, status))| {
            let mut options = OptionsBuffer::new();
            options = if let Some(list) = list { options.nak_list(&list) } else { options };
            options = if let Some(first) = join { options.join(first) } else { options };
            options = if let Some(parity) = parity { options.parity(parity) } else { options };
            options = if let Some(status) = status { options.paced().status(status) } else { options };
            assert_eq!((options.as_options().parity(), options.as_options().status()), (parity, status));
            options = if syn { options.syn() } else { options };
            if fin { options.fin() } else { options }
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read(flow in flow(), body in bodies(), options in options(), is_parity in any::<bool>(), bytes in prop::collection::vec(any::<u8>(), 0..1500)) {
        let body = match body {
            Body::Data { repair, sequence, trail, .. } => Body::Data { repair, sequence, trail, payload: &bytes },
            other => other,
        };
        let is_parity = is_parity && matches!(body, Body::Data { .. } | Body::Nak { .. });
        let packet = Packet { flow, body, options: options.as_options(), is_for_network: false, is_parity };
        let datagram = written(&packet);
        prop_assert_eq!(Packet::read(&datagram), Ok(packet));
    }

    #[test]
    fn reading_ends_whatever_is_read(flow in flow(), body in bodies(), options in options(), noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8), cut in any::<prop::sample::Index>()) {
        let packet = Packet { flow, body, options: options.as_options(), ..Packet::default() };
        let datagram = changed(&written(&packet), |datagram| {
            for (at, byte) in noise {
                let at = at.index(datagram.len());
                datagram[at] = byte;
            }
            datagram.truncate(cut.index(datagram.len() * 2));
        });
        if let Ok(packet) = Packet::read(&datagram) {
            prop_assert!(packet.options.nak_list().count() <= MAX_LIST && packet.options.iter().count() <= 16);
            let again = written(&packet);
            prop_assert_eq!(Packet::read(&again), Ok(packet));
        }
    }
}
