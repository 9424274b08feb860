//! The broker among peers that speak older protocols: Majordomo (7/MDP, 18/MDP, 8/MMI, and 9/TSP where it stores), and those of
//! the pirates at endpoints of their own.

use std::time::Duration;

use bytes::Bytes;

use super::{
    super::{
        dispatch::{Answer, Call, Outcome, ResponderId},
        ledger::Name,
        mdp::{OldMessage, Version},
        old::{self, Dialect, Place},
        titanic,
        wire::Task,
    },
    Asker, Broker,
};
use crate::{Time, machine::Frames};

/// How long an answer to a client with an older protocol is of use: it cannot say.
const OLD_DEADLINE: Duration = Duration::from_secs(60);
/// How often its request is given to a worker.
const OLD_ATTEMPTS: u8 = 3;

impl Broker {
    pub(super) fn received_old(&mut self, now: Time, place: &Place, message: OldMessage) {
        match message {
            OldMessage::Request { dialect, envelope, service, body } => {
                let number = self.old.note(place.clone(), dialect, envelope, service.clone());
                // At an endpoint of its own it asks for what that is for.
                let enquires = dialect != Dialect::Plain;
                if let Some(about) = service.strip_prefix(b"mmi.").filter(|_| enquires) {
                    return self.enquiry(number, about, &body);
                }
                if let Some(task) = titanic::Wish::read(&service, &body).filter(|_| enquires && self.ledger.is_some()) {
                    return self.titanic(now, number, task);
                }
                self.submit(now, Asker::Old(number), call(service, body, now + OLD_DEADLINE));
            }
            OldMessage::Ready { dialect, service } => match self.old.remove(place) {
                // Twice is once too often, and names of this kind are the broker's own.
                Some(id) => {
                    self.dispatch.gone(id, |_| false);
                    self.anew(now, place, dialect);
                }
                None if self.is_own(&service) => self.old.disconnect(place, dialect),
                None => self.enlist(now, place, dialect, service),
            },
            OldMessage::Answer { dialect, ticket, last, body } => {
                // In version 0.2 parts may have gone before, which matters for an answer that comes late.
                let run = u16::from(dialect == Dialect::Majordomo(Version::V2));
                let outcome = if last { Outcome::Reply { run, body } } else { Outcome::Partial { run, body } };
                let answer = Answer { ticket, outcome };
                match self.old.heard(now, place) {
                    Some(id) => self.dispatch.answered(now, id, answer),
                    None => {
                        self.dispatch.answered_late(now, old::identity(place), answer);
                        self.anew(now, place, dialect);
                    }
                }
            }
            OldMessage::Heartbeat { dialect } => {
                if self.old.heard(now, place).is_none() {
                    self.anew(now, place, dialect);
                }
            }
            OldMessage::Disconnect { .. } => {
                if let Some(id) = self.old.remove(place) {
                    self.dispatch.gone(id, |_| false);
                }
            }
        }
    }

    fn enlist(&mut self, now: Time, place: &Place, dialect: Dialect, service: Bytes) {
        if self.links.len() + self.old.workers() >= self.options.max_peers {
            self.refused_peers += 1;
            return;
        }
        let id = ResponderId(self.next_number());
        self.old.add(now, place, dialect, id);
        self.dispatch.offer(id, old::identity(place), Some(service), 1);
    }

    /// A worker is to offer itself anew. One whose protocol has no word for that does so by saying anything at all.
    fn anew(&mut self, now: Time, place: &Place, dialect: Dialect) {
        match self.plain(place.socket) {
            Some((_, _, service)) => self.enlist(now, place, dialect, service.clone()),
            None => self.old.disconnect(place, dialect),
        }
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
