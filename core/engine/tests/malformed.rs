//! Peers that do not speak the protocol never end the process, and honest peers go on beside them.

mod support;

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use support::{bound, open, watchdog};
use zpatterns_engine::{Context, SocketKind, SocketOptions};

/// A ZMTP 3.1 greeting with this mechanism.
fn greeting(mechanism: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[0] = 0xff;
    bytes[9] = 0x7f;
    bytes[10..12].copy_from_slice(&[3, 1]);
    bytes[12..12 + mechanism.len()].copy_from_slice(mechanism);
    bytes
}

/// A NULL handshake as a peer of this type makes it.
fn handshake(socket_type: &[u8]) -> Vec<u8> {
    let mut ready = b"\x05READY\x0bSocket-Type".to_vec();
    ready.extend((socket_type.len() as u32).to_be_bytes());
    ready.extend(socket_type);
    let mut bytes = greeting(b"NULL");
    bytes.extend([4, ready.len() as u8]);
    bytes.extend(ready);
    bytes
}

const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ZWS2.0\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// Everything that a peer might begin with, to be followed by noise.
fn openings() -> Vec<Vec<u8>> {
    let mut all = vec![
        vec![],
        vec![0; 64],
        vec![0xff; 64],
        greeting(b"NULL"),
        greeting(b"CURVE"),
        greeting(b"PLAIN"),
        greeting(b"NO-SUCH-MECHANISM-AT"),
        handshake(b"PUSH"),
        handshake(b"DEALER"),
        handshake(b"SUB"),
        handshake(&[0xff; 200]),
        UPGRADE.to_vec(),
        UPGRADE.iter().copied().take(60).collect(),
        b"GET /\r\n\r\n".to_vec(),
    ];
    // A frame of 2^63 - 1 bytes, one that is announced and never sent, and reserved flag bits.
    for tail in [&[2, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..], &[0, 200, 1, 2], &[0xf8, 1, 1], &[1, 0]] {
        let mut bytes = handshake(b"PUSH");
        bytes.extend(tail);
        all.push(bytes);
    }
    all
}

fn attack(address: &str, bytes: &[u8]) {
    let mut stream = TcpStream::connect(address).expect("the port is open");
    stream.set_read_timeout(Some(Duration::from_millis(1))).expect("a timeout");
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.read(&mut [0; 256]);
}

fn survive(kind: SocketKind, peer: SocketKind, transport: &str, options: &SocketOptions) {
    let context = Context::new().expect("a context");
    let socket = open(&context, kind, options);
    let endpoint = socket.bind(&format!("{transport}://127.0.0.1:0")).expect("a free port");
    let address = endpoint.split("://").nth(1).and_then(|rest| rest.split('/').next()).expect("an address");
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let noise = proptest::collection::vec(proptest::num::u8::ANY, 0..300);
    for opening in openings() {
        for cut in [opening.len(), opening.len() / 2] {
            let mut bytes = opening[..cut].to_vec();
            bytes.extend(noise.new_tree(&mut runner).expect("noise").current());
            attack(address, &bytes);
        }
    }
    let honest = open(&context, peer, &SocketOptions::default());
    honest.connect(&endpoint).expect("connects");
    honest.send(b"still there?", &watchdog()).expect("sends");
    // Noise may have been a message; the honest one comes all the same.
    while socket.recv(&watchdog()).expect("receives").payload() != b"still there?" {}
}

#[test]
fn noise_harms_no_socket() {
    for background in [false, true] {
        // Half-open connections of the attackers may hold a close back for its linger.
        let options = SocketOptions { background, linger: Duration::ZERO, ..SocketOptions::default() };
        for transport in ["tcp", "ws"] {
            survive(SocketKind::Pull, SocketKind::Push, transport, &options);
            survive(SocketKind::Router, SocketKind::Dealer, transport, &options);
            survive(SocketKind::Rep, SocketKind::Req, transport, &options);
            survive(SocketKind::XPub, SocketKind::XSub, transport, &options);
        }
    }
}

#[test]
fn noise_harms_no_server_of_a_mechanism() {
    let context = Context::new().expect("a context");
    let keys = zpatterns_engine::CurveKeys::generate().expect("libsodium");
    let authenticator = context.authenticator().expect("the first");
    authenticator.allow_any_key();
    authenticator.allow_user("a", "b").expect("short");
    for options in [
        SocketOptions { plain_server: true, ..SocketOptions::default() },
        SocketOptions { curve_server: true, curve_secret_key: Some(keys.secret.clone()), ..SocketOptions::default() },
    ] {
        let (pull, endpoint) = bound(&context, SocketKind::Pull, &options);
        for opening in openings() {
            attack(&endpoint["tcp://".len()..], &opening);
        }
        let mut client = SocketOptions::default();
        if options.plain_server {
            (client.plain_username, client.plain_password) = (Some("a".into()), Some("b".into()));
        } else {
            client.curve_server_key = Some(keys.public.clone());
            client.curve_public_key = Some(keys.public.clone());
            client.curve_secret_key = Some(keys.secret.clone());
        }
        let push = open(&context, SocketKind::Push, &client);
        push.connect(&endpoint).expect("connects");
        push.send(b"honest", &watchdog()).expect("sends");
        assert_eq!(pull.recv(&watchdog()).expect("receives").payload(), b"honest");
    }
}

#[test]
fn a_frame_above_the_limit_costs_its_sender_the_connection_and_nobody_else() {
    let context = Context::new().expect("a context");
    let options = SocketOptions { max_message_size: 1024, ..SocketOptions::default() };
    let (pull, endpoint) = bound(&context, SocketKind::Pull, &options);
    let monitor = pull.monitor().expect("a monitor");
    let large = open(&context, SocketKind::Push, &SocketOptions::default());
    large.connect(&endpoint).expect("connects");
    large.send(&[0; 1025], &watchdog()).expect("sends");
    while monitor.next(&watchdog()).expect("an event").kind != zpatterns_engine::MonitorEventKind::Disconnected {}
    let small = open(&context, SocketKind::Push, &SocketOptions::default());
    small.connect(&endpoint).expect("connects");
    small.send(b"fits", &watchdog()).expect("sends");
    assert_eq!(pull.recv(&watchdog()).expect("receives").payload(), b"fits");
}
