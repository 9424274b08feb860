//! The bounded queue between the reactor and a program.
//!
//! Bounded by count and by bytes, because a count alone lets 64 KiB messages fill half a gigabyte and run at half
//! speed. At the bound the reactor stops reading the socket, so the peer is held back by TCP and nothing is dropped;
//! it starts again when the program has taken half, not at the first message, so that it is not woken for each.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::batch::Batch;

/// A segment takes no more once it holds this many messages or bytes: the unit in which programs take them.
const SEGMENT_MESSAGES: usize = 1024;
const SEGMENT_BYTES: usize = 128 * 1024;

#[derive(Debug)]
pub(crate) struct Inbox {
    max_messages: usize,
    max_bytes: usize,
    state: Mutex<State>,
}

#[derive(Default, Debug)]
struct State {
    segments: VecDeque<Batch>,
    messages: usize,
    bytes: usize,
    paused: bool,
    pauses: u64,
}

/// How much of an inbox is used.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Usage {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
    pub(crate) pauses: u64,
}

impl Inbox {
    pub(crate) fn new(max_messages: usize, max_bytes: usize) -> Self {
        Self { max_messages, max_bytes, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Messages and bytes that fit now. At the bound it answers `None` and remembers that the reactor paused.
    pub(crate) fn room(&self) -> Option<(usize, usize)> {
        let mut state = self.lock();
        if state.messages >= self.max_messages || state.bytes >= self.max_bytes {
            if !state.paused {
                state.paused = true;
                state.pauses += 1;
            }
            return None;
        }
        Some((self.max_messages - state.messages, self.max_bytes - state.bytes))
    }

    /// Moves all of `batch` in.
    pub(crate) fn push(&self, batch: &mut Batch) {
        let mut state = self.lock();
        state.messages += batch.len();
        state.bytes += batch.bytes();
        match state.segments.back_mut() {
            Some(last)
                if last.len() + batch.len() <= SEGMENT_MESSAGES && last.bytes() + batch.bytes() <= SEGMENT_BYTES =>
            {
                last.append(batch);
            }
            _ => state.segments.push_back(std::mem::take(batch)),
        }
    }

    /// Takes the oldest segment, and tells whether a paused reactor may go on.
    pub(crate) fn pop(&self) -> Option<(Batch, bool)> {
        let mut state = self.lock();
        let batch = state.segments.pop_front()?;
        state.messages -= batch.len();
        state.bytes -= batch.bytes();
        let resume = state.paused && state.messages <= self.max_messages / 2 && state.bytes <= self.max_bytes / 2;
        if resume {
            state.paused = false;
        }
        Some((batch, resume))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().segments.is_empty()
    }

    pub(crate) fn usage(&self) -> Usage {
        let state = self.lock();
        Usage { messages: state.messages, bytes: state.bytes, pauses: state.pauses }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(messages: usize, size: usize) -> Batch {
        let mut batch = Batch::new();
        for _ in 0..messages {
            batch.push(&vec![0; size]).expect("memory is there");
        }
        batch
    }

    #[test]
    fn pauses_at_either_bound_and_resumes_at_half() {
        for (inbox, size) in [(Inbox::new(4, 1 << 20), 1), (Inbox::new(1 << 20, 4000), 1000)] {
            // Large enough that each stays a segment of its own.
            for _ in 0..4 {
                assert!(inbox.room().is_some());
                let mut state = inbox.lock();
                state.segments.push_back(Batch::new());
                drop(state);
                inbox.push(&mut batch(1, size));
            }
            assert!(inbox.room().is_none());
            assert!(inbox.room().is_none());
            assert_eq!(inbox.usage().pauses, 1);
            let mut resumed = 0;
            while let Some((_, resume)) = inbox.pop() {
                resumed += usize::from(resume);
            }
            assert_eq!(resumed, 1);
            assert!(inbox.room().is_some());
        }
    }

    #[test]
    fn one_message_larger_than_the_bound_is_let_in() {
        let inbox = Inbox::new(10, 10);
        assert_eq!(inbox.room(), Some((10, 10)));
        inbox.push(&mut batch(1, 100));
        assert!(inbox.room().is_none());
        assert!(inbox.pop().is_some_and(|(_, resume)| resume));
    }
}
