//! What one may hear.

use bytes::Bytes;

use super::wrong;
use crate::{Result, pubsub::Criterion};

/// The most rules of one user, group or everyone: so many allow, and as many deny.
pub const MAX_RULES: usize = 10_000;

/// Allow and deny by criterion. Deny wins; nothing is allowed that no rule allows.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Rules {
    /// What may be heard.
    pub allow: Vec<Criterion>,
    /// What may not be heard, whatever is allowed.
    pub deny: Vec<Criterion>,
}

impl Rules {
    /// Everything may be heard: allows the empty prefix.
    pub fn everything() -> Self {
        Self { allow: vec![Criterion::Prefix(Bytes::new())], deny: Vec::new() }
    }

    /// Whether this may be heard.
    ///
    /// Looks at one rule after the other, first at those that allow, until one does, and then at those that deny. A
    /// rule takes 5 to 20 ns, so 10 rules less than a quarter of a microsecond and 10,000 up to 0.2 ms. Whoever has so
    /// many and often publishes on the same subjects, keeps the answers.
    pub fn may(&self, subject: &[u8]) -> bool {
        let matches = |rule: &Criterion| rule.matches(subject);
        self.allow.iter().any(matches) && !self.deny.iter().any(matches)
    }

    /// Whether a subscription makes sense: some rule allows a part of it, and no rule denies all of it.
    ///
    /// It may say yes though nothing of it may be heard: when several rules together deny all of it, or when what is
    /// allowed of it is denied, while other parts are not. That costs nothing but a subscription, as [`may`](Self::may)
    /// decides about each publication. It says no only if nothing of it may be heard that is a
    /// [subject](crate::pubsub::check_subject).
    pub fn may_some(&self, criterion: &Criterion) -> bool {
        self.allow.iter().any(|allow| allow.overlaps(criterion)) && !self.deny.iter().any(|deny| deny.covers(criterion))
    }

    /// Those of several, each once and in order, so that the same rights are equal.
    pub(super) fn together<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut together = Self::default();
        for rules in all {
            together.allow.extend_from_slice(&rules.allow);
            together.deny.extend_from_slice(&rules.deny);
        }
        for rules in [&mut together.allow, &mut together.deny] {
            rules.sort_unstable();
            rules.dedup();
        }
        together
    }

    pub(super) fn check(&self) -> Result<()> {
        let is_sound = self.allow.len() <= MAX_RULES && self.deny.len() <= MAX_RULES;
        if is_sound { Ok(()) } else { Err(wrong("there are at most 10,000 rules that allow, and as many that deny")) }
    }
}
