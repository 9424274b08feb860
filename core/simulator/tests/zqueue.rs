//! Producers, workers and a queue under everything that a network does, and under crashes of workers and of the queue.

mod zqueue {
    pub(super) mod yard;
}

use std::time::Duration;

use zpatterns_protocol::zqueue::Order;
use zpatterns_simulator::seeds;
use zqueue::yard::{Plan, Yard};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn nothing_goes_wrong_on_a_quiet_day() {
    seeds(0..100, |seed| {
        let mut yard = Yard::new(seed, Plan { producers: 2, workers: 3, ..Plan::default() });
        yard.push(5, SECOND);
        yard.finish();
        yard.assert_all_done();
        yard.assert_nothing_ran_twice();
    });
}

#[test]
fn who_pushes_in_parts_has_the_time_that_he_needs() {
    seeds(0..100, |seed| {
        let drafts = Some((50 * SECOND, 5 * SECOND));
        let mut yard = Yard::new(seed, Plan { producers: 2, drafts, ..Plan::default() });
        yard.push(6, SECOND);
        yard.finish();
        yard.assert_all_done();
    });
}

#[test]
fn a_worker_that_dies_loses_nothing() {
    seeds(0..300, |seed| {
        let mut yard = Yard::new(seed, Plan { workers: 2, ..Plan::default() });
        yard.push(5, SECOND);
        for _ in 0..3 {
            yard.run(SECOND / 4);
            let worker = yard.any_worker();
            yard.crash(worker);
            yard.run(SECOND / 4);
            yard.restart(worker);
        }
        yard.finish();
        yard.assert_all_done();
    });
}

#[test]
fn a_worker_that_was_cut_off_is_fenced() {
    seeds(0..300, |seed| {
        let mut yard = Yard::new(seed, Plan { workers: 2, ..Plan::default() });
        yard.push(5, SECOND);
        yard.run(SECOND / 4);
        let worker = yard.any_worker();
        yard.cut_off(worker);
        yard.run(5 * SECOND);
        yard.heal();
        yard.finish();
        yard.assert_all_done();
    });
}

#[test]
fn a_queue_that_dies_goes_on_with_every_tree_where_it_was() {
    seeds(0..300, |seed| {
        let mut yard = Yard::new(seed, Plan { is_stored: true, workers: 2, ..Plan::default() });
        yard.push(5, SECOND);
        for _ in 0..3 {
            yard.run(SECOND / 4);
            yard.crash(Yard::QUEUE);
            yard.run(SECOND / 4);
            yard.restart(Yard::QUEUE);
        }
        yard.finish();
        yard.assert_all_done();
    });
}

/// The queue dies after every single step of the first half second.
#[test]
fn a_queue_may_die_at_any_step() {
    for steps in 0..400 {
        let mut yard = Yard::new(7, Plan { is_stored: true, order: Order::Fifo, ..Plan::default() });
        yard.push(1, Duration::from_millis(1));
        yard.run_steps(steps);
        yard.crash(Yard::QUEUE);
        yard.run(SECOND / 10);
        yard.restart(Yard::QUEUE);
        yard.finish();
        yard.assert_all_done();
    }
}

#[test]
fn what_is_cancelled_comes_to_an_end_and_nothing_else_does() {
    seeds(0..300, |seed| {
        let mut yard = Yard::new(seed, Plan { cancels: 3, is_stored: seed % 2 == 0, ..Plan::default() });
        yard.push(8, SECOND);
        yard.finish();
        yard.assert_done_or_cancelled();
    });
}

#[test]
fn whatever_happens_every_job_ends_once_and_truthfully() {
    seeds(0..2000, |seed| {
        let mut yard = Yard::new(seed, Plan::random(seed));
        yard.push(4, 2 * SECOND);
        yard.disaster(4 * SECOND);
        yard.finish();
        yard.assert_all_ended();
    });
}
