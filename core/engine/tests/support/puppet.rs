//! A machine that does what it is told, and tells what happens to it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use zpatterns_engine::{Context, Deadline, ErrorKind, Host, HostOptions, Security};
use zpatterns_protocol::{
    Machine, Time,
    machine::{Frames, Input, Output, Peer, Refusal, Role, SocketId, Token},
};

use super::watchdog;

/// What most tests need one of.
pub const SOCKET: SocketId = SocketId(0);

#[derive(Debug, PartialEq)]
pub enum Event {
    Bound(String),
    Failed(ErrorKind),
    Message { peer: Peer, user: String, frames: Frames },
    Refused(u64, Refusal),
    Writable,
}

pub enum Command {
    Do(Vec<Output<Event>>),
    /// Count a command of this caller.
    Count(usize),
    Panic,
}

#[derive(Default)]
pub struct Puppet {
    room: usize,
    events: VecDeque<Event>,
    outputs: VecDeque<Output<Event>>,
    pub counts: BTreeMap<usize, usize>,
    pub refused: usize,
    /// All that it ever heard.
    pub said: BTreeSet<String>,
}

impl Machine for Puppet {
    type Command = Command;
    type Event = Event;

    fn handle(&mut self, _now: Time, input: Input<Command>) {
        match input {
            Input::Message { peer, user, frames, .. } => {
                self.said.insert(text(&frames));
                let user = String::from_utf8(user.into()).expect("users are text");
                self.events.push_back(Event::Message { peer, user, frames });
            }
            Input::Bound { endpoint, .. } => self.events.push_back(Event::Bound(endpoint)),
            Input::Failed { error, .. } => self.events.push_back(Event::Failed(error.kind())),
            Input::Refused { token, why, .. } => {
                self.refused += 1;
                self.events.push_back(Event::Refused(token.0, why));
            }
            Input::Writable { .. } => self.events.push_back(Event::Writable),
            Input::Command(Command::Do(outputs)) => self.outputs.extend(outputs),
            Input::Command(Command::Count(caller)) => *self.counts.entry(caller).or_default() += 1,
            Input::Command(Command::Panic) => panic!("as asked"),
            Input::Room(room) => self.room = room,
            _ => {}
        }
        let some = self.room.min(self.events.len());
        self.room -= some;
        self.outputs.extend(self.events.drain(..some).map(Output::Deliver));
    }

    fn poll(&mut self) -> Option<Output<Event>> {
        self.outputs.pop_front()
    }

    fn deadline(&self) -> Option<Time> {
        None
    }
}

/// A puppet on its strings.
pub struct Stage(pub Host<Puppet>);

impl Stage {
    /// With one open socket.
    pub fn open(context: &Context, role: Role) -> Self {
        Self::open_with(context, role, Security::default())
    }

    pub fn open_with(context: &Context, role: Role, security: Security) -> Self {
        let options = HostOptions { security, ..HostOptions::default() };
        let stage = Self(Host::start(context, Puppet::default(), options).expect("a host"));
        stage.play([Output::Open { socket: SOCKET, role }]);
        stage
    }

    /// With one socket that is bound; where.
    pub fn bound(context: &Context, role: Role, security: Security) -> (Self, String) {
        let stage = Self::open_with(context, role, security);
        let endpoint = stage.bind("tcp://127.0.0.1:0");
        (stage, endpoint)
    }

    pub fn play(&self, outputs: impl IntoIterator<Item = Output<Event>>) {
        self.0.command(Command::Do(outputs.into_iter().collect())).expect("the machine lives");
    }

    /// Binds, as soon as whoever was there before is gone.
    pub fn bind(&self, endpoint: &str) -> String {
        loop {
            self.play([Output::Bind { socket: SOCKET, endpoint: endpoint.into() }]);
            match self.next() {
                Event::Bound(endpoint) => return endpoint,
                Event::Failed(ErrorKind::AddressInUse) => std::thread::yield_now(),
                other => panic!("not bound: {other:?}"),
            }
        }
    }

    pub fn connect(&self, endpoint: &str) {
        self.play([Output::Connect { socket: SOCKET, endpoint: endpoint.into() }]);
    }

    pub fn dial(&self, endpoint: &str, name: &'static str) {
        self.play([Output::Dial { socket: SOCKET, endpoint: endpoint.into(), peer: peer(name) }]);
    }

    pub fn hang_up(&self, endpoint: &str) {
        self.play([Output::HangUp { socket: SOCKET, endpoint: endpoint.into() }]);
    }

    pub fn send(&self, peer: &Peer, token: u64, text: &str) {
        self.play([say(peer, token, text)]);
    }

    pub fn next(&self) -> Event {
        self.0.next(&watchdog()).expect("an event")
    }

    /// The next event, if there is one.
    pub fn try_next(&self) -> Option<Event> {
        match self.0.next(&Deadline::now()) {
            Ok(event) => Some(event),
            Err(error) if error.kind() == ErrorKind::Timeout => None,
            Err(error) => panic!("the machine ended: {error}"),
        }
    }

    /// The next message: from whom it is, as whom they are known, and what they say. Other events are passed over.
    pub fn heard(&self) -> (Peer, String, String) {
        loop {
            if let Event::Message { peer, user, frames } = self.next() {
                return (peer, user, text(&frames));
            }
        }
    }

    /// Says it until it is heard, because nobody knows when there is a connection, a subscription has arrived, or a broken
    /// connection was noticed. Who said it, and as whom they are known.
    pub fn say_until_heard(&self, to: &Peer, said: &str, hearer: &Self) -> (Peer, String) {
        loop {
            self.send(to, 0, said);
            while let Some(event) = hearer.try_next() {
                match event {
                    Event::Message { peer, user, frames } if text(&frames) == said => return (peer, user),
                    // What was said before may still come.
                    _ => {}
                }
            }
            std::thread::yield_now();
        }
    }
}

/// Two frames, so that a message can be half read.
pub fn say(peer: &Peer, token: u64, text: &str) -> Output<Event> {
    let frames = vec![text.as_bytes().to_vec().into(), "!".into()];
    Output::Send { socket: SOCKET, peer: peer.clone(), token: Token(token), frames }
}

pub fn text(frames: &Frames) -> String {
    String::from_utf8_lossy(&frames[0]).into_owned()
}

pub fn peer(name: &'static str) -> Peer {
    Peer(name.into())
}
