//! What a machine's sockets can do on real sockets: publish, subscribe, dial; and asking a machine.

mod support;

use std::{sync::Arc, thread};

use support::{
    puppet::{Command, Event, SOCKET, Stage, peer, say, text},
    watchdog,
};
use zpatterns_engine::{Context, ErrorKind, Host, HostOptions, Security};
use zpatterns_protocol::machine::{Output, Peer, Refusal, Role};

fn context() -> Context {
    Context::new().expect("a context")
}

fn subscriber(context: &Context, endpoint: &str, prefix: &'static str) -> Stage {
    let stage = Stage::open(context, Role::Sub);
    stage.connect(endpoint);
    stage.play([Output::Subscribe { socket: SOCKET, prefix: prefix.into() }]);
    stage
}

#[test]
fn a_subscriber_hears_what_it_asked_for_also_from_a_publisher_that_came_back() {
    let context = context();
    let (publisher, endpoint) = Stage::bound(&context, Role::Pub, Security::default());
    let (all, some) = (subscriber(&context, &endpoint, ""), subscriber(&context, &endpoint, "ticks."));
    let everybody = Peer::default();
    publisher.say_until_heard(&everybody, "other", &all);
    publisher.say_until_heard(&everybody, "ticks.1", &some);
    publisher.send(&everybody, 0, "other");
    publisher.say_until_heard(&everybody, "ticks.2", &some);
    publisher.0.close();

    let again = Stage::open(&context, Role::Pub);
    again.bind(&endpoint);
    again.say_until_heard(&everybody, "ticks.3", &some);
    again.send(&everybody, 0, "other");
    again.say_until_heard(&everybody, "ticks.4", &some);
    let said = some.0.with(|machine| machine.said.clone()).expect("it lives");
    assert_eq!(said.into_iter().collect::<Vec<_>>(), ["ticks.1", "ticks.2", "ticks.3", "ticks.4"]);
}

/// What the bound side knows the dialler by.
fn talk(dialler: &Stage, name: &'static str, bound: &Stage) -> Peer {
    dialler.send(&peer(name), 1, "to you");
    let (from, _, said) = bound.heard();
    assert_eq!(said, "to you");
    bound.send(&from, 2, "and to you");
    assert_eq!(dialler.heard(), (peer(name), String::new(), "and to you".into()));
    from
}

#[test]
fn those_who_are_dialled_have_the_names_that_they_were_given() {
    let context = context();
    let dialler = Stage::open(&context, Role::Router);
    let (first, here) = Stage::bound(&context, Role::Router, Security::default());
    let (second, there) = Stage::bound(&context, Role::Router, Security::default());
    dialler.dial(&here, "first");
    dialler.dial(&there, "second");
    talk(&dialler, "second", &second);
    talk(&dialler, "first", &first);
    dialler.send(&peer("third"), 3, "nobody");
    assert_eq!(dialler.next(), Event::Refused(3, Refusal::Gone));
}

#[test]
fn who_is_dialled_may_be_away_and_come_back_as_another_process() {
    let ours = context();
    let dialler = Stage::open(&ours, Role::Router);
    let theirs = context();
    let (bound, endpoint) = Stage::bound(&theirs, Role::Router, Security::default());
    dialler.dial(&endpoint, "them");
    let before = talk(&dialler, "them", &bound);
    drop((bound, theirs));

    dialler.send(&peer("them"), 3, "while you were away");
    let theirs = context();
    let bound = Stage::open(&theirs, Role::Router);
    bound.bind(&endpoint);
    let from = dialler.say_until_heard(&peer("them"), "are you back?", &bound).0;
    assert_ne!(from, before);
    bound.send(&from, 5, "yes");
    assert_eq!(dialler.heard(), (peer("them"), String::new(), "yes".into()));
    // What else was said leaves while there is somebody.
    drop((dialler, ours));
}

#[test]
fn what_is_sent_to_who_is_not_there_waits_until_it_is_refused_and_there_is_room_when_they_come() {
    const SENT: u64 = 1500;
    let context = context();
    let dialler = Stage::open(&context, Role::Router);
    let file = std::env::temp_dir().join(format!("zpatterns-nobody-{}", std::process::id()));
    let endpoint = format!("ipc://{}", file.display());
    dialler.dial(&endpoint, "them");
    dialler.play((0..SENT).map(|number| say(&peer("them"), number, &number.to_string())));
    let Event::Refused(first, Refusal::Full) = dialler.next() else { panic!("not refused") };
    for number in first + 1..SENT {
        assert_eq!(dialler.next(), Event::Refused(number, Refusal::Full));
    }

    let bound = Stage::open(&context, Role::Router);
    bound.bind(&endpoint);
    assert_eq!(dialler.next(), Event::Writable);
    // As machines do: what was refused, in order, whenever there is room.
    let mut next = first;
    let mut heard = 0;
    while heard < SENT {
        if next < SENT {
            dialler.send(&peer("them"), next, &next.to_string());
            next += 1;
        }
        while let Some(event) = dialler.try_next() {
            match event {
                Event::Refused(number, Refusal::Full) => next = next.min(number),
                Event::Writable => {}
                other => panic!("{other:?}"),
            }
        }
        let event = if next < SENT { bound.try_next() } else { Some(bound.next()) };
        if let Some(event) = event {
            let Event::Message { frames, .. } = event else { panic!("not a message: {event:?}") };
            assert_eq!(text(&frames), heard.to_string());
            heard += 1;
        }
    }
}

#[test]
fn who_hung_up_hears_nothing_more_and_may_dial_again() {
    let context = context();
    let (bound, endpoint) = Stage::bound(&context, Role::Router, Security::default());
    let dialler = Stage::open(&context, Role::Router);
    let names: Vec<&'static str> = ["a", "b", "c", "c", "a"].into();
    for (round, name) in names.into_iter().cycle().take(25).enumerate() {
        dialler.dial(&endpoint, name);
        let from = talk(&dialler, name, &bound);
        // More than a turn takes in, so that a message is half read.
        bound.play((0..600).map(|number| say(&from, number, &format!("{round}"))));
        assert_eq!(dialler.heard(), (peer(name), String::new(), format!("{round}")));
        dialler.hang_up(&endpoint);
        dialler.send(&peer(name), 7, "are you there?");
        loop {
            match dialler.next() {
                Event::Refused(7, Refusal::Gone) => break,
                // Those that were there before.
                Event::Message { frames, .. } => assert_eq!(text(&frames), format!("{round}")),
                other => panic!("{other:?}"),
            }
        }
        while let Some(Event::Refused(..)) = bound.try_next() {}
    }
    // Where nobody was dialled there is nothing to do.
    dialler.hang_up("tcp://127.0.0.1:9");
    dialler.dial(&endpoint, "last");
    dialler.send(&peer("last"), 8, "last");
    while bound.heard().2 != "last" {}
}

#[test]
fn inproc_names_can_be_dialled_before_they_are_bound_and_given_up() {
    let context = context();
    let dialler = Stage::open(&context, Role::Router);
    dialler.dial("inproc://later", "nobody");
    dialler.hang_up("inproc://later");
    dialler.dial("inproc://later", "them");
    let bound = Stage::open(&context, Role::Router);
    bound.bind("inproc://later");
    talk(&dialler, "them", &bound);
    bound.0.close();
    loop {
        dialler.send(&peer("them"), 1, "are you there?");
        if dialler.try_next() == Some(Event::Refused(1, Refusal::Gone)) {
            break;
        }
        thread::yield_now();
    }
}

#[test]
fn what_a_socket_cannot_do_is_told() {
    let context = context();
    let failed = |stage: &Stage| match stage.next() {
        Event::Failed(kind) => kind,
        other => panic!("not failed: {other:?}"),
    };
    let (bound, endpoint) = Stage::bound(&context, Role::Router, Security::default());
    bound.dial(&endpoint, "self");
    assert_eq!(failed(&bound), ErrorKind::WrongState);
    bound.connect(&endpoint);
    assert_eq!(failed(&bound), ErrorKind::WrongState);
    let dialler = Stage::open(&context, Role::Router);
    dialler.dial("tcp://127.0.0.1", "nowhere");
    assert_eq!(failed(&dialler), ErrorKind::InvalidEndpoint);
    dialler.dial(&endpoint, "them");
    dialler.dial("tcp://127.0.0.1:9", "them");
    assert_eq!(failed(&dialler), ErrorKind::WrongState);
    dialler.dial(&endpoint, "them again");
    assert_eq!(failed(&dialler), ErrorKind::WrongState);
    dialler.play([Output::Bind { socket: SOCKET, endpoint: "tcp://127.0.0.1:0".into() }]);
    assert_eq!(failed(&dialler), ErrorKind::WrongState);
    talk(&dialler, "them", &bound);
    let dealer = Stage::open(&context, Role::Dealer);
    dealer.dial(&endpoint, "them");
    assert_eq!(failed(&dealer), ErrorKind::WrongState);
}

#[test]
fn who_asks_sees_what_became_of_the_own_command_and_of_those_before() {
    let context = context();
    // So few that some callers find the queue full.
    let options = HostOptions { max_commands: 2, ..HostOptions::default() };
    let host = Host::start(&context, support::puppet::Puppet::default(), options).expect("a host");
    let callers: Vec<_> = (0..8)
        .map(|caller| {
            let host = host.clone();
            thread::spawn(move || {
                for round in 1..=500 {
                    host.command(Command::Count(caller)).expect("the machine lives");
                    let seen = host.ask(Command::Count(caller), |machine| machine.counts[&caller]);
                    assert_eq!(seen.expect("the machine lives"), 2 * round);
                }
            })
        })
        .collect();
    callers.into_iter().for_each(|caller| caller.join().expect("it saw what it did"));
    assert_eq!(host.with(|machine| machine.counts.values().sum::<usize>()).expect("it lives"), 8 * 1000);
}

#[test]
fn what_is_asked_is_seen_before_anything_else_happens() {
    let context = context();
    let (stage, _) = Stage::bound(&context, Role::Router, Security::default());
    stage.0.cork();
    for before in 0..10 {
        let seen = stage.0.ask(Command::Do(vec![say(&peer("nobody"), before, "")]), |machine| machine.refused);
        assert!(seen.expect("the machine lives") <= before as usize);
    }
    stage.0.uncork().expect("there is a cork");
    assert_eq!(stage.0.with(|machine| machine.refused).expect("it lives"), 10);
}

#[test]
fn a_machine_that_panics_when_it_is_asked_ends_and_spares_who_asked() {
    let context = context();
    let stage = Arc::new(Stage::open(&context, Role::Router));
    let others: Vec<_> = (0..4)
        .map(|caller| {
            let stage = Arc::clone(&stage);
            thread::spawn(move || {
                loop {
                    if let Err(error) = stage.0.ask(Command::Count(caller), |_| ()) {
                        break error.kind();
                    }
                }
            })
        })
        .collect();
    let kind = |result: zpatterns_engine::Result<()>| result.expect_err("poisoned").kind();
    assert_eq!(kind(stage.0.ask(Command::Panic, |_| ())), ErrorKind::Poisoned);
    assert_eq!(kind(stage.0.ask(Command::Count(0), |_| unreachable!("nobody looks"))), ErrorKind::Poisoned);
    assert_eq!(stage.0.next(&watchdog()).expect_err("poisoned").kind(), ErrorKind::Poisoned);
    for other in others {
        assert_eq!(other.join().expect("nobody panics"), ErrorKind::Poisoned);
    }
    let looked = Stage::open(&context, Role::Router);
    assert_eq!(kind(looked.0.ask(Command::Count(0), |_| panic!("as asked"))), ErrorKind::Poisoned);
    looked.0.close();
    assert_eq!(kind(looked.0.ask(Command::Count(0), |_| ())), ErrorKind::Poisoned);
}
