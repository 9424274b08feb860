//! What a message costs in the core itself: packing, and one trip through a pair of sockets in the process.
//!
//!     cargo bench -p zpatterns --bench hot_paths
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use zpatterns::{Batch, Context, Deadline, Frame, Socket, SocketKind, SocketOptions};

const SIZES: [usize; 3] = [100, 1_000, 65_536];
/// Messages per batch: below the queues of a socket, so that nothing waits.
const BATCH: usize = 100;

fn frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frame");
    for size in SIZES {
        let data = vec![b'x'; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("copy", size), |bencher| {
            bencher.iter(|| Frame::copy_from(black_box(&data)).expect("memory is there"));
        });
    }
}

fn batches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("batch");
    group.throughput(Throughput::Elements(BATCH as u64));
    for size in SIZES {
        let data = vec![b'x'; size];
        group.bench_function(BenchmarkId::new("push", size), |bencher| {
            bencher.iter(|| pack(black_box(&data)));
        });
        let batch = pack(&data);
        group.bench_function(BenchmarkId::new("read", size), |bencher| {
            bencher.iter(|| (0..batch.len()).flat_map(|index| batch.frames(index)).map(<[u8]>::len).sum::<usize>());
        });
    }
}

fn pack(data: &[u8]) -> Batch {
    let mut batch = Batch::new();
    for _ in 0..BATCH {
        batch.push(data).expect("memory is there");
    }
    batch
}

fn pair(context: &Context, options: &SocketOptions) -> (Socket, Socket) {
    let pull = context.socket(SocketKind::Pull, options).expect("a socket");
    let push = context.socket(SocketKind::Push, options).expect("a socket");
    let endpoint = format!("inproc://{:p}", &raw const pull);
    pull.bind(&endpoint).expect("a free name");
    push.connect(&endpoint).expect("connects");
    (pull, push)
}

fn trips(criterion: &mut Criterion) {
    let context = Context::new().expect("a context");
    let mut group = criterion.benchmark_group("inproc");
    group.throughput(Throughput::Elements(BATCH as u64));
    for (mode, options) in [("direct", SocketOptions::default()), ("background", SocketOptions::background())] {
        let (pull, push) = pair(&context, &options);
        let data = vec![b'x'; 100];
        group.bench_function(BenchmarkId::new("each", mode), |bencher| {
            bencher.iter(|| {
                for _ in 0..BATCH {
                    push.send(&data, &Deadline::never()).expect("room");
                }
                for _ in 0..BATCH {
                    black_box(pull.recv(&Deadline::never()).expect("a message"));
                }
            });
        });
        group.bench_function(BenchmarkId::new("many", mode), |bencher| {
            bencher.iter(|| {
                let sent = push.send_many(&mut pack(&data), 0, &Deadline::never()).expect("room");
                let mut received = 0;
                while received < sent {
                    received += pull.recv_many(BATCH, usize::MAX, &Deadline::never()).expect("messages").len();
                }
            });
        });
    }
}

criterion_group!(hot_paths, frames, batches, trips);
criterion_main!(hot_paths);
