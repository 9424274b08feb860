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
    groups::{self, Groups},
    outlet::Outlet,
    repair::RepairTime,
    stream::{Next, Placed, Stream, at},
};
use crate::{
    framing::Unpacker,
    packet::{Body, Flow, MAX_LIST, NakKind, Options, OptionsBuffer, Packet, Status},
    sequence::Sqn,
    writer::Writer,
};

/// What a datagram costs that is as large as most networks allow.
pub(super) const LARGE: usize = 1536;
/// Who waits for us hears from us so often, even if nothing comes.
const KEEPALIVE: Duration = Duration::from_millis(250);
/// But so often at most because it says something.
const BETWEEN_REPORTS: Duration = Duration::from_millis(2);
/// Who knows no address asks for one so soon, and then ever more rarely.
const TO_ASK_FOR_SPM: Duration = Duration::from_millis(5);
/// And so often.
const SPMRS: u32 = 8;
/// Questions that all may hear go no further than the next router.
const NEAR: u8 = 1;

/// How far ahead of us a source may be, and who we are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    pub(super) receiver: u64,
    pub(super) tag: u32,
    pub(super) datagrams: u32,
}

/// What a source that waits for us was told last: everything before this, and when; and whether it asks again.
#[derive(Clone, Copy, Debug)]
struct Told {
    next: Sqn,
    at: Duration,
    is_asked: bool,
}

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
    writer: Writer,
    /// If it waits for us.
    told: Option<Told>,
    /// Bytes of what it sent before that we want, until it is known whether there are any.
    history: usize,
    /// If it sends parity.
    groups: Option<Groups>,
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
    pub(super) fn new(
        now: Duration,
        id: SourceId,
        from: SocketAddr,
        first: Sqn,
        options: &ReceiverOptions,
        writer: Writer,
    ) -> Self {
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
            writer,
            told: None,
            history: options.history,
            groups: None,
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
        let is_awaited = self.address.is_none() && (asked < SPMRS || self.history > 0);
        let spmr = if is_awaited { spmr } else { Duration::MAX };
        let report = self.told.map_or(Duration::MAX, |told| told.at + KEEPALIVE);
        self.due.min(spmr).min(report).min(self.heard + self.forget)
    }

    /// Whether it waits for us.
    pub(super) fn is_paced(&self) -> bool {
        self.told.is_some()
    }

    /// What is in order may go to the program: there is room, or nobody would wait for it; and it is known where the stream
    /// begins. What waits is bounded in any case.
    fn may_hand_on(&self, outlet: &Outlet) -> bool {
        let waits = self.history > 0 || (self.is_paced() && outlet.room.is_empty());
        !waits || self.stream.is_over()
    }

    /// Whether something waits for the program, be it that this is the end.
    pub(super) fn is_held(&self, outlet: &Outlet) -> bool {
        self.is_paced() && outlet.room.is_empty() && (self.is_fin || !self.stream.is_empty())
    }

    /// There are numbers before `end`: what is missing from now on is asked for after a while; `random` is from 0 to 1. False if
    /// that is not to be believed.
    fn extend(&mut self, now: Duration, end: Sqn, is_new: bool, random: f64) -> bool {
        let mut due = Duration::MAX;
        let is_believed = self.stream.extend(end, is_new, || {
            due = now + self.repair.back_off(random);
            due
        });
        self.due = self.due.min(due);
        is_believed
    }

    fn note_due(&mut self) {
        self.due = self.stream.all_missing().map(|(_, missing)| missing.at).min().unwrap_or(Duration::MAX);
    }

    pub(super) fn data(
        &mut self,
        now: Duration,
        (is_repair, sequence, trail, payload): (bool, Sqn, Sqn, &[u8]),
        random: f64,
        outlet: &mut Outlet,
    ) {
        self.heard = now;
        // It must not say that it cannot be repeated, and be here.
        if sequence.is_before(trail) || !self.extend(now, sequence, !is_repair, random) {
            self.counters.duplicates += 1;
            return;
        }
        let place = self.stream.next_place();
        if self.may_hand_on(outlet) && self.stream.pass_through(sequence) {
            self.counters.datagrams += 1;
            if let Some(groups) = &mut self.groups {
                groups.remember(place, Bytes::copy_from_slice(payload));
            }
            self.unpack(payload, outlet);
        } else {
            match self.stream.place(sequence, payload) {
                Placed::Again => self.counters.duplicates += 1,
                Placed::New(asked) => {
                    self.counters.datagrams += 1;
                    self.counters.repaired += u64::from(asked.is_some());
                    if let Some(asked) = asked {
                        self.repair.measured(now.saturating_sub(asked));
                    }
                }
            }
        }
        self.stream.pass(trail);
        if let Some(groups) = &self.groups
            && let Some(place) = self.stream.place_near(sequence)
            && groups.has_parity_for(place)
        {
            self.compute(place);
        }
    }

    /// Parity came.
    pub(super) fn parity(&mut self, now: Duration, sequence: Sqn, payload: &[u8], random: f64) {
        self.heard = now;
        let Some(groups) = &mut self.groups else { return };
        let Some(place) = self.stream.place_near(sequence) else { return };
        let (first, size) = groups.group(place);
        if first + size <= self.stream.next_place() || !self.extend(now, at(first + size), false, random) {
            self.counters.duplicates += 1;
            return;
        }
        if self.groups.as_mut().is_some_and(|groups| groups.keep(place, payload)) {
            self.compute(place);
        }
    }

    /// Puts in its place what can be computed.
    fn compute(&mut self, place: u64) {
        let Some(groups) = &self.groups else { return };
        for (place, payload) in groups.compute(place, &self.stream) {
            if matches!(self.stream.place(at(place), &payload), Placed::New(_)) {
                self.counters.computed += 1;
            }
        }
    }

    fn unpack(&mut self, payload: &[u8], outlet: &mut Outlet) {
        let (id, is_waited_for, delivered) = (self.id, self.is_paced(), &mut self.counters.delivered);
        let result = self.unpacker.push(payload, |frames| {
            *delivered += 1;
            outlet.message(id, frames, is_waited_for);
        });
        if let Err(broken) = result {
            self.counters.broken += 1;
            outlet.tell(Event::Broken(id, broken));
        }
    }

    pub(super) fn spm(
        &mut self,
        now: Duration,
        sequence: Sqn,
        (trail, lead): (Sqn, Sqn),
        address: IpAddr,
        options: Options<'_>,
        random: f64,
    ) {
        if self.last_spm.is_some_and(|last| !last.is_before(sequence)) {
            return;
        }
        (self.heard, self.last_spm, self.address) = (now, Some(sequence), Some(address));
        self.is_fin |= options.is_fin();
        if options.is_paced() {
            let told = self.told.get_or_insert(Told { next: self.stream.next(), at: Duration::ZERO, is_asked: true });
            told.is_asked |= now >= told.at + BETWEEN_REPORTS;
        }
        if let Some(parameters) = options.parity()
            && !self.groups.as_ref().is_some_and(|groups| groups.is_as(parameters))
        {
            self.groups = Some(Groups::new(parameters));
        }
        let history = std::mem::take(&mut self.history);
        if let Some(first) = options.join().filter(|_| history > 0) {
            self.stream.rewind(now, first, history.div_ceil(LARGE));
            self.note_due();
        }
        // A window that is empty, or that makes no sense, tells nothing.
        if !lead.next().is_before(trail) && self.extend(now, lead.next(), true, random) {
            self.stream.pass(trail);
        }
    }

    /// Somebody's question was heard: an answer is on its way.
    pub(super) fn confirmed(&mut self, now: Duration, packet: &Packet<'_>) {
        let Body::Nak { sequence, source, group, .. } = packet.body else { return };
        if self.address.is_some_and(|address| address != source) || group != self.group {
            return;
        }
        let postpone = |repair: &RepairTime, missing: &mut super::stream::Missing| {
            missing.at = missing.at.max(now + repair.patience(missing.tries));
        };
        if packet.is_parity {
            let Some((groups, place)) = self.groups.as_ref().zip(self.stream.place_near(sequence)) else { return };
            let (first, size) = groups.group(place);
            // Parity for so many is on its way.
            let enough = (place - first) as usize + 1;
            if groups.lacks(place, &self.stream).is_some_and(|lacks| lacks <= enough) {
                let missing = self.stream.missing_within_mut(first, first + size);
                missing.for_each(|(_, missing)| postpone(&self.repair, missing));
            }
            return;
        }
        for sequence in [sequence].into_iter().chain(packet.options.nak_list()) {
            if let Some(missing) = self.stream.missing(sequence) {
                postpone(&self.repair, missing);
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
        let parity = self.ask_for_parity(now, random, address, sends);
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
        (asked.len() + again.len()) as u64 + parity
    }

    /// Asks for parity of groups of which something is due; how many packets.
    fn ask_for_parity(
        &mut self,
        now: Duration,
        random: &mut Rng,
        source: IpAddr,
        sends: &mut VecDeque<(To, Bytes)>,
    ) -> u64 {
        let Some(groups) = &self.groups else { return 0 };
        let due = self.stream.missing_within(0, u64::MAX);
        let due = due.filter(|(_, missing)| missing.at <= now && missing.tries < groups::TRIES);
        let mut due: Vec<u64> = due.map(|(place, _)| groups.group(*place).0).collect();
        due.dedup();
        let mut asked = 0;
        for first in due {
            let Some(groups) = &self.groups else { return asked };
            let Some(lacks) = groups.lacks(first, &self.stream).filter(|lacks| *lacks > 0) else { continue };
            let (_, size) = groups.group(first);
            let body = Body::Nak {
                kind: NakKind::Ask,
                sequence: at(first + (lacks as u64).min(size) - 1),
                source,
                group: self.group,
            };
            let question = self.packet(&Packet { body, is_parity: true, ..Packet::default() });
            let wait = random.f64();
            let mut is_again = false;
            for (_, missing) in self.stream.missing_within_mut(first, first + size) {
                is_again |= missing.tries > 0;
                missing.at = now + self.repair.patience(missing.tries) + self.repair.back_off(wait);
                missing.tries += 1;
                missing.asked.get_or_insert(now);
            }
            self.tell(source, question, is_again, sends);
            asked += lacks as u64;
        }
        asked
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
        self.packet(&Packet {
            body,
            options: options.as_options(),
            is_for_network: !others.is_empty(),
            ..Packet::default()
        })
    }

    /// Without its address, nothing can be asked for.
    fn ask_for_spm(&mut self, now: Duration, sends: &mut VecDeque<(To, Bytes)>) {
        let (at, asked) = self.spmr;
        if now >= at && asked < SPMRS {
            let spmr = self.packet(&Packet::default());
            self.tell(self.from.ip(), spmr, true, sends);
            self.spmr = (now + TO_ASK_FOR_SPM * (1 << asked), asked + 1);
        }
        // What is missing waits for that, and not for ever; and so does the beginning.
        let (at, asked) = self.spmr;
        let is_over = asked >= SPMRS && now >= at;
        if is_over {
            self.history = 0;
        }
        let mut lost = Vec::new();
        for (sequence, missing) in self.stream.all_missing().filter(|(_, missing)| missing.at <= now) {
            if is_over {
                lost.push(sequence);
            } else {
                missing.at = at;
            }
        }
        lost.into_iter().for_each(|sequence| self.stream.give_up(sequence));
        self.note_due();
    }

    /// What we say to it.
    fn packet(&self, packet: &Packet<'_>) -> Bytes {
        let flow = Flow { source: self.port, destination: self.id.port, gsi: self.id.gsi };
        self.writer.packet(&Packet { flow, ..*packet })
    }

    /// Tells a source that waits for us how far we are, if it asks, if that has changed much, or if it has not heard it for long.
    pub(super) fn report(&mut self, now: Duration, reach: Reach, sends: &mut VecDeque<(To, Bytes)>) {
        let Some(Told { next, at, is_asked }) = self.told else { return };
        let is_much = self.stream.next().since(next) >= (reach.datagrams / 4) as i32;
        if is_asked || is_much || now >= at + KEEPALIVE {
            self.say_how_far(now, reach, false, sends);
        }
    }

    /// It need not wait for us any more.
    pub(super) fn leave(&mut self, now: Duration, reach: Reach, sends: &mut VecDeque<(To, Bytes)>) {
        if self.is_paced() {
            self.say_how_far(now, reach, true, sends);
        }
    }

    fn say_how_far(&mut self, now: Duration, reach: Reach, leaves: bool, sends: &mut VecDeque<(To, Bytes)>) {
        let Some(address) = self.address else { return };
        let next = self.stream.next();
        self.told = Some(Told { next, at: now, is_asked: false });
        let status = Status { receiver: reach.receiver, tag: reach.tag, room: reach.datagrams, leaves };
        let options = OptionsBuffer::new().status(status);
        let body = Body::Ack { newest: Sqn(next.0.wrapping_sub(1)) };
        let report = self.packet(&Packet { body, options: options.as_options(), ..Packet::default() });
        self.tell(address, report, false, sends);
    }

    /// Hands on what is in order now, and tells of what will not come.
    pub(super) fn hand_on(&mut self, outlet: &mut Outlet) {
        while self.may_hand_on(outlet)
            && let Some(next) = self.stream.take()
        {
            // Who waited for the beginning, and cannot any more, begins here.
            self.history = 0;
            match next {
                Next::Payload(place, payload) => {
                    self.unpack(&payload, outlet);
                    if let Some(groups) = &mut self.groups {
                        groups.remember(place, payload);
                    }
                }
                Next::Lost(first, last) => {
                    self.unpacker.lost();
                    self.counters.missed += u64::from(last.next().0.wrapping_sub(first.0));
                    outlet.tell(Event::Missed(self.id, first, last));
                }
            }
        }
        if let Some(groups) = &mut self.groups {
            groups.pass(self.stream.next_place());
        }
    }
}
