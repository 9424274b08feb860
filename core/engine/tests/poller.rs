//! Sockets, timers and descriptors in one wait.

mod support;

use std::{io::Write, os::fd::AsFd, os::unix::net::UnixStream, time::Duration};

use support::{bound, open, watchdog};
use zpatterns_engine::{Cancel, Context, Deadline, ErrorKind, Interest, Poller, SocketKind, SocketOptions};

#[test]
fn what_is_ready_comes_in_the_order_of_registration() {
    let context = Context::new().unwrap();
    let (pull, endpoint) = bound(&context, SocketKind::Pull, &SocketOptions::background());
    let push = open(&context, SocketKind::Push, &SocketOptions::background());
    push.connect(&endpoint).unwrap();
    let (mut near, far) = UnixStream::pair().unwrap();

    let mut poller = Poller::new();
    let messages = poller.add_socket(&pull, Interest::RECV).unwrap();
    let bytes = poller.add_fd(far.as_fd(), Interest::RECV).unwrap();
    assert_eq!(poller.wait(&Deadline::now()).expect_err("nothing yet").kind(), ErrorKind::Timeout);
    push.send(b"x", &watchdog()).unwrap();
    near.write_all(b"y").unwrap();
    let mut seen = Vec::new();
    while seen.len() < 2 {
        seen = poller.wait(&watchdog()).unwrap().iter().map(|ready| ready.registration).collect();
    }
    assert_eq!(seen, [messages, bytes]);

    // What is not taken stays ready; what is removed is not told of, even at once.
    assert!(poller.remove(messages) && !poller.remove(messages));
    assert_eq!(poller.wait(&watchdog()).unwrap()[0].registration, bytes);
    let room = poller.add_socket(&push, Interest::SEND).unwrap();
    assert!(poller.wait(&watchdog()).unwrap().iter().any(|ready| ready.registration == room && ready.writable));
}

#[test]
fn timers_go_off_once_or_again_and_again() {
    let mut poller = Poller::new();
    let once = poller.add_timer(Duration::from_millis(1), None).unwrap();
    let often = poller.add_timer(Duration::from_millis(2), Some(Duration::from_millis(1))).unwrap();
    let (mut onces, mut oftens) = (0, 0);
    while oftens < 20 {
        for ready in poller.wait(&watchdog()).unwrap() {
            onces += u32::from(ready.registration == once);
            oftens += u32::from(ready.registration == often);
        }
    }
    assert_eq!(onces, 1);
    assert!(!poller.remove(once) && poller.remove(often));
    let error = poller.add_timer(Duration::ZERO, Some(Duration::ZERO)).expect_err("no period");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn a_wait_ends_by_cancel_and_a_closed_socket_is_ready() {
    let context = Context::new().unwrap();
    let (pull, _) = bound(&context, SocketKind::Pull, &SocketOptions::background());
    let mut poller = Poller::new();
    let registration = poller.add_socket(&pull, Interest::RECV).unwrap();
    let cancel = Cancel::new().unwrap();
    let other = cancel.clone();
    let thread = std::thread::spawn(move || other.cancel());
    assert_eq!(poller.wait(&watchdog().or(&cancel)).expect_err("cancelled").kind(), ErrorKind::Cancelled);
    thread.join().unwrap();
    pull.close(None);
    assert_eq!(poller.wait(&watchdog()).unwrap()[0].registration, registration);
    let direct = open(&context, SocketKind::Pull, &SocketOptions::default());
    assert_eq!(poller.add_socket(&direct, Interest::RECV).expect_err("direct").kind(), ErrorKind::Unsupported);
}
