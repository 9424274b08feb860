//! A peer that runs: lines in, lines out, and never a wait without an end.

use std::{
    collections::BTreeSet,
    fmt,
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    Peer,
    answer::{Answer, Data, unhex},
    command::Form,
};

/// What a peer may take beyond the time that its command allows it.
pub(crate) const WATCHDOG: Duration = Duration::from_secs(30);

/// What is kept of a peer's standard error.
const MAX_ERRORS: usize = 8 * 1024;

/// A child process that is killed when it is dropped.
pub(crate) struct Process {
    peer: Peer,
    child: Child,
    lines: Sender<String>,
    answers: Receiver<String>,
    errors: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
    /// The commands and abilities that it names.
    pub(crate) can: BTreeSet<String>,
    /// How its package starts the program `zpat`, if it brings it.
    pub(crate) zpat: Vec<String>,
}

impl Process {
    /// Starts a peer and asks what it can do.
    pub(crate) fn start(peer: &Peer) -> Result<Self> {
        let (program, arguments) = peer.command.split_first().context("a peer needs a command")?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {peer}: {program}"))?;
        let piped = "the pipe was asked for";
        let (mut input, output) = (child.stdin.take().expect(piped), child.stdout.take().expect(piped));
        let stderr = child.stderr.take().expect(piped);
        let (lines, to_write) = channel::<String>();
        thread::spawn(move || {
            for line in to_write {
                if input.write_all(line.as_bytes()).and_then(|()| input.flush()).is_err() {
                    return;
                }
            }
        });
        let (answered, answers) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if answered.send(line).is_err() {
                    return;
                }
            }
        });
        let errors = Arc::default();
        let reader = thread::spawn({
            let errors = Arc::clone(&errors);
            move || keep(stderr, &errors)
        });
        let (peer, can, zpat) = (peer.clone(), BTreeSet::new(), vec![]);
        let mut process = Self { peer, child, lines, answers, errors, reader, can, zpat };
        process.send("info")?;
        match process.answer(Form::Fields, WATCHDOG)? {
            Answer::Ok(Data::Fields(fields)) => {
                let list = |name| fields.get(name).into_iter().flat_map(|list| list.split(','));
                process.can = list("can").map(str::to_owned).collect();
                let word = |word| Ok(String::from_utf8(unhex(word)?)?);
                process.zpat = list("zpat").map(word).collect::<Result<_>>()?;
                Ok(process)
            }
            other => bail!("{} answers info with {other}", process.peer),
        }
    }

    /// Kills it with -9, and starts another in its place, in which nothing is open.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        *self = Self::start(&self.peer.clone())?;
        Ok(())
    }

    /// Sends it a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) -> Result<()> {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().context("kill")?;
        ensure!(sent.success(), "kill -s {name} gives {sent}");
        Ok(())
    }

    pub(crate) fn send(&self, line: &str) -> Result<()> {
        self.lines.send(format!("{line}\n")).ok().with_context(|| self.gone("it reads no longer"))
    }

    /// The next answer; an error if there is none `within` this time.
    pub(crate) fn answer(&mut self, form: Form, within: Duration) -> Result<Answer> {
        match self.answers.recv_timeout(within) {
            Ok(line) => Answer::parse(&line, form),
            Err(RecvTimeoutError::Timeout) => bail!(self.gone(&format!("no answer in {} s", within.as_secs()))),
            Err(RecvTimeoutError::Disconnected) => {
                // What it wrote last may still be on its way.
                let end = Instant::now() + Duration::from_secs(1);
                while !self.reader.is_finished() && Instant::now() < end {
                    thread::sleep(Duration::from_millis(2));
                }
                bail!(self.gone("it ended without an answer"))
            }
        }
    }

    /// Asks it to end and waits until it has.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.send("quit")?;
        self.answer(Form::Nothing, WATCHDOG)?;
        let end = Instant::now() + WATCHDOG;
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!(self.gone(&format!("it ended with {status}"))),
                None if Instant::now() > end => bail!(self.gone("it does not end")),
                None => thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    fn gone(&self, what: &str) -> Gone {
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        Gone { what: what.to_owned(), stderr: String::from_utf8_lossy(&errors).trim().to_owned() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A peer that does not answer, with the last that it wrote.
#[derive(Debug)]
struct Gone {
    what: String,
    stderr: String,
}

impl fmt::Display for Gone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.what)?;
        self.stderr.lines().try_for_each(|line| write!(out, "\n      stderr: {line}"))
    }
}

impl std::error::Error for Gone {}

/// Reads to the end and keeps the last of it.
fn keep(mut stderr: impl Read, kept: &Mutex<Vec<u8>>) {
    let mut part = [0; 1024];
    while let Ok(size @ 1..) = stderr.read(&mut part) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&part[..size]);
        let excess = kept.len().saturating_sub(MAX_ERRORS);
        kept.drain(..excess);
    }
}
