//! A multicast bus: what one says, all hear.
//!
//! A [`Bus`] is a place at `epgm://INTERFACE;GROUP:PORT`; where there is no multicast, at `udp://INTERFACE:PORT;HOST:PORT,HOST:PORT`, or
//! at `relay://HOST:PORT`, where a [`BusForwarder`] is. What is sent leaves once, whatever the number of those who listen; who
//! missed something asks for it, and hears it again. It is reliable as far as the sender remembers, which is its
//! [`window`](BusOptions::window): beyond that, [`BusEvent::Missed`] stands where something is missing, and never silence, a
//! repetition, or half a message. The peers of libzmq's `epgm` transport are at home on the same port. The specification is
//! `docs/protocols/bus.md`.
//!
//! ```
//! use zpatterns::{Bus, BusEvent, BusOptions, Context, Deadline};
//! # fn main() -> zpatterns::Result<()> {
//! let context = Context::new()?;
//! let listener = Bus::open(&context, "epgm://lo;239.192.1.1:5670", BusOptions::default())?;
//! listener.subscribe(b"weather")?;
//!
//! let sender = Bus::open(&context, "epgm://lo;239.192.1.1:5670", BusOptions::default())?;
//! let deadline = Deadline::after(std::time::Duration::from_secs(5));
//! sender.send(&["weather", "sunny"], &deadline)?;
//! loop {
//!     if let BusEvent::Message { frames, .. } = listener.recv(&deadline)? {
//!         assert_eq!(frames[1], "sunny");
//!         break;
//!     }
//! }
//! # Ok(())
//! # }
//! ```

pub use zpatterns_engine::{
    Bus, BusBatch, BusCounters, BusEvent, BusFlowControl, BusForwarder, BusForwarderCounters, BusForwarderOptions,
    BusFrames, BusKey, BusOptions, ForwarderCounters, PeerId, ReceivedCounters, SentCounters,
};
