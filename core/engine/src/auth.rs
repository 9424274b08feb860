//! Who may connect: the context's authenticator.
//!
//! libzmq asks a handler inside the process (ZAP, RFC 27) before it lets a peer in, and lets everybody in when there is
//! none. Here it is the other way round: a PLAIN or CURVE server socket cannot be opened before the context has an
//! authenticator, an authenticator starts by refusing everybody, and if it goes away nobody new gets in.
//!
//! Whoever is let in is known to the server by the `User-Id` of the messages: a PLAIN user's name, or a CURVE client's public
//! key, 40 characters of Z85.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::CString,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use zpatterns_protocol::{Error, ErrorKind, Result};

use crate::{Cancel, Context, Deadline, Message, Socket, SocketKind, SocketOptions, fork::Generation, reactor};

/// Where libzmq looks for the handler of a context.
pub(crate) const ENDPOINT: &str = "inproc://zeromq.zap.01";

/// How long a new authenticator waits for the name of one that has ended.
const PATIENCE: Duration = Duration::from_secs(5);

/// Decides which peers may connect to the server sockets of a context. One per context; dropping it refuses every new
/// connection and leaves those that exist.
#[derive(Debug)]
pub struct Authenticator {
    shared: Arc<Shared>,
    cancel: Cancel,
    generation: Generation,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Decisions so far.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct AuthStats {
    /// Peers let in.
    pub allowed: u64,
    /// Refused: the address is denied, or not among those allowed.
    pub denied_address: u64,
    /// Refused: no such user, or another password.
    pub denied_user: u64,
    /// Refused: the key is not among those allowed.
    pub denied_key: u64,
    /// Refused: the request made no sense.
    pub denied_malformed: u64,
}

impl AuthStats {
    /// The counters by name, in a fixed order, for languages that want a table.
    pub fn fields(&self) -> [(&'static str, u64); 5] {
        [
            ("allowed", self.allowed),
            ("denied_address", self.denied_address),
            ("denied_user", self.denied_user),
            ("denied_key", self.denied_key),
            ("denied_malformed", self.denied_malformed),
        ]
    }
}

#[derive(Default, Debug)]
struct Shared {
    policy: Mutex<Policy>,
    counts: [AtomicU64; 5],
}

#[derive(Default, Debug)]
struct Policy {
    allowed_addresses: BTreeSet<IpAddr>,
    denied_addresses: BTreeSet<IpAddr>,
    users: BTreeMap<String, String>,
    keys: BTreeSet<[u8; 32]>,
    any_key: bool,
}

/// The outcome of one request, with the place where it is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Allowed = 0,
    DeniedAddress = 1,
    DeniedUser = 2,
    DeniedKey = 3,
    Malformed = 4,
}

impl Context {
    /// Starts the authenticator of this context. It refuses everybody until told otherwise.
    /// [`ErrorKind::AddressInUse`] if the context has one.
    pub fn authenticator(&self) -> Result<Authenticator> {
        let (shared, cancel) = (Arc::new(Shared::default()), Cancel::new()?);
        let socket = self.socket(SocketKind::Rep, &SocketOptions::default())?;
        // libzmq frees the name a moment after the last authenticator has ended.
        let patience = Instant::now() + PATIENCE;
        while let Err(error) = socket.bind(ENDPOINT) {
            if self.has_authenticator() || error.kind() != ErrorKind::AddressInUse || Instant::now() > patience {
                return Err(error);
            }
            let _ = cancel.wait(&Deadline::after(Duration::from_millis(1)));
        }
        let thread = reactor::spawn_without_signals("zpatterns-auth", {
            let (shared, deadline) = (Arc::clone(&shared), Deadline::never().or(&cancel));
            let _open = self.note_authenticator();
            move || {
                let _open = _open;
                serve(&shared, &socket, &deadline);
            }
        })?;
        Ok(Authenticator { shared, cancel, generation: self.generation(), thread: Mutex::new(Some(thread)) })
    }
}

impl Authenticator {
    /// Lets peers from this address in, as far as user or key allow. With one address allowed, all others are refused.
    pub fn allow_address(&self, address: &str) -> Result<()> {
        let address = parse_address(address)?;
        self.policy().allowed_addresses.insert(address);
        Ok(())
    }

    /// Refuses peers from this address, whatever else is allowed.
    pub fn deny_address(&self, address: &str) -> Result<()> {
        let address = parse_address(address)?;
        self.policy().denied_addresses.insert(address);
        Ok(())
    }

    /// Lets a PLAIN user with this password in; replaces an earlier password. Both have at most 255 bytes, and no zero byte is in
    /// the name.
    pub fn allow_user(&self, name: &str, password: &str) -> Result<()> {
        if name.len() > 255 || password.len() > 255 {
            return Err(Error::new(ErrorKind::InvalidArgument, "names and passwords have at most 255 bytes"));
        }
        // A server would see what comes before it, which may be the name of somebody else.
        if name.contains('\0') {
            return Err(Error::new(ErrorKind::InvalidArgument, "no zero byte is in a name"));
        }
        self.policy().users.insert(name.to_owned(), password.to_owned());
        Ok(())
    }

    /// Refuses this user from now on; connections that exist stay.
    pub fn remove_user(&self, name: &str) {
        self.policy().users.remove(name);
    }

    /// Lets the CURVE client with this public key in: 40 characters of Z85.
    pub fn allow_key(&self, public_key: &str) -> Result<()> {
        let key = decode_key(public_key)?;
        self.policy().keys.insert(key);
        Ok(())
    }

    /// Refuses this key from now on; connections that exist stay.
    pub fn remove_key(&self, public_key: &str) -> Result<()> {
        let key = decode_key(public_key)?;
        self.policy().keys.remove(&key);
        Ok(())
    }

    /// Lets every CURVE client in: encryption without authentication.
    pub fn allow_any_key(&self) {
        self.policy().any_key = true;
    }

    /// Decisions so far.
    pub fn stats(&self) -> AuthStats {
        let [allowed, denied_address, denied_user, denied_key, denied_malformed] =
            [0, 1, 2, 3, 4].map(|index: usize| self.shared.counts[index].load(Ordering::Relaxed));
        AuthStats { allowed, denied_address, denied_user, denied_key, denied_malformed }
    }

    fn policy(&self) -> MutexGuard<'_, Policy> {
        self.shared.policy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops. From now on nobody new gets into a server socket of the context.
    pub fn close(&self) {
        if !self.generation.is_current() {
            return; // The child of a fork: the thread is the parent's.
        }
        self.cancel.cancel();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Drop for Authenticator {
    fn drop(&mut self) {
        self.close();
    }
}

fn serve(shared: &Shared, socket: &Socket, deadline: &Deadline) {
    loop {
        let request = match socket.recv(deadline) {
            Ok(request) => request,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        let (verdict, user) = shared.policy.lock().unwrap_or_else(PoisonError::into_inner).judge(&request);
        shared.counts[verdict as usize].fetch_add(1, Ordering::Relaxed);
        let (status, text): (&[u8], &[u8]) = match verdict {
            Verdict::Allowed => (b"200", b"OK"),
            Verdict::Malformed => (b"500", b"malformed request"),
            _ => (b"400", b"not authorized"),
        };
        let id = request.frames().get(1).map_or(&[][..], |id| id);
        if socket.send_multipart(&[b"1.0", id, status, text, user.as_bytes(), b""], deadline).is_err() {
            return;
        }
    }
}

impl Policy {
    /// Version, request id, domain, address, routing id, mechanism, credentials.
    fn judge(&self, request: &Message) -> (Verdict, String) {
        let refused = |verdict| (verdict, String::new());
        let [version, _id, _domain, address, _routing_id, mechanism, credentials @ ..] = request.frames() else {
            return refused(Verdict::Malformed);
        };
        if &**version != b"1.0" {
            return refused(Verdict::Malformed);
        }
        // Empty for ipc and inproc, which have no address to allow or deny.
        if let Ok(address) = String::from_utf8_lossy(address).parse::<IpAddr>() {
            let address = address.to_canonical();
            let listed = self.allowed_addresses.is_empty() || self.allowed_addresses.contains(&address);
            if self.denied_addresses.contains(&address) || !listed {
                return refused(Verdict::DeniedAddress);
            }
        }
        match (&**mechanism, credentials) {
            (b"NULL", []) => (Verdict::Allowed, String::new()),
            (b"PLAIN", [name, password]) => {
                let name = String::from_utf8_lossy(name).into_owned();
                match self.users.get(&name) {
                    Some(known) if same_bytes(known.as_bytes(), password) => (Verdict::Allowed, name),
                    _ => refused(Verdict::DeniedUser),
                }
            }
            (b"CURVE", [key]) => match <[u8; 32]>::try_from(&**key) {
                Ok(key) if self.any_key || self.keys.contains(&key) => (Verdict::Allowed, encode_key(&key)),
                Ok(_) => refused(Verdict::DeniedKey),
                Err(_) => refused(Verdict::Malformed),
            },
            _ => refused(Verdict::Malformed),
        }
    }
}

/// Compares in a time that does not tell where the first difference is.
fn same_bytes(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

fn parse_address(text: &str) -> Result<IpAddr> {
    text.parse::<IpAddr>().map(|address| address.to_canonical()).map_err(|_| {
        Error::new(ErrorKind::InvalidArgument, "an address is an IPv4 or IPv6 address").with("address", text)
    })
}

fn decode_key(text: &str) -> Result<[u8; 32]> {
    let malformed = || Error::new(ErrorKind::InvalidArgument, "a public key has 40 characters of Z85");
    let mut key = [0; 32];
    let given = CString::new(text).map_err(|_| malformed())?;
    if text.len() != 40 {
        return Err(malformed());
    }
    // SAFETY: 40 characters decode to the 32 bytes that the buffer holds.
    let decoded = unsafe { libzmq::zmq_z85_decode(key.as_mut_ptr(), given.as_ptr()) };
    if decoded.is_null() { Err(malformed()) } else { Ok(key) }
}

fn encode_key(key: &[u8; 32]) -> String {
    let mut text = [0_u8; 41];
    // SAFETY: 32 bytes encode to 40 characters and a zero, which the buffer holds.
    unsafe { libzmq::zmq_z85_encode(text.as_mut_ptr().cast(), key.as_ptr(), key.len()) };
    String::from_utf8_lossy(&text[..40]).into_owned()
}
