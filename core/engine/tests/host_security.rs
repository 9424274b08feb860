//! Who a machine's peers are, and who does not become one.

mod support;

use std::thread;

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
    assert_eq!(eve.next(), Event::Refused(1, Refusal::Full));
    while authenticator.stats().denied_user == 0 {
        thread::yield_now();
    }
    let _ada = caller(&context, plain_client("ada", "engine"), &endpoint, "ada");
    let (_, user, said) = server.heard();
    assert_eq!((&*user, &*said), ("ada", "ada"));
    assert_eq!(eve.try_next(), None);
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
