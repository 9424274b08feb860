//! One subscription's part of one stream, as the subscriber has it.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::{
    super::{Criterion, LostReason},
    Frames, Message, Missed, Number, StreamId,
};
use crate::Time;

/// A view.
#[derive(Debug)]
pub(super) struct View {
    pub(super) shared: bool,
    /// The last number that was given to the program, missed, or passed over because it was not asked for.
    pub(super) last: u64,
    /// What came over the shared path before something that is missing, and its bytes.
    later: BTreeMap<u64, (Bytes, Frames)>,
    later_bytes: u64,
    /// The last number that is known to exist, and since when the first of those is known that is not here.
    head: u64,
    behind: Option<Time>,
    /// What was asked for last, up to this number, is not answered.
    asked: Option<u64>,
    /// What the program was given and has not taken: the last number of a run, its messages, its bytes, and since when.
    runs: VecDeque<Run>,
    waiting: (u64, u64),
    /// The last that the program took.
    taken: u64,
    /// The last of which the publisher knows that.
    told: u64,
    /// Messages and bytes of which it does not know.
    untold: (u64, u64),
}

#[derive(Debug)]
struct Run {
    last: u64,
    messages: u64,
    bytes: u64,
    since: Time,
}

/// Where a publication belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// It is the next.
    Next,
    /// It was here before.
    Before,
    /// Something before it is missing.
    Later,
}

/// What a gap turns out to be.
pub(super) enum Part {
    Missed(Missed),
    Run(Vec<Message>),
}

impl View {
    pub(super) fn new(after: u64) -> Self {
        Self {
            shared: false,
            last: after,
            later: BTreeMap::new(),
            later_bytes: 0,
            head: after,
            behind: None,
            asked: None,
            runs: VecDeque::new(),
            waiting: (0, 0),
            taken: after,
            told: after,
            untold: (0, 0),
        }
    }

    /// The publisher serves it from now on. What it was told in an earlier session may not have arrived.
    pub(super) fn begin(&mut self, shared: bool, after: u64) {
        self.shared = shared;
        self.told = self.told.min(after);
        self.forget_asked();
        if !shared {
            self.later.clear();
            self.later_bytes = 0;
        }
    }

    /// Messages and bytes that the program was given and has not taken.
    pub(super) fn waiting(&self) -> (u64, u64) {
        self.waiting
    }

    /// This number exists.
    pub(super) fn know(&mut self, now: Time, head: u64) {
        if head > self.head {
            self.head = head;
            self.behind.get_or_insert(now);
        }
    }

    /// What the program has not taken though it is known to exist, and since when.
    pub(super) fn lag(&self) -> (u64, Time) {
        let since = [self.runs.front().map(|run| run.since), self.behind].into_iter().flatten().min();
        if self.shared {
            (self.head - self.effective().min(self.head), since.unwrap_or(Time::MAX))
        } else {
            (self.waiting().0, self.runs.front().map_or(Time::MAX, |run| run.since))
        }
    }

    /// Finds the place of what came over the shared path, or was sent again. What comes too early is kept, as far as `most` messages and
    /// bytes allow; the rest is sent again when its turn comes.
    pub(super) fn place(&mut self, number: u64, subject: &Bytes, frames: &Frames, most: (u32, u32)) -> Found {
        if number <= self.last || self.later.contains_key(&number) {
            return Found::Before;
        }
        if number == self.last + 1 {
            self.last = number;
            return Found::Next;
        }
        let size = size_of(subject, frames);
        if self.later.len() < most.0 as usize && self.later_bytes + size <= u64::from(most.1) {
            self.later_bytes += size;
            self.later.insert(number, (subject.clone(), frames.clone()));
        }
        Found::Later
    }

    /// What was kept and is next now.
    pub(super) fn pending(&mut self, number: Number, stream: StreamId, criterion: &Criterion, run: &mut Vec<Message>) {
        while let Some(first) = self.later.first_entry() {
            let at = *first.key();
            if at > self.last.saturating_add(1) {
                break;
            }
            let (subject, frames) = first.remove();
            self.later_bytes -= size_of(&subject, &frames);
            self.last = self.last.max(at);
            if criterion.matches(&subject) {
                run.push(Message { subscription: number, stream, number: at, subject, frames });
            }
        }
    }

    /// What nobody explains is missed.
    pub(super) fn skip(&mut self, number: Number, stream: StreamId, last: u64) -> Missed {
        let first = std::mem::replace(&mut self.last, last) + 1;
        self.head = self.head.max(last);
        // What had come of it is told of with the rest.
        while let Some(early) = self.later.first_entry().filter(|early| *early.key() <= last) {
            let (subject, frames) = early.remove();
            self.later_bytes -= size_of(&subject, &frames);
        }
        Missed { number, stream, first, last, count: 0, reason: LostReason::History }
    }

    /// The publisher does not have these any more. Over the shared path some of them may have come meanwhile.
    pub(super) fn missed(&mut self, missed: &Missed, criterion: &Criterion, run: &mut Vec<Message>) -> Vec<Part> {
        let mut parts = Vec::new();
        if missed.last <= self.last {
            return parts;
        }
        if !self.shared {
            let first = missed.first.max(self.last + 1);
            // Of a part, nobody knows how many are in it, unless all are.
            let is_whole = missed.count == missed.last - missed.first + 1;
            let count = match first == missed.first {
                true => missed.count,
                false if is_whole => missed.last - first + 1,
                false => 0,
            };
            self.last = missed.last;
            self.head = self.head.max(missed.last);
            parts.push(Part::Missed(Missed { first, count, ..*missed }));
            return parts;
        }
        while self.last < missed.last {
            let next = self.later.first_key_value().map(|(number, _)| *number);
            let (first, last) = (self.last + 1, next.map_or(missed.last, |next| missed.last.min(next - 1)));
            if last >= first {
                self.last = last;
                parts.push(Part::Missed(Missed { first, last, count: last - first + 1, ..*missed }));
            }
            let mut found = Vec::new();
            self.pending(missed.number, missed.stream, criterion, &mut found);
            if self.last < missed.last {
                parts.push(Part::Run(found));
            } else {
                run.append(&mut found);
            }
        }
        parts
    }

    /// What is missing and not asked for.
    pub(super) fn missing(&mut self) -> Option<(u64, u64)> {
        if !self.shared || self.asked.is_some() || self.head <= self.last {
            return None;
        }
        let last = self.later.first_key_value().map_or(self.head, |(number, _)| number - 1);
        self.asked = Some(last);
        Some((self.last + 1, last))
    }

    /// What was asked for is answered as far as that goes at once, or nobody will answer it.
    pub(super) fn forget_asked(&mut self) {
        self.asked = None;
    }

    /// The program is given these, or they were passed over.
    pub(super) fn deliver(&mut self, now: Time, run: &[Message]) -> (u64, u64) {
        if self.last >= self.head {
            self.behind = None;
        }
        let Some(last) = run.last() else { return (0, 0) };
        let (messages, bytes) = (run.len() as u64, run.iter().map(|each| size_of(&each.subject, &each.frames)).sum());
        self.waiting = (self.waiting.0 + messages, self.waiting.1 + bytes);
        self.runs.push_back(Run { last: last.number, messages, bytes, since: now });
        (messages, bytes)
    }

    /// The program has everything up to this number.
    pub(super) fn take(&mut self, up_to: u64) -> (u64, u64) {
        let before = self.waiting;
        self.taken = self.taken.max(up_to);
        while self.runs.front().is_some_and(|run| run.last <= up_to) {
            let Some(run) = self.runs.pop_front() else { break };
            self.waiting = (self.waiting.0 - run.messages, self.waiting.1 - run.bytes);
            self.untold = (self.untold.0 + run.messages, self.untold.1 + run.bytes);
        }
        (before.0 - self.waiting.0, before.1 - self.waiting.1)
    }

    /// The last number that the program has no more to do with.
    fn effective(&self) -> u64 {
        if self.runs.is_empty() { self.last } else { self.taken }
    }

    pub(super) fn is_untold(&self) -> bool {
        self.effective() > self.told
    }

    /// What is not told of: messages and bytes. Over the shared path the publisher counts numbers.
    pub(super) fn untold(&self) -> (u64, u64) {
        let numbers = self.effective().saturating_sub(self.told);
        if self.shared { (numbers, self.untold.1) } else { self.untold }
    }

    /// The publisher is told of it.
    pub(super) fn tell(&mut self) -> u64 {
        self.untold = (0, 0);
        self.told = self.effective();
        self.told
    }
}

/// What a publication takes, about.
fn size_of(subject: &Bytes, frames: &Frames) -> u64 {
    (96 + subject.len() + frames.iter().map(Bytes::len).sum::<usize>()) as u64
}
