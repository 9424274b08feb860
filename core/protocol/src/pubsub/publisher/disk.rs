//! What goes to the disk and comes back: blocks of histories, a few at a time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::{Buf, BufMut, Bytes};

use super::{LinkId, Output, Publisher, Result, RouteId, Time};
use crate::{
    machine::Change,
    pubsub::{
        archive::Archive,
        wire::{Number, StreamId},
    },
};

/// Blocks that are written at once, or read, or that are kept in memory after they were read.
const AT_ONCE: usize = 4;

/// A block: of this stream, from this number on.
pub(super) type BlockId = (StreamId, u64);
/// A view of a subscriber on its shared path.
type SharedView = (LinkId, Number, StreamId);

/// Who waits for a block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Waiter {
    /// One that is behind.
    Subscription(RouteId),
    /// Somebody who asked for something again.
    Repair(SharedView),
}

/// What was put out last.
#[derive(Debug)]
enum Pending {
    Written(BlockId),
    Removed(StreamId, Vec<u64>),
}

/// What is on its way to the disk, and from there.
#[derive(Default, Debug)]
pub(super) struct Disk {
    /// The number of the last change, and what was not yet told of.
    sequence: u64,
    pending: BTreeMap<u64, Pending>,
    /// How many of them are blocks.
    writing: usize,
    /// It does not take anything until the next beat.
    failed: bool,
    /// Who wants which block.
    wanted: BTreeMap<BlockId, BTreeSet<Waiter>>,
    /// Of those, what is not asked for yet, and how many are.
    queue: VecDeque<BlockId>,
    asked: usize,
    /// What is to be sent again when its block is there, by numbers.
    repairs: BTreeMap<SharedView, (u64, u64)>,
    /// What was read last.
    loaded: VecDeque<BlockId>,
}

fn key((stream, first): BlockId) -> Bytes {
    let mut key = Vec::with_capacity(10);
    key.put_u16(stream);
    key.put_u64(first);
    key.into()
}

fn block_of(mut key: Bytes) -> Option<BlockId> {
    Some((key.try_get_u16().ok()?, key.try_get_u64().ok()?))
}

impl Disk {
    /// A subscription is behind, and goes on in this block.
    pub(super) fn want(&mut self, block: BlockId, route: RouteId) {
        self.wait(block, Waiter::Subscription(route));
    }

    /// What somebody asked for again begins in this block.
    pub(super) fn want_repair(&mut self, block: BlockId, view: SharedView, first: u64, last: u64) {
        self.repairs.insert(view, (first, last));
        self.wait(block, Waiter::Repair(view));
    }

    /// Whether somebody waits for what he asked for again.
    pub(super) fn repairs(&self) -> bool {
        !self.repairs.is_empty()
    }

    fn wait(&mut self, block: BlockId, waiter: Waiter) {
        let waiters = self.wanted.entry(block).or_default();
        if waiters.is_empty() {
            self.queue.push_back(block);
        }
        waiters.insert(waiter);
    }
}

impl Publisher {
    fn archive(&mut self, stream: StreamId) -> Option<&mut Archive> {
        self.streams.get_mut(usize::from(stream))?.history.archive()
    }

    /// Writes what is to be written, and reads what is wanted.
    pub(super) fn work_on_disk(&mut self) {
        let places = if self.disk.failed { 0 } else { self.streams_on_disk.len() };
        for place in 0..places {
            let stream = self.streams_on_disk[place];
            let Some(archive) = self.archive(stream) else { continue };
            let removed = archive.take_removed();
            if !removed.is_empty() {
                let remove = |first: &u64| Change::Remove { key: key((stream, *first)) };
                let changes = removed.iter().map(remove).collect();
                self.store(changes, Pending::Removed(stream, removed));
            }
            while self.disk.writing < AT_ONCE
                && let Some((first, value)) = self.archive(stream).and_then(Archive::write_next)
            {
                self.disk.writing += 1;
                let put = Change::Put { key: key((stream, first)), value };
                self.store(vec![put], Pending::Written((stream, first)));
            }
        }
        while self.disk.asked < AT_ONCE
            && let Some(block) = self.disk.queue.pop_front()
        {
            self.disk.asked += 1;
            self.outputs.push_back(Output::Fetch { key: key(block) });
        }
    }

    fn store(&mut self, changes: Vec<Change>, pending: Pending) {
        self.disk.sequence += 1;
        self.disk.pending.insert(self.disk.sequence, pending);
        self.outputs.push_back(Output::Store { sequence: self.disk.sequence, changes });
    }

    /// Up to this change the disk has all, or nothing of what was not told of yet.
    pub(super) fn stored(&mut self, up_to: u64, done: bool) {
        while let Some(first) = self.disk.pending.first_entry()
            && *first.key() <= up_to
        {
            match first.remove() {
                Pending::Written((stream, first)) => {
                    self.disk.writing -= 1;
                    if let Some(archive) = self.archive(stream) {
                        archive.written(first, done);
                    }
                }
                Pending::Removed(stream, removed) => {
                    if let Some(archive) = self.archive(stream).filter(|_| !done) {
                        archive.remove_again(removed);
                    }
                }
            }
        }
        if !done {
            self.counters.disk_errors += 1;
            self.disk.failed = true;
        }
        self.there_is_room();
    }

    /// What the disk did not take may be tried again.
    pub(super) fn try_disk_again(&mut self) {
        self.disk.failed = false;
    }

    /// A block was read, or cannot be: whoever waits for it goes on.
    pub(super) fn fetched(&mut self, now: Time, key: Bytes, value: Result<Option<Bytes>>) {
        let Some(block) = block_of(key) else { return };
        let Some(waiters) = self.disk.wanted.remove(&block) else { return };
        self.disk.asked -= 1;
        self.counters.disk_errors += u64::from(value.is_err());
        if let Some(archive) = self.archive(block.0) {
            archive.load(block.1, value.ok().flatten());
        }
        self.disk.loaded.push_back(block);
        if self.disk.loaded.len() > AT_ONCE
            && let Some((stream, first)) = self.disk.loaded.pop_front()
            && !self.disk.loaded.contains(&(stream, first))
            && let Some(archive) = self.archive(stream)
        {
            archive.unload(first);
        }
        for waiter in waiters {
            match waiter {
                Waiter::Subscription(route) if self.subscriptions.contains(route as usize) => self.ready(route),
                Waiter::Subscription(_) => {}
                Waiter::Repair(view) => {
                    if let Some((first, last)) = self.disk.repairs.remove(&view) {
                        let (link, number, stream) = view;
                        self.repair(now, link, (number, stream), first, last);
                    }
                }
            }
        }
    }
}
