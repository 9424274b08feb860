//! Who pushes jobs.
//!
//! A producer keeps what it wants until that is answered, and wants it again of a queue that has started anew. A push carries the
//! producer's own number, so a queue that has it already says so instead of taking it twice.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use fastrand::Rng;

use super::{
    options::{JobId, JobOptions, Outcome, check_queue},
    queue::Found,
    wire::{Look, MAGIC, Message, Progress, Push},
};
use crate::{
    Error, ErrorKind, Machine, Refusal, Result, Time,
    link::{
        Arrival, Backlog, LinkId, Links, Silence,
        site::{self, Site},
    },
    liveness::Pace,
    machine::{Frames, Input, Output, Peer, SocketId},
    time::earliest,
};

/// How a producer is set up.
#[derive(Clone, Debug)]
pub struct ProducerOptions {
    /// The queue to connect to.
    pub endpoint: String,
    /// How a silent queue is noticed.
    pub pace: Pace,
    /// What it may wait for at once.
    pub max_calls: usize,
    /// Bytes of jobs that are not accepted yet.
    pub max_bytes: usize,
    /// From which session numbers follow.
    pub seed: u64,
}

/// What the application wants of a producer. Each has a number, an `id`, that is used once.
#[derive(Debug)]
pub enum ProducerCommand {
    /// Push a job.
    Push {
        /// By which the events belong to it.
        id: u64,
        /// The queue in which it waits.
        queue: Bytes,
        /// What is to be done.
        body: Frames,
        /// How.
        options: JobOptions,
        /// What it comes to is of interest: [`ProducerEvent::Ended`].
        watch: bool,
        /// There is more of it: [`Part`](Self::Part), and then [`Execute`](Self::Execute) or [`Forget`](Self::Forget).
        draft: bool,
        /// How long it may take until it is accepted; if there is more of it, from when it is whole.
        patience: Duration,
    },
    /// More of a job that was not pushed whole.
    Part {
        /// Which.
        id: u64,
        /// More of its body.
        body: Frames,
    },
    /// It is whole; do it.
    Execute {
        /// Which.
        id: u64,
    },
    /// Nothing more is told of this. A job that was not pushed whole is dropped; one that was is done all the same.
    Forget {
        /// What.
        id: u64,
    },
    /// What is answered once.
    Ask {
        /// By which the event belongs to it.
        id: u64,
        /// What is wanted.
        what: Ask,
        /// How long it may take.
        patience: Duration,
    },
    /// Say goodbye.
    Close,
}

/// What a producer may want besides pushing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ask {
    /// End a job, and all that it spawned.
    Cancel {
        /// Which.
        job: JobId,
    },
    /// Hear what a job comes to, as long as that takes, and perhaps how far its tree is.
    Watch {
        /// Which.
        job: JobId,
        /// And how far it is.
        progress: bool,
    },
    /// Try a dead letter again.
    Requeue {
        /// Which.
        letter: u64,
    },
    /// See what is there.
    Look(Look),
}

/// What the application is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProducerEvent {
    /// The job is there, whatever happens; or was cancelled, or is tried again, as was asked.
    Accepted {
        /// What was wanted.
        id: u64,
        /// The job.
        job: JobId,
        /// It was there before.
        known: bool,
    },
    /// A job that is watched has ended.
    Ended {
        /// What was wanted.
        id: u64,
        /// What it came to.
        outcome: Outcome,
    },
    /// A job that is watched is so far.
    Progress {
        /// What was wanted.
        id: u64,
        /// How far.
        progress: Progress,
    },
    /// That is not done.
    Refused {
        /// What was wanted.
        id: u64,
        /// Why.
        refusal: Refusal,
        /// It may be done all the same: it was sent, and nothing was heard of it.
        may_be_done: bool,
    },
    /// What is there.
    Found {
        /// What was wanted.
        id: u64,
        /// This.
        found: Found,
        /// And more than that.
        more: bool,
    },
}

/// What is not answered yet.
enum Call {
    Push {
        push: Push,
        executed: bool,
        bytes: usize,
        patience: Duration,
    },
    Ask(Ask),
    /// It was accepted, and is watched.
    Watching {
        job: JobId,
        progress: bool,
    },
}

struct Open {
    call: Call,
    /// Of its last message on the link.
    sequence: Option<u64>,
    until: Time,
}

/// Pushes jobs, and hears what they come to.
pub struct Producer {
    options: ProducerOptions,
    identity: u64,
    links: Links,
    site: Option<Site>,
    /// Why there is no way to the queue, and never will be.
    shut: Option<Refusal>,
    calls: BTreeMap<u64, Open>,
    deadlines: BTreeSet<(Time, u64)>,
    bytes: usize,
    sockets: u32,
    closed: bool,
    room: usize,
    events: VecDeque<ProducerEvent>,
    outputs: VecDeque<Output<ProducerEvent>>,
    malformed: u64,
}

impl Producer {
    /// A producer that connects once its driver says how much room there is.
    pub fn new(options: ProducerOptions) -> Self {
        let mut random = Rng::with_seed(options.seed);
        let most = Backlog { messages: 1024 + 4 * options.max_calls, bytes: options.max_bytes.saturating_mul(2) };
        Self {
            identity: random.u64(1..),
            links: Links::new(MAGIC, options.pace, 0, options.pace.patience(), most, random.u64(..)),
            options,
            site: None,
            shut: None,
            calls: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            bytes: 0,
            sockets: 0,
            closed: false,
            room: 0,
            events: VecDeque::new(),
            outputs: VecDeque::new(),
            malformed: 0,
        }
    }

    /// Checks what an application may get wrong, before it becomes a command.
    pub fn check(queue: &[u8], options: &JobOptions) -> Result<()> {
        check_queue(queue)?;
        options.check()
    }

    /// How many messages made no sense.
    pub fn malformed(&self) -> u64 {
        self.malformed
    }

    /// What it waits for.
    pub fn open(&self) -> usize {
        self.calls.len()
    }

    fn next_socket(&mut self) -> SocketId {
        self.sockets += 1;
        SocketId(self.sockets)
    }

    fn connect(&mut self, now: Time) {
        let (socket, endpoint) = (self.next_socket(), self.options.endpoint.clone());
        self.site = Some(Site::open(now, endpoint, socket, &mut self.links, &mut self.outputs));
    }

    fn send(&mut self, now: Time, message: Message) -> Option<u64> {
        let (kind, fields, body) = message.encode();
        self.links.send(now, self.site.as_ref()?.link, kind, &fields, body)
    }

    /// `until` it is to be answered.
    fn begin(&mut self, now: Time, id: u64, call: Call, until: Time) {
        if let Some(why) = self.shut.clone() {
            return self.refused(id, why, false);
        }
        let bytes = if let Call::Push { bytes, .. } = &call { *bytes } else { 0 };
        if self.calls.len() >= self.options.max_calls || self.bytes + bytes > self.options.max_bytes {
            let text = "the producer waits for as much as it may";
            return self.refused(id, Refusal::new(ErrorKind::Full, text), false);
        }
        self.bytes += bytes;
        self.deadlines.insert((until, id));
        self.calls.insert(id, Open { call, sequence: None, until });
        self.say(now, id);
    }

    /// Says all that there is to be said of a call.
    fn say(&mut self, now: Time, id: u64) {
        let Some(open) = self.calls.get(&id) else { return };
        let number = id;
        let (message, executed) = match &open.call {
            Call::Push { push, executed, .. } => (Message::Push(push.clone()), push.draft && *executed),
            Call::Ask(Ask::Cancel { job }) => (Message::Cancel { number, job: *job }, false),
            Call::Ask(Ask::Requeue { letter }) => (Message::Requeue { number, letter: *letter }, false),
            Call::Ask(Ask::Look(what)) => (Message::Look { number, what: what.clone() }, false),
            Call::Ask(Ask::Watch { job, progress }) | Call::Watching { job, progress } => {
                (Message::Watch { number, job: *job, progress: *progress }, false)
            }
        };
        let mut sequence = self.send(now, message);
        if executed {
            sequence = self.send(now, Message::Execute { number });
        }
        if let Some(open) = self.calls.get_mut(&id) {
            open.sequence = sequence;
        }
    }

    fn part(&mut self, now: Time, id: u64, more: Frames) {
        let Some(Open { call: Call::Push { push, bytes, executed: false, .. }, .. }) = self.calls.get_mut(&id) else {
            return;
        };
        let added: usize = more.iter().map(Bytes::len).sum();
        if !push.draft {
            return;
        }
        if self.bytes + added > self.options.max_bytes {
            self.forget(now, id);
            return self.refused(id, Refusal::new(ErrorKind::Full, "the producer holds as much as it may"), false);
        }
        push.body.extend(more.iter().cloned());
        *bytes += added;
        self.bytes += added;
        self.send(now, Message::Part { number: id, body: more });
    }

    fn execute(&mut self, now: Time, id: u64) {
        let Some(Open { call: Call::Push { push, executed, patience, .. }, until, .. }) = self.calls.get_mut(&id)
        else {
            return;
        };
        if !push.draft || std::mem::replace(executed, true) {
            return;
        }
        self.deadlines.remove(&(*until, id));
        *until = now + *patience;
        self.deadlines.insert((*until, id));
        let sequence = self.send(now, Message::Execute { number: id });
        if let Some(open) = self.calls.get_mut(&id) {
            open.sequence = sequence;
        }
    }

    fn forget(&mut self, now: Time, id: u64) {
        let tells = match self.finish(id) {
            Some(Call::Push { push, executed, .. }) => push.watch || (push.draft && !executed),
            Some(Call::Watching { .. } | Call::Ask(Ask::Watch { .. })) => true,
            Some(Call::Ask(_)) | None => false,
        };
        if tells {
            self.send(now, Message::Forget { number: id });
        }
    }

    fn finish(&mut self, id: u64) -> Option<Call> {
        let open = self.calls.remove(&id)?;
        self.deadlines.remove(&(open.until, id));
        if let Call::Push { bytes, .. } = open.call {
            self.bytes -= bytes;
        }
        Some(open.call)
    }

    fn refused(&mut self, id: u64, refusal: Refusal, may_be_done: bool) {
        self.events.push_back(ProducerEvent::Refused { id, refusal, may_be_done });
    }

    fn received(&mut self, now: Time, socket: SocketId, peer: &Peer, frames: Frames) {
        let arrival = self.links.receive(now, socket, peer, frames);
        if let Some(site) = self.site.as_mut().filter(|site| site.socket == socket) {
            site.heard = true;
        }
        match arrival {
            Arrival::Message { kind, fields, body, .. } => match Message::decode(kind, fields, body) {
                Some(message) => self.answered(message),
                None => self.malformed += 1,
            },
            Arrival::Reset(_) | Arrival::Closed(_) => self.start_over(now),
            Arrival::Malformed => self.malformed += 1,
            Arrival::Opened(_) | Arrival::Nothing | Arrival::Refused => {}
        }
    }

    fn answered(&mut self, message: Message) {
        match message {
            Message::Accepted { number: id, job, known } => self.accepted(id, job, known),
            Message::Ended { number: id, outcome } => {
                if self.finish(id).is_some() {
                    self.events.push_back(ProducerEvent::Ended { id, outcome });
                }
            }
            Message::Progress { number: id, progress } => {
                if self.calls.contains_key(&id) {
                    self.events.push_back(ProducerEvent::Progress { id, progress });
                }
            }
            Message::Refused { number: id, refusal } => {
                let was_accepted = matches!(self.finish(id), Some(Call::Watching { .. }));
                if was_accepted {
                    // A queue that has lost its memory, and the job with it.
                    let failure = super::Failure { kind: refusal.kind, code: 0, body: vec![refusal.text.into()] };
                    self.events.push_back(ProducerEvent::Ended { id, outcome: Outcome::Failed(failure) });
                } else {
                    self.refused(id, refusal, false);
                }
            }
            Message::Answer { number: id, more, block } => self.found(id, more, block),
            _ => self.malformed += 1,
        }
    }

    fn accepted(&mut self, id: u64, job: JobId, known: bool) {
        let Some(open) = self.calls.get_mut(&id) else { return };
        match &open.call {
            Call::Push { push, bytes, .. } if push.watch => {
                self.bytes -= bytes;
                self.deadlines.remove(&(open.until, id));
                (open.call, open.until) = (Call::Watching { job, progress: false }, Time::MAX);
            }
            // It was said before.
            Call::Watching { .. } => return,
            _ => drop(self.finish(id)),
        }
        self.events.push_back(ProducerEvent::Accepted { id, job, known });
    }

    fn found(&mut self, id: u64, more: bool, block: Bytes) {
        let Some(Call::Ask(Ask::Look(look))) = self.finish(id) else { return };
        match Found::read(&look, block) {
            Some(found) => self.events.push_back(ProducerEvent::Found { id, found, more }),
            None => {
                self.malformed += 1;
                let text = "the queue answers in a way that is not known here";
                self.refused(id, Refusal::new(ErrorKind::Unsupported, text), false);
            }
        }
    }

    /// The queue has lost its memory, or says that it has ended. Everything is wanted once more.
    fn start_over(&mut self, now: Time) {
        let Some(site) = &mut self.site else { return };
        self.links.remove(site.link);
        site.link = self.links.open(now, site.socket);
        for id in self.calls.keys().copied().collect::<Vec<_>>() {
            self.say(now, id);
        }
    }

    fn silent(&mut self, now: Time, link: LinkId) {
        let socket = self.next_socket();
        if let Some(site) = self.site.as_mut().filter(|site| site.link == link) {
            site.renew(now, socket, &mut self.links, &mut self.outputs);
        }
    }

    fn expire(&mut self, now: Time) {
        while let Some((until, id)) = self.deadlines.first().copied()
            && until <= now
        {
            let may_be_done = self.may_be_done(id);
            self.forget(now, id);
            self.refused(id, Refusal::new(ErrorKind::Timeout, "the queue has not answered in time"), may_be_done);
        }
    }

    /// Whether the queue may have heard of it.
    fn may_be_done(&self, id: u64) -> bool {
        let sequence = self.calls.get(&id).and_then(|open| open.sequence);
        let link = self.site.as_ref().map(|site| site.link);
        link.zip(sequence).is_some_and(|(link, sequence)| !self.links.is_unsent(link, sequence))
    }

    /// The socket is of no use, perhaps because the queue has turned us away: nothing comes of anything any more.
    fn failed(&mut self, error: &Error) {
        let why = site::refusal(error);
        for id in self.calls.keys().copied().collect::<Vec<_>>() {
            let may_be_done = self.may_be_done(id);
            self.finish(id);
            self.refused(id, why.clone(), may_be_done);
        }
        if let Some(site) = self.site.take() {
            site.close(&mut self.links, &mut self.outputs);
        }
        self.shut = Some(why);
    }
}

impl Machine for Producer {
    type Command = ProducerCommand;
    type Event = ProducerEvent;

    fn handle(&mut self, now: Time, input: Input<ProducerCommand>) {
        if self.closed {
            return;
        }
        match input {
            Input::Room(room) => {
                self.room = room;
                if self.site.is_none() && self.shut.is_none() {
                    self.connect(now);
                    // What was wanted before has not been said.
                    for id in self.calls.keys().copied().collect::<Vec<_>>() {
                        self.say(now, id);
                    }
                }
            }
            Input::Command(command) => match command {
                ProducerCommand::Push { id, queue, body, options, watch, draft, patience } => {
                    let bytes = body.iter().map(Bytes::len).sum();
                    let (number, producer) = (id, self.identity);
                    let push = Push { number, producer, watch, draft, queue, options, body };
                    // Whoever pushes in parts takes the time that he needs, and waits from when it is whole.
                    let until = if draft { Time::MAX } else { now + patience };
                    self.begin(now, id, Call::Push { push, executed: !draft, bytes, patience }, until);
                }
                ProducerCommand::Part { id, body } => self.part(now, id, body),
                ProducerCommand::Execute { id } => self.execute(now, id),
                ProducerCommand::Forget { id } => self.forget(now, id),
                ProducerCommand::Ask { id, what, patience } => self.begin(now, id, Call::Ask(what), now + patience),
                ProducerCommand::Close => {
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
                self.expire(now);
            }
            Input::Failed { error, .. } => self.failed(&error),
            Input::Bound { .. }
            | Input::Recovered { .. }
            | Input::Fetched { .. }
            | Input::Stored { .. }
            | Input::StoreFailed { .. } => {}
        }
        while self.links.overrun().is_some() {
            self.start_over(now);
        }
        if let Some(site) = &self.site {
            self.links.watch(now, site.link, !self.calls.is_empty());
        }
        while self.room > 0
            && let Some(event) = self.events.pop_front()
        {
            self.room -= 1;
            self.outputs.push_back(Output::Deliver(event));
        }
    }

    fn poll(&mut self) -> Option<Output<ProducerEvent>> {
        self.outputs.pop_front().or_else(|| {
            let (socket, peer, token, frames) = self.links.poll()?;
            Some(Output::Send { socket, peer, token, frames })
        })
    }

    fn deadline(&self) -> Option<Time> {
        if self.closed {
            return None;
        }
        earliest([self.links.deadline(), self.deadlines.first().map(|(until, _)| *until)])
    }
}
