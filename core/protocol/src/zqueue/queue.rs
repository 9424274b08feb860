//! Who keeps the jobs.
//!
//! Producers and workers connect to a queue. What they say becomes a change of the `forest`; what follows from it goes back to
//! them. If there is a store, one rule holds: whatever is said to others that they may rely on (that a job is accepted, what it came
//! to) is a *promise*, and is said only when all that had changed until then is in the store. Jobs that were accepted go on
//! meanwhile, so much of what happens between two writes never needs to be written.

mod drafts;
mod look;
mod options;
mod promise;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use bytes::Bytes;

use self::{drafts::Drafts, promise::Promises};
pub use self::{
    look::{DeadLetter, Found, JobState, TreeJob},
    options::{QueueCommand, QueueEvent, QueueOptions},
};
use super::{
    counters::{Counters, QueueCounters},
    forest::{Effect, Forest, Given, Late, NOBODY, Name, WorkerId},
    options::{Failure, JobId},
    shelf::{Letter, Shelf},
    wire::{Job, Look, MAGIC, Message, Number, Progress, Push, Run},
};
use crate::{
    ErrorKind, Machine, Refusal, Time, Wall,
    link::{Arrival, Backlog, LinkId, Links, Silence},
    machine::{Frames, Input, Output, Peer, Role, SocketId},
    time::earliest,
};

/// After this long a silence, a producer is forgotten.
const FORGET: Duration = Duration::from_secs(60);
/// For so long a stored queue keeps an outcome that somebody waits for, so that he finds it when the queue comes back.
const TOLD: Duration = Duration::from_secs(60);
/// How often who watches a tree is told how far it is.
const BETWEEN_PROGRESS: Duration = Duration::from_millis(100);
/// When to push again where there was no room.
const SOON: Duration = Duration::from_millis(100);

/// The queue's socket.
const FRONT: SocketId = SocketId(0);

/// Who wants something: a producer, under its own number.
type Asker = (LinkId, Number);

/// What somebody waits for.
struct Watch {
    job: JobId,
    /// What was last told of how far it is, if that is wanted.
    told: Option<Progress>,
}

/// Keeps jobs, gives them to workers, and tells what they come to.
pub struct Queue {
    options: QueueOptions,
    links: Links,
    forest: Forest,
    shelf: Shelf,
    promises: Promises,
    drafts: Drafts,
    workers: BTreeMap<LinkId, WorkerId>,
    links_of: BTreeMap<WorkerId, LinkId>,
    /// How many workers have come.
    arrived: u64,
    /// Who waits to hear that a job is accepted.
    pushers: BTreeMap<JobId, Vec<Asker>>,
    watches: BTreeMap<Asker, Watch>,
    watchers: BTreeSet<(JobId, Asker)>,
    /// When who is told next.
    progress: BTreeSet<(Time, Asker)>,
    started: bool,
    /// The store has been read, or there is none.
    ready: bool,
    draining: bool,
    /// Since when all that it has to say is said.
    finished: Option<Time>,
    drained: bool,
    closed: bool,
    room: usize,
    events: VecDeque<QueueEvent>,
    outputs: VecDeque<Output<QueueEvent>>,
    counters: Counters,
    refused_peers: u64,
}

impl Queue {
    /// A queue that binds once its driver says how much room there is.
    pub fn new(options: QueueOptions) -> Self {
        let mut random = fastrand::Rng::with_seed(options.seed);
        let most = Backlog { messages: 1024 + 4 * options.max_per_peer as usize, bytes: options.limits.bytes };
        Self {
            links: Links::new(MAGIC, options.pace, options.max_peers, FORGET, most, random.u64(..)),
            forest: Forest::new(&options, random.u64(..)),
            shelf: Shelf::new(options.shelf, options.is_stored),
            promises: Promises::new(options.is_stored),
            drafts: Drafts::new(options.drafts),
            options,
            workers: BTreeMap::new(),
            links_of: BTreeMap::new(),
            arrived: 0,
            pushers: BTreeMap::new(),
            watches: BTreeMap::new(),
            watchers: BTreeSet::new(),
            progress: BTreeSet::new(),
            started: false,
            ready: false,
            draining: false,
            finished: None,
            drained: false,
            closed: false,
            room: 0,
            events: VecDeque::new(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
            refused_peers: 0,
        }
    }

    /// What became of the jobs so far.
    pub fn counters(&self) -> Counters {
        let (kept, dead, bytes) = self.shelf.counts();
        let jobs = self.forest.counters();
        Counters {
            refused_full: self.counters.refused_full,
            refused_other: self.counters.refused_other,
            duplicates: self.counters.duplicates,
            malformed: self.counters.malformed,
            kept: kept as u64,
            dead: dead as u64,
            bytes: jobs.bytes + bytes as u64,
            ..jobs
        }
    }

    /// The same of each queue, by name.
    pub fn queues(&self, now: Time) -> Vec<QueueCounters> {
        self.forest.queues(now)
    }

    /// How many peers were turned away because too many were there.
    pub fn refused_peers(&self) -> u64 {
        self.refused_peers
    }

    /// Workers connected now.
    pub fn workers(&self) -> usize {
        self.workers.len()
    }

    /// Whether all has ended after [`QueueCommand::Drain`].
    pub fn is_drained(&self) -> bool {
        self.drained
    }

    fn bind(&mut self) {
        self.ready = true;
        self.outputs.push_back(Output::Open { socket: FRONT, role: Role::Router });
        let binds = self.options.bind.iter().cloned();
        self.outputs.extend(binds.map(|endpoint| Output::Bind { socket: FRONT, endpoint }));
    }

    fn send(&mut self, now: Time, link: LinkId, message: Message) {
        let (kind, fields, body) = message.encode();
        self.links.send(now, link, kind, &fields, body);
    }

    /// Says something that is to be relied on.
    fn promise(&mut self, link: LinkId, message: Message) {
        self.promises.tell(link, message);
    }

    fn refuse(&mut self, now: Time, (link, number): Asker, refusal: Refusal) {
        match refusal.kind {
            ErrorKind::Full => self.counters.refused_full += 1,
            _ => self.counters.refused_other += 1,
        }
        self.send(now, link, Message::Refused { number, refusal });
    }

    fn received(&mut self, now: Time, socket: SocketId, peer: &Peer, frames: Frames) {
        match self.links.receive(now, socket, peer, frames) {
            Arrival::Message { link, kind, fields, body } => match Message::decode(kind, fields, body) {
                Some(message) => self.said(now, link, message),
                None => self.counters.malformed += 1,
            },
            Arrival::Reset(link) | Arrival::Closed(link) => self.lose(now, link),
            Arrival::Malformed => self.counters.malformed += 1,
            Arrival::Refused => self.refused_peers += 1,
            Arrival::Opened(_) | Arrival::Nothing => {}
        }
    }

    fn said(&mut self, now: Time, link: LinkId, message: Message) {
        let worker = self.workers.get(&link).copied();
        match (message, worker) {
            (Message::Push(push), _) => self.pushed(now, link, push),
            (Message::Part { number, body }, _) => {
                if let Err(refusal) = self.drafts.add(now, (link, number), body) {
                    self.refuse(now, (link, number), refusal);
                }
            }
            (Message::Execute { number }, _) => match self.drafts.take((link, number)) {
                Some(push) => self.admit(now, link, push),
                None => self.refuse(now, (link, number), Refusal::new(ErrorKind::NotFound, "no such job was begun")),
            },
            (Message::Forget { number }, _) => {
                self.drafts.take((link, number));
                self.forget((link, number));
            }
            (Message::Cancel { number, job }, _) => self.cancel(now, (link, number), job),
            (Message::Watch { number, job, progress }, _) => self.watch(now, (link, number), job, progress),
            (Message::Look { number, what }, _) => self.look(now, (link, number), &what),
            (Message::Requeue { number, letter }, _) => self.requeue(now, (link, number), letter),
            (Message::Ready { credit, queues }, None) if !queues.is_empty() => self.offered(now, link, credit, &queues),
            (Message::Leaving, Some(worker)) => self.forest.leaving(worker),
            (Message::Complete { run, body }, Some(worker)) => {
                let heard = self.forest.complete(now, worker, run, &body);
                self.heard(now, link, run, heard.map(Ok));
            }
            (Message::Fail { run, again, code, body }, Some(worker)) => {
                let failure = Failure { kind: ErrorKind::JobFailed, code, body };
                let heard = self.forest.fail(now, worker, run, again, &failure);
                self.heard(now, link, run, heard.map(Ok));
            }
            (Message::Spawn { run, ordered, memo, children }, Some(worker)) => {
                let heard = self.forest.spawn(now, worker, run, &memo, ordered, &children);
                self.heard(now, link, run, heard);
            }
            _ => self.counters.malformed += 1,
        }
    }

    /// A worker hears if what it said was of no use.
    fn heard(&mut self, now: Time, link: LinkId, run: Run, heard: Result<Result<(), Failure>, Late>) {
        let refusal = match heard {
            Ok(Ok(())) => return,
            Ok(Err(failure)) => Refusal::from(&failure),
            Err(Late) => Refusal::new(ErrorKind::WrongState, "the worker does not have this job any more"),
        };
        self.send(now, link, Message::Rejected { run, refusal });
    }

    fn pushed(&mut self, now: Time, link: LinkId, push: Push) {
        let asker = (link, push.number);
        if push.draft {
            if let Err(refusal) = self.drafts.begin(now, asker, push) {
                self.refuse(now, asker, refusal);
            }
        } else {
            self.admit(now, link, push);
        }
    }

    fn admit(&mut self, now: Time, link: LinkId, push: Push) {
        let Push { number, producer, watch, queue, mut options, body, .. } = push;
        if watch {
            options.keep = self.keep_told(options.keep);
        }
        let (asker, origin) = ((link, number), (producer, number));
        let name = Name { origin, queue, key: options.key.clone() };
        if let Some(job) = self.forest.find(&name) {
            return self.known(now, asker, job, watch);
        }
        if let Some(job) = self.shelf.find(&name) {
            return self.ended_before(asker, job, watch);
        }
        if self.draining {
            return self.refuse(now, asker, Refusal::new(ErrorKind::Closed, "the queue takes no more jobs"));
        }
        match self.forest.admit(now, origin, &name.queue, &body, &options) {
            Ok(job) => self.admitted(now, asker, job, watch),
            Err(failure) => self.refuse(now, asker, full(&failure)),
        }
    }

    /// How long an outcome is kept that somebody waits for.
    fn keep_told(&self, keep: Duration) -> Duration {
        if self.options.is_stored { keep.max(TOLD) } else { keep }
    }

    fn admitted(&mut self, now: Time, asker: Asker, job: JobId, watch: bool) {
        self.pushers.entry(job).or_default().push(asker);
        self.promises.accept(job);
        if watch {
            self.begin_watch(now, asker, job, false);
        }
    }

    /// Somebody pushed what is there.
    fn known(&mut self, now: Time, asker: Asker, job: JobId, watch: bool) {
        self.counters.duplicates += 1;
        if self.forest.is_new(job) {
            self.pushers.entry(job).or_default().push(asker);
        } else {
            self.promise(asker.0, Message::Accepted { number: asker.1, job, known: true });
        }
        if watch {
            self.begin_watch(now, asker, job, false);
        }
    }

    fn ended_before(&mut self, (link, number): Asker, job: JobId, watch: bool) {
        self.counters.duplicates += 1;
        self.promise(link, Message::Accepted { number, job, known: true });
        if watch && let Some(sealed) = self.shelf.outcome(job) {
            let outcome = sealed.open();
            self.promise(link, Message::Ended { number, outcome });
        }
    }

    fn begin_watch(&mut self, now: Time, asker: Asker, job: JobId, progress: bool) {
        self.forget(asker);
        let told = progress.then(Progress::default);
        if progress {
            self.progress.insert((now, asker));
        }
        self.watches.insert(asker, Watch { job, told });
        self.watchers.insert((job, asker));
        self.forest.watch(job, true);
    }

    /// Who asked does not want to hear of it any more.
    fn forget(&mut self, asker: Asker) {
        let Some(Watch { job, .. }) = self.watches.remove(&asker) else { return };
        self.watchers.remove(&(job, asker));
        if self.watchers.range(all_of(job)).next().is_none() {
            self.forest.watch(job, false);
        }
    }

    fn watch(&mut self, now: Time, asker: Asker, job: JobId, progress: bool) {
        if self.forest.contains(job) {
            return self.begin_watch(now, asker, job, progress);
        }
        match self.shelf.outcome(job) {
            Some(sealed) => {
                let outcome = sealed.open();
                self.promise(asker.0, Message::Ended { number: asker.1, outcome });
            }
            None => self.refuse(now, asker, unknown()),
        }
    }

    fn cancel(&mut self, now: Time, asker: Asker, job: JobId) {
        if self.forest.cancel(now, job) {
            self.promise(asker.0, Message::Accepted { number: asker.1, job, known: true });
        } else if self.shelf.outcome(job).is_some() {
            self.refuse(now, asker, Refusal::new(ErrorKind::WrongState, "the job has ended"));
        } else {
            self.refuse(now, asker, unknown());
        }
    }

    fn requeue(&mut self, now: Time, asker: Asker, letter: JobId) {
        let Some(Letter { queue, body, options, sealed }) = self.shelf.take_letter(letter) else {
            return self.refuse(now, asker, unknown());
        };
        let name = Name { origin: NOBODY, queue: queue.clone(), key: options.key.clone() };
        let refusal = match self.forest.find(&name) {
            Some(_) => Refusal::new(ErrorKind::WrongState, "a job with the same key is there"),
            None => match self.forest.admit(now, NOBODY, &queue, &body.frames(), &options) {
                Ok(job) => return self.admitted(now, asker, job, false),
                Err(failure) => full(&failure),
            },
        };
        self.shelf.bury(letter, Letter { queue, body, options, sealed });
        self.refuse(now, asker, refusal);
    }

    fn offered(&mut self, now: Time, link: LinkId, credit: u32, queues: &[Bytes]) {
        self.arrived += 1;
        let id = WorkerId(self.arrived);
        self.workers.insert(link, id);
        self.links_of.insert(id, link);
        self.links.watch(now, link, true);
        self.forest.offer(id, queues, credit.min(self.options.max_per_peer));
    }

    /// A peer is gone, or has forgotten us. What a worker had goes to others; what a producer pushed stays.
    fn lose(&mut self, now: Time, link: LinkId) {
        if let Some(worker) = self.workers.remove(&link) {
            self.links_of.remove(&worker);
            self.forest.gone(now, worker);
        }
        let asked = self.watches.range((link, 0)..=(link, Number::MAX)).map(|(asker, _)| *asker);
        for asker in asked.collect::<Vec<_>>() {
            self.forget(asker);
        }
        self.drafts.drop_all_of(link);
        self.promises.drop_all_of(link);
        self.pushers.values_mut().for_each(|askers| askers.retain(|(of, _)| *of != link));
        self.links.remove(link);
    }

    fn act(&mut self, now: Time) {
        loop {
            while let Some(given) = self.forest.give(now) {
                self.give(now, given);
            }
            let Some(effect) = self.forest.effect() else { break };
            self.follow(now, effect);
        }
        self.keep_promises(now);
        while let Some(link) = self.links.overrun() {
            self.lose(now, link);
            self.act(now);
        }
        self.finish_draining(now);
        while self.room > 0
            && let Some(event) = self.events.pop_front()
        {
            self.room -= 1;
            self.outputs.push_back(Output::Deliver(event));
        }
    }

    fn give(&mut self, now: Time, given: Given) {
        let Given { worker, run, job, queue, body, tries, resumed } = given;
        if let Some(link) = self.links_of.get(&worker).copied() {
            self.send(now, link, Message::Job(Job { run, job, tries, queue, body, resumed }));
        }
    }

    fn follow(&mut self, now: Time, effect: Effect) {
        match effect {
            Effect::Ended { job, sealed, is_watched, keep, name } => {
                let outcome = sealed.open();
                for (_, asker) in self.watchers.range(all_of(job)).copied().collect::<Vec<_>>() {
                    self.forget(asker);
                    self.promise(asker.0, Message::Ended { number: asker.1, outcome: outcome.clone() });
                }
                // Who is told may not hear it, if the queue dies now.
                let keep = if is_watched { self.keep_told(keep) } else { keep };
                if !keep.is_zero() {
                    self.shelf.keep(job, sealed, now + keep, name);
                }
            }
            Effect::Died { job, queue, body, options, sealed } => {
                self.shelf.bury(job, Letter { queue, body, options, sealed });
            }
            Effect::Withdraw { worker, run } => {
                if let Some(link) = self.links_of.get(&worker).copied() {
                    self.send(now, link, Message::Withdrawn { run });
                }
            }
        }
    }

    /// Tells who watches a tree how far it is, if that has changed.
    fn tell_progress(&mut self, now: Time) {
        while let Some((at, asker)) = self.progress.first().copied()
            && at <= now
        {
            self.progress.pop_first();
            let Some(watch) = self.watches.get_mut(&asker) else { continue };
            let Some(tree) = self.forest.tree(watch.job) else { continue };
            self.progress.insert((now + BETWEEN_PROGRESS, asker));
            let is = Progress { open: tree.open, done: tree.done, failed: tree.failed };
            if watch.told.replace(is) != Some(is) {
                self.send(now, asker.0, Message::Progress { number: asker.1, progress: is });
            }
        }
    }

    /// It is drained once nothing is left to be done, and what was said of it has arrived, or who waits for it is silent for too long.
    fn finish_draining(&mut self, now: Time) {
        if !self.draining || self.drained || self.forest.len() > 0 || !self.promises.is_idle() {
            return;
        }
        if self.finished.is_none() {
            self.links.ask_all(now);
        }
        let since = *self.finished.get_or_insert(now);
        if self.links.have_arrived(now, since) {
            self.drained = true;
            self.events.push_back(QueueEvent::Drained);
        }
    }

    fn recovered(&mut self, now: Time, date: Wall, records: Vec<(Bytes, Bytes)>) {
        match self.read_records(now, date, records) {
            Ok(()) => self.bind(),
            Err(error) => self.events.push_back(QueueEvent::Failed(error)),
        }
    }

    /// Nothing more is done, and what is still said to it is not heard.
    fn close(&mut self) {
        self.outputs.extend(self.links.say_goodbye());
        self.closed = true;
    }
}

/// Everybody who watches a job.
fn all_of(job: JobId) -> std::ops::RangeInclusive<(JobId, Asker)> {
    (job, (LinkId::MIN, 0))..=(job, (LinkId::MAX, Number::MAX))
}

fn unknown() -> Refusal {
    Refusal::new(ErrorKind::NotFound, "the queue knows no such job")
}

fn full(failure: &Failure) -> Refusal {
    Refusal { retry_after: SOON, ..Refusal::from(failure) }
}

impl Machine for Queue {
    type Command = QueueCommand;
    type Event = QueueEvent;

    fn handle(&mut self, now: Time, input: Input<QueueCommand>) {
        if self.closed {
            return;
        }
        match input {
            Input::Room(room) => {
                self.room = room;
                if !std::mem::replace(&mut self.started, true) {
                    match self.options.is_stored {
                        true => self.outputs.push_back(Output::Recover),
                        false => self.bind(),
                    }
                }
            }
            Input::Command(QueueCommand::Drain) => self.draining = true,
            Input::Command(QueueCommand::Close) => self.close(),
            Input::Message { socket, peer, frames, .. } => self.received(now, socket, &peer, frames),
            Input::Refused { token, .. } => self.links.refused(token),
            Input::Writable { socket } => self.links.writable(now, socket),
            Input::Deadline => {
                for silence in self.links.due(now) {
                    match silence {
                        Silence::Long(link) if !self.workers.contains_key(&link) => {}
                        Silence::Long(link) | Silence::Forgotten(link) => self.lose(now, link),
                    }
                }
                self.forest.expire(now);
                self.shelf.expire(now);
                self.drafts.expire(now);
                self.tell_progress(now);
            }
            Input::Bound { endpoint, .. } => self.events.push_back(QueueEvent::Bound { endpoint }),
            Input::Failed { error, .. } => self.events.push_back(QueueEvent::Failed(error)),
            Input::Recovered { date, records } => self.recovered(now, date, records),
            Input::Stored { up_to } => self.stored(now, up_to),
            Input::StoreFailed { up_to, error } => self.store_failed(now, up_to, error),
            Input::Fetched { .. } => {}
        }
        if !self.closed {
            self.act(now);
        }
    }

    fn poll(&mut self) -> Option<Output<QueueEvent>> {
        self.outputs.pop_front().or_else(|| {
            let (socket, peer, token, frames) = self.links.poll()?;
            Some(Output::Send { socket, peer, token, frames })
        })
    }

    fn deadline(&self) -> Option<Time> {
        if self.closed {
            return None;
        }
        let progress = self.progress.first().map(|(at, _)| *at);
        let kept = earliest([self.forest.deadline(), self.shelf.deadline(), self.drafts.deadline()]);
        earliest([self.links.deadline(), kept, progress, self.promises.deadline()])
    }
}
