//! Runs other programs: every line they print is seen at once, and none of them can hang the quickstart.
//!
//! A [`Call`] says what to run. [`Running`] is a started call: its lines arrive over a channel, and a watchdog kills
//! it when its time is over, also when it neither prints nor ends. [`Log`] keeps all output of a step in a file.

mod log;

use std::{
    ffi::{OsStr, OsString},
    fmt,
    io::{BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

pub use log::Log;

/// A program, its arguments, and where and how it runs.
#[derive(Clone, Debug)]
pub struct Call {
    program: PathBuf,
    args: Vec<OsString>,
    dir: Option<PathBuf>,
    env: Vec<(OsString, OsString)>,
}

impl Call {
    /// A call of `program`, found on the PATH if it is only a name.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), args: Vec::new(), dir: None, env: Vec::new() }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_os_string());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_os_string()));
        self
    }

    /// Runs in `dir` instead of where this program runs.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_os_string(), value.as_ref().to_os_string()));
        self
    }

    /// The same, started by `outer`, whose last arguments are the program and its arguments.
    #[must_use]
    pub fn through(self, outer: Self) -> Self {
        let Self { program, args, dir, env } = outer.arg(&self.program).args(self.args);
        Self { program, args, dir: self.dir.or(dir), env: env.into_iter().chain(self.env).collect() }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        command
    }
}

/// What a person would type.
impl fmt::Display for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.program.display())?;
        for arg in &self.args {
            let arg = arg.to_string_lossy();
            if arg.is_empty() || arg.contains(|c: char| c.is_whitespace() || "\"'$&|;()<>*".contains(c)) {
                write!(out, " '{}'", arg.replace('\'', "'\\''"))?;
            } else {
                write!(out, " {arg}")?;
            }
        }
        Ok(())
    }
}

/// One line of a running program, without its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Line {
    /// Printed on the standard output.
    Out(String),
    /// Printed on the standard error output.
    Err(String),
}

/// All that a program printed, and how it ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Lines of the standard output.
    pub stdout: Vec<String>,
    /// Lines of the standard error output.
    pub stderr: Vec<String>,
    /// The exit code; `None` if a signal ended the program.
    pub code: Option<i32>,
}

impl Finished {
    /// Whether the program ended with exit code 0.
    pub fn succeeded(&self) -> bool {
        self.code == Some(0)
    }

    /// How it ended and the last line it complained with, for a one-line message.
    pub fn complaint(&self) -> String {
        let how = self.code.map_or_else(|| "ended by a signal".into(), |code| format!("exit code {code}"));
        match self.stderr.iter().rev().find(|line| !line.trim().is_empty()) {
            Some(line) => format!("{how}: {}", line.trim()),
            None => how,
        }
    }
}

/// A started program. Dropping it kills the program, so an early return leaves nothing behind.
#[derive(Debug)]
pub struct Running {
    what: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Line>,
    stdout: Vec<String>,
    stderr: Vec<String>,
    watchdog: Duration,
    deadline: Instant,
}

impl Running {
    /// Starts `call`, which must end within `watchdog`.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(call: &Call, watchdog: Duration) -> Result<Self> {
        Self::start_with(call, watchdog, Stdio::null())
    }

    /// Starts `call`, which is told things and must end within `watchdog`.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start_to_tell(call: &Call, watchdog: Duration) -> Result<Self> {
        Self::start_with(call, watchdog, Stdio::piped())
    }

    fn start_with(call: &Call, watchdog: Duration, stdin: Stdio) -> Result<Self> {
        let mut child = call
            .command()
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {call}"))?;
        let (sender, lines) = sync_channel(1024);
        read_lines(child.stdout.take().expect("stdout is piped"), sender.clone(), Line::Out);
        read_lines(child.stderr.take().expect("stderr is piped"), sender, Line::Err);
        let deadline = Instant::now() + watchdog;
        let (what, stdin) = (call.to_string(), child.stdin.take());
        Ok(Self { what, child, stdin, lines, stdout: Vec::new(), stderr: Vec::new(), watchdog, deadline })
    }

    /// The number by which the system knows the program.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Gives a line to a program that was started to be told things.
    ///
    /// # Errors
    /// When it does not listen any more.
    pub fn tell(&mut self, line: &str) -> Result<()> {
        let stdin = self.stdin.as_mut().context("nobody meant to tell it anything")?;
        writeln!(stdin, "{line}").with_context(|| format!("{} does not listen", self.what))
    }

    /// The next line, or `None` when the program has closed its output.
    ///
    /// # Errors
    /// When the watchdog's time is over; the program is killed then.
    pub fn next_line(&mut self) -> Result<Option<Line>> {
        match self.lines.recv_timeout(self.deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                match &line {
                    Line::Out(text) => self.stdout.push(text.clone()),
                    Line::Err(text) => self.stderr.push(text.clone()),
                }
                Ok(Some(line))
            }
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => self.overdue(),
        }
    }

    /// The rest of the first line of standard output that starts with `prefix`.
    ///
    /// # Errors
    /// When the program ends without such a line, or the watchdog's time is over.
    pub fn announced(&mut self, prefix: &str) -> Result<String> {
        while let Some(line) = self.next_line()? {
            if let Line::Out(text) = line
                && let Some(rest) = text.strip_prefix(prefix)
            {
                return Ok(rest.trim().to_owned());
            }
        }
        let complaint = self.stderr.last().map_or("and said nothing", String::as_str);
        bail!("{} ended before it printed '{}': {complaint}", self.what, prefix.trim())
    }

    /// Kills the program, if it has not ended by itself.
    pub fn kill(&mut self) {
        // Fails only when it has.
        let _ = self.child.kill();
    }

    /// Waits for the end; there is nothing more to be told.
    ///
    /// # Errors
    /// When the watchdog's time is over; the program is killed then.
    pub fn finish(mut self) -> Result<Finished> {
        drop(self.stdin.take());
        while self.next_line()?.is_some() {}
        loop {
            if let Some(status) = self.child.try_wait().context("cannot wait for a program")? {
                let (stdout, stderr) = (std::mem::take(&mut self.stdout), std::mem::take(&mut self.stderr));
                return Ok(Finished { stdout, stderr, code: status.code() });
            }
            if Instant::now() >= self.deadline {
                return self.overdue();
            }
            // The output is closed, so the end is near: nothing tells of it but asking.
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn overdue<T>(&mut self) -> Result<T> {
        self.end();
        bail!("{} did not end within {} s and was killed", self.what, self.watchdog.as_secs())
    }

    fn end(&mut self) {
        self.kill();
        // Fails only when somebody has waited for it.
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// Hands on every line of `source` until it ends or nobody listens any more.
fn read_lines(source: impl Read + Send + 'static, sender: SyncSender<Line>, line: fn(String) -> Line) {
    thread::spawn(move || {
        let mut reader = BufReader::new(source);
        let mut bytes = Vec::new();
        while matches!(reader.read_until(b'\n', &mut bytes), Ok(1..)) {
            let text = String::from_utf8_lossy(&bytes);
            if sender.send(line(text.trim_end_matches(['\n', '\r']).to_owned())).is_err() {
                return;
            }
            bytes.clear();
        }
    });
}

/// Runs `call` to its end without a log, for short questions.
///
/// # Errors
/// When it cannot be started or does not end within `watchdog`.
pub fn ask(call: &Call, watchdog: Duration) -> Result<Finished> {
    Running::start(call, watchdog)?.finish()
}

#[cfg(all(test, unix))]
mod tests;
