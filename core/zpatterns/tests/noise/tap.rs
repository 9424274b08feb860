//! Passes messages between honest parties and a broker or a queue, and lets strangers hear them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use bytes::Bytes;
use zpatterns::{Context, Deadline, ErrorKind, Message, Socket, SocketKind, SocketOptions};

use crate::strangers::Mischief;

/// Who connects here reaches the broker.
pub(crate) struct Tap<M> {
    endpoint: String,
    gossip: Arc<Mutex<M>>,
}

impl<M: Mischief> Tap<M> {
    pub(crate) fn to(context: &Context, broker: &str) -> Self {
        let front = context.socket(SocketKind::Router, &SocketOptions::default()).expect("a socket");
        let endpoint = front.bind("tcp://127.0.0.1:0").expect("a port is free");
        let gossip = Arc::<Mutex<M>>::default();
        // The thread ends with the context.
        thread::spawn({
            let (context, broker, gossip) = (context.clone(), broker.to_owned(), Arc::clone(&gossip));
            move || pass(&context, &front, &broker, &gossip)
        });
        Self { endpoint, gossip }
    }

    pub(crate) fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    /// What strangers know of what was said here.
    pub(crate) fn gossip(&self) -> Arc<Mutex<M>> {
        Arc::clone(&self.gossip)
    }
}

pub(crate) fn bytes(message: &Message) -> Vec<Bytes> {
    message.frames().iter().map(|frame| Bytes::copy_from_slice(frame)).collect()
}

/// Each connection at the front has one of its own to the broker.
fn pass<M: Mischief>(context: &Context, front: &Socket, broker: &str, gossip: &Mutex<M>) {
    let mut backs: BTreeMap<Bytes, Socket> = BTreeMap::new();
    loop {
        let pause = Deadline::after(Duration::from_millis(1));
        match front.recv(&pause) {
            Ok(message) => {
                let mut frames = bytes(&message);
                let peer = frames.remove(0);
                gossip.lock().expect("sound").hear(&frames);
                let back = backs.entry(peer).or_insert_with(|| {
                    let back = context.socket(SocketKind::Dealer, &SocketOptions::default()).expect("a socket");
                    back.connect(broker).expect("an endpoint");
                    back
                });
                let frames: Vec<&[u8]> = frames.iter().map(|frame| &frame[..]).collect();
                back.send_multipart(&frames, &Deadline::never()).expect("open");
            }
            Err(error) if error.kind() == ErrorKind::Timeout => {}
            Err(_) => return,
        }
        for (peer, back) in &backs {
            while let Ok(message) = back.recv(&Deadline::now()) {
                gossip.lock().expect("sound").hear(&bytes(&message));
                let all: Vec<&[u8]> = [&peer[..]].into_iter().chain(message.iter().map(|frame| &frame[..])).collect();
                // Who is gone needs no answer.
                let _ = front.send_multipart(&all, &Deadline::never());
            }
        }
    }
}
