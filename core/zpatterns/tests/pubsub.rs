//! Publishers and subscribers over real sockets.

use std::{thread, time::Duration};

use zpatterns::{
    Context, CurveKeys, Deadline, ErrorKind, Interest,
    pubsub::{
        Access, ClientSecurity, Content, Credential, Criterion, Entitlements, Policy, Publisher, PublisherEvent,
        PublisherOptions, Rules, Security, ServerSecurity, Slow, Start, StreamOptions, Subscriber, SubscriberEvent,
        SubscriberOptions, Subscription, SubscriptionOptions,
    },
};

fn watchdog() -> Deadline {
    Deadline::after(Duration::from_secs(30))
}

fn pattern(text: &str) -> Criterion {
    Criterion::pattern(text.to_owned()).expect("a pattern")
}

/// A public stream of news, and everything else.
fn streams() -> Vec<StreamOptions> {
    let news = StreamOptions { public: true, ..PublisherOptions::stream("news", vec![pattern("news.>")]) };
    vec![news, PublisherOptions::stream("rest", vec![pattern(">")])]
}

fn options() -> PublisherOptions {
    PublisherOptions { streams: streams(), shared: Some("tcp://127.0.0.1:0".to_owned()), ..PublisherOptions::default() }
}

fn hold(max_messages: u32) -> SubscriptionOptions {
    let policy = Policy { slow: Slow::Hold, max_messages, max_bytes: 64 << 20 };
    SubscriptionOptions { policy, ..SubscriptionOptions::default() }
}

/// Subscribes, and waits until it is so.
fn subscribe(subscriber: &Subscriber, text: &str, options: SubscriptionOptions) -> Subscription {
    let wanted = subscriber.subscribe(pattern(text), options).expect("it is open");
    loop {
        match subscriber.recv(&watchdog()).expect("an event") {
            SubscriberEvent::Subscribed { subscription } if subscription == wanted => return wanted,
            SubscriberEvent::Connected => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The first frames of so many messages; nothing else may come.
fn hear(subscriber: &Subscriber, count: usize) -> Vec<String> {
    let mut heard = Vec::new();
    while heard.len() < count {
        for event in subscriber.recv_many(count - heard.len(), usize::MAX, &watchdog()).expect("an event") {
            match event {
                SubscriberEvent::Message { frames, .. } => heard.push(String::from_utf8_lossy(&frames[0]).into_owned()),
                other => panic!("{other:?} after {}", heard.len()),
            }
        }
    }
    heard
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

fn publish(publisher: &Publisher, subject: &str, count: usize) {
    let all: Vec<Content> =
        numbers(count).iter().map(|number| Content::new(subject.as_bytes(), &[number]).expect("sound")).collect();
    let mut rest = &all[..];
    while !rest.is_empty() {
        let taken = publisher.publish_many(rest, &watchdog()).expect("there is room in time");
        rest = &rest[taken..];
    }
}

#[test]
fn everything_arrives_in_order_on_every_path() {
    let context = Context::new().expect("a context");
    let publisher = Publisher::bind(&context, "tcp://127.0.0.1:0", options()).expect("a publisher");
    let own = SubscriberOptions { endpoint: Some("tcp://127.0.0.1:0".to_owned()), ..SubscriberOptions::default() };
    for (subject, options) in
        [("news.a", SubscriberOptions::default()), ("x.y", SubscriberOptions::default()), ("x.y", own)]
    {
        let subscriber = Subscriber::connect(&context, publisher.endpoint(), options).expect("a subscriber");
        subscribe(&subscriber, subject, hold(500));
        let hearing = thread::spawn(move || hear(&subscriber, 20_000));
        publish(&publisher, subject, 20_000);
        assert!(hearing.join().expect("it hears") == numbers(20_000), "{subject}");
    }
    let books = publisher.counters().expect("counters").books;
    assert!(books.balances(), "{books:?}");
}

#[test]
fn who_is_slow_and_drops_is_told_what() {
    let context = Context::new().expect("a context");
    let publisher = Publisher::bind(&context, "tcp://127.0.0.1:0", options()).expect("a publisher");
    let narrow = SubscriberOptions { max_messages: 100, ..SubscriberOptions::default() };
    let subscriber = Subscriber::connect(&context, publisher.endpoint(), narrow).expect("a subscriber");
    let policy = Policy { slow: Slow::Drop, max_messages: 200, max_bytes: 64 << 20 };
    subscribe(&subscriber, "x.>", SubscriptionOptions { policy, ..SubscriptionOptions::default() });
    publish(&publisher, "x.y", 10_000);
    let (mut heard, mut missed, mut last) = (0, 0, 0);
    while last < 10_000 {
        match subscriber.recv(&watchdog()).expect("an event") {
            SubscriberEvent::Message { number, .. } => {
                assert_eq!(number, last + 1);
                (heard, last) = (heard + 1, number);
            }
            SubscriberEvent::Missed { first, last: to, count, .. } => {
                assert_eq!((first, count), (last + 1, to - last));
                (missed, last) = (missed + count, to);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(heard + missed, 10_000);
    assert!(missed > 0 && heard >= 200, "{heard} heard, {missed} missed");
}

#[test]
fn who_holds_makes_the_publisher_wait_and_a_deadline_ends_that() {
    let context = Context::new().expect("a context");
    let publisher = Publisher::bind(&context, "tcp://127.0.0.1:0", options()).expect("a publisher");
    let subscriber =
        Subscriber::connect(&context, publisher.endpoint(), SubscriberOptions::default()).expect("a subscriber");
    subscribe(&subscriber, "x.>", hold(10));
    publish(&publisher, "x.y", 10);
    let error = publisher.publish(b"x.y", &["10"], &Deadline::now()).expect_err("it is full");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(publisher.arm(Interest::SEND), None);
    let error =
        publisher.publish(b"x.y", &["10"], &Deadline::after(Duration::from_millis(20))).expect_err("it is full");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let waiting = thread::spawn({
        let publisher = publisher.clone();
        move || publisher.publish(b"x.y", &["10"], &watchdog())
    });
    assert_eq!(hear(&subscriber, 11), numbers(11));
    waiting.join().expect("it waits").expect("there was room");
    // What the program has been given counts, whether or not it asks for more.
    publish(&publisher, "x.y", 10);
    assert_eq!(hear(&subscriber, 10), numbers(10));
    assert_eq!(publisher.arm(Interest::SEND), Some(Interest::SEND));
}

#[test]
fn what_spills_to_the_disk_comes_back_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let context = Context::new().expect("a context");
    let mut spilling = PublisherOptions { disk: Some(folder.path().to_owned()), ..options() };
    spilling.streams.iter_mut().for_each(|stream| (stream.history, stream.disk_bytes) = (1000, 1 << 30));
    let publisher = Publisher::bind(&context, "tcp://127.0.0.1:0", spilling).expect("a publisher");
    let narrow = SubscriberOptions { max_messages: 100, ..SubscriberOptions::default() };
    let subscriber = Subscriber::connect(&context, publisher.endpoint(), narrow).expect("a subscriber");
    let policy = Policy { slow: Slow::Spill, max_messages: 200, max_bytes: 64 << 20 };
    subscribe(&subscriber, "x.>", SubscriptionOptions { policy, ..SubscriptionOptions::default() });
    publish(&publisher, "x.y", 50_000);
    let counters = publisher.counters().expect("counters");
    assert!(counters.disk_bytes > 0 && counters.books.held > 0, "{counters:?}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("it is there").count(), 0, "others see the file");
    assert_eq!(hear(&subscriber, 50_000), numbers(50_000));
}

#[test]
fn without_a_folder_nothing_is_kept_on_disk() {
    let context = Context::new().expect("a context");
    let mut wrong = options();
    wrong.streams[0].disk_bytes = 1 << 20;
    let error = Publisher::bind(&context, "tcp://127.0.0.1:0", wrong).expect_err("no folder");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let publisher = Publisher::bind(&context, "tcp://127.0.0.1:0", options()).expect("a publisher");
    let subscriber =
        Subscriber::connect(&context, publisher.endpoint(), SubscriberOptions::default()).expect("a subscriber");
    let policy = Policy { slow: Slow::Spill, max_messages: 200, max_bytes: 64 << 20 };
    subscriber.subscribe(pattern("x.>"), SubscriptionOptions { policy, ..hold(1) }).expect("it is open");
    assert!(matches!(subscriber.recv(&watchdog()).expect("an event"), SubscriberEvent::Connected));
    let SubscriberEvent::Rejected { error, .. } = subscriber.recv(&watchdog()).expect("an event") else {
        panic!("it cannot spill")
    };
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn who_may_hear_what_is_written_and_taken_back() {
    let context = Context::new().expect("a context");
    let text = b"user\n    alice\n        password = secret\n        allow = x.>\n        deny = x.z\n";
    let access = Access::Entitlements(Box::new(Entitlements::read(text).expect("it is sound")));
    let publisher =
        Publisher::bind(&context, "tcp://127.0.0.1:0", PublisherOptions { access, ..options() }).expect("a publisher");
    let connect = |password: &'static str| {
        let credential = Credential::Password { user: "alice".into(), password: password.into() };
        let options = SubscriberOptions { credential, ..SubscriberOptions::default() };
        Subscriber::connect(&context, publisher.endpoint(), options).expect("a subscriber")
    };
    let forger = connect("guess");
    for _ in 0..2 {
        let error = forger.recv(&watchdog()).expect_err("refused, and again");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    }
    let alice = connect("secret");
    subscribe(&alice, "x.*", hold(100));
    let other = alice.subscribe(pattern("y.>"), hold(100)).expect("it is open");
    let SubscriberEvent::Rejected { subscription, error } = alice.recv(&watchdog()).expect("an event") else {
        panic!("it is not allowed")
    };
    assert_eq!((subscription, error.kind()), (other, ErrorKind::PermissionDenied));
    publisher.publish(b"x.z", &["no"], &watchdog()).expect("room");
    publisher.publish(b"x.y", &["yes"], &watchdog()).expect("room");
    assert_eq!(hear(&alice, 1), ["yes"]);
    publisher.set_rules(b"alice", Rules::default()).expect("it is open");
    publisher.publish(b"x.y", &["no more"], &watchdog()).expect("room");
    let revoked = loop {
        match alice.recv(&watchdog()).expect("an event") {
            // Where it was at the moment is ended, so that nothing is sent again.
            SubscriberEvent::Connected => {}
            SubscriberEvent::Rejected { error, .. } => break error,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(revoked.kind(), ErrorKind::PermissionDenied);
    publisher.set_entitlements(Entitlements::default()).expect("it is open");
    let error = alice.recv(&watchdog()).expect_err("there is no such user any more");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}

#[test]
fn the_program_decides_who_is_let_in_and_hears_who_comes_and_goes() {
    let context = Context::new().expect("a context");
    let options = PublisherOptions { access: Access::Ask(Duration::from_secs(30)), news: true, ..options() };
    let publisher = Publisher::bind(&context, "tcp://127.0.0.1:0", options).expect("a publisher");
    let connect = |token: &'static str| {
        let options = SubscriberOptions { credential: Credential::Token(token.into()), ..SubscriberOptions::default() };
        Subscriber::connect(&context, publisher.endpoint(), options).expect("a subscriber")
    };
    let asked = |wanted: &'static str| match publisher.next(&watchdog()).expect("a question") {
        PublisherEvent::Asked { ask, credential: Credential::Token(token), .. } => {
            assert_eq!(token, wanted);
            ask
        }
        other => panic!("{other:?}"),
    };
    let bob = connect("bob");
    publisher.refuse(asked("bob"), "not you").expect("it is open");
    let error = bob.recv(&watchdog()).expect_err("refused");
    assert_eq!((error.kind(), error.message()), (ErrorKind::PermissionDenied, "not you"));
    let eve = connect("eve");
    publisher.admit(asked("eve"), b"eve", Rules::everything()).expect("it is open");
    assert!(matches!(publisher.next(&watchdog()), Ok(PublisherEvent::Joined { user, .. }) if user == "eve"));
    assert_eq!(eve.recv(&watchdog()).expect("an event"), SubscriberEvent::Connected);
    eve.close();
    assert!(matches!(publisher.next(&watchdog()), Ok(PublisherEvent::Left { user, .. }) if user == "eve"));
}

#[test]
fn who_comes_late_gets_what_it_asks_for() {
    let context = Context::new().expect("a context");
    let publisher = Publisher::bind(&context, "tcp://127.0.0.1:0", options()).expect("a publisher");
    for subject in ["x.a", "x.b"] {
        publish(&publisher, subject, 100);
    }
    let subscriber =
        Subscriber::connect(&context, publisher.endpoint(), SubscriberOptions::default()).expect("a subscriber");
    subscribe(&subscriber, "x.>", SubscriptionOptions { start: Start::LastValues, ..SubscriptionOptions::default() });
    assert_eq!(hear(&subscriber, 2), ["99", "99"]);
    subscribe(&subscriber, "x.b", SubscriptionOptions { start: Start::Last(3), ..SubscriptionOptions::default() });
    assert_eq!(hear(&subscriber, 3), ["97", "98", "99"]);
}

#[test]
fn what_was_taken_is_not_lost_with_its_subscription() {
    let context = Context::new().expect("a context");
    let publisher = Publisher::bind(&context, "tcp://127.0.0.1:0", options()).expect("a publisher");
    let subscriber =
        Subscriber::connect(&context, publisher.endpoint(), SubscriberOptions::default()).expect("a subscriber");
    let subscription = subscribe(&subscriber, "x.>", hold(100));
    publish(&publisher, "x.y", 5);
    assert_eq!(hear(&subscriber, 5), numbers(5));
    subscriber.unsubscribe(subscription).expect("it is open");
    // The publisher hears one thing after the other.
    subscribe(&subscriber, "y.>", hold(100));
    assert_eq!(publisher.counters().expect("counters").subscriptions, 1);
    let books = publisher.counters().expect("counters").books;
    assert_eq!((books.delivered, books.all_lost()), (5, 0), "{books:?}");
}

#[test]
fn closing_waits_for_those_who_are_connected() {
    let context = Context::new().expect("a context");
    let publisher = Publisher::bind(&context, "tcp://127.0.0.1:0", options()).expect("a publisher");
    let subscriber =
        Subscriber::connect(&context, publisher.endpoint(), SubscriberOptions::default()).expect("a subscriber");
    for subject in ["x.>", "news.>"] {
        subscribe(&subscriber, subject, hold(10_000));
    }
    publish(&publisher, "x.y", 5000);
    publish(&publisher, "news.y", 5000);
    publisher.close(Duration::from_secs(30));
    let mut heard = hear(&subscriber, 10_000);
    heard.sort_by_key(|number| number.parse::<usize>().ok());
    assert_eq!(heard.len(), 10_000);
    let error = publisher.publish(b"x.y", &["late"], &watchdog()).expect_err("it is closed");
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[test]
fn plain_subscribers_hear_what_is_public() {
    let context = Context::new().expect("a context");
    let options = PublisherOptions { plain: Some("tcp://127.0.0.1:0".to_owned()), ..options() };
    let publisher = Publisher::bind(&context, "tcp://127.0.0.1:0", options).expect("a publisher");
    let socket = context.socket(zpatterns::SocketKind::Sub, &zpatterns::SocketOptions::default()).expect("a socket");
    socket.connect(publisher.plain_endpoint().expect("it was wanted")).expect("connected");
    socket.subscribe(b"news.").expect("subscribed");
    let message = loop {
        publisher.publish(b"secret", &["no"], &watchdog()).expect("room");
        publisher.publish(b"news.a", &["one", "two"], &watchdog()).expect("room");
        if let Ok(message) = socket.recv(&Deadline::after(Duration::from_millis(20))) {
            break message;
        }
    };
    let frames: Vec<&[u8]> = message.frames().iter().map(|frame| &frame[..]).collect();
    assert_eq!(frames, [&b"news.a"[..], b"one", b"two"]);
}

#[test]
fn plain_subscribers_of_a_user_hear_what_it_may() {
    let context = Context::new().expect("a context");
    let text = b"user\n    alice\n        allow = x.>\n        allow = stop\n        deny = x.z\n";
    let access = Access::Entitlements(Box::new(Entitlements::read(text).expect("it is sound")));
    let options = PublisherOptions { access, max_plain: 1, ..options() };
    let publisher = Publisher::bind(&context, "tcp://127.0.0.1:0", options).expect("a publisher");
    let open = |user: &[u8], endpoint| publisher.open_plain(user, endpoint).map_err(|error| error.kind());
    assert_eq!(open(b"bob", "tcp://127.0.0.1:0"), Err(ErrorKind::PermissionDenied));
    assert_eq!(open(b"alice", "nonsense"), Err(ErrorKind::InvalidEndpoint));
    assert_eq!(open(b"alice", publisher.endpoint()), Err(ErrorKind::AddressInUse));
    let endpoint = open(b"alice", "tcp://127.0.0.1:0").expect("it is free");
    assert_eq!(open(b"alice", "tcp://127.0.0.1:0"), Err(ErrorKind::Full));
    let socket = context.socket(zpatterns::SocketKind::Sub, &zpatterns::SocketOptions::default()).expect("a socket");
    socket.connect(&endpoint).expect("connected");
    socket.subscribe(b"").expect("subscribed");
    let say = |subject: &str| publisher.publish(subject.as_bytes(), &["one", "two"], &watchdog()).expect("room");
    // It is heard once the subscription has arrived.
    while socket.recv(&Deadline::after(Duration::from_millis(20))).is_err() {
        say("x.first");
    }
    let mut heard = Vec::new();
    ["x.z", "news.a", "other", "x.y"].into_iter().for_each(say);
    publisher.set_rules(b"alice", zpatterns::pubsub::given::rules(&["stop"], &[]).expect("rules")).expect("it is open");
    ["x.y", "x.z", "stop"].into_iter().for_each(say);
    while heard.last().is_none_or(|last| last != "stop") {
        let message = socket.recv(&watchdog()).expect("a message");
        let frames: Vec<&[u8]> = message.frames().iter().map(|frame| &frame[..]).collect();
        assert_eq!(frames[1..], [b"one", b"two"]);
        heard.push(String::from_utf8_lossy(frames[0]).into_owned());
    }
    heard.retain(|subject| subject != "x.first");
    assert_eq!(heard, ["x.y", "stop"]);
    let counters = publisher.counters().expect("counters");
    assert!(counters.plain_endpoints == 1 && counters.handed_over >= 3, "{counters:?}");
    publisher.close_plain(&endpoint).expect("it is open");
    assert_eq!(publisher.close_plain(&endpoint).map_err(|error| error.kind()), Err(ErrorKind::NotFound));
    open(b"alice", "tcp://127.0.0.1:0").expect("there is room");
}

#[test]
fn who_is_let_in_to_a_publisher_is_let_in_to_its_plain_endpoints() {
    let context = Context::new().expect("a context");
    let authenticator = context.authenticator().expect("the first");
    let (ours, theirs) = (CurveKeys::generate().expect("keys"), CurveKeys::generate().expect("keys"));
    authenticator.allow_key(&theirs.public).expect("a key");
    let server = Some(ServerSecurity::Curve { secret_key: ours.secret });
    let options = PublisherOptions { security: Security { server, ..Security::default() }, ..options() };
    let publisher = Publisher::bind(&context, "tcp://127.0.0.1:0", options).expect("a publisher");
    let endpoint = publisher.open_plain(b"", "tcp://127.0.0.1:0").expect("it is free");
    let open = |keys: Option<CurveKeys>| {
        let options = zpatterns::SocketOptions {
            curve_server_key: keys.as_ref().map(|_| ours.public.clone()),
            curve_public_key: keys.as_ref().map(|keys| keys.public.clone()),
            curve_secret_key: keys.map(|keys| keys.secret),
            ..zpatterns::SocketOptions::default()
        };
        let socket = context.socket(zpatterns::SocketKind::Sub, &options).expect("a socket");
        socket.connect(&endpoint).expect("connected");
        socket.subscribe(b"").expect("subscribed");
        socket
    };
    let (bare, stranger) = (open(None), open(Some(CurveKeys::generate().expect("keys"))));
    let known = open(Some(theirs));
    while known.recv(&Deadline::after(Duration::from_millis(20))).is_err() {
        publisher.publish(b"x.y", &["one"], &watchdog()).expect("room");
    }
    for socket in [bare, stranger] {
        assert_eq!(socket.recv(&Deadline::now()).map_err(|error| error.kind()).err(), Some(ErrorKind::Timeout));
    }
}

#[test]
fn the_shared_path_may_lead_through_a_proxy() {
    let context = Context::new().expect("a context");
    let publisher = Publisher::bind(&context, "tcp://127.0.0.1:0", options()).expect("a publisher");
    let open = |kind| context.socket(kind, &zpatterns::SocketOptions::default()).expect("a socket");
    let (front, back) = (open(zpatterns::SocketKind::XSub), open(zpatterns::SocketKind::XPub));
    front.connect(publisher.shared_endpoint().expect("it was wanted")).expect("connected");
    let through = back.bind("tcp://127.0.0.1:0").expect("bound");
    let proxy = zpatterns::Proxy::start(&front, &back, None).expect("a proxy");
    let options = SubscriberOptions { shared: Some(through), ..SubscriberOptions::default() };
    let subscriber = Subscriber::connect(&context, publisher.endpoint(), options).expect("a subscriber");
    subscribe(&subscriber, "news.>", hold(500));
    let hearing = thread::spawn(move || hear(&subscriber, 20_000));
    publish(&publisher, "news.a", 20_000);
    assert!(hearing.join().expect("it hears") == numbers(20_000));
    assert!(proxy.stats().forward_messages > 0, "nothing came through the proxy");
}

#[test]
fn a_key_says_who_a_subscriber_is() {
    let context = Context::new().expect("a context");
    let authenticator = context.authenticator().expect("the first");
    let (ours, theirs) = (CurveKeys::generate().expect("keys"), CurveKeys::generate().expect("keys"));
    authenticator.allow_key(&theirs.public).expect("a key");
    let text = format!("user\n    alice\n        key = \"{}\"\n        allow = x.>\n", theirs.public);
    let access = Access::Entitlements(Box::new(Entitlements::read(text.as_bytes()).expect("it is sound")));
    let server = Some(ServerSecurity::Curve { secret_key: ours.secret });
    let security = Security { server, ..Security::default() };
    let options = PublisherOptions { access, security, ..PublisherOptions::default() };
    let publisher = Publisher::bind(&context, "tcp://127.0.0.1:0", options).expect("a publisher");
    let client = Some(ClientSecurity::Curve { server_key: ours.public, keys: theirs });
    let security = Security { client, ..Security::default() };
    let options = SubscriberOptions { security, ..SubscriberOptions::default() };
    let alice = Subscriber::connect(&context, publisher.endpoint(), options).expect("a subscriber");
    subscribe(&alice, "x.>", hold(500));
    publish(&publisher, "x.y", 100);
    assert_eq!(hear(&alice, 100), numbers(100));
    assert_eq!(publisher.subscribers().expect("it is open")[0].user, "alice");
}

#[test]
fn mistakes_are_told() {
    let context = Context::new().expect("a context");
    let publisher = Publisher::bind(&context, "tcp://127.0.0.1:0", options()).expect("a publisher");
    let kind = |subject: &[u8], size: usize| {
        publisher.publish(subject, &[vec![0; size]], &watchdog()).expect_err("a mistake").kind()
    };
    assert_eq!(kind(b"", 0), ErrorKind::InvalidArgument);
    assert_eq!(kind(b"a.*", 0), ErrorKind::InvalidArgument);
    assert_eq!(kind(b"a.b", 17 << 20), ErrorKind::TooLarge);
    let only = PublisherOptions { streams: vec![PublisherOptions::stream("a", vec![pattern("a")])], ..options() };
    let other = Publisher::bind(&context, "tcp://127.0.0.1:0", only).expect("a publisher");
    assert_eq!(other.publish(b"b", &["x"], &watchdog()).expect_err("no stream").kind(), ErrorKind::NotFound);
    let none = PublisherOptions { streams: vec![], ..options() };
    let bound = Publisher::bind(&context, "tcp://127.0.0.1:0", none).map(drop);
    assert_eq!(bound.expect_err("no stream").kind(), ErrorKind::InvalidArgument);
    let taken = Publisher::bind(&context, publisher.endpoint(), options()).map(drop);
    assert_eq!(taken.expect_err("it is taken").kind(), ErrorKind::AddressInUse);
}
