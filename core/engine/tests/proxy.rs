//! The proxy, between real sockets.

mod support;

use support::{bound, open, watchdog};
use zpatterns_engine::{Context, Deadline, ErrorKind, Proxy, SocketKind, SocketOptions};

#[test]
fn requests_and_replies_pass_and_are_captured() {
    let context = Context::new().unwrap();
    let options = SocketOptions::default();
    let (front, front_at) = bound(&context, SocketKind::Router, &options);
    let (back, back_at) = bound(&context, SocketKind::Dealer, &options);
    let (capture, capture_at) = bound(&context, SocketKind::Push, &options);
    let spy = open(&context, SocketKind::Pull, &options);
    spy.connect(&capture_at).unwrap();
    let proxy = Proxy::start(&front, &back, Some(&capture)).unwrap();

    let (client, server) = (open(&context, SocketKind::Req, &options), open(&context, SocketKind::Rep, &options));
    client.connect(&front_at).unwrap();
    server.connect(&back_at).unwrap();
    for n in 0..100_u32 {
        client.send(&n.to_le_bytes(), &watchdog()).unwrap();
        assert_eq!(server.recv(&watchdog()).unwrap().payload(), n.to_le_bytes());
        server.send(b"done", &watchdog()).unwrap();
        assert_eq!(client.recv(&watchdog()).unwrap().payload(), b"done");
    }
    let stats = proxy.stats();
    assert_eq!((stats.forward_messages, stats.backward_messages), (100, 100));
    assert_eq!(spy.recv(&watchdog()).unwrap().len(), 3);
    assert_eq!(proxy.wait(&Deadline::now()).expect_err("still runs").kind(), ErrorKind::Timeout);
    proxy.stop();
    proxy.stop();
    assert_eq!(proxy.wait(&Deadline::now()).unwrap().kind(), ErrorKind::Cancelled);
    // The sockets are the caller's still.
    client.send(b"after", &watchdog()).unwrap();
    assert_eq!(front.recv(&watchdog()).unwrap().payload(), b"after");
}

#[test]
fn subscriptions_pass_backwards() {
    let context = Context::new().unwrap();
    let options = SocketOptions::default();
    let (xsub, publishers) = bound(&context, SocketKind::XSub, &options);
    let (xpub, subscribers) = bound(&context, SocketKind::XPub, &options);
    let _proxy = Proxy::start(&xsub, &xpub, None).unwrap();
    let publisher = open(&context, SocketKind::XPub, &options);
    publisher.connect(&publishers).unwrap();
    let subscriber = open(&context, SocketKind::Sub, &options);
    subscriber.subscribe(b"news").unwrap();
    subscriber.connect(&subscribers).unwrap();
    assert_eq!(publisher.recv(&watchdog()).unwrap().payload(), b"\x01news");
    publisher.send_multipart(&[b"weather", b"no"], &watchdog()).unwrap();
    publisher.send_multipart(&[b"news", b"yes"], &watchdog()).unwrap();
    assert_eq!(subscriber.recv(&watchdog()).unwrap().payload(), b"yes");
}

#[test]
fn a_refused_message_is_counted_and_the_rest_passes() {
    let context = Context::new().unwrap();
    let options = SocketOptions::default();
    let (pull, at) = bound(&context, SocketKind::Pull, &options);
    let (router, _) = bound(&context, SocketKind::Router, &options);
    let proxy = Proxy::start(&pull, &router, None).unwrap();
    let push = open(&context, SocketKind::Push, &options);
    push.connect(&at).unwrap();
    push.send_multipart(&[b"nobody", b"x"], &watchdog()).unwrap();
    push.send(b"no payload", &watchdog()).unwrap();
    while proxy.stats().lost_refused < 2 {
        assert_eq!(proxy.wait(&Deadline::now()).expect_err("still runs").kind(), ErrorKind::Timeout);
        std::thread::yield_now();
    }
    pull.close(None);
    assert_eq!(proxy.wait(&watchdog()).unwrap().kind(), ErrorKind::Closed);
}

#[test]
fn sockets_that_cannot_talk_are_refused() {
    let context = Context::new().unwrap();
    let options = SocketOptions::default();
    let (push, pull) = (open(&context, SocketKind::Push, &options), open(&context, SocketKind::Pull, &options));
    assert_eq!(Proxy::start(&push, &push, None).expect_err("nothing flows").kind(), ErrorKind::Unsupported);
    assert_eq!(Proxy::start(&pull, &push, Some(&pull)).expect_err("no capture").kind(), ErrorKind::Unsupported);
}
