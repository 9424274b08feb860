//! CURVE key pairs.

use std::ffi::CString;

use zpatterns_protocol::{Error, ErrorKind, Result};

use crate::errno;

/// A CURVE key pair.
#[derive(Clone, PartialEq, Eq)]
pub struct CurveKeys {
    /// 40 characters of Z85, to give away.
    pub public: String,
    /// 40 characters of Z85, to keep.
    pub secret: String,
}

impl std::fmt::Debug for CurveKeys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "CurveKeys({})", self.public)
    }
}

impl CurveKeys {
    /// A new pair from the system's random source.
    pub fn generate() -> Result<Self> {
        let (mut public, mut secret) = ([0_u8; 41], [0_u8; 41]);
        // SAFETY: both buffers hold the 40 characters and the zero that libzmq writes.
        match unsafe { libzmq::zmq_curve_keypair(public.as_mut_ptr().cast(), secret.as_mut_ptr().cast()) } {
            0 => Ok(Self { public: text(&public), secret: text(&secret) }),
            _ => Err(errno::last("cannot make a key pair")),
        }
    }

    /// The pair that belongs to a secret key.
    pub fn from_secret(secret: &str) -> Result<Self> {
        let malformed = || Error::new(ErrorKind::InvalidArgument, "a secret key has 40 characters of Z85");
        if secret.len() != 40 {
            return Err(malformed());
        }
        let given = CString::new(secret).map_err(|_| malformed())?;
        let mut public = [0_u8; 41];
        // SAFETY: the buffer holds what libzmq writes, and the key has the length that it reads.
        match unsafe { libzmq::zmq_curve_public(public.as_mut_ptr().cast(), given.as_ptr()) } {
            0 => Ok(Self { public: text(&public), secret: secret.to_owned() }),
            _ => Err(malformed()),
        }
    }
}

fn text(buffer: &[u8; 41]) -> String {
    String::from_utf8_lossy(&buffer[..40]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_pairs_are_whole() {
        let keys = CurveKeys::generate().expect("libsodium");
        assert_eq!((keys.public.len(), keys.secret.len()), (40, 40));
        assert_eq!(CurveKeys::from_secret(&keys.secret).expect("the same pair"), keys);
        for bad in ["", "short", &"\0".repeat(40), &"\u{e9}".repeat(20)] {
            CurveKeys::from_secret(bad).expect_err("malformed");
        }
    }
}
