//! A ticker with two kinds of customers, who may see different things, and one of them is slow.
//!
//!     pubsub publish CUSTOMERS          publishes as soon as so many want to hear it
//!     pubsub gold ENDPOINT              may hear all, and is waited for
//!     pubsub basic ENDPOINT             may hear the euro, and is slow

use std::{collections::BTreeSet, env, error::Error, thread::sleep, time::Duration};

use zpatterns::{
    Context, Deadline,
    pubsub::{
        Access, Counters, Credential, Criterion, Entitlements, Policy, Publisher, PublisherOptions, Rules, Slow,
        Subscriber, SubscriberEvent, SubscriberOptions, SubscriptionOptions,
    },
};

const PAIRS: [&str; 3] = ["eur.usd", "eur.chf", "usd.jpy"];

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

// region: rights
const RIGHTS: &str = r#"
everyone
    allow = end
user
    gold
        password = "nugget"
        allow = ticks.>
    basic
        password = "pebble"
        allow = ticks.eur.*
"#;
// endregion: rights

// region: publish
fn publish(customers: u64) -> Result {
    let access = Access::Entitlements(Box::new(Entitlements::read(RIGHTS.as_bytes())?));
    let options = PublisherOptions { access, ..Default::default() };
    let publisher = Publisher::bind(&Context::new()?, "tcp://127.0.0.1:0", options)?;
    println!("endpoint {}", publisher.endpoint());
    wait_until(&publisher, |counters| counters.subscriptions == 2 * customers)?;
    for number in 0..1000 {
        for pair in PAIRS {
            publisher.publish(format!("ticks.{pair}").as_bytes(), &[number.to_string()], &Deadline::never())?;
        }
    }
    wait_until(&publisher, |counters| counters.books.held == 0)?;
    let rules = Rules { allow: vec![Criterion::pattern("end")?], ..Default::default() };
    publisher.set_rules(b"gold", rules)?; // from now on
    publisher.publish(b"ticks.usd.jpy", &["nobody may hear this"], &Deadline::never())?;
    publisher.publish::<&str>(b"end", &[], &Deadline::never())?;
    wait_until(&publisher, |counters| counters.books.held == 0)?;
    let Counters { published, books, .. } = publisher.counters()?;
    publisher.close(Duration::from_secs(10));
    assert_eq!(books.accepted, books.delivered + books.all_lost());
    println!("{} ticks, and each was delivered or is told as missed", published - 1);
    Ok(())
}

fn wait_until(publisher: &Publisher, condition: impl Fn(&Counters) -> bool) -> Result {
    while !condition(&publisher.counters()?) {
        sleep(Duration::from_millis(10));
    }
    Ok(())
}
// endregion: publish

fn connect(endpoint: &str, user: &'static str, password: &'static str, max_messages: u32) -> Result<Subscriber> {
    let credential = Credential::Password { user: user.into(), password: password.into() };
    let options = SubscriberOptions { credential, max_messages, ..Default::default() };
    Ok(Subscriber::connect(&Context::new()?, endpoint, options)?)
}

fn late(slow: Slow, max_messages: u32) -> SubscriptionOptions {
    SubscriptionOptions { policy: Policy { slow, max_messages, max_bytes: 1 << 20 }, ..Default::default() }
}

// region: gold
fn gold(endpoint: &str) -> Result {
    let subscriber = connect(endpoint, "gold", "nugget", 10_000)?;
    let ticks = subscriber.subscribe(Criterion::pattern("ticks.>")?, late(Slow::Hold, 100))?;
    let end = subscriber.subscribe(Criterion::pattern("end")?, Default::default())?;
    let (mut pairs, mut count, mut missed, mut ended, mut revoked) = (BTreeSet::new(), 0, 0, false, false);
    while !(ended && revoked) {
        match subscriber.recv(&Deadline::never())? {
            SubscriberEvent::Message { subscription, .. } if subscription == end => ended = true,
            SubscriberEvent::Message { subject, .. } => {
                pairs.insert(subject);
                count += 1;
            }
            SubscriberEvent::Missed { .. } => missed += 1,
            SubscriberEvent::Rejected { subscription, .. } => revoked = subscription == ticks,
            _ => {}
        }
    }
    println!("{count} ticks of {} pairs, {} missed", pairs.len(), some(missed));
    println!("then its right was taken back");
    Ok(())
}
// endregion: gold

// region: basic
fn basic(endpoint: &str) -> Result {
    let subscriber = connect(endpoint, "basic", "pebble", 10)?;
    subscriber.subscribe(Criterion::pattern("ticks.>")?, late(Slow::Drop, 10))?;
    let end = subscriber.subscribe(Criterion::pattern("end")?, Default::default())?;
    let (mut pairs, mut heard, mut missed, mut ended) = (BTreeSet::new(), 0, 0, false);
    while !ended || heard + missed < 2000 {
        match subscriber.recv(&Deadline::never())? {
            SubscriberEvent::Message { subscription, .. } if subscription == end => ended = true,
            SubscriberEvent::Message { subject, .. } => {
                pairs.insert(subject);
                heard += 1;
                sleep(Duration::from_millis(5)); // much slower than the ticker
            }
            SubscriberEvent::Missed { count, .. } => missed += count,
            _ => {}
        }
    }
    println!("ticks of {} pairs, {} missed", pairs.len(), some(missed));
    println!("heard and missed are {} together", heard + missed);
    Ok(())
}
// endregion: basic

fn some(count: u64) -> &'static str {
    if count > 0 { "some were" } else { "none was" }
}

fn main() -> Result {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["publish", customers] => publish(customers.parse()?),
        ["gold", endpoint] => gold(endpoint),
        ["basic", endpoint] => basic(endpoint),
        _ => Err("usage: pubsub publish CUSTOMERS | gold ENDPOINT | basic ENDPOINT".into()),
    }
}
