//! Answers to requests that are run once.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;

use super::dispatch::Outcome;
use crate::Time;

/// A service and a key.
type Name = (Bytes, Bytes);

/// Bounded by count, bytes and age; the oldest goes first.
pub(super) struct Cache {
    max: usize,
    max_bytes: usize,
    age: Duration,
    answers: BTreeMap<Name, (Time, Outcome)>,
    order: VecDeque<(Time, Name)>,
    bytes: usize,
}

impl Cache {
    pub(super) fn new(max: usize, max_bytes: usize, age: Duration) -> Self {
        Self { max, max_bytes, age, answers: BTreeMap::new(), order: VecDeque::new(), bytes: 0 }
    }

    pub(super) fn get(&mut self, now: Time, name: &Name) -> Option<Outcome> {
        self.trim(now);
        self.answers.get(name).map(|(_, outcome)| outcome.clone())
    }

    /// Keeps a final answer, unless it is larger than all that may be kept.
    pub(super) fn put(&mut self, now: Time, name: Name, outcome: &Outcome) {
        let bytes = size(&name, outcome);
        if bytes > self.max_bytes || self.max == 0 || self.answers.contains_key(&name) {
            return;
        }
        self.bytes += bytes;
        self.order.push_back((now, name.clone()));
        self.answers.insert(name, (now, outcome.clone()));
        self.trim(now);
    }

    fn trim(&mut self, now: Time) {
        while let Some((since, _)) = self.order.front()
            && (self.answers.len() > self.max || self.bytes > self.max_bytes || now - *since >= self.age)
        {
            let (_, name) = self.order.pop_front().expect("it was there");
            if let Some((_, outcome)) = self.answers.remove(&name) {
                self.bytes -= size(&name, &outcome);
            }
        }
    }
}

fn size(name: &Name, outcome: &Outcome) -> usize {
    let body = match outcome {
        Outcome::Reply { body, .. } | Outcome::Error { body, .. } | Outcome::Partial { body, .. } => body,
        Outcome::Failed(_) | Outcome::Accepted => return name.0.len() + name.1.len(),
    };
    name.0.len() + name.1.len() + super::size(body)
}
