//! One subscription's part of one stream, as the publisher has it.

mod behind;

use std::{collections::VecDeque, sync::Arc};

use self::behind::Behind;
pub(super) use self::behind::Reader;
use super::{
    LostReason, Rules,
    counters::Books,
    followers::Place,
    history::Publication,
    wire::{Policy, Slow, StreamId},
};

/// A view. What is sent to one subscriber by itself waits here until its program has taken it, and what is too much for that, if it
/// spills, is read from the stream's history when there is room; of the shared path it is only known how far the program is.
#[derive(Debug)]
pub(super) struct View {
    pub(super) stream: StreamId,
    pub(super) shared: bool,
    /// What there is no room for waits in the history.
    pub(super) spills: bool,
    /// What of the history is kept for it.
    pub(super) place: Option<Place>,
    /// It has what follows this number.
    began: u64,
    /// The number of the last that the program took, or that it knows that it missed.
    pub(super) taken: u64,
    /// What is to be taken, in order.
    queue: VecDeque<Item>,
    /// How many of those, from the first on, are on their way.
    sent: usize,
    /// How many of those were on their way before.
    resent: usize,
    /// Publications in the queue, and their bytes.
    messages: usize,
    bytes: u64,
    /// What follows the queue.
    behind: Behind,
    /// The number of the last that was sent, or told of as missed.
    said: u64,
    books: Books,
}

#[derive(Debug)]
enum Item {
    Publication(Arc<Publication>),
    /// It is told of in its place, and until it is known that the program has heard it.
    Gap(Gap),
}

/// Publications of a view that follow each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Gap {
    pub(super) first: u64,
    pub(super) last: u64,
    /// 0 if that is not known.
    pub(super) count: u64,
    pub(super) reason: LostReason,
}

impl Gap {
    /// Every number in it was for this view.
    fn is_whole(&self) -> bool {
        self.count == self.last - self.first + 1
    }
}

/// What is to be sent next.
pub(super) enum Next {
    Missed(Gap),
    /// With the number of the one before it.
    Publication(Arc<Publication>, u64),
}

/// What became of a publication that was offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Offered {
    Queued,
    /// It, or an older one, was lost.
    Dropped,
    /// The subscriber is too slow to stay.
    TooSlow,
}

impl Item {
    fn last(&self) -> u64 {
        match self {
            Self::Publication(publication) => publication.number,
            Self::Gap(gap) => gap.last,
        }
    }

    fn size(&self) -> Option<usize> {
        match self {
            Self::Publication(publication) => Some(publication.size()),
            Self::Gap(_) => None,
        }
    }
}

impl View {
    /// A view that begins after this number.
    pub(super) fn new(stream: StreamId, shared: bool, after: u64) -> Self {
        Self {
            stream,
            shared,
            spills: false,
            place: None,
            began: after,
            taken: after,
            queue: VecDeque::new(),
            sent: 0,
            resent: 0,
            messages: 0,
            bytes: 0,
            behind: Behind::default(),
            said: after,
            books: Books::default(),
        }
    }

    /// After which number the subscriber gets it.
    pub(super) fn after(&self) -> u64 {
        self.taken
    }

    /// It begins with a gap of which nobody knows how many publications of the view were in it.
    pub(super) fn begin_with_gap(&mut self, first: u64, last: u64) {
        self.queue.push_back(Item::Gap(Gap { first, last, count: 0, reason: LostReason::History }));
    }

    /// Whether there is room for another of this size, published under these rules, without a loss.
    pub(super) fn has_room(&self, policy: &Policy, size: usize, rules: &Arc<Rules>) -> bool {
        if self.spills { self.behind.has_room(rules) } else { self.fits(policy, size) }
    }

    fn fits(&self, policy: &Policy, size: usize) -> bool {
        self.messages == 0
            || (self.messages < policy.max_messages as usize && self.bytes + size as u64 <= policy.max_bytes)
    }

    /// After which number the stream's history is kept for it.
    pub(super) fn needs(&self) -> Option<u64> {
        if self.shared { Some(self.taken) } else { self.behind.first().map(|first| first - 1) }
    }

    /// Takes a publication that is for it, by these rules. Where there is no room the policy decides; who holds asked before.
    pub(super) fn offer(&mut self, new: &Arc<Publication>, policy: &Policy, rules: &Arc<Rules>) -> Offered {
        self.books.accepted += 1;
        let mut offered = Offered::Queued;
        if self.spills && (self.is_behind() || !self.fits(policy, new.size())) {
            self.fall_behind(new.number, rules);
            return offered;
        }
        while !self.fits(policy, new.size()) {
            offered = Offered::Dropped;
            if policy.slow == Slow::Disconnect {
                offered = Offered::TooSlow;
            } else if self.shed() {
                continue;
            }
            // All that is here is on its way.
            self.books.lose(1, LostReason::Slow);
            let is_unsent = self.sent < self.queue.len();
            match self.queue.back_mut() {
                Some(Item::Gap(gap)) if is_unsent => extend(gap, new.number),
                _ => self.queue.push_back(Item::Gap(gap_of(new.number))),
            }
            return offered;
        }
        self.queue(new);
        offered
    }

    fn queue(&mut self, new: &Arc<Publication>) {
        self.messages += 1;
        self.bytes += new.size() as u64;
        self.queue.push_back(Item::Publication(Arc::clone(new)));
    }

    /// The oldest that is not on its way is lost; false if there is none.
    pub(super) fn shed(&mut self) -> bool {
        let after_gap = matches!(self.queue.get(self.sent), Some(Item::Gap(_)));
        let place = self.sent + usize::from(after_gap);
        let Some(Item::Publication(oldest)) = self.queue.get(place) else { return false };
        let number = oldest.number;
        self.messages -= 1;
        self.bytes -= oldest.size() as u64;
        self.books.lose(1, LostReason::Slow);
        if let Some(Item::Gap(gap)) = self.queue.get_mut(self.sent) {
            extend(gap, number);
            self.queue.remove(place);
        } else {
            self.queue[place] = Item::Gap(gap_of(number));
        }
        true
    }

    /// Whether something is to be sent, or to be read.
    pub(super) fn has_some(&self) -> bool {
        self.has_next() || self.is_behind()
    }

    /// Whether something is to be sent.
    pub(super) fn has_next(&self) -> bool {
        self.sent < self.queue.len()
    }

    /// What is to be sent next; it is on its way then.
    pub(super) fn next(&mut self) -> Option<Next> {
        let next = self.queue.get(self.sent)?;
        let before = std::mem::replace(&mut self.said, next.last());
        let was_sent = self.sent < self.resent;
        self.sent += 1;
        Some(match next {
            Item::Gap(gap) => Next::Missed(*gap),
            Item::Publication(publication) => {
                self.books.redelivered += u64::from(was_sent);
                Next::Publication(Arc::clone(publication), before)
            }
        })
    }

    /// The program has everything up to this number. Returns how many that were on their way are not any more, and their bytes.
    pub(super) fn take(&mut self, up_to: u64) -> (usize, usize) {
        let (mut count, mut bytes) = (0, 0);
        while self.sent > 0 && self.queue.front().is_some_and(|front| front.last() <= up_to) {
            let taken = self.queue.pop_front().expect("it was just looked at");
            (self.sent, self.resent) = (self.sent - 1, self.resent.saturating_sub(1));
            self.taken = taken.last();
            if let Some(size) = taken.size() {
                count += 1;
                bytes += size;
                self.messages -= 1;
                self.bytes -= size as u64;
                self.books.delivered += 1;
            }
        }
        (count, bytes)
    }

    /// The subscriber is away, or has come back and says what it has: the rest is sent again.
    pub(super) fn start_over(&mut self, has: Option<u64>) {
        if self.shared {
            self.taken = self.taken.max(has.unwrap_or(0));
            return;
        }
        if let Some(has) = has {
            self.sent = self.sent.max(self.resent);
            self.take(has);
            self.find(has);
            self.taken = self.taken.max(has);
        }
        self.resent = self.resent.max(self.sent);
        self.sent = 0;
        self.said = self.taken;
    }

    /// What was given up for lost had arrived before, up to this number.
    fn find(&mut self, has: u64) {
        let Some(Item::Gap(gap)) = self.queue.front_mut() else { return };
        if gap.first <= has && has < gap.last && gap.is_whole() {
            let found = has - gap.first + 1;
            (gap.first, gap.count) = (has + 1, gap.count - found);
            self.books.lost[gap.reason as usize] -= found;
            self.books.delivered += found;
        }
    }

    /// What is on its way: messages, and bytes.
    pub(super) fn on_its_way(&self) -> (usize, usize) {
        let sizes = self.queue.iter().take(self.sent).filter_map(Item::size);
        sizes.fold((0, 0), |(messages, bytes), size| (messages + 1, bytes + size))
    }

    /// Only what may be heard is left. True if something was on its way that may not.
    pub(super) fn retain(&mut self, may: impl Fn(&[u8]) -> bool) -> bool {
        let (mut place, sent_before, resent_before) = (0, self.sent, self.resent);
        let Self { queue, sent, resent, messages, bytes, books, .. } = self;
        queue.retain(|item| {
            let Item::Publication(each) = item else {
                place += 1;
                return true;
            };
            let keeps = may(each.subject());
            if !keeps {
                books.lose(1, LostReason::Revoked);
                *messages -= 1;
                *bytes -= each.size() as u64;
                *sent -= usize::from(place < sent_before);
                *resent -= usize::from(place < resent_before);
            }
            place += 1;
            keeps
        });
        self.sent < sent_before
    }

    /// Of the shared path: what was missed and is lost. Of what it was told before, it is told again and not counted again.
    pub(super) fn missed_shared(&mut self, first: u64, last: u64) {
        let first = first.max(self.said + 1);
        if last >= first {
            self.books.lose(last - first + 1, LostReason::History);
            self.said = last;
        }
    }

    /// What became of what was for it, when its stream is at this number. Over the shared path that is everything since it began.
    pub(super) fn books(&self, head: u64) -> Books {
        if !self.shared {
            return Books { held: self.messages as u64 + self.behind.count(), ..self.books };
        }
        let lost = self.books.all_lost();
        let delivered = (self.taken - self.began).saturating_sub(lost);
        let accepted = head - self.began;
        Books { accepted, delivered, held: accepted - delivered - lost, ..self.books }
    }

    /// The books when it ends, and what was held is lost.
    pub(super) fn end(self, head: u64, reason: LostReason) -> Books {
        let mut books = self.books(head);
        let held = std::mem::take(&mut books.held);
        books.lose(held, reason);
        books
    }
}

fn gap_of(number: u64) -> Gap {
    Gap { first: number, last: number, count: 1, reason: LostReason::Slow }
}

fn extend(gap: &mut Gap, number: u64) {
    (gap.last, gap.reason) = (number, LostReason::Slow);
    // Of a gap of which nobody knows how many it has, nobody knows that afterwards.
    if gap.count > 0 {
        gap.count += 1;
    }
}
