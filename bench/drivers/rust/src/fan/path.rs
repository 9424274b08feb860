//! A shared path that loses some of what passes: what a PUB does to who is slow, or a proxy that is overrun.

use std::thread::{self, JoinHandle};

use zpatterns::{Context, Deadline, Result, Socket, SocketKind, SocketOptions};
use zpatterns_protocol::pubsub::wire::read_shared;

/// From the publisher's PUB to who connects here, on a thread of its own.
pub(super) struct LossyPath {
    endpoint: String,
    heard: Socket,
    /// The numbers of the publications that it loses.
    passing: JoinHandle<Vec<u64>>,
}

impl LossyPath {
    /// Passes on what comes from this endpoint, but of a thousand messages some.
    pub(super) fn open(context: &Context, from: &str, lost: u32) -> Result<Self> {
        // Nothing is lost but what is to be.
        let options = SocketOptions { send_hwm: 1_000_000, recv_hwm: 1_000_000, ..SocketOptions::default() };
        let heard = context.socket(SocketKind::Sub, &options)?;
        heard.connect(from)?;
        heard.subscribe(b"")?;
        let told = context.socket(SocketKind::Pub, &options)?;
        let endpoint = told.bind("tcp://127.0.0.1:0")?;
        let from = heard.clone();
        let passing = thread::spawn(move || pass(&from, &told, lost));
        Ok(Self { endpoint, heard, passing })
    }

    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Ends it; says what it has lost.
    pub(super) fn close(self) -> Vec<u64> {
        self.heard.close(None);
        self.passing.join().expect("it passes on until it is closed")
    }
}

/// One message has several publications, if they left together.
fn pass(from: &Socket, to: &Socket, lost: u32) -> Vec<u64> {
    let (mut numbers, mut random) = (Vec::new(), fastrand::Rng::with_seed(1));
    while let Ok(message) = from.recv(&Deadline::never()) {
        if random.u32(..1000) >= lost {
            to.send(message.payload(), &Deadline::never()).expect("a PUB takes everything");
        } else if let Some((_, _, publications)) = read_shared(message.payload().to_vec().into()) {
            numbers.extend(publications.iter().map(|(number, ..)| *number));
        }
    }
    numbers
}
