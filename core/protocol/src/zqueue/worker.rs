//! Who does jobs.
//!
//! A worker connects to queues, says of which names it takes jobs and how many at once, and says of each that it is done, that it
//! failed, or what must be done before it can go on. Of a queue that has started anew it has no jobs any more: they are given to
//! somebody again.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use fastrand::Rng;

use super::{
    options::{Child, ChildOutcome, JobId, check_queue},
    wire::{Job, MAGIC, Message, Run},
};
use crate::{
    Error, ErrorKind, Machine, Refusal, Result, Time,
    link::{
        Arrival, Backlog, LinkId, Links, Silence,
        site::{Site, Sites},
    },
    liveness::Pace,
    machine::{Frames, Input, Output, Peer, SocketId},
};

/// How many jobs that were done it remembers, in case a queue has something to say of them.
const REMEMBERED: usize = 1024;

/// How a worker is set up.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Queues to connect to.
    pub connect: Vec<String>,
    /// Of which names it takes jobs.
    pub queues: Vec<Bytes>,
    /// How many it has at once, of each that it is connected to.
    pub credit: u32,
    /// How a silent queue is noticed, and how soon a queue notices that this worker is silent.
    pub pace: Pace,
    /// Bytes of what a queue has not taken.
    pub max_bytes: usize,
    /// From which session numbers follow.
    pub seed: u64,
}

impl WorkerOptions {
    /// Checks what an application may get wrong.
    pub fn check(&self) -> Result<()> {
        let wrong = |text, name: &'static str| Err(Error::new(ErrorKind::InvalidArgument, text).with("option", name));
        if self.queues.is_empty() || self.queues.len() > 100 {
            return wrong("a worker takes jobs from 1 to 100 queues", "queues");
        }
        self.queues.iter().try_for_each(|queue| check_queue(queue))?;
        if self.credit == 0 {
            return wrong("a worker takes at least one job", "credit");
        }
        Ok(())
    }
}

/// What the application wants of a worker.
#[derive(Debug)]
pub enum WorkerCommand {
    /// The job is done.
    Complete {
        /// The job.
        id: u64,
        /// What it came to.
        body: Frames,
    },
    /// The job could not be done.
    Fail {
        /// The job.
        id: u64,
        /// It may be tried again.
        again: bool,
        /// The application's own code.
        code: u32,
        /// The application's own words and data.
        body: Frames,
    },
    /// Do these first; then give the job to anybody, with what is needed to go on.
    Spawn {
        /// The job.
        id: u64,
        /// One after the other.
        ordered: bool,
        /// What is needed to go on.
        memo: Frames,
        /// These.
        children: Vec<Child>,
    },
    /// Take no more; [`WorkerEvent::Left`] comes when what is here is done, and that has arrived.
    Leave,
    /// Say goodbye. What is here others will do.
    Close,
}

/// What the application is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WorkerEvent {
    /// Do this.
    Job(Box<WorkerJob>),
    /// Nobody wants this job any more, or another has it. Whatever is said of it is dropped.
    Withdrawn {
        /// The job.
        id: u64,
    },
    /// What was said of this job was not heard.
    Rejected {
        /// The job.
        id: u64,
        /// Why.
        refusal: Refusal,
    },
    /// No queue is left that the worker could reach.
    Failed(Error),
    /// All is done after [`WorkerCommand::Leave`].
    Left,
}

/// A job as a program gets it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerJob {
    /// The worker's own number for it.
    pub ticket: u64,
    /// The queue's number for it.
    pub id: JobId,
    /// The queue in which it was.
    pub queue: Bytes,
    /// How often it was given to a worker before, and not done.
    pub tries: u8,
    /// What is to be done.
    pub body: Frames,
    /// What it left when it spawned, and what its children came to.
    pub resumed: Option<(Frames, Vec<ChildOutcome>)>,
}

/// What a worker did so far.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct WorkerCounters {
    /// Jobs taken.
    pub accepted: u64,
    /// Jobs done.
    pub completed: u64,
    /// Jobs that failed.
    pub failed: u64,
    /// Jobs that were broken into others.
    pub spawned: u64,
    /// Jobs that are here.
    pub held: u64,
    /// Jobs that were taken back.
    pub withdrawn: u64,
    /// What was said of jobs, and was not heard.
    pub rejected: u64,
    /// Messages that made no sense.
    pub malformed: u64,
}

struct Held {
    site: usize,
    run: Run,
    /// What the application has not yet been given.
    job: Option<Box<WorkerJob>>,
}

enum News {
    Job(u64),
    Other(WorkerEvent),
}

/// Does the jobs of the queues it is connected to.
pub struct Worker {
    options: WorkerOptions,
    links: Links,
    sites: Sites,
    started: bool,
    jobs: BTreeMap<u64, Held>,
    runs: BTreeMap<(usize, Run), u64>,
    /// What was said of, last.
    ended: VecDeque<(usize, Run, u64)>,
    ids: u64,
    sockets: u32,
    leaving: bool,
    /// Since when all is done, and only to arrive.
    finished: Option<Time>,
    left: bool,
    closed: bool,
    room: usize,
    events: VecDeque<News>,
    outputs: VecDeque<Output<WorkerEvent>>,
    counters: WorkerCounters,
}

impl Worker {
    /// A worker that connects once its driver says how much room there is.
    pub fn new(options: WorkerOptions) -> Self {
        let mut random = Rng::with_seed(options.seed);
        let most = Backlog { messages: 1024 + 4 * options.credit as usize, bytes: options.max_bytes };
        Self {
            links: Links::new(MAGIC, options.pace, 0, options.pace.patience(), most, random.u64(..)),
            options,
            sites: Sites::default(),
            started: false,
            jobs: BTreeMap::new(),
            runs: BTreeMap::new(),
            ended: VecDeque::new(),
            ids: 0,
            sockets: 0,
            leaving: false,
            finished: None,
            left: false,
            closed: false,
            room: 0,
            events: VecDeque::new(),
            outputs: VecDeque::new(),
            counters: WorkerCounters::default(),
        }
    }

    /// What it did so far.
    pub fn counters(&self) -> WorkerCounters {
        WorkerCounters { held: self.jobs.len() as u64, ..self.counters }
    }

    fn connect(&mut self, now: Time) {
        self.started = true;
        for endpoint in self.options.connect.clone() {
            let socket = self.next_socket();
            let site = Site::open(now, endpoint, socket, &mut self.links, &mut self.outputs);
            self.greet(now, site.link);
            self.sites.add(site);
        }
    }

    fn next_socket(&mut self) -> SocketId {
        self.sockets += 1;
        SocketId(self.sockets)
    }

    fn send(&mut self, now: Time, link: LinkId, message: Message) {
        let (kind, fields, body) = message.encode();
        self.links.send(now, link, kind, &fields, body);
    }

    fn greet(&mut self, now: Time, link: LinkId) {
        let (credit, queues) = (self.options.credit, self.options.queues.clone());
        self.send(now, link, Message::Ready { credit, queues });
        if self.leaving {
            self.send(now, link, Message::Leaving);
        }
        self.links.watch(now, link, true);
    }

    fn received(&mut self, now: Time, socket: SocketId, peer: &Peer, frames: Frames) {
        let arrival = self.links.receive(now, socket, peer, frames);
        self.sites.heard(socket);
        match arrival {
            Arrival::Message { link, kind, fields, body } => {
                let Some(site) = self.sites.of_link(link) else { return };
                match Message::decode(kind, fields, body) {
                    Some(Message::Job(job)) => self.given(site, job),
                    Some(Message::Withdrawn { run }) => self.withdrawn(site, run),
                    Some(Message::Rejected { run, refusal }) => self.rejected(site, run, refusal),
                    _ => self.counters.malformed += 1,
                }
            }
            Arrival::Reset(link) | Arrival::Closed(link) => {
                if let Some(site) = self.sites.of_link(link) {
                    self.start_over(now, site);
                }
            }
            Arrival::Malformed => self.counters.malformed += 1,
            Arrival::Opened(_) | Arrival::Nothing | Arrival::Refused => {}
        }
    }

    fn given(&mut self, site: usize, job: Job) {
        let Job { run, job, tries, queue, body, resumed } = job;
        if self.runs.contains_key(&(site, run)) {
            self.counters.malformed += 1;
            return;
        }
        self.ids += 1;
        let id = self.ids;
        self.counters.accepted += 1;
        let job = Box::new(WorkerJob { ticket: id, id: job, queue, tries, body, resumed });
        self.jobs.insert(id, Held { site, run, job: Some(job) });
        self.runs.insert((site, run), id);
        self.events.push_back(News::Job(id));
    }

    fn withdrawn(&mut self, site: usize, run: Run) {
        let Some(id) = self.runs.get(&(site, run)).copied() else { return };
        self.counters.withdrawn += 1;
        if let Some(Held { job: None, .. }) = self.finish(id) {
            self.events.push_back(News::Other(WorkerEvent::Withdrawn { id }));
        }
    }

    fn rejected(&mut self, site: usize, run: Run, refusal: Refusal) {
        self.counters.rejected += 1;
        let said = self.ended.iter().rev().find(|(of, which, _)| (*of, *which) == (site, run));
        if let Some((_, _, id)) = said.copied() {
            self.events.push_back(News::Other(WorkerEvent::Rejected { id, refusal }));
        }
    }

    fn finish(&mut self, id: u64) -> Option<Held> {
        let held = self.jobs.remove(&id)?;
        self.runs.remove(&(held.site, held.run));
        Some(held)
    }

    /// Says something of a job that ends it here.
    fn say(&mut self, now: Time, id: u64, message: impl FnOnce(Run) -> Message) {
        // It may have been withdrawn, of which the application hears.
        let Some(Held { site, run, .. }) = self.finish(id) else {
            self.counters.rejected += 1;
            return;
        };
        if self.ended.len() >= REMEMBERED {
            self.ended.pop_front();
        }
        self.ended.push_back((site, run, id));
        let message = message(run);
        match &message {
            Message::Complete { .. } => self.counters.completed += 1,
            Message::Fail { .. } => self.counters.failed += 1,
            _ => self.counters.spawned += 1,
        }
        self.send(now, self.sites[site].link, message);
    }

    /// A queue has lost its memory, or says that it has ended: nothing that it gave is of use.
    fn start_over(&mut self, now: Time, site: usize) {
        self.drop_jobs(site);
        self.links.remove(self.sites[site].link);
        let link = self.links.open(now, self.sites[site].socket);
        self.sites[site].link = link;
        self.greet(now, link);
    }

    /// What a queue gave is of no use any more.
    fn drop_jobs(&mut self, site: usize) {
        let of_it: Vec<Run> = self.runs.range((site, 0)..=(site, Run::MAX)).map(|((_, run), _)| *run).collect();
        of_it.into_iter().for_each(|run| self.withdrawn(site, run));
        self.ended.retain(|(of, ..)| *of != site);
    }

    /// A socket is of no use, perhaps because a queue has turned us away. While others are left, it is as if that one could not
    /// be reached.
    fn failed(&mut self, socket: SocketId, error: Error) {
        let Some(site) = self.sites.of_socket(socket) else { return };
        self.drop_jobs(site);
        self.sites.remove(site).close(&mut self.links, &mut self.outputs);
        if self.sites.is_empty() {
            self.events.push_back(News::Other(WorkerEvent::Failed(error)));
        }
    }

    fn silent(&mut self, now: Time, link: LinkId) {
        let socket = self.next_socket();
        if let Some(site) = self.sites.of_link(link) {
            self.sites[site].renew(now, socket, &mut self.links, &mut self.outputs);
        }
    }

    fn leave(&mut self, now: Time) {
        if !std::mem::replace(&mut self.leaving, true) {
            for link in self.links.ids() {
                self.send(now, link, Message::Leaving);
            }
        }
    }

    /// It has left once all is done and has arrived, or those who do not say so are silent for too long.
    fn finish_leaving(&mut self, now: Time) {
        if !self.leaving || self.left || !self.jobs.is_empty() {
            return;
        }
        if self.finished.is_none() {
            self.links.ask_all(now);
        }
        let since = *self.finished.get_or_insert(now);
        if self.links.have_arrived(now, since) {
            self.left = true;
            self.events.push_back(News::Other(WorkerEvent::Left));
        }
    }

    fn deliver(&mut self) {
        while self.room > 0
            && let Some(news) = self.events.pop_front()
        {
            let event = match news {
                News::Other(event) => event,
                // It may have been withdrawn before its turn came.
                News::Job(id) => match self.jobs.get_mut(&id).and_then(|held| held.job.take()) {
                    Some(job) => WorkerEvent::Job(job),
                    None => continue,
                },
            };
            self.room -= 1;
            self.outputs.push_back(Output::Deliver(event));
        }
    }
}

impl Machine for Worker {
    type Command = WorkerCommand;
    type Event = WorkerEvent;

    fn handle(&mut self, now: Time, input: Input<WorkerCommand>) {
        if self.closed {
            return;
        }
        match input {
            Input::Room(room) => {
                self.room = room;
                if !self.started {
                    self.connect(now);
                }
            }
            Input::Command(command) => match command {
                WorkerCommand::Complete { id, body } => self.say(now, id, |run| Message::Complete { run, body }),
                WorkerCommand::Fail { id, again, code, body } => {
                    self.say(now, id, |run| Message::Fail { run, again, code, body });
                }
                WorkerCommand::Spawn { id, ordered, memo, children } => {
                    self.say(now, id, |run| Message::Spawn { run, ordered, memo, children });
                }
                WorkerCommand::Leave => self.leave(now),
                WorkerCommand::Close => {
                    self.outputs.extend(self.links.say_goodbye());
                    self.closed = true;
                    return;
                }
            },
            Input::Message { socket, peer, frames, .. } => self.received(now, socket, &peer, frames),
            Input::Refused { token, .. } => self.links.refused(token),
            Input::Writable { socket } => self.links.writable(now, socket),
            Input::Deadline => {
                for silence in self.links.due(now) {
                    if let Silence::Long(link) = silence {
                        self.silent(now, link);
                    }
                }
            }
            Input::Failed { socket, error } => self.failed(socket, error),
            Input::Bound { .. }
            | Input::Recovered { .. }
            | Input::Fetched { .. }
            | Input::Stored { .. }
            | Input::StoreFailed { .. } => {}
        }
        while let Some(link) = self.links.overrun() {
            match self.sites.of_link(link) {
                Some(site) => self.start_over(now, site),
                None => drop(self.links.remove(link)),
            }
        }
        self.finish_leaving(now);
        self.deliver();
    }

    fn poll(&mut self) -> Option<Output<WorkerEvent>> {
        self.outputs.pop_front().or_else(|| {
            let (socket, peer, token, frames) = self.links.poll()?;
            Some(Output::Send { socket, peer, token, frames })
        })
    }

    fn deadline(&self) -> Option<Time> {
        if self.closed { None } else { self.links.deadline() }
    }
}
