//! What memory has no room for goes to the disk, and comes back in order.

use super::*;

const SPILL: Policy = Policy { slow: Slow::Spill, ..HOLD };

fn on_disk(disk_bytes: u64) -> PublisherOptions {
    let mut options = options();
    options.streams.iter_mut().for_each(|stream| stream.disk_bytes = disk_bytes);
    options
}

/// Somebody takes what he is given, again and again.
fn take_all(hall: &mut Hall, index: usize) {
    for _ in 0..10_000 {
        let before = hall.guests[index].told.len();
        hall.take(index);
        hall.pass(Duration::from_millis(100));
        if hall.guests[index].told.len() == before {
            return;
        }
    }
    panic!("there is no end to it");
}

fn numbers(hall: &Hall, index: usize) -> Vec<u32> {
    hall.heard(index).0.iter().map(|body| std::str::from_utf8(body).unwrap().parse().unwrap()).collect()
}

fn publish(hall: &mut Hall, subject: &'static str, numbers: std::ops::RangeInclusive<u32>) {
    numbers.for_each(|number| hall.publish(subject, number.to_string()).unwrap());
}

#[test]
fn who_spills_loses_nothing_and_nobody_waits() {
    for public in [false, true] {
        let (mut hall, full) = flood_with(on_disk(1 << 30), Slow::Spill, public, 5000);
        assert_eq!(full, 0, "somebody waited");
        let counters = hall.publisher.counters();
        assert!(counters.disk_bytes > 20 << 20, "{} bytes on disk", counters.disk_bytes);
        assert!(counters.bytes < 4 << 20, "{} bytes in memory", counters.bytes);
        assert!(counters.books.held > 0 && counters.books.balances(), "{:?}", counters.books);
        take_all(&mut hall, 0);
        let (heard, missed) = hall.heard(0);
        assert_eq!((heard.len(), missed), (50_000, 0));
        assert!(heard.is_sorted(), "in order");
        let books = hall.publisher.counters().books;
        assert_eq!((books.accepted, books.delivered, books.held), (50_000, 50_000, 0));
    }
}

#[test]
fn a_full_disk_makes_the_publisher_wait() {
    for public in [false, true] {
        let (mut hall, full) = flood_with(on_disk(2 << 20), Slow::Spill, public, 5000);
        assert!(full > 0, "nobody waited");
        take_all(&mut hall, 0);
        assert_eq!((hall.heard(0).0.len(), hall.heard(0).1), (50_000, 0));
        let on_disk: usize = hall.disk.records.values().map(Bytes::len).sum();
        assert!(on_disk < 3 << 20, "{on_disk} bytes are on the disk");
    }
}

#[test]
fn what_the_disk_does_not_take_stays_in_memory() {
    let mut hall = Hall::new(PublisherOptions { max_bytes: 4 << 20, ..on_disk(1 << 30) });
    let slowly = hall.add("", |_| {});
    hall.subscribe(slowly, 1, "flood", Start::Now, SPILL);
    hall.disk.full = true;
    let (mut published, body) = (0, Bytes::from(vec![b'x'; 1024]));
    while hall.publish("flood", body.clone()).is_ok() {
        published += 1;
        assert!(published < 10_000, "memory has no bound");
    }
    assert!(published > 2000, "{published}");
    assert!(hall.publisher.counters().disk_errors > 0);
    hall.disk.full = false;
    hall.told.clear();
    hall.pass(Duration::from_secs(1));
    assert!(hall.told.iter().any(|told| matches!(told, PublisherEvent::Room)), "nobody says that there is room");
    for _ in 0..5000 {
        hall.publish("flood", body.clone()).unwrap();
        published += 1;
    }
    take_all(&mut hall, slowly);
    assert_eq!((hall.heard(slowly).0.len(), hall.heard(slowly).1), (published, 0));
}

#[test]
fn a_disk_that_fails_is_left_alone_for_a_while() {
    let mut hall = Hall::new(on_disk(64 << 10));
    publish(&mut hall, "a", 1..=10_000);
    hall.disk.full = true;
    // What was written goes, and the disk does not even forget it.
    publish(&mut hall, "a", 10_001..=30_000);
    hall.disk.full = false;
    hall.pass(Duration::from_secs(1));
    publish(&mut hall, "a", 30_001..=40_000);
    let on_disk: usize = hall.disk.records.values().map(Bytes::len).sum();
    assert!(on_disk <= 66 << 10, "{on_disk} bytes are on the disk");
}

#[test]
fn what_the_disk_does_not_give_back_is_told() {
    for public in [false, true] {
        let mut hall = Hall::new(on_disk(1 << 30));
        let slowly = hall.add("", |_| {});
        let subject = if public { "news.a" } else { "a" };
        hall.subscribe(slowly, 1, subject, Start::Now, SPILL);
        publish(&mut hall, subject, 1..=20_000);
        hall.disk.unreadable = true;
        take_all(&mut hall, slowly);
        let heard = numbers(&hall, slowly);
        assert!(heard.len() < 20_000 && heard.is_sorted() && heard.last() == Some(&20_000), "{}", heard.len());
        let mut told = hall.guests[slowly].told.iter().filter(|told| matches!(told, SubscriberEvent::Missed(_)));
        assert!(told.next().is_some(), "in silence");
        let counters = hall.publisher.counters();
        assert!(counters.disk_errors > 0);
        assert_eq!((counters.books.accepted, counters.books.held), (20_000, 0));
        assert_eq!(counters.books.lost[LostReason::History as usize], 20_000 - heard.len() as u64);
    }
}

#[test]
fn a_named_subscriber_finds_it_all_on_the_disk() {
    for (disk_bytes, is_all) in [(1 << 30, true), (64 << 10, false)] {
        let mut hall = Hall::new(on_disk(disk_bytes));
        let named = |options: &mut SubscriberOptions| options.name = Some("one".into());
        let before = hall.add("", named);
        hall.subscribe(before, 1, "a", Start::Now, SPILL);
        hall.pass(Duration::from_secs(1));
        hall.guests[before].cut = true;
        // Nobody waits for who is away.
        hall.pass(Duration::from_secs(2));
        publish(&mut hall, "a", 1..=20_000);
        assert!(hall.publisher.counters().bytes < 4 << 20, "it is in memory");
        let after = hall.add("", named);
        hall.subscribe(after, 1, "a", Start::Now, SPILL);
        take_all(&mut hall, after);
        let heard = numbers(&hall, after);
        assert!(heard.is_sorted() && heard.last() == Some(&20_000));
        assert_eq!(heard.len() == 20_000, is_all, "{}", heard.len());
        let books = hall.publisher.counters().books;
        assert_eq!((books.delivered, books.held), (heard.len() as u64, 0));
        assert!(books.balances(), "{books:?}");
    }
}

#[test]
fn who_lost_its_lease_reads_what_it_missed() {
    let mut hall = Hall::new(on_disk(1 << 30));
    let away = hall.add("", |options| options.keep = Duration::ZERO);
    hall.subscribe(away, 1, "a", Start::Now, SPILL);
    publish(&mut hall, "a", 1..=10);
    hall.take(away);
    // It is silent for long, and its program knows nothing of that.
    hall.guests[away].cut = true;
    hall.pass(Duration::from_secs(5));
    assert_eq!(hall.publisher.counters().subscriptions, 0);
    publish(&mut hall, "a", 11..=20_000);
    hall.guests[away].cut = false;
    hall.pass(Duration::from_secs(5));
    take_all(&mut hall, away);
    assert!(numbers(&hall, away).into_iter().eq(1..=20_000), "{} heard", hall.heard(away).0.len());
    assert_eq!(hall.heard(away).1, 0);
}

#[test]
fn without_a_disk_nobody_spills() {
    let mut hall = Hall::new(options());
    let one = hall.add("", |_| {});
    hall.subscribe(one, 1, "a", Start::Now, SPILL);
    assert_eq!(hall.refused(one).map(|refusal| refusal.kind), Some(ErrorKind::Unsupported));
}

#[test]
fn rules_hold_for_what_is_on_the_disk() {
    let mut hall = Hall::new(on_disk(1 << 30));
    let one = hall.add("one", |_| {});
    hall.subscribe(one, 1, ">", Start::Now, SPILL);
    let rules = |hall: &mut Hall, deny: &[&str]| {
        let deny = deny.iter().map(|pattern| Criterion::pattern((*pattern).to_owned()).unwrap()).collect();
        let rules = Rules { deny, ..Rules::everything() };
        hall.tell(Input::Command(PublisherCommand::SetRules { user: "one".into(), rules }));
        hall.settle();
    };
    publish(&mut hall, "a", 1..=2000);
    rules(&mut hall, &["b"]);
    publish(&mut hall, "b", 2001..=4000);
    rules(&mut hall, &[]);
    publish(&mut hall, "b", 4001..=6000);
    publish(&mut hall, "c", 6001..=8000);
    rules(&mut hall, &["c"]);
    take_all(&mut hall, one);
    // What could not be heard when it was published, or cannot now, is not heard.
    assert!(numbers(&hall, one).into_iter().eq((1..=2000).chain(4001..=6000)), "{} heard", hall.heard(one).0.len());
    let books = hall.publisher.counters().books;
    assert_eq!((books.accepted, books.delivered, books.held), (6000, 4000, 0));
    assert_eq!(books.lost[LostReason::Revoked as usize], 2000);
}

#[test]
fn rules_that_change_often_make_no_list_without_end() {
    let mut hall = Hall::new(on_disk(1 << 30));
    let one = hall.add("one", |_| {});
    hall.subscribe(one, 1, ">", Start::Now, SPILL);
    publish(&mut hall, "a", 1..=2000);
    let mut published = 2000;
    let full = (0..1000).any(|round| {
        let deny = vec![Criterion::pattern(format!("x{round}")).unwrap()];
        let rules = Rules { deny, ..Rules::everything() };
        hall.tell(Input::Command(PublisherCommand::SetRules { user: "one".into(), rules }));
        let refused = hall.publish("a", (published + 1).to_string()).is_err();
        published += u32::from(!refused);
        refused
    });
    assert!(full, "a list without end");
    take_all(&mut hall, one);
    assert!(numbers(&hall, one).into_iter().eq(1..=published), "{} heard", hall.heard(one).0.len());
}

#[test]
fn a_slow_subscriber_delays_nobody_else() {
    let mut hall = Hall::new(on_disk(1 << 30));
    let (slow, fast) = (hall.add("", |_| {}), hall.add("", |_| {}));
    hall.subscribe(slow, 1, ">", Start::Now, SPILL);
    hall.subscribe(fast, 1, ">", Start::Now, HOLD);
    for number in 1..=20_000 {
        publish(&mut hall, "a", number..=number);
        if number % 50 == 0 {
            hall.take(fast);
        }
    }
    assert!(numbers(&hall, fast).into_iter().eq(1..=20_000), "{} heard", hall.heard(fast).0.len());
    take_all(&mut hall, slow);
    assert!(numbers(&hall, slow).into_iter().eq(1..=20_000), "{} heard", hall.heard(slow).0.len());
}
