//! What comes from the publisher, on its way into the views.

use bytes::Bytes;

use super::{
    Frames, Message, Missed, Number, Output, Role, SLACK, StreamId, Subscriber, SubscriberEvent, Time, View, Wire,
    views::{Found, Part},
};
use crate::pubsub::wire::{Entry, entries, read_shared, topic};

impl Subscriber {
    /// Listens to the shared path.
    pub(super) fn hear(&mut self, stream: StreamId) {
        let told = self.welcome.as_ref().and_then(|welcome| welcome.shared.clone());
        let told = told.map(|told| reachable(&String::from_utf8_lossy(&told), &self.options.connect));
        let Some(endpoint) = self.options.shared.clone().or(told) else { return };
        if self.shared.as_ref().is_none_or(|(_, connected, _)| *connected != endpoint) {
            let socket = self.next_socket();
            if let Some((before, ..)) = self.shared.take() {
                self.outputs.push_back(Output::Close { socket: before });
            }
            self.outputs.push_back(Output::Open { socket, role: Role::Sub });
            self.outputs.push_back(Output::Connect { socket, endpoint: endpoint.clone() });
            self.shared = Some((socket, endpoint, Vec::new()));
        }
        let Some((socket, _, streams)) = &mut self.shared else { return };
        if !streams.contains(&stream)
            && let Some(name) = self.streams.get(usize::from(stream))
        {
            streams.push(stream);
            self.outputs.push_back(Output::Subscribe { socket: *socket, prefix: topic(name).into() });
        }
    }

    /// Something came over the shared path.
    pub(super) fn heard(&mut self, now: Time, mut frames: Frames) {
        let read = frames.pop().filter(|_| frames.is_empty()).and_then(read_shared);
        let Some((name, epoch, mut all)) = read else {
            self.counters.malformed += 1;
            return;
        };
        let Some(stream) = self.streams.iter().position(|stream| *stream == name) else { return };
        if epoch != self.epoch {
            // Of another life of the publisher, of which the link will tell.
            return;
        }
        let stream = stream as StreamId;
        let most = (self.options.max_messages, self.options.max_bytes);
        let mut sharing = self.sharing(stream).into_iter().peekable();
        while let Some(number) = sharing.next() {
            let is_last = sharing.peek().is_none();
            let has_room = self.has_room();
            let Some(subscription) = self.subscriptions.get_mut(&number) else { continue };
            let Some(view) = subscription.views.get_mut(&stream) else { continue };
            let mut run = Vec::with_capacity(all.len());
            for (at, subject, frames) in &mut all {
                view.know(now, *at);
                if !has_room && *at > view.last {
                    // It is repaired when there is room.
                    continue;
                }
                match view.place(*at, subject, frames, most) {
                    Found::Next => {
                        if subscription.options.criterion.matches(subject) {
                            // Nobody needs it any more once the last has it.
                            let (subject, frames) = if is_last {
                                (std::mem::take(subject), std::mem::take(frames))
                            } else {
                                (subject.clone(), frames.clone())
                            };
                            run.push(Message { subscription: number, stream, number: *at, subject, frames });
                        }
                        view.pending(number, stream, &subscription.options.criterion, &mut run);
                    }
                    Found::Before => self.counters.duplicates += 1,
                    Found::Later => {}
                }
            }
            self.deliver_run(now, number, stream, run);
            self.ask(now, number, stream);
        }
    }

    pub(super) fn publications(&mut self, now: Time, pack: Bytes) {
        let most = (self.options.max_messages, self.options.max_bytes);
        let (is_overfull, mut ends) = (self.is_overfull(), false);
        let mut run: Vec<Message> = Vec::new();
        for entry in entries(pack) {
            let Some(entry) = entry else {
                self.counters.malformed += 1;
                break;
            };
            let (number, stream) = (entry.subscription, entry.stream);
            if run.last().is_some_and(|last| (last.subscription, last.stream) != (number, stream)) {
                let run = std::mem::take(&mut run);
                self.deliver_run(now, run[0].subscription, run[0].stream, run);
            }
            let Some(subscription) = self.subscriptions.get_mut(&number) else { continue };
            let Some(view) = subscription.views.get_mut(&stream) else { continue };
            if entry.previous >= entry.number {
                self.counters.malformed += 1;
            } else if view.shared {
                view.know(now, entry.number);
                if is_overfull {
                    // It is repaired when there is room.
                    continue;
                }
                self.counters.repaired += 1;
                match view.place(entry.number, &entry.subject, &entry.frames, most) {
                    Found::Next => {
                        let message = to_message(entry);
                        if subscription.options.criterion.matches(&message.subject) {
                            run.push(message);
                        }
                        view.pending(number, stream, &subscription.options.criterion, &mut run);
                    }
                    Found::Before => self.counters.duplicates += 1,
                    Found::Later => {}
                }
            } else if entry.number <= view.last {
                self.counters.duplicates += 1;
            } else if is_overfull {
                // Whoever sends more than anybody asked for begins anew, and goes on after the last that is here.
                self.counters.malformed += 1;
                ends = true;
                break;
            } else {
                if entry.previous > view.last {
                    // Nobody said why.
                    let missed = view.skip(number, stream, entry.previous);
                    let run = std::mem::take(&mut run);
                    self.deliver_run(now, number, stream, run);
                    self.tell_missed(missed);
                }
                if let Some(view) = self.view(number, stream) {
                    view.last = entry.number;
                    run.push(to_message(entry));
                }
            }
        }
        if let Some(first) = run.first() {
            self.deliver_run(now, first.subscription, first.stream, run);
        }
        if ends {
            self.start_over(now);
        }
    }

    /// Messages of one view that follow each other.
    pub(super) fn deliver_run(&mut self, now: Time, number: Number, stream: StreamId, run: Vec<Message>) {
        let Some(view) = self.view(number, stream) else { return };
        let (messages, bytes) = view.deliver(now, &run);
        self.waiting = (self.waiting.0 + messages, self.waiting.1 + bytes);
        self.counters.delivered += messages;
        if !run.is_empty() {
            self.events.push_back(SubscriberEvent::Messages(run.into()));
        }
        self.tell_soon(now, number, stream);
    }

    pub(super) fn missed(&mut self, now: Time, missed: Missed) {
        let (number, stream) = (missed.number, missed.stream);
        if missed.first == 0 || missed.first > missed.last || missed.count > missed.last - missed.first + 1 {
            self.counters.malformed += 1;
            return;
        }
        let Some(subscription) = self.subscriptions.get_mut(&number) else { return };
        let Some(view) = subscription.views.get_mut(&stream) else { return };
        let mut run = Vec::new();
        let parts = view.missed(&missed, &subscription.options.criterion, &mut run);
        for part in parts {
            match part {
                Part::Missed(missed) => self.tell_missed(missed),
                Part::Run(run) => self.deliver_run(now, number, stream, run),
            }
        }
        self.deliver_run(now, number, stream, run);
        self.ask(now, number, stream);
    }

    /// The program is told what it missed. Numbers are the publisher's, and it may say any.
    pub(super) fn tell_missed(&mut self, missed: Missed) {
        let count = if missed.count > 0 { missed.count } else { missed.last - missed.first + 1 };
        self.counters.missed = self.counters.missed.saturating_add(count);
        self.notice(SubscriberEvent::Missed(missed));
    }

    pub(super) fn has_room(&self) -> bool {
        let (messages, bytes) = self.held();
        messages < u64::from(self.options.max_messages) && bytes < u64::from(self.options.max_bytes)
    }

    /// There is more than a publisher sends that keeps to the window: what is asked for again when there is room is not taken in.
    fn is_overfull(&self) -> bool {
        let (messages, bytes) = self.held();
        let most = (u64::from(self.options.max_messages), u64::from(self.options.max_bytes));
        messages > 4 * most.0 + SLACK.0 || bytes > 4 * most.1 + SLACK.1
    }

    /// Asks for what the shared path has lost, if there is room for it.
    pub(super) fn ask(&mut self, now: Time, number: Number, stream: StreamId) {
        if self.welcome.is_none() {
            return;
        }
        if !self.has_room() {
            self.behind.insert((number, stream));
            return;
        }
        if let Some((first, last)) = self.view(number, stream).and_then(View::missing) {
            self.send(now, Wire::Repair { number, stream, first, last });
        }
    }
}

fn to_message(entry: Entry) -> Message {
    let Entry { subscription, stream, number, subject, frames, .. } = entry;
    Message { subscription, stream, number, subject, frames }
}

/// Where a publisher that listens on every address is reached: where it was reached before.
fn reachable(told: &str, connected: &str) -> String {
    let host_of = |endpoint: &str| endpoint.rsplit_once(':').map(|(host, _)| host.to_owned());
    let everywhere = ["tcp://*", "tcp://0.0.0.0", "tcp://[::]"];
    match (told.rsplit_once(':'), host_of(connected)) {
        (Some((host, port)), Some(reached)) if everywhere.contains(&host) => format!("{reached}:{port}"),
        _ => told.to_owned(),
    }
}
