//! For whom a stream's history is kept, and how far they are.

use std::collections::BTreeSet;

use super::RouteId;

/// How far somebody is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// What follows this number is kept for it.
    pub(super) after: u64,
    /// When the stream is here, it is behind by as much as it may be.
    pub(super) limit: u64,
}

/// Those who are waited for, or who must not be slow.
#[derive(Default, Debug)]
pub(super) struct Followers {
    by_place: BTreeSet<(u64, RouteId)>,
    by_limit: BTreeSet<(u64, RouteId)>,
}

impl Followers {
    pub(super) fn insert(&mut self, place: Place, route: RouteId) {
        self.by_place.insert((place.after, route));
        self.by_limit.insert((place.limit, route));
    }

    /// False if it was not there.
    pub(super) fn remove(&mut self, place: Place, route: RouteId) -> bool {
        self.by_limit.remove(&(place.limit, route));
        self.by_place.remove(&(place.after, route))
    }

    /// Nothing after this number is given up.
    pub(super) fn need_after(&self) -> u64 {
        self.by_place.first().map_or(u64::MAX, |(after, _)| *after)
    }

    /// Those who need what comes up to this number, from the slowest on.
    pub(super) fn who_need(&self, last: u64) -> impl Iterator<Item = RouteId> {
        self.by_place.iter().take_while(move |(after, _)| *after < last).map(|(_, route)| *route)
    }

    /// Those who may not be further behind when the stream is here.
    pub(super) fn at_their_limit(&self, head: u64) -> impl Iterator<Item = RouteId> {
        self.by_limit.iter().take_while(move |(limit, _)| *limit <= head).map(|(_, route)| *route)
    }
}
