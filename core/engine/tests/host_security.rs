//! Who a machine's peers are, and who does not become one.

mod support;

use std::{sync::mpsc, thread, time::Duration};

use support::puppet::{Event, Puppet, SOCKET, Stage, peer};
use zpatterns_engine::{
    Authenticator, ClientSecurity, Context, CurveKeys, ErrorKind, Host, HostOptions, Security, ServerSecurity,
};
use zpatterns_protocol::machine::{Output, Peer, Refusal, Role, SocketId, Token};

fn keys() -> CurveKeys {
    CurveKeys::generate().expect("a key pair")
}

fn context() -> (Context, Authenticator) {
    let context = Context::new().expect("a context");
    let authenticator = context.authenticator().expect("its only one");
    (context, authenticator)
}

fn curve_server(keys: &CurveKeys) -> Security {
    let server = Some(ServerSecurity::Curve { secret_key: keys.secret.clone() });
    Security { server, ..Security::default() }
}

fn curve_client(keys: &CurveKeys, server: &CurveKeys) -> Security {
    let client = Some(ClientSecurity::Curve { server_key: server.public.clone(), keys: keys.clone() });
    Security { client, ..Security::default() }
}

fn plain_server() -> Security {
    Security { server: Some(ServerSecurity::Plain), ..Security::default() }
}

fn plain_client(username: &str, password: &str) -> Security {
    let client = Some(ClientSecurity::Plain { username: username.into(), password: password.into() });
    Security { client, ..Security::default() }
}

/// Dials, and says something.
fn caller(context: &Context, security: Security, endpoint: &str, said: &str) -> Stage {
    let stage = Stage::open_with(context, Role::Router, security);
    stage.dial(endpoint, "server");
    stage.send(&peer("server"), 1, said);
    stage
}

#[test]
fn a_machine_sees_which_key_a_message_is_from() {
    let (context, authenticator) = context();
    let (ours, ada, eve) = (keys(), keys(), keys());
    authenticator.allow_key(&ada.public).expect("a key");
    authenticator.allow_key(&eve.public).expect("a key");
    let (server, endpoint) = Stage::bound(&context, Role::Router, curve_server(&ours));
    let callers =
        [(&ada, "ada"), (&eve, "eve")].map(|(keys, name)| caller(&context, curve_client(keys, &ours), &endpoint, name));
    for _ in 0..2 {
        let (from, user, name) = server.heard();
        assert_eq!(user, if name == "ada" { &*ada.public } else { &*eve.public });
        server.send(&from, 2, &user);
    }
    // Both in turn: who was remembered is not taken for the other.
    for round in 0..20 {
        callers.iter().for_each(|caller| caller.send(&peer("server"), round, &caller.heard().2));
        for _ in 0..2 {
            let (from, user, name) = server.heard();
            assert_eq!(user, name);
            server.send(&from, round, &user);
        }
    }
    // A client is not told who the server is, which it knows.
    assert_eq!(callers[0].heard(), (peer("server"), String::new(), ada.public));
}

#[test]
fn a_machine_sees_which_user_a_message_is_from() {
    let (context, authenticator) = context();
    authenticator.allow_user("ada", "engine").expect("a user");
    let security = Security { zap_domain: Some("tests".into()), ..plain_server() };
    let (server, endpoint) = Stage::bound(&context, Role::Router, security);
    let dealer = Stage::open_with(&context, Role::Dealer, plain_client("ada", "engine"));
    dealer.connect(&endpoint);
    let (_, user) = dealer.say_until_heard(&Peer::default(), "hello", &server);
    assert_eq!(user, "ada");
}

#[test]
fn who_has_another_key_is_not_heard_until_it_is_allowed_and_dials_again() {
    let (context, authenticator) = context();
    let (ours, stranger, friend) = (keys(), keys(), keys());
    authenticator.allow_key(&friend.public).expect("a key");
    let (server, endpoint) = Stage::bound(&context, Role::Router, curve_server(&ours));
    let refused = caller(&context, curve_client(&stranger, &ours), &endpoint, "stranger");
    while authenticator.stats().denied_key == 0 {
        thread::yield_now();
    }
    // Who takes us for another server, or shows nothing, never has a connection.
    let outside = [curve_client(&friend, &stranger), Security::default()].map(|security| {
        let dealer = Stage::open_with(&context, Role::Dealer, security);
        dealer.connect(&endpoint);
        dealer.send(&Peer::default(), 4, "let me in");
        assert_eq!(dealer.next(), Event::Refused(4, Refusal::Full));
        dealer
    });
    let _welcome = caller(&context, curve_client(&friend, &ours), &endpoint, "friend");
    assert_eq!(server.heard().2, "friend");

    // libzmq does not try again where it was turned away.
    loop {
        refused.send(&peer("server"), 2, "still here");
        if refused.try_next() == Some(Event::Refused(2, Refusal::Gone)) {
            break;
        }
        thread::yield_now();
    }
    authenticator.allow_key(&stranger.public).expect("a key");
    refused.hang_up(&endpoint);
    refused.dial(&endpoint, "server again");
    refused.send(&peer("server again"), 3, "no stranger");
    let (_, user, said) = server.heard();
    assert_eq!((user, &*said), (stranger.public, "no stranger"));
    assert_eq!(outside.map(|dealer| dealer.try_next()), [None, None]);
}

#[test]
fn wrong_passwords_are_refused() {
    let (context, authenticator) = context();
    authenticator.allow_user("ada", "engine").expect("a user");
    let (server, endpoint) = Stage::bound(&context, Role::Router, plain_server());
    let eve = Stage::open_with(&context, Role::Dealer, plain_client("ada", "guessed"));
    eve.connect(&endpoint);
    eve.send(&Peer::default(), 1, "let me in");
    // Which comes first, nobody knows.
    let both = [Event::Refused(1, Refusal::Full), Event::Failed(ErrorKind::PermissionDenied)];
    for event in [eve.next(), eve.next()] {
        assert!(both.contains(&event), "{event:?}");
    }
    assert_eq!(authenticator.stats().denied_user, 1);
    let _ada = caller(&context, plain_client("ada", "engine"), &endpoint, "ada");
    let (_, user, said) = server.heard();
    assert_eq!((&*user, &*said), ("ada", "ada"));
    assert_eq!(eve.try_next(), None);
}

#[test]
fn who_is_turned_away_where_it_connects_is_told() {
    let (context, authenticator) = context();
    authenticator.allow_user("ada", "engine").expect("a user");
    let (ours, stranger) = (keys(), keys());
    let (_curve, by_curve) = Stage::bound(&context, Role::Router, curve_server(&ours));
    let (_spread, by_pub) = Stage::bound(&context, Role::Pub, curve_server(&ours));
    let (_plain, by_plain) = Stage::bound(&context, Role::Router, plain_server());
    let (_open, unprotected) = Stage::bound(&context, Role::Router, Security::default());
    let turned_away = [
        (Role::Dealer, curve_client(&stranger, &ours), &by_curve),
        (Role::Sub, curve_client(&stranger, &ours), &by_pub),
        (Role::Dealer, plain_client("ada", "guessed"), &by_plain),
        // The other side protects its connections in another way.
        (Role::Dealer, curve_client(&stranger, &ours), &by_plain),
        (Role::Dealer, plain_client("ada", "engine"), &by_curve),
        (Role::Dealer, plain_client("ada", "engine"), &unprotected),
    ];
    for (role, security, endpoint) in turned_away {
        let client = Stage::open_with(&context, role, security);
        client.connect(endpoint);
        assert_eq!(client.next(), Event::Failed(ErrorKind::PermissionDenied), "at {endpoint}");
        // It is said once, and the socket is still the machine's, to connect elsewhere or to close.
        assert_eq!(client.try_next(), None);
        client.play([Output::Close { socket: SOCKET }]);
    }
}

#[test]
fn who_is_turned_away_is_told_also_if_it_does_something_else() {
    let (context, _authenticator) = context();
    let (ours, stranger) = (keys(), keys());
    let (_server, endpoint) = Stage::bound(&context, Role::Router, curve_server(&ours));
    let client = Stage::open_with(&context, Role::Dealer, curve_client(&stranger, &ours));
    let (tell, told) = mpsc::channel();
    client.0.set_hook(Some(Box::new(move || tell.send(()).expect("somebody waits"))));
    client.connect(&endpoint);
    // Nobody waits for an event, so the reactor looks.
    if !client.0.arm() {
        told.recv_timeout(Duration::from_secs(30)).expect("it is told");
    }
    assert_eq!(client.next(), Event::Failed(ErrorKind::PermissionDenied));
}

#[test]
fn who_is_not_known_any_more_is_told_when_its_connection_breaks() {
    let (context, authenticator) = context();
    let (ours, theirs) = (keys(), keys());
    authenticator.allow_key(&theirs.public).expect("a key");
    let (server, endpoint) = Stage::bound(&context, Role::Router, curve_server(&ours));
    let client = Stage::open_with(&context, Role::Dealer, curve_client(&theirs, &ours));
    client.connect(&endpoint);
    client.say_until_heard(&Peer::default(), "hello", &server);
    authenticator.remove_key(&theirs.public).expect("a key");
    drop(server);
    let again = Stage::open_with(&context, Role::Router, curve_server(&ours));
    again.bind(&endpoint);
    loop {
        match client.next() {
            Event::Failed(kind) => break assert_eq!(kind, ErrorKind::PermissionDenied),
            // What it said before there was a connection.
            Event::Refused(..) | Event::Writable => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_server_that_is_another_one_is_as_one_that_is_not_there() {
    // Who has another key than the client expects closes the connection without a word, as somebody does who just restarts.
    let (context, authenticator) = context();
    let (meant, other, theirs) = (keys(), keys(), keys());
    authenticator.allow_any_key();
    let (wrong, endpoint) = Stage::bound(&context, Role::Router, curve_server(&other));
    let tried = Stage::bound(&context, Role::Router, curve_server(&meant));
    let client = Stage::open_with(&context, Role::Dealer, curve_client(&theirs, &meant));
    client.connect(&endpoint);
    client.connect(&tried.1);
    // It has been at both: the second lets it in.
    client.say_until_heard(&Peer::default(), "hello", &tried.0);
    drop((wrong, tried));
    let right = Stage::open_with(&context, Role::Router, curve_server(&meant));
    right.bind(&endpoint);
    client.say_until_heard(&Peer::default(), "at last", &right);
    while let Some(event) = client.try_next() {
        assert!(!matches!(event, Event::Failed(_)), "{event:?}");
    }
}

#[test]
fn a_context_goes_on_whoever_ends_while_somebody_is_turned_away() {
    let (context, _authenticator) = context();
    let (ours, stranger) = (keys(), keys());
    let (_server, endpoint) = Stage::bound(&context, Role::Router, curve_server(&ours));
    for round in 0..100 {
        let client = Stage::open_with(&context, Role::Dealer, curve_client(&stranger, &ours));
        client.connect(&endpoint);
        match round % 3 {
            0 => client.play([Output::Close { socket: SOCKET }]),
            1 => client.0.close(),
            _ => drop(client.next()),
        }
    }
}

#[test]
fn a_machine_may_be_a_server_and_a_client() {
    let (context, authenticator) = context();
    let (upper, middle) = (keys(), keys());
    authenticator.allow_any_key();
    let (above, endpoint) = Stage::bound(&context, Role::Router, curve_server(&upper));
    let both = Security { server: curve_server(&middle).server, ..curve_client(&middle, &upper) };
    // Its own ROUTER and PUB, and a ROUTER by which it dials.
    let (between, front) = Stage::bound(&context, Role::Router, both);
    let (publishes, dials) = (SocketId(1), SocketId(2));
    between.play([
        Output::Open { socket: publishes, role: Role::Pub },
        Output::Bind { socket: publishes, endpoint: "tcp://127.0.0.1:0".into() },
        Output::Open { socket: dials, role: Role::Router },
        Output::Dial { socket: dials, endpoint, peer: peer("above") },
        Output::Send { socket: dials, peer: peer("above"), token: Token(1), frames: vec!["up".into()] },
    ]);
    let Event::Bound(spread) = between.next() else { panic!("not bound") };
    assert_eq!((above.heard().1, "up"), (middle.public.clone(), "up"));

    let below = keys();
    let _caller = caller(&context, curve_client(&below, &middle), &front, "from below");
    assert_eq!(between.heard().1, below.public);
    let hears = Stage::open_with(&context, Role::Sub, curve_client(&below, &middle));
    hears.connect(&spread);
    hears.play([Output::Subscribe { socket: SOCKET, prefix: "to ".into() }]);
    let event = loop {
        let frames = vec!["to all".into()];
        between.play([Output::Send { socket: publishes, peer: Peer::default(), token: Token(2), frames }]);
        match hears.try_next() {
            Some(event) => break event,
            None => thread::yield_now(),
        }
    };
    let frames = vec!["to all".into()];
    assert_eq!(event, Event::Message { peer: Peer::default(), user: String::new(), frames });
}

#[test]
fn who_is_not_protected_knows_nobody() {
    // Whoever connects may say of itself what it likes.
    let context = Context::new().expect("a context");
    let (server, endpoint) = Stage::bound(&context, Role::Router, Security::default());
    let _caller = caller(&context, Security::default(), &endpoint, "somebody");
    assert_eq!(server.heard().1, "");
    let _inproc = {
        server.bind("inproc://within");
        caller(&context, Security::default(), "inproc://within", "within")
    };
    assert_eq!(server.heard().1, "");
}

#[test]
fn security_that_cannot_be_is_refused_at_the_start() {
    let context = Context::new().expect("a context");
    let refused = |security: Security| {
        let options = HostOptions { security, ..HostOptions::default() };
        Host::start(&context, Puppet::default(), options).err().expect("an error").kind()
    };
    let (ours, theirs) = (keys(), keys());
    assert_eq!(refused(curve_server(&ours)), ErrorKind::WrongState);
    assert_eq!(refused(plain_server()), ErrorKind::WrongState);
    let _authenticator = context.authenticator().expect("its only one");
    let bad = CurveKeys { public: "short".into(), ..ours.clone() };
    for security in [
        curve_server(&CurveKeys { secret: "\u{7f}".repeat(40), ..ours.clone() }),
        curve_client(&ours, &bad),
        curve_client(&bad, &theirs),
        plain_client("", "password"),
        plain_client("ada", &"x".repeat(256)),
        Security { zap_domain: Some(String::new()), ..plain_server() },
    ] {
        assert_eq!(refused(security), ErrorKind::InvalidArgument);
    }
    // What is secret is not in logs.
    let shown =
        format!("{:?} {:?} {:?}", curve_server(&ours), curve_client(&ours, &theirs), plain_client("ada", "engine"));
    assert!(!shown.contains(&*ours.secret) && !shown.contains("engine"), "{shown}");
    assert!(shown.contains(&*ours.public) && shown.contains("ada"), "{shown}");
}
