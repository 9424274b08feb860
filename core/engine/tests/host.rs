//! Machines on real sockets.

mod support;

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use support::watchdog;
use zpatterns_engine::{Context, Deadline, ErrorKind, Host, HostOptions};
use zpatterns_protocol::{
    Machine, Time,
    machine::{Frames, Input, Output, Peer, Refusal, Role, SocketId, Token},
};

const SOCKET: SocketId = SocketId(0);

#[derive(Debug, PartialEq)]
enum Event {
    Bound(String),
    Failed(ErrorKind),
    Reply(u64),
    Refused(Refusal),
    Tick(u32),
}

enum Command {
    Bind(String),
    Connect(String),
    Ask(u64),
    SendTo(Vec<u8>),
    Tick(Duration, u32),
    Panic,
}

/// Answers what it is asked; asks and holds answers back until there is room for them.
#[derive(Default)]
struct Echo {
    server: bool,
    room: usize,
    replies: VecDeque<u64>,
    held: VecDeque<Frames>,
    full: bool,
    refused: usize,
    outstanding: usize,
    ticks: Option<(Time, Duration, u32)>,
    outputs: VecDeque<Output<Event>>,
}

impl Echo {
    fn deliver(&mut self, event: Event) {
        self.room = self.room.saturating_sub(1);
        self.outputs.push_back(Output::Deliver(event));
    }

    /// Below every queue on the way, so that the server's answers always find room.
    fn may_ask(&self) -> bool {
        !self.full && self.outstanding < 500
    }

    fn flush(&mut self) {
        while self.room > 0
            && let Some(reply) = self.replies.pop_front()
        {
            self.deliver(Event::Reply(reply));
        }
        // One at a time: a refusal comes before the next.
        if self.may_ask()
            && let Some(frames) = self.held.pop_front()
        {
            self.outstanding += 1;
            self.send(Peer::default(), frames);
        }
    }

    fn send(&mut self, peer: Peer, frames: Frames) {
        let token = frames.last().map_or(0, number);
        self.outputs.push_back(Output::Send { socket: SOCKET, peer, token: Token(token), frames });
    }
}

fn number(frame: &Bytes) -> u64 {
    frame.as_ref().try_into().map_or(0, u64::from_le_bytes)
}

fn frames(number: u64) -> Frames {
    vec![Bytes::from(vec![0; 1000]), Bytes::copy_from_slice(&number.to_le_bytes())]
}

impl Machine for Echo {
    type Command = Command;
    type Event = Event;

    fn handle(&mut self, now: Time, input: Input<Command>) {
        match input {
            Input::Room(room) => self.room = room,
            Input::Command(Command::Bind(endpoint)) => {
                self.server = true;
                self.outputs.push_back(Output::Open { socket: SOCKET, role: Role::Router });
                self.outputs.push_back(Output::Bind { socket: SOCKET, endpoint });
            }
            Input::Command(Command::Connect(endpoint)) => {
                self.outputs.push_back(Output::Open { socket: SOCKET, role: Role::Dealer });
                self.outputs.push_back(Output::Connect { socket: SOCKET, endpoint });
            }
            Input::Command(Command::Ask(number)) => self.held.push_back(frames(number)),
            Input::Command(Command::SendTo(peer)) => self.send(Peer(peer.into()), frames(0)),
            Input::Command(Command::Tick(span, times)) => self.ticks = Some((now + span, span, times)),
            Input::Command(Command::Panic) => panic!("as asked"),
            Input::Message { peer, frames, .. } if self.server => self.send(peer, frames),
            Input::Message { frames, .. } => {
                self.outstanding -= 1;
                self.replies.push_back(number(&frames[1]));
            }
            Input::Bound { endpoint, .. } => self.deliver(Event::Bound(endpoint)),
            Input::Failed { error, .. } => self.deliver(Event::Failed(error.kind())),
            Input::Refused { token, why: Refusal::Full, .. } if !self.server => {
                // Several may be refused before the first is told; they come in order.
                let at = if self.full { self.refused } else { 0 };
                (self.full, self.refused) = (true, at + 1);
                self.outstanding -= 1;
                self.held.insert(at, frames(token.0));
            }
            Input::Refused { why, .. } => self.deliver(Event::Refused(why)),
            Input::Writable { .. } => self.full = false,
            Input::Deadline => {
                if let Some((_, span, left)) = self.ticks.take() {
                    self.deliver(Event::Tick(left));
                    self.ticks = (left > 1).then(|| (now + span, span, left - 1));
                }
            }
            Input::Recovered { .. } | Input::Fetched { .. } | Input::Stored { .. } | Input::StoreFailed { .. } => {}
        }
        self.flush();
    }

    fn poll(&mut self) -> Option<Output<Event>> {
        let next = self.outputs.pop_front();
        if next.is_none() && self.may_ask() && !self.held.is_empty() {
            self.flush();
            return self.outputs.pop_front();
        }
        next
    }

    fn deadline(&self) -> Option<Time> {
        self.ticks.map(|(at, ..)| at)
    }
}

fn start(context: &Context, options: HostOptions) -> Host<Echo> {
    Host::start(context, Echo::default(), options).expect("a host")
}

fn server(context: &Context) -> (Host<Echo>, String) {
    let host = start(context, HostOptions::default());
    host.command(Command::Bind("tcp://127.0.0.1:0".into())).expect("room");
    match host.next(&watchdog()).expect("an event") {
        Event::Bound(endpoint) => (host, endpoint),
        other => panic!("not bound: {other:?}"),
    }
}

#[test]
fn every_question_is_answered_though_inbox_and_socket_are_small() {
    const QUESTIONS: u64 = 20_000;
    let context = Context::new().expect("a context");
    let (_server, endpoint) = server(&context);
    let client = start(&context, HostOptions { max_events: 3, max_commands: 100, ..HostOptions::default() });
    client.command(Command::Connect(endpoint)).expect("room");
    let asking = std::thread::spawn({
        let client = client.clone();
        move || {
            for number in 0..QUESTIONS {
                while let Err(error) = client.command(Command::Ask(number)) {
                    assert_eq!(error.kind(), ErrorKind::Full);
                    std::thread::yield_now();
                }
            }
        }
    });
    for number in 0..QUESTIONS {
        assert_eq!(client.next(&watchdog()).expect("a reply"), Event::Reply(number));
    }
    asking.join().expect("the asking thread ends");
    assert_eq!(client.next(&Deadline::now()).expect_err("no more").kind(), ErrorKind::Timeout);
}

#[test]
fn deadlines_come_without_anything_else_happening() {
    let context = Context::new().expect("a context");
    let host = start(&context, HostOptions::default());
    host.command(Command::Tick(Duration::from_millis(1), 20)).expect("room");
    for left in (1..=20).rev() {
        assert_eq!(host.next(&watchdog()).expect("a tick"), Event::Tick(left));
    }
}

#[test]
fn what_cannot_be_done_is_told() {
    let context = Context::new().expect("a context");
    let (server, endpoint) = server(&context);
    let other = start(&context, HostOptions::default());
    other.command(Command::Bind(endpoint)).expect("room");
    assert_eq!(other.next(&watchdog()).expect("an event"), Event::Failed(ErrorKind::AddressInUse));
    server.command(Command::SendTo(b"nobody".to_vec())).expect("room");
    assert_eq!(server.next(&watchdog()).expect("an event"), Event::Refused(Refusal::Gone));
    server.close();
    assert_eq!(server.next(&watchdog()).expect_err("closed").kind(), ErrorKind::Closed);
}

#[test]
fn a_context_that_was_shut_down_before_anything_was_opened_ends_a_machine() {
    let context = Context::new().expect("a context");
    let host = start(&context, HostOptions::default());
    context.shutdown();
    host.command(Command::Connect("tcp://127.0.0.1:1".into())).expect("it hears of the end when it opens a socket");
    assert_eq!(host.next(&watchdog()).expect_err("closed").kind(), ErrorKind::Closed);
}

#[test]
fn a_panic_ends_one_machine_and_spares_the_others() {
    let context = Context::new().expect("a context");
    let (_server, endpoint) = server(&context);
    let (broken, sound) = (start(&context, HostOptions::default()), start(&context, HostOptions::default()));
    assert_eq!(broken.command(Command::Panic).expect_err("poisoned").kind(), ErrorKind::Poisoned);
    assert_eq!(broken.next(&watchdog()).expect_err("poisoned").kind(), ErrorKind::Poisoned);
    sound.command(Command::Connect(endpoint)).expect("room");
    sound.command(Command::Ask(7)).expect("room");
    assert_eq!(sound.next(&watchdog()).expect("a reply"), Event::Reply(7));
}

#[test]
fn arming_tells_of_an_event() {
    let context = Context::new().expect("a context");
    let host = start(&context, HostOptions::default());
    assert!(!host.arm());
    host.command(Command::Tick(Duration::from_millis(1), 1)).expect("room");
    while !host.arm() {
        std::thread::yield_now();
    }
    assert_eq!(host.next(&Deadline::now()).expect("a tick"), Event::Tick(1));
}
