//! Clients, workers and brokers under everything that a network does, and under crashes of each of them.

mod reqrep {
    pub(super) mod party;
    pub(super) mod plan;
    pub(super) mod town;
}

use std::time::Duration;

use reqrep::{
    plan::{Plan, Stored},
    town::Town,
};
use zpatterns_simulator::{Faults, seeds};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn nothing_goes_wrong_on_a_quiet_day() {
    seeds(0..200, |seed| {
        let mut town = Town::new(seed, Plan { clients: 2, workers: 3, ..Plan::default() });
        town.ask(100, SECOND);
        town.finish();
        town.assert_all_replied();
        assert_eq!(town.runs(), 200, "nothing ran twice");
    });
}

#[test]
fn a_worker_that_dies_loses_nothing() {
    seeds(0..1000, |seed| {
        let mut town = Town::new(seed, Plan { clients: 1, workers: 2, ..Plan::default() });
        town.ask(100, SECOND);
        town.run(SECOND / 2);
        let worker = town.any_worker();
        town.crash(worker);
        town.run(SECOND / 4);
        town.restart(worker);
        town.finish();
        town.assert_all_replied();
    });
}

#[test]
fn a_broker_that_dies_loses_nothing_that_may_run_twice() {
    seeds(0..1000, |seed| {
        let mut town = Town::new(seed, Plan { clients: 2, workers: 2, ..Plan::default() });
        town.ask(50, SECOND);
        town.run(SECOND / 2);
        town.crash(town.broker());
        town.run(SECOND / 4);
        town.restart(town.broker());
        town.finish();
        town.assert_all_replied();
    });
}

#[test]
fn a_frozen_worker_is_fenced() {
    seeds(0..1000, |seed| {
        let mut town = Town::new(seed, Plan { clients: 1, workers: 2, ..Plan::default() });
        town.ask(100, SECOND);
        town.run(SECOND / 2);
        let worker = town.any_worker();
        town.cut_off(worker);
        town.run(10 * SECOND);
        town.heal();
        town.finish();
        town.assert_all_replied();
    });
}

#[test]
fn who_leaves_in_order_takes_no_answer_with_it() {
    seeds(0..1000, |seed| {
        let direct = seed % 2 == 0;
        let faults = Faults { loss: 0.1, ..Faults::default() };
        let mut town = Town::new(seed, Plan { direct, attempts: 1, clients: 2, workers: 2, faults, ..Plan::default() });
        town.ask(50, SECOND);
        town.run(SECOND / 2);
        let node = if direct { town.any_worker() } else { town.broker() };
        town.retire(node);
        town.finish();
        assert!(town.has_left(node));
        town.assert_no_answer_was_lost();
    });
}

#[test]
fn a_worker_leaves_although_its_broker_is_gone() {
    seeds(0..200, |seed| {
        let mut town = Town::new(seed, Plan { clients: 1, workers: 2, ..Plan::default() });
        town.ask(50, SECOND);
        town.run(SECOND / 2);
        let worker = town.any_worker();
        town.retire(worker);
        town.crash(town.broker());
        town.finish();
        assert!(town.has_left(worker));
    });
}

#[test]
fn an_answer_in_parts_is_one_workers() {
    seeds(0..1000, |seed| {
        let mut town = Town::new(seed, Plan { partials: 3, clients: 1, workers: 3, ..Plan::default() });
        town.ask(60, SECOND);
        for _ in 0..4 {
            town.run(SECOND / 8);
            let worker = town.any_worker();
            town.crash(worker);
            town.run(SECOND / 8);
            town.restart(worker);
        }
        town.finish();
        town.assert_all_replied();
    });
}

#[test]
fn at_most_once_is_at_most_once() {
    seeds(0..1000, |seed| {
        let mut town = Town::new(seed, Plan { attempts: 1, ..Plan::random(seed) });
        town.ask(50, SECOND);
        town.disaster(5 * SECOND);
        town.finish();
        town.assert_settled();
        town.assert_none_ran_more_than(1);
    });
}

#[test]
fn whatever_happens_each_request_ends_once_and_truthfully() {
    seeds(0..3000, |seed| {
        let mut town = Town::new(seed, Plan::random(seed));
        town.ask(40, 3 * SECOND);
        town.disaster(8 * SECOND);
        town.finish();
        town.assert_settled();
    });
}

#[test]
fn the_broker_says_in_time_that_nobody_ever_began() {
    seeds(0..50, |seed| {
        let mut town = Town::new(seed, Plan { clients: 2, workers: 0, ..Plan::default() });
        town.ask(20, SECOND);
        town.finish();
        town.assert_none_ever_ran();
    });
}

#[test]
fn without_a_broker_the_same_holds() {
    seeds(0..2000, |seed| {
        let mut town = Town::new(seed, Plan { direct: true, ..Plan::random(seed) });
        town.ask(40, 3 * SECOND);
        town.disaster(8 * SECOND);
        town.finish();
        town.assert_settled();
    });
}

#[test]
fn what_is_stored_survives_the_broker_wherever_it_dies() {
    for stored in [Stored::Asked, Stored::Left] {
        // Each seed is a step at which it dies.
        seeds(0..600, |step| {
            let mut town = Town::new(7, Plan { stored, workers: 1, ..Plan::default() });
            town.ask(3, SECOND / 10);
            town.run_steps(step as u32);
            town.crash(town.broker());
            town.run(SECOND / 4);
            town.restart(town.broker());
            town.finish();
            town.assert_all_replied();
        });
    }
}

#[test]
fn a_broker_that_dies_again_and_again_loses_nothing_that_is_stored() {
    seeds(0..500, |seed| {
        let stored = if seed % 2 == 0 { Stored::Asked } else { Stored::Left };
        let mut town = Town::new(seed, Plan { stored, attempts: 200, clients: 2, ..Plan::default() });
        town.ask(50, SECOND);
        for _ in 0..5 {
            town.run(SECOND / 5);
            town.crash(town.broker());
            town.run(SECOND / 10);
            town.restart(town.broker());
        }
        town.finish();
        town.assert_all_replied();
    });
}

#[test]
fn what_is_stored_ends_once_and_truthfully_whatever_happens() {
    seeds(0..3000, |seed| {
        let stored = if seed % 2 == 0 { Stored::Asked } else { Stored::Left };
        let mut town = Town::new(seed, Plan { stored, ..Plan::random(seed) });
        town.ask(40, 3 * SECOND);
        town.disaster(8 * SECOND);
        town.finish();
        town.assert_settled();
    });
}

#[test]
fn what_is_stored_and_may_run_once_runs_once() {
    seeds(0..500, |seed| {
        let mut town = Town::new(seed, Plan { stored: Stored::Asked, attempts: 1, ..Plan::random(seed) });
        town.ask(40, 3 * SECOND);
        town.disaster(8 * SECOND);
        town.finish();
        town.assert_settled();
        town.assert_none_ran_more_than(1);
    });
}
