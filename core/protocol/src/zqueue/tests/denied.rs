//! Who is turned away where he connects.

use super::*;
use crate::{
    Error, Machine,
    machine::{Input, Output, SocketId},
};

const PACE: Pace = Pace { interval: Duration::from_secs(1), limit: 3 };

/// What a machine told, and the sockets that it has connected, by endpoint.
struct Stage<M: Machine> {
    machine: M,
    sockets: BTreeMap<String, SocketId>,
    told: Vec<M::Event>,
}

impl<M: Machine> Stage<M> {
    fn new(machine: M) -> Self {
        let mut stage = Self { machine, sockets: BTreeMap::new(), told: Vec::new() };
        stage.tell(Input::Room(100));
        stage
    }

    fn tell(&mut self, input: Input<M::Command>) {
        self.machine.handle(Time::ZERO, input);
        while let Some(output) = self.machine.poll() {
            match output {
                Output::Connect { socket, endpoint } => drop(self.sockets.insert(endpoint, socket)),
                Output::Deliver(event) => self.told.push(event),
                _ => {}
            }
        }
    }

    fn turn_away(&mut self, endpoint: &'static str) {
        let error = Error::new(ErrorKind::PermissionDenied, "not you").with("endpoint", endpoint);
        self.tell(Input::Failed { socket: self.sockets[endpoint], error });
    }
}

fn push(id: u64) -> Input<ProducerCommand> {
    let (queue, body, options, patience) = (QUEUE, text("job"), JobOptions::default(), Duration::from_secs(30));
    Input::Command(ProducerCommand::Push { id, queue, body, options, watch: true, draft: false, patience })
}

fn denied(event: &ProducerEvent) -> (u64, bool) {
    match event {
        ProducerEvent::Refused { id, refusal, may_be_done } => {
            assert_eq!((refusal.kind, &*refusal.text), (ErrorKind::PermissionDenied, "not you (endpoint one)"));
            (*id, *may_be_done)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_that_a_producer_wants_is_denied_at_once() {
    let mut stage = Stage::new(Producer::new(ProducerOptions {
        endpoint: "one".to_owned(),
        pace: PACE,
        max_calls: 10,
        max_bytes: 10_000,
        seed: 1,
    }));
    stage.tell(push(1));
    stage.turn_away("one");
    stage.tell(push(2));
    // The first was handed over, and nobody has said that it did not arrive.
    assert_eq!(stage.told.iter().map(denied).collect::<Vec<_>>(), [(1, true), (2, false)]);
    assert_eq!((stage.machine.open(), stage.machine.deadline()), (0, None), "there is nothing to be done any more");
    stage.tell(Input::Room(200));
    assert_eq!(stage.sockets.len(), 1, "it does not connect again");
}

#[test]
fn a_worker_ends_when_the_last_queue_has_turned_it_away() {
    let mut stage = Stage::new(Worker::new(WorkerOptions {
        connect: vec!["one".to_owned(), "two".to_owned()],
        queues: vec![QUEUE],
        credit: 1,
        pace: PACE,
        max_bytes: 10_000,
        seed: 1,
    }));
    stage.turn_away("one");
    assert_eq!(stage.told, []);
    stage.turn_away("two");
    assert!(matches!(&stage.told[..], [WorkerEvent::Failed(error)] if error.kind() == ErrorKind::PermissionDenied));
    assert_eq!(stage.machine.deadline(), None, "there is nothing to be done any more");
}
