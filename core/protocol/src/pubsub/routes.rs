//! Who asks for a subject: every subscription of a publisher, found by what it asks for.
//!
//! A publisher looks here once per publication. To look at each of a million subscriptions takes tens of milliseconds,
//! and a tree of them, however it is built, waits for memory at every step down, because nothing of it is in a cache.
//! So a search asks for everything that it may need at once, and needs no more steps than a subject has levels:
//!
//! * A criterion is a row of *ways* (`keys`): by a level of a name, by any level, by the first bytes of a level. Ways
//!   lead from one *place* to the next. A criterion *hangs* at the first place on its ways where no other led before,
//!   or where they end. So each adds one place at most, however long it is.
//! * A place has a number made of all that leads to it, by which it is found (`table`), and what hangs there lies with
//!   it in one piece (`sheaf`). That is compared with the whole subject: numbers say where to look, and not what
//!   matches.
//! * A search goes all its ways side by side (`search`).
//!
//! **What it costs at most.** A search for a subject of *n* levels asks for less than 2ⁿ⁺¹ places, and one per byte for
//! prefixes. It asks only where some criterion goes on from a place that was reached: for two places from each that it
//! reaches, of which there are no more than criteria whose first levels stand for those of the subject, or *n* for each
//! of them if many others have come and gone. At a place hang five criteria at most. So the worst that strangers can
//! do, with as many `*` and levels as there may be and an end that does not match, is to have each of *their* patterns
//! looked at: the publisher's limit of subscriptions is a limit of that. What it costs to put one in or to take it out
//! grows with the length of its criterion, and not with how many others there are, or have the same: no list is walked.
//!
//! ```
//! use zpatterns_protocol::pubsub::{Criterion, Routes};
//!
//! let mut routes = Routes::new(7);
//! routes.insert(&Criterion::pattern("ticks.*.usd")?, 1);
//! routes.insert(&Criterion::prefix("ticks.e")?, 2);
//! routes.insert(&Criterion::pattern("orders.>")?, 3);
//!
//! let mut found = Vec::new();
//! routes.matching(b"ticks.eur.usd", &mut |id| found.push(id));
//! found.sort();
//! assert_eq!(found, [1, 2]);
//! # Ok::<(), zpatterns_protocol::Error>(())
//! ```

mod keys;
mod search;
mod sheaf;
mod table;
#[cfg(test)]
mod tests;

use fastrand::Rng;

use self::{
    keys::{Key, Keys, Ways},
    search::Search,
    sheaf::Crowds,
    table::{Place, Table},
};
use super::Criterion;

/// A subscription's number in the table, chosen by its owner.
pub type RouteId = u32;

/// Subscriptions by what they ask for. Criteria are those that [`Criterion::pattern`] and [`Criterion::prefix`] let
/// pass.
#[derive(Debug)]
pub struct Routes {
    keys: Keys,
    /// Where all ways begin.
    root: Key,
    places: Table,
    crowds: Crowds,
    len: usize,
}

/// What the search for a criterion comes to.
enum End {
    /// It hangs here.
    Hangs,
    /// Its ways end here.
    Arrived,
    /// There is no such place yet.
    Untrodden,
}

impl Routes {
    /// An empty table. Whoever knows the seed can choose criteria that make it slow, so strangers must not know it.
    /// Nothing else depends on it.
    pub fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        Self { keys: Keys::new(&mut random), root: random.u64(..), places: Table::new(), crowds: Crowds::new(), len: 0 }
    }

    /// How many routes there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes in a route. False if the criterion has it already.
    pub fn insert(&mut self, criterion: &Criterion, id: RouteId) -> bool {
        let (key, end) = self.search(criterion);
        let is_new = match end {
            End::Hangs => self.places.known(key).sheaf.insert(&mut self.crowds, criterion, id),
            End::Arrived | End::Untrodden => {
                self.count(criterion, key, true);
                if matches!(end, End::Untrodden) {
                    self.places.insert(Place::new(key));
                }
                self.places.known(key).sheaf.hang(criterion, id);
                true
            }
        };
        self.len += usize::from(is_new);
        is_new
    }

    /// Takes out a route. False if the criterion does not have it.
    pub fn remove(&mut self, criterion: &Criterion, id: RouteId) -> bool {
        let (key, End::Hangs) = self.search(criterion) else { return false };
        let place = self.places.known(key);
        let was_there = place.sheaf.remove(&mut self.crowds, criterion, id);
        self.len -= usize::from(was_there);
        if !place.sheaf.has(criterion) {
            if place.is_empty() {
                self.places.remove(key);
            }
            self.count(criterion, key, false);
        }
        was_there
    }

    /// Calls `found` once for each route whose criterion asks for the subject. The order depends on what was put in and
    /// taken out and when, and on nothing else.
    pub fn matching(&self, subject: &[u8], found: &mut impl FnMut(RouteId)) {
        Search::new(self, subject, found).run();
    }

    /// Goes the ways of a criterion until it hangs where they have led, or they do not lead on.
    fn search(&self, criterion: &Criterion) -> (Key, End) {
        let (mut key, mut ways) = (self.root, Ways::of(criterion));
        loop {
            match self.places.get(key) {
                None => return (key, End::Untrodden),
                Some(place) if place.sheaf.has(criterion) => return (key, End::Hangs),
                Some(_) => {}
            }
            match ways.next() {
                None => return (key, End::Arrived),
                Some(way) => key = self.keys.next(key, way),
            }
        }
    }

    /// One criterion more, or one less, goes on from the places that its ways lead through before they come to this
    /// one.
    fn count(&mut self, criterion: &Criterion, last: Key, is_more: bool) {
        let (mut key, mut ways) = (self.root, Ways::of(criterion));
        while key != last
            && let Some(way) = ways.next()
        {
            let place = self.places.known(key);
            place.count(way, is_more);
            if place.is_empty() {
                self.places.remove(key);
            }
            key = self.keys.next(key, way);
        }
    }
}
