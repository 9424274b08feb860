//! Beginning anew with what was stored.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};

use super::{
    Arrival, Forest, Key, Kid, NOBODY, State,
    record::{Clock, Read, get_sealed},
};
use crate::{Error, ErrorKind, Result, Time, zqueue::options::JobId};

impl Forest {
    /// Takes in what the store had. [`ErrorKind::Corrupt`] for what no queue wrote.
    ///
    /// What a worker had waits for another, and what had been begun comes first; who pushed jobs that were being stored when
    /// the store was closed does not know of them, and finds them when he pushes them again.
    pub(in crate::zqueue) fn recover(&mut self, now: Time, clock: Clock, records: Vec<(Bytes, Bytes)>) -> Result<()> {
        self.clock = clock;
        let mut results: BTreeMap<JobId, BTreeMap<u32, Bytes>> = BTreeMap::new();
        let mut frames: BTreeMap<JobId, u32> = BTreeMap::new();
        for (key, value) in records {
            match Key::decode(key).ok_or_else(corrupt)? {
                Key::Next => {
                    self.next = (&value[..]).try_get_u64().map_err(|_| corrupt())?;
                    self.reserved = self.next;
                }
                Key::Result(id, index) => drop(results.entry(id).or_default().insert(index, value)),
                Key::Job(id) => {
                    let Read { job, children, .. } = self.read_job(now, value).ok_or_else(corrupt)?;
                    if job.origin != NOBODY {
                        self.origins.insert(job.origin, id);
                    }
                    if !job.key().is_empty() {
                        self.keys.insert((job.list, job.key()), id);
                    }
                    if children > 0 || job.is_resumed() {
                        frames.insert(id, children);
                    }
                    self.insert(id, job);
                }
            }
        }
        self.changed.clear();
        self.grow_trees(&frames)?;
        self.seat_children(frames, results)?;
        self.go_on(now);
        self.counters.accepted = self.jobs.len() as u64;
        Ok(())
    }

    /// Each root that has spawned gets its tree, with all that is in it.
    fn grow_trees(&mut self, frames: &BTreeMap<JobId, u32>) -> Result<()> {
        for (id, job) in &self.jobs {
            if !self.jobs.contains_key(&job.root) {
                return Err(corrupt());
            }
            if *id != job.root || frames.contains_key(id) {
                let tree = self.trees.entry(job.root).or_default();
                (tree.open, tree.all, tree.bytes) = (tree.open + 1, tree.all + 1, tree.bytes + job.cost());
            }
        }
        Ok(())
    }

    /// Children find their places, and so does what they came to.
    fn seat_children(
        &mut self,
        frames: BTreeMap<JobId, u32>,
        mut results: BTreeMap<JobId, BTreeMap<u32, Bytes>>,
    ) -> Result<()> {
        let mut kids: BTreeMap<JobId, BTreeMap<u32, JobId>> = BTreeMap::new();
        for (id, job) in self.jobs.iter().filter(|(_, job)| job.parent != 0) {
            kids.entry(job.parent).or_default().insert(job.index, *id);
        }
        for (id, count) in frames {
            let (mut open, mut ended) = (kids.remove(&id).unwrap_or_default(), results.remove(&id).unwrap_or_default());
            let mut all = Vec::new();
            for index in 0..count {
                all.push(match (open.remove(&index), ended.remove(&index)) {
                    (Some(kid), None) => Kid::Open(kid),
                    (None, Some(value)) if value.is_empty() => Kid::Ignored,
                    (None, Some(value)) => Kid::Ended(get_sealed(value).ok_or_else(corrupt)?),
                    (Some(_), Some(_)) | (None, None) => return Err(corrupt()),
                });
            }
            if !open.is_empty() || !ended.is_empty() {
                return Err(corrupt());
            }
            let job = self.jobs.get_mut(&id).expect("it was read");
            let more = job.more.as_mut().expect("it has spawned");
            let done = all.iter().map(|kid| if let Kid::Ended(sealed) = kid { sealed.body.len() } else { 0 });
            let weight = done.sum::<usize>() + all.len() * size_of::<Kid>();
            more.open = all.iter().filter(|kid| matches!(kid, Kid::Open(_))).count() as u32;
            more.weight += weight;
            more.children = all;
            let (list, root) = (job.list, job.root);
            self.weigh(list, root, weight as isize);
        }
        if kids.is_empty() && results.is_empty() { Ok(()) } else { Err(corrupt()) }
    }

    /// Every job goes on where it was: the deepest first, because that is what was begun last.
    fn go_on(&mut self, now: Time) {
        let mut all: Vec<(u16, std::cmp::Reverse<JobId>)> =
            self.jobs.iter().map(|(id, job)| (job.depth, std::cmp::Reverse(*id))).collect();
        all.sort_unstable();
        let roots: Vec<JobId> = self.jobs.iter().filter(|(_, job)| job.depth == 0).map(|(id, _)| *id).collect();
        for id in roots {
            self.go_on_with(now, id, Arrival::Fresh);
        }
        for (_, std::cmp::Reverse(id)) in all.into_iter().filter(|(depth, _)| *depth > 0) {
            self.go_on_with(now, id, Arrival::Child);
        }
    }

    fn go_on_with(&mut self, now: Time, id: JobId, arrival: Arrival) {
        let job = &self.jobs[&id];
        let open = job.more.as_ref().map_or(0, |more| more.open);
        if open > 0 {
            self.set_state(now, id, State::Suspended);
        } else if job.is_resumed() {
            self.enqueue(now, id, Arrival::Begun);
        } else if self.is_its_turn(id) {
            self.begin(now, id, arrival);
        }
    }

    /// Whether no elder sibling goes before it.
    fn is_its_turn(&self, id: JobId) -> bool {
        let job = &self.jobs[&id];
        let Some(more) = self.jobs.get(&job.parent).and_then(|parent| parent.more.as_ref()) else { return true };
        let is_open = |kid: &Kid| matches!(kid, Kid::Open(_));
        !more.ordered || more.children.iter().position(is_open) == Some(job.index as usize)
    }
}

fn corrupt() -> Error {
    Error::new(ErrorKind::Corrupt, "the store holds something that no queue has written")
}
