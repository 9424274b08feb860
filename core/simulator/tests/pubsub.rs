//! A publisher and its subscribers under everything that a network does: slow programs, crashes, and rules that change.

mod pubsub {
    pub(super) mod market;
    mod plain;
}

use std::{cell::Cell, time::Duration};

use pubsub::market::{Market, Plan};
use zpatterns_protocol::pubsub::Slow;
use zpatterns_simulator::seeds;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn nothing_is_missed_on_a_quiet_day() {
    let heard = Cell::new(0);
    seeds(0..100, |seed| {
        let mut market = Market::new(seed, Plan { slow: Slow::Hold, ..Plan::default() });
        market.open();
        market.trade(200, SECOND);
        market.finish();
        market.assert_nothing_missed();
        market.assert_nothing_sent_twice();
        heard.set(heard.get() + market.heard());
    });
    assert!(heard.get() > 0, "nobody heard anything");
}

#[test]
fn what_the_network_loses_is_sent_again() {
    seeds(0..150, |seed| {
        let mut market = Market::new(seed, Plan { slow: Slow::Hold, ..Plan::random(seed) });
        market.open();
        market.trade(200, 2 * SECOND);
        market.finish();
        market.assert_nothing_missed();
    });
}

#[test]
fn what_a_slow_subscriber_misses_it_is_told() {
    seeds(0..150, |seed| {
        let plan = Plan { slow: Slow::Drop, bound: 8, pause: Duration::from_millis(50), ..Plan::random(seed) };
        let mut market = Market::new(seed, plan);
        market.open();
        market.trade(300, 2 * SECOND);
        market.finish();
    });
}

#[test]
fn what_spills_to_the_disk_comes_back_in_order() {
    let on_disk = Cell::new(0);
    seeds(0..150, |seed| {
        // A small disk makes the publisher wait.
        let disk = if seed % 2 == 0 { 1 << 20 } else { 2000 };
        let plan = Plan { slow: Slow::Spill, bound: 8, disk, history: 20, ..Plan::random(seed) };
        let mut market = Market::new(seed, Plan { pause: Duration::from_millis(10), ..plan });
        market.open();
        for _ in 0..3 {
            market.trade(150, SECOND / 2);
            on_disk.set(on_disk.get() + market.on_disk());
            market.cut_some();
            // Not for so long that nobody is waited for any more.
            market.trade(50, SECOND / 2);
            market.heal();
            market.run(SECOND);
        }
        market.finish();
        market.assert_nothing_missed();
    });
    assert!(on_disk.get() > 0, "nothing came to the disk");
}

#[test]
fn what_a_disk_does_to_what_is_on_it_is_told() {
    seeds(0..150, |seed| {
        let plan = Plan { slow: Slow::Spill, bound: 8, disk: 4000, history: 20, ..Plan::random(seed) };
        let mut market = Market::new(seed, Plan { pause: Duration::from_millis(10), ..plan });
        market.open();
        for _ in 0..6 {
            market.trade(60, SECOND / 2);
            market.harm_disk();
            market.misfortune();
        }
        market.finish();
    });
}

#[test]
fn connections_break_and_nothing_is_missed() {
    seeds(0..150, |seed| {
        let mut market = Market::new(seed, Plan { slow: Slow::Hold, ..Plan::random(seed) });
        market.open();
        for _ in 0..3 {
            market.trade(50, SECOND / 2);
            market.cut_some();
            market.trade(50, SECOND / 2);
            market.heal();
        }
        market.finish();
        market.assert_nothing_missed();
    });
}

#[test]
fn who_is_away_for_long_is_told_what_it_missed() {
    seeds(0..150, |seed| {
        let mut market = Market::new(seed, Plan { slow: Slow::Drop, history: 20, ..Plan::random(seed) });
        market.open();
        for _ in 0..2 {
            market.trade(50, SECOND / 2);
            market.cut_some();
            market.trade(100, 8 * SECOND);
            market.heal();
        }
        market.finish();
    });
}

#[test]
fn a_publisher_that_starts_anew_is_noticed() {
    seeds(0..150, |seed| {
        let mut market = Market::new(seed, Plan::random(seed));
        market.open();
        for _ in 0..3 {
            market.trade(60, SECOND);
            market.crash_publisher();
            market.run(SECOND / 3);
            market.restart_publisher();
        }
        market.trade(60, SECOND);
        market.finish();
    });
}

#[test]
fn a_named_subscriber_finds_what_was_kept_for_it() {
    seeds(0..150, |seed| {
        let mut market =
            Market::new(seed, Plan { named: true, slow: Slow::Hold, bound: 1000, history: 1000, ..Plan::random(seed) });
        market.open();
        for _ in 0..3 {
            market.trade(40, SECOND);
            market.crash_subscriber();
            market.trade(40, 7 * SECOND);
            market.restart_subscriber();
        }
        market.finish();
        market.assert_nothing_missed();
    });
}

#[test]
fn nobody_hears_what_it_may_not() {
    seeds(0..150, |seed| {
        let mut market = Market::new(seed, Plan::random(seed));
        market.open();
        for _ in 0..6 {
            market.trade(40, SECOND / 2);
            market.change_rules();
            market.cut_some();
            market.trade(10, SECOND / 2);
            market.heal();
        }
        market.finish();
    });
}

#[test]
fn whatever_happens_a_view_is_the_stream_less_what_is_told() {
    seeds(0..500, |seed| {
        let mut market = Market::new(seed, Plan::random(seed));
        market.open();
        for _ in 0..6 {
            market.trade(40, SECOND / 2);
            market.misfortune();
        }
        market.finish();
    });
}
