//! The source of a stream.
//!
//! * Messages are packed into datagrams as they come; one that is not full leaves when nothing else waits. So a busy source
//!   sends full datagrams, and an idle one waits for nothing.
//! * What was sent is kept as long as the window has room. The oldest goes first, and every packet says what is left.
//! * Who asks for what is kept is confirmed at once, and gets it once for all who ask within the linger. Repairs and new
//!   datagrams take turns within the rate, so neither starves the other.
//! * Whoever has lost the last datagram learns of it from the next SPM: soon after it, and then ever more rarely.

mod window;

use std::{
    collections::{BTreeSet, VecDeque},
    net::IpAddr,
    time::Duration,
};

use bytes::Bytes;

use self::window::Window;
use crate::{
    framing::Packer,
    pace::Pace,
    packet::{Body, DATA_HEADER, Flow, MAX_LIST, NakKind, OptionsBuffer, Packet},
    sequence::Sqn,
};

/// After new data the first SPM follows so soon, the next after twice as long, and so on.
const FIRST_HEARTBEAT: Duration = Duration::from_millis(4);
/// How long a source is silent at most.
const AMBIENT: Duration = Duration::from_secs(30);
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
        let mut sender = Self {
            packer: Packer::new(DATA_HEADER, options.max_payload),
            window: Window::new(options.first, options.window),
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
        self.counters
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
        let options = if self.end == End::Said { OptionsBuffer::new().fin() } else { OptionsBuffer::new() };
        self.control(Packet { flow: self.options.flow, body, options: options.as_options(), is_for_network: false });
    }

    fn control(&mut self, packet: Packet<'_>) {
        let mut datagram = Vec::new();
        packet.write(&mut datagram);
        self.control.push_back(datagram.into());
    }

    /// Takes a datagram in that came for the stream's port.
    pub fn handle(&mut self, now: Duration, datagram: &[u8]) {
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
                let asked: Vec<Sqn> = [sequence].into_iter().chain(packet.options.nak_list()).collect();
                self.asked(now, &asked);
            }
            Body::Spmr => {
                if self.answered.is_none_or(|answered| now >= answered + BETWEEN_SPMS) {
                    self.answered = Some(now);
                    self.spm();
                }
            }
            _ => self.counters.foreign += 1,
        }
    }

    /// Confirms what can be repeated, and notes what is to be.
    fn asked(&mut self, now: Duration, asked: &[Sqn]) {
        self.counters.asked += asked.len() as u64;
        if !self.naks.is_ready(now) || self.control.len() >= MAX_CONTROL {
            self.counters.ignored += asked.len() as u64;
            return;
        }
        self.naks.spend(now, asked.len());
        let kept: Vec<Sqn> = asked.iter().copied().filter(|sequence| self.window.has_sent(*sequence)).collect();
        self.counters.gone += (asked.len() - kept.len()) as u64;
        let Some((first, others)) = kept.split_first() else { return };
        debug_assert!(others.len() <= MAX_LIST, "a NAK has no more");
        let (source, group) = (self.options.address, self.options.group);
        let body = Body::Nak { kind: NakKind::Confirm, sequence: *first, source, group };
        let list = OptionsBuffer::new().nak_list(others);
        let options = if others.is_empty() { OptionsBuffer::new() } else { list };
        self.control(Packet {
            flow: self.options.flow,
            body,
            options: options.as_options(),
            is_for_network: !others.is_empty(),
        });
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

    /// The next datagram for the group; nothing if there is none now, and then see [`deadline`](Self::deadline).
    pub fn poll(&mut self, now: Duration) -> Option<Bytes> {
        if let Some(control) = self.control.pop_front() {
            return Some(control);
        }
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
        let (at, pause) = self.heartbeat;
        if now < at {
            return None;
        }
        let pause = (pause * 2).min(AMBIENT);
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
        while let Some(sequence) = self.repairs.pop_front() {
            self.queued.remove(&sequence.0);
            // It may have left the window meanwhile.
            if let Some(datagram) = self.window.repair(self.options.flow, sequence) {
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
        if self.window.unsent_bytes() == 0 {
            self.packer.flush(|datagram| self.window.add(datagram));
        }
        let datagram = self.window.send(self.options.flow)?;
        self.heartbeat = (now + FIRST_HEARTBEAT, FIRST_HEARTBEAT);
        self.counters.datagrams += 1;
        Some(datagram)
    }

    /// When to [`poll`](Self::poll) again, if nothing else happens.
    pub fn deadline(&self) -> Duration {
        let waits = self.waiting() > 0 || !self.repairs.is_empty();
        let (heartbeat, _) = self.heartbeat;
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
