//! Who answers.
//!
//! A worker connects to brokers, or binds so that clients reach it without one, or both. Either way it says which service
//! it offers and how many requests it takes at once, and answers what it is given. What it has answered it keeps until
//! the other side has it; if the other side lost its memory meanwhile, it is told again, and decides itself what the
//! answer is still good for.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use fastrand::Rng;

use super::wire::{Failure, MAGIC, Message, Number, Request, Task};
use crate::{
    Error, ErrorKind, Machine, Result, Time,
    link::{
        Arrival, Backlog, LinkId, Links, Silence,
        site::{Site, Sites},
    },
    liveness::Pace,
    machine::{Frames, Input, Output, Peer, Role, SocketId},
};

/// Bytes of answers that a broker or client has not fetched, at most.
const MAX_UNFETCHED: usize = 256 << 20;

/// How a worker is set up.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// What it offers: 1 to 255 bytes.
    pub service: Bytes,
    /// Brokers to connect to.
    pub connect: Vec<String>,
    /// Where clients reach it without a broker.
    pub bind: Option<String>,
    /// How many requests it takes at once from each broker or client.
    pub credit: u32,
    /// How many it holds at once in all; more are answered with [`ErrorKind::Full`].
    pub max_jobs: usize,
    /// How many clients may be connected at once.
    pub max_clients: usize,
    /// How a silent other side is noticed.
    pub pace: Pace,
    /// From which session numbers follow.
    pub seed: u64,
}

impl WorkerOptions {
    /// Checks what an application may get wrong.
    pub fn check(&self) -> Result<()> {
        let wrong = |text, name: &'static str| Err(Error::new(ErrorKind::InvalidArgument, text).with("option", name));
        super::check_service(&self.service)?;
        if self.credit == 0 {
            return wrong("a worker takes at least one request", "credit");
        }
        Ok(())
    }
}

/// What the application wants of a worker.
#[derive(Debug)]
pub enum WorkerCommand {
    /// Some of the answer.
    Partial {
        /// The job.
        job: u64,
        /// Some of the answer.
        body: Frames,
    },
    /// The answer, or the rest of it. The job is done.
    Reply {
        /// The job.
        job: u64,
        /// The answer.
        body: Frames,
    },
    /// It cannot be done. The job is done.
    Error {
        /// The job.
        job: u64,
        /// The application's own code.
        code: u32,
        /// The application's own words and data.
        body: Frames,
    },
    /// Take no more jobs; [`WorkerEvent::Left`] comes when those that are here are done and the answers have arrived.
    Leave,
    /// Say goodbye. What is here is lost to this worker; others will do it.
    Close,
}

/// What the application is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WorkerEvent {
    /// Do this.
    Job(Job),
    /// Nobody waits for this job any more. It must still be answered, with whatever.
    Cancelled {
        /// The job.
        job: u64,
    },
    /// Clients reach the worker here.
    Bound {
        /// With the port that the system chose.
        endpoint: String,
    },
    /// The worker cannot be reached, or no broker is left that it could reach.
    Failed(Error),
    /// All is done after [`WorkerCommand::Leave`].
    Left,
}

/// A request as a worker gets it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Job {
    /// The worker's own number for it.
    pub id: u64,
    /// What is asked for.
    pub service: Bytes,
    /// The key that the request has; may be empty.
    pub key: Bytes,
    /// The question.
    pub body: Frames,
    /// When the answer is of no more use.
    pub deadline: Time,
}

/// What a worker did so far.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct WorkerCounters {
    /// Jobs taken.
    pub accepted: u64,
    /// Jobs answered.
    pub answered: u64,
    /// Jobs here: given to the application, or waiting for it.
    pub held: u64,
    /// Jobs of which the worker was told that nobody waits any more.
    pub cancelled: u64,
    /// Answers whose client is gone.
    pub lost_asker_gone: u64,
    /// Jobs not taken because too many were here, or because the worker leaves.
    pub refused: u64,
    /// Messages that made no sense.
    pub malformed: u64,
}

/// Where a job came from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Origin {
    /// A broker, over whatever session it has with us now.
    Site(usize),
    /// A client, over this session and no other.
    Link(LinkId),
}

struct Held {
    origin: Origin,
    number: Number,
    /// What the application has not yet been given.
    job: Option<Box<Job>>,
    streamed: bool,
}

/// The server's socket.
const SERVER: SocketId = SocketId(0);

/// Answers what it is given by brokers, or by clients that connect to it.
pub struct Worker {
    options: WorkerOptions,
    identity: u64,
    links: Links,
    sites: Sites,
    jobs: BTreeMap<u64, Held>,
    numbers: BTreeMap<(Origin, Number), u64>,
    /// Jobs and other news, in order.
    events: VecDeque<News>,
    started: bool,
    leaving: bool,
    /// Since when all is done, and only to arrive.
    finished: Option<Time>,
    left: bool,
    sockets: u32,
    ids: u64,
    closed: bool,
    room: usize,
    outputs: VecDeque<Output<WorkerEvent>>,
    counters: WorkerCounters,
}

enum News {
    Job(u64),
    Other(WorkerEvent),
}

impl Worker {
    /// A worker that connects and binds once its driver says how much room there is.
    pub fn new(options: WorkerOptions) -> Self {
        let mut random = Rng::with_seed(options.seed);
        let most = Backlog { messages: 1024 + 4 * options.max_jobs, bytes: MAX_UNFETCHED };
        Self {
            identity: random.u64(1..),
            links: Links::new(MAGIC, options.pace, options.max_clients, super::FORGET, most, random.u64(..)),
            options,
            sites: Sites::default(),
            jobs: BTreeMap::new(),
            numbers: BTreeMap::new(),
            events: VecDeque::new(),
            started: false,
            leaving: false,
            finished: None,
            left: false,
            sockets: 0,
            ids: 0,
            closed: false,
            room: 0,
            outputs: VecDeque::new(),
            counters: WorkerCounters::default(),
        }
    }

    /// What it did so far.
    pub fn counters(&self) -> WorkerCounters {
        WorkerCounters { held: self.jobs.len() as u64, ..self.counters }
    }

    fn start(&mut self, now: Time) {
        self.started = true;
        if let Some(endpoint) = self.options.bind.clone() {
            self.outputs.push_back(Output::Open { socket: SERVER, role: Role::Router });
            self.outputs.push_back(Output::Bind { socket: SERVER, endpoint });
        }
        for endpoint in self.options.connect.clone() {
            let socket = self.next_socket();
            let site = Site::open(now, endpoint, socket, &mut self.links, &mut self.outputs);
            self.greet(now, site.link);
            self.links.watch(now, site.link, true);
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
        let (service, credit) = (self.options.service.clone(), self.options.credit);
        self.send(now, link, Message::Ready { responder: self.identity, credit, service });
        if self.leaving {
            self.send(now, link, Message::Leaving);
        }
    }

    fn origin_of(&self, link: LinkId) -> Origin {
        self.sites.of_link(link).map_or(Origin::Link(link), Origin::Site)
    }

    fn received(&mut self, now: Time, socket: SocketId, peer: &Peer, frames: Frames) {
        let arrival = self.links.receive(now, socket, peer, frames);
        self.sites.heard(socket);
        match arrival {
            Arrival::Opened(link) => self.greet(now, link),
            Arrival::Message { link, kind, fields, body } => match Message::decode(kind, fields, body) {
                Some(Message::Request(request)) => self.asked(now, link, request),
                Some(Message::Cancel { number }) => self.cancelled(now, link, number),
                // A broker says that it takes requests; a worker has none.
                Some(Message::Ready { .. } | Message::Leaving) => {}
                _ => self.counters.malformed += 1,
            },
            Arrival::Reset(link) | Arrival::Closed(link) => {
                match self.origin_of(link) {
                    Origin::Site(site) => self.start_over(now, site),
                    Origin::Link(link) => self.forget(link),
                }
                // A broker that ended is not waited for; one that began anew is.
                if self.finished.is_some() && matches!(arrival, Arrival::Reset(_)) {
                    self.links.ask_all(now);
                }
            }
            Arrival::Malformed => self.counters.malformed += 1,
            Arrival::Nothing | Arrival::Refused => {}
        }
    }

    fn asked(&mut self, now: Time, link: LinkId, request: Request) {
        let origin = self.origin_of(link);
        let number = request.number;
        if self.numbers.contains_key(&(origin, number)) {
            self.counters.malformed += 1;
            return;
        }
        let refused = if self.leaving {
            Some((ErrorKind::Closed, "the worker leaves"))
        } else if self.jobs.len() >= self.options.max_jobs {
            Some((ErrorKind::Full, "the worker has too many jobs"))
        } else if request.service != self.options.service {
            Some((ErrorKind::NotFound, "the worker does not offer the service"))
        } else if request.durable || request.once || request.task != Task::Ask {
            Some((ErrorKind::Unsupported, "a worker without a broker keeps no requests and no answers"))
        } else {
            None
        };
        if let Some((kind, text)) = refused {
            self.counters.refused += 1;
            return self.fail(now, link, number, kind, text);
        }
        self.counters.accepted += 1;
        self.ids += 1;
        let Request { service, key, body, remaining, .. } = request;
        let job = Job { id: self.ids, service, key, body, deadline: now + remaining };
        self.jobs.insert(self.ids, Held { origin, number, job: Some(Box::new(job)), streamed: false });
        self.numbers.insert((origin, number), self.ids);
        self.events.push_back(News::Job(self.ids));
    }

    fn fail(&mut self, now: Time, link: LinkId, number: Number, kind: ErrorKind, text: &str) {
        let retry_after = if kind == ErrorKind::Full { Duration::from_millis(10) } else { Duration::ZERO };
        let failure = Failure { kind, may_have_run: false, retry_after, text: text.to_owned() };
        self.send(now, link, Message::Failed { number, failure });
    }

    fn cancelled(&mut self, now: Time, link: LinkId, number: Number) {
        let Some(id) = self.numbers.get(&(self.origin_of(link), number)).copied() else { return };
        self.counters.cancelled += 1;
        if self.jobs.get(&id).is_some_and(|held| held.job.is_some()) {
            self.finish(id);
            self.fail(now, link, number, ErrorKind::Cancelled, "the job had not begun");
        } else {
            self.events.push_back(News::Other(WorkerEvent::Cancelled { job: id }));
        }
    }

    fn finish(&mut self, id: u64) -> Option<Held> {
        let held = self.jobs.remove(&id)?;
        self.numbers.remove(&(held.origin, held.number));
        Some(held)
    }

    fn partial(&mut self, now: Time, job: u64, body: Frames) {
        let Some(held) = self.jobs.get_mut(&job) else { return };
        held.streamed = true;
        let (number, origin) = (held.number, held.origin);
        let link = self.link_to(origin);
        self.send(now, link, Message::Partial { number, run: 1, body });
    }

    fn answer(&mut self, now: Time, job: u64, message: impl FnOnce(Number, u8) -> Message) {
        // Who asked may be gone, and the job with it.
        let Some(held) = self.finish(job) else {
            self.counters.lost_asker_gone += 1;
            return;
        };
        self.counters.answered += 1;
        self.send(now, self.link_to(held.origin), message(held.number, held.streamed.into()));
    }

    fn link_to(&self, origin: Origin) -> LinkId {
        match origin {
            Origin::Site(site) => self.sites[site].link,
            Origin::Link(link) => link,
        }
    }

    /// A client is gone: what it asked is of no use to anybody.
    fn forget(&mut self, link: LinkId) {
        self.links.remove(link);
        self.drop_jobs(Origin::Link(link));
    }

    /// Nobody waits for what came from there.
    fn drop_jobs(&mut self, origin: Origin) {
        let of_it = (origin, 0)..=(origin, Number::MAX);
        let jobs: Vec<u64> = self.numbers.range(of_it).map(|(_, id)| *id).collect();
        for id in jobs {
            let begun = self.jobs.get(&id).is_some_and(|held| held.job.is_none());
            self.finish(id);
            self.counters.cancelled += 1;
            if begun {
                self.events.push_back(News::Other(WorkerEvent::Cancelled { job: id }));
            }
        }
    }

    /// A broker has lost its memory: tells it who we are, and once more the answers that it may not have.
    fn start_over(&mut self, now: Time, site: usize) {
        let kept = self.links.remove(self.sites[site].link);
        let link = self.links.open(now, self.sites[site].socket);
        self.sites[site].link = link;
        self.greet(now, link);
        self.links.watch(now, link, true);
        for (kind, fields, body) in kept {
            if let Some(answer @ (Message::Reply { .. } | Message::Error { .. })) = Message::decode(kind, fields, body)
            {
                self.send(now, link, answer);
            }
        }
    }

    /// A socket is of no use, perhaps because a broker has turned us away. While others are left, it is as if that one could not
    /// be reached.
    fn failed(&mut self, socket: SocketId, error: Error) {
        if let Some(site) = self.sites.of_socket(socket) {
            self.drop_jobs(Origin::Site(site));
            self.sites.remove(site).close(&mut self.links, &mut self.outputs);
            if !self.sites.is_empty() || self.options.bind.is_some() {
                return;
            }
        } else if socket != SERVER {
            return;
        }
        self.events.push_back(News::Other(WorkerEvent::Failed(error)));
    }

    fn silent(&mut self, now: Time, silence: Silence) {
        match silence {
            Silence::Long(link) => {
                let Origin::Site(site) = self.origin_of(link) else { return };
                let socket = self.next_socket();
                self.sites[site].renew(now, socket, &mut self.links, &mut self.outputs);
            }
            Silence::Forgotten(link) => self.forget(link),
        }
    }

    fn leave(&mut self, now: Time) {
        if !std::mem::replace(&mut self.leaving, true) {
            for link in self.links.ids() {
                self.send(now, link, Message::Leaving);
            }
        }
    }

    /// Who does not acknowledge what he is told is of no use.
    fn give_up(&mut self, now: Time) {
        while let Some(link) = self.links.overrun() {
            match self.origin_of(link) {
                Origin::Site(site) => {
                    self.links.remove(link);
                    self.start_over(now, site);
                }
                Origin::Link(link) => self.forget(link),
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
                // It may have been cancelled before its turn came.
                News::Job(id) => match self.jobs.get_mut(&id).and_then(|held| held.job.take()) {
                    Some(job) => WorkerEvent::Job(*job),
                    None => continue,
                },
            };
            self.room -= 1;
            self.outputs.push_back(Output::Deliver(event));
        }
    }
}

impl Worker {
    /// Nothing more is done, and what is still said to it is not heard.
    fn close(&mut self) {
        self.outputs.extend(self.links.say_goodbye());
        self.closed = true;
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
                    self.start(now);
                }
            }
            Input::Command(command) => match command {
                WorkerCommand::Partial { job, body } => self.partial(now, job, body),
                WorkerCommand::Reply { job, body } => {
                    self.answer(now, job, |number, run| Message::Reply { number, run, body });
                }
                WorkerCommand::Error { job, code, body } => {
                    self.answer(now, job, |number, _| Message::Error { number, code, body });
                }
                WorkerCommand::Leave => self.leave(now),
                WorkerCommand::Close => self.close(),
            },
            Input::Message { socket, peer, frames, .. } => self.received(now, socket, &peer, frames),
            Input::Refused { token, .. } => self.links.refused(token),
            Input::Writable { socket } => self.links.writable(now, socket),
            Input::Deadline => {
                for silence in self.links.due(now) {
                    self.silent(now, silence);
                }
            }
            Input::Bound { endpoint, .. } => self.events.push_back(News::Other(WorkerEvent::Bound { endpoint })),
            Input::Failed { socket, error } => self.failed(socket, error),
            Input::Recovered { .. } | Input::Fetched { .. } | Input::Stored { .. } | Input::StoreFailed { .. } => {}
        }
        if !self.closed {
            self.give_up(now);
            self.finish_leaving(now);
            self.deliver();
        }
    }

    fn poll(&mut self) -> Option<Output<WorkerEvent>> {
        self.outputs.pop_front().or_else(|| {
            let (socket, peer, token, frames) = self.links.poll()?;
            Some(Output::Send { socket, peer, token, frames })
        })
    }

    fn deadline(&self) -> Option<Time> {
        if self.closed {
            return None;
        }
        self.links.deadline()
    }
}
