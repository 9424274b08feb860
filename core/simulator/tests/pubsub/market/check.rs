//! The account at the end: every view is the stream, less what was told.

use std::{collections::BTreeSet, time::Duration};

use zpatterns_protocol::{
    Time,
    pubsub::{Criterion, Start},
};
use zpatterns_simulator::Faults;

use super::{Heard, Market, PUBLISHER, Party};

impl Market {
    /// All is well again, and everybody has time to hear what there is.
    pub(crate) fn finish(&mut self) {
        self.heal();
        self.world.table(PUBLISHER).set_full(false);
        self.world.table(PUBLISHER).set_unreadable(false);
        self.world.network().set_faults(Faults::default());
        self.restart_publisher();
        self.restart_subscriber();
        self.run(Duration::from_secs(10));
        // Everybody notices the end by what comes after it.
        self.trade(20, Duration::from_millis(100));
        self.run(Duration::from_secs(20));
        assert!(self.customers.iter().all(|customer| customer.inbox.is_empty()), "somebody has not taken everything");
        self.check();
    }

    /// Every view is the stream, less what was told.
    fn check(&self) {
        let life = self.logs.len() - 1;
        for ((index, process, number, stream, of), view) in &self.views {
            let customer = &self.customers[*index];
            let criterion = customer.wanted.iter().find(|(wanted, ..)| wanted == number).unwrap().1;
            let criterion = Criterion::pattern(criterion).unwrap();
            let log = &self.logs[*of][usize::from(*stream)];
            let first = view.heard.first().map(|(at, _)| *at).into_iter().chain(view.missed.first().map(|(at, _)| *at));
            let Some(first) = first.min() else { continue };
            let heard: BTreeSet<u64> = view.heard.iter().map(|(at, _)| *at).collect();
            let is_last_life = *process == customer.process && *of == life && !customer.gave_up.contains(number);
            let end = if is_last_life { log.len() as u64 } else { view.last };
            // Last values are not all that there is; what follows is.
            let snapshot = match customer.wanted.iter().find(|(wanted, ..)| wanted == number).unwrap().2 {
                Start::LastValues => snapshot_end(view, log),
                _ => first,
            };
            for at in snapshot.max(first)..=end {
                let (subject, published) = log[at as usize - 1];
                let wanted = criterion.matches(subject.as_bytes())
                    && (*stream == 0 || self.always_allowed(&customer.user, subject, published));
                let told = view.missed.iter().any(|(first, last)| (*first..=*last).contains(&at));
                assert!(
                    !wanted || told || heard.contains(&at),
                    "customer {index} subscription {number} stream {stream}: {at} {subject} is missing without a word, \
                     of {end}; {view:?}"
                );
                assert!(!(told && heard.contains(&at)), "{at} was heard, and told of as missed");
            }
        }
    }

    pub(crate) fn assert_nothing_missed(&self) {
        for view in self.views.values() {
            assert!(view.missed.is_empty(), "missed {:?}", view.missed);
        }
    }

    /// How much was heard.
    pub(crate) fn heard(&self) -> usize {
        self.views.values().map(|view| view.heard.len()).sum()
    }

    pub(crate) fn assert_nothing_sent_twice(&self) {
        let Some(Party::Publisher(publisher)) = self.world.machine(PUBLISHER) else { return };
        let counters = publisher.counters();
        assert_eq!((counters.books.redelivered, counters.malformed, counters.forged), (0, 0, 0));
    }
}

/// From which number on a view that began with last values has everything: at the latest, what was published after its first
/// message came.
fn snapshot_end(view: &Heard, log: &[(&'static str, Time)]) -> u64 {
    let begun = view.heard.first().map_or(Time::MAX, |(_, at)| *at);
    log.iter().position(|(_, at)| *at > begun).map_or(log.len() as u64, |place| place as u64 + 1)
}
