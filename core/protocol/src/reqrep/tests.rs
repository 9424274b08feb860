//! The table of requests by itself. What happens between machines is simulated.

mod denied;
mod freelance;
mod majordomo;

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::{
    balance::{Balance, Candidate, Choice, Choose},
    cache::Cache,
    counters::Reason,
    dispatch::{Action, Answer, Call, Dispatch, Limits, Outcome, ResponderId, Ticket},
    wire::{Failure, Message, Request, Task},
};
use crate::{ErrorKind, Time, machine::Frames};

const LIMITS: Limits = Limits {
    requests: 100,
    bytes: 10_000,
    waiting: 10,
    waiting_bytes: 1_000,
    age: Duration::from_secs(1000),
    parts: 1000,
};

fn at(millis: u64) -> Time {
    Time::ZERO + Duration::from_millis(millis)
}

fn table(balance: Balance) -> Dispatch<u32> {
    Dispatch::new(LIMITS, balance, Cache::new(2, 1000, Duration::from_secs(10)), 0)
}

fn call(service: &'static str, key: &'static str) -> Call {
    Call {
        service: Bytes::from_static(service.as_bytes()),
        key: Bytes::from_static(key.as_bytes()),
        body: vec![],
        deadline: at(10_000),
        patience: at(5_000),
        attempts: 2,
        task: Task::Ask,
        durable: false,
        once: false,
    }
}

/// Offers a service.
fn offer(table: &mut Dispatch<u32>, id: u64, service: &'static str, credit: u32) {
    table.offer(ResponderId(id), id, Some(Bytes::from_static(service.as_bytes())), credit);
}

/// Who was given what since the last time.
fn given(table: &mut Dispatch<u32>) -> Vec<(u64, Ticket)> {
    let actions = std::iter::from_fn(|| table.poll());
    actions
        .filter_map(|action| match action {
            Action::Give { responder, ticket } => Some((responder.0, ticket)),
            _ => None,
        })
        .collect()
}

/// Who was told what since the last time.
fn told(table: &mut Dispatch<u32>) -> Vec<(u32, Outcome)> {
    let actions = std::iter::from_fn(|| table.poll());
    actions
        .filter_map(|action| match action {
            Action::Tell { asker, outcome } => Some((asker, outcome)),
            _ => None,
        })
        .collect()
}

fn reply(table: &mut Dispatch<u32>, id: u64, ticket: Ticket, body: &'static str) {
    let outcome = Outcome::Reply { run: 0, body: vec![Bytes::from_static(body.as_bytes())] };
    table.answered(at(1), ResponderId(id), Answer { ticket, outcome });
}

fn failed(outcome: &Outcome) -> (ErrorKind, bool) {
    match outcome {
        Outcome::Failed(failure) => (failure.kind, failure.may_have_run),
        other => panic!("{other:?} is no failure"),
    }
}

#[test]
fn the_one_unused_for_longest_is_next_and_credit_is_kept() {
    let mut table = table(Balance::LeastRecentlyUsed);
    offer(&mut table, 1, "a", 2);
    offer(&mut table, 2, "a", 1);
    for asker in 0..5 {
        table.submit(at(0), asker, call("a", "")).expect("room");
    }
    let all = given(&mut table);
    assert_eq!(all.iter().map(|(responder, _)| *responder).collect::<Vec<_>>(), [1, 2, 1]);
    reply(&mut table, 2, all[1].1, "done");
    assert_eq!(given(&mut table).iter().map(|(responder, _)| *responder).collect::<Vec<_>>(), [2]);
}

#[test]
fn most_free_is_weighted_by_credit() {
    let mut table = table(Balance::MostFree);
    offer(&mut table, 1, "a", 2);
    offer(&mut table, 2, "a", 6);
    for asker in 0..8 {
        table.submit(at(0), asker, call("a", "")).expect("room");
    }
    let all = given(&mut table);
    assert_eq!(all.iter().filter(|(responder, _)| *responder == 2).count(), 6);
    assert_eq!(all[..4].iter().filter(|(responder, _)| *responder == 2).count(), 3, "in proportion from the start");
}

#[test]
fn a_key_sticks_and_moves_only_when_its_responder_goes() {
    const KEYS: [&str; 4] = ["k", "l", "m", "n"];
    let mut table = table(Balance::Sticky);
    (1..=3).for_each(|id| offer(&mut table, id, "a", 100));
    let ask = |table: &mut Dispatch<u32>| {
        KEYS.map(|key| {
            table.submit(at(0), 0, call("a", key)).expect("room");
            given(table)[0].0
        })
    };
    let first = ask(&mut table);
    assert_eq!(ask(&mut table), first);
    table.gone(ResponderId(first[0]), |_| true);
    given(&mut table);
    for (before, after) in first.iter().zip(ask(&mut table)) {
        assert!(after != first[0] && (*before == first[0] || *before == after), "{first:?}");
    }
}

#[test]
fn a_key_waits_for_its_own_responder() {
    let mut table = table(Balance::Sticky);
    (1..=2).for_each(|id| offer(&mut table, id, "a", 1));
    table.submit(at(0), 1, call("a", "k")).expect("room");
    let (responder, ticket) = given(&mut table)[0];
    table.submit(at(0), 2, call("a", "k")).expect("room");
    assert_eq!(given(&mut table), [], "the other has room, but not this key");
    reply(&mut table, responder, ticket, "done");
    assert_eq!(given(&mut table)[0].0, responder);
}

#[test]
fn a_program_chooses_and_cannot_choose_nonsense() {
    struct Named;
    impl Choose for Named {
        fn choose(&self, _: &[u8], key: &[u8], candidates: &[Candidate]) -> Choice<usize> {
            match key {
                b"second" => Choice::Give(candidates.iter().position(|it| it.responder == 2).unwrap_or(7)),
                _ => Choice::Give(99),
            }
        }
    }
    let mut table = table(Balance::Custom(Box::new(Named)));
    (1..=2).for_each(|id| offer(&mut table, id, "a", 1));
    for key in ["second", "second", "nobody"] {
        table.submit(at(0), 1, call("a", key)).expect("room");
    }
    let all = given(&mut table);
    assert_eq!(all.len(), 1, "one has no room, the other waits for whoever there is not");
    reply(&mut table, 2, all[0].1, "done");
    assert_eq!(given(&mut table)[0].0, 2);
}

#[test]
fn too_many_are_refused_with_a_hint() {
    let mut table = table(Balance::LeastRecentlyUsed);
    for asker in 0..10 {
        table.submit(at(0), asker, call("a", "")).expect("room");
    }
    let failure = table.submit(at(0), 10, call("a", "")).expect_err("no room");
    assert_eq!((failure.kind, failure.may_have_run), (ErrorKind::Full, false));
    assert!(failure.retry_after > Duration::ZERO);
    let large = Call { body: vec![Bytes::from(vec![0; 2000])], ..call("b", "") };
    table.submit(at(0), 11, large.clone()).expect("alone it may be large");
    assert_eq!(table.submit(at(0), 12, large).expect_err("no room").kind, ErrorKind::Full);
    assert!(table.counters().balances());
    assert_eq!((table.counters().accepted, table.counters().refused_full), (11, 2));
}

#[test]
fn an_unknown_service_fails_at_once_or_after_its_patience() {
    let mut table = table(Balance::LeastRecentlyUsed);
    let hasty = Call { patience: at(0), ..call("a", "") };
    assert_eq!(table.submit(at(0), 1, hasty).expect_err("nobody").kind, ErrorKind::NotFound);
    table.submit(at(0), 2, call("a", "")).expect("it waits");
    assert_eq!(table.deadline(), Some(at(5_000)));
    table.expire(at(5_000), |_, _| true);
    assert_eq!(
        told(&mut table).iter().map(|(asker, it)| (*asker, failed(it))).collect::<Vec<_>>(),
        [(2, (ErrorKind::NotFound, false))]
    );
    // One whose service appears in time has its whole deadline.
    table.submit(at(0), 3, call("a", "")).expect("it waits");
    offer(&mut table, 1, "a", 1);
    let (_, ticket) = given(&mut table)[0];
    table.sent(ticket, 1);
    table.submit(at(0), 4, call("a", "")).expect("it waits");
    table.expire(at(5_000), |_, _| false);
    assert_eq!(told(&mut table), []);
    table.expire(at(10_000), |_, _| false);
    let ends: Vec<_> = told(&mut table).iter().map(|(asker, it)| (*asker, failed(it))).collect();
    assert_eq!(ends, [(3, (ErrorKind::Timeout, true)), (4, (ErrorKind::Timeout, false))]);
    assert_eq!(table.counters().lost[Reason::NoService as usize], 1);
    assert!(table.counters().balances());
}

#[test]
fn a_reserved_service_waits_for_its_own_and_holds_up_no_other() {
    let mut table = table(Balance::default());
    table.reserve(&Bytes::from_static(b"mine"));
    table.submit(at(0), 1, call("mine", "")).expect("room");
    table.submit(at(0), 2, call("other", "")).expect("room");
    table.offer(ResponderId(1), 1, None, 10);
    assert_eq!(given(&mut table).len(), 1, "the other one only");
    offer(&mut table, 2, "mine", 1);
    assert_eq!(given(&mut table).first().map(|(id, _)| *id), Some(2));
    table.submit(at(0), 3, call("mine", "")).expect("room");
    assert!(given(&mut table).is_empty());
    table.gone(ResponderId(2), |_| false);
    table.expire(at(5_000), |_, _| false);
    let all = told(&mut table);
    let [(1, outcome)] = &all[..] else { panic!("the first has no more patience: {all:?}") };
    assert_eq!(failed(outcome), (ErrorKind::NotFound, false), "it was never sent");
}

#[test]
fn once_is_once_for_all_who_ask() {
    let mut table = table(Balance::LeastRecentlyUsed);
    offer(&mut table, 1, "a", 5);
    let once = || Call { once: true, ..call("a", "k") };
    table.submit(at(0), 1, once()).expect("room");
    table.submit(at(0), 2, once()).expect("room");
    let all = given(&mut table);
    assert_eq!(all.len(), 1);
    reply(&mut table, 1, all[0].1, "done");
    assert_eq!(told(&mut table).len(), 2);
    assert_eq!(table.submit(at(2), 3, once()).expect("room"), None);
    assert_eq!(told(&mut table), [(3, Outcome::Reply { run: 0, body: vec![Bytes::from_static(b"done")] })]);
    // The cache forgets by age, and it is run again.
    table.submit(at(20_000), 4, Call { deadline: at(30_000), ..once() }).expect("room");
    assert_eq!(given(&mut table).len(), 1);
    assert!(table.counters().balances());
}

#[test]
fn one_of_several_askers_may_withdraw() {
    let mut table = table(Balance::LeastRecentlyUsed);
    offer(&mut table, 1, "a", 5);
    let once = || Call { once: true, ..call("a", "k") };
    let serial = table.submit(at(0), 1, once()).expect("room").expect("a number");
    table.submit(at(0), 2, once()).expect("room");
    let ticket = given(&mut table)[0].1;
    table.cancel(serial, 1, Reason::Cancelled);
    assert!(table.poll().is_none(), "the other still waits");
    table.cancel(serial, 2, Reason::Cancelled);
    assert!(matches!(table.poll(), Some(Action::Withdraw { .. })));
    reply(&mut table, 1, ticket, "too late");
    assert_eq!(told(&mut table), []);
    assert_eq!((table.counters().late_dropped, table.counters().all_lost()), (1, 2));
    assert!(table.counters().balances());
}

#[test]
fn attempts_are_counted_only_if_it_went_out() {
    let mut table = table(Balance::LeastRecentlyUsed);
    table.submit(at(0), 1, call("a", "")).expect("it waits");
    for id in 1..=5 {
        offer(&mut table, id, "a", 1);
        let (_, ticket) = given(&mut table)[0];
        table.sent(ticket, 7);
        table.gone(ResponderId(id), |_| true);
    }
    assert_eq!(table.counters().lost, [0; Reason::ALL.len()], "it was never sent");
    for id in 6..=7 {
        offer(&mut table, id, "a", 1);
        let (_, ticket) = given(&mut table)[0];
        table.sent(ticket, 7);
        table.gone(ResponderId(id), |_| false);
    }
    let ends: Vec<_> = told(&mut table).iter().map(|(_, it)| failed(it)).collect();
    assert_eq!(ends, [(ErrorKind::Unreachable, true)]);
}

#[test]
fn a_late_answer_is_used_only_from_one_who_had_it() {
    let mut table = table(Balance::LeastRecentlyUsed);
    offer(&mut table, 1, "a", 1);
    table.submit(at(0), 1, call("a", "")).expect("room");
    let (_, ticket) = given(&mut table)[0];
    table.sent(ticket, 1);
    table.gone(ResponderId(1), |_| false);
    // A stranger guesses the ticket; then the one who had it comes back under a new number.
    table.offer(ResponderId(2), 77, Some(Bytes::from_static(b"b")), 1);
    reply(&mut table, 2, ticket, "forged");
    assert_eq!(told(&mut table), []);
    table.offer(ResponderId(3), 1, Some(Bytes::from_static(b"b")), 1);
    reply(&mut table, 3, ticket, "true");
    assert_eq!(told(&mut table), [(1, Outcome::Reply { run: 0, body: vec![Bytes::from_static(b"true")] })]);
    assert_eq!((table.counters().late_used, table.counters().late_dropped), (1, 1));
}

#[test]
fn whoever_leaves_gives_back_what_it_has_not_begun() {
    let mut table = table(Balance::LeastRecentlyUsed);
    offer(&mut table, 1, "a", 1);
    table.submit(at(0), 1, call("a", "")).expect("room");
    let (_, ticket) = given(&mut table)[0];
    let failure =
        Failure { kind: ErrorKind::Closed, may_have_run: false, retry_after: Duration::ZERO, text: String::new() };
    table.answered(at(1), ResponderId(1), Answer { ticket, outcome: Outcome::Failed(failure) });
    assert_eq!(given(&mut table), [], "it is given nothing more");
    offer(&mut table, 2, "a", 1);
    assert_eq!(given(&mut table)[0].0, 2);
}

fn frames() -> impl Strategy<Value = Frames> {
    proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20).prop_map(Bytes::from), 0..3)
}

fn name() -> impl Strategy<Value = Bytes> {
    proptest::collection::vec(any::<u8>(), 0..=255).prop_map(Bytes::from)
}

fn messages() -> impl Strategy<Value = Message> {
    let request = (any::<u64>(), any::<u32>(), 1..=u8::MAX, any::<[bool; 2]>(), name(), name(), frames()).prop_map(
        |(number, millis, attempts, [durable, once], service, key, body)| {
            let remaining = Duration::from_millis(millis.into());
            Message::Request(Request {
                task: Task::Ask,
                number,
                remaining,
                patience: remaining,
                attempts,
                durable,
                once,
                service,
                key,
                body,
            })
        },
    );
    let failed = (any::<u64>(), 0..ErrorKind::ALL.len(), any::<bool>(), any::<u32>(), ".*").prop_map(
        |(number, kind, may_have_run, millis, text)| {
            let (kind, retry_after) = (ErrorKind::ALL[kind], Duration::from_millis(millis.into()));
            Message::Failed { number, failure: Failure { kind, may_have_run, retry_after, text } }
        },
    );
    prop_oneof![
        request,
        failed,
        any::<u64>().prop_map(|number| Message::Cancel { number }),
        any::<u64>().prop_map(|number| Message::Accepted { number }),
        (any::<u64>(), 1..=u8::MAX, frames()).prop_map(|(number, run, body)| Message::Partial { number, run, body }),
        (any::<u64>(), any::<u8>(), frames()).prop_map(|(number, run, body)| Message::Reply { number, run, body }),
        (any::<u64>(), any::<u32>(), frames()).prop_map(|(number, code, body)| Message::Error { number, code, body }),
        (any::<u64>(), any::<u32>(), name()).prop_map(|(responder, credit, service)| Message::Ready {
            responder,
            credit,
            service
        }),
        Just(Message::Leaving),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(message in messages()) {
        let (kind, fields, body) = message.clone().encode();
        prop_assert_eq!(Message::decode(kind, fields.into(), body), Some(message));
    }

    #[test]
    fn nothing_that_is_read_is_read_differently(kind in any::<u8>(), fields in proptest::collection::vec(any::<u8>(), 0..64), body in frames()) {
        if let Some(message) = Message::decode(kind, fields.clone().into(), body.clone()) {
            prop_assert_eq!(message.encode(), (kind, fields, body));
        }
    }

    #[test]
    fn a_byte_more_or_less_is_no_message(message in messages(), cut in any::<bool>()) {
        let (kind, mut fields, body) = message.encode();
        // A text goes on to the end, so it may be longer.
        prop_assume!(!(kind == 22 && (!cut || fields.len() > 15)));
        if cut {
            prop_assume!(fields.pop().is_some());
        } else {
            fields.push(0);
        }
        prop_assert_eq!(Message::decode(kind, fields.into(), body), None);
    }
}
