//! Requests and answers that outlive the broker.
//!
//! A durable request has a name, its service and its key, and one record in the store. It is given to a worker only once
//! the record is durable, and its outcome is told to anybody only once that is durable in its place. So whoever was told
//! something can rely on it, and a broker that comes back goes on where it was: what had no outcome is done (again), what
//! had one is kept until it is fetched and old, or discarded.
//!
//! The ledger stands where a client does: it asks the table of requests on behalf of those who asked it. Those who wait
//! come and go; the request stays. All that is in the store is also in memory, within the same bounds.

mod record;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use bytes::Bytes;

pub(super) use self::record::Name;
use self::record::Record;
use super::{
    dispatch::{Call, Outcome, SOON, full},
    parts::Parts,
    wire::{Failure, Task},
};
use crate::{
    Error, ErrorKind, Result, Time, Wall,
    machine::{Change, Output},
    time::earliest,
};

/// After the store has failed, what must be in it is tried again so often.
const RETRY: Duration = Duration::from_secs(1);

/// What is kept in a store, at most.
#[derive(Clone, Copy, Debug)]
pub struct StoreLimits {
    /// Requests and answers.
    pub records: usize,
    /// Their bytes.
    pub bytes: usize,
    /// How long an answer is kept that nobody has fetched.
    pub unfetched_age: Duration,
    /// How long one that was. Before that it goes when its place is needed.
    pub fetched_age: Duration,
}

/// What the broker is to do.
#[derive(Debug)]
pub(super) enum Deed<A> {
    /// Enter the request into the table, on behalf of this number. There it is like any other.
    Run { number: u64, call: Call },
    /// Take it out again.
    Withdraw { number: u64 },
    /// Tell who asked.
    Tell { asker: A, outcome: Outcome },
}

/// Of an asker of type `A`.
pub(super) struct Ledger<A> {
    limits: StoreLimits,
    /// A date, and when it was.
    clock: (Wall, Time),
    entries: BTreeMap<Name, Entry<A>>,
    bytes: usize,
    names: BTreeMap<u64, Name>,
    numbers: u64,
    /// Who waits for what, and until when.
    waiting: BTreeMap<A, Wait>,
    waits: BTreeSet<(Time, A)>,
    /// When answers have been kept for long enough.
    ages: BTreeSet<(Time, u64)>,
    /// Answers that were fetched, the oldest first.
    fetched: BTreeSet<(Time, u64)>,
    /// What goes into the store with the next turn's end, and what follows when it is there.
    changes: Vec<Change>,
    steps: Vec<Step<A>>,
    sequence: u64,
    pending: VecDeque<(u64, Vec<Step<A>>)>,
    /// Answers that the store did not take, and when to try again.
    unstored: BTreeSet<u64>,
    retry: Option<Time>,
    deeds: VecDeque<Deed<A>>,
}

struct Entry<A> {
    number: u64,
    state: State,
    /// Those who wait for it to be stored, and those who wait for its outcome.
    storers: Vec<A>,
    askers: Vec<A>,
    parts: Parts,
    bytes: usize,
    until: Time,
}

enum State {
    /// It is being stored.
    New(Call),
    /// A worker is found for it, or has it.
    Running,
    /// Its outcome is being stored.
    Ended(Outcome),
    /// Its outcome is stored.
    Kept { outcome: Outcome, fetched: bool },
}

struct Wait {
    name: Name,
    until: Time,
}

/// What a change of the store was for.
enum Step<A> {
    Accept(u64),
    End(u64),
    Discard(Option<A>),
}

impl<A: Copy + Ord> Ledger<A> {
    /// Reads what the store held at `date`. [`ErrorKind::Corrupt`] for what no broker wrote.
    pub(super) fn recover(
        limits: StoreLimits,
        now: Time,
        date: Wall,
        records: Vec<(Bytes, Bytes)>,
        seed: u64,
    ) -> Result<Self> {
        let mut ledger = Self {
            limits,
            clock: (date, now),
            entries: BTreeMap::new(),
            bytes: 0,
            names: BTreeMap::new(),
            numbers: seed >> 1,
            waiting: BTreeMap::new(),
            waits: BTreeSet::new(),
            ages: BTreeSet::new(),
            fetched: BTreeSet::new(),
            changes: Vec::new(),
            steps: Vec::new(),
            sequence: 0,
            pending: VecDeque::new(),
            unstored: BTreeSet::new(),
            retry: None,
            deeds: VecDeque::new(),
        };
        for (key, value) in records {
            let size = value.len();
            let read = record::name(key).zip(Record::decode(value));
            let (name, record) = read.ok_or_else(|| {
                Error::new(ErrorKind::Corrupt, "the store holds something that is not of a broker of this version")
            })?;
            ledger.recovered(now, name, record, size);
        }
        Ok(ledger)
    }

    fn recovered(&mut self, now: Time, name: Name, record: Record, size: usize) {
        let number = self.enter(name.clone(), State::Running, size);
        match record {
            Record::Request { deadline, patience, attempts, service, body } => {
                if attempts == 1 {
                    let text = "the broker was lost, and the request may not be given to a worker twice";
                    return self.end(now, number, failed(ErrorKind::Unreachable, true, text));
                }
                let (deadline, patience) = (self.time(deadline), self.time(patience));
                let (key, task, durable, once) = (name.1, Task::Ask, false, false);
                let call = Call { service, key, body, deadline, patience, attempts, task, durable, once };
                self.deeds.push_back(Deed::Run { number, call });
            }
            Record::Outcome { since, outcome } => {
                let age = self.clock.0.as_nanos() / 1_000_000;
                let age = Duration::from_millis(age.saturating_sub(since));
                self.keep(now, number, outcome, self.limits.unfetched_age.saturating_sub(age));
            }
        }
    }

    /// The date of a time, in milliseconds.
    fn date(&self, time: Time) -> u64 {
        let (date, then) = (Duration::from_nanos(self.clock.0.as_nanos()), self.clock.1);
        u64::try_from(((date + (time - then)).saturating_sub(then - time)).as_millis()).unwrap_or(u64::MAX)
    }

    /// The time of a date.
    fn time(&self, date: u64) -> Time {
        let (then, date) = (Duration::from_nanos(self.clock.0.as_nanos()), Duration::from_millis(date));
        self.clock.1 + date.saturating_sub(then)
    }

    fn enter(&mut self, name: Name, state: State, bytes: usize) -> u64 {
        self.numbers += 1;
        self.bytes += bytes;
        self.names.insert(self.numbers, name.clone());
        let (storers, askers, parts) = (Vec::new(), Vec::new(), Parts::default());
        let entry = Entry { number: self.numbers, state, storers, askers, parts, bytes, until: Time::MAX };
        self.entries.insert(name, entry);
        self.numbers
    }

    /// How many requests and answers there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Nothing is on its way into the store, and nobody waits.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_empty() && self.steps.is_empty() && self.unstored.is_empty() && self.waiting.is_empty()
    }

    /// Somebody wants something of the request of this name. For everything he gets one outcome.
    pub(super) fn ask(&mut self, now: Time, asker: A, name: Name, call: Call) {
        if name.1.is_empty() {
            return self.tell(asker, failed(ErrorKind::InvalidArgument, false, "a request that is stored needs a key"));
        }
        if self.waiting.len().max(self.pending.len()) >= self.limits.records {
            return self.tell(asker, Outcome::Failed(full(SOON, "too many wait for the store")));
        }
        match (call.task, self.entries.get_mut(&name)) {
            (Task::Discard, _) => self.discard(asker, &name),
            (Task::Fetch, None) => {
                self.tell(asker, failed(ErrorKind::NotFound, true, "nothing is stored under this service and key"));
            }
            (Task::Store, Some(entry)) => match entry.state {
                State::New(_) => {
                    entry.storers.push(asker);
                    self.wait(asker, name, call.deadline);
                }
                _ => self.tell(asker, Outcome::Accepted),
            },
            (Task::Ask | Task::Fetch, Some(entry)) => match &entry.state {
                State::Kept { outcome, .. } => {
                    let (number, outcome) = (entry.number, outcome.clone());
                    self.tell(asker, outcome);
                    self.note_fetched(now, number);
                }
                _ => {
                    entry.askers.push(asker);
                    self.wait(asker, name, call.deadline);
                }
            },
            (Task::Ask | Task::Store, None) => self.accept(now, asker, name, call),
        }
    }

    fn wait(&mut self, asker: A, name: Name, until: Time) {
        self.waits.insert((until, asker));
        self.waiting.insert(asker, Wait { name, until });
    }

    fn accept(&mut self, now: Time, asker: A, name: Name, call: Call) {
        let Call { deadline, patience, attempts, task, .. } = call;
        if deadline <= now {
            let text = "the deadline had passed before the request came";
            return self.tell(asker, failed(ErrorKind::Timeout, false, text));
        }
        if self.retry.is_some() {
            return self.tell(asker, failed(ErrorKind::System, false, "the store takes nothing at present"));
        }
        let body = call.body.clone();
        let (service, deadline, patience) = (call.service.clone(), self.date(deadline), self.date(patience));
        let value = Record::Request { deadline, patience, attempts, service, body }.encode();
        while self.entries.len() >= self.limits.records || self.bytes + value.len() > self.limits.bytes {
            let Some((_, oldest)) = self.fetched.first().copied() else {
                return self.tell(asker, Outcome::Failed(full(SOON, "the store holds as much as it may")));
            };
            self.forget(oldest);
        }
        let until = call.deadline;
        self.changes.push(Change::Put { key: record::key(&name), value: value.clone() });
        let number = self.enter(name.clone(), State::New(call), value.len());
        self.steps.push(Step::Accept(number));
        let entry = self.entries.get_mut(&name).expect("it was just entered");
        if task == Task::Store {
            entry.storers.push(asker);
        } else {
            entry.askers.push(asker);
        }
        self.wait(asker, name, until);
    }

    fn discard(&mut self, asker: A, name: &Name) {
        if let Some(entry) = self.entries.get(name) {
            if matches!(entry.state, State::Running) {
                self.deeds.push_back(Deed::Withdraw { number: entry.number });
            }
            let (number, all) = (entry.number, [entry.storers.clone(), entry.askers.clone()].concat());
            for other in all {
                self.tell(other, failed(ErrorKind::Cancelled, true, "the request was discarded"));
            }
            self.drop_entry(number);
        }
        // Also what is not known: it may be in the store if that has failed to forget it.
        self.changes.push(Change::Remove { key: record::key(name) });
        self.steps.push(Step::Discard(Some(asker)));
    }

    /// Takes an answer out of the store.
    fn forget(&mut self, number: u64) {
        if let Some(name) = self.names.get(&number) {
            self.changes.push(Change::Remove { key: record::key(name) });
            self.steps.push(Step::Discard(None));
            self.drop_entry(number);
        }
    }

    fn drop_entry(&mut self, number: u64) {
        let Some(entry) = self.names.remove(&number).and_then(|name| self.entries.remove(&name)) else { return };
        self.bytes -= entry.bytes;
        self.ages.remove(&(entry.until, number));
        self.fetched.remove(&(entry.until, number));
        self.unstored.remove(&number);
    }

    /// What became of a request that was run.
    pub(super) fn told(&mut self, now: Time, number: u64, outcome: Outcome, max_parts: usize) {
        let Some(entry) = self.names.get(&number).and_then(|name| self.entries.get_mut(name)) else { return };
        match outcome {
            Outcome::Partial { run, body } => {
                if entry.parts.add(run, body) > max_parts {
                    self.deeds.push_back(Deed::Withdraw { number });
                    self.end(now, number, failed(ErrorKind::Full, true, "the parts of the answer are too large"));
                }
            }
            Outcome::Reply { run, body } => {
                let body = std::mem::take(&mut entry.parts).whole(run, body);
                self.end(now, number, Outcome::Reply { run: 0, body });
            }
            outcome => self.end(now, number, outcome),
        }
    }

    fn end(&mut self, now: Time, number: u64, outcome: Outcome) {
        let Some(name) = self.names.get(&number) else { return };
        let (key, since) = (record::key(name), self.date(now));
        let value = Record::Outcome { since, outcome: outcome.clone() }.encode();
        let entry = self.entries.get_mut(name).expect("a number belongs to an entry");
        self.bytes = self.bytes - entry.bytes + value.len();
        entry.bytes = value.len();
        entry.state = State::Ended(outcome);
        self.changes.push(Change::Put { key, value });
        self.steps.push(Step::End(number));
    }

    fn keep(&mut self, now: Time, number: u64, outcome: Outcome, age: Duration) {
        let Some(entry) = self.names.get(&number).and_then(|name| self.entries.get_mut(name)) else { return };
        entry.until = now + age;
        self.ages.insert((entry.until, number));
        let askers = std::mem::take(&mut entry.askers);
        for asker in &askers {
            self.waiting.remove(asker).map(|wait| self.waits.remove(&(wait.until, *asker)));
            self.deeds.push_back(Deed::Tell { asker: *asker, outcome: outcome.clone() });
        }
        entry.state = State::Kept { outcome, fetched: false };
        if !askers.is_empty() {
            self.note_fetched(now, number);
        }
    }

    fn note_fetched(&mut self, now: Time, number: u64) {
        let Some(entry) = self.names.get(&number).and_then(|name| self.entries.get_mut(name)) else { return };
        if let State::Kept { fetched: fetched @ false, .. } = &mut entry.state {
            *fetched = true;
            self.ages.remove(&(entry.until, number));
            entry.until = entry.until.min(now + self.limits.fetched_age);
            self.ages.insert((entry.until, number));
            self.fetched.insert((entry.until, number));
        }
    }

    fn tell(&mut self, asker: A, outcome: Outcome) {
        if let Some(wait) = self.waiting.remove(&asker) {
            self.waits.remove(&(wait.until, asker));
        }
        self.deeds.push_back(Deed::Tell { asker, outcome });
    }

    /// Nobody waits here any more. The request stays. False if he did not wait.
    pub(super) fn leave(&mut self, asker: A) -> bool {
        let Some(wait) = self.waiting.remove(&asker) else { return false };
        self.waits.remove(&(wait.until, asker));
        if let Some(entry) = self.entries.get_mut(&wait.name) {
            entry.storers.retain(|other| *other != asker);
            entry.askers.retain(|other| *other != asker);
        }
        true
    }

    /// Those who wait, in this range.
    pub(super) fn waiting_in(&self, range: std::ops::RangeInclusive<A>) -> Vec<A> {
        self.waiting.range(range).map(|(asker, _)| *asker).collect()
    }

    /// Whether he waits.
    pub(super) fn is_waiting(&self, asker: A) -> bool {
        self.waiting.contains_key(&asker)
    }

    /// What became of the request of this name; `None` while it is open. Whoever looks has it.
    pub(super) fn look(&mut self, now: Time, name: &Name) -> Result<Option<Outcome>> {
        let unknown = || Error::new(ErrorKind::NotFound, "nothing is stored under this service and key");
        let entry = self.entries.get(name).ok_or_else(unknown)?;
        let State::Kept { outcome, .. } = &entry.state else { return Ok(None) };
        let (number, outcome) = (entry.number, outcome.clone());
        self.note_fetched(now, number);
        Ok(Some(outcome))
    }

    /// Changes up to this number are durable.
    pub(super) fn stored(&mut self, now: Time, up_to: u64) {
        for step in self.steps_up_to(up_to) {
            self.follow(now, step);
        }
    }

    fn steps_up_to(&mut self, up_to: u64) -> Vec<Step<A>> {
        let later = self.pending.partition_point(|(sequence, _)| *sequence <= up_to);
        self.pending.drain(..later).flat_map(|(_, steps)| steps).collect()
    }

    fn follow(&mut self, now: Time, step: Step<A>) {
        match step {
            Step::Accept(number) => {
                let Some(entry) = self.names.get(&number).and_then(|name| self.entries.get_mut(name)) else { return };
                let storers = std::mem::take(&mut entry.storers);
                if let State::New(call) = std::mem::replace(&mut entry.state, State::Running) {
                    let call = Call { durable: false, once: false, task: Task::Ask, ..call };
                    self.deeds.push_back(Deed::Run { number, call });
                }
                for asker in storers {
                    self.tell(asker, Outcome::Accepted);
                }
            }
            Step::End(number) => {
                let Some(entry) = self.names.get_mut(&number).and_then(|name| self.entries.get_mut(name)) else {
                    return;
                };
                if let State::Ended(outcome) = &mut entry.state {
                    let outcome = std::mem::replace(outcome, Outcome::Accepted);
                    self.keep(now, number, outcome, self.limits.unfetched_age);
                }
            }
            Step::Discard(asker) => asker.into_iter().for_each(|asker| self.tell(asker, Outcome::Accepted)),
        }
    }

    /// Changes up to this number are not in the store. Whether some of them appear after a crash, nobody knows.
    pub(super) fn failed(&mut self, now: Time, up_to: u64, error: &Error) {
        for step in self.steps_up_to(up_to) {
            self.not_stored(now, step, error);
        }
    }

    fn not_stored(&mut self, now: Time, step: Step<A>, error: &Error) {
        let outcome = failed(error.kind(), true, &format!("the store failed: {error}"));
        match step {
            Step::Accept(number) => {
                let Some(entry) = self.names.get(&number).and_then(|name| self.entries.get(name)) else { return };
                for asker in [entry.storers.clone(), entry.askers.clone()].concat() {
                    self.tell(asker, outcome.clone());
                }
                self.drop_entry(number);
            }
            Step::End(number) => {
                if self.names.contains_key(&number) {
                    self.unstored.insert(number);
                    self.retry = Some(now + RETRY);
                }
            }
            Step::Discard(asker) => asker.into_iter().for_each(|asker| self.tell(asker, outcome.clone())),
        }
    }

    /// What has come to its end by `now`.
    pub(super) fn expire(&mut self, now: Time) {
        while let Some((until, asker)) = self.waits.first().copied()
            && until <= now
        {
            self.leave(asker);
            let text = "the deadline passed; what is stored is done all the same";
            self.tell(asker, failed(ErrorKind::Timeout, true, text));
        }
        while let Some((until, number)) = self.ages.first().copied()
            && until <= now
        {
            self.forget(number);
        }
        if self.retry.is_some_and(|at| at <= now) {
            self.retry = None;
            for number in std::mem::take(&mut self.unstored) {
                let entry = self.names.get(&number).and_then(|name| self.entries.get_mut(name));
                if let Some(Entry { state: State::Ended(outcome), .. }) = entry {
                    let outcome = outcome.clone();
                    self.end(now, number, outcome);
                }
            }
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        let waits = self.waits.first().map(|(until, _)| *until);
        let ages = self.ages.first().map(|(until, _)| *until);
        earliest([waits, ages, self.retry])
    }

    pub(super) fn poll(&mut self) -> Option<Deed<A>> {
        self.deeds.pop_front()
    }

    /// All changes of a turn go into the store together.
    pub(super) fn store<E>(&mut self) -> Option<Output<E>> {
        if self.steps.is_empty() {
            return None;
        }
        self.sequence += 1;
        self.pending.push_back((self.sequence, std::mem::take(&mut self.steps)));
        Some(Output::Store { sequence: self.sequence, changes: std::mem::take(&mut self.changes) })
    }
}

fn failed(kind: ErrorKind, may_have_run: bool, text: &str) -> Outcome {
    Outcome::Failed(Failure { kind, may_have_run, retry_after: Duration::ZERO, text: text.to_owned() })
}
