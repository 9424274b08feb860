//! Taking messages from libzmq and giving them to it, under the socket's lock.

use zpatterns_protocol::{ErrorKind, Result};

use super::shared::State;
use crate::{Batch, Frame, Message, raw::RawSocket};

impl State {
    pub(super) fn raw(&mut self) -> &mut RawSocket {
        self.raw.as_mut().expect("an open socket has its raw one")
    }

    pub(super) fn try_send_slices(&mut self, frames: &[&[u8]]) -> Result<Option<()>> {
        let last = frames.len() - 1;
        let mut bytes = 0;
        for (index, data) in frames.iter().enumerate() {
            let mut frame = Frame::copy_from(data)?;
            bytes += data.len();
            // Refused in the middle, libzmq has taken back the first frames: the whole message is sent again.
            if !self.send_frame(&mut frame, index < last)? {
                return Ok(None);
            }
        }
        self.count_sent(bytes);
        Ok(Some(()))
    }

    pub(super) fn try_send_message(&mut self, message: &mut Message) -> Result<Option<()>> {
        let bytes = message.size();
        let last = message.len() - 1;
        for (index, frame) in message.frames_mut().iter_mut().enumerate() {
            // The caller keeps the message until all of it is sent.
            if !self.send_frame(&mut frame.share(), index < last)? {
                return Ok(None);
            }
        }
        message.clear();
        self.count_sent(bytes);
        Ok(Some(()))
    }

    pub(super) fn try_send_batched(&mut self, batch: &mut Batch, index: usize) -> Result<Option<()>> {
        let (first, end) = batch.frame_range(index);
        let mut bytes = 0;
        for position in first..end {
            let mut frame = batch.frame_to_send(position)?;
            bytes += frame.len();
            if !self.send_frame(&mut frame, position + 1 < end)? {
                return Ok(None);
            }
        }
        self.count_sent(bytes);
        Ok(Some(()))
    }

    pub(super) fn send_frame(&mut self, frame: &mut Frame, more: bool) -> Result<bool> {
        self.raw().send_frame(frame, more).inspect_err(|error| {
            if error.kind() == ErrorKind::Unreachable {
                self.stats.send_unreachable += 1;
            }
        })
    }

    pub(super) fn count_sent(&mut self, bytes: usize) {
        self.stats.sent_messages += 1;
        self.stats.sent_bytes += bytes as u64;
    }

    pub(super) fn count_received(&mut self, messages: usize, bytes: usize) {
        self.stats.received_messages += messages as u64;
        self.stats.received_bytes += bytes as u64;
    }

    pub(super) fn try_recv(&mut self) -> Result<Option<Message>> {
        if !self.front.is_empty() {
            let message = self.front.next_message()?;
            self.count_received(1, message.size());
            return Ok(Some(message));
        }
        let mut message = Message::new();
        if !self.raw().recv_message(|frame| message.push(std::mem::take(frame)))? {
            return Ok(None);
        }
        self.count_received(1, message.size());
        Ok(Some(message))
    }

    pub(super) fn try_recv_many(&mut self, max_messages: usize, max_bytes: usize) -> Result<Option<Batch>> {
        let mut batch = Batch::new();
        if !self.front.is_empty() {
            batch = self.front.next_batch(max_messages, max_bytes);
        }
        while batch.len() < max_messages.max(1) && (batch.is_empty() || batch.bytes() < max_bytes) {
            match self.recv_into(&mut batch) {
                Ok(true) => {}
                // What is already received comes first; the error shows again.
                Err(error) if batch.is_empty() => return Err(error),
                Ok(false) | Err(_) => break,
            }
        }
        if batch.is_empty() {
            return Ok(None);
        }
        self.count_received(batch.len(), batch.bytes());
        Ok(Some(batch))
    }

    /// Receives one message into `batch` without counting it as received by the program.
    pub(super) fn recv_into(&mut self, batch: &mut Batch) -> Result<bool> {
        let received = self.raw().recv_message(|frame| batch.take_from(frame))?;
        if received {
            batch.end_message();
        }
        Ok(received)
    }
}
