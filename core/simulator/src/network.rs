//! What happens to a message between two nodes.
//!
//! The model is a datagram per message, which is harsher than the connections of ZeroMQ: what survives here survives there.
//! With [`Faults::default`] nothing goes wrong and messages of one link keep their order, as over a connection.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use fastrand::Rng;
use zpatterns_protocol::Time;

/// What goes wrong by chance, on every link.
#[derive(Clone, Debug)]
pub struct Faults {
    /// How likely a message is lost: 0 to 1.
    pub loss: f64,
    /// How likely it arrives twice: 0 to 1.
    pub duplicate: f64,
    /// The least and the most time on the way.
    pub delay: (Duration, Duration),
    /// Whether later messages of a link may overtake earlier ones.
    pub reorder: bool,
}

impl Default for Faults {
    fn default() -> Self {
        let delay = Duration::from_micros(50);
        Self { loss: 0.0, duplicate: 0.0, delay: (delay, delay), reorder: false }
    }
}

/// What the network did so far.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Counts {
    /// Messages that were sent.
    pub sent: u64,
    /// Copies that arrived or are on their way.
    pub passed: u64,
    /// Messages lost by chance.
    pub lost: u64,
    /// Messages lost because the link was cut.
    pub cut: u64,
    /// Second copies.
    pub duplicated: u64,
}

/// Decides about each message.
#[derive(Debug)]
pub struct Network {
    faults: Faults,
    cuts: BTreeSet<(usize, usize)>,
    /// The latest arrival on each link, which a message may not overtake.
    latest: BTreeMap<(usize, usize), Time>,
    counts: Counts,
}

impl Network {
    pub(crate) fn new() -> Self {
        Self { faults: Faults::default(), cuts: BTreeSet::new(), latest: BTreeMap::new(), counts: Counts::default() }
    }

    /// From now on this goes wrong.
    pub fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
    }

    /// Messages from one node to the other are lost until [`heal`](Self::heal); those on their way arrive.
    pub fn cut(&mut self, from: usize, to: usize) {
        self.cuts.insert((from, to));
    }

    /// Cuts both directions.
    pub fn partition(&mut self, one: usize, other: usize) {
        self.cut(one, other);
        self.cut(other, one);
    }

    /// Undoes every cut.
    pub fn heal(&mut self) {
        self.cuts.clear();
    }

    /// What happened so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// When copies of a message sent at `now` arrive: none, one or two times.
    pub(crate) fn arrivals(&mut self, now: Time, from: usize, to: usize, random: &mut Rng) -> Vec<Time> {
        self.counts.sent += 1;
        if self.cuts.contains(&(from, to)) {
            self.counts.cut += 1;
            return Vec::new();
        }
        if random.f64() < self.faults.loss {
            self.counts.lost += 1;
            return Vec::new();
        }
        let copies = if random.f64() < self.faults.duplicate { 2 } else { 1 };
        self.counts.duplicated += copies - 1;
        self.counts.passed += copies;
        (0..copies).map(|_| self.arrival(now, (from, to), random)).collect()
    }

    fn arrival(&mut self, now: Time, link: (usize, usize), random: &mut Rng) -> Time {
        let (least, most) = self.faults.delay;
        let spread = most.saturating_sub(least).mul_f64(random.f64());
        let mut arrival = now + least + spread;
        if !self.faults.reorder {
            let latest = self.latest.entry(link).or_default();
            arrival = arrival.max(*latest);
            *latest = arrival;
        }
        arrival
    }
}
