//! Tags that only who knows the key can make: behind authenticated packets, and as cookies of a forwarder.
//!
//! A tag is HMAC-SHA-256, RFC 2104, its first 16 bytes. The key of a session is the HMAC of its group and port
//! under the shared secret, so that what was said in one is worth nothing in another. What was recorded can be said again, to
//! those who have not heard it.

use std::{fmt, net::IpAddr};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The bytes of a tag.
pub const TAG: usize = 16;

/// A key, mostly that of a session.
#[derive(Clone)]
pub struct Key(Hmac<Sha256>);

fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret).expect("an HMAC takes secrets of any length")
}

impl Key {
    /// That of a session, from a secret that all in it share: 32 random bytes, say.
    pub fn new(secret: &[u8], group: IpAddr, port: u16) -> Self {
        let session = format!("zpatterns bus 1 {group} {port}");
        Self::of(&keyed(secret).chain_update(session).finalize().into_bytes())
    }

    /// One that nobody else knows, or that is derived already.
    pub(crate) fn of(secret: &[u8]) -> Self {
        Self(keyed(secret))
    }

    /// What proves that these bytes are of somebody who knows the key.
    pub(crate) fn tag(&self, bytes: &[u8]) -> [u8; TAG] {
        let tag = self.0.clone().chain_update(bytes).finalize().into_bytes();
        *tag.first_chunk().expect("it is longer")
    }

    /// Whether this is their tag; how long that takes tells nothing.
    pub(crate) fn is_tag(&self, bytes: &[u8], tag: &[u8; TAG]) -> bool {
        self.0.clone().chain_update(bytes).verify_truncated_left(tag).is_ok()
    }

    /// The packet in a datagram, if somebody who knows the key has sent it.
    pub(crate) fn open<'a>(&self, datagram: &'a [u8]) -> Option<&'a [u8]> {
        let (packet, tag) = datagram.split_last_chunk::<TAG>()?;
        self.is_tag(packet, tag).then_some(packet)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Key")
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn only_who_knows_the_key_of_the_session_is_believed() {
        let key = |secret: &[u8], port| Key::new(secret, Ipv4Addr::new(239, 0, 0, 1).into(), port);
        let datagram = [b"packet".to_vec(), key(b"secret", 5555).tag(b"packet").to_vec()].concat();
        assert_eq!(key(b"secret", 5555).open(&datagram), Some(&b"packet"[..]));
        assert_eq!(key(b"secret", 5556).open(&datagram), None);
        assert_eq!(key(b"another", 5555).open(&datagram), None);
        for at in 0..datagram.len() {
            let mut changed = datagram.clone();
            changed[at] ^= 1;
            assert_eq!(key(b"secret", 5555).open(&changed), None, "{at}");
        }
        assert_eq!(key(b"secret", 5555).open(b"short"), None);
    }
}
