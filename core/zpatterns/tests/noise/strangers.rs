//! Those who mean a broker, or a queue, no good.

use std::{
    fs,
    io::Write,
    net::TcpStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::Bytes;
use zpatterns::{Context, Deadline, Socket, SocketKind, SocketOptions, reqrep::Frames};

use crate::{dice::Dice, tap::bytes};

/// After so many messages a stranger connects anew.
const VISIT: u64 = 2000;
/// Sockets of one thread.
const SOCKETS: usize = 4;
/// Decisions for some hundred messages.
const DECISIONS: usize = 16 << 10;
/// How long one message may wait for the broker.
const PATIENCE: Duration = Duration::from_millis(100);
/// Long enough for two heartbeats.
const HEARTBEATS: Duration = Duration::from_secs(2);

/// A process that grows beyond this keeps what strangers send.
pub(crate) const MAX_GROWTH: u64 = 512 << 20;

/// Bytes of memory that this process has.
pub(crate) fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().map_or(0, |kib: u64| kib << 10)
}

/// What strangers know, and what they say.
pub(crate) trait Mischief: Default + Send + 'static {
    /// Somebody said this.
    fn hear(&mut self, frames: &Frames);

    /// What a stranger says next.
    fn say(&mut self, dice: &mut Dice<'_>) -> Frames;
}

/// A way to reach the port, again and again.
pub(crate) type Way<M> = fn(&str, &Mutex<M>, &AtomicU64, u64);

/// Threads that send until enough was sent.
pub(crate) struct Strangers {
    sent: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Strangers {
    /// Each way is a thread.
    pub(crate) fn at<M: Mischief>(broker: &str, gossip: Arc<Mutex<M>>, frames: u64, ways: &[Way<M>]) -> Self {
        let sent = Arc::new(AtomicU64::new(0));
        let start = |run: &Way<M>| {
            let run = *run;
            let (broker, gossip, sent) = (broker.to_owned(), Arc::clone(&gossip), Arc::clone(&sent));
            thread::spawn(move || {
                while sent.load(Ordering::SeqCst) < frames {
                    run(&broker, &gossip, &sent, frames);
                }
            })
        };
        Self { threads: ways.iter().map(start).collect(), sent }
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    pub(crate) fn are_done(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }
}

fn chance(size: usize) -> Vec<u8> {
    let mut data = vec![0; size];
    getrandom::fill(&mut data).expect("random numbers");
    data
}

/// A socket of a stranger, and what stands before each of its messages.
struct Stranger {
    socket: Socket,
    address: Vec<Bytes>,
}

fn connect(context: &Context, kind: SocketKind, broker: &str, name: Option<Vec<u8>>) -> Socket {
    let options = SocketOptions { routing_id: name, ..SocketOptions::default() };
    let socket = context.socket(kind, &options).expect("a socket");
    socket.connect(broker).expect("an endpoint");
    socket
}

pub(crate) fn dealers<M: Mischief>(broker: &str, gossip: &Mutex<M>, sent: &AtomicU64, frames: u64) {
    let context = Context::new().expect("a context");
    let dealer = |_| Stranger { socket: connect(&context, SocketKind::Dealer, broker, None), address: Vec::new() };
    let all: Vec<Stranger> = (0..SOCKETS).map(dealer).collect();
    visit(&all, gossip, sent, frames);
}

/// A ROUTER speaks to the broker's once it has heard from it. So it takes the name of a worker of Majordomo that has just
/// gone, and waits for the heartbeat that is meant for that one.
pub(crate) fn routers<M: Mischief>(broker: &str, gossip: &Mutex<M>, sent: &AtomicU64, frames: u64) {
    let context = Context::new().expect("a context");
    let name = [b"stranger", &chance(8)[..]].concat();
    let worker = connect(&context, SocketKind::Dealer, broker, Some(name.clone()));
    worker.send_multipart(&[b"", b"MDPW01", b"\x01", b"nobody"], &Deadline::never()).expect("open");
    let _ = worker.recv(&Deadline::after(HEARTBEATS));
    worker.close(Some(HEARTBEATS));
    let socket = connect(&context, SocketKind::Router, broker, Some(name));
    if let Ok(message) = socket.recv(&Deadline::after(HEARTBEATS)) {
        let address = bytes(&message)[..1].to_vec();
        visit(&[Stranger { socket, address }], gossip, sent, frames);
    }
}

fn visit<M: Mischief>(strangers: &[Stranger], gossip: &Mutex<M>, sent: &AtomicU64, frames: u64) {
    let mut said = 0;
    while said < VISIT && sent.load(Ordering::SeqCst) < frames {
        let decisions = chance(DECISIONS);
        let mut dice = Dice::new(&decisions);
        while !dice.is_empty() {
            let Stranger { socket, address } = &strangers[dice.below(strangers.len())];
            let mut all = address.clone();
            all.extend(gossip.lock().expect("sound").say(&mut dice));
            if all.len() == address.len() {
                all.push(Bytes::new());
            }
            let all: Vec<&[u8]> = all.iter().map(|frame| &frame[..]).collect();
            // A broker that is busy lets strangers wait.
            if socket.send_multipart(&all, &Deadline::after(PATIENCE)).is_ok() {
                said += 1;
                sent.fetch_add(1, Ordering::SeqCst);
            }
            while let Ok(message) = socket.recv(&Deadline::now()) {
                gossip.lock().expect("sound").hear(&bytes(&message)[address.len()..].to_vec());
            }
        }
    }
}

/// Connections that speak no ZeroMQ, or not for long: each counts as one message.
pub(crate) fn no_zeromq<M: Mischief>(broker: &str, _: &Mutex<M>, sent: &AtomicU64, _: u64) {
    const GREETING: [u8; 12] = [0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0];
    const NULL: &[u8] = b"NULL";
    let Ok(mut stream) = TcpStream::connect(broker.trim_start_matches("tcp://")) else { return };
    let data = chance(300);
    let mut bytes = Vec::new();
    if data[0] > 64 {
        bytes.extend(GREETING);
        bytes.extend(NULL);
        bytes.resize(64, 0);
    }
    if data[0] > 128 {
        // READY, and frames of any kind and length.
        bytes.extend(b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x06DEALER");
    }
    bytes.extend(&data[1..1 + usize::from(data[1])]);
    // The broker may have had enough.
    let _ = stream.write_all(&bytes);
    sent.fetch_add(1, Ordering::SeqCst);
}
