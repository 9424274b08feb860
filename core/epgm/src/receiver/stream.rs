//! The datagrams of one source, put in order.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;

use crate::sequence::Sqn;

/// What a datagram costs besides its bytes.
const SLOT: usize = 64;
/// Bytes that most datagrams have, or more.
const USUAL: usize = 1024;

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

/// What comes next.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// This payload, which was at this place.
    Payload(u64, Bytes),
    /// Nothing from the first of these to the last: they will not come.
    Lost(Sqn, Sqn),
}

/// What is known from the next datagram on.
///
/// Places count the datagrams and do not go round as their numbers do.
#[derive(Debug)]
pub(super) struct Stream {
    next: u64,
    /// What is here; of the others it is known whether they are still waited for.
    slots: VecDeque<Option<Bytes>>,
    missing: BTreeMap<u64, Missing>,
    bytes: usize,
    max: usize,
    /// Everything before this will not come.
    trail: Sqn,
    /// Ranges that were passed over before they were taken.
    skipped: Option<(Sqn, Sqn)>,
    /// A number that is too far from all others to be believed by itself.
    suspect: Option<Sqn>,
}

/// What became of a datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Placed {
    /// It has its place; if it was asked for, since then.
    New(Option<Duration>),
    /// It was there, or is too old.
    Again,
}

/// The number of the datagram at a place.
pub(super) fn at(place: u64) -> Sqn {
    Sqn(place as u32)
}

/// The place of the first datagram of a stream: there is room before it.
fn first_place(sequence: Sqn) -> u64 {
    (1 << 32) + u64::from(sequence.0)
}

impl Stream {
    /// Begins with `next`, and keeps `max` bytes while something before them is missing.
    pub(super) fn new(next: Sqn, max: usize) -> Self {
        let (slots, missing) = (VecDeque::new(), BTreeMap::new());
        Self { next: first_place(next), slots, missing, bytes: 0, max, trail: next, skipped: None, suspect: None }
    }

    pub(super) fn next(&self) -> Sqn {
        at(self.next)
    }

    /// How many datagrams there may be between the next one and a later one: as many as fit if they are of a usual size, because
    /// a single datagram makes room for all of them.
    fn reach(&self) -> usize {
        (self.max / USUAL).max(16)
    }

    pub(super) fn end(&self) -> u64 {
        self.next + self.slots.len() as u64
    }

    /// The place of the next datagram.
    pub(super) fn next_place(&self) -> u64 {
        self.next
    }

    /// The place of a datagram, also if it is too old.
    pub(super) fn place_near(&self, sequence: Sqn) -> Option<u64> {
        self.next.checked_add_signed(sequence.since(self.next()).into())
    }

    /// What is here at a place, and was not taken.
    pub(super) fn payload(&self, place: u64) -> Option<&[u8]> {
        self.slots.get(usize::try_from(place.checked_sub(self.next)?).ok()?)?.as_deref()
    }

    /// Whether more waits than may.
    pub(super) fn is_over(&self) -> bool {
        self.bytes > self.max
    }

    /// What is missing from one place to another.
    pub(super) fn missing_within(&self, first: u64, end: u64) -> impl Iterator<Item = (&u64, &Missing)> {
        self.missing.range(first..end)
    }

    pub(super) fn missing_within_mut(&mut self, first: u64, end: u64) -> impl Iterator<Item = (&u64, &mut Missing)> {
        self.missing.range_mut(first..end)
    }

    /// Where a datagram belongs, unless it is too old.
    fn place_of(&self, sequence: Sqn) -> Option<u64> {
        let ahead = u32::try_from(sequence.since(self.next())).ok()?;
        Some(self.next + u64::from(ahead))
    }

    /// Whether a number can be one of this stream. One that is far from all others may be forged, or what goes on after a long
    /// outage: in that case others follow it, and the stream goes on with the first of them. What is sent again, for somebody who
    /// lacks what was long ago, tells nothing of that.
    fn believe(&mut self, number: Sqn, is_new: bool) -> bool {
        let reach = self.reach() as u32;
        if number.since(self.next()).unsigned_abs() <= reach {
            return true;
        }
        if !is_new {
            return false;
        }
        match self.suspect.replace(number) {
            Some(before) if (1..=reach as i32).contains(&number.since(before)) => {
                self.restart(before);
                true
            }
            _ => false,
        }
    }

    /// The source has numbers before `end`: what is new is missing, and looked at again at the time that is told. False if that
    /// is not to be believed.
    pub(super) fn extend(&mut self, end: Sqn, is_new: bool, when: impl FnOnce() -> Duration) -> bool {
        if !self.believe(end, is_new) {
            return false;
        }
        let Some(place) = self.place_of(end).filter(|place| *place > self.end()) else { return true };
        let missing = Missing { at: when(), tries: 0, asked: None };
        for place in self.end()..place {
            self.missing.insert(place, missing);
            self.slots.push_back(None);
            self.bytes += SLOT;
        }
        true
    }

    /// Gives up everything before a number, also what is here: it could not be handed on in order.
    fn restart(&mut self, number: Sqn) {
        let last = Sqn(number.0.wrapping_sub(1));
        let first = self.skipped.map_or(self.next(), |(first, _)| first);
        // If it is behind, nobody knows what is missing; something is.
        self.skipped = Some(if last.is_before(first) { (last, last) } else { (first, last) });
        self.slots.clear();
        self.missing.clear();
        (self.next, self.bytes, self.trail, self.suspect) = (first_place(number), 0, number, None);
    }

    /// It begins earlier, with `first`, or if that is too far back, with so many fewer; those are missing, from now on. Nothing
    /// of it was taken yet.
    pub(super) fn rewind(&mut self, now: Duration, first: Sqn, most: usize) {
        let count = usize::try_from(self.next().since(first)).unwrap_or(0).min(most).min(self.reach());
        for _ in 0..count {
            self.next -= 1;
            self.missing.insert(self.next, Missing { at: now, tries: 0, asked: None });
            self.slots.push_front(None);
            self.bytes += SLOT;
        }
        if count > 0 {
            self.trail = self.next();
        }
    }

    /// Whether a datagram that came is the very next one; then it is passed, and need not be kept.
    pub(super) fn pass_through(&mut self, sequence: Sqn) -> bool {
        let is_next = self.is_empty() && sequence == self.next() && !sequence.is_before(self.trail);
        if is_next {
            self.next += 1;
            self.follow();
        }
        is_next
    }

    /// A datagram came.
    pub(super) fn place(&mut self, sequence: Sqn, payload: &[u8]) -> Placed {
        let Some(place) = self.place_of(sequence) else { return Placed::Again };
        if place == self.end() {
            self.bytes += SLOT + payload.len();
            self.slots.push_back(Some(Bytes::copy_from_slice(payload)));
            return Placed::New(None);
        }
        let Some(missing) = self.missing.remove(&place) else { return Placed::Again };
        self.bytes += payload.len();
        self.slots[(place - self.next) as usize] = Some(Bytes::copy_from_slice(payload));
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
        let next = self.next();
        self.pass(next);
    }

    /// One is given up.
    pub(super) fn give_up(&mut self, sequence: Sqn) {
        if let Some(place) = self.place_of(sequence) {
            self.missing.remove(&place);
        }
    }

    pub(super) fn missing(&mut self, sequence: Sqn) -> Option<&mut Missing> {
        let place = self.place_of(sequence)?;
        self.missing.get_mut(&place)
    }

    /// All that is missing, the oldest first.
    pub(super) fn all_missing(&mut self) -> impl Iterator<Item = (Sqn, &mut Missing)> {
        self.missing.iter_mut().map(|(place, missing)| (at(*place), missing))
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
                Some(Some(_)) => break,
                Some(None) => {
                    let is_awaited = self.missing.contains_key(&self.next);
                    if is_awaited && !self.next().is_before(self.trail) && !is_full {
                        break;
                    }
                    self.missing.remove(&self.next);
                    self.slots.pop_front();
                    self.bytes -= SLOT;
                    self.next += 1;
                }
                None => {
                    self.next = self.place_of(self.trail).unwrap_or(self.next);
                    break;
                }
            }
        }
        self.follow();
        if self.next != first {
            return Some(Next::Lost(at(first), at(self.next - 1)));
        }
        let place = self.next;
        let payload = self.slots.front_mut()?.take()?;
        self.slots.pop_front();
        self.bytes -= SLOT + payload.len();
        self.next += 1;
        self.follow();
        Some(Next::Payload(place, payload))
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
        if !stream.extend(Sqn(sequence), true, || Duration::ZERO) {
            return Placed::Again;
        }
        stream.place(Sqn(sequence), text.as_bytes())
    }

    fn taken(stream: &mut Stream) -> Vec<Next> {
        let mut all: Vec<Next> = std::iter::from_fn(|| stream.take()).collect();
        all.iter_mut().for_each(|next| {
            if let Next::Payload(place, _) = next {
                *place = 0;
            }
        });
        all
    }

    fn payload(text: &'static str) -> Next {
        Next::Payload(0, Bytes::from_static(text.as_bytes()))
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
    fn what_is_repeated_for_others_is_not_the_way_back() {
        let mut stream = stream(1000);
        for number in [400, 399, 398] {
            assert!(!stream.extend(Sqn(u32::MAX - number), false, || Duration::ZERO), "it is too far back");
        }
        assert_eq!((stream.next(), stream.take()), (Sqn(u32::MAX), None));
    }

    #[test]
    fn a_stream_may_begin_earlier_before_anything_is_taken() {
        let mut stream = stream(100_000);
        place(&mut stream, u32::MAX, "last");
        stream.rewind(Duration::from_secs(1), Sqn(u32::MAX - 3), 2);
        let missing: Vec<_> = stream.all_missing().map(|(sequence, missing)| (sequence, missing.at)).collect();
        assert_eq!(missing, [u32::MAX - 2, u32::MAX - 1].map(|number| (Sqn(number), Duration::from_secs(1))));
        place(&mut stream, u32::MAX - 1, "second");
        place(&mut stream, u32::MAX - 2, "first");
        assert_eq!(taken(&mut stream), [payload("first"), payload("second"), payload("last")]);
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
    }

    #[test]
    fn a_jump_is_believed_once_another_follows_it() {
        let mut stream = stream(1000);
        let far = 1 << 30;
        assert_eq!(place(&mut stream, far, "forged"), Placed::Again);
        assert_eq!(place(&mut stream, u32::MAX, "here"), Placed::New(None));
        assert_eq!(taken(&mut stream), [payload("here")]);
        assert_eq!(place(&mut stream, far + 7, "far"), Placed::New(None));
        assert_eq!(taken(&mut stream), [Next::Lost(Sqn(0), Sqn(far - 1))]);
        assert_eq!(stream.all_missing().count(), 7, "those from the first one on are asked for");
        assert_eq!(place(&mut stream, 0, "old"), Placed::Again);
        assert_eq!(place(&mut stream, 1, "back"), Placed::New(None), "who forged it is found out");
        assert_eq!(taken(&mut stream), [Next::Lost(Sqn(u32::MAX), Sqn(u32::MAX))]);
        assert_eq!(place(&mut stream, 0, "repaired"), Placed::New(None));
        assert_eq!(taken(&mut stream), [payload("repaired"), payload("back")]);
    }
}
