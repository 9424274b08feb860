//! What a stream's memory has no room for: on disk, in blocks of publications that follow each other.
//!
//! Only where each block begins and ends is always known. A block is in memory until it is written, and again while somebody reads
//! it. What is there is the stream's history before what its memory has; what nobody is waited for goes when there is too much of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bytes::{Buf, BufMut, Bytes};

use super::{
    Content,
    history::{Found, Live, Publication},
};
use crate::Time;

/// A block is full with so many bytes. It is read as a whole, whoever wants some of it; a store that gives room by powers of two has
/// room for a last publication in 256 KiB.
const MAX_BLOCK: u64 = 192 * 1024;
/// There are at least so many blocks, however little there is room for: they are forgotten one by one.
const BLOCKS: u64 = 64;

/// The older part of a history.
#[derive(Debug)]
pub(super) struct Archive {
    most: u64,
    /// By the number of its first publication.
    blocks: BTreeMap<u64, Block>,
    /// What the next block will have.
    next: Vec<Arc<Publication>>,
    next_bytes: u64,
    /// Of all.
    bytes: u64,
    /// Blocks that are to be written, and that are being written.
    waiting: BTreeSet<u64>,
    writing: BTreeSet<u64>,
    /// What is no more, and may still be on the disk.
    removed: Vec<u64>,
    live: Live,
}

#[derive(Debug)]
struct Block {
    last: u64,
    bytes: u64,
    /// When the last of it was published.
    newest: Time,
    /// What it has, if that is in memory.
    content: Option<Vec<Arc<Publication>>>,
}

/// What a publication takes in a block.
fn size(publication: &Publication) -> u64 {
    publication.encoded().len() as u64 + 4
}

impl Archive {
    pub(super) fn new(most: u64, live: &Live) -> Self {
        Self {
            most,
            blocks: BTreeMap::new(),
            next: Vec::new(),
            next_bytes: 0,
            bytes: 0,
            waiting: BTreeSet::new(),
            writing: BTreeSet::new(),
            removed: Vec::new(),
            live: live.clone(),
        }
    }

    /// The number of the first that is there.
    pub(super) fn first(&self) -> Option<u64> {
        let first = self.blocks.first_key_value().map(|(first, _)| *first);
        first.or_else(|| self.next.first().map(|next| next.number))
    }

    /// The number of the last that goes if something must.
    pub(super) fn next_to_go(&self) -> Option<u64> {
        let oldest = self.blocks.first_key_value().map(|(_, block)| block.last);
        oldest.or_else(|| self.next.last().map(|next| next.number))
    }

    /// Bytes of what is there.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether another of this size fits without losing one.
    pub(super) fn has_room(&self, size: u64) -> bool {
        self.bytes + size <= self.most
    }

    /// Whether nothing waits to be written, or is being written.
    pub(super) fn is_written(&self) -> bool {
        self.waiting.is_empty() && self.writing.is_empty()
    }

    /// Adds the next.
    pub(super) fn push(&mut self, publication: Arc<Publication>) {
        self.bytes += size(&publication);
        self.next_bytes += size(&publication);
        self.next.push(publication);
        if self.next_bytes >= (self.most / BLOCKS).min(MAX_BLOCK) {
            self.seal();
        }
    }

    /// What has come up is a block.
    pub(super) fn seal(&mut self) {
        let (content, bytes) = (std::mem::take(&mut self.next), std::mem::take(&mut self.next_bytes));
        if let (Some(first), Some(last)) = (content.first(), content.last()) {
            let (first, last, newest) = (first.number, last.number, last.at);
            self.blocks.insert(first, Block { last, bytes, newest, content: Some(content) });
            self.waiting.insert(first);
        }
    }

    /// Where the publication of this number is.
    pub(super) fn get(&self, number: u64) -> Option<Found<'_>> {
        if let Some(place) = self.next.first().and_then(|next| number.checked_sub(next.number)) {
            return self.next.get(place as usize).map(Found::Here);
        }
        if let Some((first, block)) = self.blocks.range(..=number).next_back()
            && number <= block.last
        {
            return Some(match &block.content {
                Some(content) => Found::Here(&content[(number - first) as usize]),
                None => Found::OnDisk(*first),
            });
        }
        let following = self.blocks.range(number..).next().map(|(first, _)| *first);
        following.or_else(|| self.next.first().map(|next| next.number)).map(|first| Found::Gone(first - 1))
    }

    /// Forgets what there is no room for, but nothing after this number, for which somebody is waited.
    pub(super) fn trim(&mut self, needed_after: u64) {
        while self.bytes > self.most && self.forget_oldest(needed_after, None) {}
    }

    /// Forgets what is too old; the same.
    pub(super) fn age(&mut self, now: Time, age: Duration, needed_after: u64) {
        while self.forget_oldest(needed_after, Some((now, age))) {}
    }

    fn forget_oldest(&mut self, needed_after: u64, than: Option<(Time, Duration)>) -> bool {
        let oldest = self.blocks.first_key_value().map(|(first, block)| (Some(*first), block.last, block.newest));
        let oldest = oldest.or_else(|| self.next.last().map(|next| (None, next.number, next.at)));
        let Some((first, last, newest)) = oldest else { return false };
        if last > needed_after || than.is_some_and(|(now, age)| now < newest + age) {
            return false;
        }
        match first {
            Some(first) => self.remove(first),
            None => {
                self.bytes -= std::mem::take(&mut self.next_bytes);
                self.next.clear();
            }
        }
        true
    }

    fn remove(&mut self, first: u64) {
        if let Some(block) = self.blocks.remove(&first) {
            self.bytes -= block.bytes;
            self.writing.remove(&first);
            if !self.waiting.remove(&first) {
                self.removed.push(first);
            }
        }
    }

    /// The next block to be written: where it begins, and what is written.
    pub(super) fn write_next(&mut self) -> Option<(u64, Bytes)> {
        let first = self.waiting.pop_first()?;
        let block = &self.blocks[&first];
        let content = block.content.as_ref()?;
        self.writing.insert(first);
        let mut to = Vec::with_capacity(block.bytes as usize);
        for publication in content {
            to.put_u32(publication.encoded().len() as u32);
            to.put_slice(publication.encoded());
        }
        Some((first, to.into()))
    }

    /// What is to be removed from the disk: blocks by where they began.
    pub(super) fn take_removed(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.removed)
    }

    /// The disk did not remove these.
    pub(super) fn remove_again(&mut self, removed: Vec<u64>) {
        self.removed.extend(removed);
    }

    /// A block has been written, or could not be and is to be written again.
    pub(super) fn written(&mut self, first: u64, done: bool) {
        if !self.writing.remove(&first) {
            return;
        }
        if done {
            self.unload(first);
        } else {
            self.waiting.insert(first);
        }
    }

    /// A block was read; what cannot be read is no more.
    pub(super) fn load(&mut self, first: u64, value: Option<Bytes>) {
        let Some(block) = self.blocks.get_mut(&first) else { return };
        let read = value.and_then(|value| read(first, value, block.newest, &self.live));
        match read {
            Some(content) if content.len() as u64 == block.last - first + 1 => block.content = Some(content),
            _ => self.remove(first),
        }
    }

    /// Whoever read a block has done so.
    pub(super) fn unload(&mut self, first: u64) {
        if let Some(block) = self.blocks.get_mut(&first)
            && !self.waiting.contains(&first)
            && !self.writing.contains(&first)
        {
            block.content = None;
        }
    }
}

fn read(first: u64, mut from: Bytes, at: Time, live: &Live) -> Option<Vec<Arc<Publication>>> {
    let mut content = Vec::new();
    while from.has_remaining() {
        let size = usize::try_from(from.try_get_u32().ok()?).ok()?;
        let encoded = (from.len() >= size).then(|| from.split_to(size))?;
        let number = first + content.len() as u64;
        content.push(Publication::new(number, at, Content::read(&encoded)?, live));
    }
    Some(content)
}
