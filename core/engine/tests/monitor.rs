//! Connection events, over real connections.

mod support;

use support::{bound, open, watchdog};
use zpatterns_engine::{Context, Deadline, ErrorKind, Monitor, MonitorEventKind as Kind, SocketKind, SocketOptions};

/// Takes events until one of this kind, and returns its endpoint.
fn until(monitor: &Monitor, kind: Kind) -> String {
    loop {
        let event = monitor.next(&watchdog()).expect("an event");
        if event.kind == kind {
            return event.endpoint;
        }
    }
}

#[test]
fn a_connection_is_seen_from_both_sides_from_beginning_to_end() {
    let context = Context::new().unwrap();
    let (pull, endpoint) = bound(&context, SocketKind::Pull, &SocketOptions::default());
    let push = open(&context, SocketKind::Push, &SocketOptions::default());
    let (server, client) = (pull.monitor().unwrap(), push.monitor().unwrap());
    push.connect(&endpoint).unwrap();
    assert_eq!(until(&client, Kind::Connected), endpoint);
    until(&client, Kind::HandshakeSucceeded);
    until(&server, Kind::Accepted);
    until(&server, Kind::HandshakeSucceeded);
    pull.close(None);
    until(&server, Kind::Stopped);
    until(&client, Kind::Disconnected);
    until(&client, Kind::ConnectRetried);
}

#[test]
fn a_context_goes_on_whether_a_monitor_or_its_socket_ends_first() {
    for round in 0..100 {
        let context = Context::new().unwrap();
        let (pull, endpoint) = bound(&context, SocketKind::Pull, &SocketOptions::default());
        let first = pull.monitor().unwrap();
        let second = pull.monitor().unwrap();
        // The first was taken over; its end must not end the second.
        first.close();
        let push = open(&context, SocketKind::Push, &SocketOptions::default());
        push.connect(&endpoint).unwrap();
        until(&second, Kind::HandshakeSucceeded);
        if round % 2 == 0 {
            drop(second);
            pull.close(None);
        } else {
            pull.close(None);
            drop(second);
        }
        let (again, endpoint) = bound(&context, SocketKind::Pull, &SocketOptions::default());
        let push = open(&context, SocketKind::Push, &SocketOptions::default());
        push.connect(&endpoint).unwrap();
        push.send(b"still alive", &watchdog()).unwrap();
        assert_eq!(again.recv(&watchdog()).unwrap().payload(), b"still alive");
    }
}

#[test]
fn events_beyond_the_bound_are_dropped_and_counted() {
    let context = Context::new().unwrap();
    let (pull, _) = bound(&context, SocketKind::Pull, &SocketOptions::default());
    let monitor = pull.monitor().unwrap();
    // Each round is two events at least: far more than are kept, and libzmq must not stop over them.
    let mut rounds = 0;
    while monitor.lost() == 0 {
        let other = pull.bind("tcp://127.0.0.1:0").unwrap();
        pull.unbind(&other).unwrap();
        rounds += 1;
        assert!(rounds < 100_000, "events are neither kept nor dropped");
    }
    assert_eq!(monitor.next(&Deadline::now()).unwrap().kind, Kind::Listening);
    monitor.close();
    assert_eq!(monitor.next(&Deadline::now()).expect_err("closed").kind(), ErrorKind::Closed);
}
