//! Who is turned away by the security of a connection hears so, whatever it is.

use std::time::Duration;

use zpatterns::{
    Authenticator, Context, CurveKeys, Deadline, Error, ErrorKind,
    pubsub::{
        ClientSecurity, Criterion, Publisher, PublisherOptions, Security, ServerSecurity, Subscriber, SubscriberEvent,
        SubscriberOptions, SubscriptionOptions,
    },
};
use zpatterns_engine::{Host, HostOptions};
use zpatterns_protocol::{
    Machine,
    liveness::Pace,
    reqrep::{
        Balance, Client, ClientCommand, ClientEvent, ClientOptions, RequestOptions, Settled, Task, Worker, WorkerEvent,
        WorkerOptions,
    },
    zqueue::{JobOptions, Producer, ProducerCommand, ProducerEvent, ProducerOptions},
};

const PACE: Pace = Pace { interval: Duration::from_millis(100), limit: 3 };

fn watchdog() -> Deadline {
    Deadline::after(Duration::from_secs(30))
}

/// A context in which one key is let in, where a publisher has another.
struct Stage {
    context: Context,
    authenticator: Authenticator,
    server: CurveKeys,
    client: CurveKeys,
    publisher: Publisher,
}

impl Stage {
    fn new() -> Self {
        let context = Context::new().expect("a context");
        let authenticator = context.authenticator().expect("the first");
        let [server, client] = [(); 2].map(|()| CurveKeys::generate().expect("keys"));
        authenticator.allow_key(&client.public).expect("a key");
        let publisher = bind(&context, &server, "tcp://127.0.0.1:0").expect("a free port");
        Self { context, authenticator, server, client, publisher }
    }

    /// As who is known there, or as a stranger.
    fn security(&self, is_known: bool) -> Security {
        let keys = if is_known { self.client.clone() } else { CurveKeys::generate().expect("keys") };
        let client = Some(ClientSecurity::Curve { server_key: self.server.public.clone(), keys });
        Security { client, ..Security::default() }
    }

    fn subscriber(&self, security: Security) -> Subscriber {
        let options = SubscriberOptions { security, ..SubscriberOptions::default() };
        Subscriber::connect(&self.context, self.publisher.endpoint(), options).expect("a subscriber")
    }

    /// Runs a machine that connects to the publisher's port as a stranger.
    fn run<M>(&self, machine: M) -> Host<M>
    where
        M: Machine<Command: Send, Event: Send> + Send + 'static,
    {
        let options = HostOptions { security: self.security(false), ..HostOptions::default() };
        Host::start(&self.context, machine, options).expect("a host")
    }
}

fn bind(context: &Context, keys: &CurveKeys, endpoint: &str) -> Result<Publisher, Error> {
    let server = Some(ServerSecurity::Curve { secret_key: keys.secret.clone() });
    let security = Security { server, ..Security::default() };
    Publisher::bind(context, endpoint, PublisherOptions { security, ..PublisherOptions::default() })
}

fn assert_denied(error: &Error, endpoint: &str) {
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    let facts = [("status", "400".to_owned()), ("endpoint", endpoint.to_owned())];
    assert_eq!(error.context(), facts);
}

#[test]
fn a_subscriber_that_is_turned_away_says_so_again_and_again() {
    let stage = Stage::new();
    let eve = stage.subscriber(stage.security(false));
    eve.subscribe(Criterion::prefix("").expect("all"), SubscriptionOptions::default()).expect("it is open");
    for _ in 0..2 {
        assert_denied(&eve.recv(&watchdog()).expect_err("nothing comes"), stage.publisher.endpoint());
    }
    assert_eq!(stage.authenticator.stats().denied_key, 1);
    // Who is known is none the worse for it.
    let ada = stage.subscriber(stage.security(true));
    assert_eq!(ada.recv(&watchdog()).expect("it is let in"), SubscriberEvent::Connected);
}

#[test]
fn a_subscriber_that_is_not_protected_as_its_publisher_is_hears_so() {
    let stage = Stage::new();
    let client = Some(ClientSecurity::Plain { username: "ada".to_owned(), password: "engine".to_owned() });
    let plain = stage.subscriber(Security { client, ..Security::default() });
    assert_eq!(plain.recv(&watchdog()).expect_err("nothing comes").kind(), ErrorKind::PermissionDenied);
}

#[test]
fn a_subscriber_whose_key_is_forgotten_hears_so_when_it_comes_back() {
    let mut stage = Stage::new();
    let ada = stage.subscriber(stage.security(true));
    assert_eq!(ada.recv(&watchdog()).expect("it is let in"), SubscriberEvent::Connected);
    stage.authenticator.remove_key(&stage.client.public).expect("a key");
    let endpoint = stage.publisher.endpoint().to_owned();
    stage.publisher.close(Duration::ZERO);
    stage.publisher = loop {
        match bind(&stage.context, &stage.server, &endpoint) {
            Ok(publisher) => break publisher,
            // The one before still has the port, for a moment.
            Err(error) => assert_eq!(error.kind(), ErrorKind::AddressInUse),
        }
    };
    assert_denied(&ada.recv(&watchdog()).expect_err("it is not let in again"), &endpoint);
}

#[test]
fn what_a_client_asks_is_denied_if_nobody_lets_it_in() {
    let stage = Stage::new();
    let client = stage.run(Client::new(ClientOptions {
        endpoints: vec![stage.publisher.endpoint().to_owned()],
        freelance: vec![],
        pace: PACE,
        max_requests: 10,
        max_bytes: 10_000,
        balance: Balance::default(),
        seed: 1,
    }));
    for id in 0..2 {
        let (service, options) = ("echo".into(), RequestOptions::default());
        let ask = ClientCommand::Request { id, task: Task::Ask, service, body: vec![], options };
        client.command(ask).expect("it is open");
        match client.next(&watchdog()).expect("an outcome") {
            ClientEvent::Settled { id: of, outcome: Settled::Failed(failure) } => {
                assert_eq!((of, failure.kind, failure.may_have_run), (id, ErrorKind::PermissionDenied, false));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_worker_hears_if_nobody_lets_it_in() {
    let stage = Stage::new();
    let worker = stage.run(Worker::new(WorkerOptions {
        service: "echo".into(),
        connect: vec![stage.publisher.endpoint().to_owned()],
        bind: None,
        credit: 1,
        max_jobs: 10,
        max_clients: 0,
        pace: PACE,
        seed: 1,
    }));
    match worker.next(&watchdog()).expect("an event") {
        WorkerEvent::Failed(error) => assert_denied(&error, stage.publisher.endpoint()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_producer_pushes_is_denied_if_it_is_not_let_in() {
    let stage = Stage::new();
    let producer = stage.run(Producer::new(ProducerOptions {
        endpoint: stage.publisher.endpoint().to_owned(),
        pace: PACE,
        max_calls: 10,
        max_bytes: 10_000,
        seed: 1,
    }));
    for id in 0..2 {
        let (queue, options, patience) = ("jobs".into(), JobOptions::default(), Duration::from_secs(60));
        let push = ProducerCommand::Push { id, queue, body: vec![], options, watch: false, draft: false, patience };
        producer.command(push).expect("it is open");
        match producer.next(&watchdog()).expect("an answer") {
            ProducerEvent::Refused { id: of, refusal, may_be_done } => {
                assert_eq!((of, refusal.kind, may_be_done), (id, ErrorKind::PermissionDenied, false));
            }
            other => panic!("{other:?}"),
        }
    }
}
