//! Batches across the boundary.
//!
//! A batch goes to JavaScript as one block, without a copy unless it is small: the bytes of all small frames, padding
//! to a multiple of four, the end of each frame, the facts (numbers that a pattern has for each message, or none), the
//! number of frames up to the end of each message (left out if there are no facts and every message has one frame), the
//! position of each large frame, and last four numbers: frames, messages, large frames, bytes before the padding. All
//! numbers are 32 bits wide in the machine's own order, so JavaScript looks at them through one `Uint32Array`. Large
//! frames follow as Buffers over libzmq's memory.

use std::ops::Range;

use napi::bindgen_prelude::{ArrayBuffer, BufferSlice, Env};
use napi_derive::napi;
use zpatterns::{Batch, Frame, Result, reqrep::Frames};

/// Smaller blocks are copied: telling JavaScript's collector of foreign memory costs more.
const HAND_OVER_MINIMUM: usize = 16 * 1024;

/// A batch on its way to JavaScript.
#[napi(object, object_from_js = false)]
pub struct Packed<'env> {
    /// The block described above.
    pub block: ArrayBuffer<'env>,
    /// Frames outside the block, in the order of their positions.
    pub large: Option<Vec<BufferSlice<'env>>>,
}

/// Hands a batch over.
pub(crate) fn pack<'env>(env: &'env Env, batch: Batch) -> napi::Result<Packed<'env>> {
    let (block, frame_ends, message_ends, large) = batch.into_parts();
    let positions: Vec<u32> = large.iter().map(|(position, _)| *position).collect();
    let block = seal(env, block, &frame_ends, &[], &message_ends, &positions)?;
    let large = large.into_iter().map(|(_, frame)| buffer(env, frame)).collect::<napi::Result<Vec<_>>>()?;
    Ok(Packed { block, large: if large.is_empty() { None } else { Some(large) } })
}

/// The block described above, of these parts.
pub(crate) fn seal<'env>(
    env: &'env Env,
    mut block: Vec<u8>,
    frame_ends: &[u32],
    facts: &[u32],
    message_ends: &[u32],
    positions: &[u32],
) -> napi::Result<ArrayBuffer<'env>> {
    let tail = [frame_ends.len(), message_ends.len(), positions.len(), block.len()].map(|count| count as u32);
    let single = facts.is_empty() && frame_ends.len() == message_ends.len();
    let message_ends = if single { &[] } else { message_ends };
    block.resize(block.len().next_multiple_of(4), 0);
    for numbers in [frame_ends, facts, message_ends, positions, &tail] {
        block.extend(numbers.iter().flat_map(|number| number.to_ne_bytes()));
    }
    if block.len() < HAND_OVER_MINIMUM {
        ArrayBuffer::copy_from(env, block)
    } else {
        ArrayBuffer::from_data(env, block)
    }
}

/// A Buffer over the memory of a frame that is not empty; a copy where the runtime refuses foreign memory, and where
/// another receiver holds the same bytes, which a program may write to.
fn buffer<'env>(env: &'env Env, frame: Frame) -> napi::Result<BufferSlice<'env>> {
    if frame.is_shared() {
        return BufferSlice::copy_from(env, &*frame);
    }
    let (data, size) = (frame.as_ptr().cast_mut(), frame.len());
    // SAFETY: a large frame's bytes stay where they are while it moves, and live until the finalizer drops it.
    unsafe { BufferSlice::from_external(env, data, size, frame, |_, frame| drop(frame)) }
}

/// A batch of these messages of what JavaScript packed.
pub(crate) fn unpack(data: &[u8], frame_ends: &[u32], message_ends: &[u32], messages: Range<usize>) -> Result<Batch> {
    let mut batch = Batch::new();
    for message in messages.start..messages.end.min(message_ends.len()) {
        for frame in frames(data, frame_ends, message_ends, message) {
            batch.push_frame(frame)?;
        }
        batch.end_message();
    }
    Ok(batch)
}

/// Messages that have facts, as JavaScript packed them.
pub(crate) struct Slab<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) frame_ends: &'a [u32],
    pub(crate) message_ends: &'a [u32],
    pub(crate) facts: &'a [u32],
}

impl<'a> Slab<'a> {
    /// Gives core the messages from `first` up to `end`, by their numbers here, and returns how many it took. If the
    /// next one is refused, that shows when it is the first.
    pub(crate) fn give<const FACTS: usize>(
        &self,
        first: u32,
        end: u32,
        mut take: impl FnMut(usize, [u32; FACTS], &mut dyn Iterator<Item = &'a [u8]>) -> Result<()>,
    ) -> Result<u32> {
        let mut given = 0;
        for (message, facts) in self.facts.chunks_exact(FACTS).enumerate().take(end as usize).skip(first as usize) {
            let facts = facts.try_into().expect("a chunk has the size that was asked for");
            let mut frames = frames(self.data, self.frame_ends, self.message_ends, message);
            match take(message, facts, &mut frames) {
                Ok(()) => given += 1,
                Err(error) if given == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(given)
    }
}

/// Frames that JavaScript packed, as core keeps them.
pub(crate) fn owned<'a>(frames: impl Iterator<Item = &'a [u8]>) -> Frames {
    frames.map(|frame| frame.to_vec().into()).collect()
}

/// The frames of a message of what JavaScript packed: frames that end at `frame_ends` in `data`, in messages that end
/// after `message_ends` frames. Ends out of order or out of range are cut to fit.
pub(crate) fn frames<'a>(
    data: &'a [u8],
    frame_ends: &'a [u32],
    message_ends: &[u32],
    message: usize,
) -> impl Iterator<Item = &'a [u8]> {
    let start = |ends: &[u32], index: usize| index.checked_sub(1).map_or(0, |before| ends[before] as usize);
    let last = message_ends.get(message).map_or(0, |end| frame_ends.len().min(*end as usize));
    (start(message_ends, message)..last).map(move |frame| {
        let bytes = start(frame_ends, frame)..frame_ends[frame] as usize;
        data.get(bytes).unwrap_or_default()
    })
}
