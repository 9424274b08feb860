//! Who is in a town: the machines, each looked at after everything that happens to it, and strangers.

use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

use zpatterns_protocol::{
    Machine, Time,
    link::{Header, OPEN},
    machine::{Frames, Input, Output, Peer, Refusal, Role, SocketId, Token},
    reqrep::{
        Broker, BrokerCommand, Client, ClientCommand, ClientEvent, Worker, WorkerCommand, WorkerEvent, wire::MAGIC,
    },
};

use crate::{
    stranger::Gossip,
    town::{MAX_PEERS, MAX_REQUESTS},
};

/// One input makes a machine do less than this: it may have to send again all that is kept.
const MAX_OUTPUTS: usize = 100_000;
/// The books are counted one request after the other, so not after every input.
const LOOK_EVERY: u32 = 16;

/// What all of them share.
pub(crate) type Shared = Rc<RefCell<Gossip>>;

/// What a node can be told.
#[derive(Debug)]
pub(crate) enum Command {
    Client(ClientCommand),
    Worker(WorkerCommand),
    #[expect(dead_code, reason = "nobody tells the broker anything")]
    Broker(BrokerCommand),
    /// A stranger says this.
    Say(Frames),
    /// The next message finds its connection full.
    Refuse,
    /// Every connection has room again.
    Relent,
}

/// What a node tells.
#[derive(Debug)]
pub(crate) enum Event {
    Client(ClientEvent),
    Worker(WorkerEvent),
    Other,
}

/// A machine that can be looked at.
pub(crate) trait Books {
    /// Panics if a promise is broken.
    fn look(&self);
}

impl Books for Client {
    fn look(&self) {
        let counters = self.counters();
        assert!(counters.balances() && counters.held <= MAX_REQUESTS as u64, "{counters:?}");
    }
}

impl Books for Worker {
    fn look(&self) {
        let counters = self.counters();
        assert!(counters.held <= MAX_REQUESTS as u64, "{counters:?}");
    }
}

impl Books for Broker {
    fn look(&self) {
        let counters = self.counters();
        assert!(counters.balances() && counters.held <= MAX_REQUESTS as u64, "{counters:?}");
        assert!(self.workers() <= MAX_PEERS);
    }
}

/// A machine, what its connections refuse, and what it was heard to hear.
pub(crate) struct Watched<M> {
    pub(crate) machine: M,
    gossip: Shared,
    now: Time,
    refuses: bool,
    full: BTreeSet<(SocketId, Peer)>,
    outputs: usize,
    inputs: u32,
}

impl<M: Machine + Books> Watched<M> {
    fn new(machine: M, gossip: Shared) -> Self {
        let (now, full) = (Time::ZERO, BTreeSet::new());
        Self { machine, gossip, now, refuses: false, full, outputs: 0, inputs: 0 }
    }

    fn handle(&mut self, now: Time, input: Input<M::Command>) {
        if let Input::Message { frames, .. } = &input {
            self.gossip.borrow_mut().hear(frames);
        }
        (self.now, self.outputs) = (now, 0);
        self.machine.handle(now, input);
        self.inputs = self.inputs.wrapping_add(1);
        if self.inputs.is_multiple_of(LOOK_EVERY) {
            self.machine.look();
        }
    }

    /// A connection that refused a message refuses all that follow, until it has room.
    fn poll(&mut self) -> Option<Output<M::Event>> {
        loop {
            let output = self.machine.poll()?;
            self.outputs += 1;
            assert!(self.outputs < MAX_OUTPUTS, "one input makes it send without end");
            let Output::Send { socket, peer, token, .. } = &output else { return Some(output) };
            let connection = (*socket, peer.clone());
            if !std::mem::take(&mut self.refuses) && !self.full.contains(&connection) {
                return Some(output);
            }
            let refused = Input::Refused { socket: *socket, token: *token, why: Refusal::Full };
            self.full.insert(connection);
            self.machine.handle(self.now, refused);
        }
    }

    fn relent(&mut self, now: Time) {
        self.refuses = false;
        let sockets: BTreeSet<SocketId> =
            std::mem::take(&mut self.full).into_iter().map(|(socket, _)| socket).collect();
        for socket in sockets {
            self.machine.handle(now, Input::Writable { socket });
        }
    }
}

/// A stranger: a socket, and no machine at all.
pub(crate) struct Stranger {
    /// Where it connects to, or waits for others.
    connect: Option<String>,
    bind: Option<String>,
    gossip: Shared,
    /// Who spoke to it last.
    peer: Peer,
    outputs: Vec<Output<Event>>,
}

const ONLY: SocketId = SocketId(0);

impl Stranger {
    fn handle(&mut self, input: Input<Command>) {
        match input {
            Input::Room(_) => {
                let role = if self.bind.is_some() { Role::Router } else { Role::Dealer };
                self.outputs.push(Output::Open { socket: ONLY, role });
                let bind = self.bind.take().map(|endpoint| Output::Bind { socket: ONLY, endpoint });
                let connect = self.connect.take().map(|endpoint| Output::Connect { socket: ONLY, endpoint });
                self.outputs.extend(bind.into_iter().chain(connect));
            }
            Input::Command(Command::Say(frames)) => {
                let (peer, token) = (self.peer.clone(), Token(0));
                self.outputs.push(Output::Send { socket: ONLY, peer, token, frames });
            }
            Input::Message { peer, frames, .. } => {
                let mut gossip = self.gossip.borrow_mut();
                gossip.hear(&frames);
                if let Some((header, ..)) = Header::read(MAGIC, frames).filter(|(header, ..)| header.kind == OPEN) {
                    gossip.opened(header.session);
                }
                self.peer = peer;
            }
            _ => {}
        }
    }
}

/// A node.
pub(crate) enum Party {
    Client(Box<Watched<Client>>),
    Worker(Box<Watched<Worker>>),
    Broker(Box<Watched<Broker>>),
    Stranger(Stranger),
}

impl Party {
    pub(crate) fn client(machine: Client, gossip: &Shared) -> Self {
        Self::Client(Box::new(Watched::new(machine, Rc::clone(gossip))))
    }

    pub(crate) fn worker(machine: Worker, gossip: &Shared) -> Self {
        Self::Worker(Box::new(Watched::new(machine, Rc::clone(gossip))))
    }

    pub(crate) fn broker(machine: Broker, gossip: &Shared) -> Self {
        Self::Broker(Box::new(Watched::new(machine, Rc::clone(gossip))))
    }

    pub(crate) fn stranger(connect: Option<&str>, bind: Option<&str>, gossip: &Shared) -> Self {
        let (connect, bind) = (connect.map(str::to_owned), bind.map(str::to_owned));
        Self::Stranger(Stranger {
            connect,
            bind,
            gossip: Rc::clone(gossip),
            peer: Peer::default(),
            outputs: Vec::new(),
        })
    }

    fn relent(&mut self, now: Time) {
        match self {
            Self::Client(client) => client.relent(now),
            Self::Worker(worker) => worker.relent(now),
            Self::Broker(broker) => broker.relent(now),
            Self::Stranger(_) => {}
        }
    }

    fn refuse(&mut self) {
        match self {
            Self::Client(client) => client.refuses = true,
            Self::Worker(worker) => worker.refuses = true,
            Self::Broker(broker) => broker.refuses = true,
            Self::Stranger(_) => {}
        }
    }
}

impl Machine for Party {
    type Command = Command;
    type Event = Event;

    fn handle(&mut self, now: Time, input: Input<Command>) {
        match (&mut *self, input) {
            (_, Input::Command(Command::Refuse)) => self.refuse(),
            (_, Input::Command(Command::Relent)) => self.relent(now),
            (Self::Stranger(stranger), input) => stranger.handle(input),
            (Self::Client(client), input) => client.handle(
                now,
                input.map(|command| match command {
                    Command::Client(command) => command,
                    other => panic!("a client got {other:?}"),
                }),
            ),
            (Self::Worker(worker), input) => worker.handle(
                now,
                input.map(|command| match command {
                    Command::Worker(command) => command,
                    other => panic!("a worker got {other:?}"),
                }),
            ),
            (Self::Broker(broker), input) => broker.handle(
                now,
                input.map(|command| match command {
                    Command::Broker(command) => command,
                    other => panic!("a broker got {other:?}"),
                }),
            ),
        }
    }

    fn poll(&mut self) -> Option<Output<Event>> {
        match self {
            Self::Client(client) => client.poll().map(|output| output.map(Event::Client)),
            Self::Worker(worker) => worker.poll().map(|output| output.map(Event::Worker)),
            Self::Broker(broker) => broker.poll().map(|output| output.map(|_| Event::Other)),
            Self::Stranger(stranger) => (!stranger.outputs.is_empty()).then(|| stranger.outputs.remove(0)),
        }
    }

    fn deadline(&self) -> Option<Time> {
        match self {
            Self::Client(client) => client.machine.deadline(),
            Self::Worker(worker) => worker.machine.deadline(),
            Self::Broker(broker) => broker.machine.deadline(),
            Self::Stranger(_) => None,
        }
    }
}
