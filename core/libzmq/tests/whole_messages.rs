//! A message that is begun is there to its end, whatever becomes of its connection: what `patch/` is for.
//!
//! Without it libzmq ends the process, so each test runs in one of its own.

use std::{
    env,
    ffi::{CStr, CString, c_int, c_void},
    process::Command,
};

use libzmq::{DONTWAIT, EFSM, POLLIN, SNDMORE, kind, option};

/// Where a process of a test's own is told that it is one.
const OWN_PROCESS: &str = "ZPATTERNS_OWN_PROCESS";

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

/// A socket that stays until the process ends.
struct Socket(*mut c_void);

impl Socket {
    fn open(context: *mut c_void, kind: c_int) -> Self {
        // SAFETY: the context lives.
        let socket = Self(unsafe { libzmq::zmq_socket(context, kind) });
        assert!(!socket.0.is_null());
        socket.set(option::LINGER, &0_i32.to_ne_bytes());
        socket
    }

    fn set(&self, option: c_int, value: &[u8]) {
        // SAFETY: socket and value are live.
        assert_eq!(unsafe { libzmq::zmq_setsockopt(self.0, option, value.as_ptr().cast(), value.len()) }, 0);
    }

    /// Where, for others.
    fn bind(&self) -> CString {
        let (mut text, mut size) = ([0_u8; 256], 256);
        // SAFETY: socket, endpoint and text are live.
        unsafe {
            assert_eq!(libzmq::zmq_bind(self.0, c"tcp://127.0.0.1:*".as_ptr()), 0);
            let asked = libzmq::zmq_getsockopt(self.0, option::LAST_ENDPOINT, text.as_mut_ptr().cast(), &mut size);
            assert_eq!(asked, 0);
        }
        CStr::from_bytes_until_nul(&text).expect("it ends").to_owned()
    }

    fn connect(&self, endpoint: &CStr) {
        // SAFETY: socket and endpoint are live.
        assert_eq!(unsafe { libzmq::zmq_connect(self.0, endpoint.as_ptr()) }, 0);
    }

    fn disconnect(&self, endpoint: &CStr) {
        // SAFETY: socket and endpoint are live.
        assert_eq!(unsafe { libzmq::zmq_disconnect(self.0, endpoint.as_ptr()) }, 0);
    }

    /// As much of a message as flags say.
    fn send(&self, frame: &[u8], flags: c_int) {
        let mut message = std::mem::MaybeUninit::uninit();
        // SAFETY: the message is made before it is used, and sent or not of interest any more.
        unsafe {
            assert_eq!(libzmq::zmq_msg_init_size(message.as_mut_ptr(), frame.len()), 0);
            let data = libzmq::zmq_msg_data(message.as_mut_ptr()).cast::<u8>();
            data.copy_from_nonoverlapping(frame.as_ptr(), frame.len());
            assert!(libzmq::zmq_msg_send(message.as_mut_ptr(), self.0, flags) >= 0, "sent");
        }
    }

    fn send_all(&self, frames: &[&[u8]]) {
        let (last, others) = frames.split_last().expect("there is one");
        others.iter().for_each(|frame| self.send(frame, SNDMORE));
        self.send(last, 0);
    }

    /// A frame and whether more follow; nothing if none is there, or it is not this socket's turn.
    fn recv(&self) -> Option<(Vec<u8>, bool)> {
        let mut message = std::mem::MaybeUninit::uninit();
        // SAFETY: the message is made before it is used, and its bytes are copied before it is closed.
        unsafe {
            assert_eq!(libzmq::zmq_msg_init(message.as_mut_ptr()), 0);
            if libzmq::zmq_msg_recv(message.as_mut_ptr(), self.0, DONTWAIT) < 0 {
                assert!([libc::EAGAIN, EFSM].contains(&libzmq::zmq_errno()));
                return None;
            }
            let data = libzmq::zmq_msg_data(message.as_mut_ptr()).cast::<u8>();
            let bytes = std::slice::from_raw_parts(data, libzmq::zmq_msg_size(message.as_ptr())).to_vec();
            let more = libzmq::zmq_msg_more(message.as_ptr()) != 0;
            libzmq::zmq_msg_close(message.as_mut_ptr());
            Some((bytes, more))
        }
    }

    fn recv_all(&self) -> Option<Vec<Vec<u8>>> {
        let (first, mut more) = self.recv()?;
        let mut frames = vec![first];
        while more {
            let (next, follows) = self.recv().expect("a message is whole");
            frames.push(next);
            more = follows;
        }
        Some(frames)
    }

    fn events(&self) -> c_int {
        let (mut events, mut size): (c_int, _) = (0, size_of::<c_int>());
        // SAFETY: socket and number are live.
        unsafe { libzmq::zmq_getsockopt(self.0, option::EVENTS, (&raw mut events).cast(), &mut size) };
        events
    }

    /// Waits until it says that a message is there, which makes some kinds of socket begin to read it.
    fn await_message(&self) {
        for _ in 0..30_000 {
            if self.events() & c_int::from(POLLIN) != 0 {
                return;
            }
            let mut item = libzmq::zmq_pollitem_t { socket: self.0, fd: 0, events: POLLIN, revents: 0 };
            // SAFETY: one item is given.
            unsafe { libzmq::zmq_poll(&raw mut item, 1, 1) };
        }
        panic!("no message came");
    }
}

fn context() -> *mut c_void {
    // SAFETY: it has no conditions.
    unsafe { libzmq::zmq_ctx_new() }
}

/// Gives a connection up while its message is begun, and another has one too.
fn gives_up_what_it_has_begun(own: c_int, peer: c_int, message: &[&[u8]]) {
    let context = context();
    let socket = Socket::open(context, own);
    let peers = [Socket::open(context, peer), Socket::open(context, peer)];
    let endpoints = peers.each_ref().map(|peer| {
        peer.set(option::SNDHWM, &1000_i32.to_ne_bytes());
        let endpoint = peer.bind();
        socket.connect(&endpoint);
        endpoint
    });
    if own == kind::SUB {
        socket.set(option::SUBSCRIBE, b"");
        // XPUB hears of the subscription before it has whom to send to.
        peers.iter().for_each(|peer| {
            peer.await_message();
            assert!(peer.recv_all().is_some());
        });
    }
    peers.iter().for_each(|peer| (0..3).for_each(|_| peer.send_all(message)));
    socket.await_message();
    socket.disconnect(&endpoints[0]);
    socket.disconnect(&endpoints[1]);
    // What was begun is there, and whole; what else there is need not be.
    let mut received = 0;
    for _ in 0..100 {
        socket.events();
        let Some(frames) = socket.recv_all() else { continue };
        let payload = if own == kind::ROUTER { &frames[1..] } else { &frames[..] };
        let sent = if own == kind::REP { &message[1..] } else { message };
        assert_eq!(payload, sent, "a message is as it was sent");
        received += 1;
        if own == kind::REP {
            socket.send_all(&[b"reply"]);
        }
    }
    assert!(received > 0, "it was lost");
}

#[test]
fn a_router_gives_up_a_connection_of_which_it_has_begun_a_message() {
    if in_own_process("a_router_gives_up_a_connection_of_which_it_has_begun_a_message") {
        gives_up_what_it_has_begun(kind::ROUTER, kind::DEALER, &[b"one", b"two", b"three"]);
    }
}

#[test]
fn a_subscriber_gives_up_a_connection_of_which_it_has_begun_a_message() {
    if in_own_process("a_subscriber_gives_up_a_connection_of_which_it_has_begun_a_message") {
        gives_up_what_it_has_begun(kind::SUB, kind::XPUB, &[b"one", b"two", b"three"]);
    }
}

#[test]
fn a_rep_gives_up_a_connection_of_which_it_has_begun_a_request() {
    if in_own_process("a_rep_gives_up_a_connection_of_which_it_has_begun_a_request") {
        gives_up_what_it_has_begun(kind::REP, kind::DEALER, &[b"", b"two", b"three"]);
    }
}

#[test]
fn a_name_is_handed_over_while_a_message_of_it_is_begun() {
    if !in_own_process("a_name_is_handed_over_while_a_message_of_it_is_begun") {
        return;
    }
    let context = context();
    let router = Socket::open(context, kind::ROUTER);
    router.set(option::ROUTER_HANDOVER, &1_i32.to_ne_bytes());
    let endpoint = router.bind();
    let [before, after] = [(); 2].map(|()| {
        let dealer = Socket::open(context, kind::DEALER);
        dealer.set(option::ROUTING_ID, b"name");
        dealer.set(option::IMMEDIATE, &1_i32.to_ne_bytes());
        dealer
    });
    // Else it would connect again, and take the name back.
    before.set(option::RECONNECT_IVL, &(-1_i32).to_ne_bytes());
    before.connect(&endpoint);
    before.send_all(&[b"one", b"two"]);
    router.await_message();
    after.connect(&endpoint);
    after.send_all(&[b"three", b"four"]);
    router.events();
    assert_eq!(router.recv_all(), Some(vec![b"name".to_vec(), b"one".to_vec(), b"two".to_vec()]));
    router.await_message();
    assert_eq!(router.recv_all(), Some(vec![b"name".to_vec(), b"three".to_vec(), b"four".to_vec()]));
}

#[test]
fn a_socket_that_keeps_the_last_frame_survives_messages_of_several() {
    if in_own_process("a_socket_that_keeps_the_last_frame_survives_messages_of_several") {
        let context = context();
        let [pull, push] = [kind::PULL, kind::PUSH].map(|kind| {
            let socket = Socket::open(context, kind);
            socket.set(option::CONFLATE, &1_i32.to_ne_bytes());
            socket
        });
        // SAFETY: the socket is live.
        assert_eq!(unsafe { libzmq::zmq_bind(pull.0, c"inproc://last".as_ptr()) }, 0);
        push.connect(c"inproc://last");
        push.send_all(&[b"first"]);
        pull.await_message();
        assert_eq!(pull.recv(), Some((b"first".to_vec(), false)));
        push.send(b"half of it", SNDMORE);
        assert_eq!(pull.recv(), None);
        push.send(b"the other", 0);
        assert_eq!(pull.recv(), Some((b"the other".to_vec(), false)));
    }
}

#[test]
fn a_message_that_is_half_sent_goes_to_one_peer_also_when_another_ends() {
    let context = context();
    // SAFETY: the context lives.
    assert_eq!(unsafe { libzmq::zmq_ctx_set(context, libzmq::context::MAX_SOCKETS, 4) }, 0);
    let push = Socket::open(context, kind::PUSH);
    let [first, second, third] = [c"inproc://first", c"inproc://second", c"inproc://third"].map(|endpoint| {
        let pull = Socket::open(context, kind::PULL);
        // SAFETY: the socket is live.
        assert_eq!(unsafe { libzmq::zmq_bind(pull.0, endpoint.as_ptr()) }, 0);
        push.connect(endpoint);
        pull
    });
    push.send_all(&[b"to the first"]);
    push.send_all(&[b"to the second"]);
    push.send(b"to the", SNDMORE);
    // SAFETY: it is not used any more.
    unsafe { libzmq::zmq_close(second.0) };
    // It is gone when there is room for another, and then the socket has been told.
    // SAFETY: the context lives.
    while unsafe { libzmq::zmq_socket(context, kind::PULL) }.is_null() {
        push.events();
        std::thread::yield_now();
    }
    push.events();
    push.send(b"third", 0);
    first.await_message();
    assert_eq!(first.recv_all(), Some(vec![b"to the first".to_vec()]));
    first.events();
    assert_eq!(first.recv_all(), None);
    third.await_message();
    assert_eq!(third.recv_all(), Some(vec![b"to the".to_vec(), b"third".to_vec()]));
}
