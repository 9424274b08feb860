//! The broker among peers that speak Majordomo: 7/MDP, 18/MDP, 8/MMI, and 9/TSP where it stores.

use std::time::Duration;

use bytes::Bytes;

use super::{
    super::{
        dispatch::{Answer, Call, Outcome, ResponderId},
        ledger::Name,
        mdp::{OldMessage, Version},
        old, titanic,
        wire::Task,
    },
    Asker, Broker,
};
use crate::{
    Time,
    machine::{Frames, Peer},
};

/// How long an answer to a client with an older protocol is of use: it cannot say.
const OLD_DEADLINE: Duration = Duration::from_secs(60);
/// How often its request is given to a worker.
const OLD_ATTEMPTS: u8 = 3;

impl Broker {
    pub(super) fn received_old(&mut self, now: Time, peer: &Peer, message: OldMessage) {
        match message {
            OldMessage::Request { version, envelope, service, body } => {
                let number = self.old.note(peer.clone(), version, envelope, service.clone());
                if let Some(about) = service.strip_prefix(b"mmi.") {
                    return self.enquiry(number, about, &body);
                }
                if let Some(task) = titanic::Wish::read(&service, &body).filter(|_| self.ledger.is_some()) {
                    return self.titanic(now, number, task);
                }
                self.submit(now, Asker::Old(number), call(service, body, now + OLD_DEADLINE));
            }
            OldMessage::Ready { version, service } => match self.old.remove(peer) {
                // Twice is once too often, and names of this kind are the broker's own.
                Some(id) => self.old_gone(peer, version, id),
                None if self.is_own(&service) => self.old.disconnect(peer, version),
                None if self.links.len() + self.old.workers() >= self.options.max_peers => self.refused_peers += 1,
                None => {
                    let id = self.next_id();
                    self.old.add(now, peer, version, id);
                    self.dispatch.offer(id, old::identity(peer), Some(service), 1);
                }
            },
            OldMessage::Answer { version, ticket, last, body } => {
                // In version 0.2 parts may have gone before, which matters for an answer that comes late.
                let run = if version == Version::V2 { 1 } else { 0 };
                let outcome = if last { Outcome::Reply { run, body } } else { Outcome::Partial { run, body } };
                let answer = Answer { ticket, outcome };
                match self.old.heard(now, peer) {
                    Some(id) => self.dispatch.answered(now, id, answer),
                    None => {
                        self.dispatch.answered_late(now, old::identity(peer), answer);
                        self.old.disconnect(peer, version);
                    }
                }
            }
            OldMessage::Heartbeat { version } => {
                if self.old.heard(now, peer).is_none() {
                    self.old.disconnect(peer, version);
                }
            }
            OldMessage::Disconnect { .. } => {
                if let Some(id) = self.old.remove(peer) {
                    self.dispatch.gone(id, |_| false);
                }
            }
        }
    }

    fn old_gone(&mut self, peer: &Peer, version: Version, id: ResponderId) {
        self.old.disconnect(peer, version);
        self.dispatch.gone(id, |_| false);
    }

    /// Services that are the broker's own.
    fn is_own(&self, service: &Bytes) -> bool {
        service.starts_with(b"mmi.") || (self.ledger.is_some() && titanic::SERVICES.contains(&&**service))
    }

    /// What is asked about the broker itself, 8/MMI.
    fn enquiry(&mut self, number: u64, about: &[u8], body: &Frames) {
        let code: &'static [u8] = match (about, body.first()) {
            (b"service", Some(name)) if self.dispatch.is_offered(name) || self.is_own(name) => b"200",
            (b"service", _) => b"404",
            _ => b"501",
        };
        self.old.answer(number, true, vec![Bytes::from_static(code)]);
    }

    /// What is asked of the store, 9/TSP.
    fn titanic(&mut self, now: Time, number: u64, wish: titanic::Wish) {
        let asker = Asker::Old(number);
        let Some(ledger) = &mut self.ledger else { return };
        let name = |id: Bytes| -> Name { (Bytes::from_static(titanic::REQUEST), id) };
        match wish {
            titanic::Wish::Request { service, body } => {
                let id = titanic::id(self.random.u128(..));
                let deadline = now + self.options.store.map_or(OLD_DEADLINE, |limits| limits.unfetched_age);
                let call = Call { task: Task::Store, key: id.clone(), ..call(service, body, deadline) };
                self.receipts.insert(number, vec![id.clone()]);
                ledger.ask(now, asker, name(id), call);
            }
            titanic::Wish::Reply { id } => {
                let answer = titanic::reply(ledger.look(now, &name(id)));
                self.old.answer(number, true, answer);
            }
            titanic::Wish::Close { id } => {
                let call = Call { task: Task::Discard, ..call(Bytes::new(), Frames::new(), now + OLD_DEADLINE) };
                self.receipts.insert(number, Frames::new());
                ledger.ask(now, asker, name(id), call);
            }
            titanic::Wish::Nonsense => self.old.answer(number, true, titanic::error()),
        }
    }

    /// Majordomo has no word for an error: its client is told nothing, and asks again or gives up.
    pub(super) fn told_old(&mut self, now: Time, number: u64, outcome: Outcome) {
        match outcome {
            Outcome::Partial { body, .. } if self.old.takes_parts(number) => self.old.answer(number, false, body),
            Outcome::Partial { run, body } => {
                if self.parts.entry(number).or_default().add(run, body) > self.options.max_unfetched {
                    self.too_slow(now, Asker::Old(number));
                }
            }
            Outcome::Reply { run, body } => {
                let whole = self.parts.remove(&number).unwrap_or_default().whole(run, body);
                self.old.answer(number, true, whole);
            }
            Outcome::Accepted => {
                if let Some(receipt) = self.receipts.remove(&number) {
                    self.old.answer(number, true, titanic::done(receipt));
                }
            }
            Outcome::Failed(_) if self.receipts.remove(&number).is_some() => {
                self.old.answer(number, true, titanic::error());
            }
            Outcome::Error { .. } | Outcome::Failed(_) => {
                self.parts.remove(&number);
                self.old.forget(number);
            }
        }
    }
}

/// A request as old clients make it.
fn call(service: Bytes, body: Frames, deadline: Time) -> Call {
    let (key, attempts, task) = (Bytes::new(), OLD_ATTEMPTS, Task::Ask);
    Call { service, key, body, deadline, patience: deadline, attempts, task, durable: false, once: false }
}
