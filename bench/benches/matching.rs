//! What it costs to find who asks for a subject, and whether that grows with those who do not.
//!
//!     cargo bench -p zpatterns --bench matching
//!
//! Every subject is asked for by ten, however many subscriptions there are, and subjects are drawn from all, so that
//! what is looked for is in no cache. There are two populations: `mix` has patterns and prefixes; in `prefixes` ten
//! subscribers have the same names as prefixes, because libzmq and a plain tree of bytes know nothing else.
#![allow(missing_docs)]

use std::{collections::BTreeMap, fs, hint::black_box, time::Duration};

use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion as Bench, criterion_group, criterion_main, measurement::WallTime,
};
use fastrand::Rng;
use zpatterns::{Context, Deadline, Socket, SocketKind, SocketOptions};
use zpatterns_protocol::pubsub::{Criterion, RouteId, Routes};

const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// Beyond this a scan takes longer than anybody waits.
const LARGEST_SCAN: usize = 100_000;
/// Who asks for each subject.
const MATCHES: usize = 10;
/// Subjects that are looked for one after the other. A search among a million brings half a kilobyte into the caches.
const DRAWN: usize = 200_000;
/// The length of every subject, so that many lie in one piece and reading them costs the same everywhere.
const LENGTH: usize = 19;

struct Population {
    criteria: Vec<Criterion>,
    drawn: Vec<u8>,
}

impl Population {
    fn new(mut criteria: Vec<Criterion>, subjects: usize) -> Self {
        let mut random = Rng::with_seed(1);
        random.shuffle(&mut criteria);
        let drawn = (0..DRAWN).flat_map(|_| subject(random.usize(..subjects)).into_bytes()).collect();
        Self { criteria, drawn }
    }

    /// Each subject is asked for by four who name it, two with it as a prefix, two for every exchange, and two for all
    /// of its exchange, which has a hundred: one with a pattern and one with a prefix. Some ask for what never comes.
    fn mix(size: usize) -> Self {
        let subjects = (size * 100).div_ceil(802) - 2;
        let mut criteria = Vec::with_capacity(size);
        for index in 0..subjects {
            let name = subject(index);
            let (exchange, instrument) = name.rsplit_once('.').expect("three levels");
            criteria.extend([(); 4].map(|()| pattern(&name)));
            criteria.extend([(); 2].map(|()| prefix(&name)));
            criteria.extend([(); 2].map(|()| pattern(&format!("ticks.*.{instrument}"))));
            if index % 100 == 0 {
                criteria.extend([pattern(&format!("{exchange}.>")), prefix(&format!("{exchange}."))]);
            }
        }
        assert!(criteria.len() <= size);
        criteria.extend((criteria.len()..size).map(|index| pattern(&format!("orders.{index}.>"))));
        Self::new(criteria, subjects)
    }

    fn prefixes(size: usize) -> Self {
        let criteria = (0..size).map(|index| prefix(&subject(index / MATCHES))).collect();
        Self::new(criteria, size / MATCHES)
    }

    /// As many patterns of as many levels as there may be, none of which matches in the end.
    fn strangers(size: usize) -> Self {
        let mut random = Rng::with_seed(1);
        let mut text = || (0..31).map(|_| if random.bool() { "*." } else { "a." }).collect::<String>() + "b";
        Self { criteria: (0..size).map(|_| pattern(&text())).collect(), drawn: ["a"; 32].join(".").into_bytes() }
    }

    /// Measures a search; first that it finds all.
    fn measure(&self, group: &mut BenchmarkGroup<'_, WallTime>, name: &str, mut search: impl FnMut(&[u8]) -> usize) {
        let mut drawn = self.drawn.chunks_exact(LENGTH).cycle();
        assert!((0..100).all(|_| search(drawn.next().expect("an endless row")) == MATCHES));
        group.bench_function(BenchmarkId::new(name, self.criteria.len()), |bencher| {
            bencher.iter(|| search(drawn.next().expect("an endless row")));
        });
    }

    fn measure_routes(&self, group: &mut BenchmarkGroup<'_, WallTime>) {
        let routes = routes_of(&self.criteria);
        self.measure(group, "routes", |subject| found_by(&routes, subject));
    }
}

fn subject(index: usize) -> String {
    // Neighbours in an exchange are none by name.
    format!("ticks.x{:04}.i{:06}", index / 100, index * 7919 % 1_000_000)
}

fn pattern(text: &str) -> Criterion {
    Criterion::pattern(text.to_owned()).expect("a pattern")
}

fn prefix(text: &str) -> Criterion {
    Criterion::prefix(text.to_owned()).expect("a prefix")
}

fn routes_of(criteria: &[Criterion]) -> Routes {
    let mut routes = Routes::new(1);
    for (id, criterion) in criteria.iter().enumerate() {
        routes.insert(criterion, id as RouteId);
    }
    routes
}

fn found_by(routes: &Routes, subject: &[u8]) -> usize {
    let mut count = 0;
    routes.matching(subject, &mut |id| {
        black_box(id);
        count += 1;
    });
    count
}

/// A look at each.
fn scan(criteria: &[Criterion], subject: &[u8]) -> usize {
    criteria.iter().filter(|criterion| black_box(criterion.matches(subject))).count()
}

/// A tree with a node per byte.
struct Trie(Vec<Node>);

#[derive(Default)]
struct Node {
    children: BTreeMap<u8, u32>,
    ids: Vec<RouteId>,
}

impl Trie {
    fn of(criteria: &[Criterion]) -> Self {
        let mut nodes = vec![Node::default()];
        for (id, criterion) in criteria.iter().enumerate() {
            let mut at = 0;
            for byte in criterion.text() {
                let next = nodes.len() as u32;
                at = *nodes[at].children.entry(*byte).or_insert(next) as usize;
                if at == nodes.len() {
                    nodes.push(Node::default());
                }
            }
            nodes[at].ids.push(id as RouteId);
        }
        Self(nodes)
    }

    fn found_by(&self, subject: &[u8]) -> usize {
        let (mut node, mut count) = (&self.0[0], 0);
        let mut found = |node: &Node| {
            for id in &node.ids {
                black_box(id);
                count += 1;
            }
        };
        for byte in subject {
            found(node);
            match node.children.get(byte) {
                Some(next) => node = &self.0[*next as usize],
                None => return count,
            }
        }
        found(node);
        count
    }
}

/// An XPUB with ten subscribers in the process that have all prefixes. A search is a send that reaches all ten, and ten
/// receives: most of it is the way of ten messages, which is as long however many subscriptions there are.
struct Xpub {
    publisher: Socket,
    subscribers: Vec<Socket>,
}

impl Xpub {
    fn of(criteria: &[Criterion]) -> Self {
        let context = Context::new().expect("a context");
        // It tells of each subscription, also of one that another has, so that all are known to be there.
        let verbose = SocketOptions { xpub_verbose: true, ..SocketOptions::default() };
        let publisher = context.socket(SocketKind::XPub, &verbose).expect("a socket");
        publisher.bind("inproc://matching").expect("a free name");
        let subscribers = [(); MATCHES].map(|()| {
            let subscriber = context.socket(SocketKind::Sub, &SocketOptions::default()).expect("a socket");
            subscriber.connect("inproc://matching").expect("connects");
            subscriber
        });
        let mut texts = criteria.iter().map(Criterion::text).collect::<Vec<_>>();
        texts.sort();
        texts.dedup();
        Rng::with_seed(1).shuffle(&mut texts);
        for some in texts.chunks(500) {
            for subscriber in &subscribers {
                some.iter().for_each(|text| subscriber.subscribe(text).expect("subscribes"));
                let mut arrived = 0;
                while arrived < some.len() {
                    arrived += publisher.recv_many(500, usize::MAX, &Deadline::never()).expect("subscriptions").len();
                }
            }
        }
        Self { publisher, subscribers: subscribers.into() }
    }

    fn found_by(&self, subject: &[u8]) -> usize {
        self.publisher.send(subject, &Deadline::never()).expect("room");
        let receive = |subscriber: &Socket| subscriber.recv(&Deadline::after(Duration::from_secs(10)));
        self.subscribers.iter().map(receive).filter(|message| black_box(message).is_ok()).count()
    }
}

fn group<'a>(bench: &'a mut Bench, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = bench.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_millis(1500)).sample_size(30);
    group
}

/// The first, because only a fresh process tells what it takes.
fn memory(_: &mut Bench) {
    let resident = || {
        let pages = fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse::<usize>().ok()?;
        Some(pages * 4096)
    };
    let size = SIZES[SIZES.len() - 1];
    let population = Population::mix(size);
    let before = resident();
    let routes = routes_of(&population.criteria);
    if let (Some(before), Some(after)) = (before, resident()) {
        println!("mix: {} bytes of memory per subscription of {}", (after - before) / size, routes.len());
    }
}

fn mix(bench: &mut Bench) {
    let mut group = group(bench, "mix");
    for size in SIZES {
        let population = Population::mix(size);
        population.measure_routes(&mut group);
        if size <= LARGEST_SCAN {
            population.measure(&mut group, "scan", |subject| scan(&population.criteria, subject));
        }
    }
}

fn prefixes(bench: &mut Bench) {
    let mut group = group(bench, "prefixes");
    for size in SIZES {
        let population = Population::prefixes(size);
        population.measure_routes(&mut group);
        let trie = Trie::of(&population.criteria);
        population.measure(&mut group, "trie", |subject| trie.found_by(subject));
        drop(trie);
        let xpub = Xpub::of(&population.criteria);
        population.measure(&mut group, "xpub", |subject| xpub.found_by(subject));
    }
}

/// One goes and comes again; in `crowd` all ask for the same.
fn changes(bench: &mut Bench) {
    let mut group = group(bench, "changes");
    let mut measure = |name: &str, criteria: &[Criterion]| {
        let mut routes = routes_of(criteria);
        let mut random = Rng::with_seed(1);
        group.bench_function(BenchmarkId::new(name, criteria.len()), |bencher| {
            bencher.iter(|| {
                let id = random.usize(..criteria.len());
                routes.remove(&criteria[id], id as RouteId) && routes.insert(&criteria[id], id as RouteId)
            });
        });
    };
    for size in SIZES {
        measure("mix", &Population::mix(size).criteria);
    }
    measure("crowd", &vec![prefix("ticks."); 100_000]);
}

/// What those cost who want to be a burden.
fn strangers(bench: &mut Bench) {
    let mut group = group(bench, "strangers");
    let population = Population::strangers(1000);
    let (routes, subject) = (routes_of(&population.criteria), &population.drawn);
    group.bench_function("routes", |bencher| bencher.iter(|| found_by(&routes, subject)));
    group.bench_function("scan", |bencher| bencher.iter(|| scan(&population.criteria, subject)));
}

criterion_group!(matching, memory, mix, prefixes, changes, strangers);
criterion_main!(matching);
