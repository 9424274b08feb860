//! The places that criteria lead to, by their keys.
//!
//! Slots are small, so that many are in a cache, and each has some bits of a key and where its place lies. A key is in
//! the slot that it points to, or soon behind it, and all keys are in order: a search ends at the first that is
//! greater, and what is removed leaves nothing behind. Places lie without gaps, in no order. The table is in parts
//! which grow and shrink one by one, because a publisher that takes in a subscription serves others as well: at a
//! million places a part is moved in some ten microseconds, the whole would take several milliseconds.

use std::hint::black_box;

use super::{
    keys::{Key, Way},
    sheaf::Sheaf,
};

/// Parts, by the first byte of a key.
const PARTS: usize = 1 << PART_BITS;
const PART_BITS: u32 = 8;
/// The fewest slots of a part that is not empty.
const FEWEST: usize = 4;

/// A place that criteria go through or hang at. 96 bytes, and never in more than two lines of the processor's cache.
#[derive(Debug)]
#[repr(align(32))]
pub(super) struct Place {
    pub(super) key: Key,
    /// How many criteria go on from here by a level or by a cut, and how many by any level.
    pub(super) levels: u32,
    pub(super) any: u32,
    pub(super) sheaf: Sheaf,
}

impl Place {
    pub(super) fn new(key: Key) -> Self {
        Self { key, levels: 0, any: 0, sheaf: Sheaf::default() }
    }

    /// Whether nothing hangs here or goes on.
    pub(super) fn is_empty(&self) -> bool {
        self.sheaf.is_empty() && self.levels == 0 && self.any == 0
    }

    /// One criterion more goes on this way, or one less.
    pub(super) fn count(&mut self, way: Way<'_>, is_more: bool) {
        if let Way::Cut(level) = way {
            self.sheaf.count_cut(level.len() as u32, is_more);
        }
        let count = if way == Way::Any { &mut self.any } else { &mut self.levels };
        *count = if is_more { *count + 1 } else { *count - 1 };
    }

    /// Begins to read both lines of it.
    fn touch(&self) {
        black_box(self.key);
        self.sheaf.touch();
    }
}

#[derive(Debug)]
pub(super) struct Table {
    parts: Box<[Part]>,
}

impl Table {
    pub(super) fn new() -> Self {
        Self { parts: (0..PARTS).map(|_| Part::default()).collect() }
    }

    pub(super) fn get(&self, key: Key) -> Option<&Place> {
        let part = self.part(key);
        part.slot(key).map(|slot| part.place(slot))
    }

    /// One that is there.
    pub(super) fn known(&mut self, key: Key) -> &mut Place {
        let part = &mut self.parts[part_of(key)];
        let slot = part.slot(key).expect("who asks has found it before");
        &mut part.places[part.slots[slot].at as usize]
    }

    /// Begins to read the slot of a key that is wanted soon.
    pub(super) fn touch(&self, key: Key) {
        let part = self.part(key);
        black_box(part.slots.get(part.home(tag_of(key))).map(|slot| slot.at));
    }

    /// The place of this key, or one whose key differs in few bits, before it is read; it is wanted soon.
    pub(super) fn guess(&self, key: Key) -> Option<&Place> {
        let (part, tag) = (self.part(key), tag_of(key));
        let slot = part.slots.get(part.find(tag)).filter(|slot| slot.tag == tag && slot.at != FREE)?;
        let place = &part.places[slot.at as usize];
        place.touch();
        Some(place)
    }

    /// Takes in one that is not there.
    pub(super) fn insert(&mut self, place: Place) {
        self.parts[part_of(place.key)].insert(place);
    }

    /// Throws away one that is there.
    pub(super) fn remove(&mut self, key: Key) {
        self.parts[part_of(key)].remove(key);
    }

    fn part(&self, key: Key) -> &Part {
        &self.parts[part_of(key)]
    }

    /// How many there are, and for how many there is room.
    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        let sum = |size: fn(&Part) -> usize| self.parts.iter().map(size).sum();
        (sum(|part| part.places.len()), sum(|part| part.places.capacity().max(part.slots.capacity())))
    }
}

fn part_of(key: Key) -> usize {
    (key >> (Key::BITS - PART_BITS)) as usize
}

/// The bits behind those of the part.
fn tag_of(key: Key) -> u32 {
    (key << PART_BITS >> u32::BITS) as u32
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    tag: u32,
    at: u32,
}

/// Where no place is.
const FREE: u32 = u32::MAX;
const NONE: Slot = Slot { tag: 0, at: FREE };

#[derive(Default, Debug)]
struct Part {
    /// Those that tags point to, and behind them as many as the last had to move on.
    slots: Vec<Slot>,
    /// How many tags point to.
    homes: usize,
    places: Vec<Place>,
}

impl Part {
    /// The slot that a tag points to. A greater one never points to an earlier slot.
    fn home(&self, tag: u32) -> usize {
        ((u64::from(tag) * self.homes as u64) >> u32::BITS) as usize
    }

    /// The first slot where a tag is, or would have to be.
    fn find(&self, tag: u32) -> usize {
        let mut slot = self.home(tag);
        while self.slots.get(slot).is_some_and(|taken| taken.at != FREE && taken.tag < tag) {
            slot += 1;
        }
        slot
    }

    /// The slot where a key is.
    fn slot(&self, key: Key) -> Option<usize> {
        let tag = tag_of(key);
        let is_same = |slot: &usize| self.slots.get(*slot).is_some_and(|taken| taken.at != FREE && taken.tag == tag);
        (self.find(tag)..).take_while(is_same).find(|slot| self.place(*slot).key == key)
    }

    fn place(&self, slot: usize) -> &Place {
        &self.places[self.slots[slot].at as usize]
    }

    fn insert(&mut self, place: Place) {
        if self.places.len() == room(self.homes) {
            self.resize((self.homes + self.homes / 2).max(FEWEST));
        }
        let tag = tag_of(place.key);
        let slot = self.find(tag);
        let free = (slot..self.slots.len()).find(|slot| self.slots[*slot].at == FREE);
        let free = free.unwrap_or_else(|| {
            self.slots.push(NONE);
            self.slots.len() - 1
        });
        self.slots[slot..=free].rotate_right(1);
        self.slots[slot] = Slot { tag, at: self.places.len() as u32 };
        self.places.push(place);
    }

    fn remove(&mut self, key: Key) {
        let slot = self.slot(key).expect("who removes has found it before");
        // The last place fills the gap.
        let (at, last) = (self.slots[slot].at, self.places.len() as u32 - 1);
        let moved = self.slot(self.places[last as usize].key).expect("each place has a slot");
        self.slots[moved].at = at;
        self.places.swap_remove(at as usize);

        let is_away = |slot: &usize| self.slots[*slot].at != FREE && self.home(self.slots[*slot].tag) < *slot;
        let end = (slot + 1..self.slots.len()).take_while(is_away).last().unwrap_or(slot);
        self.slots[slot] = NONE;
        self.slots[slot..=end].rotate_left(1);
        if last == 0 {
            *self = Self::default();
        } else if self.homes > FEWEST && self.places.len() * 3 < self.homes {
            self.resize((self.homes / 2).max(FEWEST));
        }
    }

    fn resize(&mut self, homes: usize) {
        self.homes = homes;
        let old = std::mem::take(&mut self.slots);
        // And some for the last to move on.
        self.slots.reserve_exact(homes + homes / 16 + 2);
        for taken in old.into_iter().filter(|slot| slot.at != FREE) {
            let slot = self.home(taken.tag).max(self.slots.len());
            self.slots.resize(slot, NONE);
            self.slots.push(taken);
        }
        self.slots.resize(homes.max(self.slots.len()), NONE);
        self.places.reserve_exact(room(homes).saturating_sub(self.places.len()));
        self.places.shrink_to(room(homes));
    }
}

/// How many places so many slots are for. When three quarters are taken, a search sees two or three.
fn room(homes: usize) -> usize {
    homes * 3 / 4
}
