//! A shell command that does a job.

use std::{
    io::{self, Read, Write},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, PoisonError},
    thread,
};

use zpatterns::{Cancel, ErrorKind};

/// The codes of commands that a shell cannot run, and of those that a signal ended, less its number: as shells have them.
pub(crate) const CANNOT_RUN: u32 = 126;
pub(crate) const SIGNALLED: u32 = 128;

/// Runs a command with these variables and this input; its status, output and errors. It is killed when `unwanted` returns with
/// success or a timeout: that waits, until it is cancelled, for a time when nobody wants the job any more.
pub(crate) fn run(
    command: &str,
    names: &[(&str, String)],
    input: &[u8],
    unwanted: impl FnOnce(&Cancel) -> zpatterns::Result<()> + Send,
) -> io::Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
    let mut child = Command::new("sh")
        .args(["-c", command])
        .envs(names.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (pipe, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let child = Mutex::new(child);
    let lock = || child.lock().unwrap_or_else(PoisonError::into_inner);
    let done = Cancel::new().map_err(io::Error::other)?;
    thread::scope(|scope| {
        // A command that does not read its input is none of our business.
        scope.spawn(|| pipe.map(|mut pipe| pipe.write_all(input)));
        let errors = scope.spawn(|| read(errors));
        scope.spawn(|| {
            let waited = unwanted(&done);
            if waited.is_ok() || waited.is_err_and(|error| error.kind() == ErrorKind::Timeout) {
                // It may have ended by itself meanwhile.
                let _ = lock().kill();
            }
        });
        let output = read(output);
        let errors = errors.join().unwrap_or_else(|_| Ok(Vec::new()));
        let status = Child::wait(&mut lock());
        done.cancel();
        Ok((status?, output?, errors?))
    })
}

fn read(pipe: Option<impl Read>) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    pipe.map_or(Ok(0), |mut pipe| pipe.read_to_end(&mut all)).map(|_| all)
}
