//! What a forwarder and its members say to each other, besides the packets that it forwards.
//!
//! ```text
//! greeting = "zpat" kind:u8 0:3 nonce:u64 cookie:16
//! ```
//!
//! Where a greeting has its kind, a packet has its type, whose upper bits say PGM's version: so none is the other.

use crate::key::TAG;

/// The bytes of a greeting, of whatever kind.
pub const SIZE: usize = 32;
const MAGIC: [u8; 4] = *b"zpat";

/// What it says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Of who wants to be a member, or to stay one; the cookie is the last that he got, or zeros.
    Hello = 0xf0,
    /// Say it again with this cookie.
    Cookie = 0xf1,
    /// You are a member. The next time, say it with this cookie.
    Welcome = 0xf2,
    /// There are too many members.
    Full = 0xf3,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Greeting {
    pub(super) kind: Kind,
    /// Of who says hello; it is in the answer, so that nobody answers who has not heard it.
    pub(super) nonce: u64,
    pub(super) cookie: [u8; TAG],
}

impl Greeting {
    pub(super) fn read(datagram: &[u8]) -> Option<Self> {
        let datagram: &[u8; SIZE] = datagram.try_into().ok()?;
        let (head, rest) = datagram.split_first_chunk::<8>()?;
        let (nonce, cookie) = rest.split_first_chunk()?;
        let kinds = [Kind::Hello, Kind::Cookie, Kind::Welcome, Kind::Full];
        let kind = kinds.into_iter().find(|kind| *head == beginning(*kind))?;
        Some(Self { kind, nonce: u64::from_be_bytes(*nonce), cookie: cookie.try_into().ok()? })
    }

    pub(super) fn write(&self) -> [u8; SIZE] {
        let mut datagram = [0; SIZE];
        datagram[..8].copy_from_slice(&beginning(self.kind));
        datagram[8..16].copy_from_slice(&self.nonce.to_be_bytes());
        datagram[16..].copy_from_slice(&self.cookie);
        datagram
    }
}

fn beginning(kind: Kind) -> [u8; 8] {
    let [a, b, c, d] = MAGIC;
    [a, b, c, d, kind as u8, 0, 0, 0]
}
