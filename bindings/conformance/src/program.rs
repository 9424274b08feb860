//! The program `zpat` as the package of a language brings it, for as long as a scenario needs it.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
};

use anyhow::{Context, Result, bail};

use crate::process::WATCHDOG;

/// A child process that is killed, with -9, when it is dropped.
pub(crate) struct Program(Child);

impl Program {
    /// Starts `zpat`, and waits until it says where it is bound: the second value.
    pub(crate) fn start(zpat: &[String], arguments: &[&str]) -> Result<(Self, String)> {
        let (file, words) = zpat.split_first().context("the peer does not say how `zpat` is started")?;
        let mut child = Command::new(file)
            .args(words)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {file}"))?;
        let stderr = child.stderr.take().expect("the pipe was asked for");
        let program = Self(child);
        let (said, lines) = channel();
        // It reads to the end, so that the program never waits for a reader.
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = said.send(line);
            }
        });
        match lines.recv_timeout(WATCHDOG) {
            Ok(line) => match line.strip_prefix("bound to ") {
                Some(endpoint) => Ok((program, endpoint.to_owned())),
                None => bail!("zpat says `{line}`, not where it is bound"),
            },
            Err(RecvTimeoutError::Timeout) => bail!("zpat says nothing in {} s", WATCHDOG.as_secs()),
            Err(RecvTimeoutError::Disconnected) => bail!("zpat ended and said nothing"),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
