//! Sockets, threads and clocks: the only crate of zpatterns with effects.
//!
//! It drives what the protocol crates decide. [`Context`] owns libzmq's I/O threads and our reactor; [`Socket`] is a
//! ZeroMQ socket that threads may share and waits that always end; [`Batch`] is how messages cross a language
//! boundary. Programs use the façade, `zpatterns`, which re-exports what they need.

mod auth;
mod batch;
mod bus;
mod context;
mod curve;
mod endpoint;
mod errno;
mod fork;
mod frame;
mod host;
mod inbox;
mod info;
mod ipc;
mod kind;
mod mailbox;
mod monitor;
mod options;
mod poller;
mod proxy;
mod raw;
mod reactor;
mod ready;
mod security;
mod socket;
mod stats;
mod store;
mod wait;

pub use auth::{AuthStats, Authenticator};
pub use batch::{Batch, LARGE_FRAME, LargeFrames};
pub use bus::{
    Bus, BusBatch, BusCounters, BusEvent, BusFlowControl, BusForwarder, BusForwarderCounters, BusForwarderOptions,
    BusKey, BusOptions, PeerId,
};
pub use context::{Context, ContextOptions};
pub use curve::CurveKeys;
pub use endpoint::check as check_endpoint;
pub use frame::{Frame, Message, ZERO_COPY_MINIMUM};
pub use host::{Host, HostOptions};
pub use info::{Info, info};
pub use kind::SocketKind;
pub use mailbox::Lane;
pub use monitor::{Monitor, MonitorEvent, MonitorEventKind};
pub use options::{OptionInfo, OptionType, OptionValue, SocketOptions};
pub use poller::{Poller, Ready, Registration};
pub use proxy::{Proxy, ProxyStats};
pub use ready::{Hook, Interest};
pub use security::{ClientSecurity, Security, ServerSecurity};
pub use socket::{Messages, RecvFuture, SendFuture, Socket};
pub use stats::SocketStats;
pub use store::{FileStorage, Storage, Store};
pub use wait::{Cancel, Deadline};
pub use zpatterns_epgm::{
    forwarder::ForwarderCounters, framing::Frames as BusFrames, receiver::SourceCounters as ReceivedCounters,
    sender::SenderCounters as SentCounters,
};
pub use zpatterns_protocol::{Error, ErrorKind, Result};
