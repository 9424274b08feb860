//! What a subscriber brings, on its way to JavaScript.
//!
//! A string costs JavaScript more than the rest of a message, and most messages are about few subjects. So the names of
//! streams and subjects come once, as the frames of what stands first, and the others have their places among them.

use std::collections::HashMap;

use zpatterns::pubsub::{SubscriberEvent, Subscription};

use crate::{
    error::line,
    packing::{Packing, halves},
};

/// How many facts JavaScript gets with an event: what it is, and the subscription; the places of its stream and its
/// subject among the names, or instead of the subject a reason or the number of an error; the two halves of its number in
/// the stream. What stands first has only the number of names.
pub(super) const FACTS: usize = 6;

/// Names that were met, in their order.
#[derive(Default)]
struct Names<'a> {
    places: HashMap<&'a [u8], u32>,
    all: Vec<&'a [u8]>,
}

impl<'a> Names<'a> {
    fn place(&mut self, name: &'a [u8]) -> u32 {
        *self.places.entry(name).or_insert_with(|| {
            self.all.push(name);
            self.all.len() as u32 - 1
        })
    }
}

/// A name and its place, for the next that is the same.
struct Last<'a>(&'a [u8], u32);

impl<'a> Last<'a> {
    fn place(&mut self, names: &mut Names<'a>, name: &'a [u8]) -> u32 {
        if self.0 != name || name.is_empty() {
            *self = Self(name, names.place(name));
        }
        self.1
    }
}

/// Events with their facts. Their kinds are numbered as in `lib/pubsub/event.ts`.
pub(super) fn packed(events: &[SubscriberEvent]) -> Packing<FACTS> {
    let mut names = Names::default();
    let (mut last_stream, mut last_subject) = (Last(b"", 0), Last(b"", 0));
    let places: Vec<[u32; 2]> = events
        .iter()
        .map(|event| match event {
            SubscriberEvent::Message { stream, subject, .. } => {
                [last_stream.place(&mut names, stream), last_subject.place(&mut names, subject)]
            }
            SubscriberEvent::Missed { stream, .. } => [last_stream.place(&mut names, stream), 0],
            _ => [0, 0],
        })
        .collect();
    let mut packing = Packing::default();
    packing.add([names.all.len() as u32, 0, 0, 0, 0, 0], names.all);
    for (event, [stream, subject]) in events.iter().zip(places) {
        add(&mut packing, event, stream, subject);
    }
    packing
}

fn add(packing: &mut Packing<FACTS>, event: &SubscriberEvent, stream: u32, subject: u32) {
    match event {
        SubscriberEvent::Message { subscription: Subscription(subscription), number, frames, .. } => {
            let [low, high] = halves(*number);
            packing.add([0, *subscription, stream, subject, low, high], frames.iter().map(|frame| &frame[..]));
        }
        SubscriberEvent::Connected => packing.add([1, 0, 0, 0, 0, 0], []),
        SubscriberEvent::Subscribed { subscription: Subscription(subscription) } => {
            packing.add([2, *subscription, 0, 0, 0, 0], []);
        }
        SubscriberEvent::Missed { subscription: Subscription(subscription), first, last, count, reason, .. } => {
            let [low, high] = halves(*first);
            let [last, count] = [last, count].map(|number| (*number as f64).to_le_bytes());
            packing.add([3, *subscription, stream, *reason as u32, low, high], [&last[..], &count[..]]);
        }
        SubscriberEvent::Rejected { subscription: Subscription(subscription), error } => {
            let number = error.kind().code().into();
            packing.add([4, *subscription, 0, number, 0, 0], [line(error).as_bytes()]);
        }
        SubscriberEvent::Restarted => packing.add([5, 0, 0, 0, 0, 0], []),
        // Core may have more kinds than this binding was written for.
        _ => {}
    }
}
