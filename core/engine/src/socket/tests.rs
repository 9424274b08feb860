//! Real sockets. Nothing here asserts how long something took; every wait has a deadline that only a fault reaches.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::*;
use crate::{Cancel, Interest, wait};

/// Reached only if something is broken.
fn watchdog() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn pair(kinds: (SocketKind, SocketKind), options: &SocketOptions) -> (Context, Socket, Socket) {
    let context = Context::new().expect("a context");
    let bound = context.socket(kinds.0, options).expect("a socket");
    let endpoint = bound.bind("tcp://127.0.0.1:0").expect("a free port");
    let connected = context.socket(kinds.1, options).expect("a socket");
    connected.connect(&endpoint).expect("connects");
    (context, bound, connected)
}

fn modes() -> [SocketOptions; 2] {
    [SocketOptions::default(), SocketOptions::background()]
}

#[test]
fn messages_arrive_whole_and_in_order() {
    for options in modes() {
        let (_context, pull, push) = pair((SocketKind::Pull, SocketKind::Push), &options);
        let big = vec![7; 1 << 20];
        let sender = thread::spawn({
            let big = big.clone();
            move || {
                for n in 0..1000_u32 {
                    push.send_multipart(&[&n.to_le_bytes(), b"", b"tail"], &watchdog()).expect("sends");
                }
                push.send(&big, &watchdog()).expect("sends");
                push.stats()
            }
        });
        for n in 0..1000_u32 {
            let message = pull.recv(&watchdog()).expect("receives");
            let frames: Vec<&[u8]> = message.iter().map(|frame| &**frame).collect();
            assert_eq!(frames, [&n.to_le_bytes()[..], b"", b"tail"]);
        }
        assert_eq!(pull.recv(&watchdog()).expect("receives").payload(), big);
        let sent = sender.join().expect("the sender ends");
        let received = pull.stats();
        assert_eq!((sent.sent_messages, received.received_messages), (1001, 1001));
        assert_eq!(sent.sent_bytes, received.received_bytes);
    }
}

#[test]
fn batches_carry_what_was_sent() {
    for options in modes() {
        let (_context, pull, push) = pair((SocketKind::Pull, SocketKind::Push), &options);
        let mut batch = Batch::new();
        for n in 0..5000_usize {
            let large = vec![n as u8; if n % 1000 == 0 { 100_000 } else { n % 50 }];
            batch.push_multipart(&[&large, &n.to_le_bytes()]).expect("memory is there");
        }
        let sender = thread::spawn(move || push.send_many(&mut batch, 0, &watchdog()).expect("sends"));
        let mut next = 0_usize;
        while next < 5000 {
            let received = pull.recv_many(700, 200_000, &watchdog()).expect("receives");
            assert!((1..=700).contains(&received.len()));
            for index in 0..received.len() {
                let frames: Vec<&[u8]> = received.frames(index).collect();
                assert_eq!(frames.len(), 2);
                assert_eq!(frames[0].len(), if next.is_multiple_of(1000) { 100_000 } else { next % 50 });
                assert_eq!(frames[1], next.to_le_bytes());
                next += 1;
            }
        }
        assert_eq!(sender.join().expect("the sender ends"), 5000);
    }
}

#[test]
fn a_single_frame_call_leaves_a_multipart_message_in_line() {
    for options in modes() {
        let (_context, pull, push) = pair((SocketKind::Pull, SocketKind::Push), &options);
        let mut batch = Batch::new();
        batch.push(b"0").expect("memory is there");
        batch.push_multipart(&[b"1", &[1; 9000]]).expect("memory is there");
        batch.push(b"2").expect("memory is there");
        push.send_many(&mut batch, 0, &watchdog()).expect("sends");

        assert_eq!(&*pull.recv_single(&watchdog()).expect("one frame"), b"0");
        for _ in 0..2 {
            assert_eq!(pull.recv_single(&watchdog()).expect_err("two frames").kind(), ErrorKind::Unsupported);
            let error = pull.recv_many_single(9, 1 << 20, &watchdog()).expect_err("two frames");
            assert_eq!(error.kind(), ErrorKind::Unsupported);
        }
        assert_eq!(pull.stats().received_messages, 1);
        assert_eq!(pull.recv(&watchdog()).expect("receives").payload(), [1; 9000]);
        assert_eq!(pull.recv_many_single(9, 1 << 20, &watchdog()).expect("one frame").frame(0), b"2");
        let stats = pull.stats();
        assert_eq!((stats.received_messages, stats.received_bytes), (3, 9003));
    }
}

#[test]
fn a_full_peer_refuses_waits_and_makes_room() {
    for background in [false, true] {
        let options = SocketOptions {
            background,
            send_hwm: 2,
            recv_hwm: 2,
            inbox_messages: 2,
            kernel_send_buffer: 4096,
            kernel_recv_buffer: 4096,
            ..SocketOptions::default()
        };
        let (_context, pull, push) = pair((SocketKind::Pull, SocketKind::Push), &options);
        let data = vec![1; 100_000];
        push.send(&data, &watchdog()).expect("the first waits for the connection");
        let mut sent = 1_u64;
        let error = loop {
            match push.send(&data, &Deadline::after(Duration::from_millis(50))) {
                Ok(()) => sent += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(push.send(&data, &Deadline::now()).expect_err("full").kind(), ErrorKind::Full);
        let waiting = thread::spawn({
            let (push, data) = (push.clone(), data.clone());
            move || push.send(&data, &watchdog())
        });
        for _ in 0..=sent {
            pull.recv(&watchdog()).expect("receives");
        }
        waiting.join().expect("the sender ends").expect("room came");
        assert!(push.stats().send_full >= 3);
    }
}

#[test]
fn waits_end_by_deadline_cancel_and_close() {
    for options in modes() {
        let (_context, pull, _push) = pair((SocketKind::Pull, SocketKind::Push), &options);
        assert_eq!(pull.recv(&Deadline::now()).expect_err("empty").kind(), ErrorKind::Timeout);
        let error = pull.recv(&Deadline::after(Duration::from_millis(10))).expect_err("empty");
        assert_eq!(error.kind(), ErrorKind::Timeout);

        let cancel = Cancel::new().expect("descriptors are free");
        let waiting = thread::spawn({
            let (pull, deadline) = (pull.clone(), watchdog().or(&cancel));
            move || pull.recv(&deadline)
        });
        cancel.cancel();
        let error = waiting.join().expect("ends").expect_err("cancelled");
        assert_eq!(error.kind(), ErrorKind::Cancelled);

        let threads: Vec<_> = (0..4)
            .map(|_| {
                let pull = pull.clone();
                thread::spawn(move || pull.recv(&watchdog()))
            })
            .collect();
        while pull.shared().receivers.count() < 4 {
            thread::yield_now();
        }
        pull.close(None);
        pull.close(None);
        for thread in threads {
            assert_eq!(thread.join().expect("ends").expect_err("closed").kind(), ErrorKind::Closed);
        }
        assert_eq!(pull.recv(&Deadline::now()).expect_err("closed").kind(), ErrorKind::Closed);
        assert!(pull.is_closed());
    }
}

#[test]
fn shutdown_of_the_context_ends_every_wait() {
    for options in modes() {
        let (context, _pull, push) = pair((SocketKind::Pull, SocketKind::Push), &options);
        let data = vec![0; 1 << 20];
        let senders: Vec<_> = (0..4)
            .map(|_| {
                let (push, data) = (push.clone(), data.clone());
                thread::spawn(move || while push.send(&data, &watchdog()).is_ok() {})
            })
            .collect();
        while push.shared().senders.count() < 4 {
            thread::yield_now();
        }
        context.shutdown();
        senders.into_iter().for_each(|sender| sender.join().expect("ends"));
        assert!(push.is_closed());
    }
    for options in modes() {
        let (context, pull, push) = pair((SocketKind::Pull, SocketKind::Push), &options);
        let waiting = thread::spawn({
            let pull = pull.clone();
            move || pull.recv(&watchdog())
        });
        context.shutdown();
        assert_eq!(waiting.join().expect("ends").expect_err("closed").kind(), ErrorKind::Closed);
        assert_eq!(push.send(b"x", &watchdog()).expect_err("closed").kind(), ErrorKind::Closed);
    }
}

#[test]
fn many_threads_share_a_socket_both_ways() {
    for options in modes() {
        let (_context, dealer, echo) = pair((SocketKind::Dealer, SocketKind::Dealer), &options);
        const EACH: usize = 2000;
        let echoing = thread::spawn(move || {
            for _ in 0..4 * EACH {
                let mut message = echo.recv(&watchdog()).expect("receives");
                echo.send_message(&mut message, &watchdog()).expect("sends");
            }
        });
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let dealer = dealer.clone();
                thread::spawn(move || {
                    for _ in 0..EACH {
                        dealer.send(b"ping", &watchdog()).expect("sends");
                        assert_eq!(dealer.recv(&watchdog()).expect("receives").payload(), b"ping");
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("the thread ends");
        }
        echoing.join().expect("the echo ends");
        assert_eq!(dealer.recv(&Deadline::now()).expect_err("all were taken").kind(), ErrorKind::Timeout);
    }
}

#[test]
fn arming_tells_once_and_never_loses_a_message() {
    let (_context, pull, push) = pair((SocketKind::Pull, SocketKind::Push), &SocketOptions::background());
    let sender = thread::spawn(move || {
        for n in 0..20_000_u32 {
            push.send(&n.to_le_bytes(), &watchdog()).expect("sends");
        }
        push
    });
    let mut next = 0_u32;
    while next < 20_000 {
        if pull.arm(Interest::RECV).expect("arms").is_none() {
            let fd = pull.ready_fd().expect("a background socket");
            wait::until_readable(&[fd], &watchdog(), None).expect("told");
        }
        while let Ok(batch) = pull.recv_many(1000, 1 << 20, &Deadline::now()) {
            for index in 0..batch.len() {
                assert_eq!(batch.frames(index).next().expect("one frame"), next.to_le_bytes());
                next += 1;
            }
        }
    }
    drop(sender.join().expect("the sender ends"));
}

#[test]
fn room_to_send_is_announced() {
    let options = SocketOptions { send_hwm: 1, recv_hwm: 1, inbox_messages: 1, ..SocketOptions::background() };
    let (_context, pull, push) = pair((SocketKind::Pull, SocketKind::Push), &options);
    let data = vec![1; 1 << 20];
    for _ in 0..50 {
        while push.send(&data, &Deadline::now()).is_err() {
            if push.arm(Interest::SEND).expect("arms").is_none() {
                let fd = push.ready_fd().expect("a background socket");
                let told = wait::until_readable(&[fd], &Deadline::after(Duration::from_millis(20)), None);
                if told.is_err() {
                    // Both ends are full: make room.
                    pull.recv(&watchdog()).expect("receives");
                }
            }
        }
    }
}

#[test]
fn a_router_refuses_unknown_peers_and_bounds_known_ones() {
    let options = SocketOptions { send_hwm: 1, ..SocketOptions::default() };
    let context = Context::new().expect("a context");
    let router = context.socket(SocketKind::Router, &options).expect("a socket");
    let endpoint = router.bind("tcp://127.0.0.1:0").expect("a free port");
    let dealer_options = SocketOptions { routing_id: Some(b"peer".to_vec()), recv_hwm: 1, ..SocketOptions::default() };
    let dealer = context.socket(SocketKind::Dealer, &dealer_options).expect("a socket");
    dealer.connect(&endpoint).expect("connects");
    dealer.send(b"hello", &watchdog()).expect("sends");
    assert_eq!(router.recv(&watchdog()).expect("receives").len(), 2);

    let error = router.send_multipart(&[b"nobody", b"x"], &watchdog()).expect_err("no such peer");
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(router.stats().send_unreachable, 1);
    let error = router.send(b"only an id", &watchdog()).expect_err("no payload");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);

    let data = vec![0; 4 << 20];
    let error = loop {
        if let Err(error) = router.send_multipart(&[b"peer", &data], &Deadline::after(Duration::from_millis(30))) {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let waiting = thread::spawn({
        let router = router.clone();
        move || router.send_multipart(&[b"peer", b"last"], &watchdog())
    });
    while dealer.recv(&watchdog()).expect("receives").payload() != b"last" {}
    waiting.join().expect("ends").expect("room came");
}

#[test]
fn misuse_is_an_error_that_says_what_to_do() {
    let context = Context::new().expect("a context");
    let options = SocketOptions::default();
    let pull = context.socket(SocketKind::Pull, &options).expect("a socket");
    let kind = |result: Result<()>| result.expect_err("an error").kind();
    assert_eq!(kind(pull.send(b"x", &Deadline::now())), ErrorKind::Unsupported);
    assert_eq!(kind(pull.subscribe(b"x")), ErrorKind::Unsupported);
    assert_eq!(kind(pull.arm(Interest::RECV).map(|_| ())), ErrorKind::Unsupported);
    for endpoint in
        ["", "tcp", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:99999", "nonsense://x", "tcp://127.0.0.1:0\0"]
    {
        let bound = pull.bind(endpoint);
        assert_eq!(bound.as_ref().map_err(Error::kind), Err(ErrorKind::InvalidEndpoint), "{endpoint:?} gave {bound:?}");
    }
    let bound = pull.bind("tcp://127.0.0.1:0").expect("a free port");
    let other = context.socket(SocketKind::Pull, &options).expect("a socket");
    assert_eq!(kind(other.bind(&bound).map(|_| ())), ErrorKind::AddressInUse);
    assert_eq!(kind(other.bind("tcp://203.0.113.7:5555").map(|_| ())), ErrorKind::AddressNotAvailable);
    assert_eq!(kind(other.unbind("tcp://127.0.0.1:1")), ErrorKind::NotFound);

    let push = context.socket(SocketKind::Push, &options).expect("a socket");
    assert_eq!(kind(push.recv(&Deadline::now()).map(|_| ())), ErrorKind::Unsupported);
    assert_eq!(kind(push.send_multipart(&[], &Deadline::now())), ErrorKind::InvalidArgument);
    let small = SocketOptions { max_message_size: 1024, ..SocketOptions::default() };
    let push = context.socket(SocketKind::Push, &small).expect("a socket");
    assert_eq!(kind(push.send(&[0; 1025], &Deadline::now())), ErrorKind::TooLarge);

    let req = context.socket(SocketKind::Req, &options).expect("a socket");
    req.connect(&bound.replace("127.0.0.1", "localhost")).expect("connects");
    assert_eq!(kind(req.recv(&Deadline::now()).map(|_| ())), ErrorKind::WrongState);
}

#[test]
fn request_and_reply_take_turns() {
    for options in modes() {
        let (_context, rep, req) = pair((SocketKind::Rep, SocketKind::Req), &options);
        for n in 0..50_u8 {
            req.send(&[n], &watchdog()).expect("sends");
            assert_eq!(req.send(b"again", &Deadline::now()).expect_err("not its turn").kind(), ErrorKind::WrongState);
            assert_eq!(rep.send(b"early", &Deadline::now()).expect_err("not its turn").kind(), ErrorKind::WrongState);
            assert_eq!(rep.recv(&watchdog()).expect("receives").payload(), [n]);
            rep.send(&[n, n], &watchdog()).expect("sends");
            assert_eq!(rep.send(b"again", &Deadline::now()).expect_err("not its turn").kind(), ErrorKind::WrongState);
            assert_eq!(req.recv(&watchdog()).expect("receives").payload(), [n, n]);
        }
    }
}

#[test]
fn text_is_text_or_stays_in_line() {
    for options in modes() {
        let (_context, pull, push) = pair((SocketKind::Pull, SocketKind::Push), &options);
        for bytes in ["héllo".as_bytes(), b"\xff\xfe", b""] {
            push.send(bytes, &watchdog()).expect("sends");
        }
        assert_eq!(pull.recv_text(&watchdog()).expect("text"), "héllo");
        for _ in 0..2 {
            assert_eq!(pull.recv_text(&watchdog()).expect_err("no text").kind(), ErrorKind::InvalidText);
        }
        assert_eq!(pull.recv(&watchdog()).expect("bytes").payload(), b"\xff\xfe");
        assert_eq!(pull.recv_text(&watchdog()).expect("text"), "");
    }
}

#[test]
fn frames_that_others_hold_too_say_so() {
    let context = Context::new().expect("a context");
    let options = SocketOptions { xpub_verbose: true, ..SocketOptions::default() };
    let publisher = context.socket(SocketKind::XPub, &options).expect("a socket");
    publisher.bind("inproc://shared").expect("binds");
    let subscribers = [(); 2].map(|()| {
        let subscriber = context.socket(SocketKind::Sub, &SocketOptions::default()).expect("a socket");
        subscriber.subscribe(b"").expect("subscribes");
        subscriber.connect("inproc://shared").expect("connects");
        publisher.recv(&watchdog()).expect("the subscription");
        subscriber
    });
    publisher.send(&[1; 100_000], &watchdog()).expect("sends");
    for subscriber in &subscribers {
        assert!(subscriber.recv(&watchdog()).expect("receives")[0].is_shared());
    }
    let (_context, pull, push) = pair((SocketKind::Pull, SocketKind::Push), &SocketOptions::default());
    push.send(&[1; 100_000], &watchdog()).expect("sends");
    assert!(!pull.recv(&watchdog()).expect("receives")[0].is_shared());
}

#[test]
fn a_batch_stops_at_the_message_that_cannot_be_sent() {
    let options = SocketOptions { max_message_size: 1024, ..SocketOptions::default() };
    let (_context, pull, push) = pair((SocketKind::Pull, SocketKind::Push), &options);
    let mut batch = Batch::new();
    for size in [1, 2, 1025, 3] {
        batch.push(&vec![0; size]).expect("memory is there");
    }
    assert_eq!(push.send_many(&mut batch, 0, &watchdog()).expect("two fit"), 2);
    assert_eq!(push.send_many(&mut batch, 2, &watchdog()).expect_err("too large").kind(), ErrorKind::TooLarge);
    assert_eq!(push.send_many(&mut batch, 3, &watchdog()).expect("the rest"), 1);
    let sizes: Vec<usize> = (0..3).map(|_| pull.recv(&watchdog()).expect("receives").size()).collect();
    assert_eq!(sizes, [1, 2, 3]);
}

#[test]
fn thousands_of_subscriptions_are_alive_after_a_publisher_restart() {
    const TOPICS: u32 = 3000;
    let context = Context::new().expect("a context");
    let options = SocketOptions::default();
    let xpub = context.socket(SocketKind::XPub, &options).expect("a socket");
    let endpoint = xpub.bind("tcp://127.0.0.1:0").expect("a free port");
    let sub = context.socket(SocketKind::Sub, &SocketOptions::background()).expect("a socket");
    for topic in 0..TOPICS {
        sub.subscribe(&topic.to_be_bytes()).expect("subscribes");
    }
    sub.connect(&endpoint).expect("connects");
    let all_arrive = |xpub: &Socket| {
        for _ in 0..TOPICS {
            assert_eq!(xpub.recv(&watchdog()).expect("a subscription").payload()[0], 1);
        }
    };
    all_arrive(&xpub);
    xpub.close(Some(Duration::ZERO));
    drop(xpub);
    let again = context.socket(SocketKind::XPub, &options).expect("a socket");
    let started = Instant::now();
    // libzmq frees the port a moment after the close.
    while again.bind(&endpoint).is_err() {
        assert!(started.elapsed() < Duration::from_secs(20), "the port is never freed");
        thread::yield_now();
    }
    // The program does not touch `sub`: the reactor renews its subscriptions.
    all_arrive(&again);
}

#[test]
fn socket_files_get_their_mode_and_are_not_stolen() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("socket");
    let endpoint = format!("ipc://{}", file.display());
    let context = Context::new().expect("a context");
    let options = SocketOptions { ipc_mode: 0o640, ..SocketOptions::default() };
    let pull = context.socket(SocketKind::Pull, &options).expect("a socket");
    assert_eq!(pull.bind(&endpoint).expect("binds"), endpoint);
    let found = std::fs::metadata(&file).expect("the file is there");
    assert_eq!(found.permissions().mode() & 0o777, 0o640);
    assert_eq!(found.uid(), rustix::process::geteuid().as_raw());

    let thief = context.socket(SocketKind::Pull, &options).expect("a socket");
    assert_eq!(thief.bind(&endpoint).expect_err("taken").kind(), ErrorKind::AddressInUse);
    let push = context.socket(SocketKind::Push, &options).expect("a socket");
    push.connect(&endpoint).expect("connects");
    push.send(b"still mine", &watchdog()).expect("sends");
    assert_eq!(pull.recv(&watchdog()).expect("receives").payload(), b"still mine");

    pull.close(None);
    assert!(!file.exists(), "the file goes with the socket");
    std::fs::write(&file, "not a socket").expect("a file");
    assert_eq!(thief.bind(&endpoint).expect_err("in the way").kind(), ErrorKind::AddressInUse);
    assert!(file.exists());
}

#[test]
fn every_transport_carries_a_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let ipc = format!("ipc://{}/socket", folder.path().display());
    for options in modes() {
        for endpoint in ["tcp://127.0.0.1:0", &ipc, "inproc://here", "ws://127.0.0.1:0"] {
            let context = Context::new().expect("a context");
            let pull = context.socket(SocketKind::Pull, &options).expect("a socket");
            let bound = pull.bind(endpoint).expect("binds");
            let push = context.socket(SocketKind::Push, &options).expect("a socket");
            push.connect(&bound).expect("connects");
            push.send_multipart(&[b"over", endpoint.as_bytes()], &watchdog()).expect("sends");
            assert_eq!(pull.recv(&watchdog()).expect("receives").payload(), endpoint.as_bytes());
        }
    }
}

#[test]
fn a_closed_context_delivers_what_was_sent() {
    let receiving = Context::new().expect("a context");
    let pull = receiving.socket(SocketKind::Pull, &SocketOptions::default()).expect("a socket");
    let endpoint = pull.bind("tcp://127.0.0.1:0").expect("a free port");
    for options in modes() {
        let sending = Context::new().expect("a context");
        let push = sending.socket(SocketKind::Push, &options).expect("a socket");
        push.connect(&endpoint).expect("connects");
        for _ in 0..1000 {
            push.send(b"do not lose me", &watchdog()).expect("sends");
        }
        drop((push, sending));
        for _ in 0..1000 {
            pull.recv(&watchdog()).expect("receives");
        }
    }
}

#[test]
fn futures_receive_and_send_under_any_executor() {
    use futures_core::Stream;
    use std::{
        future::Future,
        pin::{Pin, pin},
        sync::Arc,
        task::{Context as TaskContext, Poll, Wake as TaskWake, Waker},
    };
    struct Unpark(thread::Thread);
    impl TaskWake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    fn block_on<F: Future>(future: F) -> F::Output {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut TaskContext::from_waker(&waker)) {
                return output;
            }
            thread::park_timeout(Duration::from_secs(20));
        }
    }
    let options = SocketOptions { send_hwm: 2, recv_hwm: 2, inbox_messages: 2, ..SocketOptions::background() };
    let (_context, pull, push) = pair((SocketKind::Pull, SocketKind::Push), &options);
    let sender = thread::spawn(move || {
        for n in 0..2000_u32 {
            block_on(push.send_async(vec![n.to_le_bytes().to_vec()])).expect("sends");
        }
        push
    });
    let mut messages = pull.messages().expect("a background socket");
    for n in 0..1000_u32 {
        assert_eq!(block_on(pull.recv_async()).expect("receives").payload(), (2 * n).to_le_bytes());
        let next = std::future::poll_fn(|task| Pin::new(&mut messages).poll_next(task));
        let message = block_on(next).expect("not the end").expect("receives");
        assert_eq!(message.payload(), (2 * n + 1).to_le_bytes());
    }
    pull.close(None);
    assert!(block_on(std::future::poll_fn(|task| Pin::new(&mut messages).poll_next(task))).is_none());
    drop(sender.join().expect("the sender ends"));
}
