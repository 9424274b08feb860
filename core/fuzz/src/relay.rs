//! A forwarder and two honest members, among strangers who say what they like, in whatever name.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use zpatterns_epgm::forwarder::{Forwarder, ForwarderOptions, Member, SIZE, Verdict};

use crate::dice::Dice;

const MAX_MEMBERS: usize = 8;
const HONEST: [SocketAddr; 2] = [address(1), address(2)];
/// Who asked for nothing, and is named by strangers.
const VICTIM: SocketAddr = address(3);
const PACKET: [u8; 24] = [0; 24];

const fn address(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 9, 0, 1)), port)
}

/// Something like a greeting, or like a packet. `answer` is what a stranger was told last: he may say it again.
fn datagram(dice: &mut Dice<'_>, answer: &[u8; SIZE]) -> Vec<u8> {
    let mut datagram = match dice.below(4) {
        0 => return dice.bytes(60).to_vec(),
        1 => [b"zpat\xf0\0\0\0", &dice.bytes(60)[..]].concat(),
        _ => answer.to_vec(),
    };
    let kind = dice.choose(&[0xf0, 0xf0, 0xf0, 0xf1, 0xf2, 0xf3, 0]);
    if let Some(byte) = datagram.get_mut(4) {
        *byte = kind;
    }
    if dice.once_in(4) {
        let at = dice.below(datagram.len());
        datagram[at] = dice.byte();
    }
    datagram
}

/// Lets a member say what is due, and hear what is answered.
fn stay(now: Duration, (address, member): &mut (SocketAddr, Member), forwarder: &mut Forwarder) {
    let mut hellos = 0;
    while let Some(hello) = member.poll(now) {
        hellos += 1;
        assert!(hellos <= 2, "it hurries once");
        let Verdict::Answer(answer) = forwarder.handle(now, *address, &hello) else { panic!("a hello is answered") };
        assert!(member.handle(now, &answer));
    }
    assert!(member.deadline() > now, "what is due was done");
    assert!(member.is_in(now), "whatever strangers say");
}

/// A forwarder: honest members stay in and hear each other, and who asked for nothing gets nothing but answers, one for each
/// question in its name and no longer than that.
pub fn forwarder(data: &[u8]) -> u64 {
    let mut dice = Dice::new(data);
    let mut forwarder = Forwarder::new(ForwarderOptions { max_members: MAX_MEMBERS, key: [7; 32] });
    let mut members = HONEST.map(|address| (address, Member::new(Duration::ZERO, u64::from(address.port()) << 60)));
    let (mut now, mut count, mut last) = (Duration::ZERO, 0, [0; SIZE]);
    while !dice.is_empty() {
        members.iter_mut().for_each(|member| stay(now, member, &mut forwarder));
        now += Duration::from_millis(dice.below(2000) as u64);
        if dice.once_in(8) {
            forwarder.advance(now);
            assert!(forwarder.deadline().is_none_or(|at| at > now), "what is due was done");
        }
        let stranger = address(100 + dice.below(20) as u16);
        let from = dice.choose(&[HONEST[0], HONEST[1], VICTIM, stranger, stranger, stranger]);
        let said = datagram(&mut dice, &last);
        count += 1;
        match forwarder.handle(now, from, &said) {
            Verdict::Answer(answer) => {
                assert!(answer.len() <= said.len(), "nobody is flooded through it");
                if from == stranger {
                    last = answer;
                }
                members.iter_mut().filter(|(address, _)| *address == from).for_each(|(_, member)| {
                    member.handle(now, &answer);
                });
            }
            Verdict::Forward => assert!(from != VICTIM),
            Verdict::Drop => {}
        }
        // As if it came from the forwarder.
        for (_, member) in &mut members {
            member.handle(now, &said);
        }
        assert_eq!(forwarder.handle(now, HONEST[0], &PACKET), Verdict::Forward);
        let others: Vec<SocketAddr> = forwarder.others(now, HONEST[0]).collect();
        assert!(others.contains(&HONEST[1]) && !others.contains(&HONEST[0]) && !others.contains(&VICTIM));
        assert!(forwarder.counters().members <= MAX_MEMBERS as u64);
    }
    count
}
