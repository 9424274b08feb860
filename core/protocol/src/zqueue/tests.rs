//! The forest by itself: trees under chance, and what is stored of them.

mod denied;

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use fastrand::Rng;

use super::{
    forest::{Clock, Effect, Forest, Given, Key, WorkerId},
    *,
};
use crate::{ErrorKind, Time, Wall, liveness::Pace, machine::Frames};

const QUEUE: Bytes = Bytes::from_static(b"sum");

fn limits() -> Limits {
    Limits {
        queues: 10,
        jobs: 10_000,
        bytes: 10_000_000,
        queue_bytes: 10_000_000,
        depth: 20,
        children: 1000,
        tree_jobs: 5000,
        tree_bytes: 5_000_000,
        lost: 5,
    }
}

fn options(order: Order, is_stored: bool) -> QueueOptions {
    QueueOptions {
        bind: vec![],
        pace: Pace { interval: Duration::from_secs(1), limit: 3 },
        order,
        orders: BTreeMap::new(),
        limits: limits(),
        shelf: ShelfLimits { outcomes: 100, outcome_bytes: 100_000, letters: 10, letter_bytes: 100_000 },
        drafts: (10, 10_000),
        max_peers: 100,
        max_per_peer: 100,
        is_stored,
        seed: 1,
    }
}

fn text(text: &str) -> Frames {
    vec![Bytes::copy_from_slice(text.as_bytes())]
}

fn read(frames: &Frames) -> &str {
    frames.first().map_or("", |frame| std::str::from_utf8(frame).expect("text"))
}

fn child(body: &str) -> Child {
    Child {
        queue: QUEUE,
        body: text(body),
        options: JobOptions::default(),
        on_failure: OnFailure::Fail,
        detached: false,
    }
}

fn date_at(now: Time) -> Clock {
    Clock(Wall::from_nanos(1_000_000_000_000 + now.as_nanos()), now)
}

/// A forest, and what is stored of it.
struct Woods {
    forest: Forest,
    disk: BTreeMap<Bytes, Bytes>,
    now: Time,
    ended: BTreeMap<JobId, Outcome>,
    died: usize,
    withdrawn: Vec<u64>,
    numbers: u64,
}

impl Woods {
    fn new(order: Order) -> Self {
        let (ended, withdrawn) = (BTreeMap::new(), Vec::new());
        let mut forest = Forest::new(&options(order, true), 7);
        forest.recover(Time::ZERO, date_at(Time::ZERO), vec![]).expect("nothing is there");
        Self { forest, disk: BTreeMap::new(), now: Time::ZERO, ended, died: 0, withdrawn, numbers: 0 }
    }

    fn push(&mut self, body: &str) -> JobId {
        self.push_with(body, &JobOptions::default())
    }

    fn push_with(&mut self, body: &str, options: &JobOptions) -> JobId {
        self.numbers += 1;
        let id = self.forest.admit(self.now, (9, self.numbers), &QUEUE, &text(body), options).expect("there is room");
        self.forest.watch(id, true);
        self.forest.release(self.now, id);
        id
    }

    fn hire(&mut self, worker: u64, credit: u32) {
        self.forest.offer(WorkerId(worker), &[QUEUE], credit);
    }

    fn give(&mut self) -> Option<Given> {
        self.forest.give(self.now)
    }

    fn complete(&mut self, given: &Given, body: &str) {
        self.forest.complete(self.now, given.worker, given.run, &text(body)).expect("it has the job");
        self.follow();
    }

    fn spawn(&mut self, given: &Given, ordered: bool, children: &[Child]) -> Result<(), Failure> {
        let spawned = self.forest.spawn(self.now, given.worker, given.run, &text("memo"), ordered, children);
        self.follow();
        spawned.expect("it has the job")
    }

    fn follow(&mut self) {
        while let Some(effect) = self.forest.effect() {
            match effect {
                Effect::Ended { job, sealed, .. } => {
                    assert!(self.ended.insert(job, sealed.open()).is_none(), "job {job} ended twice");
                }
                Effect::Died { .. } => self.died += 1,
                Effect::Withdraw { run, .. } => self.withdrawn.push(run),
            }
        }
        let counters = self.forest.counters();
        assert!(counters.balances(), "{counters:?}");
    }

    fn store(&mut self) {
        for key in self.forest.take_changed() {
            match self.forest.record(key) {
                Some(value) => self.disk.insert(key.encode(), value),
                None => self.disk.remove(&key.encode()),
            };
        }
    }

    /// Another forest, from what was stored.
    fn restart(&mut self, order: Order) {
        let mut forest = Forest::new(&options(order, true), 8);
        let records = self.disk.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        forest.recover(self.now, date_at(self.now), records).expect("it was written by one");
        self.forest = forest;
    }

    fn later(&mut self, span: Duration) {
        self.now += span;
        self.forest.expire(self.now);
        self.follow();
    }

    fn assert_empty(&self) {
        let counters = self.forest.counters();
        assert_eq!((counters.held, counters.bytes), (0, 0), "{counters:?}");
        let keys: Vec<_> = self.disk.keys().filter(|key| **key != Key::Next.encode()).collect();
        assert!(keys.is_empty(), "{keys:?}");
    }
}

/// The sum of all numbers up to n, by halves; as a worker with no memory does it.
fn sum(given: &Given) -> Result<String, Vec<Child>> {
    let text = read(&given.body);
    let (from, to) = text.split_once(' ').expect("two numbers");
    let (from, to): (u64, u64) = (from.parse().expect("a number"), to.parse().expect("a number"));
    if let Some((memo, results)) = &given.resumed {
        assert_eq!(read(memo), "memo");
        let number = |result: &ChildOutcome| match result {
            Some(Outcome::Done(body)) => read(body).parse::<u64>().expect("a number"),
            other => panic!("a child came to {other:?}"),
        };
        return Ok(results.iter().map(number).sum::<u64>().to_string());
    }
    if from + 1 == to {
        return Ok(from.to_string());
    }
    let middle = from.midpoint(to);
    Err(vec![child(&format!("{from} {middle}")), child(&format!("{middle} {to}"))])
}

fn whatever_happens(seed: u64) {
    let mut random = Rng::with_seed(seed);
    let order = [Order::Depth, Order::Fifo, Order::Lifo, Order::Priority][random.usize(0..4)];
    let mut woods = Woods::new(order);
    let roots: Vec<(JobId, u64)> = (0..3)
        .map(|_| {
            let to = random.u64(1..40);
            (woods.push(&format!("0 {to}")), to)
        })
        .collect();
    let (mut workers, mut having) = (0_u64, Vec::<Given>::new());
    while woods.ended.len() < roots.len() {
        match random.u8(0..20) {
            0 => {
                workers += 1;
                woods.hire(workers, random.u32(1..4));
            }
            1 if workers > 0 && random.u8(0..10) == 0 => {
                let gone = WorkerId(random.u64(1..=workers));
                woods.forest.gone(woods.now, gone);
                having.retain(|given| given.worker != gone);
                woods.follow();
            }
            2 => woods.store(),
            3 if random.u8(0..20) == 0 => {
                woods.store();
                woods.restart(order);
                having.clear();
                workers = 0;
                roots.iter().for_each(|(id, _)| woods.forest.watch(*id, true));
            }
            4..10 => having.extend(woods.give()),
            _ if having.is_empty() => {}
            _ => {
                let given = having.swap_remove(random.usize(0..having.len()));
                match sum(&given) {
                    Ok(sum) => woods.complete(&given, &sum),
                    Err(children) => woods.spawn(&given, random.bool(), &children).expect("within bounds"),
                }
            }
        }
    }
    for (id, to) in roots {
        assert_eq!(woods.ended[&id], Outcome::Done(text(&(0..to).sum::<u64>().to_string())), "seed {seed}");
    }
    woods.store();
    woods.assert_empty();
}

#[test]
fn the_same_comes_out_whatever_happens() {
    (0..300).for_each(whatever_happens);
}

/// Hires one worker, and does everything; the bodies in the order in which they were given.
fn order_of(woods: &mut Woods, mut spawn: impl FnMut(&str) -> Vec<Child>) -> Vec<String> {
    woods.hire(1, 1);
    let mut bodies = Vec::new();
    while let Some(given) = woods.give() {
        let body = read(&given.body).to_owned();
        let children = if given.resumed.is_some() { vec![] } else { spawn(&body) };
        bodies.push(if given.resumed.is_some() { format!("{body}!") } else { body });
        if children.is_empty() {
            woods.complete(&given, "");
        } else {
            // Beyond the bounds it is the end of the tree.
            let _ = woods.spawn(&given, false, &children);
        }
    }
    bodies
}

fn halves(body: &str) -> Vec<Child> {
    if body.len() < 3 { vec![child(&format!("{body}a")), child(&format!("{body}b"))] } else { vec![] }
}

#[test]
fn each_order_gives_what_it_says() {
    let orders = [
        (Order::Depth, "x xa xaa xab xa! xb xba xbb xb! x! y ya yaa yab ya! yb yba ybb yb! y!"),
        (Order::Fifo, "x y xa xb ya yb xaa xab xa! xba xbb xb! x! yaa yab ya! yba ybb yb! y!"),
        (Order::Lifo, "y ya yaa yab ya! yb yba ybb yb! y! x xa xaa xab xa! xb xba xbb xb! x!"),
    ];
    for (order, expected) in orders {
        let mut woods = Woods::new(order);
        woods.push("x");
        woods.push("y");
        assert_eq!(order_of(&mut woods, halves).join(" "), expected, "{order:?}");
    }
    let mut woods = Woods::new(Order::Priority);
    for (body, priority) in [("low", 0), ("high", 9), ("higher", 200), ("high too", 9)] {
        woods.push_with(body, &JobOptions { priority, ..JobOptions::default() });
    }
    assert_eq!(order_of(&mut woods, |_| vec![]), ["higher", "high", "high too", "low"]);
}

#[test]
fn a_worker_of_several_queues_goes_round() {
    let mut woods = Woods::new(Order::Depth);
    let names = ["a", "b", "c"].map(|name| Bytes::from_static(name.as_bytes()));
    for number in 0..9 {
        let id =
            woods.forest.admit(woods.now, (9, number), &names[number as usize / 3], &text("x"), &JobOptions::default());
        woods.forest.release(woods.now, id.expect("there is room"));
    }
    woods.forest.offer(WorkerId(1), &names, 1);
    let mut queues = String::new();
    while let Some(given) = woods.give() {
        queues.push_str(std::str::from_utf8(&given.queue).expect("text"));
        woods.complete(&given, "");
    }
    assert_eq!(queues, "abcabcabc");
}

#[test]
fn children_may_be_done_one_after_the_other() {
    let mut woods = Woods::new(Order::Depth);
    woods.push("root");
    woods.hire(1, 10);
    let root = woods.give().expect("the root");
    woods.spawn(&root, true, &[child("1"), child("2"), child("3")]).expect("within bounds");
    for number in ["1", "2", "3"] {
        let given = woods.give().expect("a child");
        assert_eq!(read(&given.body), number);
        assert!(woods.give().is_none(), "its siblings wait");
        woods.complete(&given, number);
    }
    let (_, results) = woods.give().expect("the root again").resumed.expect("it was left");
    let all: Vec<_> = ["1", "2", "3"].map(|number| Some(Outcome::Done(text(number)))).into();
    assert_eq!(results, all);
}

#[test]
fn what_a_failed_child_means_is_its_parents_choice() {
    let failure = Failure { kind: ErrorKind::JobFailed, code: 7, body: text("no") };
    for (on_failure, expected) in [
        (OnFailure::Fail, None),
        (OnFailure::Pass, Some(vec![Some(Outcome::Failed(failure.clone())), Some(Outcome::Done(text("fine")))])),
        (OnFailure::Ignore, Some(vec![None, Some(Outcome::Done(text("fine")))])),
    ] {
        let mut woods = Woods::new(Order::Depth);
        let id = woods.push("root");
        woods.hire(1, 10);
        let root = woods.give().expect("the root");
        woods.spawn(&root, false, &[Child { on_failure, ..child("bad") }, child("good")]).expect("within bounds");
        let (bad, good) = (woods.give().expect("one"), woods.give().expect("another"));
        woods.forest.fail(woods.now, bad.worker, bad.run, false, &failure).expect("it has it");
        woods.follow();
        assert_eq!(woods.died, 1);
        let Some(expected) = expected else {
            assert_eq!(woods.ended[&id], Outcome::Failed(failure.clone()), "its parent fails in the same way");
            assert_eq!(woods.withdrawn, [good.run], "nobody wants the other child");
            woods.store();
            woods.assert_empty();
            continue;
        };
        woods.complete(&good, "fine");
        let again = woods.give().expect("the root again");
        assert_eq!(again.resumed.expect("it was left").1, expected);
    }
}

#[test]
fn a_failed_try_is_repeated_later_and_later_and_then_it_is_a_dead_letter() {
    let mut woods = Woods::new(Order::Depth);
    let id = woods.push_with("x", &JobOptions { attempts: 3, ..JobOptions::default() });
    woods.hire(1, 1);
    let failure = Failure { kind: ErrorKind::JobFailed, code: 1, body: text("not yet") };
    for (tries, least, most) in [(0, 500, 1500), (1, 1000, 3000), (2, 1, 1)] {
        let given = woods.give().expect("its turn");
        assert_eq!(given.tries, tries);
        woods.forest.fail(woods.now, given.worker, given.run, true, &failure).expect("it has it");
        woods.follow();
        assert!(woods.give().is_none());
        woods.later(Duration::from_millis(least - 1));
        assert!(woods.give().is_none(), "half of the time has not passed");
        woods.later(Duration::from_millis(most - least + 1));
    }
    assert_eq!((woods.ended[&id].clone(), woods.died), (Outcome::Failed(failure), 1));
}

#[test]
fn a_cancel_reaches_every_descendant_and_nothing_comes_after_it() {
    let mut woods = Woods::new(Order::Depth);
    let id = woods.push("root");
    woods.hire(1, 100);
    let root = woods.give().expect("the root");
    woods.spawn(&root, false, &[child("a"), child("b"), child("c")]).expect("within bounds");
    let a = woods.give().expect("a child");
    woods.spawn(&a, false, &[child("aa"), child("ab")]).expect("within bounds");
    let (aa, b) = (woods.give().expect("a grandchild"), woods.give().expect("another"));
    assert!(woods.forest.cancel(woods.now, id));
    woods.follow();
    assert!(matches!(&woods.ended[&id], Outcome::Failed(failure) if failure.kind == ErrorKind::Cancelled));
    woods.withdrawn.sort_unstable();
    assert_eq!(woods.withdrawn, [aa.run, b.run]);
    let late = woods.forest.spawn(woods.now, aa.worker, aa.run, &text(""), false, &[child("too late")]);
    assert!(late.is_err() && woods.give().is_none() && !woods.forest.cancel(woods.now, id));
    woods.store();
    woods.assert_empty();
    assert_eq!(woods.forest.counters().late_dropped, 1);
}

#[test]
fn a_recursion_bomb_ends_as_one_failed_root() {
    let mut woods = Woods::new(Order::Depth);
    let honest = woods.push("honest");
    let bomb = woods.push("bomb");
    woods.hire(1, 1);
    let given =
        order_of(&mut woods, |body| if body.starts_with("bomb") { vec![child("bomb"), child("bomb")] } else { vec![] });
    assert_eq!(given.len(), 1 + usize::from(limits().depth) - 1 + 1, "as deep as it may be, and not wide");
    assert!(matches!(&woods.ended[&bomb], Outcome::Failed(failure) if failure.kind == ErrorKind::TooLarge));
    assert_eq!(woods.ended[&honest], Outcome::Done(text("")));
    woods.store();
    woods.assert_empty();
}

#[test]
fn a_job_whose_workers_are_lost_again_and_again_is_given_up() {
    let mut woods = Woods::new(Order::Depth);
    let id = woods.push("poison");
    for worker in 0..=u64::from(limits().lost) {
        woods.hire(worker, 1);
        assert!(woods.give().is_some());
        woods.forest.gone(woods.now, WorkerId(worker));
        woods.follow();
    }
    assert!(matches!(&woods.ended[&id], Outcome::Failed(failure) if failure.kind == ErrorKind::Unreachable));
    assert_eq!((woods.died, woods.forest.counters().lost[Reason::Workers as usize]), (1, 1));
}

#[test]
fn a_worker_has_so_much_time() {
    let mut woods = Woods::new(Order::Depth);
    let options = JobOptions { attempts: 2, time_limit: Duration::from_secs(5), ..JobOptions::default() };
    let id = woods.push_with("slow", &options);
    woods.hire(1, 2);
    let given = woods.give().expect("it waits");
    woods.later(Duration::from_secs(5));
    assert_eq!(woods.withdrawn, [given.run]);
    assert!(woods.forest.complete(woods.now, given.worker, given.run, &text("late")).is_err());
    woods.later(Duration::from_secs(2));
    assert!(woods.give().is_some());
    woods.later(Duration::from_secs(5));
    assert!(matches!(&woods.ended[&id], Outcome::Failed(failure) if failure.kind == ErrorKind::Timeout));
}

#[test]
fn keys_and_origins_find_what_is_there() {
    let mut woods = Woods::new(Order::Depth);
    let options =
        JobOptions { key: Bytes::from_static(b"once"), delay: Duration::from_secs(9), ..JobOptions::default() };
    let id = woods.push_with("x", &options);
    let name = |origin, key: &'static str| forest::Name { origin, queue: QUEUE, key: key.into() };
    let find =
        |woods: &Woods| [name((9, 1), ""), name((1, 1), "once"), name((1, 1), "")].map(|name| woods.forest.find(&name));
    assert_eq!(find(&woods), [Some(id), Some(id), None]);
    woods.store();
    woods.restart(Order::Depth);
    assert_eq!(find(&woods), [Some(id), Some(id), None]);
    woods.hire(1, 1);
    woods.later(Duration::from_millis(8990));
    assert!(woods.give().is_none(), "its time has not come");
    woods.later(Duration::from_millis(10));
    let given = woods.give().expect("its time has come");
    woods.complete(&given, "");
    assert_eq!(find(&woods), [None; 3]);
}

#[test]
fn children_on_their_own_outlive_who_spawned_them() {
    let mut woods = Woods::new(Order::Depth);
    let id = woods.push("root");
    woods.hire(1, 10);
    let root = woods.give().expect("the root");
    woods.spawn(&root, false, &[Child { detached: true, ..child("alone") }, child("joined")]).expect("within bounds");
    assert!(woods.forest.cancel(woods.now, id));
    woods.follow();
    let alone = woods.give().expect("it goes on");
    assert_eq!(read(&alone.body), "alone");
    woods.complete(&alone, "");
    woods.store();
    woods.assert_empty();
}

#[test]
fn a_job_that_spawns_nothing_goes_on_at_once_and_may_spawn_again() {
    let mut woods = Woods::new(Order::Depth);
    let id = woods.push("root");
    woods.hire(1, 1);
    for children in [vec![], vec![child("1"), child("2")], vec![child("3")]] {
        let given = woods.give().expect("the root");
        assert_eq!(read(&given.body), "root");
        woods.spawn(&given, false, &children).expect("within bounds");
        woods.store();
        for _ in &children {
            let given = woods.give().expect("a child");
            woods.complete(&given, read(&given.body));
        }
        woods.store();
        woods.restart(Order::Depth);
        woods.forest.watch(id, true);
        woods.hire(1, 1);
    }
    let given = woods.give().expect("the root");
    assert_eq!(given.resumed.as_ref().expect("it was left").1, [Some(Outcome::Done(text("3")))]);
    woods.complete(&given, "");
    woods.store();
    woods.assert_empty();
}

#[test]
fn bounds_are_kept() {
    let mut woods = Woods::new(Order::Depth);
    woods.push("root");
    let mut refused = 0;
    for number in 0..20_000 {
        let admitted = woods.forest.admit(woods.now, (8, number), &QUEUE, &text("x"), &JobOptions::default());
        refused += usize::from(admitted.is_err());
        if let Ok(id) = admitted
            && number % 2 == 0
        {
            woods.forest.reject(id);
        }
    }
    assert_eq!((woods.forest.len(), refused), (10_000, 2), "those that were rejected left their places");
    let large = vec![Bytes::from(vec![0; 11_000_000])];
    assert!(woods.forest.admit(woods.now, (8, 0), &QUEUE, &large, &JobOptions::default()).is_err());
    for number in 0..20 {
        let queue = Bytes::from(format!("queue {number}"));
        assert_eq!(woods.forest.list(&queue).is_some(), number < 9);
    }
}

#[test]
fn what_no_queue_wrote_is_corrupt() {
    let mut woods = Woods::new(Order::Depth);
    woods.push("root");
    woods.hire(1, 1);
    let root = woods.give().expect("the root");
    woods.spawn(&root, false, &[child("1"), child("2")]).expect("within bounds");
    let given = woods.give().expect("a child");
    woods.complete(&given, "one");
    woods.store();
    let recover = |disk: &BTreeMap<Bytes, Bytes>| {
        let records = disk.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let mut forest = Forest::new(&options(Order::Depth, true), 8);
        forest.recover(Time::ZERO, Clock::default(), records).map_err(|error| error.kind())
    };
    assert_eq!(recover(&woods.disk), Ok(()));
    for key in woods.disk.keys().filter(|key| **key != Key::Next.encode()) {
        let mut less = woods.disk.clone();
        less.remove(key);
        assert_eq!(recover(&less), Err(ErrorKind::Corrupt), "without {key:?}");
        let mut short = woods.disk.clone();
        let value = short.get_mut(key).expect("it is there");
        *value = value.slice(..value.len() - 1);
        assert_eq!(recover(&short), Err(ErrorKind::Corrupt), "with a short {key:?}");
    }
}
