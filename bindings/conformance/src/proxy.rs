//! What stands between two roles and breaks their connections, as a network does and no program can do to itself.
//!
//! It forwards TCP on 127.0.0.1. A reset ends every connection at once and tells both sides so, as a firewall does that
//! was started anew. A connection that is held is half-open: it stays, nothing comes through, and nobody says so. In
//! both cases what connects afterwards is forwarded again.

use std::{
    io::{ErrorKind, Read, Result as IoResult, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::retry_on_intr,
    net::sockopt::set_socket_linger,
};

/// Connections at once; more wait until one ends.
const MAX_LINKS: usize = 64;

/// Bytes on their way in one direction of one connection.
const MAX_PENDING: usize = 64 * 1024;

/// How long the other side may take to accept.
const PATIENCE: Duration = Duration::from_secs(5);

const RESET: u8 = b'r';
const HOLD: u8 = b'h';

/// A thread that forwards until this is dropped.
pub(crate) struct Proxy {
    endpoint: String,
    /// Takes orders by the octet, and gives each back when it is done.
    orders: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Forwards to `endpoint`, which is `tcp://127.0.0.1:PORT`.
    pub(crate) fn start(endpoint: &str) -> Result<Self> {
        let to = endpoint.strip_prefix("tcp://").and_then(|address| address.parse::<SocketAddr>().ok());
        let to = to.with_context(|| format!("the proxy does not reach `{endpoint}`"))?;
        ensure!(to.ip().is_loopback(), "the proxy stays on this machine");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let endpoint = format!("tcp://{}", listener.local_addr()?);
        let (orders, taken) = UnixStream::pair()?;
        let mut forwarder = Forwarder { listener, to, orders: taken, links: Vec::new() };
        let thread = thread::spawn(move || while forwarder.turn().is_ok() {});
        Ok(Self { endpoint, orders, thread: Some(thread) })
    }

    /// Where it is reached.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Resets every connection.
    pub(crate) fn reset(&mut self) -> Result<()> {
        self.order(RESET)
    }

    /// Forwards nothing any more on the connections that there are, and closes none of them.
    pub(crate) fn hold(&mut self) -> Result<()> {
        self.order(HOLD)
    }

    fn order(&mut self, order: u8) -> Result<()> {
        let mut done = [order];
        self.orders.write_all(&done).and_then(|()| self.orders.read_exact(&mut done)).context("the proxy has ended")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.orders.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the thread has.
struct Forwarder {
    listener: TcpListener,
    to: SocketAddr,
    orders: UnixStream,
    links: Vec<Link>,
}

/// A connection and its continuation.
struct Link {
    ends: [TcpStream; 2],
    /// What came from each end and is not yet at the other.
    pending: [Vec<u8>; 2],
    is_held: bool,
}

impl Forwarder {
    /// Waits until there is something to do, and does it. An error if nobody wants it any more.
    fn turn(&mut self) -> IoResult<()> {
        let mut awaited = vec![PollFd::new(&self.orders, PollFlags::IN)];
        if self.links.len() < MAX_LINKS {
            awaited.push(PollFd::new(&self.listener, PollFlags::IN));
        }
        awaited.extend(self.links.iter().filter(|link| !link.is_held).flat_map(Link::awaited));
        retry_on_intr(|| poll(&mut awaited, None))?;
        let is_ordered = !awaited[0].revents().is_empty();
        if is_ordered {
            self.obey()?;
        }
        self.links.retain_mut(|link| link.is_held || link.forward().is_ok());
        if self.links.len() < MAX_LINKS
            && let Ok((stream, _)) = self.listener.accept()
        {
            // If nobody is there, the connection ends here.
            self.links.extend(Link::to(stream, self.to));
        }
        Ok(())
    }

    fn obey(&mut self) -> IoResult<()> {
        let mut order = [0];
        self.orders.read_exact(&mut order)?;
        match order[0] {
            RESET => {
                for end in self.links.drain(..).flat_map(|link| link.ends) {
                    // A socket that may not linger is closed with a reset.
                    set_socket_linger(&end, Some(Duration::ZERO))?;
                }
            }
            _ => self.links.iter_mut().for_each(|link| link.is_held = true),
        }
        self.orders.write_all(&order)
    }
}

impl Link {
    fn to(stream: TcpStream, to: SocketAddr) -> IoResult<Self> {
        let ends = [stream, TcpStream::connect_timeout(&to, PATIENCE)?];
        for end in &ends {
            end.set_nonblocking(true)?;
            end.set_nodelay(true)?;
        }
        Ok(Self { ends, pending: [vec![], vec![]], is_held: false })
    }

    /// An end is read when all that came from it is at the other.
    fn awaited(&self) -> impl Iterator<Item = PollFd<'_>> {
        (0..2).map(|side| {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, self.pending[side].is_empty());
            flags.set(PollFlags::OUT, !self.pending[1 - side].is_empty());
            PollFd::new(&self.ends[side], flags)
        })
    }

    /// Forwards what there is, in both directions. An error if the connection has ended.
    fn forward(&mut self) -> IoResult<()> {
        for side in 0..2 {
            let (mut from, mut to) = (&self.ends[side], &self.ends[1 - side]);
            let pending = &mut self.pending[side];
            if pending.is_empty() {
                pending.resize(MAX_PENDING, 0);
                let size = at_once(from.read(pending))?;
                if size == Some(0) {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                pending.truncate(size.unwrap_or(0));
            }
            if !pending.is_empty() {
                let size = at_once(to.write(pending))?.unwrap_or(0);
                pending.drain(..size);
            }
        }
        Ok(())
    }
}

/// What was done, or nothing if it would have to wait.
fn at_once(outcome: IoResult<usize>) -> IoResult<Option<usize>> {
    match outcome {
        Ok(size) => Ok(Some(size)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ends of a connection through a proxy to a server.
    fn pair(server: &TcpListener, proxy: &Proxy) -> (TcpStream, TcpStream) {
        let address = proxy.endpoint().strip_prefix("tcp://").expect("tcp");
        let client = TcpStream::connect(address).expect("the proxy listens");
        let (served, _) = server.accept().expect("the proxy connects");
        for end in [&client, &served] {
            end.set_read_timeout(Some(Duration::from_secs(30))).expect("a watchdog");
        }
        (client, served)
    }

    fn start() -> (TcpListener, Proxy) {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let endpoint = format!("tcp://{}", server.local_addr().expect("bound"));
        (server, Proxy::start(&endpoint).expect("a proxy"))
    }

    fn says(mut from: &TcpStream, mut to: &TcpStream, text: &[u8]) {
        let mut came = vec![0; text.len()];
        thread::scope(|scope| {
            scope.spawn(move || from.write_all(text).expect("sent"));
            to.read_exact(&mut came).expect("it comes");
        });
        assert!(came == text);
    }

    #[test]
    fn it_forwards_both_ways_until_one_side_closes() {
        let (server, proxy) = start();
        let (client, mut served) = pair(&server, &proxy);
        says(&client, &served, b"hello");
        says(&served, &client, &vec![7; 1 << 20]);
        drop(client);
        assert_eq!(served.read(&mut [0]).expect("the end"), 0);
    }

    #[test]
    fn a_reset_is_seen_on_both_sides_and_the_next_connection_is_fine() {
        let (server, mut proxy) = start();
        let (mut client, mut served) = pair(&server, &proxy);
        says(&client, &served, b"hello");
        proxy.reset().expect("done");
        for end in [&mut client, &mut served] {
            assert_eq!(end.read(&mut [0]).expect_err("reset").kind(), ErrorKind::ConnectionReset);
        }
        let (client, served) = pair(&server, &proxy);
        says(&client, &served, b"again");
    }

    #[test]
    fn a_held_connection_is_silent_and_open_and_the_next_one_is_fine() {
        let (server, mut proxy) = start();
        let (mut held, mut kept) = pair(&server, &proxy);
        says(&held, &kept, b"hello");
        proxy.hold().expect("done");
        held.write_all(b"lost").expect("nobody says no");
        let (client, served) = pair(&server, &proxy);
        says(&client, &served, b"again");
        kept.set_nonblocking(true).expect("a socket");
        assert_eq!(kept.read(&mut [0]).expect_err("nothing").kind(), ErrorKind::WouldBlock);
        drop(proxy);
        kept.set_nonblocking(false).expect("a socket");
        assert_eq!(kept.read(&mut [0]).expect("the end"), 0);
    }

    #[test]
    fn it_stays_on_this_machine() {
        for endpoint in ["ipc:///run/x", "tcp://192.0.2.1:80", "tcp://localhost:80"] {
            assert!(Proxy::start(endpoint).is_err(), "{endpoint}");
        }
    }
}
