//! Who gets in: PLAIN, CURVE and addresses, over real connections.

mod support;

use std::time::Duration;

use support::{bound, open, watchdog};
use zpatterns_engine::{Context, CurveKeys, ErrorKind, Monitor, MonitorEventKind, SocketKind, SocketOptions};

fn curve_server(keys: &CurveKeys) -> SocketOptions {
    SocketOptions {
        curve_server: true,
        curve_public_key: Some(keys.public.clone()),
        curve_secret_key: Some(keys.secret.clone()),
        ..SocketOptions::default()
    }
}

fn curve_client(keys: &CurveKeys, server: &CurveKeys) -> SocketOptions {
    SocketOptions {
        curve_server_key: Some(server.public.clone()),
        curve_public_key: Some(keys.public.clone()),
        curve_secret_key: Some(keys.secret.clone()),
        ..SocketOptions::default()
    }
}

fn plain_client(name: &str, password: &str) -> SocketOptions {
    SocketOptions {
        plain_username: Some(name.into()),
        plain_password: Some(password.into()),
        ..SocketOptions::default()
    }
}

/// How a handshake ended, as the server's monitor tells.
fn outcome(monitor: &Monitor) -> MonitorEventKind {
    loop {
        let event = monitor.next(&watchdog()).expect("an event");
        if event.kind.name().starts_with("handshake") {
            return event.kind;
        }
    }
}

#[test]
fn curve_lets_in_the_keys_it_was_told() {
    let (server, friend, stranger) =
        (CurveKeys::generate().unwrap(), CurveKeys::generate().unwrap(), CurveKeys::generate().unwrap());
    let context = Context::new().unwrap();
    let authenticator = context.authenticator().unwrap();
    authenticator.allow_key(&friend.public).unwrap();
    let (pull, endpoint) = bound(&context, SocketKind::Pull, &curve_server(&server));
    let monitor = pull.monitor().unwrap();

    let clients = Context::new().unwrap();
    let push = open(&clients, SocketKind::Push, &curve_client(&stranger, &server));
    push.connect(&endpoint).unwrap();
    assert_eq!(outcome(&monitor), MonitorEventKind::HandshakeFailedAuth);
    push.close(None);

    let push = open(&clients, SocketKind::Push, &curve_client(&friend, &server));
    push.connect(&endpoint).unwrap();
    assert_eq!(outcome(&monitor), MonitorEventKind::HandshakeSucceeded);
    push.send(b"secret", &watchdog()).unwrap();
    let message = pull.recv(&watchdog()).unwrap();
    assert_eq!(message.payload(), b"secret");
    assert_eq!(message[0].property("User-Id").as_deref(), Some(&*friend.public));
    assert_eq!(message[0].property("No-Such"), None);

    authenticator.allow_any_key();
    let push = open(&clients, SocketKind::Push, &curve_client(&stranger, &server));
    push.connect(&endpoint).unwrap();
    assert_eq!(outcome(&monitor), MonitorEventKind::HandshakeSucceeded);
    let stats = authenticator.stats();
    assert_eq!((stats.allowed, stats.denied_key), (2, 1));
}

#[test]
fn plain_lets_in_users_with_their_password() {
    let context = Context::new().unwrap();
    let authenticator = context.authenticator().unwrap();
    authenticator.allow_user("ada", "engine").unwrap();
    let options = SocketOptions { plain_server: true, ..SocketOptions::default() };
    let (pull, endpoint) = bound(&context, SocketKind::Pull, &options);
    let monitor = pull.monitor().unwrap();
    for (name, password, expected) in [
        ("ada", "wrong", MonitorEventKind::HandshakeFailedAuth),
        ("eve", "engine", MonitorEventKind::HandshakeFailedAuth),
        ("ada", "engine", MonitorEventKind::HandshakeSucceeded),
    ] {
        let push = open(&context, SocketKind::Push, &plain_client(name, password));
        push.connect(&endpoint).unwrap();
        assert_eq!(outcome(&monitor), expected, "{name} {password}");
        if expected == MonitorEventKind::HandshakeSucceeded {
            push.send(b"note", &watchdog()).unwrap();
            assert_eq!(pull.recv(&watchdog()).unwrap()[0].property("User-Id").as_deref(), Some(name));
        }
        push.close(None);
    }
    authenticator.remove_user("ada");
    let push = open(&context, SocketKind::Push, &plain_client("ada", "engine"));
    push.connect(&endpoint).unwrap();
    assert_eq!(outcome(&monitor), MonitorEventKind::HandshakeFailedAuth);
}

#[test]
fn addresses_are_allowed_and_denied() {
    for (allow, deny, expected) in [
        (Some("127.0.0.1"), None, MonitorEventKind::HandshakeSucceeded),
        (Some("192.0.2.1"), None, MonitorEventKind::HandshakeFailedAuth),
        (None, Some("127.0.0.1"), MonitorEventKind::HandshakeFailedAuth),
        (Some("127.0.0.1"), Some("::ffff:127.0.0.1"), MonitorEventKind::HandshakeFailedAuth),
        (None, Some("192.0.2.1"), MonitorEventKind::HandshakeSucceeded),
    ] {
        let context = Context::new().unwrap();
        let authenticator = context.authenticator().unwrap();
        allow.iter().for_each(|address| authenticator.allow_address(address).unwrap());
        deny.iter().for_each(|address| authenticator.deny_address(address).unwrap());
        let options = SocketOptions { zap_domain: Some("addresses".into()), ..SocketOptions::default() };
        let (pull, endpoint) = bound(&context, SocketKind::Pull, &options);
        let monitor = pull.monitor().unwrap();
        let push = open(&context, SocketKind::Push, &SocketOptions::default());
        push.connect(&endpoint).unwrap();
        assert_eq!(outcome(&monitor), expected, "{allow:?} {deny:?}");
    }
}

#[test]
fn a_server_without_an_authenticator_does_not_open_and_one_that_lost_it_refuses() {
    let keys = CurveKeys::generate().unwrap();
    let context = Context::new().unwrap();
    let error = context.socket(SocketKind::Pull, &curve_server(&keys)).expect_err("nobody decides");
    assert_eq!(error.kind(), ErrorKind::WrongState);

    let authenticator = context.authenticator().unwrap();
    assert_eq!(context.authenticator().expect_err("there is one").kind(), ErrorKind::AddressInUse);
    authenticator.allow_any_key();
    // A handshake that meets the authenticator's socket on its way out is never answered, and ends with its interval.
    let options = SocketOptions { handshake_interval: Duration::from_secs(1), ..curve_server(&keys) };
    let (pull, endpoint) = bound(&context, SocketKind::Pull, &options);
    let monitor = pull.monitor().unwrap();
    authenticator.close();
    let push = open(&context, SocketKind::Push, &curve_client(&CurveKeys::generate().unwrap(), &keys));
    push.connect(&endpoint).unwrap();
    assert_eq!(outcome(&monitor), MonitorEventKind::HandshakeFailed);
    assert!(context.socket(SocketKind::Pull, &curve_server(&keys)).is_err());
}

#[test]
fn authenticators_follow_each_other() {
    let context = Context::new().unwrap();
    for _ in 0..100 {
        context.authenticator().unwrap().close();
    }
}

#[test]
fn what_is_no_address_key_or_handler_is_refused() {
    let context = Context::new().unwrap();
    let push = open(&context, SocketKind::Push, &SocketOptions::default());
    assert_eq!(push.bind("inproc://zeromq.zap.01").expect_err("no handler").kind(), ErrorKind::Unsupported);
    let authenticator = context.authenticator().unwrap();
    let kind = |result: zpatterns_engine::Result<()>| result.expect_err("malformed").kind();
    assert_eq!(kind(authenticator.allow_address("localhost")), ErrorKind::InvalidArgument);
    assert_eq!(kind(authenticator.allow_key("too short")), ErrorKind::InvalidArgument);
    assert_eq!(kind(authenticator.allow_key(&"\u{7f}".repeat(40))), ErrorKind::InvalidArgument);
    assert_eq!(kind(authenticator.allow_user(&"x".repeat(256), "")), ErrorKind::InvalidArgument);
    assert_eq!(kind(authenticator.allow_user("ada\0eve", "")), ErrorKind::InvalidArgument);
    let options = SocketOptions { curve_server_key: Some("nonsense".into()), ..SocketOptions::default() };
    let error = context.socket(SocketKind::Push, &options).expect_err("malformed key");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}
