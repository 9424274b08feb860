//! Who does jobs, and which they have.

use std::collections::{BTreeMap, BTreeSet};

use super::{Run, lists::ListId};

/// A worker's number, chosen by whoever knows how to reach it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::zqueue) struct WorkerId(pub(in crate::zqueue) u64);

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) lists: Vec<ListId>,
    credit: u32,
    pub(super) runs: BTreeSet<Run>,
    /// When it was given a job last.
    pub(super) turn: u64,
    pub(super) leaving: bool,
}

impl Worker {
    pub(super) fn new(lists: Vec<ListId>, credit: u32, turn: u64) -> Self {
        Self { lists, credit, runs: BTreeSet::new(), turn, leaving: false }
    }

    /// Whether it takes another job.
    pub(super) fn is_idle(&self) -> bool {
        !self.leaving && self.runs.len() < self.credit as usize
    }
}

/// All of them.
pub(super) type Workers = BTreeMap<WorkerId, Worker>;
