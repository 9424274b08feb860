//! One source, as a receiver knows it.

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use fastrand::Rng;

use super::{
    Asking, Event, ReceiverOptions, SourceCounters, SourceId, To,
    repair::RepairTime,
    stream::{Next, Placed, Stream},
};
use crate::{
    framing::Unpacker,
    packet::{Body, Flow, MAX_LIST, NakKind, OptionsBuffer, Packet},
    sequence::Sqn,
};

/// Who knows no address asks for one so soon, and then ever more rarely.
const TO_ASK_FOR_SPM: Duration = Duration::from_millis(5);
/// And so often.
const SPMRS: u32 = 8;
/// Questions that all may hear go no further than the next router.
const NEAR: u8 = 1;

#[derive(Debug)]
pub(super) struct Source {
    id: SourceId,
    port: u16,
    group: IpAddr,
    /// Where it was heard from, and where it says that it is.
    from: SocketAddr,
    address: Option<IpAddr>,
    asking: Asking,
    stream: Stream,
    unpacker: Unpacker,
    repair: RepairTime,
    last_spm: Option<Sqn>,
    /// The next time to ask where it is, and how often that was done.
    spmr: (Duration, u32),
    heard: Duration,
    forget: Duration,
    is_fin: bool,
    /// When something about what is missing is due; not later than it is.
    due: Duration,
    pub(super) counters: SourceCounters,
}

impl Source {
    /// One whose stream begins with `first`.
    pub(super) fn new(now: Duration, id: SourceId, from: SocketAddr, first: Sqn, options: &ReceiverOptions) -> Self {
        let (least, most) = options.repair;
        Self {
            id,
            port: options.port,
            group: options.group,
            from,
            address: None,
            asking: options.asking,
            stream: Stream::new(first, options.window),
            unpacker: Unpacker::new(options.max_message),
            repair: RepairTime::new(least, most),
            last_spm: None,
            spmr: (now + TO_ASK_FOR_SPM, 0),
            heard: now,
            forget: options.forget,
            is_fin: false,
            due: Duration::MAX,
            counters: SourceCounters::default(),
        }
    }

    pub(super) fn heard(&self) -> Duration {
        self.heard
    }

    /// It has ended, and nothing of it is missing.
    pub(super) fn has_ended(&self) -> bool {
        self.is_fin && self.stream.is_empty()
    }

    pub(super) fn deadline(&self) -> Duration {
        let (spmr, asked) = self.spmr;
        let spmr = if self.address.is_none() && asked < SPMRS { spmr } else { Duration::MAX };
        self.due.min(spmr).min(self.heard + self.forget)
    }

    /// There are numbers before `end`: what is missing from now on is asked for after a while; `random` is from 0 to 1. False if
    /// that is not to be believed.
    fn extend(&mut self, now: Duration, end: Sqn, random: f64) -> bool {
        let mut due = Duration::MAX;
        let is_believed = self.stream.extend(end, || {
            due = now + self.repair.back_off(random);
            due
        });
        self.due = self.due.min(due);
        is_believed
    }

    fn note_due(&mut self) {
        self.due = self.stream.all_missing().map(|(_, missing)| missing.at).min().unwrap_or(Duration::MAX);
    }

    pub(super) fn data(&mut self, now: Duration, sequence: Sqn, trail: Sqn, payload: Bytes, random: f64) -> Placed {
        self.heard = now;
        if sequence.is_before(trail) {
            // It says that it cannot be repeated, and is here.
            return Placed::Again;
        }
        if !self.extend(now, sequence, random) {
            return Placed::Again;
        }
        let placed = self.stream.place(sequence, payload);
        if let Placed::New(Some(asked)) = placed {
            self.repair.measured(now.saturating_sub(asked));
        }
        self.stream.pass(trail);
        placed
    }

    pub(super) fn spm(
        &mut self,
        now: Duration,
        sequence: Sqn,
        (trail, lead): (Sqn, Sqn),
        address: IpAddr,
        is_fin: bool,
        random: f64,
    ) {
        if self.last_spm.is_some_and(|last| !last.is_before(sequence)) {
            return;
        }
        (self.heard, self.last_spm, self.address) = (now, Some(sequence), Some(address));
        self.is_fin |= is_fin;
        // A window that is empty, or that makes no sense, tells nothing.
        if !lead.next().is_before(trail) && self.extend(now, lead.next(), random) {
            self.stream.pass(trail);
        }
    }

    /// Somebody's question was heard: an answer is on its way.
    pub(super) fn confirmed(&mut self, now: Duration, packet: &Packet<'_>) {
        let Body::Nak { sequence, source, group, .. } = packet.body else { return };
        if self.address.is_some_and(|address| address != source) || group != self.group {
            return;
        }
        for sequence in [sequence].into_iter().chain(packet.options.nak_list()) {
            if let Some(missing) = self.stream.missing(sequence) {
                missing.at = missing.at.max(now + self.repair.patience(missing.tries));
            }
        }
    }

    pub(super) fn spm_was_asked_for(&mut self, now: Duration) {
        let (at, asked) = self.spmr;
        self.spmr = (at.max(now + TO_ASK_FOR_SPM), asked);
    }

    /// Asks for what is due, and gives up what was asked for too often. How many numbers it asks for.
    pub(super) fn ask(
        &mut self,
        now: Duration,
        options: &ReceiverOptions,
        random: &mut Rng,
        sends: &mut VecDeque<(To, Bytes)>,
    ) -> u64 {
        let Some(address) = self.address else {
            self.ask_for_spm(now, sends);
            return 0;
        };
        let (mut asked, mut again, mut lost) = (Vec::new(), Vec::new(), Vec::new());
        let wait = random.f64();
        for (sequence, missing) in self.stream.all_missing().filter(|(_, missing)| missing.at <= now) {
            if missing.tries >= options.tries {
                lost.push(sequence);
                continue;
            }
            // One question may be lost, or not reach the source where several programs share its port.
            if missing.tries > 0 { &mut again } else { &mut asked }.push(sequence);
            missing.at = now + self.repair.patience(missing.tries) + self.repair.back_off(wait);
            missing.tries += 1;
            missing.asked.get_or_insert(now);
        }
        lost.into_iter().for_each(|sequence| self.stream.give_up(sequence));
        for chunk in asked.chunks(1 + MAX_LIST) {
            self.tell(address, self.nak(address, chunk), false, sends);
        }
        for chunk in again.chunks(1 + MAX_LIST) {
            self.tell(address, self.nak(address, chunk), true, sends);
        }
        self.note_due();
        (asked.len() + again.len()) as u64
    }

    /// Says something to it at this address, or where it was heard; perhaps so that all who share its port hear it.
    fn tell(&self, address: IpAddr, datagram: Bytes, to_all: bool, sends: &mut VecDeque<(To, Bytes)>) {
        match self.asking {
            Asking::Heard => sends.push_back((To::Source(self.from), datagram)),
            Asking::Named => {
                sends.push_back((To::Source(SocketAddr::new(address, self.port)), datagram.clone()));
                sends.extend(to_all.then_some((To::Group(NEAR), datagram)));
            }
        }
    }

    fn nak(&self, source: IpAddr, numbers: &[Sqn]) -> Bytes {
        let (first, others) = numbers.split_first().expect("a chunk is not empty");
        let body = Body::Nak { kind: NakKind::Ask, sequence: *first, source, group: self.group };
        let list = OptionsBuffer::new().nak_list(others);
        let options = if others.is_empty() { OptionsBuffer::new() } else { list };
        self.packet(body, &options, !others.is_empty())
    }

    /// Without its address, nothing can be asked for.
    fn ask_for_spm(&mut self, now: Duration, sends: &mut VecDeque<(To, Bytes)>) {
        let (at, asked) = self.spmr;
        if now >= at && asked < SPMRS {
            let spmr = self.packet(Body::Spmr, &OptionsBuffer::new(), false);
            self.tell(self.from.ip(), spmr, true, sends);
            self.spmr = (now + TO_ASK_FOR_SPM * (1 << asked), asked + 1);
        }
        // What is missing waits for that, and not for ever.
        let (at, asked) = self.spmr;
        let mut lost = Vec::new();
        for (sequence, missing) in self.stream.all_missing().filter(|(_, missing)| missing.at <= now) {
            if asked < SPMRS {
                missing.at = at;
            } else {
                lost.push(sequence);
            }
        }
        lost.into_iter().for_each(|sequence| self.stream.give_up(sequence));
        self.note_due();
    }

    fn packet(&self, body: Body<'_>, options: &OptionsBuffer, is_for_network: bool) -> Bytes {
        let flow = Flow { source: self.port, destination: self.id.port, gsi: self.id.gsi };
        let mut datagram = Vec::new();
        Packet { flow, body, options: options.as_options(), is_for_network }.write(&mut datagram);
        datagram.into()
    }

    /// Hands on what is in order now, and tells of what will not come.
    pub(super) fn hand_on(&mut self, events: &mut VecDeque<Event>) {
        while let Some(next) = self.stream.take() {
            match next {
                Next::Payload(payload) => {
                    let deliver = |message| events.push_back(Event::Message(self.id, message));
                    if let Err(broken) = self.unpacker.push(&payload, deliver) {
                        events.push_back(Event::Broken(self.id, broken));
                    }
                }
                Next::Lost(first, last) => {
                    self.unpacker.lost();
                    events.push_back(Event::Missed(self.id, first, last));
                }
            }
        }
    }
}
