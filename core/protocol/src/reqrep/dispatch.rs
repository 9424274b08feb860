//! Who does what: the table of requests in flight.
//!
//! A broker and a client of several servers have the same task: keep each request until it is settled, give it to a
//! responder that has room for it, and give it to another if that one is lost. This is the part they share. It knows
//! requests and responders, and nothing of links, frames or sockets.
//!
//! Every request that was accepted is settled exactly once, with one `Outcome` that is final. A responder that was given
//! up may still answer: its answer is used if the request is still open and the responder really had it, else counted and
//! dropped.

mod request;
mod responders;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;

pub(super) use self::request::{Action, Answer, Call, Limits, Outcome, ResponderId, Serial, Ticket};
use self::{
    request::{Askers, Entry, State},
    responders::{Responder, Service},
};
use super::{
    balance::Balance,
    cache::Cache,
    counters::{Counters, Reason, ServiceCounters},
    news::{Feed, News},
    parts::Parts,
    wire::Failure,
};
use crate::{ErrorKind, Refusal, Time};

pub(super) struct Dispatch<A> {
    limits: Limits,
    balance: Balance,
    services: BTreeMap<Bytes, Service>,
    /// Responders for every service.
    any: Service,
    /// In boxes, because the oldest mostly goes first, and then a tree moves all its neighbours.
    requests: BTreeMap<Serial, Box<Entry<A>>>,
    bytes: usize,
    responders: BTreeMap<ResponderId, Responder>,
    deadlines: BTreeSet<(Time, Serial)>,
    cache: Cache,
    /// Requests that are run once, by service and key.
    running: BTreeMap<(Bytes, Bytes), Serial>,
    /// Parts of answers to those.
    parts: BTreeMap<Serial, Parts>,
    actions: VecDeque<Action<A>>,
    serials: u64,
    uses: u64,
    /// Askers beyond the first of each request.
    joined: usize,
    counters: Counters,
    /// What there is to tell besides answers.
    pub(in crate::reqrep) news: Feed,
    /// Why nobody will ever take a request.
    shut: Option<Refusal>,
}

impl<A: Copy + PartialEq> Dispatch<A> {
    /// `seed` is where serial numbers begin: far from those of an earlier life, whose answers may still arrive.
    pub(super) fn new(limits: Limits, balance: Balance, cache: Cache, seed: u64) -> Self {
        Self {
            limits,
            balance,
            services: BTreeMap::new(),
            any: Service::default(),
            requests: BTreeMap::new(),
            bytes: 0,
            responders: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            cache,
            running: BTreeMap::new(),
            parts: BTreeMap::new(),
            actions: VecDeque::new(),
            serials: seed >> (Ticket::ATTEMPT_BITS + 1),
            uses: 0,
            joined: 0,
            counters: Counters::default(),
            news: Feed::default(),
            shut: None,
        }
    }

    pub(super) fn counters(&self) -> Counters {
        let held = self.requests.values().map(|entry| entry.askers.as_slice().len() as u64).sum();
        Counters { held, waiting: self.waiting() as u64, ..self.counters.clone() }
    }

    /// By service.
    pub(super) fn services(&self) -> Vec<ServiceCounters> {
        let mut held: BTreeMap<&Bytes, u64> = BTreeMap::new();
        for entry in self.requests.values() {
            *held.entry(&entry.call.service).or_default() += entry.askers.as_slice().len() as u64;
        }
        let counted = self.services.iter().map(|(name, service)| {
            let (held, waiting) = (held.get(name).copied().unwrap_or_default(), service.waiting.len() as u64);
            let counters = Counters { held, waiting, ..service.counters.clone() };
            ServiceCounters { name: name.clone(), workers: service.responders.len() as u64, counters }
        });
        counted.collect()
    }

    fn waiting(&self) -> usize {
        let given = self.requests.values().filter(|entry| matches!(entry.state, State::Given { .. })).count();
        self.requests.len() - given
    }

    /// What was given with this ticket, unless it is settled by now.
    pub(super) fn call(&self, ticket: Ticket) -> Option<&Call> {
        self.requests.get(&ticket.serial()).map(|entry| &*entry.call)
    }

    /// How often what was given may be given by whom it was given to, that time included.
    pub(super) fn attempts_left(&self, ticket: Ticket) -> u8 {
        self.requests.get(&ticket.serial()).map_or(1, |entry| match &*entry.call {
            call if call.is_stored() => call.attempts,
            call => call.attempts + 1 - entry.attempt,
        })
    }

    /// What was given went out with this number on the responder's link.
    pub(super) fn sent(&mut self, ticket: Ticket, number: u64) {
        if let Some(entry) = self.requests.get_mut(&ticket.serial())
            && let State::Given { sequence, .. } = &mut entry.state
        {
            *sequence = Some(number);
        }
    }

    /// Accepts a request, or says why not. One that is run once may join another, or be answered already; then there is
    /// no number.
    pub(super) fn submit(
        &mut self,
        now: Time,
        asker: A,
        call: impl Into<Arc<Call>>,
    ) -> Result<Option<Serial>, Failure> {
        let call = call.into();
        let once = call.is_once().then(|| (call.service.clone(), call.key.clone()));
        if let Some(name) = &once {
            if let Some(outcome) = self.cache.get(now, name) {
                self.count(&name.0, |counters| {
                    counters.accepted += 1;
                    counters.delivered += 1;
                    counters.from_cache += 1;
                });
                self.actions.push_back(Action::Tell { asker, outcome });
                return Ok(None);
            }
            if let Some(serial) = self.running.get(name).copied() {
                if self.joined >= self.limits.requests {
                    let failure = full(SOON, "too many wait for others' answers");
                    self.count(&name.0, |counters| counters.refuse(failure.kind));
                    return Err(failure);
                }
                self.joined += 1;
                self.count(&name.0, |counters| {
                    counters.accepted += 1;
                    counters.joined += 1;
                });
                let entry = self.requests.get_mut(&serial).expect("a running request is known");
                entry.askers.add(asker);
                if call.deadline > entry.call.deadline {
                    if entry.until == entry.call.deadline {
                        self.deadlines.remove(&(entry.until, serial));
                        entry.until = call.deadline;
                        self.deadlines.insert((entry.until, serial));
                    }
                    Arc::make_mut(&mut entry.call).deadline = call.deadline;
                }
                return Ok(Some(serial));
            }
        }
        if let Err(failure) = self.admit(now, &call) {
            self.count(&call.service, |counters| counters.refuse(failure.kind));
            return Err(failure);
        }
        let serial = self.enter(now, asker, call, self.limits.age);
        if let Some(name) = once {
            self.running.insert(name, serial);
        }
        Ok(Some(serial))
    }

    /// Accepts a request for which others have seen to the bounds. It may wait for a responder for so long.
    pub(super) fn enter(&mut self, now: Time, asker: A, call: impl Into<Arc<Call>>, age: Duration) -> Serial {
        let call = call.into();
        self.serials += 1;
        let serial = Serial(self.serials);
        let service = call.service.clone();
        let bytes = call.bytes();
        self.bytes += bytes;
        let offered = self.is_offered(&call.service);
        let until = call.deadline.min(now + age).min(if offered { Time::MAX } else { call.patience });
        self.deadlines.insert((until, serial));
        let entry = Entry {
            askers: Askers::One(asker),
            call,
            bytes,
            attempt: 0,
            state: State::Waiting,
            until,
            ran: false,
            before: Vec::new(),
        };
        self.requests.insert(serial, Box::new(entry));
        self.place(serial);
        self.count(&service, |counters| counters.accepted += 1);
        serial
    }

    fn admit(&self, now: Time, call: &Call) -> Result<(), Failure> {
        let refuse = |kind, text: &str| {
            Err(Failure { kind, may_have_run: false, retry_after: Duration::ZERO, text: text.to_owned() })
        };
        if let Some(Refusal { kind, text, .. }) = &self.shut {
            return refuse(*kind, text);
        }
        if call.deadline <= now {
            return refuse(ErrorKind::Timeout, "the deadline had passed before the request came");
        }
        if call.patience <= now && !self.is_offered(&call.service) {
            return refuse(ErrorKind::NotFound, "nobody offers the service");
        }
        let bytes = call.bytes();
        if self.requests.len() >= self.limits.requests || self.bytes + bytes > self.limits.bytes {
            return Err(full(SOON, "too many requests are held"));
        }
        if let Some(service) = self.services.get(&call.service)
            && (service.waiting.len() >= self.limits.waiting
                || service.waiting_bytes + bytes > self.limits.waiting_bytes)
        {
            return Err(full(service.retry_after(), "too many requests wait for the service"));
        }
        Ok(())
    }

    /// Nobody waits for this any more, as far as `asker` is concerned.
    pub(super) fn cancel(&mut self, serial: Serial, asker: A, reason: Reason) {
        let Some(entry) = self.requests.get_mut(&serial) else { return };
        if !entry.askers.as_slice().contains(&asker) {
            return;
        }
        let service = entry.call.service.clone();
        if entry.askers.remove(asker) {
            self.joined -= 1;
            self.lose(&service, reason, 1);
        } else {
            self.lose(&service, reason, 1);
            self.withdraw(serial);
            self.forget(serial);
        }
    }

    /// A responder answered.
    pub(super) fn answered(&mut self, now: Time, id: ResponderId, answer: Answer) {
        let (ticket, is_final) = (answer.ticket, answer.outcome.is_final());
        let identity = self.responders.get(&id).map_or(0, |responder| responder.identity);
        self.use_or_drop(now, Some(id), identity, answer);
        if is_final {
            self.release(id, ticket);
        }
    }

    /// Somebody answered who is no responder now, but may have been one.
    pub(super) fn answered_late(&mut self, now: Time, identity: u64, answer: Answer) {
        self.use_or_drop(now, None, identity, answer);
    }

    fn use_or_drop(&mut self, now: Time, id: Option<ResponderId>, identity: u64, answer: Answer) {
        if !self.use_answer(now, id, identity, answer) {
            self.counters.late_dropped += 1;
        }
    }

    fn use_answer(&mut self, now: Time, id: Option<ResponderId>, identity: u64, answer: Answer) -> bool {
        let Answer { ticket, outcome } = answer;
        let serial = ticket.serial();
        let Some(entry) = self.requests.get_mut(&serial) else { return false };
        let current = matches!(entry.state, State::Given { responder, .. } if Some(responder) == id)
            && entry.attempt == ticket.attempt();
        if !current {
            // From one that was given up. Its answer is as good as another's, if it really had the request, and if the
            // answer is whole: of what it said in between, some may be lost.
            let had_it = identity != 0 && entry.before.contains(&(ticket.attempt(), identity));
            let is_whole = matches!(outcome, Outcome::Reply { run: 0, .. } | Outcome::Error { .. });
            if !had_it || !is_whole {
                return false;
            }
            self.counters.late_used += 1;
            self.withdraw(serial);
        }
        let entry = self.requests.get_mut(&serial).expect("it is still there");
        match outcome {
            Outcome::Partial { run, body } => {
                let run = ticket.run(run);
                entry.ran = true;
                if entry.call.is_once() {
                    // Who asks later gets the whole, and so do all.
                    if self.parts.entry(serial).or_default().add(run, body) > self.limits.parts {
                        self.withdraw(serial);
                        let text = "the parts of the answer are too large".to_owned();
                        self.fail(serial, Reason::Responder, ErrorKind::Full, Duration::ZERO, text);
                    }
                    return true;
                }
                for asker in entry.askers.as_slice() {
                    let outcome = Outcome::Partial { run, body: body.clone() };
                    self.actions.push_back(Action::Tell { asker: *asker, outcome });
                }
            }
            Outcome::Failed(failure) if !failure.may_have_run && failure.kind == ErrorKind::Closed => {
                // The responder leaves and did not begin with it.
                entry.attempt -= 1;
                entry.state = State::Waiting;
                id.into_iter().for_each(|id| self.leaving(id));
                self.place(serial);
            }
            Outcome::Failed(mut failure) => {
                failure.may_have_run |= entry.ran;
                let (service, askers) = (entry.call.service.clone(), entry.askers.as_slice().len() as u64);
                self.lose(&service, Reason::Responder, askers);
                self.settle(serial, Outcome::Failed(failure));
            }
            answer => {
                let answer = match answer {
                    Outcome::Reply { run, body } => match self.parts.remove(&serial) {
                        Some(parts) => Outcome::Reply { run: 0, body: parts.whole(ticket.run(run), body) },
                        None => Outcome::Reply { run: ticket.run(run), body },
                    },
                    other => other,
                };
                let askers = entry.askers.as_slice().len() as u64;
                self.counters.delivered += askers;
                if entry.call.is_once() {
                    self.cache.put(now, (entry.call.service.clone(), entry.call.key.clone()), &answer);
                }
                if let Some(service) = self.services.get_mut(&entry.call.service) {
                    service.counters.delivered += askers;
                    service.note_answer(now);
                }
                self.settle(serial, answer);
            }
        }
        true
    }

    /// What has come to its end by `now`; `is_unsent` tells of what never went out to a responder.
    pub(super) fn expire(&mut self, now: Time, is_unsent: impl Fn(ResponderId, u64) -> bool) {
        while let Some(&(until, serial)) = self.deadlines.first()
            && until <= now
        {
            let entry = self.requests.get(&serial).expect("a deadline belongs to a request");
            let given = matches!(entry.state, State::Given { .. });
            let (deadline, patience) = (entry.call.deadline, entry.call.patience);
            let offered = self.is_offered(&entry.call.service);
            if deadline > now && (given || (offered && until == patience)) {
                // Its deadline may have been put off, its service has been found, or it is being done.
                let later = if given { deadline } else { deadline.min(until + self.limits.age) };
                self.deadlines.pop_first();
                self.requests.get_mut(&serial).expect("it is still there").until = later;
                self.deadlines.insert((later, serial));
                continue;
            }
            let ran = self.may_have_run(serial, &is_unsent);
            self.requests.get_mut(&serial).expect("it is still there").ran = ran;
            self.withdraw(serial);
            let text = if deadline <= now {
                "the deadline passed"
            } else if offered {
                "the request waited too long for a responder"
            } else {
                "nobody offered the service"
            };
            let (reason, kind) = match (deadline <= now, offered) {
                (true, _) => (Reason::Deadline, ErrorKind::Timeout),
                (false, true) => (Reason::Age, ErrorKind::Timeout),
                (false, false) => (Reason::NoService, ErrorKind::NotFound),
            };
            self.fail(serial, reason, kind, Duration::ZERO, text.to_owned());
        }
    }

    /// There are no responders, and there will be none, because of `why`: requests end with that, and so does every other.
    pub(super) fn shut(&mut self, why: Refusal) {
        for serial in self.requests.keys().copied().collect::<Vec<_>>() {
            self.fail(serial, Reason::NoService, why.kind, Duration::ZERO, why.text.clone());
        }
        self.shut = Some(why);
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.deadlines.first().map(|(until, _)| *until)
    }

    pub(super) fn poll(&mut self) -> Option<Action<A>> {
        self.actions.pop_front()
    }

    /// Whether a responder may have begun with it.
    pub(super) fn may_have_run(&self, serial: Serial, is_unsent: impl Fn(ResponderId, u64) -> bool) -> bool {
        self.requests.get(&serial).is_some_and(|entry| match entry.state {
            State::Given { responder, sequence: Some(sequence) } => entry.ran || !is_unsent(responder, sequence),
            _ => entry.ran,
        })
    }

    /// How many requests are held.
    pub(super) fn len(&self) -> usize {
        self.requests.len()
    }

    /// Tells the responder, if one has it, that nobody waits. It keeps its place among the responder's until that says
    /// that it is done.
    fn withdraw(&mut self, serial: Serial) {
        let entry = self.requests.get_mut(&serial).expect("who withdraws has it");
        if let State::Given { responder, .. } = entry.state {
            let ticket = Ticket::new(serial, entry.attempt);
            self.actions.push_back(Action::Withdraw { responder, ticket });
        }
    }

    fn fail(&mut self, serial: Serial, reason: Reason, kind: ErrorKind, retry_after: Duration, text: String) {
        let entry = &self.requests[&serial];
        let failure = Failure { kind, may_have_run: entry.ran, retry_after, text };
        let (service, askers) = (entry.call.service.clone(), entry.askers.as_slice().len() as u64);
        self.lose(&service, reason, askers);
        self.settle(serial, Outcome::Failed(failure));
    }

    /// Requests end without an answer.
    fn lose(&mut self, service: &Bytes, reason: Reason, requests: u64) {
        self.count(service, |counters| counters.lose(reason, requests));
        self.news.add(|| News::Lost { service: service.clone(), reason, requests });
    }

    /// The one end of a request.
    fn settle(&mut self, serial: Serial, outcome: Outcome) {
        let askers = self.forget(serial);
        let Some((last, others)) = askers.as_slice().split_last() else { return };
        for asker in others {
            self.actions.push_back(Action::Tell { asker: *asker, outcome: outcome.clone() });
        }
        self.actions.push_back(Action::Tell { asker: *last, outcome });
    }

    fn forget(&mut self, serial: Serial) -> Askers<A> {
        let entry = self.requests.remove(&serial).expect("who forgets has it");
        self.bytes -= entry.bytes;
        self.deadlines.remove(&(entry.until, serial));
        self.unplace(serial, entry.state, &entry.call.service, entry.bytes);
        if entry.call.is_once() {
            self.parts.remove(&serial);
            self.running.remove(&(entry.call.service.clone(), entry.call.key.clone()));
        }
        self.tidy(&entry.call.service);
        self.joined -= entry.askers.as_slice().len().saturating_sub(1);
        entry.askers
    }
}

/// Too many are here.
pub(super) fn full(retry_after: Duration, text: &str) -> Failure {
    Failure { kind: ErrorKind::Full, may_have_run: false, retry_after, text: text.to_owned() }
}

/// When to come back where nothing better is known.
pub(super) const SOON: Duration = Duration::from_millis(100);
