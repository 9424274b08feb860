//! The datagrams of one source, put in order.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;

use crate::sequence::Sqn;

/// What a datagram costs besides its bytes.
const SLOT: usize = 64;

/// Something that is not there yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Missing {
    /// When something is to be done about it.
    pub(super) at: Duration,
    /// How often it was asked for.
    pub(super) tries: u32,
    /// When it was first asked for.
    pub(super) asked: Option<Duration>,
}

#[derive(Debug)]
enum Slot {
    Here(Bytes),
    Missing(Missing),
    Lost,
}

/// What comes next.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// This payload.
    Payload(Bytes),
    /// Nothing from the first of these to the last: they will not come.
    Lost(Sqn, Sqn),
}

/// What is known from the next datagram on.
#[derive(Debug)]
pub(super) struct Stream {
    next: Sqn,
    slots: VecDeque<Slot>,
    bytes: usize,
    max: usize,
    /// Everything before this will not come.
    trail: Sqn,
    /// Ranges that were passed over before they were taken.
    skipped: Option<(Sqn, Sqn)>,
}

/// What became of a datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Placed {
    /// It has its place; if it was asked for, since then.
    New(Option<Duration>),
    /// It was there, or is too old.
    Again,
}

impl Stream {
    /// Begins with `next`, and keeps `max` bytes while something before them is missing.
    pub(super) fn new(next: Sqn, max: usize) -> Self {
        Self { next, slots: VecDeque::new(), bytes: 0, max, trail: next, skipped: None }
    }

    /// How many datagrams there may be between the next one and a later one.
    fn reach(&self) -> usize {
        (self.max / SLOT).max(1)
    }

    /// The source has numbers before `end`: what is new is missing, and looked at again `at`. True if there is any.
    pub(super) fn extend(&mut self, end: Sqn, at: Duration) -> bool {
        let ahead = end.since(self.next);
        if ahead <= 0 || ahead as usize <= self.slots.len() {
            return false;
        }
        if ahead as usize > self.reach() {
            // Too far to be bridged: all before it is given up at once.
            self.skip_to(end);
            return false;
        }
        let ahead = ahead as usize;
        self.bytes += (ahead - self.slots.len()) * SLOT;
        let missing = Missing { at, tries: 0, asked: None };
        self.slots.resize_with(ahead, || Slot::Missing(missing));
        true
    }

    /// Gives up everything before `next`, also what is there: it could not be handed on in order.
    fn skip_to(&mut self, next: Sqn) {
        let first = self.skipped.map_or(self.next, |(first, _)| first);
        self.skipped = Some((first, Sqn(next.0.wrapping_sub(1))));
        self.slots.clear();
        (self.next, self.bytes) = (next, 0);
        self.follow();
    }

    /// A datagram came.
    pub(super) fn place(&mut self, sequence: Sqn, payload: Bytes, at: Duration) -> Placed {
        let place = sequence.since(self.next);
        if place < 0 {
            return Placed::Again;
        }
        self.extend(sequence, at);
        let place = sequence.since(self.next) as usize;
        if place == self.slots.len() {
            self.bytes += SLOT + payload.len();
            self.slots.push_back(Slot::Here(payload));
            return Placed::New(None);
        }
        let Slot::Missing(missing) = self.slots[place] else { return Placed::Again };
        self.bytes += payload.len();
        self.slots[place] = Slot::Here(payload);
        Placed::New(missing.asked)
    }

    /// What was before this will not come any more.
    pub(super) fn pass(&mut self, trail: Sqn) {
        if self.trail.is_before(trail) {
            self.trail = trail;
        }
    }

    /// Numbers go round: what is long ago must not become what is to come.
    fn follow(&mut self) {
        let next = self.next;
        self.pass(next);
    }

    /// One is given up.
    pub(super) fn give_up(&mut self, sequence: Sqn) {
        if let Some(slot) = self.slot(sequence) {
            *slot = Slot::Lost;
        }
    }

    fn slot(&mut self, sequence: Sqn) -> Option<&mut Slot> {
        let place = usize::try_from(sequence.since(self.next)).ok()?;
        self.slots.get_mut(place)
    }

    pub(super) fn missing(&mut self, sequence: Sqn) -> Option<&mut Missing> {
        match self.slot(sequence) {
            Some(Slot::Missing(missing)) => Some(missing),
            _ => None,
        }
    }

    /// All that is missing, the oldest first.
    pub(super) fn all_missing(&mut self) -> impl Iterator<Item = (Sqn, &mut Missing)> {
        let next = self.next;
        (0_u32..).zip(&mut self.slots).filter_map(move |(place, slot)| match slot {
            Slot::Missing(missing) => Some((next.plus(place), missing)),
            Slot::Here(_) | Slot::Lost => None,
        })
    }

    /// What comes next, if it is known.
    pub(super) fn take(&mut self) -> Option<Next> {
        if let Some((first, last)) = self.skipped.take() {
            return Some(Next::Lost(first, last));
        }
        // A part of a gap would free nothing.
        let (first, is_full) = (self.next, self.bytes > self.max);
        loop {
            match self.slots.front() {
                Some(Slot::Missing(_)) if !self.next.is_before(self.trail) && !is_full => break,
                Some(Slot::Missing(_) | Slot::Lost) => {
                    self.slots.pop_front();
                    self.bytes -= SLOT;
                    self.next = self.next.next();
                }
                None if self.next.is_before(self.trail) => self.next = self.trail,
                Some(Slot::Here(_)) | None => break,
            }
        }
        self.follow();
        if self.next != first {
            return Some(Next::Lost(first, Sqn(self.next.0.wrapping_sub(1))));
        }
        if let Some(Slot::Here(_)) = self.slots.front()
            && let Some(Slot::Here(payload)) = self.slots.pop_front()
        {
            self.bytes -= SLOT + payload.len();
            self.next = self.next.next();
            self.follow();
            return Some(Next::Payload(payload));
        }
        None
    }

    /// Whether nothing is known that was not taken.
    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty() && self.skipped.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(max: usize) -> Stream {
        Stream::new(Sqn(u32::MAX), max)
    }

    fn place(stream: &mut Stream, sequence: u32, text: &'static str) -> Placed {
        stream.place(Sqn(sequence), Bytes::from_static(text.as_bytes()), Duration::ZERO)
    }

    fn taken(stream: &mut Stream) -> Vec<Next> {
        std::iter::from_fn(|| stream.take()).collect()
    }

    fn payload(text: &'static str) -> Next {
        Next::Payload(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn order_is_restored_across_the_end_of_numbers() {
        let mut stream = stream(10_000);
        assert_eq!(place(&mut stream, 1, "third"), Placed::New(None));
        assert_eq!(stream.all_missing().map(|(sequence, _)| sequence).collect::<Vec<_>>(), [Sqn(u32::MAX), Sqn(0)]);
        assert_eq!(taken(&mut stream), []);
        stream.missing(Sqn(0)).expect("it is").asked = Some(Duration::from_secs(1));
        assert_eq!(place(&mut stream, 0, "second"), Placed::New(Some(Duration::from_secs(1))));
        assert_eq!(place(&mut stream, 0, "second"), Placed::Again);
        assert_eq!(place(&mut stream, u32::MAX, "first"), Placed::New(None));
        assert_eq!(taken(&mut stream), [payload("first"), payload("second"), payload("third")]);
        assert_eq!(place(&mut stream, 1, "third"), Placed::Again);
        assert_eq!((stream.bytes, stream.is_empty()), (0, true));
    }

    #[test]
    fn what_will_not_come_is_told_in_ranges() {
        let mut stream = stream(10_000);
        place(&mut stream, 3, "here");
        stream.give_up(Sqn(1));
        assert_eq!(taken(&mut stream), [], "there may be more to come before it");
        stream.pass(Sqn(1));
        assert_eq!(taken(&mut stream), [Next::Lost(Sqn(u32::MAX), Sqn(1))]);
        stream.pass(Sqn(9));
        assert_eq!(taken(&mut stream), [Next::Lost(Sqn(2), Sqn(2)), payload("here"), Next::Lost(Sqn(4), Sqn(8))]);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut stream = stream(1000);
        for sequence in 1..100 {
            place(&mut stream, sequence, "datagram");
            assert!(stream.bytes <= 1000 + 2 * SLOT + 8);
            let lost = taken(&mut stream).first().is_some_and(|next| matches!(next, Next::Lost(..)));
            assert_eq!(lost, sequence == 13, "{sequence}: then it is too much, and what is here is handed on");
        }
        place(&mut stream, 1 << 30, "far");
        assert_eq!(taken(&mut stream), [Next::Lost(Sqn(100), Sqn((1 << 30) - 1)), payload("far")]);
        stream.extend(Sqn(1 << 31), Duration::ZERO);
        assert_eq!(taken(&mut stream), [Next::Lost(Sqn((1 << 30) + 1), Sqn((1 << 31) - 1))]);
    }
}
