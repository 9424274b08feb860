//! A bus where there is no multicast: one who forwards each datagram of a member to all others.
//!
//! * Whoever wants to be a member says hello, gets a cookie, and says hello again with it: so he is where he says, and nobody
//!   can have the forwarder send to a third party. The forwarder keeps nothing until then, and the cookie is a hash of the
//!   address, under a key that only the forwarder has.
//! * A cookie is good for [`AGE`], and up to twice as long. A member says hello every few seconds; who was not heard for
//!   [`FORGET`] is none any more. What he sends besides keeps nobody in, because anybody could send it in his name.
//! * Nothing is forwarded from or to who is no member. An answer is as long as the hello, and nothing else is answered: so
//!   forwarders do not talk to each other, and do not become members of one another.
//! * Members are bounded, and whatever is dropped is counted.
//!
//! ```
//! use std::{net::SocketAddr, time::Duration};
//! use zpatterns_epgm::forwarder::{Forwarder, ForwarderOptions, Member, Verdict};
//!
//! let now = Duration::ZERO;
//! let mut forwarder = Forwarder::new(ForwarderOptions { max_members: 10, key: [7; 32] });
//! let [one, other] = [1, 2].map(|port| SocketAddr::from(([10, 0, 0, 1], port)));
//! for address in [one, other] {
//!     let mut member = Member::new(now, 42);
//!     while let Some(hello) = member.poll(now) {
//!         let Verdict::Answer(answer) = forwarder.handle(now, address, &hello) else { panic!("a hello is answered") };
//!         assert!(member.handle(now, &answer));
//!     }
//!     assert!(member.is_in(now));
//! }
//! assert_eq!(forwarder.handle(now, one, &[0; 24]), Verdict::Forward);
//! assert!(forwarder.others(now, one).eq([other]));
//! ```

mod greeting;
mod member;

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use self::greeting::{Greeting, Kind};
pub use self::{
    greeting::SIZE,
    member::{EVERY, Member},
};
use crate::{key::Key, packet::HEADER};

/// Who was not heard for so long is no member any more.
pub const FORGET: Duration = Duration::from_secs(30);
/// How long cookies are given that are the same.
pub const AGE: Duration = Duration::from_secs(30);

/// The version of a packet, in the byte of its type; PGM's is 0.
const VERSION: u8 = 0xc0;

/// How a forwarder is set up.
#[derive(Clone, Debug)]
pub struct ForwarderOptions {
    /// Members at once.
    pub max_members: usize,
    /// What nobody can guess: with it, cookies are made.
    pub key: [u8; 32],
}

/// What becomes of a datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It goes to all [others](Forwarder::others).
    Forward,
    /// This goes back to whom it came from.
    Answer([u8; SIZE]),
    /// Nothing; it is counted why.
    Drop,
}

/// What a forwarder did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct ForwarderCounters {
    /// Members now.
    pub members: u64,
    /// Datagrams of members that went to the others, each counted once.
    pub forwarded: u64,
    /// Datagrams that are neither packets nor hellos.
    pub malformed: u64,
    /// Packets of who is no member.
    pub foreign: u64,
    /// Hellos without a cookie that is good, which were answered with one.
    pub unproved: u64,
    /// Hellos for which there was no room among the members.
    pub refused: u64,
    /// Members that were not heard any more.
    pub forgotten: u64,
}

/// Forwards between its members.
#[derive(Debug)]
pub struct Forwarder {
    max_members: usize,
    key: Key,
    /// When each proved last where it is.
    members: BTreeMap<SocketAddr, Duration>,
    counters: ForwarderCounters,
}

impl Forwarder {
    /// One without members.
    pub fn new(ForwarderOptions { max_members, key }: ForwarderOptions) -> Self {
        Self { max_members, key: Key::of(&key), members: BTreeMap::new(), counters: ForwarderCounters::default() }
    }

    /// What it did so far.
    pub fn counters(&self) -> ForwarderCounters {
        ForwarderCounters { members: self.members.len() as u64, ..self.counters }
    }

    /// Takes a datagram in that came from this address.
    pub fn handle(&mut self, now: Duration, from: SocketAddr, datagram: &[u8]) -> Verdict {
        match Greeting::read(datagram) {
            Some(hello) if hello.kind == Kind::Hello => Verdict::Answer(self.hello(now, from, hello).write()),
            None if datagram.len() >= HEADER && datagram[4] & VERSION == 0 => self.packet(now, from),
            _ => {
                self.counters.malformed += 1;
                Verdict::Drop
            }
        }
    }

    fn packet(&mut self, now: Duration, from: SocketAddr) -> Verdict {
        if self.members.get(&from).is_some_and(|proved| now < *proved + FORGET) {
            self.counters.forwarded += 1;
            Verdict::Forward
        } else {
            self.counters.foreign += 1;
            Verdict::Drop
        }
    }

    fn hello(&mut self, now: Duration, from: SocketAddr, hello: Greeting) -> Greeting {
        let age = age(now);
        let is_proved =
            [age, age.saturating_sub(1)].iter().any(|age| self.key.is_tag(&place(from, *age), &hello.cookie));
        let kind = if !is_proved {
            self.counters.unproved += 1;
            Kind::Cookie
        } else if self.has_place(now, from) {
            self.members.insert(from, now);
            Kind::Welcome
        } else {
            self.counters.refused += 1;
            Kind::Full
        };
        Greeting { kind, nonce: hello.nonce, cookie: self.key.tag(&place(from, age)) }
    }

    fn has_place(&mut self, now: Duration, from: SocketAddr) -> bool {
        if self.members.len() >= self.max_members {
            self.advance(now);
        }
        self.members.len() < self.max_members || self.members.contains_key(&from)
    }

    /// All members but this one.
    pub fn others(&self, now: Duration, from: SocketAddr) -> impl Iterator<Item = SocketAddr> {
        let others = self.members.iter().filter(move |(to, proved)| **to != from && now < **proved + FORGET);
        others.map(|(to, _)| *to)
    }

    /// Forgets who was silent. Call it at the [`deadline`](Self::deadline).
    pub fn advance(&mut self, now: Duration) {
        let before = self.members.len();
        self.members.retain(|_, proved| now < *proved + FORGET);
        self.counters.forgotten += (before - self.members.len()) as u64;
    }

    /// When to call [`advance`](Self::advance), if nothing else happens.
    pub fn deadline(&self) -> Option<Duration> {
        self.members.values().min().map(|proved| *proved + FORGET)
    }
}

/// Of what a cookie is the tag.
fn place(from: SocketAddr, age: u64) -> Vec<u8> {
    let address = match from.ip() {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    [&age.to_be_bytes()[..], &address.octets(), &from.port().to_be_bytes()].concat()
}

/// Which cookies are given now.
fn age(now: Duration) -> u64 {
    now.as_secs() / AGE.as_secs()
}

#[cfg(test)]
mod tests;
