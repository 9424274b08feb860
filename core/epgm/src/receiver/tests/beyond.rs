//! What only our own peers do: history, flow control, parity, keys.

use super::*;
use crate::{
    key::Key,
    sender::{FlowControl, Redundancy},
};

const FIRST: Sqn = Sqn(u32::MAX - 50);
const LOSSY: Weather = Weather {
    loss: 0.1,
    duplicate: 0.02,
    delay: Duration::from_micros(500),
    corruption: 0.0,
    is_shared: false,
    is_one_way: false,
};

/// One who sends, and some who listen.
fn group(
    seed: u64,
    receivers: usize,
    weather: Weather,
    change_sender: impl Fn(&mut SenderOptions),
    change_receiver: impl Fn(usize, &mut ReceiverOptions),
) -> Ether {
    let mut sender = sender_options(0, FIRST);
    change_sender(&mut sender);
    let receivers = (0..receivers).map(|node| {
        let mut options = receiver_options(seed ^ node as u64);
        change_receiver(node, &mut options);
        options
    });
    Ether::of(seed, vec![sender], receivers.collect(), weather)
}

fn counters(ether: &Ether, receiver: usize) -> SourceCounters {
    ether.receivers[receiver].counters().all
}

#[test]
fn who_comes_late_hears_what_was_sent_before_if_both_want_it() {
    for seed in 0..50 {
        let mut ether = group(seed, 0, LOSSY, |options| options.history = 1 << 20, |_, _| {});
        for _ in 0..100 {
            ether.push(0);
            ether.run(millis(1));
        }
        ether.join(receiver_options(seed));
        ether.join(ReceiverOptions { history: 1 << 20, ..receiver_options(seed + 1) });
        ether.join(ReceiverOptions { history: 4000, ..receiver_options(seed + 2) });
        for _ in 0..20 {
            ether.push(0);
            ether.run(millis(1));
        }
        ether.run(Duration::from_secs(10));
        ether.assert_complete();
        let first = |receiver: usize| ether.heard[receiver].messages.values().next().expect("a source")[0];
        assert_eq!(first(1), 0);
        assert!(first(0) >= 99 && (60..100).contains(&first(2)), "{} {}", first(0), first(2));
    }
}

#[test]
fn who_wants_history_of_who_has_none_begins_as_everybody() {
    let mut ether = group(1, 1, Weather::default(), |_| {}, |_, options| options.history = 1 << 20);
    for _ in 0..10 {
        ether.push(0);
        ether.run(millis(1));
    }
    // A source that never says what it has.
    let mut mute = sender_options(1, FIRST);
    mute.rate = 1 << 20;
    let mut mute = Sender::new(Duration::ZERO, mute);
    mute.push(&[&0_u64.to_be_bytes()[..], &[]]).expect("room");
    let data = std::iter::from_fn(|| mute.poll(Duration::ZERO)).last().expect("data comes after the announcements");
    ether.receivers[0].handle(ether.now, place(1), &data);
    ether.run(Duration::from_secs(5));
    assert_eq!(ether.heard[0].messages.values().map(Vec::len).collect::<Vec<_>>(), [10, 1]);
}

#[test]
fn what_is_too_old_is_repeated_no_more() {
    let mut ether = group(1, 1, Weather::default(), |options| options.max_age = millis(100), |_, _| {});
    ether.run(millis(10));
    ether.push(0);
    ether.run(millis(10));
    ether.weather.loss = 1.0;
    ether.push(0);
    ether.run(millis(200));
    ether.weather.loss = 0.0;
    ether.push(0);
    ether.run(millis(100));
    let heard = &ether.heard[0];
    assert_eq!((heard.missed, heard.messages.values().next()), (1, Some(&vec![0, 2])));
}

#[test]
fn a_source_waits_for_the_slowest_and_nothing_is_dropped() {
    for seed in 0..50 {
        let weather = if seed % 2 == 0 { Weather::default() } else { LOSSY };
        let paced = |options: &mut SenderOptions| {
            options.flow_control = FlowControl::Slowest { at_least: 2 };
            // It may not forget, either, what not all have.
            options.window = 10_000;
        };
        let mut ether = group(seed, 2, weather, paced, |_, options| options.ahead = 20_000);
        ether.push(0);
        ether.run(millis(100));
        ether.heard[1].inbox = Some(10);
        (0..500).for_each(|_| ether.push(0));
        ether.run(Duration::from_secs(1));
        let heard =
            |ether: &Ether, receiver: usize| ether.heard[receiver].messages.values().map(Vec::len).sum::<usize>();
        assert!((3..50).contains(&heard(&ether, 1)), "it takes no more than there is room for: {}", heard(&ether, 1));
        assert!(heard(&ether, 0) < 200, "and the other one waits for it: {}", heard(&ether, 0));
        while heard(&ether, 1) < 501 {
            ether.heard[1].unread = 0;
            ether.run(millis(20));
            assert!(ether.now < Duration::from_secs(60), "{} of 501 after a minute", heard(&ether, 1));
        }
        ether.run(Duration::from_secs(1));
        ether.assert_complete();
        assert_eq!(ether.senders[0].counters().silent, 0);
    }
}

#[test]
fn who_is_silent_is_waited_for_no_longer() {
    let paced = |options: &mut SenderOptions| options.flow_control = FlowControl::Slowest { at_least: 0 };
    let mut ether = group(1, 2, Weather::default(), paced, |_, options| options.ahead = 10_000);
    ether.push(0);
    ether.run(millis(100));
    ether.heard[1].is_dead = true;
    (0..300).for_each(|_| ether.push(0));
    ether.run(millis(1500));
    let heard = |ether: &Ether| ether.heard[0].messages.values().map(Vec::len).sum::<usize>();
    assert!(heard(&ether) < 100);
    ether.run(Duration::from_secs(2));
    assert_eq!((heard(&ether), ether.senders[0].counters().silent, ether.senders[0].counters().listeners), (301, 1, 1));
    // Who says that he leaves is not waited for at all.
    let now = ether.now;
    ether.receivers[0].leave(now);
    ether.run(millis(1));
    assert_eq!(ether.senders[0].counters().listeners, 0);
}

#[test]
fn only_those_with_the_tag_are_waited_for() {
    let paced = |options: &mut SenderOptions| options.flow_control = FlowControl::Tagged { tag: 7, at_least: 1 };
    let mut ether = group(1, 2, Weather::default(), paced, |node, options| {
        (options.ahead, options.tag) = (10_000, [7, 8][node]);
    });
    ether.heard[1].inbox = Some(1);
    (0..300).for_each(|_| ether.push(0));
    ether.run(Duration::from_secs(3));
    assert_eq!(ether.heard[0].messages.values().map(Vec::len).sum::<usize>(), 300);
    assert_eq!(ether.senders[0].counters().listeners, 1);
    ether.receivers.truncate(0);
    let alone = group(2, 0, Weather::default(), paced, |_, _| {});
    let mut alone = alone;
    alone.push(0);
    alone.run(Duration::from_secs(10));
    assert_eq!(alone.senders[0].counters().datagrams, 0, "before one listens, nothing is sent");
    alone.join(ReceiverOptions { tag: 7, ..receiver_options(3) });
    alone.run(millis(300));
    assert_eq!(alone.senders[0].counters().datagrams, 1, "and who comes hears soon that it is waited for");
}

#[test]
fn parity_repairs_whatever_was_lost() {
    for seed in 0..50 {
        let redundant = |options: &mut SenderOptions| {
            options.redundancy = Some(Redundancy { group: 1 << (1 + seed % 4), proactive: (seed % 3) as u32 });
        };
        let mut ether = group(seed, 2, LOSSY, redundant, |_, _| {});
        ether.run(millis(50));
        for _ in 0..200 {
            ether.push(0);
            ether.run(Duration::from_micros(200));
        }
        ether.run(Duration::from_secs(10));
        ether.assert_complete();
        assert!((0..2).map(|receiver| counters(&ether, receiver).computed).sum::<u64>() > 0, "{seed}");
    }
}

#[test]
fn parity_that_comes_unasked_repairs_without_a_question() {
    let redundant = |options: &mut SenderOptions| options.redundancy = Some(Redundancy { group: 8, proactive: 8 });
    let mut ether = group(3, 1, Weather::default(), redundant, |_, _| {});
    ether.run(millis(50));
    ether.weather = Weather { is_one_way: true, ..LOSSY };
    // Each fills some datagrams, and groups are complete soon.
    for _ in 0..400 {
        ether.push(0);
        ether.run(millis(1));
    }
    let Heard { missed, broken, .. } = ether.heard[0];
    assert_eq!((missed, broken), (0, 0));
    let (computed, asked) = (counters(&ether, 0).computed, ether.senders[0].counters().asked);
    assert!(computed > 20 && asked == 0, "{computed} {asked}");
}

#[test]
fn one_question_repairs_what_many_lost_each_another() {
    let run = |redundancy| {
        // Groups are complete before anybody asks.
        let fast = |options: &mut SenderOptions| (options.redundancy, options.rate) = (redundancy, 1 << 25);
        let mut ether = group(5, 20, LOSSY, fast, |_, _| {});
        ether.run(millis(50));
        for _ in 0..200 {
            ether.push(0);
            ether.run(Duration::from_micros(20));
        }
        ether.run(Duration::from_secs(10));
        ether.assert_complete();
        let SenderCounters { repairs, parity, asked, .. } = ether.senders[0].counters();
        (repairs + parity, asked)
    };
    // Twenty who lose each another tenth.
    let ((without, questions), (with, fewer)) = (run(None), run(Some(Redundancy { group: 16, proactive: 0 })));
    assert!(with < without && fewer * 2 < questions, "{with} of {without}, {fewer} of {questions}");
}

#[test]
fn who_does_not_know_the_key_is_not_heard() {
    let key = |secret: &[u8]| Some(Key::new(secret, GROUP, PORT));
    let receiver = |node: usize, options: &mut ReceiverOptions| {
        options.key = [key(b"secret"), key(b"another"), None][node].clone();
    };
    let mut ether = group(1, 3, LOSSY, |options| options.key = key(b"secret"), receiver);
    ether.run(millis(50));
    for _ in 0..100 {
        ether.push(0);
        ether.run(millis(1));
    }
    ether.run(Duration::from_secs(5));
    assert_eq!(ether.heard[0].messages.values().map(Vec::len).sum::<usize>(), 100);
    assert_eq!((ether.heard[1].messages.len(), ether.heard[2].messages.len()), (0, 0));
    assert!(ether.receivers[1].counters().forged > 100 && ether.receivers[2].counters().malformed > 100);
    // Somebody who does not know it asks for everything, and says that he has no room.
    let before = ether.senders[0].counters();
    let body = Body::Nak { kind: NakKind::Ask, sequence: FIRST, source: address(0), group: GROUP };
    let mut datagram = Vec::new();
    Packet { flow: flow(0).reversed(), body, ..Packet::default() }.write(&mut datagram);
    let now = ether.now;
    ether.senders[0].handle(now, &datagram);
    assert_eq!(ether.senders[0].counters(), SenderCounters { forged: before.forged + 1, ..before });
}

#[test]
fn all_of_it_together_loses_nothing() {
    for seed in 0..50 {
        let key = Some(Key::new(b"secret", GROUP, PORT));
        let sender = |options: &mut SenderOptions| {
            options.key.clone_from(&key);
            options.redundancy = Some(Redundancy { group: 4, proactive: (seed % 2) as u32 });
            options.flow_control = FlowControl::Slowest { at_least: 1 };
            options.history = 1 << 20;
        };
        let mut ether = group(seed, 2, LOSSY, sender, |node, options| {
            options.key.clone_from(&key);
            options.history = if node == 0 { 1 << 20 } else { 0 };
        });
        for _ in 0..100 {
            ether.push(0);
            ether.run(millis(1));
        }
        ether.run(Duration::from_secs(10));
        ether.assert_complete();
        assert_eq!(ether.heard[0].messages.values().next().map(Vec::len), Some(100));
    }
}
