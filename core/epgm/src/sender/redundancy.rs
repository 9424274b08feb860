//! The parity that a source sends.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;

use super::window::Window;
use crate::{
    packet::{Body, Flow, Packet, Parity},
    parity,
    sequence::Sqn,
    writer::Writer,
};

/// Of so many groups it is remembered which of their parity was sent.
const REMEMBERED: usize = 256;

/// How much parity a source sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Redundancy {
    /// Datagrams of a group: a power of two, one of [`parity::GROUPS`].
    pub group: u32,
    /// Parity that is sent with each group, at most as much as it has datagrams; the rest is sent to who asks.
    pub proactive: u32,
}

/// What of it is to be sent, and was.
#[derive(Debug)]
pub(super) struct Parities {
    options: Redundancy,
    /// Who asks for what was sent so recently will get it.
    linger: Duration,
    /// The first of each group, and how much more of it is to be sent; and in which order.
    wanted: BTreeMap<u32, u32>,
    order: VecDeque<u32>,
    /// What was sent within the linger, the oldest first.
    recent: VecDeque<(Duration, u32)>,
    /// Of the last groups: which comes next.
    next: VecDeque<(u32, u32)>,
    /// All of the group that was computed last.
    computed: Option<(u32, Vec<Vec<u8>>)>,
}

impl Parities {
    pub(super) fn new(options: Redundancy, linger: Duration) -> Self {
        let (wanted, order) = (BTreeMap::new(), VecDeque::new());
        let (recent, next) = (VecDeque::new(), VecDeque::new());
        Self { options, linger, wanted, order, recent, next, computed: None }
    }

    /// As an SPM says it.
    pub(super) fn parameters(&self) -> Parity {
        Parity { group: self.options.group, proactive: self.options.proactive > 0, on_demand: true }
    }

    /// A datagram was sent for the first time; perhaps the last of a group.
    pub(super) fn sent(&mut self, sequence: Sqn) {
        let last = self.options.group - 1;
        if sequence.0 & last == last && self.options.proactive > 0 {
            self.want(sequence.0 & !last, self.options.proactive);
        }
    }

    /// Somebody asks for parity. False if it cannot be computed any more.
    pub(super) fn asked(&mut self, now: Duration, sequence: Sqn, window: &Window) -> bool {
        let last = self.options.group - 1;
        let first = sequence.0 & !last;
        let is_there = window.has_sent(Sqn(first)) && window.has_sent(Sqn(first | last));
        self.forget(now);
        let is_coming = self.recent.iter().filter(|(_, group)| *group == first).count() as u32;
        let count = ((sequence.0 & last) + 1).saturating_sub(is_coming);
        if is_there && count > 0 {
            self.want(first, count);
        }
        is_there
    }

    fn want(&mut self, first: u32, count: u32) {
        if self.wanted.insert(first, count.max(self.wanted.get(&first).copied().unwrap_or(0))).is_none() {
            self.order.push_back(first);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The next one to be sent.
    pub(super) fn next(&mut self, now: Duration, window: &Window, writer: &Writer, flow: Flow) -> Option<Bytes> {
        while let Some(first) = self.order.front().copied() {
            let left = self.wanted.get_mut(&first).expect("what has its turn is wanted");
            *left -= 1;
            if *left == 0 {
                self.wanted.remove(&first);
                self.order.pop_front();
            }
            let (index, proactive) = (self.index(first), self.options.proactive);
            self.forget(now);
            self.recent.push_back((now, first));
            // Part of the group may have left the window meanwhile.
            if let Some(payload) = self.compute(first, window).map(|parity| &parity[index as usize]) {
                let repair = index >= proactive;
                let body = Body::Data { repair, sequence: Sqn(first | index), trail: window.trail(), payload };
                return Some(writer.packet(&Packet { flow, body, is_parity: true, ..Packet::default() }));
            }
        }
        None
    }

    /// What was sent so long ago may be lost by now.
    fn forget(&mut self, now: Duration) {
        while self.recent.front().is_some_and(|(at, _)| *at + self.linger <= now) {
            self.recent.pop_front();
        }
    }

    /// Which of a group comes next: each is worth as much as another, but not to who has it already.
    fn index(&mut self, first: u32) -> u32 {
        let place = self.next.iter().rposition(|(group, _)| *group == first).unwrap_or_else(|| {
            if self.next.len() >= REMEMBERED {
                self.next.pop_front();
            }
            self.next.push_back((first, 0));
            self.next.len() - 1
        });
        let (_, next) = &mut self.next[place];
        let index = *next;
        *next = (index + 1) % self.options.group;
        index
    }

    fn compute(&mut self, first: u32, window: &Window) -> Option<&[Vec<u8>]> {
        if self.computed.as_ref().is_none_or(|(group, _)| *group != first) {
            let payloads: Option<Vec<&[u8]>> =
                (0..self.options.group).map(|index| window.payload(Sqn(first | index))).collect();
            self.computed = Some((first, parity::encode(&payloads?)));
        }
        self.computed.as_ref().map(|(_, parity)| &parity[..])
    }
}
