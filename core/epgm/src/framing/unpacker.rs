//! Payloads into messages.

use std::fmt;

use super::{Frames, LONG, MORE, NONE, OFFSET};

/// What a frame costs besides its bytes.
const FRAME: usize = 32;

/// Why a payload does not go on where the last one ended. What was begun is dropped, and the next message is waited for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum Broken {
    /// The payload is too short, or its offset lies behind its end.
    Payload,
    /// A frame has no size.
    Size,
    /// A message is larger than it may be.
    TooLarge,
    /// A message begins where the sender says that none does, or the other way round.
    Offset,
}

impl fmt::Display for Broken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Payload => "a payload is too short for what it says",
            Self::Size => "a frame has no size",
            Self::TooLarge => "a message is larger than it may be",
            Self::Offset => "a message does not begin where the sender says",
        })
    }
}

impl std::error::Error for Broken {}

/// Puts the messages of one source together.
#[derive(Debug)]
pub struct Unpacker {
    max: usize,
    joined: bool,
    state: State,
    /// The frames of the message so far, where each ends, and what they cost.
    begun: Vec<u8>,
    ends: Vec<usize>,
    cost: usize,
}

/// What comes next in the stream.
#[derive(Debug)]
enum State {
    /// The size of a frame.
    Size,
    /// More of a long size.
    LongSize { so_far: u64, missing: u8 },
    /// The flags of a frame with so many bytes.
    Flags { size: usize },
    /// More of a frame.
    Body { missing: usize, more: bool },
}

impl Unpacker {
    /// For messages of at most `max` bytes, to which every frame adds 32. The first one begins at the first offset.
    pub fn new(max: usize) -> Self {
        Self { max, joined: false, state: State::Size, begun: Vec::new(), ends: Vec::new(), cost: 0 }
    }

    /// Something is missing before the next payload: drops what was begun.
    pub fn lost(&mut self) {
        self.joined = false;
        self.begin();
    }

    /// The next message begins here.
    fn begin(&mut self) {
        (self.state, self.cost) = (State::Size, 0);
        self.begun.clear();
        self.ends.clear();
    }

    /// Whether it knows where in the stream it is.
    pub fn is_joined(&self) -> bool {
        self.joined
    }

    /// Takes the next payload in, and delivers the messages that are complete with it.
    ///
    /// # Errors
    /// [`Broken`] says why what was begun was dropped. What the payload has from its offset on is taken in all the same, if
    /// the fault lies before.
    pub fn push(&mut self, payload: &[u8], mut deliver: impl FnMut(Frames<'_>)) -> Result<(), Broken> {
        let Some((offset, stream)) = split(payload) else {
            self.lost();
            return Err(Broken::Payload);
        };
        let begins = match (self.joined, offset) {
            (true, _) => 0,
            (false, Some(offset)) => offset,
            // It is all of a message of which the beginning is missing.
            (false, None) => return Ok(()),
        };
        self.joined = true;
        let Err(broken) = self.read(stream, begins, offset, &mut deliver) else { return Ok(()) };
        self.lost();
        if let (Broken::Offset, Some(offset)) = (broken, offset) {
            self.joined = true;
            if self.read(stream, offset, Some(offset), &mut deliver).is_err() {
                self.lost();
            }
        }
        Err(broken)
    }

    /// Reads the stream from `at` on; its first message must begin at `offset`.
    fn read(
        &mut self,
        stream: &[u8],
        mut at: usize,
        offset: Option<usize>,
        deliver: &mut impl FnMut(Frames<'_>),
    ) -> Result<(), Broken> {
        // What was begun before this payload ends where the sender says that the next message begins.
        let is_wrong = |end: usize, more: bool| match offset {
            Some(offset) if more => offset < end,
            Some(offset) => offset != end,
            None => !more && end != stream.len(),
        };
        let mut has_begun = false;
        while let Some(byte) = stream.get(at).copied() {
            let begins = matches!(self.state, State::Size) && self.ends.is_empty() && !has_begun;
            if begins != (!has_begun && offset == Some(at)) {
                return Err(Broken::Offset);
            }
            has_begun |= begins;
            match &mut self.state {
                State::Size => {
                    at += 1;
                    self.state = match byte {
                        0 => return Err(Broken::Size),
                        LONG => State::LongSize { so_far: 0, missing: 8 },
                        size => self.flags(u64::from(size))?,
                    };
                    continue;
                }
                State::LongSize { so_far, missing } => {
                    at += 1;
                    *so_far = *so_far << 8 | u64::from(byte);
                    *missing -= 1;
                    if *missing == 0 {
                        let size = *so_far;
                        self.state = self.flags(size)?;
                    }
                    continue;
                }
                State::Flags { size } => {
                    at += 1;
                    let (missing, more) = (*size, byte & MORE != 0);
                    if has_begun
                        && !more
                        && self.ends.is_empty()
                        && let Some((body, _)) = stream[at..].split_at_checked(missing)
                    {
                        // Nearly always: without a copy.
                        at += missing;
                        self.begin();
                        deliver(Frames::one(body));
                        continue;
                    }
                    self.state = State::Body { missing, more };
                }
                State::Body { .. } => {}
            }
            let State::Body { missing, more } = &mut self.state else { unreachable!("all others went on") };
            let here = &stream[at..stream.len().min(at + *missing)];
            self.begun.extend_from_slice(here);
            *missing -= here.len();
            at += here.len();
            let (is_whole, more) = (*missing == 0, *more);
            if !has_begun && is_wrong(at, more || !is_whole) {
                return Err(Broken::Offset);
            }
            if is_whole {
                self.ends.push(self.begun.len());
                self.state = State::Size;
                if !more {
                    deliver(Frames::new(&self.begun, &self.ends));
                    self.begin();
                }
            }
        }
        if offset.is_some() && !has_begun { Err(Broken::Offset) } else { Ok(()) }
    }

    /// A frame has this size, its flags counted.
    fn flags(&mut self, size: u64) -> Result<State, Broken> {
        let bytes = size.checked_sub(1).ok_or(Broken::Size)?;
        let bytes = usize::try_from(bytes).ok().filter(|bytes| *bytes <= self.max).ok_or(Broken::TooLarge)?;
        self.cost += FRAME + bytes;
        if self.cost > self.max.saturating_add(FRAME) {
            return Err(Broken::TooLarge);
        }
        Ok(State::Flags { size: bytes })
    }
}

/// The offset, if a message begins, and the stream.
fn split(payload: &[u8]) -> Option<(Option<usize>, &[u8])> {
    let (offset, stream) = payload.split_first_chunk::<OFFSET>()?;
    let offset = match u16::from_be_bytes(*offset) {
        _ if stream.is_empty() => return None,
        NONE => None,
        offset => Some(usize::from(offset)),
    };
    match offset {
        // The next one begins with the next payload: libzmq says so when it has nothing more to send for the moment.
        Some(offset) if offset == stream.len() => Some((None, stream)),
        Some(offset) if offset > stream.len() => None,
        _ => Some((offset, stream)),
    }
}
