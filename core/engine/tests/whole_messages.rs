//! Whoever ends a connection while a message of it is being received ends nothing else.
//!
//! A socket handles what its connections have come to now and then while it receives. In the middle of a message that
//! made libzmq end the process, so each test runs in one of its own.

mod support;

use std::{env, process::Command};

use support::{bound, open, watchdog};
use zpatterns_engine::{Context, Deadline, ErrorKind, MonitorEventKind, Socket, SocketKind, SocketOptions};

/// Where a process of a test's own is told that it is one.
const OWN_PROCESS: &str = "ZPATTERNS_OWN_PROCESS";
/// So many frames that a socket looks for news in the middle of them: libzmq does after a hundred.
const FRAMES: usize = 500;

/// Runs the test with this name in a process of its own; true in that process.
fn in_own_process(name: &str) -> bool {
    if env::var_os(OWN_PROCESS).is_some() {
        return true;
    }
    let own = env::current_exe().expect("a test knows its file");
    let ended = Command::new(own).args([name, "--exact", "--nocapture"]).env(OWN_PROCESS, "").output();
    let ended = ended.expect("it starts");
    assert!(ended.status.success(), "{}: {}", ended.status, String::from_utf8_lossy(&ended.stderr));
    false
}

/// A socket that has seen its connection begin and not end, with messages that came on it.
fn end_after_sending(kind: SocketKind, peer: SocketKind) -> Socket {
    let (ours, theirs) = (Context::new().expect("a context"), Context::new().expect("a context"));
    let (peer, endpoint) = bound(&theirs, peer, &SocketOptions::default());
    let socket = open(&ours, kind, &SocketOptions { immediate: true, ..SocketOptions::default() });
    let monitor = socket.monitor().expect("it can be watched");
    socket.connect(&endpoint).expect("connects");
    socket.send(b"hello", &watchdog()).expect("there is a connection");
    let hello = peer.recv(&watchdog()).expect("receives");
    let address: Vec<&[u8]> = hello.frames()[..hello.len() - 1].iter().map(|frame| &**frame).collect();
    let send = |payload: &[&[u8]]| {
        peer.send_multipart(&[&address[..], payload].concat(), &watchdog()).expect("there is room");
    };
    send(&[b"hello"]);
    assert_eq!(socket.recv(&watchdog()).expect("receives").payload(), b"hello");
    for _ in 0..3 {
        send(&[&b"frame"[..]; FRAMES]);
    }
    peer.close(None);
    drop((peer, theirs));
    // By then the socket has been told of the end, and has not looked.
    while monitor.next(&watchdog()).expect("it connects again").kind != MonitorEventKind::ConnectRetried {}
    socket
}

fn hears_one_whole_message(socket: &Socket) {
    let mut received = 0;
    loop {
        match socket.recv(&Deadline::now()) {
            Ok(message) => assert_eq!(message.iter().filter(|frame| ***frame == *b"frame").count(), FRAMES),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Timeout);
                break;
            }
        }
        received += 1;
    }
    // What was begun is there. Then the socket looked, before it began another.
    assert_eq!(received, 1);
}

#[test]
fn a_dealer_whose_peer_ends_in_the_middle_of_a_message() {
    if in_own_process("a_dealer_whose_peer_ends_in_the_middle_of_a_message") {
        hears_one_whole_message(&end_after_sending(SocketKind::Dealer, SocketKind::Router));
    }
}

#[test]
fn a_pair_whose_peer_ends_in_the_middle_of_a_message() {
    if in_own_process("a_pair_whose_peer_ends_in_the_middle_of_a_message") {
        hears_one_whole_message(&end_after_sending(SocketKind::Pair, SocketKind::Pair));
    }
}
