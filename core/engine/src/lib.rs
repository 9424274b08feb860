//! Sockets, threads and clocks: the only crate of zpatterns with effects.
//!
//! It drives what the protocol crates decide. [`Context`] owns libzmq's I/O threads and our reactor; [`Socket`] is a
//! ZeroMQ socket that threads may share and waits that always end; [`Batch`] is how messages cross a language
//! boundary. Programs use the façade, `zpatterns`, which re-exports what they need.

mod batch;
mod context;
mod curve;
mod endpoint;
mod errno;
mod fork;
mod frame;
mod inbox;
mod info;
mod ipc;
mod kind;
mod options;
mod raw;
mod reactor;
mod ready;
mod socket;
mod stats;
mod wait;

pub use batch::{Batch, LARGE_FRAME};
pub use context::{Context, ContextOptions};
pub use curve::CurveKeys;
pub use frame::{Frame, Message, ZERO_COPY_MINIMUM};
pub use info::{Info, info};
pub use kind::SocketKind;
pub use options::{OptionInfo, OptionType, OptionValue, SocketOptions};
pub use ready::{Hook, Interest};
pub use socket::{Messages, Recv, Send, Socket};
pub use stats::SocketStats;
pub use wait::{Cancel, Deadline};
