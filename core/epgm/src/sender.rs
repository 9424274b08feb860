//! The source of a stream.
//!
//! * Messages are packed into datagrams as they come; one that is not full leaves when nothing else waits. So a busy source
//!   sends full datagrams, and an idle one waits for nothing.
//! * What was sent is kept as long as the window has room. The oldest goes first, and every packet says what is left.
//! * Who asks for what is kept is confirmed at once, and gets it once for all who ask within the linger. Repairs and new
//!   datagrams take turns within the rate, so neither starves the other.
//! * Whoever has lost the last datagram learns of it from the next SPM: soon after it, and then ever more rarely.
//! * Who comes late may ask for some of what was sent before.
//! * If it is asked to, it sends no more than those who listen have room for, and keeps what not all of them have.
//! * If it is asked to, it sends parity: some with each group of datagrams, and more to who asks.

mod listeners;
mod redundancy;
mod window;

use std::{
    collections::{BTreeSet, VecDeque},
    net::IpAddr,
    time::Duration,
};

use bytes::Bytes;

pub use self::{listeners::FlowControl, redundancy::Redundancy};
use self::{listeners::Listeners, redundancy::Parities, window::Window};
use crate::{
    framing::Packer,
    key::Key,
    pace::Pace,
    packet::{Body, DATA_HEADER, Flow, MAX_LIST, NakKind, OptionsBuffer, Packet},
    sequence::Sqn,
    writer::Writer,
};

/// After new data the first SPM follows so soon, the next after twice as long, and so on.
const FIRST_HEARTBEAT: Duration = Duration::from_millis(4);
/// How long a source is silent at most.
const AMBIENT: Duration = Duration::from_secs(30);
/// And if it waits for somebody to listen, who hears of it by that.
const LONELY: Duration = Duration::from_millis(250);
/// How often an SPM is sent because somebody asks.
const BETWEEN_SPMS: Duration = Duration::from_millis(5);
/// How many SPMs begin and end a stream.
const ANNOUNCEMENTS: usize = 3;
/// How many numbers receivers may ask for in a second, and at once.
const NAKS: (u64, u64) = (1_000_000, 100_000);

/// How many confirmations wait for the driver.
const MAX_CONTROL: usize = 1024;

/// How a sender is set up.
#[derive(Clone, Debug)]
pub struct SenderOptions {
    /// The stream: a port and a number of its own, and the session's port.
    pub flow: Flow,
    /// Where NAKs are to go.
    pub address: IpAddr,
    /// To which the stream goes.
    pub group: IpAddr,
    /// Bytes of a payload: at most 1448 where a datagram has 1500 bytes; libzmq fills 1428.
    pub max_payload: usize,
    /// Bytes of datagrams that are kept to be repeated.
    pub window: usize,
    /// No longer than this.
    pub max_age: Duration,
    /// Bytes of datagrams, the last of them, for which who comes late may ask.
    pub history: usize,
    /// Bytes of datagrams that may wait to be sent; the message that goes beyond is still taken.
    pub max_unsent: usize,
    /// Bytes of datagrams in a second.
    pub rate: u64,
    /// Bytes that may leave at once: less than the receivers' sockets hold.
    pub burst: u64,
    /// Who asks for what was repeated so recently is told that it comes, and it comes no second time.
    pub linger: Duration,
    /// The number of the first datagram.
    pub first: Sqn,
    /// For whom it waits.
    pub flow_control: FlowControl,
    /// The parity that it sends.
    pub redundancy: Option<Redundancy>,
    /// What all in the session know, and nobody else.
    pub key: Option<Key>,
}

impl SenderOptions {
    /// As libzmq's peers know it: 100 MB/s, at most 64 KiB at once; a window of 64 MiB, 4 MiB unsent; no history, no flow
    /// control, no parity, no key.
    pub fn new(flow: Flow, address: IpAddr, group: IpAddr) -> Self {
        Self {
            flow,
            address,
            group,
            max_payload: 1428,
            window: 64 << 20,
            max_age: Duration::MAX,
            history: 0,
            max_unsent: 4 << 20,
            rate: 100_000_000,
            burst: 1 << 16,
            linger: Duration::from_millis(1),
            first: Sqn(0),
            flow_control: FlowControl::None,
            redundancy: None,
            key: None,
        }
    }
}

/// What a sender did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct SenderCounters {
    /// Messages taken.
    pub messages: u64,
    /// Datagrams with new data.
    pub datagrams: u64,
    /// Datagrams sent again.
    pub repairs: u64,
    /// Datagrams with parity.
    pub parity: u64,
    /// Numbers that were asked for.
    pub asked: u64,
    /// Of those, how many the window had no more.
    pub gone: u64,
    /// Of those, how many were not looked at because too many came.
    pub ignored: u64,
    /// Datagrams that are none.
    pub malformed: u64,
    /// Packets of other streams, and those that a source gets from nobody.
    pub foreign: u64,
    /// Datagrams from who does not know the key.
    pub forged: u64,
    /// Listeners that were waited for, and then were silent for too long.
    pub silent: u64,
    /// Listeners that are waited for now.
    pub listeners: u64,
}

/// Too much waits to be sent: poll, and try again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

/// Whether anything follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Open,
    /// What waits is sent first.
    Wanted,
    Said,
}

/// Sends messages to a group, and repeats what is asked for.
#[derive(Debug)]
pub struct Sender {
    options: SenderOptions,
    packer: Packer,
    window: Window,
    writer: Writer,
    listeners: Listeners,
    parities: Option<Parities>,
    /// SPMs and confirmations, which wait for no rate.
    control: VecDeque<Bytes>,
    /// What is to be repeated, each once.
    repairs: VecDeque<Sqn>,
    queued: BTreeSet<u32>,
    /// What was repeated within the linger, the oldest first, and its numbers.
    repaired: VecDeque<(Duration, Sqn)>,
    recent: BTreeSet<u32>,
    is_repairs_turn: bool,
    pace: Pace,
    naks: Pace,
    spms: Sqn,
    /// The next SPM, and how long after it the one after that.
    heartbeat: (Duration, Duration),
    /// When the last SPM was sent because somebody asked.
    answered: Option<Duration>,
    end: End,
    counters: SenderCounters,
}

impl Sender {
    /// A source that announces itself with the first [`poll`](Self::poll).
    pub fn new(now: Duration, options: SenderOptions) -> Self {
        let SenderOptions { flow, first, window, max_age, history, .. } = options;
        let writer = Writer::new(options.key.clone());
        let mut sender = Self {
            packer: Packer::new(DATA_HEADER, options.max_payload),
            window: Window::new(flow, writer.clone(), first, window, max_age, history),
            writer,
            listeners: Listeners::new(options.flow_control),
            parities: options.redundancy.map(|redundancy| Parities::new(redundancy, options.linger)),
            control: VecDeque::new(),
            repairs: VecDeque::new(),
            queued: BTreeSet::new(),
            repaired: VecDeque::new(),
            recent: BTreeSet::new(),
            is_repairs_turn: false,
            pace: Pace::new(options.rate, options.burst),
            naks: Pace::new(NAKS.0, NAKS.1),
            spms: Sqn(0),
            heartbeat: (now + FIRST_HEARTBEAT, FIRST_HEARTBEAT),
            answered: None,
            end: End::Open,
            counters: SenderCounters::default(),
            options,
        };
        sender.announce();
        sender
    }

    /// What it did so far.
    pub fn counters(&self) -> SenderCounters {
        SenderCounters { listeners: self.listeners.count() as u64, ..self.counters }
    }

    /// Takes a message.
    ///
    /// # Errors
    /// [`Full`] if too much waits to be sent.
    pub fn push<F: AsRef<[u8]>>(&mut self, frames: &[F]) -> Result<(), Full> {
        if self.is_full() {
            return Err(Full);
        }
        self.packer.push(frames, |datagram| self.window.add(datagram));
        self.counters.messages += 1;
        Ok(())
    }

    /// Nothing follows what was pushed. Poll until nothing is left; for as long as it is kept, it can still be repeated.
    pub fn finish(&mut self) {
        if self.end == End::Open {
            self.end = End::Wanted;
        }
    }

    /// Whether [`push`](Self::push) would answer [`Full`].
    pub fn is_full(&self) -> bool {
        self.waiting() >= self.options.max_unsent
    }

    /// Whether so much was sent that whoever found it full should push again: fewer and larger steps cost less.
    pub fn is_low(&self) -> bool {
        self.waiting() <= self.options.max_unsent / 2
    }

    /// Whether all was sent after [`finish`](Self::finish), and that it was the end.
    pub fn has_ended(&self) -> bool {
        self.end == End::Said && self.control.is_empty()
    }

    fn announce(&mut self) {
        for _ in 0..ANNOUNCEMENTS {
            self.spm();
        }
    }

    fn spm(&mut self) {
        let (trail, lead) = (self.window.trail(), self.window.lead());
        let body = Body::Spm { sequence: self.spms, trail, lead, address: self.options.address };
        self.spms = self.spms.next();
        let options = self.about();
        let options = options.as_options();
        self.control(&Packet { flow: self.options.flow, body, options, ..Packet::default() });
    }

    /// What an SPM says about the source.
    fn about(&self) -> OptionsBuffer {
        let mut options = OptionsBuffer::new();
        if let Some(first) = self.window.history() {
            options = options.join(first);
        }
        if let Some(parities) = &self.parities {
            options = options.parity(parities.parameters());
        }
        if self.listeners.are_waited_for() {
            options = options.paced();
        }
        if self.end == End::Said { options.fin() } else { options }
    }

    fn control(&mut self, packet: &Packet<'_>) {
        self.control.push_back(self.writer.packet(packet));
    }

    /// Takes a datagram in that came for the stream's port.
    pub fn handle(&mut self, now: Duration, datagram: &[u8]) {
        let Some(datagram) = self.writer.open(datagram) else {
            self.counters.forged += 1;
            return;
        };
        let Ok(packet) = Packet::read(datagram) else {
            self.counters.malformed += 1;
            return;
        };
        if packet.flow != self.options.flow.reversed() {
            // Its own packets come back to it, too.
            self.counters.foreign += u64::from(packet.flow != self.options.flow);
            return;
        }
        match packet.body {
            Body::Nak { kind: NakKind::Ask, sequence, source, group }
                if source == self.options.address && group == self.options.group =>
            {
                if packet.is_parity {
                    self.asked_for_parity(now, sequence);
                } else {
                    let asked: Vec<Sqn> = [sequence].into_iter().chain(packet.options.nak_list()).collect();
                    self.asked(now, &asked);
                }
            }
            Body::Spmr => {
                if self.answered.is_none_or(|answered| now >= answered + BETWEEN_SPMS) {
                    self.answered = Some(now);
                    self.spm();
                }
            }
            Body::Ack { newest } if newest.is_before(self.window.next()) => {
                let matters = packet.options.status().is_some_and(|status| self.listeners.heard(now, newest, status));
                self.counters.foreign += u64::from(!matters);
            }
            _ => self.counters.foreign += 1,
        }
    }

    /// Whether so many may be asked for now.
    fn may_ask(&mut self, now: Duration, count: usize) -> bool {
        self.counters.asked += count as u64;
        let may = self.naks.is_ready(now) && self.control.len() < MAX_CONTROL;
        if may {
            self.naks.spend(now, count);
        } else {
            self.counters.ignored += count as u64;
        }
        may
    }

    /// Confirms what can be repeated, and notes what is to be.
    fn asked(&mut self, now: Duration, asked: &[Sqn]) {
        if !self.may_ask(now, asked.len()) {
            return;
        }
        let kept: Vec<Sqn> = asked.iter().copied().filter(|sequence| self.window.has_sent(*sequence)).collect();
        self.counters.gone += (asked.len() - kept.len()) as u64;
        let Some((first, others)) = kept.split_first() else { return };
        debug_assert!(others.len() <= MAX_LIST, "a NAK has no more");
        let list = OptionsBuffer::new().nak_list(others);
        let options = if others.is_empty() { OptionsBuffer::new() } else { list };
        self.confirm(
            *first,
            &Packet { options: options.as_options(), is_for_network: !others.is_empty(), ..Packet::default() },
        );
        while let Some((at, sequence)) = self.repaired.front()
            && *at + self.options.linger <= now
        {
            self.recent.remove(&sequence.0);
            self.repaired.pop_front();
        }
        for sequence in kept {
            if !self.recent.contains(&sequence.0) && self.queued.insert(sequence.0) {
                self.repairs.push_back(sequence);
            }
        }
    }

    fn asked_for_parity(&mut self, now: Duration, sequence: Sqn) {
        if !self.may_ask(now, 1) {
            return;
        }
        if self.parities.as_mut().is_some_and(|parities| parities.asked(now, sequence, &self.window)) {
            self.confirm(sequence, &Packet { is_parity: true, ..Packet::default() });
        } else {
            self.counters.gone += 1;
        }
    }

    fn confirm(&mut self, sequence: Sqn, packet: &Packet<'_>) {
        let (source, group) = (self.options.address, self.options.group);
        let body = Body::Nak { kind: NakKind::Confirm, sequence, source, group };
        self.control(&Packet { flow: self.options.flow, body, ..*packet });
    }

    /// The next datagram for the group; nothing if there is none now, and then see [`deadline`](Self::deadline).
    pub fn poll(&mut self, now: Duration) -> Option<Bytes> {
        if let Some(control) = self.control.pop_front() {
            return Some(control);
        }
        self.window.expire(now);
        self.counters.silent += self.listeners.expire(now);
        if self.pace.is_ready(now)
            && let Some(datagram) = self.repair_or_data(now)
        {
            self.pace.spend(now, datagram.len());
            return Some(datagram);
        }
        if self.end == End::Wanted && self.waiting() == 0 {
            self.end = End::Said;
            self.announce();
            return self.control.pop_front();
        }
        let is_lonely = self.waiting() > 0 && self.listeners.are_too_few();
        let most = if is_lonely { LONELY } else { AMBIENT };
        let (at, pause) = &mut self.heartbeat;
        *at = (*at).min(now + most);
        if now < *at {
            return None;
        }
        let pause = (*pause * 2).min(most);
        self.heartbeat = (now + pause, pause);
        self.spm();
        self.control.pop_front()
    }

    /// Bytes that wait to be sent for the first time.
    fn waiting(&self) -> usize {
        self.window.unsent_bytes() + self.packer.pending()
    }

    fn repair_or_data(&mut self, now: Duration) -> Option<Bytes> {
        self.is_repairs_turn = !self.is_repairs_turn;
        if self.is_repairs_turn {
            self.repair(now).or_else(|| self.data(now))
        } else {
            self.data(now).or_else(|| self.repair(now))
        }
    }

    fn repair(&mut self, now: Duration) -> Option<Bytes> {
        if let Some(parities) = &mut self.parities
            && let Some(datagram) = parities.next(now, &self.window, &self.writer, self.options.flow)
        {
            self.counters.parity += 1;
            return Some(datagram);
        }
        while let Some(sequence) = self.repairs.pop_front() {
            self.queued.remove(&sequence.0);
            // It may have left the window meanwhile.
            if let Some(datagram) = self.window.repair(sequence) {
                self.repaired.push_back((now, sequence));
                self.recent.insert(sequence.0);
                self.counters.repairs += 1;
                return Some(datagram);
            }
            self.counters.gone += 1;
        }
        None
    }

    fn data(&mut self, now: Duration) -> Option<Bytes> {
        if self.is_held_back() {
            return None;
        }
        if self.window.unsent_bytes() == 0 {
            self.packer.flush(|datagram| self.window.add(datagram));
        }
        let datagram = self.window.send(now)?;
        if let Some(parities) = &mut self.parities {
            parities.sent(self.window.lead());
        }
        self.heartbeat = (now + FIRST_HEARTBEAT, FIRST_HEARTBEAT);
        self.counters.datagrams += 1;
        Some(datagram)
    }

    /// Whether somebody who is waited for has no room, or not yet what the next datagram would push out of the window.
    fn is_held_back(&self) -> bool {
        !self.listeners.have_room(self.window.next())
            || self.listeners.needed().is_some_and(|needed| !self.window.has_room(needed))
    }

    /// When to [`poll`](Self::poll) again, if nothing else happens.
    pub fn deadline(&self) -> Duration {
        let has_parity = self.parities.as_ref().is_some_and(|parities| !parities.is_empty());
        let waits = (self.waiting() > 0 && !self.is_held_back()) || !self.repairs.is_empty() || has_parity;
        let (heartbeat, _) = self.heartbeat;
        let heartbeat = heartbeat.min(self.listeners.deadline());
        let says_end = self.end == End::Wanted && self.waiting() == 0;
        match (self.control.is_empty() && !says_end, waits) {
            (false, _) => Duration::ZERO,
            (true, true) => heartbeat.min(self.pace.ready_at()),
            (true, false) => heartbeat,
        }
    }
}

#[cfg(test)]
mod tests;
