//! Publications together: a small one costs more to carry by itself than to copy.

use bytes::{Buf, BufMut, Bytes};

use super::{MAGIC, Number, StreamId};
use crate::{
    fields::{get_name, put_name},
    machine::Frames,
};

/// A publication as it is in packs, as [`Content`](crate::pubsub::Content) has written it.
pub(in crate::pubsub) fn decode(from: &mut Bytes) -> Option<(Bytes, Frames)> {
    let (subject, parts) = (get_name(from)?, from.try_get_u8().ok()?);
    let mut frames = Frames::with_capacity(parts.into());
    for _ in 0..parts {
        let size = usize::try_from(from.try_get_u32().ok()?).ok()?;
        frames.push((from.len() >= size).then(|| from.split_to(size))?);
    }
    Some((subject, frames))
}

/// Publications of views, on a link.
///
/// ```text
/// pack        = *(subscription stream number previous publication)
/// subscription = 4 octets
/// stream      = 2 octets
/// number      = 8 octets
/// previous    = 8 octets          ; the number before it in this view
/// ```
#[derive(Default, Debug)]
pub struct Pack(Vec<u8>);

impl Pack {
    /// Adds one, as a [`Content`](crate::pubsub::Content) has it.
    pub(in crate::pubsub) fn push(
        &mut self,
        (subscription, stream): (Number, StreamId),
        number: u64,
        previous: u64,
        encoded: &[u8],
    ) {
        self.0.put_u32(subscription);
        self.0.put_u16(stream);
        self.0.put_u64(number);
        self.0.put_u64(previous);
        self.0.put_slice(encoded);
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As a frame.
    pub fn finish(self) -> Bytes {
        self.0.into()
    }
}

/// A publication of a view.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The subscription.
    pub subscription: Number,
    /// The stream.
    pub stream: StreamId,
    /// Its number.
    pub number: u64,
    /// The number before it in this view.
    pub previous: u64,
    /// What it is about.
    pub subject: Bytes,
    /// What was published.
    pub frames: Frames,
}

/// The publications of a pack; `None` for what is none, and then nothing follows.
pub fn entries(mut pack: Bytes) -> impl Iterator<Item = Option<Entry>> {
    std::iter::from_fn(move || {
        if pack.is_empty() {
            return None;
        }
        let entry = get_entry(&mut pack);
        if entry.is_none() {
            pack.clear();
        }
        Some(entry)
    })
}

fn get_entry(from: &mut Bytes) -> Option<Entry> {
    let (subscription, stream) = (from.try_get_u32().ok()?, from.try_get_u16().ok()?);
    let (number, previous) = (from.try_get_u64().ok()?, from.try_get_u64().ok()?);
    let (subject, frames) = decode(from)?;
    Some(Entry { subscription, stream, number, previous, subject, frames })
}

/// How a message of the shared path begins, by which a SUB asks for a stream.
pub fn topic(stream: &[u8]) -> Vec<u8> {
    let mut topic = Vec::with_capacity(1 + stream.len());
    put_name(&mut topic, stream);
    topic
}

/// Consecutive publications of a public stream, on their way to everybody: one frame.
///
/// ```text
/// shared      = stream magic epoch first *publication
/// stream      = length *octet     ; the name
/// epoch       = 8 octets
/// first       = 8 octets          ; the number of the first
/// ```
#[derive(Debug)]
pub struct Shared {
    head: Vec<u8>,
    first: u64,
    data: Vec<u8>,
}

impl Shared {
    /// An empty one.
    pub fn new(stream: &[u8], epoch: u64) -> Self {
        let mut head = topic(stream);
        head.put_slice(&MAGIC);
        head.put_u64(epoch);
        Self { head, first: 0, data: Vec::new() }
    }

    /// Adds the next, as a [`Content`](crate::pubsub::Content) has it.
    pub(in crate::pubsub) fn push(&mut self, number: u64, encoded: &[u8]) {
        if self.data.is_empty() {
            self.first = number;
            self.data.put_slice(&self.head);
            self.data.put_u64(number);
        }
        self.data.put_slice(encoded);
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// What is in it, as a frame; it is empty then.
    pub fn take(&mut self) -> Bytes {
        let next = Vec::with_capacity(self.data.len());
        std::mem::replace(&mut self.data, next).into()
    }
}

/// A message of the shared path: the stream, the epoch, and its publications with their numbers. `None` if it is none.
#[allow(clippy::type_complexity)] // Named, the parts would say no more.
pub fn read_shared(mut from: Bytes) -> Option<(Bytes, u64, Vec<(u64, Bytes, Frames)>)> {
    let stream = get_name(&mut from)?;
    if from.len() < MAGIC.len() || from.split_to(MAGIC.len()) != MAGIC[..] {
        return None;
    }
    let (epoch, first) = (from.try_get_u64().ok()?, from.try_get_u64().ok()?);
    let mut all = Vec::new();
    while !from.is_empty() {
        let (subject, frames) = decode(&mut from)?;
        all.push((first.checked_add(all.len() as u64)?, subject, frames));
    }
    Some((stream, epoch, all))
}
