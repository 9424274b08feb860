//! The conformance peer in Rust: does what it reads, one command per line; the line protocol is in `../README.md`.
//!
//! With `--async` every socket is a background one, and receiving and sending are futures under a small `block_on`;
//! what has no future is the blocking call on the background socket. Commands of a pattern are in a module of its name.

mod bus;
mod pubsub;
mod reqrep;
mod zqueue;

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Write},
    pin::pin,
    sync::Arc,
    task::{self, Poll},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use bus::Buses;
use pubsub::Market;
use reqrep::Reqrep;
use zpatterns::{
    Authenticator, Batch, Cancel, Context, CurveKeys, Deadline, Error, ErrorKind, Monitor, OptionValue, Result, Socket,
    SocketKind, SocketOptions, reqrep::Frames,
};
use zqueue::Yard;

/// Limits how much one `recv-many` takes.
const MAX_BYTES: usize = 16 * 1024 * 1024;

pub(crate) type Run = fn(&mut Peer, &mut Words<'_>) -> Result<String>;

const COMMANDS: &[(&str, Run)] = &[
    ("open", Peer::open),
    ("bind", |peer, words| peer.socket(words)?.bind(words.next()?)),
    ("connect", |peer, words| done(peer.socket(words)?.connect(words.next()?))),
    ("unbind", |peer, words| done(peer.socket(words)?.unbind(words.next()?))),
    ("disconnect", |peer, words| done(peer.socket(words)?.disconnect(words.next()?))),
    ("subscribe", |peer, words| done(peer.socket(words)?.subscribe(&unhex(words.next()?)?))),
    ("unsubscribe", |peer, words| done(peer.socket(words)?.unsubscribe(&unhex(words.next()?)?))),
    ("send", Peer::send),
    ("send-many", Peer::send_many),
    ("recv", Peer::recv),
    ("recv-single", |peer, words| Ok(hex(&peer.socket(words)?.recv_single(&words.deadline()?)?))),
    ("recv-text", |peer, words| Ok(hex(peer.socket(words)?.recv_text(&words.deadline()?)?.as_bytes()))),
    ("recv-many", Peer::recv_many),
    ("cancel-recv", Peer::cancel_recv),
    ("stats", |peer, words| {
        let stats = peer.socket(words)?.stats();
        Ok(stats.fields().map(|(name, value)| format!("{name}={value}")).join(" "))
    }),
    ("close", |peer, words| {
        let socket = peer.socket(words)?;
        socket.close(u64::try_from(words.number()?).ok().map(Duration::from_millis));
        done(Ok(()))
    }),
    ("monitor", |peer, words| {
        let name = words.next()?;
        let socket = peer.sockets.get(name).ok_or_else(|| invalid("no socket has this name"))?;
        peer.monitors.insert(name.to_owned(), socket.monitor()?);
        done(Ok(()))
    }),
    ("event", |peer, words| {
        let monitor = peer.monitors.get(words.next()?).ok_or_else(|| invalid("there is no such monitor"))?;
        let event = monitor.next(&words.deadline()?)?;
        Ok(format!("kind={} endpoint={} value={}", event.kind, event.endpoint, event.value))
    }),
    ("authenticator", |peer, _| {
        peer.authenticator = Some(peer.context.authenticator()?);
        done(Ok(()))
    }),
    ("allow-key", |peer, words| {
        let authenticator = peer.authenticator.as_ref().ok_or_else(|| invalid("there is no authenticator"))?;
        done(authenticator.allow_key(words.next()?))
    }),
    ("keys", |_, _| CurveKeys::generate().map(|keys| format!("public={} secret={}", keys.public, keys.secret))),
    ("info", Peer::info),
    ("reset", Peer::reset),
];

fn commands() -> impl Iterator<Item = &'static (&'static str, Run)> {
    [COMMANDS, reqrep::COMMANDS, bus::COMMANDS, pubsub::COMMANDS, zqueue::COMMANDS].into_iter().flatten()
}

pub(crate) struct Peer {
    context: Context,
    asynchronous: bool,
    reqrep: Reqrep,
    buses: Buses,
    market: Market,
    yard: Yard,
    sockets: BTreeMap<String, Socket>,
    monitors: BTreeMap<String, Monitor>,
    authenticator: Option<Authenticator>,
}

impl Peer {
    fn open(&mut self, words: &mut Words<'_>) -> Result<String> {
        let (name, kind) = (words.next()?, words.next()?);
        let kind = SocketKind::from_name(kind).ok_or_else(|| invalid("no socket type has this name"))?;
        let mut options = SocketOptions { background: self.asynchronous, ..SocketOptions::default() };
        for (option, value) in words.options()? {
            options.set(option, value)?;
        }
        self.sockets.insert(name.to_owned(), self.context.socket(kind, &options)?);
        done(Ok(()))
    }

    fn send(&mut self, words: &mut Words<'_>) -> Result<String> {
        let (socket, timeout) = (self.socket(words)?, words.number()?);
        let frames = words.0.iter().map(|word| unhex(word)).collect::<Result<Vec<_>>>()?;
        if self.asynchronous && timeout != 0 {
            return done(block_on(socket.send_async(frames), timeout));
        }
        let slices: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        done(socket.send_multipart(&slices, &deadline(timeout)))
    }

    fn send_many(&mut self, words: &mut Words<'_>) -> Result<String> {
        let (socket, deadline) = (self.socket(words)?, words.deadline()?);
        let mut batch = Batch::new();
        for message in &words.0 {
            for frame in message.split(',') {
                batch.push_frame(&unhex(frame)?)?;
            }
            batch.end_message();
        }
        socket.send_many(&mut batch, 0, &deadline).map(|sent| sent.to_string())
    }

    fn recv(&mut self, words: &mut Words<'_>) -> Result<String> {
        let (socket, timeout) = (self.socket(words)?, words.number()?);
        let message = match self.asynchronous {
            true => block_on(socket.recv_async(), timeout)?,
            false => socket.recv(&deadline(timeout))?,
        };
        Ok(message.iter().map(|frame| hex(frame)).collect::<Vec<_>>().join(" "))
    }

    fn recv_many(&mut self, words: &mut Words<'_>) -> Result<String> {
        let (socket, deadline, max) = (self.socket(words)?, words.deadline()?, words.number()?);
        let max = usize::try_from(max).map_err(|_| invalid("a maximum is not negative"))?;
        let batch = socket.recv_many(max, MAX_BYTES, &deadline)?;
        let message = |index| batch.frames(index).map(hex).collect::<Vec<_>>().join(",");
        Ok((0..batch.len()).map(message).collect::<Vec<_>>().join(" "))
    }

    fn cancel_recv(&mut self, words: &mut Words<'_>) -> Result<String> {
        let (socket, cancel) = (self.socket(words)?, Cancel::new()?);
        thread::scope(|scope| {
            scope.spawn(|| cancel.cancel());
            socket.recv(&Deadline::never().or(&cancel)).map(|message| hex(message.payload()))
        })
    }

    fn info(&mut self, _words: &mut Words<'_>) -> Result<String> {
        let info = zpatterns::info()?;
        let mut can: Vec<&str> = commands().map(|(name, _)| *name).collect();
        can.extend(["quit", "cancel-verdict", "try-send", "named-options", "closed-handle", "multipart-batches"]);
        can.push("withdrawn-verdict");
        can.extend((!self.asynchronous).then_some("direct"));
        let (curve, transports) = (info.curve, info.transports.join(","));
        Ok(format!(
            "zpatterns={} libzmq={} curve={curve} transports={transports} can={}",
            info.version,
            info.libzmq,
            can.join(",")
        ))
    }

    fn reset(&mut self, _words: &mut Words<'_>) -> Result<String> {
        for socket in std::mem::take(&mut self.sockets).values() {
            socket.close(Some(Duration::ZERO));
        }
        self.monitors.clear();
        self.authenticator = None;
        self.reqrep.reset();
        self.market.reset();
        self.yard.reset();
        std::mem::take(&mut self.buses).values().for_each(|bus| bus.close(Duration::ZERO));
        done(Ok(()))
    }

    fn socket(&self, words: &mut Words<'_>) -> Result<Socket> {
        self.sockets.get(words.next()?).cloned().ok_or_else(|| invalid("no socket has this name"))
    }
}

/// The rest of a line.
pub(crate) struct Words<'a>(std::collections::VecDeque<&'a str>);

impl<'a> Words<'a> {
    fn next(&mut self) -> Result<&'a str> {
        self.0.pop_front().ok_or_else(|| invalid("a word is missing"))
    }

    fn number(&mut self) -> Result<i64> {
        self.next()?.parse().map_err(|_| invalid("a number is needed"))
    }

    fn deadline(&mut self) -> Result<Deadline> {
        self.number().map(deadline)
    }

    fn millis(&mut self) -> Result<Duration> {
        let millis = u64::try_from(self.number()?).map_err(|_| invalid("a time is not negative"))?;
        Ok(Duration::from_millis(millis))
    }

    /// When the milliseconds that are next are over.
    fn end(&mut self) -> Result<Instant> {
        Ok(Instant::now() + self.millis()?)
    }

    fn bytes(&mut self) -> Result<Vec<u8>> {
        unhex(self.next()?)
    }

    fn text(&mut self) -> Result<String> {
        String::from_utf8(self.bytes()?).map_err(|_| invalid("text is needed"))
    }

    /// The words `name=value` that are next.
    fn options(&mut self) -> Result<Vec<(&'a str, OptionValue)>> {
        let mut options = Vec::new();
        while let Some((name, text)) = self.0.front().and_then(|word| word.split_once('=')) {
            options.push((name, value(text)?));
            self.0.pop_front();
        }
        Ok(options)
    }

    /// All words that are left.
    fn frames(&mut self) -> Result<Frames> {
        self.0.drain(..).map(|word| unhex(word).map(Into::into)).collect()
    }
}

fn deadline(timeout: i64) -> Deadline {
    u64::try_from(timeout).map_or(Deadline::never(), |millis| Deadline::after(Duration::from_millis(millis)))
}

pub(crate) fn until(end: Instant) -> Deadline {
    Deadline::after(end.saturating_duration_since(Instant::now()))
}

pub(crate) fn done(outcome: Result<()>) -> Result<String> {
    outcome.map(|()| String::new())
}

pub(crate) fn invalid(text: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, text)
}

/// `true`, `5` or `hex:00ff`.
fn value(text: &str) -> Result<OptionValue> {
    if let Some(digits) = text.strip_prefix("hex:") {
        return unhex(digits).map(OptionValue::Bytes);
    }
    text.parse().map(OptionValue::Bool).or_else(|_| {
        text.parse().map(OptionValue::Int).map_err(|_| invalid("a value is a number, true, false or hex:"))
    })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    match bytes {
        [] => "-".into(),
        bytes => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn unhex(word: &str) -> Result<Vec<u8>> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap_or_default(), 16);
    match word {
        "-" => Ok(vec![]),
        word => word.as_bytes().chunks(2).map(byte).collect::<std::result::Result<_, _>>().map_err(|_| invalid("hex")),
    }
}

/// Polls a future on this thread until it is ready or the time, in milliseconds, is over.
fn block_on<T>(future: impl Future<Output = Result<T>>, timeout: i64) -> Result<T> {
    struct Unpark(Thread);
    impl task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let end = u64::try_from(timeout).ok().map(|millis| Instant::now() + Duration::from_millis(millis));
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(outcome) = future.as_mut().poll(&mut task::Context::from_waker(&waker)) {
            return outcome;
        }
        match end.map(|end| end.saturating_duration_since(Instant::now())) {
            None => thread::park(),
            Some(Duration::ZERO) => return Err(Error::new(ErrorKind::Timeout, "the future is not ready")),
            Some(left) => thread::park_timeout(left),
        }
    }
}

fn main() -> io::Result<()> {
    let asynchronous = std::env::args().any(|word| word == "--async");
    let mut peer = Peer {
        context: Context::new().expect("a new process has room for a context"),
        asynchronous,
        reqrep: Reqrep::new(asynchronous),
        buses: Buses::new(),
        market: Market::default(),
        yard: Yard::default(),
        sockets: BTreeMap::new(),
        monitors: BTreeMap::new(),
        authenticator: None,
    };
    let mut out = io::stdout();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let mut words = Words(line.split_whitespace().collect());
        let name = words.next().unwrap_or_default();
        if name == "quit" {
            break;
        }
        let outcome = match commands().find(|(command, _)| *command == name) {
            Some((_, run)) => run(&mut peer, &mut words),
            None => Err(Error::new(ErrorKind::Unsupported, "there is no such command")),
        };
        match outcome {
            Ok(words) => writeln!(out, "ok {words}")?,
            Err(error) => writeln!(out, "error {}", error.kind())?,
        }
        out.flush()?;
    }
    writeln!(out, "ok")
}
