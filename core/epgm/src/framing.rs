//! ZeroMQ messages in payloads, as libzmq's `pgm` and `epgm` have them.
//!
//! ```text
//! payload = offset:u16 *byte                the first byte of the stream here at which a message begins; 0xffff is none
//! stream  = *frame                          cut anywhere
//! frame   = (size:u8 | 0xff size:u64) flags:u8 *byte     size counts flags and bytes; flag 1: more frames of this message
//! ```
//!
//! A receiver joins at an offset, and joins again after a loss. So no message is ever put together from two: at every offset
//! the stream must be where the sender says, or what was begun is dropped.

mod frames;
mod packer;
mod unpacker;

#[cfg(test)]
mod tests;

pub use self::{
    frames::Frames,
    packer::Packer,
    unpacker::{Broken, Unpacker},
};

/// No message begins in this payload.
const NONE: u16 = 0xffff;
/// The bytes of a payload before the stream.
const OFFSET: usize = 2;
/// Sizes from this one on take nine bytes.
const LONG: u8 = 0xff;
/// Another frame of the message follows.
const MORE: u8 = 1;
