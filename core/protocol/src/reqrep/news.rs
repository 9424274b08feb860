//! What happens at a broker, for who watches it.
//!
//! Counters say how often; news say what, one by one and in order. They are kept only while somebody watches, and not without
//! bound: what did not fit is counted, and the count stands where it was missed.

use std::collections::VecDeque;

use bytes::Bytes;

use super::counters::Reason;

/// How many wait to be taken, at most.
const MAX_KEPT: usize = 1024;

/// Something that happened.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum News {
    /// A worker offers a service.
    WorkerJoined {
        /// Its number, as in [`PeerCounters`](super::PeerCounters).
        worker: u64,
        /// What it offers.
        service: Bytes,
    },
    /// A worker offers it no more: it closed, is silent for too long, or its session is lost.
    WorkerGone {
        /// Its number.
        worker: u64,
        /// What it offered.
        service: Bytes,
        /// Requests that it had; those that may be given again go to others.
        held: u64,
        /// It had said that it leaves.
        left: bool,
    },
    /// Requests that were accepted ended without a worker's answer.
    Lost {
        /// What they asked for.
        service: Bytes,
        /// Why.
        reason: Reason,
        /// How many: those of one key that are run once end together.
        requests: u64,
    },
    /// So many news before the next ones were not taken in time.
    Missed {
        /// How many.
        news: u64,
    },
}

/// Writes the kinds and their names from one list.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal;)*) => {
        /// What [`News`] are about.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[non_exhaustive]
        pub enum NewsKind {
            $($(#[doc = $doc])+ $name,)*
        }

        impl NewsKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name in snake case, the same in every language.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

kinds! {
    /// [`News::WorkerJoined`].
    WorkerJoined = "worker_joined";
    /// [`News::WorkerGone`].
    WorkerGone = "worker_gone";
    /// [`News::Lost`].
    Lost = "lost";
    /// [`News::Missed`].
    Missed = "missed";
}

/// [`News`] as one record, for languages whose enumerations have no fields. Those of its kind are there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewsRecord {
    /// What they are about.
    pub kind: NewsKind,
    /// What a worker offers or offered, or what was asked for.
    pub service: Option<Bytes>,
    /// The worker's number.
    pub worker: Option<u64>,
    /// Requests that the worker had who is gone, or that are lost.
    pub requests: Option<u64>,
    /// Whether the worker had said that it leaves.
    pub left: Option<bool>,
    /// Why requests are lost.
    pub reason: Option<Reason>,
    /// How many news were missed.
    pub missed: Option<u64>,
}

impl From<News> for NewsRecord {
    fn from(news: News) -> Self {
        let none =
            |kind| Self { kind, service: None, worker: None, requests: None, left: None, reason: None, missed: None };
        match news {
            News::WorkerJoined { worker, service } => {
                Self { service: Some(service), worker: Some(worker), ..none(NewsKind::WorkerJoined) }
            }
            News::WorkerGone { worker, service, held, left } => Self {
                service: Some(service),
                worker: Some(worker),
                requests: Some(held),
                left: Some(left),
                ..none(NewsKind::WorkerGone)
            },
            News::Lost { service, reason, requests } => {
                Self { service: Some(service), requests: Some(requests), reason: Some(reason), ..none(NewsKind::Lost) }
            }
            News::Missed { news } => Self { missed: Some(news), ..none(NewsKind::Missed) },
        }
    }
}

/// News on their way to who watches.
#[derive(Default)]
pub(super) struct Feed {
    /// Whether anybody has asked for news; before that, none are kept.
    is_watched: bool,
    /// How many more may be told.
    credit: usize,
    kept: VecDeque<News>,
    missed: u64,
}

impl Feed {
    /// So many more may be told.
    pub(super) fn allow(&mut self, more: usize) {
        self.is_watched = true;
        self.credit = self.credit.saturating_add(more);
    }

    pub(super) fn add(&mut self, make: impl FnOnce() -> News) {
        if !self.is_watched {
            return;
        }
        if self.missed > 0 || self.kept.len() >= MAX_KEPT {
            self.missed += 1;
        } else {
            self.kept.push_back(make());
        }
    }

    /// The next that may be told.
    pub(super) fn take(&mut self) -> Option<News> {
        self.credit = self.credit.checked_sub(1)?;
        let next = self.kept.pop_front().or_else(|| {
            let news = std::mem::take(&mut self.missed);
            (news > 0).then_some(News::Missed { news })
        });
        if next.is_none() {
            self.credit += 1;
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(worker: u64) -> News {
        News::WorkerJoined { worker, service: Bytes::from_static(b"s") }
    }

    #[test]
    fn a_record_has_what_is_of_its_kind() {
        let gone = NewsRecord::from(News::WorkerGone { worker: 7, service: "s".into(), held: 2, left: true });
        assert_eq!(
            (gone.kind.name(), gone.worker, gone.requests, gone.left),
            ("worker_gone", Some(7), Some(2), Some(true))
        );
        assert_eq!((gone.reason, gone.missed), (None, None));
        let lost = NewsRecord::from(News::Lost { service: "s".into(), reason: Reason::Age, requests: 3 });
        assert_eq!((lost.kind, lost.worker, lost.requests), (NewsKind::Lost, None, Some(3)));
        assert_eq!((lost.reason, lost.left), (Some(Reason::Age), None));
        let missed = NewsRecord::from(News::Missed { news: 4 });
        assert_eq!((missed.kind, missed.service, missed.missed), (NewsKind::Missed, None, Some(4)));
        assert_eq!(NewsRecord::from(news(1)).kind, NewsKind::WorkerJoined);
    }

    #[test]
    fn nothing_is_kept_for_nobody() {
        let mut feed = Feed::default();
        feed.add(|| news(1));
        feed.allow(1);
        assert_eq!(feed.take(), None);
        feed.add(|| news(2));
        feed.add(|| news(3));
        assert_eq!((feed.take(), feed.take()), (Some(news(2)), None), "as many as were asked for");
        feed.allow(5);
        assert_eq!((feed.take(), feed.take()), (Some(news(3)), None));
        assert_eq!(feed.credit, 4);
    }

    #[test]
    fn what_does_not_fit_is_counted_in_its_place() {
        let mut feed = Feed::default();
        feed.allow(usize::MAX);
        (0..MAX_KEPT as u64 + 10).for_each(|worker| feed.add(|| news(worker)));
        for worker in 0..MAX_KEPT as u64 {
            assert_eq!(feed.take(), Some(news(worker)));
        }
        feed.add(|| news(0));
        assert_eq!(feed.take(), Some(News::Missed { news: 11 }), "none that came later stands before it");
        feed.add(|| news(1));
        assert_eq!((feed.take(), feed.take()), (Some(news(1)), None));
    }
}
