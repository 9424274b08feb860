//! The queues: which job is next in each, and who takes it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{
    super::options::{JobId, Order},
    workers::WorkerId,
};

/// A queue's place in the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::zqueue) struct ListId(pub(super) u32);

/// Where a job waits in its queue: first by priority, the highest first, then by position.
pub(super) type Position = (u8, i64);

/// What becomes first and what last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Arrival {
    /// A job that somebody pushed.
    Fresh,
    /// A child.
    Child,
    /// A job that was begun, and goes on or is tried again.
    Begun,
}

#[derive(Debug)]
pub(super) struct List {
    pub(super) name: Bytes,
    order: Order,
    waiting: BTreeMap<Position, JobId>,
    first: i64,
    last: i64,
    /// Workers that take a job from it now, the one first that was given none for the longest time.
    idle: BTreeSet<(u64, WorkerId)>,
    pub(super) bytes: usize,
    pub(super) running: u64,
    pub(super) delivered: u64,
    pub(super) lost: u64,
    pub(super) workers: u64,
}

impl List {
    fn new(name: Bytes, order: Order) -> Self {
        Self {
            name,
            order,
            waiting: BTreeMap::new(),
            first: 0,
            last: 0,
            idle: BTreeSet::new(),
            bytes: 0,
            running: 0,
            delivered: 0,
            lost: 0,
            workers: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The job at the head.
    pub(super) fn first(&self) -> Option<JobId> {
        self.waiting.first_key_value().map(|(_, id)| *id)
    }
}

/// All queues, by name and by number. One that was ever named stays.
#[derive(Debug)]
pub(super) struct Lists {
    default_order: Order,
    orders: BTreeMap<Bytes, Order>,
    names: BTreeMap<Bytes, ListId>,
    all: Vec<List>,
    /// Queues in which a job may meet a worker, and which of them is looked at next: they take turns.
    ready: BTreeSet<ListId>,
    turn: ListId,
}

impl Lists {
    pub(super) fn new(default_order: Order, orders: BTreeMap<Bytes, Order>) -> Self {
        Self { default_order, orders, names: BTreeMap::new(), all: Vec::new(), ready: BTreeSet::new(), turn: ListId(0) }
    }

    /// The queue of this name, which is made if there are fewer than `max`.
    pub(super) fn named(&mut self, name: &Bytes, max: usize) -> Option<ListId> {
        if let Some(id) = self.names.get(name) {
            return Some(*id);
        }
        if self.all.len() >= max {
            return None;
        }
        let id = ListId(u32::try_from(self.all.len()).ok()?);
        // A copy, because the name may be a piece of a whole message.
        let name = Bytes::copy_from_slice(name);
        let order = self.orders.get(&name).copied().unwrap_or(self.default_order);
        self.names.insert(name.clone(), id);
        self.all.push(List::new(name, order));
        Some(id)
    }

    pub(super) fn get(&self, id: ListId) -> &List {
        &self.all[id.0 as usize]
    }

    pub(super) fn get_mut(&mut self, id: ListId) -> &mut List {
        &mut self.all[id.0 as usize]
    }

    pub(super) fn find(&self, name: &[u8]) -> Option<ListId> {
        self.names.get(name).copied()
    }

    /// All of them, by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = &List> {
        self.names.values().map(|id| self.get(*id))
    }

    /// A job waits from now on; where.
    pub(super) fn put(&mut self, id: ListId, job: JobId, priority: u8, arrival: Arrival) -> Position {
        let list = self.get_mut(id);
        let is_first = match list.order {
            Order::Fifo => arrival == Arrival::Begun,
            Order::Lifo => true,
            Order::Depth | Order::Priority => arrival != Arrival::Fresh,
        };
        let rank = if list.order == Order::Priority { u8::MAX - priority } else { 0 };
        let place = if is_first {
            list.first -= 1;
            list.first
        } else {
            list.last += 1;
            list.last
        };
        list.waiting.insert((rank, place), job);
        self.ready.insert(id);
        (rank, place)
    }

    /// Whether the next child that comes goes before the last: then they are put in backwards.
    pub(super) fn puts_children_first(&self, id: ListId) -> bool {
        self.get(id).order != Order::Fifo
    }

    /// A job waits no more.
    pub(super) fn remove(&mut self, id: ListId, position: Position) {
        self.get_mut(id).waiting.remove(&position);
    }

    /// A worker takes a job from it, `turn` being when it was given one last; or it does not any more.
    pub(super) fn set_idle(&mut self, id: ListId, turn: u64, worker: WorkerId, is_idle: bool) {
        let list = self.get_mut(id);
        if is_idle {
            list.idle.insert((turn, worker));
            self.ready.insert(id);
        } else {
            list.idle.remove(&(turn, worker));
        }
    }

    /// A job that is next in its queue, and the worker that is to have it.
    pub(super) fn meet(&mut self) -> Option<(JobId, WorkerId)> {
        while let Some(id) = self.ready.range(self.turn..).chain(&self.ready).next().copied() {
            let list = self.get(id);
            if let (Some((_, job)), Some((_, worker))) = (list.waiting.first_key_value(), list.idle.first()) {
                let met = (*job, *worker);
                self.turn = ListId(id.0.wrapping_add(1));
                return Some(met);
            }
            self.ready.remove(&id);
        }
        None
    }
}
