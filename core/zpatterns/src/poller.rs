//! The Guide's reactor, for a thread of the program's own: sockets, timers and file descriptors in one wait.
//!
//! Every turn of [`Poller::wait`] returns what is ready, in the order in which it was added. Nothing is called back, so
//! the program may take and remove what it likes, when it likes. Sockets are background ones: they are served between
//! two turns, too, and what is not taken stays ready.
//!
//! ```
//! use std::time::Duration;
//! use zpatterns::{Context, Deadline, Interest, Poller, SocketKind, SocketOptions};
//! # fn main() -> zpatterns::Result<()> {
//! let context = Context::new()?;
//! let pull = context.socket(SocketKind::Pull, &SocketOptions::background())?;
//! let push = context.socket(SocketKind::Push, &SocketOptions::default())?;
//! push.connect(&pull.bind("tcp://127.0.0.1:0")?)?;
//!
//! let mut poller = Poller::new();
//! let messages = poller.add_socket(&pull, Interest::RECV)?;
//! let tick = poller.add_timer(Duration::from_millis(1), Some(Duration::from_millis(1)))?;
//! let mut received = 0;
//! while received < 3 {
//!     for ready in poller.wait(&Deadline::after(Duration::from_secs(30)))? {
//!         if ready.registration == messages {
//!             received += pull.recv_many(100, usize::MAX, &Deadline::now())?.len();
//!         } else if ready.registration == tick {
//!             push.send(b"tick", &Deadline::never())?;
//!         }
//!     }
//! }
//! # Ok(())
//! # }
//! ```

pub use zpatterns_engine::{Poller, Ready, Registration};
