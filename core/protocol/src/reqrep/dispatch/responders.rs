//! Those who answer, and which of them gets a request.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;

use super::{
    super::{
        balance::{Balance, Candidate, Choice},
        counters::{Counters, Reason},
        news::News,
    },
    Action, Dispatch,
    request::{Call, ResponderId, Serial, State, Ticket},
};
use crate::{ErrorKind, Time};

pub(super) struct Responder {
    /// Who it is, in all its sessions; 0 is unknown.
    pub(super) identity: u64,
    /// `None` takes requests for every service.
    pub(super) service: Option<Bytes>,
    pub(super) credit: u32,
    pub(super) given: BTreeSet<Ticket>,
    /// Requests that wait for this one.
    pub(super) waiting: BTreeSet<Serial>,
    pub(super) used: u64,
    pub(super) leaving: bool,
}

/// How many services are remembered by what became of their requests, beside those that are in use.
const REMEMBERED: usize = 4096;

#[derive(Default)]
pub(super) struct Service {
    /// What became of its requests since it was first in use.
    pub(super) counters: Counters,
    /// Somebody has offered it.
    pub(super) known: bool,
    /// Only those who offer it by name are asked, also while there is nobody.
    pub(super) reserved: bool,
    pub(super) waiting: BTreeSet<Serial>,
    pub(super) waiting_bytes: usize,
    pub(super) responders: BTreeSet<ResponderId>,
    /// Those with room, the next to be used first.
    pub(super) free: BTreeSet<(u64, u64, ResponderId)>,
    /// When the last request was answered, and the mean time between answers.
    pub(super) answered: Time,
    pub(super) gap: Duration,
}

impl Responder {
    fn free(&self) -> u32 {
        if self.leaving { 0 } else { self.credit.saturating_sub(self.given.len() as u32) }
    }

    fn rank(&self, balance: &Balance, id: ResponderId) -> Option<(u64, u64, ResponderId)> {
        (self.free() > 0).then(|| {
            let load = match balance {
                Balance::MostFree => (self.given.len() as u64) * (1 << 20) / u64::from(self.credit.max(1)),
                _ => 0,
            };
            (load, self.used, id)
        })
    }

    fn candidate(&self) -> Candidate {
        Candidate { responder: self.identity, credit: self.credit, free: self.free(), last_used: self.used }
    }
}

impl Service {
    fn is_idle(&self) -> bool {
        self.responders.is_empty() && self.waiting.is_empty() && self.counters.settled() == self.counters.accepted
    }

    pub(super) fn note_answer(&mut self, now: Time) {
        let gap = now - self.answered;
        self.gap = if self.gap.is_zero() { gap } else { (self.gap * 7 + gap) / 8 };
        self.answered = now;
    }

    /// When half of what waits now will have been answered.
    pub(super) fn retry_after(&self) -> Duration {
        let half = u32::try_from(self.waiting.len() / 2).unwrap_or(u32::MAX);
        self.gap.saturating_mul(half).clamp(Duration::from_millis(10), Duration::from_secs(10))
    }
}

impl<A: Copy + PartialEq> Dispatch<A> {
    /// A responder takes `credit` requests at once, for a service or for all of them.
    pub(in crate::reqrep) fn offer(&mut self, id: ResponderId, identity: u64, service: Option<Bytes>, credit: u32) {
        let used = self.uses;
        self.uses += 1;
        let (given, waiting) = (BTreeSet::new(), BTreeSet::new());
        let responder = Responder { identity, service: service.clone(), credit, given, waiting, used, leaving: false };
        self.responders.insert(id, responder);
        let offered = self.service_mut(service.as_ref());
        offered.known = true;
        offered.responders.insert(id);
        if let Some(service) = service {
            self.news.add(|| News::WorkerJoined { worker: id.0, service });
        }
        self.rank(id, None);
        self.feed(id);
    }

    /// Keeps a service for those who offer it by name: a responder for every service is not asked.
    pub(in crate::reqrep) fn reserve(&mut self, service: &Bytes) {
        let reserved = self.service_mut(Some(service));
        (reserved.known, reserved.reserved) = (true, true);
    }

    /// A responder takes no more; what it has it will answer.
    pub(in crate::reqrep) fn leaving(&mut self, id: ResponderId) {
        let Some(responder) = self.responders.get_mut(&id) else { return };
        let before = responder.rank(&self.balance, id);
        responder.leaving = true;
        let service = responder.service.clone();
        let waiting = std::mem::take(&mut responder.waiting);
        self.service_mut(service.as_ref()).responders.remove(&id);
        self.rank(id, before);
        for serial in waiting {
            self.place(serial);
        }
    }

    /// A responder is no more. What it had goes to others; `is_unsent` tells of what never went out to it.
    pub(in crate::reqrep) fn gone(&mut self, id: ResponderId, is_unsent: impl Fn(u64) -> bool) {
        let Some(responder) = self.responders.remove(&id) else { return };
        let service = match &responder.service {
            Some(name) => self.services.get_mut(name),
            None => Some(&mut self.any),
        };
        if let Some(service) = service {
            service.responders.remove(&id);
            if let Some(rank) = responder.rank(&self.balance, id) {
                service.free.remove(&rank);
            }
        }
        if let Some(service) = responder.service.clone() {
            let (held, left) = (responder.given.len() as u64, responder.leaving);
            self.news.add(|| News::WorkerGone { worker: id.0, service, held, left });
        }
        for serial in responder.waiting {
            self.place(serial);
        }
        for ticket in responder.given {
            self.taken_back(ticket, id, responder.identity, &is_unsent);
        }
        if let Some(name) = responder.service {
            self.tidy(&name);
        }
    }

    pub(super) fn taken_back(
        &mut self,
        ticket: Ticket,
        id: ResponderId,
        identity: u64,
        is_unsent: &impl Fn(u64) -> bool,
    ) {
        let Some(entry) = self.requests.get_mut(&ticket.serial()) else { return };
        let State::Given { responder, sequence } = entry.state else { return };
        if responder != id || entry.attempt != ticket.attempt() {
            return;
        }
        entry.state = State::Waiting;
        if sequence.is_none_or(is_unsent) {
            // It never had it: that was no attempt.
            entry.attempt -= 1;
        } else {
            entry.ran = true;
            entry.before.push((ticket.attempt(), identity));
        }
        if entry.attempt >= entry.call.most() {
            let text = "the responder was lost, and the request may not be given to another".to_owned();
            self.fail(ticket.serial(), Reason::Attempts, ErrorKind::Unreachable, Duration::ZERO, text);
        } else {
            self.place(ticket.serial());
        }
    }

    /// The responder has room for another.
    pub(in crate::reqrep) fn release(&mut self, id: ResponderId, ticket: Ticket) {
        let Some(responder) = self.responders.get_mut(&id) else { return };
        let before = responder.rank(&self.balance, id);
        if responder.given.remove(&ticket) {
            self.rank(id, before);
            self.feed(id);
        }
    }

    /// How many requests a responder has, also such for which nobody waits any more.
    pub(in crate::reqrep) fn given(&self, id: ResponderId) -> usize {
        self.responders.get(&id).map_or(0, |responder| responder.given.len())
    }

    /// Whether a responder was given this and has not answered it.
    pub(in crate::reqrep) fn has(&self, id: ResponderId, ticket: Ticket) -> bool {
        self.responders.get(&id).is_some_and(|responder| responder.given.contains(&ticket))
    }

    /// What a responder offers; `None` is everything, or nothing.
    pub(in crate::reqrep) fn service_of(&self, id: ResponderId) -> Option<&Bytes> {
        self.responders.get(&id).and_then(|responder| responder.service.as_ref())
    }

    /// Whether somebody offers the service.
    pub(in crate::reqrep) fn is_offered(&self, service: &Bytes) -> bool {
        match self.services.get(service) {
            Some(known) if known.reserved || !known.responders.is_empty() => !known.responders.is_empty(),
            _ => !self.any.responders.is_empty(),
        }
    }

    /// A waiting request gets a responder, or its place in a queue.
    pub(super) fn place(&mut self, serial: Serial) {
        let entry = self.requests.get(&serial).expect("who is placed is known");
        let choice = self.choose(&entry.call);
        let (bytes, service) = (entry.bytes, entry.call.service.clone());
        match choice {
            Choice::Give(id) => self.give(serial, id),
            Choice::WaitFor(id) => {
                self.set_state(serial, State::WaitingFor(id));
                self.responders.get_mut(&id).expect("only live responders are chosen").waiting.insert(serial);
            }
            Choice::Wait => {
                self.set_state(serial, State::Waiting);
                let service = self.services.entry(service).or_default();
                if service.waiting.insert(serial) {
                    service.waiting_bytes += bytes;
                }
            }
        }
    }

    pub(super) fn set_state(&mut self, serial: Serial, state: State) {
        self.requests.get_mut(&serial).expect("it is known").state = state;
    }

    pub(super) fn unplace(&mut self, serial: Serial, state: State, service: &Bytes, bytes: usize) {
        match state {
            State::Waiting => {
                if let Some(service) = self.services.get_mut(service)
                    && service.waiting.remove(&serial)
                {
                    service.waiting_bytes -= bytes;
                }
            }
            State::WaitingFor(id) => {
                if let Some(responder) = self.responders.get_mut(&id) {
                    responder.waiting.remove(&serial);
                }
            }
            State::Given { .. } => {}
        }
    }

    pub(super) fn choose(&self, call: &Call) -> Choice<ResponderId> {
        let is_own = |service: &&Service| service.reserved || !service.responders.is_empty();
        let service = self.services.get(&call.service).filter(is_own).unwrap_or(&self.any);
        match &self.balance {
            Balance::LeastRecentlyUsed | Balance::MostFree => {}
            Balance::Sticky if call.key.is_empty() => {}
            Balance::Sticky => return self.stick(service, &call.key),
            Balance::Custom(custom) => {
                let live: Vec<ResponderId> = service.responders.iter().copied().collect();
                let candidates: Vec<Candidate> = live.iter().map(|id| self.responders[id].candidate()).collect();
                return custom
                    .choose(&call.service, &call.key, &candidates)
                    .among(&live, |index| candidates[index].free > 0);
            }
        }
        service.free.first().map_or(Choice::Wait, |(_, _, id)| Choice::Give(*id))
    }

    /// The same key goes to the same responder for as long as that one is there.
    pub(super) fn stick(&self, service: &Service, key: &Bytes) -> Choice<ResponderId> {
        let best =
            service.responders.iter().max_by_key(|id| Balance::affinity(key, self.responders[id].identity, id.0));
        match best {
            Some(id) if self.responders[id].free() > 0 => Choice::Give(*id),
            Some(id) => Choice::WaitFor(*id),
            None => Choice::Wait,
        }
    }

    pub(super) fn give(&mut self, serial: Serial, id: ResponderId) {
        let entry = self.requests.get_mut(&serial).expect("who is given is known");
        entry.attempt += 1;
        let state = std::mem::replace(&mut entry.state, State::Given { responder: id, sequence: None });
        let ticket = Ticket::new(serial, entry.attempt);
        if entry.attempt > 1 {
            let service = entry.call.service.clone();
            self.count(&service, |counters| counters.redelivered += 1);
        }
        let entry = &self.requests[&serial];
        let (service, bytes) = (entry.call.service.clone(), entry.bytes);
        self.unplace(serial, state, &service, bytes);
        let responder = self.responders.get_mut(&id).expect("only live responders are chosen");
        let before = responder.rank(&self.balance, id);
        responder.given.insert(ticket);
        responder.used = self.uses;
        self.uses += 1;
        self.rank(id, before);
        self.actions.push_back(Action::Give { responder: id, ticket });
    }

    /// A responder has room: gives it what waits for it, the oldest first.
    pub(super) fn feed(&mut self, id: ResponderId) {
        while let Some(responder) = self.responders.get(&id)
            && responder.free() > 0
        {
            let own = responder.waiting.first().copied();
            let shared = match &responder.service {
                Some(name) => self.services.get(name).and_then(|service| service.waiting.first().copied()),
                None => {
                    let open = self.services.values().filter(|service| !service.reserved);
                    open.filter_map(|service| service.waiting.first().copied()).min()
                }
            };
            let Some(serial) = own.into_iter().chain(shared).min() else { break };
            if Some(serial) == own {
                self.give(serial, id);
                continue;
            }
            // Whom a shared one goes to is for the balance to say; it may be another one.
            match self.choose(&self.requests[&serial].call) {
                Choice::Give(chosen) => self.give(serial, chosen),
                Choice::WaitFor(chosen) => {
                    let entry = &self.requests[&serial];
                    let (state, service, bytes) = (entry.state, entry.call.service.clone(), entry.bytes);
                    self.unplace(serial, state, &service, bytes);
                    self.set_state(serial, State::WaitingFor(chosen));
                    self.responders.get_mut(&chosen).expect("only live responders are chosen").waiting.insert(serial);
                }
                Choice::Wait => break,
            }
        }
    }

    /// Puts a responder where it belongs among those with room; `before` is where it was.
    pub(super) fn rank(&mut self, id: ResponderId, before: Option<(u64, u64, ResponderId)>) {
        let Some(responder) = self.responders.get(&id) else { return };
        let after = responder.rank(&self.balance, id);
        if after == before {
            return;
        }
        let service = match &responder.service {
            Some(name) => self.services.get_mut(name).expect("a service is known while somebody offers it"),
            None => &mut self.any,
        };
        if let Some(before) = before {
            service.free.remove(&before);
        }
        service.free.extend(after);
    }

    pub(super) fn service_mut(&mut self, name: Option<&Bytes>) -> &mut Service {
        match name {
            Some(name) => self.services.entry(name.clone()).or_default(),
            None => &mut self.any,
        }
    }

    /// Counts for everything, and for the service.
    pub(super) fn count(&mut self, service: &Bytes, count: impl Fn(&mut Counters)) {
        count(&mut self.counters);
        if let Some(service) = self.services.get_mut(service) {
            count(&mut service.counters);
        }
    }

    /// Forgets a service that nobody offers and nobody wants, unless its counters are of interest.
    pub(super) fn tidy(&mut self, name: &Bytes) {
        let is_remembered =
            |service: &Service| service.reserved || (service.known && self.services.len() <= REMEMBERED);
        if self.services.get(name).is_some_and(|known| known.is_idle() && !is_remembered(known)) {
            self.services.remove(name);
        }
    }
}
