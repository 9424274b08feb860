//! Who is turned away where he connects.

use std::time::Duration;

use bytes::Bytes;

use super::super::{
    Balance, Client, ClientCommand, ClientEvent, ClientOptions, FreelanceServer, RequestOptions, Settled, Task, Worker,
    WorkerCommand, WorkerEvent, WorkerOptions,
    wire::{MAGIC, Message},
};
use crate::{
    Error, ErrorKind, Machine, Time,
    link::{Header, OPEN, Session},
    liveness::Pace,
    machine::{Input, Output, Peer, SocketId},
};

const PACE: Pace = Pace { interval: Duration::from_secs(1), limit: 3 };
const SERVICE: Bytes = Bytes::from_static(b"echo");

/// A machine, those it is connected to, and what it has told.
struct Stage<M: Machine> {
    machine: M,
    now: Time,
    /// By endpoint, its newest socket, and the session there.
    sites: Vec<(String, SocketId, Session)>,
    told: Vec<M::Event>,
}

impl<M: Machine> Stage<M> {
    fn new(machine: M) -> Self {
        let mut stage = Self { machine, now: Time::ZERO, sites: Vec::new(), told: Vec::new() };
        stage.tell(Input::Room(100));
        stage
    }

    fn tell(&mut self, input: Input<M::Command>) {
        self.machine.handle(self.now, input);
        while let Some(output) = self.machine.poll() {
            match output {
                Output::Connect { socket, endpoint } => self.sites.push((endpoint, socket, Session(0))),
                Output::Send { socket, frames, .. } => {
                    let Some((header, ..)) = Header::read(MAGIC, frames) else { continue };
                    let site = self.sites.iter_mut().find(|(_, of, _)| *of == socket).expect("it is connected");
                    if header.kind == OPEN {
                        site.2 = header.session;
                    }
                }
                Output::Deliver(event) => self.told.push(event),
                _ => {}
            }
        }
    }

    fn site(&self, endpoint: &str) -> (SocketId, Session) {
        let (_, socket, session) = self.sites.iter().rfind(|(name, ..)| name == endpoint).expect("it is connected");
        (*socket, *session)
    }

    /// Somebody there says this, as the first thing that he says.
    fn hear(&mut self, endpoint: &str, message: Message) {
        let (socket, session) = self.site(endpoint);
        let (kind, fields, body) = message.encode();
        let frames = Header { kind, session, sequence: 1, received: 0 }.write(MAGIC, &fields, body);
        self.tell(Input::Message { socket, peer: Peer::default(), user: Bytes::new(), frames });
    }

    fn turn_away(&mut self, endpoint: &'static str) {
        let error = Error::new(ErrorKind::PermissionDenied, "not you").with("endpoint", endpoint);
        self.tell(Input::Failed { socket: self.site(endpoint).0, error });
    }

    fn wait(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(at) = self.machine.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.tell(Input::Deadline);
        }
        self.now = end;
    }
}

fn client(endpoints: &[&str], freelance: &[&str]) -> Stage<Client> {
    let server = |name: &&str| FreelanceServer { endpoint: (*name).to_owned(), service: SERVICE, credit: 1 };
    Stage::new(Client::new(ClientOptions {
        endpoints: endpoints.iter().map(|name| (*name).to_owned()).collect(),
        freelance: freelance.iter().map(server).collect(),
        pace: PACE,
        max_requests: 10,
        max_bytes: 10_000,
        balance: Balance::default(),
        seed: 1,
    }))
}

fn ask(stage: &mut Stage<Client>, id: u64) {
    let (task, service, options) = (Task::Ask, SERVICE, RequestOptions::default());
    stage.tell(Input::Command(ClientCommand::Request { id, task, service, body: vec![], options }));
}

/// Which requests were denied, and whether somebody may have begun with them.
fn denied(stage: &mut Stage<Client>) -> Vec<(u64, bool)> {
    let settled = |event| match event {
        ClientEvent::Settled { id, outcome: Settled::Failed(failure) } => {
            assert_eq!((failure.kind, &*failure.text), (ErrorKind::PermissionDenied, "not you (endpoint one)"));
            (id, failure.may_have_run)
        }
        other => panic!("{other:?}"),
    };
    stage.told.drain(..).map(settled).collect()
}

fn ready() -> Message {
    Message::Ready { responder: 7, credit: 1, service: SERVICE }
}

#[test]
fn what_a_client_asks_is_denied_at_once_when_nobody_lets_it_in() {
    let mut stage = client(&["one"], &[]);
    ask(&mut stage, 1);
    stage.turn_away("one");
    assert_eq!(denied(&mut stage), [(1, false)]);
    ask(&mut stage, 2);
    assert_eq!(denied(&mut stage), [(2, false)]);
    assert!(stage.machine.counters().balances());
    assert_eq!(stage.machine.deadline(), None, "there is nothing to be done any more");
}

#[test]
fn what_was_given_to_somebody_who_now_turns_us_away_may_have_run() {
    let mut stage = client(&["one"], &[]);
    stage.hear("one", ready());
    ask(&mut stage, 1);
    ask(&mut stage, 2);
    stage.turn_away("one");
    assert_eq!(denied(&mut stage), [(1, true), (2, false)]);
}

#[test]
fn a_client_asks_those_who_let_it_in() {
    for (endpoints, freelance) in [(&["one", "two"][..], &[][..]), (&["two"], &["one"]), (&["one"], &["two"])] {
        let mut stage = client(endpoints, freelance);
        stage.turn_away("one");
        ask(&mut stage, 1);
        stage.wait(Duration::from_secs(2));
        assert_eq!(stage.told, []);
        stage.turn_away("two");
        match &stage.told[..] {
            [ClientEvent::Settled { id: 1, outcome: Settled::Failed(failure) }] => {
                assert_eq!((failure.kind, &*failure.text), (ErrorKind::PermissionDenied, "not you (endpoint two)"));
            }
            other => panic!("{other:?}"),
        }
    }
}

fn worker(endpoints: &[&str]) -> Stage<Worker> {
    Stage::new(Worker::new(WorkerOptions {
        service: SERVICE,
        connect: endpoints.iter().map(|name| (*name).to_owned()).collect(),
        bind: None,
        credit: 1,
        max_jobs: 10,
        max_clients: 0,
        pace: PACE,
        seed: 1,
    }))
}

#[test]
fn a_worker_ends_when_the_last_broker_has_turned_it_away() {
    let mut stage = worker(&["one", "two"]);
    stage.hear("two", ready());
    stage.turn_away("one");
    stage.wait(Duration::from_secs(10));
    assert_eq!(stage.told, []);
    stage.turn_away("two");
    assert!(matches!(&stage.told[..], [WorkerEvent::Failed(error)] if error.kind() == ErrorKind::PermissionDenied));
    assert_eq!(stage.machine.deadline(), None, "there is nothing to be done any more");
}

#[test]
fn nobody_waits_for_a_job_of_a_broker_that_turns_its_worker_away() {
    let mut stage = worker(&["one", "two"]);
    let request = super::super::wire::Request {
        number: 1,
        remaining: Duration::from_secs(60),
        patience: Duration::ZERO,
        attempts: 1,
        task: Task::Ask,
        durable: false,
        once: false,
        service: SERVICE,
        key: Bytes::new(),
        body: vec![],
    };
    stage.hear("one", Message::Request(request));
    let [WorkerEvent::Job(job)] = &stage.told[..] else { panic!("{:?}", stage.told) };
    let job = job.id;
    stage.turn_away("one");
    assert_eq!(stage.told.pop(), Some(WorkerEvent::Cancelled { job }));
    // Nobody hears the answer, and nothing comes of it.
    stage.tell(Input::Command(WorkerCommand::Reply { job, body: vec![] }));
    stage.tell(Input::Command(WorkerCommand::Leave));
    stage.wait(PACE.patience());
    assert_eq!(stage.told.pop(), Some(WorkerEvent::Left));
    assert_eq!(stage.machine.counters().lost_asker_gone, 1);
}
