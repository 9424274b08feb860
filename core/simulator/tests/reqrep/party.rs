//! The roles as one type, because a world holds machines of one type.

use zpatterns_protocol::{
    Machine, Time,
    machine::{Input, Output},
    reqrep::{
        Broker, BrokerCommand, BrokerEvent, Client, ClientCommand, ClientEvent, Worker, WorkerCommand, WorkerEvent,
    },
};

pub(crate) enum Party {
    Client(Box<Client>),
    Worker(Box<Worker>),
    Broker(Box<Broker>),
}

#[derive(Debug)]
pub(crate) enum Command {
    Client(ClientCommand),
    Worker(WorkerCommand),
    Broker(BrokerCommand),
}

#[derive(Debug)]
pub(crate) enum Event {
    Client(ClientEvent),
    Worker(WorkerEvent),
    Broker(BrokerEvent),
}

impl Machine for Party {
    type Command = Command;
    type Event = Event;

    fn handle(&mut self, now: Time, input: Input<Command>) {
        match self {
            Self::Client(client) => client.handle(
                now,
                input.map(|command| match command {
                    Command::Client(command) => command,
                    other => panic!("a client got {other:?}"),
                }),
            ),
            Self::Worker(worker) => worker.handle(
                now,
                input.map(|command| match command {
                    Command::Worker(command) => command,
                    other => panic!("a worker got {other:?}"),
                }),
            ),
            Self::Broker(broker) => broker.handle(
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
            Self::Broker(broker) => broker.poll().map(|output| output.map(Event::Broker)),
        }
    }

    fn deadline(&self) -> Option<Time> {
        match self {
            Self::Client(client) => client.deadline(),
            Self::Worker(worker) => worker.deadline(),
            Self::Broker(broker) => broker.deadline(),
        }
    }
}
