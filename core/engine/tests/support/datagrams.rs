//! A network that loses datagrams.

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{Arc, OnceLock},
    thread::JoinHandle,
};

/// One in so many is lost.
const LOST: u64 = 20;
/// Ends a thread; no datagram of a bus is so short.
const END: &[u8] = b".";

fn socket() -> UdpSocket {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback is there")
}

fn address(socket: &UdpSocket) -> SocketAddr {
    socket.local_addr().expect("it is bound")
}

/// An address that nobody uses, because somebody just did.
pub fn free_address() -> SocketAddr {
    address(&socket())
}

/// A network between two parties, of which the first to speak is the near one: what comes to one of its addresses leaves from the
/// other.
pub struct Lossy {
    /// Where the far one is, for the near one.
    pub near: SocketAddr,
    /// Where the near one is, for the far one.
    pub far: SocketAddr,
    threads: Vec<JoinHandle<()>>,
}

impl Lossy {
    /// One before a party that is at this address.
    pub fn before(party: SocketAddr) -> Self {
        let (near, far) = (Arc::new(socket()), Arc::new(socket()));
        let (speaker, listener) = (Arc::new(OnceLock::new()), Arc::new(OnceLock::from(party)));
        let unknown = Arc::new(OnceLock::new());
        Self {
            near: address(&near),
            far: address(&far),
            threads: vec![
                pass(Arc::clone(&near), Arc::clone(&far), Arc::clone(&speaker), listener),
                pass(far, near, unknown, speaker),
            ],
        }
    }
}

/// Passes on to `to`, as soon as it is known, and notes who spoke first.
fn pass(
    from: Arc<UdpSocket>,
    through: Arc<UdpSocket>,
    speaker: Arc<OnceLock<SocketAddr>>,
    to: Arc<OnceLock<SocketAddr>>,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = [0; 1 << 16];
        for number in 1.. {
            let (size, who) = from.recv_from(&mut buffer).expect("it is open");
            if buffer[..size] == *END {
                return;
            }
            speaker.get_or_init(|| who);
            if let Some(to) = to.get()
                && number % LOST != 0
            {
                // The other may have ended.
                let _ = through.send_to(&buffer[..size], to);
            }
        }
    })
}

impl Drop for Lossy {
    fn drop(&mut self) {
        for address in [self.near, self.far] {
            socket().send_to(END, address).expect("it leaves");
        }
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}
