//! Nodes, the clock, and what is on its way.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt::Debug,
    time::Duration,
};

use bytes::Bytes;
use fastrand::Rng;
use zpatterns_protocol::{
    Error, ErrorKind, Machine, Time,
    machine::{Change, Frames, Input, Output, Peer, Refusal, Role, SocketId, Token},
};

use crate::{Network, Table};

/// Steps without time passing after which a run is taken for an endless loop.
const MAX_STEPS_AT_ONCE: usize = 100_000;

/// How long it takes a connection to find somebody who has just come.
const TO_RECONNECT: Duration = Duration::from_millis(5);

/// A node's number, in the order of [`World::add`].
pub type Node = usize;

/// Machines of one type on one network. (A test with several roles puts them into an enum.)
pub struct World<M: Machine> {
    now: Time,
    random: Rng,
    network: Network,
    nodes: Vec<State<M>>,
    /// What happens next, by time, then in the order in which it was caused.
    agenda: BTreeMap<(Time, u64), Happening>,
    caused: u64,
}

struct State<M: Machine> {
    /// `None` while crashed.
    machine: Option<M>,
    /// Counts lives, so that nothing meant for an earlier one arrives.
    life: u64,
    /// For each open socket, its role, where it is bound, and whom it reaches.
    sockets: BTreeMap<SocketId, Socket>,
    events: VecDeque<(Time, M::Event)>,
    /// What its connections say who it is.
    user: Bytes,
    /// Outlives crashes.
    table: Table,
}

struct Socket {
    role: Role,
    bound: Vec<String>,
    connected: Vec<String>,
    /// What a SUB hears, and whom a ROUTER dialled under which name.
    subscribed: Vec<Bytes>,
    dialled: BTreeMap<Peer, String>,
    /// It refused a message because nobody was there, and has yet to say that somebody is.
    refused: bool,
}

#[derive(Debug)]
enum Happening {
    Message { to: Node, life: u64, socket: SocketId, peer: Peer, user: Bytes, frames: Frames },
    Writable { node: Node, life: u64, socket: SocketId },
    Refused { node: Node, life: u64, socket: SocketId, token: Token, why: Refusal },
    Stored { node: Node, life: u64, sequence: u64 },
    Fetched { node: Node, life: u64, key: Bytes },
}

impl<M: Machine<Event: Debug>> World<M> {
    /// An empty world in which everything follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            now: Time::ZERO,
            random: Rng::with_seed(seed),
            network: Network::new(),
            nodes: Vec::new(),
            agenda: BTreeMap::new(),
            caused: 0,
        }
    }

    /// The time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The network, to do harm to.
    pub fn network(&mut self) -> &mut Network {
        &mut self.network
    }

    /// The world's randomness, for a test's own decisions.
    pub fn random(&mut self) -> &mut Rng {
        &mut self.random
    }

    /// Adds a node; its inbox has room for any number of events.
    pub fn add(&mut self, machine: M) -> Node {
        self.add_as(machine, Bytes::new())
    }

    /// As [`add`](Self::add); its connections say that it is this user.
    pub fn add_as(&mut self, machine: M, user: Bytes) -> Node {
        self.nodes.push(State {
            machine: Some(machine),
            life: 0,
            sockets: BTreeMap::new(),
            events: VecDeque::new(),
            user,
            table: Table::default(),
        });
        let node = self.nodes.len() - 1;
        self.tell(node, Input::Room(usize::MAX));
        node
    }

    /// Gives a node's machine a command.
    pub fn command(&mut self, node: Node, command: M::Command) {
        self.tell(node, Input::Command(command));
    }

    /// A node stops where it is: its sockets are gone, and what is on its way to it is lost.
    pub fn crash(&mut self, node: Node) {
        let state = &mut self.nodes[node];
        (state.machine, state.life) = (None, state.life + 1);
        state.sockets.clear();
        state.table.crash(&mut self.random);
    }

    /// A crashed node begins anew with `machine`.
    pub fn restart(&mut self, node: Node, machine: M) {
        self.nodes[node].machine = Some(machine);
        self.tell(node, Input::Room(usize::MAX));
    }

    /// A node's machine, unless it crashed.
    pub fn machine(&self, node: Node) -> Option<&M> {
        self.nodes[node].machine.as_ref()
    }

    /// What a node has stored, to look at and to do harm to.
    pub fn table(&mut self, node: Node) -> &mut Table {
        &mut self.nodes[node].table
    }

    /// Takes the events that a node delivered, with their times.
    pub fn events(&mut self, node: Node) -> Vec<(Time, M::Event)> {
        self.nodes[node].events.drain(..).collect()
    }

    /// Lets time pass.
    pub fn run_for(&mut self, span: Duration) {
        self.run_until(span, |_| false);
    }

    /// Lets time pass until `reached`, at most for `limit`; whether it was reached.
    pub fn run_until(&mut self, limit: Duration, mut reached: impl FnMut(&mut Self) -> bool) -> bool {
        let end = self.now + limit;
        let mut at_once = 0;
        while !reached(self) {
            let next = self.next_time().filter(|next| *next <= end);
            let Some(next) = next else {
                self.now = end;
                return false;
            };
            at_once = if next > self.now { 0 } else { at_once + 1 };
            assert!(at_once < MAX_STEPS_AT_ONCE, "the machines never come to rest at {:?}", self.now);
            self.now = self.now.max(next);
            self.step();
        }
        true
    }

    fn next_time(&self) -> Option<Time> {
        let deadlines = self.nodes.iter().filter_map(|node| node.machine.as_ref()?.deadline());
        deadlines.chain(self.agenda.first_key_value().map(|((time, _), _)| *time)).min()
    }

    /// Does one thing that is due.
    fn step(&mut self) {
        if let Some(first) = self.agenda.first_entry()
            && first.key().0 <= self.now
        {
            let (node, life, socket, input) = match first.remove() {
                Happening::Message { to, life, socket, peer, user, frames } => {
                    (to, life, Some(socket), Input::Message { socket, peer, user, frames })
                }
                Happening::Writable { node, life, socket } => (node, life, Some(socket), Input::Writable { socket }),
                Happening::Refused { node, life, socket, token, why } => {
                    (node, life, Some(socket), Input::Refused { socket, token, why })
                }
                Happening::Fetched { node, life, key } => (node, life, None, self.nodes[node].table.fetch(key)),
                Happening::Stored { node, life, .. } if self.nodes[node].life != life => return,
                Happening::Stored { node, life, sequence } => {
                    (node, life, None, self.nodes[node].table.write(sequence))
                }
            };
            let state = &self.nodes[node];
            if state.life == life && socket.is_none_or(|socket| state.sockets.contains_key(&socket)) {
                self.tell(node, input);
            }
            return;
        }
        let due = |node: &State<M>| node.machine.as_ref().and_then(M::deadline).is_some_and(|at| at <= self.now);
        if let Some(node) = self.nodes.iter().position(due) {
            self.tell(node, Input::Deadline);
        }
    }

    /// Hands an input over and does all that the machine wants.
    fn tell(&mut self, node: Node, input: Input<M::Command>) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let Some(machine) = self.nodes[node].machine.as_mut() else { return };
            machine.handle(self.now, input);
            let outputs: Vec<_> = std::iter::from_fn(|| machine.poll()).collect();
            for output in outputs {
                inputs.extend(self.carry_out(node, output));
            }
        }
    }

    /// Does what a machine wants; the answer, if it gets one at once.
    fn carry_out(&mut self, node: Node, output: Output<M::Event>) -> Option<Input<M::Command>> {
        let now = self.now;
        match output {
            Output::Open { socket, role } => {
                let opened = Socket {
                    role,
                    bound: Vec::new(),
                    connected: Vec::new(),
                    subscribed: Vec::new(),
                    dialled: BTreeMap::new(),
                    refused: false,
                };
                let before = self.nodes[node].sockets.insert(socket, opened);
                assert!(before.is_none(), "node {node} opened {socket:?} twice");
            }
            Output::Bind { socket, endpoint } => {
                if self.bound_to(&endpoint).is_some() {
                    let error = Error::new(ErrorKind::AddressInUse, "another node is bound").with("endpoint", endpoint);
                    return Some(Input::Failed { socket, error });
                }
                self.socket(node, socket).bound.push(endpoint.clone());
                self.found(&endpoint);
                return Some(Input::Bound { socket, endpoint });
            }
            Output::Connect { socket, endpoint } => self.socket(node, socket).connected.push(endpoint),
            Output::Dial { socket, endpoint, peer } => drop(self.socket(node, socket).dialled.insert(peer, endpoint)),
            Output::HangUp { socket, endpoint } => {
                self.socket(node, socket).dialled.retain(|_, dialled| *dialled != endpoint);
            }
            Output::Subscribe { socket, prefix } => self.socket(node, socket).subscribed.push(prefix),
            Output::Close { socket } => drop(self.nodes[node].sockets.remove(&socket)),
            Output::Send { socket, peer, token, frames } => return self.send(node, socket, &peer, token, frames),
            Output::Deliver(event) => self.nodes[node].events.push_back((now, event)),
            Output::Recover => return Some(self.nodes[node].table.read(now)),
            Output::Fetch { key } => {
                let at = now + Duration::from_micros(self.random.u64(0..10_000));
                self.caused += 1;
                let life = self.nodes[node].life;
                self.agenda.insert((at, self.caused), Happening::Fetched { node, life, key });
            }
            Output::Store { sequence, changes } => self.store(node, sequence, changes),
        }
        None
    }

    /// Changes are durable after a while, in their order.
    fn store(&mut self, node: Node, sequence: u64, changes: Vec<Change>) {
        let pause = Duration::from_micros(self.random.u64(0..10_000));
        let State { life, table, .. } = &mut self.nodes[node];
        let at = table.queue(self.now + pause, sequence, changes);
        self.caused += 1;
        self.agenda.insert((at, self.caused), Happening::Stored { node, life: *life, sequence });
    }

    fn socket(&mut self, node: Node, socket: SocketId) -> &mut Socket {
        let found = self.nodes[node].sockets.get_mut(&socket);
        found.unwrap_or_else(|| panic!("node {node} uses {socket:?}, which it did not open"))
    }

    fn bound_to(&self, endpoint: &str) -> Option<(Node, SocketId)> {
        self.nodes.iter().enumerate().find_map(|(node, state)| {
            let bound = |(_, socket): &(&SocketId, &Socket)| socket.bound.iter().any(|bound| bound == endpoint);
            state.sockets.iter().find(bound).map(|(id, _)| (node, *id))
        })
    }

    /// Somebody is bound here: whoever waited for that may send.
    fn found(&mut self, endpoint: &str) {
        let soon = self.now + TO_RECONNECT;
        for (node, state) in self.nodes.iter_mut().enumerate() {
            let waiting = |socket: &&mut Socket| {
                let mut wanted = socket.connected.iter().chain(socket.dialled.values());
                socket.refused && wanted.any(|name| name == endpoint)
            };
            for (id, socket) in &mut state.sockets {
                if let Some(socket) = Some(socket).filter(waiting) {
                    socket.refused = false;
                    self.caused += 1;
                    let happening = Happening::Writable { node, life: state.life, socket: *id };
                    self.agenda.insert((soon, self.caused), happening);
                }
            }
        }
    }

    /// What a PUB sends arrives at every SUB that is connected and asked for it.
    fn spread(&mut self, from: Node, socket: SocketId, frames: &Frames) {
        let bound = self.socket(from, socket).bound.clone();
        let first = frames.first().cloned().unwrap_or_default();
        let mut hearers = Vec::new();
        for (node, state) in self.nodes.iter().enumerate() {
            let hears = |socket: &Socket| {
                socket.connected.iter().any(|endpoint| bound.contains(endpoint))
                    && socket.subscribed.iter().any(|prefix| first.starts_with(prefix))
            };
            hearers.extend(state.sockets.iter().filter(|(_, socket)| hears(socket)).map(|(id, _)| (node, *id)));
        }
        for (to, at) in hearers {
            self.transmit(from, to, at, &Peer::default(), frames);
        }
    }

    /// Messages of one link, to one socket.
    fn transmit(&mut self, from: Node, to: Node, socket: SocketId, peer: &Peer, frames: &Frames) {
        let life = self.nodes[to].life;
        for arrival in self.network.arrivals(self.now, from, to, &mut self.random) {
            self.caused += 1;
            let user = self.nodes[from].user.clone();
            let happening = Happening::Message { to, life, socket, peer: peer.clone(), user, frames: frames.clone() };
            self.agenda.insert((arrival, self.caused), happening);
        }
    }

    /// A DEALER sends to whom it is connected to, a ROUTER to the node that `peer` names.
    fn send(
        &mut self,
        from: Node,
        socket: SocketId,
        peer: &Peer,
        token: Token,
        frames: Frames,
    ) -> Option<Input<M::Command>> {
        let mut endpoints = self.socket(from, socket).connected.clone();
        let to = match self.socket(from, socket).role {
            Role::Pub => {
                self.spread(from, socket, &frames);
                return None;
            }
            Role::Sub => panic!("node {from} sends on a SUB"),
            Role::Dealer => endpoints.iter().find_map(|endpoint| self.bound_to(endpoint)),
            Role::Router => match self.socket(from, socket).dialled.get(peer).cloned() {
                Some(endpoint) => {
                    let to = self.bound_to(&endpoint);
                    endpoints.push(endpoint);
                    to
                }
                None => self.named(peer),
            },
        };
        let Some((to, at)) = to else {
            let why = if endpoints.is_empty() { Refusal::Gone } else { Refusal::Full };
            self.socket(from, socket).refused = true;
            if self.random.bool() {
                return Some(Input::Refused { socket, token, why });
            }
            // A driver that sends in batches learns of it after the machine has heard of other things.
            let at = self.now + TO_RECONNECT.mul_f64(0.9 * self.random.f64());
            self.caused += 1;
            let happening = Happening::Refused { node: from, life: self.nodes[from].life, socket, token, why };
            self.agenda.insert((at, self.caused), happening);
            return None;
        };
        let sender = match self.nodes[to].sockets[&at].role {
            Role::Router => self.known_as(to, at, from, socket),
            _ => Peer::default(),
        };
        self.transmit(from, to, at, &sender, &frames);
        None
    }

    /// Under which name a ROUTER knows a socket of another node: its own, if it dialled that.
    fn known_as(&self, router: Node, at: SocketId, node: Node, socket: SocketId) -> Peer {
        let bound = &self.nodes[node].sockets[&socket].bound;
        let dialled = &self.nodes[router].sockets[&at].dialled;
        let known = dialled.iter().find(|(_, endpoint)| bound.contains(endpoint)).map(|(peer, _)| peer.clone());
        known.unwrap_or_else(|| name(node, self.nodes[node].life, socket))
    }

    fn named(&self, peer: &Peer) -> Option<(Node, SocketId)> {
        self.nodes.iter().enumerate().find_map(|(node, state)| {
            state.sockets.keys().find(|socket| name(node, state.life, **socket) == *peer).map(|socket| (node, *socket))
        })
    }
}

/// A connection's name at a ROUTER: another one after every restart, as over real connections.
fn name(node: Node, life: u64, socket: SocketId) -> Peer {
    let mut bytes = Vec::with_capacity(20);
    bytes.extend((node as u64).to_be_bytes());
    bytes.extend(life.to_be_bytes());
    bytes.extend(socket.0.to_be_bytes());
    Peer(Bytes::from(bytes))
}
