//! What a subscriber brings, in its order.

use std::collections::VecDeque;

use bytes::Bytes;
use zpatterns_engine::{Error, ErrorKind, Result};
use zpatterns_protocol::{
    machine::Frames,
    pubsub::{LostReason, Message, Missed, SubscriberEvent as Event, Taken},
};

/// Something that a subscriber asked for, under this number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Subscription(pub u32);

/// What a subscriber brings. Frames share the memory of what they came with: who keeps a few of many for long, copies them.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SubscriberEvent {
    /// The publisher knows who this is.
    Connected,
    /// The subscription is there; what follows belongs to it.
    Subscribed {
        /// Which.
        subscription: Subscription,
    },
    /// This was published.
    Message {
        /// The subscription that asked for it.
        subscription: Subscription,
        /// The stream to which it belongs.
        stream: Bytes,
        /// Its number in the stream.
        number: u64,
        /// What it is about.
        subject: Bytes,
        /// What was published.
        frames: Frames,
    },
    /// This was published, and will not come.
    Missed {
        /// The subscription that asked for it.
        subscription: Subscription,
        /// The stream to which it belongs.
        stream: Bytes,
        /// The first number, in the stream.
        first: u64,
        /// The last.
        last: u64,
        /// How many of these were for this subscription; 0 if nobody knows.
        count: u64,
        /// Why.
        reason: LostReason,
    },
    /// The subscription is not there, or not any more.
    Rejected {
        /// Which.
        subscription: Subscription,
        /// Why: [`ErrorKind::PermissionDenied`], [`ErrorKind::Full`], or [`ErrorKind::WrongState`] if the same is subscribed to already.
        error: Error,
    },
    /// The publisher has started anew. What it had published and not sent is lost with it; the numbers begin again.
    Restarted,
}

/// What is known of what was told so far: it is needed to say what comes next.
#[derive(Default)]
pub(super) struct Reading {
    /// The names of the publisher's streams.
    streams: Vec<Bytes>,
    restarts: u64,
    /// What the program was given and the machine does not know of: of each view, in order.
    taken: Vec<Taken>,
    taken_messages: u64,
    taken_bytes: u64,
}

/// What the program was given that the machine is to know.
pub(super) struct Given {
    pub(super) restarts: u64,
    pub(super) taken: Vec<Taken>,
}

impl Reading {
    /// Takes as many as are wanted from what there is: no more once they have `max_bytes`, each frame and each of them counted as 32
    /// more. An error is the end: it stays, for whoever comes next.
    pub(super) fn take(
        &mut self,
        from: &mut VecDeque<Event>,
        max_events: usize,
        max_bytes: usize,
    ) -> Result<Vec<SubscriberEvent>> {
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while taken.len() < max_events.max(1)
            && (bytes < max_bytes || taken.is_empty())
            && let Some(first) = from.front_mut()
        {
            match first {
                Event::Messages(run) => {
                    let Some(message) = run.front() else {
                        from.pop_front();
                        continue;
                    };
                    let cost = cost_of(message);
                    if bytes + cost > max_bytes && !taken.is_empty() {
                        break;
                    }
                    bytes += cost;
                    let message = run.pop_front().expect("there is one");
                    if run.is_empty() {
                        from.pop_front();
                    }
                    taken.push(self.message(message, cost));
                }
                Event::Refused(_) | Event::Died { .. } | Event::Failed(_) => {
                    if taken.is_empty() {
                        return Err(end_of(first));
                    }
                    break;
                }
                _ => {
                    bytes += 32;
                    let event = from.pop_front().expect("there is one");
                    taken.extend(self.notice(event));
                }
            }
        }
        Ok(taken)
    }

    fn message(&mut self, message: Message, cost: usize) -> SubscriberEvent {
        let Message { subscription, stream, number, subject, frames } = message;
        self.note(Taken { number: subscription, stream, up_to: number });
        self.taken_messages += 1;
        self.taken_bytes += cost as u64;
        let (subscription, stream) = (Subscription(subscription), self.name(stream));
        SubscriberEvent::Message { subscription, stream, number, subject, frames }
    }

    fn notice(&mut self, event: Event) -> Option<SubscriberEvent> {
        Some(match event {
            Event::Connected { streams } => {
                self.streams = streams;
                SubscriberEvent::Connected
            }
            Event::Restarted => {
                self.restarts += 1;
                self.forget_taken();
                SubscriberEvent::Restarted
            }
            Event::Subscribed { number } => SubscriberEvent::Subscribed { subscription: Subscription(number) },
            Event::Rejected { number, refusal } => {
                SubscriberEvent::Rejected { subscription: Subscription(number), error: crate::host::refused(&refusal) }
            }
            Event::Missed(Missed { number, stream, first, last, count, reason }) => {
                self.note(Taken { number, stream, up_to: last });
                let (subscription, stream) = (Subscription(number), self.name(stream));
                SubscriberEvent::Missed { subscription, stream, first, last, count, reason }
            }
            _ => return None,
        })
    }

    fn name(&self, stream: u16) -> Bytes {
        self.streams.get(usize::from(stream)).cloned().unwrap_or_default()
    }

    fn note(&mut self, next: Taken) {
        // Most of what follows is of the same view.
        let known = self
            .taken
            .iter_mut()
            .rev()
            .take(8)
            .find(|known| (known.number, known.stream) == (next.number, next.stream));
        match known {
            Some(known) => known.up_to = next.up_to,
            None => self.taken.push(next),
        }
    }

    /// What the machine is to be told, if the program was given as much as this; the machine knows of it from now on.
    pub(super) fn tell(&mut self, (messages, bytes): (u64, u64)) -> Option<Given> {
        if self.taken.is_empty() || (self.taken_messages < messages && self.taken_bytes < bytes) {
            return None;
        }
        let taken = std::mem::take(&mut self.taken);
        self.forget_taken();
        Some(Given { restarts: self.restarts, taken })
    }

    fn forget_taken(&mut self) {
        self.taken.clear();
        (self.taken_messages, self.taken_bytes) = (0, 0);
    }
}

fn cost_of(message: &Message) -> usize {
    message.subject.len() + message.frames.iter().map(|frame| frame.len() + 32).sum::<usize>() + 32
}

/// Why no more comes.
fn end_of(event: &Event) -> Error {
    match event {
        Event::Refused(refusal) => crate::host::refused(refusal),
        Event::Died { number, lag } => {
            Error::new(ErrorKind::Full, "the program is so late that its subscriber has ended")
                .with("subscription", number)
                .with("lag", lag)
        }
        Event::Failed(error) => error.clone(),
        other => unreachable!("{other:?} is not the end"),
    }
}
