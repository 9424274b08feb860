//! The broker and its ledger: what is stored, and what is asked on its behalf.

use std::time::Duration;

use bytes::Bytes;

use super::{
    super::{
        counters::Reason,
        ledger::{Deed, Ledger},
    },
    Asker, Broker, BrokerEvent,
};
use crate::{Error, Time, Wall};

impl Broker {
    /// The store was read: from now on clients and workers may come.
    pub(super) fn recovered(&mut self, now: Time, date: Wall, records: Vec<(Bytes, Bytes)>) {
        let Some(limits) = self.options.store else { return };
        match Ledger::recover(limits, now, date, records, self.random.u64(..)) {
            Ok(ledger) => {
                self.ledger = Some(ledger);
                self.bind();
            }
            Err(error) => self.events.push_back(BrokerEvent::Failed(error)),
        }
    }

    pub(super) fn store_failed(&mut self, now: Time, up_to: u64, error: Error) {
        match &mut self.ledger {
            Some(ledger) => ledger.failed(now, up_to, &error),
            None => self.events.push_back(BrokerEvent::Failed(error)),
        }
    }

    /// What the ledger wants of the table of requests, and what it has to tell.
    pub(super) fn act_for_ledger(&mut self, now: Time) {
        while let Some(deed) = self.ledger.as_mut().and_then(Ledger::poll) {
            match deed {
                Deed::Run { number, call } => {
                    let asker = Asker::Ledger(number);
                    let serial = self.dispatch.enter(now, asker, call, Duration::MAX);
                    self.open.insert(asker, serial);
                }
                Deed::Withdraw { number } => {
                    let asker = Asker::Ledger(number);
                    if let Some(serial) = self.open.remove(&asker) {
                        self.dispatch.cancel(serial, asker, Reason::Cancelled);
                    }
                }
                Deed::Tell { asker, outcome } => self.told(now, asker, outcome),
            }
        }
    }
}
