//! Who asks.
//!
//! A client connects to one or more responders: a broker, several brokers, or servers that work themselves. What each of
//! them takes it announces, so the client treats all alike: it keeps every request until it is settled, gives it to one
//! that takes it, and to another if that one is lost and the request may be given again. Servers of the Freelance pattern
//! announce nothing, and what the client must know of them it is told (`freelance`).

mod freelance;
mod options;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use fastrand::Rng;

use self::freelance::Servers;
pub use self::{
    freelance::FreelanceServer,
    options::{ClientCommand, ClientEvent, ClientOptions, RequestOptions, Settled},
};
use super::{
    cache::Cache,
    counters::{Counters, Reason},
    dispatch::{Action, Answer, Call, Dispatch, Limits, Outcome, ResponderId, Serial, Ticket},
    old::{Place, Sending},
    wire::{Failure, MAGIC, Message, Request, Task},
};
use crate::{
    Error, ErrorKind, Machine, Result, Time,
    fields::MAX_NAME,
    link::{
        Arrival, Backlog, LinkId, Links, Silence,
        site::{self, Site, Sites},
    },
    machine::{Frames, Input, Output, Peer, SocketId},
    time::earliest,
};

/// Asks: keeps every request until it is settled, whoever of those it is connected to is lost meanwhile.
pub struct Client {
    options: ClientOptions,
    links: Links,
    sites: Sites,
    servers: Servers,
    /// The responders that have announced themselves, and on which site.
    responders: BTreeMap<ResponderId, usize>,
    dispatch: Dispatch<u64>,
    open: BTreeMap<u64, Open>,
    /// Requests that wait before they are tried again.
    pauses: BTreeSet<(Time, u64)>,
    random: Rng,
    sockets: u32,
    ids: u64,
    connected: bool,
    closed: bool,
    room: usize,
    events: VecDeque<ClientEvent>,
    outputs: VecDeque<Output<ClientEvent>>,
    malformed: u64,
}

struct Open {
    serial: Option<Serial>,
    call: Arc<Call>,
    retries: u8,
    /// A worker may have begun with it, whatever becomes of what is asked now.
    ran: bool,
    /// Of the parts that the application has; 0 is none.
    run: u16,
}

impl Client {
    /// A client that connects once its driver says how much room there is.
    pub fn new(mut options: ClientOptions) -> Self {
        let limits = Limits {
            requests: options.max_requests,
            bytes: options.max_bytes,
            waiting: options.max_requests,
            waiting_bytes: options.max_bytes,
            age: Duration::MAX,
            parts: options.max_bytes,
        };
        let mut random = Rng::with_seed(options.seed);
        // Requests, and that they are taken back.
        let most = Backlog { messages: 1024 + 2 * options.max_requests, bytes: options.max_bytes.saturating_mul(2) };
        let links = Links::new(MAGIC, options.pace, 0, super::FORGET, most, random.u64(..));
        let balance = std::mem::take(&mut options.balance);
        Self {
            servers: Servers::new(options.pace),
            options,
            links,
            sites: Sites::default(),
            responders: BTreeMap::new(),
            dispatch: Dispatch::new(limits, balance, Cache::new(0, 0, Duration::ZERO), random.u64(..)),
            open: BTreeMap::new(),
            pauses: BTreeSet::new(),
            random,
            sockets: 0,
            ids: 0,
            connected: false,
            closed: false,
            room: 0,
            events: VecDeque::new(),
            outputs: VecDeque::new(),
            malformed: 0,
        }
    }

    /// Checks what an application may get wrong, before it becomes a command.
    pub fn check(task: Task, service: &[u8], options: &RequestOptions) -> Result<()> {
        let wrong = |text, name: &'static str| Err(Error::new(ErrorKind::InvalidArgument, text).with("option", name));
        super::check_service(service)?;
        if options.key.len() > MAX_NAME {
            return wrong("a key has at most 255 bytes", "key");
        }
        if options.attempts == 0 {
            return wrong("a request is given to a worker at least once", "attempts");
        }
        if (options.once || options.durable || task != Task::Ask) && options.key.is_empty() {
            return wrong("a request that is run once or stored needs a key", "key");
        }
        Ok(())
    }

    /// What became of the requests so far.
    pub fn counters(&self) -> Counters {
        Counters { malformed: self.malformed, ..self.dispatch.counters() }
    }

    fn connect(&mut self, now: Time) {
        for endpoint in self.options.endpoints.clone() {
            let socket = self.next_socket();
            let site = Site::open(now, endpoint, socket, &mut self.links, &mut self.outputs);
            // Until it has announced itself, its silence matters.
            self.links.watch(now, site.link, true);
            self.sites.add(site);
        }
        for server in std::mem::take(&mut self.options.freelance) {
            let socket = self.next_socket();
            self.outputs.extend(site::connect(socket, &server.endpoint));
            self.dispatch.reserve(&server.service);
            self.servers.add(now, server, socket);
        }
        self.connected = true;
    }

    fn next_socket(&mut self) -> SocketId {
        self.sockets += 1;
        SocketId(self.sockets)
    }

    fn request(&mut self, now: Time, id: u64, task: Task, service: Bytes, body: Frames, options: RequestOptions) {
        let deadline = now + options.deadline;
        // Whoever does not know yet who is there cannot say that nobody is.
        let patience = if self.responders.len() == self.sites.len() && self.servers.are_met() {
            now + options.patience
        } else {
            now + options.patience.max(self.options.pace.patience())
        };
        let RequestOptions { attempts, durable, once, key, retries, .. } = options;
        let call = Arc::new(Call { service, key, body, deadline, patience, attempts, task, durable, once });
        // Who fetches or discards does not know what was done with it.
        let ran = matches!(task, Task::Fetch | Task::Discard);
        self.open.insert(id, Open { serial: None, call, retries, ran, run: 0 });
        self.submit(now, id);
    }

    fn submit(&mut self, now: Time, id: u64) {
        let Some(open) = self.open.get_mut(&id) else { return };
        match self.dispatch.submit(now, id, Arc::clone(&open.call)) {
            Ok(serial) => open.serial = serial,
            Err(failure) => self.settled(id, Settled::Failed(failure)),
        }
    }

    fn cancel(&mut self, id: u64) {
        let Some(open) = self.open.get(&id) else { return };
        let may_have_run = open.serial.is_some_and(|serial| self.dispatch.may_have_run(serial, self.unsent()));
        if let Some(serial) = open.serial {
            self.dispatch.cancel(serial, id, Reason::Cancelled);
        }
        let text = "the request was taken back".to_owned();
        let failure = Failure { kind: ErrorKind::Cancelled, may_have_run, retry_after: Duration::ZERO, text };
        self.settled(id, Settled::Failed(failure));
    }

    /// Tells of what was given to a responder and never went out.
    fn unsent(&self) -> impl Fn(ResponderId, u64) -> bool {
        |id, sequence| {
            self.responders.get(&id).is_some_and(|site| self.links.is_unsent(self.sites[*site].link, sequence))
        }
    }

    fn settled(&mut self, id: u64, mut outcome: Settled) {
        if let (Some(open), Settled::Failed(failure)) = (self.open.remove(&id), &mut outcome) {
            failure.may_have_run |= open.ran;
        }
        self.events.push_back(ClientEvent::Settled { id, outcome });
    }

    fn partial(&mut self, id: u64, run: u16, body: Frames) {
        if let Some(open) = self.open.get_mut(&id) {
            open.run = run;
        }
        self.events.push_back(ClientEvent::Partial { id, run, body });
    }

    fn told(&mut self, now: Time, id: u64, outcome: Outcome) {
        match outcome {
            Outcome::Partial { run, body } => self.partial(id, run, body),
            Outcome::Reply { run, body } => {
                // What went before is not of this answer.
                if self.open.get(&id).is_some_and(|open| open.run != 0 && open.run != run) {
                    self.partial(id, run, Frames::new());
                }
                self.settled(id, Settled::Reply(body));
            }
            Outcome::Error { code, body } => self.settled(id, Settled::Error { code, body }),
            Outcome::Accepted => self.settled(id, Settled::Accepted),
            Outcome::Failed(failure) => {
                if !self.pause(now, id, &failure) {
                    self.settled(id, Settled::Failed(failure));
                }
            }
        }
    }

    /// Where a queue was full, asks again later if there is time; with jitter, so that not all come back at once.
    fn pause(&mut self, now: Time, id: u64, failure: &Failure) -> bool {
        let Some(open) = self.open.get_mut(&id) else { return false };
        // What may have run is not asked again, unless the broker knows it by its key.
        let may_ask = !failure.may_have_run || open.call.is_stored();
        let pause = failure.retry_after.max(Duration::from_millis(1)).mul_f64(0.5 + self.random.f64());
        if failure.kind != ErrorKind::Full || !may_ask || open.retries == 0 || now + pause >= open.call.deadline {
            return false;
        }
        open.retries -= 1;
        open.serial = None;
        open.ran |= failure.may_have_run;
        self.pauses.insert((now + pause, id));
        true
    }

    fn received(&mut self, now: Time, socket: SocketId, peer: &Peer, frames: Frames) {
        if self.server_said(now, socket, &frames) {
            return;
        }
        let arrival = self.links.receive(now, socket, peer, frames);
        self.sites.heard(socket);
        match arrival {
            Arrival::Message { link, kind, fields, body } => {
                let Some(site) = self.sites.of_link(link) else { return };
                match Message::decode(kind, fields, body) {
                    Some(message) => self.answered(now, site, message),
                    None => self.malformed += 1,
                }
            }
            Arrival::Reset(link) | Arrival::Closed(link) => {
                if let Some(site) = self.sites.of_link(link) {
                    self.start_over(now, site);
                }
            }
            Arrival::Malformed => self.malformed += 1,
            Arrival::Opened(_) | Arrival::Nothing | Arrival::Refused => {}
        }
    }

    fn responder_of(&self, site: usize) -> Option<ResponderId> {
        self.responders.iter().find(|(_, of)| **of == site).map(|(id, _)| *id)
    }

    fn answered(&mut self, now: Time, site: usize, message: Message) {
        let known = self.responder_of(site);
        if let Message::Ready { responder, credit, service } = message {
            if known.is_none() {
                self.ids += 1;
                let id = ResponderId(self.ids);
                self.responders.insert(id, site);
                self.dispatch.offer(id, responder, (!service.is_empty()).then_some(service), credit);
            }
            return;
        }
        let Some(id) = known else { return };
        match Answer::try_from(message) {
            Ok(answer) => self.dispatch.answered(now, id, answer),
            Err(Message::Leaving) => self.dispatch.leaving(id),
            Err(_) => self.malformed += 1,
        }
    }

    /// The responder of a site is lost, and with it all that it knew.
    fn lose(&mut self, site: usize) {
        if let Some(id) = self.responder_of(site) {
            self.responders.remove(&id);
            let (links, link) = (&self.links, self.sites[site].link);
            self.dispatch.gone(id, |sequence| links.is_unsent(link, sequence));
        }
    }

    /// A new session on the same connection.
    fn start_over(&mut self, now: Time, site: usize) {
        self.lose(site);
        self.links.remove(self.sites[site].link);
        let link = self.links.open(now, self.sites[site].socket);
        self.links.watch(now, link, true);
        self.sites[site].link = link;
    }

    fn silent(&mut self, now: Time, link: LinkId) {
        let Some(index) = self.sites.of_link(link) else { return };
        let socket = self.next_socket();
        // While nobody else is there, the session is kept: if the other side lives, nothing needs to be done twice.
        if self.responders.values().any(|site| *site != index) && self.responder_of(index).is_some() {
            self.start_over(now, index);
        }
        self.sites[index].renew(now, socket, &mut self.links, &mut self.outputs);
    }

    /// A socket is of no use, perhaps because we were turned away. Requests go where the others lead; if there are none, they fail.
    fn failed(&mut self, socket: SocketId, error: &Error) {
        if let Some(site) = self.sites.of_socket(socket) {
            self.lose(site);
            self.sites.remove(site).close(&mut self.links, &mut self.outputs);
        } else if !self.server_failed(socket) {
            return;
        }
        if self.sites.is_empty() && self.servers.are_none() {
            self.dispatch.shut(site::refusal(error));
        }
    }

    fn act(&mut self, now: Time) {
        while let Some(action) = self.dispatch.poll() {
            match action {
                Action::Give { responder, ticket } => self.give(now, responder, ticket),
                Action::Withdraw { responder, ticket } => {
                    if let Some(site) = self.responders.get(&responder) {
                        let link = self.sites[*site].link;
                        let (kind, fields, body) = Message::Cancel { number: ticket.0 }.encode();
                        self.links.send(now, link, kind, &fields, body);
                    } else {
                        // There is no word for that, and none for having done with it.
                        self.dispatch.release(responder, ticket);
                    }
                }
                Action::Tell { asker, outcome } => self.told(now, asker, outcome),
            }
        }
        while let Some(link) = self.links.overrun() {
            match self.sites.of_link(link) {
                Some(site) => self.start_over(now, site),
                None => drop(self.links.remove(link)),
            }
            self.act(now);
        }
        for (id, site) in &self.responders {
            self.links.watch(now, self.sites[*site].link, self.dispatch.given(*id) > 0);
        }
        while self.room > 0
            && let Some(event) = self.events.pop_front()
        {
            self.room -= 1;
            self.outputs.push_back(Output::Deliver(event));
        }
    }

    fn give(&mut self, now: Time, responder: ResponderId, ticket: Ticket) {
        if self.give_server(now, responder, ticket) {
            return;
        }
        let (Some(site), Some(call)) = (self.responders.get(&responder), self.dispatch.call(ticket)) else { return };
        let request = Request {
            number: ticket.0,
            remaining: super::pass_on(call.deadline - now),
            patience: call.patience - now,
            attempts: self.dispatch.attempts_left(ticket),
            task: call.task,
            durable: call.durable,
            once: call.once,
            service: call.service.clone(),
            key: call.key.clone(),
            body: call.body.clone(),
        };
        let (kind, fields, body) = Message::Request(request).encode();
        if let Some(sequence) = self.links.send(now, self.sites[*site].link, kind, &fields, body) {
            self.dispatch.sent(ticket, sequence);
        }
    }
}

impl Client {
    /// Nothing more is done, and what is still said to it is not heard.
    fn close(&mut self) {
        self.outputs.extend(self.links.say_goodbye());
        self.closed = true;
    }
}

impl Machine for Client {
    type Command = ClientCommand;
    type Event = ClientEvent;

    fn handle(&mut self, now: Time, input: Input<ClientCommand>) {
        if self.closed {
            return;
        }
        match input {
            Input::Room(room) => {
                self.room = room;
                if !self.connected {
                    self.connect(now);
                }
            }
            Input::Command(ClientCommand::Request { id, task, service, body, options }) => {
                self.request(now, id, task, service, body, options);
            }
            Input::Command(ClientCommand::Cancel { id }) => self.cancel(id),
            Input::Command(ClientCommand::Close) => self.close(),
            Input::Message { socket, peer, frames, .. } => self.received(now, socket, &peer, frames),
            Input::Refused { socket, token, .. } => {
                if !self.server_refused(socket, token) {
                    self.links.refused(token);
                }
            }
            Input::Writable { socket } => {
                self.servers.writable(socket);
                self.links.writable(now, socket);
            }
            Input::Deadline => {
                for silence in self.links.due(now) {
                    if let Silence::Long(link) = silence {
                        self.silent(now, link);
                    }
                }
                self.servers_due(now);
                let (responders, sites, links) = (&self.responders, &self.sites, &self.links);
                self.dispatch.expire(now, |id, sequence| {
                    responders.get(&id).is_some_and(|site| links.is_unsent(sites[*site].link, sequence))
                });
                while let Some(&(at, id)) = self.pauses.first()
                    && at <= now
                {
                    self.pauses.pop_first();
                    self.submit(now, id);
                }
            }
            Input::Failed { socket, error } => self.failed(socket, &error),
            Input::Bound { .. }
            | Input::Recovered { .. }
            | Input::Fetched { .. }
            | Input::Stored { .. }
            | Input::StoreFailed { .. } => {}
        }
        if !self.closed {
            self.act(now);
        }
    }

    fn poll(&mut self) -> Option<Output<ClientEvent>> {
        self.outputs.pop_front().or_else(|| {
            if let Some(Sending { to: Place { socket, peer }, token, frames }) = self.servers.poll() {
                return Some(Output::Send { socket, peer, token, frames });
            }
            let (socket, peer, token, frames) = self.links.poll()?;
            Some(Output::Send { socket, peer, token, frames })
        })
    }

    fn deadline(&self) -> Option<Time> {
        if self.closed {
            return None;
        }
        let pause = self.pauses.first().map(|(at, _)| *at);
        let servers = self.servers.deadline();
        earliest([self.links.deadline(), self.dispatch.deadline(), pause, servers])
    }
}
