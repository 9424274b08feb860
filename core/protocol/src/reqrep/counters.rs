//! What happened to requests, in the words used everywhere.

use crate::ErrorKind;

/// Writes the reasons, their names and their number from one list.
macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal;)*) => {
        /// Why a request that was accepted got no answer from a responder.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Reason {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in counters.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

reasons! {
    /// Its deadline passed.
    Deadline = "deadline";
    /// It waited longer than a request may.
    Age = "age";
    /// Nobody offered its service for as long as it would wait.
    NoService = "no_service";
    /// Responders were lost as often as it may be given to one.
    Attempts = "attempts";
    /// A responder said that it failed.
    Responder = "responder";
    /// Who asked took it back.
    Cancelled = "cancelled";
    /// Who asked is gone.
    Asker = "asker_gone";
    /// The handle was closed.
    Closed = "closed";
}

/// Requests by what became of them: `accepted = delivered + lost + held`, always.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Counters {
    /// Taken responsibility for.
    pub accepted: u64,
    /// Answered by a responder, with a reply or with an error of its own.
    pub delivered: u64,
    /// Given to another responder after one was lost; counts how often.
    pub redelivered: u64,
    /// Lost, by [`Reason`].
    pub lost: [u64; Reason::ALL.len()],
    /// Still open.
    pub held: u64,
    /// Of those, not given to a responder.
    pub waiting: u64,
    /// Refused because too many were there; not accepted.
    pub refused_full: u64,
    /// Refused for another reason; not accepted.
    pub refused_other: u64,
    /// Answers of responders that had been given up, and that were used.
    pub late_used: u64,
    /// Answers that nobody waited for.
    pub late_dropped: u64,
    /// Requests answered from the cache of those that are run once.
    pub from_cache: u64,
    /// Requests that joined another of the same key.
    pub joined: u64,
    /// Durable requests and their answers that are in the store, or on their way into it.
    pub stored: u64,
    /// Messages that made no sense.
    pub malformed: u64,
}

impl Counters {
    pub(super) fn lose(&mut self, reason: Reason, count: u64) {
        self.lost[reason as usize] += count;
    }

    pub(super) fn refuse(&mut self, kind: ErrorKind) {
        if kind == ErrorKind::Full {
            self.refused_full += 1;
        } else {
            self.refused_other += 1;
        }
    }

    /// Lost for any reason.
    pub fn all_lost(&self) -> u64 {
        self.lost.iter().sum()
    }

    /// What must always be so.
    pub fn balances(&self) -> bool {
        self.accepted == self.delivered + self.all_lost() + self.held
    }
}
