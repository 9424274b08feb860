//! A file on a disk that tears, fills up and flips bits.

use std::collections::BTreeSet;

use fastrand::Rng;

/// What a disk writes wholly or not at all.
const SECTOR: usize = 512;

/// A file in memory with the manners of one on a disk: what was not flushed may be lost in a crash, sector by sector.
#[derive(Clone, Default, Debug)]
pub struct Disk {
    /// As whoever wrote it sees it.
    bytes: Vec<u8>,
    /// As it was when it was last flushed.
    flushed: Vec<u8>,
    /// Sectors written since.
    dirty: BTreeSet<usize>,
    capacity: Option<u64>,
}

/// There is no more room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiskFull;

impl Disk {
    /// An empty file.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on the file grows no larger than this; `None` lets it grow.
    pub fn set_capacity(&mut self, bytes: Option<u64>) {
        self.capacity = bytes;
    }

    /// Bytes in the file.
    pub fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes from `offset` on, as many as there are room for; `None` beyond the end.
    pub fn read(&self, offset: u64, to: &mut [u8]) -> Option<()> {
        let from = usize::try_from(offset).ok()?;
        to.copy_from_slice(self.bytes.get(from..from.checked_add(to.len())?)?);
        Some(())
    }

    /// Writes, past the end too.
    pub fn write(&mut self, offset: u64, from: &[u8]) -> Result<(), DiskFull> {
        let end = offset + from.len() as u64;
        if end > self.len() {
            self.set_len(end)?;
        }
        let start = offset as usize;
        self.bytes[start..start + from.len()].copy_from_slice(from);
        self.dirty.extend(start / SECTOR..(start + from.len()).div_ceil(SECTOR));
        Ok(())
    }

    /// Cuts the file, or makes it longer by zeros.
    pub fn set_len(&mut self, bytes: u64) -> Result<(), DiskFull> {
        if bytes > self.len() && self.capacity.is_some_and(|capacity| bytes > capacity) {
            return Err(DiskFull);
        }
        self.bytes.resize(bytes as usize, 0);
        Ok(())
    }

    /// What was written is on the disk.
    pub fn flush(&mut self) {
        self.flushed.clone_from(&self.bytes);
        self.dirty.clear();
    }

    /// The power goes: of what was not flushed, each sector is there or not.
    pub fn crash(&mut self, random: &mut Rng) {
        let length = if random.bool() { self.bytes.len() } else { self.flushed.len() };
        let mut after = self.flushed.clone();
        after.resize(length, 0);
        for sector in self.dirty.iter().copied() {
            let all = sector * SECTOR..((sector + 1) * SECTOR).min(length).min(self.bytes.len());
            if random.bool() && all.start < all.end {
                after[all.clone()].copy_from_slice(&self.bytes[all]);
            }
        }
        self.bytes = after;
        self.flush();
    }

    /// A bit is not what it was. False if there is none.
    pub fn flip(&mut self, random: &mut Rng) -> bool {
        if self.bytes.is_empty() {
            return false;
        }
        let at = random.usize(0..self.bytes.len());
        self.bytes[at] ^= 1 << random.u8(0..8);
        self.flush();
        true
    }
}
