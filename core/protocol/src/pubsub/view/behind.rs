//! What a view has yet to read of its stream's history, because it was too much to wait in memory.

use std::{collections::VecDeque, sync::Arc};

use super::{Gap, Item, View};
use crate::pubsub::{
    Criterion, LostReason, Rules,
    history::{Found, History, Publication},
    wire::Policy,
};

/// Parts of a view that rules changed in between; beyond, the oldest is given up, or the publisher waits.
const MAX_PARTS: usize = 100;

/// What there is to be read, in order.
#[derive(Default, Debug)]
pub(super) struct Behind {
    parts: VecDeque<Part>,
    /// Publications that are known to be in it.
    count: u64,
}

/// Of these numbers, what is for the view.
#[derive(Debug)]
struct Part {
    first: u64,
    last: u64,
    /// How many were offered. If nobody counted them, each counts when it is read.
    count: Option<u64>,
    /// What could be heard when they were published.
    rules: Arc<Rules>,
}

impl Behind {
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The first number that is to be read.
    pub(super) fn first(&self) -> Option<u64> {
        self.parts.front().map(|part| part.first)
    }

    /// Whether what is published under these rules can be added.
    pub(super) fn has_room(&self, rules: &Arc<Rules>) -> bool {
        self.parts.len() < MAX_PARTS || self.parts.back().is_some_and(|part| part.takes(rules))
    }

    fn add(&mut self, number: u64, rules: &Arc<Rules>) {
        self.count += 1;
        if let Some(part) = self.parts.back_mut().filter(|part| part.takes(rules)) {
            part.last = number;
            part.count = part.count.map(|count| count + 1);
        } else {
            self.parts.push_back(Part { first: number, last: number, count: Some(1), rules: Arc::clone(rules) });
        }
    }

    /// The next has been read; whether it had been counted.
    fn read(&mut self) -> bool {
        let Some(part) = self.parts.front_mut() else { return false };
        part.first += 1;
        let Some(count) = part.count.as_mut().filter(|count| **count > 0) else { return false };
        *count -= 1;
        self.count -= 1;
        true
    }

    fn pop(&mut self) -> Option<Part> {
        let part = self.parts.pop_front()?;
        self.count -= part.count.unwrap_or(0);
        Some(part)
    }
}

impl Part {
    /// What is published under these rules may be in it.
    fn takes(&self, rules: &Arc<Rules>) -> bool {
        self.count.is_some() && Arc::ptr_eq(&self.rules, rules)
    }
}

/// Where a view reads what it is behind by.
pub(in crate::pubsub) struct Reader<'a> {
    pub(in crate::pubsub) history: &'a History,
    pub(in crate::pubsub) criterion: &'a Criterion,
    pub(in crate::pubsub) policy: &'a Policy,
    /// What may be heard now; all, if the stream is public.
    pub(in crate::pubsub) rules: &'a Rules,
    pub(in crate::pubsub) public: bool,
}

impl View {
    /// It begins with what there is in the history, of these numbers.
    pub(in crate::pubsub) fn begin_behind(&mut self, first: u64, last: u64, rules: &Arc<Rules>) {
        if first <= last {
            self.behind.parts.push_back(Part { first, last, count: None, rules: Arc::clone(rules) });
        }
    }

    /// Whether it has something to read.
    pub(in crate::pubsub) fn is_behind(&self) -> bool {
        !self.behind.is_empty()
    }

    /// Leaves a publication to be read later.
    pub(super) fn fall_behind(&mut self, number: u64, rules: &Arc<Rules>) {
        if !self.behind.has_room(rules)
            && let Some(oldest) = self.behind.pop()
        {
            self.books.lose(oldest.count.unwrap_or(0), LostReason::Slow);
            self.miss(oldest.first, oldest.last, LostReason::Slow);
        }
        self.behind.add(number, rules);
    }

    /// Reads on, as far as there is room here. If that needs a block from the disk, the number of its first publication.
    pub(in crate::pubsub) fn catch_up(&mut self, from: &Reader<'_>) -> Option<u64> {
        while let Some(part) = self.behind.parts.front_mut() {
            if part.first > part.last {
                // What was counted and is not there any more was told of.
                let done = self.behind.pop()?;
                self.books.lose(done.count.unwrap_or(0), LostReason::History);
                continue;
            }
            let number = part.first;
            match from.history.get(number) {
                Found::OnDisk(block) => return Some(block),
                Found::Gone(up_to) => {
                    let last = part.last.min(up_to);
                    part.first = last + 1;
                    self.miss(number, last, LostReason::History);
                }
                Found::Here(publication) => {
                    let subject = publication.subject();
                    let was_for_it = from.criterion.matches(subject) && (from.public || part.rules.may(subject));
                    if !was_for_it {
                        part.first = number + 1;
                    } else if !self.fits(from.policy, publication.size()) {
                        return None;
                    } else {
                        self.read(publication, from);
                    }
                }
            }
        }
        None
    }

    /// The next is read.
    fn read(&mut self, publication: &Arc<Publication>, from: &Reader<'_>) {
        let was_counted = self.behind.read();
        self.books.accepted += u64::from(!was_counted);
        if from.public || from.rules.may(publication.subject()) {
            self.queue(publication);
        } else {
            self.books.lose(1, LostReason::Revoked);
        }
    }

    /// Nobody knows how many of these were for it.
    fn miss(&mut self, first: u64, last: u64, reason: LostReason) {
        self.queue.push_back(Item::Gap(Gap { first, last, count: 0, reason }));
    }
}
