//! Workers and their tries: what is given to whom, and what comes of it.

use std::time::Duration;

use bytes::Bytes;

use super::{
    Alarm, Arrival, Child, Effect, Failure, Forest, Given, Job, Key, Kid, LONGEST_BACKOFF, Late, More, NOBODY, Packed,
    Reason, Run, Running, Sealed, State, Tree, Worker, WorkerId, bytes_of,
};
use crate::{ErrorKind, Time, machine::Frames};

impl Forest {
    /// A worker takes jobs from these queues, up to `credit` at once.
    pub(in crate::zqueue) fn offer(&mut self, id: WorkerId, queues: &[Bytes], credit: u32) {
        let mut lists: Vec<_> = queues.iter().filter_map(|name| self.list(name)).collect();
        lists.sort_unstable();
        lists.dedup();
        lists.iter().for_each(|list| self.lists.get_mut(*list).workers += 1);
        self.turns += 1;
        let worker = Worker::new(lists, credit, self.turns);
        for list in &worker.lists {
            self.lists.set_idle(*list, worker.turn, id, worker.is_idle());
        }
        self.workers.insert(id, worker);
    }

    /// Changes a worker, which may have room or none afterwards.
    pub(super) fn with_worker<R>(&mut self, id: WorkerId, change: impl FnOnce(&mut Worker) -> R) -> Option<R> {
        let worker = self.workers.get_mut(&id)?;
        let (was_idle, turn) = (worker.is_idle(), worker.turn);
        let result = change(worker);
        if was_idle != worker.is_idle() || turn != worker.turn {
            for list in &worker.lists {
                self.lists.set_idle(*list, turn, id, false);
                if worker.is_idle() {
                    self.lists.set_idle(*list, worker.turn, id, true);
                }
            }
        }
        Some(result)
    }

    /// A worker takes no more. What it has it finishes.
    pub(in crate::zqueue) fn leaving(&mut self, id: WorkerId) {
        self.with_worker(id, |worker| worker.leaving = true);
    }

    /// A worker is lost. What it had goes to others, if it was not lost with too many; in their old places, and the one that
    /// was begun first before the others.
    pub(in crate::zqueue) fn gone(&mut self, now: Time, id: WorkerId) {
        let Some(worker) = self.workers.get(&id) else { return };
        for run in worker.runs.iter().rev().copied().collect::<Vec<_>>() {
            let Some(job) = self.running.get(&run).map(|running| running.job) else { continue };
            self.stop(run);
            self.lose(now, job);
        }
        let Some(worker) = self.workers.remove(&id) else { return };
        for list in worker.lists {
            self.lists.set_idle(list, worker.turn, id, false);
            self.lists.get_mut(list).workers -= 1;
        }
    }

    fn lose(&mut self, now: Time, id: u64) {
        let job = self.jobs.get_mut(&id).expect("what runs is there");
        job.lost = job.lost.saturating_add(1);
        let may_go_on = job.lost <= self.limits.lost;
        self.note_changed([Key::Job(id)]);
        if may_go_on {
            self.counters.redelivered += 1;
            self.enqueue(now, id, Arrival::Begun);
        } else {
            let failure = Failure::new(ErrorKind::Unreachable, "the workers that had it were lost");
            self.die(now, id, &failure, Reason::Workers);
        }
    }

    /// The next job that a worker is to have.
    pub(in crate::zqueue) fn give(&mut self, now: Time) -> Option<Given> {
        let (id, worker) = self.lists.meet()?;
        self.runs += 1;
        let run = self.runs;
        let job = &self.jobs[&id];
        if let State::Waiting(position) = job.state {
            self.lists.remove(job.list, position);
        }
        let (list, until) = (job.list, job.time_limit().map(|limit| now + limit));
        self.agenda.extend(until.map(|until| (until, Alarm::Over(run))));
        self.running.insert(run, Running { job: id, list, worker, until });
        self.set_state(now, id, State::Running(run));
        self.lists.get_mut(list).running += 1;
        self.turns += 1;
        let turn = self.turns;
        self.with_worker(worker, |worker| {
            worker.runs.insert(run);
            worker.turn = turn;
        });
        let job = &self.jobs[&id];
        let memo = || job.more.as_ref().map_or_else(Frames::new, |more| more.memo.frames());
        let resumed = job.is_resumed().then(|| (memo(), job.results()));
        let (queue, body, tries) = (self.lists.get(list).name.clone(), job.body.frames(), job.failures);
        Some(Given { worker, run, job: id, queue, body, tries: tries.saturating_add(job.lost), resumed })
    }

    /// A worker has done with a run; the job, if it had it.
    fn finish(&mut self, worker: WorkerId, run: Run) -> Result<u64, Late> {
        match self.running.get(&run) {
            Some(running) if running.worker == worker => {
                let job = running.job;
                self.stop(run);
                Ok(job)
            }
            _ => {
                self.counters.late_dropped += 1;
                Err(Late)
            }
        }
    }

    /// A worker has done a job.
    pub(in crate::zqueue) fn complete(
        &mut self,
        now: Time,
        worker: WorkerId,
        run: Run,
        body: &Frames,
    ) -> Result<(), Late> {
        let id = self.finish(worker, run)?;
        self.end(now, id, Sealed::done(body), None);
        Ok(())
    }

    /// A worker could not do a job. Perhaps it can be done `again`.
    pub(in crate::zqueue) fn fail(
        &mut self,
        now: Time,
        worker: WorkerId,
        run: Run,
        again: bool,
        failure: &Failure,
    ) -> Result<(), Late> {
        let id = self.finish(worker, run)?;
        self.failed(now, id, again, failure);
        Ok(())
    }

    fn failed(&mut self, now: Time, id: u64, again: bool, failure: &Failure) {
        let job = self.jobs.get_mut(&id).expect("what was run is there");
        job.attempts -= 1;
        job.failures = job.failures.saturating_add(1);
        if !again || job.attempts == 0 {
            return self.die(now, id, failure, Reason::Failed);
        }
        let doubled = Duration::from_millis(job.backoff.into()).saturating_mul(1 << (job.failures - 1).min(30));
        self.note_changed([Key::Job(id)]);
        self.counters.redelivered += 1;
        let pause = doubled.min(LONGEST_BACKOFF).mul_f64(0.5 + self.random.f64());
        self.delay(now, id, now + pause);
    }

    /// A job fails by itself, and is a dead letter.
    fn die(&mut self, now: Time, id: u64, failure: &Failure, reason: Reason) {
        let sealed = Sealed::failed(failure);
        let job = &self.jobs[&id];
        let (queue, body, options) = (self.lists.get(job.list).name.clone(), job.body.clone(), job.options());
        self.effects.push_back(Effect::Died { job: id, queue, body, options, sealed: sealed.clone() });
        self.end(now, id, sealed, Some(reason));
    }

    /// A worker breaks a job into others, and leaves it: it comes back when they are done. If that goes beyond a bound, the
    /// whole tree fails, and the answer is why.
    pub(in crate::zqueue) fn spawn(
        &mut self,
        now: Time,
        worker: WorkerId,
        run: Run,
        memo: &Frames,
        ordered: bool,
        children: &[Child],
    ) -> Result<Result<(), Failure>, Late> {
        let id = self.finish(worker, run)?;
        let memo = Packed::of(memo);
        if let Err(failure) = self.may_spawn(id, memo.len(), children) {
            let root = self.jobs[&id].root;
            self.end(now, root, Sealed::failed(&failure), Some(Reason::Bounds));
            return Ok(Err(failure));
        }
        self.suspend(now, id, memo, ordered);
        let (mut kids, mut alone) = (Vec::new(), Vec::new());
        for child in children {
            let kid = self.add_child(now, id, kids.len() as u32, child);
            if child.detached { alone.push(kid) } else { kids.push(kid) }
        }
        self.begin_all(now, &alone);
        self.begin_all(now, if ordered { &kids[..kids.len().min(1)] } else { &kids });
        if kids.is_empty() {
            self.enqueue(now, id, Arrival::Begun);
        }
        let job = self.jobs.get_mut(&id).expect("it was just there");
        let (list, root, weight) = (job.list, job.root, kids.len() * size_of::<Kid>());
        let more = job.more.as_mut().expect("it was suspended");
        more.open = kids.len() as u32;
        more.weight += weight;
        more.children = kids.into_iter().map(Kid::Open).collect();
        self.weigh(list, root, weight as isize);
        Ok(Ok(()))
    }

    /// Several jobs that were not begun begin; in a queue in which what comes later goes first, the last of them first.
    fn begin_all(&mut self, now: Time, jobs: &[u64]) {
        let is_backwards = |id: &&u64| self.lists.puts_children_first(self.jobs[*id].list);
        let (backwards, forwards): (Vec<u64>, Vec<u64>) = jobs.iter().partition(is_backwards);
        for id in forwards.into_iter().chain(backwards.into_iter().rev()) {
            self.begin(now, id, Arrival::Child);
        }
    }

    fn may_spawn(&mut self, id: u64, memo: usize, children: &[Child]) -> Result<(), Failure> {
        let too_large = |text| Err(Failure::new(ErrorKind::TooLarge, text));
        let bytes = bytes_of(children).saturating_add(memo);
        for child in children {
            let Some(list) = self.list(&child.queue) else { return too_large("there are too many queues") };
            if self.lists.get(list).bytes.saturating_add(bytes) > self.limits.queue_bytes {
                return too_large("the queue holds as much as it may");
            }
        }
        let (job, limits) = (&self.jobs[&id], &self.limits);
        let tree = self.trees.get(&job.root).copied().unwrap_or_else(|| Tree::of(job));
        if job.depth + 1 >= limits.depth {
            return too_large("the tree is deeper than it may be");
        }
        if children.len() > limits.children {
            return too_large("a job has more children than it may");
        }
        if tree.all + children.len() as u64 > limits.tree_jobs {
            return too_large("the tree has more jobs than it may");
        }
        if tree.bytes.saturating_add(bytes + children.len() * Job::BESIDE) > limits.tree_bytes {
            return too_large("the tree has more bytes than it may");
        }
        self.check_room(children.len(), bytes).map_err(|full| Failure { kind: ErrorKind::TooLarge, ..full })
    }

    /// A job has left its worker, and begins a new frame. What was in the old one is no more.
    fn suspend(&mut self, now: Time, id: u64, memo: Packed, ordered: bool) {
        self.set_state(now, id, State::Suspended);
        let job = self.jobs.get_mut(&id).expect("it was just there");
        let (list, root, old, count) = (job.list, job.root, job.cost(), job.children().len());
        self.trees.entry(root).or_insert_with(|| Tree::of(job));
        let more = job.more.get_or_insert_with(Box::default);
        let (key, weight) = (std::mem::take(&mut more.key), memo.len());
        **more = More { key, memo, children: Vec::new(), open: 0, ordered, is_resumed: true, weight };
        let new = job.cost();
        self.weigh(list, root, new as isize - old as isize);
        self.note_changed([Key::Job(id)]);
        self.note_results(id, count);
    }

    fn add_child(&mut self, now: Time, parent: u64, index: u32, child: &Child) -> u64 {
        let list = self.list(&child.queue).expect("it was looked for");
        let id = self.next_id();
        let Job { root, depth, .. } = *self.jobs[&parent];
        let mut job = Job::new(list, id, Packed::of(&child.body), &child.options, NOBODY, now + child.options.delay);
        (job.state, job.depth) = (State::Held, depth + 1);
        let tree = self.trees.get_mut(&root).expect("it was made before");
        tree.all += 1;
        if !child.detached {
            tree.open += 1;
            (job.parent, job.index, job.root, job.on_failure) = (parent, index, root, child.on_failure);
        }
        self.counters.accepted += 1;
        self.insert(id, job);
        id
    }

    /// What has come to its time.
    pub(in crate::zqueue) fn expire(&mut self, now: Time) {
        while let Some((at, alarm)) = self.agenda.first().copied()
            && at <= now
        {
            self.agenda.pop_first();
            match alarm {
                Alarm::Begin(id) => {
                    let job = &self.jobs[&id];
                    let was_begun = job.failures > 0 || job.is_resumed();
                    let fresh = if job.parent == 0 { Arrival::Fresh } else { Arrival::Child };
                    self.enqueue(now, id, if was_begun { Arrival::Begun } else { fresh });
                }
                Alarm::Over(run) => {
                    let Some(job) = self.running.get(&run).map(|running| running.job) else { continue };
                    if let Some(worker) = self.stop(run) {
                        self.effects.push_back(Effect::Withdraw { worker, run });
                    }
                    self.failed(now, job, true, &Failure::new(ErrorKind::Timeout, "its worker took too long"));
                }
            }
        }
    }

    /// When something will have.
    pub(in crate::zqueue) fn deadline(&self) -> Option<Time> {
        self.agenda.first().map(|(at, _)| *at)
    }
}
