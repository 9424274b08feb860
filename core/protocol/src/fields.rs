//! Values as bytes, on the wire and in the store. All numbers are big-endian.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};

use crate::machine::Frames;

/// The longest name.
pub(crate) const MAX_NAME: usize = 255;

/// Durations travel as milliseconds; a longer one than fits is for ever, to all intents.
pub(crate) fn millis(span: Duration) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}

/// What [`millis`] wrote.
pub(crate) fn get_millis(fields: &mut Bytes) -> Option<Duration> {
    Some(Duration::from_millis(fields.try_get_u32().ok()?.into()))
}

pub(crate) fn get_bool(fields: &mut Bytes) -> Option<bool> {
    match fields.try_get_u8().ok()? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// A length of one byte, and so many bytes. Names are checked where they enter.
pub(crate) fn put_name(fields: &mut Vec<u8>, name: &[u8]) {
    let name = &name[..name.len().min(MAX_NAME)];
    fields.put_u8(name.len() as u8);
    fields.put_slice(name);
}

pub(crate) fn get_name(fields: &mut Bytes) -> Option<Bytes> {
    let length = fields.try_get_u8().ok()?.into();
    (fields.len() >= length).then(|| fields.split_to(length))
}

/// Each with its length in 4 bytes.
pub(crate) fn put_frames(to: &mut Vec<u8>, frames: &Frames) {
    to.reserve(frames.iter().map(|frame| 4 + frame.len()).sum());
    for frame in frames {
        to.put_u32(u32::try_from(frame.len()).expect("a frame has less than 4 GiB, by the bounds of a broker"));
        to.put_slice(frame);
    }
}

/// All that is left, as [`put_frames`] wrote it.
pub(crate) fn get_frames(from: &mut Bytes) -> Option<Frames> {
    let mut frames = Frames::new();
    while !from.is_empty() {
        let length = usize::try_from(from.try_get_u32().ok()?).ok()?;
        if from.len() < length {
            return None;
        }
        frames.push(from.split_to(length));
    }
    Some(frames)
}
