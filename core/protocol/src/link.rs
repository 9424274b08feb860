//! A conversation of two parties that outlives its connections.
//!
//! A connection may break at any time, and what was on its way is gone without a word. A link numbers what it sends and
//! keeps it until the other side says that it has it; it drops what comes twice, notices what is missing, and asks for
//! it again. So between two parties that live, messages arrive once and in order, over however many connections. If one
//! of them starts anew, the other is told: the link is *reset*, and the pattern decides what that means.
//!
//! The rules, by which everything else follows:
//!
//! * Every message of a pattern has a sequence number; every message of either kind says what was received.
//! * Nothing is sent again because of time alone. It is sent again when the other side asks, when the other side shows up
//!   on a new connection, and when the connection refused it.
//! * A party that waits for something and hears nothing asks ([`PING`]) once per interval, and takes the other for dead
//!   after [`Pace::patience`]. A party that waits for nothing is silent.
//!
//! [`Links`] keeps many of them, by their session numbers, over any number of sockets.

mod header;
pub(crate) mod site;
mod table;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;

pub use self::{
    header::{Header, Magic, Session},
    table::{Arrival, Backlog, LinkId, Links, NO_LINK, Silence},
};
use crate::{Time, liveness::Pace, machine::Frames};

/// The first message of a link.
pub const OPEN: u8 = 0;
/// What was sent and received so far.
pub const BEAT: u8 = 1;
/// As [`BEAT`], and the other side answers with one.
pub const PING: u8 = 2;
/// As [`BEAT`], and the other side sends again what follows the last that was received.
pub const RESEND: u8 = 3;
/// The sender does not know this session.
pub const RESET: u8 = 4;
/// The sender ends this session.
pub const CLOSE: u8 = 5;
/// The first number of a pattern's own messages.
pub const FIRST: u8 = 16;

/// After this many messages, or this many bytes, the other side is told at once that they were received.
const TELL_MESSAGES: u32 = 64;
const TELL_BYTES: usize = 256 * 1024;

/// One side of a conversation.
#[derive(Debug)]
struct Link {
    magic: Magic,
    session: Session,
    interval: Duration,
    patience: Duration,
    /// What the other side may not have, in order.
    kept: VecDeque<Kept>,
    kept_bytes: usize,
    /// The number of the first of `kept`.
    first: u64,
    /// How many of `kept` were handed to the connection.
    handed: usize,
    /// The connection refuses everything for now.
    blocked: bool,
    /// A message of the link itself that is to be sent before anything else.
    control: Option<u8>,
    /// Whoever owns the link waits until everything before this number has arrived.
    awaited: u64,
    received: u64,
    /// The last `received` that the other side was told of, and what came since.
    told: u64,
    untold: u32,
    untold_bytes: usize,
    /// Something is missing after this number, and when it was asked for.
    missing: Option<(Time, u64)>,
    /// When what follows this number was last sent again because the other side asked for it.
    resent: Option<(Time, u64)>,
    /// The pattern waits for something from the other side.
    watching: bool,
    /// The other side has spoken on this link.
    met: bool,
    heard: Time,
    spoke: Time,
    pinged: Time,
    /// Since when its silence is counted, if that is later than `heard`.
    waited: Time,
    /// The side that was opened to forgets the link after this long a silence.
    forget: Option<Duration>,
}

#[derive(Debug)]
struct Kept {
    frames: Frames,
    bytes: usize,
    received: u64,
    /// How often a connection took it.
    taken: u32,
}

/// What the time brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Due {
    /// At most a message of the link's own.
    Nothing,
    /// The other side was silent for too long. The link waits on, and says so again after as long.
    Silent,
    /// The other side was silent for so long that the link is of no use.
    Forgotten,
}

/// What a message turned out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Received {
    /// The pattern's next message.
    Message,
    /// Nothing for the pattern: news of the link itself, a second copy, or a message after a gap.
    Nothing,
    /// The other side does not know the session.
    Reset,
    /// The other side ended the session.
    Closed,
}

impl Link {
    fn new(now: Time, magic: Magic, session: Session, pace: Pace, forget: Option<Duration>) -> Self {
        Self {
            magic,
            session,
            interval: pace.interval,
            patience: pace.patience(),
            kept: VecDeque::new(),
            kept_bytes: 0,
            first: 1,
            handed: 0,
            blocked: false,
            control: Some(if forget.is_none() { OPEN } else { BEAT }),
            awaited: 0,
            received: 0,
            told: 0,
            untold: 0,
            untold_bytes: 0,
            missing: None,
            resent: None,
            watching: false,
            met: forget.is_some(),
            heard: now,
            spoke: now,
            pinged: now,
            waited: now,
            forget,
        }
    }

    /// Sends a message of the pattern. Returns its number.
    fn push(&mut self, now: Time, kind: u8, fields: &[u8], body: Frames) -> u64 {
        self.begin_to_wait(now);
        let sequence = self.first + self.kept.len() as u64;
        let header = Header { kind, session: self.session, sequence, received: self.received };
        let frames = header.write(self.magic, fields, body);
        let bytes = frames.iter().map(Bytes::len).sum();
        self.kept_bytes += bytes;
        self.kept.push_back(Kept { frames, bytes, received: self.received, taken: 0 });
        sequence
    }

    /// The next message for the connection, and by which number a refusal names it.
    fn poll(&mut self, now: Time) -> Option<(u64, Frames)> {
        if self.blocked {
            return None;
        }
        // A question asks about what goes before it.
        let is_early = self.control == Some(PING) && self.handed < self.kept.len();
        if !is_early && let Some(kind) = self.control.take() {
            self.spoke = now;
            if kind == PING {
                self.pinged = now;
            }
            self.tell(self.received);
            let header = Header { kind, session: self.session, sequence: self.last_handed(), received: self.received };
            return Some((0, header.write(self.magic, &[], Frames::new())));
        }
        let kept = self.kept.get_mut(self.handed)?;
        kept.taken += 1;
        let (frames, received) = (kept.frames.clone(), kept.received);
        let sequence = self.first + self.handed as u64;
        self.handed += 1;
        self.spoke = now;
        self.tell(received);
        Some((sequence, frames))
    }

    fn tell(&mut self, received: u64) {
        self.told = self.told.max(received);
        if self.told == self.received {
            (self.untold, self.untold_bytes) = (0, 0);
        }
    }

    /// The connection did not take the message with this number; 0 is one of the link's own.
    fn refused(&mut self, sequence: u64) {
        self.blocked = true;
        if sequence == 0 {
            self.control = Some(self.question());
        } else if sequence >= self.first {
            let index = (sequence - self.first) as usize;
            self.handed = self.handed.min(index);
            if let Some(kept) = self.kept.get_mut(index) {
                kept.taken -= 1;
            }
        }
    }

    /// The connection takes messages again; it may be a new one, so the other side is asked what it has.
    fn writable(&mut self) {
        self.blocked = false;
        let question = self.question();
        self.control.get_or_insert(question);
    }

    /// What makes the other side say what it has.
    fn question(&self) -> u8 {
        if self.met { PING } else { OPEN }
    }

    /// There is a new connection: what the other side does not have goes out again, and so does the question what is
    /// missing here.
    fn reconnected(&mut self) {
        self.blocked = false;
        self.handed = 0;
        self.control = Some(if self.met { RESEND } else { OPEN });
    }

    /// Takes in a message of `bytes`.
    fn receive(&mut self, now: Time, header: &Header, bytes: usize) -> Received {
        (self.met, self.heard) = (true, now);
        self.acknowledge(header.received);
        match header.kind {
            RESET => return Received::Reset,
            CLOSE => return Received::Closed,
            OPEN | BEAT | PING | RESEND => {
                if header.sequence > self.received {
                    self.ask_again(now);
                } else if matches!(header.kind, PING | OPEN) && self.control.is_none() {
                    self.control = Some(BEAT);
                }
                if header.kind == RESEND {
                    self.send_again(now, header.received);
                }
                return Received::Nothing;
            }
            _ => {}
        }
        if header.sequence == self.received + 1 {
            self.received += 1;
            self.missing = None;
            self.untold += 1;
            self.untold_bytes += bytes;
            if (self.untold >= TELL_MESSAGES || self.untold_bytes >= TELL_BYTES) && self.control.is_none() {
                self.control = Some(BEAT);
            }
            return Received::Message;
        }
        if header.sequence > self.received {
            self.ask_again(now);
        } else {
            // It was sent again because the other side does not know that it arrived.
            self.told = self.told.min(header.sequence - 1);
        }
        Received::Nothing
    }

    /// Asks for what is missing: once, and then once in a while. Two that miss something of each other would otherwise go on
    /// asking each other.
    fn ask_again(&mut self, now: Time) {
        let just_now = |(at, after): (Time, u64)| after == self.received && now < at + self.interval / 2;
        if !self.missing.is_some_and(just_now) {
            self.missing = Some((now, self.received));
            self.control = Some(RESEND);
        }
    }

    /// Who asks for the same again and again is answered once in a while: it may be a lot.
    fn send_again(&mut self, now: Time, received: u64) {
        let just_now = |(at, what): (Time, u64)| what == received && now < at + self.interval / 2;
        if !self.resent.is_some_and(just_now) {
            self.resent = Some((now, received));
            self.handed = 0;
        }
    }

    fn acknowledge(&mut self, received: u64) {
        while self.first <= received
            && let Some(kept) = self.kept.pop_front()
        {
            self.first += 1;
            self.handed = self.handed.saturating_sub(1);
            self.kept_bytes -= kept.bytes;
        }
    }

    /// The pattern begins or ceases to wait for the other side.
    fn watch(&mut self, now: Time, watching: bool) {
        if watching {
            self.begin_to_wait(now);
        }
        self.watching = watching;
    }

    fn begin_to_wait(&mut self, now: Time) {
        if !self.expects() {
            (self.waited, self.pinged) = (now, now);
        }
    }

    /// Whether who opened it has let it rest for `span`.
    fn is_stale(&self, now: Time, span: Duration) -> bool {
        self.forget.is_none() && !self.expects() && !self.owes() && now >= self.heard.max(self.spoke) + span
    }

    fn expects(&self) -> bool {
        self.watching || !self.kept.is_empty()
    }

    fn owes(&self) -> bool {
        self.received > self.told || self.missing.is_some()
    }

    /// What is due at `now`: prepares messages, and tells of silence.
    fn due(&mut self, now: Time) -> Due {
        if self.forget.is_some_and(|forget| now >= self.heard + forget) {
            return Due::Forgotten;
        }
        if self.expects() && now >= self.heard.max(self.waited) + self.patience {
            (self.waited, self.pinged) = (now, now);
            return Due::Silent;
        }
        if self.expects() && now >= self.heard.max(self.pinged) + self.interval {
            self.pinged = now;
            let question = self.question();
            self.control.get_or_insert(question);
        }
        if self.owes() && now >= self.spoke + self.interval {
            self.spoke = now;
            self.control.get_or_insert(if self.missing.is_some() { RESEND } else { BEAT });
        }
        Due::Nothing
    }

    /// When something will be due.
    fn deadline(&self) -> Option<Time> {
        let mut at = self.forget.map_or(Time::MAX, |forget| self.heard + forget);
        if self.expects() {
            let silent = self.heard.max(self.waited) + self.patience;
            at = at.min(silent).min(self.heard.max(self.pinged) + self.interval);
        }
        if self.owes() {
            at = at.min(self.spoke + self.interval);
        }
        (at < Time::MAX).then_some(at)
    }

    /// Asks what has arrived, of which the other side would tell within an interval anyway.
    fn ask(&mut self) {
        self.awaited = self.first + self.kept.len() as u64;
        if !self.kept.is_empty() {
            let question = self.question();
            self.control.get_or_insert(question);
        }
    }

    /// Whether all that was there when it [asked](Self::ask) has arrived.
    fn has_arrived(&self) -> bool {
        self.first >= self.awaited
    }

    /// Whether the message with this number was never taken by a connection.
    fn is_unsent(&self, sequence: u64) -> bool {
        sequence >= self.first && self.kept.get((sequence - self.first) as usize).is_none_or(|kept| kept.taken == 0)
    }

    /// What tells the other side that this is the end.
    fn goodbye(&self) -> Frames {
        let (session, sequence, received) = (self.session, self.last_handed(), self.received);
        Header { kind: CLOSE, session, sequence, received }.write(self.magic, &[], Frames::new())
    }

    /// The number of the last message that was handed to the connection.
    fn last_handed(&self) -> u64 {
        self.first + self.handed as u64 - 1
    }
}
