//! A cable that can be harmed: connections through it are reset, or nothing comes through any more and nobody is told.

use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::net::sockopt::set_socket_linger;

/// Passes connections on, until it is harmed; connections made afterwards pass again.
pub(crate) struct Cable {
    endpoint: String,
    /// The state of each connection.
    connections: Arc<Mutex<Vec<Arc<AtomicU8>>>>,
}

const PASSES: u8 = 0;
const SILENT: u8 = 1;
const RESET: u8 = 2;

impl Cable {
    /// A cable to `tcp://` something.
    pub(crate) fn to(target: &str) -> Self {
        let target = target.strip_prefix("tcp://").expect("a cable leads to tcp").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let endpoint = format!("tcp://{}", listener.local_addr().expect("it has an address"));
        let connections = Arc::<Mutex<Vec<_>>>::default();
        let all = Arc::clone(&connections);
        // The threads end with the test program.
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(&target) else { continue };
                let state = Arc::new(AtomicU8::new(PASSES));
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to) = (from.try_clone().expect("a handle"), to.try_clone().expect("a handle"));
                    let state = Arc::clone(&state);
                    thread::spawn(move || pass(from, to, &state));
                }
                all.lock().expect("sound").push(state);
            }
        });
        Self { endpoint, connections }
    }

    pub(crate) fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    /// Every connection is reset, and what was on its way is lost.
    pub(crate) fn reset(&self) {
        self.set(RESET);
    }

    /// Nothing comes through any more on any connection, and neither side is told.
    pub(crate) fn fall_silent(&self) {
        self.set(SILENT);
    }

    fn set(&self, state: u8) {
        for connection in self.connections.lock().expect("sound").iter() {
            connection.store(state, Ordering::SeqCst);
        }
    }
}

/// Passes one direction on. The system resets a connection whose last handle closes without lingering.
fn pass(mut from: TcpStream, mut to: TcpStream, state: &AtomicU8) {
    from.set_read_timeout(Some(Duration::from_millis(5))).expect("a time");
    set_socket_linger(&from, Some(Duration::ZERO)).expect("an option");
    let mut buffer = [0; 4096];
    while state.load(Ordering::SeqCst) != RESET {
        match from.read(&mut buffer) {
            Ok(count @ 1..) if state.load(Ordering::SeqCst) == PASSES => {
                if to.write_all(&buffer[..count]).is_err() {
                    break;
                }
            }
            Ok(1..) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            _ => break,
        }
    }
    state.store(RESET, Ordering::SeqCst);
}
