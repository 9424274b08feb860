//! How far those who listen let a source go.

use std::{collections::BTreeMap, time::Duration};

use crate::{packet::Status, sequence::Sqn};

/// Who is silent for so long is waited for no longer.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// So many are waited for at most.
const MAX: usize = 1024;

/// For whom a source waits.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum FlowControl {
    /// For nobody: who cannot follow loses.
    #[default]
    None,
    /// For all who listen.
    Slowest {
        /// Before so many listen, nothing is sent.
        at_least: usize,
    },
    /// For those who are tagged so.
    Tagged {
        /// With this.
        tag: u32,
        /// Before so many of them listen, nothing is sent.
        at_least: usize,
    },
}

#[derive(Debug)]
struct Listener {
    /// It has all before this.
    next: Sqn,
    /// It has room for all before this.
    end: Sqn,
    heard: Duration,
}

/// Those who say how far they are.
#[derive(Debug)]
pub(super) struct Listeners {
    control: FlowControl,
    known: BTreeMap<u64, Listener>,
    /// Nobody is to be forgotten before this.
    look: Duration,
    /// What all of them have, and have room for: everything before these.
    all: Option<(Sqn, Sqn)>,
}

impl Listeners {
    pub(super) fn new(control: FlowControl) -> Self {
        Self { control, known: BTreeMap::new(), look: Duration::MAX, all: None }
    }

    pub(super) fn are_waited_for(&self) -> bool {
        self.control != FlowControl::None
    }

    pub(super) fn count(&self) -> usize {
        self.known.len()
    }

    /// One says how far it is. False if it does not matter.
    pub(super) fn heard(&mut self, now: Duration, newest: Sqn, status: Status) -> bool {
        let matters = match self.control {
            FlowControl::None => false,
            FlowControl::Slowest { .. } => true,
            FlowControl::Tagged { tag, .. } => tag == status.tag,
        };
        if !matters || (self.known.len() >= MAX && !self.known.contains_key(&status.receiver)) {
            return false;
        }
        if status.leaves {
            self.known.remove(&status.receiver);
        } else {
            let next = newest.next();
            let listener = Listener { next, end: next.plus(status.room.min(i32::MAX as u32 / 2)), heard: now };
            match self.known.get(&status.receiver) {
                // It was overtaken on the way.
                Some(known) if next.is_before(known.next) => return true,
                _ => self.known.insert(status.receiver, listener),
            };
            self.look = self.look.min(now + PATIENCE);
        }
        self.note_all();
        true
    }

    fn note_all(&mut self) {
        let earlier = |one: Sqn, other: Sqn| if one.is_before(other) { one } else { other };
        let each = self.known.values().map(|listener| (listener.next, listener.end));
        self.all =
            each.reduce(|(next, end), (other_next, other_end)| (earlier(next, other_next), earlier(end, other_end)));
    }

    /// Forgets who is silent; how many.
    pub(super) fn expire(&mut self, now: Duration) -> u64 {
        if now < self.look {
            return 0;
        }
        let before = self.known.len();
        self.known.retain(|_, listener| listener.heard + PATIENCE > now);
        self.look = self.known.values().map(|listener| listener.heard + PATIENCE).min().unwrap_or(Duration::MAX);
        self.note_all();
        (before - self.known.len()) as u64
    }

    /// When to look who is silent.
    pub(super) fn deadline(&self) -> Duration {
        self.look
    }

    /// Whether fewer are there than must be.
    pub(super) fn are_too_few(&self) -> bool {
        let at_least = match self.control {
            FlowControl::None => 0,
            FlowControl::Slowest { at_least } | FlowControl::Tagged { at_least, .. } => at_least,
        };
        self.known.len() < at_least
    }

    /// Whether all who are waited for have room for this one, and are there.
    pub(super) fn have_room(&self, next: Sqn) -> bool {
        !self.are_too_few() && self.all.is_none_or(|(_, end)| next.is_before(end))
    }

    /// The first that not all have who are waited for.
    pub(super) fn needed(&self) -> Option<Sqn> {
        self.all.map(|(next, _)| next)
    }
}
