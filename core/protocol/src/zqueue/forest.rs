//! Jobs, their children, and who has them: all that a queue knows, without a word of how it is said.
//!
//! A job is in one state at a time (`job::State`), in one queue, and in one tree. What happens to one may end others: a failure
//! goes up as far as the parents let it, a cancel goes down to the last descendant. Both are loops and not recursions, so a deep
//! tree costs no stack.
//!
//! What changes is noted by the key under which it is stored ([`Key`]), and what follows for others as an [`Effect`].

mod job;
mod lists;
mod record;
mod recover;
mod run;
mod workers;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use fastrand::Rng;

use self::{
    job::{Job, Kid, More, State, bytes_of},
    lists::{Arrival, ListId, Lists},
    workers::{Worker, Workers},
};
pub(super) use self::{
    job::{Origin, Sealed},
    record::{Clock, Key, get_packed, get_sealed, put_packed, put_sealed},
    workers::WorkerId,
};
use super::{
    counters::{Counters, QueueCounters, Reason},
    options::{Child, ChildOutcome, Failure, JobId, JobOptions, OnFailure, Packed},
    queue::{JobState, QueueOptions, TreeJob},
};
use crate::{ErrorKind, Time, machine::Frames};

/// A worker's try at a job. It is never used again, so who comes back with an old one is known.
pub(super) type Run = u64;

/// Where jobs come from that nobody pushed.
pub(super) const NOBODY: Origin = (0, 0);
/// The longest time between two tries.
const LONGEST_BACKOFF: Duration = Duration::from_secs(3600);

/// What a queue holds at most.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Queues by name.
    pub queues: usize,
    /// Jobs in all.
    pub jobs: usize,
    /// Their bytes, each counted as 256 more.
    pub bytes: usize,
    /// Bytes of the jobs in one queue.
    pub queue_bytes: usize,
    /// Generations of a tree, its root included.
    pub depth: u16,
    /// Children that a job spawns at once.
    pub children: usize,
    /// Jobs of one tree, over all its life.
    pub tree_jobs: u64,
    /// Bytes of the jobs of one tree at a time.
    pub tree_bytes: usize,
    /// Workers that may be lost with a job.
    pub lost: u8,
}

/// By what a job is known to those who push it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Name {
    pub(super) origin: Origin,
    pub(super) queue: Bytes,
    /// Perhaps empty.
    pub(super) key: Bytes,
}

/// What follows for others.
#[derive(Debug)]
pub(super) enum Effect {
    /// A job that somebody may ask about has ended.
    Ended { job: JobId, sealed: Sealed, is_watched: bool, keep: Duration, name: Name },
    /// A job failed by itself, and will not be tried again.
    Died { job: JobId, queue: Bytes, body: Packed, options: JobOptions, sealed: Sealed },
    /// Nobody wants this any more.
    Withdraw { worker: WorkerId, run: Run },
}

/// A job for a worker.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) worker: WorkerId,
    pub(super) run: Run,
    pub(super) job: JobId,
    pub(super) queue: Bytes,
    pub(super) body: Frames,
    /// How often it was tried before.
    pub(super) tries: u8,
    /// What it left when it spawned, and what its children came to.
    pub(super) resumed: Option<(Frames, Vec<ChildOutcome>)>,
}

struct Running {
    job: JobId,
    list: ListId,
    worker: WorkerId,
    until: Option<Time>,
}

/// What is to happen at a time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Alarm {
    /// A delayed job begins to wait.
    Begin(JobId),
    /// A worker has had a job for too long.
    Over(Run),
}

/// A tree that has more than its root.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Tree {
    /// Jobs that have not ended.
    pub(super) open: u64,
    /// Jobs that were done, and that failed.
    pub(super) done: u64,
    pub(super) failed: u64,
    /// Jobs that it ever had, also those that are on their own.
    pub(super) all: u64,
    bytes: usize,
}

impl Tree {
    /// That of a job which has no descendants.
    fn of(root: &Job) -> Self {
        Self { open: 1, all: 1, bytes: root.cost(), ..Self::default() }
    }
}

/// Somebody speaks of a job that he does not have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Late;

pub(super) struct Forest {
    limits: Limits,
    is_stored: bool,
    jobs: BTreeMap<JobId, Box<Job>>,
    next: JobId,
    /// Numbers below this are in use as far as the store knows.
    reserved: JobId,
    trees: BTreeMap<JobId, Tree>,
    lists: Lists,
    workers: Workers,
    running: BTreeMap<Run, Running>,
    runs: Run,
    turns: u64,
    agenda: BTreeSet<(Time, Alarm)>,
    origins: BTreeMap<Origin, JobId>,
    keys: BTreeMap<(ListId, Bytes), JobId>,
    /// Jobs whose end matters to somebody, besides those whose outcome is kept.
    watched: BTreeSet<JobId>,
    effects: VecDeque<Effect>,
    changed: BTreeSet<Key>,
    clock: Clock,
    counters: Counters,
    /// How many jobs are in each state.
    states: [u64; State::COUNT],
    bytes: usize,
    random: Rng,
}

impl Forest {
    /// An empty one.
    pub(super) fn new(options: &QueueOptions, seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        Self {
            limits: options.limits.clone(),
            is_stored: options.is_stored,
            jobs: BTreeMap::new(),
            // Who remembers numbers of another life must not find others under them.
            // Below 2^53 for longer than any queue lives, so that every language has it as a number.
            next: random.u64(1..1 << 32) << 20,
            reserved: 0,
            trees: BTreeMap::new(),
            lists: Lists::new(options.order, options.orders.clone()),
            workers: Workers::new(),
            running: BTreeMap::new(),
            runs: random.u64(..) >> 1,
            turns: 0,
            agenda: BTreeSet::new(),
            origins: BTreeMap::new(),
            keys: BTreeMap::new(),
            watched: BTreeSet::new(),
            effects: VecDeque::new(),
            changed: BTreeSet::new(),
            clock: Clock::default(),
            counters: Counters::default(),
            states: [0; State::COUNT],
            bytes: 0,
            random,
        }
    }

    /// What became of the jobs so far.
    pub(super) fn counters(&self) -> Counters {
        let [_, delayed, waiting, held_back, running, suspended] = self.states;
        Counters {
            held: delayed + waiting + held_back + running + suspended,
            waiting: waiting + held_back,
            delayed,
            running,
            suspended,
            bytes: self.bytes as u64,
            ..self.counters.clone()
        }
    }

    /// The same of each queue.
    pub(super) fn queues(&self, now: Time) -> Vec<QueueCounters> {
        let one = |list: &lists::List| {
            let oldest = list.first().and_then(|id| self.jobs.get(&id)).map_or(Duration::ZERO, |job| now - job.since);
            QueueCounters {
                name: list.name.clone(),
                waiting: list.len() as u64,
                bytes: list.bytes as u64,
                running: list.running,
                delivered: list.delivered,
                lost: list.lost,
                workers: list.workers,
                oldest: u64::try_from(oldest.as_millis()).unwrap_or(u64::MAX),
            }
        };
        self.lists.iter().map(one).collect()
    }

    /// What is not in the store as it is here; as if it were, from now on.
    pub(super) fn take_changed(&mut self) -> BTreeSet<Key> {
        std::mem::take(&mut self.changed)
    }

    /// What is under these keys is to be stored, if anything is.
    pub(super) fn note_changed(&mut self, keys: impl IntoIterator<Item = Key>) {
        if self.is_stored {
            self.changed.extend(keys);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// What follows for others.
    pub(super) fn effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// The queue of this name, if there may be one more.
    pub(super) fn list(&mut self, name: &Bytes) -> Option<ListId> {
        self.lists.named(name, self.limits.queues)
    }

    /// The job that this producer pushed under this number, or one with the same key.
    pub(super) fn find(&self, name: &Name) -> Option<JobId> {
        let by_key = || {
            let list = self.lists.find(&name.queue).filter(|_| !name.key.is_empty())?;
            self.keys.get(&(list, name.key.clone())).copied()
        };
        self.origins.get(&name.origin).copied().or_else(by_key)
    }

    /// Whether nobody was told yet that this job was accepted.
    pub(super) fn is_new(&self, id: JobId) -> bool {
        self.jobs.get(&id).is_some_and(|job| job.state == State::New)
    }

    pub(super) fn contains(&self, id: JobId) -> bool {
        self.jobs.contains_key(&id)
    }

    /// The end of this job is told from now on, or not any more.
    pub(super) fn watch(&mut self, id: JobId, is_watched: bool) {
        if is_watched {
            self.watched.insert(id)
        } else {
            self.watched.remove(&id)
        };
    }

    /// Takes a job in. It waits for [`release`](Self::release), because it may have to be stored first.
    pub(super) fn admit(
        &mut self,
        now: Time,
        origin: Origin,
        queue: &Bytes,
        body: &Frames,
        options: &JobOptions,
    ) -> Result<JobId, Failure> {
        let bytes = body.iter().map(Bytes::len).sum::<usize>();
        let Some(list) = self.list(queue) else {
            return Err(Failure::new(ErrorKind::Full, "there are too many queues"));
        };
        self.check_room(1, bytes)?;
        if self.lists.get(list).bytes + bytes > self.limits.queue_bytes {
            return Err(Failure::new(ErrorKind::Full, "the queue holds as much as it may"));
        }
        let id = self.next_id();
        let job = Job::new(list, id, Packed::of(body), options, origin, now + options.delay);
        if !options.key.is_empty() {
            self.keys.insert((list, job.key()), id);
        }
        if origin != NOBODY {
            self.origins.insert(origin, id);
        }
        self.insert(id, job);
        Ok(id)
    }

    fn check_room(&self, jobs: usize, bytes: usize) -> Result<(), Failure> {
        let cost = bytes.saturating_add(jobs.saturating_mul(Job::BESIDE));
        if self.jobs.len().saturating_add(jobs) > self.limits.jobs
            || self.bytes.saturating_add(cost) > self.limits.bytes
        {
            return Err(Failure::new(ErrorKind::Full, "there are as many jobs as there may be"));
        }
        Ok(())
    }

    fn next_id(&mut self) -> JobId {
        let id = self.next;
        self.next += 1;
        if self.next > self.reserved {
            self.reserved = self.next + record::RESERVED;
            self.note_changed([Key::Next]);
        }
        id
    }

    fn insert(&mut self, id: JobId, job: Job) {
        self.weigh(job.list, job.root, job.cost() as isize);
        self.states[job.state.place()] += 1;
        self.note_changed([Key::Job(id)]);
        self.jobs.insert(id, Box::new(job));
    }

    /// A job of this queue and tree is so much heavier.
    fn weigh(&mut self, list: ListId, root: JobId, by: isize) {
        let add = |sum: &mut usize| *sum = sum.checked_add_signed(by).expect("what is taken away was there");
        add(&mut self.bytes);
        add(&mut self.lists.get_mut(list).bytes);
        if let Some(tree) = self.trees.get_mut(&root) {
            add(&mut tree.bytes);
        }
    }

    fn set_state(&mut self, now: Time, id: JobId, state: State) {
        let job = self.jobs.get_mut(&id).expect("whose state changes is there");
        self.states[job.state.place()] -= 1;
        self.states[state.place()] += 1;
        (job.state, job.since) = (state, now);
    }

    /// A job that was admitted is accepted, and waits for its time or for a worker.
    pub(super) fn release(&mut self, now: Time, id: JobId) {
        if self.is_new(id) {
            self.counters.accepted += 1;
            self.begin(now, id, Arrival::Fresh);
        }
    }

    /// A job that was admitted is not accepted: it never was here.
    pub(super) fn reject(&mut self, id: JobId) {
        if self.is_new(id) {
            self.take(id);
        }
    }

    /// A job waits for its time, if that has not come, or for a worker.
    fn begin(&mut self, now: Time, id: JobId, arrival: Arrival) {
        let at = self.jobs[&id].since;
        if at > now {
            self.delay(now, id, at);
        } else {
            self.enqueue(now, id, arrival);
        }
    }

    fn delay(&mut self, now: Time, id: JobId, until: Time) {
        self.set_state(now, id, State::Delayed(until));
        self.agenda.insert((until, Alarm::Begin(id)));
    }

    fn enqueue(&mut self, now: Time, id: JobId, arrival: Arrival) {
        let job = &self.jobs[&id];
        let position = self.lists.put(job.list, id, job.priority, arrival);
        self.set_state(now, id, State::Waiting(position));
    }

    /// Takes a job out of everything it is in.
    fn take(&mut self, id: JobId) -> Option<Box<Job>> {
        let job = self.jobs.remove(&id)?;
        self.states[job.state.place()] -= 1;
        match job.state {
            State::Waiting(position) => self.lists.remove(job.list, position),
            State::Delayed(until) => drop(self.agenda.remove(&(until, Alarm::Begin(id)))),
            State::Running(run) => {
                if let Some(worker) = self.stop(run) {
                    self.effects.push_back(Effect::Withdraw { worker, run });
                }
            }
            State::New | State::Held | State::Suspended => {}
        }
        self.weigh(job.list, job.root, -(job.cost() as isize));
        self.note_changed([Key::Job(id)]);
        self.note_results(id, job.children().len());
        if job.origin != NOBODY {
            self.origins.remove(&job.origin);
        }
        if let Some(key) = job.more.as_ref().map(|more| more.key.clone()).filter(|key| !key.is_empty()) {
            self.keys.remove(&(job.list, key));
        }
        Some(job)
    }

    /// What so many children came to is to be stored anew, or not any more.
    fn note_results(&mut self, id: JobId, count: usize) {
        self.note_changed((0..count as u32).map(|index| Key::Result(id, index)));
    }

    /// A worker has no more to do with this run; which it was.
    fn stop(&mut self, run: Run) -> Option<WorkerId> {
        let Running { job: _, worker, until, list } = self.running.remove(&run)?;
        self.lists.get_mut(list).running -= 1;
        if let Some(until) = until {
            self.agenda.remove(&(until, Alarm::Over(run)));
        }
        self.with_worker(worker, |known| known.runs.remove(&run));
        Some(worker)
    }

    /// A job has ended, with all that follows for those above and below it.
    fn end(&mut self, now: Time, id: JobId, sealed: Sealed, reason: Option<Reason>) {
        let mut ends = vec![(id, sealed, reason)];
        while let Some((id, sealed, reason)) = ends.pop() {
            let Some(job) = self.take(id) else { continue };
            self.settle(id, &job, &sealed, reason);
            self.fell(&job);
            if job.parent != 0
                && let Some(cause) = self.tell_parent(now, &job, sealed)
            {
                ends.push((job.parent, cause, Some(Reason::Child)));
            }
            if job.root == id {
                self.trees.remove(&id);
            }
        }
    }

    /// Counts a job that has ended, and tells whom it matters to.
    fn settle(&mut self, id: JobId, job: &Job, sealed: &Sealed, reason: Option<Reason>) {
        let (list, tree) = (self.lists.get_mut(job.list), self.trees.get_mut(&job.root));
        match reason {
            None => {
                self.counters.delivered += 1;
                list.delivered += 1;
                tree.into_iter().for_each(|tree| tree.done += 1);
            }
            Some(reason) => {
                self.counters.lost[reason as usize] += 1;
                list.lost += 1;
                tree.into_iter().for_each(|tree| tree.failed += 1);
            }
        }
        if let Some(tree) = self.trees.get_mut(&job.root) {
            tree.open -= 1;
        }
        let keep = if job.parent == 0 { Duration::from_millis(job.keep.into()) } else { Duration::ZERO };
        let is_watched = self.watched.remove(&id);
        if is_watched || !keep.is_zero() {
            let name = Name { origin: job.origin, queue: list.name.clone(), key: job.key() };
            self.effects.push_back(Effect::Ended { job: id, sealed: sealed.clone(), is_watched, keep, name });
        }
    }

    /// Cancels all that is below a job that is gone.
    fn fell(&mut self, job: &Job) {
        let open = |job: &Job| {
            let open = job.children().iter().filter_map(|kid| if let Kid::Open(id) = kid { Some(*id) } else { None });
            open.collect::<Vec<_>>()
        };
        let mut below = open(job);
        if below.is_empty() {
            return;
        }
        let sealed = Sealed::failed(&Failure::new(ErrorKind::Cancelled, "what it was for has ended"));
        while let Some(id) = below.pop() {
            if let Some(job) = self.take(id) {
                self.settle(id, &job, &sealed, Some(Reason::Cancelled));
                below.extend(open(&job));
            }
        }
    }

    /// A child has ended. Its parent goes on if it was the last; what it fails of, if it does.
    fn tell_parent(&mut self, now: Time, child: &Job, sealed: Sealed) -> Option<Sealed> {
        let parent = self.jobs.get_mut(&child.parent)?;
        let more = parent.more.as_mut().expect("a parent has children");
        let kid = more.children.get_mut(child.index as usize).expect("a child has its place");
        match (sealed.failure, child.on_failure) {
            (Some(_), OnFailure::Fail) => {
                *kid = Kid::Ignored;
                return Some(sealed);
            }
            (Some(_), OnFailure::Ignore) => *kid = Kid::Ignored,
            (Some(_), OnFailure::Pass) | (None, _) => *kid = Kid::Ended(sealed),
        }
        let weight = if let Kid::Ended(sealed) = kid { sealed.body.len() } else { 0 };
        more.weight += weight;
        more.open -= 1;
        let next = (more.ordered && more.open > 0).then(|| more.children.get(child.index as usize + 1).cloned());
        let (is_last, list, root) = (more.open == 0, parent.list, parent.root);
        self.weigh(list, root, weight as isize);
        self.note_changed([Key::Result(child.parent, child.index)]);
        if is_last {
            self.enqueue(now, child.parent, Arrival::Begun);
        } else if let Some(Some(Kid::Open(id))) = next {
            self.begin(now, id, Arrival::Child);
        }
        None
    }

    /// Ends a job, and all that is below it, because somebody wants that. False if it is not there.
    pub(super) fn cancel(&mut self, now: Time, id: JobId) -> bool {
        let is_there = self.jobs.get(&id).is_some_and(|job| job.state != State::New);
        if is_there {
            let failure = Failure::new(ErrorKind::Cancelled, "it was cancelled");
            self.end(now, id, Sealed::failed(&failure), Some(Reason::Cancelled));
        }
        is_there
    }

    /// The tree of which a job is the root; one that has no descendants is its own.
    pub(super) fn tree(&self, root: JobId) -> Option<Tree> {
        let alone = || self.jobs.get(&root).map(|job| Tree::of(job));
        self.trees.get(&root).copied().or_else(alone)
    }
}

impl Forest {
    /// A job and what is below it, each right behind the one it is a child of; at most so many, and whether there are more.
    pub(super) fn look(&self, now: Time, id: JobId, most: usize) -> (Vec<TreeJob>, bool) {
        let (mut jobs, mut below) = (Vec::new(), vec![(id, 0)]);
        while let Some((id, depth)) = below.pop() {
            let Some(job) = self.jobs.get(&id) else { continue };
            if jobs.len() >= most {
                return (jobs, true);
            }
            let open = job.children().iter().rev().filter_map(|kid| match kid {
                Kid::Open(id) => Some((*id, depth + 1)),
                Kid::Ended(_) | Kid::Ignored => None,
            });
            below.extend(open);
            let state = match job.state {
                State::New | State::Waiting(_) | State::Held => JobState::Waiting,
                State::Delayed(_) => JobState::Delayed,
                State::Running(_) => JobState::Running,
                State::Suspended => JobState::Suspended,
            };
            let children = (job.more.as_ref().map_or(0, |more| more.open), job.children().len() as u32);
            let since = u64::try_from((now - job.since).as_millis()).unwrap_or(u64::MAX);
            let queue = self.lists.get(job.list).name.clone();
            jobs.push(TreeJob { job: id, parent: job.parent, depth, queue, state, since, children });
        }
        (jobs, false)
    }
}
