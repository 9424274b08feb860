//! Reliable messaging patterns over ZeroMQ.
//!
//! Every pattern is one word, the same in Rust, C, Python and Node, on the wire and in the documentation. Now:
//!
//! * [`socket`]: ZeroMQ sockets as they are, safe to share between threads, with waits that always end.
//! * [`bus`]: a multicast bus, pgm over UDP, and what stands in for it where there is no multicast.
//! * [`reqrep`]: requests that cannot be lost in silence, through a broker or without one.
//! * [`pubsub`]: publications for those who may hear them, and nothing missed in silence.
//! * [`zqueue`]: jobs that break into jobs, on any number of machines.
//!
//! And for a thread that waits for several things, the Guide's reactor: [`poller`].
//!
//! ```
//! use zpatterns::{Context, Deadline, SocketKind, SocketOptions};
//! # fn main() -> zpatterns::Result<()> {
//! let context = Context::new()?;
//! let pull = context.socket(SocketKind::Pull, &SocketOptions::default())?;
//! let endpoint = pull.bind("tcp://127.0.0.1:0")?;
//!
//! let push = context.socket(SocketKind::Push, &SocketOptions::default())?;
//! push.connect(&endpoint)?;
//! push.send(b"hello", &Deadline::never())?;
//!
//! let message = pull.recv(&Deadline::after(std::time::Duration::from_secs(5)))?;
//! assert_eq!(message.payload(), b"hello");
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

pub mod bus;
mod host;
pub mod poller;
pub mod pubsub;
pub mod reqrep;
pub mod socket;
pub mod zqueue;

pub use bus::{
    Bus, BusBatch, BusCounters, BusEvent, BusFlowControl, BusForwarder, BusForwarderOptions, BusFrames, BusKey,
    BusOptions, PeerId,
};
pub use poller::{Poller, Ready, Registration};
pub use socket::{
    Monitor, MonitorEvent, MonitorEventKind, Proxy, ProxyStats, Socket, SocketKind, SocketOptions, SocketStats,
};
pub use zpatterns_engine::{
    AuthStats, Authenticator, Batch, Cancel, Context, ContextOptions, CurveKeys, Deadline, Frame, Hook, Info, Interest,
    LARGE_FRAME, Message, OptionInfo, OptionType, OptionValue, ZERO_COPY_MINIMUM, info,
};
pub use zpatterns_protocol::{Error, ErrorKind, Result};
