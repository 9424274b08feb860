//! The search for a subject, in waves: the next places of all ways at once.
//!
//! Among a million routes hardly anything is in a cache, and to wait for one thing after the other takes longer than
//! all else together. So a wave begins to read whatever it will need, of all its places, before it looks at the first:
//! their slots in the table, then the places, then what hangs there and is long. Each of these is one wait, for however
//! many places. (A processor does that by itself only for what is a few hundred instructions ahead, and if it guesses
//! right how each comparison on the way will end.)

use super::{
    RouteId, Routes,
    keys::{Key, Way, split},
    table::Place,
};

/// How many places at a time. More are searched in several waves.
const WAVE: usize = 8;

/// Places that may be there, and what is left of the subject behind each: None behind its last level.
#[derive(Clone, Copy)]
struct Wave<'s> {
    wanted: [(Key, Option<&'s [u8]>); WAVE],
    len: usize,
}

impl Wave<'_> {
    const EMPTY: Self = Self { wanted: [(0, None); WAVE], len: 0 };
}

pub(super) struct Search<'a, F> {
    routes: &'a Routes,
    subject: &'a [u8],
    found: &'a mut F,
    /// Places that were found, and not looked at yet.
    places: [Option<&'a Place>; WAVE],
    len: usize,
    /// How many places were asked for.
    asked: usize,
}

impl<'a, F: FnMut(RouteId)> Search<'a, F> {
    pub(super) fn new(routes: &'a Routes, subject: &'a [u8], found: &'a mut F) -> Self {
        Self { routes, subject, found, places: [None; WAVE], len: 0, asked: 0 }
    }

    /// How many places it asked for.
    pub(super) fn run(mut self) -> usize {
        let mut wave = Wave::EMPTY;
        self.want(self.routes.root, Some(self.subject), &mut wave);
        self.follow(wave);
        self.tell();
        self.asked
    }

    fn follow(&mut self, mut wave: Wave<'a>) {
        while wave.len > 0 {
            let mut next = Wave::EMPTY;
            let wanted = &wave.wanted[..wave.len];
            // All are begun to be read before the first is looked at.
            let mut guesses = [None; WAVE];
            for (guess, (key, _)) in guesses.iter_mut().zip(wanted) {
                *guess = self.routes.places.guess(*key);
            }
            for (guess, (key, left)) in guesses.iter().zip(wanted) {
                let place = match guess {
                    Some(place) if place.key != *key => self.routes.places.get(*key),
                    guess => *guess,
                };
                if let Some(place) = place {
                    self.visit(place, *left, &mut next);
                }
            }
            wave = next;
        }
    }

    fn visit(&mut self, place: &'a Place, left: Option<&'a [u8]>, next: &mut Wave<'a>) {
        if !place.sheaf.is_empty() {
            self.note(place);
        }
        let Some((level, left)) = left.map(split) else { return };
        let keys = &self.routes.keys;
        if place.any > 0 {
            self.want(keys.next(place.key, Way::Any), left, next);
        }
        if place.levels > 0 {
            self.want(keys.next(place.key, Way::Level(level)), left, next);
        }
        // A cut as long as the level leads where the level does.
        let lengths = place.sheaf.cuts().map(|(length, _)| length as usize);
        for key in keys.cuts(place.key, level, lengths.take_while(|length| *length < level.len())) {
            self.want(key, None, next);
        }
    }

    fn want(&mut self, key: Key, left: Option<&'a [u8]>, next: &mut Wave<'a>) {
        if next.len == WAVE {
            self.follow(*next);
            next.len = 0;
        }
        self.routes.places.touch(key);
        next.wanted[next.len] = (key, left);
        next.len += 1;
        self.asked += 1;
    }

    fn note(&mut self, place: &'a Place) {
        if self.len == WAVE {
            self.tell();
        }
        place.sheaf.touch_long();
        self.places[self.len] = Some(place);
        self.len += 1;
    }

    fn tell(&mut self) {
        for place in self.places[..self.len].iter().flatten() {
            place.sheaf.tell(&self.routes.crowds, self.subject, self.found);
        }
        self.len = 0;
    }
}
