//! What a queue with a million jobs costs, and what one more costs then.

mod memory;

use std::{collections::BTreeMap, iter, time::Duration};

use bytes::Bytes;
use memory::{Counting, in_use, most_in_use};
use zpatterns_protocol::{
    Machine, Time,
    link::{Header, OPEN, Session},
    liveness::Pace,
    machine::{Input, Output, Peer, SocketId},
    zqueue::{
        JobOptions, Limits, Order, Queue, QueueEvent, QueueOptions, ShelfLimits,
        wire::{MAGIC, Message, Push},
    },
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const JOBS: u64 = 1_000_000;
/// Bytes that a waiting job of 100 bytes may take.
const MOST: isize = 500;

fn options() -> QueueOptions {
    let limits = Limits {
        queues: 10,
        jobs: 2 * JOBS as usize,
        bytes: 1 << 40,
        queue_bytes: 1 << 40,
        depth: 10,
        children: 10,
        tree_jobs: 100,
        tree_bytes: 1 << 20,
        lost: 3,
    };
    QueueOptions {
        bind: vec!["here".to_owned()],
        pace: Pace { interval: Duration::from_secs(1), limit: 3 },
        order: Order::Depth,
        orders: BTreeMap::new(),
        limits,
        shelf: ShelfLimits { outcomes: 10, outcome_bytes: 10_000, letters: 10, letter_bytes: 10_000 },
        drafts: (10, 10_000),
        max_peers: 10,
        max_per_peer: 100,
        is_stored: false,
        seed: 1,
    }
}

fn tell(queue: &mut Queue, input: Input<zpatterns_protocol::zqueue::QueueCommand>) -> Vec<Output<QueueEvent>> {
    queue.handle(Time::ZERO, input);
    iter::from_fn(|| queue.poll()).collect()
}

#[test]
fn a_million_jobs_fit_into_half_a_gigabyte() {
    let mut queue = Queue::new(options());
    tell(&mut queue, Input::Room(10));
    let hear = |queue: &mut Queue, kind, sequence, fields: &[u8], body| {
        let header = Header { kind, session: Session(1), sequence, received: u64::MAX };
        let frames = header.write(MAGIC, fields, body);
        tell(
            queue,
            Input::Message { socket: SocketId(0), peer: Peer(Bytes::from_static(b"peer")), user: Bytes::new(), frames },
        )
    };
    hear(&mut queue, OPEN, 0, &[], vec![]);
    let before = in_use();
    for number in 1..=JOBS {
        let (watch, draft, queue_name) = (false, false, Bytes::from_static(b"jobs"));
        let (options, body) = (JobOptions::default(), vec![vec![7; 100].into()]);
        let push = Push { number, producer: 1, watch, draft, queue: queue_name, options, body };
        let (kind, fields, body) = Message::Push(push).encode();
        hear(&mut queue, kind, number, &fields, body);
    }
    let each = (most_in_use() - before) / JOBS as isize;
    println!("{each} bytes each");
    assert_eq!(queue.counters().waiting, JOBS);
    assert!(each <= MOST, "{each} bytes each");
}
