//! What is published: its bytes are put together once, by whoever publishes, and are the same in a history, in a pack and on the
//! shared path.

use std::{iter, sync::Arc};

use bytes::{BufMut, Bytes};

use super::{check_subject, wire};
use crate::{Error, ErrorKind, Result, machine::Frames};

/// The most frames of a publication.
pub const MAX_FRAMES: usize = 255;

/// A subject and frames, as they are in packs. Clones share their bytes, which lie with their count in one piece of memory: whoever
/// forgets an old publication waits for each piece.
///
/// ```text
/// publication = subject parts *(size frame)
/// subject     = length *octet     ; length is 1 octet
/// parts       = 1 octet
/// size        = 4 octets
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Content(Arc<[u8]>);

impl Content {
    /// Of these bytes, which are copied. [`ErrorKind::InvalidArgument`] if the subject is none, [`ErrorKind::TooLarge`] if it has
    /// more than 255 frames or more than 1 GiB.
    pub fn new<F: AsRef<[u8]>>(subject: &[u8], frames: &[F]) -> Result<Self> {
        check_subject(subject)?;
        let size: usize = frames.iter().map(|frame| frame.as_ref().len()).sum();
        if frames.len() > MAX_FRAMES || size > super::MAX_SIZE {
            let error = Error::new(ErrorKind::TooLarge, "a publication has at most 255 frames, and 1 GiB");
            return Err(error.with("frames", frames.len()).with("bytes", size));
        }
        let mut data: Arc<[u8]> = iter::repeat_n(0, 2 + subject.len() + 4 * frames.len() + size).collect();
        let mut to = Arc::get_mut(&mut data).expect("nobody else has it yet");
        to.put_u8(subject.len() as u8);
        to.put_slice(subject);
        to.put_u8(frames.len() as u8);
        for frame in frames {
            to.put_u32(frame.as_ref().len() as u32);
            to.put_slice(frame.as_ref());
        }
        Ok(Self(data))
    }

    /// As [`encoded`](Self::encoded) gave it. `None` if it is none.
    pub(in crate::pubsub) fn read(encoded: &[u8]) -> Option<Self> {
        let mut from = Bytes::copy_from_slice(encoded);
        let (subject, _) = wire::decode(&mut from)?;
        (from.is_empty() && check_subject(&subject).is_ok()).then(|| Self(encoded.into()))
    }

    /// What it is about.
    pub fn subject(&self) -> Bytes {
        Bytes::copy_from_slice(self.about())
    }

    /// The same, for who only looks at it.
    pub(in crate::pubsub) fn about(&self) -> &[u8] {
        &self.0[1..1 + usize::from(self.0[0])]
    }

    /// Its frames.
    pub fn frames(&self) -> Frames {
        wire::decode(&mut Bytes::from_owner(Arc::clone(&self.0))).map(|(_, frames)| frames).unwrap_or_default()
    }

    /// Bytes of its frames.
    pub fn size(&self) -> usize {
        let (subject, parts) = (usize::from(self.0[0]), usize::from(self.0[1 + usize::from(self.0[0])]));
        self.0.len() - 2 - subject - 4 * parts
    }

    /// As it is in packs.
    pub fn encoded(&self) -> &[u8] {
        &self.0
    }
}
