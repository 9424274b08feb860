//! The roles as one type.

use zpatterns_protocol::reqrep::{
    Broker, BrokerCommand, BrokerEvent, Client, ClientCommand, ClientEvent, Worker, WorkerCommand, WorkerEvent,
};

zpatterns_simulator::parties! {
    Client(Client, ClientCommand, ClientEvent),
    Worker(Worker, WorkerCommand, WorkerEvent),
    Broker(Broker, BrokerCommand, BrokerEvent),
}
